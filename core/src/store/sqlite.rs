//! The SQLite database file: its permissions, its connections, and the checks that it is still the
//! opened file and that its write-ahead log stays bounded.

use crate::{
    clock,
    store::{DatabaseErrorKind, OpenError, limits::LOCK_TIMEOUT, migrations::Migrations},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Readable and writable for the owner only.
const MODE: u32 = 0o600;
/// Sizes of the write-ahead log in bytes: to which it is truncated when it restarts, and from which
/// it is reported.
const WAL_KEPT: u64 = 16 * 1024 * 1024;
const WAL_WARNING: u64 = 64 * 1024 * 1024;
/// Size of the write-ahead log in bytes from which writes are rejected until a checkpoint succeeds.
pub(super) const MAX_WAL: u64 = 1024 * 1024 * 1024;

/// How long the writer waits for the lock before it checks whether one of this process's own
/// connections holds it.
const WRITER_LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a start waits for the migrations of another process.
const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// Delay before the switch to write-ahead logging is tried again.
const LOCK_RETRY_DELAY: Duration = Duration::from_millis(10);

/// The file and its connection options.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    wal: PathBuf,
    options: SqliteConnectOptions,
    /// The identity of the opened file.
    identity: FileIdentity,
    max_wal: u64,
    warned: Arc<AtomicBool>,
}

/// The reason why the file must not be written to.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The path leads to another file, or to none.
    #[error("{0} is not the file that was opened")]
    Replaced(String),
    /// The write-ahead log file in use is not at its path any more.
    #[error("the write-ahead log of {0} was removed or replaced")]
    LogRemoved(String),
    /// The write-ahead log has its maximum size.
    #[error("the write-ahead log of {0} has {1} bytes")]
    LogFull(String, u64),
}

impl FileError {
    pub(super) const fn kind(&self) -> DatabaseErrorKind {
        match self {
            Self::Replaced(_) => DatabaseErrorKind::Replaced,
            Self::LogRemoved(_) => DatabaseErrorKind::LogRemoved,
            Self::LogFull(..) => DatabaseErrorKind::LogFull,
        }
    }
}

impl DatabaseFile {
    /// Creates the file if it is missing, and restricts the permissions of existing files.
    pub(super) fn prepare(path: &Path, max_wal: u64) -> Result<Self, OpenError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| OpenError::Folder(folder.display().to_string(), error))?;
        }
        let failed = |error| OpenError::File(path.display().to_string(), error);
        // An existing file is not opened here: closing it would release the locks of other
        // connections of this process (POSIX advisory locks belong to the process).
        match OpenOptions::new().write(true).create_new(true).mode(MODE).open(path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let found = fs::metadata(path).map_err(failed)?;
        let wal = beside(path, "-wal");
        // SQLite gives its companion files the mode of the database file.
        for file in [path, &wal, &beside(path, "-shm")] {
            restrict(file);
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            // A file that vanishes later is an error, not a new installation.
            .create_if_missing(false)
            .busy_timeout(LOCK_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            // With NORMAL, a power failure would undo acknowledged commits, and a revoked session
            // would be active again.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Deleted content is overwritten, so that deleted accounts cannot be recovered from the
            // file.
            .pragma("secure_delete", "ON")
            .pragma("journal_size_limit", WAL_KEPT.to_string());
        Ok(Self {
            path: path.to_owned(),
            wal,
            options,
            identity: (found.dev(), found.ino()),
            max_wal,
            warned: Arc::default(),
        })
    }

    /// Returns the options for connections to the file.
    pub(super) const fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    /// Opens the connection of the writer.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options.clone().busy_timeout(WRITER_LOCK_TIMEOUT).connect().await
    }

    /// Migrates the tables in one transaction, on a connection of its own. Of several processes
    /// that start together one migrates, and the others wait. Without pending migrations nothing is
    /// locked.
    pub(super) async fn migrate(&self, mut migrations: Vec<Migrations>) -> Result<(), OpenError> {
        let mut connection = self.connect_first().await?;
        if are_migrated(&mut connection, &migrations).await? {
            drop(connection.close().await);
            return Ok(());
        }
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for set in &mut migrations {
            set.migrator.run(&mut *transaction).await?;
        }
        transaction.commit().await?;
        drop(connection.close().await);
        Ok(())
    }

    /// Opens the first connection, which switches a new file to write-ahead logging.
    ///
    /// If another connection switches it at the same time, SQLite fails at once with `SQLITE_BUSY`
    /// instead of waiting, to prevent a deadlock (<https://sqlite.org/c3ref/busy_handler.html>).
    async fn connect_first(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = self.options.clone().busy_timeout(MIGRATION_LOCK_TIMEOUT);
        let deadline = clock::monotonic() + MIGRATION_LOCK_TIMEOUT;
        loop {
            match options.connect().await {
                Err(error)
                    if DatabaseErrorKind::of(&error) == DatabaseErrorKind::Locked
                        && clock::monotonic() < deadline =>
                {
                    tokio::time::sleep(LOCK_RETRY_DELAY).await;
                }
                result => return result,
            }
        }
    }

    /// Checks that the path still leads to the opened file.
    pub(super) fn check_identity(&self) -> Result<(), FileError> {
        if identity(&self.path) == Some(self.identity) {
            Ok(())
        } else {
            Err(FileError::Replaced(self.path.display().to_string()))
        }
    }

    pub(super) fn log_removed(&self) -> FileError {
        FileError::LogRemoved(self.path.display().to_string())
    }

    /// The identity of the write-ahead log file, if there is one.
    pub(super) fn wal_identity(&self) -> Option<FileIdentity> {
        identity(&self.wal)
    }

    /// Checks that the file may be written to. It takes two system calls, some microseconds.
    pub(super) fn check(&self) -> Result<(), FileError> {
        self.check_identity()?;
        let size = fs::metadata(&self.wal).map_or(0, |found| found.len());
        if size <= WAL_WARNING.min(self.max_wal) {
            self.warned.store(false, Ordering::Relaxed);
        } else if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                bytes = size,
                hint = DatabaseErrorKind::LogFull.hint(),
                "write-ahead log is growing"
            );
        }
        if size > self.max_wal {
            Err(FileError::LogFull(self.path.display().to_string(), size))
        } else {
            Ok(())
        }
    }
}

/// The device and inode of a file.
pub(super) type FileIdentity = (u64, u64);

fn identity(file: &Path) -> Option<FileIdentity> {
    fs::metadata(file).map(|found| (found.dev(), found.ino())).ok()
}

/// Returns whether exactly these migrations were applied. The migrator describes any difference.
async fn are_migrated(
    connection: &mut SqliteConnection,
    migrations: &[Migrations],
) -> Result<bool, sqlx::Error> {
    const HAS_TABLE: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1";
    for Migrations { table, migrator } in migrations {
        let tables: i64 =
            sqlx::query_scalar(HAS_TABLE).bind(table).fetch_one(&mut *connection).await?;
        if tables == 0 {
            return Ok(false);
        }
        let applied =
            format!("SELECT version, checksum FROM {table} WHERE success ORDER BY version");
        let applied: Vec<(i64, Vec<u8>)> =
            sqlx::query_as(AssertSqlSafe(applied)).fetch_all(&mut *connection).await?;
        let known = migrator.iter().map(|known| (known.version, known.checksum.as_ref()));
        if !known.eq(applied.iter().map(|(version, sum)| (*version, &**sum))) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Removes the permissions of other users.
fn restrict(file: &Path) {
    let Ok(found) = fs::metadata(file) else { return };
    let mode = found.permissions().mode() & 0o777;
    if mode & !MODE == 0 {
        return;
    }
    let path = file.display();
    match fs::set_permissions(file, Permissions::from_mode(mode & MODE)) {
        Ok(()) => {
            tracing::warn!(
                file = %path,
                mode = format!("{mode:o}"),
                "database file permissions restricted"
            );
        }
        Err(error) => {
            tracing::error!(
                file = %path,
                mode = format!("{mode:o}"),
                %error,
                "database file readable by others"
            );
        }
    }
}
