//! The whole server without a socket, and clients that are typed by who they are.

use crate::described;
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use countersign::{
    Server,
    config::{Http, Site},
    router,
};
use countersign_core::{
    Auth, Client as Caller, Clock, Entropy, Hashing, Policy, RateLimits, ServerSecret, Store,
    flow::{Change, Parts},
    testing::FreshDatabase,
};
use countersign_types::{Email, Timestamp, view::Role};
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

/// The domain on this database, for tests: quick, and with a clock that is moved by hand.
pub async fn started(database: &FreshDatabase, url: &str, limits: RateLimits) -> (Auth, Clock) {
    let store = Store::open(&database.url).await.expect("a database");
    let (clock, entropy) = (Clock::manual(START), Entropy::System);
    let secret = ServerSecret::generate(&entropy).expect("randomness");
    let hashing = Hashing { m: 64, t: 1, p: 1, threads: 2, queue: 64 };
    let policy = Policy { limits, ..Policy::new(url) };
    (
        Auth::start(Parts { store, clock: clock.clone(), entropy, secret, policy, hashing })
            .await
            .expect("a start"),
        clock,
    )
}

/// People reach it by this address; all else as it is without settings.
pub fn reached_by(url: &str) -> Http {
    Http {
        listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
        public_url: url.parse().expect("a URL"),
        allowed_hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        x_access_token: false,
        identity_headers: false,
        security_contacts: Vec::new(),
        introspection_secret: None,
        hsts_subdomains: false,
        keep_alive: Http::DEFAULT_KEEP_ALIVE,
        shutdown_delay: Http::DEFAULT_SHUTDOWN_DELAY,
    }
}

/// What clients ask for that reach us by `url`.
pub fn authority(url: &str) -> String {
    url.split_once("://").expect("a URL").1.to_owned()
}

/// No files to be served.
pub fn no_site() -> Site {
    Site { root: PathBuf::from("no-such-folder"), hashed: false, reload_port: None }
}

/// What `router` answers to a client at 192.0.2.7. It is what the description of the API promises.
pub async fn answered(router: &Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let answer = undescribed(router, request).await;
    described::check(&method, &path, &answer);
    answer
}

/// The same, where it is a fault of ours: no description promises that.
pub async fn undescribed(router: &Router, mut request: Request<Body>) -> Answer {
    request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost:3000"));
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))));
    let (parts, body) = router.clone().oneshot(request).await.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

pub struct App {
    /// What clients ask for.
    host: String,
    pub router: Router,
    pub server: Server,
    pub clock: Clock,
    _database: FreshDatabase,
}

impl App {
    /// On plain http, as on a laptop.
    pub async fn on(database: FreshDatabase) -> Self {
        Self::at(database, "http://localhost:3000").await
    }

    /// As people reach it by `url`.
    pub async fn at(database: FreshDatabase, url: &str) -> Self {
        Self::with(database, url, |_| {}).await
    }

    /// With other settings.
    pub async fn with(database: FreshDatabase, url: &str, change: impl FnOnce(&mut Http)) -> Self {
        Self::made(database, url, change, RateLimits::off()).await
    }

    /// With limits, which are off otherwise: tests try more often than people.
    pub async fn limiting(database: FreshDatabase) -> Self {
        Self::made(
            database,
            "http://localhost:3000",
            |http| http.trusted_proxies = vec!["192.0.2.7/32".parse().expect("a network")],
            RateLimits::default(),
        )
        .await
    }

    async fn made(
        database: FreshDatabase,
        url: &str,
        change: impl FnOnce(&mut Http),
        limits: RateLimits,
    ) -> Self {
        let (auth, clock) = started(&database, url, limits).await;
        let mut http = reached_by(url);
        change(&mut http);
        let server = Server::new(auth, &http, &no_site());
        Self {
            host: authority(url),
            router: router(server.clone()),
            server,
            clock,
            _database: database,
        }
    }

    /// From now on people reach it by `url`, and it has a site.
    pub fn move_to(&mut self, url: &str, root: &Path) {
        self.host = authority(url);
        self.server = Server::new(
            self.server.auth().clone(),
            &reached_by(url),
            &Site { root: root.to_owned(), hashed: false, reload_port: None },
        );
        self.router = router(self.server.clone());
    }

    /// A program that shows nothing.
    pub fn anon(&self) -> Client<'_> {
        Client { app: self, headers: HeaderMap::new() }
    }

    /// A program that has signed up, with its two tokens.
    pub async fn user(&self, email: &str) -> User<'_> {
        let answer = self
            .anon()
            .post("/api/v1/auth/signup", json!({"email": email, "password": PASSWORD}))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let text = |name: &str| answer.json()[name].as_str().expect("a token").to_owned();
        self.bearer(text("access_token"), text("refresh_token"))
    }

    /// Another session of somebody who has an account.
    pub async fn log_in(&self, email: &str) -> User<'_> {
        let answer = self
            .anon()
            .post("/api/v1/auth/login", json!({"email": email, "password": PASSWORD}))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let text = |name: &str| answer.json()[name].as_str().expect("a token").to_owned();
        self.bearer(text("access_token"), text("refresh_token"))
    }

    fn bearer(&self, access: String, refresh: String) -> User<'_> {
        User {
            client: self.anon().with("authorization", &format!("Bearer {access}")),
            access,
            refresh,
        }
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Client<'a> {
    app: &'a App,
    headers: HeaderMap,
}

/// Somebody who asks with an access token.
pub struct User<'a> {
    pub client: Client<'a>,
    pub access: String,
    pub refresh: String,
}

impl Client<'_> {
    /// With one more header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), value.parse().expect("a header value"));
        self
    }

    /// A browser that holds a refresh token in its cookie and sends what browsers send.
    pub fn browser(self, refresh: &str) -> Self {
        self.with("cookie", &format!("countersign-3000={refresh}"))
            .with("sec-fetch-site", "same-origin")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.clone()
            .with("content-type", "application/json")
            .send(Method::POST, path, Body::from(body.to_string()))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.clone()
            .with("content-type", "application/json")
            .send(Method::PATCH, path, Body::from(body.to_string()))
            .await
    }

    /// As our own script calls a server function.
    pub async fn call(&self, path: &str, form: &str) -> Answer {
        self.clone()
            .with("content-type", FORM)
            .with("accept", "application/json")
            .send(Method::POST, path, Body::from(form.to_owned()))
            .await
    }

    /// As a browser posts a form with scripts off.
    pub async fn submit(&self, path: &str, from: &str, form: &str) -> Answer {
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

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Body::empty()).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Body) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).body(body).expect("a request");
        request.headers_mut().extend(self.headers.clone());
        request.headers_mut().entry(header::HOST).or_insert(self.app.host.parse().expect("a host"));
        answered(&self.app.router, request).await
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The code of a problem, having checked that it is one.
    pub fn problem(&self) -> String {
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

    /// The code of a refusal: of a problem, or below `/oauth` the error of OAuth.
    pub fn refusal(&self) -> String {
        if self.header("content-type") == JSON {
            self.json()["error"].as_str().expect("an error").to_owned()
        } else {
            self.problem()
        }
    }

    /// The pointers of the members that are wrong, each with its code.
    pub fn members(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        self.json()["errors"].as_array().map_or_else(Vec::new, |errors| {
            errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
        })
    }

    /// All headers but those that differ between any two answers.
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

    /// What the answer does to the refresh cookie: its values in order.
    pub fn cookies(&self) -> Vec<String> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().expect("text").to_owned())
            .collect()
    }
}

/// Every byte that is not plain, escaped.
pub fn escaped(bytes: &[u8]) -> String {
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

/// An administrator's program: nothing is refused for want of a right.
pub async fn boss(app: &App) -> Client<'_> {
    app.user("boss@example.com").await;
    let operator = app.server.auth().operator_for_tests(&Caller::default());
    let id = operator
        .user_with(&Email::parse("boss@example.com").expect("an address"))
        .await
        .expect("a user")
        .id;
    operator.change(id, Change::Role(Role::Admin)).await.expect("changed");
    app.log_in("boss@example.com").await.client
}

/// As a node does all the time: one that has not heard for half a minute would let nobody in.
pub async fn hear(app: &App) {
    app.server.auth().listen().await.expect("heard");
}

/// Sends a body of this kind. Without a kind, it says none.
pub async fn send(
    client: &Client<'_>,
    method: &str,
    path: &str,
    kind: &str,
    body: impl Into<Body>,
) -> Answer {
    let client =
        if kind.is_empty() { client.clone() } else { client.clone().with("content-type", kind) };
    client.send(method.parse().expect("a method"), path, body.into()).await
}

/// The paths of all server functions.
pub fn functions() -> Vec<String> {
    leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}
