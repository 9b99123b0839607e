//! Measures what retention costs other writers: `script/retention` explains it.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use countersign_core::{
    Auth, Client, Clock, Entropy, Hashing, Policy, Presented, RateLimits, ServerSecret, Store,
    flow::Parts, store::Seed, testing::FreshDatabase,
};
use countersign_types::{
    Span,
    form::{Rename, SignUp},
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
/// Writers that go on all the time, each with a pause between two writes.
const WRITERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
/// Rows are made so many at a time.
const CHUNK: i64 = 25_000;
/// How long they write without retention, for comparison.
const CALM: Duration = Duration::from_secs(5);
/// By so much the 99th percentile of their writes may rise.
const MOST: Duration = Duration::from_millis(60);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let rows = std::env::args().nth(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    println!("{rows} rows that are due, {WRITERS} writers; milliseconds");
    println!("database   rows/s   calm p50   p99   max   with retention p50   p99   max");
    let mut kept = true;
    for database in [FreshDatabase::sqlite(), FreshDatabase::postgres().await] {
        kept &= measure(&database, rows).await?;
    }
    if kept {
        Ok(())
    } else {
        Err(format!("the 99th percentile rose by more than {} ms", MOST.as_millis()).into())
    }
}

async fn measure(database: &FreshDatabase, rows: i64) -> Result<bool> {
    let (store, clock) = (Store::open(&database.url).await?, Clock::System);
    let hashing = Hashing { m: 64, t: 1, p: 1, threads: 2, queue: 64 };
    let policy = Policy { limits: RateLimits::off(), ..Policy::new("https://countersign.example") };
    let secret = ServerSecret::generate(&Entropy::System)?;
    let auth = Auth::start(Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: Entropy::System,
        secret,
        policy,
        hashing,
    })
    .await?;
    let mut tokens = Vec::new();
    let mut user = None;
    for number in 0..WRITERS {
        let form = SignUp {
            email: format!("user{number}@example.com"),
            password: PASSWORD.into(),
            ..SignUp::default()
        };
        let (_, issued) = auth.sign_up(&Client::default(), &form, None).await?;
        user = Some(issued.account.id);
        tokens.push(issued.access.token);
    }
    let (user, old) = (user.ok_or("no user")?, clock.now() - Span::days(500));
    // Half of them counts of limits, the rest sessions and events in equal parts.
    for (seed, share) in
        [(Seed::Limits, rows / 2), (Seed::RevokedSessions, rows / 4), (Seed::Events, rows / 4)]
    {
        // No statement may take long.
        for _ in 0..share.div_euclid(CHUNK).max(1) {
            let mut tx = store.write().await?;
            tx.seed(seed, user, share.min(CHUNK), old).await?;
            tx.commit().await?;
        }
    }
    auth.listen().await?;

    let calm = written(&auth, &tokens, sleep(CALM)).await?;
    let began = Instant::now();
    let busy = written(&auth, &tokens, async { auth.retain().await.map_err(Into::into) }).await?;
    let took = began.elapsed();
    let left: i64 = store.read().await?.count_rows("limits").await?
        + store.read().await?.count_rows("sessions").await?;
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

/// How long each write took while `work` went on, in milliseconds, sorted.
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
                    let me = auth.signed_in(&Client::default(), Presented::Bearer(&token)).await?;
                    me.rename(&Rename { name, tag: String::new() }).await?;
                    latencies.push(began.elapsed().as_secs_f64() * 1000.0);
                    // So that the node knows what is revoked.
                    if latencies.len() % 50 == 0 {
                        auth.listen().await?;
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

/// What the work beside the writers came to.
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

/// Of a sorted list that is not empty.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}
