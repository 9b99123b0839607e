//! After a log-in users continue in an application of the operator, and nowhere else.

use crate::support::{App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::{test_on_each_database, testing};
use countersign_types::ReturnUrls;

const APP: &str = "https://app.example.com";

/// A server whose log-in page may return to an application.
struct Listed(App);

/// A server whose users continue in an application unless a link says otherwise.
struct AppByDefault(App);

impl Listed {
    async fn on(database: testing::TestDatabase) -> Self {
        Self(with_app(database, None).await)
    }
}

impl AppByDefault {
    async fn on(database: testing::TestDatabase) -> Self {
        Self(with_app(database, Some("https://app.example.com/home")).await)
    }
}

async fn with_app(database: testing::TestDatabase, default_url: Option<&str>) -> App {
    App::with_settings(database, "http://localhost:3000", |http| {
        http.return_urls = ReturnUrls {
            default_url: default_url.map(str::to_owned),
            origins: vec![APP.to_owned()],
        };
    })
    .await
}

/// Logs in with a plain form, and returns where it redirects.
async fn log_in_and_continue(app: &App, next: &str) -> String {
    let form = format!(
        "form[email]=ada@example.com&form[password]={}&next={next}",
        PASSWORD.replace(' ', "+")
    );
    let response = app.anon().submit("/fn/login", "/login", &form).await;
    assert_eq!(response.status, StatusCode::FOUND, "{next}");
    response.header("location").to_owned()
}

test_on_each_database! {
    async fn log_in_returns_to_listed_origins_only(server: Listed) {
        let app = server.0;
        app.user("ada@example.com").await;
        for (next, expected) in [
            ("https://app.example.com/notes?x=1", "https://app.example.com/notes?x=1"),
            ("https://app.example.com", APP),
            ("/account/activity", "/account/activity"),
            ("", "/account"),
            ("https://app.example.com.evil.example/", "/account"),
            ("https://app.example.com@evil.example/", "/account"),
            ("https://app.example.com%5C@evil.example/", "/account"),
            ("http://app.example.com/", "/account"),
            ("//app.example.com/", "/account"),
        ] {
            assert_eq!(log_in_and_continue(&app, next).await, expected, "{next:?}");
        }
        let form = format!(
            "form[email]=ada@example.com&form[password]={}&next=https://app.example.com/notes",
            PASSWORD.replace(' ', "+")
        );
        let script = app.anon().call("/fn/login", &form).await.json();
        assert_eq!(script["next"], "https://app.example.com/notes");
    }

    async fn log_in_without_target_leads_to_the_application(server: AppByDefault) {
        let app = server.0;
        app.user("ada@example.com").await;
        assert_eq!(log_in_and_continue(&app, "").await, "https://app.example.com/home");
        assert_eq!(log_in_and_continue(&app, "/account").await, "/account");
        assert_eq!(log_in_and_continue(&app, "//evil.example").await, "/account");
    }

    async fn log_in_page_passes_the_target_on_and_allows_its_redirect(server: Listed) {
        let app = server.0;
        let page = app.anon().get("/login?next=https://app.example.com/notes%3Fx").await;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");
        assert!(
            page.text.contains("href=\"/signup?next=https://app.example.com/notes%3Fx\""),
            "{}",
            page.text
        );
        let home = app.anon().get("/").await;
        assert!(home.header("content-security-policy").contains("form-action 'self';"));
        // Where the page leads if the user logs in in another tab.
        assert!(
            page.text.contains("id=\"continue-url\" value=\"https://app.example.com/notes?x\""),
            "{}",
            page.text
        );
        let page = app.anon().get("/login?next=https://evil.example/").await.text;
        assert!(!page.contains("href=\"/signup?next=https://evil"), "{page}");
        assert!(page.contains("id=\"continue-url\" value=\"/account\""), "{page}");
    }

    async fn signed_in_user_continues_without_another_log_in(server: Listed) {
        let app = server.0;
        let ada = app.user("ada@example.com").await;
        let browser = app.anon().browser(&ada.refresh);
        let page = browser.get("/login?next=https://app.example.com/notes").await.text;
        assert!(page.contains("href=\"https://app.example.com/notes\""), "{page}");
        let page = browser.get("/login?next=https://evil.example/").await.text;
        assert!(page.contains("Continue without") && !page.contains("href=\"https://evil"));
        let page = app.anon().get("/login?next=https://app.example.com/notes").await.text;
        assert!(!page.contains("Continue without"), "an anonymous client");
    }
}
