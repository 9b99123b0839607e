//! Links and codes that are sent by email: purposes, lifetimes, and when one is valid.
//!
//! A link is a row of `csgn_one_time_links` and a token, which is derived from the id of the row
//! with the server secret, like a refresh token. The code is derived in the same way. The database
//! therefore contains neither, and an email can be written again for each attempt to send it.
//!
//! A link is valid from the time of sending, once, for one purpose, and as long as the epoch of the
//! account is unchanged: a new password, address or role ends all links of the account. A newer
//! link for the same purpose and address supersedes it. Only [`WriteTransaction::link_use`] ends a
//! link, in the transaction that does what the link is for; looking at it changes nothing.
//!
//! The emails are not here but in [`crate::mail`], and what a link does is in the feature that uses
//! it. (ASVS 5.0 6.4.1, 6.4.3, 6.5.1, 6.5.3, 6.5.4, 6.5.5, 6.6.2, 6.6.3.)

pub(crate) mod store;
mod token;

pub use token::LinkToken;

use crate::{
    Auth, Error, RequestContext, one_time_links::store::NewLink, server_secret::constant_time_eq,
    store::WriteTransaction,
};
use countersign_types::{
    Email, Field, FieldError, FieldErrors, LinkId, OneTimeCode, SessionId, TimeSpan, Timestamp,
    UserId,
};

/// Maximum number of attempts to enter a code, by all clients together.
pub(crate) const MAX_CODE_ATTEMPTS: i64 = 5;
/// How long a code is valid, from the time of sending (ASVS 5.0 6.5.5).
pub(crate) const CODE_TTL: TimeSpan = TimeSpan::minutes(10);

macro_rules! link_purposes {
    ($($(#[$doc:meta])* $purpose:ident = $name:literal $byte:literal $ttl:expr;)*) => {
        /// What a link is for.
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
    /// "This wasn't me": end a session and reset the password.
    SecureAccount = "secure_account" 2 TimeSpan::days(7);
}

/// A link that is valid at present, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidLink {
    /// What the link is for.
    pub purpose: LinkPurpose,
    /// The address of the account.
    pub email: String,
}

impl Auth {
    /// Returns the purpose of a token that this server created, whether the link is still valid or
    /// not. Nothing is read.
    #[must_use]
    pub fn link_purpose(&self, token: &str) -> Option<LinkPurpose> {
        LinkToken::decode(self.secret(), token).map(|token| token.purpose)
    }

    /// Returns what a link is for and whose it is, without using it.
    ///
    /// Returns [`Error::LinkExpired`] if it is invalid, expired, used or superseded.
    pub async fn read_link(&self, token: &str) -> Result<ValidLink, Error> {
        let token = LinkToken::decode(self.secret(), token).ok_or(Error::LinkExpired)?;
        let link = self
            .store()
            .read()
            .await?
            .link_valid(token.id, token.purpose, self.clock().now())
            .await?
            .ok_or(Error::LinkExpired)?;
        Ok(ValidLink { purpose: token.purpose, email: link.email })
    }

    /// Exchanges the code of a link for the token of that link, which stays valid. The attempt is
    /// counted before the code is compared.
    ///
    /// A link that does not exist, has expired, or was tried too often returns the same
    /// [`FieldError::Expired`].
    pub async fn redeem_code(
        &self,
        context: &RequestContext,
        purpose: LinkPurpose,
        link: LinkId,
        code: &OneTimeCode,
    ) -> Result<String, Error> {
        self.count_network_action(context, crate::LimitedAction::Code).await?;
        let mut tx = self.store().begin_for(crate::priority::Priority::Anonymous).await?;
        let counted = tx.link_count_code_attempt(link, purpose, self.clock().now()).await?;
        tx.commit().await?;
        let token = LinkToken { purpose, id: link };
        let failed = |error| Err(FieldErrors::from((Field::Code, error)).into());
        let expected = token.code(self.secret());
        let is_right = constant_time_eq(expected.as_bytes(), code.expose().as_bytes());
        match counted {
            Some(_) if is_right => Ok(token.encode(self.secret())),
            Some(attempt) if attempt < MAX_CODE_ATTEMPTS => failed(FieldError::Incorrect),
            _ => failed(FieldError::Expired),
        }
    }

    /// Creates a link for an address that a client typed. The account is looked up by the statement
    /// itself, so an unknown address takes as long.
    pub(crate) async fn create_link_for_address(
        &self,
        tx: &mut WriteTransaction,
        purpose: LinkPurpose,
        email: &Email,
        now: Timestamp,
    ) -> Result<LinkId, Error> {
        let id = LinkId(self.new_id(now)?);
        let key = email.lookup_key();
        tx.link_supersede(&key, purpose, now).await?;
        tx.link_insert_for_address(
            &NewLink { id, purpose, email: email.as_str(), email_key: &key, session: None },
            now,
        )
        .await?;
        Ok(id)
    }

    /// Creates a link for an account.
    pub(crate) async fn create_link_for_user(
        &self,
        tx: &mut WriteTransaction,
        purpose: LinkPurpose,
        owner: &LinkOwner<'_>,
        now: Timestamp,
    ) -> Result<LinkId, Error> {
        let id = LinkId(self.new_id(now)?);
        let LinkOwner { user, epoch, email, session } = *owner;
        let key = email.to_ascii_lowercase();
        let link = NewLink { id, purpose, email, email_key: &key, session };
        tx.link_insert_for_user(&link, user, epoch, now).await?;
        Ok(id)
    }
}

/// The account of a link.
#[derive(Clone, Copy)]
pub(crate) struct LinkOwner<'a> {
    pub(crate) user: UserId,
    /// The epoch of the account. A later one ends the link.
    pub(crate) epoch: i64,
    /// The address that the link is sent to.
    pub(crate) email: &'a str,
    /// The session that [`LinkPurpose::SecureAccount`] ends.
    pub(crate) session: Option<SessionId>,
}
