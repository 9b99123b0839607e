//! The JSON API endpoints for sign-up, log-in, refresh and log-out.

use crate::support::{App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::test_on_each_database;
use countersign_types::TimeSpan;
use serde_json::json;

test_on_each_database! {
    async fn sign_up_returns_tokens_and_their_lifetime(app: App) {
        let response = app
            .anon()
            .post(
                "/api/v1/auth/signup",
                json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}),
            )
            .await;
        assert_eq!(response.status, StatusCode::CREATED);
        let body = response.json();
        assert_eq!(body["token_type"], "Bearer");
        assert!((570..=600).contains(&body["expires_in"].as_u64().expect("a number")));
        assert!(body["refresh_token"].as_str().expect("a token").starts_with("csgn_rt_"));
        assert_eq!(
            (&body["user"]["email"], &body["user"]["name"], &body["user"]["roles"]),
            (&json!("ada@example.com"), &json!("Ada"), &json!(["user"]))
        );
        assert_eq!(body["user"]["created_at"], "2026-01-01T00:00:00Z");
        assert_eq!(response.header("cache-control"), "no-store");
        assert!(response.cookies().is_empty(), "the body transport sets no cookie");
    }

    async fn sign_up_with_taken_email_returns_409(app: App) {
        app.user("ada@example.com").await;
        let response = app
            .anon()
            .post("/api/v1/auth/signup", json!({"email": "ADA@example.com", "password": PASSWORD}))
            .await;
        assert_eq!(
            (response.status, response.problem_code().as_str()),
            (StatusCode::CONFLICT, "email_taken")
        );
        assert_eq!(response.field_errors(), [("/email".to_owned(), "taken".to_owned())]);
    }

    async fn wrong_password_and_unknown_user_get_identical_responses(app: App) {
        app.user("ada@example.com").await;
        let log_in = async |email: &str, password: &str| {
            app.anon()
                .post("/api/v1/auth/login", json!({"email": email, "password": password}))
                .await
        };
        let (wrong, unknown, short) = (
            log_in("ada@example.com", "wrong horse").await,
            log_in("bob@example.com", PASSWORD).await,
            log_in("ada@example.com", "x").await,
        );
        assert_eq!(
            (wrong.status, wrong.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_credentials")
        );
        for other in [unknown, short] {
            assert_eq!((other.status, &other.text), (wrong.status, &wrong.text));
            assert_eq!(other.stable_headers(), wrong.stable_headers());
        }
        assert_eq!(log_in("ada@example.com", PASSWORD).await.status, StatusCode::OK);
    }

    async fn refresh_accepts_token_in_body_or_cookie_but_not_both(app: App) {
        let user = app.user("ada@example.com").await;
        let response =
            app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await;
        assert_eq!(response.status, StatusCode::OK);
        let next = response.json()["refresh_token"].as_str().expect("a token").to_owned();
        assert_ne!(next, user.refresh);
        let response = app.anon().browser(&next).post("/api/v1/auth/refresh", json!({})).await;
        assert_eq!(response.status, StatusCode::OK);
        assert!(
            response.json().get("refresh_token").is_none()
                && response.json().get("access_token").is_none(),
            "the tokens are in the cookies only"
        );
        assert!(
            response.cookies()[0].starts_with("countersign-3000=csgn_rt_")
                && response.cookies()[0].contains("HttpOnly; SameSite=Lax; Path=/; Max-Age="),
            "{:?}",
            response.cookies()
        );
        let both = app
            .anon()
            .browser(&next)
            .post("/api/v1/auth/refresh", json!({"refresh_token": next}))
            .await;
        assert_eq!(
            (both.status, both.problem_code().as_str()),
            (StatusCode::BAD_REQUEST, "two_credentials")
        );
    }

    async fn log_out_invalidates_both_tokens_and_is_idempotent(app: App) {
        let user = app.user("ada@example.com").await;
        for _ in 0..2 {
            let response = user.client.post("/api/v1/auth/logout", json!({})).await;
            assert_eq!((response.status, response.text.as_str()), (StatusCode::NO_CONTENT, ""));
            assert_eq!(
                response.header("clear-site-data"),
                "",
                "data of other applications on this origin is kept"
            );
        }
        let refreshed =
            app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await;
        assert_eq!(
            (refreshed.status, refreshed.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
        let me = user.client.get("/api/v1/me").await;
        assert_eq!(
            (me.status, me.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
        );
    }

    async fn log_out_accepts_refresh_token_in_body_or_cookie(app: App) {
        let (one, two) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/logout", json!({"refresh_token": one.refresh}))
                .await
                .status,
            StatusCode::NO_CONTENT
        );
        let response = app
            .anon()
            .browser(&two.refresh)
            .send(axum::http::Method::POST, "/api/v1/auth/logout", axum::body::Body::empty())
            .await;
        assert_eq!(response.status, StatusCode::NO_CONTENT);
        // Each cookie is set once (RFC 6265, 4.1.1): clients differ in how they treat a second one.
        let [refresh, access] = &response.cookies()[..] else {
            panic!("two cookies expected: {:?}", response.cookies())
        };
        assert!(
            refresh.starts_with("countersign-3000=;") && refresh.contains("Max-Age=0"),
            "{refresh}"
        );
        assert!(
            access.starts_with("countersign-3000-access=;") && access.contains("Max-Age=0"),
            "{access}"
        );
        for user in [one, two] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
        let anonymous = app.anon().post("/api/v1/auth/logout", json!({})).await;
        assert_eq!(
            (anonymous.status, anonymous.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\"")
        );
    }

    async fn log_out_with_credentials_of_two_users_revokes_neither(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        for scope in ["this", "others", "all"] {
            let body = json!({"refresh_token": bob.refresh, "scope": scope});
            for client in [ada.client.clone(), app.anon().browser(&ada.refresh)] {
                let response = client.post("/api/v1/auth/logout", body.clone()).await;
                assert_eq!(
                    (response.status, response.problem_code().as_str()),
                    (StatusCode::BAD_REQUEST, "two_credentials"),
                    "{scope}"
                );
                assert!(response.cookies().is_empty(), "{:?}", response.cookies());
            }
        }
        for user in [&ada, &bob] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::OK);
        }
        // Two sessions of one user are both revoked.
        let second = app.log_in("ada@example.com").await;
        let response =
            ada.client.post("/api/v1/auth/logout", json!({"refresh_token": second.refresh})).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT);
        for user in [&ada, &second] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
    }

    async fn log_out_succeeds_with_one_valid_credential(app: App) {
        let user = app.user("ada@example.com").await;
        app.clock.advance(TimeSpan::minutes(11));
        let response =
            user.client.post("/api/v1/auth/logout", json!({"refresh_token": user.refresh})).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT, "despite the expired access token");
        let refreshed =
            app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await;
        assert_eq!(refreshed.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/logout", json!({"refresh_token": "csgn_rt_nonsense"}))
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
    }

    async fn refresh_by_cookie_needs_no_body(app: App) {
        let user = app.user("ada@example.com").await;
        let response = app
            .anon()
            .browser(&user.refresh)
            .send(axum::http::Method::POST, "/api/v1/auth/refresh", axum::body::Body::empty())
            .await;
        assert_eq!(
            (response.status, response.json()["transport"].as_str()),
            (StatusCode::OK, Some("cookie"))
        );
        let without = app
            .anon()
            .send(axum::http::Method::POST, "/api/v1/auth/refresh", axum::body::Body::empty())
            .await;
        assert_eq!(
            (without.status, without.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
    }

    async fn refused_refresh_clears_cookies_unless_superseded(app: App) {
        let user = app.user("ada@example.com").await;
        let refresh = async |token: &str| {
            app.anon().browser(token).post("/api/v1/auth/refresh", json!({})).await
        };
        let token_of = |response: &crate::support::TestResponse| {
            response.cookies()[0].split(['=', ';']).nth(1).expect("a value").to_owned()
        };
        let second = token_of(&refresh(&user.refresh).await);
        let third = token_of(&refresh(&second).await);
        let superseded = refresh(&user.refresh).await;
        assert_eq!(
            (superseded.status, superseded.problem_code().as_str(), superseded.cookies().len()),
            (StatusCode::UNAUTHORIZED, "refresh_superseded", 0)
        );
        app.clock.advance(TimeSpan::days(15));
        let expired = refresh(&third).await;
        assert_eq!(
            (expired.status, expired.problem_code().as_str(), expired.cookies().len()),
            (StatusCode::UNAUTHORIZED, "invalid_grant", 2)
        );
    }
}
