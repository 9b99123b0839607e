//! Crashes between commit and response, and while emails are sent. After a restart, a client that
//! repeats its request gets the result that was committed, and every email arrives.
//!
//! The server is a process of `tests/programs/failpoint_server.rs`, which Cargo builds with this
//! test.

use crate::process::{WAIT_TIMEOUT, configure_command, free_port, send_request, wait_until_ready};
use countersign_core::{
    Auth, AuthConfig, Clock, HashingConfig, Policy, RandomSource, RateLimits, RequestContext,
    ServerSecret, Store,
    mail::{MailConfig, MailTransport},
    test_on_each_database,
    testing::tokens_of,
    testing::{TestDatabase, smtp_server::SmtpServer},
};
use countersign_types::forms::SignUpForm;
use serde_json::{Value, json};
use std::{collections::BTreeSet, process::Stdio};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

const MAIL_FROM: &str = "accounts@example.com";
const PASSWORD: &str = "correct horse battery";
/// Kills while emails are due, and emails for each.
const KILLS: usize = 50;
const EMAILS: usize = 3;

/// State that outlives a server process.
struct PersistentState {
    database: TestDatabase,
    folder: tempfile::TempDir,
    secret: String,
    port: u16,
}

struct ServerProcess(Child);

impl PersistentState {
    async fn on(database: TestDatabase) -> Self {
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness").expose();
        Self {
            database,
            folder: tempfile::tempdir().expect("a folder"),
            secret,
            port: free_port().await,
        }
    }

    async fn start(&self) -> ServerProcess {
        self.start_with_mail("none").await
    }

    async fn start_with_mail(&self, mail: &str) -> ServerProcess {
        let program = Command::new(env!("CARGO_BIN_EXE_failpoint_server"));
        let child = configure_command(program, self.folder.path(), self.port)
            .envs([
                ("DATABASE_URL", self.database.url.as_str()),
                ("COUNTERSIGN_SECRET", &self.secret),
                ("COUNTERSIGN_MAIL", mail),
                ("COUNTERSIGN_MAIL_FROM", MAIL_FROM),
            ])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a process");
        wait_until_ready(self.port).await;
        ServerProcess(child)
    }

    async fn store(&self) -> Store {
        Store::open(&self.database.url).await.expect("a database")
    }

    /// Starts a node in this process.
    async fn node(&self, mail: &str) -> Auth {
        let transport = MailTransport::parse(mail).expect("a transport");
        let mail = MailConfig::new(transport, MAIL_FROM, None, "Countersign").expect("a sender");
        let hashing = HashingConfig {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
            threads: 1,
            queue_capacity: 8,
        };
        Auth::start(AuthConfig {
            store: self.store().await,
            clock: Clock::System,
            random: RandomSource::System,
            secret: ServerSecret::parse(&self.secret).expect("a secret"),
            policy: Policy { limits: RateLimits::off(), ..Policy::new("http://localhost:3000") },
            hashing,
            mail: Some(mail),
        })
        .await
        .expect("a start")
    }

    async fn send_request(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        send_request(self.port, method, path, token, body).await
    }

    async fn refresh(&self, token: &str) -> Option<(u16, Value)> {
        self.send_request("POST", "/api/v1/auth/refresh", "", &json!({ "refresh_token": token }))
            .await
    }

    async fn sign_up(&self) -> (String, String) {
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let (status, tokens) =
            self.send_request("POST", "/api/v1/auth/signup", "", &body).await.expect("a response");
        assert_eq!(status, 201, "{tokens}");
        (text(&tokens, "access_token"), text(&tokens, "refresh_token"))
    }
}

impl ServerProcess {
    /// Makes the process kill itself when a request reaches this fail point.
    async fn crash_at(&mut self, fail_point: &str) {
        let stdin = self.0.stdin.as_mut().expect("a pipe");
        stdin.write_all(format!("{fail_point}\n").as_bytes()).await.expect("written");
        stdin.flush().await.expect("written");
        let mut acknowledged = vec![0; fail_point.len() + 1];
        self.0
            .stdout
            .as_mut()
            .expect("a pipe")
            .read_exact(&mut acknowledged)
            .await
            .expect("a response");
    }

    async fn wait_for_crash(mut self) {
        let status =
            timeout(WAIT_TIMEOUT, self.0.wait()).await.expect("an exit in time").expect("a status");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "SIGKILL");
    }
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().expect("a text").to_owned()
}

test_on_each_database! {
    async fn emails_arrive_although_the_server_is_killed_fifty_times(state: PersistentState) {
        let smtp = SmtpServer::start();
        let node = state.node(&smtp.url()).await;
        let mut expected = BTreeSet::new();
        let mut received = Vec::new();
        for kill in 0..KILLS {
            let emails: Vec<_> =
                (0..EMAILS).map(|number| format!("user{kill}-{number}@example.com")).collect();
            for email in &emails {
                let form = SignUpForm {
                    email: email.clone(),
                    password: PASSWORD.to_owned(),
                    ..SignUpForm::default()
                };
                node.sign_up(&RequestContext::default(), &form, None).await
                    .map(tokens_of)
                    .expect("a sign-up");
            }
            let mut server = state.start_with_mail(&smtp.url()).await;
            for email in &emails {
                let (path, body) = ("/api/v1/auth/password/forgot", json!({ "email": email }));
                let response = state.send_request("POST", path, "", &body).await;
                assert_eq!(response.expect("a response").0, 202);
            }
            expected.extend(emails);
            // Before the first email is sent, while they are being sent, and after the last one
            // was accepted, which the server may not have recorded yet.
            for _ in 0..[0, 1, EMAILS][kill % 3] {
                received.push(smtp.receive().to);
            }
            server.0.kill().await.expect("killed");
        }
        let mut tx = state.store().await.write().await.expect("a transaction");
        tx.outbox_end_leases_for_tests().await.expect("ended");
        tx.commit().await.expect("a commit");
        node.deliver_mail().await.expect("a delivery");
        received.extend(smtp.received_until_quiet().into_iter().map(|mail| mail.to));
        let arrived: BTreeSet<_> = received.iter().cloned().collect();
        eprintln!("{} emails, {} duplicates", arrived.len(), received.len() - arrived.len());
        assert_eq!(arrived, expected);
    }

    async fn refresh_committed_before_crash_is_repeated_on_retry(state: PersistentState) {
        let mut server = state.start().await;
        let (_, first) = state.sign_up().await;
        server.crash_at("renewed").await;
        assert_eq!(state.refresh(&first).await, None, "no response before the crash");
        server.wait_for_crash().await;

        let _server = state.start().await;
        let (status, tokens) = state.refresh(&first).await.expect("a response");
        assert_eq!(status, 200, "{tokens}");
        let (access, next) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        assert_ne!(next, first);
        assert_eq!(
            text(&state.refresh(&first).await.expect("a response").1, "refresh_token"),
            next,
            "a further retry returns the same successor"
        );
        assert_eq!(
            state
                .send_request("GET", "/api/v1/me", &access, &Value::Null)
                .await
                .expect("a response")
                .0,
            200
        );
        assert_eq!(
            state.refresh(&next).await.expect("a response").0,
            200,
            "the successor is valid"
        );
        let activity = state
            .send_request("GET", "/api/v1/me/activity", &access, &Value::Null)
            .await
            .expect("a response")
            .1;
        assert_eq!(
            activity["items"].as_array().expect("a list").len(),
            1,
            "the only event is the sign-up: {activity}"
        );
    }

    async fn log_out_committed_before_crash_stays_in_effect(state: PersistentState) {
        let mut server = state.start().await;
        let (access, refresh) = state.sign_up().await;
        assert_eq!(
            state
                .send_request("GET", "/api/v1/me", &access, &Value::Null)
                .await
                .expect("a response")
                .0,
            200
        );
        server.crash_at("ended").await;
        assert_eq!(
            state.send_request("POST", "/api/v1/auth/logout", &access, &Value::Null).await,
            None,
            "no response before the crash"
        );
        server.wait_for_crash().await;

        let _server = state.start().await;
        assert_eq!(
            state
                .send_request("GET", "/api/v1/me", &access, &Value::Null)
                .await
                .expect("a response")
                .0,
            401
        );
        assert_eq!(state.refresh(&refresh).await.expect("a response").0, 401);
    }
}
