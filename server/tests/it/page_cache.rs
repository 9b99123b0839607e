//! Pages that are kept for visitors without a session.

use crate::support::{App, TestResponse};
use axum::http::{HeaderMap, StatusCode};
use countersign::middleware::page_cache::PAGES;
use countersign_core::test_on_each_database;
use std::collections::HashSet;

/// Returns the nonce of a page, which its policy and its scripts must agree on.
fn nonce(page: &TestResponse) -> String {
    let policy = page.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
    let nonce = nonce.expect("a nonce").to_owned();
    let scripts = page.text.matches("<script").count();
    assert_eq!(page.text.matches(&format!("nonce=\"{nonce}\"")).count(), scripts);
    assert!(scripts >= 2 && nonce.len() >= 16, "{nonce}");
    nonce
}

/// Returns what must be the same in two responses with the same page.
fn without_nonce(page: &TestResponse) -> (StatusCode, HeaderMap, String) {
    let nonce = nonce(page);
    let mut headers = page.headers.clone();
    for name in ["x-request-id", "content-security-policy"] {
        headers.remove(name);
    }
    let text = format!("{}{}", page.header("content-security-policy"), page.text);
    (page.status, headers, text.replace(&nonce, "NONCE"))
}

test_on_each_database! {
    async fn kept_page_differs_from_a_rendered_one_in_its_nonce_only(app: App) {
        let mut nonces = HashSet::new();
        let mut texts = HashSet::new();
        for path in PAGES {
            for theme in ["", "countersign-theme=light", "countersign-theme=dark"] {
                let known = || app.anon().with("cookie", theme);
                let other = format!("{theme}; other=1");
                let rendered = app.anon().with("cookie", other.trim_start_matches("; "));
                let rendered = rendered.get(path).await;
                for kept in [known().get(path).await, known().get(path).await] {
                    assert_eq!(without_nonce(&kept), without_nonce(&rendered), "{path} {theme}");
                    assert!(nonces.insert(nonce(&kept)), "each response has its own nonce");
                }
                texts.insert(without_nonce(&rendered).2);
            }
        }
        assert_eq!(texts.len(), 3 * PAGES.len(), "pages differ by path and theme");
    }

    async fn page_of_a_user_or_with_a_query_is_never_kept(app: App) {
        let user = app.user("ada@example.com").await;
        for _ in 0..2 {
            let own = app.anon().browser(&user.refresh).get("/").await;
            assert!(own.text.contains("ada@example.com"));
            let anonymous = app.anon().get("/").await;
            assert!(!anonymous.text.contains("ada@example.com"));
            let with_query = app.anon().get("/login?ended").await;
            let without = app.anon().get("/login").await;
            assert_ne!(without_nonce(&with_query).2, without_nonce(&without).2);
        }
    }
}
