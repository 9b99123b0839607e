//! Clocks that differ between nodes and clocks that are set: no session is lost, and no revoked
//! session becomes active again.

use crate::common::{PASSWORD, TestContext, accepts, can_refresh, client, start};
use countersign_core::{
    Auth, Clock, PresentedCredential, RandomSource, ServerSecret, Store, test_on_each_database,
    testing::TestDatabase, testing::tokens_of,
};
use countersign_types::{ActivityFilter, EventKind, TimeSpan, Timestamp, forms::SignUpForm};

const ADA: &str = "ada@example.com";

/// Starts another node on the same database with a clock that differs by `difference`.
async fn node_with_clock_skew(context: &TestContext, difference: TimeSpan) -> (Auth, Clock) {
    let clock = Clock::manual(context.clock.now() + difference);
    let store = Store::open(&context.database.url).await.expect("a database");
    (start(&store, &clock, &context.secret).await.expect("a start"), clock)
}

/// Returns whether token reuse is in the activity list of the user.
async fn has_reuse_event(auth: &Auth, token: &str) -> bool {
    let me =
        auth.signed_in(&client(), PresentedCredential::Bearer(token)).await.expect("signed in");
    me.activity(ActivityFilter::All, 100, None)
        .await
        .expect("a list")
        .items
        .iter()
        .any(|event| event.kind == EventKind::RefreshTokenReused)
}

test_on_each_database! {
    async fn nodes_with_clocks_3_s_apart_share_a_session(context: TestContext) {
        let (late, late_clock) = node_with_clock_skew(&context, TimeSpan::seconds(3)).await;
        let nodes = [&context.auth, &late];
        let mut issued = context.sign_up(ADA).await;
        for round in 0..30 {
            issued = nodes[round % 2]
                .refresh(&client(), &issued.refresh.token)
                .await
                .expect("refreshed");
            for node in nodes {
                assert!(accepts(node, &issued.access.token).await, "round {round}");
                assert!(
                    node.signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
                        .await
                        .is_ok(),
                    "round {round}"
                );
                node.run_maintenance(false).await.expect("maintenance");
            }
            for clock in [&context.clock, &late_clock] {
                clock.advance(TimeSpan(700));
            }
        }
        assert!(!has_reuse_event(&context.auth, &issued.access.token).await);
    }

    async fn revocation_applies_on_nodes_with_other_clocks(context: TestContext) {
        let (late, late_clock) = node_with_clock_skew(&context, TimeSpan::seconds(3)).await;
        context.sign_up(ADA).await;
        for by in [&context.auth, &late] {
            let issued = context.log_in(ADA).await;
            for node in [&context.auth, &late] {
                assert!(accepts(node, &issued.access.token).await);
            }
            by.log_out(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .expect("a log-out");
            for _ in 0..3 {
                for node in [&context.auth, &late] {
                    node.sync_feed().await.expect("synced");
                    node.run_maintenance(true).await.expect("maintenance");
                    assert!(
                        !accepts(node, &issued.access.token).await
                            && !can_refresh(node, &issued.refresh.token).await
                    );
                }
                for clock in [&context.clock, &late_clock] {
                    clock.advance(TimeSpan::minutes(3));
                }
            }
        }
    }

    async fn clock_set_back_one_day_ends_no_session(context: TestContext) {
        context.clock.advance(TimeSpan::days(2));
        let first = context.sign_up(ADA).await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        assert!(accepts(&context.auth, &second.access.token).await);
        context.clock.advance(TimeSpan::days(-1));
        assert!(
            !accepts(&context.auth, &second.access.token).await,
            "a token issued in the future is rejected"
        );
        assert!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&second.refresh.token))
                .await
                .is_ok(),
            "the refresh cookie is accepted"
        );
        let mut issued = second;
        for round in 0..5 {
            issued =
                context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
            let account = context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
                .await
                .expect("signed in")
                .account()
                .await;
            assert_eq!(account.expect("an account").reuse_detected_at, None, "round {round}");
            context.clock.advance(TimeSpan::minutes(5));
        }
    }

    async fn clock_set_back_keeps_one_successor_for_two_tabs(context: TestContext) {
        context.clock.advance(TimeSpan::days(2));
        let first = context.sign_up(ADA).await;
        let second =
            context.auth.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        context.clock.advance(TimeSpan::days(-1));
        // The second token has not been used yet: its response may have been lost.
        let again = context.auth.refresh(&client(), &first.refresh.token).await.expect("reissued");
        assert_eq!(again.refresh.token, second.refresh.token);
        let third =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("refreshed");
        let parallel =
            context.auth.refresh(&client(), &second.refresh.token).await.expect("a concurrent tab");
        assert_eq!(parallel.refresh.token, third.refresh.token);
    }

    async fn revoked_session_stays_revoked_after_clock_set_back(context: TestContext) {
        context.clock.advance(TimeSpan::days(2));
        let (revoked, active) = (context.sign_up(ADA).await, context.log_in(ADA).await);
        context
            .auth
            .log_out(&client(), PresentedCredential::Bearer(&revoked.access.token))
            .await
            .expect("a log-out");
        for back in [TimeSpan::seconds(-30), TimeSpan::days(-1)] {
            context.clock.advance(back);
            context.auth.run_maintenance(true).await.expect("maintenance");
            let late = context.another_node().await;
            for node in [&context.auth, &late] {
                assert!(
                    !accepts(node, &revoked.access.token).await
                        && !can_refresh(node, &revoked.refresh.token).await
                );
            }
        }
        assert!(can_refresh(&context.auth, &active.refresh.token).await);
        context.clock.advance(TimeSpan(TimeSpan::days(1).0 + 31_000));
        assert!(
            !accepts(&context.auth, &revoked.access.token).await,
            "the token would be valid again"
        );
    }

    async fn fast_clock_that_is_corrected_ends_no_session(context: TestContext) {
        let mut issued = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::days(7));
        issued = context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
        assert!(accepts(&context.auth, &issued.access.token).await);
        context.auth.run_maintenance(true).await.expect("maintenance");
        context.clock.advance(TimeSpan::days(-7));
        issued = context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
        assert!(accepts(&context.auth, &issued.access.token).await);
        assert!(!has_reuse_event(&context.auth, &issued.access.token).await);
    }
}

#[tokio::test]
async fn two_tabs_refresh_on_nodes_with_clocks_3_s_apart() {
    for database in [TestDatabase::sqlite(), TestDatabase::postgres().await] {
        let context = TestContext::on(database).await;
        let (late, late_clock) = node_with_clock_skew(&context, TimeSpan::seconds(3)).await;
        let first = context.sign_up(ADA).await;
        // One tab refreshes on the node whose clock is ahead and uses the new token.
        let second = late.refresh(&client(), &first.refresh.token).await.expect("refreshed");
        assert!(accepts(&late, &second.access.token).await);
        late.run_maintenance(false).await.expect("maintenance");
        for clock in [&context.clock, &late_clock] {
            clock.advance(TimeSpan::seconds(1));
        }
        // A second later another tab sends the old cookie to the other node.
        assert!(can_refresh(&context.auth, &first.refresh.token).await, "within the grace period");
        assert!(can_refresh(&context.auth, &second.refresh.token).await);
    }
}

test_on_each_database! {
    async fn access_token_works_after_clock_set_back(context: TestContext) {
        context.clock.advance(TimeSpan::days(2));
        let issued = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::days(-1));
        let refreshed =
            context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
        assert!(accepts(&context.auth, &refreshed.access.token).await);
        assert!(!has_reuse_event(&context.auth, &refreshed.access.token).await);
    }

    async fn activity_from_fast_clock_is_stored_as_now(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan::days(1));
        assert!(
            context
                .auth
                .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
                .await
                .is_ok()
        );
        context.clock.advance(TimeSpan(TimeSpan::minutes(5).0 - TimeSpan::days(1).0));
        context.auth.run_maintenance(false).await.expect("maintenance");
        let me = context
            .auth
            .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
            .await
            .expect("signed in");
        let listed = me.sessions(100, None).await.expect("sessions").items;
        let [session] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!(session.last_seen_at, context.clock.now());
    }

    async fn extreme_times_allow_sign_up_and_refresh(context: TestContext) {
        let node = context.another_node().await;
        // 1970, the limits of signed and unsigned 32-bit seconds, and the year 9999.
        for moment in
            [0, 1, 2_147_483_647_000, 2_147_483_648_000, 4_294_967_296_000, 253_402_300_799_000]
        {
            context.clock.advance(Timestamp(moment).since(context.clock.now()));
            assert_eq!(context.clock.now(), Timestamp(moment));
            let issued = context.sign_up(&format!("ada{moment}@example.com")).await;
            context.clock.advance(TimeSpan::minutes(1));
            let refreshed =
                node.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
            assert!(accepts(&node, &refreshed.access.token).await, "{moment}");
            node.run_maintenance(true).await.expect("maintenance");
        }
    }
}

/// Starts a node whose system clock is wrong by `difference`.
async fn node_with_wrong_system_clock(
    database: &TestDatabase,
    secret: &ServerSecret,
    difference: TimeSpan,
) -> Auth {
    let store = Store::open(&database.url).await.expect("a database");
    start(&store, &Clock::Skewed(difference), secret).await.expect("a start")
}

#[tokio::test]
async fn nodes_with_wrong_clocks_use_the_database_clock() {
    let database = TestDatabase::postgres().await;
    let secret = ServerSecret::generate(&RandomSource::System).expect("a secret");
    let early = node_with_wrong_system_clock(&database, &secret, TimeSpan::minutes(-90)).await;
    let late = node_with_wrong_system_clock(&database, &secret, TimeSpan::minutes(90)).await;

    let form = SignUpForm { email: ADA.into(), password: PASSWORD.into(), ..SignUpForm::default() };
    let issued = early.sign_up(&client(), &form, None).await.map(tokens_of).expect("a sign-up");
    let refreshed = late.refresh(&client(), &issued.refresh.token).await.expect("refreshed");
    let mut read_at = Vec::new();
    for node in [&early, &late] {
        for token in [&issued.access.token, &refreshed.access.token] {
            assert!(accepts(node, token).await);
        }
        let me = node
            .signed_in(&client(), PresentedCredential::Bearer(&refreshed.access.token))
            .await
            .expect("signed in");
        read_at.push(me.all_sessions().await.expect("a list").as_of);
    }
    let apart = read_at[1].since(read_at[0]);
    assert!((TimeSpan::minutes(-1)..TimeSpan::minutes(1)).contains(&apart), "{apart:?}");
}
