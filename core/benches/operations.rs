//! Micro-benchmarks of single operations: `cargo bench -p countersign-core`.
//! `script/bench` measures whole requests.

use countersign_core::testing::operations::Operations;
use criterion::{BatchSize, Criterion};
use std::hint::black_box;
use tokio::runtime;

fn main() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let operations = runtime.block_on(Operations::start());
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
    let mut hashes = criterion.benchmark_group("Argon2id");
    hashes.sample_size(50);
    hashes.bench_function("hash a password (m=19456,t=2,p=1)", |bencher| {
        bencher.iter(|| runtime.block_on(operations.hash_password("three grey herons at noon")));
    });
    hashes.finish();
    criterion.final_summary();
}
