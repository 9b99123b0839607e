//! Data exports, whose responses are large. The number of concurrent exports is limited for each
//! user, for each network, and in total. Each is sent in small chunks and for a limited time, so
//! that a client that doesn't read can't hold memory or block other exports.

use crate::quota::{Quota, Slot};
use axum::{
    body::{Body, Bytes},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use countersign_core::{Network, RequestContext, accounts::OlderSessions};
use countersign_types::UserId;
use futures::stream;
use std::{io, time::Duration};
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

/// Maximum number of concurrent exports.
const MAX_CONCURRENT: usize = 8;
/// Size of a chunk in bytes.
const CHUNK_BYTES: usize = 16 * 1024;
/// Maximum time to send an export. The rest is not sent.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);
/// `Retry-After` of a request that gets no slot, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 5;

/// Maximum number of concurrent exports for one network.
const MAX_CONCURRENT_PER_NETWORK: usize = 2;

/// The slots of all exports in progress.
#[derive(Clone)]
pub struct ExportSlots(Quota<Holder>);

/// The holders that the quota of an export is counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    User(UserId),
    Network(Network),
}

/// The slot of one export. Dropping it releases the slot.
pub type ExportSlot = Slot<Holder>;

impl Default for ExportSlots {
    fn default() -> Self {
        Self(Quota::new(MAX_CONCURRENT))
    }
}

impl ExportSlots {
    /// Reserves a slot. Returns `None` if the user, the network or the server is at its limit.
    pub fn acquire(&self, user: UserId, client: &RequestContext) -> Option<ExportSlot> {
        self.0.acquire(&[
            (Holder::User(user), 1),
            (Holder::Network(client.network()), MAX_CONCURRENT_PER_NETWORK),
        ])
    }
}

/// Responds with the [`AccountExport`] that `write` returns as JSON. The list of sessions is its
/// last member, and older sessions are read and appended while it is sent.
///
/// [`AccountExport`]: countersign_types::views::AccountExport
pub async fn json(
    slot: ExportSlot,
    older: Option<OlderSessions>,
    write: impl FnOnce() -> String + Send + 'static,
) -> Response {
    let Some(mut older) = older else { return response(slot, "application/json", write).await };
    let Ok(text) = spawn_blocking(write).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (head, tail) = text.split_at(text.rfind(']').unwrap_or(text.len()));
    let (head, tail) = (head.to_owned(), tail.to_owned());
    let body = chunked_body(slot, async move |chunks: ChunkSender| {
        chunks.send(head).await?;
        loop {
            let page = older.next_page().await.map_err(|error| {
                tracing::error!(error = countersign_core::error_chain(&error), "export aborted");
                Stopped
            })?;
            if page.is_empty() {
                break;
            }
            let sessions = page
                .iter()
                .map(|session| serde_json::to_string(session).unwrap_or_default())
                .collect::<Vec<_>>()
                .join(",");
            chunks.send(format!(",{sessions}")).await?;
        }
        chunks.send(tail).await?;
        Ok(chunks)
    });
    // Without `Content-Length`: if the export is aborted, the last chunk is missing (RFC 9112,
    // 7.1).
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Responds with the text that `write` returns. `write` may block.
pub async fn response(
    slot: ExportSlot,
    kind: &'static str,
    write: impl FnOnce() -> String + Send + 'static,
) -> Response {
    let Ok(text) = spawn_blocking(write).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let length = text.len();
    let mut response = chunked_body(slot, |chunks| send_text(chunks, text)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // With the length, clients detect an incomplete response.
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// The response was aborted.
struct Stopped;

/// Sends the text of a response in chunks of [`CHUNK_BYTES`] bytes. `None` marks the end.
struct ChunkSender(mpsc::Sender<Option<Bytes>>);

impl ChunkSender {
    /// Returns when all of the text has been read. Fails if the client has disconnected.
    async fn send(&self, text: String) -> Result<(), Stopped> {
        let mut rest = Bytes::from(text);
        while !rest.is_empty() {
            self.0
                .send(Some(rest.split_to(CHUNK_BYTES.min(rest.len()))))
                .await
                .map_err(|_| Stopped)?;
        }
        Ok(())
    }
}

/// Sends a complete text.
async fn send_text(chunks: ChunkSender, text: String) -> Result<ChunkSender, Stopped> {
    chunks.send(text).await?;
    Ok(chunks)
}

/// Returns a body that `write` produces, within [`SEND_TIMEOUT`]. If it isn't completed, the body
/// ends with an error, so that the client detects an incomplete response.
fn chunked_body<F, W>(slot: ExportSlot, write: F) -> Body
where
    F: FnOnce(ChunkSender) -> W,
    W: Future<Output = Result<ChunkSender, Stopped>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let written = write(ChunkSender(sender));
    tokio::spawn(async move {
        let ended = timeout(SEND_TIMEOUT, async {
            if let Ok(chunks) = written.await {
                let _ = chunks.0.send(None).await; // Fails if the client has disconnected.
            }
        });
        let _ = ended.await; // After a timeout the body ends with an error.
        drop(slot);
    });
    let next = async |receiver: Option<mpsc::Receiver<Option<Bytes>>>| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(chunk)) => Some((Ok(chunk), Some(receiver))),
            Some(None) => None,
            None => Some((Err(io::Error::other("export aborted")), None)),
        }
    };
    Body::from_stream(stream::unfold(Some(receiver), next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use uuid::Uuid;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn from(network: u8) -> RequestContext {
        RequestContext::new(Some([192, 0, 2, network].into()), None, "test")
    }

    #[test]
    fn export_slots_are_limited_per_user_and_network() {
        let exports = ExportSlots::default();
        let first = exports.acquire(user(1), &from(1)).expect("a slot");
        assert!(exports.acquire(user(1), &from(2)).is_none(), "the user has one");
        let _second = exports.acquire(user(2), &from(1)).expect("a slot");
        assert!(exports.acquire(user(3), &from(1)).is_none(), "the network has two");
        let others: Vec<_> = (10..)
            .map_while(|number| exports.acquire(user(number.into()), &from(number)))
            .collect();
        assert_eq!(others.len(), MAX_CONCURRENT - 2);
        drop(first);
        assert!(exports.acquire(user(1), &from(3)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn unread_export_fails_and_releases_its_slot() {
        let exports = ExportSlots::default();
        let text = "0123456789".repeat(10_000);
        let full = response(exports.acquire(user(1), &from(1)).expect("a slot"), "text/plain", {
            let text = text.clone();
            move || text
        })
        .await;
        assert_eq!(full.headers()[CONTENT_LENGTH], "100000");
        assert_eq!(to_bytes(full.into_body(), usize::MAX).await.expect("a body"), text);
        tokio::task::yield_now().await;

        let unread = chunked_body(exports.acquire(user(1), &from(1)).expect("a slot"), |chunks| {
            send_text(chunks, text.clone())
        });
        tokio::time::sleep(SEND_TIMEOUT / 2).await;
        assert!(exports.acquire(user(1), &from(1)).is_none());
        tokio::time::sleep(SEND_TIMEOUT).await;
        drop(exports.acquire(user(1), &from(1)).expect("a slot"));
        assert!(to_bytes(unread, usize::MAX).await.is_err(), "an aborted body ends with an error");

        drop(chunked_body(exports.acquire(user(1), &from(1)).expect("a slot"), |chunks| {
            send_text(chunks, text)
        }));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(exports.acquire(user(1), &from(1)).is_some(), "the client has disconnected");
    }
}
