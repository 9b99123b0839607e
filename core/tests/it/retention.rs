//! Retention: what is kept no longer goes in short batches, and nothing else does.

use crate::support::{START, World, accepts, client};
use countersign_core::{
    Presented,
    flow::ClockCheck,
    on_both,
    store::{STATEMENTS, Seed},
    testing::FreshDatabase,
};
use countersign_types::{Span, Timestamp, UserId};

const ADA: &str = "ada@example.com";
const DAY: Span = Span::days(1);

async fn seed(world: &World, seed: Seed, user: UserId, rows: i64, at: Timestamp) {
    let mut tx = world.store.write().await.expect("a transaction");
    tx.seed(seed, user, rows, at).await.expect("rows");
    tx.commit().await.expect("a commit");
}

async fn count(world: &World, table: &'static str) -> i64 {
    world.store.read().await.expect("a connection").count_rows(table).await.expect("a count")
}

on_both! {
    async fn all_that_is_due_is_deleted_in_one_round(world: World) {
        let ada = world.sign_up(ADA).await;
        let now = world.clock.now();
        let old = now - Span::days(500);
        for what in [
            Seed::RevokedSessions,
            Seed::ExpiredSessions,
            Seed::IdleSessions,
            Seed::Events,
            Seed::Limits,
            Seed::Feed,
        ] {
            seed(&world, what, ada.account.id, 2_345, old).await;
        }
        world.auth.retain().await.expect("deleted");
        assert_eq!(
            (count(&world, "sessions").await, count(&world, "events").await),
            (1, 1),
            "the one that is there, and its sign-up"
        );
        assert_eq!((count(&world, "limits").await, count(&world, "feed").await), (0, 0));
        assert!(accepts(&world.auth, &ada.access.token).await);
        // What is not due stays.
        for what in [
            Seed::RevokedSessions,
            Seed::ExpiredSessions,
            Seed::IdleSessions,
            Seed::Events,
            Seed::Limits,
        ] {
            seed(&world, what, ada.account.id, 100, now).await;
        }
        world.auth.retain().await.expect("deleted");
        assert_eq!(
            (
                count(&world, "sessions").await,
                count(&world, "events").await,
                count(&world, "limits").await
            ),
            (301, 101, 100)
        );
    }

    async fn accounts_with_many_rows_are_deleted_in_one_round(world: World) {
        let now = world.clock.now();
        for number in 0..120 {
            let user = world.sign_up(&format!("user{number}@example.com")).await;
            if number == 0 {
                seed(&world, Seed::RevokedSessions, user.account.id, 1_500, now).await;
                seed(&world, Seed::Events, user.account.id, 1_500, now).await;
            }
            let me = world
                .auth
                .signed_in(&client(), Presented::Bearer(&user.access.token))
                .await
                .expect("signed in");
            let form = countersign_types::form::DeleteAccount {
                current: crate::support::PASSWORD.into(),
                tag: String::new(),
            };
            me.delete_account(&form).await.expect("asked");
        }
        world.clock.advance(Span(countersign_types::view::DELETION_GRACE.0 + 1));
        world.auth.retain().await.expect("deleted");
        assert_eq!(
            (
                count(&world, "users").await,
                count(&world, "sessions").await,
                count(&world, "events").await
            ),
            (0, 0, 120),
            "more than fit a list, and only the fact is left"
        );
    }

    async fn feed_is_pruned_behind_a_line_from_a_clock_that_ran_ahead(world: World) {
        let ada = world.sign_up(ADA).await;
        let before = count(&world, "feed").await;
        seed(&world, Seed::Feed, ada.account.id, 60, START + Span::days(30_000)).await;
        seed(&world, Seed::Feed, ada.account.id, 500, START - Span::days(30)).await;
        world.auth.retain().await.expect("deleted");
        assert_eq!(count(&world, "feed").await, before + 60);
    }

    async fn clock_that_jumps_ahead_deletes_nothing_for_an_hour(world: World) {
        world.sign_up(ADA).await;
        let (events, sessions) = (count(&world, "events").await, count(&world, "sessions").await);
        world.clock.advance(Span::days(365 * 70));
        world.auth.retain_by_checked_clock(&mut ClockCheck::default()).await.expect("refrained");
        assert_eq!(
            (count(&world, "events").await, count(&world, "sessions").await),
            (events, sessions)
        );
    }

    async fn counts_of_rate_limits_are_bounded(world: World) {
        let ada = world.sign_up(ADA).await;
        seed(&world, Seed::Limits, ada.account.id, 1_000, START - DAY).await;
        seed(&world, Seed::Limits, ada.account.id, 10, START).await;
        world.auth.bound_limits(1_010).await.expect("bounded");
        assert_eq!(count(&world, "limits").await, 1_010);
        world.auth.bound_limits(10).await.expect("bounded");
        assert_eq!(count(&world, "limits").await, 10, "exactly, and those that were used last");
        world.auth.bound_limits(10).await.expect("bounded");
        let mut tx = world.store.write().await.expect("a transaction");
        assert_eq!(
            tx.limit_prune(START, START + DAY, 1_000).await.expect("pruned"),
            0,
            "the older ones are gone"
        );
    }
}

/// A statement that reads a whole table holds the writer for as long as the table is.
#[tokio::test]
async fn no_statement_scans_a_table_that_grows() {
    // The start of a node, a change of an administrator (which ends with the first that is found),
    // and a count that a reader makes.
    const ALLOWED: &[&str] = &["ADMINS", "COUNT"];
    let world = World::on(FreshDatabase::sqlite()).await;
    let mut reader = world.store.read().await.expect("a connection");
    for (name, sql) in
        STATEMENTS.iter().copied().flatten().filter(|(name, _)| !ALLOWED.contains(name))
    {
        for step in reader.query_plan(sql).await.unwrap_or_else(|error| panic!("{name}: {error}")) {
            let scans = ["users", "sessions", "events", "limits"].iter().any(|table| {
                step == format!("SCAN {table}")
                    || step.starts_with(&format!("SCAN {table} ")) && !step.contains("INDEX")
            });
            assert!(!scans, "{name}: {step}");
        }
    }
}
