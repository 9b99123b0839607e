//! Delivery of responses: bodies are sent in chunks, each of which the client must accept in time.
//!
//! hyper waits indefinitely for a client that doesn't read: an HTTP/2 stream with a closed window,
//! or a socket that accepts a byte now and then. Therefore each task that sends responses has a
//! [`Delivery`], which records when the last chunk was accepted. The task is aborted if no chunk
//! was accepted for [`STALL_TIMEOUT`]. In HTTP/2 it is the task of one stream, which is then reset;
//! in HTTP/1.1 it is the connection.
//!
//! The last chunk of an HTTP/2 stream may still be waiting when the task of the stream has ended.
//! That stream can no longer be reset, so the connection is closed.

use axum::body::{Body, Bytes, HttpBody};
use futures::ready;
use hyper::{
    body::{Frame, SizeHint},
    rt::Executor,
};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

/// Maximum size of a chunk in bytes.
const CHUNK_BYTES: usize = 16 * 1024;
/// Maximum time in which a chunk must be accepted. While the socket itself is blocked, the write
/// timeout of the connection applies instead.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time in which a whole response must be accepted.
pub(super) const DELIVERY_TIMEOUT: Duration = Duration::from_mins(5);

tokio::task_local! {
    /// The delivery of the current task: an HTTP/2 stream, or an HTTP/1.1 connection with its
    /// sequence of responses.
    static DELIVERY: Arc<Delivery>;
}

/// Tracks the progress of the responses that a task sends.
pub(super) struct Delivery {
    progress: watch::Sender<Progress>,
    /// Whether the socket currently accepts no data. Shared by all streams of a connection.
    socket_is_full: Arc<AtomicBool>,
}

struct Progress {
    /// Number of unfinished bodies and of chunks that have not been accepted.
    parts: usize,
    /// When the current response started.
    began: Instant,
    /// When the client last accepted data, or was offered data.
    last: Instant,
    /// Whether the handler has not produced the next part of the body yet.
    waits_for_handler: bool,
}

impl Progress {
    fn deadline(&self) -> Instant {
        (self.last + STALL_TIMEOUT).min(self.began + DELIVERY_TIMEOUT)
    }
}

impl Delivery {
    pub(super) fn new(socket_is_full: Arc<AtomicBool>) -> Arc<Self> {
        let now = Instant::now();
        let progress = Progress { parts: 0, began: now, last: now, waits_for_handler: false };
        Arc::new(Self { progress: watch::Sender::new(progress), socket_is_full })
    }

    /// Returns the delivery of the current task.
    pub(super) fn current() -> Option<Arc<Self>> {
        DELIVERY.try_with(Arc::clone).ok()
    }

    /// Runs a future with this delivery as the current one.
    pub(super) async fn scope<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        DELIVERY.scope(self, future).await
    }

    /// Records that data is offered to the client, until the returned part is dropped.
    fn begin_part(self: &Arc<Self>) -> PendingPart {
        self.progress.send_if_modified(|progress| {
            progress.parts += 1;
            progress.last = Instant::now();
            progress.waits_for_handler = false;
            progress.parts == 1
        });
        PendingPart(self.clone())
    }

    /// Records that the client has nothing to read until the handler continues.
    fn wait_for_handler(&self) {
        self.progress.send_if_modified(|progress| {
            progress.waits_for_handler = true;
            false
        });
    }

    /// Waits until the client has accepted everything.
    async fn all_taken(&self) {
        let mut progress = self.progress.subscribe();
        let _ = progress.wait_for(|progress| progress.parts == 0).await;
    }

    /// Waits until the client fails to accept data in time. Never returns if that doesn't happen.
    pub(super) async fn overdue(&self) {
        let mut progress = self.progress.subscribe();
        loop {
            let deadline = progress
                .wait_for(|progress| progress.parts > 0)
                .await
                .map(|progress| progress.deadline());
            // The sender lives as long as `self`.
            let Ok(deadline) = deadline else { return };
            sleep_until(deadline).await;
            if self.is_overdue() {
                return;
            }
        }
    }

    fn is_overdue(&self) -> bool {
        let (now, mut is_overdue) = (Instant::now(), false);
        self.progress.send_if_modified(|progress| {
            let is_stalled = now >= progress.last + STALL_TIMEOUT;
            if progress.parts == 0 {
                return false;
            }
            if now >= progress.began + DELIVERY_TIMEOUT {
                is_overdue = true;
            } else if is_stalled
                && (progress.waits_for_handler || self.socket_is_full.load(Ordering::Relaxed))
            {
                progress.last = now;
            } else {
                is_overdue = is_stalled;
            }
            false
        });
        is_overdue
    }
}

/// Data that the client has not accepted yet.
struct PendingPart(Arc<Delivery>);

impl Drop for PendingPart {
    fn drop(&mut self) {
        self.0.progress.send_if_modified(|progress| {
            progress.parts -= 1;
            progress.last = Instant::now();
            progress.parts == 0
        });
    }
}

/// Runs each HTTP/2 stream as a task and aborts it when its response is overdue. hyper then resets
/// the stream.
#[derive(Clone)]
pub(super) struct StreamExecutor {
    pub(super) socket_is_full: Arc<AtomicBool>,
    /// Notified when a stream is overdue whose task has ended.
    pub(super) stalled: Arc<Notify>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let (delivery, stalled) =
            (Delivery::new(self.socket_is_full.clone()), self.stalled.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = delivery.clone().scope(stream) => {}
                () = delivery.overdue() => {
                    tracing::debug!("response delivery timed out");
                    return;
                }
            }
            tokio::select! {
                biased;
                () = delivery.all_taken() => {}
                () = delivery.overdue() => stalled.notify_one(),
            }
        });
    }
}

/// The body of a response, in chunks. `K` is dropped after the last chunk has been accepted.
pub(super) struct PacedBody<K> {
    body: Body,
    /// The rest of the current frame of `body`.
    rest: Bytes,
    delivery: Option<Arc<Delivery>>,
    /// Present until the body has ended.
    part: Option<PendingPart>,
    kept: Arc<K>,
}

/// A chunk. The connection drops it after writing it.
struct Chunk<K> {
    bytes: Bytes,
    _part: Option<PendingPart>,
    _kept: Arc<K>,
}

impl<K> AsRef<[u8]> for Chunk<K> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<K: Send + Sync + 'static> PacedBody<K> {
    /// Splits `body` into chunks, and keeps `kept` until the last one has been accepted.
    pub(super) fn new(body: Body, delivery: Option<Arc<Delivery>>, kept: K) -> Self {
        let part = delivery.as_ref().filter(|_| !body.is_end_stream()).map(|delivery| {
            delivery.progress.send_if_modified(|progress| {
                progress.began = Instant::now();
                false
            });
            delivery.begin_part()
        });
        Self { body, rest: Bytes::new(), delivery, part, kept: Arc::new(kept) }
    }

    fn next_chunk(&mut self) -> Bytes {
        let bytes = self.rest.split_to(CHUNK_BYTES.min(self.rest.len()));
        Bytes::from_owner(Chunk {
            bytes,
            _part: self.delivery.as_ref().map(Delivery::begin_part),
            _kept: self.kept.clone(),
        })
    }
}

impl<K: Send + Sync + 'static> HttpBody for PacedBody<K> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.rest.is_empty() {
            let polled = Pin::new(&mut self.body).poll_frame(context);
            if polled.is_pending()
                && let Some(delivery) = &self.delivery
            {
                delivery.wait_for_handler();
            }
            match ready!(polled) {
                None => {
                    self.part = None;
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.next_chunk()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut sum = SizeHint::new();
        sum.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            sum.set_upper(upper + rest);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn delivery() -> (Arc<Delivery>, Arc<AtomicBool>) {
        let socket_is_full = Arc::new(AtomicBool::new(false));
        (Delivery::new(socket_is_full.clone()), socket_is_full)
    }

    fn body(delivery: &Arc<Delivery>, bytes: usize) -> PacedBody<()> {
        PacedBody::new(Body::from(vec![b'x'; bytes]), Some(delivery.clone()), ())
    }

    async fn data<K: Send + Sync + 'static>(body: &mut PacedBody<K>) -> Bytes {
        body.frame().await.expect("a frame").expect("no error").into_data().expect("data")
    }

    #[tokio::test(start_paused = true)]
    async fn body_is_split_into_chunks_and_ends_with_last() {
        let (delivery, _) = delivery();
        let kept = Arc::new(());
        let whole = Body::from(vec![b'x'; 2 * CHUNK_BYTES + 1]);
        let mut body = PacedBody::new(whole, Some(delivery.clone()), kept.clone());
        assert_eq!(body.size_hint().exact(), Some(2 * CHUNK_BYTES as u64 + 1));
        let mut chunks = vec![data(&mut body).await, data(&mut body).await];
        assert!(!body.is_end_stream());
        chunks.push(data(&mut body).await);
        assert!(body.is_end_stream(), "the last chunk ends the stream");
        assert_eq!(
            chunks.iter().map(Bytes::len).collect::<Vec<_>>(),
            [CHUNK_BYTES, CHUNK_BYTES, 1]
        );
        drop(body);
        let last = chunks.pop();
        drop(chunks);
        assert_eq!(Arc::strong_count(&kept), 2, "`kept` is kept for the last chunk");
        assert!(futures::poll!(std::pin::pin!(delivery.all_taken())).is_pending());
        drop(last);
        assert_eq!(Arc::strong_count(&kept), 1);
        delivery.all_taken().await;
        assert!(PacedBody::new(Body::empty(), None, ()).is_end_stream(), "an empty body has ended");
    }

    #[tokio::test(start_paused = true)]
    async fn client_not_reading_is_overdue_after_ten_seconds() {
        let (delivery, _) = delivery();
        let began = Instant::now();
        let mut body = body(&delivery, 3 * CHUNK_BYTES);
        let chunk = data(&mut body).await;
        tokio::time::sleep(STALL_TIMEOUT / 2).await;
        drop(chunk);
        delivery.overdue().await;
        assert_eq!(began.elapsed(), STALL_TIMEOUT * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn unread_last_chunk_closes_connection() {
        let (socket_is_full, stalled) = (Arc::default(), Arc::new(Notify::new()));
        let executor = StreamExecutor { socket_is_full, stalled: stalled.clone() };
        let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
        let stream = || {
            let give = give.clone();
            async move {
                let mut body = PacedBody::new(Body::from("x"), Delivery::current(), ());
                give.send(data(&mut body).await).expect("a receiver");
            }
        };
        let began = Instant::now();
        executor.execute(stream());
        drop(given.recv().await);
        tokio::time::timeout(DELIVERY_TIMEOUT * 2, stalled.notified())
            .await
            .expect_err("the chunk was accepted");
        let began_again = Instant::now();
        executor.execute(stream());
        let chunk = given.recv().await;
        stalled.notified().await;
        assert_eq!(
            (began.elapsed() > DELIVERY_TIMEOUT, began_again.elapsed()),
            (true, STALL_TIMEOUT)
        );
        drop(chunk);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_socket_or_handler_is_not_overdue() {
        let (delivery, socket_is_full) = delivery();
        let held = body(&delivery, 10);
        socket_is_full.store(true, Ordering::Relaxed);
        let began = Instant::now();
        delivery.overdue().await;
        assert_eq!(began.elapsed(), DELIVERY_TIMEOUT, "only until the delivery timeout");
        socket_is_full.store(false, Ordering::Relaxed);
        drop(held);

        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, axum::Error>>());
        let mut made = PacedBody::new(never, Some(delivery.clone()), ());
        assert!(futures::poll!(std::pin::pin!(made.frame())).is_pending());
        let began = Instant::now();
        delivery.overdue().await;
        assert_eq!(began.elapsed(), DELIVERY_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn accepted_response_is_never_overdue() {
        let (delivery, _) = delivery();
        drop(data(&mut body(&delivery, 10)).await);
        tokio::time::timeout(DELIVERY_TIMEOUT * 2, delivery.overdue())
            .await
            .expect_err("nothing is in progress");
    }
}
