//! Static files: only the files of the site are served, with content types, ranges and caching.

use crate::support::{App, FORM, JSON, admin_client, send_body, server_function_paths};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{test_on_each_database, testing::TestDatabase};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink};
use tempfile::TempDir;

const SECRET: &str = "SECRET outside of the site";

/// A server with a site folder as `cargo leptos build` creates it, and secret files around it.
struct SiteFixture {
    app: App,
    folder: TempDir,
}

impl SiteFixture {
    async fn on(database: TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        };
        for outside in [
            "Cargo.toml",
            ".env",
            ".git/config",
            "data/secret",
            "countersign.toml",
            "sitemap/x",
            "etc/passwd",
        ] {
            write(outside, SECRET);
        }
        for inside in [
            "site/.env",
            "site/.git/config",
            "site/.git/HEAD",
            "site/pkg/.env",
            "site/.htaccess",
            "site/.ssh/id",
        ] {
            write(inside, SECRET);
        }
        write("site/pkg/countersign.js", "export default 1;");
        write("site/pkg/countersign.css", "body {}");
        write("site/pkg/countersign.wasm", &"wasm".repeat(25_000));
        write("site/favicon.svg", "<svg/>");
        write("site/robots.txt", "User-agent: *");
        for (link, to) in [
            ("site/pkg/link.js", "../../data/secret"),
            ("site/link.txt", "../.env"),
            ("site/pkg/folder", "../../data"),
            ("site/root", "/"),
        ] {
            symlink(to, folder.path().join(link)).expect("a link");
        }
        let mut app = App::on(database).await;
        app.set_url_and_site("http://localhost:3000", &folder.path().join("site"));
        Self { app, folder }
    }
}

test_on_each_database! {
    async fn only_files_of_the_site_are_served(fixture: SiteFixture) {
        let app = &fixture.app;
        for (path, text) in [
            ("/pkg/countersign.js", "export default 1;"),
            ("/pkg/countersign.css", "body {}"),
            ("/favicon.svg", "<svg/>"),
            ("/robots.txt", "User-agent: *"),
        ] {
            let response = app.anon().get(path).await;
            assert_eq!((response.status, response.text.as_str()), (StatusCode::OK, text), "{path}");
        }
        let outside = fixture.folder.path().join("data/secret").display().to_string();
        let mut paths: Vec<String> = [
            "/pkg/",
            "/pkg",
            "/pkg/.",
            "/pkg//",
            "/.git/config",
            "/.git/HEAD",
            "/.git/",
            "/.env",
            "/pkg/.env",
            "/.htaccess",
            "/.ssh/id",
            "/%2eenv",
            "/%2Egit/config",
            "/.git%2fconfig",
            "/Cargo.toml",
            "/countersign.toml",
            "/data/secret",
            "/etc/passwd",
            "/sitemap/x",
            "/server-status",
            "/metrics",
            "/debug",
            "/debug/pprof/",
            "/actuator",
            "/docs",
            "/swagger",
            "/api-docs",
            "/phpinfo.php",
            "/wp-login.php",
            "/index.html",
            "/pkg/index.html",
            "/pkg/countersign.js.map",
            "/pkg/countersign.js~",
            "/pkg/countersign.js/",
            "/pkg/countersign.js/x",
            "/link.txt",
            "/pkg/link.js",
            "/pkg/folder/secret",
            "/root/etc/passwd",
            "/./pkg/countersign.js",
            "/x/../favicon.svg",
            "//favicon.svg",
            "/pkg/countersign.js%00",
            "/pkg/countersign.js%00.txt",
            "/%00",
            "/%",
            "/%zz",
            "/%ff%fe",
            "/con",
            "/C:/Windows/win.ini",
            "/c:%5cwindows",
        ]
        .map(str::to_owned)
        .to_vec();
        for up in [
            "..",
            "%2e%2e",
            "%2E%2E",
            ".%2e",
            "%2e.",
            "..%00",
            "....",
            "..;",
            "%252e%252e",
            "%c0%ae%c0%ae",
            "\u{ff0e}\u{ff0e}",
            "...",
        ] {
            for slash in ["/", "%2f", "%2F", "\\", "%5c", "%5C", "%252f", "//", "/./"] {
                for start in
                    ["/", "/pkg/", "/fn/", "/api/", "/pkg/countersign.js/", "/account/", "//"]
                {
                    for target in ["Cargo.toml", ".env", "data/secret", "etc/passwd"] {
                        paths.push(format!("{start}{up}{slash}{target}"));
                        paths.push(format!("{start}{up}{slash}{up}{slash}{target}"));
                    }
                }
            }
        }
        paths.extend([
            format!("/{}", "a".repeat(256)),
            format!("/pkg/{}.js", "a".repeat(5000)),
            format!("/account/{}", "%20".repeat(300)),
        ]);
        for start in
            ["/.", "/x/..", "/%2e", "/x/%2E%2e", "/x/.%2E", "/", "/x%2f..", "/x%5c..", "/x\\.."]
        {
            paths.push(format!("{start}/account"));
            paths.push(format!("{start}/account/devices"));
        }
        paths.push(outside.clone());
        paths.push(format!("/{outside}"));
        let (mut requests, mut skipped) = (0, 0);
        for path in paths {
            // Some of these are not valid in an HTTP request.
            let Ok(uri) = path.parse::<axum::http::Uri>() else {
                skipped += 1;
                continue;
            };
            for accept in ["*/*", "text/html"] {
                let client = app.anon().with("accept", accept).with("accept-encoding", "br, gzip");
                let response = client.get(&uri.to_string()).await;
                assert!(
                    !response.text.contains("SECRET")
                        && !response.text.contains("root:")
                        && !response.text.contains("countersign.css</"),
                    "{path}: {}",
                    response.text
                );
                let is_log_in_redirect = response.status.is_redirection()
                    && response.header("location").starts_with("/login?next=");
                assert!(
                    matches!(response.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST)
                        || is_log_in_redirect,
                    "{path}: {} {}",
                    response.status,
                    response.header("location")
                );
                requests += 1;
            }
        }
        assert!(requests > 4000, "{requests} sent, {skipped} skipped");
    }

    async fn every_body_has_a_content_type_and_api_404s_are_not_the_app(fixture: SiteFixture) {
        let (app, admin) = (&fixture.app, admin_client(&fixture.app).await);
        let mut responses = Vec::new();
        for path in [
            "/",
            "/login",
            "/signup",
            "/account",
            "/nothing",
            "/pkg/countersign.js",
            "/pkg/countersign.css",
            "/pkg/countersign.wasm",
            "/favicon.svg",
            "/robots.txt",
            "/pkg/nothing",
            "/openapi.json",
            "/healthz",
            "/readyz",
        ] {
            for accept in ["*/*", "text/html", "application/json"] {
                responses
                    .push((path.to_owned(), admin.clone().with("accept", accept).get(path).await));
            }
        }
        let description = app.anon().get("/openapi.json").await.json();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                for (client, content_type, body) in [
                    (&admin, JSON, "{}"),
                    (&admin, FORM, "token=x"),
                    (&app.anon(), JSON, ""),
                    (&admin, JSON, "{"),
                ] {
                    let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
                    responses.push((
                        format!("{method} {path}"),
                        send_body(client, &method.to_uppercase(), &path, content_type, body).await,
                    ));
                }
            }
        }
        // The log-out among them has revoked the session.
        let admin = app.log_in("admin@example.com").await.client;
        for function in server_function_paths() {
            for client in [&admin, &app.anon()] {
                responses.push((function.clone(), client.call(&function, "form[email]=a").await));
                responses.push((
                    function.clone(),
                    client.submit(&function, "/login", "form[email]=a").await,
                ));
            }
        }
        let mut content_types = std::collections::BTreeSet::new();
        for (context, response) in responses {
            let content_type = response.header("content-type");
            assert!(
                response.text.is_empty() || !content_type.is_empty(),
                "{context}: {} {}",
                response.status,
                response.text
            );
            let (essence, parameters) = content_type.split_once("; ").unwrap_or((content_type, ""));
            let text = essence.starts_with("text/") || essence.ends_with("+xml");
            assert_eq!(
                parameters,
                if text { "charset=utf-8" } else { "" },
                "{context}: {content_type}"
            );
            if matches!(
                essence,
                "application/json" | "application/problem+json" | "application/jwk-set+json"
            ) {
                assert!(
                    serde_json::from_str::<Value>(&response.text).is_ok(),
                    "{context}: {}",
                    response.text
                );
            }
            assert_eq!(response.header("x-content-type-options"), "nosniff", "{context}");
            content_types.insert(essence.to_owned());
        }
        assert!(content_types.len() >= 8, "{content_types:?}");
        for path in [
            "/api",
            "/api/",
            "/api/v1",
            "/api/v1/",
            "/api/v1/me/",
            "/api/v1/nothing",
            "/api/v2/me",
            "/api/login",
            "/api/%2e%2e/login",
            "/api/v1/%00",
            "/fn/nothing",
            "/fn/login/",
            "/fn/login/x",
        ] {
            for accept in ["*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8"] {
                for method in [Method::GET, Method::POST] {
                    let response = app
                        .anon()
                        .with("accept", accept)
                        .send(method.clone(), path, Body::empty())
                        .await;
                    assert_eq!(response.status, StatusCode::NOT_FOUND, "{method} {path} {accept}");
                    assert!(
                        !response.text.contains("<script") && !response.text.contains(".wasm"),
                        "{method} {path}: {}",
                        response.text
                    );
                    if accept == "*/*" || path.starts_with("/api") && method == Method::GET {
                        // API paths return a problem unless the client prefers HTML.
                        let page = response.header("content-type") == "text/html; charset=utf-8";
                        assert!(
                            page || response.problem_code() == "not_found",
                            "{method} {path} {accept}"
                        );
                        assert!(!page || accept != "*/*", "{method} {path} {accept}");
                    }
                }
            }
        }
    }

    async fn range_requests_apply_to_files_and_not_to_private_content(fixture: SiteFixture) {
        let app = &fixture.app;
        let wasm = "/pkg/countersign.wasm";
        let full = app.anon().get(wasm).await;
        assert_eq!(
            (full.status, full.text.len(), full.header("content-type")),
            (StatusCode::OK, 100_000, "application/wasm")
        );
        let thousand = format!(
            "bytes={}",
            (0..1000).map(|n| format!("{}-{}", n * 2, n * 2 + 1)).collect::<Vec<_>>().join(",")
        );
        let same = format!("bytes={}", vec!["0-"; 1000].join(","));
        for range in [
            &thousand,
            &same,
            "bytes=0-0",
            "bytes=0-",
            "bytes=-5",
            "bytes=99999-",
            "bytes=100000-",
            "bytes=5-1",
            "bytes=0-18446744073709551616",
            "bytes=-0",
            "bytes=a-b",
            "bytes=",
            "bytes",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=-99999999999",
        ] {
            let response = app.anon().with("range", range).get(wasm).await;
            assert!(
                matches!(
                    response.status,
                    StatusCode::OK
                        | StatusCode::PARTIAL_CONTENT
                        | StatusCode::RANGE_NOT_SATISFIABLE
                ),
                "{range:.40}: {}",
                response.status
            );
            assert!(
                response.text.len() <= 100_000,
                "{range:.40}: longer than the file, {}",
                response.text.len()
            );
            if response.status == StatusCode::PARTIAL_CONTENT {
                assert!(
                    response.header("content-range").ends_with("/100000"),
                    "{range:.40}: {}",
                    response.header("content-range")
                );
            }
        }
        assert_eq!(app.anon().with("range", "bytes=0-0").get(wasm).await.text, "w");
        let modified = full.header("last-modified");
        assert!(!modified.is_empty());
        let not_modified = app.anon().with("if-modified-since", modified).get(wasm).await;
        assert_eq!(
            (not_modified.status, not_modified.text.as_str()),
            (StatusCode::NOT_MODIFIED, "")
        );
        for (name, value) in [
            ("if-modified-since", "nonsense"),
            ("if-none-match", "\"x\""),
            ("if-range", "nonsense"),
            ("if-unmodified-since", "nonsense"),
        ] {
            assert!(
                matches!(app.anon().with(name, value).get(wasm).await.status, StatusCode::OK),
                "{name}"
            );
        }

        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let both = |user: &crate::support::User<'_>| {
            app.anon()
                .with("authorization", &format!("Bearer {}", user.access))
                .with("cookie", &format!("countersign-3000={}", user.refresh))
        };
        for path in [
            "/api/v1/me",
            "/api/v1/me/sessions",
            "/api/v1/me/activity",
            "/account",
            "/account/activity",
            "/account/devices",
            "/",
            "/login",
        ] {
            let plain = both(&ada).get(path).await;
            for (name, value) in [
                ("range", "bytes=0-3"),
                ("range", thousand.as_str()),
                ("if-none-match", "*"),
                ("if-none-match", "W/\"x\", \"y\""),
                ("if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT"),
                ("if-match", "\"x\""),
                ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
                ("cache-control", "only-if-cached"),
            ] {
                let response = both(&ada).with(name, value).get(path).await;
                assert_eq!(
                    (response.status, response.header("cache-control")),
                    (StatusCode::OK, "no-store"),
                    "{path} {name}"
                );
                for header in
                    ["etag", "last-modified", "age", "expires", "content-range", "accept-ranges"]
                {
                    assert_eq!(response.header(header), "", "{path} {name}: {header}");
                }
                if path.starts_with("/api/") {
                    assert_eq!(response.text, plain.text, "{path} {name}");
                }
            }
            // The next user gets their own data.
            let other = both(&bob).get(path).await;
            assert!(!other.text.contains("ada@example.com"), "{path}");
            assert!(!app.anon().get(path).await.text.contains("@example.com"), "{path}");
        }
    }
}
