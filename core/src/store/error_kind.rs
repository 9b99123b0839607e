//! The kinds of database errors, and their consequences: the status of the response, whether the
//! connection can be reused, and whether the database counts as unable to write.

use sqlx::error::DatabaseError;

/// The kind of a database error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseErrorKind {
    /// Another connection held the lock for longer than the lock timeout.
    Locked,
    /// A concurrent transaction undid this one (serialization failure, deadlock). Nothing was
    /// written, and it can be retried at once.
    Conflict,
    /// The disk or a quota is full.
    DiskFull,
    /// The file or the server is read-only: a read-only mount, a standby.
    ReadOnly,
    /// An input or output error.
    Io,
    /// The file cannot be opened: missing, no permission, no free file descriptor.
    CannotOpen,
    /// The file at the path is not the file that was opened.
    Replaced,
    /// The write-ahead log file was removed or replaced while in use.
    LogRemoved,
    /// The write-ahead log has reached its maximum size because a reader keeps a snapshot open.
    LogFull,
    /// The server does not respond, refuses connections, or is shutting down.
    Unreachable,
    /// The server or the pool has no free connection.
    NoConnection,
    /// A statement exceeded the statement timeout.
    Timeout,
    /// Out of memory.
    NoMemory,
    /// No permission for the statement, or the server rejected the credentials.
    Forbidden,
    /// The content is damaged, or the file is not a database.
    Corrupt,
    /// A connection pooler in transaction mode mixed up prepared statements.
    Pooler,
    /// A constraint is violated, the statement does not match the tables, or a value cannot be
    /// decoded: an error of this program.
    Statement,
}

impl DatabaseErrorKind {
    /// Returns the kind of an error.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) if is_sqlite(&**error) => of_sqlite(&**error),
            E::Database(error) => of_postgres(&**error),
            // After an unexpected message the state of the connection is unknown.
            E::Io(_)
            | E::Tls(_)
            | E::Protocol(_)
            | E::BeginFailed
            | E::WorkerCrashed
            | E::PoolClosed => Self::Unreachable,
            E::PoolTimedOut => Self::NoConnection,
            _ => Self::Statement,
        }
    }

    /// Whether the request can be repeated later: the cause is the database, not the request or
    /// this program.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        !matches!(self, Self::Statement)
    }

    /// Whether the connection must not be reused. SQLite may have rolled the transaction back by
    /// itself, and a server may have been replaced.
    #[must_use]
    pub const fn breaks_connection(self) -> bool {
        !matches!(
            self,
            Self::Locked | Self::Conflict | Self::Statement | Self::NoConnection | Self::Timeout
        )
    }

    /// Whether the database counts as unable to write, until a write succeeds.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        !matches!(self, Self::Conflict | Self::Statement)
    }

    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Conflict => "conflict",
            Self::DiskFull => "disk_full",
            Self::ReadOnly => "read_only",
            Self::Io => "io",
            Self::CannotOpen => "cannot_open",
            Self::Replaced => "file_replaced",
            Self::LogRemoved => "wal_removed",
            Self::LogFull => "wal_full",
            Self::Unreachable => "unreachable",
            Self::NoConnection => "no_connection",
            Self::Timeout => "timeout",
            Self::NoMemory => "no_memory",
            Self::Forbidden => "forbidden",
            Self::Corrupt => "corrupt",
            Self::Pooler => "pooler",
            Self::Statement => "statement",
        }
    }

    /// A hint for the operator; empty if the log line says everything.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Locked => "another process holds the write lock of the database: end it",
            Self::DiskFull => "make room on the disk of the database: writing goes on by itself",
            Self::ReadOnly => {
                "make the database file and its folder writable, or point DATABASE_URL at the \
                    primary"
            }
            Self::CannotOpen => {
                "check that the database file exists and may be opened, and the limit of open files"
            }
            Self::Replaced => {
                "the database file was moved or replaced: put it back, or restart to use the new \
                    one"
            }
            Self::LogRemoved => "leave the files beside the database alone while the server runs",
            Self::LogFull => "a program reads the database file in one long transaction: end it",
            Self::Unreachable => "check that the database server runs and can be reached",
            Self::NoConnection => "raise the number of connections that the database server allows",
            Self::Forbidden => "check the user, the password and the privileges in DATABASE_URL",
            Self::Corrupt => "restore the database from a backup",
            Self::Pooler => {
                "add ?statement-cache-capacity=0 to DATABASE_URL: it leads through a connection \
                    pooler"
            }
            Self::Io | Self::Timeout | Self::NoMemory | Self::Conflict | Self::Statement => "",
        }
    }
}

fn is_sqlite(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
}

/// Classifies by the primary result code (<https://sqlite.org/rescode.html>).
fn of_sqlite(error: &dyn DatabaseError) -> DatabaseErrorKind {
    let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => DatabaseErrorKind::Locked,
        3 | 23 => DatabaseErrorKind::Forbidden,
        7 => DatabaseErrorKind::NoMemory,
        8 => DatabaseErrorKind::ReadOnly,
        // 2 and 21: misuse of the library, which may affect the connection. 4 and 9: interrupted.
        // 15 and 22: the locking protocol failed, or the file system lacks support.
        2 | 4 | 9 | 10 | 15 | 21 | 22 => DatabaseErrorKind::Io,
        11 | 26 => DatabaseErrorKind::Corrupt,
        13 => DatabaseErrorKind::DiskFull,
        14 => DatabaseErrorKind::CannotOpen,
        _ => DatabaseErrorKind::Statement,
    }
}

/// Classifies by the SQLSTATE (PostgreSQL, appendix A).
fn of_postgres(error: &dyn DatabaseError) -> DatabaseErrorKind {
    let code = error.code().unwrap_or_default();
    match &*code {
        "25006" => DatabaseErrorKind::ReadOnly,
        // An expected transaction is missing, or belongs to another statement.
        "25P01" | "25P02" | "25001" => DatabaseErrorKind::Unreachable,
        "53100" => DatabaseErrorKind::DiskFull,
        "53200" => DatabaseErrorKind::NoMemory,
        "53300" => DatabaseErrorKind::NoConnection,
        "55P03" => DatabaseErrorKind::Locked,
        "57014" | "25P03" | "25P04" => DatabaseErrorKind::Timeout,
        "42501" => DatabaseErrorKind::Forbidden,
        // A prepared statement exists or is missing unexpectedly: a pooler changed the connection.
        "42P05" | "26000" => DatabaseErrorKind::Pooler,
        _ => match code.get(..2) {
            Some("08" | "57") => DatabaseErrorKind::Unreachable,
            Some("28") => DatabaseErrorKind::Forbidden,
            Some("40") => DatabaseErrorKind::Conflict,
            Some("53" | "58") => DatabaseErrorKind::Io,
            Some("XX") => DatabaseErrorKind::Corrupt,
            _ => DatabaseErrorKind::Statement,
        },
    }
}
