//! The description of the API is made from the handlers and says what they do.

use crate::support::App;
use auth::on_both;

on_both! {
    async fn the_description_is_openapi_3_1_and_names_every_problem(app: App) {
        let answer = app.anon().get("/openapi.json").await;
        assert_eq!(answer.header("content-type"), "application/json");
        let body = answer.json();
        assert!(body["openapi"].as_str().expect("a version").starts_with("3.1"), "{}", body["openapi"]);
        let paths = body["paths"].as_object().expect("paths");
        assert_eq!(
            paths.keys().map(String::as_str).collect::<Vec<_>>(),
            [
                "/.well-known/jwks.json",
                "/.well-known/oauth-authorization-server",
                "/api/v1/admin/users",
                "/api/v1/admin/users/{id}",
                "/api/v1/admin/users/{id}/disable",
                "/api/v1/admin/users/{id}/enable",
                "/api/v1/admin/users/{id}/role",
                "/api/v1/admin/users/{id}/sessions",
                "/api/v1/auth/login",
                "/api/v1/auth/logout",
                "/api/v1/auth/refresh",
                "/api/v1/auth/signup",
                "/api/v1/me",
                "/api/v1/me/activity",
                "/api/v1/me/deletion",
                "/api/v1/me/export",
                "/api/v1/me/password",
                "/api/v1/me/sessions",
                "/api/v1/me/sessions/{id}",
                "/healthz",
                "/oauth/introspect",
                "/oauth/revoke",
                "/readyz"
            ]
        );
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().expect("methods") {
                assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path} says nothing of itself");
                for (status, response) in operation["responses"].as_object().expect("responses") {
                    let problem = status.starts_with('4') || status.starts_with('5');
                    // The errors of OAuth have a form of their own (RFC 6749, 5.2).
                    let kind = if path.starts_with("/oauth/") && !["403", "413"].contains(&status.as_str()) { "application/json" } else { "application/problem+json" };
                    assert!(!problem || response["content"][kind]["schema"].is_object(), "{method} {path} {status}");
                }
            }
        }
        assert_eq!(body["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    }
}
