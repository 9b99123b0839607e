//! Requests of the clients, and the interpretation of their responses.

use super::{
    connection_pool::{PooledConnection, TimedResponse, Timeout},
    context::RunContext,
    counters::{Counter, Failure},
    fleet::ProcessRef,
    rng::Rng,
};
use crate::{
    api::{ApiRequest, PASSWORD, Transport},
    http_client::NoResponse,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// A refresh token. Clients treat it as opaque; the generation inside is for checking the server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    text: Arc<str>,
    pub(super) generation: i64,
}

/// The tokens of a response.
#[derive(Clone)]
pub(super) struct TokenPair {
    pub(super) refresh: Token,
    pub(super) access: Arc<str>,
    /// The access token must be accepted until then.
    pub(super) good_until: Instant,
    /// Time until the response.
    took: Duration,
}

/// The outcome of a refresh request.
pub(super) enum RefreshOutcome {
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
pub(super) enum AccessOutcome {
    /// Accepted by this process.
    Granted(ProcessRef),
    Rejected,
    Unknown,
}

/// An account.
pub(super) struct Account {
    email: String,
}

impl Token {
    fn new(text: String) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix("csgn_rt_")?).ok()?;
        // Session ID, user ID, generation, MAC.
        let generation = i64::from_be_bytes(bytes.get(16 + 16..16 + 16 + 8)?.try_into().ok()?);
        Some(Self { text: text.into(), generation })
    }
}

impl TokenPair {
    /// Returns the tokens of a successful response.
    fn new(TimedResponse { response, sent, took, .. }: &TimedResponse) -> Option<Self> {
        if !response.status.is_success() {
            return None;
        }
        let tokens = response.tokens()?;
        Some(Self {
            refresh: Token::new(tokens.refresh_token)?,
            access: tokens.access_token.into(),
            good_until: *sent + Duration::from_secs(tokens.expires_in),
            took: *took,
        })
    }
}

/// Signs up or logs in, with retries.
pub(super) async fn sign_up_or_log_in(
    context: &RunContext,
    rng: &Rng,
    account: &mut Option<Account>,
) -> TokenPair {
    loop {
        let email = match &account {
            Some(account) => account.email.clone(),
            None => context.new_email(),
        };
        let request = match account {
            Some(_) => ApiRequest::log_in(&email, PASSWORD, Transport::Body),
            None => ApiRequest::sign_up(&email, Transport::Body),
        };
        let path = request.path();
        let connection = context.connections.connect(None, rng).await;
        let result = connection.send(request, Timeout::Default).await;
        if let Some(pair) = result.as_ref().ok().and_then(TokenPair::new) {
            *account = Some(Account { email });
            return pair;
        }
        record_unusable(context, path, Timeout::Default, result).await;
    }
}

/// Sends a refresh request.
pub(super) async fn refresh(
    context: &RunContext,
    connection: PooledConnection<'_>,
    token: &Token,
    timeout: Timeout,
) -> RefreshOutcome {
    let request = ApiRequest::refresh(&token.text);
    let path = request.path();
    let result = connection.send(request, timeout).await;
    if let Some(pair) = result.as_ref().ok().and_then(TokenPair::new) {
        context.counters.record_refresh(pair.took);
        let (sent, issued) = (token.generation, pair.refresh.generation);
        if issued != sent + 1 {
            let description = format!("generation {sent} was followed by {issued}");
            context.counters.fail(Failure::OtherSuccessor, &description);
        }
        return RefreshOutcome::Issued(pair);
    }
    match result {
        Ok(got) if got.response.status == 401 => {
            if got.response.json()["code"] == "refresh_superseded" {
                context.counters.count(Counter::Stale);
                RefreshOutcome::Stale
            } else {
                RefreshOutcome::Rejected
            }
        }
        other => {
            record_unusable(context, path, timeout, other).await;
            RefreshOutcome::Unknown
        }
    }
}

/// Sends a request with an access token.
pub(super) async fn me(context: &RunContext, rng: &Rng, token: &str) -> AccessOutcome {
    let request = ApiRequest::me(token);
    let path = request.path();
    let connection = context.connections.connect(None, rng).await;
    match connection.send(request, Timeout::Default).await {
        Ok(got) if got.response.status == 200 => AccessOutcome::Granted(got.process),
        Ok(got) if got.response.status == 401 => AccessOutcome::Rejected,
        other => {
            record_unusable(context, path, Timeout::Default, other).await;
            AccessOutcome::Unknown
        }
    }
}

/// Records an unusable response, and waits a little if the server responded.
async fn record_unusable(
    context: &RunContext,
    path: &str,
    timeout: Timeout,
    result: Result<TimedResponse, NoResponse>,
) {
    match result {
        Err(NoResponse::ConnectionLost) => context.counters.count(Counter::ConnectionLost),
        Err(NoResponse::TimedOut) if timeout != Timeout::Default => {
            context.counters.count(Counter::ClientDisconnected);
        }
        Err(NoResponse::TimedOut) => {
            context.counters.fail(Failure::Other, &format!("{path} got no response"));
        }
        Ok(TimedResponse { response, .. }) => {
            let body = String::from_utf8_lossy(&response.body);
            let description = format!("{path} got {} {body}", response.status);
            match response.status.as_u16() {
                503 => context.counters.count(Counter::Unavailable),
                500..=599 => context.counters.fail(Failure::ServerError, &description),
                _ => context.counters.fail(Failure::Other, &description),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}
