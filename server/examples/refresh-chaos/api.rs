//! The requests of the JSON API, and the interpretation of their responses.

use crate::{
    context::RunContext,
    counters::{Counter, Failure},
    fleet::ProcessRef,
    http_client::{HttpConnection, NoResponse, Request, Response, Timeout},
    rng::Rng,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// A refresh token. Clients treat it as opaque; the generation inside is for checking the server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: Arc<str>,
    pub(crate) generation: i64,
}

/// The tokens of a response.
#[derive(Clone)]
pub(crate) struct TokenPair {
    pub(crate) refresh: Token,
    pub(crate) access: Arc<str>,
    /// The access token must be accepted until then.
    pub(crate) good_until: Instant,
}

/// The outcome of a refresh request.
pub(crate) enum RefreshOutcome {
    Issued(TokenPair),
    /// `refresh_superseded`: another tab has refreshed in the meantime.
    Stale,
    /// The session has ended.
    Rejected,
    /// No usable response. The refresh may have been executed.
    Unknown,
}

impl fmt::Display for RefreshOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(pair) => write!(out, "got generation {}", pair.refresh.generation),
            Self::Stale => out.write_str("got `refresh_superseded`"),
            Self::Rejected => out.write_str("was rejected"),
            Self::Unknown => out.write_str("got no response"),
        }
    }
}

/// The outcome of a request with an access token.
pub(crate) enum AccessOutcome {
    /// Accepted by this process.
    Granted(ProcessRef),
    Rejected,
    Unknown,
}

/// An account.
pub(crate) struct Account {
    email: String,
}

const PASSWORD: &str = "the password of all accounts";

#[derive(Deserialize)]
struct TokenBody {
    access_token: Arc<str>,
    expires_in: u64,
    refresh_token: Arc<str>,
}

#[derive(Deserialize)]
struct ProblemBody {
    code: String,
}

impl Token {
    fn new(text: Arc<str>) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix("csgn_rt_")?).ok()?;
        // Session ID, user ID, generation, MAC.
        let generation = i64::from_be_bytes(bytes.get(16 + 16..16 + 16 + 8)?.try_into().ok()?);
        Some(Self { text, generation })
    }
}

fn pair(response: &Response) -> Option<TokenPair> {
    let body: TokenBody = serde_json::from_slice(&response.body).ok()?;
    Some(TokenPair {
        refresh: Token::new(body.refresh_token)?,
        access: body.access_token,
        good_until: response.sent + Duration::from_secs(body.expires_in),
    })
}

fn code(response: &Response) -> String {
    serde_json::from_slice(&response.body).map(|body: ProblemBody| body.code).unwrap_or_default()
}

/// Signs up or logs in, with retries.
pub(crate) async fn sign_up_or_log_in(
    context: &RunContext,
    rng: &Rng,
    account: &mut Option<Account>,
) -> TokenPair {
    loop {
        let (path, email) = match &account {
            Some(account) => ("/api/v1/auth/login", account.email.clone()),
            None => ("/api/v1/auth/signup", context.new_email()),
        };
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let request = Request { method: "POST", path, bearer: None, body: Some(body) };
        match context.http.connect(None, rng).await.send(&request, Timeout::Default).await {
            Ok(response) if matches!(response.status, 200 | 201) && pair(&response).is_some() => {
                *account = Some(Account { email });
                return pair(&response).expect("checked above");
            }
            other => record_unusable(context, path, other).await,
        }
    }
}

/// Sends a refresh request.
pub(crate) async fn refresh(
    context: &RunContext,
    connection: HttpConnection<'_>,
    token: &Token,
    timeout_kind: Timeout,
) -> RefreshOutcome {
    const PATH: &str = "/api/v1/auth/refresh";
    let body = json!({ "refresh_token": token.text }).to_string();
    let request = Request { method: "POST", path: PATH, bearer: None, body: Some(body) };
    match connection.send(&request, timeout_kind).await {
        Ok(response) if response.status == 200 && pair(&response).is_some() => {
            let pair = pair(&response).expect("checked above");
            context.counters.record_refresh(response.took);
            if pair.refresh.generation != token.generation + 1 {
                let description = format!(
                    "generation {} was followed by {}",
                    token.generation, pair.refresh.generation
                );
                context.counters.fail(Failure::OtherSuccessor, &description);
            }
            RefreshOutcome::Issued(pair)
        }
        Ok(response) if response.status == 401 => match code(&response).as_str() {
            "refresh_superseded" => {
                context.counters.count(Counter::Stale);
                RefreshOutcome::Stale
            }
            _ => RefreshOutcome::Rejected,
        },
        other => {
            record_unusable(context, PATH, other).await;
            RefreshOutcome::Unknown
        }
    }
}

/// Sends a request with an access token.
pub(crate) async fn me(context: &RunContext, rng: &Rng, token: &str) -> AccessOutcome {
    const PATH: &str = "/api/v1/me";
    let request = Request { method: "GET", path: PATH, bearer: Some(token), body: None };
    match context.http.connect(None, rng).await.send(&request, Timeout::Default).await {
        Ok(response) if response.status == 200 => AccessOutcome::Granted(response.process),
        Ok(response) if response.status == 401 => AccessOutcome::Rejected,
        other => {
            record_unusable(context, PATH, other).await;
            AccessOutcome::Unknown
        }
    }
}

/// Records an unusable response, and waits a little if the server responded.
async fn record_unusable(context: &RunContext, path: &str, response: Result<Response, NoResponse>) {
    match response {
        Err(NoResponse::Disconnected) => context.counters.count(Counter::ClientDisconnected),
        Err(NoResponse::ConnectionLost) => context.counters.count(Counter::ConnectionLost),
        Err(NoResponse::TimedOut) => {
            context.counters.fail(Failure::Other, &format!("{path} got no response"));
        }
        Ok(response) => {
            let description = format!(
                "{path} got {} {}",
                response.status,
                String::from_utf8_lossy(&response.body)
            );
            match response.status {
                503 => context.counters.count(Counter::Unavailable),
                500..=599 => context.counters.fail(Failure::ServerError, &description),
                _ => context.counters.fail(Failure::Other, &description),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}
