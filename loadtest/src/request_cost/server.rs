//! The server with its default limits, on a new `SQLite` database, and the requests to it.

use anyhow::ensure;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{
        Request,
        header::{AUTHORIZATION, CONTENT_TYPE, HOST},
        request::Builder,
    },
};
use countersign::{AppState, brand::SiteBrand, config::Site};
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, Policy, RandomSource, ServerSecret, Store,
};
use countersign_http::HttpSettings;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const ORIGIN: &str = "http://localhost:3000";
const PASSWORD: &str = "correct horse battery";
/// The cheapest parameters that argon2 has. The cost of a hash is a setting, and would hide the
/// cost of everything else.
const HASHING: HashingConfig =
    HashingConfig { memory_kib: 8, iterations: 1, parallelism: 1, threads: 1, queue_capacity: 64 };

pub(crate) struct Server {
    pub(crate) auth: Auth,
    pub(crate) router: Router,
    _folder: TempDir,
}

/// The tokens of a response.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Server {
    /// Starts the server, without its background tasks.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let random = RandomSource::System;
        let auth = Auth::start(AuthConfig {
            store: Store::open(&format!("sqlite:{}/data.db", folder.path().display())).await?,
            clock: Clock::System,
            secret: ServerSecret::generate(&random)?,
            random,
            policy: Policy::new(ORIGIN),
            hashing: HASHING,
            mail: None,
        })
        .await?;
        let site = Site {
            root: PathBuf::from("no-such-folder"),
            hashed: false,
            reload_port: None,
            brand: SiteBrand::default(),
            has_gallery: false,
            is_demo: false,
        };
        let state = AppState::new(auth.clone(), &HttpSettings::new(ORIGIN.parse()?), &site);
        Ok(Self { auth, router: countersign::router(state), _folder: folder })
    }

    pub(crate) async fn sign_up(&self, email: &str) -> anyhow::Result<Tokens> {
        self.post("/api/v1/auth/signup", json!({ "email": email, "password": PASSWORD })).await
    }

    pub(crate) async fn log_in(&self, email: &str) -> anyhow::Result<Tokens> {
        self.post("/api/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> anyhow::Result<Tokens> {
        self.post("/api/v1/auth/refresh", json!({ "refresh_token": refresh_token })).await
    }

    async fn post(&self, path: &str, body: serde_json::Value) -> anyhow::Result<Tokens> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        let body = send(&self.router, path, request, Body::from(body.to_string())).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Sends a `GET` request. Returns the body of the response.
pub(crate) async fn get(
    router: &Router,
    path: &str,
    access_token: Option<&str>,
) -> anyhow::Result<Bytes> {
    let mut request = Request::get(path);
    if let Some(token) = access_token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    send(router, path, request, Body::empty()).await
}

async fn send(router: &Router, path: &str, request: Builder, body: Body) -> anyhow::Result<Bytes> {
    let client = ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711)));
    let request = request.header(HOST, "localhost:3000").extension(client).body(body)?;
    let response = router.clone().oneshot(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
    Ok(body)
}
