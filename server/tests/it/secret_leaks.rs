//! Tokens and passwords must not leak into files, logs or response bodies. Also the attributes of
//! the cookies that hold tokens.

use crate::{
    attack_target::{AttackTarget, Tokens},
    log_capture::LogCapture,
    support::{FORM, PASSWORD, TestResponse, percent_encoded},
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, Uri},
};
use countersign_core::{test_on_each_database, testing::TestDatabase};
use countersign_types::TimeSpan;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HTTPS: &str = "https://accounts.example.com";
const NEW_PASSWORD: &str = "a quite different one";

/// Sends a POST request as a browser with these cookies.
async fn browser_post(
    target: &AttackTarget,
    path: &str,
    content_type: &str,
    accept: &str,
    cookies: &str,
    body: String,
) -> TestResponse {
    let headers: [(&str, &[u8]); 4] = [
        ("content-type", content_type.as_bytes()),
        ("accept", accept.as_bytes()),
        ("sec-fetch-site", b"same-origin"),
        ("cookie", cookies.as_bytes()),
    ];
    target.send(Method::POST, path, &headers, body).await
}

/// The cookies that hold a token, as `name=value; attributes`.
fn cookies_with_tokens(response: &TestResponse) -> Vec<String> {
    response
        .cookies()
        .into_iter()
        .filter(|cookie| cookie.contains("=csgn_rt_") || cookie.contains("=ey"))
        .collect()
}

/// The `Cookie` header that a browser sends after this response.
fn cookie_header(response: &TestResponse) -> String {
    cookies_with_tokens(response)
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

/// A server with an HTTPS public URL.
struct HttpsTarget(AttackTarget);

impl HttpsTarget {
    async fn on(database: TestDatabase) -> Self {
        Self(AttackTarget::with_url(database, HTTPS).await)
    }
}

test_on_each_database! {
    async fn token_cookies_are_host_bound_and_end_with_the_session(target: HttpsTarget) {
        let target = target.0;
        let credentials =
            json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"})
                .to_string();
        let fields =
            form(&[("email", "ada@example.com"), ("password", PASSWORD), ("remember_me", "on")]);
        let (json, script, page) = ("application/json", "application/json", "text/html");
        let mut responses = vec![
            (
                "sign-up",
                browser_post(&target, "/api/v1/auth/signup", json, script, "", credentials.clone())
                    .await,
            ),
            (
                "log-in",
                browser_post(&target, "/api/v1/auth/login", json, script, "", credentials).await,
            ),
            (
                "log-in by script",
                browser_post(&target, "/fn/login", FORM, script, "", fields.clone()).await,
            ),
            ("log-in by form", browser_post(&target, "/fn/login", FORM, page, "", fields).await),
        ];
        // Refresh until shortly before the session expires.
        for (path, content_type) in [("/api/v1/auth/refresh", json), ("/fn/refresh", FORM)] {
            let mut cookies = cookie_header(&responses[1].1);
            if path == "/fn/refresh" {
                cookies = cookie_header(&responses[2].1);
            }
            for day in (0..84).step_by(12) {
                let body = if content_type == json { "{}" } else { "" };
                let refreshed =
                    browser_post(&target, path, content_type, script, &cookies, body.to_owned())
                        .await;
                assert!(refreshed.status.is_success(), "{path} on day {day}: {}", refreshed.text);
                cookies = cookie_header(&refreshed);
                responses.push((path, refreshed));
                target.clock.advance(TimeSpan::days(12));
            }
            target.clock.advance(TimeSpan::days(-84));
        }
        let mut seen = 0;
        for (context, response) in responses {
            let cookies = cookies_with_tokens(&response);
            assert!(!cookies.is_empty(), "{context}: {}", response.text);
            for cookie in cookies {
                let (pair, attributes) = cookie.split_once("; ").expect("attributes");
                let (name, value) = pair.split_once('=').expect("a pair");
                assert!(
                    matches!(name, "__Host-countersign" | "__Host-countersign-access")
                        && pair.len() <= 4096,
                    "{context}: {cookie}"
                );
                assert!(!response.text.contains(value), "{context}: the token is in no body");
                let (fixed, seconds) = attributes.split_once("; Max-Age=").expect("a time");
                assert_eq!(fixed, "HttpOnly; SameSite=Lax; Secure; Path=/", "{context}");
                let seconds: i64 = seconds.parse().expect("seconds");
                assert!((1..=90 * 86_400).contains(&seconds), "{context}: {cookie}");
                seen += 1;
            }
        }
        assert!(seen > 18, "only {seen} cookies");
    }

    async fn cookie_max_age_is_the_remaining_session_lifetime(target: HttpsTarget) {
        let target = target.0;
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "transport": "cookie"})
            .to_string();
        let mut response =
            browser_post(&target, "/api/v1/auth/signup", "application/json", "*/*", "", body).await;
        for day in (0..90).step_by(10) {
            let cookie = cookies_with_tokens(&response).remove(0);
            assert!(
                cookie.ends_with(&format!("; Max-Age={}", (90 - day) * 86_400)),
                "day {day}: {cookie}"
            );
            target.clock.advance(TimeSpan::days(10));
            response = browser_post(
                &target,
                "/api/v1/auth/refresh",
                "application/json",
                "*/*",
                &cookie_header(&response),
                "{}".to_owned(),
            )
            .await;
        }
        assert!(
            response.status == 401 && cookies_with_tokens(&response).is_empty(),
            "{}",
            response.text
        );
    }
}

#[tokio::test]
async fn no_secret_is_in_files_or_log_after_every_operation() {
    let target = AttackTarget::on(TestDatabase::sqlite()).await;
    let log = LogCapture::start("trace");
    let mut secrets: BTreeSet<String> =
        [PASSWORD, NEW_PASSWORD, "wrong horse SENTINEL", "csgn_rt_SENTINEL-SENTINEL"]
            .map(str::to_owned)
            .into();
    let mut add_tokens =
        |tokens: &Tokens| secrets.extend([tokens.access.clone(), tokens.refresh.clone()]);
    let as_bearer = |tokens: &Tokens| format!("Bearer {}", tokens.access);

    // API clients.
    let first = target.sign_up("ada@example.com").await;
    let second = target.log_in("ada@example.com").await;
    let refreshed = Tokens::from_response(&target.refresh(&second.refresh).await);
    for tokens in [&first, &second, &refreshed] {
        add_tokens(tokens);
    }
    target
        .post(
            "/api/v1/auth/login",
            json!({"email": "ada@example.com", "password": "wrong horse SENTINEL"}),
        )
        .await;
    let unknown_member = json!({
        "email": "wrong horse SENTINEL",
        "password": "wrong horse SENTINEL",
        "SENTINEL": 1
    });
    target.post("/api/v1/auth/login", unknown_member).await;
    target.refresh("csgn_rt_SENTINEL-SENTINEL").await;
    let mut bodies = Vec::new();
    for path in ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/me/activity"] {
        bodies.push(
            target
                .send(
                    Method::GET,
                    path,
                    &[("authorization", as_bearer(&refreshed).as_bytes())],
                    Body::empty(),
                )
                .await,
        );
    }
    for token in [&refreshed.access, &first.refresh] {
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
    // Browsers, with scripts and with a plain form.
    let fields =
        form(&[("email", "ada@example.com"), ("password", PASSWORD), ("remember_me", "on")]);
    let script =
        browser_post(&target, "/fn/login", FORM, "application/json", "", fields.clone()).await;
    let access = script.json()["session"]["access_token"].as_str().expect("a token").to_owned();
    let page = browser_post(&target, "/fn/login", FORM, "text/html", "", fields).await;
    browser_post(
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
    let by_cookie =
        browser_post(&target, "/api/v1/auth/login", "application/json", "*/*", "", body).await;
    let refreshed_by_script = browser_post(
        &target,
        "/fn/refresh",
        FORM,
        "application/json",
        &cookie_header(&script),
        String::new(),
    )
    .await;
    bodies.push(
        target
            .send(
                Method::GET,
                "/account",
                &[("cookie", cookie_header(&page).as_bytes())],
                Body::empty(),
            )
            .await,
    );
    bodies.push(
        target
            .send(
                Method::GET,
                "/account/activity",
                &[("cookie", cookie_header(&page).as_bytes())],
                Body::empty(),
            )
            .await,
    );
    for response in [&script, &page, &by_cookie, &refreshed_by_script] {
        for cookie in cookies_with_tokens(response) {
            secrets.insert(cookie.split(['=', ';']).nth(1).expect("a value").to_owned());
        }
    }
    secrets.extend([
        access,
        refreshed_by_script.json()["access_token"].as_str().expect("a token").to_owned(),
    ]);
    // Refresh token reuse, data export, account deletion, password change, revocation, log-out.
    target.clock.advance(TimeSpan::minutes(1));
    target.refresh(&second.refresh).await;
    let bearer = as_bearer(&first);
    let authorized: [(&str, &[u8]); 2] =
        [("authorization", bearer.as_bytes()), ("content-type", b"application/json")];
    for (file, _) in countersign_leptos::routes::DOWNLOADS {
        bodies.push(
            target
                .send(
                    Method::GET,
                    file,
                    &[("cookie", cookie_header(&page).as_bytes())],
                    Body::empty(),
                )
                .await,
        );
    }
    bodies.push(target.send(Method::GET, "/api/v1/me/export", &authorized, Body::empty()).await);
    for (password, status) in [("nearly the right one", 422), (PASSWORD, 200)] {
        let scheduled = target
            .send(
                Method::POST,
                "/api/v1/me/deletion",
                &authorized,
                json!({"current_password": password}).to_string(),
            )
            .await;
        assert_eq!(scheduled.status, status, "{}", scheduled.text);
        if status == 200 {
            bodies.push(scheduled);
        }
    }
    bodies
        .push(target.send(Method::DELETE, "/api/v1/me/deletion", &authorized, Body::empty()).await);
    let changed = target
        .send(
            Method::POST,
            "/api/v1/me/password",
            &authorized,
            json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD}).to_string(),
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
    browser_post(&target, "/fn/logout", FORM, "text/html", &cookie_header(&page), String::new())
        .await;
    target.auth.run_maintenance(true).await.expect("maintenance");

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
        text.contains("/api/v1/auth/login") && text.contains("refresh token reuse detected"),
        "{text}"
    );
    assert!(!text.contains("ada@example.com"), "{text}");
    let path = target.database.url.strip_prefix("sqlite:").expect("a path");
    let files: Vec<u8> = ["", "-wal", "-shm"]
        .iter()
        .flat_map(|end| std::fs::read(format!("{path}{end}")).expect("a file"))
        .collect();
    let in_files = |text: &str| files.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(
        in_files("ada@example.com") && in_files("refresh_token_reused"),
        "the search finds stored text"
    );
    assert!(secrets.len() >= 16, "{}", secrets.len());
    for secret in &secrets {
        // The last 12 characters are enough to identify a token.
        for piece in [&secret[..], &secret[secret.len() - 12..]] {
            assert!(!text.contains(piece), "in the log: {piece}");
            assert!(!in_files(piece), "in the files: {piece}");
        }
    }
}

/// Method, path, headers and body.
type RawRequest<'a> = (Method, String, Vec<(&'a str, &'a [u8])>, String);

test_on_each_database! {
    async fn malicious_input_is_logged_as_one_clean_line(target: AttackTarget) {
        let bearer = format!("Bearer {}", target.sign_up("ada@example.com").await.access);
        let json = ("content-type", &b"application/json"[..]);
        let mut lines = 0;
        for input in [
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
            let log = LogCapture::start("info,sqlx=warn");
            let encoded = percent_encoded(input.as_bytes());
            let sign_up = |email: &str, name: &str| {
                json!({"email": email, "password": PASSWORD, "name": name}).to_string()
            };
            let form = format!(
                "form[email]={encoded}%40example.com&form[password]={encoded}&next={encoded}"
            );
            let mut calls: Vec<RawRequest<'_>> = vec![
                (
                    Method::POST,
                    "/api/v1/auth/login".to_owned(),
                    vec![json],
                    json!({"email": format!("a{input}@example.com"), "password": input})
                        .to_string(),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/login".to_owned(),
                    vec![json],
                    json!({"email": "ada@example.com", "password": input}).to_string(),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/login".to_owned(),
                    vec![json],
                    json!({input: input}).to_string(),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/signup".to_owned(),
                    vec![json],
                    sign_up("bob@example.com", input),
                ),
                (
                    Method::POST,
                    "/api/v1/auth/refresh".to_owned(),
                    vec![json],
                    json!({"refresh_token": input}).to_string(),
                ),
                (
                    Method::PATCH,
                    "/api/v1/me".to_owned(),
                    vec![json, ("authorization", bearer.as_bytes())],
                    json!({"name": input}).to_string(),
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
                    format!("token={encoded}"),
                ),
            ];
            for path in [
                format!("/{encoded}"),
                format!("/{input}"),
                format!("/api/v1/{input}"),
                format!("/account/{input}"),
                format!("/login?next={input}"),
                format!("/api/v1/me/sessions/{encoded}"),
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
                if HeaderValue::from_bytes(input.as_bytes()).is_ok() {
                    calls.push((
                        Method::GET,
                        "/healthz".to_owned(),
                        vec![(name, input.as_bytes())],
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
                    found.iter().filter(|line| line["message"] == "request completed").count(),
                    1,
                    "{method} {path:?}: {text}"
                );
                for line in &found {
                    assert!(
                        line["level"] != "ERROR"
                            && !line["message"].to_string().contains("SENTINEL"),
                        "{method} {path:?}: {text}"
                    );
                    // Only the path is logged as sent.
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
                    "{method} {path:?}: control or non-ASCII characters: {text:?}"
                );
                lines += found.len();
            }
        }
        assert!(lines > 150, "{lines}");
    }
}
