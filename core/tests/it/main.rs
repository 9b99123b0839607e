//! Every test runs on SQLite and on Postgres. Postgres comes from `TEST_POSTGRES_URL`, which
//! `script/test` sets; without it the tests fail.

#![expect(
    unreachable_pub,
    reason = "one binary: what the modules share is public to each other only"
)]

mod audit;
mod background;
mod capacity;
mod clocks;
mod device_cookies;
mod first_admin;
mod flows;
mod keys;
mod leaving;
mod limits;
mod model;
mod outages;
mod passwords;
mod races;
mod refresh;
mod retention;
mod revocation;
mod sessions;
mod store;
mod support;
mod tokens;
