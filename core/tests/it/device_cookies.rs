//! Device cookies: which browser is known for which account, and until when.

use crate::support::{PASSWORD, World, accepts, client, renews};
use countersign_core::{
    Auth, Client, Error, Issued, LimitedAction, Presented, RateLimits, flow::Change, on_both,
};
use countersign_types::{
    Span,
    form::{ChangePassword, DeleteAccount, LogIn, SignUp},
    view::{DELETION_GRACE, Role},
};
use std::collections::BTreeMap;

const ADA: &str = "ada@example.com";
const OTHER: &str = "a quite different one";

fn from(address: &str, cookie: Option<&str>) -> Client {
    Client {
        known_browser: cookie.map(str::to_owned),
        ..Client::new(address.parse().ok(), Some("curl/8.5.0"), "test")
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

/// A node that limits failed passwords by account and device only.
async fn node(world: &World) -> Auth {
    let mut limits = RateLimits::default();
    limits.set(LimitedAction::NetworkPassword, None);
    limits.set(LimitedAction::SignUp, None);
    world.node_with(limits).await
}

/// Whether a browser with this cookie is known: it gets in while other clients try without end.
async fn is_known(auth: &Auth, email: &str, password: &str, cookie: &str) -> bool {
    for _ in 0..8 {
        let refused = log_in(auth, &from("203.0.113.1", None), email, "wrong").await;
        assert!(matches!(refused.err(), Some(Error::Credentials | Error::TooMany { .. })));
    }
    match log_in(auth, &from("203.0.113.2", Some(cookie)), email, password).await {
        Ok(_) => true,
        Err(Error::TooMany { action: LimitedAction::AccountPassword, .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

async fn change_password(auth: &Auth, issued: &Issued, current: &str, new: &str) -> Issued {
    let me = auth
        .signed_in(&client(), Presented::Bearer(&issued.access.token))
        .await
        .expect("signed in");
    me.change_password(&ChangePassword {
        current: current.into(),
        new: new.into(),
        tag: String::new(),
    })
    .await
    .expect("changed")
}

on_both! {
    async fn device_cookie_dies_with_whatever_raises_the_epoch(world: World) {
        let auth = node(&world).await;
        let first = world.sign_up(ADA).await;
        let id = first.account.id;
        let operator = auth.operator_for_tests(&client());
        for ending in ["password", "all", "role", "disable", "admin"] {
            let issued = log_in(&world.auth, &client(), ADA, PASSWORD).await.expect("in");
            let cookie = issued.known_browser.clone().expect("a cookie").token;
            assert!(is_known(&auth, ADA, PASSWORD, &cookie).await, "{ending}");
            let me = auth
                .signed_in(&client(), Presented::Bearer(&issued.access.token))
                .await
                .expect("signed in");
            match ending {
                "password" => {
                    let changed = change_password(&auth, &issued, PASSWORD, OTHER).await;
                    let new =
                        changed.known_browser.clone().expect("a cookie of the new epoch").token;
                    assert!(is_known(&auth, ADA, OTHER, &new).await, "this browser stays known");
                    assert!(!is_known(&auth, ADA, OTHER, &cookie).await);
                    world.clock.advance(Span::days(2));
                    let issued = log_in(&world.auth, &client(), ADA, OTHER).await.expect("in");
                    change_password(&auth, &issued, OTHER, PASSWORD).await;
                }
                "all" => me.end_all_sessions().await.expect("ended"),
                "role" => {
                    operator.change(id, Change::Role(Role::Admin)).await.expect("changed");
                    operator.change(id, Change::Role(Role::User)).await.expect("changed");
                }
                "disable" => {
                    operator.change(id, Change::Disable).await.expect("disabled");
                    operator.change(id, Change::Enable).await.expect("enabled");
                }
                _ => drop(operator.change(id, Change::EndSessions).await.expect("ended")),
            }
            assert!(!is_known(&auth, ADA, PASSWORD, &cookie).await, "{ending}");
            world.clock.advance(Span::days(2));
        }
    }

    async fn device_cookie_is_not_of_who_registers_the_address_again(world: World) {
        let auth = node(&world).await;
        let issued = world.sign_up(ADA).await;
        let cookie = issued.known_browser.clone().expect("a cookie").token;
        let me = auth
            .signed_in(&client(), Presented::Bearer(&issued.access.token))
            .await
            .expect("signed in");
        me.delete_account(&DeleteAccount { current: PASSWORD.into(), tag: String::new() })
            .await
            .expect("asked");
        world.clock.advance(Span(DELETION_GRACE.0 + 1));
        world.auth.listen().await.expect("heard");
        world.auth.keep(true).await.expect("kept");
        for _ in 0..2 {
            // Whether there is an account or not, the answers are the same: five passwords, and
            // then a delay.
            let mut outcomes = Vec::new();
            for _ in 0..6 {
                outcomes.push(
                    match log_in(&auth, &from("203.0.113.2", Some(&cookie)), ADA, "wrong")
                        .await
                        .err()
                    {
                        Some(Error::Credentials) => "wrong".to_owned(),
                        Some(Error::TooMany { action, .. }) => format!("{action:?}"),
                        other => panic!("{other:?}"),
                    },
                );
            }
            assert_eq!(outcomes, ["wrong", "wrong", "wrong", "wrong", "wrong", "AccountPassword"]);
            world.clock.advance(Span::days(2));
            let form = SignUp { email: ADA.into(), password: OTHER.into(), ..SignUp::default() };
            let _again = world.auth.sign_up(&client(), &form, None).await;
        }
        assert!(!is_known(&auth, ADA, OTHER, &cookie).await);
    }

    async fn collected_device_cookies_give_few_guesses(world: World) {
        let auth = node(&world).await;
        world.sign_up(ADA).await;
        let mut cookies = Vec::new();
        for _ in 0..40 {
            cookies.push(
                log_in(&world.auth, &client(), ADA, PASSWORD)
                    .await
                    .expect("in")
                    .known_browser
                    .expect("a cookie")
                    .token,
            );
        }
        let mut outcomes = BTreeMap::new();
        for round in 0..5 {
            for cookie in &cookies {
                let refused =
                    log_in(&auth, &from(&format!("203.0.113.{round}"), Some(cookie)), ADA, "wrong")
                        .await
                        .err();
                *outcomes.entry(matches!(refused, Some(Error::Credentials))).or_insert(0) += 1;
            }
        }
        assert!(outcomes[&true] <= 4 * 5, "{outcomes:?}");
    }

    async fn shared_browser_is_known_for_its_last_five_accounts(world: World) {
        let auth = node(&world).await;
        let mut cookie: Option<String> = None;
        let email = |number: u32| format!("user{number}@example.com");
        for number in 0..7 {
            world.sign_up(&email(number)).await;
            let issued =
                log_in(&auth, &from("192.0.2.7", cookie.as_deref()), &email(number), PASSWORD)
                    .await
                    .expect("in");
            cookie = Some(issued.known_browser.expect("one more account").token);
            let again =
                log_in(&auth, &from("192.0.2.7", cookie.as_deref()), &email(number), PASSWORD)
                    .await
                    .expect("in");
            assert_eq!(again.known_browser, None, "nothing is new");
        }
        let cookie = cookie.expect("a cookie");
        let mut known = Vec::new();
        for number in 0..7 {
            if is_known(&auth, &email(number), PASSWORD, &cookie).await {
                known.push(number);
            }
        }
        assert_eq!(known, [2, 3, 4, 5, 6]);
    }

    async fn stolen_copy_of_session_ends_with_password_change(world: World) {
        let stolen = world.sign_up(ADA).await;
        let renewed = world.auth.refresh(&client(), &stolen.refresh.token).await.expect("renewed");
        let other = world.another_node().await;
        let issued = change_password(&world.auth, &renewed, PASSWORD, OTHER).await;
        other.listen().await.expect("heard");
        for node in [&world.auth, &other] {
            assert!(accepts(node, &issued.access.token).await, "the new tokens are good at once");
            for copy in [&renewed, &stolen] {
                assert!(!accepts(node, &copy.access.token).await);
                assert!(
                    matches!(
                        node.signed_in(&client(), Presented::Cookie(&copy.refresh.token))
                            .await
                            .err(),
                        Some(Error::SignedOut)
                    ),
                    "no page either"
                );
                assert!(node.inspect(&copy.refresh.token).await.expect("an answer").is_none());
                // Within the grace, a tab of the owner is told to look for the newer token.
                assert!(matches!(
                    node.refresh(&client(), &copy.refresh.token).await.err(),
                    Some(Error::Stale)
                ));
            }
        }
        world.clock.advance(Span::minutes(1));
        for copy in [&renewed, &stolen] {
            assert!(!renews(&other, &copy.refresh.token).await, "and after it nothing");
        }
        let next =
            world.auth.refresh(&client(), &issued.refresh.token).await.expect("the owner goes on");
        world.clock.advance(Span::minutes(1));
        for copy in [&renewed, &stolen] {
            assert!(!renews(&other, &copy.refresh.token).await);
        }
        assert!(
            renews(&world.auth, &next.refresh.token).await,
            "a copy of before does not end the session"
        );
        assert!(
            log_in(&world.auth, &client(), ADA, OTHER)
                .await
                .expect("in")
                .account
                .stolen_at
                .is_none(),
            "and raises no alarm"
        );
    }
}
