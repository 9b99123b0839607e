//! Forward authentication: a reverse proxy asks the server to authenticate a request.

use crate::support::{App, TestResponse, sync_feed};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{admin::AdminAction, test_on_each_database, testing::TestDatabase};
use countersign_types::{Email, TimeSpan, views::Role};
use serde_json::json;

const VERIFY: &str = "/api/v1/auth/verify";

/// A server with identity headers enabled.
struct IdentityHeaderApp(App);

impl IdentityHeaderApp {
    async fn on(database: TestDatabase) -> Self {
        Self(
            App::with_settings(database, "http://localhost:3000", |http| {
                http.identity_headers = true;
            })
            .await,
        )
    }
}

/// Status and identity headers, which a proxy forwards.
fn identity(response: &TestResponse) -> (StatusCode, String, String) {
    (
        response.status,
        response.header("x-user-id").to_owned(),
        response.header("x-user-roles").to_owned(),
    )
}

/// The expected response with this status and no identity headers.
fn no_identity(status: StatusCode) -> (StatusCode, String, String) {
    (status, String::new(), String::new())
}

test_on_each_database! {
    async fn verify_returns_user_id_and_roles_to_the_proxy(target: IdentityHeaderApp) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        let id =
            ada.client.get("/api/v1/me").await.json()["id"].as_str().expect("an id").to_owned();
        let expected = (StatusCode::OK, id.clone(), "user".to_owned());
        let by_access_cookie =
            app.anon().with("cookie", &format!("countersign-3000-access={}", ada.access));
        let by_refresh_cookie =
            app.anon().with("cookie", &format!("countersign-3000={}", ada.refresh));
        for client in [&ada.client, &by_access_cookie, &by_refresh_cookie] {
            // Identity headers from a client are ignored.
            let forging = client
                .clone()
                .with("x-user-id", "00000000-0000-7000-8000-000000000000")
                .with("x-user-roles", "admin");
            for client in [client, &forging] {
                let response = client.get(VERIFY).await;
                assert_eq!((identity(&response), response.text.as_str()), (expected.clone(), ""));
                assert!(response.cookies().is_empty(), "the refresh token is not rotated");
                assert_eq!(
                    identity(&client.send(Method::HEAD, VERIFY, Body::empty()).await),
                    expected
                );
            }
        }
        let operator =
            app.server.auth().operator_for_tests(&countersign_core::RequestContext::default());
        let user = operator
            .user_by_email(&Email::parse("ada@example.com").expect("an address"))
            .await
            .expect("a user")
            .id;
        operator.change(user, AdminAction::Role(Role::Admin)).await.expect("changed");
        sync_feed(&app).await;
        assert_eq!(
            identity(&ada.client.get(VERIFY).await),
            no_identity(StatusCode::UNAUTHORIZED),
            "the roles have changed since the token was issued"
        );
        let (status, _, roles) = identity(&by_refresh_cookie.get(VERIFY).await);
        assert!(
            status == StatusCode::OK && roles.split(',').any(|role| role == "admin"),
            "{roles}"
        );
    }

    async fn verify_refuses_requests_without_valid_session(target: IdentityHeaderApp) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        let cookies =
            format!("countersign-3000={}; countersign-3000-access={}", ada.refresh, ada.access);
        let forging = app
            .anon()
            .with("x-user-id", "00000000-0000-7000-8000-000000000000")
            .with("x-user-roles", "admin");
        assert_eq!(identity(&forging.get(VERIFY).await), no_identity(StatusCode::UNAUTHORIZED));
        for wrong in ["Bearer nonsense", "Basic YTpi", &format!("Bearer {}", ada.refresh)] {
            let beside = app
                .anon()
                .with("authorization", wrong)
                .with("cookie", &format!("countersign-3000={}", ada.refresh));
            assert_eq!(
                identity(&beside.get(VERIFY).await),
                no_identity(StatusCode::UNAUTHORIZED),
                "{wrong}: the cookie is not used instead"
            );
        }
        app.clock.advance(TimeSpan::minutes(11));
        sync_feed(&app).await;
        assert_eq!(
            identity(&ada.client.get(VERIFY).await),
            no_identity(StatusCode::UNAUTHORIZED),
            "expired"
        );
        assert_eq!(
            app.anon().with("cookie", &cookies).get(VERIFY).await.status,
            StatusCode::OK,
            "the session is still active"
        );
        app.anon().post("/api/v1/auth/logout", json!({"refresh_token": ada.refresh})).await;
        assert_eq!(
            identity(&app.anon().with("cookie", &cookies).get(VERIFY).await),
            no_identity(StatusCode::UNAUTHORIZED),
            "logged out"
        );
    }

    async fn verify_without_the_setting_sends_no_identity_headers(app: App) {
        let ada = app.user("ada@example.com").await;
        assert_eq!(identity(&ada.client.get(VERIFY).await), no_identity(StatusCode::OK));
        assert_eq!(identity(&app.anon().get(VERIFY).await), no_identity(StatusCode::UNAUTHORIZED));
    }
}
