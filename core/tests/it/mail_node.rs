//! A node that sends email to a mailbox in memory, and how tests read that email.

use crate::common::{TestContext, client};
use countersign_core::{
    Auth, Error, RateLimits, Verification,
    accounts::LogInStep,
    mail::{MailTransport, MemoryMailbox, SentMail},
};
use countersign_types::{Field, FieldError, OneTimeCode, forms::LogInForm};
use std::fmt::Debug;

pub struct Node {
    pub auth: Auth,
    mailbox: MemoryMailbox,
}

impl Node {
    pub async fn start(context: &TestContext, limits: RateLimits) -> Self {
        Self::verifying(context, limits, Verification::Off).await
    }

    /// Starts a node on which addresses must be verified, or can be.
    pub async fn verifying(
        context: &TestContext,
        limits: RateLimits,
        verification: Verification,
    ) -> Self {
        let mailbox = MemoryMailbox::default();
        let transport = MailTransport::Memory(mailbox.clone());
        Self { auth: context.mail_node(transport, limits, verification).await, mailbox }
    }

    /// Sends what is due and returns it.
    pub async fn sent(&self) -> Vec<SentMail> {
        self.auth.deliver_mail().await.expect("a delivery");
        self.mailbox.take()
    }

    /// Sends what is due and returns it. It must be one email.
    pub async fn sent_one(&self) -> SentMail {
        let mut sent = self.sent().await;
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Result<LogInStep, Error> {
        let (email, password) = (email.to_owned(), password.to_owned());
        let form = LogInForm { email, password, remember_me: true };
        self.auth.log_in(&client(), &form, None).await
    }

    /// Whether the password of an account is accepted.
    pub async fn can_log_in(&self, email: &str, password: &str) -> bool {
        match self.log_in(email, password).await {
            Ok(_) => true,
            Err(Error::InvalidCredentials) => false,
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Returns the token in an email.
pub fn token(mail: &SentMail) -> String {
    let (_, rest) = mail.text.split_once("/link?token=").expect("a link");
    rest.split_whitespace().next().expect("a token").to_owned()
}

/// Returns the code in the subject of an email.
pub fn code(mail: &SentMail) -> String {
    mail.subject.chars().filter(char::is_ascii_digit).collect()
}

pub fn parse_code(code: &str) -> OneTimeCode {
    OneTimeCode::parse(code).expect("six digits")
}

/// Returns a code that is not this one.
pub fn other_code(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

pub fn code_error<T: Debug>(result: Result<T, Error>) -> FieldError {
    match result {
        Err(Error::Invalid(errors)) => errors.get(Field::Code).expect("an error of the code"),
        other => panic!("{other:?}"),
    }
}

pub fn is_expired<T: Debug>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::LinkExpired))
}
