//! The databases that a test runs on.

use clap::ValueEnum;
use countersign_core::testing::TestDatabase;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Sqlite,
    Postgres,
}

impl DatabaseKind {
    pub(crate) const ALL: &[Self] = &[Self::Sqlite, Self::Postgres];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Creates a new database. `PostgreSQL` is the server of `TEST_POSTGRES_URL`.
    pub(crate) async fn create(self) -> TestDatabase {
        match self {
            Self::Sqlite => TestDatabase::sqlite(),
            Self::Postgres => TestDatabase::postgres().await,
        }
    }
}

/// The value of `--database`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DatabaseChoice {
    Sqlite,
    Postgres,
    Both,
}

impl DatabaseChoice {
    pub(crate) const fn kinds(self) -> &'static [DatabaseKind] {
        match self {
            Self::Sqlite => &[DatabaseKind::Sqlite],
            Self::Postgres => &[DatabaseKind::Postgres],
            Self::Both => DatabaseKind::ALL,
        }
    }
}
