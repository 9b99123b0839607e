//! Sessions and the password: the JSON API.

use crate::support::{App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::test_on_each_database;
use countersign_types::TimeSpan;
use serde_json::{Value, json};

fn items(response: &crate::support::TestResponse) -> Vec<Value> {
    assert_eq!(response.status, StatusCode::OK, "{}", response.text);
    response.json()["items"].as_array().expect("a list").clone()
}

test_on_each_database! {
    async fn session_list_has_own_sessions_without_tokens(app: App) {
        let ada = app.user("ada@example.com").await;
        app.clock.advance(TimeSpan::minutes(1));
        let other = app.log_in("ada@example.com").await;
        app.user("bob@example.com").await;
        let response = ada.client.get("/api/v1/me/sessions").await;
        let list = items(&response);
        assert_eq!(
            list.iter()
                .map(|session| session["current"].as_bool().expect("a flag"))
                .collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(
            (&list[0]["created_at"], &list[0]["address"]),
            (&json!("2026-01-01T00:01:00Z"), &json!("192.0.2.7"))
        );
        for secret in [&ada.access, &ada.refresh, &other.access, &other.refresh] {
            assert!(!response.text.contains(secret.as_str()));
        }
        let page = ada.client.get("/api/v1/me/sessions?limit=1").await.json();
        let rest = ada
            .client
            .get(&format!(
                "/api/v1/me/sessions?limit=1&cursor={}",
                page["next_cursor"].as_str().expect("a cursor")
            ))
            .await
            .json();
        assert_eq!((&rest["items"][0], rest.get("next_cursor")), (&list[1], None));
    }

    async fn only_own_sessions_can_be_revoked(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let phone = app.log_in("ada@example.com").await;
        let id = items(&phone.client.get("/api/v1/me/sessions").await)
            .into_iter()
            .find(|session| session["current"] == true)
            .expect("this one")["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        for (user, id) in [
            (&bob, id.as_str()),
            (&ada, "00000000-0000-7000-8000-000000000000"),
            (&ada, "rubbish"),
            (&ada, "%00"),
            (&ada, "..%2F.."),
        ] {
            let response = user.client.delete(&format!("/api/v1/me/sessions/{id}")).await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::NOT_FOUND, "not_found"),
                "{id}"
            );
        }
        assert_eq!(phone.client.get("/api/v1/me").await.status, StatusCode::OK);
        let response = ada.client.delete(&format!("/api/v1/me/sessions/{id}")).await;
        assert_eq!((response.status, response.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(phone.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": phone.refresh}))
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            ada.client.delete(&format!("/api/v1/me/sessions/{id}")).await.status,
            StatusCode::NOT_FOUND,
            "already revoked"
        );
    }

    async fn log_out_scope_revokes_other_or_all_sessions(app: App) {
        let (ada, phone, tablet) = (
            app.user("ada@example.com").await,
            app.log_in("ada@example.com").await,
            app.log_in("ada@example.com").await,
        );
        assert_eq!(
            ada.client
                .post("/api/v1/auth/logout", json!({"scope": "everything"}))
                .await
                .field_errors(),
            [("/scope".to_owned(), "unknown_value".to_owned())]
        );
        let response = ada.client.post("/api/v1/auth/logout", json!({"scope": "others"})).await;
        assert_eq!(
            (response.status, response.header("clear-site-data")),
            (StatusCode::NO_CONTENT, "")
        );
        for logged_out in [&phone, &tablet] {
            assert_eq!(logged_out.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(ada.client.get("/api/v1/me").await.status, StatusCode::OK);
        let phone = app.log_in("ada@example.com").await;
        // The refresh token is accepted as well.
        assert_eq!(
            app.anon()
                .post(
                    "/api/v1/auth/logout",
                    json!({"scope": "all", "refresh_token": phone.refresh})
                )
                .await
                .status,
            StatusCode::NO_CONTENT
        );
        for logged_out in [&ada, &phone] {
            assert_eq!(logged_out.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
        // A revoked session cannot revoke others.
        let again = app.log_in("ada@example.com").await;
        for scope in ["others", "all"] {
            assert_eq!(
                phone.client.post("/api/v1/auth/logout", json!({"scope": scope})).await.status,
                StatusCode::UNAUTHORIZED,
                "{scope}"
            );
        }
        assert_eq!(again.client.get("/api/v1/me").await.status, StatusCode::OK);
    }

    async fn password_change_needs_current_one_and_revokes_others(app: App) {
        let (ada, phone) = (app.user("ada@example.com").await, app.log_in("ada@example.com").await);
        for (body, members) in [
            (json!({}), vec![("/current_password", "missing"), ("/new_password", "missing")]),
            (
                json!({"current_password": "wrong horse", "new_password": "a quite different one"}),
                vec![("/current_password", "incorrect")],
            ),
            (
                json!({"current_password": PASSWORD, "new_password": "short"}),
                vec![("/new_password", "too_short")],
            ),
            (
                json!({"current_password": PASSWORD, "new_password": "another one", "user": "bob"}),
                vec![("/user", "unknown_member")],
            ),
        ] {
            let response = ada.client.post("/api/v1/me/password", body.clone()).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            let expected: Vec<_> = members
                .into_iter()
                .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
                .collect();
            assert_eq!(response.field_errors(), expected);
        }
        assert_eq!(
            app.anon()
                .post(
                    "/api/v1/me/password",
                    json!({"current_password": PASSWORD, "new_password": "a quite different one"})
                )
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        let changed = ada
            .client
            .post(
                "/api/v1/me/password",
                json!({"current_password": PASSWORD, "new_password": "a quite different one"}),
            )
            .await;
        assert_eq!(changed.status, StatusCode::OK);
        for user in [&ada, &phone] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
        let tokens = changed.json();
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        assert_eq!(
            app.anon()
                .with("authorization", &format!("Bearer {}", token("access_token")))
                .get("/api/v1/me")
                .await
                .status,
            StatusCode::OK
        );
        app.clock.advance(TimeSpan::minutes(1));
        for old_token in [&ada.refresh, &ada.refresh] {
            let refused =
                app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": old_token})).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "a token from before the change");
        }
        let refreshed = app
            .anon()
            .post("/api/v1/auth/refresh", json!({"refresh_token": token("refresh_token")}))
            .await;
        assert_eq!(refreshed.status, StatusCode::OK, "this session is still active");
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": phone.refresh}))
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
    }

    async fn log_ins_beyond_the_limit_leave_one_hundred_sessions(app: App) {
        app.user("ada@example.com").await;
        let mut last = None;
        for _ in 0..110 {
            app.clock.advance(TimeSpan(1));
            last = Some(app.log_in("ada@example.com").await);
        }
        let last = last.expect("a session");
        let list = items(&last.client.get("/api/v1/me/sessions?limit=100").await);
        assert_eq!(list.len(), 100);
        assert_eq!(
            last.client.post("/api/v1/auth/logout", json!({"scope": "all"})).await.status,
            StatusCode::NO_CONTENT
        );
        let again = app.log_in("ada@example.com").await;
        assert_eq!(items(&again.client.get("/api/v1/me/sessions").await).len(), 1);
    }
}
