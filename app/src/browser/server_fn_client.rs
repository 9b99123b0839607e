//! The clients that send server function calls from the browser: [`AuthenticatedClient`] for calls
//! that need a session, [`SessionClient`] for log-in and sign-up, [`LogOutClient`],
//! [`AnonymousClient`] for the refresh.
//!
//! All of them buffer the response ([`BufferedResponse`]), because `server_fn`'s own response type
//! can neither be created nor inspected: a log-in must find the token in it, and every call must
//! detect responses of intermediaries. Compiles for the server too, because the client is part of
//! the type of each function, but never runs there: the server calls the function directly.

use crate::{
    browser,
    browser::{connection, js_json::FromJs, json_codec::BrowserJson, session},
    server_fn_error::ServerFnProblem,
};
use countersign_types::{Problem, views::LogInResponse};
use futures::{FutureExt, Sink, Stream, future::LocalBoxFuture};
use leptos::server_fn::{
    Bytes, ContentType, Decodes, ServerFn,
    client::{Client, browser::BrowserClient},
    error::FromServerFnError,
    redirect::REDIRECT_HEADER,
    request::browser::{BrowserRequest, Request},
    response::{ClientRes, browser::Response},
};
use send_wrapper::SendWrapper;
use std::{future::Future, time::Duration};
use web_sys::AbortController;

/// Timeout of a call. The lock may be held meanwhile. An aborted refresh is repeated later: the
/// server handles lost refresh responses.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

macro_rules! client {
    ($(#[$doc:meta])* $name:ident sends by $send:path) => {
        $(#[$doc])*
        pub struct $name;

        impl Client<ServerFnProblem> for $name {
            type Request = BrowserRequest;
            type Response = BufferedResponse;

            fn send(
                mut request: BrowserRequest,
            ) -> impl Future<Output = Result<BufferedResponse, ServerFnProblem>> + Send {
                SendWrapper::new(async move {
                    let response = $send(take(&mut request)?).await.map_err(ServerFnProblem);
                    // Dropping it earlier would abort the fetch.
                    drop(request);
                    response
                })
            }

            fn open_websocket(
                path: &str,
            ) -> impl Future<
                Output = Result<
                    (
                        impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static,
                        impl Sink<Bytes> + Send + 'static,
                    ),
                    ServerFnProblem,
                >,
            > + Send {
                <BrowserClient as Client<ServerFnProblem>>::open_websocket(path)
            }

            fn spawn(future: impl Future<Output = ()> + Send + 'static) {
                <BrowserClient as Client<ServerFnProblem>>::spawn(future);
            }
        }

        impl FormClient for $name {
            fn send_form(request: Request) -> LocalBoxFuture<'static, SendResult> {
                $send(request).boxed_local()
            }
        }
    };
}

type SendResult = Result<BufferedResponse, Problem>;

/// A client that sends forms as they are. Encoding the arguments of each server function again, and
/// a future for each, would make the Wasm module larger by 6 KB.
pub trait FormClient {
    /// Sends a request whose body is a form.
    fn send_form(request: Request) -> LocalBoxFuture<'static, SendResult>;
}

/// Posts `form`, an encoded form, to the server function at `path`.
pub async fn post_form<C: FormClient>(path: &str, form: String) -> SendResult {
    let controller = AbortController::new().map_err(|_| Problem::Offline)?;
    let request = Request::post(path)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Accept", BrowserJson::CONTENT_TYPE)
        .abort_signal(Some(&controller.signal()))
        .body(form)
        .map_err(|_| Problem::Offline)?;
    let result = C::send_form(request).await;
    // After a timeout, the fetch must not go on: a late response could replace a newer cookie.
    controller.abort();
    result
}

client! {
    /// Sends the access token. Refreshes it if it is about to expire or was rejected, and then
    /// repeats the call once.
    AuthenticatedClient sends by send_authenticated
}

client! {
    /// Client of log-in and sign-up. Sends no token, and holds the lock of the browser until the
    /// new token is stored, so that no other log-in, log-out or refresh interferes.
    SessionClient sends by send_log_in
}

client! {
    /// Client of log-out. Like [`SessionClient`], but deletes the token.
    LogOutClient sends by send_log_out
}

client! {
    /// Client of the refresh. Sends no token and takes no lock: the caller holds it.
    AnonymousClient sends by send_anonymous
}

/// Calls a server function without arguments.
pub async fn call<Call>() -> Result<Call::Output, Problem>
where
    Call: ServerFn<Client: FormClient, Output: FromJs>,
{
    post_form::<Call::Client>(Call::PATH, String::new()).await?.decode()
}

async fn send_authenticated(request: Request) -> SendResult {
    let token = session::token().await?;
    let first: web_sys::Request = request.into();
    // A body can be sent only once, so the request for the repetition is cloned first. (This is
    // `clone` of JavaScript.)
    let second: Request = first.clone().map_err(|_| Problem::Offline)?.into();
    let first: Request = first.into();

    authorize(&first, token.as_deref());
    let response = fetch_buffered(first).await?;
    if !response.rejects_token || !session::can_refresh() {
        return Ok(response);
    }
    match session::refresh(token).await {
        Ok(token) => {
            authorize(&second, Some(&token));
            fetch_buffered(second).await // not repeated again
        }
        Err(Problem::Unauthenticated) => Ok(response),
        Err(problem) => Err(problem),
    }
}

async fn send_log_in(request: Request) -> SendResult {
    browser::with_lock(session::LOCK, async move {
        let response = fetch_buffered(request).await?;
        if response.status == 200
            && let Ok(LogInResponse { session: Some(new), .. }) =
                BrowserJson::decode(response.body.clone().into())
        {
            session::adopt(new);
        }
        Ok(response)
    })
    .await
}

async fn send_log_out(request: Request) -> SendResult {
    browser::with_lock(session::LOCK, async move {
        let response = fetch_buffered(request).await?;
        if response.status == 200 {
            session::end(session::EndReason::LoggedOut);
        }
        Ok(response)
    })
    .await
}

async fn send_anonymous(request: Request) -> SendResult {
    fetch_buffered(request).await
}

/// Moves the inner request out of `request` and leaves a placeholder.
///
/// Dropping `request` aborts the fetch, so the caller must keep it until the response is read.
/// Converting `request` as a whole would drop it and abort the fetch at once.
fn take(request: &mut BrowserRequest) -> Result<Request, ServerFnProblem> {
    let placeholder = Request::get("/").build().map_err(|_| ServerFnProblem(Problem::Offline))?;
    Ok(std::mem::replace(&mut **request, placeholder))
}

fn authorize(request: &Request, token: Option<&str>) {
    if let Some(token) = token {
        // `append` could create a second header.
        request.headers().set("Authorization", &format!("Bearer {token}"));
    }
}

/// Sends the request and reads the whole response.
async fn fetch_buffered(request: Request) -> Result<BufferedResponse, Problem> {
    let fetch = async {
        let response = request.send().await.ok()?;
        let body = response.binary().await.ok()?;
        Some((response, body))
    };
    let Some((response, body)) = browser::with_timeout(CALL_TIMEOUT, fetch).await.flatten() else {
        connection::report_failure();
        return Err(Problem::Offline);
    };
    let buffered = BufferedResponse::new(&response, body);
    // Such a response comes from an intermediary, or from a server that can't work. An overloaded
    // server is reachable.
    if buffered
        .as_ref()
        .is_ok_and(|buffered| buffered.status >= 502 && is_unavailable(&buffered.body))
    {
        connection::report_failure();
    } else {
        connection::report_success();
    }
    buffered
}

/// A response whose body has been read.
pub struct BufferedResponse {
    status: u16,
    /// Whether the token is invalid or belongs to another user than the cookie. The latter happens
    /// after a log-in in another tab or on another node; a refresh then shows who is logged in.
    rejects_token: bool,
    status_text: String,
    location: String,
    redirect: bool,
    body: Vec<u8>,
}

impl BufferedResponse {
    /// Returns whether the response is not a problem.
    pub fn is_ok(&self) -> bool {
        self.status < 400
    }

    /// Decodes the response, or the problem that it is.
    pub fn decode<T: FromJs>(self) -> Result<T, Problem> {
        let body = self.body.into();
        if self.status >= 400 {
            return Err(ServerFnProblem::de(body).0);
        }
        BrowserJson::decode(body).map_err(|_| Problem::BadRequest)
    }

    fn new(response: &Response, body: Vec<u8>) -> Result<Self, Problem> {
        let headers = response.headers();
        let header = |name: &str| headers.get(name);
        let status = response.status();
        let rejects_token = status == 401 || status == 400 && is_two_credentials(&body);
        let is_json =
            header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let body = match status {
            _ if is_json => body,
            400..=599 => ServerFnProblem(problem_from_status(status, &header)).ser().into(),
            // A page instead of data, such as the log-in page of a captive portal.
            _ => return Err(Problem::Offline),
        };
        Ok(Self {
            status,
            rejects_token,
            status_text: response.status_text(),
            location: header("location").unwrap_or_else(|| response.url()),
            redirect: header(REDIRECT_HEADER).is_some(),
            body,
        })
    }
}

/// Returns whether an error says that the server can't work.
fn is_unavailable(problem: &[u8]) -> bool {
    ServerFnProblem::de(Bytes::copy_from_slice(problem)).0 == Problem::Unavailable
}

/// Returns whether an error says that token and cookie belong to different users. The middleware
/// `credentials` of the server returns it.
fn is_two_credentials(problem: &[u8]) -> bool {
    const CODE: &[u8] = b"\"two_credentials\"";
    problem.windows(CODE.len()).any(|part| part == CODE)
}

/// Returns the problem for an error response of a middleware or a proxy, which is not one of a
/// server function.
fn problem_from_status(status: u16, header: &dyn Fn(&str) -> Option<String>) -> Problem {
    match status {
        401 => Problem::Unauthenticated,
        403 => Problem::NotAllowed,
        413 => Problem::TooLarge,
        429 => Problem::RateLimited {
            retry_after: header("retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(1),
        },
        502..=504 => Problem::Unavailable,
        400..=499 => Problem::BadRequest,
        _ => Problem::Internal { id: header("x-request-id").unwrap_or_default() },
    }
}

impl ClientRes<ServerFnProblem> for BufferedResponse {
    async fn try_into_string(self) -> Result<String, ServerFnProblem> {
        String::from_utf8(self.body).map_err(|_| Problem::Offline.into())
    }

    async fn try_into_bytes(self) -> Result<Bytes, ServerFnProblem> {
        Ok(self.body.into())
    }

    fn try_into_stream(
        self,
    ) -> Result<impl Stream<Item = Result<Bytes, Bytes>> + Send + Sync + 'static, ServerFnProblem>
    {
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
    fn foreign_error_response_is_classified_by_status() {
        let header = |name: &str| match name {
            "retry-after" => Some("7".to_owned()),
            "x-request-id" => Some("abc-1".to_owned()),
            _ => None,
        };
        let table = [
            (400, Problem::BadRequest),
            (401, Problem::Unauthenticated),
            (403, Problem::NotAllowed),
            (404, Problem::BadRequest),
            (413, Problem::TooLarge),
            (429, Problem::RateLimited { retry_after: 7 }),
            (500, Problem::Internal { id: "abc-1".to_owned() }),
            (502, Problem::Unavailable),
            (503, Problem::Unavailable),
            (504, Problem::Unavailable),
        ];
        for (status, problem) in table {
            assert_eq!(problem_from_status(status, &header), problem, "{status}");
        }
        assert_eq!(problem_from_status(429, &|_| None), Problem::RateLimited { retry_after: 1 });
    }
}
