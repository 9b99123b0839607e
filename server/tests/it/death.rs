//! The server dies between the commit and the answer, and is started again. Whoever asked asks
//! again, and nobody is worse off.
//!
//! Real processes of `examples/mortal.rs`, which Cargo builds with the tests.

use crate::program::{PATIENCE, ask, port, set_up, up};
use countersign_core::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

/// What outlives a process.
struct Data {
    database: FreshDatabase,
    folder: tempfile::TempDir,
    secret: String,
    port: u16,
}

struct Process(Child);

impl Data {
    async fn on(database: FreshDatabase) -> Self {
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        Self {
            database,
            folder: tempfile::tempdir().expect("a folder"),
            secret,
            port: port().await,
        }
    }

    async fn start(&self) -> Process {
        // Beside `deps`, where this test is.
        let mut program = std::env::current_exe().expect("a path");
        program.pop();
        program.pop();
        program.push("examples/mortal");
        assert!(
            program.is_file(),
            "{} is missing: `cargo test` without --test builds it",
            program.display()
        );
        let child = set_up(Command::new(program), self.folder.path(), self.port)
            .envs([("DATABASE_URL", &self.database.url), ("COUNTERSIGN_SECRET", &self.secret)])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a process");
        up(self.port).await;
        Process(child)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        ask(self.port, method, path, token, body).await
    }

    async fn renew(&self, token: &str) -> Option<(u16, Value)> {
        self.ask("POST", "/api/v1/auth/refresh", "", &json!({ "refresh_token": token })).await
    }

    async fn sign_up(&self) -> (String, String) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) =
            self.ask("POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
        assert_eq!(status, 201, "{tokens}");
        (text(&tokens, "access_token"), text(&tokens, "refresh_token"))
    }
}

impl Process {
    /// It will die when a request comes to that moment.
    async fn is_to_die_when(&mut self, moment: &str) {
        let stdin = self.0.stdin.as_mut().expect("a pipe");
        stdin.write_all(format!("{moment}\n").as_bytes()).await.expect("heard");
        stdin.flush().await.expect("heard");
        let mut heard = vec![0; moment.len() + 1];
        self.0.stdout.as_mut().expect("a pipe").read_exact(&mut heard).await.expect("an answer");
    }

    async fn dies(mut self) {
        let status = timeout(PATIENCE, self.0.wait()).await.expect("it died").expect("a status");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9),
            "as by kill -9"
        );
    }
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().expect("a text").to_owned()
}

on_both! {
    async fn a_renewal_that_was_committed_and_never_answered_is_given_again(data: Data) {
        let mut server = data.start().await;
        let (_, first) = data.sign_up().await;
        server.is_to_die_when("renewed").await;
        assert_eq!(data.renew(&first).await, None, "no answer");
        server.dies().await;

        let _server = data.start().await;
        let (status, tokens) = data.renew(&first).await.expect("an answer");
        assert_eq!(status, 200, "{tokens}");
        let (access, next) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        assert_ne!(next, first);
        assert_eq!(
            text(&data.renew(&first).await.expect("an answer").1, "refresh_token"),
            next,
            "another tab gets the same one"
        );
        assert_eq!(
            data.ask("GET", "/api/v1/me", &access, &Value::Null).await.expect("an answer").0,
            200
        );
        assert_eq!(data.renew(&next).await.expect("an answer").0, 200, "and it goes on");
        let activity = data
            .ask("GET", "/api/v1/me/activity", &access, &Value::Null)
            .await
            .expect("an answer")
            .1;
        assert_eq!(
            activity["items"].as_array().expect("a list").len(),
            1,
            "nothing has happened but the sign-up: {activity}"
        );
    }

    async fn a_log_out_that_was_committed_and_never_answered_has_happened(data: Data) {
        let mut server = data.start().await;
        let (access, refresh) = data.sign_up().await;
        assert_eq!(
            data.ask("GET", "/api/v1/me", &access, &Value::Null).await.expect("an answer").0,
            200
        );
        server.is_to_die_when("ended").await;
        assert_eq!(
            data.ask("POST", "/api/v1/auth/logout", &access, &Value::Null).await,
            None,
            "no answer"
        );
        server.dies().await;

        let _server = data.start().await;
        assert_eq!(
            data.ask("GET", "/api/v1/me", &access, &Value::Null).await.expect("an answer").0,
            401
        );
        assert_eq!(data.renew(&refresh).await.expect("an answer").0, 401);
    }
}
