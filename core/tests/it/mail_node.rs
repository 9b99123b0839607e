//! A node that sends email to a mailbox in memory, and how tests read that email.

use crate::common::{ISSUER, PASSWORD, TestContext, client};
use countersign_core::{
    Auth, Error, IssuedTokens, Policy, PresentedCredential, RateLimits, SignUpPolicy, SignedIn,
    Verification,
    accounts::{AddressProof, LogInStep},
    mail::{MailTransport, MemoryMailbox, SentMail},
    one_time_links::LinkPurpose,
};
use countersign_types::{
    ActivityFilter, EventKind, Field, FieldError, OneTimeCode, VerificationId,
    forms::{ChangeEmailForm, ForgotPasswordForm, LogInForm, ResetPasswordForm, SignUpForm},
    views::LinkAction,
};
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

    pub async fn required(context: &TestContext) -> Self {
        Self::verifying(context, RateLimits::off(), Verification::Required).await
    }

    /// Sign-up is closed, and addresses must be verified.
    pub async fn closed(context: &TestContext) -> Self {
        let (limits, verification) = (RateLimits::off(), Verification::Required);
        let sign_ups = SignUpPolicy::Closed;
        let policy = Policy { limits, verification, sign_ups, ..Policy::new(ISSUER) };
        Self::with_policy(context, policy).await
    }

    /// Starts a node with this policy.
    pub async fn with_policy(context: &TestContext, policy: Policy) -> Self {
        let mailbox = MemoryMailbox::default();
        let transport = MailTransport::Memory(mailbox.clone());
        Self { auth: context.mail_node_with(transport, policy).await, mailbox }
    }

    pub async fn optional(context: &TestContext) -> Self {
        Self::verifying(context, RateLimits::off(), Verification::Optional).await
    }

    pub async fn sign_up(&self, email: &str, password: &str) -> Result<LogInStep, Error> {
        let (email, password) = (email.to_owned(), password.to_owned());
        let form = SignUpForm { email, password, ..SignUpForm::default() };
        self.auth.sign_up(&client(), &form, None).await
    }

    /// Signs up, and returns the id of what waits and the email.
    pub async fn begin(&self, email: &str, password: &str) -> (VerificationId, SentMail) {
        let id = pending(self.sign_up(email, password).await);
        (id, self.sent_one().await)
    }

    pub async fn complete(&self, id: VerificationId, code: &str) -> Result<IssuedTokens, Error> {
        let code = parse_code(code);
        self.auth.complete_verification(&client(), id, AddressProof::Code(&code), None).await
    }

    pub async fn choose_password(
        &self,
        mail: &SentMail,
        password: &str,
    ) -> Result<IssuedTokens, Error> {
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.sign_up_with_link(&client(), &token(mail), &form, None).await
    }

    /// Signs up a verified account.
    pub async fn verified(&self, email: &str) -> IssuedTokens {
        let (id, mail) = self.begin(email, PASSWORD).await;
        self.complete(id, &code(&mail)).await.expect("a session")
    }

    pub async fn resend(&self, id: VerificationId) {
        self.auth.resend_verification(&client(), id).await.expect("a request");
    }

    pub async fn action(
        &self,
        mail: &SentMail,
        held: Option<VerificationId>,
        user: Option<&IssuedTokens>,
    ) -> LinkAction {
        let user = user.map(|issued| issued.account.id);
        let link = self.auth.read_address_link(&token(mail), held, user).await;
        link.expect("a valid link").action
    }

    pub async fn user<'a>(&'a self, issued: &IssuedTokens) -> SignedIn<'a> {
        signed_in_to(&self.auth, issued).await.expect("signed in")
    }

    pub async fn request_change(&self, issued: &IssuedTokens, email: &str) {
        let form =
            ChangeEmailForm { email: email.to_owned(), current_password: PASSWORD.to_owned() };
        self.user(issued).await.request_email_change(&form).await.expect("a request");
    }

    pub async fn confirm(&self, issued: &IssuedTokens, code: &str) -> Result<String, Error> {
        let code = parse_code(code);
        let confirmed = self.user(issued).await.confirm_email(AddressProof::Code(&code)).await;
        confirmed.map(|account| account.email)
    }

    /// Changes the address and returns the notice to the previous one.
    pub async fn change(&self, issued: &IssuedTokens, email: &str) -> SentMail {
        self.request_change(issued, email).await;
        let mail = self.sent_one().await;
        assert_eq!(self.confirm(issued, &code(&mail)).await.expect("a change"), email);
        self.sent_one().await
    }

    /// Uses a link "Take it back" and chooses a new password. Returns the address of the account.
    pub async fn take_back(&self, notice: &SentMail, password: &str) -> String {
        let reset = self.auth.secure_account(&client(), &token(notice)).await.expect("a link");
        let link =
            self.auth.read_link(LinkPurpose::ResetPassword, &reset).await.expect("a valid link");
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.reset_password(&client(), &reset, &form).await.expect("a reset");
        link.email
    }

    pub async fn reset_by_mail(&self, email: &str, password: &str) {
        let form = ForgotPasswordForm { email: email.to_owned() };
        self.auth.request_password_reset(&client(), &form).await.expect("a request");
        let mail = self.sent_one().await;
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.reset_password(&client(), &token(&mail), &form).await.expect("a reset");
        self.sent().await;
    }
}

pub fn pending(step: Result<LogInStep, Error>) -> VerificationId {
    match step.expect("an accepted request") {
        LogInStep::NeedsVerification(id) => id,
        LogInStep::SignedIn(_) => panic!("a session has begun"),
    }
}

pub async fn signed_in_to<'a>(
    auth: &'a Auth,
    issued: &IssuedTokens,
) -> Result<SignedIn<'a>, Error> {
    auth.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token)).await
}

pub async fn kinds(node: &Node, issued: &IssuedTokens) -> Vec<EventKind> {
    let page =
        node.user(issued).await.activity(ActivityFilter::All, 50, None).await.expect("events");
    page.items.into_iter().map(|event| event.kind).collect()
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

/// Returns a code that is in none of these emails.
pub fn wrong_code(mails: &[&SentMail]) -> &'static str {
    let codes: Vec<_> = mails.iter().map(|mail| code(mail)).collect();
    let candidates = ["000000", "000001", "000002"];
    candidates.into_iter().find(|it| codes.iter().all(|code| code != it)).expect("a code")
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
