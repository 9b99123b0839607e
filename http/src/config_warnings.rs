//! Warnings about wrong settings that show only in requests. Each is logged once, or once a minute,
//! with the name of the setting, so that a client can't flood the log.

use countersign_core::LogThrottle;
use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

/// Records which warnings this server has logged.
#[derive(Debug, Default)]
pub(crate) struct ConfigWarnings {
    untrusted: AtomicBool,
    unreadable: AtomicBool,
    origin: LogThrottle,
    host: AtomicBool,
}

impl ConfigWarnings {
    /// An untrusted peer sent a forwarding header. If it is a proxy, all of its clients share one
    /// IP address, and with it one rate limit.
    pub(crate) fn untrusted_proxy(&self, peer: IpAddr, header: &str) {
        if !self.untrusted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                header,
                setting = "COUNTERSIGN_TRUSTED_PROXIES",
                hint = "if the peer is your proxy, add its network to the setting: otherwise all \
                        of its clients share one rate limit",
                "forwarding header ignored"
            );
        }
    }

    /// A trusted proxy sent no client IP address, or one in an unknown format.
    pub(crate) fn unreadable_forwarding(&self, peer: IpAddr, header: &str) {
        if !self.unreadable.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                header,
                setting = "COUNTERSIGN_TRUSTED_PROXIES",
                hint = "configure the proxy to append the client's IP address to X-Forwarded-For: \
                        otherwise all of its clients share one rate limit",
                "forwarded address unreadable"
            );
        }
    }

    /// A browser sent a request from a page of this server that was opened under another URL than
    /// the setting. Such requests are rejected, and only the operator can fix that.
    pub(crate) fn other_origin(&self, origin: &str, public_url: &str) {
        if let Some(suppressed) = self.origin.due() {
            tracing::warn!(
                origin,
                public_url,
                suppressed,
                setting = "COUNTERSIGN_PUBLIC_URL",
                hint = "set it to the URL that users open, or have them use the URL that is set",
                "origin differs from public URL"
            );
        }
    }

    /// A request has another host than the setting. Logged once: with a wrong setting every request
    /// has, and with a correct one, network scanners do.
    pub(crate) fn other_host(&self, host: &str, public_url: &str) {
        if !self.host.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                host = %host.escape_default(),
                public_url,
                setting = "COUNTERSIGN_PUBLIC_URL",
                hint = "set it to the URL that users open, or \
            have users and proxies use the URL that is set",
                "host differs from public URL"
            );
        }
    }
}
