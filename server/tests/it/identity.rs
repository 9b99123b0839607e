//! What a proxy is told that asks who a request is from.

use crate::support::{Answer, App, hear};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{flow::Change, on_both, testing::FreshDatabase};
use countersign_types::{Email, Span, view::Role};
use serde_json::json;

const VERIFY: &str = "/api/v1/auth/verify";

/// A server that tells proxies who a user is.
struct Telling(App);

impl Telling {
    async fn on(database: FreshDatabase) -> Self {
        Self(
            App::with(database, "http://localhost:3000", |http| http.identity_headers = true).await,
        )
    }
}

/// The headers that a proxy hands on.
fn identity(answer: &Answer) -> (StatusCode, String, String) {
    (answer.status, answer.header("x-user-id").to_owned(), answer.header("x-user-roles").to_owned())
}

fn nobody(status: StatusCode) -> (StatusCode, String, String) {
    (status, String::new(), String::new())
}

on_both! {
    async fn verify_tells_a_proxy_the_user_and_the_roles(target: Telling) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        let id =
            ada.client.get("/api/v1/me").await.json()["id"].as_str().expect("an id").to_owned();
        let told = (StatusCode::OK, id.clone(), "user".to_owned());
        let by_access_cookie =
            app.anon().with("cookie", &format!("countersign-3000-access={}", ada.access));
        let by_refresh_cookie =
            app.anon().with("cookie", &format!("countersign-3000={}", ada.refresh));
        for client in [&ada.client, &by_access_cookie, &by_refresh_cookie] {
            // What a client says of itself in these headers counts for nothing.
            let forging = client
                .clone()
                .with("x-user-id", "00000000-0000-7000-8000-000000000000")
                .with("x-user-roles", "admin");
            for client in [client, &forging] {
                let answer = client.get(VERIFY).await;
                assert_eq!((identity(&answer), answer.text.as_str()), (told.clone(), ""));
                assert!(answer.cookies().is_empty(), "nothing is refreshed");
                assert_eq!(identity(&client.send(Method::HEAD, VERIFY, Body::empty()).await), told);
            }
        }
        let operator = app.server.auth().operator_for_tests(&countersign_core::Client::default());
        let user = operator
            .user_with(&Email::parse("ada@example.com").expect("an address"))
            .await
            .expect("a user")
            .id;
        operator.change(user, Change::Role(Role::Admin)).await.expect("changed");
        hear(&app).await;
        assert_eq!(
            identity(&ada.client.get(VERIFY).await),
            nobody(StatusCode::UNAUTHORIZED),
            "the roles in the token have changed"
        );
        let (status, _, roles) = identity(&by_refresh_cookie.get(VERIFY).await);
        assert!(
            status == StatusCode::OK && roles.split(',').any(|role| role == "admin"),
            "{roles}"
        );
    }

    async fn verify_refuses_whoever_is_not_signed_in(target: Telling) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        let cookies = format!("countersign-3000={}; countersign-3000-access={}", ada.refresh, ada.access);
        let forging = app
            .anon()
            .with("x-user-id", "00000000-0000-7000-8000-000000000000")
            .with("x-user-roles", "admin");
        assert_eq!(identity(&forging.get(VERIFY).await), nobody(StatusCode::UNAUTHORIZED));
        for wrong in ["Bearer nonsense", "Basic YTpi", &format!("Bearer {}", ada.refresh)] {
            let beside = app
                .anon()
                .with("authorization", wrong)
                .with("cookie", &format!("countersign-3000={}", ada.refresh));
            assert_eq!(
                identity(&beside.get(VERIFY).await),
                nobody(StatusCode::UNAUTHORIZED),
                "{wrong}: no cookie makes up for it"
            );
        }
        app.clock.advance(Span::minutes(11));
        hear(&app).await;
        assert_eq!(
            identity(&ada.client.get(VERIFY).await),
            nobody(StatusCode::UNAUTHORIZED),
            "expired"
        );
        assert_eq!(
            app.anon().with("cookie", &cookies).get(VERIFY).await.status,
            StatusCode::OK,
            "the session goes on"
        );
        app.anon().post("/api/v1/auth/logout", json!({"refresh_token": ada.refresh})).await;
        assert_eq!(
            identity(&app.anon().with("cookie", &cookies).get(VERIFY).await),
            nobody(StatusCode::UNAUTHORIZED),
            "logged out"
        );
    }

    async fn verify_without_the_setting_names_nobody(app: App) {
        let ada = app.user("ada@example.com").await;
        assert_eq!(identity(&ada.client.get(VERIFY).await), nobody(StatusCode::OK));
        assert_eq!(identity(&app.anon().get(VERIFY).await), nobody(StatusCode::UNAUTHORIZED));
    }
}
