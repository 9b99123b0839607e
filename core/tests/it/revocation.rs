//! Revocation: effective on every node without database queries, and the change feed that
//! replicates it without losses.

use crate::common::{START, TestContext, accepts, advance_tokio_clock, can_refresh, client};
use countersign_core::{
    Error, PresentedCredential, Store,
    store::change_feed::{Change, FeedEntry},
    test_on_each_database,
    testing::TestDatabase,
};
use countersign_types::{SessionId, TimeSpan};
use std::time::Duration;
use uuid::Uuid;

const ADA: &str = "ada@example.com";

/// Returns `count` changes that are specific to `name`.
fn changes(name: u128, count: u128) -> Vec<Change> {
    (0..count)
        .map(|number| Change::SessionRevoked(SessionId(Uuid::from_u128(name * 100 + number))))
        .collect()
}

/// Appends entries and commits, or rolls back, which releases their numbers.
async fn append(store: Store, name: u128, count: u128, commit: bool) {
    let mut tx = store.write().await.expect("a transaction");
    tx.feed_append(&changes(name, count), START).await.expect("appended");
    // The commit is delayed, so that other writers request numbers before it.
    tokio::task::yield_now().await;
    tx.feed_head().await.expect("a number");
    if commit {
        tx.commit().await.expect("a commit");
    }
}

/// Reads the entries after the last one in `received`, as a node does. Returns whether there were
/// any.
async fn read_feed(store: &Store, received: &mut Vec<FeedEntry>) -> bool {
    let last = received.last().map_or(0, |item| item.number);
    let new = store.read().await.expect("a connection").feed_since(last).await.expect("entries");
    let has_new = !new.is_empty();
    received.extend(new);
    has_new
}

test_on_each_database! {
    async fn access_token_checks_make_no_database_query(context: TestContext) {
        let sessions = [
            context.sign_up(ADA).await,
            context.log_in(ADA).await,
            context.sign_up("bob@example.com").await,
        ];
        context
            .auth
            .log_out(&client(), PresentedCredential::Bearer(&sessions[1].access.token))
            .await
            .expect("a log-out");
        // No database query is possible from here on.
        context.store.close().await;
        for _ in 0..1000 {
            assert!(
                accepts(&context.auth, &sessions[0].access.token).await
                    && accepts(&context.auth, &sessions[2].access.token).await
            );
            assert!(
                !accepts(&context.auth, &sessions[1].access.token).await,
                "the revocation is known without the database"
            );
        }
        let me = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&sessions[0].access.token))
            .await
            .expect("signed in");
        assert!(
            matches!(me.account().await, Err(Error::Unavailable(_))),
            "account data needs the database"
        );
        assert!(matches!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&sessions[0].refresh.token))
                .await,
            Err(Error::Unavailable(_))
        ));
    }

    async fn feed_numbers_are_assigned_in_commit_order(context: TestContext) {
        // Opened before the transaction, because opening a database needs its write lock.
        let other = Store::open(&context.database.url).await.expect("a database");
        for commit in [true, false] {
            let before = context
                .store
                .read()
                .await
                .expect("a connection")
                .feed_head()
                .await
                .expect("a number");
            let mut first = context.store.write().await.expect("a transaction");
            first.feed_append(&changes(1, 1), START).await.expect("appended");
            let second = tokio::spawn(append(other.clone(), 2, 1, true));
            for _ in 0..20 {
                let mut reader = context.store.read().await.expect("a connection");
                assert!(
                    reader.feed_since(before).await.expect("entries").is_empty(),
                    "an entry is not visible before its commit"
                );
            }
            assert!(!second.is_finished(), "the second writer waits");
            if commit {
                first.commit().await.expect("a commit");
            } else {
                drop(first);
            }
            second.await.expect("a task");
            let items = context
                .store
                .read()
                .await
                .expect("a connection")
                .feed_since(before)
                .await
                .expect("entries");
            let numbers: Vec<_> = items.iter().map(|item| item.number - before).collect();
            assert_eq!(numbers, if commit { vec![1, 2] } else { vec![1] });
        }
    }

    async fn feed_reader_sees_every_entry_once_and_in_order(context: TestContext) {
        const WRITERS: u128 = 60;
        let nodes =
            [context.store.clone(), Store::open(&context.database.url).await.expect("a database")];
        let reader = Store::open(&context.database.url).await.expect("a database");
        let start = reader.read().await.expect("a connection").feed_head().await.expect("a number");
        assert_eq!(start, 0, "the feed is empty");
        let (mut received, mut reads) = (Vec::new(), 0);
        // Ten writers at a time, so that the feed is read in several parts even on a slow machine.
        for group in 0..WRITERS / 10 {
            // Every third transaction is rolled back.
            let writer = |name: u128| {
                tokio::spawn(append(
                    nodes[usize::from(name.is_multiple_of(2))].clone(),
                    name,
                    1 + name % 3,
                    name % 3 != 2,
                ))
            };
            let writers: Vec<_> = (10 * group..10 * (group + 1)).map(writer).collect();
            while writers.iter().any(|writer| !writer.is_finished()) {
                reads += u32::from(read_feed(&reader, &mut received).await);
            }
            for writer in writers {
                writer.await.expect("written");
            }
            reads += u32::from(read_feed(&reader, &mut received).await);
        }
        assert!(reads > 5, "read while others wrote: {reads} times");
        let numbers: Vec<_> = received.iter().map(|item| item.number).collect();
        assert_eq!(numbers, (1..=60).collect::<Vec<_>>(), "20 with one entry and 20 with two");
        // The entries of one transaction are contiguous.
        let mut rest: Vec<_> =
            received.into_iter().map(|item| item.change.expect("news")).collect();
        let expected: Vec<Vec<_>> = (0..WRITERS)
            .filter(|name| name % 3 != 2)
            .map(|name| changes(name, 1 + name % 3))
            .collect();
        while !rest.is_empty() {
            let next = expected
                .iter()
                .find(|entries| rest.starts_with(entries))
                .expect("all entries of one transaction");
            rest.drain(..next.len());
        }
    }

    async fn syncing_node_rejects_sessions_revoked_by_others(context: TestContext) {
        const SESSIONS: usize = 40;
        let (other, syncing) = (context.another_node().await, context.another_node().await);
        let mut sessions = vec![context.sign_up(ADA).await];
        for _ in 1..SESSIONS {
            sessions.push(context.log_in(ADA).await);
        }
        for issued in &sessions {
            assert!(accepts(&syncing, &issued.access.token).await);
        }
        let work: Vec<_> = sessions[1..]
            .iter()
            .enumerate()
            .map(|(number, issued)| {
                let (node, token) =
                    ([&context.auth, &other][number % 2].clone(), issued.refresh.token.clone());
                tokio::spawn(async move {
                    node.log_out(&client(), PresentedCredential::Cookie(&token)).await
                })
            })
            .collect();
        while work.iter().any(|work| !work.is_finished()) {
            syncing.sync_feed().await.expect("synced");
        }
        for work in work {
            work.await.expect("a task").expect("a log-out");
        }
        syncing.sync_feed().await.expect("synced");
        for issued in &sessions[1..] {
            assert!(!accepts(&syncing, &issued.access.token).await);
        }
        assert!(accepts(&syncing, &sessions[0].access.token).await, "no other session is revoked");
    }

    async fn node_behind_the_pruned_feed_reloads_everything(context: TestContext) {
        let (issued, behind) = (context.sign_up(ADA).await, context.another_node().await);
        let kid = context.auth.key_admin().list().await.expect("keys")[0].kid.clone();
        context.auth.key_admin().remove(&kid, context.clock.now()).await.expect("removed");
        context.clock.advance(TimeSpan::days(2));
        context.auth.sync_feed().await.expect("synced");
        context.auth.run_maintenance(true).await.expect("maintenance");
        assert_eq!(
            context.store.read().await.expect("a connection").feed_since(0).await.expect("entries"),
            [],
            "the feed is pruned"
        );
        behind.sync_feed().await.expect("synced");
        let kids = |auth: &countersign_core::Auth| {
            auth.public_keys().into_iter().map(|key| key.kid).collect::<Vec<_>>()
        };
        assert_eq!(kids(&behind), kids(&context.auth));
        assert!(!kids(&behind).contains(&kid));
        assert!(can_refresh(&behind, &issued.refresh.token).await);
    }

    async fn revocations_without_live_tokens_are_pruned(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::minutes(1));
        let last = context.log_in(ADA).await;
        for issued in [&issued, &last] {
            context
                .auth
                .log_out(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .expect("a log-out");
        }
        let grace = context.sign_up("grace@example.com").await;
        let all = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&grace.access.token))
            .await
            .expect("signed in");
        all.revoke_all_sessions().await.expect("revoked");
        let stored = async || {
            context.auth.run_maintenance(true).await.expect("maintenance");
            // The revocation list is not accessible, but a token can be verified at a time before
            // it expires.
            let now = context.clock.now();
            context.clock.advance(TimeSpan(START.0 + 60_000 - now.0));
            let (session, epoch) = (
                !accepts(&context.auth, &last.access.token).await,
                !accepts(&context.auth, &grace.access.token).await,
            );
            context.clock.advance(now.since(context.clock.now()));
            (
                session,
                epoch,
                context
                    .store
                    .read()
                    .await
                    .expect("a connection")
                    .feed_since(0)
                    .await
                    .expect("entries")
                    .len(),
            )
        };
        context.clock.advance(countersign_core::MAX_ACCESS_TOKEN_TTL);
        assert_eq!(
            stored().await,
            (true, true, 3),
            "kept for the maximum lifetime of an access token"
        );
        context.clock.advance(TimeSpan(TimeSpan::minutes(1).0 + 1));
        assert_eq!(
            stored().await,
            (true, true, 3),
            "kept for another day, because a fast clock may be corrected"
        );
        context.clock.advance(TimeSpan::minutes(25 * 60));
        assert_eq!(stored().await, (false, false, 0), "pruned after that");
        assert!(
            !can_refresh(&context.auth, &last.refresh.token).await,
            "the session row is retained for a month"
        );
    }
}

#[tokio::test]
async fn stale_node_is_unavailable_and_recovers() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres().await] {
        let context = TestContext::on(database).await;
        let issued = context.sign_up(ADA).await;
        assert!(accepts(&context.auth, &issued.access.token).await);
        advance_tokio_clock(Duration::from_secs(29)).await;
        assert!(accepts(&context.auth, &issued.access.token).await, "the feed is not stale yet");
        advance_tokio_clock(Duration::from_secs(2)).await;
        let unavailable = async || {
            let bearer = context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .map(drop);
            let inspected = context.auth.introspect(&issued.access.token).await.map(drop);
            [bearer, inspected, context.auth.ready().await]
                .into_iter()
                .filter(|result| matches!(result, Err(Error::Unavailable(_))))
                .count()
        };
        assert_eq!(unavailable().await, 3, "revocations are unknown, so requests are rejected");
        assert!(
            can_refresh(&context.auth, &issued.refresh.token).await,
            "refresh uses the database and still works"
        );
        let worker = context.auth.start_background_tasks();
        let mut rounds = 0;
        while unavailable().await > 0 {
            context.store.ping().await.expect("an answer");
            rounds += 1;
            assert!(rounds < 10_000, "the node does not recover");
        }
        assert!(accepts(&context.auth, &issued.access.token).await);
        worker.stop().await.expect("stopped");
    }
}
