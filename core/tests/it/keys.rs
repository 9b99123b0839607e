//! Signing keys: sealed, the same for every node, replaced without anybody noticing, and removed at
//! once when they must be.

use crate::support::{START, World, accepts, client, start};
use countersign_core::{
    Auth, Clock, Entropy, Presented, ServerSecret, Store,
    flow::{KeyError, Keys, StartError},
    keys::{Algorithm, PUBLISHED_FOR, Public, RETIRED_FOR},
    on_both,
    testing::FreshDatabase,
};
use countersign_types::Span;

fn header(token: &str) -> serde_json::Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = token.split('.').next().expect("a header");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON")
}

async fn round(nodes: &[&Auth]) {
    for node in nodes {
        node.listen().await.expect("heard");
        node.keep(false).await.expect("kept");
    }
}

/// A database on which nothing has ever been started.
struct Bare(FreshDatabase);

impl Bare {
    #[expect(clippy::unused_async, reason = "as every world is made")]
    async fn on(database: FreshDatabase) -> Self {
        Self(database)
    }
}

async fn states(auth: &Auth) -> Vec<String> {
    let mut states: Vec<_> =
        auth.keys().list().await.expect("keys").into_iter().map(|key| key.state).collect();
    states.sort();
    states
}

on_both! {
    async fn two_nodes_sign_with_one_key(world: World) {
        let other = world.another_node().await;
        assert_eq!(world.auth.public_keys(), other.public_keys());
        assert_eq!(world.auth.public_keys().len(), 1);
        let issued = world.sign_up("ada@example.com").await;
        assert!(other.signed_in(&client(), Presented::Bearer(&issued.access.token)).await.is_ok());
    }

    async fn a_node_with_another_secret_does_not_start(world: World) {
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness");
        assert!(matches!(
            start(&world.store, &world.clock, &secret).await,
            Err(StartError::OtherSecret)
        ));
    }

    async fn the_private_part_is_sealed_and_the_public_part_has_none(world: World) {
        for algorithm in Algorithm::ALL {
            world.auth.keys().add(algorithm, START).await.expect("added");
        }
        let rows = world.store.read().await.expect("a connection").key_list().await.expect("keys");
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

    async fn a_rotation_is_noticed_by_nobody(world: World) {
        let (other, before) = (world.another_node().await, world.sign_up("ada@example.com").await);
        let (kid, at) =
            world.auth.keys().rotate(None, world.clock.now()).await.expect("a rotation");
        assert_eq!(at, world.clock.now() + PUBLISHED_FOR);
        round(&[&other, &world.auth]).await;
        // Others can know the new key for a while before it signs.
        for node in [&world.auth, &other] {
            assert_eq!(node.public_keys().len(), 2);
        }
        assert_ne!(header(&world.log_in("ada@example.com").await.access.token)["kid"], kid);
        world.clock.advance(Span(PUBLISHED_FOR.0 - 1));
        round(&[&other, &world.auth]).await;
        let last_of_the_old = world.log_in("ada@example.com").await;
        assert_ne!(header(&last_of_the_old.access.token)["kid"], kid);
        world.clock.advance(Span(1));
        // The other node does it; the first signs with the old key until it has heard, and both
        // accept both.
        round(&[&other]).await;
        let meanwhile = world.log_in("ada@example.com").await;
        round(&[&world.auth]).await;
        let after = world.log_in("ada@example.com").await;
        assert_eq!(header(&after.access.token)["kid"], kid);
        for node in [&world.auth, &other] {
            for issued in [&last_of_the_old, &meanwhile, &after] {
                assert!(accepts(node, &issued.access.token).await);
            }
        }
        assert_eq!(states(&world.auth).await, ["retired", "signing"]);
        assert!(
            world.auth.refresh(&client(), &before.refresh.token).await.is_ok(),
            "sessions know nothing of it"
        );
        world.clock.advance(RETIRED_FOR);
        round(&[&world.auth, &other]).await;
        assert_eq!(states(&world.auth).await, ["signing"]);
        for node in [&world.auth, &other] {
            assert_eq!(node.public_keys().len(), 1);
            assert!(!accepts(node, &after.access.token).await, "expired by now");
        }
    }

    async fn nodes_that_turn_the_keys_at_the_same_moment_agree(world: World) {
        let others = [world.another_node().await, world.another_node().await];
        world.auth.keys().rotate(None, world.clock.now()).await.expect("a rotation");
        round(&[&world.auth, &others[0], &others[1]]).await;
        world.clock.advance(PUBLISHED_FOR);
        let (a, b, c) =
            tokio::join!(world.auth.keep(false), others[0].keep(false), others[1].keep(false));
        for result in [a, b, c] {
            result.expect("kept");
        }
        assert_eq!(states(&world.auth).await, ["retired", "signing"]);
    }

    async fn a_removed_key_takes_its_tokens_with_it_at_once_and_sessions_go_on(world: World) {
        let (other, issued) = (world.another_node().await, world.sign_up("ada@example.com").await);
        // Remembered as verified by both.
        assert!(
            accepts(&world.auth, &issued.access.token).await
                && accepts(&other, &issued.access.token).await
        );
        let kid = header(&issued.access.token)["kid"].as_str().expect("a name").to_owned();
        world.auth.keys().remove(&kid, world.clock.now()).await.expect("removed");
        round(&[&world.auth, &other]).await;
        for node in [&world.auth, &other] {
            assert!(!accepts(node, &issued.access.token).await);
            assert!(node.public_keys().iter().all(|key| key.kid != kid));
        }
        let renewed = world
            .auth
            .refresh(&client(), &issued.refresh.token)
            .await
            .expect("the session goes on");
        assert!(accepts(&other, &renewed.access.token).await);
        assert!(matches!(
            world.auth.keys().remove(&kid, world.clock.now()).await,
            Err(KeyError::Unknown(_))
        ));
        // A key that is known to be bad does not come back, and what is left of it cannot sign.
        let rows = world.store.read().await.expect("a connection").key_list().await.expect("keys");
        assert!(rows.iter().all(|row| row.kid != kid));
    }

    async fn a_published_key_stands_in_for_a_removed_one(world: World) {
        let next = world.auth.keys().add(Algorithm::EdDsa, world.clock.now()).await.expect("added");
        let signing = world
            .auth
            .public_keys()
            .into_iter()
            .map(|key| key.kid)
            .find(|kid| *kid != next)
            .expect("a key");
        world.auth.keys().remove(&signing, world.clock.now()).await.expect("removed");
        round(&[&world.auth]).await;
        assert_eq!(header(&world.sign_up("ada@example.com").await.access.token)["kid"], next);
        assert_eq!(states(&world.auth).await, ["signing"]);
    }

    async fn every_algorithm_signs_what_the_other_node_accepts(world: World) {
        let other = world.another_node().await;
        world.sign_up("ada@example.com").await;
        for algorithm in Algorithm::ALL {
            let kid = world.auth.keys().add(algorithm, world.clock.now()).await.expect("added");
            world.auth.keys().rotate(Some(&kid), world.clock.now()).await.expect("a rotation");
            round(&[&world.auth]).await;
            world.clock.advance(PUBLISHED_FOR);
            round(&[&world.auth, &other]).await;
            let token = world.log_in("ada@example.com").await.access.token;
            assert_eq!(
                (header(&token)["kid"].as_str(), header(&token)["alg"].as_str()),
                (Some(&*kid), Some(algorithm.name()))
            );
            assert!(
                accepts(&world.auth, &token).await && accepts(&other, &token).await,
                "{algorithm}"
            );
            let published = world.auth.public_keys().into_iter().find(|key| key.kid == kid);
            assert_eq!(
                published.is_some(),
                algorithm != Algorithm::Hs256,
                "a shared secret is in no JWKS"
            );
            assert!(published.is_none_or(|key| key.alg == algorithm.name()
                && key.usage == "sig"
                && key.public != Public::Oct));
        }
    }

    async fn only_a_published_key_can_be_next_and_none_is_taken_twice(world: World) {
        let signing = world.auth.public_keys().remove(0).kid;
        assert!(matches!(
            world.auth.keys().rotate(Some(&signing), START).await,
            Err(KeyError::NotPublished { .. })
        ));
        assert!(matches!(
            world.auth.keys().rotate(Some("nobody"), START).await,
            Err(KeyError::Unknown(_))
        ));
        let secret = "{\"kty\":\"oct\",\"k\":\"7wOSfmFzMOyfbV6Z4pT0uW3kS8cQ1xH9Ij2aGdLrYtE\"}";
        let kid = world.auth.keys().import(secret, START).await.expect("imported");
        assert!(
            matches!(world.auth.keys().import(secret, START).await, Err(KeyError::Known(known)) if known == kid)
        );
        world.auth.keys().remove(&kid, START).await.expect("removed");
        assert!(
            matches!(world.auth.keys().import(secret, START).await, Err(KeyError::Known(_))),
            "gone for good"
        );
    }

    async fn a_key_that_is_there_before_the_first_start_is_the_first_to_sign(bare: Bare) {
        let (clock, entropy) = (Clock::manual(START), Entropy::System);
        let (store, secret) = (
            Store::open(&bare.0.url).await.expect("a database"),
            ServerSecret::generate(&entropy).expect("randomness"),
        );
        let kid = Keys::open(&store, &secret, &entropy, START)
            .await
            .expect("keys")
            .add(Algorithm::EdDsa, START)
            .await
            .expect("added");
        let auth = start(&store, &clock, &secret).await.expect("a start");
        assert_eq!(auth.public_keys().into_iter().map(|key| key.kid).collect::<Vec<_>>(), [kid]);
        assert_eq!(states(&auth).await, ["signing"]);
    }

    async fn a_server_that_was_off_when_a_key_was_due_catches_up(world: World) {
        world.auth.keys().rotate(None, START).await.expect("a rotation");
        let later = Clock::manual(START + Span::days(3));
        let back = start(&world.store, &later, &world.secret).await.expect("a start");
        back.keep(false).await.expect("kept");
        assert_eq!(states(&back).await, ["retired", "signing"]);
        assert_eq!(back.public_keys().len(), 2);
    }
}
