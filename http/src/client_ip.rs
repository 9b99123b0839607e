//! The IP address of the client, behind trusted proxies too.

use crate::config_warnings::ConfigWarnings;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// RFC 7239. Its presence is logged; its value is not used.
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Returns whether an IP address is in one of the networks.
pub fn is_in(networks: &[IpNet], address: &IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// Returns the IP address of the client: the peer of the connection, unless that is a trusted
/// proxy. Then it is the last address in `X-Forwarded-For` that is not a trusted proxy, because
/// addresses before it are written by clients.
pub(crate) fn client_ip(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
    config_warnings: &ConfigWarnings,
) -> Option<IpAddr> {
    let is_trusted = |ip: &IpAddr| is_in(trusted, ip);
    let peer = peer?.to_canonical();
    let sent = [FORWARDED_FOR, FORWARDED].into_iter().find(|name| headers.contains_key(name));
    if !is_trusted(&peer) {
        if let Some(name) = sent {
            config_warnings.untrusted_proxy(peer, name.as_str());
        }
        return Some(peer);
    }
    if sent == Some(FORWARDED) {
        config_warnings.unreadable_forwarding(peer, FORWARDED.as_str());
    }
    let lines: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    let mut client = peer;
    while is_trusted(&client) {
        let Some(hop) = hops.next() else { break };
        let Some(before) = forwarded_address(hop) else {
            config_warnings.unreadable_forwarding(client, FORWARDED_FOR.as_str());
            break;
        };
        client = before.to_canonical();
    }
    Some(client)
}

/// Parses an IP address in the formats that proxies use: `203.0.113.9`, `203.0.113.9:51234`,
/// `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:443`, each with optional quotes.
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
    use axum::http::HeaderValue;

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        client_ip(peer.parse().ok(), &headers, &trusted, &ConfigWarnings::default())
            .expect("an address")
            .to_string()
    }

    #[test]
    fn forwarded_for_of_untrusted_peer_is_ignored() {
        assert_eq!(address("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
        assert_eq!(address("::ffff:192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
    }

    #[test]
    fn last_untrusted_forwarded_address_is_the_client() {
        assert_eq!(address("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.2.2.2"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1", "203.0.113.9,10.2.2.2"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.1.1.1, rubbish"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn forwarded_address_is_parsed_in_every_proxy_format() {
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
}
