//! Extractors: what handlers read from a request. They check nothing that needs the domain, except
//! on request of the handler: see [`RequestAuth`].

pub(crate) mod json_body;
pub(crate) mod pagination;
pub(crate) mod path_id;
mod request_auth;

pub use request_auth::{RequestAuth, require_access_token};
pub(crate) use request_auth::{X_ACCESS_TOKEN, has_access_token, two_credentials};
