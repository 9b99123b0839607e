//! A single connection: TLS handshake, header and idle timeouts, graceful shutdown, and workarounds
//! for what hyper doesn't support.

use super::{
    Shared,
    delivery::{Delivery, PacedBody, StreamExecutor},
};
use crate::tls::Tls;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response, Version},
};
use countersign_http::budgets::Admission;
use futures::ready;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

/// Maximum time to receive the header section of a request. For the first request it starts when
/// the connection is accepted, so it includes the TLS handshake and the HTTP/2 preface; for later
/// requests it starts with their first byte.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for which a socket may accept no data.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Interval of HTTP/2 pings, and the time within which a client must answer one.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long a closing connection without open requests waits for the client to close it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum size of a header section in bytes, and maximum number of headers.
const MAX_HEADER_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// Maximum number of concurrent streams of an HTTP/2 connection. RFC 9113, 6.5.2 recommends no
/// fewer.
const MAX_STREAMS: u32 = 100;
/// Maximum send buffer of an HTTP/2 stream in bytes, in addition to the chunk being sent.
const MAX_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// How long a closing connection waits for a client that doesn't read the responses.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);
/// HTTP/2 flow-control windows in bytes: how much a client may send for one request, and for one
/// connection, before the server has read it.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 512 * 1024;

type TimedSocket = Pin<Box<TimeoutStream<TcpStream>>>;

/// Serves one connection until it ends. When `stop` changes, requests in progress are completed
/// first.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let accepted = Instant::now();
    let _ = socket.set_nodelay(true); // Without it, responses are only slower.
    let negotiated = tokio::select! {
        negotiated = timeout_at(accepted + HEADER_TIMEOUT, negotiate(socket, shared.tls.as_ref()))
            => negotiated.ok().flatten(),
        // No request has started.
        _ = stop.changed() => None,
    };
    match negotiated {
        None => {}
        Some(Negotiated::Plain(io)) => serve_http(io, peer, accepted, shared, stop).await,
        Some(Negotiated::Encrypted(io)) => serve_http(io, peer, accepted, shared, stop).await,
    }
}

enum Negotiated {
    Plain(TimedSocket),
    Encrypted(Box<tokio_rustls::server::TlsStream<TimedSocket>>),
}

/// Waits for the first byte, and performs the TLS handshake if a certificate is configured.
async fn negotiate(mut socket: TcpStream, tls: Option<&Tls>) -> Option<Negotiated> {
    let mut first = [0];
    if socket.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    // An HTTP method starts with a letter, a TLS handshake with byte 22.
    if tls.is_some() && first[0].is_ascii_uppercase() {
        refuse_plain_http(&mut socket).await;
        return None;
    }
    let mut io = TimeoutStream::new(socket);
    io.set_write_timeout(Some(WRITE_TIMEOUT));
    let io = Box::pin(io);
    match tls {
        None => Some(Negotiated::Plain(io)),
        Some(tls) => {
            tls.acceptor().accept(io).await.ok().map(|io| Negotiated::Encrypted(Box::new(io)))
        }
    }
}

/// Responds in plain text that this port expects HTTPS.
async fn refuse_plain_http(socket: &mut TcpStream) {
    const SENTENCE: &str = "This port accepts HTTPS only. Use a URL that starts with https://.\n";
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; \
         charset=utf-8\r\n{BARE_HEADERS}content-length: {}\r\nconnection: close\r\n\r\n",
        SENTENCE.len()
    );
    let _ = socket.write_all(format!("{head}{SENTENCE}").as_bytes()).await;
    let _ = socket.shutdown().await; // Both fail if the client has disconnected.
    // Closing a socket with unread data resets it, and the response could be lost.
    let mut unread = [0; 1024];
    let _ = timeout(CLOSE_TIMEOUT, async {
        while socket.read(&mut unread).await.is_ok_and(|length| length > 0) {}
    })
    .await;
}

/// Headers of responses that don't come from the router.
const BARE_HEADERS: &str = "cache-control: no-store\r\nx-content-type-options: nosniff\r\n";

async fn serve_http<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    io: I,
    peer: SocketAddr,
    accepted: Instant,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let state = Arc::new(State::new(accepted, shared.keep_alive));
    let socket_is_full = state.socket_is_full.clone();
    let delivery = Delivery::new(socket_is_full.clone());
    let service = {
        let state = state.clone();
        hyper::service::service_fn(move |request: Request<Incoming>| {
            let guard = RequestGuard::begin(&state, request.version());
            let app = shared.app.clone();
            async move { Ok::<_, Infallible>(respond(app, request, peer, guard).await) }
        })
    };
    let stalled = Arc::new(Notify::new());
    let protocol = protocol(StreamExecutor { socket_is_full, stalled: stalled.clone() });
    let mut connection =
        pin!(protocol.serve_connection(TokioIo::new(WatchedIo::new(io, state.clone())), service));
    let (mut stopped, mut closing) = (false, None);
    let mut give_up = None;
    loop {
        tokio::select! {
            biased;
            // Errors of a connection are caused by the client and not logged.
            _ = delivery.clone().scope(connection.as_mut()) => break,
            () = delivery.overdue() => break,
            () = stalled.notified() => break,
            _ = stop.changed(), if !stopped => {
                stopped = true;
                connection.as_mut().graceful_shutdown();
                closing = Some(Instant::now() + CLOSE_TIMEOUT);
            }
            overdue = state.overdue(), if closing.is_none() => match overdue {
                Overdue::Head => break,
                Overdue::Idle => {
                    connection.as_mut().graceful_shutdown();
                    closing = Some(Instant::now() + CLOSE_TIMEOUT);
                }
            },
            () = sleep_until(closing.unwrap_or(accepted)), if closing.is_some() => {
                // An incomplete header section doesn't count as a request. A client that doesn't
                // read its responses can't keep the connection open forever either.
                let give_up = *give_up.get_or_insert_with(|| Instant::now() + UNREAD_TIMEOUT);
                if state.is_quiet() || Instant::now() >= give_up && state.phase().requests == 0 {
                    break;
                }
                closing = Some(Instant::now() + CLOSE_TIMEOUT);
            }
        }
    }
}

fn protocol(executor: StreamExecutor) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(executor);
    // hyper's own header timeout stays off: it would also close idle connections.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// Values that are kept until a response has been sent.
type Kept = (RequestGuard, Option<Admission>);

async fn respond(
    mut app: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    guard: RequestGuard,
) -> Response<PacedBody<Kept>> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let Ok(mut response) = app.call(request.map(Body::new)).await;
    let admission = response.extensions_mut().remove::<Admission>();
    response.map(|body| PacedBody::new(body, Delivery::current(), (guard, admission)))
}

/// The state of a connection, from which its timeouts are derived.
struct State {
    phase: Mutex<Phase>,
    keep_alive: Duration,
    socket_is_full: Arc<AtomicBool>,
}

struct Phase {
    /// Number of requests whose responses have not been sent completely.
    requests: usize,
    is_http2: bool,
    /// When the last request was completed.
    idle_since: Instant,
    /// When the current header section started, if one is incomplete.
    head_began: Option<Instant>,
}

enum Overdue {
    /// A header section was not completed in time.
    Head,
    /// The connection was idle for too long.
    Idle,
}

impl State {
    fn new(accepted: Instant, keep_alive: Duration) -> Self {
        let phase = Phase {
            requests: 0,
            is_http2: false,
            idle_since: accepted,
            head_began: Some(accepted),
        };
        Self { phase: Mutex::new(phase), keep_alive, socket_is_full: Arc::default() }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that data was received. In HTTP/1.1, data outside a request starts the next header
    /// section; in HTTP/2 it can be anything.
    fn received(&self) {
        let mut phase = self.phase();
        if phase.requests == 0 && !phase.is_http2 && phase.head_began.is_none() {
            phase.head_began = Some(Instant::now());
        }
    }

    /// Returns whether no request is in progress and all data has been written.
    fn is_quiet(&self) -> bool {
        self.phase().requests == 0 && !self.socket_is_full.load(Ordering::Relaxed)
    }

    /// Returns the next deadline. There is none during a request.
    fn deadline(&self) -> Option<(Instant, Overdue)> {
        let phase = self.phase();
        match (phase.requests, phase.head_began) {
            (1.., _) => None,
            (0, Some(began)) => Some((began + HEADER_TIMEOUT, Overdue::Head)),
            (0, None) => Some((phase.idle_since + self.keep_alive, Overdue::Idle)),
        }
    }

    /// Waits until the header timeout or the idle timeout expires.
    ///
    /// It checks the state at the deadline, and after the shortest timeout, instead of after each
    /// change: a request changes the state three times. A timeout that starts between two checks
    /// can't expire before the second.
    async fn overdue(&self) -> Overdue {
        let shortest = HEADER_TIMEOUT.min(self.keep_alive);
        loop {
            let (now, deadline) = (Instant::now(), self.deadline());
            let mut wake = now + shortest;
            if let Some((deadline, overdue)) = deadline {
                if deadline <= now {
                    return overdue;
                }
                wake = wake.min(deadline);
            }
            sleep_until(wake).await;
        }
    }
}

/// Counts a request as in progress until it is dropped.
struct RequestGuard(Arc<State>);

impl RequestGuard {
    fn begin(state: &Arc<State>, version: Version) -> Self {
        let mut phase = state.phase();
        phase.requests += 1;
        phase.is_http2 = version == Version::HTTP_2;
        phase.head_began = None;
        drop(phase);
        Self(state.clone())
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let mut phase = self.0.phase();
        phase.requests -= 1;
        if phase.requests == 0 {
            phase.idle_since = Instant::now();
        }
    }
}

/// The decrypted byte stream of a connection. It records when data arrives and when writing blocks,
/// and adds headers to the error responses that hyper creates for malformed requests.
struct WatchedIo<I> {
    io: I,
    state: Arc<State>,
    /// The replacement of such a response, and how many bytes of it have been written.
    replacement: Option<(Vec<u8>, usize)>,
}

impl<I: AsyncWrite + Unpin> WatchedIo<I> {
    fn new(io: I, state: Arc<State>) -> Self {
        Self { io, state, replacement: None }
    }

    fn record_write<T>(&self, written: Poll<T>) -> Poll<T> {
        self.state.socket_is_full.store(written.is_pending(), Ordering::Relaxed);
        written
    }

    /// Writes the replacement of `bytes`, if there is one.
    fn poll_replacement(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.replacement.is_none() && self.state.phase().requests == 0 {
            self.replacement = with_bare_headers(bytes).map(|whole| (whole, 0));
        }
        let (whole, written) = self.replacement.as_mut()?;
        while *written < whole.len() {
            match Pin::new(&mut self.io).poll_write(context, &whole[*written..]) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(length)) => *written += length,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        self.replacement = None;
        Some(Poll::Ready(Ok(bytes.len())))
    }
}

/// Returns the header section of an error response with [`BARE_HEADERS`] added, if `bytes` is one
/// that doesn't come from the router.
fn with_bare_headers(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(512))?).ok()?;
    if !text.starts_with("HTTP/1.1 4")
        || !bytes.ends_with(b"\r\n\r\n")
        || bytes.len() > 512
        || text.contains("x-content-type-options")
    {
        return None;
    }
    let (status, rest) = text.split_once("\r\n")?;
    Some(format!("{status}\r\n{BARE_HEADERS}{rest}").into_bytes())
}

impl<I: AsyncRead + Unpin> AsyncRead for WatchedIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.state.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for WatchedIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match self.poll_replacement(context, bytes) {
            Some(written) => written,
            None => Pin::new(&mut self.io).poll_write(context, bytes),
        };
        self.record_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let only = if let [only] = slices { self.poll_replacement(context, only) } else { None };
        let written = match only {
            Some(written) => written,
            None => Pin::new(&mut self.io).poll_write_vectored(context, slices),
        };
        self.record_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.record_write(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyper_error_response_gets_bare_headers() {
        let head = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let whole = String::from_utf8(with_bare_headers(head).expect("a response")).expect("text");
        assert!(
            whole.starts_with(
                "HTTP/1.1 431 Request Header Fields Too Large\r\ncache-control: \
                 no-store\r\nx-content-type-options: nosniff\r\n"
            ),
            "{whole}"
        );
        assert!(whole.ends_with("\r\ncontent-length: 0\r\n\r\n"));
        for other in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nx-content-type-options: nosniff\r\n\r\n",
            "HTTP/1.1 400 Bad",
            "",
            "x",
        ] {
            assert!(with_bare_headers(other.as_bytes()).is_none(), "{other}");
        }
    }
}
