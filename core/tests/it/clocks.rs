//! Clocks that differ, and clocks that are set: nobody is signed out for it, and nothing that was
//! ended lives again.

use crate::support::{PASSWORD, World, accepts, client, renews, start};
use countersign_core::{
    Auth, Clock, Entropy, Presented, ServerSecret, Store, on_both, testing::FreshDatabase,
};
use countersign_types::{Span, Timestamp, form::SignUp, view::EventKind};

const ADA: &str = "ada@example.com";

/// Another node on the same database, whose clock differs by so much.
async fn node_that_is_off_by(world: &World, difference: Span) -> (Auth, Clock) {
    let clock = Clock::manual(world.clock.now() + difference);
    let store = Store::open(&world.database.url).await.expect("a database");
    (start(&store, &clock, &world.secret).await.expect("a start"), clock)
}

/// Whether the owner was ever told of a theft.
async fn is_alarmed(auth: &Auth, token: &str) -> bool {
    let me = auth.signed_in(&client(), Presented::Bearer(token)).await.expect("signed in");
    me.activity(100, None)
        .await
        .expect("a list")
        .items
        .iter()
        .any(|event| event.kind == EventKind::TokenReused)
}

on_both! {
    async fn nodes_whose_clocks_are_three_seconds_apart_serve_one_person(world: World) {
        let (late, late_clock) = node_that_is_off_by(&world, Span::seconds(3)).await;
        let nodes = [&world.auth, &late];
        let mut issued = world.sign_up(ADA).await;
        for round in 0..30 {
            issued =
                nodes[round % 2].refresh(&client(), &issued.refresh.token).await.expect("renewed");
            for node in nodes {
                assert!(accepts(node, &issued.access.token).await, "round {round}");
                assert!(
                    node.signed_in(&client(), Presented::Cookie(&issued.refresh.token))
                        .await
                        .is_ok(),
                    "round {round}"
                );
                node.keep(false).await.expect("written");
            }
            for clock in [&world.clock, &late_clock] {
                clock.advance(Span(700));
            }
        }
        assert!(!is_alarmed(&world.auth, &issued.access.token).await);
    }

    async fn what_one_node_ends_is_over_on_a_node_whose_clock_differs(world: World) {
        let (late, late_clock) = node_that_is_off_by(&world, Span::seconds(3)).await;
        world.sign_up(ADA).await;
        for by in [&world.auth, &late] {
            let issued = world.log_in(ADA).await;
            for node in [&world.auth, &late] {
                assert!(accepts(node, &issued.access.token).await);
            }
            by.log_out(&client(), Presented::Bearer(&issued.access.token))
                .await
                .expect("a log-out");
            for _ in 0..3 {
                for node in [&world.auth, &late] {
                    node.listen().await.expect("heard");
                    node.keep(true).await.expect("kept");
                    assert!(
                        !accepts(node, &issued.access.token).await
                            && !renews(node, &issued.refresh.token).await
                    );
                }
                for clock in [&world.clock, &late_clock] {
                    clock.advance(Span::minutes(3));
                }
            }
        }
    }

    async fn a_clock_that_steps_back_a_day_signs_nobody_out(world: World) {
        world.clock.advance(Span::days(2));
        let first = world.sign_up(ADA).await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        assert!(accepts(&world.auth, &second.access.token).await);
        world.clock.advance(Span::days(-1));
        assert!(
            !accepts(&world.auth, &second.access.token).await,
            "a token from the future is none"
        );
        assert!(
            world.auth.signed_in(&client(), Presented::Cookie(&second.refresh.token)).await.is_ok(),
            "pages know who it is"
        );
        let mut issued = second;
        for round in 0..5 {
            issued = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
            let account = world
                .auth
                .signed_in(&client(), Presented::Cookie(&issued.refresh.token))
                .await
                .expect("signed in")
                .account()
                .await;
            assert_eq!(account.expect("an account").stolen_at, None, "round {round}");
            world.clock.advance(Span::minutes(5));
        }
    }

    async fn after_a_step_back_two_tabs_still_get_one_successor(world: World) {
        world.clock.advance(Span::days(2));
        let first = world.sign_up(ADA).await;
        let second = world.auth.refresh(&client(), &first.refresh.token).await.expect("renewed");
        world.clock.advance(Span::days(-1));
        // Nobody has shown the second yet: its answer may have been lost.
        let again = world.auth.refresh(&client(), &first.refresh.token).await.expect("given again");
        assert_eq!(again.refresh.token, second.refresh.token);
        let third = world.auth.refresh(&client(), &second.refresh.token).await.expect("renewed");
        let parallel =
            world.auth.refresh(&client(), &second.refresh.token).await.expect("a tab beside it");
        assert_eq!(parallel.refresh.token, third.refresh.token);
    }

    async fn what_was_ended_stays_ended_when_the_clock_steps_back(world: World) {
        world.clock.advance(Span::days(2));
        let (gone, kept) = (world.sign_up(ADA).await, world.log_in(ADA).await);
        world
            .auth
            .log_out(&client(), Presented::Bearer(&gone.access.token))
            .await
            .expect("a log-out");
        for back in [Span::seconds(-30), Span::days(-1)] {
            world.clock.advance(back);
            world.auth.keep(true).await.expect("kept");
            let late = world.another_node().await;
            for node in [&world.auth, &late] {
                assert!(
                    !accepts(node, &gone.access.token).await
                        && !renews(node, &gone.refresh.token).await
                );
            }
        }
        assert!(renews(&world.auth, &kept.refresh.token).await);
        world.clock.advance(Span(Span::days(1).0 + 31_000));
        assert!(!accepts(&world.auth, &gone.access.token).await, "it would be alive again");
    }

    async fn a_clock_that_runs_ahead_and_is_set_right_signs_nobody_out(world: World) {
        let mut issued = world.sign_up(ADA).await;
        world.clock.advance(Span::days(7));
        issued = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
        assert!(accepts(&world.auth, &issued.access.token).await);
        world.auth.keep(true).await.expect("kept");
        world.clock.advance(Span::days(-7));
        issued = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
        assert!(accepts(&world.auth, &issued.access.token).await);
        assert!(!is_alarmed(&world.auth, &issued.access.token).await);
    }
}

#[tokio::test]
async fn two_tabs_that_renew_on_nodes_three_seconds_apart_both_go_on() {
    for database in [FreshDatabase::sqlite(), FreshDatabase::postgres().await] {
        let world = World::on(database).await;
        let (late, late_clock) = node_that_is_off_by(&world, Span::seconds(3)).await;
        let first = world.sign_up(ADA).await;
        // One tab renews on the node that is ahead, and uses what it got.
        let second = late.refresh(&client(), &first.refresh.token).await.expect("renewed");
        assert!(accepts(&late, &second.access.token).await);
        late.keep(false).await.expect("written");
        for clock in [&world.clock, &late_clock] {
            clock.advance(Span::seconds(1));
        }
        // A second later the other tab, which read the cookie before, comes to the other node.
        assert!(renews(&world.auth, &first.refresh.token).await, "well within the grace");
        assert!(renews(&world.auth, &second.refresh.token).await);
    }
}

on_both! {
    async fn access_tokens_go_on_working_after_a_step_back(world: World) {
        world.clock.advance(Span::days(2));
        let issued = world.sign_up(ADA).await;
        world.clock.advance(Span::days(-1));
        let renewed = world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed");
        assert!(accepts(&world.auth, &renewed.access.token).await);
        assert!(!is_alarmed(&world.auth, &renewed.access.token).await);
    }

    async fn use_marked_by_a_fast_clock_is_written_as_now(world: World) {
        let issued = world.sign_up(ADA).await;
        world.clock.advance(Span::days(1));
        assert!(
            world.auth.signed_in(&client(), Presented::Cookie(&issued.refresh.token)).await.is_ok()
        );
        world.clock.advance(Span(Span::minutes(5).0 - Span::days(1).0));
        world.auth.keep(false).await.expect("written");
        let me = world
            .auth
            .signed_in(&client(), Presented::Cookie(&issued.refresh.token))
            .await
            .expect("signed in");
        let listed = me.sessions(100, None).await.expect("sessions").items;
        let [session] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!(session.last_seen_at, world.clock.now());
    }

    async fn at_the_ends_of_time_nothing_panics_and_people_get_in(world: World) {
        let node = world.another_node().await;
        // 1970, the end of 32 bits with and without a sign, and the year 9999.
        for moment in
            [0, 1, 2_147_483_647_000, 2_147_483_648_000, 4_294_967_296_000, 253_402_300_799_000]
        {
            world.clock.advance(Timestamp(moment).since(world.clock.now()));
            assert_eq!(world.clock.now(), Timestamp(moment));
            let issued = world.sign_up(&format!("ada{moment}@example.com")).await;
            world.clock.advance(Span::minutes(1));
            let renewed = node.refresh(&client(), &issued.refresh.token).await.expect("renewed");
            assert!(accepts(&node, &renewed.access.token).await, "{moment}");
            node.keep(true).await.expect("kept");
        }
    }
}

/// A node whose machine's clock is wrong by so much.
async fn node_on_a_machine_that_is_off_by(
    database: &FreshDatabase,
    secret: &ServerSecret,
    difference: Span,
) -> Auth {
    let store = Store::open(&database.url).await.expect("a database");
    start(&store, &Clock::Wrong(difference), secret).await.expect("a start")
}

#[tokio::test]
async fn nodes_on_machines_with_wrong_clocks_judge_by_that_of_the_database() {
    let database = FreshDatabase::postgres().await;
    let secret = ServerSecret::generate(&Entropy::System).expect("a secret");
    let early = node_on_a_machine_that_is_off_by(&database, &secret, Span::minutes(-90)).await;
    let late = node_on_a_machine_that_is_off_by(&database, &secret, Span::minutes(90)).await;

    let form = SignUp { email: ADA.into(), password: PASSWORD.into(), ..SignUp::default() };
    let issued = early.sign_up(&client(), &form, None).await.expect("a sign-up").1;
    let renewed = late.refresh(&client(), &issued.refresh.token).await.expect("renewed");
    let mut read_at = Vec::new();
    for node in [&early, &late] {
        for token in [&issued.access.token, &renewed.access.token] {
            assert!(accepts(node, token).await);
        }
        let me = node
            .signed_in(&client(), Presented::Bearer(&renewed.access.token))
            .await
            .expect("signed in");
        read_at.push(me.all_sessions().await.expect("a list").as_of);
    }
    let apart = read_at[1].since(read_at[0]);
    assert!((Span::minutes(-1)..Span::minutes(1)).contains(&apart), "{apart:?}");
}
