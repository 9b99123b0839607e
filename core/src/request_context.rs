//! The origin of a request as the network shows it, and the credential that it presents.

use crate::user_agent;
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

/// The origin of a request, for the activity list, the log and rate limits. It proves nothing. Most
/// requests clone it several times, so its texts are shared.
#[derive(Clone, Default)]
pub struct RequestContext {
    /// The IP address of the client.
    pub address: Option<IpAddr>,
    /// The program, in words such as "Firefox on Linux".
    pub device: Option<Arc<str>>,
    /// The identifier of the request in the log.
    pub request_id: Arc<str>,
    /// The value of the device cookie: a [`crate::DeviceCookieToken`].
    pub device_cookie: Option<String>,
}

impl RequestContext {
    /// Creates a context from the parts of a request; `agent` is the `User-Agent` header.
    #[must_use]
    pub fn new(address: Option<IpAddr>, agent: Option<&str>, request_id: &str) -> Self {
        Self {
            address,
            device: agent.and_then(user_agent::parse_user_agent).map(Arc::from),
            request_id: request_id.into(),
            device_cookie: None,
        }
    }
}

impl RequestContext {
    /// The network of the client: an IPv4 address, or an IPv6 prefix of 64 bits. Clients without an
    /// address share one network.
    #[must_use]
    pub fn ip_prefix(&self) -> Vec<u8> {
        ip_prefix(self.address)
    }
}

/// Returns the network of an address: 4 bytes of IPv4, the first 8 of IPv6, or 16 zeros without an
/// address.
pub(crate) fn ip_prefix(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
        None => Ipv6Addr::UNSPECIFIED.octets().to_vec(),
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RequestContext({:?}, {:?}, {})", self.address, self.device, self.request_id)
    }
}

/// A credential that a request presents. It is not verified yet.
#[derive(Clone, Copy)]
pub enum PresentedCredential<'a> {
    /// An access token, from `Authorization: Bearer`.
    Bearer(&'a str),
    /// A refresh token, from the cookie. It authenticates the request; only
    /// [`crate::Auth::refresh`] rotates it.
    Cookie(&'a str),
}

impl fmt::Debug for PresentedCredential<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Cookie(_) => "Cookie(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_prefix_is_canonical_and_64_bits_for_ipv6() {
        let of = |text: &str| ip_prefix(text.parse().ok());
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:DB8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(ip_prefix(None).len(), 16);
    }
}
