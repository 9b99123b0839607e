//! Measures how soon revoked tokens are rejected, and the cost of that check.
//! `script/revocation-latency` runs this program.
//!
//! Two nodes share a database. Requests go through their whole HTTP stack, but without a socket. On
//! PostgreSQL the second node can be disconnected: it reaches the database through a TCP proxy,
//! which can be closed. Database statements are counted from the log of sqlx.

mod in_process_server;

use anyhow::{Context, ensure};
use axum::{Router, http::StatusCode, middleware::from_fn_with_state, routing::get};
use clap::Parser;
use countersign::AppState;
use countersign_core::{
    Clock, HashingConfig, RandomSource, RateLimits, ServerSecret, keys::KeyAdmin,
    testing::TestDatabase,
};
use countersign_http::extract::require_access_token;
use in_process_server::{InProcessServer, json_body};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep},
};
use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::Context as Following, prelude::*};

/// A route that requires an access token only.
const PROTECTED_PATH: &str = "/api/v1/guarded";
/// The guarantees: revocations take effect on other nodes within a second, and 30 s after the loss
/// of the change feed a node rejects all access tokens.
const MAX_LATENCY: Duration = Duration::from_secs(1);
/// Number of signing keys to remove.
const REMOVED_KEYS: usize = 5;
const MAX_STALENESS: Duration = Duration::from_secs(30);

/// Measures how soon revocations take effect, and counts the database statements.
#[derive(Parser)]
struct Arguments {
    /// Number of authenticated requests.
    #[arg(
        long,
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
    )]
    calls: u32,
    /// Number of sessions to revoke.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sessions: u32,
    /// Skip the disconnection of a node, which takes half a minute.
    #[arg(long)]
    no_cut: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let statements = Statements::default();
    tracing_subscriber::registry().with(statements.clone().with_filter(LevelFilter::DEBUG)).init();
    let mut results = Vec::new();
    for database in [TestDatabase::sqlite(), TestDatabase::postgres().await] {
        let figures = measure(&arguments, &database, &statements).await?;
        if !arguments.json {
            print_line(&text(&figures))?;
        }
        results.push(figures);
    }
    if arguments.json {
        print_line(&format!("{:#}", json!({ "results": results })))
    } else {
        print_line("test result: ok. 2 passed; 0 failed")
    }
}

fn print_line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}

async fn measure(
    arguments: &Arguments,
    database: &TestDatabase,
    statements: &Statements,
) -> anyhow::Result<Value> {
    let secret = ServerSecret::generate(&RandomSource::System)?;
    let first = start(&database.url, &secret).await?;
    let proxy = if first.kind == "postgres" && !arguments.no_cut {
        Some(TcpProxy::start(&database.url).await?)
    } else {
        None
    };
    let second = start(proxy.as_ref().map_or(&database.url, |proxy| &proxy.url), &secret).await?;

    let [access, refresh, _] = first.sign_up_or_log_in("signup", "ada@example.com").await?;
    ensure!(
        request_status(&first, &access).await == StatusCode::OK
            && request_status(&second, &access).await == StatusCode::OK,
        "both nodes accept the token"
    );
    statements.clear();
    let mut calling = Duration::ZERO;
    for _ in 0..arguments.calls {
        let began = Instant::now();
        ensure!(request_status(&first, &access).await == StatusCode::OK, "a request was rejected");
        calling += began.elapsed();
        // Leaves time for the background tasks.
        sleep(Duration::from_millis(2)).await;
    }
    let per_call = calling / arguments.calls;
    let counted = statements.counts();
    ensure!(
        counted.get("check").copied().unwrap_or(0) == 0,
        "the check used the database: {counted:?}"
    );

    // Checks that statements are counted at all.
    statements.clear();
    first.send("GET", "/api/v1/me", Some(&access), None, None).await;
    ensure!(statements.counts().contains_key("check"), "statements are not counted");

    let (mut same, mut other) = (Vec::new(), Vec::new());
    for _ in 0..arguments.sessions {
        let [access, refresh, _] = first.sign_up_or_log_in("login", "ada@example.com").await?;
        ensure!(
            request_status(&first, &access).await == StatusCode::OK
                && request_status(&second, &access).await == StatusCode::OK,
            "a new session is accepted"
        );
        let ended = first
            .send(
                "POST",
                "/api/v1/auth/logout",
                None,
                None,
                Some(json!({ "refresh_token": refresh })),
            )
            .await;
        ensure!(ended.status() == StatusCode::NO_CONTENT, "{}", json_body(&ended));
        let began = Instant::now();
        same.push(
            time_until(began, || async {
                request_status(&first, &access).await == StatusCode::UNAUTHORIZED
            })
            .await?,
        );
        other.push(
            time_until(began, || async {
                request_status(&second, &access).await == StatusCode::UNAUTHORIZED
            })
            .await?,
        );
    }
    let mut keys = Vec::new();
    for _ in 0..REMOVED_KEYS {
        keys.push(remove_signing_key(&first, &second, &secret).await?);
    }

    for times in [&mut same, &mut other, &mut keys] {
        times.sort_unstable();
        let slowest = *times.last().context("nothing was revoked")?;
        ensure!(slowest <= MAX_LATENCY, "the slowest revocation took {slowest:?}");
    }

    // Access tokens of a removed key must be refreshed.
    let refreshed = first
        .send("POST", "/api/v1/auth/refresh", None, None, Some(json!({ "refresh_token": refresh })))
        .await;
    let access = json_body(&refreshed)["access_token"]
        .as_str()
        .context("the session did not continue")?
        .to_owned();

    let cut = match &proxy {
        Some(proxy) => {
            proxy.close();
            let began = Instant::now();
            let closed = time_until(began, || async {
                request_status(&second, &access).await == StatusCode::SERVICE_UNAVAILABLE
            })
            .await?;
            // The time counts from the last poll of the feed, which was shortly before the
            // disconnection. One second is added as tolerance.
            ensure!(
                closed <= MAX_STALENESS + Duration::from_secs(1),
                "without the feed, tokens were accepted for {closed:?}"
            );
            ensure!(
                request_status(&first, &access).await == StatusCode::OK,
                "the other node continues"
            );
            proxy.open();
            let began = Instant::now();
            let back = time_until(began, || async {
                request_status(&second, &access).await == StatusCode::OK
            })
            .await?;
            json!({ "until_503_ms": millis(closed), "until_back_ms": millis(back) })
        }
        None => Value::Null,
    };
    let figures = json!({
        "database": first.kind,
        "calls": arguments.calls,
        "micros_per_call": micros(per_call),
        "statements": counted,
        "sessions": arguments.sessions,
        "same_node_ms": spread(&same),
        "other_node_ms": spread(&other),
        "keys": REMOVED_KEYS,
        "keys_ms": spread(&keys),
        "feed_cut": cut,
    });
    first.stop().await?;
    second.stop().await?;
    Ok(figures)
}

/// Removes the signing key, and returns how long the nodes still accept its tokens.
async fn remove_signing_key(
    first: &InProcessServer,
    second: &InProcessServer,
    secret: &ServerSecret,
) -> anyhow::Result<Duration> {
    let [access, ..] = first.sign_up_or_log_in("login", "ada@example.com").await?;
    ensure!(
        request_status(first, &access).await == StatusCode::OK
            && request_status(second, &access).await == StatusCode::OK,
        "a new session is accepted"
    );
    let keys =
        KeyAdmin::open(&first.store, secret, &RandomSource::System, Clock::System.now()).await?;
    let signing = keys
        .list()
        .await?
        .into_iter()
        .find(|key| key.state == "signing")
        .context("no signing key")?;
    keys.remove(&signing.kid, Clock::System.now()).await?;
    let began = Instant::now();
    time_until(began, || async {
        request_status(first, &access).await == StatusCode::UNAUTHORIZED
            && request_status(second, &access).await == StatusCode::UNAUTHORIZED
    })
    .await
}

/// Returns the time until a condition is true.
async fn time_until<F: Future<Output = bool>>(
    began: Instant,
    condition: impl Fn() -> F,
) -> anyhow::Result<Duration> {
    loop {
        if condition().await {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < Duration::from_mins(1), "timeout");
        sleep(Duration::from_millis(1)).await;
    }
}

fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

fn spread(sorted: &[Duration]) -> Value {
    json!({
        "median": millis(sorted[sorted.len() / 2]),
        "longest": millis(sorted[sorted.len() - 1]),
    })
}

fn text(figures: &Value) -> String {
    let count = |label: &str| figures["statements"][label].as_u64().unwrap_or(0);
    let mut lines = vec![
        format!("{}, two nodes", figures["database"].as_str().unwrap_or_default()),
        format!(
            "    {} authenticated requests, {} µs each: {} statements for the check; in addition \
             {} of the feed poll and {} of the batched confirmation",
            figures["calls"],
            figures["micros_per_call"],
            count("check"),
            count("feed poll"),
            count("confirmation")
        ),
        format!(
            "    session revocation, {} sessions, median and maximum: {} and {} ms on the same \
             node, {} and {} ms on the other",
            figures["sessions"],
            figures["same_node_ms"]["median"],
            figures["same_node_ms"]["longest"],
            figures["other_node_ms"]["median"],
            figures["other_node_ms"]["longest"]
        ),
    ];
    lines.push(format!(
        "    key removal, {} keys, median and maximum on both nodes: {} and {} ms",
        figures["keys"], figures["keys_ms"]["median"], figures["keys_ms"]["longest"]
    ));
    if figures["feed_cut"].is_object() {
        lines.push(format!(
            "    without the feed: requests are rejected with 503 after {} ms, and accepted {} ms \
             after it is back",
            figures["feed_cut"]["until_503_ms"], figures["feed_cut"]["until_back_ms"]
        ));
    }
    lines.join("\n")
}

/// Starts a node with a protected route.
async fn start(url: &str, secret: &ServerSecret) -> anyhow::Result<InProcessServer> {
    let hashing = HashingConfig {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
        threads: 1,
        queue_capacity: 64,
    };
    let protected_route = |server: &AppState| {
        Router::new()
            .route(PROTECTED_PATH, get(async || "accepted"))
            .route_layer(from_fn_with_state(server.http().clone(), require_access_token))
    };
    InProcessServer::start(url, secret, Clock::System, RateLimits::off(), hashing, protected_route)
        .await
}

/// Returns the status of a request to the protected route.
async fn request_status(server: &InProcessServer, access: &str) -> StatusCode {
    server.send("GET", PROTECTED_PATH, Some(access), None, None).await.status()
}

/// A TCP proxy between a node and its database. Closing it aborts connections and rejects new ones.
struct TcpProxy {
    url: String,
    open: watch::Sender<bool>,
}

impl TcpProxy {
    async fn start(database: &str) -> anyhow::Result<Self> {
        let mut url: url::Url = database.parse()?;
        let host = url.host_str().context("no host")?.to_owned();
        let behind = (host, url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        url.set_host(Some("127.0.0.1"))?;
        ensure!(url.set_port(Some(listener.local_addr()?.port())).is_ok(), "no port");
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                let (mut is_open, behind) = (is_open.clone(), behind.clone());
                tokio::spawn(async move {
                    if !*is_open.borrow_and_update() {
                        return;
                    }
                    let Ok(mut inside) = TcpStream::connect(behind).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut outside, &mut inside) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Ok(Self { url: url.into(), open })
    }

    fn close(&self) {
        self.open.send_replace(false);
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

/// Counts the statements that sqlx logs, by purpose.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Statements {
    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Following<'_, S>) {
        if !event.metadata().target().starts_with("sqlx::query") {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(purpose(&text.0))
            .or_default() += 1;
    }
}

/// Returns the purpose of a statement, by its first words. Statements of background tasks are
/// known; all others count for the revocation check.
fn purpose(statement: &str) -> &'static str {
    let begins = |start: &str| statement.starts_with(start);
    if begins("SELECT number, kind, subject") || begins("SELECT head FROM csgn_change_feed_head") {
        "feed poll"
    } else if begins("UPDATE csgn_sessions SET confirmed_generation")
        || ["BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"].iter().any(|word| begins(word))
    {
        "confirmation"
    } else if begins("DELETE FROM")
        || begins("SELECT COUNT(*) FROM csgn_rate_limits")
        || begins("SELECT deletion_scheduled_at, id FROM csgn_users")
    {
        "retention"
    } else if begins("PRAGMA") || begins("SET statement_timeout") {
        "new connection"
    } else if begins("UPDATE csgn_signing_keys") || begins("SELECT kid") {
        "keys"
    } else {
        "check"
    }
}

struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        // The whole statement, if the summary is truncated.
        let whole = field.name() == "db.statement" && !value.trim().is_empty();
        if whole || (field.name() == "summary" && self.0.is_empty()) {
            value.trim().clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" && self.0.is_empty() {
            format!("{value:?}").trim_matches('"').clone_into(&mut self.0);
        }
    }
}
