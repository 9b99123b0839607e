//! Requests that another site makes a browser send.

use crate::{
    matrix::{Is, Office, TABLE, ask},
    support::{Answer, App, PASSWORD},
};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{on_both, testing::FreshDatabase};
use serde_json::json;
use std::collections::BTreeSet;

on_both! {
    async fn a_cross_site_request_is_refused_on_every_unsafe_path_and_changes_nothing(
        office: Office,
    ) {
        let (boss, victim) = (
            office.person(Is::Admin, "boss@example.com").await,
            office.person(Is::User, "victim@example.com").await,
        );
        let cookies = format!(
            "countersign-3000={}; countersign-3000-access={}",
            boss.user.refresh, boss.user.access
        );
        let mine = ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/me/activity"];
        let seen = async || {
            let mut seen = vec![boss.user.client.get("/api/v1/admin/users").await.text];
            for (person, path) in
                [&boss, &victim].into_iter().flat_map(|person| mine.map(|path| (person, path)))
            {
                let answer = person.user.client.get(path).await;
                assert_eq!(answer.status, StatusCode::OK, "still signed in");
                seen.push(answer.text);
            }
            seen
        };
        let before = seen().await;
        let evil: [&[(&'static str, &str)]; 5] = [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://sub.localhost")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[],
        ];
        // Without a kind there is no body either.
        let kinds = [
            "application/json",
            "application/json; charset=x",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
        ];
        let mut asked = 0;
        for (call, _, body) in TABLE.iter().filter(|(call, ..)| !call.starts_with("get ")) {
            office.hear().await;
            let (method, path) = call.split_once(' ').expect("a method and a path");
            for headers in evil {
                let mut client = office.app.anon().with("cookie", &cookies);
                for (name, value) in headers {
                    client = client.with(name, value);
                }
                // As it would be done if it came from here.
                let mut answers =
                    vec![ask(&client, call, body, &boss, &victim, "fresh@example.com").await];
                for kind in kinds {
                    let client = if kind.is_empty() {
                        client.clone()
                    } else {
                        client.clone().with("content-type", kind)
                    };
                    let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
                    let body = if kind.is_empty() { Body::empty() } else { Body::from("{}") };
                    answers.push(
                        client
                            .send(method.to_uppercase().parse().expect("a method"), &path, body)
                            .await,
                    );
                }
                for answer in answers {
                    let code =
                        if path.starts_with("/oauth/") { "invalid_request" } else { "not_allowed" };
                    assert_eq!(
                        (answer.status, answer.refusal().as_str()),
                        (StatusCode::FORBIDDEN, code),
                        "{call} {headers:?}"
                    );
                    assert!(answer.cookies().is_empty());
                    asked += 1;
                }
            }
        }
        assert!(asked > 900, "{asked}");
        office.hear().await;
        assert_eq!(seen().await, before);
        assert_eq!(
            office
                .app
                .anon()
                .browser(&boss.user.refresh)
                .post("/api/v1/auth/refresh", json!({}))
                .await
                .status,
            StatusCode::OK,
            "and goes on"
        );
    }

    async fn nobody_is_logged_in_by_another_site(app: App) {
        app.user("eve@example.com").await;
        let form =
            format!("form[email]=eve@example.com&form[password]={}", PASSWORD.replace(' ', "+"));
        let client = app
            .anon()
            .with("origin", "https://evil.example")
            .with("content-type", crate::support::FORM)
            .with("accept", "text/html");
        let answer = client.send(Method::POST, "/fn/login", Body::from(form)).await;
        assert_eq!((answer.status, answer.cookies().len()), (StatusCode::FORBIDDEN, 0));
    }

    async fn cookie_jar_without_origin_is_told_what_to_send(app: App) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"});
        let signup = app.anon().post("/api/v1/auth/signup", body.clone()).await;
        let jar = signup
            .cookies()
            .iter()
            .map(|cookie| cookie.split(';').next().expect("a pair").to_owned())
            .collect::<Vec<_>>()
            .join("; ");
        let program = || app.anon().with("cookie", &jar);
        let refused = program().patch("/api/v1/me", json!({"name": "Ada"})).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
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
            program().with("accept", "text/html").patch("/api/v1/me", json!({"name": "Ada"})).await;
        assert!(
            page.status == StatusCode::FORBIDDEN && !page.text.contains("Origin:"),
            "{}",
            page.text
        );
        let with_origin = || program().with("origin", "http://localhost:3000");
        assert_eq!(
            with_origin().patch("/api/v1/me", json!({"name": "Ada"})).await.status,
            StatusCode::OK
        );
        assert_eq!(
            with_origin().send(Method::POST, "/api/v1/auth/refresh", Body::empty()).await.status,
            StatusCode::OK,
            "without a body"
        );

        // What is left in the jar after a log-out stands in the way of nothing.
        let known = jar
            .split("; ")
            .find(|pair| pair.starts_with("countersign-3000-device="))
            .expect("a device cookie");
        let program = app.anon().with("cookie", known);
        assert_eq!(program.post("/api/v1/auth/login", body).await.status, StatusCode::OK);
        assert_eq!(
            program
                .clone()
                .with("origin", "https://evil.example")
                .post("/api/v1/auth/login", json!({}))
                .await
                .status,
            StatusCode::FORBIDDEN
        );
    }

    async fn a_program_without_our_cookies_needs_no_origin(app: App) {
        let answer = app
            .anon()
            .post("/api/v1/auth/login", json!({"email": "ada@example.com", "password": PASSWORD}))
            .await;
        assert_eq!(answer.problem(), "invalid_credentials");
    }

    async fn no_other_origin_is_told_that_it_may_read(app: App) {
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
            for answer in [get, preflight] {
                assert!(
                    answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
                    "{origin}"
                );
            }
        }
    }
}

/// A server that lists an origin.
struct Listing(App);

impl Listing {
    async fn on(database: FreshDatabase) -> Self {
        Self(
            App::with(database, "https://accounts.example.com", |http| {
                http.cors_origins = vec![LISTED.to_owned()];
            })
            .await,
        )
    }
}

const LISTED: &str = "https://app.example.com";

fn allowed(answer: &Answer) -> bool {
    let origin = answer.header("access-control-allow-origin");
    assert!(origin.is_empty() || origin == LISTED, "{origin}");
    assert!(answer.headers.get("access-control-allow-credentials").is_none(), "never with cookies");
    origin == LISTED
}

on_both! {
    async fn a_listed_origin_may_call_the_api_with_a_token_of_its_own(target: Listing) {
        let app = target.0;
        let elsewhere = || app.anon().with("origin", LISTED).with("sec-fetch-site", "cross-site");
        let preflight = elsewhere()
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "content-type");
        let preflight = preflight.send(Method::OPTIONS, "/api/v1/auth/login", Body::empty()).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert!(
            allowed(&preflight)
                && preflight.header("access-control-allow-methods").contains("POST")
        );
        assert!(
            preflight.header("access-control-allow-headers").contains("authorization")
                && preflight.header("vary").contains("origin")
        );
        let description = app.anon().get("/openapi.json").await.json();
        let paths = description["paths"].as_object().expect("paths");
        let there: BTreeSet<String> = paths
            .values()
            .flat_map(|methods| methods.as_object().expect("methods").keys().cloned())
            .collect();
        let granted: BTreeSet<String> = preflight
            .header("access-control-allow-methods")
            .split(", ")
            .map(str::to_lowercase)
            .collect();
        assert_eq!(granted, there, "whatever the API has, and no more");

        app.user("ada@example.com").await;
        let entered = elsewhere()
            .post("/api/v1/auth/login", json!({"email": "ada@example.com", "password": PASSWORD}))
            .await;
        assert_eq!(entered.status, StatusCode::OK);
        assert!(allowed(&entered));
        let bearer =
            format!("Bearer {}", entered.json()["access_token"].as_str().expect("a token"));
        let me = elsewhere().with("authorization", &bearer).get("/api/v1/me").await;
        assert!(me.status == StatusCode::OK && allowed(&me));
        let refused = elsewhere().get("/api/v1/me").await;
        assert!(
            refused.status == StatusCode::UNAUTHORIZED && allowed(&refused),
            "it can read why it was refused"
        );
        let renamed = elsewhere()
            .with("authorization", &bearer)
            .patch("/api/v1/me", json!({"name": "Ada"}))
            .await;
        assert!(renamed.status == StatusCode::OK && allowed(&renamed));
    }

    async fn cookies_are_neither_taken_from_a_listed_origin_nor_given_to_it(target: Listing) {
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
        let given = with_cookie
            .post(
                "/api/v1/auth/login",
                json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"}),
            )
            .await;
        assert_eq!((given.status, given.cookies().len()), (StatusCode::OK, 0));
        assert_eq!(
            user.client.get("/api/v1/me").await.status,
            StatusCode::OK,
            "and nobody was logged out"
        );
    }

    async fn nobody_else_is_let_in_and_a_listed_origin_nowhere_else(target: Listing) {
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
                !allowed(&preflight) && preflight.status == StatusCode::METHOD_NOT_ALLOWED,
                "{origin}"
            );
            let get = from()
                .with("authorization", &format!("Bearer {}", user.access))
                .get("/api/v1/me")
                .await;
            assert!(!allowed(&get) && get.header("vary").contains("origin"), "{origin}");
            let post = from()
                .post(
                    "/api/v1/auth/login",
                    json!({"email": "ada@example.com", "password": PASSWORD}),
                )
                .await;
            assert!(!allowed(&post) && post.status == StatusCode::FORBIDDEN, "{origin}");
        }
        for path in ["/fn/login", "/fn/logout", "/oauth/introspect", "/oauth/tokens"] {
            let answer = app
                .anon()
                .with("origin", LISTED)
                .with("content-type", crate::support::FORM)
                .send(Method::POST, path, Body::from("token=x"))
                .await;
            assert!(!allowed(&answer) && answer.status == StatusCode::FORBIDDEN, "{path}");
        }
        for path in ["/", "/login", "/healthz", "/api/v1x"] {
            assert!(!allowed(&app.anon().with("origin", LISTED).get(path).await), "{path}");
        }
    }

    async fn listed_origin_may_use_the_endpoints_of_public_oauth_clients(target: Listing) {
        let app = target.0;
        let user = app.user("ada@example.com").await;
        let elsewhere = || {
            app.anon()
                .with("origin", LISTED)
                .with("sec-fetch-site", "cross-site")
                .with("content-type", crate::support::FORM)
        };
        let preflight = elsewhere()
            .with("access-control-request-method", "POST")
            .send(Method::OPTIONS, "/oauth/token", Body::empty())
            .await;
        assert!(preflight.status == StatusCode::NO_CONTENT && allowed(&preflight));
        let tokens = elsewhere()
            .send(
                Method::POST,
                "/oauth/token",
                format!("grant_type=refresh_token&refresh_token={}", user.refresh).into(),
            )
            .await;
        assert!(tokens.status == StatusCode::OK && allowed(&tokens), "{}", tokens.text);
        let token = tokens.json()["access_token"].as_str().expect("a token").to_owned();
        let revoked =
            elsewhere().send(Method::POST, "/oauth/revoke", format!("token={token}").into()).await;
        assert!(revoked.status == StatusCode::OK && allowed(&revoked));
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        let stranger = app
            .anon()
            .with("origin", "https://evil.example")
            .with("content-type", crate::support::FORM);
        let refused = stranger
            .send(
                Method::POST,
                "/oauth/token",
                Body::from("grant_type=refresh_token&refresh_token=x"),
            )
            .await;
        assert_eq!(
            (refused.status, refused.refusal().as_str()),
            (StatusCode::FORBIDDEN, "invalid_request")
        );
    }

    async fn public_documents_may_be_read_by_every_origin(target: Listing) {
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
            let answer = app
                .anon()
                .with("origin", origin)
                .with("sec-fetch-site", "cross-site")
                .get(path)
                .await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{path}");
            assert_eq!(answer.header("cache-control"), "public, max-age=300", "{path}");
            assert!(
                answer.headers.get("access-control-allow-credentials").is_none()
                    && answer.cookies().is_empty(),
                "{path}"
            );
        }
    }
}
