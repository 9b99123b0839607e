//! A server without a socket and without pages, for measurements.

use anyhow::{Context, ensure};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response, header::CONTENT_TYPE},
};
use countersign::{AppState, config::Site, router::with_middleware};
use countersign_core::{
    Auth, AuthConfig, BackgroundTasks, Clock, HashingConfig, Policy, RandomSource, RateLimits,
    ServerSecret, Store,
};
use countersign_http::{HttpSettings, api::access::AccessLevels};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{net::SocketAddr, path::PathBuf};
use tower::ServiceExt;

pub(crate) const URL: &str = "http://localhost:3000";
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct InProcessServer {
    pub(crate) kind: &'static str,
    pub(crate) store: Store,
    router: Router,
    worker: BackgroundTasks,
}

pub(crate) fn json_body(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

impl InProcessServer {
    /// Starts a server. `more` returns additional routes.
    pub(crate) async fn start(
        url: &str,
        secret: &ServerSecret,
        clock: Clock,
        limits: RateLimits,
        hashing: HashingConfig,
        more: impl FnOnce(&AppState) -> Router<AppState>,
    ) -> anyhow::Result<Self> {
        let store = Store::open(url).await?;
        let parts = AuthConfig {
            store: store.clone(),
            clock,
            random: RandomSource::System,
            secret: secret.clone(),
            policy: Policy { limits, ..Policy::new(URL) },
            hashing,
        };
        let auth = Auth::start(parts).await?;
        let worker = auth.start_background_tasks();
        let mut http = HttpSettings::new(URL.parse()?);
        http.trusted_proxies = vec!["127.0.0.1/32".parse()?];
        let server = AppState::new(
            auth,
            &http,
            &Site { root: PathBuf::from("no-such-folder"), hashed: false, reload_port: None },
        );
        let (api, openapi) = countersign_http::api::routes().split_for_parts();
        let levels = AccessLevels::from_openapi(&openapi);
        let api = api.with_state(server.http().clone());
        Ok(Self {
            kind: store.kind(),
            router: with_middleware(more(&server).merge(api), levels, server),
            worker,
            store,
        })
    }

    /// Sends a request. `bearer`: an access token; `address`: the IP address of the client, by
    /// default this machine.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        address: Option<&str>,
        body: Option<Value>,
    ) -> Response<Vec<u8>> {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "localhost:3000");
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(address) = address {
            request = request.header("x-forwarded-for", address);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let mut request = request
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
        let (parts, body) =
            self.router.clone().oneshot(request).await.expect("a response").into_parts();
        Response::from_parts(parts, body.collect().await.expect("a body").to_bytes().to_vec())
    }

    /// Signs up or logs in. Returns the access token, the refresh token and the user ID.
    pub(crate) async fn sign_up_or_log_in(
        &self,
        endpoint: &str,
        email: &str,
    ) -> anyhow::Result<[String; 3]> {
        let response = self
            .send(
                "POST",
                &format!("/api/v1/auth/{endpoint}"),
                None,
                None,
                Some(json!({ "email": email, "password": PASSWORD })),
            )
            .await;
        let tokens = json_body(&response);
        ensure!(response.status().is_success(), "{endpoint}: {} {tokens}", response.status());
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a member is missing");
        Ok([
            text(&tokens["access_token"])?,
            text(&tokens["refresh_token"])?,
            text(&tokens["user"]["id"])?,
        ])
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.worker.stop().await?;
        self.store.close().await;
        Ok(())
    }
}
