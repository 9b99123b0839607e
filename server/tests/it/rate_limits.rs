//! Rate limits, as clients see them, and the client addresses they count.

use crate::{
    log_capture::LogCapture,
    support::{App, LOG_IN, PASSWORD},
};
use axum::http::StatusCode;
use countersign_core::{test_on_each_database, testing::TestDatabase};
use countersign_types::TimeSpan;
use serde_json::{Value, json};

/// A server with rate limits and a trusted proxy.
struct RateLimitedApp(App);

impl RateLimitedApp {
    async fn on(database: TestDatabase) -> Self {
        Self(App::with_rate_limits(database).await)
    }
}

/// The log message for a network that exceeds its limit.
const LIMIT_MESSAGE: &str = "rate limit exceeded";

test_on_each_database! {
    async fn log_in_beyond_limit_returns_429_until_retry_after(target: RateLimitedApp) {
        let app = target.0;
        app.user("ada@example.com").await;
        let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
        for _ in 0..5 {
            assert_eq!(
                app.anon().post(LOG_IN, wrong.clone()).await.status,
                StatusCode::UNAUTHORIZED
            );
        }
        let refused = app.anon().post(LOG_IN, wrong.clone()).await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str()),
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
        );
        let seconds: i64 = refused.header("retry-after").parse().expect("seconds");
        let unknown = json!({ "email": "unknown@example.com", "password": "wrong" });
        for _ in 0..5 {
            app.anon().post(LOG_IN, unknown.clone()).await;
        }
        let unknown_refused = app.anon().post(LOG_IN, unknown).await;
        assert_eq!(
            (unknown_refused.status, &unknown_refused.text, unknown_refused.stable_headers()),
            (refused.status, &refused.text, refused.stable_headers()),
            "the response does not reveal whether the account exists"
        );
        app.clock.advance(TimeSpan::seconds(seconds));
        let right = json!({ "email": "ada@example.com", "password": PASSWORD });
        assert_eq!(app.anon().post(LOG_IN, right).await.status, StatusCode::OK);
    }

    async fn rate_limited_form_redirects_with_the_message(target: RateLimitedApp) {
        let app = target.0;
        for _ in 0..5 {
            app.anon()
                .submit(
                    "/fn/login",
                    "/login",
                    "form%5Bemail%5D=a%40b.example&form%5Bpassword%5D=wrong",
                )
                .await;
        }
        let response = app
            .anon()
            .submit("/fn/login", "/login", "form%5Bemail%5D=a%40b.example&form%5Bpassword%5D=wrong")
            .await;
        assert_eq!(response.status, StatusCode::FOUND);
        let page = app
            .anon()
            .with("accept", "text/html")
            .get(response.header("location").trim_start_matches("http://localhost:3000"))
            .await;
        assert!(page.text.contains("Too many attempts"), "{}", response.header("location"));
        let script = app
            .anon()
            .call("/fn/login", "form%5Bemail%5D=a%40b.example&form%5Bpassword%5D=wrong")
            .await;
        assert_eq!(script.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(!script.header("retry-after").is_empty());
    }

    async fn spoofed_forwarding_headers_do_not_bypass_the_limit(target: RateLimitedApp) {
        let app = target.0;
        let body = |n: u32| json!({ "email": format!("user{n}@example.com"), "password": "wrong" });
        let log = LogCapture::start("warn");
        for n in 0..60 {
            // The client sends a spoofed address; the proxy appends the real one.
            let client = app
                .anon()
                .with("x-forwarded-for", &format!("203.0.113.{n}, 198.51.100.9"))
                .with("x-real-ip", &format!("203.0.113.{n}"));
            let client = client
                .with("forwarded", &format!("for=203.0.113.{n}"))
                .with("true-client-ip", &format!("203.0.113.{n}"));
            assert_eq!(client.post(LOG_IN, body(n)).await.status, StatusCode::UNAUTHORIZED);
        }
        assert!(!log.take().contains(LIMIT_MESSAGE), "below the limit");
        let same = app
            .anon()
            .with("x-forwarded-for", "203.0.113.200, 198.51.100.9")
            .post(LOG_IN, body(60))
            .await;
        assert_eq!(same.status, StatusCode::TOO_MANY_REQUESTS);
        let text = log.take();
        let line: Value = text
            .lines()
            .find(|line| line.contains(LIMIT_MESSAGE))
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_else(|| panic!("no log line: {text}"));
        assert_eq!(
            (&line["level"], &line["address"], &line["request.id"]),
            (&json!("WARN"), &json!("198.51.100.9"), &json!(same.header("x-request-id")))
        );
        assert_eq!(
            (&line["setting"], &line["retry_after"]),
            (&json!("COUNTERSIGN_LIMIT_NETWORK_PASSWORD"), &json!(3))
        );
        for n in 62..200 {
            app.anon().with("x-forwarded-for", "198.51.100.9").post(LOG_IN, body(n)).await;
            app.anon()
                .post("/api/v1/auth/refresh", json!({ "refresh_token": format!("csgn_rt_{n}") }))
                .await;
        }
        let text = log.take();
        assert!(
            !text.contains(LIMIT_MESSAGE) && text.matches("refresh token rejected").count() <= 1,
            "log lines are throttled: {text}"
        );
        let other =
            app.anon().with("x-forwarded-for", "198.51.100.10").post(LOG_IN, body(61)).await;
        assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    }

    async fn known_device_logs_in_during_a_password_flood(target: RateLimitedApp) {
        let app = target.0;
        let body =
            json!({ "email": "ada@example.com", "password": PASSWORD, "transport": "cookie" });
        let response = app.anon().post("/api/v1/auth/signup", body.clone()).await;
        let device_cookie = response
            .cookies()
            .iter()
            .find(|cookie| cookie.starts_with("countersign-3000-device="))
            .expect("a device cookie")
            .clone();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=34560000"] {
            assert!(device_cookie.contains(attribute), "{device_cookie}");
        }
        let value = device_cookie.split(';').next().expect("a pair");
        for n in 0..9 {
            let anonymous = app.anon().with("x-forwarded-for", &format!("198.51.100.{n}"));
            anonymous
                .post(LOG_IN, json!({ "email": "ada@example.com", "password": "wrong" }))
                .await;
        }
        assert_eq!(
            app.anon().post(LOG_IN, body.clone()).await.status,
            StatusCode::TOO_MANY_REQUESTS
        );
        let owner = app
            .anon()
            .with("cookie", value)
            .with("sec-fetch-site", "same-origin")
            .post(LOG_IN, body)
            .await;
        assert_eq!(owner.status, StatusCode::OK);
        assert!(
            owner.cookies().iter().all(|cookie| !cookie.starts_with("countersign-3000-device=")),
            "the device cookie is kept"
        );
    }

    async fn signed_in_writes_beyond_limit_are_refused_without_effect(target: RateLimitedApp) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        let mut statuses = std::collections::BTreeMap::new();
        for n in 0..200 {
            let response =
                ada.client.patch("/api/v1/me", json!({ "name": format!("Ada {n}") })).await;
            *statuses.entry(response.status.as_u16()).or_insert(0) += 1;
            if response.status == StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(
                    (response.problem_code().as_str(), response.header("retry-after")),
                    ("rate_limited", "60")
                );
            }
        }
        assert_eq!(statuses, std::collections::BTreeMap::from([(200, 20), (429, 180)]));
        let events = ada.client.get("/api/v1/me/activity?limit=100").await.json()["items"]
            .as_array()
            .expect("a list")
            .len();
        assert_eq!(events, 21, "the sign-up and 20 changes");
        app.clock.advance(TimeSpan::minutes(1));
        assert_eq!(
            ada.client.patch("/api/v1/me", json!({ "name": "Ada" })).await.status,
            StatusCode::OK
        );
    }

    async fn forwarded_addresses_with_ports_are_separate_clients(target: RateLimitedApp) {
        let app = target.0;
        let log = LogCapture::start("warn");
        for n in 0..30 {
            let hop = if n % 2 == 0 {
                format!("203.0.113.{n}:51234")
            } else {
                format!("[2001:db8:0:{n}::7]:443")
            };
            let body = json!({ "email": format!("user{n}@example.com"), "password": PASSWORD });
            assert_eq!(
                app.anon()
                    .with("x-forwarded-for", &hop)
                    .post("/api/v1/auth/signup", body)
                    .await
                    .status,
                StatusCode::CREATED,
                "{hop}"
            );
        }
        assert_eq!(log.take(), "");
        for _ in 0..3 {
            app.anon().with("x-forwarded-for", "unknown").get("/api/v1/me").await;
        }
        let text = log.take();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!(
            (&lines[0]["message"], &lines[0]["setting"]),
            (&json!("forwarded address unreadable"), &json!("COUNTERSIGN_TRUSTED_PROXIES"))
        );
    }

    async fn missing_proxy_setting_is_logged_once(app: App) {
        let log = LogCapture::start("warn");
        for header in ["x-forwarded-for", "forwarded", "x-forwarded-for"] {
            app.anon().with(header, "for=203.0.113.9").get("/api/v1/me").await;
        }
        let text = log.take();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!(
            (&lines[0]["message"], &lines[0]["setting"]),
            (&json!("forwarding header ignored"), &json!("COUNTERSIGN_TRUSTED_PROXIES"))
        );
        assert_eq!(
            (&lines[0]["peer"], &lines[0]["header"]),
            (&json!("192.0.2.7"), &json!("x-forwarded-for"))
        );
    }

    async fn request_for_another_public_url_names_the_setting(app: App) {
        let log = LogCapture::start("warn");
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let from = |origin: &str, host: &str| app.anon().with("origin", origin).with("host", host);
        let refused_by = [
            (
                "http://192.168.1.5:3000",
                "192.168.1.5:3000",
                StatusCode::MISDIRECTED_REQUEST,
                "host",
                "192.168.1.5:3000",
            ),
            ("http://localhost", "localhost", StatusCode::FORBIDDEN, "origin", "http://localhost"),
        ];
        for (origin, host, status, field, logged) in refused_by {
            for _ in 0..3 {
                let refused = from(origin, host).post("/api/v1/auth/signup", body.clone()).await;
                assert_eq!(refused.status, status);
                assert!(
                    refused.json()["detail"]
                        .as_str()
                        .is_some_and(|detail| detail.contains("http://localhost:3000")),
                    "{}",
                    refused.text
                );
            }
            let text = log.take();
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!(lines.len(), 1, "{text}");
            assert_eq!(
                (&lines[0][field], &lines[0]["public_url"], &lines[0]["setting"]),
                (&json!(logged), &json!("http://localhost:3000"), &json!("COUNTERSIGN_PUBLIC_URL"))
            );
        }
        // A request from another site is refused without a log line: the settings are correct.
        let app = App::on(TestDatabase::sqlite()).await;
        for origin in ["https://evil.example", "http://evil.example:3000", "null"] {
            let refused =
                app.anon().with("origin", origin).post("/api/v1/auth/signup", body.clone()).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(log.take(), "");
    }
}
