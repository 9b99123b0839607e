//! Links and codes that are sent by email: purposes, lifetimes, and when one is valid.
//!
//! A link is a row of `csgn_one_time_links` and a token, which is derived from the id of the row
//! with the server secret, like a refresh token. The code is derived in the same way. The database
//! therefore contains neither, and an email can be written again for each attempt to send it.
//!
//! A link is valid from the time of sending, once, and for one purpose. A newer link to reset the
//! password supersedes older ones, and a changed password ends them. A reset and a disabled account
//! end all links of the account, except those of a previous address that take the account back.
//! Revoking sessions ends none: an attacker with the password could otherwise keep the owner from
//! recovering the account. `WriteTransaction::link_use` uses a link, in the transaction that does
//! what the link is for; opening it changes nothing.
//!
//! The emails are not here but in [`crate::mail`], and what a link does is in the feature that uses
//! it. (ASVS 5.0 6.4.1, 6.4.3, 6.5.1, 6.5.3, 6.5.4, 6.5.5, 6.6.2, 6.6.3.)

mod operations;
pub(crate) mod store;
mod token;

pub use operations::ValidLink;
pub use token::LinkToken;

use countersign_types::{SessionId, TimeSpan, UserId, views::DELETION_GRACE_PERIOD};

/// Maximum number of attempts to enter a code, by all clients together.
pub(crate) const MAX_CODE_ATTEMPTS: i64 = 5;
/// How long the previous address of an account can be restored, from the change.
pub(crate) const ADDRESS_RESERVATION: TimeSpan = TimeSpan::days(7);
/// How long an invitation is valid.
const INVITATION_TTL: TimeSpan = TimeSpan::days(7);
/// How long a code is valid, from the time of sending (ASVS 5.0 6.5.5).
pub(crate) const CODE_TTL: TimeSpan = TimeSpan::minutes(10);

macro_rules! link_purposes {
    ($($(#[$doc:meta])* $purpose:ident = $name:literal $byte:literal $ttl:expr;)*) => {
        /// The purpose of a link.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LinkPurpose {$($(#[$doc])* $purpose),*}

        impl LinkPurpose {
            /// All purposes.
            pub const ALL: &[Self] = &[$(Self::$purpose),*];

            /// The name in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$purpose => $name),*}
            }

            /// The first byte of the token.
            const fn byte(self) -> u8 {
                match self {$(Self::$purpose => $byte),*}
            }

            /// How long the link is valid, from the time of sending.
            #[must_use]
            pub const fn ttl(self) -> TimeSpan {
                match self {$(Self::$purpose => $ttl),*}
            }
        }
    };
}

link_purposes! {
    /// Set a new password.
    ResetPassword = "reset_password" 1 TimeSpan::minutes(30);
    /// "This wasn't me": end a session and reset the password. It can cancel a deletion as long as
    /// the deletion can be cancelled.
    SecureAccount = "secure_account" 2 DELETION_GRACE_PERIOD;
    /// Prove that the user reads the address of a sign-up, which creates the account. Separate from
    /// the next one, so that a sign-up by another person ends no link of an account.
    SignUp = "sign_up" 7 TimeSpan::days(1);
    /// Prove that the user reads the address of an account.
    VerifyEmail = "verify_email" 3 TimeSpan::days(1);
    /// Change the address of an account to the one that the link is sent to.
    ChangeEmail = "change_email" 4 TimeSpan::days(1);
    /// "Take it back": as [`LinkPurpose::SecureAccount`], and restore the address that the link is
    /// sent to. As long as it works, no other account can have that address.
    RestoreEmail = "restore_email" 5 ADDRESS_RESERVATION;
    /// Sign up as the first administrator. It is printed at the start of the server, not sent.
    SetUp = "set_up" 6 TimeSpan::minutes(60);
    /// Sign up with the address that the link is sent to, which it verifies.
    Invitation = "invitation" 8 INVITATION_TTL;
    /// Sign up with the address of an invitation, by the link for the administrator. It verifies
    /// nothing. It has no row of its own: it uses that of [`LinkPurpose::Invitation`], so that one
    /// of the two can be used.
    SharedInvitation = "shared_invitation" 9 INVITATION_TTL;
}

/// The account of a link.
#[derive(Clone, Copy)]
pub(crate) struct LinkOwner<'a> {
    pub(crate) user: UserId,
    /// The address that the link is sent to.
    pub(crate) email: &'a str,
    /// The session that [`LinkPurpose::SecureAccount`] and [`LinkPurpose::RestoreEmail`] end.
    pub(crate) session: Option<SessionId>,
}
