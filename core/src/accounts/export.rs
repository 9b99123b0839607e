//! Export of the user's data. (GDPR, articles 15 and 20.)

use crate::{
    Error, Fresh, LimitedAction, Store, pagination::PageRequest,
    sessions::store::ExportedSessionRow, store::ReadConnection,
};
use countersign_types::{
    ActivityFilter, SessionId, UserId,
    views::{AccountExport, ActivityEventPage, ExportedSession},
};
use uuid::Uuid;

/// Maximum number of audit events in an export, to bound the response. Older ones are in the
/// activity list.
const MAX_EXPORTED_EVENTS: usize = 5_000;

/// Number of sessions that are read at once, and that an HTML export contains.
pub const SESSIONS_PER_PAGE: usize = 1_000;

impl Fresh<'_> {
    /// Returns the user's own data, and the sessions that are older than those in it, if there may
    /// be any.
    pub async fn export_data(&self) -> Result<(AccountExport, Option<OlderSessions>), Error> {
        // It only reads, so it is counted on this node.
        let signed_in = self.signed_in();
        let _counted = signed_in.permit(LimitedAction::DataExport)?;
        let account = signed_in.account().await?;
        let as_of = signed_in.auth.clock().now();
        let mut reader = signed_in.auth.store().read().await?;
        let last_login_at =
            reader.user_summary(signed_in.user).await?.ok_or(Error::Unauthenticated)?.last_login_at;
        let sessions = session_page(&mut reader, signed_in.user, SessionId(Uuid::max())).await?;
        let newest = PageRequest::first(MAX_EXPORTED_EVENTS);
        let ActivityEventPage { items: activity, next_cursor, .. } =
            signed_in.events(&mut reader, ActivityFilter::All, newest).await?;
        let older = sessions.last().filter(|_| sessions.len() == SESSIONS_PER_PAGE).map(|last| {
            let store = signed_in.auth.store().clone();
            OlderSessions { store, user: signed_in.user, before: last.id }
        });
        let export =
            AccountExport { as_of, account, last_login_at, activity, next_cursor, sessions };
        Ok((export, older))
    }
}

/// The remaining sessions of an export, read page by page while the export is written.
pub struct OlderSessions {
    store: Store,
    user: UserId,
    before: SessionId,
}

impl OlderSessions {
    /// Returns the next page, newest first; it is empty after the last one. No connection is held
    /// between two pages.
    pub async fn next_page(&mut self) -> Result<Vec<ExportedSession>, Error> {
        let page = session_page(&mut self.store.read().await?, self.user, self.before).await?;
        if let Some(last) = page.last() {
            self.before = last.id;
        }
        Ok(page)
    }
}

async fn session_page(
    reader: &mut ReadConnection,
    user: UserId,
    before: SessionId,
) -> Result<Vec<ExportedSession>, Error> {
    let limit = i64::try_from(SESSIONS_PER_PAGE).unwrap_or(i64::MAX);
    Ok(reader
        .session_list_all(user, before, limit)
        .await?
        .into_iter()
        .map(exported_session)
        .collect())
}

fn exported_session(row: ExportedSessionRow) -> ExportedSession {
    ExportedSession {
        id: row.id,
        device: row.device,
        address: row.address,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        ended_at: row.revoked_at,
    }
}
