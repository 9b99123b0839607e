//! Who calls, as far as the network can tell, and what they show for it.

use crate::{device, limit::network};
use std::{fmt, net::IpAddr};

/// The caller of a flow: for the activity list and the log. Nothing here is proof of anything.
#[derive(Clone, Default)]
pub struct Client {
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// The program, in words such as "Firefox on Linux".
    pub device: Option<String>,
    /// Names the request in the log.
    pub request_id: String,
    /// What a browser shows that has been here before: the [`crate::DeviceToken`].
    pub known_browser: Option<String>,
}

impl Client {
    /// From what came with the request; `agent` is the `User-Agent`.
    #[must_use]
    pub fn new(address: Option<IpAddr>, agent: Option<&str>, request_id: &str) -> Self {
        Self {
            address,
            device: agent.and_then(device::describe),
            request_id: request_id.to_owned(),
            known_browser: None,
        }
    }
}

impl Client {
    /// The network that the request came from: an IPv4 address, or an IPv6 prefix of 64 bits.
    /// Clients without an address share one.
    #[must_use]
    pub fn network(&self) -> Vec<u8> {
        network(self.address)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Client({:?}, {:?}, {})", self.address, self.device, self.request_id)
    }
}

/// What a caller shows to be let in.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// An access token, from `Authorization: Bearer`.
    Bearer(&'a str),
    /// A refresh token, from the cookie. It says who somebody is; it is renewed only by
    /// [`crate::Auth::refresh`].
    Cookie(&'a str),
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Cookie(_) => "Cookie(…)",
        })
    }
}
