//! Access tokens: everything that must be refused, signed by the real key where that is needed to get so far.

use crate::support::{ISSUER, START, World, client};
use auth::{Auth, Error, Presented, testing::FreshDatabase};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::Span;
use serde_json::{Value, json};

/// The three parts of a real token, decoded, and a way to put them together again with the server's own key.
struct Forge {
    header: Value,
    claims: Value,
    key: jsonwebtoken::EncodingKey,
}

impl Forge {
    async fn new(world: &World) -> Self {
        let issued = world.sign_up("ada@example.com").await;
        let mut parts = issued.access.token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
        let mut json = || serde_json::from_slice(&parts.next().expect("a part")).expect("JSON");
        Self { header: json(), claims: json(), key: world.auth.signing_key_for_tests() }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, jsonwebtoken::Algorithm::ES256).expect("a signature");
        format!("{message}.{signature}")
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.sign(&self.header, &claims)
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        self.sign(&self.header, &claims)
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header.clone();
        header[name] = value;
        self.sign(&header, &self.claims)
    }
}

async fn accepted(auth: &Auth, token: &str) -> bool {
    match auth.signed_in(&client(), Presented::Bearer(token)).await {
        Ok(_) => true,
        Err(Error::SignedOut) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_says_what_the_design_says() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let forge = Forge::new(&world).await;
    assert_eq!(forge.header["typ"], "at+jwt");
    assert_eq!(forge.header["alg"], "ES256");
    assert_eq!(forge.header["kid"], world.auth.public_keys()[0].kid.as_str());
    let members: Vec<_> = forge.claims.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["acr", "amr", "aud", "auth_time", "epoch", "exp", "gen", "iat", "iss", "jti", "roles", "scope", "sid", "sub"]);
    assert_eq!(forge.claims["iss"], ISSUER);
    assert_eq!(forge.claims["amr"], json!(["pwd"]));
    assert_eq!(forge.claims["roles"], json!(["user"]));
    assert!(accepted(&world.auth, &forge.sign(&forge.header, &forge.claims)).await, "the forge makes tokens that are accepted");
}

#[tokio::test]
async fn a_changed_or_cut_token_is_refused() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let token = world.sign_up("ada@example.com").await.access.token;
    for at in (0..token.len()).step_by(7) {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        // The last character of a part may carry bits that do not count; the decoder refuses those, too.
        assert!(!accepted(&world.auth, &changed).await, "byte {at}");
        assert!(!accepted(&world.auth, &token[..at]).await, "cut at {at}");
    }
    assert!(!accepted(&world.auth, &format!("{token}AAAA")).await);
    assert!(!accepted(&world.auth, &format!("{token}.x")).await);
    assert!(!accepted(&world.auth, &"a".repeat(1_000_000)).await);
}

#[tokio::test]
async fn only_the_algorithm_of_the_key_counts() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let forge = Forge::new(&world).await;
    for alg in ["none", "None", "NONE", "nOnE", "noNE", "HS256", "RS256", "ES384", "EdDSA", ""] {
        let token = forge.with_header("alg", json!(alg));
        assert!(!accepted(&world.auth, &token).await, "{alg}");
        let (unsigned, _) = token.rsplit_once('.').expect("three parts");
        assert!(!accepted(&world.auth, unsigned).await && !accepted(&world.auth, &format!("{unsigned}.")).await, "{alg} without a signature");
    }
    // The public key as an HMAC secret.
    let key = &world.auth.public_keys()[0];
    let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": key.kid});
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(forge.claims.to_string()));
    let (x, y) = (URL_SAFE_NO_PAD.decode(&key.x).expect("x"), URL_SAFE_NO_PAD.decode(&key.y).expect("y"));
    for secret in [[vec![4], x, y].concat(), serde_json::to_vec(key).expect("JSON"), Vec::new()] {
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &jsonwebtoken::EncodingKey::from_secret(&secret), jsonwebtoken::Algorithm::HS256).expect("a MAC");
        assert!(!accepted(&world.auth, &format!("{message}.{signature}")).await);
    }
}

#[tokio::test]
async fn every_header_is_looked_at() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let forge = Forge::new(&world).await;
    let long = "k".repeat(3000);
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("refresh+jwt")),
        ("typ", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("kid", json!("")),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("x' UNION SELECT '1';--")),
        ("kid", json!("a\0b")),
        ("kid", json!(long)),
        ("kid", json!(7)),
        ("kid", json!(["a"])),
        ("kid", json!(null)),
    ] {
        assert!(!accepted(&world.auth, &forge.with_header(name, value.clone())).await, "{name} = {value}");
    }
}

#[tokio::test]
async fn every_claim_is_looked_at() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let forge = Forge::new(&world).await;
    let now = START.seconds();
    for name in ["iss", "aud", "sub", "exp", "iat", "jti", "sid", "gen", "epoch", "amr", "acr", "auth_time", "scope", "roles"] {
        assert!(!accepted(&world.auth, &forge.without_claim(name)).await, "without {name}");
        for wrong in [json!(null), json!([1]), json!({}), json!(true)] {
            assert!(!accepted(&world.auth, &forge.with_claim(name, wrong.clone())).await, "{name} = {wrong}");
        }
    }
    for (name, value) in [
        ("exp", json!("9999999999")),
        ("exp", json!(-1)),
        ("exp", json!(now)),
        ("exp", json!(now - 30)),
        ("exp", json!(now + 3602)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(1.5e18)),
        ("iat", json!(i64::MIN)),
        ("iat", json!(now + 3600)),
        ("nbf", json!(now + 3600)),
        ("nbf", json!((now + 3600).to_string())),
        ("auth_time", json!(now + 3600)),
        ("iss", json!("https://LATCHKEY.example")),
        ("iss", json!("https://latchkey.example/")),
        ("iss", json!([ISSUER])),
        ("aud", json!("https://other.example")),
        ("aud", json!([ISSUER])),
        ("aud", json!(format!("{ISSUER}/"))),
        ("sub", json!("ada")),
        ("sid", json!("")),
        ("roles", json!(["root"])),
    ] {
        assert!(!accepted(&world.auth, &forge.with_claim(name, value.clone())).await, "{name} = {value}");
    }
}

#[tokio::test]
async fn a_token_ends_when_it_says_and_not_before() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let issued = world.sign_up("ada@example.com").await;
    world.clock.advance(Span(i64::from(issued.access.expires_in) * 1000 - 1));
    assert!(accepted(&world.auth, &issued.access.token).await);
    world.clock.advance(Span::seconds(2));
    assert!(!accepted(&world.auth, &issued.access.token).await);
}
