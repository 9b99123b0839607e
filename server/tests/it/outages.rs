//! Database outages, database errors and invalid configuration: clients get a 503 with
//! `Retry-After` or a 500 without internal details, and the log has the cause.

use crate::{
    log_capture::LogCapture,
    permission_matrix::{
        AccountState, CredentialKind, Fixture, Operation, Permission, operations, send_operation,
    },
    process::WAIT_TIMEOUT,
    support::{App, FORM, JSON, PASSWORD, TestResponse, send_without_openapi_check},
};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use countersign_core::{RandomSource, ServerSecret, test_on_each_database, testing::TestDatabase};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

/// Operations that need no database, and work during an outage.
const WITHOUT_DATABASE: &[&str] = &[
    "get /.well-known/jwks.json",
    "get /.well-known/oauth-authorization-server",
    "get /.well-known/oauth-protected-resource",
    "get /healthz",
    "get /",
    "get /gallery",
    "get /gallery/brand",
    "get /login",
    "get /signup",
    // Without a link from an email.
    "get /forgot",
    "get /reset",
    "get /secure",
    "get /verify",
    "get /confirm",
];

/// A TCP proxy between the server and Postgres. While it is closed, connections are cut and new
/// ones fail.
struct DatabaseProxy(watch::Sender<bool>);

impl DatabaseProxy {
    /// Starts a proxy, and replaces the address in the database URL by its own.
    async fn start(database: &mut TestDatabase) -> Self {
        let mut url: url::Url = database.url.parse().expect("a URL");
        let upstream = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        database.url = url.into();
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((mut client, _)) = listener.accept().await else { return };
                let (mut is_open, upstream) = (is_open.clone(), upstream.clone());
                tokio::spawn(async move {
                    if !*is_open.borrow_and_update() {
                        // Unread data causes a reset instead of an orderly close: the client sees
                        // both in turns.
                        if number % 2 == 0 {
                            let _ = client.read(&mut [0; 64]).await;
                        }
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self(open)
    }
}

/// Returns the operations that need the database, each with a credential that it accepts.
async fn database_operations(app: &App) -> Vec<(Operation, CredentialKind)> {
    let with_credential = |mut operation: Operation| {
        if operation.name.contains(" /oauth/") {
            // A valid token, which needs the database.
            operation.body = "grant_type=refresh_token&refresh_token={refresh}&token={refresh}";
        }
        let credential = match operation.permission {
            Permission::RefreshCookie
            | Permission::FreshRefreshCookie
            | Permission::AccessTokenOrRefreshCookie => CredentialKind::RefreshCookie,
            Permission::IntrospectionClient => CredentialKind::IntrospectionSecret,
            Permission::Public
            | Permission::AccessToken
            | Permission::FreshAccessToken
            | Permission::Administrator
            | Permission::AnyIssuedToken
            | Permission::OauthClient => CredentialKind::Bearer,
        };
        (operation, credential)
    };
    operations(app)
        .await
        .into_iter()
        .filter(|operation| !WITHOUT_DATABASE.contains(&operation.name.as_str()))
        .map(with_credential)
        .collect()
}

/// Asserts a 503 with `Retry-After`, in the error format of the operation.
fn assert_unavailable(response: &TestResponse, operation: &str) {
    let context = format!("{operation}: {} {}", response.status, response.text);
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE, "{context}");
    if operation.contains(" /oauth/") {
        assert_eq!(response.json()["error"], "temporarily_unavailable", "{context}");
    } else if operation.contains(" /fn/") {
        assert_eq!(response.text, "\"unavailable\"", "{context}");
    } else if operation.contains(" /account") {
        assert!(
            response.text.contains(&*countersign_types::Problem::Unavailable.detail())
                && !response.text.contains("@example.com"),
            "{context}"
        );
    } else {
        assert_eq!(response.problem_code(), "unavailable", "{context}");
    }
    let seconds: u32 = response
        .header("retry-after")
        .parse()
        .unwrap_or_else(|_| panic!("no Retry-After: {context}"));
    assert!((1..=60).contains(&seconds), "{context}");
    assert!(response.cookies().is_empty(), "the session is kept: {context}");
    assert_no_internals(response, operation);
}

/// Asserts that the response has no internal details.
fn assert_no_internals(response: &TestResponse, operation: &str) {
    for internal in [
        "SELECT",
        "INSERT",
        "UPDATE",
        "sqlx",
        "sqlite",
        "postgres",
        "database error",
        "no such table",
        "relation",
        "panicked",
        ".rs:",
        "/tmp/",
        "127.0.0.1",
        "RUST_BACKTRACE",
    ] {
        assert!(!response.text.contains(internal), "{operation}: {internal} in {}", response.text);
    }
}

#[tokio::test]
async fn database_outage_returns_503_until_it_recovers() {
    let mut database = TestDatabase::postgres().await;
    let proxy = DatabaseProxy::start(&mut database).await;
    let fixture = Fixture::on(database).await;
    let mut users = Vec::new();
    let operations = database_operations(&fixture.app).await;
    for (number, (operation, _)) in operations.iter().enumerate() {
        let caller =
            fixture.user(AccountState::Admin, &format!("caller{number}@example.com")).await;
        let victim = fixture.user(AccountState::User, &format!("victim{number}@example.com")).await;
        victim.prepare_link(&fixture.app, &caller, operation).await;
        users.push((caller, victim));
    }
    let send_all = async || {
        let mut responses = Vec::new();
        for (number, ((operation, credential), (caller, victim))) in
            operations.iter().zip(&users).enumerate()
        {
            let client = fixture.client_with(caller, *credential).with("accept-language", "en");
            let fresh = format!("fresh{number}@example.com");
            responses.push((
                operation.name.as_str(),
                send_operation(&client, operation, caller, victim, &fresh).await,
            ));
        }
        responses
    };
    fixture.sync_feed().await;
    proxy.0.send_replace(false);
    for (operation, response) in send_all().await {
        assert_unavailable(&response, operation);
    }
    for operation in WITHOUT_DATABASE {
        let path = operation.strip_prefix("get ").expect("a path");
        assert_eq!(
            fixture.app.anon().get(path).await.status,
            StatusCode::OK,
            "{operation} needs no database"
        );
    }
    // A missing credential is refused without the database.
    assert_eq!(fixture.app.anon().get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    proxy.0.send_replace(true);
    let recovered =
        async { while fixture.app.anon().get("/readyz").await.status != StatusCode::OK {} };
    timeout(WAIT_TIMEOUT, recovered).await.expect("readiness in time");
    fixture.sync_feed().await;
    for (operation, response) in send_all().await {
        assert!(response.status.is_success(), "{operation}: {} {}", response.status, response.text);
    }
}

#[tokio::test]
async fn terminated_database_connections_cause_no_500() {
    let database = TestDatabase::postgres().await;
    let url = database.url.clone();
    let app = App::on(database).await;
    let users = join_all((0..4).map(|number| {
        let app = &app;
        async move { app.user(&format!("user{number}@example.com")).await }
    }))
    .await;
    let mut operator = PgConnection::connect(&url).await.expect("Postgres");
    let calls = async |number: usize| {
        let user = &users[number];
        let log_in = json!({"email": format!("user{number}@example.com"), "password": PASSWORD});
        let refresh = json!({"refresh_token": user.refresh});
        [
            user.client.get("/api/v1/me").await,
            user.client.patch("/api/v1/me", json!({"name": "Ada"})).await,
            app.anon().post("/api/v1/auth/login", log_in).await,
            app.anon().post("/api/v1/auth/refresh", refresh).await,
            user.client.call("/fn/list-activity", "").await,
        ]
    };
    let mut cut = 0;
    for round in 0..20 {
        let (killed, responses) = futures::join!(
            sqlx::query_scalar::<_, i64>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            .fetch_one(&mut operator),
            join_all((0..4).map(calls)),
        );
        cut += killed.expect("a response");
        for response in responses.iter().flatten() {
            assert!(
                response.status.is_success() || response.status == StatusCode::SERVICE_UNAVAILABLE,
                "round {round}: {} {}",
                response.status,
                response.text
            );
        }
    }
    assert!(cut > 20, "{cut} connections were cut");
    for (number, response) in join_all((0..4).map(calls)).await.iter().flatten().enumerate() {
        assert!(
            response.status.is_success(),
            "operation {number}: {} {}",
            response.status,
            response.text
        );
    }
}

#[tokio::test]
async fn locked_sqlite_file_serves_reads_and_returns_503_for_writes() {
    let database = TestDatabase::sqlite();
    let url = database.url.clone();
    let app = App::on(database).await;
    let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
    let mut other = SqliteConnection::connect(&url).await.expect("the file");
    other.execute("BEGIN EXCLUSIVE").await.expect("the lock");
    let (anon, log_in) = (app.anon(), json!({"email": "ada@example.com", "password": PASSWORD}));
    let (updated, logged_in, refreshed, logged_out, read, listed) = futures::join!(
        ada.client.patch("/api/v1/me", json!({"name": "Ada"})),
        anon.post("/api/v1/auth/login", log_in.clone()),
        anon.post("/api/v1/auth/refresh", json!({"refresh_token": bob.refresh})),
        ada.client.call("/fn/logout", ""),
        ada.client.get("/api/v1/me"),
        ada.client.get("/api/v1/me/activity"),
    );
    for (operation, response) in [
        ("patch /api/v1/me", &updated),
        ("post /api/v1/auth/login", &logged_in),
        ("post /api/v1/auth/refresh", &refreshed),
        ("post /fn/logout", &logged_out),
    ] {
        // On a slow machine the wait for the turn ends before the wait for the lock.
        if response.text.contains("overloaded") {
            assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE, "{operation}");
            continue;
        }
        assert_unavailable(response, operation);
    }
    assert_eq!(
        (read.status, listed.status),
        (StatusCode::OK, StatusCode::OK),
        "reads do not wait for the lock"
    );
    other.execute("ROLLBACK").await.expect("released");
    assert_eq!(ada.client.patch("/api/v1/me", json!({"name": "Ada"})).await.status, StatusCode::OK);
    assert_eq!(app.anon().post("/api/v1/auth/login", log_in).await.status, StatusCode::OK);
    assert_eq!(
        app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": bob.refresh})).await.status,
        StatusCode::OK
    );
}

/// Executes a statement on a connection of its own.
async fn execute_sql(url: &str, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    if url.starts_with("sqlite:") {
        SqliteConnection::connect(url)
            .await
            .expect("the file")
            .execute(statement)
            .await
            .expect("done");
    } else {
        PgConnection::connect(url).await.expect("Postgres").execute(statement).await.expect("done");
    }
}

/// A server with the URL of its database.
struct AppWithDatabase {
    app: App,
    url: String,
}

impl AppWithDatabase {
    async fn on(database: TestDatabase) -> Self {
        let url = database.url.clone();
        Self { app: App::on(database).await, url }
    }
}

test_on_each_database! {
    async fn database_error_returns_500_with_only_the_request_id(target: AppWithDatabase) {
        let app = &target.app;
        let ada = app.user("ada@example.com").await;
        execute_sql(
            &target.url,
            if target.url.starts_with("sqlite:") {
                "DROP TABLE csgn_audit_events"
            } else {
                "DROP TABLE csgn_audit_events CASCADE"
            },
        )
        .await;
        let log = LogCapture::start("info,sqlx=warn");
        for operation in ["get /api/v1/me/activity", "patch /api/v1/me", "post /fn/list-activity"] {
            let (method, path) = operation.split_once(' ').expect("a path");
            let response =
                send_without_openapi_check(&app.router, request_with_id(method, path, &ada.access))
                    .await;
            assert_eq!(
                (response.status, response.header("x-request-id")),
                (StatusCode::INTERNAL_SERVER_ERROR, "order-66"),
                "{operation}: {}",
                response.text
            );
            if path.starts_with("/fn/") {
                assert_eq!(response.json(), json!("internal:order-66"));
            } else {
                assert_eq!(response.problem_code(), "internal");
                assert!(!response.text.contains("order-66"), "equal errors have equal bodies");
            }
            assert_no_internals(&response, operation);
            let text = log.take();
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert!(
                lines.iter().any(|line| line["level"] == "ERROR"
                    && line["request_id"] == "order-66"
                    && line["error"].as_str().is_some_and(|error| error.contains("events"))),
                "the log has the cause: {text}"
            );
        }
        let page = app
            .anon()
            .browser(&ada.refresh)
            .with("accept", "text/html")
            .get("/account/activity")
            .await;
        assert_no_internals(&page, "/account/activity");
        // The failed update was rolled back, and other operations work.
        assert_eq!(ada.client.get("/api/v1/me").await.json()["name"], Value::Null);
        assert_eq!(ada.client.get("/api/v1/me/sessions").await.status, StatusCode::OK);
        assert_eq!(app.anon().get("/readyz").await.status, StatusCode::OK);
    }

    async fn stale_revocation_list_returns_503_until_synced(fixture: Fixture) {
        let (admin, victim) = (
            fixture.user(AccountState::Admin, "admin@example.com").await,
            fixture.user(AccountState::User, "victim@example.com").await,
        );
        let operations: Vec<_> = operations(&fixture.app)
            .await
            .into_iter()
            .filter(|operation| {
                matches!(operation.permission, Permission::AccessToken | Permission::Administrator)
            })
            .collect();
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
        tokio::time::resume();
        for operation in operations {
            let client = fixture.client_with(&admin, CredentialKind::Bearer);
            let response = send_operation(&client, &operation, &admin, &victim, "").await;
            assert_unavailable(&response, &operation.name);
            assert_eq!(
                fixture.app.anon().get("/readyz").await.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{}",
                operation.name
            );
        }
        fixture.app.server.auth().sync_feed().await.expect("synced");
        assert_eq!(admin.user.client.get("/api/v1/me").await.status, StatusCode::OK);
        assert_eq!(fixture.app.anon().get("/readyz").await.status, StatusCode::OK);
    }
}

/// A request of a signed-in user with a request id.
fn request_with_id(method: &str, path: &str, access: &str) -> Request<Body> {
    let (content_type, body) =
        if path.starts_with("/fn/") { (FORM, "") } else { (JSON, r#"{"name":"Ada"}"#) };
    let request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path)
        .header("content-type", content_type);
    let request = request
        .header("authorization", format!("Bearer {access}"))
        .header("x-request-id", "order-66")
        .header("accept", JSON);
    request.body(Body::from(body)).expect("a request")
}

/// Runs the program with only these settings, and returns its standard error. It must fail.
fn run_until_exit(folder: &std::path::Path, settings: &[(&str, &str)]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = program
        .env_clear()
        .current_dir(folder)
        .env("PATH", "/usr/bin:/bin")
        .envs(settings.iter().copied())
        .output()
        .expect("a process");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{settings:?}: {stderr}");
    assert!(!stderr.contains("panicked") && stderr.starts_with("countersign: "), "{stderr}");
    stderr
}

#[test]
fn invalid_configuration_prevents_start_and_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = ServerSecret::generate(&RandomSource::System).expect("randomness").expose();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path.display().to_string()
    };
    let (open, weak, missing) = (
        file("open", &secret, 0o644),
        file("weak", "changeme", 0o600),
        folder.path().join("none").display().to_string(),
    );
    let public = ("COUNTERSIGN_PUBLIC_URL", "https://accounts.example.com");
    for (settings, expected) in [
        (vec![("COUNTERSIGN_SECRET", "changeme")], "COUNTERSIGN_SECRET"),
        (vec![("COUNTERSIGN_SECRET", "secretsecretsecret")], "COUNTERSIGN_SECRET"),
        (vec![("COUNTERSIGN_SECRET", &secret[..42])], "COUNTERSIGN_SECRET"),
        (
            vec![("COUNTERSIGN_SECRET", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
            "COUNTERSIGN_SECRET",
        ),
        (
            vec![("COUNTERSIGN_SECRET", secret.as_str()), ("COUNTERSIGN_SECRET_FILE", &weak)],
            "COUNTERSIGN_SECRET_FILE",
        ),
        (vec![("COUNTERSIGN_SECRET_FILE", missing.as_str())], "cannot read the server secret"),
        (vec![("COUNTERSIGN_SECRET_FILE", open.as_str())], "chmod 600"),
        (vec![("COUNTERSIGN_SECRET_FILE", weak.as_str())], "countersign secret new"),
        (vec![("COUNTERSIGN_PUBLIC_URL", "http://accounts.example.com")], "COUNTERSIGN_PUBLIC_URL"),
        (vec![public, ("COUNTERSIGN_RATE_LIMITS", "off")], "COUNTERSIGN_RATE_LIMITS"),
        (vec![public, ("COUNTERSIGN_ARGON2", "m=64,t=1,p=1")], "COUNTERSIGN_ARGON2"),
        (vec![public, ("COUNTERSIGN_ACCESS_TTL", "2s")], "COUNTERSIGN_ACCESS_TTL"),
        (
            vec![("COUNTERSIGN_INTROSPECTION_SECRET", "password")],
            "COUNTERSIGN_INTROSPECTION_SECRET",
        ),
        (vec![("COUNTERSIGN_TLS_CERT", "cert.pem")], "COUNTERSIGN_TLS_KEY"),
        (vec![("DATABASE_URL", "mysql://root:hunter2@db/x")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "sqlite:/proc/none/x.db")], "cannot be created"),
        (vec![("COUNTERSIGN_UNKNOWN", "x")], "COUNTERSIGN_UNKNOWN"),
    ] {
        let mut settings = settings;
        settings.push(("LEPTOS_SITE_ADDR", "127.0.0.1:0"));
        let stderr = run_until_exit(folder.path(), &settings);
        assert!(stderr.contains(expected), "{settings:?}: {stderr}");
        for value in [&secret[..12], "changeme", "secretsecretsecret", "hunter2"] {
            assert!(!stderr.contains(value), "no value is repeated: {stderr}");
        }
    }
    assert!(!folder.path().join("data/countersign.db").exists(), "no database was created");
}
