//! Attacks on tokens over HTTP. The reasons for refusal are tested in `core`. These tests show that
//! all refusals are identical, cause no outgoing request, log one line each, and leave the session
//! of the attacked user active.

use crate::{
    attack_target::{AttackTarget, JSON, ME, REFRESH, Tokens, URL},
    log_capture::LogCapture,
    support::{FORM, PASSWORD, START},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_core::{
    RequestContext,
    keys::{Algorithm, PRE_PUBLISH_PERIOD},
    test_on_each_database,
    testing::TestDatabase,
    testing::tokens_of,
};
use countersign_types::{TimeSpan, forms::LogInForm};
use jsonwebtoken::{Algorithm::ES256, Algorithm::HS256, EncodingKey, crypto::sign};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The default log filter of the server.
const DEFAULT_LOG_FILTER: &str = "info,sqlx=warn";

fn encode_segment(value: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

fn decode_segment(token: &str, at: usize) -> Value {
    serde_json::from_slice(
        &URL_SAFE_NO_PAD.decode(token.split('.').nth(at).expect("a part")).expect("base64url"),
    )
    .expect("JSON")
}

fn sign_jwt(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    let message =
        format!("{}.{}", encode_segment(header.to_string()), encode_segment(claims.to_string()));
    let algorithm = if header["alg"] == "HS256" { HS256 } else { ES256 };
    format!("{message}.{}", sign(message.as_bytes(), key, algorithm).expect("a signature"))
}

fn with_member(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

/// Returns modified and forged variants of a token. `key` is the signing key of the server,
/// `other_key` a foreign one.
fn forged_tokens(token: &str, key: &EncodingKey, other_key: &EncodingKey) -> Vec<String> {
    let (header, claims) = (decode_segment(token, 0), decode_segment(token, 1));
    let mut tokens = Vec::new();
    for at in 0..token.len() {
        let mut changed = token.to_owned().into_bytes();
        // Another character of base64url.
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        tokens.push(String::from_utf8(changed).expect("ASCII"));
        if at % 4 == 0 && at > 0 {
            tokens.push(format!("{}{}", &token[..at], token.get(at + 4..).unwrap_or_default()));
        }
    }
    let (unsigned, signature) = token.rsplit_once('.').expect("three parts");
    tokens.extend([
        unsigned.to_owned(),
        format!("{unsigned}."),
        format!("{token}AAAA"),
        format!("{token}.{signature}"),
        "a".repeat(5000),
    ]);
    for alg in ["none", "None", "NONE", "nOnE", "noNE", "HS256", "RS256", "ES384"] {
        let message = format!(
            "{}.{}",
            encode_segment(with_member(&header, "alg", json!(alg)).to_string()),
            encode_segment(claims.to_string())
        );
        tokens.extend([message.clone(), format!("{message}."), format!("{message}.{signature}")]);
    }
    for secret in [&b""[..], b"secret", header["kid"].to_string().as_bytes()] {
        tokens.push(sign_jwt(
            &with_member(&header, "alg", json!("HS256")),
            &claims,
            &EncodingKey::from_secret(secret),
        ));
    }
    tokens.push(sign_jwt(&header, &claims, other_key));
    let now = START.seconds();
    for (name, value) in [
        ("exp", json!(now - 30)),
        ("exp", json!("9999999999")),
        ("exp", json!(now + 86_400)),
        ("exp", json!(null)),
        ("nbf", json!(now + 3600)),
        ("iat", json!(now + 3600)),
        ("iss", json!("https://evil.example")),
        ("aud", json!(["x"])),
        ("sub", json!(7)),
        ("sid", json!("")),
        ("roles", json!(["root"])),
    ] {
        tokens.push(sign_jwt(&header, &with_member(&claims, name, value), key));
    }
    for (name, value) in
        [("typ", json!("JWT")), ("kid", json!("unknown")), ("crit", json!(["exp"]))]
    {
        tokens.push(sign_jwt(&with_member(&header, name, value), &claims, key));
    }
    tokens
}

test_on_each_database! {
    async fn forged_access_tokens_get_identical_responses(target: AttackTarget) {
        let (ada, other) = (
            target.sign_up("ada@example.com").await,
            AttackTarget::on(TestDatabase::sqlite()).await,
        );
        let first = target.get_me("nonsense").await;
        assert_eq!(
            (first.status, first.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
        );
        let forged = forged_tokens(
            &ada.access,
            &target.auth.signing_key_for_tests(),
            &other.auth.signing_key_for_tests(),
        );
        assert!(forged.len() > 800, "{}", forged.len());
        for token in forged {
            let cookie = format!("countersign-3000-access={token}");
            for response in [
                target.get_me(&token).await,
                target.send(Method::GET, ME, &[("cookie", cookie.as_bytes())], Body::empty()).await,
            ] {
                assert_eq!(
                    (response.status, &response.text),
                    (first.status, &first.text),
                    "{token}"
                );
                assert_eq!(response.stable_headers(), first.stable_headers(), "{token}");
            }
        }
        assert_eq!(
            target.get_me(&ada.access).await.status,
            StatusCode::OK,
            "the original token stays valid"
        );
        let valid = sign_jwt(
            &decode_segment(&ada.access, 0),
            &decode_segment(&ada.access, 1),
            &target.auth.signing_key_for_tests(),
        );
        assert_eq!(
            target.get_me(&valid).await.status,
            StatusCode::OK,
            "a token signed with the right key is accepted"
        );
    }

    async fn token_with_key_url_causes_no_outgoing_request(target: AttackTarget) {
        let (ada, other) = (
            target.sign_up("ada@example.com").await,
            AttackTarget::on(TestDatabase::sqlite()).await,
        );
        let jwk = serde_json::to_value(&other.auth.public_keys()[0]).expect("JSON");
        let (requests, response) =
            (Arc::new(AtomicUsize::new(0)), json!({"keys": [jwk]}).to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                counter.fetch_add(1, Ordering::SeqCst);
                let text = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{response}",
                    response.len()
                );
                socket.write_all(text.as_bytes()).await.expect("a response");
            }
        });
        let url = format!("http://{address}/jwks.json");
        let (header, claims) = (decode_segment(&ada.access, 0), decode_segment(&ada.access, 1));
        let other_key = other.auth.signing_key_for_tests();
        for name in ["jku", "x5u", "jwks_uri", "kid", "jwk", "iss"] {
            for kid in [&header["kid"], &jwk["kid"]] {
                let pointing =
                    with_member(&with_member(&header, "kid", kid.clone()), name, json!(url));
                assert_eq!(
                    target.get_me(&sign_jwt(&pointing, &claims, &other_key)).await.status,
                    StatusCode::UNAUTHORIZED,
                    "{name}"
                );
            }
        }
        for name in ["iss", "aud", "sub", "jwks_uri", "jku"] {
            assert_eq!(
                target
                    .get_me(&sign_jwt(
                        &with_member(&header, "jku", json!(url)),
                        &with_member(&claims, name, json!(url)),
                        &other_key
                    ))
                    .await
                    .status,
                StatusCode::UNAUTHORIZED,
                "{name}"
            );
        }
        // In a token of the server itself, the header is ignored.
        let valid = sign_jwt(
            &with_member(&with_member(&header, "jku", json!(url)), "x5u", json!(url)),
            &claims,
            &target.auth.signing_key_for_tests(),
        );
        assert_eq!(target.get_me(&valid).await.status, StatusCode::OK);
        let mut text = String::new();
        TcpStream::connect(address)
            .await
            .expect("a connection")
            .read_to_string(&mut text)
            .await
            .expect("a response");
        assert!(text.contains("\"keys\""), "{text}");
        assert_eq!(requests.load(Ordering::SeqCst), 1, "only the test has connected");
    }

    async fn malicious_key_id_is_logged_as_one_clean_line(target: AttackTarget) {
        let ada = target.sign_up("ada@example.com").await;
        let (header, claims, key) = (
            decode_segment(&ada.access, 0),
            decode_segment(&ada.access, 1),
            target.auth.signing_key_for_tests(),
        );
        let first = target.get_me("nonsense").await;
        for kid in [
            json!("SENTINEL"),
            json!("SENTINEL/../../../../../../dev/null"),
            json!("/dev/SENTINEL"),
            json!("x' UNION SELECT 'SENTINEL';--"),
            json!("|sleep 10 SENTINEL"),
            json!("SENTINEL\0"),
            json!("SENTINEL\r\n{\"level\":\"ERROR\",\"message\":\"SENTINEL\"}"),
            json!("\u{1b}[31mSENTINEL\u{2028}\u{2029}\u{85}"),
            json!("SENTINEL".repeat(1250)),
            json!(""),
            json!(7),
            json!(["SENTINEL"]),
            json!({"SENTINEL": 1}),
            json!(null),
            json!(true),
        ] {
            let token = sign_jwt(&with_member(&header, "kid", kid.clone()), &claims, &key);
            let log = LogCapture::start(DEFAULT_LOG_FILTER);
            let response = target.get_me(&token).await;
            assert_eq!(
                (response.status, &response.text),
                (StatusCode::UNAUTHORIZED, &first.text),
                "{kid}"
            );
            let text = log.take();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 1, "{kid}: {text}");
            let line: Value = serde_json::from_str(lines[0]).expect("JSON");
            assert_eq!(
                (&line["path"], &line["status"], &line["level"]),
                (&json!(ME), &json!(401), &json!("INFO"))
            );
            drop(log);
            // At trace level there are more lines, and none of them has the key id.
            let log = LogCapture::start("trace");
            target.get_me(&token).await;
            let text = log.take();
            assert!(text.contains("access token rejected"), "{text}");
            assert!(
                !text.contains("SENTINEL")
                    && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
                "{text}"
            );
        }
    }

    async fn misplaced_access_token_is_ignored_and_not_logged(target: AttackTarget) {
        let ada = target.sign_up("ada@example.com").await;
        let log = LogCapture::start("trace");
        let anonymous = target.send(Method::GET, ME, &[], Body::empty()).await;
        let in_query = format!("{ME}?access_token={}", ada.access);
        let form = format!("access_token={}", ada.access);
        let get = async |headers: &[(&str, &[u8])]| {
            target.send(Method::GET, ME, headers, Body::empty()).await
        };
        let bearer = format!("Bearer {}", ada.access);
        let mut responses = vec![
            target.send(Method::GET, &in_query, &[], Body::empty()).await,
            target.send(Method::GET, ME, &[("content-type", FORM.as_bytes())], form.clone()).await,
            target
                .send(Method::GET, ME, &[JSON], json!({"access_token": ada.access}).to_string())
                .await,
            get(&[("x-authorization", bearer.as_bytes())]).await,
            get(&[("proxy-authorization", bearer.as_bytes())]).await,
            get(&[("x-access-token", ada.access.as_bytes())]).await,
            get(&[("x-auth-token", ada.access.as_bytes())]).await,
            get(&[("referer", format!("{URL}/?access_token={}", ada.access).as_bytes())]).await,
        ];
        for name in [
            "access",
            "access_token",
            "token",
            "session",
            "Countersign-Access",
            "__Host-countersign-access",
            "__Secure-countersign-access",
            "countersign",
            "xcountersign-access",
        ] {
            responses.push(get(&[("cookie", format!("{name}={}", ada.access).as_bytes())]).await);
        }
        for response in responses {
            assert_eq!(
                (response.status, &response.text, response.header("www-authenticate")),
                (StatusCode::UNAUTHORIZED, &anonymous.text, "Bearer realm=\"countersign\"")
            );
        }
        let patched =
            target.send(Method::PATCH, ME, &[("content-type", FORM.as_bytes())], form).await;
        assert!(
            matches!(patched.status, StatusCode::UNAUTHORIZED | StatusCode::UNSUPPORTED_MEDIA_TYPE),
            "{}",
            patched.status
        );
        // In the right place it is accepted, and not logged either.
        assert_eq!(target.get_me_with(bearer.as_bytes()).await.status, StatusCode::OK);
        assert_eq!(
            get(&[("cookie", format!("countersign-3000-access={}", ada.access).as_bytes())])
                .await
                .status,
            StatusCode::OK
        );
        let text = log.take();
        assert!(text.lines().count() > 15 && text.contains("/api/v1/me"), "{text}");
        let signature = ada.access.rsplit('.').next().expect("a signature");
        assert!(!text.contains(signature) && !text.contains(&ada.access[..40]), "{text}");
    }

    async fn authorization_header_is_parsed_strictly(target: AttackTarget) {
        let token = target.sign_up("ada@example.com").await.access;
        let bytes = |before: &[u8], after: &[u8]| [before, token.as_bytes(), after].concat();
        for valid in [
            bytes(b"Bearer ", b""),
            bytes(b"bearer ", b""),
            bytes(b"BEARER ", b""),
            bytes(b"bEaReR ", b""),
            bytes(b"Bearer   ", b""),
            bytes(b"Bearer ", b" "),
        ] {
            assert_eq!(
                target.get_me_with(&valid).await.status,
                StatusCode::OK,
                "{}",
                String::from_utf8_lossy(&valid)
            );
        }
        let first = target.get_me("nonsense").await;
        let basic = b"Basic YWRhOmFkYQ==".to_vec();
        for invalid in [
            b"".to_vec(),
            b" ".to_vec(),
            b"Bearer".to_vec(),
            b"Bearer ".to_vec(),
            b"Bearer   ".to_vec(),
            basic.clone(),
            bytes(b"", b""),
            bytes(b"Bearer", b""),
            bytes(b"Bearer\t", b""),
            bytes(b"Bearer:", b""),
            bytes(b" Bearer ", b""),
            bytes(b"Token ", b""),
            bytes(b"Basic ", b""),
            bytes(b"Bearer\xa0", b""),
            bytes(b"Bearer \xff\xfe", b""),
            bytes(b"Bearer \"", b"\""),
            bytes(b"Bearer ", b", Bearer x"),
            bytes(b"Bearer Bearer ", b""),
            bytes(b"Bearer ", b" x"),
            bytes(b"Bearer ", "\u{fc}".as_bytes()),
            "Bearer \u{442}\u{43e}\u{43a}\u{435}\u{43d}".as_bytes().to_vec(),
            (128..=255).collect(),
        ] {
            let response = target.get_me_with(&invalid).await;
            assert_eq!(
                (response.status, &response.text),
                (StatusCode::UNAUTHORIZED, &first.text),
                "{}",
                String::from_utf8_lossy(&invalid)
            );
        }
        let valid = bytes(b"Bearer ", b"");
        for two in [[&valid, &valid], [&valid, &basic], [&basic, &valid]] {
            let headers: Vec<(&str, &[u8])> =
                two.into_iter().map(|value| ("authorization", &value[..])).collect();
            let response = target.send(Method::GET, ME, &headers, Body::empty()).await;
            assert_eq!(
                (response.status, &response.text),
                (StatusCode::UNAUTHORIZED, &first.text),
                "two headers are refused"
            );
        }
    }

    async fn oversized_token_is_refused_before_parsing(target: AttackTarget) {
        let log = LogCapture::start("debug,sqlx=warn");
        for token in [
            "a".repeat(64 * 1024),
            "a".repeat(1024 * 1024),
            "a.b.c".repeat(100_000),
            format!("{}.{}.x", encode_segment(r#"{"alg":"ES256"}"#), "A".repeat(1_000_000)),
        ] {
            assert_eq!(target.get_me(&token).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(target.refresh(&token[..60_000]).await.status, StatusCode::UNAUTHORIZED);
            let text = log.take();
            assert!(
                text.contains("longer than 4096 bytes")
                    && text.lines().count() < 5
                    && text.len() < 4096,
                "{text}"
            );
        }
    }

    async fn oversized_token_on_a_socket_is_refused(target: AttackTarget) {
        let token = target.sign_up("ada@example.com").await.access;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = target.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let get_me = async |token: &str| {
            let socket = TcpStream::connect(address).await.expect("a connection");
            let (mut from, mut to) = socket.into_split();
            let request = format!(
                "GET {ME} HTTP/1.1\r\nhost: localhost:3000\r\nconnection: close\r\n\
                 authorization: Bearer {token}\r\n\r\n"
            );
            // The server may close the connection before it has read the request. The write half is
            // kept open until then, so that the server does not see a disconnect.
            let sending =
                tokio::spawn(async move { (to.write_all(request.as_bytes()).await.is_ok(), to) });
            let mut response = Vec::new();
            let mut part = [0; 4096];
            while let Ok(length) = from.read(&mut part).await
                && length > 0
            {
                response.extend_from_slice(&part[..length]);
            }
            drop(sending);
            String::from_utf8_lossy(&response).get(9..12).unwrap_or_default().to_owned()
        };
        for _ in 0..3 {
            assert_eq!(get_me(&token).await, "200");
            assert_eq!(get_me(&"a".repeat(64 * 1024)).await, "401");
            assert_eq!(get_me(&"a".repeat(1024 * 1024)).await, "431");
        }
        assert_eq!(get_me(&token).await, "200");
    }

    async fn refresh_token_reuse_revokes_session_and_is_reported(target: AttackTarget) {
        let mut chain = vec![target.sign_up("ada@example.com").await];
        let other = target.log_in("ada@example.com").await;
        for _ in 0..4 {
            target.clock.advance(TimeSpan::minutes(1));
            let next =
                Tokens::from_response(&target.refresh(&chain[chain.len() - 1].refresh).await);
            chain.push(next);
        }
        assert_eq!(chain.iter().map(|tokens| &tokens.refresh).collect::<HashSet<_>>().len(), 5);
        assert_eq!(target.get_me(&chain[4].access).await.status, StatusCode::OK);
        let at = target.clock.now();
        let replay = target.refresh(&chain[0].refresh).await;
        assert_eq!(
            (replay.status, replay.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
        for tokens in &chain {
            assert_eq!(target.get_me(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
            let refused = target.refresh(&tokens.refresh).await;
            assert_eq!((refused.status, &refused.text), (replay.status, &replay.text));
        }
        assert_eq!(
            target.get_me(&other.access).await.status,
            StatusCode::OK,
            "another session of the same user is still active"
        );
        target.clock.advance(TimeSpan::minutes(1));
        let again = target.log_in("ada@example.com").await;
        assert_eq!(at.seconds(), START.seconds() + 240);
        assert_eq!(
            target.get_me(&again.access).await.json()["reuse_detected_at"],
            "2026-01-01T00:04:00Z"
        );
        let bearer = format!("Bearer {}", again.access);
        let activity = target
            .send(
                Method::GET,
                "/api/v1/me/activity",
                &[("authorization", bearer.as_bytes())],
                Body::empty(),
            )
            .await
            .json();
        let kinds: Vec<_> = activity["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| event["kind"].as_str().expect("a kind"))
            .collect();
        assert_eq!(
            kinds,
            ["logged_in", "refresh_token_reused", "logged_in", "signed_up"],
            "reuse is recorded once"
        );
    }

    async fn modified_refresh_token_is_refused_and_revokes_nothing(target: AttackTarget) {
        let (ada, eve) =
            (target.sign_up("ada@example.com").await, target.sign_up("eve@example.com").await);
        let bytes = URL_SAFE_NO_PAD.decode(&ada.refresh["csgn_rt_".len()..]).expect("base64url");
        assert_eq!((bytes.len(), ada.refresh.len()), (56, 83));
        let with_bytes = |at: usize, with: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[at..at + with.len()].copy_from_slice(with);
            format!("csgn_rt_{}", encode_segment(bytes))
        };
        let mut changed: Vec<String> =
            (0..83).map(|length| ada.refresh[..length].to_owned()).collect();
        changed.extend(
            (0..56).flat_map(|at| [1, 0x80, 0xff].map(|flip| with_bytes(at, &[bytes[at] ^ flip]))),
        );
        changed.extend((0..83).map(|at| {
            format!(
                "{}{}{}",
                &ada.refresh[..at],
                if ada.refresh[at..].starts_with('_') { '-' } else { '_' },
                &ada.refresh[at + 1..]
            )
        }));
        // The generation, which is 1, follows the session id and the user id.
        changed.extend(
            [0_i64, 2, -1, i64::MAX, i64::MIN]
                .map(|generation| with_bytes(32, &generation.to_be_bytes())),
        );
        for at in 9..83 {
            changed.push(format!("{}{}", &eve.refresh[..at], &ada.refresh[at..]));
        }
        changed.retain(|token| *token != ada.refresh && *token != eve.refresh);
        changed.extend(
            ["A", "=", "AAAA", "\0", " ", "."].map(|more| format!("{}{more}", ada.refresh)),
        );
        changed.extend([
            format!(" {}", ada.refresh),
            ada.refresh.to_uppercase(),
            format!("{0}{0}", ada.refresh),
            "csgn_rt_".repeat(1000),
            "\u{1F511}".to_owned(),
            format!("csgn_rt_{}", "A".repeat(75)),
        ]);
        assert!(changed.len() > 250, "{}", changed.len());
        let first = target.refresh("nonsense").await;
        assert_eq!(
            (first.status, first.problem_code().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
        for token in changed {
            let response = target.refresh(&token).await;
            assert_eq!((response.status, &response.text), (first.status, &first.text), "{token:?}");
            assert_eq!(response.stable_headers(), first.stable_headers(), "{token:?}");
            let cookie = format!("countersign-3000={token}");
            if HeaderValue::from_str(&cookie).is_ok() {
                let response = target
                    .send(
                        Method::POST,
                        REFRESH,
                        &[JSON, ("cookie", cookie.as_bytes()), ("sec-fetch-site", b"same-origin")],
                        "{}",
                    )
                    .await;
                // White space around a cookie value is not part of it (RFC 6265, 5.2).
                if token.trim() != ada.refresh {
                    assert_eq!(
                        (response.status, &response.text),
                        (first.status, &first.text),
                        "{token:?} in the cookie"
                    );
                }
            }
        }
        for tokens in [&ada, &eve] {
            assert_eq!(target.get_me(&tokens.access).await.status, StatusCode::OK);
        }
        assert_eq!(target.refresh(&eve.refresh).await.status, StatusCode::OK);
        assert_eq!(
            target.refresh(&ada.refresh).await.status,
            StatusCode::OK,
            "the attacked session is still active"
        );
    }

    async fn other_issued_values_are_not_accepted_as_tokens(target: AttackTarget) {
        let ada = target.sign_up("ada@example.com").await;
        let form = LogInForm {
            email: "ada@example.com".into(),
            password: PASSWORD.into(),
            ..LogInForm::default()
        };
        let other =
            target.auth.log_in(&RequestContext::default(), &form, None).await
                .map(tokens_of)
                .expect("a log-in");
        let (device_cookie, session_tag) =
            (other.device_cookie.expect("a device cookie").token, other.session_tag);
        let setup_token =
            target.auth.issue_setup_token().await.expect("a response").expect("a setup token");
        let bearer = format!("Bearer {}", ada.access);
        let list = target
            .send(
                Method::GET,
                "/api/v1/me/sessions?limit=1",
                &[("authorization", bearer.as_bytes())],
                Body::empty(),
            )
            .await
            .json();
        let (me, claims) =
            (target.get_me(&ada.access).await.json(), decode_segment(&ada.access, 1));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let names = [
            &list["next_cursor"],
            &list["items"][0]["id"],
            &me["id"],
            &claims["jti"],
            &claims["sid"],
            &decode_segment(&ada.access, 0)["kid"],
        ]
        .map(text);
        let payload = ada.refresh["csgn_rt_".len()..].to_owned();
        let parts = [payload.clone(), ada.access.split('.').nth(1).expect("claims").to_owned()];
        for name in names.into_iter().chain(parts).chain([device_cookie, session_tag, setup_token])
        {
            assert_eq!(target.get_me(&name).await.status, StatusCode::UNAUTHORIZED, "{name}");
            assert_eq!(target.refresh(&name).await.status, StatusCode::UNAUTHORIZED, "{name}");
            assert_eq!(
                target.refresh(&format!("csgn_rt_{name}")).await.status,
                if name == payload { StatusCode::OK } else { StatusCode::UNAUTHORIZED },
                "{name}"
            );
        }
    }

    async fn jwks_has_only_public_members_for_every_algorithm(target: AttackTarget) {
        for algorithm in Algorithm::ALL {
            target.auth.key_admin().add(algorithm, target.clock.now()).await.expect("added");
        }
        target.auth.sync_feed().await.expect("synced");
        let response = target.send(Method::GET, "/.well-known/jwks.json", &[], Body::empty()).await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (StatusCode::OK, "application/jwk-set+json")
        );
        let seconds: i64 = response
            .header("cache-control")
            .strip_prefix("public, max-age=")
            .expect("a time")
            .parse()
            .expect("seconds");
        assert!(
            seconds * 2 <= PRE_PUBLISH_PERIOD.as_seconds(),
            "cached keys expire before a new key signs"
        );
        let body = response.json();
        let keys = body["keys"].as_array().expect("keys");
        for key in keys {
            let members: Vec<_> =
                key.as_object().expect("an object").keys().map(String::as_str).collect();
            let (alg, expected): (_, &[&str]) = match key["kty"].as_str().expect("a kind") {
                "EC" => ("ES256", &["alg", "crv", "kid", "kty", "use", "x", "y"]),
                "OKP" => ("EdDSA", &["alg", "crv", "kid", "kty", "use", "x"]),
                "RSA" => ("RS256", &["alg", "e", "kid", "kty", "n", "use"]),
                other => panic!("{other} is published"),
            };
            assert_eq!(
                (members.as_slice(), &key["alg"], &key["use"]),
                (expected, &json!(alg), &json!("sig"))
            );
        }
        let kids: HashSet<_> =
            keys.iter().map(|key| key["kid"].as_str().expect("a name")).collect();
        assert_eq!(
            (keys.len(), kids.len()),
            (4, 4),
            "the initial ES256 key and one per algorithm, without the shared secret"
        );
    }
}
