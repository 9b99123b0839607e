//! Response headers, error pages, timeouts and panics: what the middleware does to every response.

use crate::support::{App, PASSWORD, authority};
use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode},
};
use countersign_core::{test_on_each_database, testing::TestDatabase};
use countersign_leptos::messages::bad_request_page;
use serde_json::json;
use std::{collections::HashSet, fs};
use tempfile::TempDir;

/// Public URLs, each with its expected `Strict-Transport-Security`.
const URLS: [(&str, &str); 2] =
    [("http://localhost:3000", ""), ("https://accounts.example.com", "max-age=63072000")];

/// Asserts all security headers. `cache` is the expected `Cache-Control`, `hsts` the expected
/// `Strict-Transport-Security`.
fn assert_security_headers(headers: &HeaderMap, cache: &str, hsts: &str, context: &str) {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().expect("text"));
    // Public documents may be embedded by every origin that may read them.
    let resource =
        if header("access-control-allow-origin") == "*" { "cross-origin" } else { "same-origin" };
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", resource),
        ("strict-transport-security", hsts),
        ("cache-control", cache),
    ] {
        assert_eq!(header(name), value, "{context}: {name}");
    }
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && policy.contains("base-uri 'none'"),
        "{context}: {policy}"
    );
    assert!(
        !policy.contains("unsafe-inline")
            && !policy.contains("'unsafe-eval'")
            && !policy.contains("strict-dynamic"),
        "{context}: {policy}"
    );
    let kind = header("content-type");
    let is_subresource = ["text/css", "text/javascript", "application/wasm"]
        .iter()
        .any(|subresource| kind.starts_with(subresource));
    assert_eq!(header("permissions-policy").is_empty(), is_subresource, "{context}: {kind}");
    assert!(!header("x-request-id").is_empty(), "{context}");
}

/// A server with rate limits and a site.
struct RateLimitedSite {
    app: App,
    folder: TempDir,
}

impl RateLimitedSite {
    async fn on(database: TestDatabase) -> Self {
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
        Self { app: App::with_rate_limits(database).await, folder }
    }

    /// Changes the public URL.
    fn set_url(&mut self, url: &str) {
        self.app.set_url_and_site(url, self.folder.path());
    }
}

/// A server with an HTTPS public URL.
struct HttpsApp(App);

impl HttpsApp {
    async fn on(database: TestDatabase) -> Self {
        Self(App::with_url(database, "https://accounts.example.com").await)
    }
}

test_on_each_database! {
    async fn every_response_has_security_headers(target: RateLimitedSite) {
        let mut target = target;
        for (number, (url, hsts)) in URLS.into_iter().enumerate() {
            target.set_url(url);
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
            let responses = [
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
            for (cache, status, response) in responses {
                assert_eq!(response.status, status, "{}", response.text);
                assert_security_headers(
                    &response.headers,
                    cache,
                    hsts,
                    &format!("{url} {status} {}", response.text),
                );
            }
        }
    }

    async fn pages_are_not_cached_under_any_spelling_of_the_path(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh).with("accept", "text/html");
        for page in countersign::router::PAGE_ROUTES.iter().map(leptos_axum::AxumRouteListing::path)
        {
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
                let response = browser.get(&address).await;
                assert_eq!(
                    response.header("cache-control"),
                    "no-store",
                    "{address}: {}",
                    response.status
                );
                let location = response.header("location");
                assert!(
                    location.is_empty()
                        || location.split('?').next() == Some(page)
                        || location.starts_with("/login"),
                    "{address} redirects to {location}"
                );
            }
        }
        let response = browser.get("/account/?x=1").await;
        assert_eq!(
            (response.status, response.header("location")),
            (StatusCode::PERMANENT_REDIRECT, "/account?x=1")
        );
    }

    async fn page_announces_its_files_in_a_link_header(app: App) {
        let page = app.anon().get("/login").await;
        let announced: Vec<_> = page.header("link").split(", ").collect();
        assert_eq!(
            announced,
            [
                "</pkg/countersign.css>; rel=preload; as=style",
                "</pkg/countersign.js>; rel=modulepreload",
                "</pkg/countersign.wasm>; rel=preload; as=fetch; type=\"application/wasm\"; \
                 crossorigin",
            ]
        );
        for link in announced {
            let url = link[1..].split('>').next().expect("a URL");
            assert!(page.text.contains(&format!("href=\"{url}\"")), "{url} is on the page");
        }
        for path in ["/api/v1/me", "/account", "/openapi.json"] {
            assert_eq!(app.anon().get(path).await.header("link"), "", "{path} is no page");
        }
    }

    async fn each_page_has_a_fresh_nonce_on_every_script(app: App) {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let response = app.anon().get("/login").await;
            let policy = response.header("content-security-policy");
            let nonce = policy
                .split("'nonce-")
                .nth(1)
                .and_then(|rest| rest.split('\'').next())
                .expect("a nonce")
                .to_owned();
            assert!(nonce.len() >= 22, "128 bits: {nonce}");
            assert_eq!(
                response.text.matches("<script").count(),
                response.text.matches(&format!("nonce=\"{nonce}\"")).count(),
                "{}",
                response.text
            );
            assert!(
                !response.text.contains("style=\"")
                    && !response.text.contains(" onclick")
                    && !response.text.contains("<style")
            );
            assert!(seen.insert(nonce));
        }
    }

    async fn well_formed_request_id_is_kept(app: App) {
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

    async fn errors_are_html_pages_for_browsers(app: App) {
        let browser = app.anon().with("accept", "text/html");
        let refused = browser
            .clone()
            .with("origin", "https://evil.example")
            .with("content-type", crate::support::FORM)
            .send(Method::POST, "/fn/login", Body::empty())
            .await;
        let too_large = browser
            .clone()
            .with("content-length", "99999999")
            .with("content-type", crate::support::FORM)
            .send(Method::POST, "/fn/login", Body::empty())
            .await;
        let no_such_method = browser.send(Method::POST, "/login", Body::empty()).await;
        assert!(
            no_such_method.text.contains(bad_request_page::HEADING.text())
                && too_large.text.contains(countersign_types::Problem::TooLarge.title().text())
        );
        for (status, response) in [
            (StatusCode::FORBIDDEN, refused),
            (StatusCode::PAYLOAD_TOO_LARGE, too_large),
            (StatusCode::METHOD_NOT_ALLOWED, no_such_method),
        ] {
            assert_eq!(
                (response.status, response.header("content-type")),
                (status, "text/html; charset=utf-8")
            );
            assert!(
                response.text.starts_with("<!DOCTYPE html>") && response.text.contains("<h1 "),
                "{}",
                response.text
            );
            // The page has the site's style sheet, and no script.
            assert!(
                response.text.contains(r#"href="/pkg/countersign.css""#)
                    && !response.text.contains("<script"),
                "{}",
                response.text
            );
            assert!(response.header("content-security-policy").starts_with(
                "default-src 'none'; style-src 'self'; img-src 'self' data:; \
                 font-src 'self'; base-uri 'none'"
            ));
        }
    }

    async fn liveness_and_readiness_return_200(app: App) {
        for path in ["/healthz", "/readyz"] {
            let response = app.anon().get(path).await;
            assert_eq!(
                (response.status, response.text.as_str()),
                (StatusCode::OK, "{\"status\":\"ok\"}")
            );
        }
    }

    async fn https_server_sets_host_prefixed_cookie_and_hsts(target: HttpsApp) {
        let app = target.0;
        let form =
            format!("form[email]=ada@example.com&form[password]={}", PASSWORD.replace(' ', "+"));
        let response = app
            .anon()
            .with("origin", "https://accounts.example.com")
            .call("/fn/signup", &form)
            .await;
        assert_eq!(response.status, StatusCode::OK, "{}", response.text);
        let cookies = response.cookies();
        assert!(
            cookies[0].starts_with("__Host-countersign=csgn_rt_")
                && cookies[0].contains("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=7776000"),
            "{cookies:?}"
        );
        assert!(!cookies[0].contains("Domain"));
        assert_eq!(response.header("strict-transport-security"), "max-age=63072000");
    }
}

/// A request for `/` with the host of this URL.
fn root_request(url: &str) -> axum::http::Request<Body> {
    axum::http::Request::builder()
        .header("host", authority(url))
        .body(Body::empty())
        .expect("a request")
}

#[tokio::test]
async fn panic_in_middleware_returns_500_with_security_headers() {
    use axum::response::Response;
    use countersign_http::middleware::{BoxedRequest, catch_panic::catch_middleware_panic};
    async fn panics(_: BoxedRequest) -> Response {
        panic!("a secret")
    }
    for (url, hsts) in URLS {
        let app = App::with_url(TestDatabase::sqlite(), url).await;
        let request = Box::new(root_request(url));
        let response = catch_middleware_panic(app.server.http(), request, panics).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let header = |name: &str| {
            response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
        };
        assert_eq!(
            (
                header("cache-control"),
                header("x-content-type-options"),
                header("strict-transport-security")
            ),
            ("no-store", "nosniff", hsts)
        );
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
}

#[tokio::test]
async fn hsts_includes_subdomains_if_configured() {
    let app = App::with_settings(TestDatabase::sqlite(), "https://accounts.example.com", |http| {
        http.hsts_subdomains = true;
    })
    .await;
    assert_eq!(
        app.anon().get("/healthz").await.header("strict-transport-security"),
        "max-age=63072000; includeSubDomains"
    );
}

#[tokio::test]
async fn handler_that_never_responds_times_out_with_503() {
    use axum::{Router, routing::get};
    use countersign::middleware::stack::with_middleware;
    use countersign_http::api::access::AccessLevels;
    use countersign_http::middleware::request_limits::REQUEST_TIMEOUT;
    use tower::ServiceExt;
    let mut served = Vec::new();
    for (url, hsts) in URLS {
        let app = App::with_url(TestDatabase::sqlite(), url).await;
        served.push((
            with_middleware(
                Router::new().route("/", get(std::future::pending::<StatusCode>)),
                AccessLevels::default(),
                app.server.clone(),
            ),
            root_request(url),
            hsts,
            app,
        ));
    }
    // With the clock paused, timeouts elapse as soon as all tasks are idle.
    tokio::time::pause();
    for (router, request, hsts, _app) in served {
        let started = tokio::time::Instant::now();
        let response = router.oneshot(request).await.expect("a response");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_security_headers(response.headers(), "no-store", hsts, "503");
        assert!(response.headers().contains_key("retry-after"));
        assert!(started.elapsed() >= REQUEST_TIMEOUT);
    }
}

#[tokio::test]
async fn panic_in_handler_returns_500_and_server_continues() {
    use axum::{Router, routing::get};
    use countersign::middleware::stack::with_middleware;
    use countersign_http::api::access::AccessLevels;
    use tower::ServiceExt;
    async fn panics() -> StatusCode {
        panic!("a secret")
    }
    for (url, hsts) in URLS {
        let app = App::with_url(TestDatabase::sqlite(), url).await;
        let router = with_middleware(
            Router::new().route("/", get(panics)),
            AccessLevels::default(),
            app.server.clone(),
        );
        for _ in 0..2 {
            let response = router.clone().oneshot(root_request(url)).await.expect("a response");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_security_headers(response.headers(), "no-store", hsts, "500");
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
            assert!(!String::from_utf8_lossy(&body).contains("secret"));
        }
    }
}
