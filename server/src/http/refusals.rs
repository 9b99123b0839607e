//! The refusals that many calls share, as the description at `/openapi.json` lists them.

use super::problem::ProblemBody;
use utoipa::IntoResponses;

/// Of every request that needs no credential and takes no body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum Public {
    /// A body of more than 64 KiB, though none is asked for.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
}

/// Of every call that needs somebody to be signed in.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum Protected {
    /// Two access tokens in one request.
    #[response(status = 400, content_type = "application/problem+json")]
    Two(ProblemBody),
    /// No access token, or one that is not valid.
    #[response(status = 401, content_type = "application/problem+json")]
    SignedOut(ProblemBody),
    /// A body of more than 64 KiB, though none is asked for.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// Not now; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}

/// Of every call that is rate limited.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum Limited {
    /// Too many calls of this kind; see `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemBody),
}

/// Of every call that takes a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, not made: answers are made where they are known")]
pub(super) enum Unreadable {
    /// Not a JSON object, or credentials that contradict each other.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// From a page of another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Foreign(ProblemBody),
    /// More than 64 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// Not `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(ProblemBody),
    /// Members are missing, wrong, or unknown.
    #[response(status = 422, content_type = "application/problem+json")]
    Members(ProblemBody),
    /// Not now; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}
