//! (server) One request that runs a server function: what it brings, and what its answer gets.

use super::{Refusal, Web, answer, cookie, credential};
use crate::{
    address::{BYE, LOG_IN},
    problem::Problem,
};
use auth::{Auth, Client, Issued, Presented, Refresh, SignedIn};
use contract::{
    Next,
    view::{LoggedIn, Session},
};
use credential::{Credential, Kind};
use http::{HeaderName, HeaderValue, header::SET_COOKIE, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// What a server function needs of the request that runs it.
pub struct Call {
    web: Web,
    client: Client,
    parts: Parts,
    response: ResponseOptions,
    kind: Kind,
    credential: Credential,
    /// Apart from `credential`, because some functions take the cookie although it is no credential for anything else.
    cookie: Option<String>,
}

impl Call {
    /// `None` outside a request, or inside one for which the server has not provided what belongs to it.
    pub(super) fn from_context() -> Option<Self> {
        let (web, parts, response): (Web, Parts, ResponseOptions) = (use_context()?, use_context()?, use_context()?);
        let client = parts.extensions.get::<Client>()?.clone();
        let kind = credential::kind(&parts.method, parts.uri.path(), &parts.headers);
        let credential = credential::credential(kind, &parts.headers, web.secure);
        let cookie = cookie::refresh_cookie(&parts.headers, web.secure).filter(|_| matches!(kind, Kind::PlainForm | Kind::Script));
        Some(Self { web, client, parts, response, kind, credential, cookie })
    }

    /// The domain.
    pub fn auth(&self) -> &Auth {
        &self.web.auth
    }

    /// Who calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The refresh token of the session that a log-in takes the place of.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Everything that somebody who is signed in can do.
    pub async fn signed_in(&self) -> Result<SignedIn<'_>, Refusal> {
        let presented = self.credential.presented().ok_or(Problem::SignedOut)?;
        Ok(self.auth().signed_in(&self.client, presented).await?)
    }

    /// The same for a form that was made for one session (its `tag`): it must not be carried out for another person, who may have signed in in
    /// another tab since.
    pub async fn signed_in_as(&self, tag: &str) -> Result<SignedIn<'_>, Refusal> {
        let signed_in = self.signed_in().await?;
        if signed_in.tag() == tag { Ok(signed_in) } else { Err(Problem::SomeoneElse.into()) }
    }

    /// The answer to a log-in: the cookie, and for a script the access token, for a plain form the way to the next page.
    pub fn welcome(&self, next: &Next, issued: Issued) -> LoggedIn {
        self.give_cookie(&issued.refresh);
        self.land(next.as_str());
        // A page render must not get one either: it would stand in the HTML.
        let session = (self.kind == Kind::Script).then(|| session(issued));
        LoggedIn { next: next.as_str().to_owned(), session }
    }

    /// Renews: takes the cookie by whichever `POST` it comes.
    pub async fn renew(&self) -> Result<Session, Refusal> {
        let token = self.cookie().ok_or(Problem::SignedOut)?;
        match self.auth().refresh(&self.client, token).await {
            Ok(issued) => {
                self.give_cookie(&issued.refresh);
                Ok(session(issued))
            }
            Err(error) => {
                // `Stale` is not the end: the browser has a newer cookie by now, which this would delete.
                if matches!(error, auth::Error::SignedOut) {
                    self.take_cookie();
                }
                Err(error.into())
            }
        }
    }

    /// Ends every session that the request shows, and leaves nothing of it in the browser.
    pub async fn log_out(&self) -> Result<(), Refusal> {
        let bearer = match &self.credential {
            Credential::Bearer(token) => Some(Presented::Bearer(token)),
            Credential::Cookie(_) | Credential::None => None,
        };
        for presented in [bearer, self.cookie().map(Presented::Cookie)].into_iter().flatten() {
            match self.auth().log_out(&self.client, presented).await {
                // What is over already needs no ending.
                Ok(()) | Err(auth::Error::SignedOut | auth::Error::Stale) => {}
                // The session lives on: then the browser must keep what it needs to try again.
                Err(error) => return Err(error.into()),
            }
        }
        self.take_cookie();
        // Not `"cookies"`: those that remember the browser and its theme are to stay.
        self.response.insert_header(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"storage\""));
        self.land(&format!("{LOG_IN}?{BYE}"));
        Ok(())
    }

    /// Where a plain form leads when it was accepted; a script decides for itself. Only ever a path of ours, or a [`Next`].
    pub fn land(&self, path: &str) {
        if self.kind == Kind::PlainForm {
            leptos_axum::redirect(path);
        }
    }

    pub(super) fn refuse(&self, problem: &Problem) {
        let bearer_refused = *problem == Problem::SignedOut && matches!(self.credential, Credential::Bearer(_));
        answer::refuse(&self.parts, &self.response, problem, bearer_refused);
    }

    fn give_cookie(&self, refresh: &Refresh) {
        self.response.append_header(SET_COOKIE, cookie::set_cookie(refresh, self.web.secure));
    }

    fn take_cookie(&self) {
        for value in cookie::clear_cookies(self.web.secure) {
            self.response.append_header(SET_COOKIE, value); // `insert` would replace the first by the second
        }
    }
}

/// What a browser gets of what was issued: all but the refresh token.
fn session(issued: Issued) -> Session {
    Session { access_token: issued.access.token, expires_in: issued.access.expires_in, persistent: issued.persistent, account: issued.account }
}
