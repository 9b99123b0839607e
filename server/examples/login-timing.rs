//! Measures whether the response time of a rejected log-in reveals the reason.
//! `script/login-timing` runs this program.
//!
//! There is no threshold in milliseconds. Samples of all reasons are taken in turns, and two
//! reasons count as indistinguishable if guessing by response time is about as good as chance. The
//! measure is the area under the ROC curve (the probability that a sample of one reason takes
//! longer than a sample of the other). It is 0.5 for chance, with an average deviation of 0.03 for
//! 200 samples each.

mod in_process_server;

use anyhow::{Context, ensure};
use axum::{
    Router,
    http::{HeaderMap, Response, StatusCode},
};
use clap::Parser;
use countersign_core::{
    Clock, HashingConfig, RandomSource, RateLimits, ServerSecret, testing::TestDatabase,
};
use countersign_types::{TimeSpan, UserId};
use in_process_server::{InProcessServer, PASSWORD};
use serde_json::{Value, json};
use std::io::Write;
use tokio::time::Instant;

/// The area for guessing by chance, its maximum deviation, and the maximum relative difference of
/// medians.
const CHANCE: f64 = 0.5;
const MAX_AREA_DIFFERENCE: f64 = 0.1;
const MAX_MEDIAN_DIFFERENCE: f64 = 0.1;
/// Headers that differ between any two responses.
const VARYING_HEADERS: [&str; 2] = ["x-request-id", "retry-after"];

/// Measures whether the reasons of rejected log-ins can be distinguished by response time.
#[derive(Parser)]
struct Arguments {
    /// Number of samples of each reason.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    samples: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A reason for rejecting a log-in, with the credentials to send.
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

/// The comparison of two reasons.
struct Comparison {
    names: [&'static str; 2],
    medians: [f64; 2],
    area: f64,
}

impl Comparison {
    fn is_indistinguishable(&self) -> bool {
        let [one, other] = self.medians;
        (self.area - CHANCE).abs() <= MAX_AREA_DIFFERENCE
            && (one - other).abs() <= MAX_MEDIAN_DIFFERENCE * one.max(other)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (mut results, mut differ) = (Vec::new(), 0);
    for database in [TestDatabase::sqlite(), TestDatabase::postgres().await] {
        let (kind, comparisons) = measure(&arguments, &database).await?;
        let unlike =
            comparisons.iter().filter(|comparison| !comparison.is_indistinguishable()).count();
        differ += usize::from(unlike > 0);
        if !arguments.json {
            print_line(&text(kind, &comparisons))?;
        }
        results.push(as_json(kind, &comparisons));
    }
    if arguments.json {
        print_line(&format!("{:#}", json!({ "samples": arguments.samples, "results": results })))?;
    } else {
        print_line(&format!(
            "test result: {}. {} passed; {differ} failed",
            if differ == 0 { "ok" } else { "FAILED" },
            results.len() - differ
        ))?;
    }
    ensure!(differ == 0, "response times reveal the reason");
    Ok(())
}

fn print_line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}

async fn measure(
    arguments: &Arguments,
    database: &TestDatabase,
) -> anyhow::Result<(&'static str, Vec<Comparison>)> {
    let secret = ServerSecret::generate(&RandomSource::System)?;
    // The default configuration.
    let clock = Clock::manual(Clock::System.now());
    let open = InProcessServer::start(
        &database.url,
        &secret,
        clock.clone(),
        RateLimits::off(),
        HashingConfig::new(2),
        |_| Router::new(),
    )
    .await?;
    let limiting = InProcessServer::start(
        &database.url,
        &secret,
        clock.clone(),
        RateLimits::default(),
        HashingConfig::new(2),
        |_| Router::new(),
    )
    .await?;
    for name in ["ada", "disabled", "without-password", "blocked"] {
        let [_, _, id] = open.sign_up_or_log_in("signup", &format!("{name}@example.com")).await?;
        let (id, mut tx) = (UserId(id.parse()?), open.store.write().await?);
        match name {
            "disabled" => drop(tx.user_disable(id, countersign_types::Timestamp(0)).await?),
            "without-password" => tx.user_set_hash(id, None).await?,
            _ => {}
        }
        tx.commit().await?;
    }
    let rejected = [
        Reason::new("a wrong password", "ada@example.com", "wrong horse battery"),
        Reason::new("an unknown address", "unknown@example.com", PASSWORD),
        Reason::new("a disabled account", "disabled@example.com", PASSWORD),
        Reason::new("no password", "without-password@example.com", PASSWORD),
    ];
    let rate_limited = [
        Reason::new("too many attempts", "blocked@example.com", PASSWORD),
        Reason::new(
            "too many attempts, an unknown address",
            "blocked-unknown@example.com",
            PASSWORD,
        ),
    ];
    // Enough failed attempts that the backoff lasts longer than the measurement.
    for n in 0..12 {
        clock.advance(TimeSpan::minutes(1));
        for reason in &rate_limited {
            log_in(&limiting, &Reason::new(reason.name, &reason.email, "wrong horse battery"), n)
                .await;
        }
    }
    let mut comparisons =
        compare(arguments.samples, &open, &rejected, StatusCode::UNAUTHORIZED).await?;
    comparisons.extend(
        compare(arguments.samples, &limiting, &rate_limited, StatusCode::TOO_MANY_REQUESTS).await?,
    );
    let kind = open.kind;
    open.stop().await?;
    limiting.stop().await?;
    Ok((kind, comparisons))
}

async fn log_in(server: &InProcessServer, reason: &Reason, n: u32) -> Response<Vec<u8>> {
    let address = format!("198.{}.{}.{}", 18 + (n >> 16 & 1), n >> 8 & 255, n & 255);
    server
        .send(
            "POST",
            "/api/v1/auth/login",
            None,
            Some(&address),
            Some(json!({ "email": reason.email, "password": reason.password })),
        )
        .await
}

/// Compares the first reason with each of the others. If they differ, the measurement is repeated
/// and the second result counts, because other load on the machine could distort the first.
async fn compare(
    samples: u32,
    server: &InProcessServer,
    reasons: &[Reason],
    expected: StatusCode,
) -> anyhow::Result<Vec<Comparison>> {
    let first = sample(samples, server, reasons, expected).await?;
    if first.iter().all(Comparison::is_indistinguishable) {
        return Ok(first);
    }
    sample(2 * samples, server, reasons, expected).await
}

async fn sample(
    samples: u32,
    server: &InProcessServer,
    reasons: &[Reason],
    expected: StatusCode,
) -> anyhow::Result<Vec<Comparison>> {
    let mut times = vec![Vec::new(); reasons.len()];
    let mut expected_response: Option<(HeaderMap, Vec<u8>)> = None;
    for n in 0..samples {
        // Each turn starts with another reason, so that other load on the machine affects all of
        // them equally.
        for turn in 0..reasons.len() {
            let at = (turn + n as usize) % reasons.len();
            let began = Instant::now();
            let response = log_in(server, &reasons[at], n).await;
            let millis = began.elapsed().as_secs_f64() * 1e3;
            ensure!(response.status() == expected, "{}: {}", reasons[at].name, response.status());
            let (mut parts, body) = response.into_parts();
            for name in VARYING_HEADERS {
                parts.headers.remove(name);
            }
            let now = (parts.headers, body);
            ensure!(
                expected_response.get_or_insert_with(|| now.clone()) == &now,
                "{}: the response differs",
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

/// Returns the probability that a sample of `other` takes longer than a sample of `one`.
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
        let result =
            if comparison.is_indistinguishable() { "indistinguishable" } else { "DISTINGUISHABLE" };
        format!("    {one} ({a:.2} ms) and {other} ({b:.2} ms): {:.3}, {result}", comparison.area)
    };
    std::iter::once(format!(
        "{kind}: medians, and how often the second takes longer (0.5 is chance)"
    ))
    .chain(comparisons.iter().map(line))
    .collect::<Vec<_>>()
    .join("\n")
}

fn as_json(kind: &str, comparisons: &[Comparison]) -> Value {
    let items: Vec<_> = comparisons
        .iter()
        .map(|comparison| {
            json!({
                "reasons": comparison.names,
                "median_ms": comparison.medians,
                "area": comparison.area,
                "alike": comparison.is_indistinguishable(),
            })
        })
        .collect();
    json!({ "database": kind, "comparisons": items })
}
