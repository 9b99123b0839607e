//! The test vectors of Project Wycheproof (`core/tests/vectors`), run through the functions that
//! verify access tokens.

use crate::keys::{
    import::PrivateJwk,
    jwk::{PublicKey, Verifier},
    jws::UnverifiedJws,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

fn vectors(name: &str) -> Value {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name))
            .expect("vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn verifier(jwk: &Value) -> Option<Verifier> {
    let jwk = PrivateJwk::parse(&jwk.to_string()).ok()?;
    let public = jwk.public().ok()?;
    public.verifier(&jwk.shared().unwrap_or_default()).ok()
}

/// Verifies like [`crate::sessions::access_token`]: with the key that the header names and
/// no other.
fn accepts(keys: &[Value], jws: &str) -> bool {
    let Ok(unverified) = UnverifiedJws::parse(jws) else { return false };
    let kid = unverified.header.kid.as_deref();
    let mut named = keys.iter().filter(|key| keys.len() == 1 || key["kid"].as_str() == kid);
    let (Some(key), None) = (named.next(), named.next()) else { return false };
    verifier(key).is_some_and(|verifier| unverified.verify(&verifier).is_ok())
}

fn keys(group: &Value) -> Vec<Value> {
    let key = group.get("public").filter(|public| !public.is_null()).unwrap_or(&group["private"]);
    key["keys"].as_array().cloned().unwrap_or_else(|| vec![key.clone()])
}

/// Runs a file of JSON Web Signatures. Returns the number of tests, and the numbers of those with
/// another result than labelled.
fn run(file: &str) -> (usize, BTreeMap<u64, &'static str>) {
    let file = vectors(file);
    let mut count = 0;
    let mut otherwise = BTreeMap::new();
    for group in file["testGroups"].as_array().expect("groups") {
        let keys = keys(group);
        for test in group["tests"].as_array().expect("tests") {
            // A value that is no text is a JWS in JSON form (RFC 7515, 7.2), which is not accepted
            // here.
            let Some(jws) = test
                .get("jws")
                .map(|jws| jws.as_str().map_or_else(|| jws.to_string(), str::to_owned))
            else {
                continue;
            };
            let (accepted, valid) = (accepts(&keys, &jws), test["result"] == "valid");
            // Unsupported algorithms must be rejected, whatever the label.
            let foreign = keys.iter().all(|key| {
                !["ES256", "EdDSA", "HS256", "RS256"]
                    .contains(&key["alg"].as_str().unwrap_or("ES256"))
            });
            if foreign {
                assert!(!accepted, "{}", test["tcId"]);
            } else if accepted != valid {
                otherwise.insert(
                    test["tcId"].as_u64().expect("a number"),
                    if accepted { "accepted" } else { "refused" },
                );
            }
            count += 1;
        }
    }
    (count, otherwise)
}

/// A set with public keys and a shared secret is labelled ambiguous. Here the identifier selects
/// the key, and the key has one algorithm.
const MIXED_SET: &str = "accepted";
/// An RSA key of 2048 bits from the faulty generator of 2017 (ROCA). Imported keys need 3072 bits;
/// the fault itself is not detected.
const ROCA: &str = "accepted";

#[test]
fn wycheproof_json_web_signatures() {
    let (count, otherwise) = run("json_web_signature_test.json");
    assert_eq!(count, 401);
    let listed = [
        // Labelled invalid, but the same bytes as 357, which is labelled valid.
        (367, "accepted"),
        (370, "accepted"),
        // Labelled valid, though they hold a `?`, which is no character of base64url (RFC 4648,
        // 5).
        (372, "refused"),
        (373, "refused"),
    ];
    assert_eq!(otherwise, BTreeMap::from(listed));
}

#[test]
fn wycheproof_json_web_keys() {
    let (count, otherwise) = run("json_web_key_test.json");
    assert_eq!(count, 26);
    assert_eq!(otherwise, BTreeMap::from([(1, MIXED_SET), (7, ROCA)]));
}

#[test]
fn wycheproof_json_web_crypto() {
    let (count, otherwise) = run("json_web_crypto_test.json");
    assert_eq!(count, 49);
    assert_eq!(otherwise, BTreeMap::from([(46, ROCA), (47, MIXED_SET)]));
}

/// Runs vectors of the bare algorithm. `key` makes the public key of a group.
fn run_bare(file: &str, key: impl Fn(&Value) -> PublicKey) -> usize {
    let file = vectors(file);
    let mut count = 0;
    for group in file["testGroups"].as_array().expect("groups") {
        let verifier = key(&group["publicKey"]).verifier(&[]);
        for test in group["tests"].as_array().expect("tests") {
            let signature = URL_SAFE_NO_PAD.encode(hex(&test["sig"]));
            let accepted = verifier
                .as_ref()
                .is_ok_and(|verifier| verifier.verify(&hex(&test["msg"]), &signature));
            assert_eq!(
                accepted,
                test["result"] == "valid",
                "{}: {}",
                test["tcId"],
                test["comment"]
            );
            count += 1;
        }
    }
    count
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("hex");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn ed25519() {
    let key = |key: &Value| PublicKey::Okp {
        crv: "Ed25519".into(),
        x: URL_SAFE_NO_PAD.encode(hex(&key["pk"])),
    };
    assert_eq!(run_bare("ed25519_test.json", key), 151);
}

#[test]
fn wycheproof_ecdsa_p256() {
    let key = |key: &Value| {
        let point = hex(&key["uncompressed"]);
        PublicKey::Ec {
            crv: "P-256".into(),
            x: URL_SAFE_NO_PAD.encode(&point[1..33]),
            y: URL_SAFE_NO_PAD.encode(&point[33..]),
        }
    };
    assert_eq!(run_bare("ecdsa_secp256r1_sha256_p1363_test.json", key), 262);
}
