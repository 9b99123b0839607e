//! Everything that can be requested, on one screen.

use crate::{
    config::{Http, IntrospectionSecret, Site},
    downloads,
    exports::Exports,
    files::Files,
    http::{self, public_document::public_document},
    layers::{
        budget::{self, Budgets},
        cors, credentials, duplicate_cookies, elements, guard, headers,
        host::{self, Hosts},
        limits, origin, panics, paths,
        places::{Places, make_page},
        trace, wrong,
    },
    notices::Notices,
};
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{FromRef, Request},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{ACCEPT, ALLOW, CACHE_CONTROL},
    },
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Redirect, Response},
    routing::{any, get},
};
use countersign_leptos::{
    edge::{CookieNames, Web, cookie},
    pages::App,
    shell::shell,
};
use ipnet::IpNet;
use leptos::{
    config::{Env, LeptosOptions},
    prelude::provide_context,
};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::{
    io::ErrorKind,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

/// The pages that the router of the app knows. Found once in a process: while Leptos looks for them
/// no resource of any page is loaded, in the whole process, and a page that is rendered just then
/// would wait for ever.
pub static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// What the handlers work with.
#[derive(Clone)]
pub struct Server {
    pub(crate) web: Web,
    pub(crate) origin: Arc<str>,
    pub(crate) hosts: Hosts,
    pub(crate) hsts_subdomains: bool,
    pub(crate) cors_origins: Arc<[String]>,
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    pub(crate) x_access_token: bool,
    pub(crate) introspection_secret: Option<IntrospectionSecret>,
    pub(crate) identity_headers: bool,
    pub(crate) security_contacts: Arc<[String]>,
    leptos: LeptosOptions,
    /// Where the style sheet of the pages is.
    pub(crate) style: Arc<str>,
    reload_port: Option<u32>,
    files: Files,
    pub(crate) budgets: Budgets,
    stopping: Arc<AtomicBool>,
    pub(crate) exports: Exports,
    pub(crate) notices: Arc<Notices>,
}

impl FromRef<Server> for LeptosOptions {
    fn from_ref(server: &Server) -> Self {
        server.leptos.clone()
    }
}

impl Server {
    /// Puts the domain behind HTTP.
    #[must_use]
    pub fn new(auth: countersign_core::Auth, http: &Http, site: &Site) -> Self {
        let watched = site.reload_port.is_some();
        let leptos = LeptosOptions::builder()
            .output_name("countersign")
            .site_root(site.root.display().to_string())
            .site_pkg_dir("pkg")
            .site_addr(http.listen)
            .env(if watched { Env::DEV } else { Env::PROD })
            .reload_port(site.reload_port.unwrap_or(3001))
            .hash_files(site.hashed)
            .build();
        Self {
            web: Web { auth, secure: http.secure(), cookies: CookieNames::new(&http.public_url) },
            origin: http.origin().into(),
            hosts: Hosts::of(&http.public_url, &http.allowed_hosts),
            hsts_subdomains: http.hsts_subdomains,
            cors_origins: http.cors_origins.clone().into(),
            trusted_proxies: http.trusted_proxies.clone().into(),
            x_access_token: http.x_access_token,
            introspection_secret: http.introspection_secret.clone(),
            identity_headers: http.identity_headers,
            security_contacts: http.security_contacts.clone().into(),
            style: countersign_leptos::shell::style_address(&leptos).into(),
            leptos,
            reload_port: site.reload_port,
            files: files(site),
            budgets: Budgets::default(),
            stopping: Arc::default(),
            exports: Exports::default(),
            notices: Arc::default(),
        }
    }

    /// The domain.
    #[must_use]
    pub const fn auth(&self) -> &countersign_core::Auth {
        &self.web.auth
    }

    /// From now on this server is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// The whole of it.
pub fn router(server: Server) -> Router {
    // For each page and each function; not for files.
    let context = {
        let (web, reload) = (server.web.clone(), server.reload_port);
        move || {
            provide_context(web.clone());
            headers::set_page_policy(reload);
        }
    };
    let page = {
        let (options, style) = (server.leptos.clone(), server.style.clone());
        move || shell(options.clone(), &style)
    };
    let (api, openapi) = http::routes().split_for_parts();
    let mut openapi = openapi;
    openapi.servers = Some(vec![utoipa::openapi::Server::new(&*server.origin)]);
    let openapi = Arc::new(openapi);
    let not_found = leptos_axum::render_app_async_with_context(context.clone(), page.clone());
    let elsewhere = async move |request: Request| match without_slash(request.uri()) {
        Some(page) => Redirect::permanent(&page).into_response(),
        None if wants_json(request.headers()) => http::not_found().await,
        None => not_found(request).await.into_response(),
    };
    let places = Places::new({
        let web = server.web.clone();
        move |headers| {
            cookie::refresh_cookie(headers, &web.cookies)
                .is_some_and(|token| web.auth.session_of(&token).is_some())
        }
    });
    let places = from_fn_with_state(places, make_page);
    let elsewhere = get(elsewhere)
        .layer(map_response(elements::count))
        .layer(places.clone())
        .with_state(server.clone());
    let files = server.files.clone();
    // The names of these files change with their contents, except while developing.
    let lasting = HeaderValue::from_static(if server.leptos.hash_files {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    });
    // Icons keep their names. (Not `no-store`: one such icon keeps a whole page out of the
    // browser's back-forward cache.)
    let short = HeaderValue::from_static("public, max-age=3600");

    let routes = Router::new()
        // The JSON API and what other programs need.
        .merge(api)
        .route("/openapi.json", get(async move || public_document("application/json", &*openapi)))
        .merge(http::well_known::routes())
        .route("/.well-known/{*unknown}", any(http::not_found))
        .route("/oauth/{*unknown}", any(http::not_found))
        .route("/api", any(http::not_found))
        .route("/api/", any(http::not_found))
        .route("/api/{*unknown}", any(http::not_found))
        // Pages, and the functions that they call.
        .merge(
            Router::new()
                .leptos_routes_with_context(&server, PAGES.clone(), context, page)
                .route_layer(map_response(elements::count))
                .route_layer(places),
        )
        .route("/fn/{*unknown}", any(http::not_found))
        .merge(downloads::routes())
        // Files.
        .nest_service(
            "/pkg",
            ServiceBuilder::new()
                .map_response(described)
                .map_response(caching(lasting))
                .service(files.serve("pkg")),
        )
        .method_not_allowed_fallback(http::not_this_method)
        .fallback_service(
            ServiceBuilder::new().map_response(described).map_response(caching(short)).service(
                files.serve("").call_fallback_on_method_not_allowed(false).fallback(elsewhere),
            ),
        );
    protected(routes, server)
}

/// Puts around the routes what happens to every request and every answer; see [`crate::layers`].
pub fn protected(routes: Router<Server>, server: Server) -> Router {
    let outermost = panics::outermost(&server);
    routes
        .layer(from_fn_with_state(server.clone(), guard::signed_in_only))
        .layer(from_fn_with_state(server.clone(), credentials::one_user_only))
        .layer(from_fn_with_state(server.clone(), duplicate_cookies::keep_good_one))
        .layer(from_fn(limits::finish))
        .layer(from_fn_with_state(server.clone(), origin::same_origin_only))
        .layer(from_fn(limits::read_body))
        .layer(from_fn(limits::known_methods))
        .layer(CatchPanicLayer::custom(panics::caught))
        .layer(from_fn(limits::in_time))
        .layer(from_fn_with_state(server.clone(), cors::listed_origins))
        .layer(from_fn(paths::plain_paths))
        .layer(from_fn_with_state(server.clone(), host::ours_only))
        .layer(from_fn_with_state(server.clone(), budget::within_budget))
        .layer(from_fn_with_state(server.clone(), wrong::show_people))
        .layer(from_fn_with_state(server.clone(), headers::protect))
        .layer(from_fn_with_state(server.clone(), trace::trace))
        .with_state(server)
        .layer(outermost)
}

/// The longest query that a redirect repeats, in bytes. Ours are much shorter.
const MAX_KEPT_QUERY: usize = 1024;

/// The address of a page that somebody has asked for with a slash at its end.
fn without_slash(asked: &Uri) -> Option<String> {
    let path = asked.path().strip_suffix('/')?;
    // Only ever one of our own: what stands there could be anything.
    let page = PAGES.iter().find(|page| page.path() == path)?;
    // The head of an unread response is memory that no budget counts.
    let query = asked.query().filter(|query| query.len() <= MAX_KEPT_QUERY);
    Some(query.map_or_else(|| page.path().to_owned(), |query| format!("{}?{query}", page.path())))
}

/// Whether a client asks for JSON and not for a page.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .map(|accept| String::from_utf8_lossy(accept.as_bytes()).to_ascii_lowercase())
        .unwrap_or_default();
    accept.contains("json") && !accept.contains("html")
}

/// Says what is wrong with a method that no file has: the service of files answers without a body.
fn described<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static>(
    response: axum::http::Response<B>,
) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response.map(Body::new);
    }
    let mut problem = http::problem::plain(StatusCode::METHOD_NOT_ALLOWED);
    problem.headers_mut().extend(response.headers().get(ALLOW).map(|allow| (ALLOW, allow.clone())));
    problem
}

/// Lets a file that was found be kept. A page says by itself that it is not to be, wherever it is
/// rendered.
fn caching<B>(
    lasting: HeaderValue,
) -> impl Fn(axum::http::Response<B>) -> axum::http::Response<B> + Clone {
    move |mut response| {
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().entry(CACHE_CONTROL).or_insert(lasting.clone());
        }
        response
    }
}

/// The files of the site. What cannot be read is not served, and that is logged.
fn files(site: &Site) -> Files {
    if site.reload_port.is_some() {
        return Files::Folder(site.root.as_path().into());
    }
    Files::read(&site.root).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            tracing::error!(folder = %site.root.display(), %error, "site files not served");
        }
        Files::Memory(Arc::default())
    })
}
