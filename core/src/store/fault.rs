//! The kinds of database errors, and what follows from each: the status of the response, whether
//! the connection can be used again, and whether the database counts as unable to write.

use sqlx::error::DatabaseError;

/// Why the database did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another connection holds the lock for longer than the lock timeout.
    Locked,
    /// Undone because of a concurrent transaction (serialization failure, deadlock). Nothing was
    /// written, and the same transaction can be tried again at once.
    Conflict,
    /// The disk or a quota is full.
    DiskFull,
    /// The file or the server takes no writes: a read-only mount, a standby.
    ReadOnly,
    /// An input or output error.
    Io,
    /// The file cannot be opened: missing, no permission, no free file handle.
    CannotOpen,
    /// The file at the path is not the file that was opened.
    Replaced,
    /// The file of the write-ahead log was removed or replaced while it was in use.
    LogRemoved,
    /// The write-ahead log has reached its bound because a reader keeps a snapshot open.
    LogFull,
    /// The server does not answer, refuses connections, or is shutting down.
    Unreachable,
    /// The server has no connection left, or the pool has none.
    NoConnection,
    /// A statement took longer than the statement timeout.
    Timeout,
    /// Out of memory.
    NoMemory,
    /// No permission for the statement, or the log-in to the server was refused.
    Forbidden,
    /// The content is damaged, or it is not a database.
    Corrupt,
    /// A connection pooler in transaction mode mixes up prepared statements.
    Pooler,
    /// A constraint does not hold, the statement does not fit the tables, or a value cannot be
    /// read: an error of this program.
    Statement,
}

impl Fault {
    /// The kind of an error.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) if is_sqlite(&**error) => of_sqlite(&**error),
            E::Database(error) => of_postgres(&**error),
            // After an unexpected message nobody knows what the next one answers.
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

    /// Whether the request can be repeated later: the fault lies with the database, not with the
    /// request or this program.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        !matches!(self, Self::Statement)
    }

    /// Whether the connection must not be used again. After such an error SQLite may have rolled
    /// the transaction back by itself, and a server may be another one than before.
    #[must_use]
    pub const fn breaks_connection(self) -> bool {
        !matches!(
            self,
            Self::Locked | Self::Conflict | Self::Statement | Self::NoConnection | Self::Timeout
        )
    }

    /// Whether writing counts as impossible from now on, until a write succeeds.
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

    /// What an operator can do about it; empty where the log line says all there is.
    #[must_use]
    pub const fn cure(self) -> &'static str {
        match self {
            Self::Locked => "another process holds the write lock of the database: end it",
            Self::DiskFull => "make room on the disk of the database: writing goes on by itself",
            Self::ReadOnly => {
                "make the database file and its folder writable, or point DATABASE_URL at the primary"
            }
            Self::CannotOpen => {
                "check that the database file exists and may be opened, and the limit of open files"
            }
            Self::Replaced => {
                "the database file was moved or replaced: put it back, or restart to use the new one"
            }
            Self::LogRemoved => "leave the files beside the database alone while the server runs",
            Self::LogFull => "a program reads the database file in one long transaction: end it",
            Self::Unreachable => "check that the database server runs and can be reached",
            Self::NoConnection => "raise the number of connections that the database server allows",
            Self::Forbidden => "check the user, the password and the privileges in DATABASE_URL",
            Self::Corrupt => "restore the database from a backup",
            Self::Pooler => {
                "add ?statement-cache-capacity=0 to DATABASE_URL: it leads through a connection pooler"
            }
            Self::Io | Self::Timeout | Self::NoMemory | Self::Conflict | Self::Statement => "",
        }
    }
}

fn is_sqlite(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
}

/// By the primary result code (<https://sqlite.org/rescode.html>).
fn of_sqlite(error: &dyn DatabaseError) -> Fault {
    let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => Fault::Locked,
        3 | 23 => Fault::Forbidden,
        7 => Fault::NoMemory,
        8 => Fault::ReadOnly,
        // 2 and 21: the library or its use is at fault, and the connection may be, too.
        // 4 and 9: interrupted. 15 and 22: the locking protocol failed, or the file system lacks
        // support.
        2 | 4 | 9 | 10 | 15 | 21 | 22 => Fault::Io,
        11 | 26 => Fault::Corrupt,
        13 => Fault::DiskFull,
        14 => Fault::CannotOpen,
        _ => Fault::Statement,
    }
}

/// By the SQLSTATE (PostgreSQL, appendix A).
fn of_postgres(error: &dyn DatabaseError) -> Fault {
    let code = error.code().unwrap_or_default();
    match &*code {
        "25006" => Fault::ReadOnly,
        // A transaction that should be there is not, or is not that of the statement.
        "25P01" | "25P02" | "25001" => Fault::Unreachable,
        "53100" => Fault::DiskFull,
        "53200" => Fault::NoMemory,
        "53300" => Fault::NoConnection,
        "55P03" => Fault::Locked,
        "57014" | "25P03" | "25P04" => Fault::Timeout,
        "42501" => Fault::Forbidden,
        // A statement of this name exists, or does not exist: a pooler gave us another connection.
        "42P05" | "26000" => Fault::Pooler,
        _ => match code.get(..2) {
            Some("08" | "57") => Fault::Unreachable,
            Some("28") => Fault::Forbidden,
            Some("40") => Fault::Conflict,
            Some("53" | "58") => Fault::Io,
            Some("XX") => Fault::Corrupt,
            _ => Fault::Statement,
        },
    }
}
