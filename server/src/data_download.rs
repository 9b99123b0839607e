//! The data export as downloads for browsers, in JSON and HTML. The links are on a page of the app,
//! so requests are authenticated by the session cookie, as for pages.

use crate::{
    AppState,
    export_slots::{self, ExportSlot, RETRY_AFTER_SECONDS},
    json_api::{Export, exported_session, problem, rfc3339::rfc3339},
};
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header::CONTENT_DISPOSITION, request::Parts},
    response::Response,
    routing::get,
};
use countersign_core::{RequestContext, accounts::export::OlderSessions};
use countersign_leptos::{
    problem::Problem,
    request::{CallError, credential, log_and_convert},
};
use countersign_types::views::AccountExport;

/// The paths of the downloads.
pub const DOWNLOAD_PATHS: [&str; 2] =
    [countersign_leptos::routes::DATA_JSON, countersign_leptos::routes::DATA_HTML];

/// Both are below `countersign_leptos::routes::PROTECTED`, so anonymous clients are redirected to
/// the log-in page.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(countersign_leptos::routes::DATA_JSON, get(as_json))
        .route(countersign_leptos::routes::DATA_HTML, get(as_page))
}

async fn as_json(State(server): State<AppState>, request: Parts) -> Response {
    download_response(&server, &request, "json", async |slot, older, everything| {
        export_slots::json(
            slot,
            older,
            move || serde_json::to_string_pretty(&Export::from(everything)).unwrap_or_default(),
            exported_session,
        )
        .await
    })
    .await
}

async fn as_page(State(server): State<AppState>, request: Parts) -> Response {
    download_response(&server, &request, "html", async |slot, _, everything| {
        export_slots::response(slot, "text/html; charset=utf-8", move || {
            countersign_leptos::export_html::render(&everything)
        })
        .await
    })
    .await
}

async fn download_response<F, W>(
    server: &AppState,
    request: &Parts,
    ending: &str,
    write: F,
) -> Response
where
    F: FnOnce(ExportSlot, Option<OlderSessions>, AccountExport) -> W,
    W: Future<Output = Response>,
{
    let client = request.extensions.get::<RequestContext>().cloned().unwrap_or_default();
    let (slot, older, everything) = match read(server, request, &client).await {
        Ok(read) => read,
        Err(CallError::Problem(problem)) => return problem::response(&problem),
        Err(CallError::Domain(error)) => {
            return problem::response(&log_and_convert(&error, &client.request_id));
        }
    };
    // The date, which consists of digits and hyphens only.
    let day = rfc3339(everything.as_of).chars().take(10).collect::<String>();
    let mut response = write(slot, older, everything).await;
    if let Ok(named) =
        HeaderValue::from_str(&format!("attachment; filename=\"countersign-{day}.{ending}\""))
    {
        response.headers_mut().insert(CONTENT_DISPOSITION, named);
    }
    response
}

async fn read(
    server: &AppState,
    request: &Parts,
    client: &RequestContext,
) -> Result<(ExportSlot, Option<OlderSessions>, AccountExport), CallError> {
    let kind = credential::request_kind(&request.method, request.uri.path(), &request.headers);
    let credential = credential::extract(kind, &request.headers, &server.web.cookies);
    let presented = credential.presented().ok_or(Problem::Unauthenticated)?;
    let signed_in = server.web.auth.signed_in(client, presented).await?;
    let slot = server
        .export_slots
        .acquire(signed_in.user(), client)
        .ok_or(Problem::Overloaded { retry_after: RETRY_AFTER_SECONDS })?;
    let everything = signed_in.export_data().await?;
    Ok((slot, signed_in.older_sessions(&everything), everything))
}
