//! How often somebody may try: per account, per browser that is known, per address; on every node, and over a restart.

use crate::support::{PASSWORD, World, client};
use auth::{Auth, Client, Error, Issued, Presented, on_both};
use contract::{
    Span,
    form::{ChangePassword, LogIn, SignUp},
};
use std::collections::BTreeMap;

const ADA: &str = "ada@example.com";

fn from(address: &str) -> Client {
    Client::new(address.parse().ok(), Some("curl/8.5.0"), "test")
}

/// From a browser that has been here before.
fn known(issued: &Issued, address: &str) -> Client {
    Client { known_browser: issued.known_browser.clone(), ..from(address) }
}

async fn log_in(auth: &Auth, client: &Client, email: &str, password: &str) -> Result<Issued, Error> {
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
        Err(Error::TooMany { retry_after }) => ("limited", *retry_after),
        Err(other) => panic!("{other:?}"),
    }
}

/// At the same moment, each from an address of its own.
async fn crowd(auth: &Auth, size: usize, email: &str) -> BTreeMap<&'static str, usize> {
    let tries: Vec<_> = (0..size)
        .map(|n| {
            let (auth, email) = (auth.clone(), email.to_owned());
            tokio::spawn(async move { outcome(&log_in(&auth, &from(&format!("198.51.100.{n}")), &email, "wrong").await).0 })
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
            assert_eq!(refused, ("limited", pause + 1), "the right one is not even looked at");
            world.clock.advance(Span::seconds(pause.into()));
            assert_eq!(crowd(&auth, 20, ADA).await, BTreeMap::from([("wrong", 1), ("limited", 19)]));
        }
        world.clock.advance(Span::seconds(60));
        log_in(&auth, &client(), ADA, PASSWORD).await.expect("whoever waits gets in");
        assert_eq!(crowd(&auth, 20, ADA).await, BTreeMap::from([("wrong", 5), ("limited", 15)]), "and all is forgotten");
    }

    async fn what_was_tried_is_remembered_by_every_node_and_over_a_restart(world: World) {
        let (auth, other) = (world.limiting_node().await, world.limiting_node().await);
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for (tries, node) in (1..).zip([&auth, &other, &auth, &other, &auth]) {
            assert_eq!(outcome(&log_in(node, &client(), ADA, "wrong").await).0, "wrong");
            // Read by a connection that is none of theirs. Each try of an address takes up three seconds; that of the account is counted with it.
            let counted = world.store.read().await.expect("a connection").limit_free_at("password_by_address", &[192, 0, 2, 7]).await.expect("a time");
            assert_eq!(counted, Some(world.clock.now() + Span::seconds(3 * tries)), "what was refused is not taken back");
        }
        assert_eq!(outcome(&log_in(&other, &client(), ADA, PASSWORD).await).0, "limited");
        drop((auth, other));
        let restarted = world.limiting_node().await;
        assert_eq!(outcome(&log_in(&restarted, &client(), ADA, PASSWORD).await).0, "limited");
        world.clock.advance(Span(Span::days(1).0 + 1));
        for _ in 0..5 {
            assert_eq!(outcome(&log_in(&restarted, &client(), ADA, "wrong").await).0, "wrong", "a day later they count from one again");
        }
    }

    async fn however_an_address_is_typed_its_account_is_one(world: World) {
        let auth = world.limiting_node().await;
        sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        for typed in ["Ada@Example.com", " ada@example.com ", "ADA@EXAMPLE.COM", "ada@EXAMPLE.com", "aDA@example.com"] {
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
        let again = log_in(&auth, &known(&first, "203.0.113.5"), ADA, PASSWORD).await.expect("the owner");
        assert_eq!(again.known_browser, None, "it is known already");
        // A browser that somebody else was known by, or nobody, is a stranger.
        let bob = sign_up(&auth, &client(), "bob@example.com").await.expect("a sign-up");
        crowd(&auth, 30, ADA).await;
        assert_eq!(outcome(&log_in(&auth, &known(&bob, "203.0.113.5"), ADA, PASSWORD).await).0, "limited");
        let forged = Client { known_browser: Some("lkb_AAAA".into()), ..client() };
        assert_eq!(outcome(&log_in(&auth, &forged, ADA, PASSWORD).await).0, "limited");
        // And whoever sits at the known one may not try without end either.
        for _ in 0..5 {
            assert_eq!(outcome(&log_in(&auth, &known(&first, "203.0.113.5"), ADA, "wrong").await).0, "wrong");
        }
        assert_eq!(outcome(&log_in(&auth, &known(&first, "203.0.113.5"), ADA, PASSWORD).await).0, "limited");
    }

    async fn one_address_does_not_keep_all_others_waiting(world: World) {
        world.sign_up("ada@example.com").await;
        let auth = world.limiting_node().await;
        let crowd: Vec<_> = (0..200)
            .map(|_| {
                let auth = auth.clone();
                tokio::spawn(async move { outcome(&log_in(&auth, &from("198.51.100.9"), "nobody@example.com", "wrong horse battery").await).0 })
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
            assert_eq!(outcome(&log_in(&auth, &from("198.51.100.9"), &format!("user{n}@example.com"), "wrong").await).0, "wrong", "{n}");
        }
        for n in 60..1000 {
            assert_eq!(outcome(&log_in(&auth, &from("198.51.100.9"), &format!("user{n}@example.com"), "wrong").await), ("limited", 4));
        }
        assert_eq!(outcome(&log_in(&auth, &from("198.51.100.10"), "user0@example.com", "wrong").await).0, "wrong", "others are not");
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
            let address = if n % 2 == 0 { format!("2001:db8:7:8::{n:x}") } else { format!("2001:0DB8:0007:0008:{n:x}::1") };
            assert_eq!(outcome(&log_in(&auth, &from(&address), &format!("user{n}@example.com"), "wrong").await).0, "wrong");
        }
        assert_eq!(outcome(&log_in(&auth, &from("2001:db8:7:8:ffff::"), "other@example.com", "wrong").await).0, "limited");
        assert_eq!(outcome(&log_in(&auth, &from("2001:db8:7:9::1"), "other@example.com", "wrong").await).0, "wrong");
        for n in 0..60 {
            let address = if n % 2 == 0 { "192.0.2.1" } else { "::ffff:192.0.2.1" };
            assert_eq!(outcome(&log_in(&auth, &from(address), &format!("user{n}@example.org"), "wrong").await).0, "wrong");
        }
        assert_eq!(outcome(&log_in(&auth, &from("192.0.2.1"), "other@example.org", "wrong").await).0, "limited");
    }

    async fn one_address_makes_twenty_accounts_and_is_not_told_who_has_more(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..19 {
            sign_up(&auth, &client(), &format!("user{n}@example.com")).await.expect("a sign-up");
        }
        assert_eq!(outcome(&sign_up(&auth, &client(), "user0@example.com").await).0, "taken");
        assert_eq!(outcome(&sign_up(&auth, &client(), "user1@example.com").await), ("limited", 31));
        world.clock.advance(Span::seconds(31));
        sign_up(&auth, &client(), "late@example.com").await.expect("a sign-up");
        assert_eq!(outcome(&sign_up(&auth, &client(), "later@example.com").await).0, "limited");
    }

    async fn whoever_holds_a_session_guesses_its_password_no_faster(world: World) {
        let auth = world.limiting_node().await;
        let issued = sign_up(&auth, &client(), ADA).await.expect("a sign-up");
        let change = async |current: &str| {
            let signed_in = auth.signed_in(&client(), Presented::Cookie(&issued.refresh.token)).await.expect("signed in");
            signed_in.change_password(&ChangePassword { current: current.into(), new: "another long one".into(), tag: String::new() }).await
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
        assert_eq!(outcome(&log_in(&auth, &client(), ADA, PASSWORD).await).0, "in", "whoever is at the door does not wait for that");
        world.clock.advance(Span::minutes(1));
        change(PASSWORD).await.expect("the right one, after the pause");
        assert_eq!(outcome(&log_in(&auth, &client(), ADA, "another long one").await).0, "in", "and all is forgotten");
    }

    async fn what_is_free_again_is_forgotten(world: World) {
        let auth = world.limiting_node().await;
        for n in 0..9 {
            assert_eq!(outcome(&log_in(&auth, &from(&format!("198.51.100.{n}")), &format!("user{n}@example.com"), "wrong").await).0, "wrong");
        }
        let prune = async || {
            let mut tx = world.store.write().await.expect("a transaction");
            let now = world.clock.now();
            let pruned = tx.limit_prune(now - Span::days(1), now).await.expect("pruned");
            tx.commit().await.expect("a commit");
            pruned
        };
        assert_eq!(prune().await, 0);
        world.clock.advance(Span(Span::days(1).0 + 1));
        assert_eq!(prune().await, 18, "an account and an address for each");
    }
}
