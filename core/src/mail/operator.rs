//! The outbox and a test email, for the operator.

use crate::{
    BoxError, Error,
    admin::Admin,
    mail::{
        content::MailContent,
        message::Message,
        rendering::{self, MailContext},
        store::OutboxRow,
    },
};
use countersign_types::{Email, MailId};

/// Number of emails in a page of the list.
const PAGE_SIZE: i64 = 100;

impl Admin<'_> {
    /// Returns the next emails of the outbox after `after`, oldest first: at most 100.
    pub async fn outbox(&self, failed_only: bool, after: MailId) -> Result<Vec<OutboxRow>, Error> {
        self.auth().store().read().await?.outbox_list(failed_only, after, PAGE_SIZE).await
    }

    /// Makes an email that has failed or was deferred due now. Returns `false` if there is none
    /// with this id.
    pub async fn retry_mail(&self, id: MailId) -> Result<bool, Error> {
        let mut tx = self.auth().store().write().await?;
        let found = tx.outbox_retry(id, self.auth().clock().now()).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Sends a test email now, without the outbox. The error is for the operator: it can quote the
    /// response of the mail server.
    pub async fn send_test_mail(&self, to: &Email) -> Result<(), BoxError> {
        let auth = self.auth();
        let mailer = auth.mailer().ok_or(Error::MailDisabled)?;
        let now = auth.clock().now();
        let context = MailContext {
            product: &mailer.config.product,
            base_url: &auth.policy().issuer,
            recipient: to.as_str(),
            link: None,
            has_logo: mailer.config.has_logo(),
            accent: &mailer.config.accent,
        };
        let mail = rendering::render(&MailContent::Test, &context)?;
        let id = MailId(auth.new_id(now)?);
        let message = Message::new(&mailer.config.sender(), id, to.as_str(), mail, now)?;
        mailer.config.transport.send(&message).await.map_err(|error| error.reason.into())
    }
}
