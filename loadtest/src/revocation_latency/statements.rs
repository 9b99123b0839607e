//! Counts the statements that sqlx logs, by purpose.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};
use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::Context, prelude::*};

/// The purpose of statements that do not belong to a background task.
pub(super) const CHECK: &str = "check";

#[derive(Clone, Default)]
pub(super) struct Statements(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Statements {
    /// Starts to count, if this has not happened yet. There is one counter in the process.
    pub(super) fn start() -> Self {
        static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
            let statements = Statements::default();
            let layer = statements.clone().with_filter(LevelFilter::DEBUG);
            tracing_subscriber::registry().with(layer).init();
            statements
        });
        STATEMENTS.clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Returns the number of statements for a purpose.
    pub(super) fn count(&self, purpose: &str) -> u64 {
        self.lock().get(purpose).copied().unwrap_or(0)
    }

    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("sqlx::query") {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        *self.lock().entry(purpose(&text.0)).or_default() += 1;
    }
}

/// Returns the purpose of a statement, by its first words. Statements of background tasks are
/// known; all others count for the revocation check.
fn purpose(statement: &str) -> &'static str {
    let begins = |start: &str| statement.starts_with(start);
    if begins("SELECT number, kind, subject") || begins("SELECT head FROM csgn_change_feed_head") {
        "feed poll"
    } else if begins("UPDATE csgn_sessions SET confirmed_generation")
        || ["BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"].iter().any(|word| begins(word))
    {
        "confirmation"
    } else if begins("DELETE FROM")
        || begins("SELECT COUNT(*) FROM csgn_rate_limits")
        || begins("SELECT deletion_scheduled_at, id FROM csgn_users")
    {
        "retention"
    } else if begins("PRAGMA") || begins("SET statement_timeout") {
        "new connection"
    } else if statement.contains("csgn_mail_outbox") {
        "mail delivery"
    } else if begins("UPDATE csgn_signing_keys") || begins("SELECT kid") {
        "keys"
    } else {
        CHECK
    }
}

struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        // The whole statement, if the summary is truncated.
        let whole = field.name() == "db.statement" && !value.trim().is_empty();
        if whole || (field.name() == "summary" && self.0.is_empty()) {
            value.trim().clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" && self.0.is_empty() {
            format!("{value:?}").trim_matches('"').clone_into(&mut self.0);
        }
    }
}
