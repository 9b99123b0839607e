//! Nobody gets in: every route and every server function, asked by a stranger.
//!
//! Routes come from the description that is made from the handlers, functions from the registry
//! that Leptos serves from, pages from the router, so one that is added is asked here without being
//! added here. Each must refuse, or be on the list of what is for everybody.

use crate::support::App;
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign::router::PAGES;
use countersign_core::on_both;
use std::collections::BTreeSet;

/// Routes of the API that everybody may use.
const PUBLIC_ROUTES: &[&str] = &[
    "post /api/v1/auth/signup",
    "post /api/v1/auth/login",
    "post /api/v1/auth/refresh",
    // Whoever can show a token may end it.
    "post /oauth/revoke",
    // Takes a refresh token in a form.
    "post /oauth/token",
    "get /.well-known/jwks.json",
    "get /.well-known/oauth-authorization-server",
    "get /.well-known/oauth-protected-resource",
    "get /healthz",
    "get /readyz",
];
/// Functions that everybody may call.
const PUBLIC_FUNCTIONS: &[&str] = &["/fn/login", "/fn/logout", "/fn/signup"];
/// Pages that everybody may see.
const PUBLIC_PAGES: &[&str] = &["/", "/lab", "/login", "/signup"];

fn functions() -> BTreeSet<String> {
    leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}

on_both! {
    async fn no_route_answers_a_stranger(app: App) {
        let description = app.anon().get("/openapi.json").await.json();
        let (mut refused, mut public) = (0, 0);
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                let name = format!("{method} {path}");
                let method: Method = method.to_uppercase().parse().expect("a method");
                let client = app.anon().with("content-type", "application/json");
                let answer = client
                    .send(
                        method,
                        &path.replace("{id}", "00000000-0000-7000-8000-000000000000"),
                        Body::from("{}"),
                    )
                    .await;
                if PUBLIC_ROUTES.contains(&name.as_str()) {
                    public += 1;
                } else {
                    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {}", answer.text);
                    let scheme = if path == "/oauth/introspect" { "Basic" } else { "Bearer" };
                    assert_eq!(
                        answer.header("www-authenticate"),
                        format!("{scheme} realm=\"countersign\""),
                        "{name}"
                    );
                    refused += 1;
                }
            }
        }
        assert_eq!(public, PUBLIC_ROUTES.len(), "the list names a route that there is not");
        assert!(refused >= 8, "only {refused} protected routes were found");
    }

    async fn no_function_answers_a_stranger_or_a_cookie_alone(app: App) {
        let user = app.user("ada@example.com").await;
        let functions = functions();
        assert!(functions.len() >= 7, "{functions:?}");
        for path in &functions {
            let form = if path == "/fn/rename" { "form[name]=Eve&form[tag]=x" } else { "" };
            let answer = app.anon().call(path, form).await;
            if PUBLIC_FUNCTIONS.contains(&path.as_str()) {
                assert_ne!(
                    answer.status,
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "{path}: {}",
                    answer.text
                );
                continue;
            }
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.text);
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"countersign\"", "{path}");
            // The cookie drives plain forms and page renders, never a call by script; refresh is
            // what it is for.
            if path != "/fn/refresh" {
                let answer = app.anon().browser(&user.refresh).call(path, form).await;
                assert_eq!(
                    answer.status,
                    StatusCode::UNAUTHORIZED,
                    "{path} with the cookie: {}",
                    answer.text
                );
            }
        }
        for path in PUBLIC_FUNCTIONS {
            assert!(
                functions.contains(*path),
                "the list names a function that there is not: {path}"
            );
        }
        assert_eq!(
            user.client.get("/api/v1/me").await.json()["name"],
            serde_json::json!(null),
            "and nothing was changed"
        );
    }

    async fn no_function_answers_to_get(app: App) {
        for path in functions() {
            for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
                let answer = app.anon().send(method.clone(), &path, Body::empty()).await;
                assert!(
                    matches!(answer.status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND),
                    "{method} {path}: {}",
                    answer.status
                );
            }
        }
    }

    async fn a_stranger_is_led_from_every_protected_page_to_the_log_in_page_before_anything_is_rendered(
        app: App,
    ) {
        let pages: Vec<String> = PAGES.iter().map(|route| route.path().to_owned()).collect();
        assert!(pages.len() >= 5, "{pages:?}");
        for page in pages {
            let answer = app.anon().get(&page).await;
            if PUBLIC_PAGES.contains(&page.as_str()) {
                assert_eq!(
                    answer.status,
                    if page == "/lab" && !cfg!(debug_assertions) {
                        StatusCode::NOT_FOUND
                    } else {
                        StatusCode::OK
                    },
                    "{page}"
                );
            } else {
                assert_eq!(
                    (answer.status, answer.header("location"), answer.text.as_str()),
                    (StatusCode::SEE_OTHER, format!("/login?next={page}").as_str(), ""),
                    "{page}"
                );
            }
        }
    }
}
