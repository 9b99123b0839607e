//! Attacks on tokens, over HTTP. What each of them is refused for is tested in `core`; here is that
//! it is refused in the same words, that nobody is called, that it is one line in the log, and that
//! whoever is attacked goes on.

use crate::{
    log::Log,
    support::{FORM, PASSWORD, START},
    target::{JSON, ME, REFRESH, Target, Tokens, URL},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_core::{
    Client,
    keys::{Algorithm, PUBLISHED_FOR},
    on_both,
    testing::FreshDatabase,
};
use countersign_types::{Span, form::LogIn};
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

/// What the server logs if nobody says otherwise.
const USUAL: &str = "info,sqlx=warn";

fn part(value: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

fn decoded(token: &str, at: usize) -> Value {
    serde_json::from_slice(
        &URL_SAFE_NO_PAD.decode(token.split('.').nth(at).expect("a part")).expect("base64url"),
    )
    .expect("JSON")
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    let message = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
    let algorithm = if header["alg"] == "HS256" { HS256 } else { ES256 };
    format!("{message}.{}", sign(message.as_bytes(), key, algorithm).expect("a signature"))
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

/// The token, changed and forged in every way of the book. `key` is the server's own, `strange`
/// somebody else's.
fn attacks(token: &str, key: &EncodingKey, strange: &EncodingKey) -> Vec<String> {
    let (header, claims) = (decoded(token, 0), decoded(token, 1));
    let mut attacks = Vec::new();
    for at in 0..token.len() {
        let mut changed = token.to_owned().into_bytes();
        // Another character of base64url.
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        attacks.push(String::from_utf8(changed).expect("ASCII"));
        if at % 4 == 0 && at > 0 {
            attacks.push(format!("{}{}", &token[..at], token.get(at + 4..).unwrap_or_default()));
        }
    }
    let (unsigned, signature) = token.rsplit_once('.').expect("three parts");
    attacks.extend([
        unsigned.to_owned(),
        format!("{unsigned}."),
        format!("{token}AAAA"),
        format!("{token}.{signature}"),
        "a".repeat(5000),
    ]);
    for alg in ["none", "None", "NONE", "nOnE", "noNE", "HS256", "RS256", "ES384"] {
        let message = format!(
            "{}.{}",
            part(with(&header, "alg", json!(alg)).to_string()),
            part(claims.to_string())
        );
        attacks.extend([message.clone(), format!("{message}."), format!("{message}.{signature}")]);
    }
    for secret in [&b""[..], b"secret", header["kid"].to_string().as_bytes()] {
        attacks.push(signed(
            &with(&header, "alg", json!("HS256")),
            &claims,
            &EncodingKey::from_secret(secret),
        ));
    }
    attacks.push(signed(&header, &claims, strange));
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
        attacks.push(signed(&header, &with(&claims, name, value), key));
    }
    for (name, value) in
        [("typ", json!("JWT")), ("kid", json!("unknown")), ("crit", json!(["exp"]))]
    {
        attacks.push(signed(&with(&header, name, value), &claims, key));
    }
    attacks
}

on_both! {
    async fn every_attack_on_a_token_gets_one_answer_that_tells_nothing(target: Target) {
        let (ada, other) =
            (target.sign_up("ada@example.com").await, Target::on(FreshDatabase::sqlite()).await);
        let first = target.bearer("nonsense").await;
        assert_eq!(
            (first.status, first.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer realm=\"countersign\", error=\"invalid_token\"")
        );
        let attacks = attacks(
            &ada.access,
            &target.auth.signing_key_for_tests(),
            &other.auth.signing_key_for_tests(),
        );
        assert!(attacks.len() > 800, "{}", attacks.len());
        for attack in attacks {
            let cookie = format!("countersign-3000-access={attack}");
            for answer in [
                target.bearer(&attack).await,
                target.send(Method::GET, ME, &[("cookie", cookie.as_bytes())], Body::empty()).await,
            ] {
                assert_eq!((answer.status, &answer.text), (first.status, &first.text), "{attack}");
                assert_eq!(answer.stable_headers(), first.stable_headers(), "{attack}");
            }
        }
        assert_eq!(
            target.bearer(&ada.access).await.status,
            StatusCode::OK,
            "the token itself is good all the while"
        );
        let ours = signed(
            &decoded(&ada.access, 0),
            &decoded(&ada.access, 1),
            &target.auth.signing_key_for_tests(),
        );
        assert_eq!(
            target.bearer(&ours).await.status,
            StatusCode::OK,
            "and what is forged well is accepted"
        );
    }

    async fn a_token_that_says_where_its_key_is_makes_nobody_go_there(target: Target) {
        let (ada, stranger) =
            (target.sign_up("ada@example.com").await, Target::on(FreshDatabase::sqlite()).await);
        let jwk = serde_json::to_value(&stranger.auth.public_keys()[0]).expect("JSON");
        let (called, answer) = (Arc::new(AtomicUsize::new(0)), json!({"keys": [jwk]}).to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let counter = Arc::clone(&called);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a caller");
                counter.fetch_add(1, Ordering::SeqCst);
                let text = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                    answer.len()
                );
                socket.write_all(text.as_bytes()).await.expect("an answer");
            }
        });
        let url = format!("http://{address}/jwks.json");
        let (header, claims) = (decoded(&ada.access, 0), decoded(&ada.access, 1));
        let strange = stranger.auth.signing_key_for_tests();
        for name in ["jku", "x5u", "jwks_uri", "kid", "jwk", "iss"] {
            for kid in [&header["kid"], &jwk["kid"]] {
                let pointing = with(&with(&header, "kid", kid.clone()), name, json!(url));
                assert_eq!(
                    target.bearer(&signed(&pointing, &claims, &strange)).await.status,
                    StatusCode::UNAUTHORIZED,
                    "{name}"
                );
            }
        }
        for name in ["iss", "aud", "sub", "jwks_uri", "jku"] {
            assert_eq!(
                target
                    .bearer(&signed(
                        &with(&header, "jku", json!(url)),
                        &with(&claims, name, json!(url)),
                        &strange
                    ))
                    .await
                    .status,
                StatusCode::UNAUTHORIZED,
                "{name}"
            );
        }
        // Of what we have signed ourselves, such a header is passed over.
        let ours = signed(
            &with(&with(&header, "jku", json!(url)), "x5u", json!(url)),
            &claims,
            &target.auth.signing_key_for_tests(),
        );
        assert_eq!(target.bearer(&ours).await.status, StatusCode::OK);
        let mut text = String::new();
        TcpStream::connect(address)
            .await
            .expect("somebody listens")
            .read_to_string(&mut text)
            .await
            .expect("an answer");
        assert!(text.contains("\"keys\""), "{text}");
        assert_eq!(called.load(Ordering::SeqCst), 1, "only this call was ever made");
    }

    async fn whatever_a_token_calls_its_key_it_is_one_clean_line_in_the_log(target: Target) {
        let ada = target.sign_up("ada@example.com").await;
        let (header, claims, key) =
            (decoded(&ada.access, 0), decoded(&ada.access, 1), target.auth.signing_key_for_tests());
        let first = target.bearer("nonsense").await;
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
            let token = signed(&with(&header, "kid", kid.clone()), &claims, &key);
            let log = Log::open(USUAL);
            let answer = target.bearer(&token).await;
            assert_eq!(
                (answer.status, &answer.text),
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
            // With everything switched on there are more lines, and the name of the key is in none.
            let log = Log::open("trace");
            target.bearer(&token).await;
            let text = log.take();
            assert!(text.contains("an access token was refused"), "{text}");
            assert!(
                !text.contains("SENTINEL")
                    && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
                "{text}"
            );
        }
    }

    async fn a_token_in_another_place_counts_for_nothing_and_is_in_no_log(target: Target) {
        let ada = target.sign_up("ada@example.com").await;
        let log = Log::open("trace");
        let stranger = target.send(Method::GET, ME, &[], Body::empty()).await;
        let in_query = format!("{ME}?access_token={}", ada.access);
        let form = format!("access_token={}", ada.access);
        let get = async |headers: &[(&str, &[u8])]| {
            target.send(Method::GET, ME, headers, Body::empty()).await
        };
        let bearer = format!("Bearer {}", ada.access);
        let mut answers = vec![
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
            answers.push(get(&[("cookie", format!("{name}={}", ada.access).as_bytes())]).await);
        }
        for answer in answers {
            assert_eq!(
                (answer.status, &answer.text, answer.header("www-authenticate")),
                (StatusCode::UNAUTHORIZED, &stranger.text, "Bearer realm=\"countersign\"")
            );
        }
        let patched =
            target.send(Method::PATCH, ME, &[("content-type", FORM.as_bytes())], form).await;
        assert!(
            matches!(patched.status, StatusCode::UNAUTHORIZED | StatusCode::UNSUPPORTED_MEDIA_TYPE),
            "{}",
            patched.status
        );
        // In the right place it counts, and is in no log either.
        assert_eq!(target.shown(bearer.as_bytes()).await.status, StatusCode::OK);
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

    async fn the_authorization_header_is_read_strictly_and_never_trips_the_server(target: Target) {
        let token = target.sign_up("ada@example.com").await.access;
        let bytes = |before: &[u8], after: &[u8]| [before, token.as_bytes(), after].concat();
        for good in [
            bytes(b"Bearer ", b""),
            bytes(b"bearer ", b""),
            bytes(b"BEARER ", b""),
            bytes(b"bEaReR ", b""),
            bytes(b"Bearer   ", b""),
            bytes(b"Bearer ", b" "),
        ] {
            assert_eq!(
                target.shown(&good).await.status,
                StatusCode::OK,
                "{}",
                String::from_utf8_lossy(&good)
            );
        }
        let first = target.bearer("nonsense").await;
        let basic = b"Basic YWRhOmFkYQ==".to_vec();
        for bad in [
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
            let answer = target.shown(&bad).await;
            assert_eq!(
                (answer.status, &answer.text),
                (StatusCode::UNAUTHORIZED, &first.text),
                "{}",
                String::from_utf8_lossy(&bad)
            );
        }
        let good = bytes(b"Bearer ", b"");
        for two in [[&good, &good], [&good, &basic], [&basic, &good]] {
            let headers: Vec<(&str, &[u8])> =
                two.into_iter().map(|value| ("authorization", &value[..])).collect();
            let answer = target.send(Method::GET, ME, &headers, Body::empty()).await;
            assert_eq!(
                (answer.status, &answer.text),
                (StatusCode::UNAUTHORIZED, &first.text),
                "two are none"
            );
        }
    }

    async fn a_huge_token_is_refused_for_its_length_before_anybody_reads_it(target: Target) {
        let log = Log::open("debug,sqlx=warn");
        for token in [
            "a".repeat(64 * 1024),
            "a".repeat(1024 * 1024),
            "a.b.c".repeat(100_000),
            format!("{}.{}.x", part(r#"{"alg":"ES256"}"#), "A".repeat(1_000_000)),
        ] {
            assert_eq!(target.bearer(&token).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(target.renew(&token[..60_000]).await.status, StatusCode::UNAUTHORIZED);
            let text = log.take();
            assert!(
                text.contains("longer than 4096 bytes")
                    && text.lines().count() < 5
                    && text.len() < 4096,
                "{text}"
            );
        }
    }

    async fn through_a_socket_a_huge_token_is_refused_and_the_next_request_is_answered(
        target: Target,
    ) {
        let token = target.sign_up("ada@example.com").await.access;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = target.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let ask = async |token: &str| {
            let socket = TcpStream::connect(address).await.expect("a connection");
            let (mut from, mut to) = socket.into_split();
            let request = format!(
                "GET {ME} HTTP/1.1\r\nhost: localhost:3000\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
            );
            // The server may hang up before it has heard everything. (Our end is kept open until it
            // does: closed, it would say that we have gone.)
            let sending =
                tokio::spawn(async move { (to.write_all(request.as_bytes()).await.is_ok(), to) });
            let mut answer = Vec::new();
            let mut part = [0; 4096];
            while let Ok(length) = from.read(&mut part).await
                && length > 0
            {
                answer.extend_from_slice(&part[..length]);
            }
            drop(sending);
            String::from_utf8_lossy(&answer).get(9..12).unwrap_or_default().to_owned()
        };
        for _ in 0..3 {
            assert_eq!(ask(&token).await, "200");
            assert_eq!(ask(&"a".repeat(64 * 1024)).await, "401");
            assert_eq!(ask(&"a".repeat(1024 * 1024)).await, "431");
        }
        assert_eq!(ask(&token).await, "200");
    }

    async fn the_first_of_five_refresh_tokens_shown_again_ends_the_session_and_its_owner_is_told(
        target: Target,
    ) {
        let mut line = vec![target.sign_up("ada@example.com").await];
        let other = target.log_in("ada@example.com").await;
        for _ in 0..4 {
            target.clock.advance(Span::minutes(1));
            let next = Tokens::of(&target.renew(&line[line.len() - 1].refresh).await);
            line.push(next);
        }
        assert_eq!(line.iter().map(|tokens| &tokens.refresh).collect::<HashSet<_>>().len(), 5);
        assert_eq!(target.bearer(&line[4].access).await.status, StatusCode::OK);
        let at = target.clock.now();
        let replay = target.renew(&line[0].refresh).await;
        assert_eq!(
            (replay.status, replay.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
        for tokens in &line {
            assert_eq!(target.bearer(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
            let refused = target.renew(&tokens.refresh).await;
            assert_eq!((refused.status, &refused.text), (replay.status, &replay.text));
        }
        assert_eq!(
            target.bearer(&other.access).await.status,
            StatusCode::OK,
            "another session of the same person goes on"
        );
        target.clock.advance(Span::minutes(1));
        let again = target.log_in("ada@example.com").await;
        assert_eq!(at.seconds(), START.seconds() + 240);
        assert_eq!(target.bearer(&again.access).await.json()["stolen_at"], "2026-01-01T00:04:00Z");
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
            ["logged_in", "token_reused", "logged_in", "signed_up"],
            "once, however often it was shown"
        );
    }

    async fn a_refresh_token_that_was_changed_anywhere_is_refused_and_ends_nothing(target: Target) {
        let (ada, eve) =
            (target.sign_up("ada@example.com").await, target.sign_up("eve@example.com").await);
        let bytes = URL_SAFE_NO_PAD.decode(&ada.refresh[4..]).expect("base64url");
        assert_eq!((bytes.len(), ada.refresh.len()), (56, 79));
        let remade = |at: usize, with: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[at..at + with.len()].copy_from_slice(with);
            format!("csgn_rt_{}", part(bytes))
        };
        let mut changed: Vec<String> =
            (0..79).map(|length| ada.refresh[..length].to_owned()).collect();
        changed.extend(
            (0..56).flat_map(|at| [1, 0x80, 0xff].map(|flip| remade(at, &[bytes[at] ^ flip]))),
        );
        changed.extend((0..79).map(|at| {
            format!(
                "{}{}{}",
                &ada.refresh[..at],
                if ada.refresh[at..].starts_with('_') { '-' } else { '_' },
                &ada.refresh[at + 1..]
            )
        }));
        // The counter stands behind session id and user id. It is 1.
        changed.extend(
            [0_i64, 2, -1, i64::MAX, i64::MIN].map(|counter| remade(32, &counter.to_be_bytes())),
        );
        for at in 5..79 {
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
        let first = target.renew("nonsense").await;
        assert_eq!(
            (first.status, first.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "invalid_grant")
        );
        for token in changed {
            let answer = target.renew(&token).await;
            assert_eq!((answer.status, &answer.text), (first.status, &first.text), "{token:?}");
            assert_eq!(answer.stable_headers(), first.stable_headers(), "{token:?}");
            let cookie = format!("countersign-3000={token}");
            if HeaderValue::from_str(&cookie).is_ok() {
                let answer = target
                    .send(
                        Method::POST,
                        REFRESH,
                        &[JSON, ("cookie", cookie.as_bytes()), ("sec-fetch-site", b"same-origin")],
                        "{}",
                    )
                    .await;
                // Blanks around the value of a cookie are no part of it (RFC 6265, 5.2).
                if token.trim() != ada.refresh {
                    assert_eq!(
                        (answer.status, &answer.text),
                        (first.status, &first.text),
                        "{token:?} in the cookie"
                    );
                }
            }
        }
        for tokens in [&ada, &eve] {
            assert_eq!(target.bearer(&tokens.access).await.status, StatusCode::OK);
        }
        assert_eq!(target.renew(&eve.refresh).await.status, StatusCode::OK);
        assert_eq!(
            target.renew(&ada.refresh).await.status,
            StatusCode::OK,
            "and whoever was attacked goes on"
        );
    }

    async fn nothing_else_that_we_give_out_lets_anybody_in(target: Target) {
        let ada = target.sign_up("ada@example.com").await;
        let form = LogIn {
            email: "ada@example.com".into(),
            password: PASSWORD.into(),
            ..LogIn::default()
        };
        let (_, other) =
            target.auth.log_in(&Client::default(), &form, None).await.expect("a log-in");
        let (known_browser, tag) =
            (other.known_browser.expect("it is known from now on").token, other.account.tag);
        let invite =
            target.auth.first_admin_invite().await.expect("an answer").expect("there is none yet");
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
        let (me, claims) = (target.bearer(&ada.access).await.json(), decoded(&ada.access, 1));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let names = [
            &list["next_cursor"],
            &list["items"][0]["id"],
            &me["id"],
            &claims["jti"],
            &claims["sid"],
            &decoded(&ada.access, 0)["kid"],
        ]
        .map(text);
        let parts =
            [ada.refresh[4..].to_owned(), ada.access.split('.').nth(1).expect("claims").to_owned()];
        for name in names.into_iter().chain(parts).chain([known_browser, tag, invite]) {
            assert_eq!(target.bearer(&name).await.status, StatusCode::UNAUTHORIZED, "{name}");
            assert_eq!(target.renew(&name).await.status, StatusCode::UNAUTHORIZED, "{name}");
            assert_eq!(
                target.renew(&format!("csgn_rt_{name}")).await.status,
                if name == ada.refresh[4..] { StatusCode::OK } else { StatusCode::UNAUTHORIZED },
                "{name}"
            );
        }
    }

    async fn every_kind_of_key_is_published_with_its_public_members_only(target: Target) {
        for algorithm in Algorithm::ALL {
            target.auth.keys().add(algorithm, target.clock.now()).await.expect("added");
        }
        target.auth.listen().await.expect("heard");
        let answer = target.send(Method::GET, "/.well-known/jwks.json", &[], Body::empty()).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "application/jwk-set+json")
        );
        let seconds: i64 = answer
            .header("cache-control")
            .strip_prefix("public, max-age=")
            .expect("a time")
            .parse()
            .expect("seconds");
        assert!(seconds * 2 <= PUBLISHED_FOR.as_seconds(), "a copy is gone before a new key signs");
        let body = answer.json();
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
            "one more of ES256 signs; the shared secret is not there"
        );
    }
}
