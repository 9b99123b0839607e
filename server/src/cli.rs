//! The commands that look at or change what is stored, beside a running server or without one.

use crate::{
    config::Config,
    database::{self, Opened},
    http::time::rfc3339,
};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use countersign_core::{
    Auth, Client, Clock, Entropy, Hashing,
    flow::{Admin, Change, KeyInfo, Keys, MOST_ITEMS, Parts},
    keys::Algorithm,
};
use countersign_leptos::{problem::Problem, words};
use countersign_types::{
    Email,
    form::SignUp,
    view::{Role, UserView},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    path::PathBuf,
};
use uuid::Uuid;

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
    /// Publish a key that was made elsewhere: PEM (PKCS #8, SEC 1, PKCS #1) or a JWK with its
    /// private part.
    Import {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
    /// Have another key sign, as soon as everybody can know it. The one that signs now is accepted
    /// for another hour.
    Rotate {
        /// A published key. Without it a new one is made, of the algorithm of the one that signs
        /// now.
        #[arg(allow_hyphen_values = true)]
        key: Option<String>,
    },
    /// Emergency: take a key out of use at once, and destroy it. Everything that it signed is
    /// refused; sessions go on.
    Remove {
        /// Its name, as `list` shows it. (It may begin with a hyphen.)
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
}

/// The accounts. Whoever may read the server secret may do all of this.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Show all accounts, the newest first.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Show at most this many accounts.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        /// Show only the accounts that follow this one: its `id`, as `--json` prints it.
        #[arg(long)]
        after: Option<Uuid>,
    },
    /// Make an account. Its password is asked for, or read from the standard input if that is no
    /// terminal.
    Create {
        /// The e-mail address.
        email: String,
        /// What they want to be called.
        #[arg(long, default_value = "")]
        name: String,
        /// They look after the accounts of others.
        #[arg(long)]
        admin: bool,
    },
    /// Say whether somebody looks after the accounts of others: `user` or `admin`. Running servers
    /// follow within a second.
    Role {
        /// The e-mail address.
        email: String,
        /// `user` or `admin`.
        role: String,
    },
    /// Let nobody in, and end all sessions. Running servers follow within a second.
    Disable {
        /// The e-mail address.
        email: String,
    },
    /// Let somebody in again.
    Enable {
        /// The e-mail address.
        email: String,
    },
}

/// Brings the tables of the database up to date.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    database::open_store(config).await?.close().await;
    Ok(())
}

/// Carries out one of the user commands, and prints to `out`. `password` is asked when one is
/// needed.
pub async fn users(
    config: &Config,
    command: UserCommand,
    clock: &Clock,
    entropy: &Entropy,
    password: impl FnOnce() -> anyhow::Result<String>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let Opened { store, secret, .. } = database::open(config, entropy).await?;
    let hashing = Hashing { threads: 1, ..config.hashing };
    let parts = Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        secret: secret.clone(),
        policy: config.policy.clone(),
        hashing,
    };
    let auth = Auth::start(parts).await?;
    let admin = auth.operator(&Client::new(None, None, "command-line"), &secret)?;
    let shown = match command {
        UserCommand::List { json, limit, after } => {
            list_users(&admin, json, limit.unwrap_or(u64::MAX), after, out).await?;
            store.close().await;
            return Ok(());
        }
        UserCommand::Create { email, name, admin: is_admin } => {
            let form = SignUp { name, email, password: password()?, ..SignUp::default() };
            let role = if is_admin { Role::Admin } else { Role::User };
            admin.create(&form, role).await.map_err(|error| said_of(&error))?
        }
        UserCommand::Role { email, role } => {
            let role = Role::from_name(&role).context("the role must be user or admin")?;
            changed(&admin, &email, Change::Role(role)).await?
        }
        UserCommand::Disable { email } => changed(&admin, &email, Change::Disable).await?,
        UserCommand::Enable { email } => changed(&admin, &email, Change::Enable).await?,
    };
    store.close().await;
    writeln!(out, "{}", user_as_line(&shown)).context("nothing can be printed")
}

/// Prints accounts, a page at a time, so that memory is bounded however many there are.
async fn list_users(
    admin: &Admin<'_>,
    json: bool,
    limit: u64,
    after: Option<Uuid>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut cursor = after.map(|id| URL_SAFE_NO_PAD.encode(id.as_bytes()));
    let (mut left, mut is_first) = (limit, true);
    if json {
        write!(out, "[")?;
    }
    let mut last = None;
    loop {
        let page = admin
            .users(u16::try_from(left).unwrap_or(MOST_ITEMS).min(MOST_ITEMS), cursor.as_deref())
            .await?;
        for user in &page.items {
            match (json, is_first) {
                (true, true) => write!(out, "{}", user_as_json(user))?,
                (true, false) => write!(out, ",{}", user_as_json(user))?,
                (false, _) => writeln!(out, "{}", user_as_line(user))?,
            }
            is_first = false;
            left -= 1;
        }
        last = page.items.last().map(|user| user.id).or(last);
        cursor = page.next_cursor;
        if cursor.is_none() || left == 0 {
            break;
        }
    }
    if json {
        writeln!(out, "]")?;
    } else if let (Some(_), Some(last)) = (cursor, last) {
        writeln!(out, "There are more: add --after {last}")?;
    }
    Ok(())
}

async fn changed(admin: &Admin<'_>, email: &str, change: Change) -> anyhow::Result<UserView> {
    let email = Email::parse(email).map_err(|_| anyhow::anyhow!("this is no e-mail address"))?;
    let user = admin.user_with(&email).await.map_err(|error| said_of(&error))?;
    admin.change(user.id, change).await.map_err(|error| said_of(&error))
}

/// In the words of the pages; what is wrong with a field is said of the field.
fn said_of(error: &countersign_core::Error) -> anyhow::Error {
    let problem = Problem::from(error);
    match &problem {
        Problem::Invalid(faults) => {
            let lines: Vec<_> = faults
                .0
                .iter()
                .map(|(field, fault)| format!("{}: {}", field.name(), words::fault(*field, *fault)))
                .collect();
            anyhow::anyhow!("{}", lines.join("\n"))
        }
        Problem::NotFound => anyhow::anyhow!("there is no such account"),
        Problem::Internal { .. } | Problem::Unavailable => {
            anyhow::anyhow!("{}", countersign_core::chain(error))
        }
        other => anyhow::anyhow!("{}", words::in_short(other)),
    }
}

fn user_as_json(user: &UserView) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email,
        "name": user.name,
        "roles": user.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "created_at": rfc3339(user.created_at),
        "last_login_at": user.last_login_at.map(rfc3339),
        "disabled_at": user.disabled_at.map(rfc3339),
    })
}

fn user_as_line(user: &UserView) -> String {
    let role = if user.roles.contains(&Role::Admin) { "admin" } else { "user" };
    let disabled =
        user.disabled_at.map(|at| format!(", disabled since {}", rfc3339(at))).unwrap_or_default();
    format!("{:<40}  {role:<5}  since {}{disabled}", user.email, rfc3339(user.created_at))
}

/// Carries out one of the key commands. Returns what to print.
pub async fn keys(
    config: &Config,
    command: KeysCommand,
    clock: &Clock,
    entropy: &Entropy,
) -> anyhow::Result<String> {
    let Opened { store, secret, .. } = database::open(config, entropy).await?;
    let now = clock.now();
    let keys = Keys::open(&store, &secret, entropy, now).await?;
    let said = match command {
        KeysCommand::List { json: true } => {
            Value::from(keys.list().await?.iter().map(as_json).collect::<Vec<_>>()).to_string()
        }
        KeysCommand::List { json: false } => as_table(&keys.list().await?),
        KeysCommand::Add { algorithm } => {
            let kid = keys.add(algorithm, now).await?;
            format!("{kid} is published. `countersign keys rotate {kid}` has it sign.")
        }
        KeysCommand::Import { file } => {
            let kid = keys.import(&read(&file)?, now).await?;
            format!("{kid} is published. `countersign keys rotate {kid}` has it sign.")
        }
        KeysCommand::Rotate { key } => {
            let (kid, at) = keys.rotate(key.as_deref(), now).await?;
            format!(
                "{kid} signs from {}: by then nobody keeps a list of keys from before.",
                rfc3339(at)
            )
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
        let signs =
            key.signs_at.map(|at| format!(", signs from {}", rfc3339(at))).unwrap_or_default();
        format!(
            "{:<43}  {:<5}  {:<9}  since {}{signs}",
            key.kid,
            key.algorithm,
            key.state,
            rfc3339(key.since)
        )
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}
