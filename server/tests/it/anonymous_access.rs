//! Every route, server function and page, requested by an anonymous client.
//!
//! Routes come from the generated OpenAPI document, functions from the Leptos registry, and pages
//! from the router, so that new ones are covered without a change here. Each must refuse the
//! request or be listed as public.

use crate::support::App;
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign::router::PAGE_ROUTES;
use countersign_core::test_on_each_database;
use std::collections::BTreeSet;

/// Public API routes.
const PUBLIC_ROUTES: &[&str] = &[
    "post /api/v1/auth/signup",
    "post /api/v1/auth/login",
    "post /api/v1/auth/refresh",
    // Possession of a token is enough to revoke it (RFC 7009, 2.1).
    "post /oauth/revoke",
    // The credential is the refresh token in the form.
    "post /oauth/token",
    "get /.well-known/jwks.json",
    "get /.well-known/oauth-authorization-server",
    "get /.well-known/oauth-protected-resource",
    "get /healthz",
    "get /readyz",
];
/// Public server functions.
const PUBLIC_FUNCTIONS: &[&str] = &["/fn/login", "/fn/logout", "/fn/signup"];
/// Public pages.
const PUBLIC_PAGES: &[&str] = &["/", "/lab", "/login", "/signup"];

fn server_function_paths() -> BTreeSet<String> {
    leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}

test_on_each_database! {
    async fn protected_routes_refuse_anonymous_clients(app: App) {
        let description = app.anon().get("/openapi.json").await.json();
        let (mut refused, mut public) = (0, 0);
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                let name = format!("{method} {path}");
                let method: Method = method.to_uppercase().parse().expect("a method");
                let client = app.anon().with("content-type", "application/json");
                let response = client
                    .send(
                        method,
                        &path.replace("{id}", "00000000-0000-7000-8000-000000000000"),
                        Body::from("{}"),
                    )
                    .await;
                if PUBLIC_ROUTES.contains(&name.as_str()) {
                    public += 1;
                } else {
                    assert_eq!(
                        response.status,
                        StatusCode::UNAUTHORIZED,
                        "{name}: {}",
                        response.text
                    );
                    let scheme = if path == "/oauth/introspect" { "Basic" } else { "Bearer" };
                    assert_eq!(
                        response.header("www-authenticate"),
                        format!("{scheme} realm=\"countersign\""),
                        "{name}"
                    );
                    refused += 1;
                }
            }
        }
        assert_eq!(public, PUBLIC_ROUTES.len(), "a listed public route does not exist");
        assert!(refused >= 8, "only {refused} protected routes were found");
    }

    async fn server_functions_refuse_requests_without_access_token(app: App) {
        let user = app.user("ada@example.com").await;
        let functions = server_function_paths();
        assert!(functions.len() >= 7, "{functions:?}");
        for path in &functions {
            let form = if path == "/fn/update-profile" {
                "form[name]=Eve&form[session_tag]=x"
            } else {
                ""
            };
            let response = app.anon().call(path, form).await;
            if PUBLIC_FUNCTIONS.contains(&path.as_str()) {
                assert_ne!(
                    response.status,
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "{path}: {}",
                    response.text
                );
                continue;
            }
            assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{path}: {}", response.text);
            assert_eq!(
                response.header("www-authenticate"),
                "Bearer realm=\"countersign\"",
                "{path}"
            );
            // The refresh cookie authenticates plain forms, page renders and refreshes, but no
            // other call by script.
            if path != "/fn/refresh" {
                let response = app.anon().browser(&user.refresh).call(path, form).await;
                assert_eq!(
                    response.status,
                    StatusCode::UNAUTHORIZED,
                    "{path} with the cookie: {}",
                    response.text
                );
            }
        }
        for path in PUBLIC_FUNCTIONS {
            assert!(functions.contains(*path), "a listed public function does not exist: {path}");
        }
        assert_eq!(
            user.client.get("/api/v1/me").await.json()["name"],
            serde_json::json!(null),
            "nothing was changed"
        );
    }

    async fn server_functions_accept_only_post(app: App) {
        for path in server_function_paths() {
            for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
                let response = app.anon().send(method.clone(), &path, Body::empty()).await;
                assert!(
                    matches!(
                        response.status,
                        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND
                    ),
                    "{method} {path}: {}",
                    response.status
                );
            }
        }
    }

    async fn protected_pages_redirect_anonymous_clients_to_log_in(app: App) {
        let pages: Vec<String> = PAGE_ROUTES.iter().map(|route| route.path().to_owned()).collect();
        assert!(pages.len() >= 5, "{pages:?}");
        for page in pages {
            let response = app.anon().get(&page).await;
            if PUBLIC_PAGES.contains(&page.as_str()) {
                assert_eq!(
                    response.status,
                    if page == "/lab" && !cfg!(debug_assertions) {
                        StatusCode::NOT_FOUND
                    } else {
                        StatusCode::OK
                    },
                    "{page}"
                );
            } else {
                assert_eq!(
                    (response.status, response.header("location"), response.text.as_str()),
                    (StatusCode::SEE_OTHER, format!("/login?next={page}").as_str(), ""),
                    "{page}"
                );
            }
        }
    }
}
