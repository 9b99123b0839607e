//! Measures how soon revoked tokens are rejected, and the cost of that check.
//!
//! Two nodes share a database. Requests go through their whole HTTP stack, but without a socket. On
//! PostgreSQL the second node can be disconnected: it reaches the database through a TCP proxy,
//! which can be closed. Database statements are counted from the log of sqlx.

mod statements;
mod tcp_proxy;

use crate::{
    api::{ApiRequest, PASSWORD, Tokens, Transport},
    database::DatabaseKind,
    in_process_server::{InProcessServer, URL},
    latencies::{Latencies, millis},
    output::{Output, Progress},
    report::{DatabaseReport, Measurement},
};
use anyhow::{Context, ensure};
use axum::{Router, middleware::from_fn_with_state, routing::get};
use clap::Args;
use countersign::AppState;
use countersign_core::{
    Clock, HashingConfig, Policy, RandomSource, RateLimits, ServerSecret, keys::KeyAdmin,
};
use countersign_http::extract::require_access_token;
use http::StatusCode;
use statements::{CHECK, Statements};
use std::time::Duration;
use tcp_proxy::TcpProxy;
use tokio::time::{Instant, sleep};

/// A route that requires an access token only.
const PROTECTED_PATH: &str = "/api/v1/guarded";
const EMAIL: &str = "ada@example.com";
/// The guarantees: revocations take effect on other nodes within a second, and 30 s after the loss
/// of the change feed a node rejects all access tokens.
const MAX_LATENCY: Duration = Duration::from_secs(1);
const MAX_STALENESS: Duration = Duration::from_secs(30);
/// The staleness counts from the last poll of the feed, which was shortly before the disconnection.
const STALENESS_TOLERANCE: Duration = Duration::from_secs(1);
/// Maximum time to wait for a change.
const CHANGE_TIMEOUT: Duration = Duration::from_mins(1);
/// Number of signing keys to remove.
const REMOVED_KEYS: u32 = 5;

/// Measure how soon revoked tokens are rejected, and count the database queries of the check.
///
/// Fails if a revocation takes effect later than guaranteed, or if the check of a token causes a
/// query. `PostgreSQL` is that of `TEST_POSTGRES_URL`.
#[derive(Args)]
pub(crate) struct Arguments {
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
}

/// Two nodes on one database.
struct Nodes {
    first: InProcessServer,
    second: InProcessServer,
    secret: ServerSecret,
}

pub(crate) async fn run(
    arguments: &Arguments,
    database: DatabaseKind,
    output: &Output,
) -> anyhow::Result<DatabaseReport> {
    let statements = Statements::start();
    let test_database = database.create().await;
    let proxy = if database == DatabaseKind::Postgres && !arguments.no_cut {
        Some(TcpProxy::start(&test_database.url).await?)
    } else {
        None
    };
    let secret = ServerSecret::generate(&RandomSource::System)?;
    let first = start_node(&test_database.url, &secret).await?;
    let second_url = proxy.as_ref().map_or(&test_database.url, |proxy| &proxy.url);
    let nodes = Nodes { first, second: start_node(second_url, &secret).await?, secret };

    let mut report = DatabaseReport::new(database);
    report.set("nodes", &2);
    report.set("calls", &arguments.calls);
    report.set("sessions", &arguments.sessions);
    report.set("removed keys", &REMOVED_KEYS);
    let (_, tokens) = nodes.first.sign_in(ApiRequest::sign_up(EMAIL, Transport::Body)).await?;
    let progress = output.start_progress("authenticated requests", arguments.calls.into());
    let access = &tokens.access_token;
    nodes.count_statements(access, arguments.calls, &statements, &progress, &mut report).await?;
    drop(progress);

    let progress = output.start_progress("revoked sessions", arguments.sessions.into());
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for _ in 0..arguments.sessions {
        let times = nodes.revoke_session().await?;
        same.push(times[0]);
        other.push(times[1]);
        progress.advance();
    }
    drop(progress);
    let progress = output.start_progress("removed keys", REMOVED_KEYS.into());
    let mut keys = Vec::new();
    for _ in 0..REMOVED_KEYS {
        keys.push(nodes.remove_signing_key().await?);
        progress.advance();
    }
    drop(progress);
    for (name, times) in [
        ("revocation of a session, same node", same),
        ("revocation of a session, other node", other),
        ("removal of a signing key, both nodes", keys),
    ] {
        let latencies = Measurement::latencies(name, &Latencies::new(times));
        report.add(latencies.at_most(millis(MAX_LATENCY)));
    }

    if let Some(proxy) = &proxy {
        // Access tokens of a removed key must be refreshed.
        let refreshed = nodes.first.send(ApiRequest::refresh(&tokens.refresh_token)).await;
        let tokens = refreshed.tokens().context("the session did not continue")?;
        let seconds = (MAX_STALENESS + STALENESS_TOLERANCE).as_secs();
        let progress = output.start_progress("seconds without the change feed", seconds);
        nodes.cut_feed(proxy, &tokens.access_token, &progress, &mut report).await?;
    }
    nodes.first.stop().await?;
    nodes.second.stop().await?;
    Ok(report)
}

impl Nodes {
    /// Sends authenticated requests, and counts the statements that they cause.
    async fn count_statements(
        &self,
        access: &str,
        calls: u32,
        statements: &Statements,
        progress: &Progress<'_>,
        report: &mut DatabaseReport,
    ) -> anyhow::Result<()> {
        self.ensure_accepted(access).await?;
        statements.clear();
        let mut times = Vec::new();
        for _ in 0..calls {
            let began = Instant::now();
            ensure!(
                responds_with(&self.first, access, StatusCode::OK).await,
                "a request was rejected"
            );
            times.push(began.elapsed());
            progress.advance();
            // Leaves time for the background tasks.
            sleep(Duration::from_millis(2)).await;
        }
        report.add(Measurement::latencies("authenticated request", &Latencies::new(times)));
        let checks = statements.count(CHECK);
        report.add(Measurement::count("statements for the check", checks).at_most(0.0));
        let others = statements.counts().into_iter().filter(|(purpose, _)| *purpose != CHECK);
        report.add(Measurement::counts("statements of background tasks", "", others));

        // Checks that statements are counted at all.
        statements.clear();
        self.first.send(ApiRequest::me(access)).await;
        ensure!(statements.count(CHECK) > 0, "statements are not counted");
        Ok(())
    }

    /// Fails unless both nodes accept the access token.
    async fn ensure_accepted(&self, access: &str) -> anyhow::Result<()> {
        for node in [&self.first, &self.second] {
            ensure!(
                responds_with(node, access, StatusCode::OK).await,
                "a node rejects a valid access token"
            );
        }
        Ok(())
    }

    /// Logs in on the first node. Returns the tokens, which both nodes accept.
    async fn log_in(&self) -> anyhow::Result<Tokens> {
        let request = ApiRequest::log_in(EMAIL, PASSWORD, Transport::Body);
        let (_, tokens) = self.first.sign_in(request).await?;
        self.ensure_accepted(&tokens.access_token).await?;
        Ok(tokens)
    }

    /// Revokes a session on the first node. Returns how long each node still accepts its tokens.
    async fn revoke_session(&self) -> anyhow::Result<[Duration; 2]> {
        let tokens = self.log_in().await?;
        let ended = self.first.send(ApiRequest::log_out(&tokens.refresh_token)).await;
        ensure!(ended.status == StatusCode::NO_CONTENT, "{}", ended.json());
        let (began, rejected) = (Instant::now(), StatusCode::UNAUTHORIZED);
        Ok([
            time_until(began, &self.first, &tokens.access_token, rejected).await?,
            time_until(began, &self.second, &tokens.access_token, rejected).await?,
        ])
    }

    /// Removes the signing key. Returns how long the nodes still accept its tokens.
    async fn remove_signing_key(&self) -> anyhow::Result<Duration> {
        let tokens = self.log_in().await?;
        let (random, now) = (RandomSource::System, Clock::System.now());
        let keys = KeyAdmin::open(&self.first.store, &self.secret, &random, now).await?;
        let list = keys.list().await?;
        let signing = list.into_iter().find(|key| key.state == "signing");
        keys.remove(&signing.context("no signing key")?.kid, Clock::System.now()).await?;
        let (began, rejected) = (Instant::now(), StatusCode::UNAUTHORIZED);
        time_until(began, &self.first, &tokens.access_token, rejected).await?;
        time_until(began, &self.second, &tokens.access_token, rejected).await
    }

    /// Disconnects the second node from the database until it rejects requests, and connects it
    /// again.
    async fn cut_feed(
        &self,
        proxy: &TcpProxy,
        access: &str,
        progress: &Progress<'_>,
        report: &mut DatabaseReport,
    ) -> anyhow::Result<()> {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        proxy.close();
        let began = Instant::now();
        let closing = time_until(began, &self.second, access, unavailable);
        let show_progress = async {
            loop {
                progress.set(began.elapsed().as_secs(), "");
                sleep(Duration::from_millis(500)).await;
            }
        };
        let closed = tokio::select! {
            closed = closing => closed?,
            () = show_progress => unreachable!("it does not end"),
        };
        report.add(
            Measurement::millis("without the change feed: time until 503", closed)
                .at_most(millis(MAX_STALENESS + STALENESS_TOLERANCE)),
        );
        ensure!(
            responds_with(&self.first, access, StatusCode::OK).await,
            "the first node rejects requests, too"
        );
        proxy.open();
        let back = time_until(Instant::now(), &self.second, access, StatusCode::OK).await?;
        report.add(Measurement::millis("with the change feed again: time until 200", back));
        Ok(())
    }
}

/// Returns whether a request to the protected route gets this status.
async fn responds_with(node: &InProcessServer, access: &str, status: StatusCode) -> bool {
    node.send(ApiRequest::get(PROTECTED_PATH).with_bearer(access)).await.status == status
}

/// Returns the time until the protected route responds with this status.
async fn time_until(
    began: Instant,
    node: &InProcessServer,
    access: &str,
    status: StatusCode,
) -> anyhow::Result<Duration> {
    while !responds_with(node, access, status).await {
        ensure!(began.elapsed() < CHANGE_TIMEOUT, "no {status} in time");
        sleep(Duration::from_millis(1)).await;
    }
    Ok(began.elapsed())
}

/// Starts a node with a protected route.
async fn start_node(url: &str, secret: &ServerSecret) -> anyhow::Result<InProcessServer> {
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
    let policy = Policy { limits: RateLimits::off(), ..Policy::new(URL) };
    InProcessServer::start(url, secret, Clock::System, policy, hashing, protected_route).await
}
