//! How soon what was revoked is refused, and what the check costs: `script/revocation` runs this.
//!
//! Two nodes on one database, asked through their whole HTTP surface but without a socket. On
//! PostgreSQL the second node can be cut off: it reaches the database through a door of ours that
//! can be shut. Statements are counted where sqlx logs them.

mod node;

use anyhow::{Context, ensure};
use axum::{Router, http::StatusCode, middleware::from_fn_with_state, routing::get};
use clap::Parser;
use countersign::{Server, http::signed_in_only};
use countersign_core::{
    Clock, Entropy, Hashing, RateLimits, ServerSecret, flow::Keys, testing::FreshDatabase,
};
use node::{Node, json_of};
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

/// Asks for nothing but that somebody is signed in.
const GUARDED: &str = "/api/v1/guarded";
/// What is promised: on other nodes within a second, and 30 s after the feed was cut nothing is let
/// through any more.
const ELSEWHERE: Duration = Duration::from_secs(1);
/// So many signing keys are removed.
const KEYS: usize = 5;
const CUT: Duration = Duration::from_secs(30);

/// Measures how soon what was revoked is refused, and counts what the database is asked meanwhile.
#[derive(Parser)]
struct Arguments {
    /// So many protected calls are counted.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
    /// So many sessions are revoked.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sessions: u32,
    /// Leave out the cut, which takes half a minute.
    #[arg(long)]
    no_cut: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let statements = Statements::default();
    tracing_subscriber::registry().with(statements.clone().with_filter(LevelFilter::DEBUG)).init();
    let mut results = Vec::new();
    for database in [FreshDatabase::sqlite(), FreshDatabase::postgres().await] {
        let figures = measure(&arguments, &database, &statements).await?;
        if !arguments.json {
            say(&text(&figures))?;
        }
        results.push(figures);
    }
    if arguments.json {
        say(&format!("{:#}", json!({ "results": results })))
    } else {
        say("test result: ok. 2 passed; 0 failed")
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("nothing can be printed")
}

async fn measure(
    arguments: &Arguments,
    database: &FreshDatabase,
    statements: &Statements,
) -> anyhow::Result<Value> {
    let secret = ServerSecret::generate(&Entropy::System)?;
    let here = start(&database.url, &secret).await?;
    let door = if here.kind == "postgres" && !arguments.no_cut {
        Some(Door::to(&database.url).await?)
    } else {
        None
    };
    let there = start(door.as_ref().map_or(&database.url, |door| &door.url), &secret).await?;

    let [access, refresh, _] = here.enter("signup", "ada@example.com").await?;
    ensure!(
        ask(&here, &access).await == StatusCode::OK && ask(&there, &access).await == StatusCode::OK,
        "both let her in"
    );
    statements.forget();
    let mut calling = Duration::ZERO;
    for _ in 0..arguments.calls {
        let began = Instant::now();
        ensure!(ask(&here, &access).await == StatusCode::OK, "a call was refused");
        calling += began.elapsed();
        // So that the background work has its turns meanwhile.
        sleep(Duration::from_millis(2)).await;
    }
    let per_call = calling / arguments.calls;
    let counted = statements.counted();
    ensure!(
        counted.get("check").copied().unwrap_or(0) == 0,
        "the check asked the database: {counted:?}"
    );

    // Or nothing was counted.
    statements.forget();
    here.send("GET", "/api/v1/me", Some(&access), None, None).await;
    ensure!(
        statements.counted().contains_key("check"),
        "statements are not logged where they are counted"
    );

    let (mut same, mut other) = (Vec::new(), Vec::new());
    for _ in 0..arguments.sessions {
        let [access, refresh, _] = here.enter("login", "ada@example.com").await?;
        ensure!(
            ask(&here, &access).await == StatusCode::OK
                && ask(&there, &access).await == StatusCode::OK,
            "a new session is let in"
        );
        let ended = here
            .send(
                "POST",
                "/api/v1/auth/logout",
                None,
                None,
                Some(json!({ "refresh_token": refresh })),
            )
            .await;
        ensure!(ended.status() == StatusCode::NO_CONTENT, "{}", json_of(&ended));
        let began = Instant::now();
        same.push(
            until(began, || async { ask(&here, &access).await == StatusCode::UNAUTHORIZED })
                .await?,
        );
        other.push(
            until(began, || async { ask(&there, &access).await == StatusCode::UNAUTHORIZED })
                .await?,
        );
    }
    let mut keys = Vec::new();
    for _ in 0..KEYS {
        keys.push(remove_the_key(&here, &there, &secret).await?);
    }

    for times in [&mut same, &mut other, &mut keys] {
        times.sort_unstable();
        let slowest = *times.last().context("nothing was revoked")?;
        ensure!(slowest <= ELSEWHERE, "a node took {slowest:?}");
    }

    // What was signed by a key that is gone has to be renewed.
    let renewed = here
        .send("POST", "/api/v1/auth/refresh", None, None, Some(json!({ "refresh_token": refresh })))
        .await;
    let access =
        json_of(&renewed)["access_token"].as_str().context("the session did not go on")?.to_owned();

    let cut = match &door {
        Some(door) => {
            door.shut();
            let began = Instant::now();
            let closed = until(began, || async {
                ask(&there, &access).await == StatusCode::SERVICE_UNAVAILABLE
            })
            .await?;
            // Half a minute since the feed was last heard, which was a moment before the cut; and
            // one for whoever counts.
            ensure!(
                closed <= CUT + Duration::from_secs(1),
                "without the feed it went on for {closed:?}"
            );
            ensure!(ask(&here, &access).await == StatusCode::OK, "the other node goes on");
            door.open();
            let began = Instant::now();
            let back =
                until(began, || async { ask(&there, &access).await == StatusCode::OK }).await?;
            json!({ "until_503_ms": millis(closed), "until_back_ms": millis(back) })
        }
        None => Value::Null,
    };
    let figures = json!({
        "database": here.kind,
        "calls": arguments.calls,
        "micros_per_call": micros(per_call),
        "statements": counted,
        "sessions": arguments.sessions,
        "same_node_ms": spread(&same),
        "other_node_ms": spread(&other),
        "keys": KEYS,
        "keys_ms": spread(&keys),
        "feed_cut": cut,
    });
    here.stop().await?;
    there.stop().await?;
    Ok(figures)
}

/// The key that signs is taken out of use, as by the command line in an emergency: how long either
/// node accepts what it has signed.
async fn remove_the_key(
    here: &Node,
    there: &Node,
    secret: &ServerSecret,
) -> anyhow::Result<Duration> {
    let [access, ..] = here.enter("login", "ada@example.com").await?;
    ensure!(
        ask(here, &access).await == StatusCode::OK && ask(there, &access).await == StatusCode::OK,
        "a new session is let in"
    );
    let keys = Keys::open(&here.store, secret, &Entropy::System, Clock::System.now()).await?;
    let signing = keys
        .list()
        .await?
        .into_iter()
        .find(|key| key.state == "signing")
        .context("no key signs")?;
    keys.remove(&signing.kid, Clock::System.now()).await?;
    let began = Instant::now();
    until(began, || async {
        ask(here, &access).await == StatusCode::UNAUTHORIZED
            && ask(there, &access).await == StatusCode::UNAUTHORIZED
    })
    .await
}

/// How long it takes until something is so.
async fn until<F: Future<Output = bool>>(
    began: Instant,
    is_so: impl Fn() -> F,
) -> anyhow::Result<Duration> {
    loop {
        if is_so().await {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < Duration::from_mins(1), "it does not come to that");
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
    json!({ "median": millis(sorted[sorted.len() / 2]), "longest": millis(sorted[sorted.len() - 1]) })
}

fn text(figures: &Value) -> String {
    let count = |label: &str| figures["statements"][label].as_u64().unwrap_or(0);
    let mut lines = vec![
        format!("{}, two nodes", figures["database"].as_str().unwrap_or_default()),
        format!(
            "    {} protected calls, {} µs each: {} statements for the check; beside them {} of the feed poll and {} of the batched confirmation",
            figures["calls"],
            figures["micros_per_call"],
            count("check"),
            count("feed poll"),
            count("confirmation")
        ),
        format!(
            "    revoked to refused, {} sessions, median and longest: {} and {} ms on the same node, {} and {} ms on the other",
            figures["sessions"],
            figures["same_node_ms"]["median"],
            figures["same_node_ms"]["longest"],
            figures["other_node_ms"]["median"],
            figures["other_node_ms"]["longest"]
        ),
    ];
    lines.push(format!(
        "    key removed to refused by both, {} keys, median and longest: {} and {} ms",
        figures["keys"], figures["keys_ms"]["median"], figures["keys_ms"]["longest"]
    ));
    if figures["feed_cut"].is_object() {
        lines.push(format!(
            "    feed cut: protected calls are answered 503 after {} ms, and served again {} ms after it is back",
            figures["feed_cut"]["until_503_ms"], figures["feed_cut"]["until_back_ms"]
        ));
    }
    lines.join("\n")
}

/// A node with a route that asks for nothing but that somebody is signed in.
async fn start(url: &str, secret: &ServerSecret) -> anyhow::Result<Node> {
    let hashing = Hashing { m: 64, t: 1, p: 1, threads: 1, queue: 64 };
    let guarded = |server: &Server| {
        Router::new()
            .route(GUARDED, get(async || "let in"))
            .route_layer(from_fn_with_state(server.clone(), signed_in_only))
    };
    Node::start(url, secret, Clock::System, RateLimits::off(), hashing, guarded).await
}

/// What is said to a protected call.
async fn ask(node: &Node, access: &str) -> StatusCode {
    node.send("GET", GUARDED, Some(access), None, None).await.status()
}

/// What stands between a node and its database, and can be shut: connections are broken then, and
/// new ones refused.
struct Door {
    url: String,
    open: watch::Sender<bool>,
}

impl Door {
    async fn to(database: &str) -> anyhow::Result<Self> {
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

    fn shut(&self) {
        self.open.send_replace(false);
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

/// Counts the statements that sqlx logs, by what they are for.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Statements {
    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn counted(&self) -> BTreeMap<&'static str, u64> {
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

/// What a statement is for, by how it begins. What the background work does is known; everything
/// else is the check's.
fn purpose(statement: &str) -> &'static str {
    let begins = |start: &str| statement.starts_with(start);
    if begins("SELECT number, kind, subject") || begins("SELECT head FROM feed_head") {
        "feed poll"
    } else if begins("UPDATE sessions SET confirmed")
        || ["BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"].iter().any(|word| begins(word))
    {
        "confirmation"
    } else if begins("DELETE FROM")
        || begins("SELECT COUNT(*) FROM limits")
        || begins("SELECT delete_at, id FROM users")
    {
        "retention"
    } else if begins("PRAGMA") || begins("SET statement_timeout") {
        "new connection"
    } else if begins("UPDATE signing_keys") || begins("SELECT kid") {
        "keys"
    } else {
        "check"
    }
}

struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        // The whole statement, where the summary had to be cut.
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
