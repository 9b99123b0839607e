//! Cursor-based pagination of lists.

use crate::{error::ApiError, problem};
use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
};
use countersign_core::MAX_PAGE_SIZE;
use countersign_types::views::Paginated;
use serde::Deserialize;
use utoipa::IntoParams;

/// Number of items of a page if `limit` is missing.
const DEFAULT_PAGE_SIZE: u16 = 20;

/// The query of a paginated list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Maximum number of items. Default: 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// The `next_cursor` of the previous page: 16 bytes in base64url.
    #[param(pattern = "^[A-Za-z0-9_-]{21}[AQgw]$")]
    cursor: Option<String>,
}

/// Declares the response body of a paginated list: `page_body!(SessionPage, SessionBody)`. (A
/// generic type would inline the members of the item in the OpenAPI description, and generated
/// clients would have no type for the item.)
macro_rules! page_body {
    ($name:ident, $item:ty) => {
        /// A page of a list, newest first.
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(crate) struct $name {
            items: Vec<$item>,
            /// The cursor of the next page. Missing on the last page.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(nullable = false)]
            next_cursor: Option<String>,
        }

        impl<T: Into<$item>> From<countersign_types::views::Paginated<T>> for $name {
            fn from(page: countersign_types::views::Paginated<T>) -> Self {
                Self {
                    items: page.items.into_iter().map(Into::into).collect(),
                    next_cursor: page.next_cursor,
                }
            }
        }
    };
}
pub(crate) use page_body;

/// Responds with the page that the query asks for. `read` takes a limit and a cursor.
pub(crate) async fn page_response<T: From<Paginated<U>>, U>(
    query: Result<Query<PageQuery>, QueryRejection>,
    read: impl AsyncFnOnce(u16, Option<&str>) -> Result<Paginated<U>, countersign_core::Error>,
) -> Result<axum::Json<T>, ApiError> {
    let bad_request = |detail: &str| {
        ApiError::from(problem::with_detail(StatusCode::BAD_REQUEST, "bad_request", detail))
    };
    let Ok(Query(PageQuery { limit, cursor })) = query else {
        return Err(bad_request(
            "The query accepts `limit`, a number from 1 to 100, and `cursor`.",
        ));
    };
    let limit = limit.unwrap_or(DEFAULT_PAGE_SIZE);
    if !(1..=MAX_PAGE_SIZE).contains(&limit) {
        return Err(bad_request("`limit` must be from 1 to 100."));
    }
    match read(limit, cursor.as_deref()).await {
        Ok(page) => Ok(axum::Json(page.into())),
        Err(countersign_core::Error::InvalidCursor) => {
            Err(bad_request("`cursor` must be the `next_cursor` of an earlier response."))
        }
        Err(error) => Err(error.into()),
    }
}
