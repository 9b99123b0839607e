//! The least that a Rust server with accounts does: axum, jsonwebtoken and SQLite.
//!
//! It has users and sessions, verifies an access token without a query, and rotates refresh tokens
//! durably. It has no rate limits, no revocation of access tokens, no reuse detection, no audit log
//! and no pages: what Countersign costs beyond this server is the price of these.

mod passwords;
mod store;
mod tokens;

use crate::{
    passwords::{Hasher, Salt},
    store::Store,
    tokens::{AccessTokens, RefreshSecret, random},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::{env, error::Error, sync::Arc};
use tokio::net::TcpListener;

struct Server {
    store: Store,
    hasher: Hasher,
    access_tokens: AccessTokens,
}

enum ApiError {
    Unauthorized,
    Conflict,
    Internal,
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct RefreshRequest {
    refresh_token: String,
}

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

#[derive(Serialize)]
struct User {
    id: i64,
    email: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT")?.parse()?;
    let server = Server {
        store: Store::open(env::var("DATABASE")?.into())?,
        hasher: Hasher::new(),
        access_tokens: AccessTokens::with_random_key(),
    };
    let router = Router::new()
        .route("/ready", get(|| async { StatusCode::NO_CONTENT }))
        .route("/sign-up", post(sign_up))
        .route("/log-in", post(log_in))
        .route("/refresh", post(refresh))
        .route("/verify", get(verify))
        .route("/me", get(me))
        .with_state(Arc::new(server));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn sign_up(
    State(server): State<Arc<Server>>,
    Json(form): Json<Credentials>,
) -> Result<StatusCode, ApiError> {
    let salt: Salt = random();
    let hash = server.hasher.hash(form.password, salt).await?;
    let inserted = server
        .store
        .write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO users (email, salt, hash) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![form.email, salt, hash])
        })
        .await?;
    if inserted == 1 { Ok(StatusCode::CREATED) } else { Err(ApiError::Conflict) }
}

async fn log_in(
    State(server): State<Arc<Server>>,
    Json(form): Json<Credentials>,
) -> Result<Json<Tokens>, ApiError> {
    let user = server.store.read(|connection| {
        connection
            .prepare_cached("SELECT id, salt, hash FROM users WHERE email = ?1")?
            .query_row([&form.email], |row| {
                Ok((row.get("id")?, row.get::<_, Salt>("salt")?, row.get::<_, Vec<u8>>("hash")?))
            })
            .optional()
    })?;
    let (user_id, salt, hash): (i64, _, _) = user.ok_or(ApiError::Unauthorized)?;
    if server.hasher.hash(form.password, salt).await? != hash {
        return Err(ApiError::Unauthorized);
    }
    let secret = RefreshSecret::random();
    let secret_hash = secret.hash();
    let session_id = server
        .store
        .write(move |connection| {
            connection
                .prepare_cached("INSERT INTO sessions (user_id, secret_hash) VALUES (?1, ?2)")?
                .insert(params![user_id, secret_hash])
        })
        .await?;
    Ok(Json(Tokens {
        access_token: server.access_tokens.issue(user_id, form.email)?,
        refresh_token: secret.token(session_id),
    }))
}

async fn refresh(
    State(server): State<Arc<Server>>,
    Json(form): Json<RefreshRequest>,
) -> Result<Json<Tokens>, ApiError> {
    let (session_id, old) =
        RefreshSecret::parse(&form.refresh_token).ok_or(ApiError::Unauthorized)?;
    let new = RefreshSecret::random();
    let (old_hash, new_hash) = (old.hash(), new.hash());
    let rotated: Option<(i64, String)> = server
        .store
        .write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE sessions SET secret_hash = ?3 WHERE id = ?1 AND secret_hash = ?2
                     RETURNING user_id, (SELECT email FROM users WHERE id = user_id)",
                )?
                .query_row(params![session_id, old_hash, new_hash], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .await?;
    let (user_id, email) = rotated.ok_or(ApiError::Unauthorized)?;
    Ok(Json(Tokens {
        access_token: server.access_tokens.issue(user_id, email)?,
        refresh_token: new.token(session_id),
    }))
}

/// Verifies the access token and reads nothing.
async fn verify(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    server.access_tokens.verify(&headers)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Verifies the access token and reads the user.
async fn me(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Json<User>, ApiError> {
    let claims = server.access_tokens.verify(&headers)?;
    let user = server.store.read(|connection| {
        connection
            .prepare_cached("SELECT id, email FROM users WHERE id = ?1")?
            .query_row([claims.sub], |row| {
                Ok(User { id: row.get("id")?, email: row.get("email")? })
            })
            .optional()
    })?;
    user.map(Json).ok_or(ApiError::Unauthorized)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
        .into_response()
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(_: rusqlite::Error) -> Self {
        Self::Internal
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Internal
    }
}
