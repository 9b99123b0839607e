//! The hosts that this server accepts requests for. Other requests are rejected by
//! [`crate::middleware::host`], whose tests have a table of all cases.

use axum::http::uri::Authority;
use url::{Host, Position, Url};

/// The hosts of this server.
#[derive(Clone, Debug)]
pub(crate) struct AllowedHosts {
    /// The authority of the public URL as browsers send it.
    own: String,
    host: Option<Host>,
    port: Option<u16>,
    others: Vec<Authority>,
}

impl AllowedHosts {
    /// Creates the set of hosts: the host of the public URL, and others. A host without a port
    /// allows any port.
    #[must_use]
    pub(crate) fn new(url: &Url, others: &[Authority]) -> Self {
        Self {
            own: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            host: url.host().map(|host| host.to_owned()),
            port: url.port_or_known_default(),
            others: others.to_vec(),
        }
    }

    /// Returns whether a request for this host is accepted.
    pub(crate) fn contains_host(&self, requested: &Authority) -> bool {
        if requested.as_str() == self.own {
            return true;
        }
        let is_listed = |listed: &Authority| {
            requested.host().eq_ignore_ascii_case(listed.host())
                && (listed.port_u16().is_none() || listed.port_u16() == requested.port_u16())
        };
        if self.others.iter().any(is_listed) {
            return true;
        }
        let port_matches = requested.as_str() == requested.host()
            || requested.port_u16().is_some_and(|port| Some(port) == self.port);
        // Normalized as in URLs: lower case, and short forms of IP addresses.
        let (Ok(requested), Some(own)) = (Host::parse(requested.host()), &self.host) else {
            return false;
        };
        port_matches && (requested == *own || is_loopback(&requested) && is_loopback(own))
    }
}

/// Returns whether a host is this machine.
fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
    }
}
