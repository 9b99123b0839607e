//! Measures the effect of retention on other writers, for `script/retention-latency`.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, Policy, PresentedCredential, RandomSource, RateLimits,
    RequestContext, ServerSecret, Store, store::Seed, testing::TestDatabase, testing::tokens_of,
};
use countersign_types::{
    TimeSpan,
    forms::{SignUpForm, UpdateProfileForm},
};
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};

const PASSWORD: &str = "correct horse battery";
/// Number of concurrent writers, and the pause between two writes of each.
const WRITERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
/// Rows inserted by one statement.
const CHUNK: i64 = 25_000;
/// Duration of the measurement without retention, for comparison.
const CALM: Duration = Duration::from_secs(5);
/// Maximum increase of the 99th percentile.
const MOST: Duration = Duration::from_millis(60);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let rows = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    println!("{rows} rows that are due, {WRITERS} writers; milliseconds");
    println!("database   rows/s   calm p50   p99   max   with retention p50   p99   max");
    let mut kept = true;
    for database in [TestDatabase::sqlite(), TestDatabase::postgres().await] {
        kept &= measure(&database, rows).await?;
    }
    if kept {
        Ok(())
    } else {
        Err(format!("the 99th percentile rose by more than {} ms", MOST.as_millis()).into())
    }
}

async fn measure(database: &TestDatabase, rows: i64) -> Result<bool> {
    let (store, clock) = (Store::open(&database.url).await?, Clock::System);
    let hashing = HashingConfig {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
        threads: 2,
        queue_capacity: 64,
    };
    let policy = Policy { limits: RateLimits::off(), ..Policy::new("https://countersign.example") };
    let secret = ServerSecret::generate(&RandomSource::System)?;
    let auth = Auth::start(AuthConfig {
        store: store.clone(),
        clock: clock.clone(),
        random: RandomSource::System,
        secret,
        policy,
        hashing,
        mail: None,
    })
    .await?;
    let mut tokens = Vec::new();
    let mut user = None;
    for number in 0..WRITERS {
        let form = SignUpForm {
            email: format!("user{number}@example.com"),
            password: PASSWORD.into(),
            ..SignUpForm::default()
        };
        let issued = auth.sign_up(&RequestContext::default(), &form, None).await.map(tokens_of)?;
        user = Some(issued.account.id);
        tokens.push(issued.access.token);
    }
    let (user, old) = (user.ok_or("no user")?, clock.now() - TimeSpan::days(500));
    // Half of them are rate limit counters, the rest sessions and events in equal parts.
    for (seed, share) in
        [(Seed::Limits, rows / 2), (Seed::RevokedSessions, rows / 4), (Seed::Events, rows / 4)]
    {
        // Limits the duration of each statement.
        for _ in 0..share.div_euclid(CHUNK).max(1) {
            let mut tx = store.write().await?;
            tx.seed(seed, user, share.min(CHUNK), old).await?;
            tx.commit().await?;
        }
    }
    auth.sync_feed().await?;

    let calm = written(&auth, &tokens, sleep(CALM)).await?;
    let began = Instant::now();
    let busy =
        written(&auth, &tokens, async { auth.run_retention().await.map_err(Into::into) }).await?;
    let took = began.elapsed();
    let left: i64 = store.read().await?.count_rows("csgn_rate_limits").await?
        + store.read().await?.count_rows("csgn_sessions").await?;
    if left > 2 * i64::try_from(WRITERS)? {
        return Err(format!("{left} rows are left").into());
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let per_second = rows as f64 / took.as_secs_f64();
    let [one, two] = [&calm, &busy].map(|latencies| {
        [percentile(latencies, 50), percentile(latencies, 99), percentile(latencies, 100)]
    });
    println!(
        "{:<10} {per_second:>6.0} {:>10.1} {:>5.1} {:>5.1} {:>20.1} {:>5.1} {:>5.1}",
        store.kind(),
        one[0],
        one[1],
        one[2],
        two[0],
        two[1],
        two[2]
    );
    store.close().await;
    Ok(two[1] - one[1] <= MOST.as_secs_f64() * 1000.0)
}

/// Runs `work` and returns the latency of each concurrent write in milliseconds, sorted.
async fn written<T: Into<Outcome>>(
    auth: &Auth,
    tokens: &[String],
    work: impl Future<Output = T>,
) -> Result<Vec<f64>> {
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = tokens
        .iter()
        .map(|token| {
            let (auth, token, over) = (auth.clone(), token.clone(), over.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let name = format!("Ada {}", latencies.len());
                    let began = Instant::now();
                    let me = auth
                        .signed_in(&RequestContext::default(), PresentedCredential::Bearer(&token))
                        .await?;
                    me.update_display_name(&UpdateProfileForm { name }).await?;
                    latencies.push(began.elapsed().as_secs_f64() * 1000.0);
                    // Keeps the change feed fresh.
                    if latencies.len() % 50 == 0 {
                        auth.sync_feed().await?;
                    }
                    sleep(PAUSE).await;
                }
                Ok::<_, countersign_core::Error>(latencies)
            })
        })
        .collect();
    let outcome = work.await.into();
    over.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for writer in writers {
        latencies.extend(writer.await??);
    }
    latencies.sort_by(f64::total_cmp);
    outcome.0.map(|()| latencies)
}

/// The result of the work.
struct Outcome(Result<()>);

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self(Ok(()))
    }
}

impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        Self(result)
    }
}

/// Returns a percentile of a sorted list.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}
