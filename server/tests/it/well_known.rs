//! Addresses below `/.well-known` that people and password managers use.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::{on_both, testing::FreshDatabase};

/// A server whose operator wants to be told of vulnerabilities.
struct Reachable(App);

impl Reachable {
    async fn on(database: FreshDatabase) -> Self {
        Self(
            App::with(database, "https://accounts.example.com", |http| {
                http.security_contacts = vec!["mailto:security@example.com".to_owned()];
            })
            .await,
        )
    }
}

on_both! {
    async fn security_txt_names_the_contact_that_is_set(target: Reachable) {
        let answer = target.0.anon().get("/.well-known/security.txt").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "text/plain; charset=utf-8")
        );
        let lines: Vec<&str> = answer.text.lines().collect();
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

    async fn security_txt_without_a_contact_is_not_found(app: App) {
        let answer = app.anon().get("/.well-known/security.txt").await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::NOT_FOUND, "not_found")
        );
    }

    async fn change_password_leads_to_the_page(app: App) {
        let answer = app.anon().get("/.well-known/change-password").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FOUND, "/account/password")
        );
        // A password manager looks whether made-up addresses are told from real ones.
        let made_up = app
            .anon()
            .get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200")
            .await;
        assert_eq!(made_up.status, StatusCode::NOT_FOUND);
    }
}

#[test]
fn favicon_ico_is_an_icon_of_less_than_a_kibibyte() {
    let icon = include_bytes!("../../../public/favicon.ico");
    assert!(icon.starts_with(&[0, 0, 1, 0, 1, 0]) && icon.len() < 1024);
}
