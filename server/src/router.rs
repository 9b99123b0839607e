//! The router: all routes, and the middleware around them.

use crate::{
    brand, data_download, gallery,
    middleware::{
        element_count,
        entered_values::keep_entered_values,
        page_cache::{PageCache, serve_cached_page},
        render_limit::{RenderSlots, limit_rendering},
        stack::with_middleware,
    },
    open_link::open_link,
    page_policy, speculation_rules,
    state::AppState,
};
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{ACCEPT, ALLOW, CACHE_CONTROL, LOCATION},
    },
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Redirect, Response},
    routing::{any, get},
};
use countersign_http::{
    api::{self, access::AccessLevels, public_document::public_document},
    cookies, problem,
};
use countersign_leptos::{
    App,
    layout::document::app_document,
    routes::{PASSWORD, access_level},
};
use countersign_types::Access;
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::sync::{Arc, LazyLock};
use tower::ServiceBuilder;

/// The routes of the pages. They are collected once per process: while Leptos collects routes, no
/// resource loads in the whole process, and a page rendered at that time would wait forever.
///
/// # Panics
///
/// If a page declares no access level in [`countersign_leptos::routes`].
pub static PAGE_ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
    let pages = generate_route_list(App);
    for page in &pages {
        let path = page.path();
        let level = access_level(path);
        assert!(level.is_some(), "{path} has no access level: see app/src/routes.rs");
        // The guard compares the path of a request with that of the page.
        let has_parameter = path.contains(['{', ':', '*']);
        assert!(
            !has_parameter || level == Some(Access::Public),
            "{path} is protected and has a parameter: put it below a protected path"
        );
    }
    pages
});

/// Builds the router of the whole server.
pub fn router(server: AppState) -> Router {
    // Leptos context for each page and each server function, not for files.
    let context = {
        let (http, reload) = (server.0.http.clone(), server.0.reload_port);
        let (brand, is_demo) = (server.0.brand.page.clone(), server.0.is_demo);
        let files = server.site_files().link_header(&brand);
        let server = server.clone();
        move || {
            provide_context(http.clone());
            provide_context(brand.clone());
            provide_context(is_demo);
            gallery::provide_gallery(&server);
            page_policy::set_page_policy(reload, &files);
        }
    };
    let page = {
        let server = server.clone();
        move || app_document(server.0.leptos.clone(), server.site_files())
    };
    let (api_routes, openapi) = api::routes().split_for_parts();
    let levels = AccessLevels::from_openapi(&openapi);
    let mut openapi = openapi;
    openapi.info.title.clone_from(&server.0.brand.page.name);
    openapi.servers = Some(vec![utoipa::openapi::Server::new(server.0.http.origin())]);
    let openapi = Arc::new(openapi);
    let not_found_page = leptos_axum::render_app_async_with_context(context.clone(), page.clone());
    let fallback = async move |request: Request| match trim_trailing_slash(request.uri()) {
        Some(page) => Redirect::permanent(&page).into_response(),
        None if wants_json(request.headers()) => not_found().await,
        None => not_found_page(request).await.into_response(),
    };
    let render_slots = RenderSlots::new({
        let http = server.0.http.clone();
        move |headers| {
            cookies::refresh_cookie(headers, http.cookies())
                .is_some_and(|token| http.auth().session_of(&token).is_some())
        }
    });
    let render_slots = from_fn_with_state(render_slots, limit_rendering);
    let fallback = get(fallback)
        .layer(map_response(element_count::add_element_count))
        .layer(render_slots.clone())
        .with_state(server.clone());
    let files = server.0.files.clone();
    // The names of these files change with their content, except during development.
    let immutable = HeaderValue::from_static(if server.0.leptos.hash_files {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    });
    // Icons keep their names. Not `no-store`: an icon with `no-store` excludes the whole page from
    // the browser's back/forward cache.
    let short_lived = HeaderValue::from_static("public, max-age=3600");

    let routes = Router::new()
        // The JSON API and other endpoints for programs.
        .merge(api_routes.with_state(server.0.http.clone()))
        .route("/openapi.json", get(async move || public_document("application/json", &*openapi)))
        .route("/.well-known/security.txt", get(api::security_txt))
        .route("/.well-known/change-password", get(redirect_to_password_page))
        .route(speculation_rules::PATH, get(speculation_rules::speculation_rules))
        .route("/link", get(open_link).with_state(server.0.http.clone()))
        .route("/.well-known/{*unknown}", any(not_found))
        .route("/oauth/{*unknown}", any(not_found))
        .route("/api", any(not_found))
        .route("/api/", any(not_found))
        .route("/api/{*unknown}", any(not_found))
        // Pages and server functions.
        .merge(
            Router::new()
                .leptos_routes_with_context(&server, PAGE_ROUTES.clone(), context, page)
                .merge(if server.0.has_gallery { gallery::routes() } else { Router::new() })
                .route_layer(map_response(element_count::add_element_count))
                .route_layer(render_slots)
                .route_layer(from_fn_with_state(server.0.http.clone(), keep_entered_values))
                .route_layer(from_fn_with_state(PageCache::default(), serve_cached_page)),
        )
        .route("/fn/{*unknown}", any(not_found))
        .merge(data_download::routes())
        .merge(brand::routes(&server.0.brand))
        // StaticFiles.
        .nest_service(
            "/pkg",
            ServiceBuilder::new()
                .map_response(describe_method_not_allowed)
                .map_response(set_cache_control(immutable))
                .service(files.serve("pkg")),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .fallback_service(
            ServiceBuilder::new()
                .map_response(describe_method_not_allowed)
                .map_response(set_cache_control(short_lived))
                .service(
                    files.serve("").call_fallback_on_method_not_allowed(false).fallback(fallback),
                ),
        );
    with_middleware(routes, levels, server)
}

/// Responds with 404 to an unknown path, never with a page.
async fn not_found() -> Response {
    problem::from_status(StatusCode::NOT_FOUND)
}

/// Responds with 405 to a method that the path doesn't support.
async fn method_not_allowed() -> Response {
    problem::from_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Redirects password managers to the page for changing the password (W3C, A Well-Known URL for
/// Changing Passwords).
async fn redirect_to_password_page() -> impl IntoResponse {
    (StatusCode::FOUND, [(LOCATION, PASSWORD.path)])
}

/// Maximum length of a query that a redirect preserves, in bytes. Queries of the app are much
/// shorter.
const MAX_KEPT_QUERY: usize = 1024;

/// Returns the URL of a page that was requested with a trailing slash.
fn trim_trailing_slash(uri: &Uri) -> Option<String> {
    let path = uri.path().strip_suffix('/')?;
    // Only known pages: the path could be anything.
    let page = PAGE_ROUTES.iter().find(|page| page.path() == path)?;
    // Headers of unread responses are memory that no budget counts.
    let query = uri.query().filter(|query| query.len() <= MAX_KEPT_QUERY);
    Some(query.map_or_else(|| page.path().to_owned(), |query| format!("{}?{query}", page.path())))
}

/// Returns whether a client accepts JSON and not HTML.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .map(|accept| String::from_utf8_lossy(accept.as_bytes()).to_ascii_lowercase())
        .unwrap_or_default();
    accept.contains("json") && !accept.contains("html")
}

/// Adds a problem body to a 405 of the file service, which has none.
fn describe_method_not_allowed<
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
>(
    response: axum::http::Response<B>,
) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response.map(Body::new);
    }
    let mut described = problem::from_status(StatusCode::METHOD_NOT_ALLOWED);
    described
        .headers_mut()
        .extend(response.headers().get(ALLOW).map(|allow| (ALLOW, allow.clone())));
    described
}

/// Sets `Cache-Control` of a file that was found. Pages set it themselves.
fn set_cache_control<B>(
    cache_control: HeaderValue,
) -> impl Fn(axum::http::Response<B>) -> axum::http::Response<B> + Clone {
    move |mut response| {
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().entry(CACHE_CONTROL).or_insert(cache_control.clone());
        }
        response
    }
}
