//! The user's own audit events.

use crate::{
    Error, SignedIn,
    audit::store::EventRow,
    pagination::{PageRequest, encode_cursor},
    store::ReadConnection,
};
use countersign_types::{
    ActivityFilter, EventId, EventKind,
    views::{ActivityEvent, ActivityEventPage},
};

/// Maximum number of events that are read for one page of a filtered list. There is no index for a
/// filter, and anyone can add events to an account: each wrong password is one.
const MAX_SEARCHED_EVENTS: usize = 1_000;

impl SignedIn<'_> {
    /// Returns the user's audit events that belong to `filter`, newest first: at most `limit` (1 to
    /// [`MAX_PAGE_SIZE`](crate::pagination::MAX_PAGE_SIZE)) before the one that `cursor` names.
    pub async fn activity(
        &self,
        filter: ActivityFilter,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<ActivityEventPage, Error> {
        let page_request = PageRequest::new(limit, cursor)?;
        self.events(&mut self.auth.store().read().await?, filter, page_request).await
    }

    pub(crate) async fn events(
        &self,
        reader: &mut ReadConnection,
        filter: ActivityFilter,
        page_request: PageRequest,
    ) -> Result<ActivityEventPage, Error> {
        let PageRequest { before, limit } = page_request;
        let search = match filter {
            ActivityFilter::All => page_request,
            _ => PageRequest { before, limit: MAX_SEARCHED_EVENTS },
        };
        let rows = reader.event_list(self.user, EventId(before), search.rows()).await?;
        let read = search.page(rows, |row| row.id.0);
        let last_read_at = read.items.last().map(|row| row.at);

        let mut matching =
            read.items.into_iter().filter_map(event).filter(|event| filter.includes(event.kind));
        let items: Vec<_> = matching.by_ref().take(limit).collect();
        // The next page begins after the last match if it has more of them to show, otherwise after
        // the last event that was read.
        let next_cursor = match (matching.next(), items.last()) {
            (Some(_), Some(last)) => Some(encode_cursor(last.id.0)),
            _ => read.next_cursor,
        };
        // Without a filter, a page is short if it has kinds of a newer version.
        let is_filtered = filter != ActivityFilter::All;
        let has_stopped_early = is_filtered && items.len() < limit && next_cursor.is_some();
        Ok(ActivityEventPage {
            searched_to: last_read_at.filter(|_| has_stopped_early),
            items,
            next_cursor,
        })
    }
}

/// Returns the event as its owner sees it. Kinds of a newer version are skipped.
fn event(row: EventRow) -> Option<ActivityEvent> {
    Some(ActivityEvent {
        id: row.id,
        kind: EventKind::from_name(&row.kind)?,
        at: row.at,
        device: row.device,
        address: row.address,
    })
}
