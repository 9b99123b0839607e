//! The commands for signing keys, accounts and email. They work with or without a running server.

pub mod mail;

use crate::{
    config::Config,
    database::{self, Opened},
};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, MAX_PAGE_SIZE, RandomSource, RequestContext,
    admin::{Admin, AdminAction},
    keys::{Algorithm, KeyAdmin, KeyInfo},
};
use countersign_http::error::to_problem;
use countersign_types::{
    Email, Problem,
    forms::SignUpForm,
    views::{AdminUser, Role},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    path::PathBuf,
};
use uuid::Uuid;

const NO_OUTPUT: &str = "cannot write to standard output";

/// Commands for the signing keys of access tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys with their algorithms and states.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Generate and publish a key. It signs nothing until `rotate` selects it.
    Add {
        /// Algorithm: `ES256`, `EdDSA`, `HS256` or `RS256`.
        #[arg(default_value = "ES256")]
        algorithm: Algorithm,
    },
    /// Import and publish a key: PEM (PKCS #8, SEC 1, PKCS #1) or a JWK with its private part.
    Import {
        /// The file, or `-` for standard input.
        file: PathBuf,
    },
    /// Rotate the signing key. The old key stays valid for one hour.
    Rotate {
        /// A published key. Default: a new key with the algorithm of the current one.
        #[arg(allow_hyphen_values = true)]
        key: Option<String>,
    },
    /// Remove and destroy a key immediately, in an emergency. Tokens that it signed are rejected.
    /// Sessions continue.
    Remove {
        /// The key ID, as user by `list`. It may start with a hyphen.
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
}

/// Commands for accounts. Access to the server secret authorizes all of them.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// List accounts, newest first.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Maximum number of accounts.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        /// List the accounts after this one, given by its `id` in the output of `--json`.
        #[arg(long)]
        after: Option<Uuid>,
    },
    /// Create an account. The password is read from the terminal, or from standard input.
    Create {
        /// The email address.
        email: String,
        /// The display name.
        #[arg(long, default_value = "")]
        name: String,
        /// Make the user an administrator.
        #[arg(long)]
        admin: bool,
    },
    /// Invite a person and print the link. The link replaces an earlier one. If email is
    /// configured, the address also gets an email.
    Invite {
        /// The email address.
        email: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Set a user's role. Running servers apply it within a second.
    Role {
        /// The email address.
        email: String,
        /// The role: `user` or `admin`.
        role: String,
    },
    /// Disable an account and revoke its sessions. Running servers apply it within a second.
    Disable {
        /// The email address.
        email: String,
    },
    /// Enable a disabled account.
    Enable {
        /// The email address.
        email: String,
    },
}

/// Applies database migrations.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    database::open_store(config).await?.close().await;
    Ok(())
}

/// Runs an account command and prints to `out`. `password` is called if a password is needed.
pub async fn users(
    config: &Config,
    command: UserCommand,
    clock: &Clock,
    random: &RandomSource,
    password: impl FnOnce() -> anyhow::Result<String>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let Opened { store, secret, .. } = database::open(config, random).await?;
    let hashing = HashingConfig { threads: 1, ..config.hashing() };
    let parts = AuthConfig {
        store: store.clone(),
        clock: clock.clone(),
        random: random.clone(),
        secret: secret.clone(),
        policy: config.policy(),
        hashing,
        mail: config.mail(),
    };
    let auth = Auth::start(parts).await?;
    let admin = auth.operator(&RequestContext::new(None, None, "command-line"), &secret)?;
    let user = match command {
        UserCommand::List { json, limit, after } => {
            list_users(&admin, json, limit.unwrap_or(u64::MAX), after, out).await?;
            store.close().await;
            return Ok(());
        }
        UserCommand::Create { email, name, admin: is_admin } => {
            let form = SignUpForm { name, email, password: password()?, ..SignUpForm::default() };
            let role = if is_admin { Role::Admin } else { Role::User };
            admin.create(&form, role).await.map_err(|error| describe_error(&error))?
        }
        UserCommand::Invite { email, json } => {
            invite_user(&admin, &email, json, out).await?;
            store.close().await;
            return Ok(());
        }
        UserCommand::Role { email, role } => {
            let role = Role::from_name(&role).context("the role must be user or admin")?;
            change_user(&admin, &email, AdminAction::Role(role)).await?
        }
        UserCommand::Disable { email } => change_user(&admin, &email, AdminAction::Disable).await?,
        UserCommand::Enable { email } => change_user(&admin, &email, AdminAction::Enable).await?,
    };
    store.close().await;
    writeln!(out, "{}", user_to_line(&user)).context(NO_OUTPUT)
}

/// Prints accounts page by page, which bounds the memory.
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
            .users(
                u16::try_from(left).unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE),
                cursor.as_deref(),
            )
            .await?;
        for user in &page.items {
            match (json, is_first) {
                (true, true) => write!(out, "{}", json!(user))?,
                (true, false) => write!(out, ",{}", json!(user))?,
                (false, _) => writeln!(out, "{}", user_to_line(user))?,
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
        writeln!(out, "There are more accounts. To continue, add --after {last}")?;
    }
    Ok(())
}

/// Invites a person and prints the link.
async fn invite_user(
    admin: &Admin<'_>,
    email: &str,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let email = parse_email(email)?;
    let new = admin.invite(&email).await.map_err(|error| describe_error(&error))?;
    if json {
        return writeln!(out, "{}", json!(new)).context(NO_OUTPUT);
    }
    if new.email_sent {
        writeln!(out, "Invitation email queued for {}.", new.invitation.email)
            .context(NO_OUTPUT)?;
    }
    let (link, expires_at) = (new.link, new.invitation.expires_at);
    writeln!(out, "Link for the new user (works once, expires {expires_at}):\n{link}")
        .context(NO_OUTPUT)
}

fn parse_email(text: &str) -> anyhow::Result<Email> {
    Email::parse(text).map_err(|_| anyhow::anyhow!("invalid email address"))
}

async fn change_user(
    admin: &Admin<'_>,
    email: &str,
    change: AdminAction,
) -> anyhow::Result<AdminUser> {
    let email = parse_email(email)?;
    let user = admin.user_by_email(&email).await.map_err(|error| describe_error(&error))?;
    admin.change(user.id, change).await.map_err(|error| describe_error(&error))
}

/// Returns an error with the English text of the problem, and the field for validation errors.
fn describe_error(error: &countersign_core::Error) -> anyhow::Error {
    let problem = to_problem(error);
    match &problem {
        Problem::Invalid(errors) => {
            let lines: Vec<_> = errors
                .0
                .iter()
                .map(|(field, error)| format!("{}: {}", field.name(), error.english(*field)))
                .collect();
            anyhow::anyhow!("{}", lines.join("\n"))
        }
        Problem::NotFound => anyhow::anyhow!("no such account"),
        Problem::Internal { .. } | Problem::Unavailable => {
            anyhow::anyhow!("{}", countersign_core::error_chain(error))
        }
        other => anyhow::anyhow!("{}", other.english_summary()),
    }
}

fn user_to_line(user: &AdminUser) -> String {
    let role = if user.roles.contains(&Role::Admin) { "admin" } else { "user" };
    let disabled = user.disabled_at.map(|at| format!(", disabled since {at}")).unwrap_or_default();
    format!("{:<40}  {role:<5}  since {}{disabled}", user.email, user.created_at)
}

/// Runs a key command. Returns its output.
pub async fn keys(
    config: &Config,
    command: KeysCommand,
    clock: &Clock,
    random: &RandomSource,
) -> anyhow::Result<String> {
    let Opened { store, secret, .. } = database::open(config, random).await?;
    let now = clock.now();
    let keys = KeyAdmin::open(&store, &secret, random, now).await?;
    let output = match command {
        KeysCommand::List { json: true } => {
            Value::from(keys.list().await?.iter().map(key_to_json).collect::<Vec<_>>()).to_string()
        }
        KeysCommand::List { json: false } => keys_to_table(&keys.list().await?),
        KeysCommand::Add { algorithm } => {
            let kid = keys.add(algorithm, now).await?;
            format!("{kid} published. Run `countersign keys rotate {kid}` to sign with it.")
        }
        KeysCommand::Import { file } => {
            let kid = keys.import(&read(&file)?, now).await?;
            format!("{kid} published. Run `countersign keys rotate {kid}` to sign with it.")
        }
        KeysCommand::Rotate { key } => {
            let (kid, at) = keys.rotate(key.as_deref(), now).await?;
            format!("{kid} becomes the signing key at {at} (after cached key sets expire).")
        }
        KeysCommand::Remove { key } => {
            keys.remove(&key, now).await?;
            format!("{key} removed. Servers reject its signatures within a second.")
        }
    };
    store.close().await;
    Ok(output)
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn key_to_json(key: &KeyInfo) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": key.created_at,
        "since": key.since,
        "signs_at": key.activates_at,
    })
}

fn keys_to_table(keys: &[KeyInfo]) -> String {
    if keys.is_empty() {
        return "There are no keys yet. The server generates the first one when it starts."
            .to_owned();
    }
    let line = |key: &KeyInfo| {
        let signs = key.activates_at.map(|at| format!(", signs from {at}")).unwrap_or_default();
        format!(
            "{:<43}  {:<5}  {:<9}  since {}{signs}",
            key.kid, key.algorithm, key.state, key.since
        )
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}
