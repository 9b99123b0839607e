//! The origin of a request as the network shows it, and the credential that it presents.

use crate::{network::Network, user_agent};
use std::{fmt, net::IpAddr, sync::Arc};

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

    /// Returns the network of the client.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::of(self.address)
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
