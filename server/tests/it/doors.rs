//! Sign up, log in, renew, log out: the JSON API.

use crate::support::{App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::on_both;
use countersign_types::Span;
use serde_json::json;

on_both! {
    async fn sign_up_answers_with_tokens_and_their_life(app: App) {
        let answer = app
            .anon()
            .post(
                "/api/v1/auth/signup",
                json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}),
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert!((570..=600).contains(&body["expires_in"].as_u64().expect("a number")));
        assert!(body["refresh_token"].as_str().expect("a token").starts_with("csgn_rt_"));
        assert_eq!(
            (&body["user"]["email"], &body["user"]["name"], &body["user"]["roles"]),
            (&json!("ada@example.com"), &json!("Ada"), &json!(["user"]))
        );
        assert_eq!(body["user"]["created_at"], "2026-01-01T00:00:00Z");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.cookies().is_empty(), "a program gets no cookie");
    }

    async fn a_taken_address_is_a_conflict_that_names_the_field(app: App) {
        app.user("ada@example.com").await;
        let answer = app
            .anon()
            .post("/api/v1/auth/signup", json!({"email": "ADA@example.com", "password": PASSWORD}))
            .await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::CONFLICT, "email_taken")
        );
        assert_eq!(answer.members(), [("/email".to_owned(), "taken".to_owned())]);
    }

    async fn wrong_password_and_unknown_user_get_the_same_status_headers_and_bytes(app: App) {
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
            (wrong.status, wrong.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_credentials")
        );
        for other in [unknown, short] {
            assert_eq!((other.status, &other.text), (wrong.status, &wrong.text));
            assert_eq!(other.stable_headers(), wrong.stable_headers());
        }
        assert_eq!(log_in("ada@example.com", PASSWORD).await.status, StatusCode::OK);
    }

    async fn a_program_renews_with_the_body_and_a_browser_with_its_cookie(app: App) {
        let user = app.user("ada@example.com").await;
        let answer =
            app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await;
        assert_eq!(answer.status, StatusCode::OK);
        let next = answer.json()["refresh_token"].as_str().expect("a token").to_owned();
        assert_ne!(next, user.refresh);
        let answer = app.anon().browser(&next).post("/api/v1/auth/refresh", json!({})).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.json().get("refresh_token").is_none()
                && answer.json().get("access_token").is_none(),
            "they are in the cookies"
        );
        assert!(
            answer.cookies()[0].starts_with("countersign-3000=csgn_rt_")
                && answer.cookies()[0].contains("HttpOnly; SameSite=Lax; Path=/; Max-Age="),
            "{:?}",
            answer.cookies()
        );
        let both = app
            .anon()
            .browser(&next)
            .post("/api/v1/auth/refresh", json!({"refresh_token": next}))
            .await;
        assert_eq!(
            (both.status, both.problem().as_str()),
            (StatusCode::BAD_REQUEST, "two_credentials")
        );
    }

    async fn after_log_out_neither_token_is_accepted_and_a_second_log_out_is_no_error(app: App) {
        let user = app.user("ada@example.com").await;
        for _ in 0..2 {
            let answer = user.client.post("/api/v1/auth/logout", json!({})).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
            assert_eq!(
                answer.header("clear-site-data"),
                "",
                "what other programs of this origin keep stays"
            );
        }
        let refreshed =
            app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await;
        assert_eq!(
            (refreshed.status, refreshed.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
        let me = user.client.get("/api/v1/me").await;
        assert_eq!(
            (me.status, me.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
        );
    }

    async fn log_out_takes_the_refresh_token_of_the_body_or_of_the_cookie(app: App) {
        let (one, two) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/logout", json!({"refresh_token": one.refresh}))
                .await
                .status,
            StatusCode::NO_CONTENT
        );
        let answer = app
            .anon()
            .browser(&two.refresh)
            .send(axum::http::Method::POST, "/api/v1/auth/logout", axum::body::Body::empty())
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        // Each once (RFC 6265, 4.1.1): cookie jars differ in what they make of a second one.
        let [refresh, access] = &answer.cookies()[..] else {
            panic!("two cookies expected: {:?}", answer.cookies())
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
        let stranger = app.anon().post("/api/v1/auth/logout", json!({})).await;
        assert_eq!(
            (stranger.status, stranger.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\"")
        );
    }

    async fn log_out_with_credentials_of_two_users_ends_neither(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        for scope in ["this", "others", "all"] {
            let body = json!({"refresh_token": bob.refresh, "scope": scope});
            for client in [ada.client.clone(), app.anon().browser(&ada.refresh)] {
                let answer = client.post("/api/v1/auth/logout", body.clone()).await;
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (StatusCode::BAD_REQUEST, "two_credentials"),
                    "{scope}"
                );
                assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());
            }
        }
        for user in [&ada, &bob] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::OK);
        }
        // Two sessions of one user both end.
        let second = app.log_in("ada@example.com").await;
        let answer =
            ada.client.post("/api/v1/auth/logout", json!({"refresh_token": second.refresh})).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        for user in [&ada, &second] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
    }

    async fn one_good_credential_is_enough_to_leave(app: App) {
        let user = app.user("ada@example.com").await;
        app.clock.advance(Span::minutes(11));
        let answer =
            user.client.post("/api/v1/auth/logout", json!({"refresh_token": user.refresh})).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "although the access token has expired");
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
        let answer = app
            .anon()
            .browser(&user.refresh)
            .send(axum::http::Method::POST, "/api/v1/auth/refresh", axum::body::Body::empty())
            .await;
        assert_eq!(
            (answer.status, answer.json()["transport"].as_str()),
            (StatusCode::OK, Some("cookie"))
        );
        let without = app
            .anon()
            .send(axum::http::Method::POST, "/api/v1/auth/refresh", axum::body::Body::empty())
            .await;
        assert_eq!(
            (without.status, without.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
    }

    async fn a_refused_renewal_takes_the_cookie_away_unless_a_newer_one_is_on_its_way(app: App) {
        let user = app.user("ada@example.com").await;
        let renew = async |token: &str| {
            app.anon().browser(token).post("/api/v1/auth/refresh", json!({})).await
        };
        let token_of = |answer: &crate::support::Answer| {
            answer.cookies()[0].split(['=', ';']).nth(1).expect("a value").to_owned()
        };
        let second = token_of(&renew(&user.refresh).await);
        let third = token_of(&renew(&second).await);
        let stale = renew(&user.refresh).await;
        assert_eq!(
            (stale.status, stale.problem().as_str(), stale.cookies().len()),
            (StatusCode::UNAUTHORIZED, "stale", 0)
        );
        app.clock.advance(Span::days(15));
        let over = renew(&third).await;
        assert_eq!(
            (over.status, over.problem().as_str(), over.cookies().len()),
            (StatusCode::UNAUTHORIZED, "invalid_grant", 2)
        );
    }
}
