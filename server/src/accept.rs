//! Connections: how many there may be, and how they begin and end. What is said on them is the
//! router's business.
//!
//! `axum::serve` sets no time limit for a request to begin or for a response to be read, so a
//! thousand silent sockets would stay for ever.
//!
//! | to learn about | read |
//! |---|---|
//! | deadlines of a connection | `connection` |
//! | responses that are not read | `delivery` |
//! | what the requests of one network may hold | [`crate::layers::budget`] |

mod connection;
mod delivery;

use crate::{layers::trace::is_in, quota::Quota, tls::Tls};
use axum::Router;
use ipnet::IpNet;
use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv6Addr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{Instant, sleep},
};

/// Connections at a time; further ones wait in the queue of the system.
const MAX_CONNECTIONS: usize = 2048;
/// Of these, the share of one network, unless it is a trusted proxy. Further ones are closed at
/// once.
const MAX_CONNECTIONS_PER_NETWORK: usize = 256;
/// Pause before accepting again after an error of the system, such as no more file handles.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// An error that comes back within this time is not logged again: it comes and goes with every
/// connection that ends.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// A listening socket and what is behind it.
pub struct Door {
    /// Where connections come from.
    pub listener: TcpListener,
    /// With what they are encrypted.
    pub tls: Option<Tls>,
    /// What answers.
    pub app: Router,
    /// Proxies that we trust: they speak for many.
    pub proxies: Arc<[IpNet]>,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
}

/// What all connections work with.
struct Shared {
    tls: Option<Tls>,
    app: Router,
    keep_alive: Duration,
}

impl Door {
    /// Serves until `stop`; then accepts nothing more, and waits for what is under way to end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { listener, tls, app, proxies, keep_alive } = self;
        let shared = Arc::new(Shared { tls, app, keep_alive });
        let mut stop = pin!(stop);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let per_network = Quota::new(MAX_CONNECTIONS);
        let (stopping, stopped) = watch::channel(());
        let mut failed: Option<Instant> = None;
        loop {
            let next = async {
                // A slot comes before the system is asked: connections beyond the limit stay in the
                // queue of the system.
                let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
                listener.accept().await.map(|(socket, peer)| (socket, peer, slot))
            };
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = next => accepted,
            };
            let (socket, peer, slot) = match accepted {
                Ok(accepted) => accepted,
                // Of this connection only: the client has gone.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted
                            | io::ErrorKind::ConnectionReset
                            | io::ErrorKind::ConnectionRefused
                    ) =>
                {
                    continue;
                }
                Err(error) => {
                    if failed.is_none_or(|last| last.elapsed() > LOG_INTERVAL) {
                        tracing::error!(%error, "no connection can be accepted");
                    }
                    failed = Some(Instant::now());
                    sleep(RETRY_INTERVAL).await;
                    continue;
                }
            };
            let holder = (!is_in(&proxies, &peer.ip()))
                .then(|| (network(peer.ip()), MAX_CONNECTIONS_PER_NETWORK));
            let Some(share) = per_network.take(holder.as_slice()) else { continue };
            let (shared, stopped) = (shared.clone(), stopped.clone());
            tokio::spawn(async move {
                connection::serve(socket, peer, shared, stopped).await;
                drop((slot, share));
            });
        }
        drop(listener);
        stopping.send_replace(());
        let _all_have_ended =
            slots.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX)).await;
    }
}

/// The network of an address. Of IPv6 a client has a whole network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_belongs_to_its_network() {
        let of = |address: &str| network(address.parse().expect("an address"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
