//! What every answer carries.

use crate::support::{App, PASSWORD, authority};
use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode},
};
use countersign_core::{on_both, testing::FreshDatabase};
use serde_json::json;
use std::{collections::HashSet, fs};
use tempfile::TempDir;

/// How people reach a server, and what its answers say of https then.
const URLS: [(&str, &str); 2] =
    [("http://localhost:3000", ""), ("https://accounts.example.com", "max-age=63072000")];

/// Whether an answer has all that protects it. `kept` is who may keep it, `https` what it says of
/// https.
fn is_protected(headers: &HeaderMap, kept: &str, https: &str, what: &str) {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().expect("text"));
    // Public documents may be embedded by whoever may read them.
    let resource =
        if header("access-control-allow-origin") == "*" { "cross-origin" } else { "same-origin" };
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", resource),
        ("strict-transport-security", https),
        ("cache-control", kept),
    ] {
        assert_eq!(header(name), value, "{what}: {name}");
    }
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && policy.contains("base-uri 'none'"),
        "{what}: {policy}"
    );
    assert!(
        !policy.contains("unsafe-inline")
            && !policy.contains("'unsafe-eval'")
            && !policy.contains("strict-dynamic"),
        "{what}: {policy}"
    );
    assert!(
        !header("permissions-policy").is_empty() && !header("x-request-id").is_empty(),
        "{what}"
    );
}

/// A server that limits, with a site of its own.
struct Guarded {
    app: App,
    folder: TempDir,
}

impl Guarded {
    async fn on(database: FreshDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pkg = folder.path().join("pkg");
        fs::create_dir(&pkg).expect("a folder");
        for (name, text) in [
            ("countersign.js", "export default 1;"),
            ("countersign.css", "body {}"),
            ("countersign.wasm", "\0asm"),
        ] {
            fs::write(pkg.join(name), text).expect("written");
        }
        Self { app: App::limiting(database).await, folder }
    }

    /// From now on people reach it by `url`.
    fn move_to(&mut self, url: &str) {
        self.app.move_to(url, self.folder.path());
    }
}

/// A server that people reach by https.
struct Secure(App);

impl Secure {
    async fn on(database: FreshDatabase) -> Self {
        Self(App::at(database, "https://accounts.example.com").await)
    }
}

on_both! {
    async fn every_answer_is_protected_whatever_its_status(target: Guarded) {
        let mut target = target;
        for (number, (url, https)) in URLS.into_iter().enumerate() {
            target.move_to(url);
            let (app, email) = (&target.app, format!("user{number}@example.com"));
            let user = app.user(&email).await;
            let send = async |method: Method, path: &str| {
                app.anon().send(method, path, Body::empty()).await
            };
            let log_in = async || {
                app.anon()
                    .post("/api/v1/auth/login", json!({"email": email, "password": "wrong"}))
                    .await
            };
            for _ in 0..5 {
                assert_eq!(log_in().await.status, StatusCode::UNAUTHORIZED);
            }
            let answers = [
                ("no-store", StatusCode::OK, send(Method::GET, "/").await),
                ("no-store", StatusCode::OK, user.client.get("/api/v1/me").await),
                (
                    "public, max-age=300",
                    StatusCode::OK,
                    app.anon().get("/.well-known/jwks.json").await,
                ),
                ("no-cache", StatusCode::OK, send(Method::GET, "/pkg/countersign.js").await),
                ("no-cache", StatusCode::OK, send(Method::GET, "/pkg/countersign.css").await),
                ("no-cache", StatusCode::OK, send(Method::GET, "/pkg/countersign.wasm").await),
                ("no-store", StatusCode::SEE_OTHER, send(Method::GET, "/account").await),
                ("no-store", StatusCode::UNAUTHORIZED, send(Method::GET, "/api/v1/me").await),
                (
                    "no-store",
                    StatusCode::FORBIDDEN,
                    app.anon()
                        .with("origin", "https://evil.example")
                        .post("/api/v1/auth/login", json!({}))
                        .await,
                ),
                ("no-store", StatusCode::NOT_FOUND, send(Method::GET, "/nothing").await),
                ("no-store", StatusCode::NOT_FOUND, send(Method::GET, "/pkg/nothing.js").await),
                (
                    "no-store",
                    StatusCode::METHOD_NOT_ALLOWED,
                    send(Method::DELETE, "/api/v1/me").await,
                ),
                (
                    "no-store",
                    StatusCode::PAYLOAD_TOO_LARGE,
                    app.anon()
                        .with("content-length", "99999999")
                        .post("/api/v1/auth/login", json!({}))
                        .await,
                ),
                (
                    "no-store",
                    StatusCode::UNPROCESSABLE_ENTITY,
                    app.anon().post("/api/v1/auth/login", json!({})).await,
                ),
                ("no-store", StatusCode::TOO_MANY_REQUESTS, log_in().await),
            ];
            for (kept, status, answer) in answers {
                assert_eq!(answer.status, status, "{}", answer.text);
                is_protected(
                    &answer.headers,
                    kept,
                    https,
                    &format!("{url} {status} {}", answer.text),
                );
            }
        }
    }

    async fn no_page_is_kept_however_its_address_is_written(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh).with("accept", "text/html");
        for page in countersign::router::PAGES.iter().map(leptos_axum::AxumRouteListing::path) {
            let pages = [
                page.to_owned(),
                format!("{page}/"),
                format!("{page}/?cursor=x"),
                format!("{page}//"),
                format!("{page}/."),
                format!("/{page}"),
                format!("{page}/%2e"),
            ];
            for address in pages {
                let answer = browser.get(&address).await;
                assert_eq!(
                    answer.header("cache-control"),
                    "no-store",
                    "{address}: {}",
                    answer.status
                );
                let led = answer.header("location");
                assert!(
                    led.is_empty()
                        || led.split('?').next() == Some(page)
                        || led.starts_with("/login"),
                    "{address} leads to {led}"
                );
            }
        }
        let answer = browser.get("/account/?x=1").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::PERMANENT_REDIRECT, "/account?x=1")
        );
    }

    async fn each_page_has_its_own_nonce_and_every_script_carries_it(app: App) {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let answer = app.anon().get("/login").await;
            let policy = answer.header("content-security-policy");
            let nonce = policy
                .split("'nonce-")
                .nth(1)
                .and_then(|rest| rest.split('\'').next())
                .expect("a nonce")
                .to_owned();
            assert!(nonce.len() >= 22, "128 bits: {nonce}");
            assert_eq!(
                answer.text.matches("<script").count(),
                answer.text.matches(&format!("nonce=\"{nonce}\"")).count(),
                "{}",
                answer.text
            );
            assert!(
                !answer.text.contains("style=\"")
                    && !answer.text.contains(" onclick")
                    && !answer.text.contains("<style")
            );
            assert!(seen.insert(nonce));
        }
    }

    async fn a_request_keeps_its_name_if_it_is_a_plain_one(app: App) {
        assert_eq!(
            app.anon()
                .with("x-request-id", "order-66")
                .get("/healthz")
                .await
                .header("x-request-id"),
            "order-66"
        );
        assert_ne!(
            app.anon().with("x-request-id", "a b<c>").get("/healthz").await.header("x-request-id"),
            "a b<c>"
        );
    }

    async fn people_see_a_page_where_programs_see_json(app: App) {
        let person = app.anon().with("accept", "text/html");
        let refused = person
            .clone()
            .with("origin", "https://evil.example")
            .with("content-type", crate::support::FORM)
            .send(Method::POST, "/fn/login", Body::empty())
            .await;
        let too_large = person
            .clone()
            .with("content-length", "99999999")
            .with("content-type", crate::support::FORM)
            .send(Method::POST, "/fn/login", Body::empty())
            .await;
        let no_such_method = person.send(Method::POST, "/login", Body::empty()).await;
        assert!(
            no_such_method.text.contains(countersign_leptos::words::not_here::HEADING)
                && too_large.text.contains(countersign_leptos::words::title(&countersign_leptos::problem::Problem::TooLarge))
        );
        for (status, answer) in [
            (StatusCode::FORBIDDEN, refused),
            (StatusCode::PAYLOAD_TOO_LARGE, too_large),
            (StatusCode::METHOD_NOT_ALLOWED, no_such_method),
        ] {
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (status, "text/html; charset=utf-8")
            );
            assert!(
                answer.text.starts_with("<!DOCTYPE html>") && answer.text.contains("<h1>"),
                "{}",
                answer.text
            );
            // It looks like the others, and needs no more than its style sheet for it.
            assert!(
                answer.text.contains(r#"href="/pkg/countersign.css""#)
                    && !answer.text.contains("<script"),
                "{}",
                answer.text
            );
            assert!(answer.header("content-security-policy").starts_with(
                "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'"
            ));
        }
    }

    async fn health_and_readiness_answer(app: App) {
        for path in ["/healthz", "/readyz"] {
            let answer = app.anon().get(path).await;
            assert_eq!(
                (answer.status, answer.text.as_str()),
                (StatusCode::OK, "{\"status\":\"ok\"}")
            );
        }
    }

    async fn over_https_the_cookie_is_bound_to_the_host_and_browsers_are_told_to_stay_on_https(
        target: Secure,
    ) {
        let app = target.0;
        let form =
            format!("form[email]=ada@example.com&form[password]={}", PASSWORD.replace(' ', "+"));
        let answer = app
            .anon()
            .with("origin", "https://accounts.example.com")
            .call("/fn/signup", &form)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let cookies = answer.cookies();
        assert!(
            cookies[0].starts_with("__Host-countersign=csgn_rt_")
                && cookies[0].contains("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000"),
            "{cookies:?}"
        );
        assert!(!cookies[0].contains("Domain"));
        assert_eq!(answer.header("strict-transport-security"), "max-age=63072000");
    }
}

/// A request for `/` of whoever reaches us by `url`.
fn asking(url: &str) -> axum::http::Request<Body> {
    axum::http::Request::builder()
        .header("host", authority(url))
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn panic_in_a_layer_is_a_protected_500() {
    use axum::{Router, extract::Request, middleware::from_fn, routing::get};
    use countersign::layers::panics::outermost;
    use tower::ServiceExt;
    fn panics(_: &Request) -> StatusCode {
        panic!("a secret")
    }
    for (url, https) in URLS {
        let app = App::at(FreshDatabase::sqlite(), url).await;
        let layered = Router::new().route("/", get(async || "never")).layer(from_fn(
            async |request: Request, _next: axum::middleware::Next| panics(&request),
        ));
        let answer =
            layered.layer(outermost(&app.server)).oneshot(asking(url)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let header = |name: &str| {
            answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
        };
        assert_eq!(
            (
                header("cache-control"),
                header("x-content-type-options"),
                header("strict-transport-security")
            ),
            ("no-store", "nosniff", https)
        );
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
}

#[tokio::test]
async fn hsts_for_subdomains_is_a_choice() {
    let app = App::with(FreshDatabase::sqlite(), "https://accounts.example.com", |http| {
        http.hsts_subdomains = true;
    })
    .await;
    assert_eq!(
        app.anon().get("/healthz").await.header("strict-transport-security"),
        "max-age=63072000; includeSubDomains"
    );
}

#[tokio::test]
async fn what_never_answers_is_given_up() {
    use axum::{Router, routing::get};
    use countersign::{layers::limits::LONGEST, router::protected};
    use tower::ServiceExt;
    let mut served = Vec::new();
    for (url, https) in URLS {
        let app = App::at(FreshDatabase::sqlite(), url).await;
        served.push((
            protected(
                Router::new().route("/", get(std::future::pending::<StatusCode>)),
                app.server.clone(),
            ),
            asking(url),
            https,
            app,
        ));
    }
    // From here on time passes by itself whenever nobody has anything to do.
    tokio::time::pause();
    for (router, request, https, _app) in served {
        let started = tokio::time::Instant::now();
        let answer = router.oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        is_protected(answer.headers(), "no-store", https, "503");
        assert!(answer.headers().contains_key("retry-after"));
        assert!(started.elapsed() >= LONGEST);
    }
}

#[tokio::test]
async fn a_panic_is_a_plain_500_and_the_server_goes_on() {
    use axum::{Router, routing::get};
    use countersign::router::protected;
    use tower::ServiceExt;
    async fn panics() -> StatusCode {
        panic!("a secret")
    }
    for (url, https) in URLS {
        let app = App::at(FreshDatabase::sqlite(), url).await;
        let router = protected(Router::new().route("/", get(panics)), app.server.clone());
        for _ in 0..2 {
            let answer = router.clone().oneshot(asking(url)).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            is_protected(answer.headers(), "no-store", https, "500");
            let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
            assert!(!String::from_utf8_lossy(&body).contains("secret"));
        }
    }
}
