//! Cross-site requests: CSRF protection and CORS.

use crate::{
    permission_matrix::{AccountState, Fixture, operations, send_operation},
    support::{App, PASSWORD, TestResponse},
};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{test_on_each_database, testing::TestDatabase};
use serde_json::json;
use std::collections::BTreeSet;

test_on_each_database! {
    async fn cross_site_request_is_refused_on_every_unsafe_path(fixture: Fixture) {
        let (admin, victim) = (
            fixture.user(AccountState::Admin, "admin@example.com").await,
            fixture.user(AccountState::User, "victim@example.com").await,
        );
        // Before the snapshot, because a link can need a log-in.
        let mut with_links = Vec::new();
        for operation in operations(&fixture.app).await {
            victim.prepare_link(&fixture.app, &admin, &operation).await;
            with_links.push((operation, victim.link.take()));
        }
        let cookies = format!(
            "countersign-3000={}; countersign-3000-access={}",
            admin.user.refresh, admin.user.access
        );
        let own_paths = ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/me/activity"];
        let snapshot = async || {
            let mut texts = vec![admin.user.client.get("/api/v1/admin/users").await.text];
            for (person, path) in [&admin, &victim]
                .into_iter()
                .flat_map(|person| own_paths.map(|path| (person, path)))
            {
                let response = person.user.client.get(path).await;
                assert_eq!(response.status, StatusCode::OK, "still signed in");
                texts.push(response.text);
            }
            texts
        };
        let before = snapshot().await;
        let foreign_headers: [&[(&'static str, &str)]; 5] = [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://sub.localhost")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[],
        ];
        // The empty content type stands for a request without a body.
        let content_types = [
            "application/json",
            "application/json; charset=x",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
        ];
        let mut requests = 0;
        for (operation, link) in with_links {
            let (method, path) = operation.parts();
            if method == "get" {
                continue;
            }
            fixture.sync_feed().await;
            victim.link.replace(link);
            for headers in foreign_headers {
                let mut client = fixture.app.anon().with("cookie", &cookies);
                for (name, value) in headers {
                    client = client.with(name, value);
                }
                // The request is valid but for its origin.
                let mut responses = vec![
                    send_operation(&client, &operation, &admin, &victim, "fresh@example.com").await,
                ];
                for content_type in content_types {
                    let client = if content_type.is_empty() {
                        client.clone()
                    } else {
                        client.clone().with("content-type", content_type)
                    };
                    let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
                    let body =
                        if content_type.is_empty() { Body::empty() } else { Body::from("{}") };
                    responses.push(
                        client
                            .send(method.to_uppercase().parse().expect("a method"), &path, body)
                            .await,
                    );
                }
                for response in responses {
                    let code =
                        if path.starts_with("/oauth/") { "invalid_request" } else { "not_allowed" };
                    assert_eq!(
                        (response.status, response.error_code().as_str()),
                        (StatusCode::FORBIDDEN, code),
                        "{} {headers:?}",
                        operation.name
                    );
                    assert!(response.cookies().is_empty());
                    requests += 1;
                }
            }
        }
        assert!(requests > 900, "{requests}");
        fixture.sync_feed().await;
        assert_eq!(snapshot().await, before);
        assert_eq!(
            fixture
                .app
                .anon()
                .browser(&admin.user.refresh)
                .post("/api/v1/auth/refresh", json!({}))
                .await
                .status,
            StatusCode::OK,
            "the session is still active"
        );
    }

    async fn cross_site_log_in_is_refused(app: App) {
        app.user("eve@example.com").await;
        let form =
            format!("form[email]=eve@example.com&form[password]={}", PASSWORD.replace(' ', "+"));
        let client = app
            .anon()
            .with("origin", "https://evil.example")
            .with("content-type", crate::support::FORM)
            .with("accept", "text/html");
        let response = client.send(Method::POST, "/fn/login", Body::from(form)).await;
        assert_eq!((response.status, response.cookies().len()), (StatusCode::FORBIDDEN, 0));
    }

    async fn cookie_request_without_origin_is_refused_with_a_hint(app: App) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"});
        let signup = app.anon().post("/api/v1/auth/signup", body.clone()).await;
        let cookies = signup
            .cookies()
            .iter()
            .map(|cookie| cookie.split(';').next().expect("a pair").to_owned())
            .collect::<Vec<_>>()
            .join("; ");
        let client = || app.anon().with("cookie", &cookies);
        let refused = client().patch("/api/v1/me", json!({"name": "Ada"})).await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str()),
            (StatusCode::FORBIDDEN, "not_allowed")
        );
        assert!(
            refused.json()["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("`Origin: http://localhost:3000`")),
            "{}",
            refused.text
        );
        let page =
            client().with("accept", "text/html").patch("/api/v1/me", json!({"name": "Ada"})).await;
        assert!(
            page.status == StatusCode::FORBIDDEN && !page.text.contains("Origin:"),
            "{}",
            page.text
        );
        let with_origin = || client().with("origin", "http://localhost:3000");
        assert_eq!(
            with_origin().patch("/api/v1/me", json!({"name": "Ada"})).await.status,
            StatusCode::OK
        );
        assert_eq!(
            with_origin().send(Method::POST, "/api/v1/auth/refresh", Body::empty()).await.status,
            StatusCode::OK,
            "without a body"
        );

        // The device cookie, which remains after a log-out, does not require `Origin`.
        let device_cookie = cookies
            .split("; ")
            .find(|pair| pair.starts_with("countersign-3000-device="))
            .expect("a device cookie");
        let client = app.anon().with("cookie", device_cookie);
        assert_eq!(client.post("/api/v1/auth/login", body).await.status, StatusCode::OK);
        assert_eq!(
            client
                .clone()
                .with("origin", "https://evil.example")
                .post("/api/v1/auth/login", json!({}))
                .await
                .status,
            StatusCode::FORBIDDEN
        );
    }

    async fn request_without_cookies_needs_no_origin(app: App) {
        let response = app
            .anon()
            .post("/api/v1/auth/login", json!({"email": "ada@example.com", "password": PASSWORD}))
            .await;
        assert_eq!(response.problem_code(), "invalid_credentials");
    }

    async fn unlisted_origin_gets_no_cors_headers(app: App) {
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:3000.evil.example",
            "http://localhost:3001",
        ] {
            let get = app.anon().with("origin", origin).get("/api/v1/me").await;
            let preflight = app
                .anon()
                .with("origin", origin)
                .with("access-control-request-method", "POST")
                .send(Method::OPTIONS, "/api/v1/me", Body::empty())
                .await;
            for response in [get, preflight] {
                assert!(
                    response
                        .headers
                        .keys()
                        .all(|name| !name.as_str().starts_with("access-control")),
                    "{origin}"
                );
            }
        }
    }
}

/// A server with one listed CORS origin.
struct CorsApp(App);

impl CorsApp {
    async fn on(database: TestDatabase) -> Self {
        Self(
            App::with_settings(database, "https://accounts.example.com", |http| {
                http.cors_origins = vec![LISTED.to_owned()];
            })
            .await,
        )
    }
}

const LISTED: &str = "https://app.example.com";

fn is_cors_allowed(response: &TestResponse) -> bool {
    let origin = response.header("access-control-allow-origin");
    assert!(origin.is_empty() || origin == LISTED, "{origin}");
    assert!(
        response.headers.get("access-control-allow-credentials").is_none(),
        "no credentials are allowed"
    );
    origin == LISTED
}

test_on_each_database! {
    async fn listed_origin_may_call_the_api_with_a_bearer_token(target: CorsApp) {
        let app = target.0;
        let from_listed = || app.anon().with("origin", LISTED).with("sec-fetch-site", "cross-site");
        let preflight = from_listed()
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "content-type");
        let preflight = preflight.send(Method::OPTIONS, "/api/v1/auth/login", Body::empty()).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert!(
            is_cors_allowed(&preflight)
                && preflight.header("access-control-allow-methods").contains("POST")
        );
        assert!(
            preflight.header("access-control-allow-headers").contains("authorization")
                && preflight.header("vary").contains("origin")
        );
        let description = app.anon().get("/openapi.json").await.json();
        let paths = description["paths"].as_object().expect("paths");
        let defined: BTreeSet<String> = paths
            .values()
            .flat_map(|methods| methods.as_object().expect("methods").keys().cloned())
            .collect();
        let granted: BTreeSet<String> = preflight
            .header("access-control-allow-methods")
            .split(", ")
            .map(str::to_lowercase)
            .collect();
        assert_eq!(granted, defined, "exactly the methods of the API");

        app.user("ada@example.com").await;
        let logged_in = from_listed()
            .post("/api/v1/auth/login", json!({"email": "ada@example.com", "password": PASSWORD}))
            .await;
        assert_eq!(logged_in.status, StatusCode::OK);
        assert!(is_cors_allowed(&logged_in));
        let bearer =
            format!("Bearer {}", logged_in.json()["access_token"].as_str().expect("a token"));
        let me = from_listed().with("authorization", &bearer).get("/api/v1/me").await;
        assert!(me.status == StatusCode::OK && is_cors_allowed(&me));
        let refused = from_listed().get("/api/v1/me").await;
        assert!(
            refused.status == StatusCode::UNAUTHORIZED && is_cors_allowed(&refused),
            "the error is readable"
        );
        let updated = from_listed()
            .with("authorization", &bearer)
            .patch("/api/v1/me", json!({"name": "Ada"}))
            .await;
        assert!(updated.status == StatusCode::OK && is_cors_allowed(&updated));
    }

    async fn cookies_are_neither_accepted_from_nor_set_for_listed_origin(target: CorsApp) {
        let app = target.0;
        let user = app.user("ada@example.com").await;
        let with_cookie =
            app.anon().with("origin", LISTED).with("sec-fetch-site", "cross-site").with(
                "cookie",
                &format!(
                    "__Host-countersign={}; __Host-countersign-access={}",
                    user.refresh, user.access
                ),
            );
        assert_eq!(with_cookie.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        for path in ["/api/v1/auth/refresh", "/api/v1/auth/logout"] {
            assert_eq!(
                with_cookie.post(path, json!({})).await.status,
                StatusCode::UNAUTHORIZED,
                "{path}"
            );
        }
        let logged_in = with_cookie
            .post(
                "/api/v1/auth/login",
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        assert_eq!((logged_in.status, logged_in.cookies().len()), (StatusCode::OK, 0));
        assert_eq!(
            user.client.get("/api/v1/me").await.status,
            StatusCode::OK,
            "the session is still active"
        );
    }

    async fn cors_is_limited_to_listed_origins_and_api_paths(target: CorsApp) {
        let app = target.0;
        let user = app.user("ada@example.com").await;
        for origin in [
            "https://evil.example",
            "null",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://evil-app.example.com",
            "https://APP.example.com",
            "https://app.example.com/",
        ] {
            let from = || app.anon().with("origin", origin);
            let preflight = from()
                .with("access-control-request-method", "POST")
                .send(Method::OPTIONS, "/api/v1/auth/login", Body::empty())
                .await;
            assert!(
                !is_cors_allowed(&preflight) && preflight.status == StatusCode::METHOD_NOT_ALLOWED,
                "{origin}"
            );
            let get = from()
                .with("authorization", &format!("Bearer {}", user.access))
                .get("/api/v1/me")
                .await;
            assert!(!is_cors_allowed(&get) && get.header("vary").contains("origin"), "{origin}");
            let post = from()
                .post(
                    "/api/v1/auth/login",
                    json!({"email": "ada@example.com", "password": PASSWORD}),
                )
                .await;
            assert!(!is_cors_allowed(&post) && post.status == StatusCode::FORBIDDEN, "{origin}");
        }
        for path in ["/fn/login", "/fn/logout", "/oauth/introspect", "/oauth/tokens"] {
            let response = app
                .anon()
                .with("origin", LISTED)
                .with("content-type", crate::support::FORM)
                .send(Method::POST, path, Body::from("token=x"))
                .await;
            assert!(
                !is_cors_allowed(&response) && response.status == StatusCode::FORBIDDEN,
                "{path}"
            );
        }
        for path in ["/", "/login", "/healthz", "/api/v1x"] {
            assert!(!is_cors_allowed(&app.anon().with("origin", LISTED).get(path).await), "{path}");
        }
    }

    async fn listed_origin_may_use_public_oauth_endpoints(target: CorsApp) {
        let app = target.0;
        let user = app.user("ada@example.com").await;
        let from_listed = || {
            app.anon()
                .with("origin", LISTED)
                .with("sec-fetch-site", "cross-site")
                .with("content-type", crate::support::FORM)
        };
        let preflight = from_listed()
            .with("access-control-request-method", "POST")
            .send(Method::OPTIONS, "/oauth/token", Body::empty())
            .await;
        assert!(preflight.status == StatusCode::NO_CONTENT && is_cors_allowed(&preflight));
        let tokens = from_listed()
            .send(
                Method::POST,
                "/oauth/token",
                format!("grant_type=refresh_token&refresh_token={}", user.refresh).into(),
            )
            .await;
        assert!(tokens.status == StatusCode::OK && is_cors_allowed(&tokens), "{}", tokens.text);
        let token = tokens.json()["access_token"].as_str().expect("a token").to_owned();
        let revoked = from_listed()
            .send(Method::POST, "/oauth/revoke", format!("token={token}").into())
            .await;
        assert!(revoked.status == StatusCode::OK && is_cors_allowed(&revoked));
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        let anonymous = app
            .anon()
            .with("origin", "https://evil.example")
            .with("content-type", crate::support::FORM);
        let refused = anonymous
            .send(
                Method::POST,
                "/oauth/token",
                Body::from("grant_type=refresh_token&refresh_token=x"),
            )
            .await;
        assert_eq!(
            (refused.status, refused.error_code().as_str()),
            (StatusCode::FORBIDDEN, "invalid_request")
        );
    }

    async fn public_documents_are_readable_by_every_origin(target: CorsApp) {
        let app = target.0;
        let documents = [
            "/.well-known/jwks.json",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource",
            "/openapi.json",
        ];
        for (path, origin) in documents
            .iter()
            .flat_map(|path| ["https://evil.example", "null", LISTED].map(|origin| (path, origin)))
        {
            let response = app
                .anon()
                .with("origin", origin)
                .with("sec-fetch-site", "cross-site")
                .get(path)
                .await;
            assert_eq!(response.status, StatusCode::OK, "{path}");
            assert_eq!(response.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(response.header("cross-origin-resource-policy"), "cross-origin", "{path}");
            assert_eq!(response.header("cache-control"), "public, max-age=300", "{path}");
            assert!(
                response.headers.get("access-control-allow-credentials").is_none()
                    && response.cookies().is_empty(),
                "{path}"
            );
        }
    }
}
