//! Cursor-based pagination of lists.

use crate::{error::ApiError, problem};
use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
};
use countersign_core::MAX_PAGE_SIZE;
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
    pub(crate) limit: Option<u16>,
    /// The `next_cursor` of the previous page: 16 bytes in base64url.
    #[param(pattern = "^[A-Za-z0-9_-]{21}[AQgw]$")]
    pub(crate) cursor: Option<String>,
}

/// Returns the error for an invalid query.
pub(crate) fn bad_request(detail: &str) -> ApiError {
    problem::with_detail(StatusCode::BAD_REQUEST, "bad_request", detail).into()
}

/// Responds with the page that the query asks for. `read` takes a limit and a cursor.
pub(crate) async fn page_response<Page>(
    query: Result<Query<PageQuery>, QueryRejection>,
    read: impl AsyncFnOnce(u16, Option<&str>) -> Result<Page, countersign_core::Error>,
) -> Result<axum::Json<Page>, ApiError> {
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
        Ok(page) => Ok(axum::Json(page)),
        Err(countersign_core::Error::InvalidCursor) => {
            Err(bad_request("`cursor` must be the `next_cursor` of an earlier response."))
        }
        Err(error) => Err(error.into()),
    }
}
