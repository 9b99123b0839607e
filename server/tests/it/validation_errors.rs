//! Invalid input gets a 4xx that names the field or the limit, never a 5xx.

use crate::support::{App, FORM, JSON, PASSWORD, SIGN_UP, TestResponse};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::test_on_each_database;
use serde_json::json;

async fn post_body(
    app: &App,
    path: &str,
    content_type: &str,
    body: impl Into<Body>,
) -> TestResponse {
    app.anon().with("content-type", content_type).send(Method::POST, path, body.into()).await
}

test_on_each_database! {
    async fn empty_object_reports_both_missing_fields(app: App) {
        for path in [SIGN_UP, "/api/v1/auth/login"] {
            let response = app.anon().post(path, json!({})).await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields")
            );
            assert_eq!(
                response.field_errors(),
                [
                    ("/email".to_owned(), "missing".to_owned()),
                    ("/password".to_owned(), "missing".to_owned())
                ]
            );
        }
    }

    async fn wrong_types_and_unknown_members_are_reported_by_name(app: App) {
        for value in
            [json!(5), json!(null), json!(true), json!(["a@b.c"]), json!({"a": 1}), json!(1e300)]
        {
            let response =
                app.anon().post(SIGN_UP, json!({"email": value, "password": PASSWORD})).await;
            assert_eq!(
                (response.status, response.field_errors()),
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    vec![("/email".to_owned(), "wrong_type".to_owned())]
                ),
                "{value}"
            );
        }
        let body = json!({
            "email": "ada@example.com",
            "password": PASSWORD,
            "admin": "yes",
            "a/b~c": 1
        });
        let response = app.anon().post(SIGN_UP, body).await;
        assert_eq!(
            response.field_errors(),
            [
                ("/a~1b~0c".to_owned(), "unknown_member".to_owned()),
                ("/admin".to_owned(), "unknown_member".to_owned())
            ]
        );
        assert!(!response.text.contains(PASSWORD));
    }

    async fn invalid_json_is_malformed(app: App) {
        let bodies: [&[u8]; 10] = [
            b"",
            b"{",
            b"nonsense",
            b"\"text\"",
            b"[]",
            b"null",
            b"{\"email\":\"\xff\xfe\",\"password\":\"x\"}",
            b"\xef\xbb\xbf{}",
            b"{\"email\":\"\\ud800\",\"password\":\"x\"}",
            b"{\"email\":NaN}",
        ];
        for body in bodies {
            let response = post_body(&app, SIGN_UP, JSON, body.to_vec()).await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::BAD_REQUEST, "malformed"),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let twice = post_body(
            &app,
            SIGN_UP,
            JSON,
            r#"{"email":"a@b.c","email":"d@e.f","password":"12345678"}"#,
        )
        .await;
        assert_eq!(
            (twice.status, twice.problem_code().as_str()),
            (StatusCode::BAD_REQUEST, "malformed")
        );
        let deep = post_body(&app, SIGN_UP, JSON, "[".repeat(20_000)).await;
        assert_eq!(deep.status, StatusCode::BAD_REQUEST);
        let many = format!(
            "{{{}}}",
            (0..4000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",")
        );
        assert_eq!(
            post_body(&app, SIGN_UP, JSON, many).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }

    async fn unsupported_media_type_returns_415(app: App) {
        for content_type in ["text/plain", FORM, "multipart/form-data; boundary=x", ""] {
            let response = post_body(&app, SIGN_UP, content_type, "{}").await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
                "{content_type}"
            );
        }
        assert_eq!(
            post_body(&app, SIGN_UP, "application/json; charset=utf-8", "{}").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }

    async fn oversized_body_is_refused_with_or_without_its_length(app: App) {
        let megabyte = "x".repeat(1_000_000);
        for path in [SIGN_UP, "/fn/login", "/fn/signup", "/nowhere"] {
            let content_type = if path == SIGN_UP { JSON } else { FORM };
            let declared = app
                .anon()
                .with("content-type", content_type)
                .with("content-length", "1000000")
                .send(Method::POST, path, Body::from(megabyte.clone()))
                .await;
            assert_eq!(
                (declared.status, declared.problem_code().as_str()),
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                "{path}"
            );
            assert!(declared.text.contains("64"), "the limit is named: {}", declared.text);
        }
        let parts =
            futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(10_000))));
        let undeclared = app
            .anon()
            .with("content-type", JSON)
            .send(Method::POST, SIGN_UP, Body::from_stream(parts))
            .await;
        assert_eq!(
            (undeclared.status, undeclared.problem_code().as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
        );
        let parts =
            futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(10_000))));
        let undeclared = app
            .anon()
            .with("content-type", FORM)
            .with("accept", JSON)
            .send(Method::POST, "/fn/login", Body::from_stream(parts))
            .await;
        assert_eq!(undeclared.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", undeclared.text);
    }

    async fn weak_password_is_refused_with_its_reason(app: App) {
        let refused = async |password: &str| {
            let body = json!({
                "email": "ada.lovelace@example.com", "name": "Augusta Byron", "password": password
            });
            app.anon().post(SIGN_UP, body).await.json()["errors"][0].clone()
        };
        for (password, reason, detail) in [
            ("correcthorsebatterystaple", "common", "Too common. Choose another password."),
            ("passwordpassword", "repeated", "Don't repeat characters or words."),
            ("augusta byron", "own_name", "Don't use your name."),
            ("Lovelace1", "own_email", "Don't use your email address."),
            ("countersign1", "site_name", "Don't use the name of this site."),
        ] {
            let expected = json!({
                "pointer": "/password", "code": "too_weak", "reason": reason, "detail": detail
            });
            assert_eq!(refused(password).await, expected, "{password}");
        }
        assert_eq!(refused("short").await.get("reason"), None, "only weak passwords have a reason");
    }

    async fn invalid_emails_and_passwords_are_reported_by_field(app: App) {
        let sign_up = async |email: &str, password: &str| {
            app.anon().post(SIGN_UP, json!({"email": email, "password": password})).await
        };
        for (email, password, member, code) in [
            ("ada@example.com", "1234567", "/password", "too_short"),
            ("ada@example.com", "\u{1F511} vqkzp", "/password", "too_short"),
            ("ada@example.com", &"x".repeat(1025), "/password", "too_long"),
            ("ada@example.com", "Ada@Example.com", "/password", "matches_email"),
            ("ada@example.com", "Password123", "/password", "too_weak"),
            ("ada@example.com", "countersign1", "/password", "too_weak"),
            ("ada", PASSWORD, "/email", "malformed"),
            ("ada\u{0}@example.com", PASSWORD, "/email", "disallowed_character"),
            ("ada＠example.com", PASSWORD, "/email", "full_width"),
            ("ada@example.com\r\nBcc: eve@example.com", PASSWORD, "/email", "disallowed_character"),
            (&format!("{}@example.com", "a".repeat(10_000)), PASSWORD, "/email", "too_long"),
        ] {
            let response = sign_up(email, password).await;
            assert_eq!(
                (response.status, response.field_errors()),
                (StatusCode::UNPROCESSABLE_ENTITY, vec![(member.to_owned(), code.to_owned())]),
                "{email:?}"
            );
        }
        for (number, password) in [
            "k7#vq2!m",
            &format!("{}{}", "torrent of glass ", "x".repeat(47)),
            &format!("{}{}", "torrent of glass ", "x".repeat(1007)),
            "all lower case words",
            "\u{1F511} vqkzpw",
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(
                sign_up(&format!("user{number}@example.com"), password).await.status,
                StatusCode::CREATED,
                "{}",
                password.len()
            );
        }
        // The limit of 1,024 bytes also applies to log-in.
        let long = app
            .anon()
            .post(
                "/api/v1/auth/login",
                json!({"email": "ada@example.com", "password": "x".repeat(1025)}),
            )
            .await;
        assert_eq!(long.field_errors(), [("/password".to_owned(), "too_long".to_owned())]);
    }

    async fn server_functions_refuse_undecodable_forms(app: App) {
        for form in [
            "",
            "form[email]",
            "form[email]=%ff%fe&form[password]=x",
            "form[email][]=a",
            "form=x",
            "form[email]=a&form[email]=b",
            &"form[a]".repeat(500),
            "%",
            "form[email]=%00&form[password]=%00",
        ] {
            for path in ["/fn/login", "/fn/signup"] {
                let response = app.anon().call(path, form).await;
                assert!(
                    response.status.is_client_error(),
                    "{path} {form:?}: {} {}",
                    response.status,
                    response.text
                );
                let response = app.anon().submit(path, "/login", form).await;
                assert_eq!(
                    response.status,
                    StatusCode::FOUND,
                    "{path} {form:?}: a plain form is redirected"
                );
            }
        }
        let wrong_type = app
            .anon()
            .with("content-type", "text/plain")
            .with("accept", JSON)
            .send(Method::POST, "/fn/login", Body::from("form[email]=a"))
            .await;
        assert!(wrong_type.status.is_client_error(), "{}", wrong_type.status);
    }

    async fn unknown_paths_return_404_and_methods_405(app: App) {
        for path in [
            "/api",
            "/api/",
            "/api/v1",
            "/api/v1/nothing",
            "/api/v2/me",
            "/fn/nothing",
            "/.well-known/nothing",
            "/.well-known/openid-configuration",
        ] {
            for method in [Method::GET, Method::POST] {
                let response = app.anon().send(method.clone(), path, Body::empty()).await;
                assert_eq!(
                    (response.status, response.problem_code().as_str()),
                    (StatusCode::NOT_FOUND, "not_found"),
                    "{method} {path}"
                );
            }
        }
        for (method, path) in [
            (Method::DELETE, SIGN_UP),
            (Method::GET, SIGN_UP),
            (Method::PUT, "/api/v1/me"),
            (Method::POST, "/healthz"),
            (Method::TRACE, "/"),
            (Method::POST, "/login"),
        ] {
            let response = app.anon().send(method.clone(), path, Body::empty()).await;
            assert_eq!(
                (response.status, response.problem_code().as_str()),
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
                "{method} {path}"
            );
        }
        for (method, path, status) in [
            (Method::GET, "/oauth/nothing", StatusCode::NOT_FOUND),
            (Method::GET, "/oauth/token", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let response = app.anon().send(method, path, Body::empty()).await;
            assert_eq!(
                (response.status, response.error_code().as_str()),
                (status, "invalid_request"),
                "{path}"
            );
        }
        for path in [
            "/nothing",
            "/.git/config",
            "/.env",
            "/Cargo.toml",
            "/pkg/",
            "/pkg",
            "/%2e%2e/Cargo.toml",
            "/..%2fCargo.toml",
            "/%00",
            "/account/../../etc/passwd",
            "/a%0d%0aSet-Cookie:x=1",
        ] {
            let response = app.anon().get(path).await;
            assert!(
                matches!(
                    response.status,
                    StatusCode::NOT_FOUND | StatusCode::SEE_OTHER | StatusCode::BAD_REQUEST
                ),
                "{path}: {}",
                response.status
            );
        }
        let posted = app.anon().send(Method::POST, "/nothing", Body::empty()).await;
        assert_eq!(
            (posted.status, posted.problem_code().as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            "no page is rendered for a POST"
        );
        assert_eq!(posted.header("allow"), "GET,HEAD");
        let json = app.anon().with("accept", "application/json").get("/nothing").await;
        assert_eq!(
            (json.status, json.problem_code().as_str()),
            (StatusCode::NOT_FOUND, "not_found")
        );
    }
}
