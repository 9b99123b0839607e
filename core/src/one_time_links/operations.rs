//! Creating links, reading them, and exchanging a code for its link. Using a link is in the feature
//! that the link is for.

use crate::{
    Auth, Error, LimitedAction, RequestContext,
    one_time_links::{
        LinkOwner, LinkPurpose, LinkToken, MAX_CODE_ATTEMPTS,
        store::{LinkRow, NewLink},
    },
    priority::Priority,
    server_secret::constant_time_eq,
    store::WriteTransaction,
};
use countersign_types::{Field, FieldError, FieldErrors, LinkId, OneTimeCode, Timestamp};

/// A link that is valid at present, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidLink {
    /// Identifies the link. It grants no access.
    pub id: LinkId,
    /// The address of the account, or the previous one to which the link was sent.
    pub email: String,
}

impl Auth {
    /// Returns the purpose of a token that this server created, whether the link is still valid or
    /// not. Nothing is read.
    #[must_use]
    pub fn link_purpose(&self, token: &str) -> Option<LinkPurpose> {
        LinkToken::decode(self.secret(), token).map(|token| token.purpose)
    }

    /// Returns the id of the link of a token that this server created, whether the link is still
    /// valid or not. Nothing is read.
    #[must_use]
    pub fn identify_link(&self, token: &str) -> Option<LinkId> {
        LinkToken::decode(self.secret(), token).map(|token| token.id)
    }

    /// Returns whose link it is, without using it.
    ///
    /// Returns [`Error::LinkExpired`] if it is for another purpose, invalid, expired, used or
    /// superseded.
    pub async fn read_link(&self, purpose: LinkPurpose, token: &str) -> Result<ValidLink, Error> {
        let id = self.link_id(token, purpose)?;
        let link = self.valid_link(id, purpose).await?;
        let is_moved = !link.email.eq_ignore_ascii_case(&link.link_email);
        Ok(ValidLink { id, email: if is_moved { link.link_email } else { link.email } })
    }

    /// Decodes a token for one purpose.
    pub(crate) fn link_id(&self, token: &str, purpose: LinkPurpose) -> Result<LinkId, Error> {
        LinkToken::decode(self.secret(), token)
            .filter(|token| token.purpose == purpose)
            .map(|token| token.id)
            .ok_or(Error::LinkExpired)
    }

    /// Returns the URL of a link. Do not log or store it.
    pub(crate) fn link_url(&self, token: LinkToken) -> String {
        format!("{}/link?token={}", self.policy().issuer, token.encode(self.secret()))
    }

    pub(crate) async fn valid_link(
        &self,
        id: LinkId,
        purpose: LinkPurpose,
    ) -> Result<LinkRow, Error> {
        let now = self.clock().now();
        self.store().read().await?.link_valid(id, purpose, now).await?.ok_or(Error::LinkExpired)
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
        let id = self.verify_code(context, purpose, link, code).await?;
        Ok(LinkToken { purpose, id }.encode(self.secret()))
    }

    /// Verifies the code of a link, as [`Auth::redeem_code`] does.
    pub(crate) async fn verify_code(
        &self,
        context: &RequestContext,
        purpose: LinkPurpose,
        link: LinkId,
        code: &OneTimeCode,
    ) -> Result<LinkId, Error> {
        let (_, link) = self.verify_code_of_any(context, &[(purpose, link)], code).await?;
        Ok(link)
    }

    /// Verifies a code that may be that of any of these links, and returns the link. An incorrect
    /// code is an attempt for each of them.
    pub(crate) async fn verify_code_of_any(
        &self,
        context: &RequestContext,
        links: &[(LinkPurpose, LinkId)],
        code: &OneTimeCode,
    ) -> Result<(LinkPurpose, LinkId), Error> {
        self.count_network_action(context, LimitedAction::NetworkCode).await?;
        let is_match = |(purpose, id): &(LinkPurpose, LinkId)| {
            let expected = LinkToken { purpose: *purpose, id: *id }.code(self.secret());
            constant_time_eq(expected.as_bytes(), code.expose().as_bytes())
        };
        let (matching, others): (Vec<_>, Vec<_>) = links.iter().copied().partition(is_match);
        let mut is_another_left = false;
        // A match that may not be tried is followed by the others, as if it was none: neither the
        // response nor its time may tell that the code is right.
        for link in matching.iter().chain(&others) {
            if let Some(number) = self.count_code_attempt(*link).await? {
                if matching.contains(link) {
                    return Ok(*link);
                }
                is_another_left |= number < MAX_CODE_ATTEMPTS;
            }
        }
        let error = if is_another_left { FieldError::Incorrect } else { FieldError::Expired };
        Err(FieldErrors::from((Field::Code, error)).into())
    }

    /// Counts an attempt to enter the code of a link. Returns its number, or `None` if the code has
    /// expired or may not be tried again.
    async fn count_code_attempt(
        &self,
        (purpose, link): (LinkPurpose, LinkId),
    ) -> Result<Option<i64>, Error> {
        let mut tx = self.store().begin_for(Priority::Anonymous).await?;
        let now = self.clock().now();
        let mut attempt = None;
        if let Some((number, email)) = tx.link_count_code_attempt(link, purpose, now).await?
            // All links to one address together: an attacker can request any number of them.
            && self.count_for_address(&mut tx, LimitedAction::AddressCode, &email, now).await?
        {
            attempt = Some(number);
        }
        tx.commit().await?;
        Ok(attempt)
    }

    /// Creates a link for an address that a client typed, with its lookup key. The account
    /// is looked up by the statement itself, so an unknown address takes as long.
    pub(crate) async fn create_link_for_address(
        &self,
        tx: &mut WriteTransaction,
        purpose: LinkPurpose,
        (email, email_key): (&str, &str),
        now: Timestamp,
    ) -> Result<LinkId, Error> {
        let id = LinkId(self.new_id(now)?);
        tx.link_supersede(email_key, purpose, now).await?;
        let link = NewLink { id, purpose, email, email_key, session: None };
        tx.link_insert_for_address(&link, now).await?;
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
        let LinkOwner { user, email, session } = *owner;
        let key = email.to_ascii_lowercase();
        let link = NewLink { id, purpose, email, email_key: &key, session };
        tx.link_insert_for_user(&link, user, now).await?;
        Ok(id)
    }
}
