//! For whom a request is meant: its `Host`, or `:authority` in HTTP/2, is the name that people
//! reach this server by.
//!
//! | a request | |
//! |---|---|
//! | for the host of `COUNTERSIGN_PUBLIC_URL`, with its port or without one | passes |
//! | for any name of this machine and that port, where the public URL is such a name | passes |
//! | for a host of `COUNTERSIGN_ALLOWED_HOSTS` | passes |
//! | for `/healthz` and `/readyz` | passes: an orchestrator asks by the address of a container |
//! | for another host or port | 421 (RFC 9110, 15.5.20) |
//! | for no host, for two, or for two that differ | 400 (RFC 9112, 3.2) |
//!
//! Without a port it passes because some proxies leave it out (`$host` of nginx). So what a page of
//! another name makes a browser send to our address (DNS rebinding) goes no further, and no link or
//! cache can be made to carry a foreign name.

use crate::{Server, http::problem};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header::HOST, uri::Authority},
    middleware::Next,
    response::Response,
};
use std::sync::Arc;
use url::{Host, Url};

/// Asked by orchestrators, which know an address and no name.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Refuses what the table refuses.
pub async fn ours_only(State(server): State<Server>, request: Request, next: Next) -> Response {
    if PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match asked_for(request.uri(), request.headers()) {
        Some(host) if server.hosts.contain(&host) => next.run(request).await,
        Some(host) => {
            server.notices.other_host(host.as_str(), &server.origin);
            problem::plain_with(
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected_request",
                &format!("This server is reached at {}/.", server.origin),
            )
        }
        None => problem::plain_with(
            StatusCode::BAD_REQUEST,
            "malformed",
            "Send one Host header, with the name of this server.",
        ),
    }
}

/// The one host that a request names, wherever it names it.
fn asked_for(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut lines = headers.get_all(HOST).iter();
    let (line, None) = (lines.next(), lines.next()) else { return None };
    let line = match line {
        Some(line) => Some(line.to_str().ok()?.parse::<Authority>().ok()?),
        None => None,
    };
    match (uri.authority().cloned(), line) {
        (Some(target), Some(line)) if target != line => None,
        (Some(host), _) | (None, Some(host)) => {
            Some(host).filter(|host| !host.as_str().contains('@'))
        }
        (None, None) => None,
    }
}

/// The names that this server is reached by.
#[derive(Clone, Debug)]
pub struct Hosts {
    host: Option<Host>,
    port: Option<u16>,
    others: Arc<[Authority]>,
}

impl Hosts {
    /// Those of the public URL, and others: with the port that they have, or with any.
    #[must_use]
    pub fn of(url: &Url, others: &[Authority]) -> Self {
        Self {
            host: url.host().map(|host| host.to_owned()),
            port: url.port_or_known_default(),
            others: others.into(),
        }
    }

    fn contain(&self, asked: &Authority) -> bool {
        let is_listed = |listed: &Authority| {
            asked.host().eq_ignore_ascii_case(listed.host())
                && (listed.port_u16().is_none() || listed.port_u16() == asked.port_u16())
        };
        if self.others.iter().any(is_listed) {
            return true;
        }
        let port_is_ours = asked.as_str() == asked.host()
            || asked.port_u16().is_some_and(|port| Some(port) == self.port);
        // As in URLs: in lower case, and addresses in their short form.
        let (Ok(asked), Some(ours)) = (Host::parse(asked.host()), &self.host) else { return false };
        port_is_ours && (asked == *ours || is_loopback(&asked) && is_loopback(ours))
    }
}

/// Whether a host is this machine.
fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// The public URL, the target of the request, its `Host` headers, and whether it passes.
    type Row = (&'static str, &'static str, &'static [&'static str], Result<bool, ()>);

    fn passes(url: &str, target: &str, lines: &[&'static str]) -> Result<bool, ()> {
        let headers = lines.iter().map(|line| (HOST, HeaderValue::from_static(line))).collect();
        let host = asked_for(&target.parse().expect("a target"), &headers).ok_or(())?;
        Ok(Hosts::of(&url.parse().expect("a URL"), &[]).contain(&host))
    }

    #[test]
    fn listed_host_passes_with_its_port_or_with_any() {
        let others = ["accounts.internal:3000", "10.0.0.5"].map(Authority::from_static);
        let hosts = Hosts::of(&"https://accounts.example.com".parse().expect("a URL"), &others);
        for (asked, expected) in [
            ("accounts.internal:3000", true),
            ("Accounts.Internal:3000", true),
            ("accounts.internal", false),
            ("accounts.internal:3001", false),
            ("10.0.0.5", true),
            ("10.0.0.5:8080", true),
            ("10.0.0.50", false),
            ("accounts.example.com", true),
        ] {
            assert_eq!(hosts.contain(&Authority::from_static(asked)), expected, "{asked}");
        }
    }

    #[test]
    fn the_table() {
        const PUBLIC: &str = "https://accounts.example.com";
        const LOCAL: &str = "http://localhost:3000";
        let table: &[Row] = &[
            (PUBLIC, "/", &["accounts.example.com"], Ok(true)),
            (PUBLIC, "/", &["ACCOUNTS.Example.com:443"], Ok(true)),
            (PUBLIC, "/", &["accounts.example.com:80"], Ok(false)),
            (PUBLIC, "/", &["accounts.example.com."], Ok(false)),
            (PUBLIC, "/", &["accounts.example.com.evil.example"], Ok(false)),
            (PUBLIC, "/", &["evil.example"], Ok(false)),
            (PUBLIC, "/", &["localhost"], Ok(false)),
            (PUBLIC, "/", &["203.0.113.9"], Ok(false)),
            (PUBLIC, "/", &[], Err(())),
            (PUBLIC, "/", &[""], Err(())),
            (PUBLIC, "/", &["accounts.example.com, evil.example"], Err(())),
            (PUBLIC, "/", &["accounts.example.com/"], Err(())),
            (PUBLIC, "/", &["user@accounts.example.com"], Err(())),
            (PUBLIC, "/", &["accounts.example.com", "accounts.example.com"], Err(())),
            (PUBLIC, "/", &["accounts.example.com", "evil.example"], Err(())),
            (PUBLIC, "https://accounts.example.com/", &["accounts.example.com"], Ok(true)),
            (PUBLIC, "https://accounts.example.com/", &[], Ok(true)),
            (PUBLIC, "https://evil.example/", &["accounts.example.com"], Err(())),
            (PUBLIC, "https://accounts.example.com/", &["evil.example"], Err(())),
            (PUBLIC, "https://evil.example/", &["evil.example"], Ok(false)),
            ("https://accounts.example.com:8443", "/", &["accounts.example.com:8443"], Ok(true)),
            ("https://accounts.example.com:8443", "/", &["accounts.example.com"], Ok(true)),
            ("https://accounts.example.com:8443", "/", &["accounts.example.com:443"], Ok(false)),
            (LOCAL, "/", &["localhost:3000"], Ok(true)),
            (LOCAL, "/", &["127.0.0.1:3000"], Ok(true)),
            (LOCAL, "/", &["[::1]:3000"], Ok(true)),
            (LOCAL, "/", &["app.localhost:3000"], Ok(true)),
            (LOCAL, "/", &["localhost"], Ok(true)),
            (LOCAL, "/", &["localhost:3001"], Ok(false)),
            (LOCAL, "/", &["localhost:"], Ok(false)),
            (LOCAL, "/", &["localhost:68536"], Ok(false)),
            (LOCAL, "/", &["localhost.evil.example:3000"], Ok(false)),
            (LOCAL, "/", &["192.168.1.5:3000"], Ok(false)),
            ("http://[2001:DB8:0:0::1]:3000", "/", &["[2001:db8::1]:3000"], Ok(true)),
        ];
        for (url, target, lines, expected) in table {
            assert_eq!(passes(url, target, lines), *expected, "{url} {target} {lines:?}");
        }
    }
}
