//! What is wrong with the settings and can only be noticed from requests: each is logged once, or
//! once a minute, with the name of the setting. A client must not fill the log.

use countersign_core::LogThrottle;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

/// What has been logged by this server.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    untrusted: AtomicBool,
    unreadable: AtomicBool,
    origin: LogThrottle,
    host: AtomicBool,
}

impl Notices {
    /// A client that is no trusted proxy sends a forwarding header. If it is a proxy, all of its
    /// clients share one address, and with it one rate limit.
    pub(crate) fn untrusted_proxy(&self, peer: IpAddr, header: &str) {
        if !self.untrusted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                header,
                setting = "COUNTERSIGN_TRUSTED_PROXIES",
                cure = "if the peer is a proxy of yours, add its network to the setting: else all of its clients share one rate limit",
                "forwarding header ignored"
            );
        }
    }

    /// A trusted proxy does not say where a request came from, or not in a form that is read.
    pub(crate) fn unreadable_forwarding(&self, peer: IpAddr, header: &str) {
        if !self.unreadable.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                header,
                setting = "COUNTERSIGN_TRUSTED_PROXIES",
                cure = "have the proxy append the client's IP address to X-Forwarded-For: else all of its clients share one rate limit",
                "forwarded address unreadable"
            );
        }
    }

    /// A browser has opened this server by another address than the setting says. What it sends is
    /// refused, and only the operator can mend that.
    pub(crate) fn other_origin(&self, origin: &str, public_url: &str) {
        if let Some(suppressed) = self.origin.due() {
            tracing::warn!(
                origin,
                public_url,
                suppressed,
                setting = "COUNTERSIGN_PUBLIC_URL",
                cure =
                    "set it to the address that people use, or have them use the one that is set",
                "origin differs from public URL"
            );
        }
    }

    /// A request names another host than the setting says. Logged once: where the setting is wrong,
    /// every request does, and where it is right, programs that search the network by address do.
    pub(crate) fn other_host(&self, host: &str, public_url: &str) {
        if !self.host.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                host = %host.escape_default(),
                public_url,
                setting = "COUNTERSIGN_PUBLIC_URL",
                cure = "set it to the address that people use, or have them, and proxies, use the one that is set",
                "host differs from public URL"
            );
        }
    }
}
