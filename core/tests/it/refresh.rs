//! Refresh tokens: rotation, lost responses, concurrent tabs, reuse detection and timeouts.

use crate::common::{TestContext, accepts, can_refresh, client};
use countersign_core::{
    Auth, Error, PresentedCredential, test_on_each_database, testing::refresh_token,
};
use countersign_types::{ActivityFilter, EventKind, TimeSpan};

const ADA: &str = "ada@example.com";

/// Refreshes one token fifty times concurrently. All succeed with one successor, which is returned.
async fn refresh_concurrently(auth: &Auth, token: &str) -> String {
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (auth, token) = (auth.clone(), token.to_owned());
            tokio::spawn(async move {
                auth.refresh(&client(), &token).await.expect("refreshed").refresh.token
            })
        })
        .collect();
    let mut successors = Vec::new();
    for task in tasks {
        successors.push(task.await.expect("a task"));
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    successors.remove(0)
}

test_on_each_database! {
    async fn each_refresh_issues_the_next_token_pair(context: TestContext) {
        let mut issued = context.sign_up("ada@example.com").await;
        for _ in 0..5 {
            context.clock.advance(TimeSpan::minutes(9));
            let next =
                context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
            assert_ne!(next.refresh.token, issued.refresh.token);
            assert!(
                context
                    .auth
                    .signed_in(&client(), PresentedCredential::Bearer(&next.access.token))
                    .await
                    .is_ok()
            );
            assert_eq!(next.account, issued.account);
            issued = next;
        }
    }

    async fn concurrent_refreshes_converge_on_one_successor(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        let successor = refresh_concurrently(&context.auth, &issued.refresh.token).await;
        assert!(context.auth.refresh(&client(), &successor).await.is_ok());
    }

    async fn lost_refresh_response_is_reissued(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        let lost = context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        for span in [
            TimeSpan::seconds(1),
            TimeSpan::minutes(1),
            TimeSpan::minutes(1),
            TimeSpan::days(1),
            TimeSpan::days(1),
        ] {
            context.clock.advance(span);
            let again =
                context.auth.refresh(&client(), &first.refresh.token).await.expect("reissued");
            assert_eq!(again.refresh.token, lost.refresh.token);
        }
        assert!(context.auth.refresh(&client(), &lost.refresh.token).await.is_ok());
    }

    async fn concurrent_refreshes_after_lost_response_succeed(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        context.clock.advance(TimeSpan::minutes(1));
        refresh_concurrently(&context.auth, &first.refresh.token).await;
    }

    async fn reuse_after_successor_was_used_revokes_session(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&second.access.token))
            .await
            .expect("used");
        context.clock.advance(TimeSpan::seconds(11));
        assert!(matches!(
            context.auth.refresh(&client(), &first.refresh.token).await,
            Err(Error::Unauthenticated)
        ));
        for presented in [
            PresentedCredential::Bearer(&second.access.token),
            PresentedCredential::Cookie(&second.refresh.token),
        ] {
            assert!(
                matches!(
                    context.auth.signed_in(&client(), presented).await,
                    Err(Error::Unauthenticated)
                ),
                "{presented:?}"
            );
        }
        context.clock.advance(TimeSpan(1));
        let again = context.log_in("ada@example.com").await;
        let me = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&again.access.token))
            .await
            .expect("signed in");
        let kinds: Vec<_> = me
            .activity(ActivityFilter::All, 10, None)
            .await
            .expect("a list")
            .items
            .iter()
            .map(|event| event.kind)
            .collect();
        assert_eq!(
            kinds,
            [EventKind::LoggedIn, EventKind::RefreshTokenReused, EventKind::SignedUp]
        );
    }

    async fn reuse_is_detected_across_nodes(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&second.access.token))
            .await
            .expect("used");
        context.auth.run_maintenance(false).await.expect("maintenance");
        context.clock.advance(TimeSpan::seconds(11));
        assert!(matches!(
            context.another_node().await.refresh(&client(), &first.refresh.token).await,
            Err(Error::Unauthenticated)
        ));
    }

    async fn token_two_generations_old_is_superseded_within_grace(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        let third =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        assert!(matches!(
            context.auth.refresh(&client(), &first.refresh.token).await,
            Err(Error::RefreshSuperseded)
        ));
        assert!(context.auth.refresh(&client(), &third.refresh.token).await.is_ok());
    }

    async fn token_two_generations_old_after_grace_revokes_session(context: TestContext) {
        context.sign_up(ADA).await;
        for (late, is_superseded) in [(TimeSpan(9_999), true), (TimeSpan(10_000), false)] {
            let first = context.log_in(ADA).await;
            let second =
                context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
            context.clock.advance(late);
            let third =
                context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
            let shown = context.auth.refresh(&client(), &first.refresh.token).await;
            assert!(
                matches!(
                    (shown, is_superseded),
                    (Err(Error::RefreshSuperseded), true) | (Err(Error::Unauthenticated), false)
                ),
                "{late:?}"
            );
            assert_eq!(
                can_refresh(&context.auth, &third.refresh.token).await,
                is_superseded,
                "{late:?}"
            );
        }
    }

    async fn token_one_generation_old_after_grace_revokes_session(context: TestContext) {
        let first = context.sign_up(ADA).await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        let id = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&second.access.token))
            .await
            .expect("used")
            .session();
        context.auth.run_maintenance(false).await.expect("maintenance");
        let row = async || {
            format!(
                "{:?}",
                context
                    .store
                    .read()
                    .await
                    .expect("a connection")
                    .session_with_user(id, context.clock.now())
                    .await
                    .expect("read")
                    .expect("a session")
            )
        };
        let before = row().await;
        context.clock.advance(TimeSpan(9_999));
        let again = context.auth.refresh(&client(), &first.refresh.token).await.expect("reissued");
        assert_eq!(again.refresh.token, second.refresh.token);
        assert_eq!(row().await, before, "nothing is written");
        context.clock.advance(TimeSpan(1));
        assert!(!can_refresh(&context.auth, &first.refresh.token).await);
        assert!(!can_refresh(&context.auth, &second.refresh.token).await, "the session is revoked");
    }

    async fn page_view_with_old_token_revokes_nothing(context: TestContext) {
        let first = context.sign_up("ada@example.com").await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        assert!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&first.refresh.token))
                .await
                .is_ok(),
            "a tab that loads while another refreshes"
        );
        context
            .auth
            .signed_in(&client(), PresentedCredential::Cookie(&second.refresh.token))
            .await
            .expect("the newest");
        context.clock.advance(TimeSpan::seconds(11));
        assert!(matches!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&first.refresh.token))
                .await,
            Err(Error::Unauthenticated)
        ));
        assert!(
            context.auth.refresh(&client(), &second.refresh.token).await.is_ok(),
            "the session stays active"
        );
    }

    async fn session_ends_at_idle_and_absolute_timeout(context: TestContext) {
        let idle = context.sign_up("ada@example.com").await;
        let mut busy = context.log_in("ada@example.com").await;
        for day in 1..90 {
            context.clock.advance(TimeSpan::days(1));
            busy = context
                .auth
                .refresh(&client(), &busy.refresh.token)
                .await
                .unwrap_or_else(|error| panic!("day {day}: {error}"));
            if day == 15 {
                assert!(matches!(
                    context.auth.refresh(&client(), &idle.refresh.token).await,
                    Err(Error::Unauthenticated)
                ));
            }
        }
        assert_eq!(
            busy.refresh.max_age,
            Some(24 * 3600),
            "the cookie does not outlive the session"
        );
        context.clock.advance(TimeSpan::days(1));
        assert!(matches!(
            context.auth.refresh(&client(), &busy.refresh.token).await,
            Err(Error::Unauthenticated)
        ));
    }

    async fn page_view_without_scripts_extends_the_session(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        for _ in 0..5 {
            context.clock.advance(TimeSpan::days(10));
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
                .await
                .expect("signed in");
            context.auth.run_maintenance(false).await.expect("maintenance");
        }
    }

    async fn forged_refresh_token_is_rejected(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        for token in [
            "",
            "csgn_rt_",
            "x",
            &issued.access.token,
            &issued.refresh.token["csgn_rt_".len()..],
            &format!("{}x", issued.refresh.token),
        ] {
            assert!(
                matches!(context.auth.refresh(&client(), token).await, Err(Error::Unauthenticated)),
                "{token}"
            );
            assert!(matches!(
                context.auth.signed_in(&client(), PresentedCredential::Cookie(token)).await,
                Err(Error::Unauthenticated)
            ));
        }
        assert!(matches!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&issued.refresh.token))
                .await,
            Err(Error::Unauthenticated)
        ));
    }

    async fn forged_refresh_token_is_rejected_without_database(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        // No database query is possible from here on.
        context.store.close().await;
        let (last, start) = (
            if issued.refresh.token.ends_with('A') { 'B' } else { 'A' },
            &issued.refresh.token[..78],
        );
        for token in ["", "invalid", "csgn_rt_", &issued.access.token, &format!("{start}{last}")] {
            assert!(!can_refresh(&context.auth, token).await, "{token}");
        }
        assert!(
            matches!(
                context.auth.refresh(&client(), &issued.refresh.token).await,
                Err(Error::Unavailable(_))
            ),
            "a valid token needs the database"
        );
    }

    async fn unissued_generation_is_rejected_and_recorded(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        let session = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
            .await
            .expect("signed in")
            .session();
        let generation =
            |generation| refresh_token(&context.secret, session, issued.account.id, generation);
        assert_eq!(generation(1), issued.refresh.token, "the newest");
        assert!(!can_refresh(&context.auth, &generation(6)).await);
        let records = context
            .store
            .read()
            .await
            .expect("a connection")
            .event_records()
            .await
            .expect("records");
        let kinds: Vec<_> = records
            .iter()
            .map(|record| (record.kind.as_str(), record.outcome.as_str(), record.target_id))
            .collect();
        let ada = Some(issued.account.id);
        assert_eq!(
            kinds,
            [
                (EventKind::SignedUp.as_str(), "done", ada),
                (EventKind::UnknownTokenGeneration.as_str(), "refused", ada)
            ]
        );
        assert!(
            accepts(&context.auth, &issued.access.token).await
                && can_refresh(&context.auth, &issued.refresh.token).await,
            "the session stays active"
        );
    }
}
