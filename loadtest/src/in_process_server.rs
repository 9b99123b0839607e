//! A server without a socket and without pages, for measurements.

use crate::api::{ApiRequest, ApiResponse, Tokens};
use anyhow::{Context, ensure};
use axum::{Router, body::Body, extract::ConnectInfo};
use countersign::{AppState, brand::SiteBrand, config::Site, middleware::stack::with_middleware};
use countersign_core::{
    Auth, AuthConfig, BackgroundTasks, Clock, HashingConfig, Policy, RandomSource, ServerSecret,
    Store,
    mail::{MailConfig, MailTransport, MemoryMailbox},
};
use countersign_http::{HttpSettings, api::access::AccessLevels};
use http_body_util::BodyExt;
use std::{net::SocketAddr, path::PathBuf};
use tower::ServiceExt;

pub(crate) const URL: &str = "http://localhost:3000";

pub(crate) struct InProcessServer {
    pub(crate) store: Store,
    router: Router,
    background: BackgroundTasks,
}

impl InProcessServer {
    /// Starts a server. `more` returns additional routes.
    pub(crate) async fn start(
        url: &str,
        secret: &ServerSecret,
        clock: Clock,
        policy: Policy,
        hashing: HashingConfig,
        more: impl FnOnce(&AppState) -> Router<AppState>,
    ) -> anyhow::Result<Self> {
        let store = Store::open(url).await?;
        let parts = AuthConfig {
            store: store.clone(),
            clock,
            random: RandomSource::System,
            secret: secret.clone(),
            policy,
            hashing,
            mail: Some(mail()?),
        };
        let auth = Auth::start(parts).await?;
        let background = auth.start_background_tasks();
        let mut http = HttpSettings::new(URL.parse()?);
        http.trusted_proxies = vec!["127.0.0.1/32".parse()?];
        let site = Site {
            root: PathBuf::from("no-such-folder"),
            hashed: false,
            reload_port: None,
            brand: SiteBrand::default(),
            has_gallery: false,
            is_demo: false,
        };
        let server = AppState::new(auth, &http, &site);
        let (api, openapi) = countersign_http::api::routes().split_for_parts();
        let levels = AccessLevels::from_openapi(&openapi);
        let api = api.with_state(server.http().clone());
        let router = with_middleware(more(&server).merge(api), levels, server);
        Ok(Self { store, router, background })
    }

    pub(crate) async fn send(&self, request: ApiRequest<'_>) -> ApiResponse {
        let mut request = request.into_http().map(Body::from);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
        let response = self.router.clone().oneshot(request).await.expect("a response");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        ApiResponse { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a sign-up or log-in, which must succeed. Returns the response with its tokens.
    pub(crate) async fn sign_in(
        &self,
        request: ApiRequest<'_>,
    ) -> anyhow::Result<(ApiResponse, Tokens)> {
        let path = request.path().to_owned();
        let response = self.send(request).await;
        ensure!(response.status.is_success(), "{path}: {} {}", response.status, response.json());
        let tokens = response.tokens().with_context(|| format!("{path}: no tokens"))?;
        Ok((response, tokens))
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.background.stop().await?;
        self.store.close().await;
        Ok(())
    }
}

/// Returns a configuration that renders emails and keeps them in memory.
fn mail() -> anyhow::Result<MailConfig> {
    let transport = MailTransport::Memory(MemoryMailbox::default());
    Ok(MailConfig::new(transport, "accounts@example.com", None, "Countersign")?)
}
