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
use auth::{Auth, Clock, Entropy, flow::Parts};
use contract::Span;
use std::{future::Future, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// So long the requests that are being answered may take once we are told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until the process is told to stop (SIGTERM or SIGINT).
pub async fn serve(config: Config, clock: Clock, entropy: Entropy) -> anyhow::Result<()> {
    let tls = config.tls.clone().map(Tls::open).transpose()?;
    let Opened { store, secret, is_new, older_secret } = database::open(&config, &entropy).await?;
    let auth = Auth::start(Parts { store: store.clone(), clock, entropy, secret, policy: config.policy.clone(), hashing: config.hashing }).await?;
    let worker = auth.work();
    let listener = TcpListener::bind(config.http.listen)
        .await
        .with_context(|| format!("{} cannot be listened on: choose another with LEPTOS_SITE_ADDR", config.http.listen))?;
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
            setting = "LATCHKEY_PUBLIC_URL",
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
        // Not for the log: whoever reads it there could come first. In one piece: others write to the same place.
        let text = format!(
            "Nobody is an administrator yet. Whoever signs up here within an hour is the first:\n    {}/signup?invite={invite}\n",
            config.http.origin()
        );
        logs::write_to_stderr(text, Duration::ZERO);
    }
    let server = Server::new(auth, &config.http, &config.site);
    let door = Door { listener, tls: tls.clone(), app: router(server.clone()), proxies: server.trusted_proxies.clone(), keep_alive: duration(config.http.keep_alive) };
    let (stopping, told) = watch::channel(false);
    let stop = stop_signal()?;
    let drained = door.serve(async move {
        stop.await;
        tracing::info!("stopping");
        // Whoever spreads the load sends us nothing more.
        server.stop();
        let _nobody_waits = stopping.send(true);
    });
    tokio::select! {
        () = in_time(drained, told) => {}
        () = follow(tls) => {}
    }
    worker.stop().await?;
    store.close().await;
    Ok(())
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or_default())
}

async fn follow(tls: Option<Tls>) {
    match tls {
        Some(tls) => tls.follow().await,
        None => std::future::pending().await,
    }
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits until everything is `drained`; once we are told to stop, no longer than [`DRAIN`].
async fn in_time(drained: impl Future<Output = ()>, told: watch::Receiver<bool>) {
    tokio::select! {
        () = drained => {}
        () = too_long(told) => tracing::warn!("some requests took too long and were cut off"),
    }
}

async fn too_long(mut told: watch::Receiver<bool>) {
    // Closed without having been told: the server has ended by itself, and the other branch says how.
    if told.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(DRAIN).await;
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
        let (early, late, never) = (waited(sleep(HOUR / 2)).await, waited(sleep(HOUR + DRAIN / 2)).await, waited(pending()).await);
        assert!((HOUR / 2..HOUR).contains(&early), "{early:?}");
        assert!((HOUR + DRAIN / 2..HOUR + DRAIN).contains(&late), "{late:?}");
        assert!((HOUR + DRAIN..HOUR + DRAIN + SECOND).contains(&never), "{never:?}");
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
