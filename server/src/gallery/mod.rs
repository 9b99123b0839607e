//! The routes of the component gallery besides its two pages: its style sheet, the script of the
//! brand editor, and the documents in frames. They exist only if the gallery is on.
//!
//! The documents in frames are the only ones that may be framed, by this site. They run no scripts
//! and send no forms, and they contain nothing of a user: no cookie reaches what renders them.

mod edited_brand;

use crate::state::AppState;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use countersign_core::mail::{MailAccent, sample_mail};
use countersign_http::problem;
use countersign_leptos::{
    brand::{Brand, palette::Palette},
    current_user::SampleUser,
    features::gallery::{
        HasGallery,
        brand_editor::{self, Preview},
        page,
        sample_document::sample_document,
        sample_user,
    },
    layout::document::{IsPreview, app_document},
    request,
    routes::{BRAND_EDITOR, GALLERY, LOG_IN, PROFILE, SIGN_UP},
};
use countersign_types::Problem;
use edited_brand::EditedBrand;
use leptos::prelude::{provide_context, use_context};

const CSS: &str = include_str!("../../../style/gallery.css");
const SCRIPT: &str = include_str!("editor.js");
/// Maximum size of a document in a frame, in bytes.
const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// Returns the content security policy of a document in a frame. `style` is the source of styles.
fn frame_policy(style: &str) -> String {
    format!(
        "default-src 'none'; style-src {style}; img-src 'self' data:; font-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
    )
}

/// Returns the routes.
pub(crate) fn routes() -> Router<AppState> {
    let file = |media_type: &'static str, text: &'static str| {
        let headers =
            [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=300")];
        get(async move || (headers, text))
    };
    Router::new()
        .route(page::STYLE, file("text/css", CSS))
        .route(brand_editor::SCRIPT, file("text/javascript", SCRIPT))
        .route(&format!("{}/{{name}}", page::PREVIEW), get(serve_preview))
}

/// Provides what the pages of the gallery need to know of the server.
pub(crate) fn provide_gallery(server: &AppState) {
    provide_context(HasGallery(server.0.has_gallery));
    if server.0.has_gallery && request::path() == BRAND_EDITOR {
        let query = use_context::<axum::http::request::Parts>()
            .and_then(|parts| parts.uri.query().map(str::to_owned))
            .unwrap_or_default();
        provide_context(EditedBrand::of_query(&query, &server.0.brand).into_page());
    }
}

/// Returns whether a page of the gallery is being rendered, which contains frames.
pub(crate) fn is_gallery_page() -> bool {
    let path = request::path();
    use_context::<HasGallery>().unwrap_or_default().0 && (path == GALLERY || path == BRAND_EDITOR)
}

async fn serve_preview(
    State(server): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    // Only in frames of the gallery: opened by itself, it could pass for a page of the operator.
    let is_framed = |destination: &HeaderValue| {
        ["iframe", "style"].contains(&destination.to_str().unwrap_or_default())
    };
    if !request.headers().get("sec-fetch-dest").is_none_or(is_framed) {
        return problem::from_status(StatusCode::NOT_FOUND);
    }
    let edited = EditedBrand::of_query(request.uri().query().unwrap_or_default(), &server.0.brand);
    let preview = match &*name {
        page::SAMPLE => {
            let (files, brand) = (server.site_files().clone(), server.0.brand.page.clone());
            let document = move || sample_document(&files);
            let context = provide_preview(&server, brand);
            let uri = request.uri().clone();
            let render = leptos_axum::render_app_async_with_context(context, document);
            return framed(render(anonymous(request, uri)).await.into_response()).await;
        }
        "style.css" => {
            let css = edited.to_css().unwrap_or_default();
            return ([(header::CONTENT_TYPE, "text/css")], css).into_response();
        }
        name => Preview::from_name(name),
    };
    let page = match preview {
        Some(Preview::LogIn) => LOG_IN,
        Some(Preview::SignUp) => SIGN_UP,
        Some(Preview::Account) => PROFILE.path,
        Some(Preview::Email) => return mail(&server, &edited),
        None => return problem::from_status(StatusCode::NOT_FOUND),
    };
    let style = format!("{}/style.css?{}", page::PREVIEW, edited.query());
    let context = provide_preview(&server, edited.to_brand(style));
    let document = {
        let server = server.clone();
        move || app_document(server.0.leptos.clone(), server.site_files())
    };
    let render = leptos_axum::render_app_async_with_context(context, document);
    framed(render(anonymous(request, Uri::from_static(page))).await.into_response()).await
}

/// Returns what provides the context of a document in a frame.
fn provide_preview(server: &AppState, brand: Brand) -> impl Fn() + Clone + Send + Sync + 'static {
    let server = server.clone();
    move || {
        provide_context(server.0.http.clone());
        provide_context(brand.clone());
        provide_context(IsPreview(true));
        // Only the account page shows a user.
        if request::path() == PROFILE.path {
            provide_context::<SampleUser>(sample_user());
        }
    }
}

/// Returns a request for a page without credentials and without any other header.
fn anonymous(request: Request, uri: Uri) -> Request {
    let (mut parts, _) = request.into_parts();
    parts.uri = uri;
    parts.headers.clear();
    Request::from_parts(parts, Body::empty())
}

/// Sets the headers of a document in a frame, and removes what only a whole page can do.
async fn framed(response: Response) -> Response {
    let (head, body) = response.into_parts();
    let document = match to_bytes(body, MAX_DOCUMENT_BYTES).await {
        Ok(document) => String::from_utf8_lossy(&document).into_owned(),
        Err(error) => {
            tracing::error!(%error, "preview not rendered");
            return problem::response(&Problem::internal());
        }
    };
    // Leptos adds scripts after the end of the document.
    let document = document.split_inclusive("</html>").next().unwrap_or_default();
    // A field that gets the focus by itself would take it from the form of the editor.
    let document = document.replace(" autofocus", "");
    (head.status, frame_headers("'self'"), document).into_response()
}

fn frame_headers(style: &str) -> [(HeaderName, HeaderValue); 4] {
    let policy = HeaderValue::from_str(&frame_policy(style));
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (
            header::CONTENT_SECURITY_POLICY,
            policy.unwrap_or(HeaderValue::from_static("default-src 'none'")),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ]
}

/// Responds with an email in the brand. Emails have inline styles; of the query they contain only
/// colors that were parsed, and an escaped name.
fn mail(server: &AppState, edited: &EditedBrand) -> Response {
    let accent = edited.palette().map_or_else(MailAccent::default, |palette: Palette| MailAccent {
        light: palette.accent.to_string(),
        dark: palette.accent_dark.to_string(),
    });
    let html = sample_mail(edited.name(), server.0.http.origin(), &accent);
    (frame_headers("'unsafe-inline'"), html).into_response()
}
