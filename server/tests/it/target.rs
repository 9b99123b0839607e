//! A server whose domain and database are at hand, and that is sent what no program of good will
//! sends.

use crate::support::{Answer, PASSWORD, answered, authority, no_site, reached_by, started};
use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request},
};
use countersign::{Server, router};
use countersign_core::{Auth, Clock, RateLimits, testing::FreshDatabase};
use serde_json::{Value, json};

pub const URL: &str = "http://localhost:3000";
pub const ME: &str = "/api/v1/me";
pub const REFRESH: &str = "/api/v1/auth/refresh";
pub const JSON: (&str, &[u8]) = ("content-type", b"application/json");

/// A server whose domain and database are at hand.
pub struct Target {
    /// What clients ask for.
    host: String,
    pub router: Router,
    pub auth: Auth,
    pub clock: Clock,
    pub database: FreshDatabase,
}

/// The two tokens of somebody.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        assert!(answer.status.is_success(), "{}", answer.text);
        let text = |name: &str| answer.json()[name].as_str().expect("a token").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

impl Target {
    pub async fn on(database: FreshDatabase) -> Self {
        Self::at(database, URL).await
    }

    pub async fn at(database: FreshDatabase, url: &str) -> Self {
        let (auth, clock) = started(&database, url, RateLimits::off()).await;
        let router = router(Server::new(auth.clone(), &reached_by(url), &no_site()));
        Self { host: authority(url), router, auth, clock, database }
    }

    /// Headers are bytes: attackers do not stop at text.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &[u8])],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).body(body.into()).expect("a request");
        for (name, value) in headers {
            request.headers_mut().append(
                name.parse::<HeaderName>().expect("a name"),
                HeaderValue::from_bytes(value).expect("a header value"),
            );
        }
        request.headers_mut().entry("host").or_insert(self.host.parse().expect("a host"));
        answered(&self.router, request).await
    }

    /// Who am I, with this in `Authorization`?
    pub async fn shown(&self, value: &[u8]) -> Answer {
        self.send(Method::GET, ME, &[("authorization", value)], Body::empty()).await
    }

    pub async fn bearer(&self, token: &str) -> Answer {
        self.shown(format!("Bearer {token}").as_bytes()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[JSON], body.to_string()).await
    }

    pub async fn renew(&self, token: &str) -> Answer {
        self.post(REFRESH, json!({"refresh_token": token})).await
    }

    pub async fn sign_up(&self, email: &str) -> Tokens {
        Tokens::of(
            &self.post("/api/v1/auth/signup", json!({"email": email, "password": PASSWORD})).await,
        )
    }

    pub async fn log_in(&self, email: &str) -> Tokens {
        Tokens::of(
            &self.post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD})).await,
        )
    }
}
