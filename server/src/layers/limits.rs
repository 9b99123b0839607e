//! What goes no further: bodies that are larger than any of ours, methods that nobody needs, and
//! what takes too long.

use crate::{
    http::problem,
    layers::budget::Admission,
    quota::{Quota, Slot},
};
use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH},
    },
    middleware::Next,
    response::Response,
};
use countersign_core::Client;
use countersign_leptos::problem::Problem;
use http_body_util::BodyExt;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::time::timeout;

/// The largest body that is read, in bytes: the longest password, encoded, many times over.
pub const BODY: usize = 64 * 1024;

/// Longer than everything that may wait here for something else: the hashing threads, the database.
/// What a page waits for runs in tasks of its own, and a page whose task has died would wait for
/// ever.
pub const LONGEST: Duration = Duration::from_secs(30);

/// Gives up on a request that has no answer after [`LONGEST`].
pub async fn in_time(request: Request, next: Next) -> Response {
    timeout(LONGEST, next.run(request)).await.unwrap_or_else(|_| {
        tracing::error!("a request had no answer after {} s", LONGEST.as_secs());
        problem::answer(&Problem::Unavailable)
    })
}

/// Carries out what changes something to its end, whether or not somebody still waits for the
/// answer: a thief who hangs up must not keep their session from being ended.
pub async fn finish(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        next.run(request).await
    } else {
        to_its_end(request.extensions().get().cloned(), next.run(request)).await
    }
}

/// In a task of its own: whoever drops this does not end that. The request counts as being under
/// way for as long.
pub(super) async fn to_its_end(
    admission: Option<Admission>,
    answer: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let counted = async move {
        let response = answer.await;
        drop(admission);
        response
    };
    match tokio::spawn(counted).await {
        Ok(response) => response,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => problem::answer(&Problem::Unavailable),
        },
    }
}

/// A body is there within this time.
pub const ARRIVAL: Duration = Duration::from_secs(15);

/// So much of a body that is too large is read and dropped before it is refused. A proxy that is
/// still sending it would otherwise find the connection closed and make an error of its own of
/// that.
const DROPPED: usize = 1024 * 1024;

/// Larger than any form that a page of ours sends. So many of these are held at a time, by all
/// clients together, and no more: 16 MiB.
const LARGE: usize = 4 * 1024;
const MAX_LARGE_BODIES: usize = 256;
/// Of these, the share of one network.
const MAX_LARGE_BODIES_PER_NETWORK: usize = 32;
static LARGE_BODIES: LazyLock<Quota<Vec<u8>>> = LazyLock::new(|| Quota::new(MAX_LARGE_BODIES));

/// Why a body was not read.
enum Unread {
    TooLarge,
    TooMany,
    CutOff,
}

/// Reads the body before anybody looks at it: whole, no more than [`BODY`] of it, and not for
/// longer than [`ARRIVAL`]. So nothing behind this has to know of bodies that are too large, too
/// slow, or cut off.
pub async fn read_body(request: Request, next: Next) -> Response {
    if let Some(refusal) = refuse_coded(&request) {
        return refusal;
    }
    let (parts, body) = request.into_parts();
    let network = parts.extensions.get().map(Client::network).unwrap_or_default();
    let said = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let read = if said.is_some_and(|length| length > DROPPED) {
        Ok(Err(Unread::TooLarge))
    } else {
        timeout(ARRIVAL, read(body, &network)).await
    };
    let mut refusal = match read {
        Ok(Ok((read, held))) => {
            let mut request = Request::from_parts(parts, Body::from(read));
            // For as long as anybody has the body.
            request.extensions_mut().insert(Arc::new(held));
            return next.run(request).await;
        }
        Ok(Err(Unread::TooMany)) => problem::answer(&Problem::Busy { retry_after: 2 }),
        Ok(Err(Unread::TooLarge)) => problem::answer(&Problem::TooLarge),
        Ok(Err(Unread::CutOff)) => problem::answer(&Problem::BadRequest),
        Err(_) => problem::plain_with(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The body did not arrive in time.",
        ),
    };
    // What is still on its way would be taken for the next request.
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    refusal
}

/// Refuses a body whose content coding we do not decode, which is any (RFC 9110, 15.5.16).
fn refuse_coded(request: &Request) -> Option<Response> {
    let mut codings = request
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|coding| coding.as_bytes().trim_ascii());
    if codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")) {
        return None;
    }
    let mut refusal = problem::plain_with(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_content_coding",
        "Send the body without a Content-Encoding.",
    );
    refusal.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // What is still on its way would be taken for the next request.
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Some(refusal)
}

async fn read(mut body: Body, network: &[u8]) -> Result<(Vec<u8>, Option<Slot<Vec<u8>>>), Unread> {
    let (mut whole, mut length, mut held) = (Vec::new(), 0, None);
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(|_| Unread::CutOff)?.into_data() else { continue };
        length += part.len();
        if length > LARGE && held.is_none() {
            held = Some(
                LARGE_BODIES
                    .take(&[(network.to_vec(), MAX_LARGE_BODIES_PER_NETWORK)])
                    .ok_or(Unread::TooMany)?,
            );
        }
        if length <= BODY {
            whole.extend_from_slice(&part);
        } else if length > DROPPED {
            break;
        }
    }
    if length <= BODY { Ok((whole, held)) } else { Err(Unread::TooLarge) }
}

/// Refuses methods that nobody needs.
pub async fn known_methods(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return problem::plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn network_has_a_share_of_large_bodies() {
        let body = |length| Body::from(vec![0; length]);
        let mut held = Vec::new();
        for _ in 0..MAX_LARGE_BODIES_PER_NETWORK {
            held.push(read(body(LARGE + 1), b"one").await.ok().expect("within the share").1);
        }
        assert!(matches!(read(body(LARGE + 1), b"one").await, Err(Unread::TooMany)));
        assert!(read(body(LARGE + 1), b"two").await.is_ok(), "another network");
        assert!(read(body(LARGE), b"one").await.is_ok(), "what a page sends is not counted");
        drop(held);
        assert!(read(body(LARGE + 1), b"one").await.is_ok());
    }
}
