//! Persistent connections to any of the running servers.

use super::{
    fleet::{Fleet, ProcessRef},
    rng::Rng,
};
use crate::{
    api::{ApiRequest, ApiResponse},
    http_client::{HttpConnection, NoResponse, RESPONSE_TIMEOUT},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

/// The connections shared by all actors.
pub(super) struct ConnectionPool {
    fleet: Arc<Fleet>,
    idle: Mutex<Vec<(ProcessRef, HttpConnection)>>,
    permits: Arc<Semaphore>,
}

/// A permit for one request. The number of permits is limited, so that excess requests wait here
/// and not in the server.
pub(super) type RequestPermit = OwnedSemaphorePermit;

/// A connection to a server that was running a moment ago, with its permit.
pub(super) struct PooledConnection<'a> {
    pool: &'a ConnectionPool,
    process: ProcessRef,
    connection: HttpConnection,
    _permit: RequestPermit,
}

/// How long a client waits for the response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Timeout {
    /// [`RESPONSE_TIMEOUT`].
    Default,
    /// This duration, after which the client disconnects.
    DisconnectAfter(Duration),
}

/// A response, with its circumstances.
pub(super) struct TimedResponse {
    pub(super) response: ApiResponse,
    /// The process that responded.
    pub(super) process: ProcessRef,
    /// When the request was sent.
    pub(super) sent: Instant,
    /// Time until the response.
    pub(super) took: Duration,
}

impl ConnectionPool {
    pub(super) fn new(fleet: Arc<Fleet>, permits: usize) -> Self {
        Self { fleet, idle: Mutex::default(), permits: Arc::new(Semaphore::new(permits)) }
    }

    /// Acquires several permits at once.
    pub(super) async fn permits(&self, count: usize) -> Vec<RequestPermit> {
        let count = u32::try_from(count).expect("a few");
        let mut all = self.permits.clone().acquire_many_owned(count).await.expect("never closed");
        (0..count).map(|_| all.split(1).expect("as many as were acquired")).collect()
    }

    /// Connects to one of the running servers, and waits until there is one.
    pub(super) async fn connect(
        &self,
        permit: Option<RequestPermit>,
        rng: &Rng,
    ) -> PooledConnection<'_> {
        let permit = match permit {
            Some(permit) => permit,
            None => self.permits(1).await.pop().expect("one"),
        };
        loop {
            let process = self.fleet.any_serving(rng).await;
            let connection = match self.take_idle(process) {
                Some(connection) => Ok(connection),
                None => HttpConnection::open(self.fleet.address(process)).await,
            };
            match connection {
                Ok(connection) => {
                    return PooledConnection { pool: self, process, connection, _permit: permit };
                }
                // The server was just killed.
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(ProcessRef, HttpConnection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, process: ProcessRef) -> Option<HttpConnection> {
        let mut idle = self.idle();
        idle.retain(|(process, _)| self.fleet.is_alive(*process));
        let at = idle.iter().position(|(of, _)| *of == process)?;
        Some(idle.swap_remove(at).1)
    }
}

impl PooledConnection<'_> {
    /// Returns the server of the connection.
    pub(super) fn server(&self) -> usize {
        self.process.server
    }

    /// Sends a request and returns the response. Afterwards the connection is reused.
    pub(super) async fn send(
        self,
        request: ApiRequest<'_>,
        timeout: Timeout,
    ) -> Result<TimedResponse, NoResponse> {
        let Self { pool, process, connection, _permit } = self;
        let sent = Instant::now();
        let limit = match timeout {
            Timeout::Default => RESPONSE_TIMEOUT,
            Timeout::DisconnectAfter(after) => after,
        };
        let (response, connection) = connection.send(request, limit).await?;
        let took = sent.elapsed();
        pool.idle().push((process, connection));
        Ok(TimedResponse { response, process, sent, took })
    }
}
