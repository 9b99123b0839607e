//! Micro-benchmarks: what single operations take, with criterion. `script/bench --micro` runs it.

// The server of the other measurement that sends requests without sockets.
#[expect(dead_code, reason = "the other program uses all of it")]
#[path = "../request_cost/server.rs"]
mod server;

use countersign_core::testing::operations::Operations;
use criterion::{BatchSize, Criterion};
use std::hint::black_box;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (operations, server) = runtime.block_on(async {
        anyhow::Ok((Operations::start().await, server::Server::start().await?))
    })?;
    let mut criterion = Criterion::default().configure_from_args();

    let mut session = 0;
    let mut sign = || {
        session += 1;
        operations.sign_access_token(session)
    };
    criterion.bench_function("sign an access token (ES256)", |bencher| bencher.iter(&mut sign));
    criterion.bench_function("verify a new access token", |bencher| {
        bencher.iter_batched(
            &mut sign,
            |token| operations.verify_access_token(&token),
            BatchSize::SmallInput,
        );
    });
    let token = sign();
    criterion.bench_function("verify an access token again", |bencher| {
        bencher.iter(|| operations.verify_access_token(black_box(&token)));
    });
    let token = operations.refresh_token();
    criterion.bench_function("parse a refresh token", |bencher| {
        bencher.iter(|| operations.parse_refresh_token(black_box(&token)));
    });
    let mut user = 0;
    criterion.bench_function("take from the bucket of a user", |bencher| {
        bencher.iter(|| {
            user = (user + 1) % 10_000;
            operations.take_from_bucket(user);
        });
    });
    // With a query the page is not cached.
    criterion.bench_function("render the log-in page", |bencher| {
        bencher.iter(|| {
            let page = server::get(&server.router, "/login?next=/account", None);
            runtime.block_on(page).expect("a page")
        });
    });
    let mut hashes = criterion.benchmark_group("Argon2id");
    hashes.sample_size(50);
    hashes.bench_function("hash a password (m=19456,t=2,p=1)", |bencher| {
        bencher.iter(|| runtime.block_on(operations.hash_password("three grey herons at noon")));
    });
    hashes.finish();
    criterion.final_summary();
    Ok(())
}
