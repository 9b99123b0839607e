//! What is served of the disk: the files of the site, whole or in part, and nothing beside them.

use crate::support::{App, FORM, JSON, boss, functions, send};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{on_both, testing::FreshDatabase};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink};
use tempfile::TempDir;

const SECRET: &str = "SECRET outside of the site";

/// A server with a site of its own: what `cargo leptos build` leaves, and beside it what is
/// nobody's business.
struct Built {
    app: App,
    folder: TempDir,
}

impl Built {
    async fn on(database: FreshDatabase) -> Self {
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
        app.move_to("http://localhost:3000", &folder.path().join("site"));
        Self { app, folder }
    }
}

on_both! {
    async fn nothing_is_served_but_the_files_of_the_site(built: Built) {
        let app = &built.app;
        for (path, text) in [
            ("/pkg/countersign.js", "export default 1;"),
            ("/pkg/countersign.css", "body {}"),
            ("/favicon.svg", "<svg/>"),
            ("/robots.txt", "User-agent: *"),
        ] {
            let answer = app.anon().get(path).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, text), "{path}");
        }
        let outside = built.folder.path().join("data/secret").display().to_string();
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
                for start in ["/", "/pkg/", "/fn/", "/api/", "/pkg/countersign.js/", "/account/", "//"]
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
            paths.push(format!("{start}/account/sessions"));
        }
        paths.push(outside.clone());
        paths.push(format!("/{outside}"));
        let (mut asked, mut unasked) = (0, 0);
        for path in paths {
            // Some of these cannot be said in HTTP at all.
            let Ok(uri) = path.parse::<axum::http::Uri>() else {
                unasked += 1;
                continue;
            };
            for accept in ["*/*", "text/html"] {
                let client = app.anon().with("accept", accept).with("accept-encoding", "br, gzip");
                let answer = client.get(&uri.to_string()).await;
                assert!(
                    !answer.text.contains("SECRET")
                        && !answer.text.contains("root:")
                        && !answer.text.contains("countersign.css</"),
                    "{path}: {}",
                    answer.text
                );
                let led = answer.status.is_redirection()
                    && answer.header("location").starts_with("/login?next=");
                assert!(
                    matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST) || led,
                    "{path}: {} {}",
                    answer.status,
                    answer.header("location")
                );
                asked += 1;
            }
        }
        assert!(asked > 4000, "{asked} asked, {unasked} not");
    }

    async fn every_body_says_what_it_is_and_an_unknown_address_of_the_api_is_never_a_page(
        built: Built,
    ) {
        let (app, boss) = (&built.app, boss(&built.app).await);
        let mut answers = Vec::new();
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
                answers
                    .push((path.to_owned(), boss.clone().with("accept", accept).get(path).await));
            }
        }
        let description = app.anon().get("/openapi.json").await.json();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                for (client, kind, body) in [
                    (&boss, JSON, "{}"),
                    (&boss, FORM, "token=x"),
                    (&app.anon(), JSON, ""),
                    (&boss, JSON, "{"),
                ] {
                    let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
                    answers.push((
                        format!("{method} {path}"),
                        send(client, &method.to_uppercase(), &path, kind, body).await,
                    ));
                }
            }
        }
        // The log-out among them has ended the session.
        let boss = app.log_in("boss@example.com").await.client;
        for function in functions() {
            for client in [&boss, &app.anon()] {
                answers.push((function.clone(), client.call(&function, "form[email]=a").await));
                answers.push((
                    function.clone(),
                    client.submit(&function, "/login", "form[email]=a").await,
                ));
            }
        }
        let mut kinds = std::collections::BTreeSet::new();
        for (what, answer) in answers {
            let kind = answer.header("content-type");
            assert!(
                answer.text.is_empty() || !kind.is_empty(),
                "{what}: {} {}",
                answer.status,
                answer.text
            );
            let (essence, parameters) = kind.split_once("; ").unwrap_or((kind, ""));
            let text = essence.starts_with("text/") || essence.ends_with("+xml");
            assert_eq!(parameters, if text { "charset=utf-8" } else { "" }, "{what}: {kind}");
            if matches!(
                essence,
                "application/json" | "application/problem+json" | "application/jwk-set+json"
            ) {
                assert!(
                    serde_json::from_str::<Value>(&answer.text).is_ok(),
                    "{what}: {}",
                    answer.text
                );
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
            kinds.insert(essence.to_owned());
        }
        assert!(kinds.len() >= 8, "{kinds:?}");
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
                    let answer = app
                        .anon()
                        .with("accept", accept)
                        .send(method.clone(), path, Body::empty())
                        .await;
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path} {accept}");
                    assert!(
                        !answer.text.contains("<script") && !answer.text.contains(".wasm"),
                        "{method} {path}: {}",
                        answer.text
                    );
                    if accept == "*/*" || path.starts_with("/api") && method == Method::GET {
                        // Below the API there are no people.
                        let page = answer.header("content-type") == "text/html; charset=utf-8";
                        assert!(
                            page || answer.problem() == "not_found",
                            "{method} {path} {accept}"
                        );
                        assert!(!page || accept != "*/*", "{method} {path} {accept}");
                    }
                }
            }
        }
    }

    async fn a_part_of_a_file_is_a_part_and_what_is_private_is_always_whole_and_never_kept(
        built: Built,
    ) {
        let app = &built.app;
        let wasm = "/pkg/countersign.wasm";
        let whole = app.anon().get(wasm).await;
        assert_eq!(
            (whole.status, whole.text.len(), whole.header("content-type")),
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
            let answer = app.anon().with("range", range).get(wasm).await;
            assert!(
                matches!(
                    answer.status,
                    StatusCode::OK
                        | StatusCode::PARTIAL_CONTENT
                        | StatusCode::RANGE_NOT_SATISFIABLE
                ),
                "{range:.40}: {}",
                answer.status
            );
            assert!(
                answer.text.len() <= 100_000,
                "{range:.40}: never more than there is, {}",
                answer.text.len()
            );
            if answer.status == StatusCode::PARTIAL_CONTENT {
                assert!(
                    answer.header("content-range").ends_with("/100000"),
                    "{range:.40}: {}",
                    answer.header("content-range")
                );
            }
        }
        assert_eq!(app.anon().with("range", "bytes=0-0").get(wasm).await.text, "w");
        let modified = whole.header("last-modified");
        assert!(!modified.is_empty());
        let kept = app.anon().with("if-modified-since", modified).get(wasm).await;
        assert_eq!((kept.status, kept.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
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
            "/account/sessions",
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
                let answer = both(&ada).with(name, value).get(path).await;
                assert_eq!(
                    (answer.status, answer.header("cache-control")),
                    (StatusCode::OK, "no-store"),
                    "{path} {name}"
                );
                for keepable in
                    ["etag", "last-modified", "age", "expires", "content-range", "accept-ranges"]
                {
                    assert_eq!(answer.header(keepable), "", "{path} {name}: {keepable}");
                }
                if path.starts_with("/api/") {
                    assert_eq!(answer.text, plain.text, "{path} {name}");
                }
            }
            // Who asks next gets what is theirs.
            let theirs = both(&bob).get(path).await;
            assert!(!theirs.text.contains("ada@example.com"), "{path}");
            assert!(!app.anon().get(path).await.text.contains("@example.com"), "{path}");
        }
    }
}
