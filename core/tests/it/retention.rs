//! Retention: expired rows are deleted in short batches, and no others.

use crate::common::{START, TestContext, accepts, client};
use countersign_core::{
    PresentedCredential,
    retention::ClockCheck,
    store::Seed,
    test_on_each_database,
    testing::{STATEMENTS, TestDatabase},
};
use countersign_types::{TimeSpan, Timestamp, UserId};

const ADA: &str = "ada@example.com";
const DAY: TimeSpan = TimeSpan::days(1);

async fn seed(context: &TestContext, seed: Seed, user: UserId, rows: i64, at: Timestamp) {
    let mut tx = context.store.write().await.expect("a transaction");
    tx.seed(seed, user, rows, at).await.expect("rows");
    tx.commit().await.expect("a commit");
}

async fn count(context: &TestContext, table: &'static str) -> i64 {
    context.store.read().await.expect("a connection").count_rows(table).await.expect("a count")
}

test_on_each_database! {
    async fn all_expired_rows_are_deleted_in_one_run(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let now = context.clock.now();
        let old = now - TimeSpan::days(500);
        for rows in [
            Seed::RevokedSessions,
            Seed::ExpiredSessions,
            Seed::IdleSessions,
            Seed::Events,
            Seed::Limits,
            Seed::Feed,
        ] {
            seed(&context, rows, ada.account.id, 2_345, old).await;
        }
        context.auth.run_retention().await.expect("deleted");
        assert_eq!(
            (count(&context, "csgn_sessions").await, count(&context, "csgn_audit_events").await),
            (1, 1),
            "the active session and the event of the sign-up"
        );
        assert_eq!(
            (count(&context, "csgn_rate_limits").await, count(&context, "csgn_change_feed").await),
            (0, 0)
        );
        assert!(accepts(&context.auth, &ada.access.token).await);
        // Rows within the retention period are kept.
        for rows in [
            Seed::RevokedSessions,
            Seed::ExpiredSessions,
            Seed::IdleSessions,
            Seed::Events,
            Seed::Limits,
        ] {
            seed(&context, rows, ada.account.id, 100, now).await;
        }
        context.auth.run_retention().await.expect("deleted");
        assert_eq!(
            (
                count(&context, "csgn_sessions").await,
                count(&context, "csgn_audit_events").await,
                count(&context, "csgn_rate_limits").await
            ),
            (301, 101, 100)
        );
    }

    async fn accounts_with_many_rows_are_deleted_in_one_run(context: TestContext) {
        let now = context.clock.now();
        for number in 0..120 {
            let user = context.sign_up(&format!("user{number}@example.com")).await;
            if number == 0 {
                seed(&context, Seed::RevokedSessions, user.account.id, 1_500, now).await;
                seed(&context, Seed::Events, user.account.id, 1_500, now).await;
            }
            let me = context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&user.access.token))
                .await
                .expect("signed in");
            let form = countersign_types::forms::CurrentPasswordForm {
                current_password: crate::common::PASSWORD.into(),
            };
            me.delete_account(&form).await.expect("requested");
        }
        context.clock.advance(TimeSpan(countersign_types::views::DELETION_GRACE_PERIOD.0 + 1));
        context.auth.run_retention().await.expect("deleted");
        assert_eq!(
            (
                count(&context, "csgn_users").await,
                count(&context, "csgn_sessions").await,
                count(&context, "csgn_audit_events").await
            ),
            (0, 0, 120),
            "only the events of the deletions are left"
        );
    }

    async fn feed_is_pruned_behind_an_entry_from_a_fast_clock(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let before = count(&context, "csgn_change_feed").await;
        seed(&context, Seed::Feed, ada.account.id, 60, START + TimeSpan::days(30_000)).await;
        seed(&context, Seed::Feed, ada.account.id, 500, START - TimeSpan::days(30)).await;
        context.auth.run_retention().await.expect("deleted");
        assert_eq!(count(&context, "csgn_change_feed").await, before + 60);
    }

    async fn clock_jump_ahead_deletes_nothing_for_an_hour(context: TestContext) {
        context.sign_up(ADA).await;
        let (events, sessions) =
            (count(&context, "csgn_audit_events").await, count(&context, "csgn_sessions").await);
        context.clock.advance(TimeSpan::days(365 * 70));
        context
            .auth
            .run_retention_if_clock_plausible(&mut ClockCheck::default())
            .await
            .expect("nothing deleted");
        assert_eq!(
            (count(&context, "csgn_audit_events").await, count(&context, "csgn_sessions").await),
            (events, sessions)
        );
    }

    async fn rate_limit_rows_are_bounded(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        seed(&context, Seed::Limits, ada.account.id, 1_000, START - DAY).await;
        seed(&context, Seed::Limits, ada.account.id, 10, START).await;
        context.auth.trim_rate_limits(1_010).await.expect("bounded");
        assert_eq!(count(&context, "csgn_rate_limits").await, 1_010);
        context.auth.trim_rate_limits(10).await.expect("bounded");
        assert_eq!(
            count(&context, "csgn_rate_limits").await,
            10,
            "the most recently used rows are kept"
        );
        context.auth.trim_rate_limits(10).await.expect("bounded");
        let mut tx = context.store.write().await.expect("a transaction");
        assert_eq!(
            tx.limit_prune(START, START + DAY, 1_000).await.expect("pruned"),
            0,
            "the older rows are deleted"
        );
    }
}

/// A full table scan would hold the writer for a time that grows with the table.
#[tokio::test]
async fn no_statement_scans_a_growing_table() {
    // Exception: a count of a reader.
    const ALLOWED: &[&str] = &["COUNT"];
    const TABLES: &[&str] = &[
        "csgn_users",
        "csgn_user_roles",
        "csgn_sessions",
        "csgn_audit_events",
        "csgn_rate_limits",
    ];
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let mut reader = context.store.read().await.expect("a connection");
    for (name, sql) in
        STATEMENTS.iter().copied().flatten().filter(|(name, _)| !ALLOWED.contains(name))
    {
        for step in reader.query_plan(sql).await.unwrap_or_else(|error| panic!("{name}: {error}")) {
            let scans = TABLES.iter().any(|table| {
                step == format!("SCAN {table}")
                    || step.starts_with(&format!("SCAN {table} ")) && !step.contains("INDEX")
            });
            assert!(!scans, "{name}: {step}");
        }
    }
}
