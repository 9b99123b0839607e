//! Sessions and the password: the JSON API.

use crate::support::{App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::on_both;
use countersign_types::Span;
use serde_json::{Value, json};

fn items(answer: &crate::support::Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["items"].as_array().expect("a list").clone()
}

on_both! {
    async fn i_see_my_sessions_and_no_token_of_them(app: App) {
        let ada = app.user("ada@example.com").await;
        app.clock.advance(Span::minutes(1));
        let other = app.log_in("ada@example.com").await;
        app.user("bob@example.com").await;
        let answer = ada.client.get("/api/v1/me/sessions").await;
        let list = items(&answer);
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
            assert!(!answer.text.contains(secret.as_str()));
        }
        let part = ada.client.get("/api/v1/me/sessions?limit=1").await.json();
        let rest = ada
            .client
            .get(&format!(
                "/api/v1/me/sessions?limit=1&cursor={}",
                part["next_cursor"].as_str().expect("a cursor")
            ))
            .await
            .json();
        assert_eq!((&rest["items"][0], rest.get("next_cursor")), (&list[1], None));
    }

    async fn i_end_one_of_mine_and_nobody_elses(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let phone = app.log_in("ada@example.com").await;
        let id = items(&phone.client.get("/api/v1/me/sessions").await)
            .into_iter()
            .find(|session| session["current"] == true)
            .expect("this one")["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        for (who, id) in [
            (&bob, id.as_str()),
            (&ada, "00000000-0000-7000-8000-000000000000"),
            (&ada, "rubbish"),
            (&ada, "%00"),
            (&ada, "..%2F.."),
        ] {
            let answer = who.client.delete(&format!("/api/v1/me/sessions/{id}")).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::NOT_FOUND, "not_found"),
                "{id}"
            );
        }
        assert_eq!(phone.client.get("/api/v1/me").await.status, StatusCode::OK);
        let answer = ada.client.delete(&format!("/api/v1/me/sessions/{id}")).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::NO_CONTENT, ""));
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
            "over already"
        );
    }

    async fn i_log_out_the_others_or_all(app: App) {
        let (ada, phone, tablet) = (
            app.user("ada@example.com").await,
            app.log_in("ada@example.com").await,
            app.log_in("ada@example.com").await,
        );
        assert_eq!(
            ada.client.post("/api/v1/auth/logout", json!({"scope": "everything"})).await.members(),
            [("/scope".to_owned(), "unknown_value".to_owned())]
        );
        let answer = ada.client.post("/api/v1/auth/logout", json!({"scope": "others"})).await;
        assert_eq!((answer.status, answer.header("clear-site-data")), (StatusCode::NO_CONTENT, ""));
        for gone in [&phone, &tablet] {
            assert_eq!(gone.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(ada.client.get("/api/v1/me").await.status, StatusCode::OK);
        let phone = app.log_in("ada@example.com").await;
        // By the refresh token, too.
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
        for gone in [&ada, &phone] {
            assert_eq!(gone.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        }
        // What is over ends itself again, but nobody else.
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

    async fn another_password_needs_the_one_until_now_and_ends_the_others(app: App) {
        let (ada, phone) = (app.user("ada@example.com").await, app.log_in("ada@example.com").await);
        for (body, members) in [
            (json!({}), vec![("/current", "missing"), ("/new", "missing")]),
            (
                json!({"current": "wrong horse", "new": "a quite different one"}),
                vec![("/current", "wrong")],
            ),
            (json!({"current": PASSWORD, "new": "short"}), vec![("/new", "too_short")]),
            (
                json!({"current": PASSWORD, "new": "a quite different one", "user": "bob"}),
                vec![("/user", "unknown_member")],
            ),
        ] {
            let answer = ada.client.post("/api/v1/me/password", body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            let expected: Vec<_> = members
                .into_iter()
                .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
                .collect();
            assert_eq!(answer.members(), expected);
        }
        assert_eq!(
            app.anon()
                .post(
                    "/api/v1/me/password",
                    json!({"current": PASSWORD, "new": "a quite different one"})
                )
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        let changed = ada
            .client
            .post(
                "/api/v1/me/password",
                json!({"current": PASSWORD, "new": "a quite different one"}),
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
        app.clock.advance(Span::minutes(1));
        for stolen in [&ada.refresh, &ada.refresh] {
            let refused =
                app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": stolen})).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "a copy of before");
        }
        let refreshed = app
            .anon()
            .post("/api/v1/auth/refresh", json!({"refresh_token": token("refresh_token")}))
            .await;
        assert_eq!(refreshed.status, StatusCode::OK, "this session goes on");
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": phone.refresh}))
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
    }

    async fn more_log_ins_than_sessions_leave_a_hundred_sessions_that_end_together(app: App) {
        app.user("ada@example.com").await;
        let mut last = None;
        for _ in 0..110 {
            app.clock.advance(Span(1));
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
