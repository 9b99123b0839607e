//! What every answer carries.

use crate::support::{App, PASSWORD};
use auth::{on_both, testing::FreshDatabase};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::json;
use std::collections::HashSet;

on_both! {
    async fn every_answer_is_protected_whatever_its_status(app: App) {
        let user = app.user("ada@example.com").await;
        let send = async |method: Method, path: &str| app.anon().send(method, path, Body::empty()).await;
        let answers = [
            (StatusCode::OK, send(Method::GET, "/").await),
            (StatusCode::OK, user.client.get("/api/v1/me").await),
            (StatusCode::OK, app.anon().get("/.well-known/jwks.json").await),
            (StatusCode::SEE_OTHER, send(Method::GET, "/account").await),
            (StatusCode::UNAUTHORIZED, send(Method::GET, "/api/v1/me").await),
            (StatusCode::FORBIDDEN, app.anon().with("origin", "https://evil.example").post("/api/v1/auth/login", json!({})).await),
            (StatusCode::NOT_FOUND, send(Method::GET, "/nothing").await),
            (StatusCode::NOT_FOUND, send(Method::GET, "/pkg/nothing.js").await),
            (StatusCode::METHOD_NOT_ALLOWED, send(Method::DELETE, "/api/v1/me").await),
            (StatusCode::PAYLOAD_TOO_LARGE, app.anon().with("content-length", "99999999").post("/api/v1/auth/login", json!({})).await),
            (StatusCode::UNPROCESSABLE_ENTITY, app.anon().post("/api/v1/auth/login", json!({})).await),
        ];
        for (status, answer) in answers {
            assert_eq!(answer.status, status, "{}", answer.text);
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "same-origin"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-embedder-policy", "require-corp"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(answer.header(name), value, "{status} {name}");
            }
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{status}: {policy}");
            assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains("strict-dynamic"), "{policy}");
            assert!(!answer.header("permissions-policy").is_empty() && !answer.header("x-request-id").is_empty());
            assert_eq!(answer.header("strict-transport-security"), "", "not over plain http");
            let public = answer.text.contains("\"keys\"");
            assert_eq!(answer.header("cache-control"), if public { "public, max-age=300" } else { "no-store" }, "{status}");
        }
    }

    async fn no_page_is_kept_however_its_address_is_written(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh).with("accept", "text/html");
        for page in server::router::PAGES.iter().map(leptos_axum::AxumRouteListing::path) {
            let pages = [page.to_owned(), format!("{page}/"), format!("{page}/?cursor=x"), format!("{page}//"), format!("{page}/."), format!("/{page}"), format!("{page}/%2e")];
            for address in pages {
                let answer = browser.get(&address).await;
                assert_eq!(answer.header("cache-control"), "no-store", "{address}: {}", answer.status);
                let led = answer.header("location");
                assert!(led.is_empty() || led.split('?').next() == Some(page) || led.starts_with("/login"), "{address} leads to {led}");
            }
        }
        let answer = browser.get("/account/?x=1").await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::PERMANENT_REDIRECT, "/account?x=1"));
    }

    async fn each_page_has_its_own_nonce_and_every_script_carries_it(app: App) {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let answer = app.anon().get("/login").await;
            let policy = answer.header("content-security-policy");
            let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
            assert!(nonce.len() >= 22, "128 bits: {nonce}");
            assert_eq!(answer.text.matches("<script").count(), answer.text.matches(&format!("nonce=\"{nonce}\"")).count(), "{}", answer.text);
            assert!(!answer.text.contains("style=\"") && !answer.text.contains(" onclick") && !answer.text.contains("<style"));
            assert!(seen.insert(nonce));
        }
    }

    async fn a_request_keeps_its_name_if_it_is_a_plain_one(app: App) {
        assert_eq!(app.anon().with("x-request-id", "order-66").get("/healthz").await.header("x-request-id"), "order-66");
        assert_ne!(app.anon().with("x-request-id", "a b<c>").get("/healthz").await.header("x-request-id"), "a b<c>");
    }

    async fn people_see_a_page_where_programs_see_json(app: App) {
        let person = app.anon().with("accept", "text/html");
        let refused = person.clone().with("origin", "https://evil.example").with("content-type", crate::support::FORM).send(Method::POST, "/fn/login", Body::empty()).await;
        let too_large = person.clone().with("content-length", "99999999").with("content-type", crate::support::FORM).send(Method::POST, "/fn/login", Body::empty()).await;
        let no_such_method = person.send(Method::POST, "/login", Body::empty()).await;
        assert!(no_such_method.text.contains(app::words::not_here::HEADING) && too_large.text.contains(app::words::title(&app::problem::Problem::TooLarge)));
        for (status, answer) in [(StatusCode::FORBIDDEN, refused), (StatusCode::PAYLOAD_TOO_LARGE, too_large), (StatusCode::METHOD_NOT_ALLOWED, no_such_method)] {
            assert_eq!((answer.status, answer.header("content-type")), (status, "text/html; charset=utf-8"));
            assert!(answer.text.starts_with("<!DOCTYPE html>") && answer.text.contains("<h1>"), "{}", answer.text);
            // It looks like the others, and needs no more than its style sheet for it.
            assert!(answer.text.contains(r#"href="/pkg/latchkey.css""#) && !answer.text.contains("<script"), "{}", answer.text);
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'"));
        }
    }

    async fn health_and_readiness_answer(app: App) {
        for path in ["/healthz", "/readyz"] {
            let answer = app.anon().get(path).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "{\"status\":\"ok\"}"));
        }
    }
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host_and_browsers_are_told_to_stay_on_https() {
    let app = App::at(FreshDatabase::sqlite(), "https://accounts.example.com").await;
    let form = format!("form[email]=ada@example.com&form[password]={}", PASSWORD.replace(' ', "+"));
    let answer = app.anon().with("origin", "https://accounts.example.com").call("/fn/signup", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let cookies = answer.cookies();
    assert!(cookies[0].starts_with("__Host-latchkey=lkr_") && cookies[0].contains("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000"), "{cookies:?}");
    assert!(!cookies[0].contains("Domain"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=63072000; includeSubDomains");
}

#[tokio::test]
async fn what_never_answers_is_given_up() {
    use axum::{Router, routing::get};
    use server::{layers::limits::LONGEST, router::protected};
    use tower::ServiceExt;
    let app = App::on(FreshDatabase::sqlite()).await;
    let router = protected(Router::new().route("/", get(std::future::pending::<StatusCode>)), app.server.clone());
    // From here on time passes by itself whenever nobody has anything to do.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let answer = router.oneshot(axum::http::Request::new(Body::empty())).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    for name in ["content-security-policy", "cache-control", "x-content-type-options", "x-request-id", "retry-after"] {
        assert!(answer.headers().contains_key(name), "{name}");
    }
    assert!(started.elapsed() >= LONGEST);
}

#[tokio::test]
async fn a_panic_is_a_plain_500_and_the_server_goes_on() {
    use axum::{Router, routing::get};
    use server::router::protected;
    use tower::ServiceExt;
    async fn panics() -> StatusCode {
        panic!("a secret")
    }
    let app = App::on(FreshDatabase::sqlite()).await;
    let router = protected(Router::new().route("/", get(panics)), app.server.clone());
    for _ in 0..2 {
        let answer = router.clone().oneshot(axum::http::Request::new(Body::empty())).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        for name in ["content-security-policy", "cache-control", "x-content-type-options", "x-request-id"] {
            assert!(answer.headers().contains_key(name), "{name}");
        }
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
}
