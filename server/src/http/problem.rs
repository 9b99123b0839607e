//! Errors as RFC 9457 writes them: `application/problem+json` with a stable `type` and `code`. The
//! words are those of the pages, but where programs have terms of their own.
//!
//! Bodies hold nothing that differs between two requests with the same outcome; the name of the
//! request is in `X-Request-Id` only.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use countersign_leptos::{edge::answer::challenge, problem::Problem, words};
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong, for programs and for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Names the kind of problem; never changes.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-credentials")]
    kind: String,
    /// The kind of problem in a few words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, in a sentence.
    detail: String,
    /// The kind of problem as one word; never changes.
    #[schema(example = "invalid_credentials")]
    code: String,
    /// What is wrong with each member of the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<MemberError>,
}

/// What is wrong with one member of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberError {
    /// Which (RFC 6901).
    #[schema(example = "/password")]
    pub(super) pointer: String,
    /// What, as one word; never changes.
    #[schema(example = "too_short")]
    pub(super) code: &'static str,
    /// What to do about it, in a sentence.
    pub(super) detail: String,
}

/// The one scope that not every token has (RFC 6750, 3.1).
const INSUFFICIENT: &str =
    "Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"admin\"";

/// The answer to a problem.
#[must_use]
pub fn answer(problem: &Problem) -> Response {
    respond(problem, problem.code(), false)
}

/// The answer to a refresh token that is not, or no longer, good for anything. Programs know it by
/// the name that it has in RFC 6749, 5.2; it is a 401 as all that a log-in cures.
#[must_use]
pub(super) fn invalid_grant() -> Response {
    respond(&Problem::SignedOut, "invalid_grant", false)
}

/// The answer to a request that changes something and is not known to come from our own pages. A
/// program that sends our cookies is told how to say that it means to; a browser that another site
/// sends here cannot do so.
#[must_use]
pub fn not_allowed(origin: &str) -> Response {
    let problem = Problem::NotAllowed;
    let for_programs = format!(
        "The request does not come from a page of this server. A program that sends cookies must also send `Origin: {origin}`."
    );
    let (title, detail) = (words::title(&problem), words::problem(&problem));
    shown(
        write(StatusCode::FORBIDDEN, problem.code(), title, &for_programs, Vec::new()),
        title,
        &detail,
        &for_programs,
    )
}

/// The answer to a problem of somebody who showed a token (RFC 6750, 3: the challenge then says
/// that it is invalid).
#[must_use]
pub fn answer_to_bearer(problem: &Problem) -> Response {
    respond(problem, problem.code(), true)
}

fn respond(problem: &Problem, code: &str, had_token: bool) -> Response {
    let errors = match problem {
        Problem::Invalid(faults) => faults
            .0
            .iter()
            .map(|(field, fault)| MemberError {
                pointer: format!("/{}", field.name()),
                code: fault.code(),
                detail: words::fault(*field, *fault).to_string(),
            })
            .collect(),
        Problem::EmailTaken => vec![MemberError {
            pointer: "/email".to_owned(),
            code: "taken",
            detail: words::problem(problem).into_owned(),
        }],
        _ => Vec::new(),
    };
    let status =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (title, detail) = (words::title(problem), words::problem(problem));
    let for_programs = match problem {
        Problem::TooLarge => "The body may have at most 64 KiB.",
        Problem::TooMany { .. } => "Nothing was tried this time. Retry-After says when it can be.",
        Problem::Busy { .. } => "Nothing was changed. Retry-After says when to try again.",
        _ => &detail,
    };
    let mut response =
        shown(write(status, code, title, for_programs, errors), title, &detail, for_programs);
    let headers = response.headers_mut();
    if *problem == Problem::SignedOut {
        headers.insert(header::WWW_AUTHENTICATE, challenge(had_token));
    }
    if *problem == Problem::Forbidden {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(INSUFFICIENT));
    }
    // RFC 9110, 11.6.1: a 401 always says how to do better.
    if status == StatusCode::UNAUTHORIZED {
        headers.entry(header::WWW_AUTHENTICATE).or_insert(challenge(false));
    }
    if let Some(seconds) = problem.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A body whose members are wrong in ways that no form knows.
pub(super) fn members(errors: Vec<MemberError>) -> Response {
    let problem = Problem::Invalid(countersign_types::Faults::default());
    let (title, detail) = (words::title(&problem), words::problem(&problem));
    shown(
        write(StatusCode::UNPROCESSABLE_ENTITY, problem.code(), title, &detail, errors),
        title,
        &detail,
        &detail,
    )
}

/// An error of HTTP itself, with the name that its status has.
#[must_use]
pub fn plain(status: StatusCode) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let response =
        write(status, &title.to_ascii_lowercase().replace(' ', "_"), title, title, Vec::new());
    match status {
        StatusCode::NOT_FOUND => {
            shown(response, words::not_found::HEADING, words::not_found::WHY, title)
        }
        _ => shown(response, words::not_here::HEADING, words::not_here::WHY, title),
    }
}

/// As [`plain`], with a sentence that says what to do.
pub(crate) fn plain_with(status: StatusCode, code: &str, detail: &str) -> Response {
    shown(
        write(status, code, status.canonical_reason().unwrap_or("Error"), detail, Vec::new()),
        words::title(&Problem::BadRequest),
        detail,
        detail,
    )
}

/// What is wrong in words, beside its answer: for [`crate::layers::wrong`].
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) title: String,
    /// For people.
    pub(crate) detail: String,
    pub(crate) for_programs: String,
}

fn write(
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

fn shown(mut response: Response, title: &str, detail: &str, for_programs: &str) -> Response {
    response.extensions_mut().insert(Shown {
        title: title.to_owned(),
        detail: detail.to_owned(),
        for_programs: for_programs.to_owned(),
    });
    response
}
