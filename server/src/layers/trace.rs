//! Names each request, says who asks, and writes one line for it in the log.
//!
//! The line holds the path without the query, which may hold anything. One request is one line, of
//! ASCII: a path may hold marks that end a line for some readers, or that a terminal obeys.

use crate::{Server, notices::Notices};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT},
    middleware::Next,
    response::Response,
};
use countersign_core::{Client, Clock, Entropy};
use countersign_leptos::edge::cookie;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// RFC 7239. It is noticed, and not read.
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Puts the [`Client`] into the extensions of the request.
pub async fn trace(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let address = client_address(peer, request.headers(), &server.trusted_proxies, &server.notices);
    let mut client = Client::new(
        address,
        request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()),
        &id,
    );
    client.known_browser = cookie::known_browser(request.headers(), &server.web.cookies);
    request.extensions_mut().insert(client);
    let (method, path) =
        (request.method().clone(), request.uri().path().escape_default().to_string());
    let started = Clock::System.now();

    let mut response = next.run(request).await;

    let (status, millis) = (response.status().as_u16(), Clock::System.now().since(started).0);
    let address = address.map(tracing::field::display);
    if status >= 500 {
        tracing::warn!(request.id = id, %method, path, status, millis, address, "answered");
    } else {
        tracing::info!(request.id = id, %method, path, status, millis, address, "answered");
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The caller's own name for the request, if it is a plain one; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(|id| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }) {
        Some(id) => id.to_owned(),
        None => Entropy::System
            .id(Clock::System.now())
            .map_or_else(|_| "none".to_owned(), |id| id.to_string()),
    }
}

/// Whether an address is in one of some networks.
pub(crate) fn is_in(networks: &[IpNet], address: &IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// Where a request comes from: the other end of the socket, unless that is a proxy that we trust.
/// Then the last address in `X-Forwarded-For` that is not such a proxy: what stands before it was
/// written by clients.
fn client_address(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
    notices: &Notices,
) -> Option<IpAddr> {
    let is_trusted = |ip: &IpAddr| is_in(trusted, ip);
    let peer = peer?.to_canonical();
    let sent = [FORWARDED_FOR, FORWARDED].into_iter().find(|name| headers.contains_key(name));
    if !is_trusted(&peer) {
        if let Some(name) = sent {
            notices.untrusted_proxy(peer, name.as_str());
        }
        return Some(peer);
    }
    if sent == Some(FORWARDED) {
        notices.unreadable_forwarding(peer, FORWARDED.as_str());
    }
    let lines: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    let mut client = peer;
    while is_trusted(&client) {
        let Some(hop) = hops.next() else { break };
        let Some(before) = forwarded_address(hop) else {
            notices.unreadable_forwarding(client, FORWARDED_FOR.as_str());
            break;
        };
        client = before.to_canonical();
    }
    Some(client)
}

/// An address as proxies write it: `203.0.113.9`, `203.0.113.9:51234`, `2001:db8::7`,
/// `[2001:db8::7]`, `[2001:db8::7]:443`, each also in quotes.
fn forwarded_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let hop = hop.strip_prefix('"').and_then(|hop| hop.strip_suffix('"')).unwrap_or(hop).trim();
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    hop.parse()
        .ok()
        .or_else(|| hop.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
        .or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        client_address(peer.parse().ok(), &headers, &trusted, &Notices::default())
            .expect("an address")
            .to_string()
    }

    #[test]
    fn a_stranger_cannot_say_where_they_are() {
        assert_eq!(address("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
        assert_eq!(address("::ffff:192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
    }

    #[test]
    fn behind_trusted_proxies_the_last_address_that_is_none_of_them_counts() {
        assert_eq!(address("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.2.2.2"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "203.0.113.9,10.2.2.2"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, rubbish"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn forwarded_address_is_read_in_every_form_that_proxies_write() {
        for (hop, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:51234", "203.0.113.9"),
            ("\"203.0.113.9:51234\"", "203.0.113.9"),
            (" 203.0.113.9 ", "203.0.113.9"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("\"[2001:db8::7]:443\"", "2001:db8::7"),
            ("\"[2001:db8::7]\"", "2001:db8::7"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ] {
            assert_eq!(address("10.0.0.1", &[hop]), expected, "{hop}");
        }
        for hop in [
            "",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.9:",
            "203.0.113.9:x",
            "203.0.113.9:99999",
            "[203.0.113.9]",
            "[2001:db8::7",
            "2001:db8::7]:443",
            "localhost",
            "\"",
            "for=203.0.113.9",
        ] {
            assert_eq!(address("10.0.0.1", &[hop]), "10.0.0.1", "{hop}");
        }
    }

    #[test]
    fn a_request_keeps_a_plain_name_and_gets_one_for_anything_else() {
        let named = |id: &'static str| {
            request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]))
        };
        assert_eq!(named("order-66"), "order-66");
        for id in [
            "",
            "a b",
            "<b>",
            "0123456789012345678901234567890123456789012345678901234567890123456789",
        ] {
            assert_eq!(named(id).len(), 36, "{id:?}");
        }
    }
}
