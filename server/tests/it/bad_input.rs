//! Bad input gets a 4xx that names the field or the limit, never a 5xx.

use crate::support::{Answer, App, FORM, JSON, PASSWORD, SIGN_UP};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::on_both;
use serde_json::json;

async fn post(app: &App, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    app.anon().with("content-type", kind).send(Method::POST, path, body.into()).await
}

on_both! {
    async fn an_empty_object_names_both_fields(app: App) {
        for path in [SIGN_UP, "/api/v1/auth/login"] {
            let answer = app.anon().post(path, json!({})).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields")
            );
            assert_eq!(
                answer.members(),
                [
                    ("/email".to_owned(), "missing".to_owned()),
                    ("/password".to_owned(), "missing".to_owned())
                ]
            );
        }
    }

    async fn values_of_the_wrong_type_and_unknown_members_are_named(app: App) {
        for value in
            [json!(5), json!(null), json!(true), json!(["a@b.c"]), json!({"a": 1}), json!(1e300)]
        {
            let answer =
                app.anon().post(SIGN_UP, json!({"email": value, "password": PASSWORD})).await;
            assert_eq!(
                (answer.status, answer.members()),
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    vec![("/email".to_owned(), "wrong_type".to_owned())]
                ),
                "{value}"
            );
        }
        let answer = app.anon().post(SIGN_UP, json!({"email": "ada@example.com", "password": PASSWORD, "admin": "yes", "a/b~c": 1})).await;
        assert_eq!(
            answer.members(),
            [
                ("/a~1b~0c".to_owned(), "unknown_member".to_owned()),
                ("/admin".to_owned(), "unknown_member".to_owned())
            ]
        );
        assert!(!answer.text.contains(PASSWORD));
    }

    async fn what_is_not_json_is_malformed(app: App) {
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
            let answer = post(&app, SIGN_UP, JSON, body.to_vec()).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::BAD_REQUEST, "malformed"),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let twice =
            post(&app, SIGN_UP, JSON, r#"{"email":"a@b.c","email":"d@e.f","password":"12345678"}"#)
                .await;
        assert_eq!(
            (twice.status, twice.problem().as_str()),
            (StatusCode::BAD_REQUEST, "malformed")
        );
        let deep = post(&app, SIGN_UP, JSON, "[".repeat(20_000)).await;
        assert_eq!(deep.status, StatusCode::BAD_REQUEST);
        let many = format!(
            "{{{}}}",
            (0..4000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(",")
        );
        assert_eq!(post(&app, SIGN_UP, JSON, many).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    async fn another_media_type_is_refused(app: App) {
        for kind in ["text/plain", FORM, "multipart/form-data; boundary=x", ""] {
            let answer = post(&app, SIGN_UP, kind, "{}").await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
                "{kind}"
            );
        }
        assert_eq!(
            post(&app, SIGN_UP, "application/json; charset=utf-8", "{}").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }

    async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not(app: App) {
        let megabyte = "x".repeat(1_000_000);
        for path in [SIGN_UP, "/fn/login", "/fn/signup", "/nowhere"] {
            let kind = if path == SIGN_UP { JSON } else { FORM };
            let said = app
                .anon()
                .with("content-type", kind)
                .with("content-length", "1000000")
                .send(Method::POST, path, Body::from(megabyte.clone()))
                .await;
            assert_eq!(
                (said.status, said.problem().as_str()),
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                "{path}"
            );
            assert!(said.text.contains("64"), "the limit is named: {}", said.text);
        }
        let parts =
            futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(10_000))));
        let unsaid = app
            .anon()
            .with("content-type", JSON)
            .send(Method::POST, SIGN_UP, Body::from_stream(parts))
            .await;
        assert_eq!(
            (unsaid.status, unsaid.problem().as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, "too_large")
        );
        let parts =
            futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(10_000))));
        let unsaid = app
            .anon()
            .with("content-type", FORM)
            .with("accept", JSON)
            .send(Method::POST, "/fn/login", Body::from_stream(parts))
            .await;
        assert_eq!(unsaid.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", unsaid.text);
    }

    async fn passwords_have_a_length_and_addresses_a_shape(app: App) {
        let sign_up = async |email: &str, password: &str| {
            app.anon().post(SIGN_UP, json!({"email": email, "password": password})).await
        };
        for (email, password, member, code) in [
            ("ada@example.com", "1234567", "/password", "too_short"),
            ("ada@example.com", "\u{1F511} vqkzp", "/password", "too_short"),
            ("ada@example.com", &"x".repeat(1025), "/password", "too_long"),
            ("ada@example.com", "Ada@Example.com", "/password", "like_email"),
            ("ada@example.com", "Password123", "/password", "guessable"),
            ("ada@example.com", "countersign1", "/password", "guessable"),
            ("ada", PASSWORD, "/email", "malformed"),
            ("ada\u{0}@example.com", PASSWORD, "/email", "unprintable"),
            ("ada＠example.com", PASSWORD, "/email", "full_width"),
            ("ada@example.com\r\nBcc: eve@example.com", PASSWORD, "/email", "unprintable"),
            (&format!("{}@example.com", "a".repeat(10_000)), PASSWORD, "/email", "too_long"),
        ] {
            let answer = sign_up(email, password).await;
            assert_eq!(
                (answer.status, answer.members()),
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
        // To log in, 1,025 bytes are too many, too.
        let long = app
            .anon()
            .post(
                "/api/v1/auth/login",
                json!({"email": "ada@example.com", "password": "x".repeat(1025)}),
            )
            .await;
        assert_eq!(long.members(), [("/password".to_owned(), "too_long".to_owned())]);
    }

    async fn functions_refuse_what_they_cannot_read(app: App) {
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
                let answer = app.anon().call(path, form).await;
                assert!(
                    answer.status.is_client_error(),
                    "{path} {form:?}: {} {}",
                    answer.status,
                    answer.text
                );
                let answer = app.anon().submit(path, "/login", form).await;
                assert_eq!(
                    answer.status,
                    StatusCode::FOUND,
                    "{path} {form:?}: a plain form is led back"
                );
            }
        }
        let wrong_kind = app
            .anon()
            .with("content-type", "text/plain")
            .with("accept", JSON)
            .send(Method::POST, "/fn/login", Body::from("form[email]=a"))
            .await;
        assert!(wrong_kind.status.is_client_error(), "{}", wrong_kind.status);
    }

    async fn unknown_addresses_and_methods_are_said_to_be_so(app: App) {
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
                let answer = app.anon().send(method.clone(), path, Body::empty()).await;
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
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
            let answer = app.anon().send(method.clone(), path, Body::empty()).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
                "{method} {path}"
            );
        }
        for (method, path, status) in [
            (Method::GET, "/oauth/nothing", StatusCode::NOT_FOUND),
            (Method::GET, "/oauth/token", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let answer = app.anon().send(method, path, Body::empty()).await;
            assert_eq!(
                (answer.status, answer.refusal().as_str()),
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
            let answer = app.anon().get(path).await;
            assert!(
                matches!(
                    answer.status,
                    StatusCode::NOT_FOUND | StatusCode::SEE_OTHER | StatusCode::BAD_REQUEST
                ),
                "{path}: {}",
                answer.status
            );
        }
        let posted = app.anon().send(Method::POST, "/nothing", Body::empty()).await;
        assert_eq!(
            (posted.status, posted.problem().as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            "no page is rendered for a POST"
        );
        assert_eq!(posted.header("allow"), "GET,HEAD");
        let asked = app.anon().with("accept", "application/json").get("/nothing").await;
        assert_eq!((asked.status, asked.problem().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    }
}
