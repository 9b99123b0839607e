//! An account, used from its own IP address.

use crate::http_client::{HttpClient, Request, Response};
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};

pub(crate) const LOG_IN: &str = "/api/v1/auth/login";
pub(crate) const PASSWORD: &str = "the password of all accounts";
/// The network for benchmarks (RFC 2544): 198.18.0.0/15.
const NETWORK: u32 = 0xc612_0000;

/// Returns the IP address of a client by its number.
pub(crate) fn client_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(NETWORK + number % 0x2_0000)
}

/// Tokens of a response body.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Tokens {
    pub(crate) fn of(response: &Response) -> Option<Self> {
        serde_json::from_slice(&response.body).ok()
    }
}

pub(crate) struct Account {
    pub(crate) client: HttpClient,
    pub(crate) email: String,
    pub(crate) tokens: Tokens,
    /// The device cookie.
    pub(crate) device_cookie: String,
}

impl Account {
    pub(crate) async fn sign_up(server: SocketAddr, number: u32) -> anyhow::Result<Self> {
        let (email, mut client) =
            (format!("user{number}@example.com"), HttpClient::new(server, client_ip(number)));
        let body =
            json!({ "name": "Ada", "email": email, "password": PASSWORD, "transport": "cookie" })
                .to_string();
        let response = client
            .send(&Request { path: "/api/v1/auth/signup", body: Some(body), ..Request::default() })
            .await?;
        ensure!(response.status == 201, "the sign-up got {}", response.status);
        // The port is part of the cookie names: the public URL is that of the socket.
        let cookie_name = |suffix: &str| format!("countersign-{}{suffix}=", server.port());
        let cookie = |name: &str| {
            response
                .cookies
                .iter()
                .find(|cookie| cookie.starts_with(name))
                .cloned()
                .with_context(|| format!("no cookie {name}"))
        };
        let value = |name: &str| Ok::<_, anyhow::Error>(cookie(name)?[name.len()..].to_owned());
        let tokens = Tokens {
            access_token: value(&cookie_name("-access"))?,
            refresh_token: value(&cookie_name(""))?,
        };
        Ok(Self { client, email, tokens, device_cookie: cookie(&cookie_name("-device"))? })
    }
}

/// Returns a log-in request of a program, or of a browser with a device cookie.
pub(crate) fn log_in<'a>(
    email: &str,
    password: &str,
    device_cookie: Option<&'a str>,
) -> Request<'a> {
    let transport = if device_cookie.is_some() { "cookie" } else { "body" };
    let body = json!({ "email": email, "password": password, "transport": transport }).to_string();
    Request { path: LOG_IN, body: Some(body), cookie: device_cookie, ..Request::default() }
}
