//! The files that somebody can take along: everything that is stored about them, for programs and
//! for people. Links on a page of theirs lead here, so what counts is what counts for pages: the
//! cookie.

use crate::{
    Server,
    exports::{self, Place, RETRY_AFTER},
    http::{Export, exported_session, problem, time::rfc3339},
};
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header::CONTENT_DISPOSITION, request::Parts},
    response::Response,
    routing::get,
};
use countersign_core::{Client, flow::OlderSessions};
use countersign_leptos::{
    edge::{Refusal, credential, report},
    problem::Problem,
};
use countersign_types::view::Everything;

/// Where the files are.
pub const FILES: [&str; 2] =
    [countersign_leptos::address::DATA_AS_JSON, countersign_leptos::address::DATA_AS_PAGE];

/// Below `countersign_leptos::address::PROTECTED`, so whoever is not signed in is led to the log-in page.
pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(countersign_leptos::address::DATA_AS_JSON, get(as_json))
        .route(countersign_leptos::address::DATA_AS_PAGE, get(as_page))
}

async fn as_json(State(server): State<Server>, request: Parts) -> Response {
    answer(&server, &request, "json", async |place, older, everything| {
        exports::json(
            place,
            older,
            move || serde_json::to_string_pretty(&Export::from(everything)).unwrap_or_default(),
            exported_session,
        )
        .await
    })
    .await
}

async fn as_page(State(server): State<Server>, request: Parts) -> Response {
    answer(&server, &request, "html", async |place, _, everything| {
        exports::answer(place, "text/html; charset=utf-8", move || {
            countersign_leptos::export::page(&everything)
        })
        .await
    })
    .await
}

async fn answer<F, W>(server: &Server, request: &Parts, ending: &str, write: F) -> Response
where
    F: FnOnce(Place, Option<OlderSessions>, Everything) -> W,
    W: Future<Output = Response>,
{
    let client = request.extensions.get::<Client>().cloned().unwrap_or_default();
    let (place, older, everything) = match read(server, request, &client).await {
        Ok(read) => read,
        Err(Refusal::Problem(problem)) => return problem::answer(&problem),
        Err(Refusal::Domain(error)) => return problem::answer(&report(&error, &client.request_id)),
    };
    // Digits and dashes only.
    let day = rfc3339(everything.as_of).chars().take(10).collect::<String>();
    let mut response = write(place, older, everything).await;
    if let Ok(named) =
        HeaderValue::from_str(&format!("attachment; filename=\"countersign-{day}.{ending}\""))
    {
        response.headers_mut().insert(CONTENT_DISPOSITION, named);
    }
    response
}

async fn read(
    server: &Server,
    request: &Parts,
    client: &Client,
) -> Result<(Place, Option<OlderSessions>, Everything), Refusal> {
    let kind = credential::kind(&request.method, request.uri.path(), &request.headers);
    let credential = credential::credential(kind, &request.headers, &server.web.cookies);
    let presented = credential.presented().ok_or(Problem::SignedOut)?;
    let signed_in = server.web.auth.signed_in(client, presented).await?;
    let place = server
        .exports
        .begin(signed_in.user(), client)
        .ok_or(Problem::Busy { retry_after: RETRY_AFTER })?;
    let everything = signed_in.everything().await?;
    Ok((place, signed_in.older_sessions(&everything), everything))
}
