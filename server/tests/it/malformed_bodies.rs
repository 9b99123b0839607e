//! Malformed, oversized and unsupported request bodies, and bodies with unexpected members. Each
//! is refused with a 4xx.

use crate::support::{
    App, FORM, JSON, PASSWORD, TestResponse, admin_client, send_body, server_function_paths,
    sync_feed,
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use countersign_core::test_on_each_database;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Operations with a request body of this content type, from the OpenAPI document: method, path,
/// and the names of the body's members.
async fn operations_with_body(app: &App, content_type: &str) -> Vec<(String, String, Vec<String>)> {
    let description = app.anon().get("/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let schema = &operation["requestBody"]["content"][content_type]["schema"];
            if schema.is_null() {
                continue;
            }
            let text = schema.to_string();
            let name = text
                .split("#/components/schemas/")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_else(|| panic!("{text}"));
            let members = description["components"]["schemas"][name]["properties"]
                .as_object()
                .expect("properties")
                .keys()
                .cloned()
                .collect();
            found.push((
                method.to_uppercase(),
                path.replace("{id}", "00000000-0000-7000-8000-000000000000"),
                members,
            ));
        }
    }
    found
}

/// Asserts a 4xx that does not echo the request body.
fn assert_client_error(response: &TestResponse, context: &str) {
    assert!(response.status.is_client_error(), "{context}: {} {}", response.status, response.text);
    assert!(
        response.text.len() < 8192,
        "{context}: the request body is echoed: {} bytes",
        response.text.len()
    );
}

test_on_each_database! {
    async fn malformed_json_is_refused_by_every_route(app: App) {
        let admin = admin_client(&app).await;
        let routes = operations_with_body(&app, JSON).await;
        assert!(routes.len() >= 7, "{routes:?}");
        for (method, path, members) in &routes {
            sync_feed(&app).await;
            let post = async |body: Vec<u8>| {
                let context = format!(
                    "{method} {path} {}",
                    String::from_utf8_lossy(&body[..body.len().min(100)])
                );
                (send_body(&admin, method, path, JSON, body).await, context)
            };
            // Members of every other type, and duplicate members.
            for member in members {
                for value in [
                    "[]",
                    "[\"a\"]",
                    "{}",
                    "{\"a\":{\"b\":[1]}}",
                    "0",
                    "-0",
                    "1e308",
                    "true",
                    "false",
                    "null",
                    "18446744073709551616",
                    "0.1",
                ] {
                    let (response, context) =
                        post(format!("{{\"{member}\":{value}}}").into_bytes()).await;
                    assert_eq!(
                        (response.status, response.field_errors()),
                        (
                            StatusCode::UNPROCESSABLE_ENTITY,
                            vec![(format!("/{member}"), "wrong_type".to_owned())]
                        ),
                        "{context}"
                    );
                }
                for body in [
                    format!("{{\"{member}\":\"a\",\"{member}\":\"b\"}}"),
                    format!(
                        "{{\"{member}\":\"a\",\"\\u00{:02x}{}\":\"b\"}}",
                        member.as_bytes()[0],
                        &member[1..]
                    ),
                ] {
                    let (response, context) = post(body.into_bytes()).await;
                    assert_eq!(
                        (response.status, response.problem_code().as_str()),
                        (StatusCode::BAD_REQUEST, "malformed"),
                        "duplicate member: {context}"
                    );
                }
                for text in ["\\ud800", "\\udc00\\ud800", "\\u12", "\\x00", "\u{0}", "\n", "\u{1f}"]
                {
                    let (response, context) =
                        post(format!("{{\"{member}\":\"{text}\"}}").into_bytes()).await;
                    assert_eq!(
                        (response.status, response.problem_code().as_str()),
                        (StatusCode::BAD_REQUEST, "malformed"),
                        "{context}"
                    );
                }
                let (response, context) = post(
                    format!("{{\"{member}\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000))
                        .into_bytes(),
                )
                .await;
                assert_client_error(&response, &context);
                // A value of ten megabytes.
                let (response, context) = post(
                    format!("{{\"{member}\":\"{}@example.com\"}}", "a".repeat(10_000_000))
                        .into_bytes(),
                )
                .await;
                assert_eq!(
                    (response.status, response.problem_code().as_str()),
                    (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                    "{context}"
                );
            }
            for unknown in [
                "",
                "__proto__",
                "constructor",
                "Email",
                "email ",
                "email\\u0000",
                "$ne",
                "a/b~c",
                "\\u202e",
            ] {
                let (response, context) =
                    post(format!("{{\"{unknown}\":\"x\"}}").into_bytes()).await;
                assert_eq!(
                    (
                        response.status,
                        response.field_errors().len(),
                        response.field_errors()[0].1.as_str()
                    ),
                    (StatusCode::UNPROCESSABLE_ENTITY, 1, "unknown_member"),
                    "{context}"
                );
            }
            // Invalid JSON, and JSON that is no object.
            let member = &members[0];
            let whole = format!("{{\"{member}\":\"ada\u{e9}@example.com\"}}");
            let mut bodies: Vec<Vec<u8>> = (0..whole.len())
                .map(|length| whole.as_bytes()[..length].to_vec())
                .filter(|body| !body.is_empty())
                .collect();
            bodies.extend(
                [
                    "\u{feff}{}",
                    "{} {}",
                    "{}x",
                    "{},",
                    "{\"a\":1,}",
                    "{a:1}",
                    "{'a':'b'}",
                    "// a\n{}",
                    "{\"a\":NaN}",
                    "{\"a\":Infinity}",
                    "{\"a\":1e400}",
                    "{\"a\":-1e400}",
                    "{\"a\":01}",
                    "{\"a\":.5}",
                    "{\"a\":+1}",
                    "{\"a\":0x10}",
                    "{\"a\"}",
                    "{:1}",
                    "[{}]",
                    "\"{}\"",
                    "1",
                    "true",
                    "undefined",
                    "\u{0}{}",
                    "a=b",
                    "<a/>",
                ]
                .map(|text| text.as_bytes().to_vec()),
            );
            bodies.extend(
                [
                    &b"{\"a\":\"\xff\"}"[..],
                    b"{\"a\":\"\xc0\xaf\"}",
                    b"{\"a\":\"\xed\xa0\x80\"}",
                    b"{\"\xfe\":1}",
                    b"\xff\xfe{\0}\0",
                    b"\xfe\xff\0{\0}",
                    b"{\0}\0",
                    b"\x1f\x8b\x08\0",
                    b"\0\0\0\0",
                ]
                .map(<[u8]>::to_vec),
            );
            bodies.extend(
                [
                    "[".repeat(10_000),
                    "{\"a\":".repeat(10_000),
                    format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
                    format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000)),
                ]
                .map(String::into_bytes),
            );
            for body in bodies {
                let (response, context) = post(body).await;
                assert_eq!(
                    (response.status, response.problem_code().as_str()),
                    (StatusCode::BAD_REQUEST, "malformed"),
                    "{context}"
                );
            }
            // Many members: the first 20 are reported; a body beyond the limit is refused.
            let keys = |count: usize| {
                format!(
                    "{{{}}}",
                    (0..count).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")
                )
                .into_bytes()
            };
            let (response, context) = post(keys(6_000)).await;
            assert_eq!(
                (response.status, response.field_errors().len()),
                (StatusCode::UNPROCESSABLE_ENTITY, 20),
                "{context}"
            );
            let (response, context) = post(keys(100_000)).await;
            assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE, "{context}");
        }
        // Query strings with ten thousand parameters, and with invalid ones.
        let many = (0..10_000).map(|_| "a=1").collect::<Vec<_>>().join("&");
        let deep = format!("a{}=1", "[a]".repeat(3_000));
        for query in [
            &many,
            &deep,
            "limit=1&limit=1",
            "limit=1e400",
            "limit=%EF%BC%91",
            "limit=99999999999999999999",
            "limit=%00",
            "cursor=%FF",
            "cursor=%ED%A0%80",
            "limit",
            "=",
            "&&&",
            "%",
            "%zz",
            "a[]=1",
            "cursor[]=a",
            "__proto__=1",
        ] {
            for path in ["/api/v1/me/activity", "/api/v1/me/sessions", "/api/v1/admin/users"] {
                let response = admin.get(&format!("{path}?{query}")).await;
                let harmless = ["&&&"].contains(&query);
                assert!(
                    response.status == StatusCode::BAD_REQUEST
                        || harmless && response.status == StatusCode::OK,
                    "{path}?{query:.100}: {}",
                    response.status
                );
            }
            for path in
                ["/api/v1/me", "/healthz", "/", "/login", "/nothing", "/account", "/openapi.json"]
            {
                let response = admin.get(&format!("{path}?{query}")).await;
                assert!(response.status.as_u16() < 500, "{path}?{query:.100}: {}", response.status);
            }
        }
        assert_eq!(
            admin.get("/api/v1/me").await.json()["name"],
            Value::Null,
            "nothing was changed"
        );
    }

    async fn malformed_forms_are_refused_by_every_server_function(app: App) {
        const MULTIPART: &str = "--x\r\nContent-Disposition: form-data; \
            name=\"form[email]\"\r\n\r\na\r\n--x--\r\n";
        let (admin, user) = (admin_client(&app).await, app.user("ada@example.com").await);
        let deep = format!("form{}=x", "[a]".repeat(10_000));
        let list = (0..5_000).map(|n| format!("form[{n}]=x")).collect::<Vec<_>>().join("&");
        let many = (0..10_000).map(|_| "a=1").collect::<Vec<_>>().join("&");
        let long = format!("form[email]={}", "a".repeat(10_000_000));
        let forms = [
            &deep,
            &list,
            &many,
            &long,
            "form",
            "form[",
            "form]",
            "form[]",
            "form[]=",
            "form[[]]=a",
            "form[email]=a&form[email]=b",
            "form[email][]=a",
            "form[email][a]=a",
            "form[email=a",
            "form=x&form[email]=a",
            "%",
            "%zz=1",
            "form%5",
            "form[email]=%",
            "form[email]=%FF%FE",
            "form[email]=%ED%A0%80",
            "form[email]=%C0%AF",
            "%00=%00",
            "form%00[email]=a",
            "form[__proto__]=a",
            "session_tag=%00",
            "session=%00",
            "form[name]=%00&session_tag=x",
            "cursor=%FF",
            "cursor=a&cursor=b",
            "cursor[]=a",
            "{}",
            "\u{0}",
            "&&&&",
            "====",
            ";a=b",
            "form[email]=\u{1f511}",
        ];
        for function in server_function_paths()
            .iter()
            .filter(|function| !["/fn/logout", "/fn/refresh"].contains(&function.as_str()))
        {
            sync_feed(&app).await;
            for form in forms {
                let context = format!("{function} {form:.60}");
                let response = admin.call(function, form).await;
                // Functions that only read ignore unknown fields.
                let reads = ["/fn/current-account", "/fn/list-sessions", "/fn/list-activity"]
                    .contains(&function.as_str());
                assert!(
                    response.status.is_client_error() || reads && response.status == StatusCode::OK,
                    "{context}: {} {}",
                    response.status,
                    response.text
                );
                let page =
                    app.anon().browser(&user.refresh).submit(function, "/account", form).await;
                let is_redirect_back = page.header("location").starts_with("/account?")
                    || page.header("location").starts_with("/account&")
                    || page.header("location") == "/account";
                assert!(
                    page.status == StatusCode::FOUND && is_redirect_back
                        || page.status == StatusCode::PAYLOAD_TOO_LARGE
                        || reads && page.status.as_u16() < 400,
                    "{context}: {} {}",
                    page.status,
                    page.header("location")
                );
            }
            for content_type in [
                "",
                "text/plain",
                JSON,
                "multipart/form-data; boundary=x",
                "application/xml",
                "application/x-www-form-urlencoded; charset=utf-7",
                "application/cbor",
                "/",
                "a",
                "application/x-www-form-urlencoded, text/plain",
            ] {
                let client = admin.clone().with("accept", JSON);
                let response = send_body(&client, "POST", function, content_type, MULTIPART).await;
                assert!(
                    response.status.as_u16() < 500,
                    "{function} {content_type}: {} {}",
                    response.status,
                    response.text
                );
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.json()["name"], Value::Null);
    }

    async fn privilege_fields_in_a_form_have_no_effect(app: App) {
        const PRIVILEGES: &str = "form[role]=admin&form[roles][]=admin&form[roles]=admin\
            &form[is_admin]=true&form[scopes]=admin&form[email_verified]=true\
            &form[id]=00000000-0000-7000-8000-000000000000&form[password_hash]=x\
            &form[created_at]=0&form[mfa_enabled]=true&form[epoch]=99&form[disabled_at]=0";
        let top_level = PRIVILEGES.replace("form[", "").replace("]=", "=").replace("][", "[");
        for (number, fields) in [
            PRIVILEGES,
            &top_level,
            "form[role]=admin",
            "role=admin",
            "form[is_admin]=true",
            "roles[]=admin",
        ]
        .iter()
        .enumerate()
        {
            let email = format!("eve{number}@example.com");
            let signed_up = app
                .anon()
                .call(
                    "/fn/signup",
                    &format!(
                        "form[email]={email}&form[password]={}&{fields}",
                        PASSWORD.replace(' ', "+")
                    ),
                )
                .await;
            assert!(
                signed_up.status == StatusCode::OK || signed_up.status.is_client_error(),
                "{fields}: {}",
                signed_up.text
            );
            let user = if signed_up.status == StatusCode::OK {
                app.log_in(&email).await
            } else {
                app.user(&email).await
            };
            let mut before = user.client.get("/api/v1/me").await.json();
            assert_eq!(
                (&before["roles"], &before["email_verified"], &before["created_at"]),
                (&json!(["user"]), &json!(false), &json!("2026-01-01T00:00:00Z")),
                "{fields}"
            );
            assert_ne!(before["id"], "00000000-0000-7000-8000-000000000000");
            let tag = user.client.call("/fn/current-account", "").await.json()["session_tag"]
                .as_str()
                .expect("a tag")
                .to_owned();
            let updated = user
                .client
                .call(
                    "/fn/update-profile",
                    &format!("form[name]=Eve&session_tag={tag}&{fields}"),
                )
                .await;
            if updated.status == StatusCode::OK {
                before["name"] = json!("Eve");
            }
            assert_eq!(user.client.get("/api/v1/me").await.json(), before, "{fields}");
            assert_eq!(
                user.client.get("/api/v1/admin/users").await.status,
                StatusCode::FORBIDDEN,
                "{fields}"
            );
        }
    }

    async fn oversized_body_is_read_up_to_the_limit_on_every_route(app: App) {
        let admin = admin_client(&app).await;
        let description = app.anon().get("/openapi.json").await.json();
        let mut addresses: Vec<(String, String)> =
            server_function_paths().into_iter().map(|path| ("POST".to_owned(), path)).collect();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            addresses.extend(methods.as_object().expect("methods").keys().map(|method| {
                (
                    method.to_uppercase(),
                    path.replace("{id}", "00000000-0000-7000-8000-000000000000"),
                )
            }));
        }
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/account"),
            ("GET", "/pkg/x.js"),
            ("GET", "/nothing"),
            ("POST", "/nothing"),
            ("POST", "/api/v1/nothing"),
            ("POST", "/fn/nothing"),
            ("X-MADE-UP", "/"),
        ] {
            addresses.push((method.to_owned(), path.to_owned()));
        }
        for (method, path) in addresses {
            sync_feed(&app).await;
            // A gigabyte in chunks, with no, a wrong or an invalid Content-Length. The server reads
            // at most a megabyte of it.
            for length in ["", "0", "2", "65536", "-1", "1e3", "99999999999999999999999", "2, 2"] {
                let read = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&read);
                let part = Bytes::from(vec![b' '; 65_536]);
                let parts = futures::stream::iter((0..16_384).map(move |_| {
                    counter.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, std::io::Error>(part.clone())
                }));
                let client = admin
                    .clone()
                    .with("content-type", if path.starts_with("/api/") { JSON } else { FORM })
                    .with("accept", JSON);
                let client =
                    if length.is_empty() { client } else { client.with("content-length", length) };
                let response = client
                    .send(method.parse().expect("a method"), &path, Body::from_stream(parts))
                    .await;
                let too_large =
                    if path.starts_with("/oauth/") { "invalid_request" } else { "too_large" };
                assert_eq!(
                    (response.status, response.error_code().as_str()),
                    (StatusCode::PAYLOAD_TOO_LARGE, too_large),
                    "{method} {path} {length:?}"
                );
                assert!(
                    read.load(Ordering::Relaxed) <= 18,
                    "{method} {path}: {} chunks were read",
                    read.load(Ordering::Relaxed)
                );
                assert_eq!(
                    response.header("connection"),
                    "close",
                    "unread data must not be parsed as the next request"
                );
            }
            for length in ["1048577", "1073741824", "18446744073709551615"] {
                let client =
                    admin.clone().with("content-length", length).with("content-type", JSON);
                let unread = futures::stream::once(async {
                    panic!("a body with an oversized Content-Length is not read")
                        as Result<Bytes, std::io::Error>
                });
                let response = client
                    .send(method.parse().expect("a method"), &path, Body::from_stream(unread))
                    .await;
                let too_large =
                    if path.starts_with("/oauth/") { "invalid_request" } else { "too_large" };
                assert_eq!(
                    (response.status, response.error_code().as_str()),
                    (StatusCode::PAYLOAD_TOO_LARGE, too_large),
                    "{method} {path} {length}"
                );
            }
        }
        assert_eq!(admin.get("/api/v1/me").await.status, StatusCode::OK);
    }

    async fn unsupported_media_type_with_cookies_is_refused(app: App) {
        let user = app.user("ada@example.com").await;
        let before = user.client.get("/api/v1/me").await.text;
        let cookies =
            format!("countersign-3000={}; countersign-3000-access={}", user.refresh, user.access);
        // The first four can be sent cross-site without a CORS preflight: the three form content
        // types, and none.
        let content_types = [
            "text/plain",
            FORM,
            "multipart/form-data; boundary=x",
            "",
            "text/plain; application/json",
            "application/json-patch+json",
            "application/jsonx",
            "text/json",
            "application/x-json",
            "json",
            "application",
            "/json",
        ];
        for (method, path, _) in operations_with_body(&app, JSON).await {
            for content_type in content_types {
                sync_feed(&app).await;
                for body in [
                    "{}",
                    r#"{"name":"Eve"}"#,
                    r#"{"scope":"all"}"#,
                    r#"{"current_password":"correct horse battery","new_password":"another one"}"#,
                    r#"{"role":"admin"}"#,
                ] {
                    let same =
                        app.anon().with("cookie", &cookies).with("sec-fetch-site", "same-origin");
                    let response = send_body(&same, &method, &path, content_type, body).await;
                    let admin =
                        path.contains("/admin/") && response.status == StatusCode::FORBIDDEN;
                    assert!(
                        admin
                            || (response.status, response.problem_code().as_str())
                                == (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
                        "{method} {path} {content_type}: {} {}",
                        response.status,
                        response.text
                    );
                }
            }
            for content_type in
                content_types.into_iter().chain([JSON, "application/json; charset=x"])
            {
                for (name, value) in [
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://evil.example"),
                    ("origin", "null"),
                    ("x-nothing", ""),
                ] {
                    let response = send_body(
                        &app.anon().with("cookie", &cookies).with(name, value),
                        &method,
                        &path,
                        content_type,
                        r#"{"name":"Eve"}"#,
                    )
                    .await;
                    assert_eq!(
                        (response.status, response.problem_code().as_str()),
                        (StatusCode::FORBIDDEN, "not_allowed"),
                        "{method} {path} {content_type} {name}"
                    );
                    assert!(response.cookies().is_empty());
                }
            }
        }
        for (_, path, _) in operations_with_body(&app, FORM).await {
            for content_type in ["text/plain", JSON, "multipart/form-data; boundary=x", ""] {
                assert_eq!(
                    send_body(
                        &app.anon(),
                        "POST",
                        &path,
                        content_type,
                        format!("token={}", user.access)
                    )
                    .await
                    .status,
                    if path == "/oauth/introspect" {
                        StatusCode::UNAUTHORIZED
                    } else {
                        StatusCode::UNSUPPORTED_MEDIA_TYPE
                    },
                    "{path} {content_type}"
                );
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.text, before);
        assert_eq!(
            app.anon().browser(&user.refresh).post("/api/v1/auth/refresh", json!({})).await.status,
            StatusCode::OK,
            "the session is still active"
        );
    }

    async fn body_with_content_encoding_returns_415(app: App) {
        for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip", "x-unknown"] {
            let response = app
                .anon()
                .with("content-encoding", coding)
                .post("/api/v1/auth/login", json!({}))
                .await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_coding"),
                "{coding}"
            );
            assert_eq!(response.header("accept-encoding"), "identity", "{coding}");
        }
        let plain = app
            .anon()
            .with("content-encoding", "Identity")
            .post("/api/v1/auth/login", json!({}))
            .await;
        assert_eq!(plain.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
