//! One connection, from its first byte to its end: TLS, the deadlines for request heads and for
//! idleness, and what hyper cannot do by itself.

use super::{
    Shared,
    delivery::{Delivery, PacedBody, StreamExecutor},
};
use crate::{layers::budget::Admission, tls::Tls};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response, Version},
};
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

/// A request head is complete within this time. For the first one it begins when the connection is
/// accepted, so it includes TLS and whatever comes before a request in HTTP/2; for the next ones
/// with their first byte.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A socket takes something within this time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// An HTTP/2 connection is asked this often whether its client is still there, which has as long to
/// answer.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Once a connection is told to end and no request is under way, the client has this long to
/// notice.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of a request head, and how many headers it may have.
const MAX_HEAD_BYTES: usize = 32 * 1024;
const MAX_HEADERS: usize = 100;
/// Requests at a time on one connection of HTTP/2. RFC 9113, 6.5.2 recommends no fewer.
const MAX_STREAMS: u32 = 100;
/// Bytes that one stream of HTTP/2 holds for sending, beyond the piece that is under way.
const MAX_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// How long a connection that is to end waits for a client that does not read what was answered.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that clients of HTTP/2 may send before we have read them, for one request and for one
/// connection.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 512 * 1024;

type TimedSocket = Pin<Box<TimeoutStream<TcpStream>>>;

/// Serves one connection until it ends, or until `stop` changes and what is under way has ended.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let accepted = Instant::now();
    let _only_slower_without = socket.set_nodelay(true);
    let opened = tokio::select! {
        opened = timeout_at(accepted + HEAD_TIMEOUT, open(socket, shared.tls.as_ref())) => opened.ok().flatten(),
        // No request has begun.
        _ = stop.changed() => None,
    };
    match opened {
        None => {}
        Some(Opened::Plain(io)) => talk(io, peer, accepted, shared, stop).await,
        Some(Opened::Encrypted(io)) => talk(io, peer, accepted, shared, stop).await,
    }
}

enum Opened {
    Plain(TimedSocket),
    Encrypted(Box<tokio_rustls::server::TlsStream<TimedSocket>>),
}

/// Waits for the first byte, and speaks TLS where that is expected.
async fn open(mut socket: TcpStream, tls: Option<&Tls>) -> Option<Opened> {
    let mut first = [0];
    if socket.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    // A method of HTTP begins with a letter, a handshake of TLS with 22.
    if tls.is_some() && first[0].is_ascii_uppercase() {
        refuse_plain_http(&mut socket).await;
        return None;
    }
    let mut io = TimeoutStream::new(socket);
    io.set_write_timeout(Some(WRITE_TIMEOUT));
    let io = Box::pin(io);
    match tls {
        None => Some(Opened::Plain(io)),
        Some(tls) => tls.acceptor().accept(io).await.ok().map(|io| Opened::Encrypted(Box::new(io))),
    }
}

/// Says in the clear that this port speaks HTTPS.
async fn refuse_plain_http(socket: &mut TcpStream) {
    const SENTENCE: &str =
        "This port speaks HTTPS only: use an address that begins with https://.\n";
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n{BARE_HEADERS}content-length: {}\r\nconnection: close\r\n\r\n",
        SENTENCE.len()
    );
    let _client_is_gone = socket.write_all(format!("{head}{SENTENCE}").as_bytes()).await;
    let _no_more = socket.shutdown().await;
    // What is closed with something unread is reset, and the answer may be lost.
    let mut unread = [0; 1024];
    let _drained = timeout(CLOSE_TIMEOUT, async {
        while socket.read(&mut unread).await.is_ok_and(|length| length > 0) {}
    })
    .await;
}

/// Headers of an answer that was made before the router was asked.
const BARE_HEADERS: &str = "cache-control: no-store\r\nx-content-type-options: nosniff\r\n";

async fn talk<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
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
            let under_way = UnderWay::begin(&state, request.version());
            let app = shared.app.clone();
            async move { Ok::<_, Infallible>(answer(app, request, peer, under_way).await) }
        })
    };
    let stuck = Arc::new(Notify::new());
    let protocol = protocol(StreamExecutor { socket_is_full, stuck: stuck.clone() });
    let mut connection =
        pin!(protocol.serve_connection(TokioIo::new(WatchedIo::new(io, state.clone())), service));
    let (mut stopped, mut closing) = (false, None);
    let mut give_up = None;
    loop {
        tokio::select! {
            biased;
            // How a connection ends, if not by our will, is the other side's business.
            _ended = delivery.clone().scope(connection.as_mut()) => break,
            () = delivery.overdue() => break,
            () = stuck.notified() => break,
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
                // Half a head is nothing that has begun. What was answered and is not read does not
                // keep the connection for ever, either.
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
    // Without hyper's own timeout for heads: it would also end connections that are idle.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// What is kept until a response was sent.
type Kept = (UnderWay, Option<Admission>);

async fn answer(
    mut app: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    under_way: UnderWay,
) -> Response<PacedBody<Kept>> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let Ok(mut response) = app.call(request.map(Body::new)).await;
    let admission = response.extensions_mut().remove::<Admission>();
    response.map(|body| PacedBody::new(body, Delivery::current(), (under_way, admission)))
}

/// What a connection is doing, for its deadlines.
struct State {
    phase: Mutex<Phase>,
    changed: Notify,
    keep_alive: Duration,
    socket_is_full: Arc<AtomicBool>,
}

struct Phase {
    /// Requests whose responses are not yet sent.
    requests: usize,
    is_http2: bool,
    /// When there were none the last time.
    idle_since: Instant,
    /// When a head began of which nothing else is known yet.
    head_began: Option<Instant>,
}

enum Overdue {
    /// A head did not become complete.
    Head,
    /// Nothing was asked.
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
        Self {
            phase: Mutex::new(phase),
            changed: Notify::new(),
            keep_alive,
            socket_is_full: Arc::default(),
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that bytes have come. Outside a request of HTTP/1.1 they begin the next head; in
    /// HTTP/2 they may be anything.
    fn received(&self) {
        let mut phase = self.phase();
        if phase.requests == 0 && !phase.is_http2 && phase.head_began.is_none() {
            phase.head_began = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// Whether no request is under way and everything was written.
    fn is_quiet(&self) -> bool {
        self.phase().requests == 0 && !self.socket_is_full.load(Ordering::Relaxed)
    }

    /// Waits until a deadline has passed.
    async fn overdue(&self) -> Overdue {
        loop {
            let changed = self.changed.notified();
            let next = {
                let phase = self.phase();
                match (phase.requests, phase.head_began) {
                    (1.., _) => None,
                    (0, Some(began)) => Some((began + HEAD_TIMEOUT, Overdue::Head)),
                    (0, None) => Some((phase.idle_since + self.keep_alive, Overdue::Idle)),
                }
            };
            let Some((deadline, overdue)) = next else {
                changed.await;
                continue;
            };
            if timeout_at(deadline, changed).await.is_err() {
                return overdue;
            }
        }
    }
}

/// A request that is under way on a connection, until this is dropped.
struct UnderWay(Arc<State>);

impl UnderWay {
    fn begin(state: &Arc<State>, version: Version) -> Self {
        let mut phase = state.phase();
        phase.requests += 1;
        phase.is_http2 = version == Version::HTTP_2;
        phase.head_began = None;
        drop(phase);
        state.changed.notify_one();
        Self(state.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut phase = self.0.phase();
        phase.requests -= 1;
        if phase.requests == 0 {
            phase.idle_since = Instant::now();
            drop(phase);
            self.0.changed.notify_one();
        }
    }
}

/// The bytes of a connection, after TLS: notes when something comes and when nothing can be
/// written, and completes the answers that hyper makes by itself to what is no HTTP.
struct WatchedIo<I> {
    io: I,
    state: Arc<State>,
    /// What is written instead of such an answer, and how much of it was written.
    replacement: Option<(Vec<u8>, usize)>,
}

impl<I: AsyncWrite + Unpin> WatchedIo<I> {
    fn new(io: I, state: Arc<State>) -> Self {
        Self { io, state, replacement: None }
    }

    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        self.state.socket_is_full.store(written.is_pending(), Ordering::Relaxed);
        written
    }

    /// Writes what takes the place of `bytes`, if something does.
    fn poll_replacement(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.replacement.is_none() && self.state.phase().requests == 0 {
            self.replacement = completed(bytes).map(|whole| (whole, 0));
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

/// The whole head of an error, with [`BARE_HEADERS`], if these bytes are one that did not come from
/// the router.
fn completed(bytes: &[u8]) -> Option<Vec<u8>> {
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
        self.note(written)
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
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.note(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_that_the_router_did_not_make_is_completed() {
        let head = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let whole = String::from_utf8(completed(head).expect("completed")).expect("text");
        assert!(whole.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"), "{whole}");
        assert!(whole.ends_with("\r\ncontent-length: 0\r\n\r\n"));
        for other in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nx-content-type-options: nosniff\r\n\r\n",
            "HTTP/1.1 400 Bad",
            "",
            "x",
        ] {
            assert!(completed(other.as_bytes()).is_none(), "{other}");
        }
    }
}
