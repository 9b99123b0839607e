//! The SQLite database file: its permissions, how connections to it are opened, and the checks that
//! it is still the file that was opened and that its write-ahead log stays within bounds.

use super::{Fault, LOCK_TIMEOUT, OpenError};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::Migrator,
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
/// From this size on the write-ahead log is reported, in bytes. It is cut back to the first of
/// these when it begins anew.
const WAL_KEPT: u64 = 16 * 1024 * 1024;
const WAL_WARNING: u64 = 64 * 1024 * 1024;
/// From this size on nothing more is written until a checkpoint succeeds, in bytes.
pub(super) const MAX_WAL: u64 = 1024 * 1024 * 1024;

/// How long the writer waits for the lock before it looks whether a connection of ours is in the
/// way.
const WRITER_LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a start waits for another process that brings the tables up to date.
const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_mins(1);

/// The file, and the way to open it.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    wal: PathBuf,
    options: SqliteConnectOptions,
    /// Of the file that was opened.
    identity: FileIdentity,
    max_wal: u64,
    warned: Arc<AtomicBool>,
}

/// Why the file must not be written to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// Another file, or none, is at the path.
    #[error("{0} is not the file that was opened")]
    Replaced(String),
    /// The file of the write-ahead log that is in use is not at its path any more.
    #[error("the write-ahead log of {0} was removed or replaced")]
    LogRemoved(String),
    /// The write-ahead log is at its bound.
    #[error("the write-ahead log of {0} has {1} bytes")]
    LogFull(String, u64),
}

impl Unfit {
    pub(super) const fn fault(&self) -> Fault {
        match self {
            Self::Replaced(_) => Fault::Replaced,
            Self::LogRemoved(_) => Fault::LogRemoved,
            Self::LogFull(..) => Fault::LogFull,
        }
    }
}

impl DatabaseFile {
    /// Makes the file if there is none, and sets the permissions of what is there.
    pub(super) fn prepare(path: &Path, max_wal: u64) -> Result<Self, OpenError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| OpenError::Folder(folder.display().to_string(), error))?;
        }
        let failed = |error| OpenError::File(path.display().to_string(), error);
        // An existing file is not opened here: closing it would drop the locks that other
        // connections of this process hold on it (POSIX advisory locks belong to the
        // process).
        match OpenOptions::new().write(true).create_new(true).mode(MODE).open(path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let found = fs::metadata(path).map_err(failed)?;
        let wal = beside(path, "-wal");
        // SQLite gives the two files beside it the mode of the database file.
        for file in [path, &wal, &beside(path, "-shm")] {
            restrict(file);
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            // A file that has vanished since is an error, not a new installation.
            .create_if_missing(false)
            .busy_timeout(LOCK_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            // With NORMAL a power cut takes back commits that were acknowledged, and a revoked
            // session lives again.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is deleted is overwritten: a deleted account cannot be read out of the file.
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

    /// The options for connections to the file.
    pub(super) const fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    /// Opens the connection of the writer.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options.clone().busy_timeout(WRITER_LOCK_TIMEOUT).connect().await
    }

    /// Brings the tables up to date in one transaction, on a connection of its own. Of several
    /// processes that start together one does it, and the others wait.
    /// Nothing is locked where nothing is to be done.
    pub(super) async fn migrate(&self, migrations: Migrator) -> Result<(), OpenError> {
        let mut connection =
            self.options.clone().busy_timeout(MIGRATION_LOCK_TIMEOUT).connect().await?;
        if is_migrated(&mut connection, &migrations).await? {
            drop(connection.close().await);
            return Ok(());
        }
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        migrations.run(&mut *transaction).await?;
        transaction.commit().await?;
        drop(connection.close().await);
        Ok(())
    }

    /// Whether the file at the path is the one that was opened.
    pub(super) fn check_identity(&self) -> Result<(), Unfit> {
        if identity(&self.path) == Some(self.identity) {
            Ok(())
        } else {
            Err(Unfit::Replaced(self.path.display().to_string()))
        }
    }

    pub(super) fn log_removed(&self) -> Unfit {
        Unfit::LogRemoved(self.path.display().to_string())
    }

    /// The file of the write-ahead log, if there is one.
    pub(super) fn wal_identity(&self) -> Option<FileIdentity> {
        identity(&self.wal)
    }

    /// Whether the file may be written to. Two calls to the file system, some microseconds.
    pub(super) fn check(&self) -> Result<(), Unfit> {
        self.check_identity()?;
        let size = fs::metadata(&self.wal).map_or(0, |found| found.len());
        if size <= WAL_WARNING.min(self.max_wal) {
            self.warned.store(false, Ordering::Relaxed);
        } else if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                bytes = size,
                cure = Fault::LogFull.cure(),
                "write-ahead log is growing"
            );
        }
        if size > self.max_wal {
            Err(Unfit::LogFull(self.path.display().to_string(), size))
        } else {
            Ok(())
        }
    }
}

/// The device and the number of a file.
pub(super) type FileIdentity = (u64, u64);

fn identity(file: &Path) -> Option<FileIdentity> {
    fs::metadata(file).map(|found| (found.dev(), found.ino())).ok()
}

/// Whether exactly these migrations were applied. Whatever is odd about them the migrator
/// describes.
async fn is_migrated(
    connection: &mut SqliteConnection,
    migrations: &Migrator,
) -> Result<bool, sqlx::Error> {
    const TABLE: &str =
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
    const APPLIED: &str =
        "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
    let tables: i64 = sqlx::query_scalar(TABLE).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(false);
    }
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(APPLIED).fetch_all(connection).await?;
    Ok(migrations
        .iter()
        .map(|known| (known.version, known.checksum.as_ref()))
        .eq(applied.iter().map(|(version, sum)| (*version, &**sum))))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Takes away the permissions of others.
fn restrict(file: &Path) {
    let Ok(found) = fs::metadata(file) else { return };
    let mode = found.permissions().mode() & 0o777;
    if mode & !MODE == 0 {
        return;
    }
    let shown = file.display();
    match fs::set_permissions(file, Permissions::from_mode(mode & MODE)) {
        Ok(()) => {
            tracing::warn!(file = %shown, mode = format!("{mode:o}"), "database file permissions restricted");
        }
        Err(error) => {
            tracing::error!(file = %shown, mode = format!("{mode:o}"), %error, "database file readable by others");
        }
    }
}
