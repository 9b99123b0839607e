//! Holds every answer that a test gets against the description at `/openapi.json`: its status is
//! one that the call has, its kind is, and its body is of the shape that is promised.

use crate::support::Answer;
use axum::http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use jsonschema::{Draft, Validator};
use serde_json::Value;
use std::sync::LazyLock;

struct Described {
    /// Method and path, in segments; a segment in braces stands for any.
    operations: Vec<(Method, Vec<String>, Value)>,
    document: Value,
}

static DESCRIBED: LazyLock<Described> = LazyLock::new(|| {
    let document =
        serde_json::to_value(countersign::http::routes().into_openapi()).expect("a description");
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
    Described { operations, document }
});

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Whether the answer is one of those that the description of the call promises. Calls that are not
/// described are not for programs.
pub fn check(method: &Method, address: &str, answer: &Answer) {
    // What is meant for another server is no call of this one.
    if answer.status == StatusCode::MISDIRECTED_REQUEST {
        return;
    }
    let asked = segments(address.split('?').next().unwrap_or_default());
    let fits = |path: &[String]| {
        path.len() == asked.len()
            && path.iter().zip(&asked).all(|(part, given)| part == given || part.starts_with('{'))
    };
    let Some((_, _, operation)) =
        DESCRIBED.operations.iter().find(|(of, path, _)| of == method && fits(path))
    else {
        return;
    };
    let status = answer.status.as_u16().to_string();
    let call = format!("{method} {address} {status}");
    let response = operation["responses"]
        .get(&status)
        .unwrap_or_else(|| panic!("{call} is not described: {}", answer.text));
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{call} is described without a body");
        return;
    };
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    // People see a page where programs see a problem.
    if kind == "text/html" && answer.status.is_client_error() {
        return;
    }
    let schema =
        &content.get(kind).unwrap_or_else(|| panic!("{call}: {kind} is not described"))["schema"];
    let body = answer.json();
    let faults: Vec<_> = validator(schema)
        .iter_errors(&body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{call}: {faults:?} in {}", answer.text);
}

fn validator(schema: &Value) -> Validator {
    let mut root = schema.clone();
    root["components"] = DESCRIBED.document["components"].clone();
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .expect("a schema")
}

#[test]
fn what_is_not_described_is_noticed() {
    let answer = |status, kind: &'static str, text: &str| Answer {
        status,
        headers: [(CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect(),
        text: text.to_owned(),
    };
    let health = |answer: Answer| {
        std::panic::catch_unwind(|| check(&Method::GET, "/healthz", &answer)).is_ok()
    };
    assert!(health(answer(StatusCode::OK, "application/json", r#"{"status":"ok"}"#)));
    for (status, kind, text) in [
        (StatusCode::IM_A_TEAPOT, "application/json", r#"{"status":"ok"}"#),
        (StatusCode::OK, "text/plain", r#"{"status":"ok"}"#),
        (StatusCode::OK, "application/json", r#"{"status":1}"#),
        (StatusCode::OK, "application/json", "{}"),
    ] {
        assert!(!health(answer(status, kind, text)), "{status} {kind} {text}");
    }
}
