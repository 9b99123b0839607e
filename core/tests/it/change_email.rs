//! Change of the email address, and the return to the previous one.

use crate::{
    common::{PASSWORD, TestContext, client},
    mail_node::{
        Node, code, code_error, is_expired, kinds, other_code, parse_code, signed_in_to, token,
        wrong_code,
    },
};
use countersign_core::{
    Error, IssuedTokens, LimitedAction, PresentedCredential, RateLimit, RateLimits, RequestContext,
    Verification, accounts::AddressProof, mail::SentMail, test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    EventKind, Field, FieldError, TimeSpan,
    forms::{
        ChangeEmailForm, ChangePasswordForm, ForgotPasswordForm, LogInForm, ResetPasswordForm,
    },
    views::LinkAction,
};

const ADA: &str = "ada@example.com";
const NEW_ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.com";
const OTHER_PASSWORD: &str = "another horse battery";

test_on_each_database! {
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

    async fn current_address_is_refused_as_the_new_one(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        for email in [ADA, "Ada@Example.com"] {
            let form = ChangeEmailForm { email: email.into(), current_password: PASSWORD.into() };
            match node.user(&issued).await.request_email_change(&form).await {
                Err(Error::Invalid(errors)) => {
                    assert_eq!(errors.get(Field::Email), Some(FieldError::Unchanged));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(node.sent().await.is_empty());
    }

    async fn requested_address_is_shown_until_it_is_cancelled_or_expires(context: TestContext) {
        let node = Node::required(&context).await;
        node.verified(EVE).await;
        let issued = node.verified(ADA).await;
        let shown = async || {
            node.user(&issued).await.account().await.expect("an account").pending_email
        };
        assert_eq!(shown().await, None);
        // A taken address gets no email and looks alike.
        for email in [EVE, NEW_ADA] {
            node.request_change(&issued, email).await;
            assert_eq!(shown().await.as_deref(), Some(email));
        }
        let mail = node.sent_one().await;
        node.user(&issued).await.cancel_email_change().await.expect("cancelled");
        assert_eq!(shown().await, None);
        assert_eq!(code_error(node.confirm(&issued, &code(&mail)).await), FieldError::Expired);
        node.user(&issued).await.cancel_email_change().await.expect("nothing to do");

        node.change(&issued, NEW_ADA).await;
        assert_eq!(shown().await, None);
        node.request_change(&issued, EVE).await;
        assert_eq!(shown().await.as_deref(), Some(EVE));
        let refreshed = async |issued: &IssuedTokens| {
            node.auth.refresh(&client(), &issued.refresh.token).await.expect("tokens")
        };
        context.clock.advance(TimeSpan(TimeSpan::days(1).0 - 1));
        let issued = refreshed(&issued).await;
        assert_eq!(issued.account.pending_email.as_deref(), Some(EVE));
        context.clock.advance(TimeSpan(1));
        assert_eq!(refreshed(&issued).await.account.pending_email, None);
    }

    async fn cancelled_request_is_recorded_once(context: TestContext) {
        let node = Node::required(&context).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, NEW_ADA).await;
        for _ in 0..2 {
            node.user(&issued).await.cancel_email_change().await.expect("cancelled");
        }
        assert_eq!(
            kinds(&node, &issued).await,
            [EventKind::EmailChangeCancelled, EventKind::EmailChangeRequested, EventKind::SignedUp]
        );
    }

    async fn request_beyond_the_limit_leaves_the_earlier_one(context: TestContext) {
        let node = Node::verifying(&context, RateLimits::default(), Verification::Required).await;
        let issued = node.verified(ADA).await;
        node.request_change(&issued, NEW_ADA).await;
        let mail = node.sent_one().await;
        node.request_change(&issued, NEW_ADA).await;
        assert!(node.sent().await.is_empty());
        let account = node.user(&issued).await.account().await.expect("an account");
        assert_eq!(account.pending_email.as_deref(), Some(NEW_ADA));
        assert_eq!(node.confirm(&issued, &code(&mail)).await.expect("a change"), NEW_ADA);
    }

    async fn codes_to_both_addresses_work(context: TestContext) {
        for first in [0, 1] {
            let node = Node::optional(&context).await;
            let own = if first == 0 { ADA } else { EVE };
            let issued = node.sign_up(own, PASSWORD).await.map(tokens_of).expect("a sign-up");
            let mut mails = vec![node.sent_one().await];
            node.request_change(&issued, &format!("new-{own}")).await;
            mails.push(node.sent_one().await);
            if code(&mails[0]) == code(&mails[1]) {
                continue;
            }
            // The own address first, or the new one at once.
            for mail in &mails[first..] {
                let confirmed = node.confirm(&issued, &code(mail)).await;
                assert_eq!(confirmed.expect("confirmed"), mail.to);
            }
            node.sent().await;
        }
    }

    async fn incorrect_codes_are_attempts_for_both_addresses(context: TestContext) {
        let node = Node::optional(&context).await;
        let issued = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        let verify = node.sent_one().await;
        node.request_change(&issued, NEW_ADA).await;
        let change = node.sent_one().await;
        let wrong = wrong_code(&[&verify, &change]);
        for attempt in 1..=5 {
            let refused = code_error(node.confirm(&issued, wrong).await);
            let expected =
                if attempt < 5 { FieldError::Incorrect } else { FieldError::Expired };
            assert_eq!(refused, expected);
        }
        for mail in [&verify, &change] {
            assert_eq!(code_error(node.confirm(&issued, &code(mail)).await), FieldError::Expired);
        }
    }

    async fn network_at_its_limit_guesses_no_code_for_free(context: TestContext) {
        let mut limits = RateLimits::off();
        let limit = RateLimit { burst: 5, period: TimeSpan::days(1) };
        limits.set(LimitedAction::NetworkCode, Some(limit));
        let node = Node::verifying(&context, limits, Verification::Optional).await;
        let issued = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        let verify = node.sent_one().await;
        node.request_change(&issued, NEW_ADA).await;
        let change = node.sent_one().await;
        let wrong = wrong_code(&[&verify, &change]);
        for _ in 0..5 {
            code_error(node.confirm(&issued, wrong).await);
        }
        let refused = node.confirm(&issued, &code(&change)).await;
        assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}");
        // From another network: all five attempts were counted for the link.
        let address = "198.51.100.7".parse().ok();
        let other = RequestContext { address, ..client() };
        let user = PresentedCredential::Bearer(&issued.access.token);
        let user = node.auth.signed_in(&other, user).await.expect("signed in");
        let right = parse_code(&code(&change));
        let refused = user.confirm_email(AddressProof::Code(&right)).await;
        assert_eq!(code_error(refused), FieldError::Expired);
    }

    async fn correct_code_that_may_not_be_tried_looks_incorrect(context: TestContext) {
        let mut limits = RateLimits::off();
        let limit = RateLimit { burst: 1, period: TimeSpan::days(1) };
        limits.set(LimitedAction::AddressCode, Some(limit));
        let node = Node::verifying(&context, limits.clone(), Verification::Optional).await;
        let issued = node.sign_up(ADA, PASSWORD).await.map(tokens_of).expect("a sign-up");
        let verify = node.sent_one().await;
        node.request_change(&issued, NEW_ADA).await;
        let change = node.sent_one().await;
        // Another account uses up the attempts for the new address.
        let eve = context.sign_up(EVE).await;
        let other = Node::verifying(&context, limits, Verification::Optional).await;
        other.request_change(&eve, NEW_ADA).await;
        let eves = other.sent_one().await;
        code_error(other.confirm(&eve, other_code(&code(&eves))).await);
        if code(&verify) != code(&change) {
            let refused = code_error(node.confirm(&issued, &code(&change)).await);
            assert_eq!(refused, FieldError::Incorrect);
        }
    }
}
