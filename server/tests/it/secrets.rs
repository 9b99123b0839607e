//! Where tokens and passwords must not be: in files, logs, bodies; and how the cookies are made
//! that they are in.

use crate::{
    log::Log,
    support::{Answer, FORM, PASSWORD, escaped},
    target::{Target, Tokens},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, Uri},
};
use countersign_core::{on_both, testing::FreshDatabase};
use countersign_types::Span;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HTTPS: &str = "https://accounts.example.com";
const NEW: &str = "a quite different one";

/// Calls as a browser makes them that shows `cookies`.
async fn browse(
    target: &Target,
    path: &str,
    kind: &str,
    accept: &str,
    cookies: &str,
    body: String,
) -> Answer {
    let headers: [(&str, &[u8]); 4] = [
        ("content-type", kind.as_bytes()),
        ("accept", accept.as_bytes()),
        ("sec-fetch-site", b"same-origin"),
        ("cookie", cookies.as_bytes()),
    ];
    target.send(Method::POST, path, &headers, body).await
}

/// The cookies that hold a token, as `name=value; attributes`.
fn cookies_with_tokens(answer: &Answer) -> Vec<String> {
    answer
        .cookies()
        .into_iter()
        .filter(|cookie| cookie.contains("=csgn_rt_") || cookie.contains("=ey"))
        .collect()
}

/// What a browser sends back.
fn jar(answer: &Answer) -> String {
    cookies_with_tokens(answer)
        .iter()
        .map(|cookie| cookie.split(';').next().expect("a pair").to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

fn form(fields: &[(&str, &str)]) -> String {
    fields
        .iter()
        .map(|(name, value)| format!("form[{name}]={}", value.replace(' ', "+")))
        .collect::<Vec<_>>()
        .join("&")
}

/// A server that people reach by https.
struct Secure(Target);

impl Secure {
    async fn on(database: FreshDatabase) -> Self {
        Self(Target::at(database, HTTPS).await)
    }
}

on_both! {
    async fn every_cookie_with_a_token_is_bound_to_this_host_and_ends_with_its_session(
        target: Secure,
    ) {
        let target = target.0;
        let credentials =
            json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"})
                .to_string();
        let fields = form(&[("email", "ada@example.com"), ("password", PASSWORD), ("keep", "on")]);
        let (json, script, page) = ("application/json", "application/json", "text/html");
        let mut answers = vec![
            (
                "sign-up",
                browse(&target, "/api/v1/auth/signup", json, script, "", credentials.clone()).await,
            ),
            ("log-in", browse(&target, "/api/v1/auth/login", json, script, "", credentials).await),
            (
                "log-in by script",
                browse(&target, "/fn/login", FORM, script, "", fields.clone()).await,
            ),
            ("log-in by form", browse(&target, "/fn/login", FORM, page, "", fields).await),
        ];
        // Nearly to the end of the session.
        for (path, kind) in [("/api/v1/auth/refresh", json), ("/fn/refresh", FORM)] {
            let mut cookies = jar(&answers[1].1);
            if path == "/fn/refresh" {
                cookies = jar(&answers[2].1);
            }
            for day in (0..84).step_by(12) {
                let body = if kind == json { "{}" } else { "" };
                let renewed = browse(&target, path, kind, script, &cookies, body.to_owned()).await;
                assert!(renewed.status.is_success(), "{path} on day {day}: {}", renewed.text);
                cookies = jar(&renewed);
                answers.push((path, renewed));
                target.clock.advance(Span::days(12));
            }
            target.clock.advance(Span::days(-84));
        }
        let mut seen = 0;
        for (what, answer) in answers {
            let cookies = cookies_with_tokens(&answer);
            assert!(!cookies.is_empty(), "{what}: {}", answer.text);
            for cookie in cookies {
                let (pair, attributes) = cookie.split_once("; ").expect("attributes");
                let (name, value) = pair.split_once('=').expect("a pair");
                assert!(
                    matches!(name, "__Host-countersign" | "__Host-countersign-access")
                        && pair.len() <= 4096,
                    "{what}: {cookie}"
                );
                assert!(!answer.text.contains(value), "{what}: the token is in no body");
                let (fixed, seconds) = attributes.split_once("; Max-Age=").expect("a time");
                assert_eq!(fixed, "HttpOnly; SameSite=Lax; Secure; Path=/", "{what}");
                let seconds: i64 = seconds.parse().expect("seconds");
                assert!((1..=90 * 86_400).contains(&seconds), "{what}: {cookie}");
                seen += 1;
            }
        }
        assert!(seen > 18, "only {seen} cookies");
    }

    async fn the_cookie_lasts_as_long_as_what_is_left_of_the_session(target: Secure) {
        let target = target.0;
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"})
            .to_string();
        let mut answer =
            browse(&target, "/api/v1/auth/signup", "application/json", "*/*", "", body).await;
        for day in (0..90).step_by(10) {
            let cookie = cookies_with_tokens(&answer).remove(0);
            assert!(
                cookie.ends_with(&format!("; Max-Age={}", (90 - day) * 86_400)),
                "day {day}: {cookie}"
            );
            target.clock.advance(Span::days(10));
            answer = browse(
                &target,
                "/api/v1/auth/refresh",
                "application/json",
                "*/*",
                &jar(&answer),
                "{}".to_owned(),
            )
            .await;
        }
        assert!(answer.status == 401 && cookies_with_tokens(&answer).is_empty(), "{}", answer.text);
    }
}

#[tokio::test]
async fn after_everything_that_can_be_done_no_secret_is_in_the_files_or_in_the_log() {
    let target = Target::on(FreshDatabase::sqlite()).await;
    let log = Log::open("trace");
    let mut secrets: BTreeSet<String> =
        [PASSWORD, NEW, "wrong horse SENTINEL", "csgn_rt_SENTINEL-SENTINEL"]
            .map(str::to_owned)
            .into();
    let mut give =
        |tokens: &Tokens| secrets.extend([tokens.access.clone(), tokens.refresh.clone()]);
    let as_bearer = |tokens: &Tokens| format!("Bearer {}", tokens.access);

    // Programs.
    let first = target.sign_up("ada@example.com").await;
    let second = target.log_in("ada@example.com").await;
    let renewed = Tokens::of(&target.renew(&second.refresh).await);
    for tokens in [&first, &second, &renewed] {
        give(tokens);
    }
    target
        .post(
            "/api/v1/auth/login",
            json!({"email": "ada@example.com", "password": "wrong horse SENTINEL"}),
        )
        .await;
    target.post("/api/v1/auth/login", json!({"email": "wrong horse SENTINEL", "password": "wrong horse SENTINEL", "SENTINEL": 1})).await;
    target.renew("csgn_rt_SENTINEL-SENTINEL").await;
    let mut bodies = Vec::new();
    for path in ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/me/activity"] {
        bodies.push(
            target
                .send(
                    Method::GET,
                    path,
                    &[("authorization", as_bearer(&renewed).as_bytes())],
                    Body::empty(),
                )
                .await,
        );
    }
    for token in [&renewed.access, &first.refresh] {
        target
            .send(
                Method::POST,
                "/oauth/introspect",
                &[("content-type", FORM.as_bytes())],
                format!("token={token}"),
            )
            .await;
        target
            .send(
                Method::GET,
                &format!("/nothing?token={token}&password=wrong+horse+SENTINEL"),
                &[],
                Body::empty(),
            )
            .await;
    }
    // Browsers: with scripts, and with a plain form.
    let fields = form(&[("email", "ada@example.com"), ("password", PASSWORD), ("keep", "on")]);
    let script = browse(&target, "/fn/login", FORM, "application/json", "", fields.clone()).await;
    let access = script.json()["session"]["access_token"].as_str().expect("a token").to_owned();
    let page = browse(&target, "/fn/login", FORM, "text/html", "", fields).await;
    browse(
        &target,
        "/fn/login",
        FORM,
        "text/html",
        "",
        form(&[("email", "ada@example.com"), ("password", "wrong horse SENTINEL")]),
    )
    .await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"})
        .to_string();
    let kept = browse(&target, "/api/v1/auth/login", "application/json", "*/*", "", body).await;
    let again =
        browse(&target, "/fn/refresh", FORM, "application/json", &jar(&script), String::new())
            .await;
    bodies.push(
        target
            .send(Method::GET, "/account", &[("cookie", jar(&page).as_bytes())], Body::empty())
            .await,
    );
    bodies.push(
        target
            .send(
                Method::GET,
                "/account/activity",
                &[("cookie", jar(&page).as_bytes())],
                Body::empty(),
            )
            .await,
    );
    for answer in [&script, &page, &kept, &again] {
        for cookie in cookies_with_tokens(answer) {
            secrets.insert(cookie.split(['=', ';']).nth(1).expect("a value").to_owned());
        }
    }
    secrets.extend([access, again.json()["access_token"].as_str().expect("a token").to_owned()]);
    // A theft, another password, log-outs of every kind.
    target.clock.advance(Span::minutes(1));
    target.renew(&second.refresh).await;
    let bearer = as_bearer(&first);
    let authorized: [(&str, &[u8]); 2] =
        [("authorization", bearer.as_bytes()), ("content-type", b"application/json")];
    // Everything taken along, and the account nearly deleted.
    for file in countersign::downloads::FILES {
        bodies.push(
            target
                .send(Method::GET, file, &[("cookie", jar(&page).as_bytes())], Body::empty())
                .await,
        );
    }
    bodies.push(target.send(Method::GET, "/api/v1/me/export", &authorized, Body::empty()).await);
    for (password, status) in [("nearly the right one", 422), (PASSWORD, 200)] {
        let asked = target
            .send(
                Method::POST,
                "/api/v1/me/deletion",
                &authorized,
                json!({"current": password}).to_string(),
            )
            .await;
        assert_eq!(asked.status, status, "{}", asked.text);
        if status == 200 {
            bodies.push(asked);
        }
    }
    bodies
        .push(target.send(Method::DELETE, "/api/v1/me/deletion", &authorized, Body::empty()).await);
    let changed = target
        .send(
            Method::POST,
            "/api/v1/me/password",
            &authorized,
            json!({"current": PASSWORD, "new": NEW}).to_string(),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    target
        .send(
            Method::POST,
            "/oauth/revoke",
            &[("content-type", FORM.as_bytes())],
            format!("token={}", first.refresh),
        )
        .await;
    browse(&target, "/fn/logout", FORM, "text/html", &jar(&page), String::new()).await;
    target.auth.keep(true).await.expect("kept");

    for body in &bodies {
        assert!(body.status.is_success(), "{}", body.text);
        for secret in &secrets {
            assert!(!body.text.contains(secret.as_str()));
        }
    }
    let text = log.take();
    assert!(
        text.lines().count() > 20
            && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    assert!(
        text.contains("/api/v1/auth/login") && text.contains("a refresh token was used again"),
        "{text}"
    );
    assert!(!text.contains("ada@example.com"), "{text}");
    let path = target.database.url.strip_prefix("sqlite:").expect("a path");
    let files: Vec<u8> = ["", "-wal", "-shm"]
        .iter()
        .flat_map(|end| std::fs::read(format!("{path}{end}")).expect("a file"))
        .collect();
    let in_files = |what: &str| files.windows(what.len()).any(|window| window == what.as_bytes());
    assert!(in_files("ada@example.com") && in_files("token_reused"), "what is stored is found");
    assert!(secrets.len() >= 16, "{}", secrets.len());
    for secret in &secrets {
        // A piece of a token is enough to know it by.
        for piece in [&secret[..], &secret[secret.len() - 12..]] {
            assert!(!text.contains(piece), "in the log: {piece}");
            assert!(!in_files(piece), "in the files: {piece}");
        }
    }
}

/// Method, path, headers and body.
type Sent<'a> = (Method, String, Vec<(&'a str, &'a [u8])>, String);

on_both! {
    async fn whatever_is_typed_or_sent_it_is_one_clean_line_in_the_log(target: Target) {
        let bearer = format!("Bearer {}", target.sign_up("ada@example.com").await.access);
        let json = ("content-type", &b"application/json"[..]);
        let mut lines = 0;
        for bad in [
            "SENTINEL\r\n{\"level\":\"ERROR\",\"message\":\"SENTINEL\"}",
            "\n\nSENTINEL\n",
            "\u{1b}[31mSENTINEL\u{1b}[0m\u{1b}]0;SENTINEL\u{7}",
            "\u{9b}31mSENTINEL",
            "\u{2028}SENTINEL\u{2029}\u{85}\u{b}\u{c}",
            "\u{202e}SENTINEL\u{200f}\u{feff}",
            "\",\"level\":\"ERROR\",\"message\":\"SENTINEL\",\"x\":\"",
            "SENTINEL\0\u{8}\u{7f}",
            "%0d%0aSENTINEL",
            "${jndi:ldap://SENTINEL}{{SENTINEL}}%s%n",
        ] {
            let log = Log::open("info,sqlx=warn");
            let escaped = escaped(bad.as_bytes());
            let entered = |email: &str, name: &str| {
                json!({"email": email, "password": PASSWORD, "name": name}).to_string()
            };
            let form = format!(
                "form[email]={escaped}%40example.com&form[password]={escaped}&form[next]={escaped}"
            );
            let mut calls: Vec<Sent<'_>> = vec![
                (
                    Method::POST,
                    "/api/v1/auth/login".to_owned(),
                    vec![json],
                    json!({"email": format!("a{bad}@example.com"), "password": bad}).to_string(),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/login".to_owned(),
                    vec![json],
                    json!({"email": "ada@example.com", "password": bad}).to_string(),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/login".to_owned(),
                    vec![json],
                    json!({bad: bad}).to_string(),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/signup".to_owned(),
                    vec![json],
                    entered("bob@example.com", bad),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/refresh".to_owned(),
                    vec![json],
                    json!({"refresh_token": bad}).to_string(),
                ),
                (
                    Method::PATCH,
                    "/api/v1/me".to_owned(),
                    vec![json, ("authorization", bearer.as_bytes())],
                    json!({"name": bad}).to_string(),
                ),
                (
                    Method::POST,
                    "/fn/login".to_owned(),
                    vec![("content-type", FORM.as_bytes()), ("accept", b"text/html")],
                    form.clone(),
                ),
                (
                    Method::POST,
                    "/fn/login".to_owned(),
                    vec![("content-type", FORM.as_bytes()), ("accept", b"application/json")],
                    form,
                ),
                (
                    Method::POST,
                    "/oauth/revoke".to_owned(),
                    vec![("content-type", FORM.as_bytes())],
                    format!("token={escaped}"),
                ),
            ];
            for path in [
                format!("/{escaped}"),
                format!("/{bad}"),
                format!("/api/v1/{bad}"),
                format!("/account/{bad}"),
                format!("/login?next={bad}"),
                format!("/api/v1/me/sessions/{escaped}"),
            ] {
                if path.parse::<Uri>().is_ok() {
                    calls.push((Method::GET, path, Vec::new(), String::new()));
                }
            }
            for name in [
                "user-agent",
                "x-request-id",
                "referer",
                "x-forwarded-for",
                "forwarded",
                "origin",
                "cookie",
                "authorization",
                "accept",
                "host",
                "content-type",
            ] {
                if HeaderValue::from_bytes(bad.as_bytes()).is_ok() {
                    calls.push((
                        Method::GET,
                        "/healthz".to_owned(),
                        vec![(name, bad.as_bytes())],
                        String::new(),
                    ));
                }
            }
            for (method, path, headers, body) in calls {
                target.send(method.clone(), &path, &headers, body).await;
                let text = log.take();
                let found: Vec<Value> = text
                    .lines()
                    .map(|line| {
                        serde_json::from_str(line)
                            .unwrap_or_else(|error| panic!("{method} {path:?}: {error}: {text}"))
                    })
                    .collect();
                assert_eq!(
                    found.iter().filter(|line| line["message"] == "answered").count(),
                    1,
                    "{method} {path:?}: {text}"
                );
                for line in &found {
                    assert!(
                        line["level"] != "ERROR"
                            && !line["message"].to_string().contains("SENTINEL"),
                        "{method} {path:?}: {text}"
                    );
                    // Only a path is repeated.
                    assert!(
                        line.as_object()
                            .expect("an object")
                            .iter()
                            .all(|(name, value)| name == "path"
                                || !value.to_string().contains("SENTINEL")),
                        "{method} {path:?}: {text}"
                    );
                }
                assert!(
                    text.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)),
                    "{method} {path:?}: nothing that a terminal or a reader would obey: {text:?}"
                );
                lines += found.len();
            }
        }
        assert!(lines > 150, "{lines}");
    }
}
