//! A handler that only checks a token, for comparison: what a program does that uses the tokens of
//! a server, with the keys that this server publishes.

use crate::server::ORIGIN;
use anyhow::Context;
use axum::{
    Router,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// Returns a router with this handler only. `jwks` is the key set as JSON.
pub(crate) fn router(jwks: &[u8]) -> anyhow::Result<Router> {
    let keys: JwkSet = serde_json::from_slice(jwks)?;
    let key = DecodingKey::from_jwk(keys.keys.first().context("no key")?)?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[ORIGIN]);
    let handler = async move |headers: HeaderMap| {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "))
            .ok_or(StatusCode::UNAUTHORIZED)?;
        decode::<Claims>(token, &key, &validation)
            .map(|token| token.claims.sub)
            .map_err(|_| StatusCode::UNAUTHORIZED)
    };
    Ok(Router::new().route("/", get(handler)))
}
