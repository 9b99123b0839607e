//! The administration API: access control, effects of each operation, and that they are immediate.

use crate::support::{App, PASSWORD, TestResponse, User};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{RequestContext, admin::AdminAction, test_on_each_database};
use countersign_types::{Email, views::Role};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const USERS: &str = "/api/v1/admin/users";

async fn id_of(app: &App, email: &str) -> String {
    let operator = app.server.auth().operator_for_tests(&RequestContext::default());
    operator
        .user_by_email(&Email::parse(email).expect("an address"))
        .await
        .expect("a user")
        .id
        .to_string()
}

/// Signs up a user, grants the administrator role, and logs in again for a token with that role.
async fn create_admin<'a>(app: &'a App, email: &str) -> User<'a> {
    app.user(email).await;
    let operator = app.server.auth().operator_for_tests(&RequestContext::default());
    let id =
        operator.user_by_email(&Email::parse(email).expect("an address")).await.expect("a user").id;
    operator.change(id, AdminAction::Role(Role::Admin)).await.expect("changed");
    app.log_in(email).await
}

async fn put_role(user: &User<'_>, id: &str, role: &str) -> TestResponse {
    let body = Body::from(json!({ "role": role }).to_string());
    user.client
        .clone()
        .with("content-type", "application/json")
        .send(Method::PUT, &format!("{USERS}/{id}/role"), body)
        .await
}

async fn post(user: &User<'_>, id: &str, action: &str) -> TestResponse {
    user.client.send(Method::POST, &format!("{USERS}/{id}/{action}"), Body::empty()).await
}

test_on_each_database! {
    async fn admin_routes_refuse_users_and_name_the_missing_scope(app: App) {
        let (ada, eve) = (app.user("ada@example.com").await, app.user("eve@example.com").await);
        let id = id_of(&app, "ada@example.com").await;
        let description = app.anon().get("/openapi.json").await.json();
        let mut requests = 0;
        for (path, methods) in description["paths"]
            .as_object()
            .expect("paths")
            .iter()
            .filter(|(path, _)| path.starts_with("/api/v1/admin/"))
        {
            for method in methods.as_object().expect("methods").keys() {
                let method: Method = method.to_uppercase().parse().expect("a method");
                for body in ["{}", r#"{"role":"admin"}"#] {
                    let client = eve.client.clone().with("content-type", "application/json");
                    let response = client
                        .send(method.clone(), &path.replace("{id}", &id), Body::from(body))
                        .await;
                    assert_eq!(
                        (response.status, response.problem_code().as_str()),
                        (StatusCode::FORBIDDEN, "forbidden"),
                        "{method} {path}"
                    );
                    assert_eq!(
                        response.header("www-authenticate"),
                        r#"Bearer realm="countersign", error="insufficient_scope", scope="admin""#
                    );
                }
                requests += 1;
            }
        }
        assert_eq!(requests, 9);
        let me = ada.client.get("/api/v1/me").await.json();
        assert_eq!(me["roles"], json!(["user"]), "nothing has changed");
    }

    async fn admin_sees_accounts_without_credentials(app: App) {
        let admin = create_admin(&app, "admin@example.com").await;
        for n in 0..5 {
            app.user(&format!("user{n}@example.com")).await;
        }
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = admin.client.get(&format!("{USERS}?limit=2{next}")).await.json();
            seen.extend(page["items"].as_array().expect("a list").clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        let emails: Vec<_> =
            seen.iter().map(|user| user["email"].as_str().expect("text")).collect();
        assert_eq!(
            emails,
            [
                "user4@example.com",
                "user3@example.com",
                "user2@example.com",
                "user1@example.com",
                "user0@example.com",
                "admin@example.com"
            ]
        );
        let members: BTreeSet<_> =
            seen[0].as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            members,
            BTreeSet::from([
                "created_at",
                "deletion_scheduled_at",
                "disabled_at",
                "email",
                "id",
                "last_login_at",
                "name",
                "roles"
            ])
        );
        let id = seen[0]["id"].as_str().expect("text");
        assert_eq!(admin.client.get(&format!("{USERS}/{id}")).await.json(), seen[0]);
        assert_eq!(seen[5]["roles"], json!(["user", "admin"]));
    }

    async fn role_change_takes_effect_with_the_next_request(app: App) {
        let admin = create_admin(&app, "admin@example.com").await;
        let ada = app.user("ada@example.com").await;
        let id = id_of(&app, "ada@example.com").await;
        assert_eq!(put_role(&admin, &id, "admin").await.json()["roles"], json!(["user", "admin"]));
        assert_eq!(
            ada.client.get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED,
            "a token with the previous roles is refused"
        );
        let refresh_tokens = async |refresh: &str| {
            app.anon()
                .post("/api/v1/auth/refresh", json!({ "refresh_token": refresh }))
                .await
                .json()
        };
        let tokens = refresh_tokens(&ada.refresh).await;
        let bearer = |tokens: &Value| {
            app.anon().with(
                "authorization",
                &format!("Bearer {}", tokens["access_token"].as_str().expect("a token")),
            )
        };
        assert_eq!(
            bearer(&tokens).get(USERS).await.status,
            StatusCode::OK,
            "a refreshed token has the new role"
        );
        assert_eq!(put_role(&admin, &id, "user").await.json()["roles"], json!(["user"]));
        assert_eq!(bearer(&tokens).get(USERS).await.status, StatusCode::UNAUTHORIZED);
        let tokens = refresh_tokens(tokens["refresh_token"].as_str().expect("a token")).await;
        assert_eq!(bearer(&tokens).get(USERS).await.status, StatusCode::FORBIDDEN);
        assert_eq!(tokens["user"]["roles"], json!(["user"]));
    }

    async fn disabled_account_is_refused_at_once_until_enabled(app: App) {
        let admin = create_admin(&app, "admin@example.com").await;
        let ada = app.user("ada@example.com").await;
        let id = id_of(&app, "ada@example.com").await;
        assert!(post(&admin, &id, "disable").await.json()["disabled_at"].is_string());
        assert_eq!(ada.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            app.anon()
                .post("/api/v1/auth/refresh", json!({ "refresh_token": ada.refresh }))
                .await
                .status,
            StatusCode::UNAUTHORIZED
        );
        let log_in = |email: &str, password: &str| json!({ "email": email, "password": password });
        let disabled =
            app.anon().post("/api/v1/auth/login", log_in("ada@example.com", PASSWORD)).await;
        let unknown =
            app.anon().post("/api/v1/auth/login", log_in("unknown@example.com", PASSWORD)).await;
        assert_eq!(
            (disabled.status, &disabled.text, disabled.stable_headers()),
            (unknown.status, &unknown.text, unknown.stable_headers())
        );
        assert_eq!(post(&admin, &id, "enable").await.json()["disabled_at"], Value::Null);
        let again = app.log_in("ada@example.com").await;
        let activity = again.client.get("/api/v1/me/activity").await.json();
        let kinds: Vec<_> = activity["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| event["kind"].as_str().expect("a kind"))
            .collect();
        assert_eq!(
            kinds,
            ["logged_in", "account_enabled", "log_in_failed", "account_disabled", "signed_up"]
        );
    }

    async fn admin_revokes_all_sessions_of_an_account(app: App) {
        let admin = create_admin(&app, "admin@example.com").await;
        let (one, two) = (app.user("ada@example.com").await, app.log_in("ada@example.com").await);
        let id = id_of(&app, "ada@example.com").await;
        assert_eq!(
            admin.client.delete(&format!("{USERS}/{id}/sessions")).await.status,
            StatusCode::OK
        );
        for user in [&one, &two] {
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(
                app.anon()
                    .post("/api/v1/auth/refresh", json!({ "refresh_token": user.refresh }))
                    .await
                    .status,
                StatusCode::UNAUTHORIZED
            );
        }
        app.log_in("ada@example.com").await;
    }

    async fn last_administrator_cannot_be_demoted_or_disabled(app: App) {
        let admin = create_admin(&app, "admin@example.com").await;
        let id = id_of(&app, "admin@example.com").await;
        for response in [put_role(&admin, &id, "user").await, post(&admin, &id, "disable").await] {
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::CONFLICT, "last_admin")
            );
        }
        assert_eq!(admin.client.get(USERS).await.status, StatusCode::OK);
        // Two administrators demote each other at the same time.
        for round in 0..20 {
            let (a, b) = (
                create_admin(&app, &format!("a{round}@example.com")).await,
                create_admin(&app, &format!("b{round}@example.com")).await,
            );
            let ids = (
                id_of(&app, &format!("a{round}@example.com")).await,
                id_of(&app, &format!("b{round}@example.com")).await,
            );
            if round == 0 {
                assert_eq!(put_role(&a, &id, "user").await.status, StatusCode::OK);
            }
            let (first, second) =
                futures::join!(put_role(&a, &ids.1, "user"), put_role(&b, &ids.0, "user"));
            let mut statuses = [first.status, second.status];
            statuses.sort();
            assert!(
                matches!(
                    statuses,
                    [
                        StatusCode::OK,
                        StatusCode::CONFLICT | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                    ]
                ),
                "exactly one is demoted: {statuses:?} {} {}",
                first.text,
                second.text
            );
            // The next round starts without these two administrators.
            for id in [&ids.0, &ids.1] {
                let operator = app.server.auth().operator_for_tests(&RequestContext::default());
                operator
                    .change(id.parse().expect("an id"), AdminAction::Role(Role::User))
                    .await
                    .expect("changed");
            }
        }
    }

    async fn unknown_users_roles_and_members_are_refused_by_name(app: App) {
        let admin = create_admin(&app, "admin@example.com").await;
        for id in ["00000000-0000-7000-8000-000000000000", "me", "%00", "1"] {
            assert_eq!(
                admin.client.get(&format!("{USERS}/{id}")).await.status,
                StatusCode::NOT_FOUND,
                "{id}"
            );
            assert_eq!(post(&admin, id, "disable").await.status, StatusCode::NOT_FOUND, "{id}");
        }
        let id = id_of(&app, "admin@example.com").await;
        for (role, code) in [("", "missing"), ("root", "unknown_value"), ("Admin", "unknown_value")]
        {
            let response = put_role(&admin, &id, role).await;
            assert_eq!(response.field_errors(), [("/role".to_owned(), code.to_owned())]);
        }
        for name in [
            "role",
            "roles",
            "is_admin",
            "scopes",
            "email_verified",
            "id",
            "password_hash",
            "created_at",
        ] {
            let response =
                admin.client.patch("/api/v1/me", json!({ "name": "Admin", name: "admin" })).await;
            assert_eq!(
                response.field_errors(),
                [(format!("/{name}"), "unknown_member".to_owned())],
                "{name}: users cannot change it themselves"
            );
            let response = app
                .anon()
                .post(
                    "/api/v1/auth/signup",
                    json!({ "email": "eve@example.com", "password": PASSWORD, name: "admin" }),
                )
                .await;
            assert_eq!(
                response.field_errors(),
                [(format!("/{name}"), "unknown_member".to_owned())]
            );
        }
    }
}
