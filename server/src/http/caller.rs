//! Who calls the API: an access token in `Authorization: Bearer`, in the access cookie (on
//! `/api/v1` only), or, where that is switched on, in `x-access-token`. One of them: two in one
//! request are an error, because they could be of two people.

use super::problem;
use crate::Server;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::Response,
};
use countersign_core::{Client, Presented, SignedIn};
use countersign_leptos::{
    edge::{
        Refusal, cookie,
        credential::{bearer, plausible},
        report,
    },
    problem::Problem,
};
use std::convert::Infallible;

/// The name of the header that some older clients send their token in.
pub(crate) const X_ACCESS_TOKEN: &str = "x-access-token";

/// The caller of a handler. Taking it as an argument checks nothing yet: ask [`Caller::signed_in`].
#[derive(Clone)]
pub struct Caller {
    pub(super) client: Client,
    shown: Shown,
}

/// What a request shows as an access token.
#[derive(Clone)]
enum Shown {
    Nothing,
    /// Something that is none.
    Malformed,
    Token(String),
    Two,
}

impl FromRequestParts<Server> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Infallible> {
        Ok(Self {
            client: parts.extensions.get().cloned().unwrap_or_default(),
            shown: shown(&parts.headers, parts.uri.path(), server),
        })
    }
}

fn shown(headers: &HeaderMap, path: &str, server: &Server) -> Shown {
    let mut found = Vec::new();
    let given = headers.contains_key(AUTHORIZATION);
    found.extend(bearer(headers).map(|token| Some(token.to_owned())));
    if server.x_access_token {
        found.extend(
            headers.get_all(X_ACCESS_TOKEN).iter().map(|value| {
                value.to_str().ok().filter(|token| plausible(token)).map(str::to_owned)
            }),
        );
    }
    if path.starts_with("/api/v1/") {
        found.extend(cookie::access_cookie(headers, &server.web.cookies).map(Some));
    }
    match (found.pop(), found.is_empty()) {
        // Something else than a token: a password for a proxy in front of us, or a token that is
        // spoilt.
        (None, _) if given => Shown::Malformed,
        (None, _) => Shown::Nothing,
        (Some(None), true) => Shown::Malformed,
        (Some(Some(token)), true) => Shown::Token(token),
        (Some(_), false) => Shown::Two,
    }
}

impl Caller {
    /// Everything that somebody who is signed in can do, or the answer that refuses.
    pub async fn signed_in<'a>(&self, server: &'a Server) -> Result<SignedIn<'a>, Response> {
        let Some(token) = self.token()? else { return Err(self.refuse(Problem::SignedOut.into())) };
        server
            .web
            .auth
            .signed_in(&self.client, Presented::Bearer(token))
            .await
            .map_err(|error| self.refuse(error.into()))
    }

    /// The access token that was shown, good or not.
    pub(super) fn token(&self) -> Result<Option<&str>, Response> {
        match &self.shown {
            Shown::Token(token) => Ok(Some(token)),
            Shown::Nothing | Shown::Malformed => Ok(None),
            Shown::Two => Err(two_credentials("Send one access token, in one place.")),
        }
    }

    /// The answer to a refusal. Our own faults are logged.
    pub fn refuse(&self, refusal: Refusal) -> Response {
        let problem = match refusal {
            Refusal::Domain(error) => report(&error, &self.client.request_id),
            Refusal::Problem(problem) => problem,
        };
        if matches!(self.shown, Shown::Nothing) {
            problem::answer(&problem)
        } else {
            problem::answer_to_bearer(&problem)
        }
    }
}

/// The answer to a request that shows two of what there must be one.
pub(crate) fn two_credentials(cure: &str) -> Response {
    problem::plain_with(StatusCode::BAD_REQUEST, "two_credentials", cure)
}

/// Protects a whole group of routes: `.route_layer(from_fn_with_state(server, signed_in_only))`.
pub async fn signed_in_only(
    State(server): State<Server>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    match caller.signed_in(&server).await {
        Ok(_) => next.run(request).await,
        Err(refusal) => refusal,
    }
}
