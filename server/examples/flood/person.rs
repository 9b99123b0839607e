//! Somebody with an account, at an address of their own.

use crate::wire::{Answer, Line, Request};
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};

pub(crate) const LOG_IN: &str = "/api/v1/auth/login";
pub(crate) const PASSWORD: &str = "the password of everybody here";
/// Networks for benchmarks (RFC 2544): 198.18.0.0/15.
const NETWORK: u32 = 0xc612_0000;

/// The address of client number so-and-so.
pub(crate) fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(NETWORK + number % 0x2_0000)
}

/// Tokens, where they come in the body.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }
}

pub(crate) struct Person {
    pub(crate) line: Line,
    pub(crate) email: String,
    pub(crate) tokens: Tokens,
    /// What shows that the browser is known.
    pub(crate) known: String,
}

impl Person {
    pub(crate) async fn sign_up(server: SocketAddr, number: u32) -> anyhow::Result<Self> {
        let (email, mut line) =
            (format!("person{number}@example.com"), Line::new(server, address(number)));
        let body = json!({ "name": "Somebody", "email": email, "password": PASSWORD, "transport": "cookie" }).to_string();
        let answer = line
            .ask(&Request { path: "/api/v1/auth/signup", body: Some(body), ..Request::default() })
            .await?;
        ensure!(answer.status == 201, "a sign-up was answered with {}", answer.status);
        // The port is part of the names: the public URL is that of the socket.
        let ours = |suffix: &str| format!("countersign-{}{suffix}=", server.port());
        let cookie = |name: &str| {
            answer
                .cookies
                .iter()
                .find(|cookie| cookie.starts_with(name))
                .cloned()
                .with_context(|| format!("no cookie {name}"))
        };
        let value = |name: &str| Ok::<_, anyhow::Error>(cookie(name)?[name.len()..].to_owned());
        let tokens =
            Tokens { access_token: value(&ours("-access"))?, refresh_token: value(&ours(""))? };
        Ok(Self { line, email, tokens, known: cookie(&ours("-device"))? })
    }
}

/// A log-in of a program, or of a browser that shows who it is.
pub(crate) fn log_in<'a>(email: &str, password: &str, known: Option<&'a str>) -> Request<'a> {
    let transport = if known.is_some() { "cookie" } else { "body" };
    let body = json!({ "email": email, "password": password, "transport": transport }).to_string();
    Request { path: LOG_IN, body: Some(body), cookie: known, ..Request::default() }
}
