//! Requests that another site makes a browser send.

use crate::support::{App, PASSWORD};
use auth::on_both;
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::json;

on_both! {
    async fn a_cross_site_request_is_refused_on_every_unsafe_path_and_changes_nothing(app: App) {
        let user = app.user("ada@example.com").await;
        let evil: [&[(&'static str, &str)]; 5] = [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://sub.localhost")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[],
        ];
        for path in ["/fn/logout", "/fn/rename", "/fn/login", "/fn/refresh", "/api/v1/auth/logout", "/api/v1/auth/refresh", "/api/v1/auth/login"] {
            for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
                for headers in evil {
                    let mut client = app.anon().with("content-type", kind).with("cookie", &format!("latchkey={}", user.refresh));
                    for (name, value) in headers {
                        client = client.with(name, value);
                    }
                    let answer = client.send(Method::POST, path, Body::from("{}")).await;
                    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::FORBIDDEN, "not_allowed"), "{path} {kind} {headers:?}");
                    assert!(answer.cookies().is_empty());
                }
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::OK, "still signed in");
    }

    async fn nobody_is_logged_in_by_another_site(app: App) {
        app.user("eve@example.com").await;
        let form = format!("form[email]=eve@example.com&form[password]={}", PASSWORD.replace(' ', "+"));
        let client = app.anon().with("origin", "https://evil.example").with("content-type", crate::support::FORM).with("accept", "text/html");
        let answer = client.send(Method::POST, "/fn/login", Body::from(form)).await;
        assert_eq!((answer.status, answer.cookies().len()), (StatusCode::FORBIDDEN, 0));
    }

    async fn a_program_without_our_cookies_needs_no_origin(app: App) {
        let answer = app.anon().post("/api/v1/auth/login", json!({"email": "ada@example.com", "password": PASSWORD})).await;
        assert_eq!(answer.problem(), "invalid_credentials");
    }

    async fn no_other_origin_is_told_that_it_may_read(app: App) {
        for origin in ["https://evil.example", "null", "http://localhost:3000.evil.example", "http://localhost:3001"] {
            let get = app.anon().with("origin", origin).get("/api/v1/me").await;
            let preflight = app.anon().with("origin", origin).with("access-control-request-method", "POST").send(Method::OPTIONS, "/api/v1/me", Body::empty()).await;
            for answer in [get, preflight] {
                assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{origin}");
            }
        }
    }
}
