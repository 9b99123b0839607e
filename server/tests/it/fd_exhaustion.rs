//! File descriptor exhaustion: open connections are served, the log reports it once, and new
//! connections are accepted as soon as descriptors are free. The real program runs in a process
//! with a low limit.

use crate::process::{
    HttpConnection, WAIT_TIMEOUT, configure_command, free_port, wait_until_ready,
};
use countersign_core::{test_on_each_database, testing::TestDatabase};
use serde_json::{Value, json};
use std::{
    future::pending,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    task::{JoinHandle, yield_now},
    time::timeout,
};

/// The `ulimit -n` of the process: enough for itself, its database and a few dozen connections.
const MAX_OPEN_FILES: usize = 64;
/// Number of clients: more than there are descriptors.
const CLIENTS: usize = 100;
/// The log message of a failed accept.
const LOG_MESSAGE: &str = "cannot accept connections";

struct LimitedServer {
    port: u16,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
    _database: TestDatabase,
}

impl LimitedServer {
    async fn on(database: TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port().await;
        let mut shell = Command::new("/bin/sh");
        shell.args([
            "-c",
            &format!("ulimit -n {MAX_OPEN_FILES} && exec \"$0\""),
            env!("CARGO_BIN_EXE_countersign"),
        ]);
        let mut process = configure_command(shell, folder.path(), port)
            .env("DATABASE_URL", &database.url)
            .spawn()
            .expect("a process");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut lines, buffer) =
            (BufReader::new(process.stdout.take().expect("a pipe")).lines(), Arc::clone(&log));
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                buffer.lock().expect("a lock").push(line);
            }
        });
        wait_until_ready(port).await;
        Self { port, process, log, _folder: folder, _database: database }
    }

    async fn connect(&self) -> HttpConnection {
        HttpConnection::open(self.port).await
    }

    /// Returns how often the log contains the message.
    fn logged_count(&self) -> usize {
        self.log.lock().expect("a lock").iter().filter(|line| line.contains(LOG_MESSAGE)).count()
    }
}

test_on_each_database! {
    async fn server_survives_fd_exhaustion_and_logs_it_once(server: LimitedServer) {
        let mut server = server;
        let credentials = json!({"email": "ada@example.com", "password": "correct horse battery"});
        let mut existing = Vec::new();
        for _ in 0..8 {
            existing.push(server.connect().await);
        }
        let (status, tokens) = existing[0]
            .send_request("POST", "/api/v1/auth/signup", "", &credentials)
            .await
            .expect("a response");
        assert_eq!(status, 201, "{tokens}");
        let access = tokens["access_token"].as_str().expect("a token").to_owned();
        for connection in &mut existing[1..] {
            assert_eq!(
                connection
                    .send_request("GET", "/healthz", "", &Value::Null)
                    .await
                    .expect("a response")
                    .0,
                200
            );
        }
        // All clients connect and stay. Those that were served report their number.
        let (sender, mut served_clients) = mpsc::unbounded_channel();
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let (mut connection, sender) = (server.connect().await, sender.clone());
            clients.push(tokio::spawn(async move {
                if connection.send_request("GET", "/healthz", "", &Value::Null).await.is_some() {
                    sender.send(number).expect("an open channel");
                }
                pending::<()>().await;
            }));
        }
        let full = async {
            while server.logged_count() == 0 {
                yield_now().await;
            }
        };
        timeout(WAIT_TIMEOUT, full).await.expect("exhaustion in time");
        // Existing connections get their response, or 503 where the database needs a descriptor.
        // Without one, a database connection that fails isn't replaced, so all that need it fail.
        let (mut responses, mut served) = (0, 0);
        for _ in 0..3 {
            let calls = existing.iter_mut().enumerate().map(|(number, connection)| {
                let (access, credentials) = (&access, &credentials);
                async move {
                    match number % 4 {
                        0 => {
                            connection
                                .send_request("GET", "/api/v1/me/activity", access, &Value::Null)
                                .await
                        }
                        1 => {
                            connection
                                .send_request("POST", "/api/v1/auth/login", "", credentials)
                                .await
                        }
                        // One of the two needs the database.
                        2 => {
                            let path = if number == 2 { "/readyz" } else { "/healthz" };
                            connection.send_request("GET", path, "", &Value::Null).await
                        }
                        _ => {
                            connection
                                .send_request(
                                    "PATCH",
                                    "/api/v1/me",
                                    access,
                                    &json!({"name": "Ada"}),
                                )
                                .await
                        }
                    }
                }
            });
            for (status, body) in timeout(WAIT_TIMEOUT, futures::future::join_all(calls))
                .await
                .expect("responses")
                .into_iter()
                .flatten()
            {
                assert!(matches!(status, 200 | 503), "{status} {body}");
                responses += 1;
                served += usize::from(status == 200);
            }
        }
        assert!(responses > 8 && served > 0, "{served} of {responses}");
        // A client disconnects, and the next one is served. The limit is reached again each time,
        // without another log line.
        let mut next = async || {
            timeout(WAIT_TIMEOUT, served_clients.recv())
                .await
                .expect("a served client in time")
                .expect("a number")
        };
        for _ in 0..50 {
            clients[next().await].abort();
        }
        assert!(server.process.try_wait().expect("a status").is_none(), "running");
        // All clients disconnect.
        clients.iter().for_each(JoinHandle::abort);
        drop(existing);
        let recovered = async {
            while server
                .connect()
                .await
                .send_request("POST", "/api/v1/auth/login", "", &credentials)
                .await
                .is_none_or(|(status, _)| status != 200)
            {}
        };
        timeout(WAIT_TIMEOUT, recovered).await.expect("recovery in time");
        assert_eq!(
            server.logged_count(),
            1,
            "{:?}",
            server
                .log
                .lock()
                .expect("a lock")
                .iter()
                .filter(|line| line.contains(LOG_MESSAGE))
                .collect::<Vec<_>>()
        );
        assert!(server.process.try_wait().expect("a status").is_none(), "running");
    }
}
