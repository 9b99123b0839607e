//! One's own account: the JSON API, and the rules of Bearer tokens.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::on_both;
use countersign_types::Span;
use serde_json::json;

on_both! {
    async fn with_a_token_i_am_told_who_i_am(app: App) {
        let user = app.user("Ada@example.com").await;
        let answer = user.client.get("/api/v1/me").await;
        assert_eq!(
            (answer.status, answer.header("content-type"), answer.header("cache-control")),
            (StatusCode::OK, "application/json", "no-store")
        );
        let mut body = answer.json();
        body["id"] = json!("an id");
        assert_eq!(
            body,
            json!({"id": "an id", "email": "Ada@example.com", "email_verified": false, "name": null, "roles": ["user"], "created_at": "2026-01-01T00:00:00Z", "stolen_at": null, "deletes_at": null})
        );
    }

    async fn without_a_token_there_is_a_challenge_without_an_error(app: App) {
        let answer = app.anon().get("/api/v1/me").await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\"")
        );
        assert_eq!(answer.problem(), "invalid_token");
    }

    async fn every_bad_token_gets_one_identical_answer(app: App) {
        let user = app.user("ada@example.com").await;
        let ask =
            async |value: &str| app.anon().with("authorization", value).get("/api/v1/me").await;
        let first = ask("Bearer nonsense").await;
        assert_eq!(
            (first.status, first.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
        );
        app.clock.advance(Span::minutes(11));
        for value in [
            &format!("Bearer {}", user.access),
            &format!("Bearer {}", user.refresh),
            "Bearer",
            "Bearer ",
            "Basic YWRhOmFkYQ==",
            "Bearer a b",
            &format!("Bearer {}", "a".repeat(9000)),
        ] {
            let answer = ask(value).await;
            assert_eq!((answer.status, &answer.text), (first.status, &first.text), "{value}");
            assert_eq!(answer.stable_headers(), first.stable_headers(), "{value}");
        }
    }

    async fn the_scheme_is_compared_without_regard_to_case(app: App) {
        let user = app.user("ada@example.com").await;
        assert_eq!(
            app.anon()
                .with("authorization", &format!("bearer {}", user.access))
                .get("/api/v1/me")
                .await
                .status,
            StatusCode::OK
        );
        let two = user.client.clone().with("authorization", &format!("Bearer {}", user.access));
        assert_eq!(two.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED, "two are none");
    }

    async fn a_token_anywhere_but_where_it_belongs_counts_for_nothing(app: App) {
        let user = app.user("ada@example.com").await;
        assert_eq!(
            app.anon().get(&format!("/api/v1/me?access_token={}", user.access)).await.status,
            StatusCode::UNAUTHORIZED
        );
        for (name, value) in [
            ("x-access-token", user.access.clone()),
            ("x-authorization", format!("Bearer {}", user.access)),
            ("cookie", format!("countersign-3000={}", user.access)),
            ("cookie", format!("countersign-3000={}", user.refresh)),
            ("cookie", format!("access={}", user.access)),
            ("cookie", format!("__Host-countersign-access={}", user.access)),
        ] {
            assert_eq!(
                app.anon().with(name, &value).get("/api/v1/me").await.status,
                StatusCode::UNAUTHORIZED,
                "{name}"
            );
        }
    }

    async fn a_name_is_changed_and_taken_away(app: App) {
        let user = app.user("ada@example.com").await;
        assert_eq!(
            user.client.patch("/api/v1/me", json!({"name": " Ada "})).await.json()["name"],
            "Ada"
        );
        assert_eq!(user.client.get("/api/v1/me").await.json()["name"], "Ada");
        assert_eq!(
            user.client.patch("/api/v1/me", json!({"name": ""})).await.json()["name"],
            json!(null)
        );
        for (body, code) in [
            (json!({}), "missing"),
            (json!({"name": "a\u{0}b"}), "unprintable"),
            (json!({"name": "é".repeat(101)}), "too_long"),
            (json!({"name": null}), "wrong_type"),
        ] {
            let answer = user.client.patch("/api/v1/me", body.clone()).await;
            assert_eq!(
                (answer.status, answer.members()),
                (StatusCode::UNPROCESSABLE_ENTITY, vec![("/name".to_owned(), code.to_owned())]),
                "{body}"
            );
        }
    }

    async fn nothing_but_the_name_can_be_set(app: App) {
        let user = app.user("ada@example.com").await;
        let before = user.client.get("/api/v1/me").await.text;
        for member in [
            "role",
            "roles",
            "is_admin",
            "scopes",
            "email",
            "email_verified",
            "id",
            "password_hash",
            "created_at",
            "epoch",
        ] {
            let answer =
                user.client.patch("/api/v1/me", json!({"name": "x", member: "admin"})).await;
            assert_eq!(
                (answer.status, answer.members()),
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    vec![(format!("/{member}"), "unknown_member".to_owned())]
                )
            );
        }
        assert_eq!(user.client.get("/api/v1/me").await.text, before);
    }

    async fn activity_is_listed_in_parts_and_only_ones_own(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        for _ in 0..3 {
            app.clock.advance(Span::seconds(1));
            app.anon()
                .post(
                    "/api/v1/auth/login",
                    json!({"email": "ada@example.com", "password": "wrong horse"}),
                )
                .await;
        }
        let first = ada.client.get("/api/v1/me/activity?limit=3").await.json();
        assert_eq!(first["items"].as_array().expect("a list").len(), 3);
        assert_eq!(
            (&first["items"][0]["kind"], &first["items"][0]["at"], &first["items"][0]["address"]),
            (&json!("log_in_failed"), &json!("2026-01-01T00:00:03Z"), &json!("192.0.2.7"))
        );
        let cursor = first["next_cursor"].as_str().expect("a cursor");
        let rest =
            ada.client.get(&format!("/api/v1/me/activity?limit=3&cursor={cursor}")).await.json();
        assert_eq!(
            (
                rest["items"].as_array().expect("a list").len(),
                &rest["items"][0]["kind"],
                rest.get("next_cursor")
            ),
            (1, &json!("signed_up"), None)
        );
        assert_eq!(
            bob.client.get("/api/v1/me/activity").await.json()["items"]
                .as_array()
                .expect("a list")
                .len(),
            1
        );
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "limit=-1",
            "cursor=x",
            "cursor=%00",
            "order=asc",
            "limit=1&limit=2",
        ] {
            let answer = ada.client.get(&format!("/api/v1/me/activity?{query}")).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::BAD_REQUEST, "bad_request"),
                "{query}"
            );
        }
    }
}
