//! The HTTP server: accepts connections, limits them, and shuts them down. Requests are handled by
//! the router.
//!
//! `axum::serve` has no timeout for reading a request or writing a response, so a thousand silent
//! sockets would stay open forever.
//!
//! | to learn about | read |
//! |---|---|
//! | timeouts of a connection | `connection` |
//! | timeouts of responses | `delivery` |
//! | limits of requests for each network | [`countersign_http::middleware::budget`] |

mod connection;
mod delivery;

use crate::tls::Tls;
use axum::Router;
use countersign_core::Network;
use countersign_http::{client_ip::is_in, quota::Quota};
use ipnet::IpNet;
use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{Instant, sleep},
};

/// Maximum number of open connections. Further ones wait in the listen backlog of the system.
const MAX_CONNECTIONS: usize = 2048;
/// Maximum number of connections from one network, unless it is a trusted proxy. Further ones are
/// closed immediately.
const MAX_CONNECTIONS_PER_NETWORK: usize = 256;
/// Delay before accepting again after a system error, such as too many open files.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// Minimum interval between two logs of accept errors. Under load such errors come and go with
/// every closed connection.
const ERROR_LOG_INTERVAL: Duration = Duration::from_mins(1);

/// A listening socket with its configuration.
pub struct HttpServer {
    /// The listening socket.
    pub listener: TcpListener,
    /// The TLS certificate, for HTTPS.
    pub tls: Option<Tls>,
    /// Handles the requests.
    pub app: Router,
    /// Trusted proxies. The limit for one network doesn't apply to them, because they forward many
    /// clients.
    pub proxies: Arc<[IpNet]>,
    /// Idle timeout between two requests.
    pub keep_alive: Duration,
}

/// State shared by all connections.
struct Shared {
    tls: Option<Tls>,
    app: Router,
    keep_alive: Duration,
}

impl HttpServer {
    /// Serves until `stop` completes. Then it closes the listener and waits for all connections to
    /// end.
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
                // The slot is acquired before accepting: connections over the limit stay in the
                // listen backlog.
                let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
                listener.accept().await.map(|(socket, peer)| (socket, peer, slot))
            };
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = next => accepted,
            };
            let (socket, peer, slot) = match accepted {
                Ok(accepted) => accepted,
                // The client closed this connection. Others are not affected.
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
                    if failed.is_none_or(|last| last.elapsed() > ERROR_LOG_INTERVAL) {
                        tracing::error!(%error, "cannot accept connections");
                    }
                    failed = Some(Instant::now());
                    sleep(ACCEPT_BACKOFF).await;
                    continue;
                }
            };
            let holder = (!is_in(&proxies, &peer.ip()))
                .then(|| (Network::of(Some(peer.ip())), MAX_CONNECTIONS_PER_NETWORK));
            let Some(share) = per_network.acquire(holder.as_slice()) else { continue };
            let (shared, stopped) = (shared.clone(), stopped.clone());
            tokio::spawn(async move {
                connection::serve(socket, peer, shared, stopped).await;
                drop((slot, share));
            });
        }
        drop(listener);
        stopping.send_replace(());
        let _ = slots.acquire_many(u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX)).await;
    }
}
