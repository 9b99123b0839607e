//! Responses that are large: everything that is stored about a user. A user has one on the way, a
//! network two, all together have a few, each in small pieces and for a limited time: a client that
//! asks and does not read must not hold memory, nor keep others from asking.

use crate::quota::{Quota, Slot};
use axum::{
    body::{Body, Bytes},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use countersign_core::{Client, flow::OlderSessions};
use countersign_types::{UserId, view::HeldSession};
use futures::stream;
use std::{io, time::Duration};
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

/// On the way at the same time, of all people.
const MOST: usize = 8;
/// In so many bytes at a time.
const PIECE: usize = 16 * 1024;
/// What has not been read by then is not sent.
const PATIENCE: Duration = Duration::from_mins(1);
/// What whoever finds no place is told to wait, in seconds.
pub(crate) const RETRY_AFTER: u32 = 5;

/// On the way at the same time, for clients of one network.
const MOST_OF_NETWORK: usize = 2;

/// Those that are on the way.
#[derive(Clone)]
pub(crate) struct Exports(Quota<Holder>);

/// For whom one is on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    User(UserId),
    Network(Vec<u8>),
}

/// One on the way. Dropping it makes room.
pub(crate) type Place = Slot<Holder>;

impl Default for Exports {
    fn default() -> Self {
        Self(Quota::new(MOST))
    }
}

impl Exports {
    /// `None`: this user has one, this network two, or all together have too many.
    pub(crate) fn begin(&self, user: UserId, client: &Client) -> Option<Place> {
        self.0
            .take(&[(Holder::User(user), 1), (Holder::Network(client.network()), MOST_OF_NETWORK)])
    }
}

/// Responds with an export as JSON, whose last list are the sessions. Older ones are read and added
/// while it is sent.
pub(crate) async fn json(
    place: Place,
    older: Option<OlderSessions>,
    write: impl FnOnce() -> String + Send + 'static,
    session: fn(HeldSession) -> String,
) -> Response {
    let Some(mut older) = older else { return answer(place, "application/json", write).await };
    let Ok(text) = spawn_blocking(write).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (head, tail) = text.split_at(text.rfind(']').unwrap_or(text.len()));
    let (head, tail) = (head.to_owned(), tail.to_owned());
    let body = in_pieces(place, async move |pieces: Pieces| {
        pieces.send(head).await?;
        loop {
            let page = older.next_page().await.map_err(|error| {
                tracing::error!(error = countersign_core::chain(&error), "export cut off");
                Stopped
            })?;
            if page.is_empty() {
                break;
            }
            let sessions = page.into_iter().map(session).collect::<Vec<_>>().join(",");
            pieces.send(format!(",{sessions}")).await?;
        }
        pieces.send(tail).await?;
        Ok(pieces)
    });
    // Without a length: the last chunk of one that was cut off is missing (RFC 9112, 7.1).
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Answers with what `write` writes, which may take its time.
pub(crate) async fn answer(
    place: Place,
    kind: &'static str,
    write: impl FnOnce() -> String + Send + 'static,
) -> Response {
    let Ok(text) = spawn_blocking(write).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let length = text.len();
    let mut response = in_pieces(place, |pieces| whole(pieces, text)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // So that one that was cut off does not look whole.
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// The sending was stopped before the end.
struct Stopped;

/// Where the text of a response goes, in pieces of [`PIECE`] bytes. `None` marks its end.
struct Pieces(mpsc::Sender<Option<Bytes>>);

impl Pieces {
    /// Returns when all of it has been taken, or fails when the client has gone.
    async fn send(&self, text: String) -> Result<(), Stopped> {
        let mut rest = Bytes::from(text);
        while !rest.is_empty() {
            self.0.send(Some(rest.split_to(PIECE.min(rest.len())))).await.map_err(|_| Stopped)?;
        }
        Ok(())
    }
}

/// Writes a text that is there already.
async fn whole(pieces: Pieces, text: String) -> Result<Pieces, Stopped> {
    pieces.send(text).await?;
    Ok(pieces)
}

/// A body that `write` writes, within [`PATIENCE`]. One that was not written to its end fails, so
/// that it does not look whole.
fn in_pieces<F, W>(place: Place, write: F) -> Body
where
    F: FnOnce(Pieces) -> W,
    W: Future<Output = Result<Pieces, Stopped>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let written = write(Pieces(sender));
    tokio::spawn(async move {
        let ended = timeout(PATIENCE, async {
            if let Ok(pieces) = written.await {
                let _ = pieces.0.send(None).await; // Fails when the client has gone.
            }
        });
        let _ = ended.await; // Without the end in time, the body fails.
        drop(place);
    });
    let next = async |receiver: Option<mpsc::Receiver<Option<Bytes>>>| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(receiver))),
            Some(None) => None,
            None => Some((Err(io::Error::other("the export was cut off")), None)),
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

    fn from(network: u8) -> Client {
        Client::new(Some([192, 0, 2, network].into()), None, "test")
    }

    #[test]
    fn export_has_a_share_for_each_user_and_network() {
        let exports = Exports::default();
        let first = exports.begin(user(1), &from(1)).expect("a place");
        assert!(exports.begin(user(1), &from(2)).is_none(), "this user has one");
        let _second = exports.begin(user(2), &from(1)).expect("a place");
        assert!(exports.begin(user(3), &from(1)).is_none(), "this network has two");
        let others: Vec<_> =
            (10..).map_while(|number| exports.begin(user(number.into()), &from(number))).collect();
        assert_eq!(others.len(), MOST - 2);
        drop(first);
        assert!(exports.begin(user(1), &from(3)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_is_whole_and_what_is_not_read_gives_its_place_back() {
        let exports = Exports::default();
        let text = "0123456789".repeat(10_000);
        let answer = answer(exports.begin(user(1), &from(1)).expect("a place"), "text/plain", {
            let text = text.clone();
            move || text
        })
        .await;
        assert_eq!(answer.headers()[CONTENT_LENGTH], "100000");
        assert_eq!(to_bytes(answer.into_body(), usize::MAX).await.expect("a body"), text);
        tokio::task::yield_now().await;

        let unread = in_pieces(exports.begin(user(1), &from(1)).expect("a place"), |pieces| {
            whole(pieces, text.clone())
        });
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(exports.begin(user(1), &from(1)).is_none());
        tokio::time::sleep(PATIENCE).await;
        drop(exports.begin(user(1), &from(1)).expect("a place"));
        assert!(
            to_bytes(unread, usize::MAX).await.is_err(),
            "one that was cut off does not look whole"
        );

        drop(in_pieces(exports.begin(user(1), &from(1)).expect("a place"), |pieces| {
            whole(pieces, text)
        }));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(exports.begin(user(1), &from(1)).is_some(), "nobody is there any more");
    }
}
