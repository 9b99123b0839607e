//! Device cookies: for which accounts a browser is a known device, and for how long.

use crate::common::{PASSWORD, TestContext, accepts, can_refresh, client};
use countersign_core::{
    Auth, Error, IssuedTokens, LimitedAction, PresentedCredential, RateLimits, RequestContext,
    admin::AdminAction, test_on_each_database, testing::tokens_of,
};
use countersign_types::{
    TimeSpan,
    forms::{ChangePasswordForm, CurrentPasswordForm, LogInForm, SignUpForm},
    views::{DELETION_GRACE_PERIOD, Role},
};
use std::collections::BTreeMap;

const ADA: &str = "ada@example.com";
const OTHER: &str = "a quite different one";

fn client_at(address: &str, cookie: Option<&str>) -> RequestContext {
    RequestContext {
        device_cookie: cookie.map(str::to_owned),
        ..RequestContext::new(address.parse().ok(), Some("curl/8.5.0"), "test")
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

/// Starts a node that limits failed passwords per account and device only.
async fn node(context: &TestContext) -> Auth {
    let mut limits = RateLimits::default();
    limits.set(LimitedAction::NetworkPassword, None);
    limits.set(LimitedAction::SignUp, None);
    context.node_with(limits).await
}

/// Returns whether a browser with this cookie is a known device: it can log in while the account
/// is rate limited for other clients.
async fn is_known(auth: &Auth, email: &str, password: &str, cookie: &str) -> bool {
    for _ in 0..8 {
        let refused = log_in(auth, &client_at("203.0.113.1", None), email, "wrong").await;
        assert!(matches!(
            refused.err(),
            Some(Error::InvalidCredentials | Error::RateLimited { .. })
        ));
    }
    match log_in(auth, &client_at("203.0.113.2", Some(cookie)), email, password).await {
        Ok(_) => true,
        Err(Error::RateLimited { action: LimitedAction::AccountPassword, .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

async fn change_password(
    auth: &Auth,
    issued: &IssuedTokens,
    current: &str,
    new: &str,
) -> IssuedTokens {
    let me = auth
        .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
        .await
        .expect("signed in");
    me.change_password(&ChangePasswordForm {
        current_password: current.into(),
        new_password: new.into(),
    })
    .await
    .expect("changed")
}

test_on_each_database! {
    async fn device_cookie_is_invalid_after_epoch_increment(context: TestContext) {
        let auth = node(&context).await;
        let first = context.sign_up(ADA).await;
        let id = first.account.id;
        let operator = auth.operator_for_tests(&client());
        for ending in ["password", "all", "role", "disable", "admin"] {
            let issued = log_in(&context.auth, &client(), ADA, PASSWORD).await.expect("a log-in");
            let cookie = issued.device_cookie.clone().expect("a cookie").token;
            assert!(is_known(&auth, ADA, PASSWORD, &cookie).await, "{ending}");
            let me = auth
                .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .expect("signed in");
            match ending {
                "password" => {
                    let changed = change_password(&auth, &issued, PASSWORD, OTHER).await;
                    let new =
                        changed.device_cookie.clone().expect("a cookie for the new epoch").token;
                    assert!(
                        is_known(&auth, ADA, OTHER, &new).await,
                        "this browser stays a known device"
                    );
                    assert!(!is_known(&auth, ADA, OTHER, &cookie).await);
                    context.clock.advance(TimeSpan::days(2));
                    let issued =
                        log_in(&context.auth, &client(), ADA, OTHER).await.expect("a log-in");
                    change_password(&auth, &issued, OTHER, PASSWORD).await;
                }
                "all" => me.revoke_all_sessions().await.expect("revoked"),
                "role" => {
                    operator.change(id, AdminAction::Role(Role::Admin)).await.expect("changed");
                    operator.change(id, AdminAction::Role(Role::User)).await.expect("changed");
                }
                "disable" => {
                    operator.change(id, AdminAction::Disable).await.expect("disabled");
                    operator.change(id, AdminAction::Enable).await.expect("enabled");
                }
                _ => drop(operator.change(id, AdminAction::RevokeSessions).await.expect("revoked")),
            }
            assert!(!is_known(&auth, ADA, PASSWORD, &cookie).await, "{ending}");
            context.clock.advance(TimeSpan::days(2));
        }
    }

    async fn device_cookie_is_invalid_for_reregistered_address(context: TestContext) {
        let auth = node(&context).await;
        let issued = context.sign_up(ADA).await;
        let cookie = issued.device_cookie.clone().expect("a cookie").token;
        let me = auth
            .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
            .await
            .expect("signed in");
        me.delete_account(&CurrentPasswordForm { current_password: PASSWORD.into() })
            .await
            .expect("requested");
        context.clock.advance(TimeSpan(DELETION_GRACE_PERIOD.0 + 1));
        context.auth.sync_feed().await.expect("synced");
        context.auth.run_maintenance(true).await.expect("maintenance");
        for _ in 0..2 {
            // The responses are the same with and without an account: five attempts, then a
            // backoff.
            let mut outcomes = Vec::new();
            for _ in 0..6 {
                outcomes.push(
                    match log_in(&auth, &client_at("203.0.113.2", Some(&cookie)), ADA, "wrong")
                        .await
                        .err()
                    {
                        Some(Error::InvalidCredentials) => "wrong".to_owned(),
                        Some(Error::RateLimited { action, .. }) => format!("{action:?}"),
                        other => panic!("{other:?}"),
                    },
                );
            }
            assert_eq!(outcomes, ["wrong", "wrong", "wrong", "wrong", "wrong", "AccountPassword"]);
            context.clock.advance(TimeSpan::days(2));
            let form =
                SignUpForm { email: ADA.into(), password: OTHER.into(), ..SignUpForm::default() };
            let _again = context.auth.sign_up(&client(), &form, None).await.map(tokens_of);
        }
        assert!(!is_known(&auth, ADA, OTHER, &cookie).await);
    }

    async fn collected_device_cookies_allow_few_guesses(context: TestContext) {
        let auth = node(&context).await;
        context.sign_up(ADA).await;
        let mut cookies = Vec::new();
        for _ in 0..40 {
            cookies.push(
                log_in(&context.auth, &client(), ADA, PASSWORD)
                    .await
                    .expect("a log-in")
                    .device_cookie
                    .expect("a cookie")
                    .token,
            );
        }
        let mut outcomes = BTreeMap::new();
        for round in 0..5 {
            for cookie in &cookies {
                let refused = log_in(
                    &auth,
                    &client_at(&format!("203.0.113.{round}"), Some(cookie)),
                    ADA,
                    "wrong",
                )
                .await
                .err();
                *outcomes.entry(matches!(refused, Some(Error::InvalidCredentials))).or_insert(0) +=
                    1;
            }
        }
        assert!(outcomes[&true] <= 4 * 5, "{outcomes:?}");
    }

    async fn shared_browser_is_known_for_its_last_five_accounts(context: TestContext) {
        let auth = node(&context).await;
        let mut cookie: Option<String> = None;
        let email = |number: u32| format!("user{number}@example.com");
        for number in 0..7 {
            context.sign_up(&email(number)).await;
            let issued =
                log_in(&auth, &client_at("192.0.2.7", cookie.as_deref()), &email(number), PASSWORD)
                    .await
                    .expect("a log-in");
            cookie = Some(issued.device_cookie.expect("a cookie for one more account").token);
            let again =
                log_in(&auth, &client_at("192.0.2.7", cookie.as_deref()), &email(number), PASSWORD)
                    .await
                    .expect("a log-in");
            assert_eq!(again.device_cookie, None, "the account is already in the cookie");
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

    async fn password_change_invalidates_stolen_session_copy(context: TestContext) {
        let stolen = context.sign_up(ADA).await;
        let refreshed =
            context.auth.refresh(&client(), &stolen.refresh.token).await.expect("refreshed");
        let other = context.another_node().await;
        let issued = change_password(&context.auth, &refreshed, PASSWORD, OTHER).await;
        other.sync_feed().await.expect("synced");
        for node in [&context.auth, &other] {
            assert!(accepts(node, &issued.access.token).await, "the new tokens are valid at once");
            for copy in [&refreshed, &stolen] {
                assert!(!accepts(node, &copy.access.token).await);
                assert!(
                    matches!(
                        node.signed_in(&client(), PresentedCredential::Cookie(&copy.refresh.token))
                            .await
                            .err(),
                        Some(Error::Unauthenticated)
                    ),
                    "the refresh cookie is rejected"
                );
                assert!(node.introspect(&copy.refresh.token).await.expect("an answer").is_none());
                // Within the grace period the error tells a tab to look for the newer token.
                assert!(matches!(
                    node.refresh(&client(), &copy.refresh.token).await.err(),
                    Some(Error::RefreshSuperseded)
                ));
            }
        }
        context.clock.advance(TimeSpan::minutes(1));
        for copy in [&refreshed, &stolen] {
            assert!(
                !can_refresh(&other, &copy.refresh.token).await,
                "rejected after the grace period"
            );
        }
        let next = context
            .auth
            .refresh(&client(), &issued.refresh.token)
            .await
            .expect("refreshed by the user");
        context.clock.advance(TimeSpan::minutes(1));
        for copy in [&refreshed, &stolen] {
            assert!(!can_refresh(&other, &copy.refresh.token).await);
        }
        assert!(
            can_refresh(&context.auth, &next.refresh.token).await,
            "an old copy does not revoke the session"
        );
        assert!(
            log_in(&context.auth, &client(), ADA, OTHER)
                .await
                .expect("a log-in")
                .account
                .reuse_detected_at
                .is_none(),
            "no reuse notice"
        );
    }
}
