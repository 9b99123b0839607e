//! Measures whether the response time of a rejected log-in reveals the reason, and whether that of
//! a sign-up or of a request to reset the password reveals an account.
//!
//! There is no threshold in milliseconds. Samples of all reasons are taken in turns, and two
//! reasons count as indistinguishable if guessing by response time is about as good as chance. The
//! measure is the area under the ROC curve (the probability that a sample of one reason takes
//! longer than a sample of the other). It is 0.5 for chance, with an average deviation of 0.024 for
//! 300 samples each.

use crate::{
    api::{ApiRequest, ApiResponse, PASSWORD, Transport, WRONG_PASSWORD},
    database::DatabaseKind,
    in_process_server::{InProcessServer, URL},
    output::{Output, Progress},
    report::{DatabaseReport, Measurement},
};
use anyhow::ensure;
use axum::Router;
use clap::Args;
use countersign_core::{
    Clock, HashingConfig, Policy, RandomSource, RateLimits, ServerSecret, Verification,
};
use countersign_types::{TimeSpan, Timestamp, UserId};
use http::{HeaderMap, StatusCode};
use hyper::body::Bytes;
use std::net::Ipv4Addr;
use tokio::time::Instant;

/// The area for guessing by chance, its maximum deviation, and the maximum relative difference of
/// medians.
const CHANCE: f64 = 0.5;
const MAX_AREA_DIFFERENCE: f64 = 0.1;
const MAX_MEDIAN_DIFFERENCE: f64 = 0.1;
/// Headers that differ between any two responses.
const VARYING_HEADERS: [&str; 2] = ["x-request-id", "retry-after"];

/// Measure whether the response time of a rejected log-in reveals the reason.
///
/// Fails if the response times, statuses, headers or bodies of two reasons differ. `PostgreSQL` is
/// that of `TEST_POSTGRES_URL`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Number of samples of each reason.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    samples: u32,
}

/// A reason for rejecting a log-in, or a kind of address in another request.
struct Reason {
    name: &'static str,
    email: &'static str,
    kind: AttemptKind,
}

/// A request with an email address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AttemptKind {
    /// A log-in with this password.
    LogIn(&'static str),
    /// A sign-up, where addresses must be verified.
    SignUp,
    /// A request to reset the password.
    ForgotPassword,
}

impl Reason {
    const fn new(name: &'static str, email: &'static str, kind: AttemptKind) -> Self {
        Self { name, email, kind }
    }
}

const REJECTED: [Reason; 4] = [
    Reason::new("a wrong password", ADA, AttemptKind::LogIn(WRONG_PASSWORD)),
    Reason::new("an unknown address", UNKNOWN, AttemptKind::LogIn(PASSWORD)),
    Reason::new("a disabled account", DISABLED, AttemptKind::LogIn(PASSWORD)),
    Reason::new("no password", "without-password@example.com", AttemptKind::LogIn(PASSWORD)),
];
const RATE_LIMITED: [Reason; 2] = [
    Reason::new("too many attempts", "blocked@example.com", AttemptKind::LogIn(PASSWORD)),
    Reason::new(
        "too many attempts, an unknown address",
        "blocked-unknown@example.com",
        AttemptKind::LogIn(PASSWORD),
    ),
];
const FORGOTTEN: [Reason; 3] = [
    Reason::new("reset: an account", ADA, AttemptKind::ForgotPassword),
    Reason::new("reset: an unknown address", UNKNOWN, AttemptKind::ForgotPassword),
    Reason::new("reset: a disabled account", DISABLED, AttemptKind::ForgotPassword),
];
const SIGNED_UP: [Reason; 3] = [
    Reason::new("sign-up: a free address", "free@example.com", AttemptKind::SignUp),
    Reason::new("sign-up: an account", ADA, AttemptKind::SignUp),
    Reason::new("sign-up: a disabled account", DISABLED, AttemptKind::SignUp),
];
const ADA: &str = "ada@example.com";
const UNKNOWN: &str = "unknown@example.com";
const DISABLED: &str = "disabled@example.com";

/// The comparison of two reasons.
struct Comparison {
    names: [&'static str; 2],
    /// Median response times in milliseconds.
    medians: [f64; 2],
    area: f64,
}

impl Comparison {
    /// Returns the difference of the medians, relative to the larger one.
    fn median_difference(&self) -> f64 {
        let [one, other] = self.medians;
        (one - other).abs() / one.max(other)
    }

    fn is_indistinguishable(&self) -> bool {
        (self.area - CHANCE).abs() <= MAX_AREA_DIFFERENCE
            && self.median_difference() <= MAX_MEDIAN_DIFFERENCE
    }

    fn add_to(&self, report: &mut DatabaseReport) {
        let names = self.names.join(" / ");
        let [one, other] = self.medians;
        report.add(
            Measurement::number(&format!("{names}: area"), "", self.area)
                .between(CHANCE - MAX_AREA_DIFFERENCE, CHANCE + MAX_AREA_DIFFERENCE),
        );
        report.add(
            Measurement::numbers(
                &format!("{names}: medians"),
                "",
                [
                    ("first (ms)", one),
                    ("second (ms)", other),
                    ("difference", self.median_difference()),
                ],
            )
            .at_most(MAX_MEDIAN_DIFFERENCE),
        );
    }
}

pub(crate) async fn run(
    arguments: &Arguments,
    database: DatabaseKind,
    output: &Output,
) -> anyhow::Result<DatabaseReport> {
    let test_database = database.create().await;
    let secret = ServerSecret::generate(&RandomSource::System)?;
    // The default configuration.
    let clock = Clock::manual(Clock::System.now());
    let start = async |limits, verification| {
        let (url, hashing) = (&test_database.url, HashingConfig::new(2));
        let policy = Policy { limits, verification, ..Policy::new(URL) };
        InProcessServer::start(url, &secret, clock.clone(), policy, hashing, |_| Router::new())
            .await
    };
    let unlimited = start(RateLimits::off(), Verification::Off).await?;
    let limited = start(RateLimits::default(), Verification::Off).await?;
    let verifying = start(RateLimits::off(), Verification::Required).await?;
    create_accounts(&unlimited).await?;
    // Enough failed attempts that the backoff lasts longer than the measurement.
    for number in 0..12 {
        clock.advance(TimeSpan::minutes(1));
        for reason in &RATE_LIMITED {
            let kind = AttemptKind::LogIn(WRONG_PASSWORD);
            send(&limited, &Reason { kind, ..*reason }, number).await;
        }
    }
    let mut report = DatabaseReport::new(database);
    report.set("samples", &arguments.samples);
    for (server, reasons, expected) in [
        (&unlimited, &FORGOTTEN[..], StatusCode::ACCEPTED),
        (&verifying, &SIGNED_UP[..], StatusCode::ACCEPTED),
        (&unlimited, &REJECTED[..], StatusCode::UNAUTHORIZED),
        (&limited, &RATE_LIMITED[..], StatusCode::TOO_MANY_REQUESTS),
    ] {
        for comparison in compare(arguments.samples, server, reasons, expected, output).await? {
            comparison.add_to(&mut report);
        }
    }
    unlimited.stop().await?;
    limited.stop().await?;
    verifying.stop().await?;
    Ok(report)
}

async fn create_accounts(server: &InProcessServer) -> anyhow::Result<()> {
    for name in ["ada", "disabled", "without-password", "blocked"] {
        let email = format!("{name}@example.com");
        let (response, _) = server.sign_in(ApiRequest::sign_up(&email, Transport::Body)).await?;
        let body = response.json();
        let id = UserId(body["user"]["id"].as_str().unwrap_or_default().parse()?);
        let mut tx = server.store.write().await?;
        match name {
            "disabled" => drop(tx.user_disable(id, Timestamp(0)).await?),
            "without-password" => tx.user_set_hash(id, None).await?,
            _ => {}
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn send(server: &InProcessServer, reason: &Reason, number: u32) -> ApiResponse {
    // The network for benchmarks (RFC 2544).
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number % 0x2_0000);
    let request = match reason.kind {
        AttemptKind::LogIn(password) => ApiRequest::log_in(reason.email, password, Transport::Body),
        AttemptKind::SignUp => ApiRequest::sign_up(reason.email, Transport::Body),
        AttemptKind::ForgotPassword => ApiRequest::forgot_password(reason.email),
    };
    server.send(request.with_ip(address)).await
}

/// Compares the first reason with each of the others. If they differ, the measurement is repeated
/// and the second result counts, because other load on the machine could distort the first.
async fn compare(
    samples: u32,
    server: &InProcessServer,
    reasons: &[Reason],
    expected: StatusCode,
    output: &Output,
) -> anyhow::Result<Vec<Comparison>> {
    let stage = format!("samples with status {}", expected.as_u16());
    let progress = output.start_progress(&stage, samples.into());
    let first = sample(samples, server, reasons, expected, &progress).await?;
    if first.iter().all(Comparison::is_indistinguishable) {
        return Ok(first);
    }
    drop(progress);
    let progress = output.start_progress(&format!("repeated {stage}"), (2 * samples).into());
    sample(2 * samples, server, reasons, expected, &progress).await
}

async fn sample(
    samples: u32,
    server: &InProcessServer,
    reasons: &[Reason],
    expected: StatusCode,
    progress: &Progress<'_>,
) -> anyhow::Result<Vec<Comparison>> {
    let mut times = vec![Vec::new(); reasons.len()];
    let mut expected_response: Option<(HeaderMap, Bytes)> = None;
    for number in 0..samples {
        // Each turn starts with another reason, so that other load on the machine affects all of
        // them equally.
        for turn in 0..reasons.len() {
            let at = (turn + number as usize) % reasons.len();
            let began = Instant::now();
            let response = send(server, &reasons[at], number).await;
            let millis = began.elapsed().as_secs_f64() * 1e3;
            let ApiResponse { status, mut headers, body } = response;
            ensure!(status == expected, "{}: {status}", reasons[at].name);
            for name in VARYING_HEADERS {
                headers.remove(name);
            }
            // The id in the response is different each time, and of the same length.
            let body = if expected == StatusCode::ACCEPTED {
                Bytes::from(body.len().to_string())
            } else {
                body
            };
            let now = (headers, body);
            ensure!(
                expected_response.get_or_insert_with(|| now.clone()) == &now,
                "{}: the response differs",
                reasons[at].name
            );
            times[at].push(millis);
        }
        progress.advance();
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
