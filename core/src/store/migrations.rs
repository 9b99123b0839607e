//! The migrations: those of Countersign, and after them those of the application that is built on
//! it. Each set is recorded in a table of its own, so that their versions never collide.

use sqlx::migrate::Migrator;

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
    with_app(sqlx::migrate!("migrations/sqlite"))
}

/// Returns the migrations for Postgres, in order.
pub(super) fn postgres() -> Vec<Migrations> {
    with_app(sqlx::migrate!("migrations/postgres"))
}

fn with_app(own: Migrator) -> Vec<Migrations> {
    [(TABLE, own), (APP_TABLE, sqlx::migrate!("migrations/app"))]
        .into_iter()
        // Without migrations, the application needs no table for them.
        .filter(|(_, migrator)| migrator.iter().next().is_some())
        .map(|(table, mut migrator)| {
            migrator.dangerous_set_table_name(table);
            Migrations { table, migrator }
        })
        .collect()
}
