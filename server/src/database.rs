//! Opening the database and the server secret that belongs to it, in the order in which no wrong
//! secret is ever written.

use crate::{
    config::{Config, Secret},
    secret_file,
};
use anyhow::bail;
use countersign_core::{Entropy, ServerSecret, Store, store};
use std::path::Path;

/// A database with its server secret.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) secret: ServerSecret,
    /// No server has ever used this database.
    pub(crate) is_new: bool,
    /// The file of the server secret, where one was there before this start.
    pub(crate) older_secret: Option<String>,
}

/// Opens the database that the configuration names, and reads the server secret. A secret is made
/// only where none is configured and the database does not belong to one yet.
pub(crate) async fn open(config: &Config, entropy: &Entropy) -> anyhow::Result<Opened> {
    let found = find_secret(config)?;
    let store = open_store(config).await?;
    let is_new = store.read().await?.installation_check().await?.is_none();
    let older_secret = match (&config.secret, &found) {
        (Secret::File(path) | Secret::Own(path), Some(_)) => Some(path.display().to_string()),
        _ => None,
    };
    let secret = match (found, &config.secret) {
        (Some(secret), _) => secret,
        // Looked for again: another server may have set the database up meanwhile.
        (None, Secret::Own(path)) if is_new || path.exists() => secret_file::create(path, entropy)?,
        (None, _) => {
            store.close().await;
            bail!(missing_secret(config))
        }
    };
    Ok(Opened { store, secret, is_new, older_secret })
}

/// Opens the database and brings its tables up to date.
pub(crate) async fn open_store(config: &Config) -> anyhow::Result<Store> {
    match Store::open(&config.database.expose()).await {
        Ok(store) => Ok(store),
        Err(error) => bail!(store::explain(&error, &config.database).await),
    }
}

/// The server secret that the configuration names, or an error that says where it was looked for.
pub(crate) fn existing_secret(config: &Config) -> anyhow::Result<ServerSecret> {
    match find_secret(config)? {
        Some(secret) => Ok(secret),
        None => bail!(missing_secret(config)),
    }
}

/// `None`: none is configured, and none was made by an earlier start.
fn find_secret(config: &Config) -> anyhow::Result<Option<ServerSecret>> {
    match &config.secret {
        Secret::Given(secret) => Ok(Some(secret.clone())),
        Secret::File(path) => secret_file::read(path).map(Some),
        Secret::Own(path) if path.exists() => secret_file::read(path).map(Some),
        Secret::Own(_) => Ok(None),
    }
}

fn missing_secret(config: &Config) -> String {
    let path = match &config.secret {
        Secret::File(path) | Secret::Own(path) => path.as_path(),
        Secret::Given(_) => Path::new(""),
    };
    format!(
        "the server secret that the database {} was set up with is missing: put it in {} again, or set COUNTERSIGN_SECRET or \
         COUNTERSIGN_SECRET_FILE (neither is set). Without it the database cannot be used",
        config.database,
        path.display(),
    )
}
