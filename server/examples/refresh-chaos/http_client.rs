//! A minimal HTTP/1.1 client with persistent connections to any of the running servers.
//!
//! HTTP libraries hide what matters here: when exactly a request is sent, and disconnecting in the
//! middle of it.

use crate::{
    fleet::{Fleet, ProcessRef},
    rng::Rng,
};
use anyhow::{Context, bail};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

/// Maximum time to wait for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP client shared by all actors.
pub(crate) struct HttpClient {
    fleet: Arc<Fleet>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

struct Connection {
    process: ProcessRef,
    stream: BufReader<TcpStream>,
}

/// A permit for one request. The number of permits is limited, so that excess requests wait here
/// and not in the server.
pub(crate) type RequestPermit = OwnedSemaphorePermit;

/// A connection to a server that was running a moment ago, with its permit.
pub(crate) struct HttpConnection<'a> {
    client: &'a HttpClient,
    connection: Connection,
    _permit: RequestPermit,
}

/// How long a client waits for the response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// [`RESPONSE_TIMEOUT`].
    Default,
    /// This duration, after which the client disconnects.
    DisconnectAfter(Duration),
}

/// A response.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The process that responded.
    pub(crate) process: ProcessRef,
    /// When the request was sent.
    pub(crate) sent: Instant,
    /// Time until the response.
    pub(crate) took: Duration,
}

/// The reasons for a missing response.
pub(crate) enum NoResponse {
    /// The client disconnected.
    Disconnected,
    /// The connection broke.
    ConnectionLost,
    /// A running server didn't respond.
    TimedOut,
}

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) bearer: Option<&'a str>,
    pub(crate) body: Option<String>,
}

impl HttpClient {
    pub(crate) fn new(fleet: Arc<Fleet>, permits: usize) -> Self {
        Self { fleet, idle: Mutex::default(), permits: Arc::new(Semaphore::new(permits)) }
    }

    /// Acquires several permits at once.
    pub(crate) async fn permits(&self, count: usize) -> Vec<RequestPermit> {
        let count = u32::try_from(count).expect("a few");
        let mut all = self.permits.clone().acquire_many_owned(count).await.expect("never closed");
        (0..count).map(|_| all.split(1).expect("as many as were acquired")).collect()
    }

    /// Connects to one of the running servers, and waits until there is one.
    pub(crate) async fn connect(
        &self,
        permit: Option<RequestPermit>,
        rng: &Rng,
    ) -> HttpConnection<'_> {
        let permit = match permit {
            Some(permit) => permit,
            None => self.permits(1).await.pop().expect("one"),
        };
        loop {
            let process = self.fleet.any_serving(rng).await;
            if let Some(connection) = self.take_idle(process) {
                return HttpConnection { client: self, connection, _permit: permit };
            }
            match TcpStream::connect(self.fleet.address(process)).await {
                Ok(stream) => {
                    stream.set_nodelay(true).expect("a socket");
                    return HttpConnection {
                        client: self,
                        connection: Connection { process, stream: BufReader::new(stream) },
                        _permit: permit,
                    };
                }
                // The server was just killed.
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }

    fn take_idle(&self, process: ProcessRef) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| self.fleet.is_alive(connection.process));
        let at = idle.iter().position(|connection| connection.process == process)?;
        Some(idle.swap_remove(at))
    }
}

impl HttpConnection<'_> {
    /// Returns the server of the connection.
    pub(crate) fn server(&self) -> usize {
        self.connection.process.server
    }

    /// Sends a request and returns the response. Afterwards the connection is reused.
    pub(crate) async fn send(
        mut self,
        request: &Request<'_>,
        timeout_kind: Timeout,
    ) -> Result<Response, NoResponse> {
        let sent = Instant::now();
        let process = self.connection.process;
        let limit = match timeout_kind {
            Timeout::Default => RESPONSE_TIMEOUT,
            Timeout::DisconnectAfter(after) => after,
        };
        match timeout(limit, self.connection.send(request)).await {
            Ok(Ok((status, body))) => {
                let took = sent.elapsed();
                self.client
                    .idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(self.connection);
                Ok(Response { status, body, process, sent, took })
            }
            Ok(Err(_)) => Err(NoResponse::ConnectionLost),
            Err(_) if timeout_kind == Timeout::Default => Err(NoResponse::TimedOut),
            Err(_) => Err(NoResponse::Disconnected),
        }
    }
}

impl Connection {
    async fn send(&mut self, request: &Request<'_>) -> anyhow::Result<(u16, Vec<u8>)> {
        let Request { method, path, bearer, body } = request;
        let authorization =
            bearer.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let body = body.as_deref().unwrap_or_default();
        let content = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
        };
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}{content}\r\n{body}"
        );
        self.stream.write_all(text.as_bytes()).await?;

        let status = self
            .header()
            .await?
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .context("a status")?;
        let mut length = None;
        loop {
            let line = self.header().await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.context("a response of unknown length")?];
        self.stream.read_exact(&mut body).await?;
        Ok((status, body))
    }

    async fn header(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => bail!("incomplete response header"),
        }
    }
}
