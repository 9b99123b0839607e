//! Long lists, a part at a time: what is asked for, and what is given.

use super::{caller::Caller, problem};
use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use countersign_core::MOST_ITEMS;
use countersign_types::view::Page;
use serde::Deserialize;
use utoipa::IntoParams;

/// How many items one call gives that does not say.
const SOME_ITEMS: u16 = 20;

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// How many; 20 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where the part before it ended: its `next_cursor`, 16 bytes in base64url.
    #[param(pattern = "^[A-Za-z0-9_-]{21}[AQgw]$")]
    cursor: Option<String>,
}

/// Declares the body that answers with a part of a list: `page!(SessionPage, SessionBody)`. (A
/// generic type would not do: its description repeats the members of the item in place, and
/// generated clients would not know the item by its name.)
macro_rules! page {
    ($name:ident, $item:ty) => {
        /// A part of a list, newest first.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(super) struct $name {
            items: Vec<$item>,
            /// Asks for the next part. Not there at the end.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(nullable = false)]
            next_cursor: Option<String>,
        }

        impl<T: Into<$item>> From<countersign_types::view::Page<T>> for $name {
            fn from(page: countersign_types::view::Page<T>) -> Self {
                Self {
                    items: page.items.into_iter().map(Into::into).collect(),
                    next_cursor: page.next_cursor,
                }
            }
        }
    };
}
pub(super) use page;

/// Answers with the part of a list that the query asks for; `read` takes a limit and a cursor.
pub(super) async fn part<T: From<Page<U>>, U>(
    caller: &Caller,
    part: Result<Query<Part>, QueryRejection>,
    read: impl AsyncFnOnce(u16, Option<&str>) -> Result<Page<U>, countersign_core::Error>,
) -> Result<axum::Json<T>, Response> {
    let bad = |detail: &str| problem::plain_with(StatusCode::BAD_REQUEST, "bad_request", detail);
    let Ok(Query(Part { limit, cursor })) = part else {
        return Err(bad("The query takes `limit`, a number from 1 to 100, and `cursor`."));
    };
    let limit = limit.unwrap_or(SOME_ITEMS);
    if !(1..=MOST_ITEMS).contains(&limit) {
        return Err(bad("`limit` must be from 1 to 100."));
    }
    match read(limit, cursor.as_deref()).await {
        Ok(page) => Ok(axum::Json(page.into())),
        Err(countersign_core::Error::Cursor) => {
            Err(bad("`cursor` must be a `next_cursor` of an earlier answer."))
        }
        Err(error) => Err(caller.refuse(error.into())),
    }
}
