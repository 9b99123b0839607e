//! Refreshes that wait at the same time share a statement and a commit, and do not affect each
//! other.

use crate::common::{TestContext, can_refresh, client, execute};
use countersign_core::{IssuedTokens, test_on_each_database, testing::TestDatabase};
use countersign_types::SessionId;
use futures::{FutureExt, future::join_all};
use sqlx::{Connection, Executor, PgConnection};
use std::collections::HashSet;

/// More than two groups.
const SESSIONS: usize = 70;

async fn sessions(context: &TestContext, count: usize) -> Vec<IssuedTokens> {
    let mut issued = vec![context.sign_up("ada@example.com").await];
    while issued.len() < count {
        issued.push(context.log_in("ada@example.com").await);
    }
    issued
}

async fn refresh(context: &TestContext, issued: &IssuedTokens) -> IssuedTokens {
    context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed")
}

fn session_of(context: &TestContext, issued: &IssuedTokens) -> SessionId {
    context.auth.session_of(&issued.refresh.token).expect("a session")
}

test_on_each_database! {
    async fn sessions_refreshed_at_the_same_time_get_their_own_tokens(context: TestContext) {
        let before = sessions(&context, SESSIONS).await;
        let after = join_all(before.iter().map(|issued| refresh(&context, issued))).await;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.session_tag, after.session_tag);
            assert_ne!(before.refresh.token, after.refresh.token);
        }
        let distinct: HashSet<_> = after.iter().map(|issued| &*issued.access.token).collect();
        assert_eq!(distinct.len(), SESSIONS);
        join_all(after.iter().map(|issued| refresh(&context, issued))).await;
    }

    async fn cancelled_refreshes_affect_no_other_refresh(context: TestContext) {
        let issued = sessions(&context, SESSIONS).await;
        let (cancelled, awaited) = issued.split_at(SESSIONS / 2);
        let mut started: Vec<_> =
            cancelled.iter().map(|issued| Box::pin(refresh(&context, issued))).collect();
        for refresh in &mut started {
            assert!(refresh.as_mut().now_or_never().is_none(), "nothing is done at once");
        }
        let rest = join_all(awaited.iter().map(|issued| refresh(&context, issued)));
        drop(started);
        assert_eq!(rest.await.len(), awaited.len());
        for issued in cancelled {
            assert!(can_refresh(&context.auth, &issued.refresh.token).await, "not lost");
        }
    }
}

#[tokio::test]
async fn session_with_an_unreadable_row_fails_alone() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let issued = sessions(&context, 20).await;
    let broken = session_of(&context, &issued[7]);
    let id = broken.0.simple();
    let sql = format!("UPDATE csgn_sessions SET amr = x'ff' WHERE id = x'{id}'");
    execute(&context, &sql).await;
    let outcomes =
        join_all(issued.iter().map(async |issued| {
            context.auth.refresh(&client(), &issued.refresh.token).await.is_ok()
        }));
    let failed: Vec<_> =
        outcomes.await.iter().enumerate().filter(|(_, done)| !**done).map(|(at, _)| at).collect();
    assert_eq!(failed, [7]);
}

#[tokio::test]
async fn locked_sessions_hold_up_no_other_refresh() {
    let context = TestContext::on(TestDatabase::postgres().await).await;
    let issued = sessions(&context, 20).await;
    let (locked, others) = issued.split_at(4);
    let mut operator = PgConnection::connect(&context.database.url).await.expect("Postgres");
    let mut transaction = operator.begin().await.expect("a transaction");
    for issued in locked {
        let id = session_of(&context, issued).0;
        let lock = sqlx::query("SELECT id FROM csgn_sessions WHERE id = $1 FOR UPDATE").bind(id);
        transaction.execute(lock).await.expect("a lock");
    }
    let waiting: Vec<_> = locked
        .iter()
        .map(|issued| {
            let (auth, token) = (context.auth.clone(), issued.refresh.token.clone());
            tokio::spawn(async move { can_refresh(&auth, &token).await })
        })
        .collect();
    for issued in others {
        // One after the other, so that each may be a group of its own.
        refresh(&context, issued).await;
    }
    assert!(waiting.iter().all(|task| !task.is_finished()));
    transaction.rollback().await.expect("the locks are released");
    for task in waiting {
        assert!(task.await.expect("a task"));
    }
}
