//! Bodies that nobody of good will sends: spoilt, endless, of another kind, or with more in them
//! than belongs there. Each is refused as the fault of whoever sent it.

use crate::support::{Answer, App, FORM, JSON, PASSWORD, boss, functions, hear, send};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use countersign_core::on_both;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What takes a body of some kind, as the description says: method, path, and the names of its
/// members.
async fn taking(app: &App, kind: &str) -> Vec<(String, String, Vec<String>)> {
    let description = app.anon().get("/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let schema = &operation["requestBody"]["content"][kind]["schema"];
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

/// Refused, as a fault of whoever sent it.
fn refused(answer: &Answer, what: &str) {
    assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.text);
    assert!(
        answer.text.len() < 8192,
        "{what}: what was sent does not come back: {} bytes",
        answer.text.len()
    );
}

on_both! {
    async fn json_that_no_program_of_good_will_sends_is_refused_by_every_route(app: App) {
        let boss = boss(&app).await;
        let routes = taking(&app, JSON).await;
        assert!(routes.len() >= 7, "{routes:?}");
        for (method, path, members) in &routes {
            hear(&app).await;
            let post = async |body: Vec<u8>| {
                let what = format!(
                    "{method} {path} {}",
                    String::from_utf8_lossy(&body[..body.len().min(100)])
                );
                (send(&boss, method, path, JSON, body).await, what)
            };
            // Members of any other type, and others beside them.
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
                    let (answer, what) =
                        post(format!("{{\"{member}\":{value}}}").into_bytes()).await;
                    assert_eq!(
                        (answer.status, answer.members()),
                        (
                            StatusCode::UNPROCESSABLE_ENTITY,
                            vec![(format!("/{member}"), "wrong_type".to_owned())]
                        ),
                        "{what}"
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
                    let (answer, what) = post(body.into_bytes()).await;
                    assert_eq!(
                        (answer.status, answer.problem().as_str()),
                        (StatusCode::BAD_REQUEST, "malformed"),
                        "a member twice: {what}"
                    );
                }
                for text in ["\\ud800", "\\udc00\\ud800", "\\u12", "\\x00", "\u{0}", "\n", "\u{1f}"]
                {
                    let (answer, what) =
                        post(format!("{{\"{member}\":\"{text}\"}}").into_bytes()).await;
                    assert_eq!(
                        (answer.status, answer.problem().as_str()),
                        (StatusCode::BAD_REQUEST, "malformed"),
                        "{what}"
                    );
                }
                let (answer, what) = post(
                    format!("{{\"{member}\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000))
                        .into_bytes(),
                )
                .await;
                refused(&answer, &what);
                // Ten megabytes of it.
                let (answer, what) = post(
                    format!("{{\"{member}\":\"{}@example.com\"}}", "a".repeat(10_000_000))
                        .into_bytes(),
                )
                .await;
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                    "{what}"
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
                let (answer, what) = post(format!("{{\"{unknown}\":\"x\"}}").into_bytes()).await;
                assert_eq!(
                    (answer.status, answer.members().len(), answer.members()[0].1.as_str()),
                    (StatusCode::UNPROCESSABLE_ENTITY, 1, "unknown_member"),
                    "{what}"
                );
            }
            // What is no JSON, or no object.
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
                let (answer, what) = post(body).await;
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (StatusCode::BAD_REQUEST, "malformed"),
                    "{what}"
                );
            }
            // So many members: as many as fit are refused with a few names, and more is too much.
            let keys = |count: usize| {
                format!(
                    "{{{}}}",
                    (0..count).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")
                )
                .into_bytes()
            };
            let (answer, what) = post(keys(6_000)).await;
            assert_eq!(
                (answer.status, answer.members().len()),
                (StatusCode::UNPROCESSABLE_ENTITY, 20),
                "{what}"
            );
            let (answer, what) = post(keys(100_000)).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{what}");
        }
        // Ten thousand parameters, and such as do not belong.
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
                let answer = boss.get(&format!("{path}?{query}")).await;
                let harmless = ["&&&"].contains(&query);
                assert!(
                    answer.status == StatusCode::BAD_REQUEST
                        || harmless && answer.status == StatusCode::OK,
                    "{path}?{query:.100}: {}",
                    answer.status
                );
            }
            for path in
                ["/api/v1/me", "/healthz", "/", "/login", "/nothing", "/account", "/openapi.json"]
            {
                let answer = boss.get(&format!("{path}?{query}")).await;
                assert!(answer.status.as_u16() < 500, "{path}?{query:.100}: {}", answer.status);
            }
        }
        assert_eq!(boss.get("/api/v1/me").await.json()["name"], Value::Null, "nothing was done");
    }

    async fn forms_that_no_page_of_ours_sends_are_refused_by_every_function(app: App) {
        let (boss, user) = (boss(&app).await, app.user("ada@example.com").await);
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
            "form[tag]=%00",
            "form[session]=%00",
            "form[name]=%00&form[tag]=x",
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
        for function in functions()
            .iter()
            .filter(|function| !["/fn/logout", "/fn/refresh"].contains(&function.as_str()))
        {
            hear(&app).await;
            for form in forms {
                let what = format!("{function} {form:.60}");
                let answer = boss.call(function, form).await;
                // What reads only ignores what it does not know.
                let reads = ["/fn/current-account", "/fn/sessions", "/fn/recent-activity"]
                    .contains(&function.as_str());
                assert!(
                    answer.status.is_client_error() || reads && answer.status == StatusCode::OK,
                    "{what}: {} {}",
                    answer.status,
                    answer.text
                );
                let page =
                    app.anon().browser(&user.refresh).submit(function, "/account", form).await;
                let led = page.header("location").starts_with("/account?")
                    || page.header("location").starts_with("/account&")
                    || page.header("location") == "/account";
                assert!(
                    page.status == StatusCode::FOUND && led
                        || page.status == StatusCode::PAYLOAD_TOO_LARGE
                        || reads && page.status.as_u16() < 400,
                    "{what}: {} {}",
                    page.status,
                    page.header("location")
                );
            }
            for kind in [
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
                let client = boss.clone().with("accept", JSON);
                let answer = send(&client, "POST", function, kind, "--x\r\nContent-Disposition: form-data; name=\"form[email]\"\r\n\r\na\r\n--x--\r\n").await;
                assert!(
                    answer.status.as_u16() < 500,
                    "{function} {kind}: {} {}",
                    answer.status,
                    answer.text
                );
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.json()["name"], Value::Null);
    }

    async fn nobody_becomes_more_by_saying_so_in_a_form(app: App) {
        const MORE: &str = "form[role]=admin&form[roles][]=admin&form[roles]=admin&form[is_admin]=true&form[scopes]=admin&form[email_verified]=true&form[id]=00000000-0000-7000-8000-000000000000&form[password_hash]=x&form[created_at]=0&form[mfa_enabled]=true&form[epoch]=99&form[disabled_at]=0";
        let top = MORE.replace("form[", "").replace("]=", "=").replace("][", "[");
        for (number, more) in
            [MORE, &top, "form[role]=admin", "role=admin", "form[is_admin]=true", "roles[]=admin"]
                .iter()
                .enumerate()
        {
            let email = format!("eve{number}@example.com");
            let made = app
                .anon()
                .call(
                    "/fn/signup",
                    &format!(
                        "form[email]={email}&form[password]={}&{more}",
                        PASSWORD.replace(' ', "+")
                    ),
                )
                .await;
            assert!(
                made.status == StatusCode::OK || made.status.is_client_error(),
                "{more}: {}",
                made.text
            );
            let user = if made.status == StatusCode::OK {
                app.log_in(&email).await
            } else {
                app.user(&email).await
            };
            let mut before = user.client.get("/api/v1/me").await.json();
            assert_eq!(
                (&before["roles"], &before["email_verified"], &before["created_at"]),
                (&json!(["user"]), &json!(false), &json!("2026-01-01T00:00:00Z")),
                "{more}"
            );
            assert_ne!(before["id"], "00000000-0000-7000-8000-000000000000");
            let tag = user.client.call("/fn/current-account", "").await.json()["tag"]
                .as_str()
                .expect("a tag")
                .to_owned();
            let renamed = user
                .client
                .call("/fn/rename", &format!("form[name]=Eve&form[tag]={tag}&{more}"))
                .await;
            if renamed.status == StatusCode::OK {
                before["name"] = json!("Eve");
            }
            assert_eq!(user.client.get("/api/v1/me").await.json(), before, "{more}");
            assert_eq!(
                user.client.get("/api/v1/admin/users").await.status,
                StatusCode::FORBIDDEN,
                "{more}"
            );
        }
    }

    async fn more_than_the_limit_is_read_nowhere_whatever_its_length_is_said_to_be(app: App) {
        let boss = boss(&app).await;
        let description = app.anon().get("/openapi.json").await.json();
        let mut addresses: Vec<(String, String)> =
            functions().into_iter().map(|path| ("POST".to_owned(), path)).collect();
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
            hear(&app).await;
            // A gigabyte in parts, said to be endless, small, nothing, not a number. No more than a
            // megabyte of it is taken in.
            for said in ["", "0", "2", "65536", "-1", "1e3", "99999999999999999999999", "2, 2"] {
                let read = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&read);
                let part = Bytes::from(vec![b' '; 65_536]);
                let parts = futures::stream::iter((0..16_384).map(move |_| {
                    counter.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, std::io::Error>(part.clone())
                }));
                let client = boss
                    .clone()
                    .with("content-type", if path.starts_with("/api/") { JSON } else { FORM })
                    .with("accept", JSON);
                let client =
                    if said.is_empty() { client } else { client.with("content-length", said) };
                let answer = client
                    .send(method.parse().expect("a method"), &path, Body::from_stream(parts))
                    .await;
                let too_large =
                    if path.starts_with("/oauth/") { "invalid_request" } else { "too_large" };
                assert_eq!(
                    (answer.status, answer.refusal().as_str()),
                    (StatusCode::PAYLOAD_TOO_LARGE, too_large),
                    "{method} {path} {said:?}"
                );
                assert!(
                    read.load(Ordering::Relaxed) <= 18,
                    "{method} {path}: {} parts were read",
                    read.load(Ordering::Relaxed)
                );
                assert_eq!(
                    answer.header("connection"),
                    "close",
                    "what is still on its way is not the next request"
                );
            }
            for said in ["1048577", "1073741824", "18446744073709551615"] {
                let client = boss.clone().with("content-length", said).with("content-type", JSON);
                let unread = futures::stream::once(async {
                    panic!("nobody reads what is too long by its own word")
                        as Result<Bytes, std::io::Error>
                });
                let answer = client
                    .send(method.parse().expect("a method"), &path, Body::from_stream(unread))
                    .await;
                let too_large =
                    if path.starts_with("/oauth/") { "invalid_request" } else { "too_large" };
                assert_eq!(
                    (answer.status, answer.refusal().as_str()),
                    (StatusCode::PAYLOAD_TOO_LARGE, too_large),
                    "{method} {path} {said}"
                );
            }
        }
        assert_eq!(boss.get("/api/v1/me").await.status, StatusCode::OK);
    }

    async fn a_body_of_another_kind_is_refused_with_a_cookie_too(app: App) {
        let user = app.user("ada@example.com").await;
        let before = user.client.get("/api/v1/me").await.text;
        let cookies =
            format!("countersign-3000={}; countersign-3000-access={}", user.refresh, user.access);
        // What a form of another site can send without being asked for leave: these three kinds,
        // and none.
        let kinds = [
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
        for (method, path, _) in taking(&app, JSON).await {
            for kind in kinds {
                hear(&app).await;
                for body in [
                    "{}",
                    r#"{"name":"Eve"}"#,
                    r#"{"scope":"all"}"#,
                    r#"{"current":"correct horse battery","new":"a quite different one"}"#,
                    r#"{"role":"admin"}"#,
                ] {
                    let same =
                        app.anon().with("cookie", &cookies).with("sec-fetch-site", "same-origin");
                    let answer = send(&same, &method, &path, kind, body).await;
                    let admin = path.contains("/admin/") && answer.status == StatusCode::FORBIDDEN;
                    assert!(
                        admin
                            || (answer.status, answer.problem().as_str())
                                == (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
                        "{method} {path} {kind}: {} {}",
                        answer.status,
                        answer.text
                    );
                }
            }
            for kind in kinds.into_iter().chain([JSON, "application/json; charset=x"]) {
                for (name, value) in [
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://evil.example"),
                    ("origin", "null"),
                    ("x-nothing", ""),
                ] {
                    let answer = send(
                        &app.anon().with("cookie", &cookies).with(name, value),
                        &method,
                        &path,
                        kind,
                        r#"{"name":"Eve"}"#,
                    )
                    .await;
                    assert_eq!(
                        (answer.status, answer.problem().as_str()),
                        (StatusCode::FORBIDDEN, "not_allowed"),
                        "{method} {path} {kind} {name}"
                    );
                    assert!(answer.cookies().is_empty());
                }
            }
        }
        for (_, path, _) in taking(&app, FORM).await {
            for kind in ["text/plain", JSON, "multipart/form-data; boundary=x", ""] {
                assert_eq!(
                    send(&app.anon(), "POST", &path, kind, format!("token={}", user.access))
                        .await
                        .status,
                    if path == "/oauth/introspect" {
                        StatusCode::UNAUTHORIZED
                    } else {
                        StatusCode::UNSUPPORTED_MEDIA_TYPE
                    },
                    "{path} {kind}"
                );
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.text, before);
        assert_eq!(
            app.anon().browser(&user.refresh).post("/api/v1/auth/refresh", json!({})).await.status,
            StatusCode::OK,
            "and is signed in still"
        );
    }

    async fn body_in_a_content_coding_is_refused_as_unsupported(app: App) {
        for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip", "x-unknown"] {
            let answer = app
                .anon()
                .with("content-encoding", coding)
                .post("/api/v1/auth/login", json!({}))
                .await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_coding"),
                "{coding}"
            );
            assert_eq!(answer.header("accept-encoding"), "identity", "{coding}");
        }
        let plain = app
            .anon()
            .with("content-encoding", "Identity")
            .post("/api/v1/auth/login", json!({}))
            .await;
        assert_eq!(plain.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
