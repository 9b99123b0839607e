//! Host check: the `Host` of a request, or `:authority` in HTTP/2, must be a host of this server.
//!
//! | request | result |
//! |---|---|
//! | for the host of `COUNTERSIGN_PUBLIC_URL`, with its port or without one | passes |
//! | for any loopback name and that port, if the public URL has a loopback name | passes |
//! | for a host of `COUNTERSIGN_ALLOWED_HOSTS` | passes |
//! | for `/healthz` and `/readyz` | passes: orchestrators use the IP address of a container |
//! | for another host or port | 421 (RFC 9110, 15.5.20) |
//! | without a host, with two `Host` headers, or with contradicting hosts | 400 (RFC 9112, 3.2) |
//!
//! A missing port is accepted because some proxies omit it (`$host` of nginx). The check prevents
//! DNS rebinding, and foreign host names in links and caches.

use super::{BoxedRequest, paths::reject_ambiguous_path};
use crate::{HttpState, problem};
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header::HOST, uri::Authority},
    response::Response,
};

/// Health checks of orchestrators, which use an IP address instead of a host name.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Returns the rejection of a request according to the table.
fn reject_other_host(server: &HttpState, request: &Request) -> Option<Response> {
    if PROBES.contains(&request.uri().path()) {
        return None;
    }
    match requested_host(request.uri(), request.headers()) {
        Some(host) if server.hosts().contains_host(&host) => None,
        Some(host) => {
            server.config_warnings().other_host(host.as_str(), server.origin());
            Some(problem::with_detail(
                StatusCode::MISDIRECTED_REQUEST,
                "misdirected_request",
                &format!("This server is reached at {}/.", server.origin()),
            ))
        }
        None => Some(problem::with_detail(
            StatusCode::BAD_REQUEST,
            "malformed",
            "Send one Host header, with the name of this server.",
        )),
    }
}

/// Rejects requests for other hosts and requests with ambiguous paths.
pub async fn reject_invalid_targets<F: Future<Output = Response>>(
    server: &HttpState,
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    match reject_other_host(server, &request).or_else(|| reject_ambiguous_path(&request)) {
        Some(rejection) => rejection,
        None => next(request).await,
    }
}

/// Returns the host of a request, if it is unambiguous.
fn requested_host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allowed_hosts::AllowedHosts;
    use axum::http::HeaderValue;

    /// The public URL, the request target, the `Host` headers, and the result.
    type Row = (&'static str, &'static str, &'static [&'static str], Result<bool, ()>);

    fn passes(url: &str, target: &str, lines: &[&'static str]) -> Result<bool, ()> {
        let headers = lines.iter().map(|line| (HOST, HeaderValue::from_static(line))).collect();
        let host = requested_host(&target.parse().expect("a target"), &headers).ok_or(())?;
        Ok(AllowedHosts::new(&url.parse().expect("a URL"), &[]).contains_host(&host))
    }

    #[test]
    fn listed_host_passes_with_its_port_or_any_port() {
        let others = ["accounts.internal:3000", "10.0.0.5"].map(Authority::from_static);
        let hosts =
            AllowedHosts::new(&"https://accounts.example.com".parse().expect("a URL"), &others);
        for (requested, expected) in [
            ("accounts.internal:3000", true),
            ("Accounts.Internal:3000", true),
            ("accounts.internal", false),
            ("accounts.internal:3001", false),
            ("10.0.0.5", true),
            ("10.0.0.5:8080", true),
            ("10.0.0.50", false),
            ("accounts.example.com", true),
        ] {
            assert_eq!(
                hosts.contains_host(&Authority::from_static(requested)),
                expected,
                "{requested}"
            );
        }
    }

    #[test]
    fn host_check_follows_its_table() {
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
