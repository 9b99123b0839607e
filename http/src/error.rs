//! Errors of requests: from an error of the domain, which has a cause for the log, to a [`Problem`]
//! for the client. The JSON form of a problem is in [`crate::problem`].

use crate::problem::{self, MemberError};
use axum::response::{IntoResponse, Response};
use countersign_types::Problem;
use std::sync::Arc;

/// Why a request failed: an error of the domain or of HTTP.
#[derive(Debug)]
pub enum RequestError {
    /// An error of the domain. Its cause is for the log.
    Domain(countersign_core::Error),
    /// A problem that was detected here.
    Problem(Problem),
}

impl From<countersign_core::Error> for RequestError {
    fn from(error: countersign_core::Error) -> Self {
        Self::Domain(error)
    }
}

impl From<Problem> for RequestError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl RequestError {
    /// Returns the problem for the client. Logs nothing.
    pub fn to_problem(&self) -> Problem {
        match self {
            Self::Domain(error) => to_problem(error),
            Self::Problem(problem) => problem.clone(),
        }
    }

    /// Returns the problem for the client. Logs internal errors.
    pub fn into_problem(self, request_id: &str) -> Problem {
        match self {
            Self::Domain(error) => log_and_convert(&error, request_id),
            Self::Problem(problem) => problem,
        }
    }
}

/// The error of a handler of the JSON API, so that handlers can use `?`.
///
/// Its response needs [`crate::middleware::api_guard`], which logs the cause and completes the
/// challenge.
#[derive(Debug)]
pub enum ApiError {
    /// An error of the domain, or a problem.
    Request(RequestError),
    /// A response that is complete.
    Response(Response),
}

impl ApiError {
    /// Returns a validation error for one member that has no form field. `pointer` is its JSON
    /// pointer, such as `/code` (RFC 6901).
    pub(crate) fn invalid_member(pointer: &str, code: &'static str, detail: &str) -> Self {
        let (pointer, detail) = (pointer.to_owned(), detail.to_owned());
        problem::invalid_members(vec![MemberError { pointer, code, reason: None, detail }]).into()
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(error) => error.to_problem().status(),
            Self::Response(response) => response.status().as_u16(),
        }
    }
}

impl From<countersign_core::Error> for ApiError {
    fn from(error: countersign_core::Error) -> Self {
        Self::Request(error.into())
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Request(problem.into())
    }
}

impl From<Response> for ApiError {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// The error that a response stands for, attached to it for [`crate::middleware::api_guard`].
#[derive(Clone)]
pub(crate) struct ErrorExtension(pub(crate) Arc<RequestError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Request(error) => {
                let mut response = problem::response(&error.to_problem());
                response.extensions_mut().insert(ErrorExtension(Arc::new(error)));
                response
            }
            Self::Response(response) => response,
        }
    }
}

/// Returns the problem for an error of the domain. Logs internal errors; nothing else does.
pub fn log_and_convert(error: &countersign_core::Error, request_id: &str) -> Problem {
    match error {
        countersign_core::Error::Internal(source) => {
            tracing::error!(
                request_id,
                error = countersign_core::error_chain(source.as_ref()),
                "internal error"
            );
            Problem::Internal { id: request_id.to_owned() }
        }
        countersign_core::Error::Unavailable(source) => {
            // The store logs each outage once, when it begins.
            tracing::debug!(
                request_id,
                error = countersign_core::error_chain(source.as_ref()),
                "database not available"
            );
            Problem::Unavailable
        }
        other => to_problem(other),
    }
}

/// Returns the problem for an error of the domain, without the cause, which only
/// [`log_and_convert`] logs.
pub fn to_problem(error: &countersign_core::Error) -> Problem {
    use countersign_core::Error as E;
    match error {
        E::Invalid(errors) => Problem::Invalid(errors.clone()),
        E::InvalidCursor => Problem::BadRequest,
        E::Forbidden => Problem::Forbidden,
        E::LastAdmin => Problem::LastAdmin,
        E::NotFound => Problem::NotFound,
        E::InvalidCredentials => Problem::InvalidCredentials,
        E::SignUpClosed => Problem::SignUpClosed,
        E::InvitationRequired => Problem::InvitationRequired,
        E::TooManyInvitations => Problem::TooManyInvitations,
        E::EmailTaken => Problem::EmailTaken,
        E::LinkExpired => Problem::LinkExpired,
        E::MailDisabled => Problem::MailDisabled,
        E::Unauthenticated => Problem::Unauthenticated,
        E::ReauthenticationRequired => Problem::ReauthenticationRequired,
        E::RefreshSuperseded => Problem::RefreshSuperseded,
        E::RateLimited { retry_after, .. } => Problem::RateLimited { retry_after: *retry_after },
        E::Overloaded { retry_after } => Problem::Overloaded { retry_after: *retry_after },
        E::Unavailable(_) => Problem::Unavailable,
        E::Internal(_) => Problem::internal(),
    }
}
