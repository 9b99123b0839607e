//! Long lists, a part at a time: a cursor names the last item that was shown, so nothing is shown
//! twice or left out when items are added.

use super::MOST_ITEMS;
use crate::Error;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_types::view::Page;
use uuid::Uuid;

/// Which part of a list is asked for: items are sorted by an id that sorts by time, the newest
/// first.
pub(super) struct Part {
    /// Only items before this one.
    pub(super) before: Uuid,
    limit: usize,
}

impl Part {
    /// `cursor`: the `next_cursor` of the part before. `limit`: 1 to [`MOST_ITEMS`].
    pub(super) fn new(limit: u16, cursor: Option<&str>) -> Result<Self, Error> {
        let before = cursor.map_or(Ok(Uuid::max()), |cursor| open(cursor).ok_or(Error::Cursor))?;
        Ok(Self { before, limit: limit.clamp(1, MOST_ITEMS).into() })
    }

    /// The newest, as many as `limit`, for an answer that holds all there is.
    pub(super) fn first(limit: usize) -> Self {
        Self { before: Uuid::max(), limit }
    }

    /// How many rows to read: one more than asked for shows whether there is more.
    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The page that `rows` make.
    pub(super) fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor =
            rows.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(id(last).as_bytes()));
        Page { items: rows, next_cursor }
    }
}

fn open(cursor: &str) -> Option<Uuid> {
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    Some(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    proptest! {
        #[test]
        fn a_cursor_is_to_the_letter_one_of_ours_or_an_error(limit in any::<u16>(), text in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{20,24}"]) {
            match Part::new(limit, Some(&text)) {
                Ok(part) => {
                    prop_assert_eq!(URL_SAFE_NO_PAD.encode(part.before.as_bytes()), text);
                    prop_assert!((2..=i64::from(MOST_ITEMS) + 1).contains(&part.rows()));
                }
                Err(error) => prop_assert!(matches!(error, Error::Cursor), "{error:?}"),
            }
        }

        #[test]
        fn the_parts_of_a_list_put_together_are_the_list(ids in collection::btree_set(0..u128::MAX, 0..50), limit in any::<u16>()) {
            let newest_first: Vec<_> = ids.into_iter().rev().map(Uuid::from_u128).collect();
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let part = Part::new(limit, cursor.as_deref()).expect("one of ours");
                let rows = newest_first.iter().filter(|id| **id < part.before).take(usize::try_from(part.rows()).expect("a number")).copied();
                let page = part.page(rows.collect(), |id| *id);
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
