//! Backup of a SQLite database while servers write, and restore while none runs.
//!
//! A backup is one self-contained file: SQLite copies a snapshot into it (`VACUUM INTO`), without a
//! write-ahead log. It does not contain the server secret. Postgres has tools of its own.

use crate::{ServerSecret, store::migrations};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    error::DatabaseError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode},
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::time::{MissedTickBehavior, interval};

/// Timeout for a lock that another program holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval of progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Suffixes of the files that SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A copied database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Size of the copy in bytes.
    pub bytes: u64,
    /// Accounts in the copy.
    pub users: i64,
}

/// The reason why a backup or a restore failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The source does not exist.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// The target of a backup exists already.
    #[error("{} exists already: choose another name, or remove it first", .0.display())]
    Exists(PathBuf),
    /// The file cannot be opened as a database.
    #[error("{} cannot be opened as a SQLite database", .0.display())]
    Open(PathBuf, #[source] sqlx::Error),
    /// The integrity check failed.
    #[error("{} is damaged: {}", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// A database, but not one of this program.
    #[error(
        "{} has no accounts tables: it is not a database of this program, or only a part of one",
        .0.display()
    )]
    NotOurs(PathBuf),
    /// The tables are those of a newer version.
    #[error(
        "{} was made by a newer version of this program: restore it with that version",
        .0.display()
    )]
    Newer(PathBuf),
    /// The backup belongs to another server secret.
    #[error(
        "{} belongs to another server secret: put the secret that it was made with in place first",
        .0.display()
    )]
    OtherSecret(PathBuf),
    /// Another program has the database open.
    #[error(
        "{} is in use: stop every server and program that has it open, then try again",
        .0.display()
    )]
    InUse(PathBuf),
    /// The target is a database with accounts.
    #[error(
        "{} has {users} accounts: with --force it is replaced, and kept under another name",
        .path.display()
    )]
    HasAccounts {
        /// The target.
        path: PathBuf,
        /// The number of its accounts.
        users: i64,
    },
    /// SQLite failed during the copy.
    #[error("{} cannot be copied", .0.display())]
    Copy(PathBuf, #[source] sqlx::Error),
    /// The operating system reported an error.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Copies the database `source` to the new file `target` (mode 0600) while others read and write.
/// The copy contains every transaction that was committed before the start. `progress` receives the
/// number of bytes written.
///
/// The copy is made under a temporary name in the folder of `target`, checked, synced to disk and
/// then renamed, so that `target` is always complete.
pub async fn back_up(
    source: &Path,
    target: &Path,
    progress: impl FnMut(u64),
) -> Result<Copied, BackupError> {
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let mut connection = open(source, existing(source)?).await?;
    if read_version(source, &mut connection).await?.is_none() {
        return Err(BackupError::NotOurs(source.to_owned()));
    }
    let (draft, copied) = copy(source, &mut connection, target, progress).await?;
    close(connection).await;
    put_in_place(draft, target)?;
    Ok(copied)
}

/// A restored backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The database after the restore.
    pub copied: Copied,
    /// The path of the previous database, if there was one.
    pub kept: Option<PathBuf>,
}

/// Replaces the database `target` by a copy of the backup `source`, while no program has `target`
/// open. The previous file is kept as `target`, a dot and `suffix`.
///
/// A database with accounts is replaced only with `force`. The server secret must be the one that
/// the backup belongs to.
pub async fn restore(
    source: &Path,
    target: &Path,
    secret: &ServerSecret,
    force: bool,
    suffix: &str,
    progress: impl FnMut(u64),
) -> Result<Restored, BackupError> {
    let mut connection = open(source, existing(source)?.read_only(true)).await?;
    let newest = migrations::newest_version();
    match read_version(source, &mut connection).await? {
        None => return Err(BackupError::NotOurs(source.to_owned())),
        version if version > newest => return Err(BackupError::Newer(source.to_owned())),
        Some(_) => {}
    }
    let check: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT secret_fingerprint FROM csgn_installation WHERE id = 1")
            .fetch_optional(&mut connection)
            .await
            .map_err(|error| BackupError::Copy(source.to_owned(), error))?;
    if check.is_some_and(|check| check != secret.fingerprint()) {
        return Err(BackupError::OtherSecret(source.to_owned()));
    }
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| BackupError::Write(folder.to_owned(), error))?;
    }
    let (draft, copied) = copy(source, &mut connection, target, progress).await?;
    close(connection).await;
    // Held until the new file is in place, so that no server opens the old one.
    let lock = lock(target, force).await?;
    let kept = with_ending(target, &format!(".{suffix}"));
    let was_there = rename_all(target, &kept)?;
    if let Err(error) = put_in_place(draft, target) {
        rename_all(&kept, target)?;
        return Err(error);
    }
    if let Some(lock) = lock {
        close(lock).await;
    }
    Ok(Restored { copied, kept: was_there.then_some(kept) })
}

/// The options for a database file that must exist.
fn existing(path: &Path) -> Result<SqliteConnectOptions, BackupError> {
    if !path.is_file() {
        return Err(BackupError::Missing(path.to_owned()));
    }
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(LOCK_TIMEOUT)
        .disable_statement_logging())
}

async fn open(path: &Path, options: SqliteConnectOptions) -> Result<SqliteConnection, BackupError> {
    options.connect().await.map_err(|error| BackupError::Open(path.to_owned(), error))
}

async fn close(connection: SqliteConnection) {
    let _ = connection.close().await; // Everything that matters was read or committed before.
}

/// Returns the newest applied migration; `None` if tables of this program are missing.
async fn read_version(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<Option<i64>, BackupError> {
    const TABLES: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' \
        AND name IN ('csgn_migrations', 'csgn_installation', 'csgn_users')";
    let failed = |error| BackupError::Open(path.to_owned(), error);
    let tables: i64 =
        sqlx::query_scalar(TABLES).fetch_one(&mut *connection).await.map_err(failed)?;
    if tables < 3 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT MAX(version) FROM csgn_migrations")
        .fetch_one(connection)
        .await
        .map_err(failed)
}

/// Copies what `connection` sees into a new file in the folder of `target`, checks and syncs it.
/// The file is removed unless it is put in place.
async fn copy(
    source: &Path,
    connection: &mut SqliteConnection,
    target: &Path,
    mut progress: impl FnMut(u64),
) -> Result<(NamedTempFile, Copied), BackupError> {
    let failed = |error| BackupError::Copy(source.to_owned(), error);
    // The mode is 0600. SQLite writes into an existing file if it is empty.
    let draft = tempfile::Builder::new()
        .prefix(".backup-")
        .suffix(".part")
        .tempfile_in(folder_of(target))
        .map_err(|error| BackupError::Write(target.to_owned(), error))?;
    let written = |draft: &NamedTempFile| draft.as_file().metadata().map_or(0, |file| file.len());
    let Some(name) = draft.path().to_str() else {
        return Err(BackupError::Write(
            target.to_owned(),
            io::Error::other("the name of the folder is not UTF-8"),
        ));
    };
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let copying = sqlx::query("VACUUM INTO $1").bind(name.to_owned()).execute(connection);
    tokio::pin!(copying);
    loop {
        tokio::select! {
            done = &mut copying => {
                done.map_err(failed)?;
                break;
            }
            _ = ticks.tick() => progress(written(&draft)),
        }
    }
    let users = check(draft.path()).await.map_err(|damage| match damage {
        BackupError::Damaged(_, first) => BackupError::Damaged(source.to_owned(), first),
        other => other,
    })?;
    draft.as_file().sync_all().map_err(|error| BackupError::Write(target.to_owned(), error))?;
    let bytes = written(&draft);
    progress(bytes);
    Ok((draft, Copied { bytes, users }))
}

/// Checks the integrity of a database. Returns the number of its accounts.
async fn check(path: &Path) -> Result<i64, BackupError> {
    let failed = |error| BackupError::Copy(path.to_owned(), error);
    let mut connection = open(path, existing(path)?.read_only(true)).await?;
    let first: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if first != "ok" {
        return Err(BackupError::Damaged(path.to_owned(), first));
    }
    let users = count_users(&mut connection).await.map_err(failed)?;
    close(connection).await;
    Ok(users)
}

async fn count_users(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM csgn_users").fetch_one(connection).await
}

/// Locks the database that is to be replaced against all other programs, and moves its write-ahead
/// log into it. Returns `None` if there is no file, or if `force` replaces a file that is no
/// database.
async fn lock(target: &Path, force: bool) -> Result<Option<SqliteConnection>, BackupError> {
    if fs::metadata(target).map_or(0, |file| file.len()) == 0 {
        return Ok(None);
    }
    // Leaving WAL mode takes an exclusive lock, which fails while another connection is open.
    let options = existing(target)?
        .busy_timeout(Duration::from_secs(1))
        .locking_mode(SqliteLockingMode::Exclusive)
        .journal_mode(SqliteJournalMode::Delete);
    let locked = async {
        let mut connection = options.connect().await?;
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await?;
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
        Ok((connection, mode))
    };
    let mut connection = match locked.await {
        Ok((connection, mode)) if mode == "delete" => connection,
        Ok(_) => return Err(BackupError::InUse(target.to_owned())),
        Err(error) if is_busy(&error) => return Err(BackupError::InUse(target.to_owned())),
        Err(_) if force => return Ok(None),
        Err(error) => return Err(BackupError::Open(target.to_owned(), error)),
    };
    let users = match read_version(target, &mut connection).await {
        Ok(Some(_)) => count_users(&mut connection)
            .await
            .map_err(|error| BackupError::Open(target.to_owned(), error)),
        Ok(None) => Ok(0),
        Err(error) => Err(error),
    };
    match users {
        Ok(users) if users > 0 && !force => {
            return Err(BackupError::HasAccounts { path: target.to_owned(), users });
        }
        Err(error) if !force => return Err(error),
        Ok(_) | Err(_) => {}
    }
    Ok(Some(connection))
}

/// Whether another connection holds a lock (SQLite's result codes 5 and 6).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Renames a database with its companion files: SQLite would apply an old log to the new file.
/// Returns whether there was any file.
fn rename_all(from: &Path, to: &Path) -> Result<bool, BackupError> {
    let pairs = [&[""][..], &COMPANIONS]
        .concat()
        .into_iter()
        .map(|ending| (with_ending(from, ending), with_ending(to, ending)));
    let pairs: Vec<_> = pairs.filter(|(from, _)| from.symlink_metadata().is_ok()).collect();
    if let Some((_, taken)) = pairs.iter().find(|(_, to)| to.symlink_metadata().is_ok()) {
        return Err(BackupError::Exists(taken.clone()));
    }
    for (from, to) in &pairs {
        fs::rename(from, to).map_err(|error| BackupError::Write(to.clone(), error))?;
    }
    Ok(!pairs.is_empty())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Gives the file its final name, unless that exists, and syncs the folder.
fn put_in_place(draft: NamedTempFile, target: &Path) -> Result<(), BackupError> {
    let failed = |error| BackupError::Write(target.to_owned(), error);
    draft.persist_noclobber(target).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
        _ => failed(error.error),
    })?;
    File::open(folder_of(target)).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
