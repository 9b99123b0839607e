//! The HTTP client: one HTTP/1.1 connection, which its owner opens, uses and closes.
//!
//! A pooled client would hide what the tests control: which client uses which connection, when a
//! request is sent, and where in a request the client disconnects. The connection is driven by the
//! request that uses it and not by a task of its own, so dropping either one disconnects at once.

use crate::api::{ApiRequest, ApiResponse};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Bytes, Frame, SizeHint},
    client::conn::http1::{self, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// Maximum time to wait for a connection or a response.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

type Driver = Connection<TokioIo<TcpStream>, String>;

/// An open connection without a request in progress.
pub(crate) struct HttpConnection {
    sender: SendRequest<String>,
    /// Reads and writes. `None` once the connection has closed.
    driver: Option<Pin<Box<Driver>>>,
}

/// The reasons for a missing response.
#[derive(Debug)]
pub(crate) enum NoResponse {
    /// The connection could not be opened, or it broke.
    ConnectionLost,
    /// There was no response in time.
    TimedOut,
}

impl fmt::Display for NoResponse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ConnectionLost => "the connection broke",
            Self::TimedOut => "no response in time",
        })
    }
}

impl std::error::Error for NoResponse {}

impl From<hyper::Error> for NoResponse {
    fn from(_: hyper::Error) -> Self {
        Self::ConnectionLost
    }
}

async fn connect(server: SocketAddr) -> Result<TokioIo<TcpStream>, NoResponse> {
    let connecting = timeout(RESPONSE_TIMEOUT, TcpStream::connect(server)).await;
    let stream = connecting.map_err(|_| NoResponse::TimedOut)?;
    let stream = stream.map_err(|_| NoResponse::ConnectionLost)?;
    stream.set_nodelay(true).map_err(|_| NoResponse::ConnectionLost)?;
    Ok(TokioIo::new(stream))
}

impl HttpConnection {
    pub(crate) async fn open(server: SocketAddr) -> Result<Self, NoResponse> {
        let (sender, driver) = http1::handshake(connect(server).await?).await?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    /// Sends a request and returns the response, with the connection for the next request. Without
    /// a response the connection is closed.
    pub(crate) async fn send(
        mut self,
        request: ApiRequest<'_>,
        limit: Duration,
    ) -> Result<(ApiResponse, Self), NoResponse> {
        let request = request.into_http();
        let exchange = async {
            self.sender.ready().await?;
            let (parts, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(ApiResponse {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        let response = timeout(limit, async {
            let mut exchange = pin!(exchange);
            if let Some(driver) = &mut self.driver {
                tokio::select! {
                    biased;
                    response = &mut exchange => return response,
                    _ = driver => {}
                }
                // The connection closed, perhaps after the response. Dropping the driver ends the
                // exchange if the request is still queued there.
                self.driver = None;
            }
            exchange.await
        });
        let response = response.await.map_err(|_| NoResponse::TimedOut)??;
        Ok((response, self))
    }
}

/// Sends a request with half of its body or all of it, and disconnects before the response.
pub(crate) async fn send_and_disconnect(
    server: SocketAddr,
    request: ApiRequest<'_>,
    half: bool,
) -> Result<(), NoResponse> {
    let (mut sender, driver) = http1::handshake(connect(server).await?).await?;
    let (parts, body) = request.into_http().into_parts();
    let (length, is_written) = (body.len(), Arc::new(AtomicBool::new(false)));
    let mut start = Bytes::from(body);
    start.truncate(if half { length / 2 } else { length });
    let body = PartialBody {
        start: Some(start),
        announced: length.try_into().expect("64 bits"),
        is_written: is_written.clone(),
    };
    let mut response = pin!(sender.send_request(http::Request::from_parts(parts, body)));
    let mut driver = pin!(driver);
    // The driver writes to the socket whatever it took from the body, before it returns.
    let until_written = poll_fn(|context| {
        let is_ready = response.as_mut().poll(context).is_ready();
        let is_closed = driver.as_mut().poll(context).is_ready();
        if is_ready || is_closed || is_written.load(Relaxed) {
            Poll::Ready(is_written.load(Relaxed))
        } else {
            Poll::Pending
        }
    });
    match timeout(RESPONSE_TIMEOUT, until_written).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(NoResponse::ConnectionLost),
        Err(_) => Err(NoResponse::TimedOut),
    }
}

/// The start of a body, which then neither continues nor ends.
struct PartialBody {
    start: Option<Bytes>,
    /// Length of the whole body.
    announced: u64,
    is_written: Arc<AtomicBool>,
}

impl Body for PartialBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.start.take() {
            Some(start) => {
                self.is_written.store(true, Relaxed);
                Poll::Ready(Some(Ok(Frame::data(start))))
            }
            None => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
