//! Integration tests. Every test runs on SQLite and on Postgres. `TEST_POSTGRES_URL`, which
//! `script/test` sets, names the Postgres server; without it the tests fail.

#![expect(unreachable_pub, reason = "the modules of this test binary share items with `pub`")]

mod account_deletion;
mod account_lifecycle;
mod activity_filters;
mod audit;
mod background;
mod capacity;
mod change_email;
mod clock_skew;
mod common;
mod concurrency;
mod device_cookies;
mod email_verification;
mod grouped_refreshes;
mod invitations;
mod mail_delivery;
mod mail_node;
mod outages;
mod password_reset;
mod passwords;
mod rate_limits;
mod refresh;
mod retention;
mod revocation;
mod session_model;
mod sessions;
mod setup_token;
mod signing_keys;
mod step_up;
mod store;
mod tokens;
