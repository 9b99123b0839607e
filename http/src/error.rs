//! Errors of requests: from an error of the domain, which has a cause for the log, to a [`Problem`]
//! for the client. The JSON form of a problem is in [`crate::problem`].

use countersign_types::Problem;

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
    /// Returns the problem for the client. Logs internal errors.
    pub fn into_problem(self, request_id: &str) -> Problem {
        match self {
            Self::Domain(error) => log_and_convert(&error, request_id),
            Self::Problem(problem) => problem,
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
        E::EmailTaken => Problem::EmailTaken,
        E::LinkExpired => Problem::LinkExpired,
        E::Unauthenticated => Problem::Unauthenticated,
        E::RefreshSuperseded => Problem::RefreshSuperseded,
        E::RateLimited { retry_after, .. } => Problem::RateLimited { retry_after: *retry_after },
        E::Overloaded { retry_after } => Problem::Overloaded { retry_after: *retry_after },
        E::Unavailable(_) => Problem::Unavailable,
        E::Internal(_) => Problem::internal(),
    }
}
