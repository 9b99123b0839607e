//! Access tokens: every invalid form is rejected, also when signed with the real key; randomness of
//! tokens and IDs.

use crate::common::{ISSUER, PASSWORD, START, TestContext, accepts, can_refresh, client};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, IssuedTokens, Policy, PresentedCredential,
    RandomSource, ServerSecret, Store,
    keys::{Algorithm, JWKS_MAX_AGE, Jwk, PRE_PUBLISH_PERIOD, PublicKey, RETIREMENT_PERIOD},
    test_on_each_database,
    testing::TestDatabase,
};
use countersign_types::{TimeSpan, forms::ChangePasswordForm};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::collections::HashSet;

const ADA: &str = "ada@example.com";
const NEW: &str = "a quite different one";

/// The decoded parts of a valid token, which can be modified and signed with the server's key.
struct Forge {
    header: Value,
    claims: Value,
    key: jsonwebtoken::EncodingKey,
}

impl Forge {
    async fn new(context: &TestContext) -> Self {
        let issued = context.sign_up(ADA).await;
        let mut parts = issued
            .access
            .token
            .split('.')
            .map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
        let mut json = || serde_json::from_slice(&parts.next().expect("a part")).expect("JSON");
        Self { header: json(), claims: json(), key: context.auth.signing_key_for_tests() }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_bytes(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    fn sign_bytes(&self, header: &[u8], claims: &[u8]) -> String {
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(
            message.as_bytes(),
            &self.key,
            jsonwebtoken::Algorithm::ES256,
        )
        .expect("a signature");
        format!("{message}.{signature}")
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        self.sign(&self.header, &with(&self.claims, name, value))
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        self.sign(&self.header, &claims)
    }

    /// Returns a token with a claim in raw JSON, which may be malformed.
    fn with_raw_claim(&self, name: &str, raw: &str) -> String {
        let claims = with(&self.claims, name, json!("HERE")).to_string().replace("\"HERE\"", raw);
        self.sign_bytes(self.header.to_string().as_bytes(), claims.as_bytes())
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        self.sign(&with(&self.header, name, value), &self.claims)
    }

    /// Returns a token with the signature that `sign` returns.
    fn signed_by(&self, header: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(self.claims.to_string())
        );
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
    }
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[name] = value;
    object
}

fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// Returns the ID of the key that signed a token.
fn kid_of(token: &str) -> String {
    let header: Value =
        serde_json::from_slice(&decoded(token.split('.').next().expect("a header"))).expect("JSON");
    header["kid"].as_str().expect("a name").to_owned()
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// Encodes one value in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    let length = match content.len() {
        0..=127 => vec![length[1]],
        128..=255 => vec![0x81, length[1]],
        _ => [&[0x82], &length[..]].concat(),
    };
    [&[tag], &length[..], content].concat()
}

/// Returns all encodings of a public key that an implementation could confuse with an HMAC secret.
fn encodings(key: &Jwk) -> Vec<Vec<u8>> {
    const EC: &[u8] = &[
        0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
    ];
    const ED25519: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x70];
    const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];
    let number = |text: &str| der(0x02, &[&[0], &decoded(text)[..]].concat());
    let (kind, raw) = match &key.public {
        PublicKey::Ec { x, y, .. } => (EC, [vec![4], decoded(x), decoded(y)].concat()),
        PublicKey::Okp { x, .. } => (ED25519, decoded(x)),
        PublicKey::Rsa { n, e } => (RSA, der(0x30, &[number(n), der(0x02, &decoded(e))].concat())),
        PublicKey::Oct => panic!("shared secrets are not published"),
    };
    let info = der(0x30, &[der(0x30, kind), der(0x03, &[&[0], &raw[..]].concat())].concat());
    let lines = |separator: &str| {
        let text = STANDARD.encode(&info);
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("ASCII")).collect();
        format!(
            "-----BEGIN PUBLIC KEY-----{separator}{}{separator}-----END PUBLIC KEY-----",
            lines.join(separator)
        )
    };
    let plain = [
        lines("\n"),
        lines("\n") + "\n",
        lines("\r\n") + "\r\n",
        serde_json::to_string(key).expect("JSON"),
        serde_json::to_string_pretty(key).expect("JSON"),
        json!({"keys": [key]}).to_string(),
        serde_json::to_string(&key.public).expect("JSON"),
        key.kid.clone(),
    ];
    let binary = [info, raw.clone(), raw[1..].to_vec()];
    let forms: Vec<Vec<u8>> = plain.into_iter().map(String::into_bytes).chain(binary).collect();
    let encoded = forms.iter().flat_map(|form| {
        [STANDARD.encode(form).into_bytes(), URL_SAFE_NO_PAD.encode(form).into_bytes()]
    });
    encoded.collect::<Vec<_>>().into_iter().chain(forms).collect()
}

/// Returns the content of the database: the files of SQLite, or all rows of Postgres as text with
/// bytes in hexadecimal.
async fn database_content(context: &TestContext) -> Vec<u8> {
    if let Some(path) = context.database.url.strip_prefix("sqlite:") {
        return ["", "-wal", "-shm"]
            .iter()
            .flat_map(|end| std::fs::read(format!("{path}{end}")).expect("a file"))
            .collect();
    }
    let mut connection = PgConnection::connect(&context.database.url).await.expect("Postgres");
    let tables =
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
    let tables: Vec<String> =
        sqlx::query_scalar(tables).fetch_all(&mut connection).await.expect("tables");
    assert!(tables.len() >= 7, "{tables:?}");
    let mut rows: Vec<String> = Vec::new();
    for table in tables {
        let statement = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        rows.extend(
            sqlx::query_scalar::<_, String>(statement)
                .fetch_all(&mut connection)
                .await
                .expect("rows"),
        );
    }
    rows.concat().into_bytes()
}

/// A key of an attacker.
struct ForeignKey {
    alg: &'static str,
    jwk: Value,
    sign: Box<Sign>,
}

/// Signs a message.
type Sign = dyn Fn(&[u8]) -> Vec<u8>;

fn foreign_keys() -> [ForeignKey; 4] {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = ec.public_key().as_ref().to_vec();
    let ed = Ed25519KeyPair::generate().expect("a key");
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let (n, e) = (rsa.public_key().modulus(), rsa.public_key().exponent());
    let [n, e] =
        [n, e].map(|number| URL_SAFE_NO_PAD.encode(number.big_endian_without_leading_zero()));
    let secret: [u8; 32] = RandomSource::System.bytes().expect("randomness");
    [
        ForeignKey {
            alg: "ES256",
            jwk: json!({
                "kty": "EC",
                "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
                "y": URL_SAFE_NO_PAD.encode(&point[33..]),
            }),
            sign: Box::new(move |message| {
                ec.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
            }),
        },
        ForeignKey {
            alg: "EdDSA",
            jwk: json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "x": URL_SAFE_NO_PAD.encode(ed.public_key()),
            }),
            sign: Box::new(move |message| ed.sign(message).as_ref().to_vec()),
        },
        ForeignKey {
            alg: "RS256",
            jwk: json!({"kty": "RSA", "n": n, "e": e}),
            sign: Box::new(move |message| {
                let mut signature = vec![0; rsa.public_modulus_len()];
                rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .expect("a signature");
                signature
            }),
        },
        ForeignKey {
            alg: "HS256",
            jwk: json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret)}),
            sign: Box::new(move |message| hmac_sha256(&secret, message)),
        },
    ]
}

/// Publishes a key of each algorithm and returns the public keys.
async fn publish_all_algorithms(context: &TestContext) -> Vec<Jwk> {
    for algorithm in [Algorithm::EdDsa, Algorithm::Hs256, Algorithm::Rs256] {
        context.auth.key_admin().add(algorithm, context.clock.now()).await.expect("added");
    }
    context.auth.sync_feed().await.expect("synced");
    let keys = context.auth.public_keys();
    assert_eq!(keys.len(), 3);
    keys
}

test_on_each_database! {
    async fn debug_output_hides_issued_tokens(context: TestContext) {
        let issued = context.sign_up("ada@example.com").await;
        let device = issued.device_cookie.clone().expect("a device cookie");
        for shown in [
            format!("{issued:?}"),
            format!("{issued:#?}"),
            format!("{device:?}"),
            format!("{:?}", Some(issued.clone())),
        ] {
            for secret in [
                "csgn_dc_",
                "csgn_rt_",
                "eyJ",
                &issued.access.token,
                &issued.refresh.token,
                &device.token,
            ] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    async fn access_token_has_the_documented_claims(context: TestContext) {
        let forge = Forge::new(&context).await;
        assert_eq!(forge.header["typ"], "at+jwt");
        assert_eq!(forge.header["alg"], "ES256");
        assert_eq!(forge.header["kid"], context.auth.public_keys()[0].kid.as_str());
        let members: Vec<_> =
            forge.claims.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            members,
            [
                "acr",
                "amr",
                "aud",
                "auth_time",
                "client_id",
                "epoch",
                "exp",
                "gen",
                "iat",
                "iss",
                "jti",
                "roles",
                "scope",
                "sid",
                "sub"
            ]
        );
        assert_eq!(forge.claims["iss"], ISSUER);
        assert_eq!(forge.claims["client_id"], countersign_core::sessions::access_token::CLIENT_ID);
        assert_eq!(forge.claims["amr"], json!(["pwd"]));
        assert_eq!(forge.claims["roles"], json!(["user"]));
        assert!(
            accepts(&context.auth, &forge.sign(&forge.header, &forge.claims)).await,
            "unmodified tokens of the forge are accepted"
        );
        assert!(
            accepts(&context.auth, &forge.with_raw_claim("unknown", "1e3")).await,
            "tokens with raw claims are accepted"
        );
    }

    async fn modified_or_truncated_token_is_rejected(context: TestContext) {
        let token = context.sign_up(ADA).await.access.token;
        let mut tried = 0;
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut changed = token.clone().into_bytes();
                changed[at] ^= 1 << bit;
                let changed = String::from_utf8(changed).expect("ASCII");
                assert!(!accepts(&context.auth, &changed).await, "bit {bit} of byte {at}");
                tried += 1;
            }
            assert!(!accepts(&context.auth, &token[..at]).await, "cut at {at}");
            let (before, after) = (&token[..at], token.get(at + 4..).unwrap_or_default());
            assert!(
                !accepts(&context.auth, &format!("{before}{after}")).await,
                "without four characters at {at}"
            );
        }
        assert!(tried > 3000, "only {tried}");
        for changed in [
            format!("{token}AAAA"),
            format!("{token}="),
            format!("{token}.x"),
            format!(".{token}"),
            format!(" {token}"),
            format!("{token}\n"),
            "a".repeat(1_000_000),
            String::new(),
            "..".to_owned(),
        ] {
            assert!(!accepts(&context.auth, &changed).await);
        }
        assert!(accepts(&context.auth, &token).await, "the unmodified token is accepted");
    }

    async fn mixed_parts_of_two_tokens_are_rejected(context: TestContext) {
        let tokens =
            [context.sign_up(ADA).await.access.token, context.log_in(ADA).await.access.token];
        let parts: Vec<Vec<&str>> = tokens.iter().map(|token| token.split('.').collect()).collect();
        assert!(!accepts(&context.auth, &[parts[0][0], parts[0][1], parts[1][2]].join(".")).await);
        assert!(!accepts(&context.auth, &[parts[0][0], parts[1][1], parts[0][2]].join(".")).await);
    }

    async fn alg_header_that_differs_from_the_key_is_rejected(context: TestContext) {
        let forge = Forge::new(&context).await;
        for alg in [
            "none", "None", "NONE", "nOnE", "noNE", "HS256", "RS256", "ES384", "EdDSA", "PS256",
            "es256", "",
        ] {
            let token = forge.with_header("alg", json!(alg));
            assert!(!accepts(&context.auth, &token).await, "{alg}");
            let (unsigned, _) = token.rsplit_once('.').expect("three parts");
            assert!(
                !accepts(&context.auth, unsigned).await
                    && !accepts(&context.auth, &format!("{unsigned}.")).await,
                "{alg} without a signature"
            );
        }
        for alg in [json!(null), json!(["ES256"]), json!({"alg": "ES256"}), json!(0), json!(true)] {
            assert!(!accepts(&context.auth, &forge.with_header("alg", alg.clone())).await, "{alg}");
        }
    }

    async fn missing_or_empty_signature_is_rejected(context: TestContext) {
        let token = context.sign_up(ADA).await.access.token;
        let (unsigned, _) = token.rsplit_once('.').expect("three parts");
        for signature in ["", ".", ".AA", ".\"\"", ".null", "..", ".="] {
            assert!(
                !accepts(&context.auth, &format!("{unsigned}{signature}")).await,
                "{signature:?}"
            );
        }
        // ECDSA with r = s = 0, which faulty libraries accept for any message (CVE-2022-21449).
        assert!(
            !accepts(&context.auth, &format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode([0; 64])))
                .await
        );
        assert!(accepts(&context.auth, &token).await);
    }

    async fn hmac_with_any_public_key_encoding_is_rejected(context: TestContext) {
        let keys = publish_all_algorithms(&context).await;
        let forge = Forge::new(&context).await;
        let kids =
            context.auth.key_admin().list().await.expect("keys").into_iter().map(|key| key.kid);
        let kids: Vec<Value> = kids.map(Value::from).chain([Value::Null]).collect();
        assert_eq!(kids.len(), 5, "one of each algorithm, and none");
        let secrets: Vec<Vec<u8>> = keys
            .iter()
            .flat_map(encodings)
            .chain([Vec::new(), vec![0; 32], b"secret".to_vec()])
            .collect();
        assert!(secrets.len() > 90, "{}", secrets.len());
        for secret in secrets {
            for kid in &kids {
                let token = forge
                    .signed_by(&json!({"typ": "at+jwt", "alg": "HS256", "kid": kid}), |message| {
                        hmac_sha256(&secret, message)
                    });
                assert!(
                    !accepts(&context.auth, &token).await,
                    "{kid} {}",
                    String::from_utf8_lossy(&secret)
                );
            }
        }
    }

    async fn key_in_the_token_header_is_ignored(context: TestContext) {
        publish_all_algorithms(&context).await;
        let (forge, keys) =
            (Forge::new(&context).await, context.auth.key_admin().list().await.expect("keys"));
        for ForeignKey { alg, jwk, sign } in foreign_keys() {
            let kids = keys.iter().map(|key| json!(key.kid)).chain([json!("foreign"), Value::Null]);
            for kid in kids {
                let jwk = with(&with(&jwk, "kid", kid.clone()), "alg", json!(alg));
                let set = json!({"keys": [jwk]});
                let plain = json!({"typ": "at+jwt", "alg": alg, "kid": kid});
                for (name, value) in [
                    ("x", json!(0)),
                    ("jwk", jwk.clone()),
                    ("jwks", set.clone()),
                    ("x5c", json!([jwk["x"]])),
                    ("jku", json!("data:application/json,")),
                    ("key", set),
                ] {
                    let token = forge.signed_by(&with(&plain, name, value), &sign);
                    assert!(!accepts(&context.auth, &token).await, "{alg} {kid} {name}");
                }
            }
        }
    }

    async fn key_accepts_its_own_algorithm_only(context: TestContext) {
        publish_all_algorithms(&context).await;
        let forge = Forge::new(&context).await;
        for key in context.auth.key_admin().list().await.expect("keys") {
            // Signed with ES256, independent of the header.
            let accepted = accepts(&context.auth, &forge.with_header("kid", json!(key.kid))).await;
            assert_eq!(accepted, key.state == "signing", "{}", key.algorithm);
            let renamed =
                with(&with(&forge.header, "kid", json!(key.kid)), "alg", json!(key.algorithm));
            assert_eq!(
                accepts(&context.auth, &forge.sign(&renamed, &forge.claims)).await,
                key.state == "signing",
                "{}",
                key.algorithm
            );
        }
    }

    async fn invalid_header_is_rejected(context: TestContext) {
        let forge = Forge::new(&context).await;
        for (name, value) in [
            ("typ", json!("JWT")),
            ("typ", json!("refresh+jwt")),
            ("typ", json!("at+jwt ")),
            ("typ", json!("text/at+jwt")),
            ("typ", json!(["at+jwt"])),
            ("typ", json!(null)),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("crit", json!(null)),
            ("kid", json!("")),
            ("kid", json!("/dev/null")),
            ("kid", json!("../../../../../../dev/null")),
            ("kid", json!("x' UNION SELECT '1';--")),
            ("kid", json!("|sleep 10")),
            ("kid", json!("a\0b")),
            ("kid", json!("k".repeat(2500))),
            ("kid", json!("k".repeat(10_000))),
            ("kid", json!(7)),
            ("kid", json!(["a"])),
            ("kid", json!([forge.header["kid"]])),
            ("kid", json!({"kid": forge.header["kid"]})),
            ("kid", json!(null)),
        ] {
            assert!(
                !accepts(&context.auth, &forge.with_header(name, value.clone())).await,
                "{name} = {value}"
            );
        }
        let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
        for header in [
            "",
            "null",
            "[]",
            "\"\"",
            "{}",
            "{\"alg\":\"none\",",
            &header[1..],
            &format!("\u{feff}{header}"),
            &format!("{header} {header}"),
            &header.replacen('{', "{\"alg\":\"none\",", 1),
        ] {
            assert!(
                !accepts(&context.auth, &forge.sign_bytes(header.as_bytes(), claims.as_bytes()))
                    .await,
                "{header}"
            );
        }
        for typ in ["AT+JWT", "application/at+jwt"] {
            assert!(
                accepts(&context.auth, &forge.with_header("typ", json!(typ))).await,
                "{typ}: allowed by RFC 9068"
            );
        }
    }

    async fn missing_or_invalid_claim_is_rejected(context: TestContext) {
        let forge = Forge::new(&context).await;
        let now = START.seconds();
        for name in [
            "iss",
            "aud",
            "sub",
            "client_id",
            "exp",
            "iat",
            "jti",
            "sid",
            "gen",
            "epoch",
            "amr",
            "acr",
            "auth_time",
            "scope",
            "roles",
        ] {
            assert!(!accepts(&context.auth, &forge.without_claim(name)).await, "without {name}");
            for wrong in [json!(null), json!([1]), json!({}), json!(true)] {
                assert!(
                    !accepts(&context.auth, &forge.with_claim(name, wrong.clone())).await,
                    "{name} = {wrong}"
                );
            }
        }
        for (name, value) in [
            ("exp", json!("9999999999")),
            ("exp", json!((now + 60).to_string())),
            ("exp", json!(-1)),
            ("exp", json!(0)),
            ("exp", json!(now)),
            ("exp", json!(now - 1)),
            ("exp", json!(now - 30)),
            ("exp", json!(now + 3602)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(i64::MIN)),
            ("exp", json!(u64::MAX)),
            ("exp", json!(1.5e18)),
            ("iat", json!(i64::MIN)),
            ("iat", json!(now + 3600)),
            ("nbf", json!(now + 3600)),
            ("nbf", json!((now + 3600).to_string())),
            ("nbf", json!((now - 3600).to_string())),
            ("nbf", json!([now])),
            ("nbf", json!(true)),
            ("auth_time", json!(now + 3600)),
            ("iss", json!("https://COUNTERSIGN.example")),
            ("iss", json!("https://countersign.example/")),
            ("iss", json!([ISSUER])),
            ("aud", json!("https://other.example")),
            ("aud", json!([ISSUER])),
            ("aud", json!(["https://other.example"])),
            ("aud", json!([])),
            ("aud", json!(format!("{ISSUER}/"))),
            ("aud", json!("")),
            ("client_id", json!("")),
            ("client_id", json!("Countersign")),
            ("sub", json!("ada")),
            ("sub", json!(7)),
            ("sid", json!("")),
            ("jti", json!(7)),
            ("roles", json!(["root"])),
            ("roles", json!("user")),
        ] {
            assert!(
                !accepts(&context.auth, &forge.with_claim(name, value.clone())).await,
                "{name} = {value}"
            );
        }
        assert!(
            accepts(&context.auth, &forge.with_claim("nbf", json!(now - 3600))).await,
            "a valid claim"
        );
    }

    async fn malformed_json_claims_are_rejected(context: TestContext) {
        let forge = Forge::new(&context).await;
        for (name, raw) in [
            ("exp", "1e999"),
            ("exp", "-1e999"),
            ("exp", "18446744073709551616"),
            ("exp", "9223372036854775808"),
            ("exp", "1.7672256e9"),
            ("exp", "1767225660.5"),
            ("exp", "NaN"),
            ("exp", "Infinity"),
            ("exp", "01767225660"),
            ("exp", "0x69558300"),
            ("exp", ""),
            ("exp", "1767225660,\"exp\":1767225660"),
            ("iss", "\"https://countersign.example\",\"iss\":\"https://countersign.example\""),
            ("iss", "\"https://countersign.example\u{0}\""),
            ("sub", "\"\\ud800\""),
        ] {
            assert!(
                !accepts(&context.auth, &forge.with_raw_claim(name, raw)).await,
                "{name} = {raw}"
            );
        }
        let claims = forge.claims.to_string();
        for claims in [
            &b""[..],
            b"null",
            b"[]",
            b"\"\"",
            b"{}",
            b"\xff\xfe",
            &claims.as_bytes()[1..],
            format!("\u{feff}{claims}").as_bytes(),
            format!("{claims}x").as_bytes(),
            format!("[{claims}]").as_bytes(),
            claims.replace("countersign", "countersign\u{200b}").as_bytes(),
        ] {
            assert!(
                !accepts(
                    &context.auth,
                    &forge.sign_bytes(forge.header.to_string().as_bytes(), claims)
                )
                .await,
                "{}",
                String::from_utf8_lossy(claims)
            );
        }
    }

    async fn access_token_expires_at_exp(context: TestContext) {
        let issued = context.sign_up(ADA).await;
        context.clock.advance(TimeSpan(i64::from(issued.access.expires_in) * 1000 - 1));
        assert!(accepts(&context.auth, &issued.access.token).await);
        context.clock.advance(TimeSpan::seconds(2));
        assert!(!accepts(&context.auth, &issued.access.token).await);
    }

    async fn malleated_signature_is_revoked_with_its_session(context: TestContext) {
        // ECDSA signatures are malleable: (r, s) and (r, n − s) are both valid.
        const ORDER: [u8; 32] = [
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
            0x25, 0x51,
        ];
        let issued = context.sign_up(ADA).await;
        let (message, signature) = issued.access.token.rsplit_once('.').expect("three parts");
        let mut signature = decoded(signature);
        let mut borrow = 0;
        for at in (0..32).rev() {
            let difference = i16::from(ORDER[at]) - i16::from(signature[32 + at]) - borrow;
            borrow = i16::from(difference < 0);
            signature[32 + at] = u8::try_from(difference.rem_euclid(256)).expect("a byte");
        }
        let other = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert!(
            other != issued.access.token && accepts(&context.auth, &other).await,
            "the other signature is valid, too"
        );
        context
            .auth
            .log_out(&client(), PresentedCredential::Bearer(&issued.access.token))
            .await
            .expect("a log-out");
        assert!(
            !accepts(&context.auth, &other).await
                && !accepts(&context.auth, &issued.access.token).await
        );
    }

    async fn database_holds_no_token_or_password_in_any_encoding(context: TestContext) {
        let mut secrets = vec![PASSWORD.to_owned(), NEW.to_owned(), context.secret.expose()];
        let mut issued = context.sign_up(ADA).await;
        for round in 0..5 {
            secrets.extend([issued.access.token.clone(), issued.refresh.token.clone()]);
            context.clock.advance(TimeSpan::minutes(1));
            issued = match round {
                0 => context.log_in(ADA).await,
                _ => {
                    context.auth.refresh(&client(), &issued.refresh.token).await.expect("refreshed")
                }
            };
            assert!(accepts(&context.auth, &issued.access.token).await);
            context.auth.run_maintenance(true).await.expect("maintenance");
        }
        secrets.extend([issued.access.token.clone(), issued.refresh.token.clone()]);
        assert!(!can_refresh(&context.auth, &secrets[5]).await, "reuse is recorded, too");
        let other = context.log_in(ADA).await;
        let form = ChangePasswordForm {
            current_password: PASSWORD.into(),
            new_password: NEW.into(),
        };
        let me = context
            .auth
            .signed_in(&client(), PresentedCredential::Bearer(&other.access.token))
            .await
            .expect("signed in");
        me.change_password(&form).await.expect("changed");
        context
            .auth
            .log_out(&client(), PresentedCredential::Cookie(&other.refresh.token))
            .await
            .expect("a log-out");
        secrets.extend([other.access.token, other.refresh.token]);

        let stored = database_content(&context).await;
        let holds = |bytes: &[u8]| {
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let hex: String =
                digits.map(|digit| char::from_digit(digit.into(), 16).expect("a digit")).collect();
            [bytes, hex.as_bytes()]
                .into_iter()
                .any(|form| stored.windows(form.len()).any(|window| window == form))
        };
        assert!(
            holds(ADA.as_bytes()) && holds(&context.secret.fingerprint()),
            "stored data is found, as text and as bytes"
        );
        assert_eq!(secrets.len(), 17);
        for secret in secrets {
            // The end is the unguessable part: a MAC or a signature.
            assert!(!holds(secret.as_bytes()) && !holds(&secret.as_bytes()[secret.len() - 12..]));
            let last = secret
                .strip_prefix("csgn_rt_")
                .or_else(|| secret.rsplit('.').next())
                .expect("a part");
            let bytes = URL_SAFE_NO_PAD.decode(last).unwrap_or_else(|_| last.as_bytes().to_vec());
            assert!(!holds(&bytes[bytes.len() - 16..]));
        }
    }

    async fn key_rotation_under_load_rejects_no_request(context: TestContext) {
        // The tokens outlive the rotation, so a rejection can only be due to the key.
        let long = async || {
            let store = Store::open(&context.database.url).await.expect("a database");
            let policy = Policy {
                access_token_ttl: TimeSpan::minutes(60),
                limits: countersign_core::RateLimits::off(),
                ..Policy::new(ISSUER)
            };
            let hashing = HashingConfig {
                memory_kib: 64,
                iterations: 1,
                parallelism: 1,
                threads: 1,
                queue_capacity: 64,
            };
            Auth::start(AuthConfig {
                store,
                clock: context.clock.clone(),
                random: RandomSource::System,
                secret: context.secret.clone(),
                policy,
                hashing,
                mail: None,
            })
            .await
            .expect("a start")
        };
        let nodes = [long().await, long().await];
        let mut users = Vec::new();
        for number in 0..3 {
            // Only one node refreshes, because two writers of one SQLite file would mostly wait.
            let (nodes, mut issued) =
                (nodes.clone(), context.sign_up(&format!("ada{number}@example.com")).await);
            users.push(tokio::spawn(async move {
                let old = kid_of(&issued.access.token);
                let (mut calls, mut calls_with_new_key) = (0, 0);
                while calls_with_new_key < 10 {
                    issued = nodes[0]
                        .refresh(&client(), &issued.refresh.token)
                        .await
                        .expect("refreshed");
                    for node in &nodes {
                        assert!(accepts(node, &issued.access.token).await);
                    }
                    calls += 1;
                    calls_with_new_key += u32::from(kid_of(&issued.access.token) != old);
                    assert!(calls < 20_000, "the new key never signs");
                }
                issued
            }));
        }
        let sync_and_maintain = async || {
            for node in &nodes {
                for _ in 0..10 {
                    context.store.ping().await.expect("an answer");
                }
                node.sync_feed().await.expect("synced");
            }
            nodes[0].run_maintenance(false).await.expect("maintenance");
        };
        let (next, _) =
            nodes[0].key_admin().rotate(None, context.clock.now()).await.expect("a rotation");
        for _ in 0..5 {
            sync_and_maintain().await;
        }
        context.clock.advance(PRE_PUBLISH_PERIOD);
        while users.iter().any(|user| !user.is_finished()) {
            sync_and_maintain().await;
        }
        let mut last = Vec::new();
        for user in users {
            last.push(user.await.expect("a task"));
        }
        context.clock.advance(RETIREMENT_PERIOD);
        sync_and_maintain().await;
        sync_and_maintain().await;
        for node in &nodes {
            assert_eq!(
                node.public_keys().into_iter().map(|key| key.kid).collect::<Vec<_>>(),
                [next.as_str()],
                "the old key is removed"
            );
            for issued in &last {
                assert!(!accepts(node, &issued.access.token).await, "expired");
            }
        }
    }
}

#[test]
fn jwks_max_age_is_at_most_half_the_pre_publish_period() {
    assert!(
        JWKS_MAX_AGE.0 * 2 <= PRE_PUBLISH_PERIOD.0
            && RETIREMENT_PERIOD > countersign_core::MAX_ACCESS_TOKEN_TTL
    );
}

/// Asserts that no two values are equal and that each bit is set in half of them.
fn assert_random(values: &[[u8; 16]]) {
    let distinct: HashSet<_> = values.iter().collect();
    assert_eq!(distinct.len(), values.len(), "duplicate values");
    let half = values.len() / 2;
    // Six standard deviations: a false alarm has a probability of 1 in 500 million.
    let tolerance = values.len().isqrt() * 3;
    for bit in 0..128 {
        let set = values.iter().filter(|value| value[bit / 8] >> (bit % 8) & 1 == 1).count();
        assert!(set.abs_diff(half) < tolerance, "bit {bit} is set in {set} of {}", values.len());
    }
}

#[tokio::test]
async fn refresh_macs_and_token_ids_are_random() {
    let context = TestContext::on(TestDatabase::sqlite()).await;
    let (mut macs, mut ids) = (Vec::new(), Vec::new());
    let mut push_id = |issued: &IssuedTokens| {
        let claims: Value = serde_json::from_slice(&decoded(
            issued.access.token.split('.').nth(1).expect("claims"),
        ))
        .expect("JSON");
        ids.push(decoded(claims["jti"].as_str().expect("an ID")).try_into().expect("128 bits"));
    };
    let (mut before, mut issued) = (String::new(), context.sign_up(ADA).await);
    for _ in 0..2000 {
        before = issued.refresh.token;
        issued = context.auth.refresh(&client(), &before).await.expect("refreshed");
        macs.push(
            decoded(&issued.refresh.token["csgn_rt_".len()..])[40..].try_into().expect("128 bits"),
        );
        push_id(&issued);
    }
    // Retries of a second tab: each issues another access token and writes nothing.
    for _ in 0..8000 {
        push_id(&context.auth.refresh(&client(), &before).await.expect("reissued"));
    }
    assert_eq!(ids.len(), 10_000);
    assert_random(&macs);
    assert_random(&ids);
}

#[test]
fn secrets_and_ids_are_random() {
    let secrets: Vec<[u8; 16]> = (0..10_000)
        .map(|_| {
            let text = ServerSecret::generate(&RandomSource::System).expect("randomness").expose();
            decoded(&text)[..16].try_into().expect("128 bits")
        })
        .collect();
    assert_random(&secrets);
    let now = Clock::manual(START).now();
    let ids: HashSet<_> =
        (0..10_000).map(|_| RandomSource::System.id(now).expect("an id")).collect();
    assert_eq!(ids.len(), 10_000, "IDs of one millisecond");
}
