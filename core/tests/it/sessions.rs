//! Session management: list, revocation, password change, the session limit and the reuse notice.

use crate::common::{PASSWORD, TestContext, accepts, can_refresh, client, signed_in};
use countersign_core::{
    Error, IssuedTokens, MAX_SESSIONS_PER_USER, PresentedCredential, RequestContext,
    test_on_each_database, testing::tokens_of,
};
use countersign_types::{
    ActivityFilter, EventKind, Field, FieldError, TimeSpan,
    forms::{ChangePasswordForm, LogInForm},
    views::SessionInfo,
};

const ADA: &str = "ada@example.com";

async fn sessions(context: &TestContext, issued: &IssuedTokens) -> Vec<SessionInfo> {
    signed_in(context, issued).await.sessions(100, None).await.expect("sessions").items
}

async fn event_kinds(context: &TestContext, issued: &IssuedTokens) -> Vec<EventKind> {
    signed_in(context, issued)
        .await
        .activity(ActivityFilter::All, 100, None)
        .await
        .expect("a list")
        .items
        .into_iter()
        .map(|event| event.kind)
        .collect()
}

fn change(current: &str, new: &str) -> ChangePasswordForm {
    ChangePasswordForm { current_password: current.into(), new_password: new.into() }
}

test_on_each_database! {
    async fn session_list_shows_active_sessions_and_the_current_one(context: TestContext) {
        let first = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::minutes(5));
        let phone = RequestContext::new(
            "203.0.113.9".parse().ok(),
            Some("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"),
            "test",
        );
        let form =
            LogInForm { email: ADA.into(), password: PASSWORD.into(), ..LogInForm::default() };
        let second = context.auth.log_in(&phone, &form, None).await
            .map(tokens_of)
            .expect("a log-in");
        let third = context.log_in(ADA).await;
        context
            .auth
            .log_out(&client(), PresentedCredential::Bearer(&third.access.token))
            .await
            .expect("a log-out");
        context.sign_up("grace@example.com").await;

        let list = sessions(&context, &first).await;
        let seen: Vec<_> = list
            .iter()
            .map(|session| (session.device.as_deref(), session.address.as_deref(), session.current))
            .collect();
        assert_eq!(
            seen,
            [
                (Some("Firefox on Linux"), Some("203.0.113.9"), false),
                (Some("curl"), Some("192.0.2.7"), true)
            ]
        );
        assert!(list[0].created_at > list[1].created_at);
        assert!(sessions(&context, &second).await[0].current);

        // Sessions past the idle timeout are not listed.
        context.clock.advance(TimeSpan::days(13));
        let second =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        context.clock.advance(TimeSpan::days(2));
        let second =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        assert_eq!(sessions(&context, &second).await.len(), 1);
    }

    async fn session_list_shows_last_activity(context: TestContext) {
        let first = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::minutes(60));
        let second = context.log_in(ADA).await;
        let ages = async |issued: &IssuedTokens| {
            context.auth.run_maintenance(false).await.expect("maintenance");
            let now = context.clock.now();
            sessions(&context, issued)
                .await
                .into_iter()
                .map(|session| now.since(session.last_seen_at).as_seconds() / 60)
                .collect::<Vec<_>>()
        };
        assert_eq!(ages(&second).await, [0, 60], "newest first");
        context.clock.advance(TimeSpan::minutes(30));
        let second =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        assert_eq!(ages(&second).await, [0, 90]);
        context
            .auth
            .signed_in(&client(), PresentedCredential::Cookie(&first.refresh.token))
            .await
            .expect("a page view");
        assert_eq!(ages(&second).await, [0, 0]);
    }

    async fn session_list_is_paginated(context: TestContext) {
        let mut issued = context.sign_up(ADA).await;
        for _ in 0..4 {
            context.clock.advance(TimeSpan(1));
            issued = context.log_in(ADA).await;
        }
        let me = signed_in(&context, &issued).await;
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = me.sessions(2, cursor.as_deref()).await.expect("a page");
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|session| session.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted_by(|a, b| a > b), "newest first");
        assert!(matches!(me.sessions(2, Some("invalid")).await, Err(Error::InvalidCursor)));
    }

    async fn revoking_one_session_keeps_the_others(context: TestContext) {
        let (first, second) = (context.sign_up(ADA).await, context.log_in(ADA).await);
        let other = sessions(&context, &first)
            .await
            .into_iter()
            .find(|session| !session.current)
            .expect("the other session");
        signed_in(&context, &first).await.revoke_session(other.id).await.expect("revoked");
        assert!(
            !accepts(&context.auth, &second.access.token).await
                && !can_refresh(&context.auth, &second.refresh.token).await
        );
        assert!(accepts(&context.auth, &first.access.token).await);
        assert_eq!(event_kinds(&context, &first).await[0], EventKind::SessionRevoked);
        assert!(
            matches!(
                signed_in(&context, &first).await.revoke_session(other.id).await,
                Err(Error::NotFound)
            ),
            "already revoked"
        );
    }

    async fn session_of_another_user_cannot_be_revoked(context: TestContext) {
        let (ada, eve) = (context.sign_up(ADA).await, context.sign_up("eve@example.com").await);
        let hers = sessions(&context, &ada).await.remove(0).id;
        for id in [hers, countersign_types::SessionId(uuid::Uuid::from_u128(7))] {
            assert!(matches!(
                signed_in(&context, &eve).await.revoke_session(id).await,
                Err(Error::NotFound)
            ));
        }
        assert!(accepts(&context.auth, &ada.access.token).await);
        assert_eq!(sessions(&context, &eve).await.len(), 1);
    }

    async fn revoke_others_keeps_this_session_and_revoke_all_none(context: TestContext) {
        let (first, second, third) =
            (context.sign_up(ADA).await, context.log_in(ADA).await, context.log_in(ADA).await);
        let grace = context.sign_up("grace@example.com").await;
        signed_in(&context, &second).await.revoke_other_sessions().await.expect("revoked");
        for revoked in [&first, &third] {
            assert!(
                !accepts(&context.auth, &revoked.access.token).await
                    && !can_refresh(&context.auth, &revoked.refresh.token).await
            );
        }
        assert!(accepts(&context.auth, &second.access.token).await, "its access token stays valid");
        assert_eq!(event_kinds(&context, &second).await[0], EventKind::OtherSessionsRevoked);

        let fourth = context.log_in(ADA).await;
        signed_in(&context, &second).await.revoke_all_sessions().await.expect("revoked");
        for revoked in [&second, &fourth] {
            assert!(
                !accepts(&context.auth, &revoked.access.token).await
                    && !can_refresh(&context.auth, &revoked.refresh.token).await
            );
        }
        assert!(accepts(&context.auth, &grace.access.token).await, "other users are not affected");
        let again = context.log_in(ADA).await;
        assert_eq!(
            event_kinds(&context, &again).await[..2],
            [EventKind::LoggedIn, EventKind::AllSessionsRevoked]
        );
    }

    async fn password_change_revokes_other_sessions_on_every_node(context: TestContext) {
        let (this, other, node) =
            (context.sign_up(ADA).await, context.log_in(ADA).await, context.another_node().await);
        let issued = signed_in(&context, &this)
            .await
            .change_password(&change(PASSWORD, "a quite different one"))
            .await
            .expect("changed");
        node.sync_feed().await.expect("synced");
        for node in [&context.auth, &node] {
            assert!(
                !accepts(node, &other.access.token).await
                    && !can_refresh(node, &other.refresh.token).await
            );
            // The current session continues with the new tokens; its old tokens are revoked.
            assert!(
                !accepts(node, &this.access.token).await
                    && accepts(node, &issued.access.token).await
            );
        }
        let refreshed =
            context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
        assert!(accepts(&node, &refreshed.access.token).await);
        assert_eq!(event_kinds(&context, &refreshed).await[0], EventKind::PasswordChanged);
        let log_in = async |password: &str| {
            let form =
                LogInForm { email: ADA.into(), password: password.into(), ..LogInForm::default() };
            context.auth.log_in(&client(), &form, None).await.map(tokens_of).is_ok()
        };
        assert!(!log_in(PASSWORD).await);
        assert!(log_in("a quite different one").await);
    }

    async fn password_change_requires_the_current_password(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        let me = signed_in(&context, &issued).await;
        for (form, expected) in [
            (
                change("wrong horse battery", "a quite different one"),
                vec![(Field::CurrentPassword, FieldError::Incorrect)],
            ),
            (
                change("", ""),
                vec![
                    (Field::CurrentPassword, FieldError::Missing),
                    (Field::NewPassword, FieldError::Missing),
                ],
            ),
            (
                change(PASSWORD, "short"),
                vec![(Field::NewPassword, FieldError::TooShort { min: 8 })],
            ),
            (change(PASSWORD, ADA), vec![(Field::NewPassword, FieldError::MatchesEmail)]),
            (change(PASSWORD, PASSWORD), vec![(Field::NewPassword, FieldError::Unchanged)]),
            // Without the current password, `Unchanged` is not revealed.
            (
                change("wrong horse battery", "wrong horse battery"),
                vec![(Field::CurrentPassword, FieldError::Incorrect)],
            ),
        ] {
            let Err(Error::Invalid(errors)) = me.change_password(&form).await else {
                panic!("field errors expected")
            };
            assert_eq!(errors.0, expected);
        }
        assert!(accepts(&context.auth, &issued.access.token).await);
        assert_eq!(
            event_kinds(&context, &issued).await,
            [EventKind::PasswordChangeFailed, EventKind::PasswordChangeFailed, EventKind::SignedUp]
        );
    }

    async fn least_recently_used_session_is_evicted(context: TestContext) {
        let first = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::minutes(1));
        let second = context.log_in(ADA).await;
        context.clock.advance(TimeSpan::minutes(1));
        // The first session is used again, so the second is the least recently used one.
        let first = context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        let mut last = None;
        for _ in 2..=MAX_SESSIONS_PER_USER {
            context.clock.advance(TimeSpan(10));
            last = Some(context.log_in(ADA).await);
        }
        let last = last.expect("a session");
        assert!(
            !accepts(&context.auth, &second.access.token).await
                && !can_refresh(&context.auth, &second.refresh.token).await
        );
        assert!(accepts(&context.auth, &first.access.token).await);
        assert_eq!(sessions(&context, &last).await.len(), usize::from(MAX_SESSIONS_PER_USER));
        assert!(event_kinds(&context, &last).await.contains(&EventKind::SessionEvicted));
    }

    async fn reuse_notice_is_shown_at_next_log_in_until_dismissed(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        let old_token = issued.refresh.token.clone();
        context.clock.advance(TimeSpan::minutes(1));
        let used = context.auth.refresh(&client(), &old_token).await.expect("refreshed");
        assert!(accepts(&context.auth, &used.access.token).await);
        context.clock.advance(TimeSpan::minutes(1));
        assert!(!can_refresh(&context.auth, &old_token).await, "reuse is detected");
        let at = context.clock.now();
        context.clock.advance(TimeSpan::minutes(1));
        let notified = context.log_in(ADA).await;
        assert_eq!(notified.account.reuse_detected_at, Some(at));
        assert_eq!(
            signed_in(&context, &notified)
                .await
                .account()
                .await
                .expect("an account")
                .reuse_detected_at,
            Some(at)
        );
        assert!(event_kinds(&context, &notified).await.contains(&EventKind::RefreshTokenReused));
        signed_in(&context, &notified).await.dismiss_notice().await.expect("dismissed");
        assert_eq!(
            signed_in(&context, &notified)
                .await
                .account()
                .await
                .expect("an account")
                .reuse_detected_at,
            None,
            "the notice is dismissed"
        );
        signed_in(&context, &notified).await.dismiss_notice().await.expect("dismissed twice");
        context.clock.advance(TimeSpan::minutes(1));
        assert_eq!(context.log_in(ADA).await.account.reuse_detected_at, None);
    }

    async fn session_without_remember_me_has_a_session_cookie(context: TestContext) {
        context.sign_up(ADA).await;
        for persistent in [false, true] {
            let form = LogInForm {
                email: ADA.into(),
                password: PASSWORD.into(),
                remember_me: persistent,
            };
            let issued = context.auth.log_in(&client(), &form, None).await
                .map(tokens_of)
                .expect("a log-in");
            let refreshed =
                context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
            for issued in [issued, refreshed] {
                assert_eq!(
                    (issued.persistent, issued.refresh.max_age.is_some()),
                    (persistent, persistent)
                );
            }
        }
    }

    async fn ended_sessions_are_pruned_after_retention(context: TestContext) {
        let (first, second) = (context.sign_up(ADA).await, context.log_in(ADA).await);
        context
            .auth
            .log_out(&client(), PresentedCredential::Bearer(&first.access.token))
            .await
            .expect("a log-out");
        context.clock.advance(TimeSpan::days(13));
        let second =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        context.clock.advance(TimeSpan::days(13));
        let second =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        context.clock.advance(TimeSpan::days(13));
        context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        let mut tx = context.store.write().await.expect("a transaction");
        assert_eq!(
            tx.session_prune(context.clock.now() - TimeSpan::days(30), 100).await.expect("pruned"),
            1
        );
    }

    async fn session_in_use_is_not_evicted_by_many_log_ins(context: TestContext) {
        let (used, node) = (context.sign_up(ADA).await, context.another_node().await);
        context.clock.advance(TimeSpan::seconds(5));
        signed_in(&context, &used).await;
        context.auth.run_maintenance(false).await.expect("maintenance");
        for number in 0..300 {
            // Within a minute, alternating between the node that tracks its use and the other.
            context.clock.advance(TimeSpan(150));
            let form =
                LogInForm { email: ADA.into(), password: PASSWORD.into(), ..LogInForm::default() };
            [&context.auth, &node][number % 2]
                .log_in(&client(), &form, None)
                .await
                .map(tokens_of)
                .expect("a log-in");
            assert!(accepts(&context.auth, &used.access.token).await, "{number}");
        }
        let sessions =
            signed_in(&context, &used).await.sessions(100, None).await.expect("a list").items;
        assert_eq!(sessions.len(), 100);
        // A session that is no longer used is evicted like any other.
        context.clock.advance(TimeSpan::minutes(7));
        let refreshed =
            context.auth.refresh(&client(), &used.refresh.token).await.expect("refreshed");
        context.clock.advance(TimeSpan::minutes(7));
        for _ in 0..100 {
            context.clock.advance(TimeSpan(150));
            context.log_in(ADA).await;
        }
        assert!(!can_refresh(&context.auth, &refreshed.refresh.token).await);
    }
}
