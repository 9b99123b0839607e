//! Rate limits: per account, known device, IP address and user; shared by nodes and kept over a
//! restart.

use crate::common::{PASSWORD, TestContext, client};
use countersign_core::{
    Auth, Error, IssuedTokens, LimitedAction, PresentedCredential, RandomSource, RateLimit,
    RateLimits, RequestContext, ServerSecret,
    accounts::AddressProof,
    admin::AdminAction,
    rate_limit::{Storage, Subject},
    test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    SessionId, TimeSpan,
    forms::{ChangePasswordForm, CurrentPasswordForm, LogInForm, SignUpForm, UpdateProfileForm},
    views::Role,
};
use std::collections::BTreeMap;

const ADA: &str = "ada@example.com";

fn client_at(address: &str) -> RequestContext {
    RequestContext::new(address.parse().ok(), Some("curl/8.5.0"), "test")
}

/// A client with the device cookie of an earlier log-in.
fn known_client(issued: &IssuedTokens, address: &str) -> RequestContext {
    RequestContext {
        device_cookie: issued.device_cookie.clone().map(|device| device.token),
        ..client_at(address)
    }
}

async fn log_in(
    auth: &Auth,
    client: &RequestContext,
    email: &str,
    password: &str,
) -> Result<IssuedTokens, Error> {
    let form = LogInForm { email: email.into(), password: password.into(), ..LogInForm::default() };
    auth.log_in(client, &form, None).await.map(tokens_of)
}

async fn sign_up(auth: &Auth, client: &RequestContext, email: &str) -> Result<IssuedTokens, Error> {
    let form =
        SignUpForm { email: email.into(), password: PASSWORD.into(), ..SignUpForm::default() };
    auth.sign_up(client, &form, None).await.map(tokens_of)
}

/// Returns a label for counting, and `retry_after` in seconds.
fn outcome<T>(result: &Result<T, Error>) -> (&'static str, u32) {
    match result {
        Ok(_) => ("ok", 0),
        Err(Error::InvalidCredentials) => ("wrong", 0),
        Err(Error::EmailTaken) => ("taken", 0),
        Err(Error::Overloaded { retry_after }) => ("busy", *retry_after),
        Err(Error::RateLimited { retry_after, .. }) => ("limited", *retry_after),
        Err(other) => panic!("{other:?}"),
    }
}

/// Tries a wrong password concurrently from `size` IP addresses, and counts the outcomes.
async fn concurrent_log_ins(
    auth: &Auth,
    size: usize,
    email: &str,
) -> BTreeMap<&'static str, usize> {
    let attempts: Vec<_> = (0..size)
        .map(|n| {
            let (auth, email) = (auth.clone(), email.to_owned());
            tokio::spawn(async move {
                outcome(
                    &log_in(&auth, &client_at(&format!("198.51.100.{n}")), &email, "wrong").await,
                )
                .0
            })
        })
        .collect();
    let mut counted = BTreeMap::new();
    for attempt in attempts {
        *counted.entry(attempt.await.expect("a task")).or_default() += 1;
    }
    counted
}

test_on_each_database! {
    async fn account_allows_five_attempts_then_one_per_backoff(context: TestContext) {
        let auth = context.limiting_node().await;
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        assert_eq!(
            concurrent_log_ins(&auth, 200, ADA).await,
            BTreeMap::from([("wrong", 5), ("limited", 195)])
        );
        for backoff in [1, 2, 4, 8, 16, 32, 60, 60] {
            let refused = outcome(&log_in(&auth, &client(), ADA, PASSWORD).await);
            assert_eq!(refused, ("limited", backoff), "the correct password is not checked");
            context.clock.advance(TimeSpan::seconds(backoff.into()));
            assert_eq!(
                concurrent_log_ins(&auth, 20, ADA).await,
                BTreeMap::from([("wrong", 1), ("limited", 19)])
            );
        }
        context.clock.advance(TimeSpan::seconds(60));
        log_in(&auth, &client(), ADA, PASSWORD).await.expect("allowed after the backoff");
        assert_eq!(
            concurrent_log_ins(&auth, 20, ADA).await,
            BTreeMap::from([("wrong", 5), ("limited", 15)]),
            "the count is reset"
        );
    }

    async fn attempts_are_shared_by_nodes_and_survive_a_restart(context: TestContext) {
        let (auth, other) = (context.limiting_node().await, context.limiting_node().await);
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for (attempts, node) in (1..).zip([&auth, &other, &auth, &other, &auth]) {
            assert_eq!(outcome(&log_in(node, &client(), ADA, "wrong").await).0, "wrong");
            // Read with a separate connection. Each attempt from an IP address costs three seconds;
            // the attempt of the account is counted in the same transaction.
            let counted = context
                .store
                .read()
                .await
                .expect("a connection")
                .limit_next_allowed_at("password_by_address", &[192, 0, 2, 7])
                .await
                .expect("a time");
            assert_eq!(
                counted,
                Some(context.clock.now() + TimeSpan::seconds(3 * attempts)),
                "a failed attempt stays counted"
            );
        }
        assert_eq!(outcome(&log_in(&other, &client(), ADA, PASSWORD).await).0, "limited");
        drop((auth, other));
        let restarted = context.limiting_node().await;
        assert_eq!(outcome(&log_in(&restarted, &client(), ADA, PASSWORD).await).0, "limited");
        context.clock.advance(TimeSpan(TimeSpan::days(1).0 + 1));
        for _ in 0..5 {
            assert_eq!(
                outcome(&log_in(&restarted, &client(), ADA, "wrong").await).0,
                "wrong",
                "the count is reset after a day"
            );
        }
    }

    async fn spellings_of_one_address_share_one_limit(context: TestContext) {
        let auth = context.limiting_node().await;
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for typed in [
            "Ada@Example.com",
            " ada@example.com ",
            "ADA@EXAMPLE.COM",
            "ada@EXAMPLE.com",
            "aDA@example.com",
        ] {
            assert_eq!(outcome(&log_in(&auth, &client(), typed, "wrong").await).0, "wrong");
        }
        assert_eq!(outcome(&log_in(&auth, &client(), ADA, PASSWORD).await).0, "limited");
    }

    async fn unknown_account_is_limited_like_a_known_one(context: TestContext) {
        let auth = context.limiting_node().await;
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        let outcomes_of = async |email: &str| {
            let mut outcomes = Vec::new();
            for _ in 0..9 {
                outcomes.push(outcome(&log_in(&auth, &client(), email, "wrong").await));
            }
            outcomes
        };
        assert_eq!(outcomes_of(ADA).await, outcomes_of("unknown@example.com").await);
    }

    async fn anonymous_attempts_do_not_block_a_known_device(context: TestContext) {
        let auth = context.limiting_node().await;
        let first = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        assert_eq!(concurrent_log_ins(&auth, 30, ADA).await["wrong"], 5);
        assert_eq!(outcome(&log_in(&auth, &client(), ADA, PASSWORD).await).0, "limited");
        let again = log_in(&auth, &known_client(&first, "203.0.113.5"), ADA, PASSWORD)
            .await
            .expect("a log-in from the known device");
        assert_eq!(again.device_cookie, None, "the account is already in the cookie");
        // A device cookie of another account or a forged one does not count as known.
        let bob = sign_up(&auth, &client(), "bob@example.com").await.expect("a sign-up");
        concurrent_log_ins(&auth, 30, ADA).await;
        assert_eq!(
            outcome(&log_in(&auth, &known_client(&bob, "203.0.113.5"), ADA, PASSWORD).await).0,
            "limited"
        );
        let forged = RequestContext { device_cookie: Some("csgn_dc_AAAA".into()), ..client() };
        assert_eq!(outcome(&log_in(&auth, &forged, ADA, PASSWORD).await).0, "limited");
        // Attempts from the known device are limited, too.
        for _ in 0..5 {
            assert_eq!(
                outcome(&log_in(&auth, &known_client(&first, "203.0.113.5"), ADA, "wrong").await).0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &known_client(&first, "203.0.113.5"), ADA, PASSWORD).await).0,
            "limited"
        );
    }

    async fn one_ip_does_not_fill_the_hash_queue_for_others(context: TestContext) {
        context.sign_up("ada@example.com").await;
        let auth = context.limiting_node().await;
        let attempts: Vec<_> = (0..200)
            .map(|_| {
                let auth = auth.clone();
                tokio::spawn(async move {
                    outcome(
                        &log_in(
                            &auth,
                            &client_at("198.51.100.9"),
                            "unknown@example.com",
                            "wrong horse battery",
                        )
                        .await,
                    )
                    .0
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let ada = log_in(&auth, &client_at("192.0.2.1"), "ada@example.com", PASSWORD).await;
        assert!(ada.is_ok(), "{:?}", ada.err());
        let mut busy = 0;
        for attempt in attempts {
            busy += u32::from(attempt.await.expect("a task") == "busy");
        }
        assert!(busy > 0, "the quota of the IP address was not exceeded");
    }

    async fn ip_is_limited_after_sixty_failed_log_ins(context: TestContext) {
        let auth = context.limiting_node().await;
        for n in 0..60 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &client_at("198.51.100.9"),
                        &format!("user{n}@example.com"),
                        "wrong"
                    )
                    .await
                )
                .0,
                "wrong",
                "{n}"
            );
        }
        for n in 60..1000 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &client_at("198.51.100.9"),
                        &format!("user{n}@example.com"),
                        "wrong"
                    )
                    .await
                ),
                ("limited", 3)
            );
        }
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("198.51.100.10"), "user0@example.com", "wrong").await
            )
            .0,
            "wrong",
            "other IP addresses are not limited"
        );
        context.clock.advance(TimeSpan::seconds(6));
        let emails: Vec<_> = [1, 2, 3].map(|n| format!("later{n}@example.com")).to_vec();
        let mut outcomes = Vec::new();
        for email in &emails {
            outcomes
                .push(outcome(&log_in(&auth, &client_at("198.51.100.9"), email, "wrong").await).0);
        }
        assert_eq!(outcomes, ["wrong", "wrong", "limited"]);
    }

    async fn ipv6_prefix_and_mapped_ipv4_share_one_limit(context: TestContext) {
        let auth = context.limiting_node().await;
        for n in 0..60_u32 {
            let address = if n % 2 == 0 {
                format!("2001:db8:7:8::{n:x}")
            } else {
                format!("2001:0DB8:0007:0008:{n:x}::1")
            };
            assert_eq!(
                outcome(
                    &log_in(&auth, &client_at(&address), &format!("user{n}@example.com"), "wrong")
                        .await
                )
                .0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("2001:db8:7:8:ffff::"), "other@example.com", "wrong")
                    .await
            )
            .0,
            "limited"
        );
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("2001:db8:7:9::1"), "other@example.com", "wrong").await
            )
            .0,
            "wrong"
        );
        for n in 0..60 {
            let address = if n % 2 == 0 { "192.0.2.1" } else { "::ffff:192.0.2.1" };
            assert_eq!(
                outcome(
                    &log_in(&auth, &client_at(address), &format!("user{n}@example.org"), "wrong")
                        .await
                )
                .0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &client_at("192.0.2.1"), "other@example.org", "wrong").await).0,
            "limited"
        );
    }

    async fn ip_is_limited_after_twenty_sign_ups(context: TestContext) {
        let auth = context.limiting_node().await;
        for n in 0..19 {
            sign_up(&auth, &client(), &format!("user{n}@example.com")).await.expect("a sign-up");
        }
        assert_eq!(outcome(&sign_up(&auth, &client(), "user0@example.com").await).0, "taken");
        assert_eq!(outcome(&sign_up(&auth, &client(), "user1@example.com").await), ("limited", 30));
        context.clock.advance(TimeSpan::seconds(30));
        sign_up(&auth, &client(), "late@example.com").await.expect("a sign-up");
        assert_eq!(outcome(&sign_up(&auth, &client(), "later@example.com").await).0, "limited");
    }

    async fn password_change_attempts_are_rate_limited(context: TestContext) {
        let auth = context.limiting_node().await;
        let issued = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        let change = async |current: &str| {
            let signed_in = auth
                .signed_in(&client(), PresentedCredential::Cookie(&issued.refresh.token))
                .await
                .expect("signed in");
            signed_in
                .change_password(&ChangePasswordForm {
                    current_password: current.into(),
                    new_password: "another long one".into(),
                })
                .await
        };
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            outcomes.push(match change("wrong").await {
                Err(Error::Invalid(_)) => "wrong",
                Err(Error::RateLimited { .. }) => "limited",
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "wrong").count(), 5);
        assert_eq!(
            outcome(&log_in(&auth, &client(), ADA, PASSWORD).await).0,
            "ok",
            "log-in is not limited by it"
        );
        context.clock.advance(TimeSpan::minutes(1));
        change(PASSWORD).await.expect("changed after the backoff");
        assert_eq!(
            outcome(&log_in(&auth, &client(), ADA, "another long one").await).0,
            "ok",
            "the count is reset"
        );
    }

    async fn idle_rate_limits_are_pruned(context: TestContext) {
        let auth = context.limiting_node().await;
        for n in 0..9 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &client_at(&format!("198.51.100.{n}")),
                        &format!("user{n}@example.com"),
                        "wrong"
                    )
                    .await
                )
                .0,
                "wrong"
            );
        }
        let prune = async || {
            let mut tx = context.store.write().await.expect("a transaction");
            let now = context.clock.now();
            let pruned = tx.limit_prune(now - TimeSpan::days(1), now, 100).await.expect("pruned");
            tx.commit().await.expect("a commit");
            pruned
        };
        assert_eq!(prune().await, 0);
        context.clock.advance(TimeSpan(TimeSpan::days(1).0 + 1));
        assert_eq!(prune().await, 18, "an account and an IP address for each");
    }

    async fn correct_passwords_do_not_count_against_the_network(context: TestContext) {
        let auth = context.limiting_node().await;
        for n in 0..10 {
            context.sign_up(&format!("user{n}@example.com")).await;
        }
        for n in 0..100 {
            let logged_in = log_in(
                &auth,
                &client_at("198.51.100.9"),
                &format!("user{}@example.com", n % 10),
                PASSWORD,
            )
            .await;
            assert_eq!(outcome(&logged_in).0, "ok", "{n}");
        }
        for n in 0..60 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &client_at("198.51.100.9"),
                        &format!("unknown{n}@example.com"),
                        "wrong"
                    )
                    .await
                )
                .0,
                "wrong",
                "{n}: nothing was counted"
            );
        }
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("198.51.100.9"), "user0@example.com", PASSWORD).await
            )
            .0,
            "limited",
            "counted before the password is checked"
        );
        // Tokens that were refilled in the meantime are not returned twice.
        context.clock.advance(TimeSpan::seconds(3));
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("198.51.100.9"), "user0@example.com", PASSWORD).await
            )
            .0,
            "ok"
        );
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("198.51.100.9"), "unknown@example.com", "wrong").await
            )
            .0,
            "wrong"
        );
        assert_eq!(
            outcome(
                &log_in(&auth, &client_at("198.51.100.9"), "unknown@example.com", "wrong").await
            )
            .0,
            "limited"
        );
    }

    async fn known_device_logs_in_from_a_limited_network(context: TestContext) {
        let auth = context.limiting_node().await;
        let ada = sign_up(&auth, &client_at("198.51.100.9"), ADA).await.expect("a sign-up");
        for n in 0..61 {
            let _ = log_in(
                &auth,
                &client_at("198.51.100.9"),
                &format!("unknown{n}@example.com"),
                "wrong",
            )
            .await;
        }
        assert_eq!(
            outcome(&log_in(&auth, &client_at("198.51.100.9"), ADA, PASSWORD).await).0,
            "limited"
        );
        assert_eq!(
            outcome(&log_in(&auth, &known_client(&ada, "198.51.100.9"), ADA, PASSWORD).await).0,
            "ok"
        );
        // Failed attempts of the known device are counted separately.
        for _ in 0..5 {
            assert_eq!(
                outcome(&log_in(&auth, &known_client(&ada, "198.51.100.9"), ADA, "wrong").await).0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &known_client(&ada, "198.51.100.9"), ADA, PASSWORD).await).0,
            "limited"
        );
    }

    async fn concurrent_wrong_passwords_stay_within_the_limit(context: TestContext) {
        let auth = context.limiting_node().await;
        context.sign_up(ADA).await;
        for n in 0..55 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &client_at("198.51.100.9"),
                        &format!("unknown{n}@example.com"),
                        "wrong"
                    )
                    .await
                )
                .0,
                "wrong"
            );
        }
        let attempts: Vec<_> = (0..40)
            .map(|n| {
                let (auth, email, password) = (
                    auth.clone(),
                    if n % 2 == 0 { ADA.to_owned() } else { format!("user{n}@example.com") },
                    if n % 2 == 0 { PASSWORD } else { "wrong" },
                );
                tokio::spawn(async move {
                    outcome(&log_in(&auth, &client_at("198.51.100.9"), &email, password).await).0
                })
            })
            .collect();
        let mut wrong = 0;
        for attempt in attempts {
            wrong += u32::from(attempt.await.expect("a task") == "wrong");
        }
        assert!(wrong <= 5, "{wrong} attempts, but 5 were left");
    }

    async fn clock_set_back_locks_no_client_out(context: TestContext) {
        let auth = context.limiting_node().await;
        context.sign_up(ADA).await;
        for n in 0..60 {
            let email = if n < 5 { ADA.to_owned() } else { format!("user{n}@example.com") };
            assert_eq!(
                outcome(&log_in(&auth, &client_at("198.51.100.9"), &email, "wrong").await).0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &client_at("198.51.100.10"), ADA, PASSWORD).await).0,
            "limited"
        );
        context.clock.advance(TimeSpan(-TimeSpan::days(1).0));
        assert_eq!(
            outcome(&log_in(&auth, &client_at("198.51.100.9"), ADA, PASSWORD).await).0,
            "ok"
        );
    }

    async fn signed_in_writes_are_limited_per_user_and_operation(context: TestContext) {
        let mut limits = RateLimits::default();
        limits.set(LimitedAction::DevicePassword, None);
        for action in LimitedAction::ALL {
            if action.rule().subject == Subject::User {
                limits.set(*action, Some(RateLimit { burst: 3, period: TimeSpan::minutes(1) }));
            }
        }
        let (one, other) =
            (context.node_with(limits.clone()).await, context.node_with(limits).await);
        let ada = context.sign_up(ADA).await;
        let eve = context.sign_up("eve@example.com").await;
        context
            .auth
            .operator_for_tests(&client())
            .change(eve.account.id, AdminAction::Role(Role::Admin))
            .await
            .expect("an administrator");
        let eve = context.log_in("eve@example.com").await;
        let mut token = ada.refresh.token.clone();
        for action in
            LimitedAction::ALL.iter().filter(|action| action.rule().subject == Subject::User)
        {
            let mut outcomes = Vec::new();
            for n in 0..8 {
                // The count is shared by the nodes unless it is kept in memory.
                let node = if action.rule().storage == Storage::Database && n % 2 == 1 {
                    &other
                } else {
                    &one
                };
                let me =
                    node.signed_in(&client(), PresentedCredential::Bearer(&ada.access.token)).await;
                let done = match action {
                    LimitedAction::LogIn => log_in(node, &client(), ADA, PASSWORD).await.map(drop),
                    LimitedAction::Refresh => match node.refresh(&client(), &token).await {
                        Ok(issued) => {
                            token = issued.refresh.token;
                            Ok(())
                        }
                        Err(error) => Err(error),
                    },
                    LimitedAction::DisplayName => me
                        .expect("signed in")
                        .update_display_name(&UpdateProfileForm { name: format!("Ada {n}") })
                        .await
                        .map(drop),
                    LimitedAction::PasswordChange => {
                        let form = ChangePasswordForm {
                            current_password: "wrong".into(),
                            new_password: "another long one".into(),
                        };
                        match me.expect("signed in").change_password(&form).await.map(drop) {
                            // Failed ones are counted by each node, because nothing is written.
                            Err(Error::Invalid(_)) => Ok(()),
                            other => other,
                        }
                    }
                    LimitedAction::PasswordConfirmation => {
                        let form = CurrentPasswordForm { current_password: PASSWORD.into() };
                        me.expect("signed in").confirm_password(&form).await.map(drop)
                    }
                    LimitedAction::EmailChange => {
                        let proof = AddressProof::Link("csgn_link_");
                        match me.expect("signed in").confirm_email(proof).await.map(drop) {
                            Err(Error::LinkExpired) => Ok(()),
                            other => other,
                        }
                    }
                    LimitedAction::AccountDeletion => {
                        let me = me.expect("signed in");
                        if n % 2 == 0 {
                            me.delete_account(&CurrentPasswordForm {
                                current_password: PASSWORD.into(),
                            })
                            .await
                            .map(drop)
                        } else {
                            me.cancel_deletion().await.map(drop)
                        }
                    }
                    LimitedAction::SessionRevocation => {
                        match me
                            .expect("signed in")
                            .revoke_session(SessionId(uuid::Uuid::nil()))
                            .await
                        {
                            Err(Error::NotFound) => Ok(()),
                            other => other,
                        }
                    }
                    LimitedAction::DataExport => {
                        let me = me.expect("signed in");
                        me.fresh().expect("fresh").export_data().await.map(drop)
                    }
                    LimitedAction::Administration => {
                        let eve = node
                            .signed_in(&client(), PresentedCredential::Bearer(&eve.access.token))
                            .await
                            .expect("signed in");
                        eve.admin()
                            .expect("an administrator")
                            .change(ada.account.id, AdminAction::Enable)
                            .await
                            .map(drop)
                    }
                    LimitedAction::AccountPassword
                    | LimitedAction::DevicePassword
                    | LimitedAction::NetworkPassword
                    | LimitedAction::SignUp
                    | LimitedAction::NetworkMail
                    | LimitedAction::RepeatedMail
                    | LimitedAction::RequestedMail
                    | LimitedAction::AddressMail
                    | LimitedAction::UnverifiedNotice
                    | LimitedAction::AddressCode
                    | LimitedAction::NetworkCode => continue,
                };
                outcomes.push(match done {
                    Ok(()) => "done",
                    Err(Error::RateLimited { action: limited, retry_after }) => {
                        assert_eq!((limited, retry_after), (*action, 60));
                        "limited"
                    }
                    Err(error) => panic!("{action:?}: {error:?}"),
                });
            }
            let done = outcomes.iter().filter(|outcome| **outcome == "done").count();
            // Successful writes are limited across nodes, failed ones per node.
            let most = if matches!(
                action,
                LimitedAction::PasswordChange
                    | LimitedAction::EmailChange
                    | LimitedAction::SessionRevocation
                    | LimitedAction::Administration
            ) {
                6
            } else {
                3
            };
            assert!(
                (3..=most).contains(&done) && outcomes[7] == "limited",
                "{action:?}: {outcomes:?}"
            );
        }
        context.clock.advance(TimeSpan::minutes(1));
        one.refresh(&client(), &token).await.expect("allowed after `retry_after`");
    }

    async fn audit_has_no_event_without_a_change(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let me = async || {
            context
                .auth
                .signed_in(&client(), PresentedCredential::Bearer(&ada.access.token))
                .await
                .expect("signed in")
        };
        let events = async || {
            context
                .store
                .read()
                .await
                .expect("a connection")
                .event_records()
                .await
                .expect("events")
                .len()
        };
        let rename = async |name: &str| {
            me().await
                .update_display_name(&UpdateProfileForm { name: name.into() })
                .await
                .expect("renamed")
        };
        rename("Ada").await;
        let before = events().await;
        for _ in 0..50 {
            assert_eq!(rename("Ada").await.name.as_deref(), Some("Ada"));
            me().await.revoke_other_sessions().await.expect("nothing to revoke");
            me().await.cancel_deletion().await.expect("nothing to cancel");
            context
                .auth
                .operator_for_tests(&client())
                .change(ada.account.id, AdminAction::Enable)
                .await
                .expect("already enabled");
            context
                .auth
                .operator_for_tests(&client())
                .change(ada.account.id, AdminAction::Role(Role::User))
                .await
                .expect("already a user");
        }
        assert_eq!(events().await, before);
        let request_deletion = async || {
            me().await
                .delete_account(&CurrentPasswordForm { current_password: PASSWORD.into() })
                .await
                .expect("requested")
                .deletion_scheduled_at
        };
        let first = request_deletion().await;
        assert_eq!(events().await, before + 1);
        context.clock.advance(TimeSpan::minutes(1));
        assert_eq!(request_deletion().await, first);
        assert_eq!(events().await, before + 1, "a repeated request changes nothing");
        let operator = context.auth.operator_for_tests(&client());
        assert!(
            operator
                .change(ada.account.id, AdminAction::Enable)
                .await
                .expect("no change")
                .deletion_scheduled_at
                .is_some(),
            "the deletion stays scheduled"
        );
        operator.change(ada.account.id, AdminAction::Disable).await.expect("disabled");
        let before = events().await;
        operator.change(ada.account.id, AdminAction::Disable).await.expect("already disabled");
        assert_eq!(events().await, before);
    }

    async fn sessions_of_a_disabled_account_can_be_revoked(context: TestContext) {
        let ada = context.sign_up(ADA).await;
        let operator = context.auth.operator_for_tests(&client());
        operator.change(ada.account.id, AdminAction::Disable).await.expect("disabled");
        operator.change(ada.account.id, AdminAction::RevokeSessions).await.expect("revoked");
    }

    async fn operator_requires_the_server_secret(context: TestContext) {
        let other = ServerSecret::generate(&RandomSource::System).expect("randomness");
        assert!(matches!(context.auth.operator(&client(), &other).err(), Some(Error::Forbidden)));
        context
            .auth
            .operator(&client(), &context.secret)
            .expect("the operator")
            .users(10, None)
            .await
            .expect("a list");
    }

    async fn invalid_new_password_is_not_a_failed_attempt(context: TestContext) {
        let auth = context.limiting_node().await;
        let ada = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for new in ["password1"; 8].into_iter().chain([PASSWORD; 8]) {
            let me = auth
                .signed_in(&client(), PresentedCredential::Bearer(&ada.access.token))
                .await
                .expect("signed in");
            let form = ChangePasswordForm {
                current_password: PASSWORD.into(),
                new_password: new.into(),
            };
            assert!(matches!(me.change_password(&form).await.err(), Some(Error::Invalid(_))));
        }
    }
}
