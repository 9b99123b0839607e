//! Who calls the API: an access token in `Authorization: Bearer`, and nothing else.

use super::problem;
use crate::Server;
use app::{
    edge::{Refusal, credential::bearer, report},
    problem::Problem,
};
use auth::{Client, Presented, SignedIn};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::Response,
};
use std::convert::Infallible;

/// The caller of a handler. Taking it as an argument checks nothing yet: ask [`Caller::signed_in`].
#[derive(Clone)]
pub struct Caller {
    pub(super) client: Client,
    pub(super) token: Option<String>,
    /// Whether any credential was shown, well-formed or not.
    shown: bool,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            client: parts.extensions.get().cloned().unwrap_or_default(),
            token: bearer(&parts.headers).map(str::to_owned),
            shown: parts.headers.contains_key(AUTHORIZATION),
        })
    }
}

impl Caller {
    /// Everything that somebody who is signed in can do, or the answer that refuses.
    pub async fn signed_in<'a>(&self, server: &'a Server) -> Result<SignedIn<'a>, Response> {
        let Some(token) = &self.token else { return Err(self.refuse(Problem::SignedOut.into())) };
        server.web.auth.signed_in(&self.client, Presented::Bearer(token)).await.map_err(|error| self.refuse(error.into()))
    }

    /// The answer to a refusal. Our own faults are logged.
    pub fn refuse(&self, refusal: Refusal) -> Response {
        let problem = match refusal {
            Refusal::Domain(error) => report(&error, &self.client.request_id),
            Refusal::Problem(problem) => problem,
        };
        if self.shown { problem::answer_to_bearer(&problem) } else { problem::answer(&problem) }
    }
}

/// Protects a whole group of routes: `.route_layer(from_fn_with_state(server, signed_in_only))`.
pub async fn signed_in_only(State(server): State<Server>, caller: Caller, request: Request, next: Next) -> Response {
    match caller.signed_in(&server).await {
        Ok(_) => next.run(request).await,
        Err(refusal) => refusal,
    }
}
