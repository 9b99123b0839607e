//! What happens to requests while the hashing threads are busy for longer than a client waits.

use crate::support::{HASHING, PASSWORD, World, client, pass};
use countersign_core::{
    Auth, Client, Error, Hashing, Issued, LimitedAction, Presented, RateLimit, RateLimits,
    hasher::{HeldThread, Lane},
    on_both,
};
use countersign_types::{
    Span,
    form::{ChangePassword, DeleteAccount, LogIn},
};
use std::time::Duration;

const ADA: &str = "ada@example.com";
const OTHER: &str = "a quite different one";
/// Longer than a job waits for a thread.
const LONGER_THAN_THE_DEADLINE: Duration = Duration::from_secs(3);

fn from(address: &str) -> Client {
    Client::new(address.parse().ok(), Some("curl/8.5.0"), "test")
}

/// From a browser that has been here before.
fn known(issued: &Issued) -> Client {
    Client {
        known_browser: issued.known_browser.clone().map(|device| device.token),
        ..from("203.0.113.5")
    }
}

async fn log_in(
    auth: Auth,
    client: Client,
    email: &'static str,
    password: &'static str,
) -> Result<Issued, Error> {
    let form = LogIn { email: email.into(), password: password.into(), ..LogIn::default() };
    auth.log_in(&client, &form, None).await.map(|(_, issued)| issued)
}

async fn change_password(
    auth: Auth,
    token: String,
    current: &'static str,
    new: &'static str,
) -> Result<Issued, Error> {
    let me = auth.signed_in(&client(), Presented::Bearer(&token)).await?;
    me.change_password(&ChangePassword {
        current: current.into(),
        new: new.into(),
        tag: String::new(),
    })
    .await
}

async fn delete_account(auth: Auth, token: String) -> Result<(), Error> {
    let me = auth.signed_in(&client(), Presented::Bearer(&token)).await?;
    me.delete_account(&DeleteAccount { current: PASSWORD.into(), tag: String::new() })
        .await
        .map(drop)
}

/// Keeps the one thread of a node busy.
async fn hold(auth: &Auth) -> HeldThread {
    let mut held = auth.hasher_for_tests().hold_thread(Lane::Strangers);
    held.is_busy().await;
    held
}

/// Waits until a job of the request waits for a thread. `false`: the request needs none.
async fn needs_a_thread<T>(auth: &Auth, request: &tokio::task::JoinHandle<T>) -> bool {
    while auth.hasher_for_tests().jobs_waiting() == 0 {
        if request.is_finished() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

/// What becomes of a request for which no thread has time.
async fn without_thread<T: Send + 'static>(
    auth: &Auth,
    request: impl Future<Output = T> + Send + 'static,
) -> T {
    // Time has passed, and a node that hears nothing for too long serves nobody.
    auth.listen().await.expect("heard");
    let request = tokio::spawn(request);
    if needs_a_thread(auth, &request).await {
        pass(LONGER_THAN_THE_DEADLINE).await;
    }
    request.await.expect("a task")
}

/// What becomes of a request for which a thread has time once, and not a second time.
async fn with_one_turn<T: Send + 'static>(
    auth: &Auth,
    lane: Lane,
    request: impl Future<Output = T> + Send + 'static,
) -> T {
    auth.listen().await.expect("heard");
    let held = hold(auth).await;
    let request = tokio::spawn(request);
    assert!(needs_a_thread(auth, &request).await, "it hashes");
    // In line behind the first job of the request, and before its second one.
    let mut next = auth.hasher_for_tests().hold_thread(lane);
    drop(held);
    next.is_busy().await;
    if needs_a_thread(auth, &request).await {
        pass(LONGER_THAN_THE_DEADLINE).await;
    }
    request.await.expect("a task")
}

fn is_busy<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Busy { .. }))
}

on_both! {
    async fn log_ins_without_capacity_are_not_counted(world: World) {
        let auth = world.narrow_node(HASHING, RateLimits::default()).await;
        let ada = world.sign_up(ADA).await;
        for client in [from("198.51.100.9"), known(&ada)] {
            let held = hold(&auth).await;
            for n in 0..6 {
                let refused =
                    without_thread(&auth, log_in(auth.clone(), client.clone(), ADA, PASSWORD))
                        .await;
                assert!(is_busy(&refused), "{n}: {refused:?}");
            }
            let charged = world
                .store
                .read()
                .await
                .expect("a connection")
                .limit_free_at("password_by_address", &[198, 51, 100, 9])
                .await
                .expect("a time");
            assert!(charged.is_none_or(|until| until <= world.clock.now()), "{charged:?}");
            drop(held);
            log_in(auth.clone(), client, ADA, PASSWORD).await.expect("at once");
        }
    }

    async fn log_in_without_capacity_leaves_other_attempts_counted(world: World) {
        let auth = world.narrow_node(HASHING, RateLimits::default()).await;
        let ada = world.sign_up(ADA).await;
        for client in [from("198.51.100.9"), known(&ada)] {
            let try_wrong = async || log_in(auth.clone(), client.clone(), ADA, "wrong").await.err();
            for _ in 0..4 {
                assert!(matches!(try_wrong().await, Some(Error::Credentials)));
            }
            let held = hold(&auth).await;
            for _ in 0..3 {
                // The fifth attempt, after which there would be a delay.
                let refused =
                    without_thread(&auth, log_in(auth.clone(), client.clone(), ADA, PASSWORD))
                        .await;
                assert!(is_busy(&refused), "{refused:?}");
            }
            drop(held);
            assert!(
                matches!(try_wrong().await, Some(Error::Credentials)),
                "the fifth, with no delay before it"
            );
            assert!(
                matches!(try_wrong().await, Some(Error::TooMany { retry_after: 1, .. })),
                "the first four were counted"
            );
        }
        let charged = world
            .store
            .read()
            .await
            .expect("a connection")
            .limit_free_at("password_by_address", &[198, 51, 100, 9])
            .await
            .expect("a time");
        // The last one was charged, and then refused by the limit of the account.
        assert_eq!(charged, Some(world.clock.now() + Span::seconds(3 * 6)));
    }

    async fn password_changes_without_capacity_are_not_counted(world: World) {
        let auth = world.narrow_node(HASHING, RateLimits::default()).await;
        let ada = world.sign_up(ADA).await;
        let token = ada.access.token.clone();
        let held = hold(&auth).await;
        for _ in 0..3 {
            let changed = without_thread(
                &auth,
                change_password(auth.clone(), token.clone(), PASSWORD, OTHER),
            )
            .await;
            let deleted = without_thread(&auth, delete_account(auth.clone(), token.clone())).await;
            assert!(is_busy(&changed) && is_busy(&deleted), "{changed:?} {deleted:?}");
        }
        drop(held);
        for _ in 0..6 {
            // The password is compared, and no thread has time to hash the new one.
            let changed = with_one_turn(
                &auth,
                Lane::Known,
                change_password(auth.clone(), token.clone(), PASSWORD, OTHER),
            )
            .await;
            assert!(is_busy(&changed), "{changed:?}");
        }
        change_password(auth.clone(), token, PASSWORD, OTHER).await.expect("at once");
    }

    async fn weak_hash_without_capacity_is_renewed_at_the_next_log_in(world: World) {
        let auth = world.narrow_node(Hashing { t: 2, ..HASHING }, RateLimits::default()).await;
        world.sign_up(ADA).await;
        let effort = async || {
            let user = world
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
        let before = effort().await;
        assert!(before.starts_with("m=64,t=1"), "{before}");
        with_one_turn(&auth, Lane::Strangers, log_in(auth.clone(), client(), ADA, PASSWORD))
            .await
            .expect("the password is right");
        assert_eq!(effort().await, before, "there was no time to hash it again");
        log_in(auth.clone(), client(), ADA, PASSWORD).await.expect("in");
        assert!(effort().await.starts_with("m=64,t=2"));
    }

    async fn known_device_with_too_many_log_ins_is_refused_without_a_hash(world: World) {
        let mut limits = RateLimits::default();
        limits.set(LimitedAction::LogIn, Some(RateLimit { burst: 3, period: Span::minutes(1) }));
        let (auth, other) =
            (world.narrow_node(HASHING, limits.clone()).await, world.node_with(limits).await);
        let ada = world.sign_up(ADA).await;
        for node in [&auth, &other, &auth] {
            log_in(node.clone(), known(&ada), ADA, PASSWORD)
                .await
                .expect("within the limit of all nodes");
        }
        let held = hold(&auth).await;
        for password in [PASSWORD, "wrong"] {
            let refused =
                without_thread(&auth, log_in(auth.clone(), known(&ada), ADA, password)).await;
            assert!(
                matches!(
                    refused,
                    Err(Error::TooMany { action: LimitedAction::LogIn, retry_after: 60 })
                ),
                "{refused:?}"
            );
        }
        // Clients without the cookie learn nothing from it: they wait for a thread like everybody.
        let forged = Client { known_browser: Some("csgn_dc_AAAA".into()), ..client() };
        for (client, email) in [
            (client(), ADA),
            (forged, ADA),
            (client(), "nobody@example.com"),
            (known(&ada), "nobody@example.com"),
        ] {
            let refused =
                without_thread(&auth, log_in(auth.clone(), client, email, PASSWORD)).await;
            assert!(is_busy(&refused), "{refused:?}");
        }
        drop(held);
        world.clock.advance(Span::minutes(1));
        log_in(auth.clone(), known(&ada), ADA, PASSWORD)
            .await
            .expect("after the time that was told");
    }
}
