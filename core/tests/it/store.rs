//! The two databases have the same tables, and every statement fits both.

use crate::support::{World, start};
use countersign_core::{
    Entropy, ServerSecret, Store, flow::StartError, on_both, store::STATEMENTS,
    testing::FreshDatabase,
};

on_both! {
    async fn every_statement_fits_the_tables(world: World) {
        let mut reader = world.store.read().await.expect("a connection");
        let mut count = 0;
        for (name, sql) in STATEMENTS.iter().copied().flatten() {
            reader.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            count += 1;
        }
        assert!(count > 15, "only {count} statements are listed");
    }

    async fn opening_again_changes_nothing(world: World) {
        world.sign_up("ada@example.com").await;
        let again = Store::open(&world.database.url).await.expect("the same database");
        assert!(
            again
                .read()
                .await
                .expect("a connection")
                .user_by_email("ada@example.com")
                .await
                .expect("an answer")
                .is_some()
        );
    }

    async fn a_node_with_another_secret_does_not_start(world: World) {
        let other = ServerSecret::generate(&Entropy::System).expect("randomness");
        assert!(matches!(
            start(&world.store, &world.clock, &other).await,
            Err(StartError::OtherSecret)
        ));
        assert!(start(&world.store, &world.clock, &world.secret).await.is_ok());
    }

    async fn what_is_not_committed_has_not_happened(world: World) {
        let mut tx = world.store.write().await.expect("a transaction");
        tx.feed_append(&[countersign_core::store::feed::News::KeysChanged], crate::support::START)
            .await
            .expect("a line");
        drop(tx);
        let before =
            world.store.read().await.expect("a connection").feed_head().await.expect("a number");
        let mut tx = world.store.write().await.expect("a transaction");
        tx.feed_append(&[countersign_core::store::feed::News::KeysChanged], crate::support::START)
            .await
            .expect("a line");
        tx.commit().await.expect("a commit");
        assert_eq!(
            world.store.read().await.expect("a connection").feed_head().await.expect("a number"),
            before + 1
        );
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables() {
    let schema = async |world: &World| {
        world.store.read().await.expect("a connection").schema().await.expect("a schema")
    };
    let (sqlite, postgres) = (
        schema(&World::on(FreshDatabase::sqlite()).await).await,
        schema(&World::on(FreshDatabase::postgres().await).await).await,
    );
    assert!(sqlite.len() > 50, "{sqlite:#?}");
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn what_is_no_database_url_is_refused() {
    for url in ["", "countersign.db", "mysql://localhost/x", "sqlit:data.db"] {
        assert!(
            matches!(Store::open(url).await, Err(countersign_core::store::OpenError::Scheme)),
            "{url:?}"
        );
    }
}
