//! Error responses in the form of RFC 9457: `application/problem+json` with a stable `type` and
//! `code`. The texts are those of the pages, except where programs need other terms.
//!
//! Bodies contain nothing that differs between two requests with the same outcome. The request ID
//! is only in `X-Request-Id`.

use crate::challenge::{INSUFFICIENT_SCOPE, bearer_challenge};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use countersign_types::{FieldError, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// An error, for programs and for users.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// URI of the kind of problem. Stable.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-credentials")]
    kind: String,
    /// Short description of the kind of problem.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// One sentence that says what happened.
    detail: String,
    /// Code of the kind of problem. Stable.
    #[schema(example = "invalid_credentials")]
    code: String,
    /// Errors of individual members of the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<MemberError>,
}

/// An error of one member of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberError {
    /// JSON pointer of the member (RFC 6901).
    #[schema(example = "/password")]
    pub(crate) pointer: String,
    /// Code of the error. Stable.
    #[schema(example = "too_short")]
    pub(crate) code: &'static str,
    /// Why a password is too weak: `common`, `repeated`, `keyboard`, `sequence`, `date`, `word`,
    /// `person_name`, `own_name`, `own_email`, `site_name` or `other`. More may follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = "own_name")]
    pub(crate) reason: Option<&'static str>,
    /// How to fix it, in one sentence.
    pub(crate) detail: String,
}

/// Returns the response for a problem.
#[must_use]
pub fn response(problem: &Problem) -> Response {
    respond(problem, problem.code())
}

/// Returns the response for an invalid, expired or revoked refresh token. The code is that of RFC
/// 6749, 5.2; the status is 401, as for all errors that require a new log-in.
#[must_use]
pub(crate) fn invalid_grant() -> Response {
    respond(&Problem::Unauthenticated, "invalid_grant")
}

/// Returns the response for a cross-origin request. A program that sends session cookies is told to
/// send `Origin`, which a browser on another site's page can't forge.
#[must_use]
pub fn cross_origin(origin: &str) -> Response {
    let problem = Problem::NotAllowed;
    let for_programs = format!(
        "The request is not from a page of this server. A program that sends cookies must also \
         send `Origin: {origin}`."
    );
    let (title, detail) = (problem.title(), problem.detail());
    with_extension(
        problem_response(
            StatusCode::FORBIDDEN,
            problem.code(),
            title.english(),
            &for_programs,
            Vec::new(),
        ),
        PageText::new(title.text(), &detail),
        &for_programs,
    )
}

fn respond(problem: &Problem, code: &str) -> Response {
    let errors = match problem {
        Problem::Invalid(errors) => errors
            .0
            .iter()
            .map(|(field, error)| MemberError {
                pointer: format!("/{}", field.name()),
                code: error.code(),
                reason: match error {
                    FieldError::TooWeak(weakness) => Some(weakness.name()),
                    _ => None,
                },
                detail: error.english(*field),
            })
            .collect(),
        Problem::EmailTaken => vec![MemberError {
            pointer: "/email".to_owned(),
            code: "taken",
            reason: None,
            detail: problem.english_detail(),
        }],
        _ => Vec::new(),
    };
    let status =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = problem.title();
    let detail = problem.english_detail();
    let for_programs = match problem {
        Problem::TooLarge => "Send a body of at most 64 KiB.",
        Problem::RateLimited { .. } => {
            "Too many requests. Try again after the time in Retry-After."
        }
        Problem::Overloaded { .. } => {
            "Nothing was changed. Try again after the time in Retry-After."
        }
        _ => &detail,
    };
    let mut response = with_extension(
        problem_response(status, code, title.english(), for_programs, errors),
        PageText::new(title.text(), &problem.detail()),
        for_programs,
    );
    let headers = response.headers_mut();
    if *problem == Problem::Forbidden {
        headers.insert(header::WWW_AUTHENTICATE, INSUFFICIENT_SCOPE);
    }
    // Every 401 has a challenge (RFC 9110, 11.6.1).
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, bearer_challenge(problem, false));
    }
    if let Some(seconds) = problem.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns a validation error for members that have no form field.
pub(crate) fn invalid_members(errors: Vec<MemberError>) -> Response {
    let problem = Problem::Invalid(countersign_types::FieldErrors::default());
    let (title, detail) = (problem.title(), problem.english_detail());
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    with_extension(
        problem_response(status, problem.code(), title.english(), &detail, errors),
        PageText::new(title.text(), &problem.detail()),
        &detail,
    )
}

/// Returns an HTTP error without further details, with the standard text of its status.
#[must_use]
pub fn from_status(status: StatusCode) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let response = problem_response(
        status,
        &title.to_ascii_lowercase().replace(' ', "_"),
        title,
        title,
        Vec::new(),
    );
    let page = match status {
        StatusCode::NOT_FOUND => PageText::NotFound,
        _ => PageText::BadRequest,
    };
    with_extension(response, page, title)
}

/// Like [`from_status`], with a code and a sentence on how to fix it.
pub(crate) fn with_detail(status: StatusCode, code: &str, detail: &str) -> Response {
    with_extension(
        problem_response(
            status,
            code,
            status.canonical_reason().unwrap_or("Error"),
            detail,
            Vec::new(),
        ),
        PageText::new(Problem::BadRequest.title().text(), detail),
        detail,
    )
}

/// The texts of a problem, attached to its response for middleware that replaces the body.
#[derive(Clone)]
pub struct ProblemExtension {
    /// The text of a page.
    pub page: PageText,
    /// The sentence for programs.
    pub for_programs: String,
}

/// The text of a page that replaces a problem body.
#[derive(Clone)]
pub enum PageText {
    /// The page for an unknown address.
    NotFound,
    /// The page for a request that the address doesn't support.
    BadRequest,
    /// Title and sentence of the problem.
    Problem {
        /// The title.
        title: String,
        /// The sentence for users.
        detail: String,
    },
}

impl PageText {
    fn new(title: &str, detail: &str) -> Self {
        Self::Problem { title: title.to_owned(), detail: detail.to_owned() }
    }
}

fn problem_response(
    status: StatusCode,
    code: &str,
    title: &str,
    detail: &str,
    errors: Vec<MemberError>,
) -> Response {
    let kind = format!("/problems/{}", code.replace('_', "-"));
    let body = ProblemBody {
        kind,
        title: title.to_owned(),
        status: status.as_u16(),
        detail: detail.to_owned(),
        code: code.to_owned(),
        errors,
    };
    let mut response = (status, axum::Json(body)).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn with_extension(mut response: Response, page: PageText, for_programs: &str) -> Response {
    let for_programs = for_programs.to_owned();
    response.extensions_mut().insert(ProblemExtension { page, for_programs });
    response
}
