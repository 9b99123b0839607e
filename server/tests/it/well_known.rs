//! `/.well-known` URLs for people and password managers.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::{test_on_each_database, testing::TestDatabase};

/// A server with a security contact.
struct SecurityContactApp(App);

impl SecurityContactApp {
    async fn on(database: TestDatabase) -> Self {
        Self(
            App::with_settings(database, "https://accounts.example.com", |http| {
                http.security_contacts = vec!["mailto:security@example.com".to_owned()];
            })
            .await,
        )
    }
}

test_on_each_database! {
    async fn security_txt_lists_the_configured_contact(target: SecurityContactApp) {
        let response = target.0.anon().get("/.well-known/security.txt").await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (StatusCode::OK, "text/plain; charset=utf-8")
        );
        let lines: Vec<&str> = response.text.lines().collect();
        assert_eq!(lines[0], "Contact: mailto:security@example.com");
        assert!(
            lines[1].starts_with("Expires: 2") && lines[1].ends_with("T00:00:00Z"),
            "{}",
            lines[1]
        );
        assert_eq!(
            lines[2..],
            ["Canonical: https://accounts.example.com/.well-known/security.txt"]
        );
    }

    async fn security_txt_without_contact_returns_404(app: App) {
        let response = app.anon().get("/.well-known/security.txt").await;
        assert_eq!(
            (response.status, response.problem_code().as_str()),
            (StatusCode::NOT_FOUND, "not_found")
        );
    }

    async fn change_password_redirects_to_the_password_page(app: App) {
        let response = app.anon().get("/.well-known/change-password").await;
        assert_eq!(
            (response.status, response.header("location")),
            (StatusCode::FOUND, "/account/password")
        );
        // Password managers check that unknown paths return 404.
        let made_up = app
            .anon()
            .get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200")
            .await;
        assert_eq!(made_up.status, StatusCode::NOT_FOUND);
    }
}

#[test]
fn favicon_ico_is_smaller_than_one_kibibyte() {
    let icon = include_bytes!("../../../public/favicon.ico");
    assert!(icon.starts_with(&[0, 0, 1, 0, 1, 0]) && icon.len() < 1024);
}
