//! What is underneath goes away, says nonsense, or is set up wrongly: callers are told when to come
//! back, nobody is told why, and the log is.

use crate::{
    log::Log,
    matrix::{Is, May, Office, Shows, TABLE, ask},
    program::PATIENCE,
    support::{Answer, App, FORM, JSON, PASSWORD, undescribed},
};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use countersign_core::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
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

/// What asks the database nothing, and goes on without it.
const ALONE: &[&str] = &[
    "get /.well-known/jwks.json",
    "get /.well-known/oauth-authorization-server",
    "get /.well-known/oauth-protected-resource",
    "get /healthz",
    "get /",
    "get /lab",
    "get /login",
    "get /signup",
];

/// What stands between a server and its database, and can be shut: connections are broken then, and
/// new ones come to nothing.
struct Door(watch::Sender<bool>);

impl Door {
    /// Puts itself before a database, whose address is that of the door from now on.
    async fn before(database: &mut FreshDatabase) -> Self {
        let mut url: url::Url = database.url.parse().expect("a URL");
        let behind = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        url.set_port(Some(listener.local_addr().expect("an address").port())).expect("a port");
        database.url = url.into();
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((mut outside, _)) = listener.accept().await else { return };
                let (mut is_open, behind) = (is_open.clone(), behind.clone());
                tokio::spawn(async move {
                    if !*is_open.borrow_and_update() {
                        // Broken off, or ended in good order: that is not the same to whoever is
                        // outside.
                        if number % 2 == 0 {
                            let _begun = outside.read(&mut [0; 64]).await;
                        }
                        return;
                    }
                    let Ok(mut inside) = TcpStream::connect(behind).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut outside, &mut inside) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self(open)
    }
}

/// Calls of the table that need the database, each as somebody makes it who may. The name is
/// theirs, so that the same call can be made twice.
fn needing() -> impl Iterator<Item = (usize, &'static str, Shows, &'static str)> {
    TABLE.iter().enumerate().filter(|(_, (call, ..))| !ALONE.contains(call)).map(
        |(number, (call, may, body))| {
            let shows = match may {
                May::Cookies | May::Users => Shows::RefreshCookie,
                May::Programs => Shows::IntrospectionSecret,
                May::All | May::SignedIn | May::Admins | May::Leavers | May::OauthClients => {
                    Shows::Bearer
                }
            };
            (number, *call, shows, *body)
        },
    )
}

/// Whether an answer says, in the terms of whoever asked, that it cannot be done now.
fn says_not_now(answer: &Answer, call: &str) {
    let what = format!("{call}: {} {}", answer.status, answer.text);
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
    if call.contains(" /oauth/") {
        assert_eq!(answer.json()["error"], "temporarily_unavailable", "{what}");
    } else if call.contains(" /fn/") {
        assert_eq!(answer.text, "\"unavailable\"", "{what}");
    } else if call.contains(" /account") {
        assert!(
            answer.text.contains(&*countersign_leptos::words::problem(
                &countersign_leptos::problem::Problem::Unavailable
            )) && !answer.text.contains("@example.com"),
            "{what}"
        );
    } else {
        assert_eq!(answer.problem(), "unavailable", "{what}");
    }
    let seconds: u32 =
        answer.header("retry-after").parse().unwrap_or_else(|_| panic!("no Retry-After: {what}"));
    assert!((1..=60).contains(&seconds), "{what}");
    assert!(answer.cookies().is_empty(), "nobody is signed out by that: {what}");
    tells_nothing(answer, call);
}

/// Whether an answer keeps what is underneath to itself.
fn tells_nothing(answer: &Answer, call: &str) {
    for inside in [
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
        assert!(!answer.text.contains(inside), "{call}: {inside} in {}", answer.text);
    }
}

#[tokio::test]
async fn without_its_database_a_server_says_not_now_and_goes_on_as_soon_as_it_is_back() {
    let mut database = FreshDatabase::postgres().await;
    let door = Door::before(&mut database).await;
    let office = Office::on(database).await;
    let mut people = Vec::new();
    for (number, ..) in needing() {
        people.push((
            office.person(Is::Admin, &format!("asker{number}@example.com")).await,
            office.person(Is::User, &format!("victim{number}@example.com")).await,
        ));
    }
    let everybody_asks = async || {
        let mut answers = Vec::new();
        for ((number, call, shows, body), (asker, victim)) in needing().zip(&people) {
            // A token that somebody has to be asked about.
            let body = if call.contains("/oauth/") {
                format!("grant_type=refresh_token&refresh_token={0}&token={0}", victim.user.refresh)
            } else {
                body.to_owned()
            };
            let client = office.showing(asker, shows).with("accept-language", "en");
            answers.push((
                call,
                ask(&client, call, &body, asker, victim, &format!("fresh{number}@example.com"))
                    .await,
            ));
        }
        answers
    };
    office.hear().await;
    door.0.send_replace(false);
    for (call, answer) in everybody_asks().await {
        says_not_now(&answer, call);
    }
    for call in ALONE.iter().filter(|call| **call != "get /lab") {
        let path = call.strip_prefix("get ").expect("a path");
        assert_eq!(
            office.app.anon().get(path).await.status,
            StatusCode::OK,
            "{call} needs no database"
        );
    }
    // Who is not signed in is told so, database or not.
    assert_eq!(office.app.anon().get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    door.0.send_replace(true);
    let back = async { while office.app.anon().get("/readyz").await.status != StatusCode::OK {} };
    timeout(PATIENCE, back).await.expect("it is ready again");
    office.hear().await;
    for (call, answer) in everybody_asks().await {
        assert!(answer.status.is_success(), "{call}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn connections_that_the_database_cuts_under_load_are_no_error_of_ours() {
    let database = FreshDatabase::postgres().await;
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
        let renew = json!({"refresh_token": user.refresh});
        [
            user.client.get("/api/v1/me").await,
            user.client.patch("/api/v1/me", json!({"name": "Ada"})).await,
            app.anon().post("/api/v1/auth/login", log_in).await,
            app.anon().post("/api/v1/auth/refresh", renew).await,
            user.client.call("/fn/recent-activity", "").await,
        ]
    };
    let mut cut = 0;
    for round in 0..20 {
        let (killed, answers) = futures::join!(
            sqlx::query_scalar::<_, i64>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            .fetch_one(&mut operator),
            join_all((0..4).map(calls)),
        );
        cut += killed.expect("an answer");
        for answer in answers.iter().flatten() {
            assert!(
                answer.status.is_success() || answer.status == StatusCode::SERVICE_UNAVAILABLE,
                "round {round}: {} {}",
                answer.status,
                answer.text
            );
        }
    }
    assert!(cut > 20, "{cut} connections were cut");
    for (number, answer) in join_all((0..4).map(calls)).await.iter().flatten().enumerate() {
        assert!(answer.status.is_success(), "call {number}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn while_somebody_else_holds_the_file_readers_are_served_and_writers_are_told_when_to_come_back()
 {
    let database = FreshDatabase::sqlite();
    let url = database.url.clone();
    let app = App::on(database).await;
    let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
    let mut other = SqliteConnection::connect(&url).await.expect("the file");
    other.execute("BEGIN EXCLUSIVE").await.expect("the lock");
    let (anon, log_in) = (app.anon(), json!({"email": "ada@example.com", "password": PASSWORD}));
    let (renamed, entered, renewed, called, read, listed) = futures::join!(
        ada.client.patch("/api/v1/me", json!({"name": "Ada"})),
        anon.post("/api/v1/auth/login", log_in.clone()),
        anon.post("/api/v1/auth/refresh", json!({"refresh_token": bob.refresh})),
        ada.client.call("/fn/logout", ""),
        ada.client.get("/api/v1/me"),
        ada.client.get("/api/v1/me/activity"),
    );
    for (call, answer) in [
        ("patch /api/v1/me", &renamed),
        ("post /api/v1/auth/login", &entered),
        ("post /api/v1/auth/refresh", &renewed),
        ("post /fn/logout", &called),
    ] {
        says_not_now(answer, call);
    }
    assert_eq!(
        (read.status, listed.status),
        (StatusCode::OK, StatusCode::OK),
        "who reads waits for nobody"
    );
    other.execute("ROLLBACK").await.expect("given back");
    assert_eq!(ada.client.patch("/api/v1/me", json!({"name": "Ada"})).await.status, StatusCode::OK);
    assert_eq!(app.anon().post("/api/v1/auth/login", log_in).await.status, StatusCode::OK);
    assert_eq!(
        app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": bob.refresh})).await.status,
        StatusCode::OK
    );
}

/// A statement of whoever has the database in their hands.
async fn tamper(url: &str, statement: &str) {
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

/// A server whose database is at hand.
struct Tampered {
    app: App,
    url: String,
}

impl Tampered {
    async fn on(database: FreshDatabase) -> Self {
        let url = database.url.clone();
        Self { app: App::on(database).await, url }
    }
}

on_both! {
    async fn an_error_of_the_database_is_a_500_that_names_the_request_and_nothing_else(
        target: Tampered,
    ) {
        let app = &target.app;
        let ada = app.user("ada@example.com").await;
        tamper(
            &target.url,
            if target.url.starts_with("sqlite:") {
                "DROP TABLE events"
            } else {
                "DROP TABLE events CASCADE"
            },
        )
        .await;
        let log = Log::open("info,sqlx=warn");
        for call in ["get /api/v1/me/activity", "patch /api/v1/me", "post /fn/recent-activity"] {
            let (method, path) = call.split_once(' ').expect("a path");
            let answer = undescribed(&app.router, numbered(method, path, &ada.access)).await;
            assert_eq!(
                (answer.status, answer.header("x-request-id")),
                (StatusCode::INTERNAL_SERVER_ERROR, "order-66"),
                "{call}: {}",
                answer.text
            );
            if path.starts_with("/fn/") {
                assert_eq!(answer.json(), json!("internal:order-66"));
            } else {
                assert_eq!(answer.problem(), "internal");
                assert!(!answer.text.contains("order-66"), "two that fail alike are alike");
            }
            tells_nothing(&answer, call);
            let text = log.take();
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert!(
                lines.iter().any(|line| line["level"] == "ERROR"
                    && line["request_id"] == "order-66"
                    && line["error"].as_str().is_some_and(|error| error.contains("events"))),
                "the log says why: {text}"
            );
        }
        let page = app
            .anon()
            .browser(&ada.refresh)
            .with("accept", "text/html")
            .get("/account/activity")
            .await;
        tells_nothing(&page, "/account/activity");
        // Nothing was half done, and whatever else there is goes on.
        assert_eq!(ada.client.get("/api/v1/me").await.json()["name"], Value::Null);
        assert_eq!(ada.client.get("/api/v1/me/sessions").await.status, StatusCode::OK);
        assert_eq!(app.anon().get("/readyz").await.status, StatusCode::OK);
    }

    async fn a_node_that_has_not_heard_what_is_revoked_lets_nobody_in_until_it_has(office: Office) {
        let (boss, victim) = (
            office.person(Is::Admin, "boss@example.com").await,
            office.person(Is::User, "victim@example.com").await,
        );
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
        tokio::time::resume();
        for (call, may, body) in
            TABLE.iter().filter(|(_, may, _)| matches!(may, May::SignedIn | May::Admins))
        {
            let answer =
                ask(&office.showing(&boss, Shows::Bearer), call, body, &boss, &victim, "").await;
            says_not_now(&answer, call);
            assert_eq!(
                office.app.anon().get("/readyz").await.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{may:?}"
            );
        }
        office.app.server.auth().listen().await.expect("heard");
        assert_eq!(boss.user.client.get("/api/v1/me").await.status, StatusCode::OK);
        assert_eq!(office.app.anon().get("/readyz").await.status, StatusCode::OK);
    }
}

/// A call of somebody who is logged in, with a number of its own.
fn numbered(method: &str, path: &str, access: &str) -> Request<Body> {
    let (kind, body) =
        if path.starts_with("/fn/") { (FORM, "") } else { (JSON, r#"{"name":"Ada"}"#) };
    let request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path)
        .header("content-type", kind);
    let request = request
        .header("authorization", format!("Bearer {access}"))
        .header("x-request-id", "order-66")
        .header("accept", JSON);
    request.body(Body::from(body)).expect("a request")
}

/// The program with these settings and no others, until it gives up: what it says on the way out.
fn start(folder: &std::path::Path, settings: &[(&str, &str)]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = program
        .env_clear()
        .current_dir(folder)
        .env("PATH", "/usr/bin:/bin")
        .envs(settings.iter().copied())
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{settings:?}: {said}");
    assert!(!said.contains("panicked") && said.starts_with("countersign: "), "{said}");
    said
}

#[test]
fn a_server_that_is_set_up_wrongly_does_not_start_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
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
    for (settings, says) in [
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
        (vec![("COUNTERSIGN_SECRET_FILE", missing.as_str())], "cannot be read"),
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
        (vec![("DATABASE_URL", "sqlite:/proc/none/x.db")], "cannot be made"),
        (vec![("COUNTERSIGN_UNKNOWN", "x")], "COUNTERSIGN_UNKNOWN"),
    ] {
        let mut settings = settings;
        settings.push(("LEPTOS_SITE_ADDR", "127.0.0.1:0"));
        let said = start(folder.path(), &settings);
        assert!(said.contains(says), "{settings:?}: {said}");
        for value in [&secret[..12], "changeme", "secretsecretsecret", "hunter2"] {
            assert!(!said.contains(value), "no value is repeated: {said}");
        }
    }
    assert!(!folder.path().join("data/countersign.db").exists(), "and nothing was made");
}
