//! What is over is refused at once, on every node, without asking the database; and the feed that
//! tells them so loses nothing.

use crate::support::{START, World, accepts, client, pass, renews};
use countersign_core::{
    Error, Presented, Store, on_both,
    store::feed::{Item, News},
    testing::FreshDatabase,
};
use countersign_types::{SessionId, Span};
use std::time::Duration;
use uuid::Uuid;

const ADA: &str = "ada@example.com";

/// So many lines of news, told apart by `name`.
fn news(name: u128, count: u128) -> Vec<News> {
    (0..count)
        .map(|line| News::SessionEnded(SessionId(Uuid::from_u128(name * 100 + line))))
        .collect()
}

/// Appends and commits. What is thrown away takes its numbers, too, and gives them back.
async fn append(store: Store, name: u128, count: u128, keep: bool) {
    let mut tx = store.write().await.expect("a transaction");
    tx.feed_append(&news(name, count), START).await.expect("appended");
    // The commit comes later: others have long wanted their numbers.
    tokio::task::yield_now().await;
    tx.feed_head().await.expect("a number");
    if keep {
        tx.commit().await.expect("a commit");
    }
}

/// What a node does that follows the feed: asks for what came after the last number that it has
/// seen.
async fn follow(store: &Store, heard: &mut Vec<Item>) -> bool {
    let last = heard.last().map_or(0, |item| item.number);
    let new = store.read().await.expect("a connection").feed_since(last).await.expect("lines");
    let some = !new.is_empty();
    heard.extend(new);
    some
}

on_both! {
    async fn a_thousand_protected_calls_ask_the_database_nothing(world: World) {
        let sessions = [
            world.sign_up(ADA).await,
            world.log_in(ADA).await,
            world.sign_up("bob@example.com").await,
        ];
        world
            .auth
            .log_out(&client(), Presented::Bearer(&sessions[1].access.token))
            .await
            .expect("a log-out");
        // There is no database any more that could be asked.
        world.store.close().await;
        for _ in 0..1000 {
            assert!(
                accepts(&world.auth, &sessions[0].access.token).await
                    && accepts(&world.auth, &sessions[2].access.token).await
            );
            assert!(
                !accepts(&world.auth, &sessions[1].access.token).await,
                "what is over is known all the same"
            );
        }
        let me = world
            .auth
            .signed_in(&client(), Presented::Bearer(&sessions[0].access.token))
            .await
            .expect("signed in");
        assert!(matches!(me.account().await, Err(Error::Unavailable(_))), "or nothing was proven");
        assert!(matches!(
            world.auth.signed_in(&client(), Presented::Cookie(&sessions[0].refresh.token)).await,
            Err(Error::Unavailable(_))
        ));
    }

    async fn a_number_is_given_only_when_the_one_before_it_is_committed_or_given_back(
        world: World,
    ) {
        // Before anything is held: a database is opened with its write lock.
        let other = Store::open(&world.database.url).await.expect("a database");
        for keep in [true, false] {
            let before = world
                .store
                .read()
                .await
                .expect("a connection")
                .feed_head()
                .await
                .expect("a number");
            let mut first = world.store.write().await.expect("a transaction");
            first.feed_append(&news(1, 1), START).await.expect("appended");
            let second = tokio::spawn(append(other.clone(), 2, 1, true));
            for _ in 0..20 {
                let mut reader = world.store.read().await.expect("a connection");
                assert!(
                    reader.feed_since(before).await.expect("lines").is_empty(),
                    "nothing is seen before its commit"
                );
            }
            assert!(!second.is_finished(), "it waits");
            if keep {
                first.commit().await.expect("a commit");
            } else {
                drop(first);
            }
            second.await.expect("it went on");
            let items = world
                .store
                .read()
                .await
                .expect("a connection")
                .feed_since(before)
                .await
                .expect("lines");
            let numbers: Vec<_> = items.iter().map(|item| item.number - before).collect();
            assert_eq!(numbers, if keep { vec![1, 2] } else { vec![1] });
        }
    }

    async fn who_follows_the_feed_hears_every_number_once_and_in_order_however_many_write(
        world: World,
    ) {
        const WRITERS: u128 = 60;
        let nodes =
            [world.store.clone(), Store::open(&world.database.url).await.expect("a database")];
        let reader = Store::open(&world.database.url).await.expect("a database");
        let start = reader.read().await.expect("a connection").feed_head().await.expect("a number");
        assert_eq!(start, 0, "nothing has happened yet");
        let (mut heard, mut parts) = (Vec::new(), 0);
        // Ten at a time, so that it is heard in parts however slowly somebody listens.
        for crowd in 0..WRITERS / 10 {
            // Every third is thrown away.
            let writer = |name: u128| {
                tokio::spawn(append(
                    nodes[usize::from(name.is_multiple_of(2))].clone(),
                    name,
                    1 + name % 3,
                    name % 3 != 2,
                ))
            };
            let writers: Vec<_> = (10 * crowd..10 * (crowd + 1)).map(writer).collect();
            while writers.iter().any(|writer| !writer.is_finished()) {
                parts += u32::from(follow(&reader, &mut heard).await);
            }
            for writer in writers {
                writer.await.expect("written");
            }
            parts += u32::from(follow(&reader, &mut heard).await);
        }
        assert!(parts > 5, "it listened while they wrote: {parts} parts");
        let numbers: Vec<_> = heard.iter().map(|item| item.number).collect();
        assert_eq!(numbers, (1..=60).collect::<Vec<_>>(), "20 of one line and 20 of two");
        // And what was written together stands together.
        let mut told: Vec<_> = heard.into_iter().map(|item| item.news.expect("news")).collect();
        let expected: Vec<Vec<_>> = (0..WRITERS)
            .filter(|name| name % 3 != 2)
            .map(|name| news(name, 1 + name % 3))
            .collect();
        while !told.is_empty() {
            let next = expected
                .iter()
                .find(|lines| told.starts_with(lines))
                .expect("all the lines of one transaction");
            told.drain(..next.len());
        }
    }

    async fn a_node_that_listens_meanwhile_refuses_everything_that_two_others_end(world: World) {
        const SESSIONS: usize = 40;
        let (other, listener) = (world.another_node().await, world.another_node().await);
        let mut sessions = vec![world.sign_up(ADA).await];
        for _ in 1..SESSIONS {
            sessions.push(world.log_in(ADA).await);
        }
        for issued in &sessions {
            assert!(accepts(&listener, &issued.access.token).await);
        }
        let work: Vec<_> = sessions[1..]
            .iter()
            .enumerate()
            .map(|(number, issued)| {
                let (node, token) =
                    ([&world.auth, &other][number % 2].clone(), issued.refresh.token.clone());
                tokio::spawn(
                    async move { node.log_out(&client(), Presented::Cookie(&token)).await },
                )
            })
            .collect();
        while work.iter().any(|work| !work.is_finished()) {
            listener.listen().await.expect("heard");
        }
        for work in work {
            work.await.expect("a task").expect("a log-out");
        }
        listener.listen().await.expect("heard");
        for issued in &sessions[1..] {
            assert!(!accepts(&listener, &issued.access.token).await);
        }
        assert!(accepts(&listener, &sessions[0].access.token).await, "and nothing else");
    }

    async fn a_node_that_slept_through_more_than_is_remembered_learns_everything_anew(
        world: World,
    ) {
        let (issued, sleeper) = (world.sign_up(ADA).await, world.another_node().await);
        let kid = world.auth.keys().list().await.expect("keys")[0].kid.clone();
        world.auth.keys().remove(&kid, world.clock.now()).await.expect("removed");
        world.clock.advance(Span::days(2));
        world.auth.listen().await.expect("heard");
        world.auth.keep(true).await.expect("pruned");
        assert_eq!(
            world.store.read().await.expect("a connection").feed_since(0).await.expect("lines"),
            [],
            "nobody is told any more"
        );
        sleeper.listen().await.expect("heard");
        let kids = |auth: &countersign_core::Auth| {
            auth.public_keys().into_iter().map(|key| key.kid).collect::<Vec<_>>()
        };
        assert_eq!(kids(&sleeper), kids(&world.auth));
        assert!(!kids(&sleeper).contains(&kid));
        assert!(renews(&sleeper, &issued.refresh.token).await);
    }

    async fn what_no_living_token_can_be_about_is_forgotten(world: World) {
        let issued = world.sign_up(ADA).await;
        world.clock.advance(Span::minutes(1));
        let last = world.log_in(ADA).await;
        for issued in [&issued, &last] {
            world
                .auth
                .log_out(&client(), Presented::Bearer(&issued.access.token))
                .await
                .expect("a log-out");
        }
        let grace = world.sign_up("grace@example.com").await;
        let all = world
            .auth
            .signed_in(&client(), Presented::Bearer(&grace.access.token))
            .await
            .expect("signed in");
        all.end_all_sessions().await.expect("ended");
        let remembered = async || {
            world.auth.keep(true).await.expect("kept");
            // Memory cannot be looked into, but a token can be shown again at a time when it was
            // alive.
            let now = world.clock.now();
            world.clock.advance(Span(START.0 + 60_000 - now.0));
            let (session, epoch) = (
                !accepts(&world.auth, &last.access.token).await,
                !accepts(&world.auth, &grace.access.token).await,
            );
            world.clock.advance(now.since(world.clock.now()));
            (
                session,
                epoch,
                world
                    .store
                    .read()
                    .await
                    .expect("a connection")
                    .feed_since(0)
                    .await
                    .expect("lines")
                    .len(),
            )
        };
        world.clock.advance(countersign_core::LONGEST_ACCESS);
        assert_eq!(remembered().await, (true, true, 3), "for as long as any token could live");
        world.clock.advance(Span(Span::minutes(1).0 + 1));
        assert_eq!(
            remembered().await,
            (true, true, 3),
            "and a day more, for clocks that run ahead and are set right"
        );
        world.clock.advance(Span::minutes(25 * 60));
        assert_eq!(remembered().await, (false, false, 0), "and no longer");
        assert!(!renews(&world.auth, &last.refresh.token).await, "the row says it for a month");
    }
}

#[tokio::test]
async fn a_node_that_has_heard_nothing_for_half_a_minute_says_so_and_recovers_by_itself() {
    for database in [FreshDatabase::sqlite(), FreshDatabase::postgres().await] {
        let world = World::on(database).await;
        let issued = world.sign_up(ADA).await;
        assert!(accepts(&world.auth, &issued.access.token).await);
        pass(Duration::from_secs(29)).await;
        assert!(accepts(&world.auth, &issued.access.token).await, "not yet");
        pass(Duration::from_secs(2)).await;
        let unavailable = async || {
            let shown = world
                .auth
                .signed_in(&client(), Presented::Bearer(&issued.access.token))
                .await
                .map(drop);
            let inspected = world.auth.inspect(&issued.access.token).await.map(drop);
            [shown, inspected, world.auth.ready().await]
                .into_iter()
                .filter(|result| matches!(result, Err(Error::Unavailable(_))))
                .count()
        };
        assert_eq!(unavailable().await, 3, "it does not know what is revoked, and does not guess");
        assert!(
            renews(&world.auth, &issued.refresh.token).await,
            "what the database is asked for anyway goes on"
        );
        let worker = world.auth.work();
        let mut rounds = 0;
        while unavailable().await > 0 {
            world.store.ping().await.expect("an answer");
            rounds += 1;
            assert!(rounds < 10_000, "it does not recover");
        }
        assert!(accepts(&world.auth, &issued.access.token).await);
        worker.stop().await.expect("stopped");
    }
}
