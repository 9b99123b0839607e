//! Long lists, a part at a time: a cursor names the last item that was shown, so nothing is shown twice or left out when items are added.

use super::MOST_ITEMS;
use crate::Error;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::view::Page;
use uuid::Uuid;

/// Which part of a list is asked for: items are sorted by an id that sorts by time, the newest first.
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

    /// How many rows to read: one more than asked for shows whether there is more.
    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The page that `rows` make.
    pub(super) fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(id(last).as_bytes()));
        Page { items: rows, next_cursor }
    }
}

fn open(cursor: &str) -> Option<Uuid> {
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    Some(Uuid::from_bytes(bytes))
}
