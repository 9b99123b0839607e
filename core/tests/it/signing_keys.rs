//! Signing keys: sealing, sharing between nodes, rotation, and removal with immediate effect.

use crate::common::{START, TestContext, accepts, client, start};
use countersign_core::{
    Auth, Clock, PresentedCredential, RandomSource, ServerSecret, StartError, Store,
    keys::{Algorithm, KeyAdmin, KeyError, PRE_PUBLISH_PERIOD, PublicKey, RETIREMENT_PERIOD},
    test_on_each_database,
    testing::TestDatabase,
};
use countersign_types::TimeSpan;

fn header(token: &str) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = token.split('.').next().expect("a header");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON")
}

async fn sync_and_maintain(nodes: &[&Auth]) {
    for node in nodes {
        node.sync_feed().await.expect("synced");
        node.run_maintenance(false).await.expect("maintenance");
    }
}

/// A database on which no node has started yet.
struct EmptyDatabase(TestDatabase);

impl EmptyDatabase {
    #[expect(clippy::unused_async, reason = "the signature of `TestContext::on`")]
    async fn on(database: TestDatabase) -> Self {
        Self(database)
    }
}

async fn states(auth: &Auth) -> Vec<String> {
    let mut states: Vec<_> =
        auth.key_admin().list().await.expect("keys").into_iter().map(|key| key.state).collect();
    states.sort();
    states
}

test_on_each_database! {
    async fn nodes_share_one_signing_key(context: TestContext) {
        let other = context.another_node().await;
        assert_eq!(context.auth.public_keys(), other.public_keys());
        assert_eq!(context.auth.public_keys().len(), 1);
        let issued = context.sign_up("ada@example.com").await;
        assert!(
            other
                .signed_in(&client(), PresentedCredential::Bearer(&issued.access.token))
                .await
                .is_ok()
        );
    }

    async fn start_with_another_secret_fails(context: TestContext) {
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
        assert!(matches!(
            start(&context.store, &context.clock, &secret).await,
            Err(StartError::OtherSecret)
        ));
    }

    async fn private_keys_are_sealed_and_not_in_public_keys(context: TestContext) {
        for algorithm in Algorithm::ALL {
            context.auth.key_admin().add(algorithm, START).await.expect("added");
        }
        let rows =
            context.store.read().await.expect("a connection").key_list().await.expect("keys");
        assert_eq!(rows.len(), 5);
        for row in rows {
            let sealed = row.sealed.expect("a private part");
            assert!(
                !sealed.windows(4).any(|window| window == [0x30, 0x13, 0x06, 0x07]),
                "no plain PKCS #8"
            );
            let public: serde_json::Value = serde_json::from_str(&row.public).expect("JSON");
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(public.get(private).is_none(), "{private} of {}", row.algorithm);
            }
        }
    }

    async fn key_rotation_rejects_no_token(context: TestContext) {
        let (other, before) =
            (context.another_node().await, context.sign_up("ada@example.com").await);
        let (kid, at) =
            context.auth.key_admin().rotate(None, context.clock.now()).await.expect("a rotation");
        assert_eq!(at, context.clock.now() + PRE_PUBLISH_PERIOD);
        sync_and_maintain(&[&other, &context.auth]).await;
        // The new key is published for some time before it signs.
        for node in [&context.auth, &other] {
            assert_eq!(node.public_keys().len(), 2);
        }
        assert_ne!(header(&context.log_in("ada@example.com").await.access.token)["kid"], kid);
        context.clock.advance(TimeSpan(PRE_PUBLISH_PERIOD.0 - 1));
        sync_and_maintain(&[&other, &context.auth]).await;
        let last_with_old_key = context.log_in("ada@example.com").await;
        assert_ne!(header(&last_with_old_key.access.token)["kid"], kid);
        context.clock.advance(TimeSpan(1));
        // The other node activates it. The first signs with the old key until it has synced, and
        // both nodes accept both keys.
        sync_and_maintain(&[&other]).await;
        let meanwhile = context.log_in("ada@example.com").await;
        sync_and_maintain(&[&context.auth]).await;
        let after = context.log_in("ada@example.com").await;
        assert_eq!(header(&after.access.token)["kid"], kid);
        for node in [&context.auth, &other] {
            for issued in [&last_with_old_key, &meanwhile, &after] {
                assert!(accepts(node, &issued.access.token).await);
            }
        }
        assert_eq!(states(&context.auth).await, ["retired", "signing"]);
        assert!(
            context.auth.refresh(&client(), &before.refresh.token).await.is_ok(),
            "sessions are not affected"
        );
        context.clock.advance(RETIREMENT_PERIOD);
        sync_and_maintain(&[&context.auth, &other]).await;
        assert_eq!(states(&context.auth).await, ["signing"]);
        for node in [&context.auth, &other] {
            assert_eq!(node.public_keys().len(), 1);
            assert!(!accepts(node, &after.access.token).await, "expired");
        }
    }

    async fn concurrent_key_rotation_on_nodes_agrees(context: TestContext) {
        let others = [context.another_node().await, context.another_node().await];
        context.auth.key_admin().rotate(None, context.clock.now()).await.expect("a rotation");
        sync_and_maintain(&[&context.auth, &others[0], &others[1]]).await;
        context.clock.advance(PRE_PUBLISH_PERIOD);
        let (a, b, c) = tokio::join!(
            context.auth.run_maintenance(false),
            others[0].run_maintenance(false),
            others[1].run_maintenance(false)
        );
        for result in [a, b, c] {
            result.expect("maintenance");
        }
        assert_eq!(states(&context.auth).await, ["retired", "signing"]);
    }

    async fn removed_key_invalidates_its_tokens_but_not_sessions(context: TestContext) {
        let (other, issued) =
            (context.another_node().await, context.sign_up("ada@example.com").await);
        // Both nodes have it in their token cache.
        assert!(
            accepts(&context.auth, &issued.access.token).await
                && accepts(&other, &issued.access.token).await
        );
        let kid = header(&issued.access.token)["kid"].as_str().expect("a name").to_owned();
        context.auth.key_admin().remove(&kid, context.clock.now()).await.expect("removed");
        sync_and_maintain(&[&context.auth, &other]).await;
        for node in [&context.auth, &other] {
            assert!(!accepts(node, &issued.access.token).await);
            assert!(node.public_keys().iter().all(|key| key.kid != kid));
        }
        let refreshed = context
            .auth
            .refresh(&client(), &issued.refresh.token)
            .await
            .expect("the session stays active");
        assert!(accepts(&other, &refreshed.access.token).await);
        assert!(matches!(
            context.auth.key_admin().remove(&kid, context.clock.now()).await,
            Err(KeyError::Unknown(_))
        ));
        // A compromised key can't be restored: its private part is deleted.
        let rows =
            context.store.read().await.expect("a connection").key_list().await.expect("keys");
        assert!(rows.iter().all(|row| row.kid != kid));
    }

    async fn published_key_replaces_removed_signing_key(context: TestContext) {
        let next = context
            .auth
            .key_admin()
            .add(Algorithm::EdDsa, context.clock.now())
            .await
            .expect("added");
        let signing = context
            .auth
            .public_keys()
            .into_iter()
            .map(|key| key.kid)
            .find(|kid| *kid != next)
            .expect("a key");
        context.auth.key_admin().remove(&signing, context.clock.now()).await.expect("removed");
        sync_and_maintain(&[&context.auth]).await;
        assert_eq!(header(&context.sign_up("ada@example.com").await.access.token)["kid"], next);
        assert_eq!(states(&context.auth).await, ["signing"]);
    }

    async fn tokens_of_every_algorithm_are_accepted_by_other_nodes(context: TestContext) {
        let other = context.another_node().await;
        context.sign_up("ada@example.com").await;
        for algorithm in Algorithm::ALL {
            let kid =
                context.auth.key_admin().add(algorithm, context.clock.now()).await.expect("added");
            context
                .auth
                .key_admin()
                .rotate(Some(&kid), context.clock.now())
                .await
                .expect("a rotation");
            sync_and_maintain(&[&context.auth]).await;
            context.clock.advance(PRE_PUBLISH_PERIOD);
            sync_and_maintain(&[&context.auth, &other]).await;
            let token = context.log_in("ada@example.com").await.access.token;
            assert_eq!(
                (header(&token)["kid"].as_str(), header(&token)["alg"].as_str()),
                (Some(&*kid), Some(algorithm.name()))
            );
            assert!(
                accepts(&context.auth, &token).await && accepts(&other, &token).await,
                "{algorithm}"
            );
            let published = context.auth.public_keys().into_iter().find(|key| key.kid == kid);
            assert_eq!(
                published.is_some(),
                algorithm != Algorithm::Hs256,
                "shared secrets are not in the JWKS"
            );
            assert!(published.is_none_or(|key| key.alg == algorithm.name()
                && key.usage == "sig"
                && key.public != PublicKey::Oct));
        }
    }

    async fn only_published_keys_rotate_in_and_none_imports_twice(context: TestContext) {
        let signing = context.auth.public_keys().remove(0).kid;
        assert!(matches!(
            context.auth.key_admin().rotate(Some(&signing), START).await,
            Err(KeyError::NotPublished { .. })
        ));
        assert!(matches!(
            context.auth.key_admin().rotate(Some("unknown"), START).await,
            Err(KeyError::Unknown(_))
        ));
        let secret = "{\"kty\":\"oct\",\"k\":\"7wOSfmFzMOyfbV6Z4pT0uW3kS8cQ1xH9Ij2aGdLrYtE\"}";
        let kid = context.auth.key_admin().import(secret, START).await.expect("imported");
        let again = context.auth.key_admin().import(secret, START).await;
        assert!(matches!(again, Err(KeyError::Known(known)) if known == kid));
        context.auth.key_admin().remove(&kid, START).await.expect("removed");
        assert!(
            matches!(context.auth.key_admin().import(secret, START).await, Err(KeyError::Known(_))),
            "a removed key can't be imported again"
        );
    }

    async fn key_added_before_first_start_signs_first(empty: EmptyDatabase) {
        let (clock, random) = (Clock::manual(START), RandomSource::System);
        let (store, secret) = (
            Store::open(&empty.0.url).await.expect("a database"),
            ServerSecret::generate(&random).expect("randomness"),
        );
        let kid = KeyAdmin::open(&store, &secret, &random, START)
            .await
            .expect("keys")
            .add(Algorithm::EdDsa, START)
            .await
            .expect("added");
        let auth = start(&store, &clock, &secret).await.expect("a start");
        assert_eq!(auth.public_keys().into_iter().map(|key| key.kid).collect::<Vec<_>>(), [kid]);
        assert_eq!(states(&auth).await, ["signing"]);
    }

    async fn overdue_key_rotation_happens_after_start(context: TestContext) {
        context.auth.key_admin().rotate(None, START).await.expect("a rotation");
        let later = Clock::manual(START + TimeSpan::days(3));
        let back = start(&context.store, &later, &context.secret).await.expect("a start");
        back.run_maintenance(false).await.expect("maintenance");
        assert_eq!(states(&back).await, ["retired", "signing"]);
        assert_eq!(back.public_keys().len(), 2);
    }
}
