//! HTTP/1.1 as far as this needs it: requests on connections that stay open, to whichever server is
//! alive.
//!
//! By hand, because what matters here is what an HTTP library hides: when exactly a request leaves,
//! and hanging up in the middle of it.

use crate::{
    dice::Dice,
    fleet::{Fleet, Life},
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

/// A server that has not answered after so long never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the servers, for everybody.
pub(crate) struct Wire {
    fleet: Arc<Fleet>,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

struct Connection {
    life: Life,
    stream: BufReader<TcpStream>,
}

/// The right to have one request under way. There are only so many, so that a full house waits here
/// and not in the server.
pub(crate) type Place = OwnedSemaphorePermit;

/// A connection to a server that was alive a moment ago, and the right to use it.
pub(crate) struct Line<'a> {
    wire: &'a Wire,
    connection: Connection,
    _place: Place,
}

/// What a client does once its request has left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Waits for the answer.
    Waits,
    /// Hangs up after so long, if the answer is not there by then.
    HangsUp(Duration),
}

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Who answered.
    pub(crate) life: Life,
    /// When the request left.
    pub(crate) sent: Instant,
    /// How long the answer took.
    pub(crate) took: Duration,
}

/// Why there is no answer.
pub(crate) enum Silence {
    /// We did not wait for it.
    HungUp,
    /// The connection broke.
    Broke,
    /// A living server said nothing.
    Mute,
}

/// What is asked.
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) bearer: Option<&'a str>,
    pub(crate) body: Option<String>,
}

impl Wire {
    pub(crate) fn new(fleet: Arc<Fleet>, places: usize) -> Self {
        Self { fleet, idle: Mutex::default(), places: Arc::new(Semaphore::new(places)) }
    }

    /// Several places at the same moment.
    pub(crate) async fn places(&self, count: usize) -> Vec<Place> {
        let count = u32::try_from(count).expect("a few");
        let mut all = self.places.clone().acquire_many_owned(count).await.expect("never closed");
        (0..count).map(|_| all.split(1).expect("as many as were acquired")).collect()
    }

    /// A connection to one of the living servers. Where none is alive, waits for one.
    pub(crate) async fn line(&self, place: Option<Place>, dice: &Dice) -> Line<'_> {
        let place = match place {
            Some(place) => place,
            None => self.places(1).await.pop().expect("one"),
        };
        loop {
            let life = self.fleet.living(dice).await;
            if let Some(connection) = self.take_idle(life) {
                return Line { wire: self, connection, _place: place };
            }
            match TcpStream::connect(self.fleet.address(life)).await {
                Ok(stream) => {
                    stream.set_nodelay(true).expect("a socket");
                    return Line {
                        wire: self,
                        connection: Connection { life, stream: BufReader::new(stream) },
                        _place: place,
                    };
                }
                // It has just died.
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }

    fn take_idle(&self, life: Life) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| self.fleet.is_alive(connection.life));
        let at = idle.iter().position(|connection| connection.life == life)?;
        Some(idle.swap_remove(at))
    }
}

impl Line<'_> {
    /// To which server it goes.
    pub(crate) fn server(&self) -> usize {
        self.connection.life.server
    }

    /// Asks, and hears the answer if all goes well. The connection is then used again.
    pub(crate) async fn ask(
        mut self,
        request: &Request<'_>,
        patience: Patience,
    ) -> Result<Answer, Silence> {
        let sent = Instant::now();
        let life = self.connection.life;
        let limit = match patience {
            Patience::Waits => PATIENCE,
            Patience::HangsUp(after) => after,
        };
        match timeout(limit, self.connection.ask(request)).await {
            Ok(Ok((status, body))) => {
                let took = sent.elapsed();
                self.wire.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
                Ok(Answer { status, body, life, sent, took })
            }
            Ok(Err(_)) => Err(Silence::Broke),
            Err(_) if patience == Patience::Waits => Err(Silence::Mute),
            Err(_) => Err(Silence::HungUp),
        }
    }
}

impl Connection {
    async fn ask(&mut self, request: &Request<'_>) -> anyhow::Result<(u16, Vec<u8>)> {
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
        let mut body = vec![0; length.context("an answer of unknown length")?];
        self.stream.read_exact(&mut body).await?;
        Ok((status, body))
    }

    async fn header(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => bail!("the answer ends in its head"),
        }
    }
}
