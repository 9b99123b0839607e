//! (server) The request that runs a server function, and its response.

use crate::{
    request::response,
    return_to::verify_page,
    routes::{self, CONFIRM, LOG_IN, LOGGED_OUT},
};
use countersign_core::{
    Auth, IssuedTokens, PresentedCredential, RefreshToken, RequestContext, SignedIn,
    VerifiedSession, accounts::LogInStep,
};
use countersign_http::{
    HttpState, cookies,
    credentials::{self, RequestCredential, RequestKind},
    error::RequestError,
};
use countersign_types::{
    Access, Problem, Timestamp, VerificationId,
    redirect_path::DEFAULT_REDIRECT,
    views::{LogInResponse, SessionTokens, TaggedAccount},
};
use http::{HeaderName, HeaderValue, header::SET_COOKIE, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// The session of the cookie of a page request, which the guard of protected pages has verified.
#[derive(Clone)]
pub struct PageSession(pub VerifiedSession);

/// The request that runs a server function.
pub struct RequestScope {
    http: HttpState,
    client: RequestContext,
    parts: Parts,
    response: ResponseOptions,
    kind: RequestKind,
    credential: RequestCredential,
    /// Separate from `credential`, because some functions use the cookie even where it is no
    /// credential.
    cookie: Option<String>,
    /// The verified credential, if it was verified already.
    verified: Option<VerifiedSession>,
}

impl RequestScope {
    /// Returns `None` outside a request, or if the server hasn't provided the context.
    pub(super) fn from_context() -> Option<Self> {
        let (http, parts, response): (HttpState, Parts, ResponseOptions) =
            (use_context()?, use_context()?, use_context()?);
        let client = parts.extensions.get::<RequestContext>()?.clone();
        let kind = credentials::request_kind(&parts.method, parts.uri.path(), &parts.headers);
        let credential = credentials::extract(kind, &parts.headers, http.cookies());
        let cookie = cookies::refresh_cookie(&parts.headers, http.cookies())
            .filter(|_| matches!(kind, RequestKind::PlainForm | RequestKind::Script));
        // The guard of protected pages has verified the same cookie.
        let verified = parts
            .extensions
            .get::<PageSession>()
            .filter(|_| kind == RequestKind::Page)
            .map(|session| session.0.clone());
        Some(Self { http, client, parts, response, kind, credential, cookie, verified })
    }

    /// Returns whether a request is being handled.
    pub(crate) fn exists() -> bool {
        use_context::<Parts>()
            .is_some_and(|parts| parts.extensions.get::<RequestContext>().is_some())
    }

    /// Returns the time of the page that is being rendered.
    pub(crate) fn now() -> Timestamp {
        use_context::<HttpState>().map_or(Timestamp(0), |http| http.auth().now())
    }

    /// The domain.
    pub fn auth(&self) -> &Auth {
        self.http.auth()
    }

    /// Address, user agent and id of the request.
    pub fn client(&self) -> &RequestContext {
        &self.client
    }

    /// The refresh token in the cookie. A log-in replaces its session.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Verifies the credential that an access level requires.
    pub(super) async fn require(&mut self, level: Access) -> Result<(), RequestError> {
        if level == Access::Public {
            return Ok(());
        }
        let user = self.signed_in().await?;
        user.require(level)?;
        self.verified = Some(user.into_verified());
        Ok(())
    }

    /// Authenticates the user, unless the access level of the function has done so.
    pub async fn signed_in(&self) -> Result<SignedIn<'_>, RequestError> {
        if let Some(verified) = &self.verified {
            return Ok(self.auth().resume(verified.clone()));
        }
        let presented = self.credential.presented().ok_or(Problem::Unauthenticated)?;
        Ok(self.auth().signed_in(&self.client, presented).await?)
    }

    /// Authenticates the user for a form, which was rendered for the session with this `tag`. Fails
    /// if the request has another session, because the user may have changed in another tab.
    pub async fn signed_in_as(&self, tag: &str) -> Result<SignedIn<'_>, RequestError> {
        let signed_in = self.signed_in().await?;
        if signed_in.session_tag() == tag {
            Ok(signed_in)
        } else {
            Err(Problem::SessionMismatch.into())
        }
    }

    /// Writes the response to a log-in: the cookies, and for a plain form the redirect. `next` is
    /// the value of a link and not validated. A new user who was not on the way to another page is
    /// welcomed. A script gets the access token.
    pub fn log_in_response(&self, next: &str, issued: IssuedTokens) -> LogInResponse {
        let target = self.http.return_urls().resolve(next);
        let is_welcome = issued.is_sign_up && (next.is_empty() || target == DEFAULT_REDIRECT);
        let next = if is_welcome { routes::welcome_page() } else { target };
        self.replace_tokens(&issued);
        self.redirect_form(&next);
        // A page render gets no token either: it would be part of the HTML.
        let session = (self.kind == RequestKind::Script).then(|| session(issued));
        LogInResponse { next, session }
    }

    /// Writes the response to a sign-up or log-in. If the address must be verified first, the
    /// browser keeps the id of what waits, and continues on the page for the code.
    pub fn step_response(&self, next: &str, step: LogInStep) -> LogInResponse {
        match step {
            LogInStep::SignedIn(issued) => self.log_in_response(next, *issued),
            LogInStep::NeedsVerification(id) => {
                let cookie = cookies::set_verification_cookie(&id.to_string(), self.http.cookies());
                self.response.append_header(SET_COOKIE, cookie);
                // The new email ends the link that the browser may have opened.
                let next = verify_page(if next == CONFIRM { "" } else { next });
                self.redirect_form(&next);
                LogInResponse { next, session: None }
            }
        }
    }

    /// The sign-up or log-in that waits in this browser for the verification of an address.
    pub fn pending_verification(&self) -> Result<VerificationId, RequestError> {
        cookies::verification_cookie(&self.parts.headers, self.http.cookies())
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Problem::LinkExpired.into())
    }

    /// Deletes the id of the sign-up or log-in that is complete.
    pub fn clear_verification_cookie(&self) {
        for value in cookies::clear_verification_cookie(self.http.cookies()) {
            self.response.append_header(SET_COOKIE, value);
        }
    }

    /// Sets the cookies of new tokens. A script refreshes its access token with the next call.
    pub fn replace_tokens(&self, issued: &IssuedTokens) {
        self.set_refresh_cookie(&issued.refresh);
        if let Some(known) = &issued.device_cookie {
            self.response.append_header(
                SET_COOKIE,
                cookies::set_device_cookie(&known.token, self.http.cookies()),
            );
        }
    }

    /// Refreshes the session. Uses the cookie of any kind of `POST` request.
    pub async fn refresh(&self) -> Result<SessionTokens, RequestError> {
        let token = self.cookie().ok_or(Problem::Unauthenticated)?;
        match self.auth().refresh(&self.client, token).await {
            Ok(issued) => {
                self.set_refresh_cookie(&issued.refresh);
                Ok(session(issued))
            }
            Err(error) => {
                // After `RefreshSuperseded` the browser already has a newer cookie, which must
                // stay.
                if matches!(error, countersign_core::Error::Unauthenticated) {
                    self.clear_session_cookies();
                }
                Err(error.into())
            }
        }
    }

    /// Ends every session that the request presents, and clears the cookies.
    pub async fn log_out(&self) -> Result<(), RequestError> {
        let bearer = match &self.credential {
            RequestCredential::Bearer(token) => Some(PresentedCredential::Bearer(token)),
            RequestCredential::Cookie(_) | RequestCredential::None => None,
        };
        for presented in
            [bearer, self.cookie().map(PresentedCredential::Cookie)].into_iter().flatten()
        {
            match self.auth().log_out(&self.client, presented).await {
                // The session has already ended.
                Ok(())
                | Err(
                    countersign_core::Error::Unauthenticated
                    | countersign_core::Error::RefreshSuperseded,
                ) => {}
                // The session is still active, so the browser keeps its cookies for a retry.
                Err(error) => return Err(error.into()),
            }
        }
        // No `Clear-Site-Data` for cookies or storage, which would also clear data of other
        // applications on this origin.
        // The page that logs out clears its own storage; after a plain form, the log-in page does.
        self.clear_session_cookies();
        if self.link_token().is_ok() {
            self.clear_link_cookie();
        }
        if self.pending_verification().is_ok() {
            self.clear_verification_cookie();
        }
        self.redirect_form(&format!("{LOG_IN}?{LOGGED_OUT}"));
        Ok(())
    }

    /// The token of the link from an email that this browser has opened.
    pub fn link_token(&self) -> Result<String, RequestError> {
        cookies::link_cookie(&self.parts.headers, self.http.cookies())
            .ok_or_else(|| Problem::LinkExpired.into())
    }

    /// The token of the link that a form was rendered for. Fails if this browser has opened another
    /// one meanwhile, which may be of another account.
    pub fn link_token_for(&self, link_id: &str) -> Result<String, RequestError> {
        let token = self.link_token()?;
        let is_same = self.auth().identify_link(&token).is_some_and(|id| id.to_string() == link_id);
        if is_same { Ok(token) } else { Err(Problem::LinkExpired.into()) }
    }

    /// Keeps the token of a link in this browser, until its page has used it.
    pub fn set_link_cookie(&self, token: &str) {
        self.response
            .append_header(SET_COOKIE, cookies::set_link_cookie(token, self.http.cookies()));
    }

    /// Deletes the token of a link that was used.
    pub fn clear_link_cookie(&self) {
        for value in cookies::clear_link_cookie(self.http.cookies()) {
            self.response.append_header(SET_COOKIE, value);
        }
    }

    /// Returns whether a browser posted a plain form.
    pub fn is_plain_form(&self) -> bool {
        self.kind == RequestKind::PlainForm
    }

    /// Redirects an accepted plain form. Scripts navigate themselves. `path` must be a constant
    /// path of this site, a [`countersign_types::RedirectPath`] or a result of
    /// [`countersign_types::ReturnUrls::resolve`].
    pub fn redirect_form(&self, path: &str) {
        if self.is_plain_form() {
            leptos_axum::redirect(path);
        }
        // Pages that the browser has fetched in advance are obsolete (W3C, Clear Site Data).
        self.response.insert_header(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static("\"prefetchCache\""),
        );
    }

    /// Redirects a plain form back to its protected page, or else to `path`, with `flash` in the
    /// query.
    pub fn redirect_form_back(&self, flash: Option<&str>, path: &str) {
        let mut page =
            response::protected_form_page(&self.parts.headers).unwrap_or_else(|| path.to_owned());
        if let Some(flash) = flash {
            page.push(if page.contains('?') { '&' } else { '?' });
            page.push_str(flash);
        }
        self.redirect_form(&page);
    }

    pub(super) fn write_error(&self, problem: &Problem) {
        let bearer_refused = *problem == Problem::Unauthenticated
            && matches!(self.credential, RequestCredential::Bearer(_));
        response::write_error(&self.parts, &self.response, problem, bearer_refused);
    }

    fn set_refresh_cookie(&self, refresh: &RefreshToken) {
        self.response
            .append_header(SET_COOKIE, cookies::set_refresh_cookie(refresh, self.http.cookies()));
    }

    fn clear_session_cookies(&self) {
        for value in cookies::clear_session_cookies(self.http.cookies()) {
            // `insert_header` would replace the first by the second.
            self.response.append_header(SET_COOKIE, value);
        }
    }
}

/// Returns the issued tokens without the refresh token, which browsers get in the cookie only.
fn session(issued: IssuedTokens) -> SessionTokens {
    SessionTokens {
        access_token: issued.access.token,
        expires_in: issued.access.expires_in,
        persistent: issued.persistent,
        account: TaggedAccount { account: issued.account, session_tag: issued.session_tag },
    }
}
