//! The system has no more file handles for us: nobody is lost who is there already, the log says it
//! once, and whoever comes later is served as soon as there are handles again. The real program, in
//! a process that may have few.

use crate::program::{Line, PATIENCE, port, set_up, up};
use countersign_core::{on_both, testing::FreshDatabase};
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

/// So many handles the process may have: for itself, its database, and a few dozen connections.
const HANDLES: usize = 64;
/// So many come: more than there is room for.
const CROWD: usize = 100;
const SAID: &str = "no connection can be accepted";

struct Scarce {
    port: u16,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
    _database: FreshDatabase,
}

impl Scarce {
    async fn on(database: FreshDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = port().await;
        let mut shell = Command::new("/bin/sh");
        shell.args([
            "-c",
            &format!("ulimit -n {HANDLES} && exec \"$0\""),
            env!("CARGO_BIN_EXE_countersign"),
        ]);
        let mut process = set_up(shell, folder.path(), port)
            .env("DATABASE_URL", &database.url)
            .spawn()
            .expect("a process");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut lines, page) =
            (BufReader::new(process.stdout.take().expect("a pipe")).lines(), Arc::clone(&log));
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                page.lock().expect("a lock").push(line);
            }
        });
        up(port).await;
        Self { port, process, log, _folder: folder, _database: database }
    }

    async fn connected(&self) -> Line {
        Line::to(self.port).await
    }

    fn said(&self) -> usize {
        self.log.lock().expect("a lock").iter().filter(|line| line.contains(SAID)).count()
    }
}

on_both! {
    async fn without_file_handles_nobody_is_lost_and_it_is_said_once_and_goes_on_as_soon_as_there_are_some(
        server: Scarce,
    ) {
        let mut server = server;
        let credentials = json!({"email": "ada@example.com", "password": "correct horse battery"});
        let mut kept = Vec::new();
        for _ in 0..8 {
            kept.push(server.connected().await);
        }
        let (status, tokens) =
            kept[0].ask("POST", "/api/v1/auth/signup", "", &credentials).await.expect("an answer");
        assert_eq!(status, 201, "{tokens}");
        let access = tokens["access_token"].as_str().expect("a token").to_owned();
        for line in &mut kept[1..] {
            assert_eq!(
                line.ask("GET", "/healthz", "", &Value::Null).await.expect("an answer").0,
                200
            );
        }
        // They come, and stay. Whoever got in says so.
        let (inside, mut got_in) = mpsc::unbounded_channel();
        let mut crowd = Vec::new();
        for number in 0..CROWD {
            let (mut line, inside) = (server.connected().await, inside.clone());
            crowd.push(tokio::spawn(async move {
                if line.ask("GET", "/healthz", "", &Value::Null).await.is_some() {
                    inside.send(number).expect("somebody hears");
                }
                pending::<()>().await;
            }));
        }
        let full = async {
            while server.said() == 0 {
                yield_now().await;
            }
        };
        timeout(PATIENCE, full).await.expect("the handles are used up");
        // Who is there already is served: well, or told when to come back, where the database would
        // need another handle.
        let (mut asked, mut served) = (0, 0);
        for _ in 0..3 {
            let calls = kept.iter_mut().enumerate().map(|(number, line)| {
                let (access, credentials) = (&access, &credentials);
                async move {
                    match number % 4 {
                        0 => line.ask("GET", "/api/v1/me/activity", access, &Value::Null).await,
                        1 => line.ask("POST", "/api/v1/auth/login", "", credentials).await,
                        2 => line.ask("GET", "/readyz", "", &Value::Null).await,
                        _ => line.ask("PATCH", "/api/v1/me", access, &json!({"name": "Ada"})).await,
                    }
                }
            });
            for (status, body) in timeout(PATIENCE, futures::future::join_all(calls))
                .await
                .expect("answers")
                .into_iter()
                .flatten()
            {
                assert!(matches!(status, 200 | 503), "{status} {body}");
                asked += 1;
                served += usize::from(status == 200);
            }
        }
        assert!(asked > 8 && served > 0, "{served} of {asked}");
        // One leaves, and the next one's turn comes. Each time it is full again, which nobody needs
        // to be told again.
        let mut next = async || {
            timeout(PATIENCE, got_in.recv()).await.expect("its turn comes").expect("a number")
        };
        for _ in 0..50 {
            crowd[next().await].abort();
        }
        assert!(server.process.try_wait().expect("a status").is_none(), "it lives");
        // All leave.
        crowd.iter().for_each(JoinHandle::abort);
        drop(kept);
        let again = async {
            while server
                .connected()
                .await
                .ask("POST", "/api/v1/auth/login", "", &credentials)
                .await
                .is_none_or(|(status, _)| status != 200)
            {}
        };
        timeout(PATIENCE, again).await.expect("it serves again");
        assert_eq!(
            server.said(),
            1,
            "{:?}",
            server
                .log
                .lock()
                .expect("a lock")
                .iter()
                .filter(|line| line.contains(SAID))
                .collect::<Vec<_>>()
        );
        assert!(server.process.try_wait().expect("a status").is_none(), "it lives");
    }
}
