//! The commands `backup` and `restore`. The copying itself is in `countersign_core::store::backup`.

use crate::{config::Config, database};
use anyhow::bail;
use countersign_core::{
    Clock,
    store::{
        DatabaseUrl,
        backup::{self, Copied},
    },
};
use serde_json::{Value, json};
use std::{
    io::{IsTerminal, Write},
    path::Path,
};

/// Copies the database to a new file. Servers may be running. Returns the output of the command.
pub async fn back_up(config: &Config, file: &Path, is_json: bool) -> anyhow::Result<String> {
    let DatabaseUrl::Sqlite(source) = &config.database else {
        bail!(postgres_advice(&config.database, file, true))
    };
    let mut progress = Progress::default();
    let copied = backup::back_up(source, file, |bytes| progress.show(bytes)).await?;
    progress.finish();
    let secret = config.secret().file().map(|path| path.display().to_string());
    if is_json {
        let Copied { bytes, users } = copied;
        let report = json!({
            "file": file.display().to_string(),
            "bytes": bytes,
            "users": users,
            "secret_file": secret,
        });
        return Ok(report.to_string());
    }
    let secret =
        secret.map_or_else(|| "in COUNTERSIGN_SECRET".to_owned(), |path| format!("in {path}"));
    Ok(format!(
        "{}: {}. The server secret ({secret}) is not included: keep a copy of it elsewhere.",
        file.display(),
        summary(copied)
    ))
}

/// Replaces the database with a backup. No program may have the database open. Returns the output
/// of the command.
pub async fn restore(
    config: &Config,
    file: &Path,
    force: bool,
    is_json: bool,
    clock: &Clock,
) -> anyhow::Result<String> {
    let DatabaseUrl::Sqlite(target) = &config.database else {
        bail!(postgres_advice(&config.database, file, false))
    };
    let secret = database::existing_secret(config)?;
    let moment: String =
        clock.now().to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let mut progress = Progress::default();
    let restored =
        backup::restore(file, target, &secret, force, &format!("before-{moment}"), |bytes| {
            progress.show(bytes);
        })
        .await?;
    progress.finish();
    let kept = restored.kept.map(|path| path.display().to_string());
    if is_json {
        let Copied { bytes, users } = restored.copied;
        let report = json!({
            "file": target.display().to_string(),
            "bytes": bytes,
            "users": users,
            "kept": kept.map_or(Value::Null, Value::from),
        });
        return Ok(report.to_string());
    }
    let kept =
        kept.map(|path| format!(" The previous database is now {path}.")).unwrap_or_default();
    Ok(format!("{} restored: {}.{kept}", target.display(), summary(restored.copied)))
}

fn summary(copied: Copied) -> String {
    format!("{} accounts, {}", copied.users, format_size(copied.bytes))
}

fn format_size(bytes: u64) -> String {
    if bytes < 1024 * 1024 {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{} MiB", bytes / 1024 / 1024)
    }
}

/// Returns the equivalent Postgres command.
fn postgres_advice(database: &DatabaseUrl, file: &Path, is_backup: bool) -> String {
    let (url, file) =
        (shell_quote(&database.for_libpq()), shell_quote(&file.display().to_string()));
    let command = if is_backup {
        format!("pg_dump --format=custom --file={file} --dbname={url}")
    } else {
        format!(
            "pg_restore --clean --if-exists --no-owner --single-transaction --dbname={url} {file}"
        )
    };
    format!(
        "this command supports SQLite only. For Postgres, run the following command, with the \
         password in PGPASSWORD or ~/.pgpass:\n{command}"
    )
}

/// Quotes a text as one word of a POSIX shell.
fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Progress on standard error, if that is a terminal.
#[derive(Default)]
struct Progress {
    is_shown: bool,
}

impl Progress {
    fn show(&mut self, bytes: u64) {
        let mut out = std::io::stderr();
        if out.is_terminal() {
            let _ = write!(out, "\r{} copied", format_size(bytes)); // Progress is optional.
            self.is_shown = true;
        }
    }

    fn finish(&self) {
        if self.is_shown {
            let _ = writeln!(std::io::stderr()); // Progress is optional.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_are_quoted() {
        assert_eq!(shell_quote("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(
            [
                format_size(0),
                format_size(1),
                format_size(4096),
                format_size(1024 * 1024),
                format_size(109_051_904)
            ],
            ["0 KiB", "1 KiB", "4 KiB", "1 MiB", "104 MiB"]
        );
    }
}
