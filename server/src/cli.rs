//! The commands that look at or change what is stored, beside a running server or without one.

use crate::{
    config::{Config, Secret},
    http::time::rfc3339,
    secret_file,
};
use anyhow::Context;
use auth::{
    Clock, Entropy, ServerSecret, Store,
    flow::{KeyInfo, Keys},
    keys::Algorithm,
};
use clap::Subcommand;
use serde_json::{Value, json};
use std::{io::Read, path::PathBuf};

/// The keys that access tokens are signed with.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Show the keys: names, algorithms, states.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Publish a new key. It signs nothing until `rotate` chooses it.
    Add {
        /// `ES256`, `EdDSA`, `HS256` or `RS256`.
        #[arg(default_value = "ES256")]
        algorithm: Algorithm,
    },
    /// Publish a key that was made elsewhere: PEM (PKCS #8, SEC 1, PKCS #1) or a JWK with its private part.
    Import {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
    /// Have another key sign, as soon as everybody can know it. The one that signs now is accepted for another hour.
    Rotate {
        /// A published key. Without it a new one is made, of the algorithm of the one that signs now.
        #[arg(allow_hyphen_values = true)]
        key: Option<String>,
    },
    /// Emergency: take a key out of use at once, and destroy it. Everything that it signed is refused; sessions go on.
    Remove {
        /// Its name, as `list` shows it. (It may begin with a hyphen.)
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
}

/// The server secret that the configuration names.
pub(crate) fn secret(config: &Config, entropy: &Entropy) -> anyhow::Result<ServerSecret> {
    match &config.secret {
        Secret::Given(secret) => Ok(secret.clone()),
        Secret::File(path) => secret_file::read(path, false, entropy),
        Secret::Own(path) => secret_file::read(path, true, entropy),
    }
}

/// Carries out one of the key commands. Returns what to print.
pub async fn keys(config: &Config, command: KeysCommand, clock: &Clock, entropy: &Entropy) -> anyhow::Result<String> {
    let secret = secret(config, entropy)?;
    let store = Store::open(&config.database.url).await?;
    let now = clock.now();
    let keys = Keys::open(&store, &secret, entropy, now).await?;
    let said = match command {
        KeysCommand::List { json: true } => Value::from(keys.list().await?.iter().map(as_json).collect::<Vec<_>>()).to_string(),
        KeysCommand::List { json: false } => as_table(&keys.list().await?),
        KeysCommand::Add { algorithm } => {
            let kid = keys.add(algorithm, now).await?;
            format!("{kid} is published. `latchkey keys rotate {kid}` has it sign.")
        }
        KeysCommand::Import { file } => {
            let kid = keys.import(&read(&file)?, now).await?;
            format!("{kid} is published. `latchkey keys rotate {kid}` has it sign.")
        }
        KeysCommand::Rotate { key } => {
            let (kid, at) = keys.rotate(key.as_deref(), now).await?;
            format!("{kid} signs from {}: by then nobody keeps a list of keys from before.", rfc3339(at))
        }
        KeysCommand::Remove { key } => {
            keys.remove(&key, now).await?;
            format!("{key} is gone. Servers refuse what it signed within a second.")
        }
    };
    store.close().await;
    Ok(said)
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn as_json(key: &KeyInfo) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": rfc3339(key.created_at),
        "since": rfc3339(key.since),
        "signs_at": key.signs_at.map(rfc3339),
    })
}

fn as_table(keys: &[KeyInfo]) -> String {
    if keys.is_empty() {
        return "There are no keys yet: the server makes the first one when it starts.".to_owned();
    }
    let line = |key: &KeyInfo| {
        let signs = key.signs_at.map(|at| format!(", signs from {}", rfc3339(at))).unwrap_or_default();
        format!("{:<43}  {:<5}  {:<9}  since {}{signs}", key.kid, key.algorithm, key.state, rfc3339(key.since))
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}
