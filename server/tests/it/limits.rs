//! Limits as clients meet them.

use crate::{
    log::Log,
    support::{App, LOG_IN, PASSWORD},
};
use axum::http::StatusCode;
use countersign_core::{on_both, testing::FreshDatabase};
use countersign_types::Span;
use serde_json::{Value, json};

/// A server that limits, behind a proxy that it trusts.
struct Limiting(App);

impl Limiting {
    async fn on(database: FreshDatabase) -> Self {
        Self(App::limiting(database).await)
    }
}

/// What the log says of a network that tries the passwords of many.
const NOTICED: &str = "rate limit exceeded";

on_both! {
    async fn who_tries_too_often_is_told_when_to_come_back_and_then_may(target: Limiting) {
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
            (refused.status, refused.problem().as_str()),
            (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
        );
        let seconds: i64 = refused.header("retry-after").parse().expect("seconds");
        let unknown = json!({ "email": "nobody@example.com", "password": "wrong" });
        for _ in 0..5 {
            app.anon().post(LOG_IN, unknown.clone()).await;
        }
        let nobody = app.anon().post(LOG_IN, unknown).await;
        assert_eq!(
            (nobody.status, &nobody.text, nobody.stable_headers()),
            (refused.status, &refused.text, refused.stable_headers()),
            "whether there is such an account is not told"
        );
        app.clock.advance(Span::seconds(seconds));
        let right = json!({ "email": "ada@example.com", "password": PASSWORD });
        assert_eq!(app.anon().post(LOG_IN, right).await.status, StatusCode::OK);
    }

    async fn a_page_is_led_back_with_the_words(target: Limiting) {
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
        let answer = app
            .anon()
            .submit("/fn/login", "/login", "form%5Bemail%5D=a%40b.example&form%5Bpassword%5D=wrong")
            .await;
        assert_eq!(answer.status, StatusCode::FOUND);
        let page = app
            .anon()
            .with("accept", "text/html")
            .get(answer.header("location").trim_start_matches("http://localhost:3000"))
            .await;
        assert!(page.text.contains("Too many attempts"), "{}", answer.header("location"));
        let script = app
            .anon()
            .call("/fn/login", "form%5Bemail%5D=a%40b.example&form%5Bpassword%5D=wrong")
            .await;
        assert_eq!(script.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(!script.header("retry-after").is_empty());
    }

    async fn behind_a_proxy_each_client_is_itself_and_headers_of_strangers_count_for_nothing(
        target: Limiting,
    ) {
        let app = target.0;
        let body = |n: u32| json!({ "email": format!("user{n}@example.com"), "password": "wrong" });
        let log = Log::open("warn");
        for n in 0..60 {
            // What a client wrote into the header before the proxy added where it really is.
            let client = app
                .anon()
                .with("x-forwarded-for", &format!("203.0.113.{n}, 198.51.100.9"))
                .with("x-real-ip", &format!("203.0.113.{n}"));
            let client = client
                .with("forwarded", &format!("for=203.0.113.{n}"))
                .with("true-client-ip", &format!("203.0.113.{n}"));
            assert_eq!(client.post(LOG_IN, body(n)).await.status, StatusCode::UNAUTHORIZED);
        }
        assert!(!log.take().contains(NOTICED), "not yet");
        let same = app
            .anon()
            .with("x-forwarded-for", "203.0.113.200, 198.51.100.9")
            .post(LOG_IN, body(60))
            .await;
        assert_eq!(same.status, StatusCode::TOO_MANY_REQUESTS);
        let text = log.take();
        let line: Value = text
            .lines()
            .find(|line| line.contains(NOTICED))
            .and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_else(|| panic!("nobody is told: {text}"));
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
            !text.contains(NOTICED) && text.matches("refresh token refused").count() <= 1,
            "a client does not fill the log: {text}"
        );
        let other =
            app.anon().with("x-forwarded-for", "198.51.100.10").post(LOG_IN, body(61)).await;
        assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_browser_that_has_logged_in_before_is_known_and_gets_in_through_a_flood(
        target: Limiting,
    ) {
        let app = target.0;
        let body =
            json!({ "email": "ada@example.com", "password": PASSWORD, "transport": "cookie" });
        let answer = app.anon().post("/api/v1/auth/signup", body.clone()).await;
        let known = answer
            .cookies()
            .iter()
            .find(|cookie| cookie.starts_with("countersign-3000-device="))
            .expect("it is known from now on")
            .clone();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=34560000"] {
            assert!(known.contains(attribute), "{known}");
        }
        let value = known.split(';').next().expect("a pair");
        for n in 0..9 {
            let stranger = app.anon().with("x-forwarded-for", &format!("198.51.100.{n}"));
            stranger.post(LOG_IN, json!({ "email": "ada@example.com", "password": "wrong" })).await;
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
            "and stays so"
        );
    }

    async fn signed_in_writes_are_refused_beyond_their_limit_and_leave_nothing(target: Limiting) {
        let app = target.0;
        let ada = app.user("ada@example.com").await;
        let mut statuses = std::collections::BTreeMap::new();
        for n in 0..200 {
            let answer =
                ada.client.patch("/api/v1/me", json!({ "name": format!("Ada {n}") })).await;
            *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(
                    (answer.problem().as_str(), answer.header("retry-after")),
                    ("too_many_requests", "60")
                );
            }
        }
        assert_eq!(statuses, std::collections::BTreeMap::from([(200, 20), (429, 180)]));
        let events = ada.client.get("/api/v1/me/activity?limit=100").await.json()["items"]
            .as_array()
            .expect("a list")
            .len();
        assert_eq!(events, 21, "the sign-up and what was done");
        app.clock.advance(Span::minutes(1));
        assert_eq!(
            ada.client.patch("/api/v1/me", json!({ "name": "Ada" })).await.status,
            StatusCode::OK
        );
    }

    async fn forwarded_addresses_with_ports_are_clients_of_their_own(target: Limiting) {
        let app = target.0;
        let log = Log::open("warn");
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

    async fn forgotten_proxy_setting_is_named_once(app: App) {
        let log = Log::open("warn");
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

    async fn page_opened_by_another_address_names_the_setting(app: App) {
        let log = Log::open("warn");
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
        // Another site is refused, and that is no fault of the settings.
        let app = App::on(FreshDatabase::sqlite()).await;
        for origin in ["https://evil.example", "http://evil.example:3000", "null"] {
            let refused =
                app.anon().with("origin", origin).post("/api/v1/auth/signup", body.clone()).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(log.take(), "");
    }
}
