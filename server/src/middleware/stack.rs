//! The middleware of all requests as a chain of functions, each of which calls the next. See
//! `docs/decisions/0037-compose-the-middleware-as-functions.md`.

use crate::{
    AppState,
    middleware::{error_pages::render_error_pages, page_guard::require_access_levels},
};
use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use countersign_http::{
    api::access::AccessLevels,
    middleware::{
        BoxedRequest,
        api_guard::{ApiGuard, guard_api},
        budget::enforce_budget,
        catch_panic::{catch_handler_panic, catch_middleware_panic},
        cors::allow_listed_origins,
        credentials::check_credentials,
        csrf::reject_cross_origin,
        host::reject_invalid_targets,
        request_limits::{read_body, timeout_request},
        request_log::log_request,
        security_headers::set_security_headers,
    },
};
use futures::future::BoxFuture;
use std::sync::Arc;

struct MiddlewareState {
    server: AppState,
    api_guard: ApiGuard,
}

/// Adds the middleware to some routes; see [`crate::middleware`]. `levels` are the access levels of
/// API operations among them.
pub fn with_middleware(routes: Router<AppState>, levels: AccessLevels, server: AppState) -> Router {
    let api_guard = ApiGuard::new(server.http().clone(), levels);
    let stack = Arc::new(MiddlewareState { server: server.clone(), api_guard });
    routes.layer(from_fn_with_state(stack, run_middleware)).with_state(server)
}

/// Runs the middleware around the route of a request. The order is from the inside out: each line
/// wraps the one above it.
async fn run_middleware(
    State(stack): State<Arc<MiddlewareState>>,
    request: Request,
    route: Next,
) -> Response {
    let (server, http) = (&stack.server, stack.server.http());
    let next = |request| run_inner_middleware(&stack, request, route);
    let next = |request| allow_listed_origins(http, request, next);
    let next = |request| reject_invalid_targets(http, request, next);
    let next = |request| enforce_budget(http, request, next);
    let next = |request| render_error_pages(server, request, next);
    let next = |request| set_security_headers(http, request, next);
    let next = |request| log_request(http, request, next);
    catch_middleware_panic(http, Box::new(request), next).await
}

/// Runs the inner half of the middleware: the timeout of the request, and what is inside it, in the
/// same order. Its future is boxed, because the time to compile grows exponentially with the number
/// of steps in one type.
fn run_inner_middleware(
    stack: &Arc<MiddlewareState>,
    request: BoxedRequest,
    route: Next,
) -> BoxFuture<'_, Response> {
    Box::pin(async move {
        let http = stack.server.http();
        // `csrf` spawns this part as a task, so it must own its state.
        let owned = stack.clone();
        let next = move |request| async move {
            let (http, api_guard) = (owned.server.http(), &owned.api_guard);
            let next = |request: BoxedRequest| route.run(*request);
            let next = |request| guard_api(api_guard, request, next);
            let next = |request| require_access_levels(http, request, next);
            check_credentials(http, request, next).await
        };
        let next = |request| reject_cross_origin(http, request, next);
        let next = |request| read_body(request, next);
        let next = |request| catch_handler_panic(request, next);
        timeout_request(request, next).await
    })
}
