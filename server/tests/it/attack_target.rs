//! A server with direct access to its `Auth` and database, for requests with arbitrary bytes.

use crate::support::{
    PASSWORD, TestResponse, authority, http_config, no_site, send_request, start_auth,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request},
};
use countersign::{AppState, router};
use countersign_core::{Auth, Clock, RateLimits, testing::TestDatabase};
use serde_json::{Value, json};

pub const URL: &str = "http://localhost:3000";
pub const ME: &str = "/api/v1/me";
pub const REFRESH: &str = "/api/v1/auth/refresh";
pub const JSON: (&str, &[u8]) = ("content-type", b"application/json");

/// A server with direct access to its `Auth`, clock and database.
pub struct AttackTarget {
    /// Default value of the `Host` header.
    host: String,
    pub router: Router,
    pub auth: Auth,
    pub clock: Clock,
    pub database: TestDatabase,
}

/// The access token and refresh token of a session.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn from_response(response: &TestResponse) -> Self {
        assert!(response.status.is_success(), "{}", response.text);
        let text = |name: &str| response.json()[name].as_str().expect("a token").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

impl AttackTarget {
    pub async fn on(database: TestDatabase) -> Self {
        Self::with_url(database, URL).await
    }

    pub async fn with_url(database: TestDatabase, url: &str) -> Self {
        let (auth, clock) = start_auth(&database, url, RateLimits::off()).await;
        let router = router(AppState::new(auth.clone(), &http_config(url), &no_site()));
        Self { host: authority(url), router, auth, clock, database }
    }

    /// Sends a request. Header values are bytes, because attackers are not limited to text.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &[u8])],
        body: impl Into<Body>,
    ) -> TestResponse {
        let mut request =
            Request::builder().method(method).uri(path).body(body.into()).expect("a request");
        for (name, value) in headers {
            request.headers_mut().append(
                name.parse::<HeaderName>().expect("a name"),
                HeaderValue::from_bytes(value).expect("a header value"),
            );
        }
        request.headers_mut().entry("host").or_insert(self.host.parse().expect("a host"));
        send_request(&self.router, request).await
    }

    /// Sends `GET /api/v1/me` with this value of the `Authorization` header.
    pub async fn get_me_with(&self, value: &[u8]) -> TestResponse {
        self.send(Method::GET, ME, &[("authorization", value)], Body::empty()).await
    }

    /// Sends `GET /api/v1/me` with a bearer token.
    pub async fn get_me(&self, token: &str) -> TestResponse {
        self.get_me_with(format!("Bearer {token}").as_bytes()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.send(Method::POST, path, &[JSON], body.to_string()).await
    }

    pub async fn refresh(&self, token: &str) -> TestResponse {
        self.post(REFRESH, json!({"refresh_token": token})).await
    }

    pub async fn sign_up(&self, email: &str) -> Tokens {
        Tokens::from_response(
            &self.post("/api/v1/auth/signup", json!({"email": email, "password": PASSWORD})).await,
        )
    }

    pub async fn log_in(&self, email: &str) -> Tokens {
        Tokens::from_response(
            &self.post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD})).await,
        )
    }
}
