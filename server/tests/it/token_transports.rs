//! Token transports: the places in a request and a response where tokens are accepted and sent.

use crate::support::{App, PASSWORD, TestResponse};
use axum::http::StatusCode;
use countersign_core::{test_on_each_database, testing::TestDatabase};
use countersign_types::TimeSpan;
use serde_json::json;

const SIGNUP: &str = "/api/v1/auth/signup";

/// Returns the `Cookie` header that a client sends after this response.
fn cookie_header(response: &TestResponse) -> String {
    response
        .cookies()
        .iter()
        .map(|cookie| cookie.split(';').next().expect("a pair").to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

test_on_each_database! {
    async fn cookie_transport_keeps_tokens_out_of_the_body(app: App) {
        let signup = app
            .anon()
            .post(
                SIGNUP,
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        assert_eq!(signup.status, StatusCode::CREATED, "{}", signup.text);
        let [refresh, access, device_cookie] = &signup.cookies()[..] else {
            panic!("three cookies: {:?}", signup.cookies())
        };
        assert!(device_cookie.starts_with("countersign-3000-device=csgn_dc_"), "{device_cookie}");
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
        let browser =
            app.anon().with("cookie", &cookie_header(&login)).with("sec-fetch-site", "same-origin");
        let refreshed = browser.post("/api/v1/auth/refresh", json!({})).await;
        for response in [&signup, &login, &refreshed] {
            let body = response.json();
            assert!(
                body.get("access_token").is_none() && body.get("refresh_token").is_none(),
                "{}",
                response.text
            );
            assert!(
                !response.text.contains("csgn_rt_") && !response.text.contains("eyJ"),
                "{}",
                response.text
            );
            assert!(body["expires_in"].as_u64().is_some_and(|seconds| seconds >= 570));
        }
        let me = app.anon().with("cookie", &cookie_header(&refreshed)).get("/api/v1/me").await;
        assert_eq!((me.status, &me.json()["email"]), (StatusCode::OK, &json!("ada@example.com")));
    }

    async fn access_cookie_is_accepted_only_by_the_api_same_origin(app: App) {
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
        assert_eq!(
            client.get("/account").await.status,
            StatusCode::SEE_OTHER,
            "pages do not accept it"
        );
        let call = client
            .clone()
            .with("sec-fetch-site", "same-origin")
            .call("/fn/current-account", "")
            .await;
        assert_eq!(call.status, StatusCode::UNAUTHORIZED, "server functions do not accept it");
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

    async fn two_access_tokens_in_one_request_are_refused(app: App) {
        let ada = app.user("ada@example.com").await;
        let both =
            ada.client.clone().with("cookie", &format!("countersign-3000-access={}", ada.access));
        let response = both.get("/api/v1/me").await;
        assert_eq!(
            (response.status, response.problem_code().as_str()),
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

    async fn credentials_of_two_users_are_refused(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let mixed = ada.client.clone().browser(&bob.refresh);
        let before =
            [ada.client.get("/api/v1/me").await.text, bob.client.get("/api/v1/me").await.text];
        let mut responses = vec![
            mixed.get("/api/v1/me").await,
            mixed.get("/api/v1/me/export").await,
            mixed.patch("/api/v1/me", json!({"name": "Eve"})).await,
            mixed.post("/api/v1/auth/refresh", json!({})).await,
            mixed.post("/api/v1/auth/logout", json!({})).await,
            mixed.post("/api/v1/auth/logout", json!({"scope": "all"})).await,
            mixed.get("/account").await,
            mixed.get("/").await,
        ];
        for function in crate::support::server_function_paths() {
            responses.push(mixed.call(&function, "form[email]=a").await);
        }
        // An access cookie is equivalent to its token.
        responses.push(
            app.anon()
                .with(
                    "cookie",
                    &format!(
                        "countersign-3000-access={}; countersign-3000={}",
                        ada.access, bob.refresh
                    ),
                )
                .get("/api/v1/me")
                .await,
        );
        // Pages ignore a leftover access cookie.
        let left_over = app.anon().with(
            "cookie",
            &format!("countersign-3000-access={}; countersign-3000={}", ada.access, bob.refresh),
        );
        assert_eq!(left_over.get("/account").await.status, StatusCode::OK);
        for response in responses {
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::BAD_REQUEST, "two_credentials")
            );
            assert!(response.cookies().is_empty(), "{:?}", response.cookies());
        }
        // Both sessions are active, and both accounts unchanged.
        for (user, before) in [&ada, &bob].into_iter().zip(before) {
            assert_eq!(user.client.get("/api/v1/me").await.text, before);
            assert_eq!(
                app.anon().browser(&user.refresh).get("/account").await.status,
                StatusCode::OK
            );
        }
        // Two sessions of one user are accepted, as after a second log-in. A revoked session is no
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

    async fn log_in_by_cookie_replaces_session_and_ignores_planted_one(app: App) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"});
        let first = app.anon().post(SIGNUP, body.clone()).await;
        let browser =
            app.anon().with("cookie", &cookie_header(&first)).with("sec-fetch-site", "same-origin");
        let second = browser.post("/api/v1/auth/login", body.clone()).await;
        assert_eq!(second.status, StatusCode::OK);
        assert_ne!(cookie_header(&second), cookie_header(&first));
        assert_eq!(
            app.anon().with("cookie", &cookie_header(&first)).get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED
        );
        let planted = app
            .anon()
            .with("cookie", "countersign-3000=csgn_rt_planted")
            .with("sec-fetch-site", "same-origin")
            .post("/api/v1/auth/login", body)
            .await;
        assert!(!cookie_header(&planted).contains("planted") && planted.status == StatusCode::OK);
    }

    async fn planted_refresh_cookie_does_not_lock_the_user_out(app: App) {
        let (ada, eve) = (app.user("ada@example.com").await, app.user("eve@example.com").await);
        let ended = app.log_in("ada@example.com").await;
        assert_eq!(
            ended.client.post("/api/v1/auth/logout", json!({})).await.status,
            StatusCode::NO_CONTENT
        );
        let forged = format!("csgn_rt_{}", "A".repeat(ada.refresh.len() - 4));
        let browser_with = |planted: &str, own_last: bool| {
            let (first, last) = if own_last {
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
            for own_last in [true, false] {
                let browser = browser_with(planted, own_last);
                let page = browser.get("/account").await;
                assert!(
                    page.status == StatusCode::OK && page.text.contains("ada@example.com"),
                    "{planted:?} {own_last}: {}",
                    page.status
                );
                assert_eq!(
                    browser.get("/account/data.json").await.status,
                    StatusCode::OK,
                    "{planted:?} {own_last}"
                );
                let refreshed = browser.call("/fn/refresh", "").await;
                assert_eq!(
                    (refreshed.status, &refreshed.json()["account"]["email"]),
                    (StatusCode::OK, &json!("ada@example.com")),
                    "{planted:?} {own_last}"
                );
                assert_eq!(
                    browser.post("/api/v1/auth/refresh", json!({})).await.status,
                    StatusCode::OK,
                    "{planted:?} {own_last}"
                );
                app.clock.advance(TimeSpan::seconds(1));
            }
        }
        // A valid cookie of another user: browsers send the cookie with the shortest path last,
        // which is the server's own.
        assert!(
            browser_with(&eve.refresh, true).get("/account").await.text.contains("ada@example.com")
        );
    }

    async fn refresh_cookies_beyond_the_limit_are_ignored(app: App) {
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
        let cookies =
            format!("{}countersign-3000={}", "countersign-3000=x; ".repeat(200), ada.refresh);
        assert_eq!(
            app.anon().with("cookie", &cookies).get("/account").await.status,
            StatusCode::OK
        );
    }

    async fn planted_access_cookie_does_not_lock_the_user_out(app: App) {
        let ada = app.user("ada@example.com").await;
        let cookies = format!("countersign-3000-access=x; countersign-3000-access={}", ada.access);
        assert_eq!(
            app.anon().with("cookie", &cookies).get("/api/v1/me").await.status,
            StatusCode::OK
        );
    }

    async fn access_cookie_expires_with_its_token(app: App) {
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
        app.clock.advance(TimeSpan::minutes(11));
        assert_eq!(
            app.anon().with("cookie", &cookie_header(&signup)).get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED
        );
    }

    async fn unknown_transport_is_a_validation_error(app: App) {
        for (value, code) in [
            (json!("query"), "unknown_value"),
            (json!("Cookie"), "unknown_value"),
            (json!(1), "wrong_type"),
        ] {
            let response = app
                .anon()
                .post(
                    SIGNUP,
                    json!({"email": "ada@example.com", "password": PASSWORD, "transport": value}),
                )
                .await;
            assert_eq!(
                (response.status, response.field_errors()),
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    vec![("/transport".to_owned(), code.to_owned())]
                )
            );
        }
    }

    async fn refresh_and_access_tokens_are_not_interchangeable(app: App) {
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

/// A server that accepts access tokens in the `x-access-token` header.
struct XAccessTokenApp(App);

impl XAccessTokenApp {
    async fn on(database: TestDatabase) -> Self {
        Self(
            App::with_settings(database, "http://localhost:3000", |http| {
                http.x_access_token = true;
            })
            .await,
        )
    }
}

/// A server with an HTTPS public URL.
struct HttpsApp(App);

impl HttpsApp {
    async fn on(database: TestDatabase) -> Self {
        Self(App::with_url(database, "https://accounts.example.com").await)
    }
}

test_on_each_database! {
    async fn x_access_token_header_works_only_if_enabled(target: XAccessTokenApp) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        assert_eq!(
            app.anon().with("x-access-token", &ada.access).get("/api/v1/me").await.status,
            StatusCode::OK
        );
        for value in ["", "nonsense", "a b", &ada.refresh] {
            let response = app.anon().with("x-access-token", value).get("/api/v1/me").await;
            assert_eq!(
                (response.status, response.header("www-authenticate")),
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
            "pages do not accept it"
        );
    }

    async fn https_cookies_have_the_host_prefix(target: HttpsApp) {
        let app = target.0;
        let response = app
            .anon()
            .post(
                SIGNUP,
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        let [refresh, access, device_cookie] = &response.cookies()[..] else {
            panic!("three cookies")
        };
        assert!(device_cookie.starts_with("__Host-countersign-device=csgn_dc_"), "{device_cookie}");
        assert!(
            refresh.starts_with("__Host-countersign=")
                && access.starts_with("__Host-countersign-access="),
            "{refresh} {access}"
        );
        for cookie in [refresh, access, device_cookie] {
            assert!(
                cookie.contains("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=")
                    && !cookie.contains("Domain")
                    && cookie.len() < 4096,
                "{cookie}"
            );
        }
        // Without the `__Host-` prefix, a sibling host could set the cookie, so it is ignored.
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
