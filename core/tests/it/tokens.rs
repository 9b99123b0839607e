//! Access tokens: everything that must be refused, signed by the real key where that is needed to
//! get so far; and what must be unlike in all.

use crate::support::{ISSUER, PASSWORD, START, World, accepts, client, renews};
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
    Auth, Clock, Entropy, Hashing, Issued, Policy, Presented, ServerSecret, Store,
    flow::Parts,
    keys::{Algorithm, JWKS_MAX_AGE, Jwk, PUBLISHED_FOR, Public, RETIRED_FOR},
    on_both,
    testing::FreshDatabase,
};
use countersign_types::{Span, form::ChangePassword};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::collections::HashSet;

const ADA: &str = "ada@example.com";
const NEW: &str = "a quite different one";

/// The parts of a real token, decoded, and a way to put them together again with the server's own
/// key.
struct Forge {
    header: Value,
    claims: Value,
    key: jsonwebtoken::EncodingKey,
}

impl Forge {
    async fn new(world: &World) -> Self {
        let issued = world.sign_up(ADA).await;
        let mut parts = issued
            .access
            .token
            .split('.')
            .map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"));
        let mut json = || serde_json::from_slice(&parts.next().expect("a part")).expect("JSON");
        Self { header: json(), claims: json(), key: world.auth.signing_key_for_tests() }
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

    /// With a claim that no JSON library would write.
    fn with_raw_claim(&self, name: &str, raw: &str) -> String {
        let claims = with(&self.claims, name, json!("HERE")).to_string().replace("\"HERE\"", raw);
        self.sign_bytes(self.header.to_string().as_bytes(), claims.as_bytes())
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        self.sign(&with(&self.header, name, value), &self.claims)
    }

    /// Signed by somebody else: `sign` makes the bytes of the signature.
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

/// The name of the key that signed a token.
fn key_of(token: &str) -> String {
    let header: Value =
        serde_json::from_slice(&decoded(token.split('.').next().expect("a header"))).expect("JSON");
    header["kid"].as_str().expect("a name").to_owned()
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// One value in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short").to_be_bytes();
    let length = match content.len() {
        0..=127 => vec![length[1]],
        128..=255 => vec![0x81, length[1]],
        _ => [&[0x82], &length[..]].concat(),
    };
    [&[tag], &length[..], content].concat()
}

/// A public key in every form in which somebody could take it for a secret.
fn forms(key: &Jwk) -> Vec<Vec<u8>> {
    const EC: &[u8] = &[
        0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
    ];
    const ED25519: &[u8] = &[0x06, 3, 0x2b, 0x65, 0x70];
    const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];
    let number = |text: &str| der(0x02, &[&[0], &decoded(text)[..]].concat());
    let (kind, raw) = match &key.public {
        Public::Ec { x, y, .. } => (EC, [vec![4], decoded(x), decoded(y)].concat()),
        Public::Okp { x, .. } => (ED25519, decoded(x)),
        Public::Rsa { n, e } => (RSA, der(0x30, &[number(n), der(0x02, &decoded(e))].concat())),
        Public::Oct => panic!("a shared secret is not published"),
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

/// Everything that the database holds: the files of SQLite; every row of Postgres as text, bytes in
/// hexadecimal.
async fn everything_stored(world: &World) -> Vec<u8> {
    if let Some(path) = world.database.url.strip_prefix("sqlite:") {
        return ["", "-wal", "-shm"]
            .iter()
            .flat_map(|end| std::fs::read(format!("{path}{end}")).expect("a file"))
            .collect();
    }
    let mut connection = PgConnection::connect(&world.database.url).await.expect("Postgres");
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

/// Somebody with a key of their own.
struct Stranger {
    alg: &'static str,
    jwk: Value,
    sign: Box<Sign>,
}

/// Makes the signature of a message.
type Sign = dyn Fn(&[u8]) -> Vec<u8>;

fn strangers() -> [Stranger; 4] {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = ec.public_key().as_ref().to_vec();
    let ed = Ed25519KeyPair::generate().expect("a key");
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let (n, e) = (rsa.public_key().modulus(), rsa.public_key().exponent());
    let [n, e] =
        [n, e].map(|number| URL_SAFE_NO_PAD.encode(number.big_endian_without_leading_zero()));
    let secret: [u8; 32] = Entropy::System.bytes().expect("randomness");
    [
        Stranger {
            alg: "ES256",
            jwk: json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])}),
            sign: Box::new(move |message| {
                ec.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
            }),
        },
        Stranger {
            alg: "EdDSA",
            jwk: json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(ed.public_key())}),
            sign: Box::new(move |message| ed.sign(message).as_ref().to_vec()),
        },
        Stranger {
            alg: "RS256",
            jwk: json!({"kty": "RSA", "n": n, "e": e}),
            sign: Box::new(move |message| {
                let mut signature = vec![0; rsa.public_modulus_len()];
                rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .expect("a signature");
                signature
            }),
        },
        Stranger {
            alg: "HS256",
            jwk: json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret)}),
            sign: Box::new(move |message| hmac_sha256(&secret, message)),
        },
    ]
}

/// A world that publishes a key of each algorithm.
async fn with_all_algorithms(world: &World) -> Vec<Jwk> {
    for algorithm in [Algorithm::EdDsa, Algorithm::Hs256, Algorithm::Rs256] {
        world.auth.keys().add(algorithm, world.clock.now()).await.expect("added");
    }
    world.auth.listen().await.expect("heard");
    let keys = world.auth.public_keys();
    assert_eq!(keys.len(), 3);
    keys
}

on_both! {
    async fn issued_tokens_are_not_shown_by_debug(world: World) {
        let issued = world.sign_up("ada@example.com").await;
        let device = issued.known_browser.clone().expect("a browser that is known from now on");
        for shown in [
            format!("{issued:?}"),
            format!("{issued:#?}"),
            format!("{device:?}"),
            format!("{:?}", Some(issued.clone())),
        ] {
            for secret in
                ["csgn_dc_", "csgn_rt_", "eyJ", &issued.access.token, &issued.refresh.token, &device.token]
            {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    async fn a_token_says_what_the_design_says(world: World) {
        let forge = Forge::new(&world).await;
        assert_eq!(forge.header["typ"], "at+jwt");
        assert_eq!(forge.header["alg"], "ES256");
        assert_eq!(forge.header["kid"], world.auth.public_keys()[0].kid.as_str());
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
        assert_eq!(forge.claims["client_id"], countersign_core::token::CLIENT_ID);
        assert_eq!(forge.claims["amr"], json!(["pwd"]));
        assert_eq!(forge.claims["roles"], json!(["user"]));
        assert!(
            accepts(&world.auth, &forge.sign(&forge.header, &forge.claims)).await,
            "the forge makes tokens that are accepted"
        );
        assert!(
            accepts(&world.auth, &forge.with_raw_claim("unknown", "1e3")).await,
            "and the one for raw claims, too"
        );
    }

    async fn a_token_with_any_bit_flipped_or_any_part_cut_out_is_refused(world: World) {
        let token = world.sign_up(ADA).await.access.token;
        let mut tried = 0;
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut changed = token.clone().into_bytes();
                changed[at] ^= 1 << bit;
                let changed = String::from_utf8(changed).expect("ASCII");
                assert!(!accepts(&world.auth, &changed).await, "bit {bit} of byte {at}");
                tried += 1;
            }
            assert!(!accepts(&world.auth, &token[..at]).await, "cut at {at}");
            let (before, after) = (&token[..at], token.get(at + 4..).unwrap_or_default());
            assert!(
                !accepts(&world.auth, &format!("{before}{after}")).await,
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
            assert!(!accepts(&world.auth, &changed).await);
        }
        assert!(accepts(&world.auth, &token).await, "the token itself is good all the while");
    }

    async fn the_parts_of_two_good_tokens_do_not_mix(world: World) {
        let tokens = [world.sign_up(ADA).await.access.token, world.log_in(ADA).await.access.token];
        let parts: Vec<Vec<&str>> = tokens.iter().map(|token| token.split('.').collect()).collect();
        assert!(!accepts(&world.auth, &[parts[0][0], parts[0][1], parts[1][2]].join(".")).await);
        assert!(!accepts(&world.auth, &[parts[0][0], parts[1][1], parts[0][2]].join(".")).await);
    }

    async fn only_the_algorithm_of_the_key_counts(world: World) {
        let forge = Forge::new(&world).await;
        for alg in [
            "none", "None", "NONE", "nOnE", "noNE", "HS256", "RS256", "ES384", "EdDSA", "PS256",
            "es256", "",
        ] {
            let token = forge.with_header("alg", json!(alg));
            assert!(!accepts(&world.auth, &token).await, "{alg}");
            let (unsigned, _) = token.rsplit_once('.').expect("three parts");
            assert!(
                !accepts(&world.auth, unsigned).await
                    && !accepts(&world.auth, &format!("{unsigned}.")).await,
                "{alg} without a signature"
            );
        }
        for alg in [json!(null), json!(["ES256"]), json!({"alg": "ES256"}), json!(0), json!(true)] {
            assert!(!accepts(&world.auth, &forge.with_header("alg", alg.clone())).await, "{alg}");
        }
    }

    async fn a_signature_cannot_be_left_out_or_empty(world: World) {
        let token = world.sign_up(ADA).await.access.token;
        let (unsigned, _) = token.rsplit_once('.').expect("three parts");
        for signature in ["", ".", ".AA", ".\"\"", ".null", "..", ".="] {
            assert!(
                !accepts(&world.auth, &format!("{unsigned}{signature}")).await,
                "{signature:?}"
            );
        }
        // ECDSA with r = s = 0, which faulty libraries take for anything (CVE-2022-21449).
        assert!(
            !accepts(&world.auth, &format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode([0; 64]))).await
        );
        assert!(accepts(&world.auth, &token).await);
    }

    async fn no_form_of_a_public_key_is_a_secret_that_tokens_are_made_with(world: World) {
        let keys = with_all_algorithms(&world).await;
        let forge = Forge::new(&world).await;
        let kids = world.auth.keys().list().await.expect("keys").into_iter().map(|key| key.kid);
        let kids: Vec<Value> = kids.map(Value::from).chain([Value::Null]).collect();
        assert_eq!(kids.len(), 5, "one of each algorithm, the shared secret too, and none");
        let secrets: Vec<Vec<u8>> = keys
            .iter()
            .flat_map(forms)
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
                    !accepts(&world.auth, &token).await,
                    "{kid} {}",
                    String::from_utf8_lossy(&secret)
                );
            }
        }
    }

    async fn a_token_does_not_bring_its_own_key(world: World) {
        with_all_algorithms(&world).await;
        let (forge, ours) =
            (Forge::new(&world).await, world.auth.keys().list().await.expect("keys"));
        for Stranger { alg, jwk, sign } in strangers() {
            let kids = ours.iter().map(|key| json!(key.kid)).chain([json!("theirs"), Value::Null]);
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
                    assert!(!accepts(&world.auth, &token).await, "{alg} {kid} {name}");
                }
            }
        }
    }

    async fn a_key_signs_with_no_algorithm_but_its_own(world: World) {
        with_all_algorithms(&world).await;
        let forge = Forge::new(&world).await;
        for key in world.auth.keys().list().await.expect("keys") {
            // Signed with ES256, whatever the header says.
            let accepted = accepts(&world.auth, &forge.with_header("kid", json!(key.kid))).await;
            assert_eq!(accepted, key.state == "signing", "{}", key.algorithm);
            let renamed =
                with(&with(&forge.header, "kid", json!(key.kid)), "alg", json!(key.algorithm));
            assert_eq!(
                accepts(&world.auth, &forge.sign(&renamed, &forge.claims)).await,
                key.state == "signing",
                "{}",
                key.algorithm
            );
        }
    }

    async fn every_header_is_looked_at(world: World) {
        let forge = Forge::new(&world).await;
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
                !accepts(&world.auth, &forge.with_header(name, value.clone())).await,
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
                !accepts(&world.auth, &forge.sign_bytes(header.as_bytes(), claims.as_bytes()))
                    .await,
                "{header}"
            );
        }
        for typ in ["AT+JWT", "application/at+jwt"] {
            assert!(
                accepts(&world.auth, &forge.with_header("typ", json!(typ))).await,
                "{typ}: as RFC 9068 has it"
            );
        }
    }

    async fn every_claim_is_looked_at(world: World) {
        let forge = Forge::new(&world).await;
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
            assert!(!accepts(&world.auth, &forge.without_claim(name)).await, "without {name}");
            for wrong in [json!(null), json!([1]), json!({}), json!(true)] {
                assert!(
                    !accepts(&world.auth, &forge.with_claim(name, wrong.clone())).await,
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
                !accepts(&world.auth, &forge.with_claim(name, value.clone())).await,
                "{name} = {value}"
            );
        }
        assert!(
            accepts(&world.auth, &forge.with_claim("nbf", json!(now - 3600))).await,
            "a claim that is as it should be"
        );
    }

    async fn what_no_library_would_write_is_refused_too(world: World) {
        let forge = Forge::new(&world).await;
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
                !accepts(&world.auth, &forge.with_raw_claim(name, raw)).await,
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
                    &world.auth,
                    &forge.sign_bytes(forge.header.to_string().as_bytes(), claims)
                )
                .await,
                "{}",
                String::from_utf8_lossy(claims)
            );
        }
    }

    async fn a_token_ends_when_it_says_and_not_before(world: World) {
        let issued = world.sign_up(ADA).await;
        world.clock.advance(Span(i64::from(issued.access.expires_in) * 1000 - 1));
        assert!(accepts(&world.auth, &issued.access.token).await);
        world.clock.advance(Span::seconds(2));
        assert!(!accepts(&world.auth, &issued.access.token).await);
    }

    async fn the_other_way_to_write_a_signature_ends_with_its_session(world: World) {
        // (r, s) and (r, n − s) both fit: other bytes, the same token.
        const ORDER: [u8; 32] = [
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
            0x25, 0x51,
        ];
        let issued = world.sign_up(ADA).await;
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
            other != issued.access.token && accepts(&world.auth, &other).await,
            "ECDSA is like that"
        );
        world
            .auth
            .log_out(&client(), Presented::Bearer(&issued.access.token))
            .await
            .expect("a log-out");
        assert!(
            !accepts(&world.auth, &other).await
                && !accepts(&world.auth, &issued.access.token).await
        );
    }

    async fn no_table_holds_a_token_or_a_password_in_any_form(world: World) {
        let mut secrets = vec![PASSWORD.to_owned(), NEW.to_owned(), world.secret.expose()];
        let mut issued = world.sign_up(ADA).await;
        for round in 0..5 {
            secrets.extend([issued.access.token.clone(), issued.refresh.token.clone()]);
            world.clock.advance(Span::minutes(1));
            issued = match round {
                0 => world.log_in(ADA).await,
                _ => world.auth.refresh(&client(), &issued.refresh.token).await.expect("renewed"),
            };
            assert!(accepts(&world.auth, &issued.access.token).await);
            world.auth.keep(true).await.expect("kept");
        }
        secrets.extend([issued.access.token.clone(), issued.refresh.token.clone()]);
        assert!(!renews(&world.auth, &secrets[5]).await, "a theft leaves a trace, too");
        let other = world.log_in(ADA).await;
        let form = ChangePassword {
            current: PASSWORD.into(),
            new: NEW.into(),
            ..ChangePassword::default()
        };
        let me = world
            .auth
            .signed_in(&client(), Presented::Bearer(&other.access.token))
            .await
            .expect("signed in");
        me.change_password(&form).await.expect("changed");
        world
            .auth
            .log_out(&client(), Presented::Cookie(&other.refresh.token))
            .await
            .expect("a log-out");
        secrets.extend([other.access.token, other.refresh.token]);

        let stored = everything_stored(&world).await;
        let holds = |bytes: &[u8]| {
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let hex: String =
                digits.map(|digit| char::from_digit(digit.into(), 16).expect("a digit")).collect();
            [bytes, hex.as_bytes()]
                .into_iter()
                .any(|form| stored.windows(form.len()).any(|window| window == form))
        };
        assert!(
            holds(ADA.as_bytes()) && holds(&world.secret.check_value()),
            "what is stored is found, in text and in bytes"
        );
        assert_eq!(secrets.len(), 17);
        for secret in secrets {
            // The end is what cannot be guessed: a MAC, a signature.
            assert!(!holds(secret.as_bytes()) && !holds(&secret.as_bytes()[secret.len() - 12..]));
            let last =
                secret.strip_prefix("csgn_rt_").or_else(|| secret.rsplit('.').next()).expect("a part");
            let bytes = URL_SAFE_NO_PAD.decode(last).unwrap_or_else(|_| last.as_bytes().to_vec());
            assert!(!holds(&bytes[bytes.len() - 16..]));
        }
    }

    async fn a_rotation_under_load_refuses_nobody(world: World) {
        // Tokens that outlive the rotation: whoever is refused is refused for the key.
        let long = async || {
            let store = Store::open(&world.database.url).await.expect("a database");
            let policy = Policy {
                access: Span::minutes(60),
                limits: countersign_core::RateLimits::off(),
                ..Policy::new(ISSUER)
            };
            let hashing = Hashing { m: 64, t: 1, p: 1, threads: 1, queue: 64 };
            Auth::start(Parts {
                store,
                clock: world.clock.clone(),
                entropy: Entropy::System,
                secret: world.secret.clone(),
                policy,
                hashing,
            })
            .await
            .expect("a start")
        };
        let nodes = [long().await, long().await];
        let mut users = Vec::new();
        for number in 0..3 {
            // One renews, both verify: two that write to one file of SQLite would mostly wait for
            // each other.
            let (nodes, mut issued) =
                (nodes.clone(), world.sign_up(&format!("ada{number}@example.com")).await);
            users.push(tokio::spawn(async move {
                let old = key_of(&issued.access.token);
                let (mut calls, mut calls_with_the_new_key) = (0, 0);
                while calls_with_the_new_key < 10 {
                    issued =
                        nodes[0].refresh(&client(), &issued.refresh.token).await.expect("renewed");
                    for node in &nodes {
                        assert!(accepts(node, &issued.access.token).await);
                    }
                    calls += 1;
                    calls_with_the_new_key += u32::from(key_of(&issued.access.token) != old);
                    assert!(calls < 20_000, "the new key never signs");
                }
                issued
            }));
        }
        let turn = async || {
            for node in &nodes {
                for _ in 0..10 {
                    world.store.ping().await.expect("an answer");
                }
                node.listen().await.expect("heard");
            }
            nodes[0].keep(false).await.expect("kept");
        };
        let (next, _) = nodes[0].keys().rotate(None, world.clock.now()).await.expect("a rotation");
        for _ in 0..5 {
            turn().await;
        }
        world.clock.advance(PUBLISHED_FOR);
        while users.iter().any(|user| !user.is_finished()) {
            turn().await;
        }
        let mut last = Vec::new();
        for user in users {
            last.push(user.await.expect("nobody was refused"));
        }
        world.clock.advance(RETIRED_FOR);
        turn().await;
        turn().await;
        for node in &nodes {
            assert_eq!(
                node.public_keys().into_iter().map(|key| key.kid).collect::<Vec<_>>(),
                [next.as_str()],
                "the old one is gone"
            );
            for issued in &last {
                assert!(!accepts(node, &issued.access.token).await, "expired");
            }
        }
    }
}

#[test]
fn others_may_keep_the_published_keys_for_half_the_time_that_a_new_one_waits() {
    assert!(
        JWKS_MAX_AGE.0 * 2 <= PUBLISHED_FOR.0 && RETIRED_FOR > countersign_core::LONGEST_ACCESS
    );
}

/// That the first bytes of so many values are as even as chance makes them: each bit is set in half
/// of them, and no two are alike.
fn are_random(values: &[[u8; 16]]) {
    let unlike: HashSet<_> = values.iter().collect();
    assert_eq!(unlike.len(), values.len(), "two are alike");
    let half = values.len() / 2;
    // Six standard deviations: by chance once in five hundred million.
    let most = values.len().isqrt() * 3;
    for bit in 0..128 {
        let set = values.iter().filter(|value| value[bit / 8] >> (bit % 8) & 1 == 1).count();
        assert!(set.abs_diff(half) < most, "bit {bit} is set in {set} of {}", values.len());
    }
}

#[tokio::test]
async fn of_thousands_of_tokens_no_two_are_alike_and_every_bit_is_even() {
    let world = World::on(FreshDatabase::sqlite()).await;
    let (mut macs, mut names) = (Vec::new(), Vec::new());
    let mut name = |issued: &Issued| {
        let claims: Value = serde_json::from_slice(&decoded(
            issued.access.token.split('.').nth(1).expect("claims"),
        ))
        .expect("JSON");
        names.push(decoded(claims["jti"].as_str().expect("a name")).try_into().expect("128 bits"));
    };
    let (mut before, mut issued) = (String::new(), world.sign_up(ADA).await);
    for _ in 0..2000 {
        before = issued.refresh.token;
        issued = world.auth.refresh(&client(), &before).await.expect("renewed");
        macs.push(
            decoded(&issued.refresh.token[4..])[40..]
                .try_into()
                .expect("128 bits that nobody can guess"),
        );
        name(&issued);
    }
    // As a second tab: another access token each time, and nothing is written.
    for _ in 0..8000 {
        name(&world.auth.refresh(&client(), &before).await.expect("the same successor again"));
    }
    assert_eq!(names.len(), 10_000);
    are_random(&macs);
    are_random(&names);
}

#[test]
fn of_ten_thousand_secrets_and_ids_no_two_are_alike() {
    let secrets: Vec<[u8; 16]> = (0..10_000)
        .map(|_| {
            let text = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
            decoded(&text)[..16].try_into().expect("half of it")
        })
        .collect();
    are_random(&secrets);
    let now = Clock::manual(START).now();
    let ids: HashSet<_> = (0..10_000).map(|_| Entropy::System.id(now).expect("an id")).collect();
    assert_eq!(ids.len(), 10_000, "all of one millisecond");
}
