//! Cursor-based pagination. A cursor names the last item of a page, so that no item is repeated or
//! skipped when items are added.

use crate::Error;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::views::Paginated;
use uuid::Uuid;

/// Maximum number of items in one page of a list.
pub const MAX_PAGE_SIZE: u16 = 100;

/// A request for one page of a list that is sorted by a time-ordered id, newest first.
#[derive(Clone, Copy)]
pub(crate) struct PageRequest {
    /// Only items before this one.
    pub(crate) before: Uuid,
    /// Maximum number of items.
    pub(crate) limit: usize,
}

impl PageRequest {
    /// Creates a request. `cursor` is the `next_cursor` of the previous page, `limit` is 1 to
    /// [`MAX_PAGE_SIZE`].
    pub(crate) fn new(limit: u16, cursor: Option<&str>) -> Result<Self, Error> {
        let before = cursor
            .map_or(Ok(Uuid::max()), |cursor| decode_cursor(cursor).ok_or(Error::InvalidCursor))?;
        Ok(Self { before, limit: limit.clamp(1, MAX_PAGE_SIZE).into() })
    }

    /// Requests the newest items, for a response without further pages.
    pub(crate) fn first(limit: usize) -> Self {
        Self { before: Uuid::max(), limit }
    }

    /// The number of rows to read. One more than the limit shows whether there is another page.
    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Makes a page of `rows`.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Paginated<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| encode_cursor(id(last)));
        Paginated { items: rows, next_cursor }
    }
}

/// Returns the cursor of the items after the one with this id.
pub(crate) fn encode_cursor(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn decode_cursor(cursor: &str) -> Option<Uuid> {
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    Some(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    proptest! {
        #[test]
        fn cursor_is_canonical_or_rejected(
            limit in any::<u16>(),
            text in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{20,24}"],
        ) {
            match PageRequest::new(limit, Some(&text)) {
                Ok(page_request) => {
                    prop_assert_eq!(URL_SAFE_NO_PAD.encode(page_request.before.as_bytes()), text);
                    prop_assert!((2..=i64::from(MAX_PAGE_SIZE) + 1).contains(&page_request.rows()));
                }
                Err(error) => prop_assert!(matches!(error, Error::InvalidCursor), "{error:?}"),
            }
        }

        #[test]
        fn pages_together_are_the_whole_list(
            ids in collection::btree_set(0..u128::MAX, 0..50),
            limit in any::<u16>(),
        ) {
            let newest_first: Vec<_> = ids.into_iter().rev().map(Uuid::from_u128).collect();
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let page_request = PageRequest::new(limit, cursor.as_deref()).expect("one of ours");
                let rows = newest_first
                    .iter()
                    .filter(|id| **id < page_request.before)
                    .take(usize::try_from(page_request.rows()).expect("a number"))
                    .copied();
                let page = page_request.page(rows.collect(), |id| *id);
                seen.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            prop_assert_eq!(seen, newest_first);
        }
    }
}
