//! The complete server without sockets, and clients for it.

use crate::openapi_conformance;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use countersign::{AppState, brand::SiteBrand, config::Site, router};
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, Policy, PresentedCredential, RandomSource, RateLimits,
    RequestContext, ServerSecret, Store, Verification,
    accounts::LogInStep,
    admin::AdminAction,
    mail::{MailConfig, MailTransport, MemoryMailbox, SentMail},
    one_time_links::LinkPurpose,
    store::Seed,
    testing::{TestDatabase, tokens_of},
};
use countersign_http::HttpSettings;
use countersign_types::{
    Email, LinkId, Timestamp, VerificationId,
    forms::{ForgotPasswordForm, LogInForm, SignUpForm},
    views::Role,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";
/// 2026-01-01T00:00:00Z
pub const START: Timestamp = Timestamp(1_767_225_600_000);
pub const SIGN_UP: &str = "/api/v1/auth/signup";
pub const LOG_IN: &str = "/api/v1/auth/login";
pub const JSON: &str = "application/json";
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Starts `Auth` on this database, with cheap hashing and a manual clock.
pub async fn start_auth(database: &TestDatabase, url: &str, limits: RateLimits) -> (Auth, Clock) {
    let (clock, random) = (Clock::manual(START), RandomSource::System);
    let secret = ServerSecret::generate(&random).expect("randomness");
    let policy = Policy { limits, ..Policy::new(url) };
    (start_with_policy(database, &clock, secret, policy, None).await, clock)
}

async fn start_with_policy(
    database: &TestDatabase,
    clock: &Clock,
    secret: ServerSecret,
    policy: Policy,
    mail: Option<MailConfig>,
) -> Auth {
    let store = Store::open(&database.url).await.expect("a database");
    let (clock, random) = (clock.clone(), RandomSource::System);
    let hashing = HashingConfig {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
        threads: 2,
        queue_capacity: 64,
    };
    let parts = AuthConfig { store, clock, random, secret, policy, hashing, mail };
    Auth::start(parts).await.expect("a start")
}

/// Email to this mailbox.
fn mail_config(mailbox: &MemoryMailbox) -> MailConfig {
    let transport = MailTransport::Memory(mailbox.clone());
    let mail = MailConfig::new(transport, "accounts@example.com", None, "Countersign");
    mail.expect("a sender")
}

/// The default HTTP settings with this public URL.
pub fn http_config(url: &str) -> HttpSettings {
    HttpSettings::new(url.parse().expect("a URL"))
}

/// Returns the `Host` of a URL.
pub fn authority(url: &str) -> String {
    url.split_once("://").expect("a URL").1.to_owned()
}

/// A site without files.
pub fn no_site() -> Site {
    Site {
        root: PathBuf::from("no-such-folder"),
        hashed: false,
        reload_port: None,
        brand: SiteBrand::default(),
        has_gallery: true,
        is_demo: false,
    }
}

/// Sends a request from 192.0.2.7, and checks the response against the OpenAPI document.
pub async fn send_request(router: &Router, request: Request<Body>) -> TestResponse {
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let response = send_without_openapi_check(router, request).await;
    openapi_conformance::check(&method, &path, &response);
    response
}

/// Sends a request without that check, for internal errors, which are not documented.
pub async fn send_without_openapi_check(
    router: &Router,
    mut request: Request<Body>,
) -> TestResponse {
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost:3000"));
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))));
    let (parts, body) = router.clone().oneshot(request).await.expect("a response").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    TestResponse {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The server under test, on a database of its own.
pub struct App {
    /// Default value of the `Host` header.
    host: String,
    pub router: Router,
    pub server: AppState,
    pub clock: Clock,
    /// The emails that were sent.
    pub mailbox: MemoryMailbox,
    secret: ServerSecret,
    database: TestDatabase,
}

impl App {
    /// Starts a server on `http://localhost:3000`.
    pub async fn on(database: TestDatabase) -> Self {
        Self::with_url(database, "http://localhost:3000").await
    }

    /// Starts a server with this public URL.
    pub async fn with_url(database: TestDatabase, url: &str) -> Self {
        Self::with_settings(database, url, |_| {}).await
    }

    /// Starts a server with changed HTTP settings.
    pub async fn with_settings(
        database: TestDatabase,
        url: &str,
        change: impl FnOnce(&mut HttpSettings),
    ) -> Self {
        Self::build(database, change, Policy { limits: RateLimits::off(), ..Policy::new(url) })
            .await
    }

    /// Starts a server on which email addresses must be verified.
    pub async fn requiring_verification(database: TestDatabase) -> Self {
        Self::build(database, |_| {}, verifying_policy("http://localhost:3000")).await
    }

    /// Starts a server with this policy.
    pub async fn with_policy(database: TestDatabase, policy: Policy) -> Self {
        Self::build(database, |_| {}, policy).await
    }

    /// Starts a server with rate limits, which are off in other tests, and with the test client's
    /// address as a trusted proxy.
    pub async fn with_rate_limits(database: TestDatabase) -> Self {
        Self::build(
            database,
            |http| http.trusted_proxies = vec!["192.0.2.7/32".parse().expect("a network")],
            Policy::new("http://localhost:3000"),
        )
        .await
    }

    async fn build(
        database: TestDatabase,
        change: impl FnOnce(&mut HttpSettings),
        policy: Policy,
    ) -> Self {
        let (mailbox, url) = (MemoryMailbox::default(), policy.issuer.clone());
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness");
        let (clock, mail) = (Clock::manual(START), Some(mail_config(&mailbox)));
        let auth = start_with_policy(&database, &clock, secret.clone(), policy, mail).await;
        let mut http = http_config(&url);
        change(&mut http);
        let server = AppState::new(auth, &http, &no_site());
        Self {
            host: authority(&url),
            router: router(server.clone()),
            server,
            clock,
            mailbox,
            secret,
            database,
        }
    }

    /// Changes the brand of the pages.
    pub fn with_brand(mut self, brand: SiteBrand) -> Self {
        let site = Site { brand, ..no_site() };
        let http = http_config(&format!("http://{}", self.host));
        self.server = AppState::new(self.server.auth().clone(), &http, &site);
        self.router = router(self.server.clone());
        self
    }

    /// Switches the component gallery off.
    pub fn without_gallery(mut self) -> Self {
        let site = Site { has_gallery: false, ..no_site() };
        let http = http_config(&format!("http://{}", self.host));
        self.server = AppState::new(self.server.auth().clone(), &http, &site);
        self.router = router(self.server.clone());
        self
    }

    /// Changes the public URL, and serves the site in `root`.
    pub fn set_url_and_site(&mut self, url: &str, root: &Path) {
        self.host = authority(url);
        self.server = AppState::new(
            self.server.auth().clone(),
            &http_config(url),
            &Site {
                root: root.to_owned(),
                hashed: false,
                reload_port: None,
                brand: SiteBrand::default(),
                has_gallery: true,
                is_demo: false,
            },
        );
        self.router = router(self.server.clone());
    }

    /// Adds `count` log-ins of a user now to the activity list.
    pub async fn seed_log_ins(&self, user: &User<'_>, count: i64) {
        let me = user.client.get("/api/v1/me").await.json();
        let id = me["id"].as_str().expect("an id").parse().expect("an id");
        let store = Store::open(&self.database.url).await.expect("a database");
        let mut tx = store.write().await.expect("a transaction");
        tx.seed(Seed::Events, id, count, self.clock.now()).await.expect("rows");
        tx.commit().await.expect("a commit");
    }

    /// A client without credentials.
    pub fn anon(&self) -> Client<'_> {
        Client { app: self, headers: HeaderMap::new() }
    }

    /// Signs up a user, and returns a client with its tokens.
    pub async fn user(&self, email: &str) -> User<'_> {
        let response = self
            .anon()
            .post("/api/v1/auth/signup", json!({"email": email, "password": PASSWORD}))
            .await;
        assert_eq!(response.status, StatusCode::CREATED, "{}", response.text);
        let text = |name: &str| response.json()[name].as_str().expect("a token").to_owned();
        self.bearer(text("access_token"), text("refresh_token"))
    }

    /// Logs in a user, and returns a client with the tokens of the new session.
    pub async fn log_in(&self, email: &str) -> User<'_> {
        let response = self
            .anon()
            .post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD}))
            .await;
        assert_eq!(response.status, StatusCode::OK, "{}", response.text);
        let text = |name: &str| response.json()[name].as_str().expect("a token").to_owned();
        self.bearer(text("access_token"), text("refresh_token"))
    }

    /// Sends the emails that are due, and returns those to one address.
    pub async fn mail_to(&self, email: &str) -> Vec<SentMail> {
        self.server.auth().deliver_mail().await.expect("a delivery");
        self.mailbox.take().into_iter().filter(|mail| mail.to == email).collect()
    }

    /// Requests an email to reset the password of an account, and returns its link.
    pub async fn reset_link(&self, email: &str) -> MailedLink {
        let (auth, client) = (self.server.auth(), RequestContext::default());
        let form = ForgotPasswordForm { email: email.to_owned() };
        auth.request_password_reset(&client, &form).await.expect("a request");
        MailedLink::new(auth, &self.mail_to(email).await.pop().expect("an email"))
    }

    /// Returns a link for this purpose that was sent to an account. For
    /// [`LinkPurpose::SecureAccount`] there is a log-in from a new device.
    pub async fn link(&self, purpose: LinkPurpose, email: &str) -> MailedLink {
        let link = self.reset_link(email).await;
        if purpose == LinkPurpose::ResetPassword {
            return link;
        }
        let form =
            LogInForm { email: email.to_owned(), password: PASSWORD.to_owned(), remember_me: true };
        let device = Some(format!("Device {}", link.id).into());
        let client = RequestContext { device, ..RequestContext::default() };
        self.server.auth().log_in(&client, &form, None).await.map(tokens_of).expect("a log-in");
        MailedLink::new(self.server.auth(), &self.mail_to(email).await.pop().expect("a notice"))
    }

    /// Invites a person to sign up, as the operator, and returns the link in the email.
    pub async fn invitation(&self, email: &str) -> MailedLink {
        let auth = self.server.auth();
        let address = Email::parse(email).expect("an address");
        let operator = auth.operator_for_tests(&RequestContext::default());
        operator.invite(&address).await.expect("an invitation");
        MailedLink::new(auth, &self.mail_to(email).await.pop().expect("an email"))
    }

    /// Returns a link that verifies the address of an account, at its own request. For an account
    /// that cannot log in, it is an invalid one.
    pub async fn own_link(&self, email: &str) -> MailedLink {
        let (auth, client) = (self.server.auth(), RequestContext::default());
        let (email, password) = (email.to_owned(), PASSWORD.to_owned());
        let form = LogInForm { email: email.clone(), password, remember_me: true };
        let invalid = || {
            let id = LinkId(uuid::Uuid::nil());
            let (token, code) = ("csgn_link_".to_owned(), "123456".to_owned());
            MailedLink { id, token, code, verification: None }
        };
        let Ok(step) = auth.log_in(&client, &form, None).await else { return invalid() };
        let access = tokens_of(step).access.token;
        let user = auth.signed_in(&client, PresentedCredential::Bearer(&access)).await;
        let Ok(user) = user else { return invalid() };
        user.send_verification().await.expect("a request");
        let mails = self.mail_to(&email).await;
        let is_code = |mail: &&SentMail| mail.subject.starts_with("Your code");
        MailedLink::new(auth, mails.iter().find(is_code).expect("an email"))
    }

    /// Starts a sign-up that waits for the code, on another node, on which addresses must be
    /// verified. Returns its link with the id of what waits.
    pub async fn pending_sign_up(&self, email: &str) -> MailedLink {
        let policy = verifying_policy(&self.server.auth().policy().issuer);
        let mail = Some(mail_config(&self.mailbox));
        let secret = self.secret.clone();
        let auth = start_with_policy(&self.database, &self.clock, secret, policy, mail).await;
        let (email, password) = (email.to_owned(), PASSWORD.to_owned());
        let form = SignUpForm { email: email.clone(), password, ..SignUpForm::default() };
        let step = auth.sign_up(&RequestContext::default(), &form, None).await;
        let LogInStep::NeedsVerification(id) = step.expect("a sign-up") else {
            panic!("a session has begun")
        };
        let mail = self.mail_to(&email).await.pop().expect("an email");
        MailedLink { verification: Some(id), ..MailedLink::new(self.server.auth(), &mail) }
    }

    fn bearer(&self, access: String, refresh: String) -> User<'_> {
        User {
            client: self.anon().with("authorization", &format!("Bearer {access}")),
            access,
            refresh,
        }
    }
}

/// The parts of a link in an email.
#[derive(Clone)]
pub struct MailedLink {
    pub id: LinkId,
    pub token: String,
    /// The digits in the subject.
    pub code: String,
    /// The sign-up that waits for it, if there is one.
    pub verification: Option<VerificationId>,
}

/// A policy by which email addresses must be verified, without rate limits.
fn verifying_policy(url: &str) -> Policy {
    let (limits, verification) = (RateLimits::off(), Verification::Required);
    Policy { limits, verification, ..Policy::new(url) }
}

impl MailedLink {
    pub fn new(auth: &Auth, mail: &SentMail) -> Self {
        let (_, rest) = mail.text.split_once("/link?token=").expect("a link");
        let token = rest.split_whitespace().next().expect("a token").to_owned();
        Self {
            id: auth.identify_link(&token).expect("a genuine token"),
            token,
            code: mail.subject.chars().filter(char::is_ascii_digit).collect(),
            verification: None,
        }
    }
}

/// A client with default headers.
#[derive(Clone)]
pub struct Client<'a> {
    app: &'a App,
    headers: HeaderMap,
}

/// A client with the tokens of a session; its access token is sent as a bearer token.
pub struct User<'a> {
    pub client: Client<'a>,
    pub access: String,
    pub refresh: String,
}

impl Client<'_> {
    /// The server that the client sends to.
    pub fn app(&self) -> &App {
        self.app
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), value.parse().expect("a header value"));
        self
    }

    /// Adds the refresh cookie, and `Sec-Fetch-Site` as a browser sends it.
    pub fn browser(self, refresh: &str) -> Self {
        self.with("cookie", &format!("countersign-3000={refresh}"))
            .with("sec-fetch-site", "same-origin")
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.clone()
            .with("content-type", "application/json")
            .send(Method::POST, path, Body::from(body.to_string()))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> TestResponse {
        self.clone()
            .with("content-type", "application/json")
            .send(Method::PATCH, path, Body::from(body.to_string()))
            .await
    }

    /// Calls a server function as the frontend does.
    pub async fn call(&self, path: &str, form: &str) -> TestResponse {
        self.clone()
            .with("content-type", FORM)
            .with("accept", "application/json")
            .send(Method::POST, path, Body::from(form.to_owned()))
            .await
    }

    /// Posts a form as a browser does with scripts off, from the page `from`.
    pub async fn submit(&self, path: &str, from: &str, form: &str) -> TestResponse {
        let referer = format!("http://localhost:3000{from}");
        let client = self
            .clone()
            .with("content-type", FORM)
            .with("accept", "text/html,*/*;q=0.8")
            .with("referer", &referer);
        client
            .with("origin", "http://localhost:3000")
            .send(Method::POST, path, Body::from(form.to_owned()))
            .await
    }

    pub async fn delete(&self, path: &str) -> TestResponse {
        self.send(Method::DELETE, path, Body::empty()).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Body) -> TestResponse {
        let mut request =
            Request::builder().method(method).uri(path).body(body).expect("a request");
        request.headers_mut().extend(self.headers.clone());
        request.headers_mut().entry(header::HOST).or_insert(self.app.host.parse().expect("a host"));
        send_request(&self.app.router, request).await
    }
}

/// A response with its complete body.
#[derive(Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestResponse {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Returns the code of a problem (RFC 9457), after checks of its format.
    pub fn problem_code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{} {}",
            self.status,
            self.text
        );
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(
            body["type"],
            format!("/problems/{}", body["code"].as_str().expect("a code").replace('_', "-"))
        );
        body["code"].as_str().expect("a code").to_owned()
    }

    /// Returns the code of a problem or, below `/oauth`, of an OAuth error.
    pub fn error_code(&self) -> String {
        if self.header("content-type") == JSON {
            self.json()["error"].as_str().expect("an error").to_owned()
        } else {
            self.problem_code()
        }
    }

    /// Returns the JSON pointer and the code of each invalid field.
    pub fn field_errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        self.json()["errors"].as_array().map_or_else(Vec::new, |errors| {
            errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
        })
    }

    /// Returns all headers but those that differ between any two responses.
    pub fn stable_headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"))
            .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
            .collect();
        headers.sort();
        headers
    }

    /// Returns the `Set-Cookie` headers in order.
    pub fn cookies(&self) -> Vec<String> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().expect("text").to_owned())
            .collect()
    }
}

/// Percent-encodes every byte but ASCII letters and digits.
pub fn percent_encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Signs up an administrator, and returns a client with its access token.
pub async fn admin_client(app: &App) -> Client<'_> {
    app.user("admin@example.com").await;
    let operator = app.server.auth().operator_for_tests(&RequestContext::default());
    let id = operator
        .user_by_email(&Email::parse("admin@example.com").expect("an address"))
        .await
        .expect("a user")
        .id;
    operator.change(id, AdminAction::Role(Role::Admin)).await.expect("changed");
    app.log_in("admin@example.com").await.client
}

/// Reads the change feed, as a server does continuously: after 30 seconds without it, requests are
/// refused.
pub async fn sync_feed(app: &App) {
    app.server.auth().sync_feed().await.expect("synced");
}

/// Sends a body with this content type, or without one if it is empty.
pub async fn send_body(
    client: &Client<'_>,
    method: &str,
    path: &str,
    content_type: &str,
    body: impl Into<Body>,
) -> TestResponse {
    let client = if content_type.is_empty() {
        client.clone()
    } else {
        client.clone().with("content-type", content_type)
    };
    client.send(method.parse().expect("a method"), path, body.into()).await
}

/// The paths of all server functions.
pub fn server_function_paths() -> Vec<String> {
    leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}
