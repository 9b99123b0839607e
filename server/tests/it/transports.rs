//! Where tokens may travel: each row of the table in the documentation, and what must be refused.

use crate::support::{Answer, App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::{on_both, testing::FreshDatabase};
use countersign_types::Span;
use serde_json::json;

const SIGNUP: &str = "/api/v1/auth/signup";

/// The values of the cookies that an answer sets, by name.
fn jar(answer: &Answer) -> String {
    answer
        .cookies()
        .iter()
        .map(|cookie| cookie.split(';').next().expect("a pair").to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

on_both! {
    async fn the_cookie_transport_keeps_both_tokens_out_of_every_body(app: App) {
        let signup = app
            .anon()
            .post(
                SIGNUP,
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        assert_eq!(signup.status, StatusCode::CREATED, "{}", signup.text);
        let [refresh, access, known] = &signup.cookies()[..] else {
            panic!("three cookies: {:?}", signup.cookies())
        };
        assert!(known.starts_with("countersign-3000-device=csgn_dc_"), "{known}");
        assert!(
            refresh.starts_with("countersign-3000=csgn_rt_")
                && refresh.contains("; HttpOnly; SameSite=Lax; Path=/; Max-Age="),
            "{refresh}"
        );
        assert!(
            access.starts_with("countersign-3000-access=ey")
                && access.contains("; HttpOnly; SameSite=Lax; Path=/; Max-Age="),
            "{access}"
        );
        let login = app
            .anon()
            .post(
                "/api/v1/auth/login",
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        let browser = app.anon().with("cookie", &jar(&login)).with("sec-fetch-site", "same-origin");
        let renewed = browser.post("/api/v1/auth/refresh", json!({})).await;
        for answer in [&signup, &login, &renewed] {
            let body = answer.json();
            assert!(
                body.get("access_token").is_none() && body.get("refresh_token").is_none(),
                "{}",
                answer.text
            );
            assert!(
                !answer.text.contains("csgn_rt_") && !answer.text.contains("eyJ"),
                "{}",
                answer.text
            );
            assert!(body["expires_in"].as_u64().is_some_and(|seconds| seconds >= 570));
        }
        let me = app.anon().with("cookie", &jar(&renewed)).get("/api/v1/me").await;
        assert_eq!((me.status, &me.json()["email"]), (StatusCode::OK, &json!("ada@example.com")));
    }

    async fn the_access_cookie_counts_on_the_api_only_and_never_from_another_site(app: App) {
        let signup = app
            .anon()
            .post(
                SIGNUP,
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        let access = signup.cookies()[1].split(';').next().expect("a pair").to_owned();
        let client = app.anon().with("cookie", &access);
        assert_eq!(client.get("/api/v1/me").await.status, StatusCode::OK);
        assert_eq!(client.get("/account").await.status, StatusCode::SEE_OTHER, "no page takes it");
        let call = client
            .clone()
            .with("sec-fetch-site", "same-origin")
            .call("/fn/current-account", "")
            .await;
        assert_eq!(call.status, StatusCode::UNAUTHORIZED, "no function takes it");
        let rename = json!({"name": "Eve"});
        assert_eq!(
            client
                .clone()
                .with("sec-fetch-site", "same-origin")
                .patch("/api/v1/me", rename.clone())
                .await
                .status,
            StatusCode::OK
        );
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("x-nothing", ""),
        ] {
            assert_eq!(
                client.clone().with(name, value).patch("/api/v1/me", rename.clone()).await.status,
                StatusCode::FORBIDDEN,
                "{name}: {value}"
            );
        }
    }

    async fn two_access_tokens_in_one_request_are_one_too_many(app: App) {
        let ada = app.user("ada@example.com").await;
        let both =
            ada.client.clone().with("cookie", &format!("countersign-3000-access={}", ada.access));
        let answer = both.get("/api/v1/me").await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::BAD_REQUEST, "two_credentials")
        );
        let beside = ada
            .client
            .clone()
            .with("cookie", &format!("countersign-3000={}", ada.refresh))
            .get("/api/v1/me")
            .await;
        assert_eq!(
            beside.status,
            StatusCode::OK,
            "the refresh cookie beside a Bearer token is what browsers send"
        );
    }

    async fn credentials_of_two_users_act_for_neither(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let mixed = ada.client.clone().browser(&bob.refresh);
        let before =
            [ada.client.get("/api/v1/me").await.text, bob.client.get("/api/v1/me").await.text];
        let mut answers = vec![
            mixed.get("/api/v1/me").await,
            mixed.get("/api/v1/me/export").await,
            mixed.patch("/api/v1/me", json!({"name": "Eve"})).await,
            mixed.post("/api/v1/auth/refresh", json!({})).await,
            mixed.post("/api/v1/auth/logout", json!({})).await,
            mixed.post("/api/v1/auth/logout", json!({"scope": "all"})).await,
            mixed.get("/account").await,
            mixed.get("/").await,
        ];
        for function in crate::support::functions() {
            answers.push(mixed.call(&function, "form[email]=a").await);
        }
        // An access cookie counts as the token in it.
        answers.push(
            app.anon()
                .with(
                    "cookie",
                    &format!("countersign-3000-access={}; countersign-3000={}", ada.access, bob.refresh),
                )
                .get("/api/v1/me")
                .await,
        );
        // It counts there only: one that was left over does not keep its browser from the pages.
        let left_over = app.anon().with(
            "cookie",
            &format!("countersign-3000-access={}; countersign-3000={}", ada.access, bob.refresh),
        );
        assert_eq!(left_over.get("/account").await.status, StatusCode::OK);
        for answer in answers {
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::BAD_REQUEST, "two_credentials")
            );
            assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());
        }
        // Neither session has ended, and neither account was changed.
        for (user, before) in [&ada, &bob].into_iter().zip(before) {
            assert_eq!(user.client.get("/api/v1/me").await.text, before);
            assert_eq!(
                app.anon().browser(&user.refresh).get("/account").await.status,
                StatusCode::OK
            );
        }
        // Two sessions of one user are what a second log-in leaves; and what is over is no
        // credential.
        let second = app.log_in("ada@example.com").await;
        assert_eq!(
            ada.client.clone().browser(&second.refresh).get("/api/v1/me").await.status,
            StatusCode::OK
        );
        assert_eq!(
            bob.client.post("/api/v1/auth/logout", json!({})).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(mixed.get("/api/v1/me").await.status, StatusCode::OK);
    }

    async fn a_log_in_by_cookie_ends_the_session_whose_cookie_it_replaces_and_takes_nothing_that_was_planted(
        app: App,
    ) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"});
        let first = app.anon().post(SIGNUP, body.clone()).await;
        let browser = app.anon().with("cookie", &jar(&first)).with("sec-fetch-site", "same-origin");
        let second = browser.post("/api/v1/auth/login", body.clone()).await;
        assert_eq!(second.status, StatusCode::OK);
        assert_ne!(jar(&second), jar(&first));
        assert_eq!(
            app.anon().with("cookie", &jar(&first)).get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED
        );
        let planted = app
            .anon()
            .with("cookie", "countersign-3000=csgn_rt_invented")
            .with("sec-fetch-site", "same-origin")
            .post("/api/v1/auth/login", body)
            .await;
        assert!(!jar(&planted).contains("invented") && planted.status == StatusCode::OK);
    }

    async fn planted_refresh_cookie_beside_ours_locks_no_user_out(app: App) {
        let (ada, eve) = (app.user("ada@example.com").await, app.user("eve@example.com").await);
        let ended = app.log_in("ada@example.com").await;
        assert_eq!(
            ended.client.post("/api/v1/auth/logout", json!({})).await.status,
            StatusCode::NO_CONTENT
        );
        let forged = format!("csgn_rt_{}", "A".repeat(ada.refresh.len() - 4));
        let ours = |planted: &str, ours_last: bool| {
            let (first, last) = if ours_last {
                (planted, ada.refresh.as_str())
            } else {
                (ada.refresh.as_str(), planted)
            };
            app.anon()
                .with(
                    "cookie",
                    &format!("theme=dark; countersign-3000={first}; x=y; countersign-3000={last}"),
                )
                .with("sec-fetch-site", "same-origin")
        };
        for planted in ["", "x", "\"", &forged, &ended.refresh, &eve.access] {
            for ours_last in [true, false] {
                let browser = ours(planted, ours_last);
                let page = browser.get("/account").await;
                assert!(
                    page.status == StatusCode::OK && page.text.contains("ada@example.com"),
                    "{planted:?} {ours_last}: {}",
                    page.status
                );
                assert_eq!(
                    browser.get("/account/data.json").await.status,
                    StatusCode::OK,
                    "{planted:?} {ours_last}"
                );
                let renewed = browser.call("/fn/refresh", "").await;
                assert_eq!(
                    (renewed.status, &renewed.json()["account"]["email"]),
                    (StatusCode::OK, &json!("ada@example.com")),
                    "{planted:?} {ours_last}"
                );
                assert_eq!(
                    browser.post("/api/v1/auth/refresh", json!({})).await.status,
                    StatusCode::OK,
                    "{planted:?} {ours_last}"
                );
                app.clock.advance(Span::seconds(1));
            }
        }
        // A good one of another user: browsers send the cookie of the shortest path last, which is
        // ours.
        assert!(ours(&eve.refresh, true).get("/account").await.text.contains("ada@example.com"));
    }

    async fn refresh_cookies_beyond_the_bound_are_not_tried(app: App) {
        let ada = app.user("ada@example.com").await;
        for (planted_after, expected) in [(3, StatusCode::OK), (4, StatusCode::SEE_OTHER)] {
            let cookies = format!(
                "countersign-3000={}{}",
                ada.refresh,
                "; countersign-3000=x".repeat(planted_after)
            );
            assert_eq!(
                app.anon().with("cookie", &cookies).get("/account").await.status,
                expected,
                "{planted_after}"
            );
        }
        let cookies = format!("{}countersign-3000={}", "countersign-3000=x; ".repeat(200), ada.refresh);
        assert_eq!(
            app.anon().with("cookie", &cookies).get("/account").await.status,
            StatusCode::OK
        );
    }

    async fn planted_access_cookie_before_ours_locks_no_user_out(app: App) {
        let ada = app.user("ada@example.com").await;
        let cookies = format!("countersign-3000-access=x; countersign-3000-access={}", ada.access);
        assert_eq!(
            app.anon().with("cookie", &cookies).get("/api/v1/me").await.status,
            StatusCode::OK
        );
    }

    async fn the_access_cookie_ends_with_the_token_in_it(app: App) {
        let signup = app
            .anon()
            .post(
                SIGNUP,
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        let expires_in = signup.json()["expires_in"].as_u64().expect("a number");
        assert!(
            signup.cookies()[1].ends_with(&format!("Max-Age={expires_in}")),
            "{:?}",
            signup.cookies()
        );
        app.clock.advance(Span::minutes(11));
        assert_eq!(
            app.anon().with("cookie", &jar(&signup)).get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED
        );
    }

    async fn a_transport_that_there_is_not_is_named(app: App) {
        for (value, code) in [
            (json!("query"), "unknown_value"),
            (json!("Cookie"), "unknown_value"),
            (json!(1), "wrong_type"),
        ] {
            let answer = app
                .anon()
                .post(
                    SIGNUP,
                    json!({"email": "ada@example.com", "password": PASSWORD, "transport": value}),
                )
                .await;
            assert_eq!(
                (answer.status, answer.members()),
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    vec![("/transport".to_owned(), code.to_owned())]
                )
            );
        }
    }

    async fn the_refresh_token_is_no_access_token_and_the_reverse(app: App) {
        let ada = app.user("ada@example.com").await;
        assert_eq!(
            app.anon()
                .with("authorization", &format!("Bearer {}", ada.refresh))
                .get("/api/v1/me")
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            app.anon()
                .with("cookie", &format!("countersign-3000-access={}", ada.refresh))
                .get("/api/v1/me")
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": ada.access}))
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            app.anon().browser(&ada.access).post("/api/v1/auth/refresh", json!({})).await.status,
            StatusCode::UNAUTHORIZED
        );
        for path in [
            format!("/api/v1/auth/refresh?refresh_token={}", ada.refresh),
            "/api/v1/auth/refresh".to_owned(),
        ] {
            assert_eq!(app.anon().post(&path, json!({})).await.status, StatusCode::UNAUTHORIZED);
        }
        let form = app
            .anon()
            .with("content-type", crate::support::FORM)
            .send(
                axum::http::Method::POST,
                "/api/v1/auth/refresh",
                format!("refresh_token={}", ada.refresh).into(),
            )
            .await;
        assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

/// A server that takes access tokens in `x-access-token`, too.
struct Lenient(App);

impl Lenient {
    async fn on(database: FreshDatabase) -> Self {
        Self(App::with(database, "http://localhost:3000", |http| http.x_access_token = true).await)
    }
}

/// A server that people reach by https.
struct Secure(App);

impl Secure {
    async fn on(database: FreshDatabase) -> Self {
        Self(App::at(database, "https://accounts.example.com").await)
    }
}

on_both! {
    async fn x_access_token_counts_only_where_it_is_switched_on(target: Lenient) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        assert_eq!(
            app.anon().with("x-access-token", &ada.access).get("/api/v1/me").await.status,
            StatusCode::OK
        );
        for value in ["", "nonsense", "a b", &ada.refresh] {
            let answer = app.anon().with("x-access-token", value).get("/api/v1/me").await;
            assert_eq!(
                (answer.status, answer.header("www-authenticate")),
                (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
            );
        }
        let two = app
            .anon()
            .with("x-access-token", &ada.access)
            .with("x-access-token", &ada.access)
            .get("/api/v1/me")
            .await;
        assert_eq!(two.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            ada.client.clone().with("x-access-token", &ada.access).get("/api/v1/me").await.status,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            app.anon().with("x-access-token", &ada.access).get("/account").await.status,
            StatusCode::SEE_OTHER,
            "no page takes it"
        );
    }

    async fn over_https_both_cookies_are_bound_to_the_host(target: Secure) {
        let app = target.0;
        let answer = app
            .anon()
            .post(
                SIGNUP,
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        let [refresh, access, known] = &answer.cookies()[..] else { panic!("three cookies") };
        assert!(known.starts_with("__Host-countersign-device=csgn_dc_"), "{known}");
        assert!(
            refresh.starts_with("__Host-countersign=")
                && access.starts_with("__Host-countersign-access="),
            "{refresh} {access}"
        );
        for cookie in [refresh, access, known] {
            assert!(
                cookie.contains("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=")
                    && !cookie.contains("Domain")
                    && cookie.len() < 4096,
                "{cookie}"
            );
        }
        // A name that any page of a sibling host could set does not count.
        let access = access.split(['=', ';']).nth(1).expect("a value");
        assert_eq!(
            app.anon()
                .with("cookie", &format!("countersign-3000-access={access}"))
                .get("/api/v1/me")
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
    }
}
