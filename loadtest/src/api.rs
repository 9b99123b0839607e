//! The requests of the JSON API that the tests send, and their responses.

use http::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE},
};
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// The password of all accounts.
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const WRONG_PASSWORD: &str = "wrong horse battery";

/// A request. With a body the method is `POST`, otherwise `GET`.
#[derive(Default)]
pub(crate) struct ApiRequest<'a> {
    path: &'a str,
    body: Option<String>,
    bearer: Option<&'a str>,
    cookie: Option<&'a str>,
    client_ip: Option<Ipv4Addr>,
}

/// The place of the tokens in responses to a client.
#[derive(Clone, Copy)]
pub(crate) enum Transport {
    Body,
    Cookie,
}

impl<'a> ApiRequest<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { path, ..Self::default() }
    }

    pub(crate) fn post(path: &'a str, body: &Value) -> Self {
        Self { path, body: Some(body.to_string()), ..Self::default() }
    }

    pub(crate) fn sign_up(email: &str, transport: Transport) -> Self {
        Self::credentials("/api/v1/auth/signup", email, PASSWORD, transport)
    }

    pub(crate) fn log_in(email: &str, password: &str, transport: Transport) -> Self {
        Self::credentials("/api/v1/auth/login", email, password, transport)
    }

    fn credentials(path: &'a str, email: &str, password: &str, transport: Transport) -> Self {
        let transport = match transport {
            Transport::Body => "body",
            Transport::Cookie => "cookie",
        };
        Self::post(path, &json!({ "email": email, "password": password, "transport": transport }))
    }

    pub(crate) fn forgot_password(email: &str) -> Self {
        Self::post("/api/v1/auth/password/forgot", &json!({ "email": email }))
    }

    pub(crate) fn refresh(refresh_token: &str) -> Self {
        Self::post("/api/v1/auth/refresh", &json!({ "refresh_token": refresh_token }))
    }

    pub(crate) fn log_out(refresh_token: &str) -> Self {
        Self::post("/api/v1/auth/logout", &json!({ "refresh_token": refresh_token }))
    }

    pub(crate) fn me(access_token: &'a str) -> Self {
        Self::get("/api/v1/me").with_bearer(access_token)
    }

    /// Adds an access token.
    pub(crate) const fn with_bearer(mut self, access_token: &'a str) -> Self {
        self.bearer = Some(access_token);
        self
    }

    /// Adds a cookie (`NAME=VALUE`), as a browser sends it.
    pub(crate) const fn with_cookie(mut self, cookie: &'a str) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// Sets the IP address of the client. The test acts as a proxy, which adds it.
    pub(crate) const fn with_ip(mut self, address: Ipv4Addr) -> Self {
        self.client_ip = Some(address);
        self
    }

    pub(crate) const fn path(&self) -> &'a str {
        self.path
    }

    pub(crate) fn into_http(self) -> http::Request<String> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let mut request =
            http::Request::builder().method(method).uri(self.path).header(HOST, "localhost");
        if let Some(token) = self.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(cookie) = self.cookie {
            request = request.header(COOKIE, cookie).header("sec-fetch-site", "same-origin");
        }
        if let Some(address) = self.client_ip {
            request = request.header("x-forwarded-for", address.to_string());
        }
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(self.body.unwrap_or_default()).expect("a valid request")
    }
}

/// A response.
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The tokens of a response body.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// Lifetime of the access token in seconds.
    pub(crate) expires_in: u64,
}

impl ApiResponse {
    /// Returns the body, or null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn tokens(&self) -> Option<Tokens> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns `NAME=VALUE` of a cookie that the response sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all(SET_COOKIE).into_iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        pairs.into_iter().find(|pair| pair.split('=').next() == Some(name))
    }
}
