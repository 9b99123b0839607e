//! Requests while all hashing threads are busy for longer than the maximum queue wait.

use crate::common::{HASHING, PASSWORD, TestContext, advance_tokio_clock, client};
use countersign_core::{
    Auth, Error, HashingConfig, IssuedTokens, LimitedAction, PresentedCredential, RateLimit,
    RateLimits, RequestContext,
    passwords::hasher::{HeldThread, Priority},
    test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    TimeSpan,
    forms::{ChangePasswordForm, CurrentPasswordForm, LogInForm},
};
use std::time::Duration;

const ADA: &str = "ada@example.com";
const OTHER: &str = "a quite different one";
/// Longer than the maximum time that a job waits in the hash queue.
const LONGER_THAN_QUEUE_WAIT: Duration = Duration::from_secs(3);

fn client_at(address: &str) -> RequestContext {
    RequestContext::new(address.parse().ok(), Some("curl/8.5.0"), "test")
}

/// A client with the device cookie of an earlier log-in.
fn known_client(issued: &IssuedTokens) -> RequestContext {
    RequestContext {
        device_cookie: issued.device_cookie.clone().map(|device| device.token),
        ..client_at("203.0.113.5")
    }
}

async fn log_in(
    auth: Auth,
    client: RequestContext,
    email: &'static str,
    password: &'static str,
) -> Result<IssuedTokens, Error> {
    let form = LogInForm { email: email.into(), password: password.into(), ..LogInForm::default() };
    auth.log_in(&client, &form, None).await.map(tokens_of)
}

async fn change_password(
    auth: Auth,
    token: String,
    current: &'static str,
    new: &'static str,
) -> Result<IssuedTokens, Error> {
    let me = auth.signed_in(&client(), PresentedCredential::Bearer(&token)).await?;
    me.change_password(&ChangePasswordForm {
        current_password: current.into(),
        new_password: new.into(),
    })
    .await
}

async fn delete_account(auth: Auth, token: String) -> Result<(), Error> {
    let me = auth.signed_in(&client(), PresentedCredential::Bearer(&token)).await?;
    me.delete_account(&CurrentPasswordForm { current_password: PASSWORD.into() }).await.map(drop)
}

/// Occupies the only hashing thread of a node.
async fn occupy_thread(auth: &Auth) -> HeldThread {
    let mut held = auth.password_hasher_for_tests().hold_thread(Priority::Anonymous);
    held.wait_until_busy().await;
    held
}

/// Waits until a job of the request is queued. Returns `false` if the request needs no thread.
async fn waits_for_thread<T>(auth: &Auth, request: &tokio::task::JoinHandle<T>) -> bool {
    while auth.password_hasher_for_tests().jobs_waiting() == 0 {
        if request.is_finished() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// Runs a request that gets no hashing thread before its deadline.
async fn run_without_thread<T: Send + 'static>(
    auth: &Auth,
    request: impl Future<Output = T> + Send + 'static,
) -> T {
    // Time has passed, and a node with a stale change feed rejects all requests.
    auth.sync_feed().await.expect("synced");
    let request = tokio::spawn(request);
    if waits_for_thread(auth, &request).await {
        advance_tokio_clock(LONGER_THAN_QUEUE_WAIT).await;
    }
    request.await.expect("a task")
}

/// Runs a request that gets a hashing thread for its first job only.
async fn run_with_one_job<T: Send + 'static>(
    auth: &Auth,
    lane: Priority,
    request: impl Future<Output = T> + Send + 'static,
) -> T {
    auth.sync_feed().await.expect("synced");
    let held = occupy_thread(auth).await;
    let request = tokio::spawn(request);
    assert!(waits_for_thread(auth, &request).await, "a hash is queued");
    // Queued behind the first job of the request and before the second.
    let mut next = auth.password_hasher_for_tests().hold_thread(lane);
    drop(held);
    next.wait_until_busy().await;
    if waits_for_thread(auth, &request).await {
        advance_tokio_clock(LONGER_THAN_QUEUE_WAIT).await;
    }
    request.await.expect("a task")
}

fn is_overloaded<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Overloaded { .. }))
}

test_on_each_database! {
    async fn log_ins_without_capacity_are_not_counted(context: TestContext) {
        let auth = context.single_thread_node(HASHING, RateLimits::default()).await;
        let ada = context.sign_up(ADA).await;
        for client in [client_at("198.51.100.9"), known_client(&ada)] {
            let held = occupy_thread(&auth).await;
            for n in 0..6 {
                let refused =
                    run_without_thread(&auth, log_in(auth.clone(), client.clone(), ADA, PASSWORD))
                        .await;
                assert!(is_overloaded(&refused), "{n}: {refused:?}");
            }
            let charged = context
                .store
                .read()
                .await
                .expect("a connection")
                .limit_next_allowed_at("password_by_address", &[198, 51, 100, 9])
                .await
                .expect("a time");
            assert!(charged.is_none_or(|until| until <= context.clock.now()), "{charged:?}");
            drop(held);
            log_in(auth.clone(), client, ADA, PASSWORD).await.expect("no backoff");
        }
    }

    async fn log_in_without_capacity_leaves_other_attempts_counted(context: TestContext) {
        let auth = context.single_thread_node(HASHING, RateLimits::default()).await;
        let ada = context.sign_up(ADA).await;
        for client in [client_at("198.51.100.9"), known_client(&ada)] {
            let try_wrong_password =
                async || log_in(auth.clone(), client.clone(), ADA, "wrong").await.err();
            for _ in 0..4 {
                assert!(matches!(try_wrong_password().await, Some(Error::InvalidCredentials)));
            }
            let held = occupy_thread(&auth).await;
            for _ in 0..3 {
                // This would be the fifth attempt, which starts the backoff.
                let refused =
                    run_without_thread(&auth, log_in(auth.clone(), client.clone(), ADA, PASSWORD))
                        .await;
                assert!(is_overloaded(&refused), "{refused:?}");
            }
            drop(held);
            assert!(
                matches!(try_wrong_password().await, Some(Error::InvalidCredentials)),
                "the fifth attempt has no backoff before it"
            );
            assert!(
                matches!(
                    try_wrong_password().await,
                    Some(Error::RateLimited { retry_after: 1, .. })
                ),
                "the first four attempts were counted"
            );
        }
        let charged = context
            .store
            .read()
            .await
            .expect("a connection")
            .limit_next_allowed_at("password_by_address", &[198, 51, 100, 9])
            .await
            .expect("a time");
        // The last attempt counted against the IP address and was rejected by the account limit.
        assert_eq!(charged, Some(context.clock.now() + TimeSpan::seconds(3 * 6)));
    }

    async fn password_changes_without_capacity_are_not_counted(context: TestContext) {
        let auth = context.single_thread_node(HASHING, RateLimits::default()).await;
        let ada = context.sign_up(ADA).await;
        let token = ada.access.token.clone();
        let held = occupy_thread(&auth).await;
        for _ in 0..3 {
            let changed = run_without_thread(
                &auth,
                change_password(auth.clone(), token.clone(), PASSWORD, OTHER),
            )
            .await;
            let deleted =
                run_without_thread(&auth, delete_account(auth.clone(), token.clone())).await;
            assert!(is_overloaded(&changed) && is_overloaded(&deleted), "{changed:?} {deleted:?}");
        }
        drop(held);
        for _ in 0..6 {
            // The current password is verified, but no thread is free to hash the new one.
            let changed = run_with_one_job(
                &auth,
                Priority::KnownDevice,
                change_password(auth.clone(), token.clone(), PASSWORD, OTHER),
            )
            .await;
            assert!(is_overloaded(&changed), "{changed:?}");
        }
        change_password(auth.clone(), token, PASSWORD, OTHER).await.expect("no backoff");
    }

    async fn weak_hash_without_capacity_is_upgraded_at_next_log_in(context: TestContext) {
        let auth = context
            .single_thread_node(HashingConfig { iterations: 2, ..HASHING }, RateLimits::default())
            .await;
        context.sign_up(ADA).await;
        let parameters = async || {
            let user = context
                .store
                .read()
                .await
                .expect("a connection")
                .user_by_email(ADA)
                .await
                .expect("an answer")
                .expect("a user");
            user.password_hash.expect("a hash").split('$').nth(3).expect("parameters").to_owned()
        };
        let before = parameters().await;
        assert!(before.starts_with("m=64,t=1"), "{before}");
        run_with_one_job(&auth, Priority::Anonymous, log_in(auth.clone(), client(), ADA, PASSWORD))
            .await
            .expect("a log-in");
        assert_eq!(parameters().await, before, "no capacity to hash it again");
        log_in(auth.clone(), client(), ADA, PASSWORD).await.expect("a log-in");
        assert!(parameters().await.starts_with("m=64,t=2"));
    }

    async fn rate_limited_known_device_is_rejected_without_hashing(context: TestContext) {
        let mut limits = RateLimits::default();
        limits
            .set(LimitedAction::LogIn, Some(RateLimit { burst: 3, period: TimeSpan::minutes(1) }));
        let (auth, other) = (
            context.single_thread_node(HASHING, limits.clone()).await,
            context.node_with(limits).await,
        );
        let ada = context.sign_up(ADA).await;
        for node in [&auth, &other, &auth] {
            log_in(node.clone(), known_client(&ada), ADA, PASSWORD)
                .await
                .expect("within the shared limit");
        }
        let held = occupy_thread(&auth).await;
        for password in [PASSWORD, "wrong"] {
            let refused =
                run_without_thread(&auth, log_in(auth.clone(), known_client(&ada), ADA, password))
                    .await;
            assert!(
                matches!(
                    refused,
                    Err(Error::RateLimited { action: LimitedAction::LogIn, retry_after: 60 })
                ),
                "{refused:?}"
            );
        }
        // Clients without the cookie learn nothing: they wait for a thread like unknown users.
        let forged = RequestContext { device_cookie: Some("csgn_dc_AAAA".into()), ..client() };
        for (client, email) in [
            (client(), ADA),
            (forged, ADA),
            (client(), "unknown@example.com"),
            (known_client(&ada), "unknown@example.com"),
        ] {
            let refused =
                run_without_thread(&auth, log_in(auth.clone(), client, email, PASSWORD)).await;
            assert!(is_overloaded(&refused), "{refused:?}");
        }
        drop(held);
        context.clock.advance(TimeSpan::minutes(1));
        log_in(auth.clone(), known_client(&ada), ADA, PASSWORD)
            .await
            .expect("allowed after `retry_after`");
    }
}
