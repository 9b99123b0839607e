//! The data export as downloads for browsers, in JSON and HTML. The links are on a page of the app,
//! so requests are authenticated by the session cookie, as for pages.

use crate::AppState;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header::CONTENT_DISPOSITION, request::Parts},
    response::Response,
    routing::get,
};
use countersign_core::{RequestContext, accounts::OlderSessions};
use countersign_http::{
    HttpState,
    context::request_context,
    credentials,
    error::RequestError,
    export_slots::{self, ExportSlot, RETRY_AFTER_SECONDS},
    problem,
};
use countersign_leptos::features::your_data;
use countersign_types::{Problem, views::AccountExport};

/// Returns the routes. The guard of the pages enforces their access level, too.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(countersign_leptos::routes::DATA_JSON, get(as_json))
        .route(countersign_leptos::routes::DATA_HTML, get(as_page))
}

async fn as_json(State(http): State<HttpState>, request: Parts) -> Response {
    download_response(&http, &request, "json", async |slot, older, everything| {
        export_slots::json(slot, older, move || {
            serde_json::to_string_pretty(&everything).unwrap_or_default()
        })
        .await
    })
    .await
}

async fn as_page(State(server): State<AppState>, request: Parts) -> Response {
    let product = server.0.brand.page.name.clone();
    download_response(server.http(), &request, "html", async |slot, older, everything| {
        export_slots::response(slot, "text/html; charset=utf-8", move || {
            your_data::document::render(&everything, older.is_some(), &product)
        })
        .await
    })
    .await
}

async fn download_response<F, W>(
    http: &HttpState,
    request: &Parts,
    ending: &str,
    write: F,
) -> Response
where
    F: FnOnce(ExportSlot, Option<OlderSessions>, AccountExport) -> W,
    W: Future<Output = Response>,
{
    let client = request_context(&request.extensions);
    let (slot, older, everything) = match read(http, request, &client).await {
        Ok(read) => read,
        Err(error) => return problem::response(&error.into_problem(&client.request_id)),
    };
    // The date, which consists of digits and hyphens only.
    let day = everything.as_of.to_string().chars().take(10).collect::<String>();
    let mut response = write(slot, older, everything).await;
    if let Ok(named) =
        HeaderValue::from_str(&format!("attachment; filename=\"countersign-{day}.{ending}\""))
    {
        response.headers_mut().insert(CONTENT_DISPOSITION, named);
    }
    response
}

async fn read(
    http: &HttpState,
    request: &Parts,
    client: &RequestContext,
) -> Result<(ExportSlot, Option<OlderSessions>, AccountExport), RequestError> {
    let kind = credentials::request_kind(&request.method, request.uri.path(), &request.headers);
    let credential = credentials::extract(kind, &request.headers, http.cookies());
    let presented = credential.presented().ok_or(Problem::Unauthenticated)?;
    let signed_in = http.auth().signed_in(client, presented).await?;
    let slot = http
        .export_slots()
        .acquire(signed_in.user(), client)
        .ok_or(Problem::Overloaded { retry_after: RETRY_AFTER_SECONDS })?;
    let (everything, older) = signed_in.fresh()?.export_data().await?;
    Ok((slot, older, everything))
}
