//! Signing keys: made once, sealed, and the same for every node.

use crate::support::{World, client};
use auth::{Presented, on_both};

on_both! {
    async fn two_nodes_sign_with_one_key(world: World) {
        let other = world.another_node().await;
        assert_eq!(world.auth.public_keys(), other.public_keys());
        assert_eq!(world.auth.public_keys().len(), 1);
        let issued = world.sign_up("ada@example.com").await;
        assert!(other.signed_in(&client(), Presented::Bearer(&issued.access.token)).await.is_ok());
    }

    async fn the_private_part_is_sealed_and_the_public_part_has_none(world: World) {
        let row = world.store.read().await.expect("a connection").key_list().await.expect("keys").remove(0);
        let sealed = row.sealed.expect("a private part");
        assert!(!sealed.windows(4).any(|window| window == [0x30, 0x13, 0x06, 0x07]), "no plain PKCS #8");
        let public: serde_json::Value = serde_json::from_str(&row.public).expect("JSON");
        let members: Vec<_> = public.as_object().expect("an object").keys().cloned().collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}
