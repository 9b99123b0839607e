//! Checks every response of these tests against the OpenAPI document: its status, its content type
//! and the schema of its body.

use crate::support::TestResponse;
use axum::http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use jsonschema::{Draft, Validator};
use serde_json::Value;
use std::sync::LazyLock;

struct Document {
    /// Method, path segments and operation. A segment in braces matches any value.
    operations: Vec<(Method, Vec<String>, Value)>,
    document: Value,
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let document =
        serde_json::to_value(countersign_http::api::routes().into_openapi()).expect("a document");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            operations.push((
                method.to_uppercase().parse().expect("a method"),
                segments(path),
                operation.clone(),
            ));
        }
    }
    Document { operations, document }
});

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Asserts that the response is documented for its operation. Undocumented operations, such as
/// pages, are not part of the API.
pub fn check(method: &Method, path_and_query: &str, response: &TestResponse) {
    // A misdirected request is not handled by the operation.
    if response.status == StatusCode::MISDIRECTED_REQUEST {
        return;
    }
    let requested = segments(path_and_query.split('?').next().unwrap_or_default());
    let matches = |path: &[String]| {
        path.len() == requested.len()
            && path
                .iter()
                .zip(&requested)
                .all(|(part, value)| part == value || part.starts_with('{'))
    };
    let Some((_, _, operation)) =
        DOCUMENT.operations.iter().find(|(allowed, path, _)| allowed == method && matches(path))
    else {
        return;
    };
    let status = response.status.as_u16().to_string();
    let subject = format!("{method} {path_and_query} {status}");
    let documented = operation["responses"]
        .get(&status)
        .unwrap_or_else(|| panic!("{subject} is not documented: {}", response.text));
    let Some(content) = documented["content"].as_object() else {
        assert_eq!(response.text, "", "{subject} is documented without a body");
        return;
    };
    let content_type = response.header("content-type").split(';').next().unwrap_or_default();
    // Browsers get an HTML page instead of a problem.
    if content_type == "text/html" && response.status.is_client_error() {
        return;
    }
    let schema = &content
        .get(content_type)
        .unwrap_or_else(|| panic!("{subject}: {content_type} is not documented"))["schema"];
    let body = response.json();
    let errors: Vec<_> = validator(schema)
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{subject}: {errors:?} in {}", response.text);
}

fn validator(schema: &Value) -> Validator {
    let mut root = schema.clone();
    root["components"] = DOCUMENT.document["components"].clone();
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .expect("a schema")
}

#[test]
fn undocumented_response_fails_the_check() {
    let response = |status, content_type: &'static str, text: &str| TestResponse {
        status,
        headers: [(CONTENT_TYPE, HeaderValue::from_static(content_type))].into_iter().collect(),
        text: text.to_owned(),
    };
    let health = |response: TestResponse| {
        std::panic::catch_unwind(|| check(&Method::GET, "/healthz", &response)).is_ok()
    };
    assert!(health(response(StatusCode::OK, "application/json", r#"{"status":"ok"}"#)));
    for (status, content_type, text) in [
        (StatusCode::IM_A_TEAPOT, "application/json", r#"{"status":"ok"}"#),
        (StatusCode::OK, "text/plain", r#"{"status":"ok"}"#),
        (StatusCode::OK, "application/json", r#"{"status":1}"#),
        (StatusCode::OK, "application/json", "{}"),
    ] {
        assert!(!health(response(status, content_type, text)), "{status} {content_type} {text}");
    }
}
