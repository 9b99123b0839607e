//! Runs the server: startup, serving, graceful shutdown.

use crate::{
    AppState,
    config::{Config, Site},
    database::{self, Opened},
    http_server::HttpServer,
    logging,
    router::router,
    tls::Tls,
};
use anyhow::Context;
use countersign_core::{Auth, AuthConfig, Clock, RandomSource};
use countersign_types::TimeSpan;
use std::{future::Future, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Maximum time for requests in progress to complete after new connections are refused. Together
/// with the default delay before that, and the final writes, shutdown takes less than the 10
/// seconds that `docker stop` waits.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(6);
/// Maximum time to close the database connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until the process receives SIGTERM or SIGHUP, or SIGINT, which skips the delay of
/// `COUNTERSIGN_SHUTDOWN_DELAY`.
pub async fn serve(config: Config, clock: Clock, random: RandomSource) -> anyhow::Result<()> {
    let site = config.site();
    serve_site(config, site, String::new(), clock, random).await
}

/// Serves this site. `announcement` is printed to standard error once the server listens.
pub(crate) async fn serve_site(
    config: Config,
    site: Site,
    announcement: String,
    clock: Clock,
    random: RandomSource,
) -> anyhow::Result<()> {
    let tls = config.tls().map(Tls::open).transpose()?;
    let Opened { store, secret, is_new, older_secret } = database::open(&config, &random).await?;
    let (http, hashing) = (config.http(), config.hashing());
    let auth = Auth::start(AuthConfig {
        store: store.clone(),
        clock,
        random,
        secret,
        policy: config.policy(),
        hashing,
        mail: config.mail(),
    })
    .await?;
    let worker = auth.start_background_tasks();
    let certificates =
        tls.clone().map(|tls| auth.background().spawn("tls", move || tls.clone().watch()));
    let listener = TcpListener::bind(config.address).await.with_context(|| {
        format!("cannot listen on {}; set another address with LEPTOS_SITE_ADDR", config.address)
    })?;
    tracing::info!(
        address = %config.address,
        url = http.origin(),
        database = store.kind(),
        hash.threads = hashing.threads,
        hash.mib = hashing.threads * (hashing.memory_kib as usize) / 1024,
        "listening"
    );

    if config.is_local_by_name_only() {
        tracing::warn!(
            listen = %config.address,
            public_url = http.origin(),
            setting = "COUNTERSIGN_PUBLIC_URL",
            hint = "set it to the URL that users open: forms sent from any other URL are rejected",
            "public URL is localhost only"
        );
    }
    if let Some(file) = older_secret.filter(|_| is_new) {
        tracing::warn!(
            database = %config.database,
            secret = file,
            "new database, older server secret"
        );
        let text = format!(
            "Warning: the database {} is new and has no accounts, but the server secret in \
             {file} already existed.\n\
             If this server had accounts, stop it now and restore the database: see \
             docs/guides/backup.md.\n",
            config.database
        );
        logging::write_to_stderr(text, Duration::ZERO);
    }
    if let Some(token) = auth.issue_setup_token().await? {
        // Not logged: anyone who can read the log could use the token. Written in one piece,
        // because other writers share standard error.
        let text = format!(
            "There is no administrator yet. Sign up here within an hour to become the first one:\n\
             \x20   {}/link?token={token}\n",
            http.origin()
        );
        logging::write_to_stderr(text, Duration::ZERO);
    }
    if !announcement.is_empty() {
        logging::write_to_stderr(announcement, Duration::ZERO);
    }
    let server = AppState::new(auth, &http, &site);
    let http_server = HttpServer {
        listener,
        tls,
        app: router(server.clone()),
        proxies: server.http().trusted_proxies().into(),
        keep_alive: duration(config.keep_alive),
    };
    let (stopping, stop_requested) = watch::channel(false);
    let (mut signals, delay) = (Signals::new()?, duration(config.shutdown_delay));
    let drained = http_server.serve(async move {
        let delay = if signals.next().await == Stop::Now { Duration::ZERO } else { delay };
        tracing::info!(delay.seconds = delay.as_secs(), "stopping");
        // A load balancer that polls `/readyz` stops sending requests; until it notices, requests
        // are still served. A second signal ends the delay.
        server.http().stop();
        let _ = tokio::time::timeout(delay, signals.next()).await;
        let _ = stopping.send(true); // Fails if the server has already stopped.
    });
    drain(drained, stop_requested).await;
    drop(certificates);
    worker.stop().await?;
    // A request that was aborted by the drain timeout may still hold a connection.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, store.close()).await;
    Ok(())
}

fn duration(span: TimeSpan) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or_default())
}

/// How urgent the shutdown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// After the delay: SIGTERM, or SIGHUP when a terminal is closed.
    Soon,
    /// Without the delay: SIGINT, from a keyboard.
    Now,
}

/// The signals that start a graceful shutdown.
pub(crate) struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Now,
            _ = self.terminate.recv() => Stop::Soon,
            _ = self.hang_up.recv() => Stop::Soon,
        }
    }
}

/// Waits for `drained`. Once a stop is requested, it waits for at most [`DRAIN_TIMEOUT`].
async fn drain(drained: impl Future<Output = ()>, stop_requested: watch::Receiver<bool>) {
    tokio::select! {
        () = drained => {}
        () = drain_deadline(stop_requested) => tracing::warn!("requests aborted by drain timeout"),
    }
}

async fn drain_deadline(mut stop_requested: watch::Receiver<bool>) {
    // The sender was dropped without a stop request: the server has ended by itself, which the
    // other branch handles.
    if stop_requested.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(DRAIN_TIMEOUT).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::{Instant, sleep};

    const HOUR: Duration = Duration::from_hours(1);
    const SECOND: Duration = Duration::from_secs(1);

    /// Returns how long `drain` waits for `drained` if the stop is requested after one hour.
    async fn waited(drained: impl Future<Output = ()>) -> Duration {
        let (stopping, stop_requested) = watch::channel(false);
        let began = Instant::now();
        tokio::spawn(async move {
            sleep(HOUR).await;
            stopping.send_replace(true);
        });
        drain(drained, stop_requested).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn drain_after_stop_waits_no_longer_than_its_timeout() {
        let (early, late, never) = (
            waited(sleep(HOUR / 2)).await,
            waited(sleep(HOUR + DRAIN_TIMEOUT / 2)).await,
            waited(pending()).await,
        );
        assert!((HOUR / 2..HOUR).contains(&early), "{early:?}");
        assert!((HOUR + DRAIN_TIMEOUT / 2..HOUR + DRAIN_TIMEOUT).contains(&late), "{late:?}");
        assert!(
            (HOUR + DRAIN_TIMEOUT..HOUR + DRAIN_TIMEOUT + SECOND).contains(&never),
            "{never:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn drain_without_stop_has_no_timeout() {
        let (stopping, stop_requested) = watch::channel(false);
        drop(stopping);
        let began = Instant::now();
        drain(sleep(HOUR), stop_requested).await;
        assert!(began.elapsed() >= HOUR);
    }
}
