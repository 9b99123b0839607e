//! Sessions as their owner manages them: the list, ending one, the others, all; another password;
//! the limit; what is told after a theft.

use crate::support::{PASSWORD, World, accepts, client, renews};
use countersign_core::{Client, Error, Issued, MOST_SESSIONS, Presented, SignedIn, on_both};
use countersign_types::{
    Fault, Field, Span,
    form::{ChangePassword, LogIn},
    view::{EventKind, SessionView},
};

const ADA: &str = "ada@example.com";

async fn signed_in<'a>(world: &'a World, issued: &Issued) -> SignedIn<'a> {
    world
        .auth
        .signed_in(&client(), Presented::Bearer(&issued.access.token))
        .await
        .expect("signed in")
}

async fn sessions(world: &World, issued: &Issued) -> Vec<SessionView> {
    signed_in(world, issued).await.sessions(100, None).await.expect("sessions").items
}

async fn kinds(world: &World, issued: &Issued) -> Vec<EventKind> {
    signed_in(world, issued)
        .await
        .activity(100, None)
        .await
        .expect("a list")
        .items
        .into_iter()
        .map(|event| event.kind)
        .collect()
}

fn change(current: &str, new: &str) -> ChangePassword {
    ChangePassword { current: current.into(), new: new.into(), ..ChangePassword::default() }
}

on_both! {
    async fn the_list_shows_the_living_ones_and_which_of_them_asks(world: World) {
        let first = world.sign_up(ADA).await;
        world.clock.advance(Span::minutes(5));
        let phone = Client::new(
            "203.0.113.9".parse().ok(),
            Some("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"),
            "test",
        );
        let form = LogIn { email: ADA.into(), password: PASSWORD.into(), ..LogIn::default() };
        let (_, second) = world.auth.log_in(&phone, &form, None).await.expect("a log-in");
        let third = world.log_in(ADA).await;
        world
            .auth
            .log_out(&client(), Presented::Bearer(&third.access.token))
            .await
            .expect("a log-out");
        world.sign_up("grace@example.com").await;

        let list = sessions(&world, &first).await;
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
        assert!(sessions(&world, &second).await[0].current);

        // What has been idle for too long is over, and not shown.
        world.clock.advance(Span::days(13));
        let second = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        world.clock.advance(Span::days(2));
        let second = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        assert_eq!(sessions(&world, &second).await.len(), 1);
    }

    async fn the_list_says_when_each_was_last_in_use(world: World) {
        let first = world.sign_up(ADA).await;
        world.clock.advance(Span::minutes(60));
        let second = world.log_in(ADA).await;
        let ages = async |issued: &Issued| {
            world.auth.keep(false).await.expect("written");
            let now = world.clock.now();
            sessions(&world, issued)
                .await
                .into_iter()
                .map(|session| now.since(session.last_seen_at).as_seconds() / 60)
                .collect::<Vec<_>>()
        };
        assert_eq!(ages(&second).await, [0, 60], "the newest first");
        world.clock.advance(Span::minutes(30));
        let second = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        assert_eq!(ages(&second).await, [0, 90]);
        world
            .auth
            .signed_in(&client(), Presented::Cookie(&first.refresh.token))
            .await
            .expect("a page is looked at");
        assert_eq!(ages(&second).await, [0, 0]);
    }

    async fn a_long_list_comes_in_parts(world: World) {
        let mut issued = world.sign_up(ADA).await;
        for _ in 0..4 {
            world.clock.advance(Span(1));
            issued = world.log_in(ADA).await;
        }
        let me = signed_in(&world, &issued).await;
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = me.sessions(2, cursor.as_deref()).await.expect("a part");
            assert!(page.items.len() <= 2);
            seen.extend(page.items.into_iter().map(|session| session.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted_by(|a, b| a > b), "the newest first");
        assert!(matches!(me.sessions(2, Some("rubbish")).await, Err(Error::Cursor)));
    }

    async fn one_session_is_ended_and_the_others_go_on(world: World) {
        let (first, second) = (world.sign_up(ADA).await, world.log_in(ADA).await);
        let other = sessions(&world, &first)
            .await
            .into_iter()
            .find(|session| !session.current)
            .expect("the other");
        signed_in(&world, &first).await.end_session(other.id).await.expect("ended");
        assert!(
            !accepts(&world.auth, &second.access.token).await
                && !renews(&world.auth, &second.refresh.token).await
        );
        assert!(accepts(&world.auth, &first.access.token).await);
        assert_eq!(kinds(&world, &first).await[0], EventKind::SessionEnded);
        assert!(
            matches!(
                signed_in(&world, &first).await.end_session(other.id).await,
                Err(Error::NotFound)
            ),
            "over already"
        );
    }

    async fn nobody_ends_the_session_of_another_person(world: World) {
        let (ada, eve) = (world.sign_up(ADA).await, world.sign_up("eve@example.com").await);
        let hers = sessions(&world, &ada).await.remove(0).id;
        for id in [hers, countersign_types::SessionId(uuid::Uuid::from_u128(7))] {
            assert!(matches!(
                signed_in(&world, &eve).await.end_session(id).await,
                Err(Error::NotFound)
            ));
        }
        assert!(accepts(&world.auth, &ada.access.token).await);
        assert_eq!(sessions(&world, &eve).await.len(), 1);
    }

    async fn ending_the_others_leaves_this_one_and_ending_all_leaves_none(world: World) {
        let (first, second, third) =
            (world.sign_up(ADA).await, world.log_in(ADA).await, world.log_in(ADA).await);
        let grace = world.sign_up("grace@example.com").await;
        signed_in(&world, &second).await.end_other_sessions().await.expect("ended");
        for gone in [&first, &third] {
            assert!(
                !accepts(&world.auth, &gone.access.token).await
                    && !renews(&world.auth, &gone.refresh.token).await
            );
        }
        assert!(
            accepts(&world.auth, &second.access.token).await,
            "not even its access token is lost"
        );
        assert_eq!(kinds(&world, &second).await[0], EventKind::OthersLoggedOut);

        let fourth = world.log_in(ADA).await;
        signed_in(&world, &second).await.end_all_sessions().await.expect("ended");
        for gone in [&second, &fourth] {
            assert!(
                !accepts(&world.auth, &gone.access.token).await
                    && !renews(&world.auth, &gone.refresh.token).await
            );
        }
        assert!(accepts(&world.auth, &grace.access.token).await, "others are not concerned");
        let again = world.log_in(ADA).await;
        assert_eq!(
            kinds(&world, &again).await[..2],
            [EventKind::LoggedIn, EventKind::AllLoggedOut]
        );
    }

    async fn another_password_ends_the_other_sessions_on_every_node(world: World) {
        let (this, other, node) =
            (world.sign_up(ADA).await, world.log_in(ADA).await, world.another_node().await);
        let issued = signed_in(&world, &this)
            .await
            .change_password(&change(PASSWORD, "a quite different one"))
            .await
            .expect("changed");
        node.listen().await.expect("heard");
        for node in [&world.auth, &node] {
            assert!(
                !accepts(node, &other.access.token).await
                    && !renews(node, &other.refresh.token).await
            );
            // This session goes on with the new tokens: what was issued before the change vouches
            // for nothing any more.
            assert!(
                !accepts(node, &this.access.token).await
                    && accepts(node, &issued.access.token).await
            );
        }
        let renewed = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
        assert!(accepts(&node, &renewed.access.token).await);
        assert_eq!(kinds(&world, &renewed).await[0], EventKind::PasswordChanged);
        let log_in = async |password: &str| {
            let form = LogIn { email: ADA.into(), password: password.into(), ..LogIn::default() };
            world.auth.log_in(&client(), &form, None).await.is_ok()
        };
        assert!(!log_in(PASSWORD).await);
        assert!(log_in("a quite different one").await);
    }

    async fn another_password_needs_the_one_until_now(world: World) {
        let issued = world.sign_up(ADA).await;
        let me = signed_in(&world, &issued).await;
        for (form, expected) in [
            (
                change("wrong horse battery", "a quite different one"),
                vec![(Field::Current, Fault::Wrong)],
            ),
            (change("", ""), vec![(Field::Current, Fault::Missing), (Field::New, Fault::Missing)]),
            (change(PASSWORD, "short"), vec![(Field::New, Fault::TooShort { min: 8 })]),
            (change(PASSWORD, ADA), vec![(Field::New, Fault::LikeEmail)]),
            (change(PASSWORD, PASSWORD), vec![(Field::New, Fault::Unchanged)]),
            // Who does not know the password learns nothing by this.
            (
                change("wrong horse battery", "wrong horse battery"),
                vec![(Field::Current, Fault::Wrong)],
            ),
        ] {
            let Err(Error::Invalid(faults)) = me.change_password(&form).await else {
                panic!("faults expected")
            };
            assert_eq!(faults.0, expected);
        }
        assert!(accepts(&world.auth, &issued.access.token).await);
        assert_eq!(
            kinds(&world, &issued).await,
            [EventKind::PasswordChangeFailed, EventKind::PasswordChangeFailed, EventKind::SignedUp]
        );
    }

    async fn the_longest_unused_session_makes_room(world: World) {
        let first = world.sign_up(ADA).await;
        world.clock.advance(Span::minutes(1));
        let second = world.log_in(ADA).await;
        world.clock.advance(Span::minutes(1));
        // The first is in use, so the second is the longest unused one.
        let first = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        let mut last = None;
        for _ in 2..=MOST_SESSIONS {
            world.clock.advance(Span(10));
            last = Some(world.log_in(ADA).await);
        }
        let last = last.expect("a session");
        assert!(
            !accepts(&world.auth, &second.access.token).await
                && !renews(&world.auth, &second.refresh.token).await
        );
        assert!(accepts(&world.auth, &first.access.token).await);
        assert_eq!(sessions(&world, &last).await.len(), usize::from(MOST_SESSIONS));
        assert!(kinds(&world, &last).await.contains(&EventKind::SessionCrowdedOut));
    }

    async fn a_theft_is_told_at_the_next_log_in_and_not_for_ever(world: World) {
        let issued = world.sign_up(ADA).await;
        let stolen = issued.refresh.token.clone();
        world.clock.advance(Span::minutes(1));
        let used = world.auth.refresh(&client(), &stolen).await.expect("renewed");
        assert!(accepts(&world.auth, &used.access.token).await);
        world.clock.advance(Span::minutes(1));
        assert!(!renews(&world.auth, &stolen).await, "a replay");
        let at = world.clock.now();
        world.clock.advance(Span::minutes(1));
        let told = world.log_in(ADA).await;
        assert_eq!(told.account.stolen_at, Some(at));
        assert_eq!(
            signed_in(&world, &told).await.account().await.expect("an account").stolen_at,
            Some(at)
        );
        assert!(kinds(&world, &told).await.contains(&EventKind::TokenReused));
        signed_in(&world, &told).await.dismiss_notice().await.expect("dismissed");
        assert_eq!(
            signed_in(&world, &told).await.account().await.expect("an account").stolen_at,
            None,
            "it is dismissed"
        );
        signed_in(&world, &told).await.dismiss_notice().await.expect("no error either");
        world.clock.advance(Span::minutes(1));
        assert_eq!(world.log_in(ADA).await.account.stolen_at, None);
    }

    async fn a_session_that_is_not_to_be_kept_has_a_cookie_until_the_browser_is_closed(
        world: World,
    ) {
        world.sign_up(ADA).await;
        for (keep, kept) in [("", false), ("on", true)] {
            let form = LogIn {
                email: ADA.into(),
                password: PASSWORD.into(),
                keep: keep.into(),
                ..LogIn::default()
            };
            let (_, issued) = world.auth.log_in(&client(), &form, None).await.expect("a log-in");
            let renewed =
                world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
            for issued in [issued, renewed] {
                assert_eq!((issued.persistent, issued.refresh.max_age.is_some()), (kept, kept));
            }
        }
    }

    async fn sessions_that_are_long_over_are_forgotten(world: World) {
        let (first, second) = (world.sign_up(ADA).await, world.log_in(ADA).await);
        world
            .auth
            .log_out(&client(), Presented::Bearer(&first.access.token))
            .await
            .expect("a log-out");
        world.clock.advance(Span::days(13));
        let second = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        world.clock.advance(Span::days(13));
        let second = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        world.clock.advance(Span::days(13));
        world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        let mut tx = world.store.write().await.expect("a transaction");
        assert_eq!(
            tx.session_prune(world.clock.now() - Span::days(30), 100).await.expect("pruned"),
            1
        );
    }

    async fn session_in_use_is_not_evicted_by_many_log_ins(world: World) {
        let (used, node) = (world.sign_up(ADA).await, world.another_node().await);
        world.clock.advance(Span::seconds(5));
        signed_in(&world, &used).await;
        world.auth.keep(false).await.expect("written");
        for number in 0..300 {
            // Within a minute, by turns on the node that has seen it and on one that has not.
            world.clock.advance(Span(150));
            let form = LogIn { email: ADA.into(), password: PASSWORD.into(), ..LogIn::default() };
            [&world.auth, &node][number % 2]
                .log_in(&client(), &form, None)
                .await
                .expect("a log-in");
            assert!(accepts(&world.auth, &used.access.token).await, "{number}");
        }
        let sessions =
            signed_in(&world, &used).await.sessions(100, None).await.expect("a list").items;
        assert_eq!(sessions.len(), 100);
        // One that is not in use any more goes like any other.
        world.clock.advance(Span::minutes(7));
        let renewed = world.auth.refresh(&client(), &used.refresh.token).await.expect("renewed");
        world.clock.advance(Span::minutes(7));
        for _ in 0..100 {
            world.clock.advance(Span(150));
            world.log_in(ADA).await;
        }
        assert!(!renews(&world.auth, &renewed.refresh.token).await);
    }
}
