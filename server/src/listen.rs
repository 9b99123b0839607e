//! From a configuration to a server that serves, and back to nothing: start, run, drain.

use crate::{
    accept::Door,
    config::Config,
    database::{self, Opened},
    logs,
    router::{Server, router},
    tls::Tls,
};
use anyhow::Context;
use countersign_core::{Auth, Clock, Entropy, flow::Parts};
use countersign_types::Span;
use std::{future::Future, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// How long requests that are under way may take once connections are refused. With the default
/// delay before that, and what is left to be written afterwards, the end comes within the 10
/// seconds that `docker stop` waits.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(6);
/// And for the connections to the database.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until the process is told to stop: by SIGTERM or SIGHUP, or, without the delay of
/// `COUNTERSIGN_SHUTDOWN_DELAY`, by SIGINT.
pub async fn serve(config: Config, clock: Clock, entropy: Entropy) -> anyhow::Result<()> {
    let tls = config.tls.clone().map(Tls::open).transpose()?;
    let Opened { store, secret, is_new, older_secret } = database::open(&config, &entropy).await?;
    let auth = Auth::start(Parts {
        store: store.clone(),
        clock,
        entropy,
        secret,
        policy: config.policy.clone(),
        hashing: config.hashing,
    })
    .await?;
    let worker = auth.work();
    let certificates =
        tls.clone().map(|tls| auth.background().spawn("tls", move || tls.clone().follow()));
    let listener = TcpListener::bind(config.http.listen).await.with_context(|| {
        format!(
            "{} cannot be listened on: choose another with LEPTOS_SITE_ADDR",
            config.http.listen
        )
    })?;
    tracing::info!(
        address = %config.http.listen,
        url = config.http.origin(),
        database = store.kind(),
        hash.threads = config.hashing.threads,
        hash.mib = config.hashing.threads * (config.hashing.m as usize) / 1024,
        "serving; {} hashing threads hold {} MiB: however many log in, memory stays within {} MiB above what it is at rest",
        config.hashing.threads,
        config.hashing.threads * (config.hashing.m as usize) / 1024,
        config.hashing.threads * (config.hashing.m as usize) / 1024 + 16,
    );

    if config.http.is_local_by_name_only() {
        tracing::warn!(
            listen = %config.http.listen,
            public_url = config.http.origin(),
            setting = "COUNTERSIGN_PUBLIC_URL",
            cure = "set it to the address that people use: forms that are sent from any other one are refused",
            "public URL is localhost only"
        );
    }
    if let Some(file) = older_secret.filter(|_| is_new) {
        tracing::warn!(database = %config.database, secret = file, "new database, older server secret");
        let text = format!(
            "Warning: the database {} is new and has no accounts, but the server secret in {file} was there before.\n\
             If this server had accounts, stop it now and restore the database (README, Backup).\n",
            config.database
        );
        logs::write_to_stderr(text, Duration::ZERO);
    }
    if let Some(invite) = auth.first_admin_invite().await? {
        // Not for the log: whoever reads it there could come first. In one piece: others write to
        // the same place.
        let text = format!(
            "Nobody is an administrator yet. Whoever signs up here within an hour is the first:\n    {}/signup?invite={invite}\n",
            config.http.origin()
        );
        logs::write_to_stderr(text, Duration::ZERO);
    }
    let server = Server::new(auth, &config.http, &config.site);
    let door = Door {
        listener,
        tls,
        app: router(server.clone()),
        proxies: server.trusted_proxies.clone(),
        keep_alive: duration(config.http.keep_alive),
    };
    let (stopping, told) = watch::channel(false);
    let (mut signals, delay) = (Signals::new()?, duration(config.http.shutdown_delay));
    let drained = door.serve(async move {
        let delay = if signals.next().await == Stop::Now { Duration::ZERO } else { delay };
        tracing::info!(delay.seconds = delay.as_secs(), "stopping");
        // A load balancer that asks `/readyz` sends nothing more; until it has asked, we still
        // serve. Told again, we wait no longer.
        server.stop();
        let _told_again = tokio::time::timeout(delay, signals.next()).await;
        let _nobody_waits = stopping.send(true);
    });
    in_time(drained, told).await;
    drop(certificates);
    worker.stop().await?;
    // A request that the drain has cut off may still hold a connection.
    let _closed = tokio::time::timeout(CLOSE_TIMEOUT, store.close()).await;
    Ok(())
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or_default())
}

/// How urgent the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// After the delay: SIGTERM, or SIGHUP when a terminal is closed.
    Soon,
    /// Without it: SIGINT, from a keyboard.
    Now,
}

/// The signals that end the process in good order.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Now,
            _ = self.terminate.recv() => Stop::Soon,
            _ = self.hang_up.recv() => Stop::Soon,
        }
    }
}

/// Waits until everything is `drained`; once we are told to stop, no longer than [`DRAIN_TIMEOUT`].
async fn in_time(drained: impl Future<Output = ()>, told: watch::Receiver<bool>) {
    tokio::select! {
        () = drained => {}
        () = too_long(told) => tracing::warn!("some requests took too long and were cut off"),
    }
}

async fn too_long(mut told: watch::Receiver<bool>) {
    // Closed without having been told: the server has ended by itself, and the other branch says
    // how.
    if told.wait_for(|stopping| *stopping).await.is_err() {
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

    /// How long is waited for `drained` by a server that is told to stop after an hour.
    async fn waited(drained: impl Future<Output = ()>) -> Duration {
        let (stopping, told) = watch::channel(false);
        let began = Instant::now();
        tokio::spawn(async move {
            sleep(HOUR).await;
            stopping.send_replace(true);
        });
        in_time(drained, told).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn told_to_stop_it_waits_for_what_is_under_way_and_no_longer_than_it_should() {
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
    async fn a_server_that_is_told_nothing_has_all_the_time_that_it_takes() {
        let (stopping, told) = watch::channel(false);
        drop(stopping);
        let began = Instant::now();
        in_time(sleep(HOUR), told).await;
        assert!(began.elapsed() >= HOUR);
    }
}
