//! Opens the database together with its server secret, in an order in which no wrong secret is ever
//! stored.

use crate::{
    config::{Config, Secret},
    secret_file,
};
use anyhow::bail;
use countersign_core::{RandomSource, ServerSecret, Store, store};
use std::path::Path;

/// A database with its server secret.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) secret: ServerSecret,
    /// Whether no server has used this database before.
    pub(crate) is_new: bool,
    /// The file of the server secret, if it existed before this start.
    pub(crate) older_secret: Option<String>,
}

/// Opens the configured database and reads the server secret. A secret is generated only if none is
/// configured and the database has never been used.
pub(crate) async fn open(config: &Config, random: &RandomSource) -> anyhow::Result<Opened> {
    let found = find_secret(config)?;
    let store = open_store(config).await?;
    let is_new = store.read().await?.installation_secret_fingerprint().await?.is_none();
    let source = config.secret();
    let older_secret =
        source.file().filter(|_| found.is_some()).map(|path| path.display().to_string());
    let secret = match (found, &source) {
        (Some(secret), _) => secret,
        // Checked again: another server may have initialized the database in the meantime.
        (None, Secret::Generated(path)) if is_new || path.exists() => {
            secret_file::create(path, random)?
        }
        (None, _) => {
            store.close().await;
            bail!(missing_secret(config))
        }
    };
    Ok(Opened { store, secret, is_new, older_secret })
}

/// Opens the database and applies migrations.
pub(crate) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    match Store::open(&config.database.expose()).await {
        Ok(store) => Ok(store),
        Err(error) => bail!(store::explain(&error, &config.database).await),
    }
}

/// Returns the configured server secret, or an error that names where it was expected.
pub(crate) fn existing_secret(config: &Config) -> anyhow::Result<ServerSecret> {
    match find_secret(config)? {
        Some(secret) => Ok(secret),
        None => bail!(missing_secret(config)),
    }
}

/// Returns the server secret, or `None` if none is configured and none has been generated.
fn find_secret(config: &Config) -> anyhow::Result<Option<ServerSecret>> {
    match config.secret() {
        Secret::Given(secret) => Ok(Some(secret)),
        Secret::File(path) => secret_file::read(&path).map(Some),
        Secret::Generated(path) if path.exists() => secret_file::read(&path).map(Some),
        Secret::Generated(_) => Ok(None),
    }
}

fn missing_secret(config: &Config) -> String {
    let source = config.secret();
    format!(
        "the server secret of the database {} is missing: restore the file {}, or set \
         COUNTERSIGN_SECRET or COUNTERSIGN_SECRET_FILE (neither is set). The database cannot be \
         used without it",
        config.database,
        source.file().unwrap_or(Path::new("")).display(),
    )
}
