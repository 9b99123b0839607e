//! How server functions are called from the browser. [`AuthClient`] is for everything that needs somebody, [`DoorClient`] for going in and out,
//! [`PlainClient`] for the renewal itself.
//!
//! All read the whole answer before they hand it on ([`Whole`]): `server_fn`'s own response can neither be made nor looked into, and a log-in has to
//! look for the token, everybody else for who answered. Compiles for the server too (the client is a part of every function), where it is never
//! called: there the function simply runs.

use crate::{api::LogOutCall, browser, codec::JsonText, connection, problem::Problem, session};
use contract::view::LoggedIn;
use futures::{Sink, Stream};
use leptos::server_fn::{
    Bytes, Decodes, ServerFn,
    client::{Client, browser::BrowserClient},
    error::FromServerFnError,
    redirect::REDIRECT_HEADER,
    request::browser::{BrowserRequest, Request},
    response::{ClientRes, browser::Response},
};
use send_wrapper::SendWrapper;
use std::{future::Future, time::Duration};

/// Waiting longer for an answer is no use to anybody, and the lock may be held meanwhile. A renewal that was cut off is repeated later; the server
/// knows of answers that got lost.
const PATIENCE: Duration = Duration::from_secs(30);

macro_rules! client {
    ($(#[$doc:meta])* $name:ident sends by $send:path) => {
        $(#[$doc])*
        pub struct $name;

        impl Client<Problem> for $name {
            type Request = BrowserRequest;
            type Response = Whole;

            fn send(request: BrowserRequest) -> impl Future<Output = Result<Whole, Problem>> + Send {
                SendWrapper::new($send(request))
            }

            fn open_websocket(
                path: &str,
            ) -> impl Future<Output = Result<(impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static, impl Sink<Bytes> + Send + 'static), Problem>> + Send {
                <BrowserClient as Client<Problem>>::open_websocket(path)
            }

            fn spawn(future: impl Future<Output = ()> + Send + 'static) {
                <BrowserClient as Client<Problem>>::spawn(future);
            }
        }
    };
}

client! {
    /// Shows the access token, renews it when it is about to end or was refused, and repeats the call once.
    AuthClient sends by call_as_somebody
}

client! {
    /// For log-in, sign-up and log-out: shows no token; nobody else in this browser goes in, goes out or renews meanwhile, and the token is
    /// taken over or forgotten before they may.
    DoorClient sends by go_through_the_door
}

client! {
    /// For the renewal: its caller holds the lock already, and nobody renews for it.
    PlainClient sends by call
}

async fn call_as_somebody(mut request: BrowserRequest) -> Result<Whole, Problem> {
    let token = session::token().await?;
    let first: web_sys::Request = take(&mut request)?.into();
    // The body can be sent once only, so the copy for the repetition is made before. (This is JavaScript's `clone`, not Rust's.)
    let again: Request = first.clone().map_err(|_| Problem::Offline)?.into();
    let first: Request = first.into();

    authorize(&first, token.as_deref());
    let answer = exchange(first).await?;
    if answer.status != 401 || !session::can_renew() {
        return Ok(answer);
    }
    match session::renew(token).await {
        Ok(token) => {
            authorize(&again, Some(&token));
            exchange(again).await // once: whatever this answers is the answer
        }
        Err(Problem::SignedOut) => Ok(answer),
        Err(problem) => Err(problem),
    }
}

async fn go_through_the_door(mut request: BrowserRequest) -> Result<Whole, Problem> {
    let inner = take(&mut request)?;
    let leaving = inner.url().ends_with(LogOutCall::PATH);
    browser::with_lock(session::LOCK, async move {
        let answer = exchange(inner).await?;
        if answer.status == 200 {
            if leaving {
                session::forget(session::Why::LoggedOut);
            } else if let Ok(LoggedIn { session: Some(new), .. }) = JsonText::decode(answer.body.clone().into()) {
                session::enter(new);
            }
        }
        Ok(answer)
    })
    .await
}

async fn call(mut request: BrowserRequest) -> Result<Whole, Problem> {
    exchange(take(&mut request)?).await
}

/// Takes the request proper out and leaves a hole. What stays behind aborts the request when it is dropped, as it should when nobody waits any
/// more, so it must be kept until the answer has been read; converting it as a whole would abort at once.
fn take(request: &mut BrowserRequest) -> Result<Request, Problem> {
    let hole = Request::get("/").build().map_err(|_| Problem::Offline)?;
    Ok(std::mem::replace(&mut **request, hole))
}

fn authorize(request: &Request, token: Option<&str>) {
    if let Some(token) = token {
        request.headers().set("Authorization", &format!("Bearer {token}")); // `append` could make it two
    }
}

/// Sends and reads to the end.
async fn exchange(request: Request) -> Result<Whole, Problem> {
    let exchange = async {
        let answer = request.send().await.ok()?;
        let body = answer.binary().await.ok()?;
        Some((answer, body))
    };
    let Some((answer, body)) = browser::within(PATIENCE, exchange).await.flatten() else {
        connection::lost();
        return Err(Problem::Offline);
    };
    // Whoever answers these is not the one whom we asked, or says that it cannot work.
    if matches!(answer.status(), 502..=504) {
        connection::lost();
    } else {
        connection::found();
    }
    Whole::new(&answer, body)
}

/// An answer that has been read to its end.
pub struct Whole {
    status: u16,
    status_text: String,
    location: String,
    redirect: bool,
    body: Vec<u8>,
}

impl Whole {
    fn new(answer: &Response, body: Vec<u8>) -> Result<Self, Problem> {
        let headers = answer.headers();
        let header = |name: &str| headers.get(name);
        let status = answer.status();
        let ours = header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let body = match status {
            _ if ours => body,
            400..=599 => foreign(status, &header).ser().into(),
            // A page where data should be: somebody's log-in page for their network.
            _ => return Err(Problem::Offline),
        };
        Ok(Self {
            status,
            status_text: answer.status_text(),
            location: header("location").unwrap_or_else(|| answer.url()),
            redirect: header(REDIRECT_HEADER).is_some(),
            body,
        })
    }
}

/// What to make of a refusal that no server function wrote: one of our layers, or a proxy.
fn foreign(status: u16, header: &dyn Fn(&str) -> Option<String>) -> Problem {
    match status {
        401 => Problem::SignedOut,
        403 => Problem::NotAllowed,
        413 => Problem::TooLarge,
        429 => Problem::TooMany { retry_after: header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(1) },
        502..=504 => Problem::Unavailable,
        400..=499 => Problem::BadRequest,
        _ => Problem::Internal { id: header("x-request-id").unwrap_or_default() },
    }
}

impl ClientRes<Problem> for Whole {
    async fn try_into_string(self) -> Result<String, Problem> {
        String::from_utf8(self.body).map_err(|_| Problem::Offline)
    }

    async fn try_into_bytes(self) -> Result<Bytes, Problem> {
        Ok(self.body.into())
    }

    fn try_into_stream(self) -> Result<impl Stream<Item = Result<Bytes, Bytes>> + Send + Sync + 'static, Problem> {
        Ok(futures::stream::iter([Ok(Bytes::from(self.body))]))
    }

    fn status(&self) -> u16 {
        self.status
    }

    fn status_text(&self) -> String {
        self.status_text.clone()
    }

    fn location(&self) -> String {
        self.location.clone()
    }

    fn has_redirect(&self) -> bool {
        self.redirect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_no_function_wrote_is_told_by_its_status() {
        let header = |name: &str| match name {
            "retry-after" => Some("7".to_owned()),
            "x-request-id" => Some("abc-1".to_owned()),
            _ => None,
        };
        let table = [
            (400, Problem::BadRequest),
            (401, Problem::SignedOut),
            (403, Problem::NotAllowed),
            (404, Problem::BadRequest),
            (413, Problem::TooLarge),
            (429, Problem::TooMany { retry_after: 7 }),
            (500, Problem::Internal { id: "abc-1".to_owned() }),
            (502, Problem::Unavailable),
            (503, Problem::Unavailable),
            (504, Problem::Unavailable),
        ];
        for (status, problem) in table {
            assert_eq!(foreign(status, &header), problem, "{status}");
        }
        assert_eq!(foreign(429, &|_| None), Problem::TooMany { retry_after: 1 });
    }
}
