//! Sends requests to a server inside of this program, so that Valgrind can count the instructions
//! and allocations of each operation. `script/request-cost` runs it, and compares the counts.
//!
//! Nothing here depends on time: Tokio has one thread, there are no sockets, and the server runs no
//! periodic tasks. Valgrind counts all threads, including those of `SQLite` and password hashing.
#![expect(clippy::print_stdout, reason = "the script reads the names of the operations")]

mod jwt_handler;
mod server;

use anyhow::{Context, ensure};
use server::Server;
use std::hint::black_box;

/// Number of measured requests of each operation. The rate limits allow as many.
const REQUESTS: usize = 100;
/// Number of requests before them, which fill caches and start threads.
const WARM_UP: usize = 10;
/// Number of users that log in. Each has fewer sessions than the maximum.
const USERS: usize = 10;

/// Starts counting. The script gives this name to Valgrind.
#[inline(never)]
fn begin_measurement() {
    black_box("begin");
}

/// Stops counting. The script gives this name to Valgrind.
#[inline(never)]
fn end_measurement() {
    black_box("end");
}

/// Measures one operation. `send` sends the request of a number.
async fn measure(
    name: &str,
    server: &Server,
    mut send: impl AsyncFnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // A server that has not read the change feed for 30 seconds rejects requests.
    server.auth.sync_feed().await?;
    for number in 0..WARM_UP {
        send(number).await?;
    }
    begin_measurement();
    for number in WARM_UP..WARM_UP + REQUESTS {
        send(number).await?;
    }
    end_measurement();
    println!("{name}\t{REQUESTS}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = Server::start().await?;
    let router = &server.router;
    let emails: Vec<_> = (0..USERS).map(|number| format!("user-{number}@example.com")).collect();
    let mut tokens = None;
    for email in &emails {
        tokens = Some(server.sign_up(email).await?);
    }
    let mut tokens = tokens.context("no user")?;
    // Tokens that the server has not seen yet: it verifies the signature of each once.
    let mut new_tokens = Vec::new();
    measure("POST /api/v1/auth/refresh", &server, async |_| {
        tokens = server.refresh(&tokens.refresh_token).await?;
        new_tokens.push(tokens.access_token.clone());
        Ok(())
    })
    .await?;
    let token = tokens.access_token.as_str();
    ensure!(new_tokens.last().is_some_and(|last| last == token), "no new token");

    let jwks = server::get(router, "/.well-known/jwks.json", None).await?;
    let jwt_handler = jwt_handler::router(&jwks)?;
    measure("bare axum handler with jsonwebtoken", &server, async |number| {
        server::get(&jwt_handler, "/", Some(&new_tokens[number])).await.map(drop)
    })
    .await?;
    measure("GET /api/v1/auth/verify, new token", &server, async |number| {
        server::get(router, "/api/v1/auth/verify", Some(&new_tokens[number])).await.map(drop)
    })
    .await?;
    measure("POST /api/v1/auth/login", &server, async |number| {
        server.log_in(&emails[number % USERS]).await.map(drop)
    })
    .await?;
    for (path, token) in
        [("/api/v1/auth/verify", Some(token)), ("/api/v1/me", Some(token)), ("/login", None)]
    {
        measure(&format!("GET {path}"), &server, async |_| {
            server::get(router, path, token).await.map(drop)
        })
        .await?;
    }
    Ok(())
}
