//! Verification of email addresses at sign-up and log-in.

use crate::{
    common::{PASSWORD, TestContext, client},
    mail_node::{
        Node, code, code_error, is_expired, kinds, other_code, pending, signed_in_to, token,
    },
};
use countersign_core::{
    Error, IssuedTokens, RateLimits, Verification,
    accounts::{AddressProof, LogInStep},
    test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    EventKind, FieldError, TimeSpan, Timestamp, VerificationId,
    forms::{ChangePasswordForm, ForgotPasswordForm, SignUpForm},
    views::LinkAction,
};
use futures::future::join_all;
use std::collections::HashSet;
use uuid::Uuid;

const ADA: &str = "ada@example.com";
const NEW_ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.com";
const OTHER_PASSWORD: &str = "another horse battery";

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

    async fn sign_up_that_waits_is_refused_after_closing(context: TestContext) {
        let open = Node::required(&context).await;
        let (id, mail) = open.begin(ADA, PASSWORD).await;
        let closed = Node::closed(&context).await;
        let by_code = closed.complete(id, &code(&mail)).await.map(drop);
        assert!(matches!(by_code, Err(Error::SignUpClosed)), "{by_code:?}");
        let by_link = closed.choose_password(&mail, OTHER_PASSWORD).await.map(drop);
        assert!(matches!(by_link, Err(Error::SignUpClosed)), "{by_link:?}");
        assert!(matches!(closed.sign_up(EVE, PASSWORD).await, Err(Error::SignUpClosed)));
        assert_eq!(accounts(&context).await, 0);
        // Nothing was used up.
        open.complete(id, &code(&mail)).await.expect("a session");
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
        let recorded = kinds(&node, &issued).await;
        assert_eq!(recorded[..2], [EventKind::LoggedIn, EventKind::EmailVerified]);
        let again = node.log_in(ADA, PASSWORD).await;
        assert!(matches!(&again, Ok(LogInStep::SignedIn(_))), "{again:?}");
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
        let verifications = async || {
            let recorded = kinds(&node, &owner).await;
            recorded.into_iter().filter(|kind| *kind == EventKind::EmailVerified).count()
        };
        assert_eq!(verifications().await, 1);
        assert_eq!(code_error(node.confirm(&owner, &code(change)).await), FieldError::Expired);
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
            link_token: setup_token,
            ..SignUpForm::default()
        };
        let issued = node.auth.sign_up(&client(), &form, None).await.map(tokens_of);
        let issued = issued.expect("a session");
        assert!(!issued.account.email_verified);
        let mail = node.sent_one().await;
        assert_eq!(node.confirm(&issued, &code(&mail)).await.expect("confirmed"), ADA);
    }

    async fn postponed_verification_is_due_again_after_a_week(context: TestContext) {
        let node = Node::optional(&context).await;
        let issued = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        assert!(issued.account.verification_due);
        node.user(&issued).await.postpone_verification().await.expect("postponed");
        let refreshed = async |issued: &IssuedTokens| {
            node.auth.refresh(&client(), &issued.refresh.token).await.expect("tokens")
        };
        let issued = refreshed(&issued).await;
        assert!(!issued.account.verification_due);
        let other = node.log_in(ADA, PASSWORD).await.map(tokens_of).expect("a log-in");
        assert!(other.account.verification_due, "another session asks");
        context.clock.advance(TimeSpan(TimeSpan::days(7).0 - 1));
        let issued = refreshed(&issued).await;
        assert!(!issued.account.verification_due);
        context.clock.advance(TimeSpan(1));
        assert!(refreshed(&issued).await.account.verification_due);
    }

    async fn verification_is_due_only_where_the_server_asks_for_it(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        assert!(!issued.account.email_verified && !issued.account.verification_due);
        let node = Node::optional(&context).await;
        assert!(node.user(&issued).await.account().await.expect("an account").verification_due);
        node.reset_by_mail(ADA, OTHER_PASSWORD).await;
        let issued = node.log_in(ADA, OTHER_PASSWORD).await.map(tokens_of).expect("a log-in");
        assert!(issued.account.email_verified && !issued.account.verification_due);
    }
}
