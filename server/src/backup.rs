//! The commands `backup` and `restore`. How a database is copied is in `countersign_core::store::backup`.

use crate::{
    config::{Config, Secret},
    database,
    http::time::rfc3339,
};
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

/// Copies the database to a new file, while servers run or not. Returns what to print.
pub async fn back_up(config: &Config, file: &Path, is_json: bool) -> anyhow::Result<String> {
    let DatabaseUrl::Sqlite(source) = &config.database else {
        bail!(postgres_advice(&config.database, file, true))
    };
    let mut progress = Progress::default();
    let copied = backup::back_up(source, file, |bytes| progress.show(bytes)).await?;
    progress.finish();
    let secret = secret_file(config);
    if is_json {
        let Copied { bytes, users } = copied;
        return Ok(json!({ "file": file.display().to_string(), "bytes": bytes, "users": users, "secret_file": secret }).to_string());
    }
    let secret =
        secret.map_or_else(|| "in COUNTERSIGN_SECRET".to_owned(), |path| format!("in {path}"));
    Ok(format!(
        "{}: {}. The server secret ({secret}) is not part of it: keep a copy of that in another place.",
        file.display(),
        described(copied)
    ))
}

/// Puts a backup in the place of the database, which no program may have open. Returns what to
/// print.
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
    let moment: String = rfc3339(clock.now()).chars().filter(|c| !matches!(c, '-' | ':')).collect();
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
        let text = json!({ "file": target.display().to_string(), "bytes": bytes, "users": users, "kept": kept.map_or(Value::Null, Value::from) });
        return Ok(text.to_string());
    }
    let kept =
        kept.map(|path| format!(" What was there before is now {path}.")).unwrap_or_default();
    Ok(format!("{} is restored: {}.{kept}", target.display(), described(restored.copied)))
}

fn described(copied: Copied) -> String {
    format!("{} accounts, {}", copied.users, size(copied.bytes))
}

fn size(bytes: u64) -> String {
    if bytes < 1024 * 1024 {
        format!("{} KiB", bytes.div_ceil(1024))
    } else {
        format!("{} MiB", bytes / 1024 / 1024)
    }
}

/// The file of the server secret, if it is in one.
fn secret_file(config: &Config) -> Option<String> {
    match &config.secret {
        Secret::Given(_) => None,
        Secret::File(path) | Secret::Own(path) => Some(path.display().to_string()),
    }
}

/// The command of Postgres that does the same.
fn postgres_advice(database: &DatabaseUrl, file: &Path, is_backup: bool) -> String {
    let (url, file) = (quoted(&database.for_libpq()), quoted(&file.display().to_string()));
    let command = if is_backup {
        format!("pg_dump --format=custom --file={file} --dbname={url}")
    } else {
        format!(
            "pg_restore --clean --if-exists --no-owner --single-transaction --dbname={url} {file}"
        )
    };
    format!(
        "DATABASE_URL names a Postgres database, which has a tool for this (the password belongs in PGPASSWORD or ~/.pgpass):\n{command}"
    )
}

/// As one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Shows how much has been written, on a terminal only.
#[derive(Default)]
struct Progress {
    is_shown: bool,
}

impl Progress {
    fn show(&mut self, bytes: u64) {
        let mut out = std::io::stderr();
        if out.is_terminal() {
            let _ = write!(out, "\r{} so far", size(bytes)); // Progress that cannot be shown is no error.
            self.is_shown = true;
        }
    }

    fn finish(&self) {
        if self.is_shown {
            let _ = writeln!(std::io::stderr()); // As above.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(
            [size(0), size(1), size(4096), size(1024 * 1024), size(109_051_904)],
            ["0 KiB", "1 KiB", "4 KiB", "1 MiB", "104 MiB"]
        );
    }
}
