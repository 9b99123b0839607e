//! Verification of email addresses at sign-up and log-in, and change of the address.

use crate::{
    common::{PASSWORD, TestContext, client},
    mail_node::{Node, code, code_error, is_expired, other_code, parse_code, token},
};
use countersign_core::{
    Auth, Error, IssuedTokens, PresentedCredential, RateLimits, RequestContext, SignedIn,
    Verification,
    accounts::{AddressProof, LogInStep},
    mail::SentMail,
    one_time_links::LinkPurpose,
    test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    EventKind, FieldError, TimeSpan, Timestamp, VerificationId,
    forms::{
        ChangeEmailForm, ChangePasswordForm, ForgotPasswordForm, LogInForm, ResetPasswordForm,
        SignUpForm,
    },
    views::LinkAction,
};
use futures::future::join_all;
use std::collections::HashSet;
use uuid::Uuid;

const ADA: &str = "ada@example.com";
const NEW_ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.com";
const OTHER_PASSWORD: &str = "another horse battery";

impl Node {
    async fn required(context: &TestContext) -> Self {
        Self::verifying(context, RateLimits::off(), Verification::Required).await
    }

    async fn optional(context: &TestContext) -> Self {
        Self::verifying(context, RateLimits::off(), Verification::Optional).await
    }

    async fn sign_up(&self, email: &str, password: &str) -> Result<LogInStep, Error> {
        let (email, password) = (email.to_owned(), password.to_owned());
        let form = SignUpForm { email, password, ..SignUpForm::default() };
        self.auth.sign_up(&client(), &form, None).await
    }

    /// Signs up, and returns the id of what waits and the email.
    async fn begin(&self, email: &str, password: &str) -> (VerificationId, SentMail) {
        let id = pending(self.sign_up(email, password).await);
        (id, self.sent_one().await)
    }

    async fn complete(&self, id: VerificationId, code: &str) -> Result<IssuedTokens, Error> {
        let code = parse_code(code);
        self.auth.complete_verification(&client(), id, AddressProof::Code(&code), None).await
    }

    async fn choose_password(
        &self,
        mail: &SentMail,
        password: &str,
    ) -> Result<IssuedTokens, Error> {
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.sign_up_with_link(&client(), &token(mail), &form, None).await
    }

    /// Signs up a verified account.
    async fn verified(&self, email: &str) -> IssuedTokens {
        let (id, mail) = self.begin(email, PASSWORD).await;
        self.complete(id, &code(&mail)).await.expect("a session")
    }

    async fn resend(&self, id: VerificationId) {
        self.auth.resend_verification(&client(), id).await.expect("a request");
    }

    async fn action(
        &self,
        mail: &SentMail,
        held: Option<VerificationId>,
        user: Option<&IssuedTokens>,
    ) -> LinkAction {
        let user = user.map(|issued| issued.account.id);
        let link = self.auth.read_address_link(&token(mail), held, user).await;
        link.expect("a valid link").action
    }

    async fn user<'a>(&'a self, issued: &IssuedTokens) -> SignedIn<'a> {
        signed_in_to(&self.auth, issued).await.expect("signed in")
    }

    async fn request_change(&self, issued: &IssuedTokens, email: &str) {
        let form =
            ChangeEmailForm { email: email.to_owned(), current_password: PASSWORD.to_owned() };
        self.user(issued).await.request_email_change(&form).await.expect("a request");
    }

    async fn confirm(&self, issued: &IssuedTokens, code: &str) -> Result<String, Error> {
        let code = parse_code(code);
        let confirmed = self.user(issued).await.confirm_email(AddressProof::Code(&code)).await;
        confirmed.map(|account| account.email)
    }

    /// Changes the address and returns the notice to the previous one.
    async fn change(&self, issued: &IssuedTokens, email: &str) -> SentMail {
        self.request_change(issued, email).await;
        let mail = self.sent_one().await;
        assert_eq!(self.confirm(issued, &code(&mail)).await.expect("a change"), email);
        self.sent_one().await
    }

    /// Uses a link "Take it back" and chooses a new password. Returns the address of the account.
    async fn take_back(&self, notice: &SentMail, password: &str) -> String {
        let reset = self.auth.secure_account(&client(), &token(notice)).await.expect("a link");
        let link =
            self.auth.read_link(LinkPurpose::ResetPassword, &reset).await.expect("a valid link");
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.reset_password(&client(), &reset, &form).await.expect("a reset");
        link.email
    }

    async fn reset_by_mail(&self, email: &str, password: &str) {
        let form = ForgotPasswordForm { email: email.to_owned() };
        self.auth.request_password_reset(&client(), &form).await.expect("a request");
        let mail = self.sent_one().await;
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.reset_password(&client(), &token(&mail), &form).await.expect("a reset");
        self.sent().await;
    }
}

fn pending(step: Result<LogInStep, Error>) -> VerificationId {
    match step.expect("an accepted request") {
        LogInStep::NeedsVerification(id) => id,
        LogInStep::SignedIn(_) => panic!("a session has begun"),
    }
}

async fn signed_in_to<'a>(auth: &'a Auth, issued: &IssuedTokens) -> Result<SignedIn<'a>, Error> {
    auth.signed_in(&client(), PresentedCredential::Bearer(&issued.access.token)).await
}

async fn kinds(node: &Node, issued: &IssuedTokens) -> Vec<EventKind> {
    let page = node.user(issued).await.activity(50, None).await.expect("events");
    page.items.into_iter().map(|event| event.kind).collect()
}

async fn accounts(context: &TestContext) -> usize {
    let mut reader = context.store.read().await.expect("a connection");
    let before = countersign_types::UserId(Uuid::max());
    reader.user_list(before, 100).await.expect("accounts").len()
}

test_on_each_database! {
    async fn sign_up_is_complete_with_the_code_and_not_before(context: TestContext) {
        let node = Node::required(&context).await;
        let (id, mail) = node.begin(ADA, PASSWORD).await;
        assert_eq!(mail.to, ADA);
        assert!(mail.subject.ends_with("finish signing up"), "{}", mail.subject);
        assert_eq!(accounts(&context).await, 0);
        assert!(!node.can_log_in(ADA, PASSWORD).await);
        let issued = node.complete(id, &code(&mail)).await.expect("a session");
        assert!(issued.account.email_verified && issued.device_cookie.is_some());
        assert_eq!(kinds(&node, &issued).await, [EventKind::SignedUp]);
        assert!(matches!(node.log_in(ADA, PASSWORD).await, Ok(LogInStep::SignedIn(_))));
        // Both the code and what waited are used up.
        assert_eq!(code_error(node.complete(id, &code(&mail)).await), FieldError::Expired);
        assert!(is_expired(&node.choose_password(&mail, OTHER_PASSWORD).await));
    }

    async fn sign_up_with_taken_address_looks_alike_and_tells_its_owner(context: TestContext) {
        let node = Node::required(&context).await;
        node.verified(ADA).await;
        let (taken, mail) = node.begin(ADA, OTHER_PASSWORD).await;
        assert_eq!((&*mail.to, &*mail.subject), (ADA, "You already have an account"));
        assert!(!mail.text.contains("/link?token="), "{}", mail.text);
        let (free, new) = node.begin(EVE, PASSWORD).await;
        let wrong = other_code(&code(&new));
        for attempt in 1..=6 {
            let expected = if attempt < 5 { FieldError::Incorrect } else { FieldError::Expired };
            for id in [taken, free] {
                assert_eq!(code_error(node.complete(id, wrong).await), expected, "{attempt}");
            }
        }
        assert!(node.can_log_in(ADA, PASSWORD).await);
        assert!(!node.can_log_in(ADA, OTHER_PASSWORD).await);
        assert_eq!(accounts(&context).await, 1);
    }

    async fn link_in_another_browser_needs_a_new_password(context: TestContext) {
        let node = Node::required(&context).await;
        // Eve signs up with the address of Ada, who opens the link.
        let (eve, mail) = node.begin(ADA, OTHER_PASSWORD).await;
        assert_eq!(node.action(&mail, Some(eve), None).await, LinkAction::Confirm);
        assert_eq!(node.action(&mail, None, None).await, LinkAction::ChoosePassword);
        let issued = node.choose_password(&mail, PASSWORD).await.expect("a session");
        assert!(issued.account.email_verified && issued.account.name.is_none());
        assert!(node.can_log_in(ADA, PASSWORD).await);
        assert!(!node.can_log_in(ADA, OTHER_PASSWORD).await);
        assert_eq!(code_error(node.complete(eve, &code(&mail)).await), FieldError::Expired);
        assert!(is_expired(&node.choose_password(&mail, OTHER_PASSWORD).await));
    }

    async fn code_completes_the_sign_up_of_the_browser_that_enters_it(context: TestContext) {
        let node =
            Node::verifying(&context, RateLimits::default(), Verification::Required).await;
        // Within half a minute, both sign-ups have one email.
        let (eve, mail) = node.begin(ADA, OTHER_PASSWORD).await;
        let ada = pending(node.sign_up(ADA, PASSWORD).await);
        assert!(node.sent().await.is_empty());
        let proof = token(&mail);
        assert_eq!(node.action(&mail, Some(ada), None).await, LinkAction::Confirm);
        let proof = AddressProof::Link(&proof);
        let issued = node.auth.complete_verification(&client(), ada, proof, None).await;
        assert_eq!(issued.expect("a session").account.email, ADA);
        assert!(node.can_log_in(ADA, PASSWORD).await);
        assert!(!node.can_log_in(ADA, OTHER_PASSWORD).await);
        assert_eq!(code_error(node.complete(eve, &code(&mail)).await), FieldError::Expired);
    }

    async fn link_of_one_address_completes_no_sign_up_of_another(context: TestContext) {
        let node = Node::required(&context).await;
        let (ada, _) = node.begin(ADA, PASSWORD).await;
        let (eve, mail) = node.begin(EVE, PASSWORD).await;
        let (link, digits) = (token(&mail), code(&mail));
        let proof = AddressProof::Link(&link);
        let completed = node.auth.complete_verification(&client(), ada, proof, None).await;
        assert!(is_expired(&completed));
        assert_eq!(code_error(node.complete(ada, &digits).await), FieldError::Incorrect);
        node.complete(eve, &digits).await.expect("a session");
    }

    async fn another_email_is_sent_only_to_what_waits(context: TestContext) {
        let node = Node::required(&context).await;
        let (id, first) = node.begin(ADA, PASSWORD).await;
        node.resend(id).await;
        let second = node.sent_one().await;
        if code(&first) != code(&second) {
            assert_eq!(code_error(node.complete(id, &code(&first)).await), FieldError::Incorrect);
        }
        node.complete(id, &code(&second)).await.expect("a session");
        for nothing_waits in [id, VerificationId(Uuid::max())] {
            node.resend(nothing_waits).await;
            assert!(node.sent().await.is_empty());
        }
    }

    async fn emails_to_one_address_are_limited_and_the_first_stays_valid(context: TestContext) {
        let node =
            Node::verifying(&context, RateLimits::default(), Verification::Required).await;
        let (id, mail) = node.begin(ADA, PASSWORD).await;
        for _ in 0..3 {
            node.resend(id).await;
        }
        assert!(node.sent().await.is_empty(), "one in half a minute");
        node.complete(id, &code(&mail)).await.expect("a session");
        for _ in 0..10 {
            context.clock.advance(TimeSpan::seconds(31));
            pending(node.sign_up(EVE, PASSWORD).await);
        }
        assert_eq!(node.sent().await.len(), 1, "superseded emails are not sent");
    }

    async fn unverified_account_begins_a_session_with_password_and_code(context: TestContext) {
        context.sign_up(ADA).await;
        let node = Node::required(&context).await;
        assert!(!node.can_log_in(ADA, OTHER_PASSWORD).await);
        assert!(node.sent().await.is_empty());
        let id = pending(node.log_in(ADA, PASSWORD).await);
        let mail = node.sent_one().await;
        assert!(mail.subject.ends_with("confirm your email address"), "{}", mail.subject);
        assert_eq!(node.action(&mail, Some(id), None).await, LinkAction::Confirm);
        assert_eq!(node.action(&mail, None, None).await, LinkAction::LogIn);
        assert!(is_expired(&node.choose_password(&mail, OTHER_PASSWORD).await));
        let wrong = other_code(&code(&mail));
        assert_eq!(code_error(node.complete(id, wrong).await), FieldError::Incorrect);
        let issued = node.complete(id, &code(&mail)).await.expect("a session");
        assert!(issued.account.email_verified);
        assert!(matches!(node.log_in(ADA, PASSWORD).await, Ok(LogInStep::SignedIn(_))));
    }

    async fn waiting_log_in_ends_when_the_account_changes(context: TestContext) {
        let session = context.sign_up(ADA).await;
        let node = Node::required(&context).await;
        let id = pending(node.log_in(ADA, PASSWORD).await);
        let mail = node.sent_one().await;
        let (current_password, new_password) = (PASSWORD.to_owned(), OTHER_PASSWORD.to_owned());
        let form = ChangePasswordForm { current_password, new_password };
        let user = signed_in_to(&context.auth, &session).await.expect("signed in");
        user.change_password(&form).await.expect("a change");
        assert_eq!(code_error(node.complete(id, &code(&mail)).await), FieldError::Expired);
    }

    async fn optional_verification_follows_the_sign_up(context: TestContext) {
        let node = Node::optional(&context).await;
        let issued = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        assert!(!issued.account.email_verified);
        let mail = node.sent_one().await;
        assert!(matches!(node.sign_up(ADA, PASSWORD).await, Err(Error::EmailTaken)));
        assert_eq!(node.action(&mail, None, Some(&issued)).await, LinkAction::Confirm);
        let wrong = other_code(&code(&mail));
        assert_eq!(code_error(node.confirm(&issued, wrong).await), FieldError::Incorrect);
        assert_eq!(node.confirm(&issued, &code(&mail)).await.expect("confirmed"), ADA);
        assert_eq!(kinds(&node, &issued).await[0], EventKind::EmailVerified);
        assert!(node.user(&issued).await.account().await.expect("an account").email_verified);
        node.user(&issued).await.send_verification().await.expect("nothing to do");
        assert!(node.sent().await.is_empty());
    }

    async fn link_verifies_only_the_account_that_is_signed_in(context: TestContext) {
        let node = Node::optional(&context).await;
        let eve = node.sign_up(EVE, PASSWORD).await.map(tokens_of).expect("a sign-up");
        node.sent().await;
        let ada = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        let mail = node.sent_one().await;
        assert_eq!(node.action(&mail, None, Some(&eve)).await, LinkAction::LogIn);
        let link = token(&mail);
        let confirmed = node.user(&eve).await.confirm_email(AddressProof::Link(&link)).await;
        assert!(is_expired(&confirmed));
        let confirmed = node.user(&ada).await.confirm_email(AddressProof::Link(&link)).await;
        assert!(confirmed.expect("confirmed").email_verified);
    }

    async fn reset_by_the_true_owner_ends_what_another_user_has_set_up(context: TestContext) {
        let node = Node::optional(&context).await;
        let other = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        node.request_change(&other, EVE).await;
        let sent = node.sent().await;
        let change = sent.iter().find(|mail| mail.to == EVE).expect("an email");
        node.reset_by_mail(ADA, OTHER_PASSWORD).await;
        node.auth.sync_feed().await.expect("the feed");
        assert!(signed_in_to(&node.auth, &other).await.is_err());
        assert!(!node.can_log_in(ADA, PASSWORD).await);
        let owner = node.log_in(ADA, OTHER_PASSWORD).await.map(tokens_of).expect("a log-in");
        assert!(owner.account.email_verified);
        assert_eq!(code_error(node.confirm(&owner, &code(change)).await), FieldError::Expired);
    }

    async fn address_changes_with_the_code_and_not_before(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        let form = ChangeEmailForm { email: NEW_ADA.into(), current_password: "wrong".into() };
        let refused = node.user(&issued).await.request_email_change(&form).await;
        assert!(matches!(refused, Err(Error::Invalid(_))));
        assert!(node.sent().await.is_empty());

        node.request_change(&issued, NEW_ADA).await;
        let mail = node.sent_one().await;
        assert_eq!(mail.to, NEW_ADA);
        assert_eq!(node.action(&mail, None, Some(&issued)).await, LinkAction::Confirm);
        assert_eq!(node.action(&mail, None, None).await, LinkAction::LogIn);
        assert!(node.can_log_in(ADA, PASSWORD).await && !node.can_log_in(NEW_ADA, PASSWORD).await);

        let form = ForgotPasswordForm { email: ADA.to_owned() };
        node.auth.request_password_reset(&client(), &form).await.expect("a request");
        let reset = node.sent_one().await;
        assert_eq!(node.confirm(&issued, &code(&mail)).await.expect("a change"), NEW_ADA);
        assert!(node.can_log_in(NEW_ADA, PASSWORD).await && !node.can_log_in(ADA, PASSWORD).await);
        assert_eq!(kinds(&node, &issued).await.iter().filter(|kind| matches!(kind,
            EventKind::EmailChanged | EventKind::EmailChangeRequested)).count(), 2);
        let notice = node.sent().await;
        assert_eq!((&*notice[0].to, &*notice[0].subject), (ADA, "Your email address was changed"));
        assert!(notice[0].text.contains(NEW_ADA) && notice[0].text.contains("7 days"));
        let form = ResetPasswordForm { new_password: OTHER_PASSWORD.to_owned() };
        let reset = node.auth.reset_password(&client(), &token(&reset), &form).await;
        assert!(is_expired(&reset), "links to the previous address end");
    }

    async fn change_to_taken_address_is_accepted_and_sends_nothing(context: TestContext) {
        let node = Node::required(&context).await;
        node.verified(EVE).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, EVE).await;
        assert!(node.sent().await.is_empty());
        assert_eq!(code_error(node.confirm(&issued, "123456").await), FieldError::Incorrect);
    }

    async fn address_that_is_taken_after_the_request_stays_with_its_owner(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, EVE).await;
        let mail = node.sent_one().await;
        node.verified(EVE).await;
        let refused = node.confirm(&issued, &code(&mail)).await;
        assert!(matches!(refused, Err(Error::EmailTaken)), "{refused:?}");
        assert_eq!(node.user(&issued).await.account().await.expect("an account").email, ADA);
    }

    async fn password_change_ends_a_requested_address_change(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, EVE).await;
        let mail = node.sent_one().await;
        let (current_password, new_password) = (PASSWORD.to_owned(), OTHER_PASSWORD.to_owned());
        let form = ChangePasswordForm { current_password, new_password };
        let again = node.user(&issued).await.change_password(&form).await.expect("a change");
        assert_eq!(code_error(node.confirm(&again, &code(&mail)).await), FieldError::Expired);
    }

    async fn previous_owner_takes_the_account_back(context: TestContext) {
        let node = Node::required(&context).await;
        let attacker = node.verified(ADA).await;
        let notice = node.change(&attacker, EVE).await;
        assert_eq!(node.take_back(&notice, OTHER_PASSWORD).await, ADA);
        node.auth.sync_feed().await.expect("the feed");
        assert!(signed_in_to(&node.auth, &attacker).await.is_err());
        for (email, password) in [(EVE, PASSWORD), (EVE, OTHER_PASSWORD), (ADA, PASSWORD)] {
            assert!(!node.can_log_in(email, password).await, "{email}");
        }
        let owner = node.log_in(ADA, OTHER_PASSWORD).await.map(tokens_of).expect("a log-in");
        assert_eq!((&*owner.account.email, owner.account.email_verified), (ADA, true));
        assert!(kinds(&node, &owner).await.contains(&EventKind::EmailRestored));
        assert!(is_expired(&node.auth.secure_account(&client(), &token(&notice)).await));
    }

    async fn attacker_cannot_end_the_link_that_takes_the_account_back(context: TestContext) {
        let node = Node::required(&context).await;
        let attacker = node.verified(ADA).await;
        let notice = node.change(&attacker, EVE).await;
        // The attacker moves on, resets the password, and takes the account back to the first of
        // their own addresses.
        context.clock.advance(TimeSpan::seconds(1));
        let second = node.change(&attacker, "mallory@example.com").await;
        assert_eq!(second.to, EVE);
        node.reset_by_mail("mallory@example.com", OTHER_PASSWORD).await;
        assert_eq!(node.take_back(&second, OTHER_PASSWORD).await, EVE);
        node.sent().await;
        node.reset_by_mail(EVE, PASSWORD).await;

        assert_eq!(node.take_back(&notice, "the right horse battery").await, ADA);
        assert!(node.can_log_in(ADA, "the right horse battery").await);
        assert!(!node.can_log_in(EVE, PASSWORD).await);
        assert!(is_expired(&node.auth.secure_account(&client(), &token(&second)).await));
    }

    async fn link_to_an_older_previous_address_gives_no_access(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        let elsewhere =
            RequestContext::new("203.0.113.9".parse().ok(), Some("Wget/1.21"), "elsewhere");
        let (email, password) = (ADA.to_owned(), PASSWORD.to_owned());
        let form = LogInForm { email, password, remember_me: true };
        let step = node.auth.log_in(&elsewhere, &form, None).await.expect("a log-in");
        assert!(step.tokens().is_some());
        let notice = node.sent_one().await;
        node.change(&issued, NEW_ADA).await;
        context.clock.advance(TimeSpan::days(8));
        assert!(is_expired(&node.auth.secure_account(&client(), &token(&notice)).await));
        assert!(node.can_log_in(NEW_ADA, PASSWORD).await);
    }

    async fn address_that_returned_can_be_taken_from_again(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        node.change(&issued, NEW_ADA).await;
        context.clock.advance(TimeSpan::minutes(1));
        node.change(&issued, ADA).await;
        context.clock.advance(TimeSpan::days(5));
        let attacker = node.log_in(ADA, PASSWORD).await.map(tokens_of).expect("a log-in");
        node.sent().await;
        let notice = node.change(&attacker, EVE).await;
        context.clock.advance(TimeSpan::days(4));
        assert_eq!(node.take_back(&notice, OTHER_PASSWORD).await, ADA);
    }

    async fn sign_ups_of_others_do_not_stop_the_log_in_of_an_unverified_account(
        context: TestContext,
    ) {
        context.sign_up(ADA).await;
        let node =
            Node::verifying(&context, RateLimits::default(), Verification::Required).await;
        for _ in 0..8 {
            pending(node.sign_up(ADA, OTHER_PASSWORD).await);
            context.clock.advance(TimeSpan::seconds(31));
        }
        node.sent().await;
        let id = pending(node.log_in(ADA, PASSWORD).await);
        let mail = node.sent_one().await;
        pending(node.sign_up(ADA, OTHER_PASSWORD).await);
        node.complete(id, &code(&mail)).await.expect("a session");
    }

    async fn previous_address_is_reserved_for_a_week_from_sending(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, NEW_ADA).await;
        let digits = code(&node.sent_one().await);
        node.confirm(&issued, &digits).await.expect("a change");
        let optional = Node::optional(&context).await;
        let is_taken = async || match optional.sign_up(ADA, PASSWORD).await {
            Ok(_) => false,
            Err(Error::EmailTaken) => true,
            Err(other) => panic!("{other:?}"),
        };
        assert!(is_taken().await, "the notice is not sent yet");
        context.clock.advance(TimeSpan::days(1));
        let notice = node.sent_one().await;
        context.clock.advance(TimeSpan::seconds(7 * 24 * 60 * 60 - 1));
        assert!(is_taken().await);
        context.clock.advance(TimeSpan::seconds(1));
        assert!(is_expired(&node.auth.secure_account(&client(), &token(&notice)).await));
        assert!(!is_taken().await);
    }

    async fn owner_of_a_previous_address_can_sign_up_with_it(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        node.change(&issued, NEW_ADA).await;
        assert_ne!(node.verified(ADA).await.account.id, issued.account.id);
    }

    async fn address_that_was_never_verified_learns_nothing_and_is_not_reserved(
        context: TestContext,
    ) {
        let node = Node::optional(&context).await;
        let mistyped = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        let (email, password) = (ADA.to_owned(), PASSWORD.to_owned());
        let form = LogInForm { email, password, remember_me: true };
        let elsewhere =
            RequestContext::new("203.0.113.9".parse().ok(), Some("Wget/1.21"), "elsewhere");
        node.auth.log_in(&elsewhere, &form, None).await.map(drop).expect("a log-in");
        let sent = node.sent().await;
        let is_notice = |mail: &&SentMail| mail.subject.starts_with("New log-in");
        let notice = sent.iter().find(is_notice).expect("a notice");
        node.request_change(&mistyped, NEW_ADA).await;
        let mail = node.sent_one().await;
        node.confirm(&mistyped, &code(&mail)).await.expect("a change");
        assert!(node.sent().await.is_empty());
        // The owner of the mistyped address has a link from before, and gets no access.
        assert!(is_expired(&node.auth.secure_account(&client(), &token(notice)).await));
        assert!(node.can_log_in(NEW_ADA, PASSWORD).await);
        node.sign_up(ADA, OTHER_PASSWORD).await.map(drop).expect("a sign-up");
    }

    async fn sign_up_by_another_person_hinders_nothing(context: TestContext) {
        let node =
            Node::verifying(&context, RateLimits::default(), Verification::Required).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, NEW_ADA).await;
        let change = node.sent_one().await;
        for _ in 0..8 {
            pending(node.sign_up(ADA, OTHER_PASSWORD).await);
            context.clock.advance(TimeSpan::seconds(31));
        }
        node.sent().await;
        let form = ForgotPasswordForm { email: ADA.to_owned() };
        node.auth.request_password_reset(&client(), &form).await.expect("a request");
        assert!(node.sent_one().await.subject.ends_with("reset your password"));
        assert_eq!(node.confirm(&issued, &code(&change)).await.expect("a change"), NEW_ADA);
    }

    async fn sign_ups_that_complete_at_once_create_one_account(context: TestContext) {
        let node = Node::required(&context).await;
        let ids = join_all((0..4).map(|_| node.sign_up(ADA, PASSWORD))).await;
        let ids: HashSet<_> = ids.into_iter().map(pending).collect();
        node.sent().await;
        node.resend(*ids.iter().next().expect("a sign-up")).await;
        let digits = code(&node.sent_one().await);
        let completed = join_all(ids.iter().map(|id| node.complete(*id, &digits))).await;
        let begun = completed.iter().filter(|result| result.is_ok()).count();
        assert_eq!((begun, accounts(&context).await), (1, 1), "{completed:?}");
    }

    async fn unverified_sign_ups_are_deleted_after_a_day(context: TestContext) {
        let node = Node::required(&context).await;
        let (id, mail) = node.begin(ADA, PASSWORD).await;
        context.clock.advance(TimeSpan::days(1));
        assert_eq!(code_error(node.complete(id, &code(&mail)).await), FieldError::Expired);
        context.clock.advance(TimeSpan::seconds(1));
        node.auth.run_retention().await.expect("retention");
        let mut tx = context.store.write().await.expect("a transaction");
        assert_eq!(tx.pending_prune(Timestamp(i64::MAX), 100).await.expect("a result"), 0);
    }

    async fn setup_token_needs_no_verification(context: TestContext) {
        let node = Node::required(&context).await;
        let setup_token = node.auth.issue_setup_token().await.expect("a result").expect("a token");
        let form = SignUpForm {
            email: ADA.into(),
            password: PASSWORD.into(),
            setup_token,
            ..SignUpForm::default()
        };
        let issued = node.auth.sign_up(&client(), &form, None).await.map(tokens_of);
        let issued = issued.expect("a session");
        assert!(!issued.account.email_verified);
        let mail = node.sent_one().await;
        assert_eq!(node.confirm(&issued, &code(&mail)).await.expect("confirmed"), ADA);
    }
}
