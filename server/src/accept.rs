//! Connections: how many there may be, how long they may keep us waiting, and how they end. What is said on them is the router's business.
//!
//! `axum::serve` sets no time limit for a request to begin or to be written, so a thousand silent sockets would stay for ever.

use crate::{layers::trace::is_in, tls::Tls};
use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use ipnet::IpNet;
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

/// So many connections at a time; the next ones wait in the queue of the system.
const MOST: usize = 2048;
/// So many of one address, unless it is a trusted proxy, which speaks for many. Further ones are closed at once.
const MOST_OF_ONE: usize = 256;
/// A client that has connected says something within this time, and has greeted us by TLS.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// A request is told completely, but for its body, within this time; and so soon the next one begins on the same connection of HTTP/1. (One of HTTP/2
/// lives for as long as its client answers when it is asked.)
const HEAD: Duration = Duration::from_secs(10);
/// Nothing was read for so long, or nothing could be written: whoever is there has gone.
const SILENCE: Duration = Duration::from_mins(1);
const STUCK: Duration = Duration::from_secs(20);
/// Bytes of a request without its body, and how many headers it may have; and how many requests at a time on one connection of HTTP/2.
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_STREAMS: u32 = 16;
const MOST_HEADERS: usize = 100;
/// After an error of the system (such as: no more file handles) we wait for so long before we accept again.
const BREATH: Duration = Duration::from_millis(100);
/// An error that comes back within this time is the same trouble still, and is not said again: it comes and goes with every connection that ends.
const SAME_TROUBLE: Duration = Duration::from_mins(1);

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
}

impl Door {
    /// Serves until `stop`; then accepts nothing more, and waits for what is under way to end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { listener, tls, app, proxies } = self;
        let mut stop = pin!(stop);
        let (places, crowd, graceful) = (Arc::new(Semaphore::new(MOST)), Crowd::default(), GracefulShutdown::new());
        let (stopping, told) = watch::channel(());
        let protocol = Arc::new(protocol());
        let mut failed: Option<Instant> = None;
        loop {
            let next = async {
                // Its turn comes before the system is asked: what we have no place for stays in the queue of the system.
                let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
                listener.accept().await.map(|(socket, peer)| (socket, peer, place))
            };
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = next => accepted,
            };
            let (socket, peer, place) = match accepted {
                Ok(accepted) => accepted,
                // Of this connection only: whoever it was has gone.
                Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused) => {
                    continue;
                }
                Err(error) => {
                    if failed.is_none_or(|last| last.elapsed() > SAME_TROUBLE) {
                        tracing::error!(%error, "no connection can be accepted");
                    }
                    failed = Some(Instant::now());
                    sleep(BREATH).await;
                    continue;
                }
            };
            let one_of = crowd.enter(peer.ip(), if is_in(&proxies, &peer.ip()) { MOST } else { MOST_OF_ONE });
            let Some(one_of) = one_of else { continue };
            let (tls, app, protocol, watcher, mut told) = (tls.clone(), app.clone(), protocol.clone(), graceful.watcher(), told.clone());
            tokio::spawn(async move {
                let greeted = tokio::select! {
                    greeted = greet(socket, tls.as_ref()) => greeted,
                    // Whoever has said nothing yet has nothing under way.
                    _ = told.changed() => None,
                };
                if let Some(connection) = greeted {
                    match connection {
                        Greeted::Plain(io) => talk(io, peer, app, &protocol, watcher).await,
                        Greeted::Encrypted(io) => talk(io, peer, app, &protocol, watcher).await,
                    }
                }
                drop((place, one_of));
            });
        }
        drop((listener, stopping));
        graceful.shutdown().await;
    }
}

fn protocol() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD).max_headers(MOST_HEADERS);
    let largest = u32::try_from(LARGEST_HEAD).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(largest)
        .keep_alive_interval(HEAD)
        .keep_alive_timeout(HEAD);
    builder
}

type Timed = std::pin::Pin<Box<TimeoutStream<TcpStream>>>;

enum Greeted {
    Plain(Timed),
    Encrypted(Box<tokio_rustls::server::TlsStream<Timed>>),
}

/// Waits for the first word, and speaks TLS where that is asked for.
async fn greet(socket: TcpStream, tls: Option<&Tls>) -> Option<Greeted> {
    let _only_slower_without = socket.set_nodelay(true);
    timeout(FIRST_BYTE, socket.peek(&mut [0])).await.ok()?.ok()?;
    let mut io = TimeoutStream::new(socket);
    io.set_read_timeout(Some(SILENCE));
    io.set_write_timeout(Some(STUCK));
    let io = Box::pin(io);
    match tls {
        None => Some(Greeted::Plain(io)),
        Some(tls) => Some(Greeted::Encrypted(Box::new(timeout(FIRST_BYTE, tls.acceptor().accept(io)).await.ok()?.ok()?))),
    }
}

async fn talk<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: I, peer: SocketAddr, app: Router, protocol: &Builder<TokioExecutor>, watcher: Watcher) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request.map(Body::new))
    });
    // How a connection ends, if not by our will, is the other side's business.
    let _ended = watcher.watch(protocol.serve_connection(TokioIo::new(io), service).into_owned()).await;
}

/// How many connections each address has.
#[derive(Clone, Default)]
struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them, as long as this lives.
struct OneOf {
    crowd: Crowd,
    address: IpAddr,
}

impl Crowd {
    /// `None`: that would be more than `most`.
    fn enter(&self, address: IpAddr, most: usize) -> Option<OneOf> {
        let address = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(OneOf { crowd: self.clone(), address })
    }
}

/// Of IPv6 everybody has a whole network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl Drop for OneOf {
    fn drop(&mut self) {
        let mut counts = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_connections_and_is_forgotten_with_the_last() {
        let (crowd, address) = (Crowd::default(), "192.0.2.7".parse().expect("an address"));
        let mut held: Vec<_> = (0..9).map(|_| crowd.enter(address, 9).expect("a place")).collect();
        assert!(crowd.enter("::ffff:192.0.2.7".parse().expect("an address"), 9).is_none());
        assert!(crowd.enter("192.0.2.8".parse().expect("an address"), 9).is_some());
        let mut networks: Vec<_> = (1..=9).map(|n| crowd.enter(format!("2001:db8::{n}").parse().expect("an address"), 9).expect("a place")).collect();
        assert!(crowd.enter("2001:db8::ffff".parse().expect("an address"), 9).is_none(), "the same network");
        assert!(crowd.enter("2001:db8:0:1::1".parse().expect("an address"), 9).is_some());
        networks.clear();
        held.pop();
        held.push(crowd.enter(address, 9).expect("a place that became free"));
        held.clear();
        assert!(crowd.0.lock().expect("a lock").is_empty());
    }
}
