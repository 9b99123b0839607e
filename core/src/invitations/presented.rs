//! The invitation that a client presents to sign up.
//!
//! The link in the email and the link that the administrator gets are different tokens for one row,
//! so that one of them can be used. Only the one in the email proves that the new user reads the
//! address.

use crate::{
    Auth, Error,
    one_time_links::{LinkPurpose, LinkToken, ValidLink, store::AddressLinkRow},
    policy::SignUpPolicy,
};
use countersign_types::LinkId;

/// An invitation that a client presents. It need not be valid any more.
#[derive(Clone, Copy)]
pub(crate) struct PresentedInvitation {
    pub(crate) id: LinkId,
    /// Whether the token was sent to the address.
    pub(crate) proves_address: bool,
}

impl PresentedInvitation {
    /// Returns the invitation of a token, or `None` if the token is for another purpose.
    pub(crate) fn of(token: LinkToken) -> Option<Self> {
        let proves_address = match token.purpose {
            LinkPurpose::Invitation => true,
            LinkPurpose::SharedInvitation => false,
            _ => return None,
        };
        Some(Self { id: token.id, proves_address })
    }
}

impl Auth {
    /// Returns the address of an invitation, without using it.
    ///
    /// Returns [`Error::LinkExpired`] if it is invalid, expired, used, revoked or replaced, or the
    /// address has an account, and [`Error::SignUpClosed`] if invitations have no effect.
    pub async fn read_invitation(&self, token: &str) -> Result<ValidLink, Error> {
        self.require_invitations()?;
        let token = LinkToken::decode(self.secret(), token).ok_or(Error::LinkExpired)?;
        let id = PresentedInvitation::of(token).ok_or(Error::LinkExpired)?.id;
        let row = self.valid_invitation(id).await?;
        if row.user_id.is_some() {
            return Err(Error::LinkExpired);
        }
        Ok(ValidLink { id, email: row.email })
    }

    /// Returns [`Error::SignUpClosed`] if invitations have no effect.
    pub(crate) fn require_invitations(&self) -> Result<(), Error> {
        match self.policy().sign_ups {
            SignUpPolicy::Open | SignUpPolicy::Invited => Ok(()),
            SignUpPolicy::Closed => Err(Error::SignUpClosed),
        }
    }

    /// Returns an invitation that is valid at present.
    pub(crate) async fn valid_invitation(&self, id: LinkId) -> Result<AddressLinkRow, Error> {
        let (purpose, now) = (LinkPurpose::Invitation, self.clock().now());
        let row = self.store().read().await?.link_to_address(id, purpose, now).await?;
        row.ok_or(Error::LinkExpired)
    }
}
