//! Responses on their way to the client: in pieces, each of which must be taken in time.
//!
//! hyper waits for a client that reads nothing for as long as the connection lives: a stream of
//! HTTP/2 whose window stays closed, or a socket from which a byte is read now and then. So each
//! task that sends responses has a [`Delivery`] that notes when the last piece was taken, and is
//! given up when none was for [`STALL_TIMEOUT`]. Of HTTP/2 that is the task of one stream, which is
//! then reset; of HTTP/1.1 it is the connection.
//!
//! The last piece of a stream of HTTP/2 may still wait when the task of the stream has ended. No
//! one can reset that stream any more, so the connection is given up.

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

/// Largest piece of a body that is given to the connection at a time, in bytes.
const PIECE_BYTES: usize = 16 * 1024;
/// A piece is taken within this time, unless the socket itself is slow, for which the connection
/// has a timeout of its own.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A whole response is taken within this time.
pub(super) const DELIVERY_TIMEOUT: Duration = Duration::from_mins(5);

tokio::task_local! {
    /// The delivery of the task that polls: of a stream of HTTP/2, or of a connection of HTTP/1.1,
    /// on which responses follow each other.
    static DELIVERY: Arc<Delivery>;
}

/// Notes how far the responses are that a task sends.
pub(super) struct Delivery {
    progress: watch::Sender<Progress>,
    /// Whether the socket takes nothing at the moment. It is shared by all streams of a
    /// connection.
    socket_is_full: Arc<AtomicBool>,
}

struct Progress {
    /// Bodies that have not ended, and pieces that are not yet taken.
    parts: usize,
    /// When the newest response began.
    began: Instant,
    /// When the client took something for the last time, or could have.
    last: Instant,
    /// Whether the handler has not yet made the next part of the body.
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

    /// The delivery of the task that polls.
    pub(super) fn current() -> Option<Arc<Self>> {
        DELIVERY.try_with(Arc::clone).ok()
    }

    /// Polls a future as the one that sends what is noted here.
    pub(super) async fn scope<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        DELIVERY.scope(self, future).await
    }

    /// Notes that the client has something to take, until the part is dropped.
    fn begin(self: &Arc<Self>) -> Part {
        self.progress.send_if_modified(|progress| {
            progress.parts += 1;
            progress.last = Instant::now();
            progress.waits_for_handler = false;
            progress.parts == 1
        });
        Part(self.clone())
    }

    /// Notes that there is nothing to take before the handler goes on.
    fn wait_for_handler(&self) {
        self.progress.send_if_modified(|progress| {
            progress.waits_for_handler = true;
            false
        });
    }

    /// Waits until everything is taken.
    async fn all_taken(&self) {
        let mut progress = self.progress.subscribe();
        let _never_closed = progress.wait_for(|progress| progress.parts == 0).await;
    }

    /// Waits until the client has not taken in time what it was offered. Where it always does, that
    /// is for ever.
    pub(super) async fn overdue(&self) {
        let mut progress = self.progress.subscribe();
        loop {
            let deadline = progress
                .wait_for(|progress| progress.parts > 0)
                .await
                .map(|progress| progress.deadline());
            // Never closed while we are here.
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

/// Something that the client has not yet taken.
struct Part(Arc<Delivery>);

impl Drop for Part {
    fn drop(&mut self) {
        self.0.progress.send_if_modified(|progress| {
            progress.parts -= 1;
            progress.last = Instant::now();
            progress.parts == 0
        });
    }
}

/// Runs each stream of a connection of HTTP/2 as a task, and gives it up when its response is
/// overdue: hyper then resets the stream.
#[derive(Clone)]
pub(super) struct StreamExecutor {
    pub(super) socket_is_full: Arc<AtomicBool>,
    /// Told when a stream is overdue that has no task any more.
    pub(super) stuck: Arc<Notify>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let (delivery, stuck) = (Delivery::new(self.socket_is_full.clone()), self.stuck.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = delivery.clone().scope(stream) => {}
                () = delivery.overdue() => {
                    tracing::debug!("response not read");
                    return;
                }
            }
            tokio::select! {
                biased;
                () = delivery.all_taken() => {}
                () = delivery.overdue() => stuck.notify_one(),
            }
        });
    }
}

/// The body of a response, in pieces. `K` is held until the last of them is taken.
pub(super) struct PacedBody<K> {
    body: Body,
    /// Of the current frame of `body`.
    rest: Bytes,
    delivery: Option<Arc<Delivery>>,
    /// Until the body has ended.
    part: Option<Part>,
    kept: Arc<K>,
}

/// A piece. The connection drops it when it has written it.
struct Piece<K> {
    bytes: Bytes,
    _part: Option<Part>,
    _kept: Arc<K>,
}

impl<K> AsRef<[u8]> for Piece<K> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<K: Send + Sync + 'static> PacedBody<K> {
    /// Puts `body` into pieces, and keeps `kept` until the last of them is taken.
    pub(super) fn new(body: Body, delivery: Option<Arc<Delivery>>, kept: K) -> Self {
        let part = delivery.as_ref().filter(|_| !body.is_end_stream()).map(|delivery| {
            delivery.progress.send_if_modified(|progress| {
                progress.began = Instant::now();
                false
            });
            delivery.begin()
        });
        Self { body, rest: Bytes::new(), delivery, part, kept: Arc::new(kept) }
    }

    fn next_piece(&mut self) -> Bytes {
        let bytes = self.rest.split_to(PIECE_BYTES.min(self.rest.len()));
        Bytes::from_owner(Piece {
            bytes,
            _part: self.delivery.as_ref().map(Delivery::begin),
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
        Poll::Ready(Some(Ok(Frame::data(self.next_piece()))))
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
    async fn body_comes_in_pieces_and_ends_with_the_last() {
        let (delivery, _) = delivery();
        let kept = Arc::new(());
        let whole = Body::from(vec![b'x'; 2 * PIECE_BYTES + 1]);
        let mut body = PacedBody::new(whole, Some(delivery.clone()), kept.clone());
        assert_eq!(body.size_hint().exact(), Some(2 * PIECE_BYTES as u64 + 1));
        let mut pieces = vec![data(&mut body).await, data(&mut body).await];
        assert!(!body.is_end_stream());
        pieces.push(data(&mut body).await);
        assert!(body.is_end_stream(), "the last piece is known to be the last");
        assert_eq!(
            pieces.iter().map(Bytes::len).collect::<Vec<_>>(),
            [PIECE_BYTES, PIECE_BYTES, 1]
        );
        drop(body);
        let last = pieces.pop();
        drop(pieces);
        assert_eq!(Arc::strong_count(&kept), 2, "what is kept is kept for the last piece, too");
        assert!(futures::poll!(std::pin::pin!(delivery.all_taken())).is_pending());
        drop(last);
        assert_eq!(Arc::strong_count(&kept), 1);
        delivery.all_taken().await;
        assert!(PacedBody::new(Body::empty(), None, ()).is_end_stream(), "nothing to be sent");
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_takes_nothing_is_overdue_after_ten_seconds() {
        let (delivery, _) = delivery();
        let began = Instant::now();
        let mut body = body(&delivery, 3 * PIECE_BYTES);
        let piece = data(&mut body).await;
        tokio::time::sleep(STALL_TIMEOUT / 2).await;
        drop(piece);
        delivery.overdue().await;
        assert_eq!(began.elapsed(), STALL_TIMEOUT * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn last_piece_that_is_not_taken_gives_up_the_connection() {
        let (socket_is_full, stuck) = (Arc::default(), Arc::new(Notify::new()));
        let executor = StreamExecutor { socket_is_full, stuck: stuck.clone() };
        let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
        let stream = || {
            let give = give.clone();
            async move {
                let mut body = PacedBody::new(Body::from("x"), Delivery::current(), ());
                let _received = give.send(data(&mut body).await);
            }
        };
        let began = Instant::now();
        executor.execute(stream());
        drop(given.recv().await);
        tokio::time::timeout(DELIVERY_TIMEOUT * 2, stuck.notified())
            .await
            .expect_err("it was taken");
        let began_again = Instant::now();
        executor.execute(stream());
        let piece = given.recv().await;
        stuck.notified().await;
        assert_eq!(
            (began.elapsed() > DELIVERY_TIMEOUT, began_again.elapsed()),
            (true, STALL_TIMEOUT)
        );
        drop(piece);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_socket_and_slow_handler_are_not_the_stream() {
        let (delivery, socket_is_full) = delivery();
        let held = body(&delivery, 10);
        socket_is_full.store(true, Ordering::Relaxed);
        let began = Instant::now();
        delivery.overdue().await;
        assert_eq!(began.elapsed(), DELIVERY_TIMEOUT, "not for ever, though");
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
    async fn response_that_was_taken_is_never_overdue() {
        let (delivery, _) = delivery();
        drop(data(&mut body(&delivery, 10)).await);
        tokio::time::timeout(DELIVERY_TIMEOUT * 2, delivery.overdue())
            .await
            .expect_err("nothing is under way");
    }
}
