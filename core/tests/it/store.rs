//! The store: the same schema and the same statements on both databases.

use crate::common::{TestContext, start};
use countersign_core::{
    RandomSource, ServerSecret, StartError, Store, test_on_each_database, testing::STATEMENTS,
    testing::TestDatabase,
};
use std::thread;

test_on_each_database! {
    async fn every_statement_prepares_on_both_databases(context: TestContext) {
        let mut reader = context.store.read().await.expect("a connection");
        let mut count = 0;
        for (name, sql) in STATEMENTS.iter().copied().flatten() {
            reader.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            count += 1;
        }
        assert!(count > 15, "only {count} statements are listed");
    }

    async fn reopening_the_database_keeps_its_data(context: TestContext) {
        context.sign_up("ada@example.com").await;
        let again = Store::open(&context.database.url).await.expect("the same database");
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

    async fn start_with_another_secret_fails(context: TestContext) {
        let other = ServerSecret::generate(&RandomSource::System).expect("randomness");
        assert!(matches!(
            start(&context.store, &context.clock, &other).await,
            Err(StartError::OtherSecret)
        ));
        assert!(start(&context.store, &context.clock, &context.secret).await.is_ok());
    }

    async fn uncommitted_transaction_is_rolled_back(context: TestContext) {
        let mut tx = context.store.write().await.expect("a transaction");
        tx.feed_append(
            &[countersign_core::store::change_feed::Change::KeysChanged],
            crate::common::START,
        )
        .await
        .expect("an entry");
        drop(tx);
        let before =
            context.store.read().await.expect("a connection").feed_head().await.expect("a number");
        let mut tx = context.store.write().await.expect("a transaction");
        tx.feed_append(
            &[countersign_core::store::change_feed::Change::KeysChanged],
            crate::common::START,
        )
        .await
        .expect("an entry");
        tx.commit().await.expect("a commit");
        assert_eq!(
            context.store.read().await.expect("a connection").feed_head().await.expect("a number"),
            before + 1
        );
    }
}

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let schema = async |context: &TestContext| {
        context.store.read().await.expect("a connection").schema().await.expect("a schema")
    };
    let (sqlite, postgres) = (
        schema(&TestContext::on(TestDatabase::sqlite()).await).await,
        schema(&TestContext::on(TestDatabase::postgres().await).await).await,
    );
    assert!(sqlite.len() > 50, "{sqlite:#?}");
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn invalid_database_url_is_rejected() {
    for url in ["", "countersign.db", "mysql://localhost/x", "sqlit:data.db"] {
        assert!(
            matches!(Store::open(url).await, Err(countersign_core::store::OpenError::Scheme)),
            "{url:?}"
        );
    }
}

/// Each process that starts opens the file, and with a new one all of them prepare it.
#[test]
fn concurrent_opens_of_a_new_sqlite_file_succeed() {
    let open = |url: String| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async { Store::open(&url).await.map(drop) })
    };
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("new.db").display());
        let opens = (0..8).map(|_| url.clone()).map(|url| thread::spawn(move || open(url)));
        for opened in opens.collect::<Vec<_>>() {
            opened.join().expect("no panic").expect("an open store");
        }
    }
}
