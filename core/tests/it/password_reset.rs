//! Password reset by email, and the link "This wasn't me".

use crate::{
    common::{PASSWORD, TestContext, client, execute},
    mail_node::{Node, code, code_error, is_expired, other_code, parse_code, token},
};
use countersign_core::{
    Error, LimitedAction, PresentedCredential, RateLimits,
    admin::AdminAction,
    mail::SentMail,
    one_time_links::{LinkPurpose, ValidLink},
    test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    EventKind, FieldError, LinkId, TimeSpan,
    forms::{
        ChangePasswordForm, CurrentPasswordForm, ForgotPasswordForm, LogInForm, ResetPasswordForm,
    },
};
use futures::future::join_all;
use std::collections::HashSet;

const ADA: &str = "ada@example.com";
const NEW_PASSWORD: &str = "another horse battery";

impl Node {
    /// Requests a reset. Returns the id of the link.
    async fn request(&self, email: &str) -> LinkId {
        let form = ForgotPasswordForm { email: email.to_owned() };
        self.auth.request_password_reset(&client(), &form).await.expect("a request")
    }

    /// Requests a reset and returns the email.
    async fn requested(&self, email: &str) -> (LinkId, SentMail) {
        let link = self.request(email).await;
        (link, self.sent_one().await)
    }

    async fn read(&self, mail: &SentMail) -> Result<ValidLink, Error> {
        self.auth.read_link(LinkPurpose::ResetPassword, &token(mail)).await
    }

    async fn reset(&self, token: &str, password: &str) -> Result<(), Error> {
        let form = ResetPasswordForm { new_password: password.to_owned() };
        self.auth.reset_password(&client(), token, &form).await
    }

    async fn redeem(&self, link: LinkId, code: &str) -> Result<String, Error> {
        let purpose = LinkPurpose::ResetPassword;
        self.auth.redeem_code(&client(), purpose, link, &parse_code(code)).await
    }
}

fn log_in_form(password: &str) -> LogInForm {
    LogInForm { email: ADA.to_owned(), password: password.to_owned(), remember_me: true }
}

fn password_change() -> ChangePasswordForm {
    ChangePasswordForm {
        current_password: PASSWORD.to_owned(),
        new_password: NEW_PASSWORD.to_owned(),
    }
}

test_on_each_database! {
    async fn reset_replaces_password_and_ends_everything(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        let before = context.sign_up(ADA).await;
        let (link, mail) = node.requested(ADA).await;
        assert_eq!(mail.to, ADA);
        let (id, mail) = (link, mail);
        let link = node.read(&mail).await.expect("a valid link");
        assert_eq!((link.id, &*link.email), (id, ADA));
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("a reset");
        assert!(!node.can_log_in(ADA, PASSWORD).await);
        assert!(node.can_log_in(ADA, NEW_PASSWORD).await);
        for auth in [&node.auth, &context.auth] {
            auth.sync_feed().await.expect("the feed");
            let bearer = PresentedCredential::Bearer(&before.access.token);
            assert!(auth.signed_in(&client(), bearer).await.is_err());
            assert!(auth.refresh(&client(), &before.refresh.token).await.is_err());
        }
        let notices = node.sent().await;
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert_eq!(notices[0].subject, "Your password was reset");
    }

    async fn link_works_once_among_concurrent_requests(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let token = token(&node.requested(ADA).await.1);
        let results = join_all((0..50).map(|_| node.reset(&token, NEW_PASSWORD))).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert!(results.iter().all(|result| result.is_ok() || is_expired(result)), "{results:?}");
        assert!(is_expired(&node.reset(&token, NEW_PASSWORD).await));
    }

    async fn link_and_code_expire_at_their_own_times(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (link, mail) = node.requested(ADA).await;
        context.clock.advance(TimeSpan(TimeSpan::minutes(10).0 - 1));
        node.redeem(link, &code(&mail)).await.expect("a valid code");
        context.clock.advance(TimeSpan(1));
        assert_eq!(code_error(node.redeem(link, &code(&mail)).await), FieldError::Expired);
        context.clock.advance(TimeSpan(TimeSpan::minutes(20).0 - 1));
        node.read(&mail).await.expect("a valid link");
        context.clock.advance(TimeSpan(1));
        assert!(is_expired(&node.read(&mail).await));
        assert!(is_expired(&node.reset(&token(&mail), NEW_PASSWORD).await));
        assert!(node.can_log_in(ADA, PASSWORD).await);
    }

    async fn validity_is_counted_from_sending(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        node.request(ADA).await;
        context.clock.advance(TimeSpan::minutes(60));
        let mail = node.sent().await.remove(0);
        context.clock.advance(TimeSpan::minutes(29));
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("a reset");
    }

    async fn code_stands_for_its_link(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (link, mail) = node.requested(ADA).await;
        let redeemed = node.redeem(link, &code(&mail)).await.expect("a token");
        assert_eq!(redeemed, token(&mail));
        node.reset(&redeemed, NEW_PASSWORD).await.expect("a reset");
    }

    async fn five_wrong_codes_end_the_code_and_not_the_link(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (link, mail) = node.requested(ADA).await;
        let wrong = other_code(&code(&mail));
        for _ in 0..4 {
            assert_eq!(code_error(node.redeem(link, wrong).await), FieldError::Incorrect);
        }
        assert_eq!(code_error(node.redeem(link, wrong).await), FieldError::Expired);
        assert_eq!(code_error(node.redeem(link, &code(&mail)).await), FieldError::Expired);
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("a reset");
    }

    async fn concurrent_codes_get_five_attempts_together(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (link, mail) = node.requested(ADA).await;
        let wrong = other_code(&code(&mail));
        let results = join_all((0..30).map(|_| node.redeem(link, wrong))).await;
        let errors: Vec<_> = results.into_iter().map(code_error).collect();
        let incorrect = errors.iter().filter(|error| **error == FieldError::Incorrect).count();
        assert_eq!(incorrect, 4, "{errors:?}");
    }

    async fn newer_link_supersedes_older_one(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (first_link, first) = node.requested(ADA).await;
        let (_, second) = node.requested("ADA@example.com").await;
        assert!(is_expired(&node.reset(&token(&first), NEW_PASSWORD).await));
        assert_eq!(code_error(node.redeem(first_link, &code(&first)).await), FieldError::Expired);
        assert_eq!(second.to, ADA, "the address of the account, not as typed");
        node.reset(&token(&second), NEW_PASSWORD).await.expect("a reset");
    }

    async fn superseded_link_is_not_sent(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        for _ in 0..3 {
            node.request(ADA).await;
        }
        let sent = node.sent().await;
        assert_eq!(sent.len(), 1, "{sent:?}");
        node.reset(&token(&sent[0]), NEW_PASSWORD).await.expect("a reset");
    }

    async fn change_of_account_ends_its_links(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        let issued = context.sign_up(ADA).await;
        let (_, mail) = node.requested(ADA).await;
        let bearer = PresentedCredential::Bearer(&issued.access.token);
        let signed_in = context.auth.signed_in(&client(), bearer).await.expect("signed in");
        let form = ChangePasswordForm {
            current_password: PASSWORD.to_owned(),
            new_password: NEW_PASSWORD.to_owned(),
        };
        signed_in.change_password(&form).await.expect("a change");
        assert!(is_expired(&node.read(&mail).await));
        assert!(is_expired(&node.reset(&token(&mail), "yet another battery").await));
        assert!(node.can_log_in(ADA, NEW_PASSWORD).await);
    }

    async fn revoking_sessions_keeps_notices_and_links(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        let issued = context.sign_up(ADA).await;
        let (_, reset) = node.requested(ADA).await;
        let bearer = PresentedCredential::Bearer(&issued.access.token);
        let signed_in = node.auth.signed_in(&client(), bearer).await.expect("signed in");
        let changed = signed_in.change_password(&password_change()).await.expect("a change");
        // An attacker who changed the password can neither suppress the notice nor end its link.
        let bearer = PresentedCredential::Bearer(&changed.access.token);
        let signed_in = node.auth.signed_in(&client(), bearer).await.expect("signed in");
        signed_in.revoke_all_sessions().await.expect("revoked");
        let notice = node.sent().await.remove(0);
        assert_eq!(notice.subject, "Your password was changed");
        assert!(is_expired(&node.read(&reset).await), "the password has changed since");
        let token = node.auth.secure_account(&client(), &token(&notice)).await.expect("secured");
        node.reset(&token, "yet another battery").await.expect("a reset");
    }

    async fn link_stays_valid_while_sessions_are_revoked(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (_, mail) = node.requested(ADA).await;
        for _ in 0..3 {
            let issued = context.log_in(ADA).await;
            let bearer = PresentedCredential::Bearer(&issued.access.token);
            let signed_in = context.auth.signed_in(&client(), bearer).await.expect("signed in");
            signed_in.revoke_all_sessions().await.expect("revoked");
        }
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("a reset");
    }

    async fn reported_deletion_is_cancelled(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        let issued = context.sign_up(ADA).await;
        let bearer = PresentedCredential::Bearer(&issued.access.token);
        let signed_in = node.auth.signed_in(&client(), bearer).await.expect("signed in");
        let form = CurrentPasswordForm { current_password: PASSWORD.to_owned() };
        signed_in.delete_account(&form).await.expect("scheduled");
        let notice = node.sent().await.remove(0);
        assert!(notice.subject.starts_with("Your account will be deleted on "));
        node.auth.secure_account(&client(), &token(&notice)).await.expect("secured");
        context.clock.advance(TimeSpan::days(15));
        context.auth.run_retention().await.expect("retention");
        let mut reader = context.store.read().await.expect("a connection");
        assert!(reader.user_by_email(ADA).await.expect("an answer").is_some());
    }

    async fn codes_of_one_address_are_limited_over_all_links(context: TestContext) {
        let mut limits = RateLimits::off();
        let limit = LimitedAction::AddressCode.rule().default;
        limits.set(LimitedAction::AddressCode, Some(limit));
        let node = Node::start(&context, limits).await;
        context.sign_up(ADA).await;
        let mut evaluated = 0;
        for _ in 0..5 {
            let (link, mail) = node.requested(ADA).await;
            let wrong = other_code(&code(&mail));
            for _ in 0..4 {
                evaluated +=
                    u32::from(code_error(node.redeem(link, wrong).await) == FieldError::Incorrect);
            }
        }
        assert_eq!(evaluated, limit.burst);
        let (link, mail) = node.requested(ADA).await;
        assert_eq!(code_error(node.redeem(link, &code(&mail)).await), FieldError::Expired);
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("the link still works");
    }

    async fn notices_to_an_unverified_address_are_limited(context: TestContext) {
        let mut limits = RateLimits::off();
        limits.set(
            LimitedAction::UnverifiedNotice,
            Some(LimitedAction::UnverifiedNotice.rule().default),
        );
        let node = Node::start(&context, limits).await;
        context.sign_up(ADA).await;
        let log_in_from = async |number: u32| {
            let mut elsewhere = client();
            elsewhere.device = Some(format!("Device {number}").into());
            node.auth.log_in(&elsewhere, &log_in_form(PASSWORD), None).await
                .map(tokens_of)
                .expect("a log-in");
        };
        for number in 0..20 {
            log_in_from(number).await;
        }
        assert_eq!(node.sent().await.len(), 5);
        execute(&context, "UPDATE csgn_users SET email_verified_at = 1").await;
        for number in 20..30 {
            log_in_from(number).await;
        }
        assert_eq!(node.sent().await.len(), 10);
    }

    async fn device_that_looks_like_a_domain_is_not_named(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let mut elsewhere = client();
        elsewhere.device = Some("visit-evil.example".into());
        node.auth.log_in(&elsewhere, &log_in_form(PASSWORD), None).await
            .map(tokens_of)
            .expect("a log-in");
        let notice = node.sent().await.remove(0);
        assert_eq!(notice.subject, "New log-in to your account");
        assert!(!notice.raw.contains("evil"), "{}", notice.raw);
    }

    async fn weak_password_does_not_use_the_link(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (_, mail) = node.requested(ADA).await;
        for weak in ["short", "password1", ADA] {
            assert!(matches!(node.reset(&token(&mail), weak).await, Err(Error::Invalid(_))));
        }
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("a reset");
    }

    async fn unknown_address_gets_no_email_and_the_same_response(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        let link = node.request("unknown@example.com").await;
        assert_eq!(code_error(node.redeem(link, "123456").await), FieldError::Expired);
        assert!(node.sent().await.is_empty());
        // The code of a link without an account behaves like any other.
        for _ in 0..4 {
            assert_eq!(code_error(node.redeem(link, "123456").await), FieldError::Incorrect);
        }
        assert_eq!(code_error(node.redeem(link, "123456").await), FieldError::Expired);
    }

    async fn disabled_account_gets_no_email(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        let user = context.sign_up(ADA).await.account.id;
        let (_, mail) = node.requested(ADA).await;
        let operator = context.auth.operator_for_tests(&client());
        operator.change(user, AdminAction::Disable).await.expect("disabled");
        assert!(is_expired(&node.reset(&token(&mail), NEW_PASSWORD).await));
        node.request(ADA).await;
        assert!(node.sent().await.is_empty());
    }

    async fn token_of_one_purpose_is_refused_for_another(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let (_, mail) = node.requested(ADA).await;
        assert!(is_expired(&node.auth.secure_account(&client(), &token(&mail)).await));
        node.reset(&token(&mail), NEW_PASSWORD).await.expect("a reset");
        let notice = node.sent().await.remove(0);
        assert!(is_expired(&node.reset(&token(&notice), "yet another battery").await));
    }

    async fn reported_log_in_ends_its_session_and_allows_a_reset(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let mut elsewhere = client();
        elsewhere.device = Some("Chrome on Windows".into());
        let log_in = async || {
            let form = log_in_form(PASSWORD);
            node.auth.log_in(&elsewhere, &form, None).await.map(tokens_of).expect("a log-in")
        };
        let intruder = log_in().await;
        let notice = node.sent().await.remove(0);
        assert_eq!(notice.subject, "New log-in from Chrome on Windows");
        let second = log_in().await;
        assert!(node.sent().await.is_empty(), "the device is known now");
        let reset = node.auth.secure_account(&client(), &token(&notice)).await.expect("secured");
        for (issued, is_active) in [(&intruder, false), (&second, true)] {
            let bearer = PresentedCredential::Bearer(&issued.access.token);
            assert_eq!(node.auth.signed_in(&client(), bearer).await.is_ok(), is_active);
        }
        assert!(is_expired(&node.auth.secure_account(&client(), &token(&notice)).await));
        // An intruder who knows the password can neither log in again nor change it.
        assert!(!node.can_log_in(ADA, PASSWORD).await);
        let bearer = PresentedCredential::Bearer(&second.access.token);
        let signed_in = node.auth.signed_in(&client(), bearer).await.expect("signed in");
        let changed = signed_in.change_password(&password_change()).await;
        assert!(matches!(changed, Err(Error::Invalid(_))), "no password is current");
        node.reset(&reset, NEW_PASSWORD).await.expect("a reset");
        let mut reader = context.store.read().await.expect("a connection");
        let events = reader.event_records().await.expect("events");
        for kind in [EventKind::ActivityReported, EventKind::PasswordReset] {
            assert!(events.iter().any(|event| event.kind == kind.as_str()), "{events:?}");
        }
    }

    async fn reported_device_is_not_known(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let mut elsewhere = client();
        elsewhere.device = Some("Chrome on Windows".into());
        node.auth.log_in(&elsewhere, &log_in_form(PASSWORD), None).await
            .map(tokens_of)
            .expect("a log-in");
        let notice = node.sent().await.remove(0);
        let reset = node.auth.secure_account(&client(), &token(&notice)).await.expect("secured");
        node.reset(&reset, NEW_PASSWORD).await.expect("a reset");
        node.sent().await;
        node.auth.log_in(&elsewhere, &log_in_form(NEW_PASSWORD), None).await
            .map(tokens_of)
            .expect("a log-in");
        assert_eq!(node.sent().await[0].subject, "New log-in from Chrome on Windows");
    }

    async fn other_emails_suppress_no_notice(context: TestContext) {
        let mut limits = RateLimits::default();
        limits.set(LimitedAction::LogIn, None);
        let node = Node::start(&context, limits).await;
        let issued = context.sign_up(ADA).await;
        for number in 0..10 {
            node.request(ADA).await;
            let mut elsewhere = client();
            elsewhere.device = Some(format!("Device {number}").into());
            node.auth.log_in(&elsewhere, &log_in_form(PASSWORD), None).await
                .map(tokens_of)
                .expect("a log-in");
            context.clock.advance(TimeSpan::seconds(30));
        }
        let subjects: Vec<_> = node.sent().await.into_iter().map(|mail| mail.subject).collect();
        let count = |start| subjects.iter().filter(|subject| subject.starts_with(start)).count();
        assert!((5..10).contains(&count("New log-in from ")), "{subjects:?}");
        let bearer = PresentedCredential::Bearer(&issued.access.token);
        let signed_in = node.auth.signed_in(&client(), bearer).await.expect("signed in");
        signed_in.change_password(&password_change()).await.expect("a change");
        assert_eq!(node.sent().await[0].subject, "Your password was changed");
    }

    async fn requests_beyond_the_limit_send_no_email(context: TestContext) {
        let mut limits = RateLimits::default();
        limits.set(LimitedAction::NetworkMail, None);
        let node = Node::start(&context, limits).await;
        context.sign_up(ADA).await;
        let mut sent = 0;
        for _ in 0..100 {
            node.request(ADA).await;
            sent += node.sent().await.len();
            context.clock.advance(TimeSpan::seconds(36));
        }
        assert!((5..=10).contains(&sent), "{sent} emails in an hour");
        assert!(node.can_log_in(ADA, PASSWORD).await, "not locked");
    }

    async fn requests_of_one_network_are_limited(context: TestContext) {
        let node = Node::start(&context, RateLimits::default()).await;
        for number in 0..20 {
            node.request(&format!("user{number}@example.com")).await;
        }
        let form = ForgotPasswordForm { email: "user20@example.com".into() };
        let refused = node.auth.request_password_reset(&client(), &form).await;
        assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}");
    }

    async fn request_within_the_pause_keeps_the_first_email_valid(context: TestContext) {
        let node = Node::start(&context, RateLimits::default()).await;
        context.sign_up(ADA).await;
        let (first, mail) = node.requested(ADA).await;
        let second = node.request(ADA).await;
        assert!(node.sent().await.is_empty());
        assert_eq!(first, second, "the page can still use the code of the first email");
        node.redeem(second, &code(&mail)).await.expect("a valid code");
    }

    async fn tokens_are_distinct_and_not_stored(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        let mut tokens = HashSet::new();
        for _ in 0..20 {
            assert!(tokens.insert(token(&node.requested(ADA).await.1)));
        }
        // An email that waits contains no secret either.
        node.request(ADA).await;
        let mut reader = context.store.read().await.expect("a connection");
        let mails = reader
            .outbox_list(false, countersign_types::MailId(uuid::Uuid::nil()), 10)
            .await
            .expect("the outbox");
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].content, r#"{"template":"reset_password"}"#);
    }

    async fn without_mail_a_request_is_refused(context: TestContext) {
        let form = ForgotPasswordForm { email: ADA.into() };
        let refused = context.auth.request_password_reset(&client(), &form).await;
        assert!(matches!(refused, Err(Error::MailDisabled)));
        // Nor does anything write to an outbox that nothing empties.
        context.sign_up(ADA).await;
        context.log_in(ADA).await;
        let mut reader = context.store.read().await.expect("a connection");
        assert_eq!(reader.count_rows("csgn_mail_outbox").await.expect("a number"), 0);
    }

    async fn expired_links_are_deleted_after_two_days(context: TestContext) {
        let node = Node::start(&context, RateLimits::off()).await;
        context.sign_up(ADA).await;
        node.requested(ADA).await;
        let count = async || {
            context.auth.run_retention().await.expect("retention");
            let mut reader = context.store.read().await.expect("a connection");
            reader.count_rows("csgn_one_time_links").await.expect("a number")
        };
        context.clock.advance(TimeSpan::days(2));
        assert_eq!(count().await, 1);
        context.clock.advance(TimeSpan::minutes(31));
        assert_eq!(count().await, 0);
    }
}
