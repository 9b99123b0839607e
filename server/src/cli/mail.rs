//! The commands for email: a test, and the outbox.

use super::NO_OUTPUT;
use crate::{
    config::Config,
    database::{self, Opened},
};
use anyhow::{Context, bail};
use clap::Subcommand;
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, RandomSource, RequestContext, admin::Admin,
    mail::OutboxRow,
};
use countersign_types::{Email, MailId};
use serde_json::{Value, json};
use std::io::Write;
use uuid::Uuid;

/// Commands for email. Access to the server secret authorizes all of them.
#[derive(Clone, Debug, Subcommand)]
pub enum MailCommand {
    /// Send a test email. It skips the outbox, and an error shows the response of the mail server.
    Test {
        /// The recipient.
        address: String,
    },
    /// List the emails in the outbox, oldest first. Sent emails are not kept.
    List {
        /// List only emails that were given up.
        #[arg(long)]
        failed: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send an email of the outbox again. A running server sends it within a second.
    Retry {
        /// The `id` in the output of `list`.
        id: Uuid,
    },
}

/// Runs a command and prints to `out`.
pub async fn run(
    config: &Config,
    command: MailCommand,
    clock: &Clock,
    random: &RandomSource,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let Opened { store, secret, .. } = database::open(config, random).await?;
    let parts = AuthConfig {
        store: store.clone(),
        clock: clock.clone(),
        random: random.clone(),
        secret: secret.clone(),
        policy: config.policy(),
        hashing: HashingConfig { threads: 1, ..config.hashing() },
        mail: config.mail(),
    };
    let auth = Auth::start(parts).await?;
    let operator = auth.operator(&RequestContext::new(None, None, "command-line"), &secret)?;
    match command {
        MailCommand::Test { address } => {
            if !auth.sends_mail() {
                bail!("COUNTERSIGN_MAIL is none: set it to a mail server first");
            }
            let address =
                Email::parse(&address).map_err(|_| anyhow::anyhow!("invalid email address"))?;
            operator
                .send_test_mail(&address)
                .await
                .map_err(|reason| anyhow::anyhow!("the email was not sent: {reason}"))?;
            writeln!(out, "Sent an email to {}.", address.as_str()).context(NO_OUTPUT)?;
        }
        MailCommand::List { failed, json } => list(&operator, failed, json, out).await?,
        MailCommand::Retry { id } => {
            if !operator.retry_mail(MailId(id)).await? {
                bail!(
                    "no email with this id has failed or was deferred: see `countersign mail list`"
                );
            }
            writeln!(out, "{id} is due now.").context(NO_OUTPUT)?;
        }
    }
    store.close().await;
    Ok(())
}

/// Prints the outbox page by page, which bounds the memory.
async fn list(
    operator: &Admin<'_>,
    failed: bool,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (mut after, mut is_first) = (MailId(Uuid::nil()), true);
    if json {
        write!(out, "[")?;
    }
    loop {
        let page = operator.outbox(failed, after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for mail in &page {
            match (json, is_first) {
                (true, true) => write!(out, "{}", to_json(mail))?,
                (true, false) => write!(out, ",{}", to_json(mail))?,
                (false, _) => writeln!(out, "{}", to_line(mail))?,
            }
            is_first = false;
        }
    }
    if json {
        writeln!(out, "]")?;
    } else if is_first {
        writeln!(out, "The outbox has no {}emails.", if failed { "failed " } else { "" })?;
    }
    Ok(())
}

fn to_json(mail: &OutboxRow) -> Value {
    json!({
        "id": mail.id,
        "template": mail.template(),
        "recipient": mail.recipient,
        "created_at": mail.created_at,
        "due_at": mail.due_at,
        "attempts": mail.attempts,
        "last_error": mail.last_error,
    })
}

fn to_line(mail: &OutboxRow) -> String {
    let state = mail.due_at.map_or_else(|| "failed".to_owned(), |due| format!("due {due}"));
    let recipient = mail.recipient.as_deref().unwrap_or("no account");
    let error = mail.last_error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
    format!(
        "{}  {:<18}  {recipient}, {state}, attempts: {}{error}",
        mail.id,
        mail.template(),
        mail.attempts
    )
}
