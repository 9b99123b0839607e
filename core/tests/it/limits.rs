//! How often somebody may try: per account, per browser that is known, per address; on every node,
//! and over a restart.

use crate::support::{PASSWORD, World, client};
use countersign_core::{
    Auth, Client, Entropy, Error, Issued, LimitedAction, Presented, RateLimit, RateLimits,
    ServerSecret,
    flow::Change,
    limit::{Storage, Subject},
    on_both,
};
use countersign_types::{
    SessionId, Span,
    form::{ChangePassword, DeleteAccount, LogIn, Rename, SignUp},
    view::Role,
};
use std::collections::BTreeMap;

const ADA: &str = "ada@example.com";

fn from(address: &str) -> Client {
    Client::new(address.parse().ok(), Some("curl/8.5.0"), "test")
}

/// From a browser that has been here before.
fn known(issued: &Issued, address: &str) -> Client {
    Client {
        known_browser: issued.known_browser.clone().map(|device| device.token),
        ..from(address)
    }
}

async fn log_in(
    auth: &Auth,
    client: &Client,
    email: &str,
    password: &str,
) -> Result<Issued, Error> {
    let form = LogIn { email: email.into(), password: password.into(), ..LogIn::default() };
    auth.log_in(client, &form, None).await.map(|(_, issued)| issued)
}

async fn sign_up(auth: &Auth, client: &Client, email: &str) -> Result<Issued, Error> {
    let form = SignUp { email: email.into(), password: PASSWORD.into(), ..SignUp::default() };
    auth.sign_up(client, &form, None).await.map(|(_, issued)| issued)
}

/// `wrong`, `limited` or `in`, for counting; how long to wait if it is limited.
fn outcome<T>(result: &Result<T, Error>) -> (&'static str, u32) {
    match result {
        Ok(_) => ("in", 0),
        Err(Error::Credentials) => ("wrong", 0),
        Err(Error::EmailTaken) => ("taken", 0),
        Err(Error::Busy { retry_after }) => ("busy", *retry_after),
        Err(Error::TooMany { retry_after, .. }) => ("limited", *retry_after),
        Err(other) => panic!("{other:?}"),
    }
}

/// At the same moment, each from an address of its own.
async fn crowd(auth: &Auth, size: usize, email: &str) -> BTreeMap<&'static str, usize> {
    let tries: Vec<_> = (0..size)
        .map(|n| {
            let (auth, email) = (auth.clone(), email.to_owned());
            tokio::spawn(async move {
                outcome(&log_in(&auth, &from(&format!("198.51.100.{n}")), &email, "wrong").await).0
            })
        })
        .collect();
    let mut counted = BTreeMap::new();
    for each in tries {
        *counted.entry(each.await.expect("a task")).or_default() += 1;
    }
    counted
}

on_both! {
    async fn of_a_crowd_five_passwords_are_tried_and_then_one_after_each_pause(world: World) {
        let auth = world.limiting_node().await;
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        assert_eq!(crowd(&auth, 200, ADA).await, BTreeMap::from([("wrong", 5), ("limited", 195)]));
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            let refused = outcome(&log_in(&auth, &client(), ADA, PASSWORD).await);
            assert_eq!(refused, ("limited", pause), "the right one is not even looked at");
            world.clock.advance(Span::seconds(pause.into()));
            assert_eq!(
                crowd(&auth, 20, ADA).await,
                BTreeMap::from([("wrong", 1), ("limited", 19)])
            );
        }
        world.clock.advance(Span::seconds(60));
        log_in(&auth, &client(), ADA, PASSWORD).await.expect("whoever waits gets in");
        assert_eq!(
            crowd(&auth, 20, ADA).await,
            BTreeMap::from([("wrong", 5), ("limited", 15)]),
            "and all is forgotten"
        );
    }

    async fn what_was_tried_is_remembered_by_every_node_and_over_a_restart(world: World) {
        let (auth, other) = (world.limiting_node().await, world.limiting_node().await);
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for (tries, node) in (1..).zip([&auth, &other, &auth, &other, &auth]) {
            assert_eq!(outcome(&log_in(node, &client(), ADA, "wrong").await).0, "wrong");
            // Read by a connection that is none of theirs. Each try of an address takes up three
            // seconds; that of the account is counted with it.
            let counted = world
                .store
                .read()
                .await
                .expect("a connection")
                .limit_free_at("password_by_address", &[192, 0, 2, 7])
                .await
                .expect("a time");
            assert_eq!(
                counted,
                Some(world.clock.now() + Span::seconds(3 * tries)),
                "what was refused is not taken back"
            );
        }
        assert_eq!(outcome(&log_in(&other, &client(), ADA, PASSWORD).await).0, "limited");
        drop((auth, other));
        let restarted = world.limiting_node().await;
        assert_eq!(outcome(&log_in(&restarted, &client(), ADA, PASSWORD).await).0, "limited");
        world.clock.advance(Span(Span::days(1).0 + 1));
        for _ in 0..5 {
            assert_eq!(
                outcome(&log_in(&restarted, &client(), ADA, "wrong").await).0,
                "wrong",
                "a day later they count from one again"
            );
        }
    }

    async fn however_an_address_is_typed_its_account_is_one(world: World) {
        let auth = world.limiting_node().await;
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

    async fn an_account_that_nobody_has_is_limited_like_any_other(world: World) {
        let auth = world.limiting_node().await;
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        let tried = async |email: &str| {
            let mut outcomes = Vec::new();
            for _ in 0..9 {
                outcomes.push(outcome(&log_in(&auth, &client(), email, "wrong").await));
            }
            outcomes
        };
        assert_eq!(tried(ADA).await, tried("nobody@example.com").await);
    }

    async fn strangers_do_not_keep_the_owner_out_of_a_browser_that_is_known(world: World) {
        let auth = world.limiting_node().await;
        let first = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        assert_eq!(crowd(&auth, 30, ADA).await["wrong"], 5);
        assert_eq!(outcome(&log_in(&auth, &client(), ADA, PASSWORD).await).0, "limited");
        let again =
            log_in(&auth, &known(&first, "203.0.113.5"), ADA, PASSWORD).await.expect("the owner");
        assert_eq!(again.known_browser, None, "it is known already");
        // A browser that somebody else was known by, or nobody, is a stranger.
        let bob = sign_up(&auth, &client(), "bob@example.com").await.expect("a sign-up");
        crowd(&auth, 30, ADA).await;
        assert_eq!(
            outcome(&log_in(&auth, &known(&bob, "203.0.113.5"), ADA, PASSWORD).await).0,
            "limited"
        );
        let forged = Client { known_browser: Some("csgn_dc_AAAA".into()), ..client() };
        assert_eq!(outcome(&log_in(&auth, &forged, ADA, PASSWORD).await).0, "limited");
        // And whoever sits at the known one may not try without end either.
        for _ in 0..5 {
            assert_eq!(
                outcome(&log_in(&auth, &known(&first, "203.0.113.5"), ADA, "wrong").await).0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &known(&first, "203.0.113.5"), ADA, PASSWORD).await).0,
            "limited"
        );
    }

    async fn one_address_does_not_keep_all_others_waiting(world: World) {
        world.sign_up("ada@example.com").await;
        let auth = world.limiting_node().await;
        let crowd: Vec<_> = (0..200)
            .map(|_| {
                let auth = auth.clone();
                tokio::spawn(async move {
                    outcome(
                        &log_in(
                            &auth,
                            &from("198.51.100.9"),
                            "nobody@example.com",
                            "wrong horse battery",
                        )
                        .await,
                    )
                    .0
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let ada = log_in(&auth, &from("192.0.2.1"), "ada@example.com", PASSWORD).await;
        assert!(ada.is_ok(), "{:?}", ada.err());
        let mut busy = 0;
        for one in crowd {
            busy += u32::from(one.await.expect("a task") == "busy");
        }
        assert!(busy > 0, "they had no more than their share");
    }

    async fn one_address_tries_sixty_accounts_and_is_then_slowed_down(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..60 {
            assert_eq!(
                outcome(
                    &log_in(&auth, &from("198.51.100.9"), &format!("user{n}@example.com"), "wrong")
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
                    &log_in(&auth, &from("198.51.100.9"), &format!("user{n}@example.com"), "wrong")
                        .await
                ),
                ("limited", 3)
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.10"), "user0@example.com", "wrong").await).0,
            "wrong",
            "others are not"
        );
        world.clock.advance(Span::seconds(6));
        let outcomes: Vec<_> = [1, 2, 3].map(|n| format!("later{n}@example.com")).to_vec();
        let mut told = Vec::new();
        for email in &outcomes {
            told.push(outcome(&log_in(&auth, &from("198.51.100.9"), email, "wrong").await).0);
        }
        assert_eq!(told, ["wrong", "wrong", "limited"]);
    }

    async fn a_network_of_ipv6_is_one_and_so_are_two_ways_to_write_an_address(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..60_u32 {
            let address = if n % 2 == 0 {
                format!("2001:db8:7:8::{n:x}")
            } else {
                format!("2001:0DB8:0007:0008:{n:x}::1")
            };
            assert_eq!(
                outcome(
                    &log_in(&auth, &from(&address), &format!("user{n}@example.com"), "wrong").await
                )
                .0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(
                &log_in(&auth, &from("2001:db8:7:8:ffff::"), "other@example.com", "wrong").await
            )
            .0,
            "limited"
        );
        assert_eq!(
            outcome(&log_in(&auth, &from("2001:db8:7:9::1"), "other@example.com", "wrong").await).0,
            "wrong"
        );
        for n in 0..60 {
            let address = if n % 2 == 0 { "192.0.2.1" } else { "::ffff:192.0.2.1" };
            assert_eq!(
                outcome(
                    &log_in(&auth, &from(address), &format!("user{n}@example.org"), "wrong").await
                )
                .0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &from("192.0.2.1"), "other@example.org", "wrong").await).0,
            "limited"
        );
    }

    async fn one_address_makes_twenty_accounts_and_is_not_told_who_has_more(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..19 {
            sign_up(&auth, &client(), &format!("user{n}@example.com")).await.expect("a sign-up");
        }
        assert_eq!(outcome(&sign_up(&auth, &client(), "user0@example.com").await).0, "taken");
        assert_eq!(outcome(&sign_up(&auth, &client(), "user1@example.com").await), ("limited", 30));
        world.clock.advance(Span::seconds(30));
        sign_up(&auth, &client(), "late@example.com").await.expect("a sign-up");
        assert_eq!(outcome(&sign_up(&auth, &client(), "later@example.com").await).0, "limited");
    }

    async fn whoever_holds_a_session_guesses_its_password_no_faster(world: World) {
        let auth = world.limiting_node().await;
        let issued = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        let change = async |current: &str| {
            let signed_in = auth
                .signed_in(&client(), Presented::Cookie(&issued.refresh.token))
                .await
                .expect("signed in");
            signed_in
                .change_password(&ChangePassword {
                    current: current.into(),
                    new: "another long one".into(),
                    tag: String::new(),
                })
                .await
        };
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            outcomes.push(match change("wrong").await {
                Err(Error::Invalid(_)) => "wrong",
                Err(Error::TooMany { .. }) => "limited",
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "wrong").count(), 5);
        assert_eq!(
            outcome(&log_in(&auth, &client(), ADA, PASSWORD).await).0,
            "in",
            "whoever is at the door does not wait for that"
        );
        world.clock.advance(Span::minutes(1));
        change(PASSWORD).await.expect("the right one, after the pause");
        assert_eq!(
            outcome(&log_in(&auth, &client(), ADA, "another long one").await).0,
            "in",
            "and all is forgotten"
        );
    }

    async fn what_is_free_again_is_forgotten(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..9 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &from(&format!("198.51.100.{n}")),
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
            let mut tx = world.store.write().await.expect("a transaction");
            let now = world.clock.now();
            let pruned = tx.limit_prune(now - Span::days(1), now, 100).await.expect("pruned");
            tx.commit().await.expect("a commit");
            pruned
        };
        assert_eq!(prune().await, 0);
        world.clock.advance(Span(Span::days(1).0 + 1));
        assert_eq!(prune().await, 18, "an account and an address for each");
    }

    async fn right_passwords_are_not_charged_to_their_network(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..10 {
            world.sign_up(&format!("user{n}@example.com")).await;
        }
        for n in 0..100 {
            let entered = log_in(
                &auth,
                &from("198.51.100.9"),
                &format!("user{}@example.com", n % 10),
                PASSWORD,
            )
            .await;
            assert_eq!(outcome(&entered).0, "in", "{n}");
        }
        for n in 0..60 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &from("198.51.100.9"),
                        &format!("nobody{n}@example.com"),
                        "wrong"
                    )
                    .await
                )
                .0,
                "wrong",
                "{n}: all is left"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.9"), "user0@example.com", PASSWORD).await).0,
            "limited",
            "counted before it is looked at"
        );
        // What has been refilled in the meantime is not given back as well.
        world.clock.advance(Span::seconds(3));
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.9"), "user0@example.com", PASSWORD).await).0,
            "in"
        );
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.9"), "nobody@example.com", "wrong").await).0,
            "wrong"
        );
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.9"), "nobody@example.com", "wrong").await).0,
            "limited"
        );
    }

    async fn known_device_gets_in_from_a_network_that_is_limited(world: World) {
        let auth = world.limiting_node().await;
        let ada = sign_up(&auth, &from("198.51.100.9"), ADA).await.expect("a sign-up");
        for n in 0..61 {
            let _wrong_or_limited =
                log_in(&auth, &from("198.51.100.9"), &format!("nobody{n}@example.com"), "wrong")
                    .await;
        }
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.9"), ADA, PASSWORD).await).0,
            "limited"
        );
        assert_eq!(
            outcome(&log_in(&auth, &known(&ada, "198.51.100.9"), ADA, PASSWORD).await).0,
            "in"
        );
        // What it does wrong is counted for itself.
        for _ in 0..5 {
            assert_eq!(
                outcome(&log_in(&auth, &known(&ada, "198.51.100.9"), ADA, "wrong").await).0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &known(&ada, "198.51.100.9"), ADA, PASSWORD).await).0,
            "limited"
        );
    }

    async fn wrong_passwords_at_once_do_not_pass_together_when_one_is_right(world: World) {
        let auth = world.limiting_node().await;
        world.sign_up(ADA).await;
        for n in 0..55 {
            assert_eq!(
                outcome(
                    &log_in(
                        &auth,
                        &from("198.51.100.9"),
                        &format!("nobody{n}@example.com"),
                        "wrong"
                    )
                    .await
                )
                .0,
                "wrong"
            );
        }
        let tries: Vec<_> = (0..40)
            .map(|n| {
                let (auth, email, password) = (
                    auth.clone(),
                    if n % 2 == 0 { ADA.to_owned() } else { format!("user{n}@example.com") },
                    if n % 2 == 0 { PASSWORD } else { "wrong" },
                );
                tokio::spawn(async move {
                    outcome(&log_in(&auth, &from("198.51.100.9"), &email, password).await).0
                })
            })
            .collect();
        let mut wrong = 0;
        for each in tries {
            wrong += u32::from(each.await.expect("a task") == "wrong");
        }
        assert!(wrong <= 5, "{wrong} of 5 that were left");
    }

    async fn clock_that_is_set_back_locks_no_client_out(world: World) {
        let auth = world.limiting_node().await;
        world.sign_up(ADA).await;
        for n in 0..60 {
            let email = if n < 5 { ADA.to_owned() } else { format!("user{n}@example.com") };
            assert_eq!(
                outcome(&log_in(&auth, &from("198.51.100.9"), &email, "wrong").await).0,
                "wrong"
            );
        }
        assert_eq!(
            outcome(&log_in(&auth, &from("198.51.100.10"), ADA, PASSWORD).await).0,
            "limited"
        );
        world.clock.advance(Span(-Span::days(1).0));
        assert_eq!(outcome(&log_in(&auth, &from("198.51.100.9"), ADA, PASSWORD).await).0, "in");
    }

    async fn signed_in_writes_are_limited_for_each_user_and_operation(world: World) {
        let mut limits = RateLimits::default();
        limits.set(LimitedAction::DevicePassword, None);
        for action in LimitedAction::ALL {
            if action.rule().subject == Subject::User {
                limits.set(*action, Some(RateLimit { burst: 3, period: Span::minutes(1) }));
            }
        }
        let (one, other) = (world.node_with(limits.clone()).await, world.node_with(limits).await);
        let ada = world.sign_up(ADA).await;
        let eve = world.sign_up("eve@example.com").await;
        world
            .auth
            .operator_for_tests(&client())
            .change(eve.account.id, Change::Role(Role::Admin))
            .await
            .expect("an administrator");
        let eve = world.log_in("eve@example.com").await;
        let mut token = ada.refresh.token.clone();
        for action in
            LimitedAction::ALL.iter().filter(|action| action.rule().subject == Subject::User)
        {
            let mut outcomes = Vec::new();
            for n in 0..8 {
                // With one count for all nodes, but for what is counted in memory.
                let node = if action.rule().storage == Storage::Database && n % 2 == 1 {
                    &other
                } else {
                    &one
                };
                let me = node.signed_in(&client(), Presented::Bearer(&ada.access.token)).await;
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
                        .rename(&Rename { name: format!("Ada {n}"), tag: String::new() })
                        .await
                        .map(drop),
                    LimitedAction::PasswordChange => {
                        let form = ChangePassword {
                            current: "wrong".into(),
                            new: "another long one".into(),
                            tag: String::new(),
                        };
                        match me.expect("signed in").change_password(&form).await.map(drop) {
                            // Of these each node counts the failed ones by itself: nothing is
                            // written.
                            Err(Error::Invalid(_)) => Ok(()),
                            other => other,
                        }
                    }
                    LimitedAction::AccountDeletion => {
                        let me = me.expect("signed in");
                        if n % 2 == 0 {
                            me.delete_account(&DeleteAccount {
                                current: PASSWORD.into(),
                                tag: String::new(),
                            })
                            .await
                            .map(drop)
                        } else {
                            me.keep_account().await.map(drop)
                        }
                    }
                    LimitedAction::SessionRevocation => {
                        match me.expect("signed in").end_session(SessionId(uuid::Uuid::nil())).await
                        {
                            Err(Error::NotFound) => Ok(()),
                            other => other,
                        }
                    }
                    LimitedAction::DataExport => {
                        me.expect("signed in").everything().await.map(drop)
                    }
                    LimitedAction::Administration => {
                        let eve = node
                            .signed_in(&client(), Presented::Bearer(&eve.access.token))
                            .await
                            .expect("signed in");
                        eve.admin()
                            .expect("an administrator")
                            .change(ada.account.id, Change::Enable)
                            .await
                            .map(drop)
                    }
                    LimitedAction::AccountPassword
                    | LimitedAction::DevicePassword
                    | LimitedAction::NetworkPassword
                    | LimitedAction::SignUp => continue,
                };
                outcomes.push(match done {
                    Ok(()) => "done",
                    Err(Error::TooMany { action: limited, retry_after }) => {
                        assert_eq!((limited, retry_after), (*action, 60));
                        "limited"
                    }
                    Err(error) => panic!("{action:?}: {error:?}"),
                });
            }
            let done = outcomes.iter().filter(|outcome| **outcome == "done").count();
            // What is written is limited for all nodes together, what fails on each node.
            let most = if matches!(
                action,
                LimitedAction::PasswordChange
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
        world.clock.advance(Span::minutes(1));
        one.refresh(&client(), &token).await.expect("one more after the time that was told");
    }

    async fn audit_has_no_event_without_a_change(world: World) {
        let ada = world.sign_up(ADA).await;
        let me = async || {
            world
                .auth
                .signed_in(&client(), Presented::Bearer(&ada.access.token))
                .await
                .expect("signed in")
        };
        let events = async || {
            world
                .store
                .read()
                .await
                .expect("a connection")
                .event_records()
                .await
                .expect("the events")
                .len()
        };
        let rename = async |name: &str| {
            me().await
                .rename(&Rename { name: name.into(), tag: String::new() })
                .await
                .expect("renamed")
        };
        rename("Ada").await;
        let before = events().await;
        for _ in 0..50 {
            assert_eq!(rename("Ada").await.name.as_deref(), Some("Ada"));
            me().await.end_other_sessions().await.expect("there are none");
            me().await.keep_account().await.expect("it is kept");
            world
                .auth
                .operator_for_tests(&client())
                .change(ada.account.id, Change::Enable)
                .await
                .expect("it is enabled");
            world
                .auth
                .operator_for_tests(&client())
                .change(ada.account.id, Change::Role(Role::User))
                .await
                .expect("it is a user");
        }
        assert_eq!(events().await, before);
        let ask = async || {
            me().await
                .delete_account(&DeleteAccount { current: PASSWORD.into(), tag: String::new() })
                .await
                .expect("asked")
                .deletes_at
        };
        let first = ask().await;
        assert_eq!(events().await, before + 1);
        world.clock.advance(Span::minutes(1));
        assert_eq!(ask().await, first);
        assert_eq!(events().await, before + 1, "asking again changes nothing");
        let operator = world.auth.operator_for_tests(&client());
        assert!(
            operator
                .change(ada.account.id, Change::Enable)
                .await
                .expect("no change")
                .deletes_at
                .is_some(),
            "the owner's request stays"
        );
        operator.change(ada.account.id, Change::Disable).await.expect("disabled");
        let before = events().await;
        operator.change(ada.account.id, Change::Disable).await.expect("it is disabled");
        assert_eq!(events().await, before);
    }

    async fn disabled_account_can_have_its_sessions_ended(world: World) {
        let ada = world.sign_up(ADA).await;
        let operator = world.auth.operator_for_tests(&client());
        operator.change(ada.account.id, Change::Disable).await.expect("disabled");
        operator.change(ada.account.id, Change::EndSessions).await.expect("ended");
    }

    async fn operator_needs_the_secret_of_the_installation(world: World) {
        let other = ServerSecret::generate(&Entropy::System).expect("randomness");
        assert!(matches!(world.auth.operator(&client(), &other).err(), Some(Error::Forbidden)));
        world
            .auth
            .operator(&client(), &world.secret)
            .expect("the operator")
            .users(10, None)
            .await
            .expect("a list");
    }

    async fn right_password_with_a_refused_new_one_is_no_failed_attempt(world: World) {
        let auth = world.limiting_node().await;
        let ada = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for new in ["password1"; 8].into_iter().chain([PASSWORD; 8]) {
            let me = auth
                .signed_in(&client(), Presented::Bearer(&ada.access.token))
                .await
                .expect("signed in");
            let form =
                ChangePassword { current: PASSWORD.into(), new: new.into(), tag: String::new() };
            assert!(matches!(me.change_password(&form).await.err(), Some(Error::Invalid(_))));
        }
    }
}
