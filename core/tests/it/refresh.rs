//! Renewing a session: lost answers, tabs, thieves, limits.

use crate::support::{World, accepts, client, renews};
use countersign_core::{Auth, Error, Presented, on_both, testing::refresh_token};
use countersign_types::{Span, view::EventKind};

const ADA: &str = "ada@example.com";

/// Fifty renewals of one token at the same moment. All succeed, and there is one successor: this.
async fn renew_at_once(auth: &Auth, token: &str) -> String {
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (auth, token) = (auth.clone(), token.to_owned());
            tokio::spawn(async move {
                auth.refresh(&client(), &token).await.expect("renewed").refresh.token
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

on_both! {
    async fn each_renewal_gives_the_next_pair(world: World) {
        let mut issued = world.sign_up("ada@example.com").await;
        for _ in 0..5 {
            world.clock.advance(Span::minutes(9));
            let next = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
            assert_ne!(next.refresh.token, issued.refresh.token);
            assert!(
                world
                    .auth
                    .signed_in(&client(), Presented::Bearer(&next.access.token))
                    .await
                    .is_ok()
            );
            assert_eq!(next.account, issued.account);
            issued = next;
        }
    }

    async fn many_renewals_at_once_converge_on_one_successor(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        let successor = renew_at_once(&world.auth, &issued.refresh.token).await;
        assert!(world.auth.refresh(&client(), &successor).await.is_ok());
    }

    async fn a_lost_answer_is_given_again_however_often_and_however_late(world: World) {
        let first = world.sign_up("ada@example.com").await;
        let lost = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        for span in
            [Span::seconds(1), Span::minutes(1), Span::minutes(1), Span::days(1), Span::days(1)]
        {
            world.clock.advance(span);
            let again =
                world.auth.refresh(&client(), &first.refresh.token).await.expect("given again");
            assert_eq!(again.refresh.token, lost.refresh.token);
        }
        assert!(world.auth.refresh(&client(), &lost.refresh.token).await.is_ok());
    }

    async fn tabs_that_wake_after_a_lost_answer_all_go_on(world: World) {
        let first = world.sign_up("ada@example.com").await;
        world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        world.clock.advance(Span::minutes(1));
        renew_at_once(&world.auth, &first.refresh.token).await;
    }

    async fn a_replay_after_the_successor_was_used_ends_the_session(world: World) {
        let first = world.sign_up("ada@example.com").await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        world
            .auth
            .signed_in(&client(), Presented::Bearer(&second.access.token))
            .await
            .expect("used");
        world.clock.advance(Span::seconds(11));
        assert!(matches!(
            world.auth.refresh(&client(), &first.refresh.token).await,
            Err(Error::SignedOut)
        ));
        for presented in
            [Presented::Bearer(&second.access.token), Presented::Cookie(&second.refresh.token)]
        {
            assert!(
                matches!(world.auth.signed_in(&client(), presented).await, Err(Error::SignedOut)),
                "{presented:?}"
            );
        }
        world.clock.advance(Span(1));
        let again = world.log_in("ada@example.com").await;
        let me = world
            .auth
            .signed_in(&client(), Presented::Bearer(&again.access.token))
            .await
            .expect("signed in");
        let kinds: Vec<_> = me
            .activity(10, None)
            .await
            .expect("a list")
            .items
            .iter()
            .map(|event| event.kind)
            .collect();
        assert_eq!(kinds, [EventKind::LoggedIn, EventKind::TokenReused, EventKind::SignedUp]);
    }

    async fn what_one_node_has_seen_and_written_another_knows(world: World) {
        let first = world.sign_up("ada@example.com").await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        world
            .auth
            .signed_in(&client(), Presented::Bearer(&second.access.token))
            .await
            .expect("used");
        world.auth.keep(false).await.expect("written");
        world.clock.advance(Span::seconds(11));
        assert!(matches!(
            world.another_node().await.refresh(&client(), &first.refresh.token).await,
            Err(Error::SignedOut)
        ));
    }

    async fn a_tab_that_is_two_behind_is_told_to_look_again(world: World) {
        let first = world.sign_up("ada@example.com").await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        let third = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        assert!(matches!(
            world.auth.refresh(&client(), &first.refresh.token).await,
            Err(Error::Stale)
        ));
        assert!(world.auth.refresh(&client(), &third.refresh.token).await.is_ok());
    }

    async fn one_that_is_two_behind_is_a_tab_within_the_grace_of_the_one_before_and_a_thief_after_it(
        world: World,
    ) {
        world.sign_up(ADA).await;
        for (late, is_tab) in [(Span(9_999), true), (Span(10_000), false)] {
            let first = world.log_in(ADA).await;
            let second =
                world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
            world.clock.advance(late);
            let third =
                world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
            let shown = world.auth.refresh(&client(), &first.refresh.token).await;
            assert!(
                matches!(
                    (shown, is_tab),
                    (Err(Error::Stale), true) | (Err(Error::SignedOut), false)
                ),
                "{late:?}"
            );
            assert_eq!(renews(&world.auth, &third.refresh.token).await, is_tab, "{late:?}");
        }
    }

    async fn one_that_is_one_behind_changes_nothing_within_the_grace_and_ends_the_session_after_it(
        world: World,
    ) {
        let first = world.sign_up(ADA).await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        let id = world
            .auth
            .signed_in(&client(), Presented::Bearer(&second.access.token))
            .await
            .expect("used")
            .session();
        world.auth.keep(false).await.expect("written");
        let row = async || {
            format!(
                "{:?}",
                world
                    .store
                    .read()
                    .await
                    .expect("a connection")
                    .session_with_user(id)
                    .await
                    .expect("read")
                    .expect("a session")
            )
        };
        let before = row().await;
        world.clock.advance(Span(9_999));
        let again = world.auth.refresh(&client(), &first.refresh.token).await.expect("given again");
        assert_eq!(again.refresh.token, second.refresh.token);
        assert_eq!(row().await, before, "nothing is written");
        world.clock.advance(Span(1));
        assert!(!renews(&world.auth, &first.refresh.token).await);
        assert!(!renews(&world.auth, &second.refresh.token).await, "the session is over");
    }

    async fn looking_never_raises_an_alarm(world: World) {
        let first = world.sign_up("ada@example.com").await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        assert!(
            world.auth.signed_in(&client(), Presented::Cookie(&first.refresh.token)).await.is_ok(),
            "a tab that loads while another renews"
        );
        world
            .auth
            .signed_in(&client(), Presented::Cookie(&second.refresh.token))
            .await
            .expect("the newest");
        world.clock.advance(Span::seconds(11));
        assert!(matches!(
            world.auth.signed_in(&client(), Presented::Cookie(&first.refresh.token)).await,
            Err(Error::SignedOut)
        ));
        assert!(
            world.auth.refresh(&client(), &second.refresh.token).await.is_ok(),
            "and the session lives"
        );
    }

    async fn an_unused_session_ends_after_the_idle_limit_and_any_after_the_absolute_one(
        world: World,
    ) {
        let idle = world.sign_up("ada@example.com").await;
        let mut busy = world.log_in("ada@example.com").await;
        for day in 1..90 {
            world.clock.advance(Span::days(1));
            busy = world
                .auth
                .refresh(&client(), &busy.refresh.token)
                .await
                .unwrap_or_else(|error| panic!("day {day}: {error}"));
            if day == 15 {
                assert!(matches!(
                    world.auth.refresh(&client(), &idle.refresh.token).await,
                    Err(Error::SignedOut)
                ));
            }
        }
        assert_eq!(
            busy.refresh.max_age,
            Some(24 * 3600),
            "the cookie lives no longer than the session"
        );
        world.clock.advance(Span::days(1));
        assert!(matches!(
            world.auth.refresh(&client(), &busy.refresh.token).await,
            Err(Error::SignedOut)
        ));
    }

    async fn a_page_view_keeps_somebody_without_scripts_signed_in(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        for _ in 0..5 {
            world.clock.advance(Span::days(10));
            world
                .auth
                .signed_in(&client(), Presented::Cookie(&issued.refresh.token))
                .await
                .expect("signed in");
            world.auth.keep(false).await.expect("written");
        }
    }

    async fn what_is_not_genuine_is_refused(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        for token in [
            "",
            "csgn_rt_",
            "x",
            &issued.access.token,
            &issued.refresh.token[4..],
            &format!("{}x", issued.refresh.token),
        ] {
            assert!(
                matches!(world.auth.refresh(&client(), token).await, Err(Error::SignedOut)),
                "{token}"
            );
            assert!(matches!(
                world.auth.signed_in(&client(), Presented::Cookie(token)).await,
                Err(Error::SignedOut)
            ));
        }
        assert!(matches!(
            world.auth.signed_in(&client(), Presented::Bearer(&issued.refresh.token)).await,
            Err(Error::SignedOut)
        ));
    }

    async fn what_is_not_genuine_is_refused_before_anybody_asks_the_database(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        // There is no database any more that could be asked.
        world.store.close().await;
        let (last, start) = (
            if issued.refresh.token.ends_with('A') { 'B' } else { 'A' },
            &issued.refresh.token[..78],
        );
        for token in ["", "rubbish", "csgn_rt_", &issued.access.token, &format!("{start}{last}")] {
            assert!(!renews(&world.auth, token).await, "{token}");
        }
        assert!(
            matches!(
                world.auth.refresh(&client(), &issued.refresh.token).await,
                Err(Error::Unavailable(_))
            ),
            "or nothing was proven"
        );
    }

    async fn a_genuine_token_that_was_never_given_out_is_refused_and_recorded_and_ends_nothing(
        world: World,
    ) {
        let issued = world.sign_up("ada@example.com").await;
        let session = world
            .auth
            .signed_in(&client(), Presented::Bearer(&issued.access.token))
            .await
            .expect("signed in")
            .session();
        let generation =
            |generation| refresh_token(&world.secret, session, issued.account.id, generation);
        assert_eq!(generation(1), issued.refresh.token, "the newest");
        assert!(!renews(&world.auth, &generation(6)).await);
        let records =
            world.store.read().await.expect("a connection").event_records().await.expect("records");
        let kinds: Vec<_> = records
            .iter()
            .map(|record| (record.kind.as_str(), record.outcome.as_str(), record.target_id))
            .collect();
        let ada = Some(issued.account.id);
        assert_eq!(
            kinds,
            [
                (EventKind::SignedUp.as_str(), "done", ada),
                (EventKind::TokenNotIssued.as_str(), "refused", ada)
            ]
        );
        assert!(
            accepts(&world.auth, &issued.access.token).await
                && renews(&world.auth, &issued.refresh.token).await,
            "the session lives"
        );
    }
}
