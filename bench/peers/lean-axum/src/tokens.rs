//! Access tokens, which are JWTs (HS256), and refresh tokens, which are random.

use crate::ApiError;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp,
};
use serde::{Deserialize, Serialize};

const ACCESS_TOKEN_TTL_SECONDS: u64 = 600;

#[derive(Serialize, Deserialize)]
pub struct Claims {
    pub sub: i64,
    email: String,
    exp: u64,
}

pub struct AccessTokens {
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
    validation: Validation,
}

impl AccessTokens {
    pub fn with_random_key() -> Self {
        let key: [u8; 32] = random();
        Self {
            encoding_key: EncodingKey::from_secret(&key),
            decoding_key: DecodingKey::from_secret(&key),
            validation: Validation::new(Algorithm::HS256),
        }
    }

    pub fn issue(&self, user_id: i64, email: String) -> Result<String, ApiError> {
        let exp = get_current_timestamp() + ACCESS_TOKEN_TTL_SECONDS;
        encode(&Header::default(), &Claims { sub: user_id, email, exp }, &self.encoding_key)
            .map_err(|_| ApiError::Internal)
    }

    /// Verifies the access token in `Authorization`.
    pub fn verify(&self, headers: &HeaderMap) -> Result<Claims, ApiError> {
        headers
            .get(AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
            .and_then(|token| decode(token, &self.decoding_key, &self.validation).ok())
            .map(|token| token.claims)
            .ok_or(ApiError::Unauthorized)
    }
}

/// The secret part of a refresh token.
pub struct RefreshSecret(String);

impl RefreshSecret {
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::<32>()))
    }

    pub fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    /// Returns the token, with the session that it belongs to.
    pub fn token(&self, session_id: i64) -> String {
        format!("{session_id}.{}", self.0)
    }

    pub fn parse(token: &str) -> Option<(i64, Self)> {
        let (session_id, secret) = token.split_once('.')?;
        Some((session_id.parse().ok()?, Self(secret.to_owned())))
    }
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}
