//! The number of heap allocations of one API request: a figure of its cost that does not depend on
//! the machine. In a process of its own, because the allocator counts for the whole process.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, header::AUTHORIZATION},
    routing::get,
};
use countersign::{AppState, brand::SiteBrand, config::Site, router};
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, Policy, RandomSource, RateLimits, RequestContext,
    ServerSecret, Store, testing::TestDatabase, testing::tokens_of,
};
use countersign_http::HttpSettings;
use countersign_types::{Timestamp, forms::SignUpForm};
use http_body_util::BodyExt;
use std::{net::SocketAddr, path::PathBuf};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Maximum number of allocations of a request that verifies an access token and reads no database.
const MAX_ALLOCATIONS: u64 = 120;
/// Number of measured requests.
const REQUESTS: u64 = 20;

/// Starts the server and signs up a user. Returns the router and an access token.
async fn start(database: &TestDatabase) -> (Router, String) {
    let random = RandomSource::System;
    let auth = Auth::start(AuthConfig {
        store: Store::open(&database.url).await.expect("a database"),
        clock: Clock::manual(Timestamp(1_767_225_600_000)),
        secret: ServerSecret::generate(&random).expect("randomness"),
        random,
        policy: Policy { limits: RateLimits::off(), ..Policy::new("http://localhost:3000") },
        hashing: HashingConfig {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
            threads: 1,
            queue_capacity: 8,
        },
        mail: None,
    })
    .await
    .expect("a start");
    let form = SignUpForm {
        email: "ada@example.com".to_owned(),
        password: "correct horse battery".to_owned(),
        ..SignUpForm::default()
    };
    let issued = auth
        .sign_up(&RequestContext::default(), &form, None)
        .await
        .map(tokens_of)
        .expect("signed up");
    let settings = HttpSettings::new("http://localhost:3000".parse().expect("a URL"));
    let site = Site {
        root: PathBuf::from("no-such-folder"),
        hashed: false,
        reload_port: None,
        brand: SiteBrand::default(),
    };
    (router(AppState::new(auth, &settings, &site)), issued.access.token)
}

/// Returns the number of allocations of one request, including the client's own.
async fn count(router: &Router, path: &str, token: Option<&str>) -> u64 {
    let send = async || {
        let mut request = Request::get(path).header("host", "localhost:3000");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut request = request.body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4711))));
        let response = router.clone().oneshot(request).await.expect("a response");
        let status = response.status();
        drop(response.into_body().collect().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status}");
    };
    for _ in 0..3 {
        send().await;
    }
    let before = dhat::HeapStats::get().total_blocks;
    for _ in 0..REQUESTS {
        send().await;
    }
    (dhat::HeapStats::get().total_blocks - before) / REQUESTS
}

#[tokio::test]
async fn api_request_stays_within_its_number_of_allocations() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let database = TestDatabase::sqlite();
    let (router, token) = start(&database).await;
    let bare = Router::new().route("/", get(async || "ok"));
    let counts = [
        ("bare axum handler", count(&bare, "/", None).await),
        ("GET /healthz", count(&router, "/healthz", None).await),
        ("GET /api/v1/auth/verify", count(&router, "/api/v1/auth/verify", Some(&token)).await),
        (
            "GET /api/v1/me, with its database read",
            count(&router, "/api/v1/me", Some(&token)).await,
        ),
    ];
    for (name, number) in counts {
        println!("{number:5} allocations: {name}");
    }
    assert!(counts[2].1 <= MAX_ALLOCATIONS, "{counts:?}");
}
