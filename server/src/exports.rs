//! Answers that are large: everything that is stored about somebody. A person has one on the way, all together have a few, each in small pieces and for a
//! limited time: whoever asks and does not read must not hold memory, nor keep others from asking.

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use contract::UserId;
use futures::stream;
use std::{
    collections::HashSet,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

/// On the way at the same time, of all people.
const MOST: usize = 8;
/// In so many bytes at a time.
const PIECE: usize = 16 * 1024;
/// What has not been read by then is not sent.
const PATIENCE: Duration = Duration::from_mins(1);
/// What whoever finds no place is told to wait, in seconds.
pub(crate) const RETRY_AFTER: u32 = 5;

/// Who has one on the way.
#[derive(Clone, Default)]
pub(crate) struct Exports(Arc<Mutex<HashSet<UserId>>>);

/// One on the way. Dropping it makes room.
pub(crate) struct Place {
    exports: Exports,
    user: UserId,
}

impl Exports {
    /// `None`: this person has one, or all together have too many.
    pub(crate) fn begin(&self, user: UserId) -> Option<Place> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (running.len() < MOST && running.insert(user)).then(|| Place { exports: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.exports.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.user);
    }
}

/// Answers with what `write` writes, which may take its time.
pub(crate) async fn answer(place: Place, kind: &'static str, write: impl FnOnce() -> String + Send + 'static) -> Response {
    let Ok(text) = spawn_blocking(write).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let length = text.len();
    let mut response = in_pieces(place, text).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // So that one that was cut off does not look whole.
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

fn in_pieces(place: Place, text: String) -> Body {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let mut rest = Bytes::from(text);
        let sent = timeout(PATIENCE, async {
            while !rest.is_empty() {
                // Fails when nobody is there any more.
                if sender.send(rest.split_to(PIECE.min(rest.len()))).await.is_err() {
                    break;
                }
            }
        });
        let _in_time = sent.await;
        drop(place);
    });
    Body::from_stream(stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (Ok::<_, Infallible>(piece), receiver))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use uuid::Uuid;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn a_person_has_one_on_the_way_and_all_together_have_a_few() {
        let exports = Exports::default();
        let first = exports.begin(user(1)).expect("a place");
        assert!(exports.begin(user(1)).is_none());
        let others: Vec<_> = (2..).map_while(|number| exports.begin(user(number))).collect();
        assert_eq!(others.len(), MOST - 1);
        drop(first);
        assert!(exports.begin(user(1)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_is_whole_and_what_is_not_read_gives_its_place_back() {
        let exports = Exports::default();
        let text = "0123456789".repeat(10_000);
        let answer = answer(exports.begin(user(1)).expect("a place"), "text/plain", {
            let text = text.clone();
            move || text
        })
        .await;
        assert_eq!(answer.headers()[CONTENT_LENGTH], "100000");
        assert_eq!(to_bytes(answer.into_body(), usize::MAX).await.expect("a body"), text);
        tokio::task::yield_now().await;

        let unread = in_pieces(exports.begin(user(1)).expect("a place"), text.clone());
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(exports.begin(user(1)).is_none());
        tokio::time::sleep(PATIENCE).await;
        drop(exports.begin(user(1)).expect("a place"));
        assert!(to_bytes(unread, usize::MAX).await.expect("a body").len() < text.len());

        drop(in_pieces(exports.begin(user(1)).expect("a place"), text));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(exports.begin(user(1)).is_some(), "nobody is there any more");
    }
}
