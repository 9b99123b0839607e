//! The JWKS endpoint: resource servers verify access tokens offline with the published keys.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::test_on_each_database;
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};

test_on_each_database! {
    async fn token_verifies_with_the_published_key(app: App) {
        let user = app.user("ada@example.com").await;
        let response = app.anon().get("/.well-known/jwks.json").await;
        assert_eq!(
            (response.status, response.header("content-type"), response.header("cache-control")),
            (StatusCode::OK, "application/jwk-set+json", "public, max-age=300")
        );
        let keys: JwkSet = serde_json::from_str(&response.text).expect("a JWK set");
        let header = jsonwebtoken::decode_header(&user.access).expect("a header");
        let key = keys.find(&header.kid.expect("a key id")).expect("the key of the token");
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&["http://localhost:3000"]);
        validation.set_issuer(&["http://localhost:3000"]);
        validation.validate_exp = false; // The clock of this test is manual.
        let claims = jsonwebtoken::decode::<serde_json::Value>(
            &user.access,
            &DecodingKey::from_jwk(key).expect("a key"),
            &validation,
        )
        .expect("a valid token")
        .claims;
        assert_eq!(claims["sub"], user.client.get("/api/v1/me").await.json()["id"]);
    }

    async fn jwks_has_no_private_members(app: App) {
        let body = app.anon().get("/.well-known/jwks.json").await.json();
        for key in body["keys"].as_array().expect("keys") {
            let members: Vec<_> =
                key.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
            assert_eq!(
                (&key["alg"], &key["use"], &key["kty"]),
                (&"ES256".into(), &"sig".into(), &"EC".into())
            );
        }
    }
}
