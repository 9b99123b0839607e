//! The calls of the JSON API, and what their answers mean to a client.

use crate::{
    dice::Dice,
    fleet::Life,
    stage::Stage,
    tally::{Count, Fault},
    wire::{Answer, Line, Patience, Request, Silence},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// A refresh token. Clients take it for what it is, a secret text; the generation inside is for
/// checking the server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: Arc<str>,
    pub(crate) generation: i64,
}

/// What one answer gave out.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) refresh: Token,
    pub(crate) access: Arc<str>,
    /// Until then the access token must be accepted.
    pub(crate) good_until: Instant,
}

/// What became of a renewal.
pub(crate) enum Renewal {
    Given(Pair),
    /// `stale`: look again, somebody has renewed meanwhile.
    Stale,
    /// The session is over.
    Over,
    /// There is no answer, or none that says anything. It may have happened.
    Unknown,
}

impl fmt::Display for Renewal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(pair) => write!(out, "was answered with {}", pair.refresh.generation),
            Self::Stale => out.write_str("was answered with `stale`"),
            Self::Over => out.write_str("was refused"),
            Self::Unknown => out.write_str("was not answered"),
        }
    }
}

/// What became of showing an access token.
pub(crate) enum Access {
    /// Accepted, by this process.
    Granted(Life),
    Refused,
    Unknown,
}

/// Somebody with an account.
pub(crate) struct Account {
    email: String,
}

const PASSWORD: &str = "the password of everybody here";

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
        // Session id, user id, counter, MAC.
        let generation = i64::from_be_bytes(bytes.get(16 + 16..16 + 16 + 8)?.try_into().ok()?);
        Some(Self { text, generation })
    }
}

fn pair(answer: &Answer) -> Option<Pair> {
    let body: TokenBody = serde_json::from_slice(&answer.body).ok()?;
    Some(Pair {
        refresh: Token::new(body.refresh_token)?,
        access: body.access_token,
        good_until: answer.sent + Duration::from_secs(body.expires_in),
    })
}

fn code(answer: &Answer) -> String {
    serde_json::from_slice(&answer.body).map(|body: ProblemBody| body.code).unwrap_or_default()
}

/// Signs up or logs in, as often as it takes.
pub(crate) async fn enter(stage: &Stage, dice: &Dice, account: &mut Option<Account>) -> Pair {
    loop {
        let (path, email) = match &account {
            Some(account) => ("/api/v1/auth/login", account.email.clone()),
            None => ("/api/v1/auth/signup", stage.new_address()),
        };
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let request = Request { method: "POST", path, bearer: None, body: Some(body) };
        match stage.wire.line(None, dice).await.ask(&request, Patience::Waits).await {
            Ok(answer) if matches!(answer.status, 200 | 201) && pair(&answer).is_some() => {
                *account = Some(Account { email });
                return pair(&answer).expect("has just been looked at");
            }
            other => unusable(stage, path, other).await,
        }
    }
}

/// Shows a refresh token.
pub(crate) async fn renew(
    stage: &Stage,
    line: Line<'_>,
    token: &Token,
    patience: Patience,
) -> Renewal {
    const PATH: &str = "/api/v1/auth/refresh";
    let body = json!({ "refresh_token": token.text }).to_string();
    let request = Request { method: "POST", path: PATH, bearer: None, body: Some(body) };
    match line.ask(&request, patience).await {
        Ok(answer) if answer.status == 200 && pair(&answer).is_some() => {
            let pair = pair(&answer).expect("has just been looked at");
            stage.tally.renewed(answer.took);
            if pair.refresh.generation != token.generation + 1 {
                let what = format!(
                    "generation {} was answered with {}",
                    token.generation, pair.refresh.generation
                );
                stage.tally.fault(Fault::OtherSuccessor, &what);
            }
            Renewal::Given(pair)
        }
        Ok(answer) if answer.status == 401 => match code(&answer).as_str() {
            "stale" => {
                stage.tally.count(Count::Stale);
                Renewal::Stale
            }
            _ => Renewal::Over,
        },
        other => {
            unusable(stage, PATH, other).await;
            Renewal::Unknown
        }
    }
}

/// Shows an access token.
pub(crate) async fn me(stage: &Stage, dice: &Dice, token: &str) -> Access {
    const PATH: &str = "/api/v1/me";
    let request = Request { method: "GET", path: PATH, bearer: Some(token), body: None };
    match stage.wire.line(None, dice).await.ask(&request, Patience::Waits).await {
        Ok(answer) if answer.status == 200 => Access::Granted(answer.life),
        Ok(answer) if answer.status == 401 => Access::Refused,
        other => {
            unusable(stage, PATH, other).await;
            Access::Unknown
        }
    }
}

/// Writes down an answer that is none, and waits a little where the server asks for that.
async fn unusable(stage: &Stage, path: &str, answer: Result<Answer, Silence>) {
    match answer {
        Err(Silence::HungUp) => stage.tally.count(Count::HungUp),
        Err(Silence::Broke) => stage.tally.count(Count::Broken),
        Err(Silence::Mute) => stage.tally.fault(Fault::Other, &format!("{path} is not answered")),
        Ok(answer) => {
            let what = format!(
                "{path} was answered with {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
            match answer.status {
                503 => stage.tally.count(Count::Unavailable),
                500..=599 => stage.tally.fault(Fault::ServerError, &what),
                _ => stage.tally.fault(Fault::Other, &what),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}
