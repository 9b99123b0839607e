//! The server of axum-login's SQLite example: users and sessions in SQLite, sessions in cookies,
//! passwords hashed by password-auth (Argon2id, m=19456, t=2, p=1).
//!
//! Unlike the example it receives JSON, has a sign-up, and keeps its database in a file, with WAL
//! and `synchronous=FULL`.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::Html,
    routing::{get, post},
};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId, login_required,
    tower_sessions::{Expiry, SessionManagerLayer},
};
use serde::{Deserialize, Serialize};
use sqlx::{
    FromRow, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{env, error::Error, time::Duration};
use tokio::{net::TcpListener, task::spawn_blocking};
use tower_sessions_sqlx_store::SqliteStore;

const LOG_IN_PAGE: &str = r#"<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Log in</title></head>
  <body>
    <form method="post">
      <label>Email <input name="email" type="email" autocomplete="username"></label>
      <label>Password
        <input name="password" type="password" autocomplete="current-password"></label>
      <button>Log in</button>
    </form>
  </body>
</html>
"#;

#[derive(Clone, Debug, FromRow)]
struct User {
    id: i64,
    email: String,
    hash: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.hash.as_bytes()
    }
}

#[derive(Clone, Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Clone, Debug)]
struct Backend {
    pool: SqlitePool,
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = sqlx::Error;

    async fn authenticate(&self, form: Credentials) -> Result<Option<User>, sqlx::Error> {
        let user: Option<User> = sqlx::query_as("SELECT * FROM users WHERE email = ?")
            .bind(form.email)
            .fetch_optional(&self.pool)
            .await?;
        let verified = spawn_blocking(move || {
            user.filter(|user| password_auth::verify_password(form.password, &user.hash).is_ok())
        });
        verified.await.map_err(|_| sqlx::Error::WorkerCrashed)
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.pool).await
    }
}

#[derive(Serialize)]
struct Account {
    id: i64,
    email: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT")?.parse()?;
    let pool = SqlitePool::connect_with(
        SqliteConnectOptions::new()
            .filename(env::var("DATABASE")?)
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(5))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full),
    )
    .await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS users (
            id INTEGER PRIMARY KEY,
            email TEXT NOT NULL UNIQUE,
            hash TEXT NOT NULL
        )",
    )
    .execute(&pool)
    .await?;
    let sessions = SqliteStore::new(pool.clone());
    sessions.migrate().await?;
    let session_layer = SessionManagerLayer::new(sessions)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(1)));
    let auth_layer =
        AuthManagerLayerBuilder::new(Backend { pool: pool.clone() }, session_layer).build();
    let router = Router::new()
        .route("/verify", get(|| async { StatusCode::NO_CONTENT }))
        .route("/me", get(me))
        .route_layer(login_required!(Backend, login_url = "/log-in"))
        .route("/log-in", get(|| async { Html(LOG_IN_PAGE) }).post(log_in))
        .layer(auth_layer)
        .route("/ready", get(|| async { StatusCode::NO_CONTENT }))
        .route("/sign-up", post(sign_up))
        .with_state(pool);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn sign_up(
    State(pool): State<SqlitePool>,
    Json(form): Json<Credentials>,
) -> Result<StatusCode, StatusCode> {
    let hash = spawn_blocking(|| password_auth::generate_hash(form.password))
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    sqlx::query("INSERT INTO users (email, hash) VALUES (?, ?)")
        .bind(form.email)
        .bind(hash)
        .execute(&pool)
        .await
        .map(|_| StatusCode::CREATED)
        .map_err(|_| StatusCode::CONFLICT)
}

async fn log_in(mut session: AuthSession<Backend>, Json(form): Json<Credentials>) -> StatusCode {
    match session.authenticate(form).await {
        Ok(Some(user)) if session.login(&user).await.is_ok() => StatusCode::NO_CONTENT,
        Ok(None) => StatusCode::UNAUTHORIZED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn me(session: AuthSession<Backend>) -> Result<Json<Account>, StatusCode> {
    let user = session.user.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(Account { id: user.id, email: user.email }))
}
