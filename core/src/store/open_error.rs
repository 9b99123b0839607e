//! Why a database could not be opened.

/// The reason why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The scheme is neither `sqlite:` nor `postgres:`.
    #[error("the database must be given as sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")]
    Scheme,
    /// The database cannot be reached, or the file is not a database.
    #[error("the database cannot be opened: {0}")]
    Connect(#[from] sqlx::Error),
    /// The migrations do not match this version.
    #[error("the database cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The folder of the SQLite file cannot be created.
    #[error("the folder {0} cannot be created: {1}")]
    Folder(String, std::io::Error),
    /// The SQLite file cannot be created or read.
    #[error("the database file {0} cannot be opened: {1}")]
    File(String, std::io::Error),
    /// A Postgres database whose encoding cannot store all text.
    #[error(
        "the encoding of the database is {0}, and must be UTF8: create it with ENCODING \
        'UTF8'"
    )]
    Encoding(String),
    /// The URL leads to a pooler in transaction mode without the required parameter.
    #[error(
        "DATABASE_URL leads through a connection pooler: add ?statement-cache-capacity=0 to it"
    )]
    Pooler,
}
