//! The middleware, from the outside in. Those without a page are in
//! [`countersign_http::middleware`], the others here. [`stack`] puts the first twelve together, and
//! [`crate::router`] the last four, which are for pages.
//!
//! 1. `catch_panic`: catch panics in the middleware;
//! 2. `request_log`, with `client_ip`: assign a request ID and log the request;
//! 3. `security_headers`: add security headers to all responses, including errors and files;
//! 4. [`error_pages`]: render HTML error pages for browsers;
//! 5. `budget`: limit the requests and response bytes of each network;
//! 6. `host`, with `paths`: reject requests for other hosts and ambiguous paths;
//! 7. `cors`, if an origin is listed: allow it to call the API, without cookies;
//! 8. `request_limits` and `catch_panic`: request timeout, panics in handlers, unknown methods,
//!    and the body with its limits;
//! 9. `csrf`: reject cross-site requests, and run other unsafe requests to completion even if the
//!    client disconnects;
//! 10. `credentials`, with `duplicate_cookies`: keep the valid one of several refresh cookies, and
//!     reject credentials of two users;
//! 11. [`page_guard`]: redirect anonymous clients from protected pages to the log-in page;
//! 12. `api_guard`: require the access level of an API operation, log the cause of its errors and
//!     complete their challenge;
//! 13. [`page_cache`]: serve pages that are equal for all anonymous clients;
//! 14. [`entered_values`]: keep the values of a refused form for the page that shows it again;
//! 15. [`render_limit`]: limit concurrent page renderings, and run each to completion;
//! 16. [`element_count`]: add the number of elements to each island of a page.

pub mod element_count;
pub mod entered_values;
pub mod error_pages;
pub mod page_cache;
pub mod page_guard;
pub mod render_limit;
pub mod stack;
