//! Whether the time that a refused log-in takes tells why it was refused: `script/alike` runs this.
//!
//! No threshold in milliseconds: samples of each reason are taken in turns, and two reasons are
//! alike when a guess by the time alone is right about as often as a coin. That is the area under
//! the ROC curve (the chance that a sample of one is longer than a sample of the other), which is
//! 0.5 for a coin; of 200 samples each it strays from that by 0.03 on average.

mod node;

use anyhow::{Context, ensure};
use axum::{
    Router,
    http::{HeaderMap, Response, StatusCode},
};
use clap::Parser;
use countersign_core::{Clock, Entropy, Hashing, RateLimits, ServerSecret, testing::FreshDatabase};
use countersign_types::{Span, UserId};
use node::{Node, PASSWORD};
use serde_json::{Value, json};
use std::io::Write;
use tokio::time::Instant;

/// Half of what a guess may be better or worse than a coin, and by how much medians may differ.
const COIN: f64 = 0.5;
const AROUND: f64 = 0.1;
const MEDIANS: f64 = 0.1;
/// Headers that differ between any two answers.
const OF_EACH: [&str; 2] = ["x-request-id", "retry-after"];

/// Measures whether refused log-ins of different reasons can be told apart by the time that they
/// take.
#[derive(Parser)]
struct Arguments {
    /// So many samples of each reason.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    samples: u32,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// A reason to be refused: whom it concerns, and what they send.
struct Reason {
    name: &'static str,
    email: String,
    password: &'static str,
}

impl Reason {
    fn new(name: &'static str, email: &str, password: &'static str) -> Self {
        Self { name, email: email.to_owned(), password }
    }
}

/// What was measured of two reasons.
struct Comparison {
    names: [&'static str; 2],
    medians: [f64; 2],
    area: f64,
}

impl Comparison {
    fn is_alike(&self) -> bool {
        let [one, other] = self.medians;
        (self.area - COIN).abs() <= AROUND && (one - other).abs() <= MEDIANS * one.max(other)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (mut results, mut differ) = (Vec::new(), 0);
    for database in [FreshDatabase::sqlite(), FreshDatabase::postgres().await] {
        let (kind, comparisons) = measure(&arguments, &database).await?;
        let unlike = comparisons.iter().filter(|comparison| !comparison.is_alike()).count();
        differ += usize::from(unlike > 0);
        if !arguments.json {
            say(&text(kind, &comparisons))?;
        }
        results.push(as_json(kind, &comparisons));
    }
    if arguments.json {
        say(&format!("{:#}", json!({ "samples": arguments.samples, "results": results })))?;
    } else {
        say(&format!(
            "test result: {}. {} passed; {differ} failed",
            if differ == 0 { "ok" } else { "FAILED" },
            results.len() - differ
        ))?;
    }
    ensure!(differ == 0, "the time tells something");
    Ok(())
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("nothing can be printed")
}

async fn measure(
    arguments: &Arguments,
    database: &FreshDatabase,
) -> anyhow::Result<(&'static str, Vec<Comparison>)> {
    let secret = ServerSecret::generate(&Entropy::System)?;
    // As it is unless somebody says otherwise.
    let clock = Clock::manual(Clock::System.now());
    let open = Node::start(
        &database.url,
        &secret,
        clock.clone(),
        RateLimits::off(),
        Hashing::new(2),
        |_| Router::new(),
    )
    .await?;
    let limiting = Node::start(
        &database.url,
        &secret,
        clock.clone(),
        RateLimits::default(),
        Hashing::new(2),
        |_| Router::new(),
    )
    .await?;
    for name in ["ada", "disabled", "without-password", "paused"] {
        let [_, _, id] = open.enter("signup", &format!("{name}@example.com")).await?;
        let (id, mut tx) = (UserId(id.parse()?), open.store.write().await?);
        match name {
            "disabled" => drop(tx.user_disable(id, countersign_types::Timestamp(0)).await?),
            "without-password" => tx.user_set_hash(id, None).await?,
            _ => {}
        }
        tx.commit().await?;
    }
    let refused = [
        Reason::new("a wrong password", "ada@example.com", "wrong horse battery"),
        Reason::new("nobody's address", "nobody@example.com", PASSWORD),
        Reason::new("a disabled account", "disabled@example.com", PASSWORD),
        Reason::new("no password", "without-password@example.com", PASSWORD),
    ];
    let paused = [
        Reason::new("tried too often", "paused@example.com", PASSWORD),
        Reason::new("tried too often, nobody's address", "paused-nobody@example.com", PASSWORD),
    ];
    // Until the pause does not end while we measure.
    for n in 0..12 {
        clock.advance(Span::minutes(1));
        for reason in &paused {
            log_in(&limiting, &Reason::new(reason.name, &reason.email, "wrong horse battery"), n)
                .await;
        }
    }
    let mut comparisons =
        compare(arguments.samples, &open, &refused, StatusCode::UNAUTHORIZED).await?;
    comparisons.extend(
        compare(arguments.samples, &limiting, &paused, StatusCode::TOO_MANY_REQUESTS).await?,
    );
    let kind = open.kind;
    open.stop().await?;
    limiting.stop().await?;
    Ok((kind, comparisons))
}

async fn log_in(node: &Node, reason: &Reason, n: u32) -> Response<Vec<u8>> {
    let address = format!("198.{}.{}.{}", 18 + (n >> 16 & 1), n >> 8 & 255, n & 255);
    node.send(
        "POST",
        "/api/v1/auth/login",
        None,
        Some(&address),
        Some(json!({ "email": reason.email, "password": reason.password })),
    )
    .await
}

/// Compares the first with each of the others. What seems to differ is measured once more, and that
/// counts: a machine that has something else to do now and then would otherwise decide.
async fn compare(
    samples: u32,
    node: &Node,
    reasons: &[Reason],
    expected: StatusCode,
) -> anyhow::Result<Vec<Comparison>> {
    let first = take(samples, node, reasons, expected).await?;
    if first.iter().all(Comparison::is_alike) {
        return Ok(first);
    }
    take(2 * samples, node, reasons, expected).await
}

async fn take(
    samples: u32,
    node: &Node,
    reasons: &[Reason],
    expected: StatusCode,
) -> anyhow::Result<Vec<Comparison>> {
    let mut times = vec![Vec::new(); reasons.len()];
    let mut said: Option<(HeaderMap, Vec<u8>)> = None;
    for n in 0..samples {
        // In turns that begin with another one each: what the machine does meanwhile falls on all
        // alike.
        for turn in 0..reasons.len() {
            let at = (turn + n as usize) % reasons.len();
            let began = Instant::now();
            let answer = log_in(node, &reasons[at], n).await;
            let millis = began.elapsed().as_secs_f64() * 1e3;
            ensure!(answer.status() == expected, "{}: {}", reasons[at].name, answer.status());
            let (mut parts, body) = answer.into_parts();
            for name in OF_EACH {
                parts.headers.remove(name);
            }
            let now = (parts.headers, body);
            ensure!(
                said.get_or_insert_with(|| now.clone()) == &now,
                "{}: the answer itself differs",
                reasons[at].name
            );
            times[at].push(millis);
        }
    }
    Ok((1..reasons.len())
        .map(|other| Comparison {
            names: [reasons[0].name, reasons[other].name],
            medians: [median(&times[0]), median(&times[other])],
            area: area(&times[0], &times[other]),
        })
        .collect())
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The chance that one of `other` is longer than one of `one`.
fn area(one: &[f64], other: &[f64]) -> f64 {
    let wins: f64 = other
        .iter()
        .flat_map(|o| {
            one.iter().map(move |t| {
                if o > t {
                    1.0
                } else if o < t {
                    0.0
                } else {
                    0.5
                }
            })
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "there are thousands of samples, not billions")]
    let pairs = (one.len() * other.len()) as f64;
    wins / pairs
}

fn text(kind: &str, comparisons: &[Comparison]) -> String {
    let line = |comparison: &Comparison| {
        let ([one, other], [a, b]) = (comparison.names, comparison.medians);
        let verdict = if comparison.is_alike() { "alike" } else { "NOT ALIKE" };
        format!("    {one} ({a:.2} ms) and {other} ({b:.2} ms): {:.3}, {verdict}", comparison.area)
    };
    std::iter::once(format!(
        "{kind}: medians, and how often the second takes longer (0.5: as often as not)"
    ))
    .chain(comparisons.iter().map(line))
    .collect::<Vec<_>>()
    .join("\n")
}

fn as_json(kind: &str, comparisons: &[Comparison]) -> Value {
    let items: Vec<_> = comparisons
        .iter()
        .map(|comparison| json!({ "reasons": comparison.names, "median_ms": comparison.medians, "area": comparison.area, "alike": comparison.is_alike() }))
        .collect();
    json!({ "database": kind, "comparisons": items })
}
