//! Error responses that many operations share, for the description at `/openapi.json`.

use crate::problem::ProblemBody;
use utoipa::IntoResponses;

/// Responses of all operations without credentials and body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum PublicResponses {
    /// The body exceeds 64 KiB, although none is expected.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
}

/// Responses of all operations that require authentication.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum AuthResponses {
    /// The request has two access tokens.
    #[response(status = 400, content_type = "application/problem+json")]
    Two(ProblemBody),
    /// The access token is missing or invalid.
    #[response(status = 401, content_type = "application/problem+json")]
    SignedOut(ProblemBody),
    /// The body exceeds 64 KiB, although none is expected.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// Temporarily unavailable; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}

/// Responses of all rate-limited operations.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum RateLimitResponses {
    /// Rate limit exceeded; see `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemBody),
}

/// Responses of all operations that change something and have no body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum WriteResponses {
    /// The request is from a page of another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Foreign(ProblemBody),
}

/// Responses of all operations that send an email.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum MailResponses {
    /// `mail_disabled`: this server sends no email.
    #[response(status = 404, content_type = "application/problem+json")]
    Disabled(ProblemBody),
}

/// Responses of all operations with a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only for the OpenAPI description")]
pub(crate) enum BodyResponses {
    /// The body is not a JSON object, or the credentials contradict each other.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// The request is from a page of another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Foreign(ProblemBody),
    /// The body exceeds 64 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body is not `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(ProblemBody),
    /// Members are missing, invalid or unknown.
    #[response(status = 422, content_type = "application/problem+json")]
    Members(ProblemBody),
    /// Temporarily unavailable; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}
