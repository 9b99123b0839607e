//! The migrations: those of Countersign, and after them those of the application that is built on
//! it. Each set is recorded in a table of its own, so that their versions never collide.

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The table of applied migrations of Countersign. The name differs from sqlx's default, so that a
/// program can run migrations of its own in the same database.
pub(super) const TABLE: &str = "csgn_migrations";
/// The table of applied migrations in `migrations/app`.
pub(super) const APP_TABLE: &str = "app_migrations";

/// A set of migrations, with the table that records them.
pub(super) struct Migrations {
    pub(super) table: &'static str,
    pub(super) migrator: Migrator,
}

/// Returns the migrations for SQLite, in order.
pub(super) fn sqlite() -> Vec<Migrations> {
    with_app(SQLITE)
}

/// Returns the migrations for Postgres, in order.
pub(super) fn postgres() -> Vec<Migrations> {
    with_app(POSTGRES)
}

/// Returns the version of the newest migration of Countersign.
pub(super) fn newest_version() -> Option<i64> {
    SQLITE.iter().map(|(version, ..)| *version).max()
}

fn with_app(own: &[(i64, &'static str, &'static str)]) -> Vec<Migrations> {
    [(TABLE, own), (APP_TABLE, APP)]
        .into_iter()
        // Without migrations, the application needs no table for them.
        .filter(|(_, files)| !files.is_empty())
        .map(|(table, files)| {
            let migration = |(version, description, sql): &(i64, &'static str, &'static str)| {
                let kind = MigrationType::Simple;
                Migration::new(*version, (*description).into(), kind, sql.into_sql_str(), false)
            };
            let mut migrator = Migrator::with_migrations(files.iter().map(migration).collect());
            migrator.dangerous_set_table_name(table);
            Migrations { table, migrator }
        })
        .collect()
}
