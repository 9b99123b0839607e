//! The OpenAPI document, which is generated from the handlers.

use crate::support::App;
use countersign_core::test_on_each_database;
use countersign_types::PasswordWeakness;
use serde_json::json;
use std::collections::BTreeSet;

test_on_each_database! {
    async fn document_is_openapi_3_1_and_describes_every_error(app: App) {
        let response = app.anon().get("/openapi.json").await;
        assert_eq!(response.header("content-type"), "application/json");
        let body = response.json();
        assert!(
            body["openapi"].as_str().expect("a version").starts_with("3.1"),
            "{}",
            body["openapi"]
        );
        let paths = body["paths"].as_object().expect("paths");
        // Clients rely on these paths: none may disappear.
        for path in [
            "/.well-known/jwks.json",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource",
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
            "/api/v1/auth/verify",
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
            "/oauth/token",
                "/readyz",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().expect("methods") {
                assert!(
                    operation["summary"].is_string() || operation["description"].is_string(),
                    "{method} {path} has no summary or description"
                );
                for (status, response) in operation["responses"].as_object().expect("responses") {
                    let problem = status.starts_with('4') || status.starts_with('5');
                    // OAuth errors have their own format (RFC 6749, 5.2).
                    let content_type = if path.starts_with("/oauth/") {
                        "application/json"
                    } else {
                        "application/problem+json"
                    };
                    assert!(
                        !problem || response["content"][content_type]["schema"].is_object(),
                        "{method} {path} {status}"
                    );
                }
            }
        }
        assert_eq!(body["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    }

    async fn operations_have_ids_tags_security_and_required_members(app: App) {
        let body = app.anon().get("/openapi.json").await.json();
        assert_eq!(body["servers"][0]["url"], "http://localhost:3000");
        let tags: BTreeSet<&str> = body["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .map(|tag| tag["name"].as_str().expect("a name"))
            .collect();
        let mut names = BTreeSet::new();
        for (path, methods) in body["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let name = operation["operationId"].as_str().expect("a name");
                assert!(
                    name.len() >= 4
                        && name.starts_with(char::is_lowercase)
                        && name.bytes().all(|byte| byte.is_ascii_alphabetic()),
                    "{name}"
                );
                assert!(names.insert(name.to_owned()), "{name} is not unique");
                assert!(
                    operation["tags"].as_array().is_some_and(
                        |of| of.len() == 1 && tags.contains(of[0].as_str().expect("a tag"))
                    ),
                    "{method} {path}"
                );
                let security = operation["security"]
                    .as_array()
                    .expect("a security requirement, even if empty");
                assert!(
                    !security.is_empty()
                        || !["/api/v1/me", "/api/v1/admin"]
                            .iter()
                            .any(|protected| path.starts_with(protected)),
                    "{method} {path}"
                );
                for (status, response) in operation["responses"].as_object().expect("responses") {
                    assert!(
                        response["description"].as_str().is_some_and(|text| !text.is_empty()),
                        "{method} {path} {status}"
                    );
                }
            }
        }
        let schemas = body["components"]["schemas"].as_object().expect("schemas");
        for (schema, members) in schemas
            .iter()
            .filter_map(|(name, schema)| Some((name, schema["properties"].as_object()?)))
        {
            let required: Vec<&str> =
                schemas[schema]["required"].as_array().map_or_else(Vec::new, |names| {
                    names.iter().filter_map(|name| name.as_str()).collect()
                });
            for (member, of) in members {
                let is_nullable =
                    of["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
                assert!(
                    !is_nullable || required.contains(&member.as_str()),
                    "{schema}.{member} is nullable, so it must be required"
                );
            }
        }
        for (schema, member) in [
            ("TokensInBody", "access_token"),
            ("TokensInBody", "refresh_token"),
            ("TokenResponse", "refresh_token"),
            ("JwkSet", "keys"),
            ("Jwk", "kid"),
        ] {
            assert!(
                schemas[schema]["required"]
                    .as_array()
                    .is_some_and(|names| names.contains(&member.into())),
                "{schema}.{member}"
            );
        }
        let text = body.to_string();
        for schema in schemas.keys() {
            assert!(
                text.contains(&format!("\"#/components/schemas/{schema}\"")),
                "{schema} is unused"
            );
        }
    }

    async fn activity_filter_is_described_with_its_values(app: App) {
        let document = app.anon().get("/openapi.json").await.json();
        let parameters = &document["paths"]["/api/v1/me/activity"]["get"]["parameters"];
        let parameters = parameters.as_array().expect("parameters");
        let names: Vec<_> = parameters.iter().map(|parameter| &parameter["name"]).collect();
        assert_eq!(names, ["show", "limit", "cursor"]);
        let show = &parameters[0];
        assert_eq!((&show["in"], &show["required"]), (&json!("query"), &json!(false)));
        assert_eq!(show["schema"]["enum"], json!(["all", "log-ins", "changes", "warnings"]));
    }

    async fn reasons_of_weak_passwords_are_described(app: App) {
        let document = app.anon().get("/openapi.json").await.json();
        let reason = &document["components"]["schemas"]["MemberError"]["properties"]["reason"];
        let description = reason["description"].as_str().expect("a description");
        let described: Vec<_> = description.split('`').skip(1).step_by(2).collect();
        let names: Vec<_> = PasswordWeakness::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(described, names);
    }

    async fn request_bodies_allow_no_other_members(app: App) {
        let document = app.anon().get("/openapi.json").await.json();
        let mut bodies = Vec::new();
        for methods in document["paths"].as_object().expect("paths").values() {
            for operation in methods.as_object().expect("methods").values() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                // A body that may be missing is `null` or the object.
                let schemas = schema["oneOf"].as_array().map_or(vec![schema], |all| {
                    all.iter().collect()
                });
                bodies.extend(schemas.into_iter().filter_map(|schema| schema["$ref"].as_str()));
            }
        }
        assert_eq!(bodies.len(), 16, "{bodies:?}");
        for body in bodies {
            let schema = document.pointer(&body[1..]).expect("a schema");
            assert_eq!(schema["additionalProperties"], false, "{body}");
        }
    }
}
