//! The endpoint `/api/v1/me` for the user's own account, and the rules of bearer tokens.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::test_on_each_database;
use countersign_types::TimeSpan;
use serde_json::json;

test_on_each_database! {
    async fn valid_token_returns_own_account(app: App) {
        let user = app.user("Ada@example.com").await;
        let response = user.client.get("/api/v1/me").await;
        assert_eq!(
            (response.status, response.header("content-type"), response.header("cache-control")),
            (StatusCode::OK, "application/json", "no-store")
        );
        let mut body = response.json();
        body["id"] = json!("an id");
        assert_eq!(
            body,
            json!({
                "id": "an id",
                "email": "Ada@example.com",
                "email_verified": false,
                "verification_due": false,
                "pending_email": null,
                "name": null,
                "roles": ["user"],
                "created_at": "2026-01-01T00:00:00Z",
                "reuse_detected_at": null,
                "deletion_scheduled_at": null
            })
        );
    }

    async fn missing_token_returns_challenge_without_error_code(app: App) {
        let response = app.anon().get("/api/v1/me").await;
        assert_eq!(
            (response.status, response.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\"")
        );
        assert_eq!(response.problem_code(), "invalid_token");
    }

    async fn invalid_tokens_get_identical_responses(app: App) {
        let user = app.user("ada@example.com").await;
        let get =
            async |value: &str| app.anon().with("authorization", value).get("/api/v1/me").await;
        let first = get("Bearer nonsense").await;
        assert_eq!(
            (first.status, first.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
        );
        app.clock.advance(TimeSpan::minutes(11));
        for value in [
            &format!("Bearer {}", user.access),
            &format!("Bearer {}", user.refresh),
            "Bearer",
            "Bearer ",
            "Basic YWRhOmFkYQ==",
            "Bearer a b",
            &format!("Bearer {}", "a".repeat(9000)),
        ] {
            let response = get(value).await;
            assert_eq!((response.status, &response.text), (first.status, &first.text), "{value}");
            assert_eq!(response.stable_headers(), first.stable_headers(), "{value}");
        }
    }

    async fn bearer_scheme_is_case_insensitive(app: App) {
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
        assert_eq!(
            two.get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED,
            "two headers are refused"
        );
    }

    async fn token_outside_the_authorization_header_is_ignored(app: App) {
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

    async fn display_name_is_set_and_removed(app: App) {
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
            (json!({"name": "a\u{0}b"}), "disallowed_character"),
            (json!({"name": "é".repeat(101)}), "too_long"),
            (json!({"name": null}), "wrong_type"),
        ] {
            let response = user.client.patch("/api/v1/me", body.clone()).await;
            assert_eq!(
                (response.status, response.field_errors()),
                (StatusCode::UNPROCESSABLE_ENTITY, vec![("/name".to_owned(), code.to_owned())]),
                "{body}"
            );
        }
    }

    async fn only_the_display_name_can_be_changed(app: App) {
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
            let response =
                user.client.patch("/api/v1/me", json!({"name": "x", member: "admin"})).await;
            assert_eq!(
                (response.status, response.field_errors()),
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    vec![(format!("/{member}"), "unknown_member".to_owned())]
                )
            );
        }
        assert_eq!(user.client.get("/api/v1/me").await.text, before);
    }

    async fn own_activity_is_listed_with_pagination(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        for _ in 0..3 {
            app.clock.advance(TimeSpan::seconds(1));
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
            "show=log-ins&show=changes",
        ] {
            let response = ada.client.get(&format!("/api/v1/me/activity?{query}")).await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::BAD_REQUEST, "bad_request"),
                "{query}"
            );
        }
    }

    async fn own_activity_is_filtered_and_says_how_far_it_searched(app: App) {
        let ada = app.user("ada@example.com").await;
        app.clock.advance(TimeSpan::minutes(1));
        app.seed_log_ins(&ada, 1_200).await;
        let list = async |query: &str| {
            ada.client.get(&format!("/api/v1/me/activity{query}")).await.json()
        };
        assert_eq!(list("?show=all").await, list("").await);
        let log_ins = list("?show=log-ins&limit=2").await;
        assert_eq!(log_ins["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(log_ins.get("searched_to"), None);

        let first = list("?show=changes").await;
        assert_eq!(
            (&first["items"], &first["searched_to"]),
            (&json!([]), &json!("2026-01-01T00:01:00Z"))
        );
        let cursor = first["next_cursor"].as_str().expect("a cursor");
        let rest = list(&format!("?show=changes&cursor={cursor}")).await;
        assert_eq!(rest["items"][0]["kind"], "signed_up");
        assert_eq!((rest.get("searched_to"), rest.get("next_cursor")), (None, None));
    }

    async fn unknown_activity_filter_is_rejected_by_name(app: App) {
        let ada = app.user("ada@example.com").await;
        for name in ["", "Warnings", "log_ins", "%3Cb%3E"] {
            let response = ada.client.get(&format!("/api/v1/me/activity?show={name}")).await;
            assert_eq!(response.status, StatusCode::BAD_REQUEST, "{name}");
            assert_eq!(
                response.json()["detail"],
                "`show` must be one of: all, log-ins, changes, warnings.",
                "{name}"
            );
        }
    }
}
