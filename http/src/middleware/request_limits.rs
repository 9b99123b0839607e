//! Limits of single requests: timeout, body size and time, methods.
//!
//! Stricter than `tower_http::timeout` and `tower_http::limit`: each rejection is logged or has a
//! problem as its body, a body that is too large is read before it is rejected, and the number of
//! large bodies is limited for each network.

use crate::{
    budgets::Admission,
    middleware::BoxedRequest,
    problem,
    quota::{Quota, Slot},
};
use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH},
    },
    response::Response,
};
use countersign_core::{Network, RequestContext};
use countersign_types::Problem;
use http_body_util::BodyExt;
use std::{
    mem,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::time::timeout;

/// Maximum size of a request body in bytes. It is many times the size of the longest password,
/// encoded.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Maximum duration of a request. It is longer than the timeouts of the hash queue and of the
/// database. Parts of a page run in tasks of their own, and a page whose task has died would
/// otherwise wait forever.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Responds with 503 to a request that takes longer than [`REQUEST_TIMEOUT`].
pub async fn timeout_request<F: Future<Output = Response>>(
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    timeout(REQUEST_TIMEOUT, next(request)).await.unwrap_or_else(|_| {
        tracing::error!(timeout.seconds = REQUEST_TIMEOUT.as_secs(), "request timed out");
        problem::response(&Problem::Unavailable)
    })
}

/// Runs a request to completion even if the client disconnects: an attacker must not prevent the
/// revocation of a session by disconnecting.
pub(super) async fn run_to_completion<F: Future<Output = Response> + Send + 'static>(
    request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    spawn_to_completion(request.extensions().get().cloned(), next(request)).await
}

/// Runs a future in a task of its own, which continues if the caller is dropped. The request counts
/// against the budget until then.
pub async fn spawn_to_completion(
    admission: Option<Admission>,
    response: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let counted = async move {
        let response = response.await;
        drop(admission);
        response
    };
    match tokio::spawn(counted).await {
        Ok(response) => response,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => problem::response(&Problem::Unavailable),
        },
    }
}

/// Maximum time to receive a body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// How much of a body that is too large is read and discarded before it is rejected, in bytes. A
/// proxy that is still sending would otherwise see a closed connection and return an error of its
/// own.
const MAX_DRAINED_BYTES: usize = 1024 * 1024;

/// Size above which a body counts as large, in bytes: more than any form of the app. The number of
/// large bodies held at the same time is limited, to 16 MiB in total.
const LARGE_BODY_BYTES: usize = 4 * 1024;
const MAX_LARGE_BODIES: usize = 256;
/// Maximum for one network.
const MAX_LARGE_BODIES_PER_NETWORK: usize = 32;
static LARGE_BODIES: LazyLock<Quota<Network>> = LazyLock::new(|| Quota::new(MAX_LARGE_BODIES));

/// The reasons why a body was not read.
enum BodyError {
    TooLarge,
    QuotaExceeded,
    Incomplete,
}

/// Reads the whole body, at most [`MAX_BODY_BYTES`], within [`BODY_TIMEOUT`]. Handlers don't have
/// to deal with bodies that are too large, too slow or incomplete.
pub async fn read_body<F: Future<Output = Response>>(
    mut request: BoxedRequest,
    next: impl FnOnce(BoxedRequest) -> F,
) -> Response {
    if let Some(rejection) =
        reject_unknown_method(&request).or_else(|| reject_content_coding(&request))
    {
        return rejection;
    }
    let network = request.extensions().get().map_or(Network::of(None), RequestContext::network);
    let content_length = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let read = if content_length.is_some_and(|length| length > MAX_DRAINED_BYTES) {
        Ok(Err(BodyError::TooLarge))
    } else if request.body().is_end_stream() {
        return next(request).await;
    } else {
        timeout(BODY_TIMEOUT, read(mem::take(request.body_mut()), network)).await
    };
    let mut rejection = match read {
        Ok(Ok((read, held))) => {
            *request.body_mut() = Body::from(read);
            // The slot is held as long as the request.
            request.extensions_mut().insert(Arc::new(held));
            return next(request).await;
        }
        Ok(Err(BodyError::QuotaExceeded)) => {
            problem::response(&Problem::Overloaded { retry_after: 2 })
        }
        Ok(Err(BodyError::TooLarge)) => problem::response(&Problem::TooLarge),
        Ok(Err(BodyError::Incomplete)) => problem::response(&Problem::BadRequest),
        Err(_) => problem::with_detail(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The body was not received in time.",
        ),
    };
    // The rest of the body would be parsed as the next request.
    rejection.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    rejection
}

/// Rejects bodies with any content coding, because none is supported (RFC 9110, 15.5.16).
fn reject_content_coding(request: &Request) -> Option<Response> {
    let mut codings = request
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|coding| coding.as_bytes().trim_ascii());
    if codings.all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")) {
        return None;
    }
    let mut rejection = problem::with_detail(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_content_coding",
        "Send the body without a Content-Encoding.",
    );
    rejection.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // The rest of the body would be parsed as the next request.
    rejection.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Some(rejection)
}

async fn read(
    mut body: Body,
    network: Network,
) -> Result<(Vec<u8>, Option<Slot<Network>>), BodyError> {
    let (mut whole, mut length, mut held) = (Vec::new(), 0, None);
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(|_| BodyError::Incomplete)?.into_data() else { continue };
        length += part.len();
        if length > LARGE_BODY_BYTES && held.is_none() {
            held = Some(
                LARGE_BODIES
                    .acquire(&[(network, MAX_LARGE_BODIES_PER_NETWORK)])
                    .ok_or(BodyError::QuotaExceeded)?,
            );
        }
        if length <= MAX_BODY_BYTES {
            whole.extend_from_slice(&part);
        } else if length > MAX_DRAINED_BYTES {
            break;
        }
    }
    if length <= MAX_BODY_BYTES { Ok((whole, held)) } else { Err(BodyError::TooLarge) }
}

/// Returns the rejection (405) of a method that no route has.
fn reject_unknown_method(request: &Request) -> Option<Response> {
    matches!(*request.method(), Method::TRACE | Method::CONNECT)
        .then(|| problem::from_status(StatusCode::METHOD_NOT_ALLOWED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_bodies_are_limited_per_network() {
        let body = |length| Body::from(vec![0; length]);
        let [one, two] = [1, 2].map(|last| Network::of(Some([192, 0, 2, last].into())));
        let mut held = Vec::new();
        for _ in 0..MAX_LARGE_BODIES_PER_NETWORK {
            held.push(
                read(body(LARGE_BODY_BYTES + 1), one).await.ok().expect("within the quota").1,
            );
        }
        assert!(matches!(
            read(body(LARGE_BODY_BYTES + 1), one).await,
            Err(BodyError::QuotaExceeded)
        ));
        assert!(read(body(LARGE_BODY_BYTES + 1), two).await.is_ok(), "another network");
        assert!(read(body(LARGE_BODY_BYTES), one).await.is_ok(), "small bodies are not counted");
        drop(held);
        assert!(read(body(LARGE_BODY_BYTES + 1), one).await.is_ok());
    }
}
