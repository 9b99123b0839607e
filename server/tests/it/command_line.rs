//! What is done by the command line beside running servers, each a process of its own: all of them follow.

use auth::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
use serde_json::{Value, json};
use std::{fmt::Write, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};

/// What has not happened after so long never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two servers on one database.
struct Nodes {
    database: FreshDatabase,
    folder: TempDir,
    secret: String,
    ports: [u16; 2],
    running: Vec<Child>,
}

impl Nodes {
    async fn on(database: FreshDatabase) -> Self {
        let mut ports = [0; 2];
        for port in &mut ports {
            *port = TcpListener::bind("127.0.0.1:0").await.and_then(|port| port.local_addr()).expect("a port").port();
        }
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        let mut nodes = Self { database, folder: TempDir::new().expect("a folder"), secret, ports, running: Vec::new() };
        for port in ports {
            nodes.running.push(nodes.program(port).kill_on_drop(true).spawn().expect("a process"));
            let up = async { while nodes.ask(port, "GET", "/readyz", "", &Value::Null).await.is_none() {} };
            timeout(PATIENCE, up).await.expect("it answers");
        }
        nodes
    }

    fn program(&self, port: u16) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        program.env_clear().current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).envs([
            ("PATH", "/usr/bin:/bin"),
            ("DATABASE_URL", &self.database.url),
            ("LATCHKEY_SECRET", &self.secret),
            ("LATCHKEY_PUBLIC_URL", "http://localhost:3000"),
            ("LEPTOS_SITE_ADDR", &format!("127.0.0.1:{port}")),
            ("LATCHKEY_ARGON2", "m=64,t=1,p=1"),
            ("LATCHKEY_RATE_LIMITS", "off"),
            ("RUST_LOG", "error"),
        ]);
        program
    }

    /// Runs a command of the program to its end, and returns what it has printed.
    async fn run(&self, arguments: &[&str]) -> String {
        let output = self.program(0).args(arguments).output().await.expect("a process");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    async fn ask(&self, port: u16, method: &str, path: &str, token: &str, body: &Value) -> Option<(u16, Value)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n");
        if !token.is_empty() {
            write!(request, "authorization: Bearer {token}\r\n").expect("written");
        }
        if !body.is_empty() {
            request += "content-type: application/json\r\n";
        }
        write!(request, "content-length: {}\r\n\r\n{body}", body.len()).expect("written");
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.get(9..12)?.parse().ok()?, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    async fn me(&self, port: u16, token: &str) -> u16 {
        self.ask(port, "GET", "/api/v1/me", token, &Value::Null).await.expect("an answer").0
    }

    /// The names of the public keys that this server gives out.
    async fn published(&self, port: u16) -> Vec<String> {
        let (_, keys) = self.ask(port, "GET", "/.well-known/jwks.json", "", &Value::Null).await.expect("an answer");
        keys["keys"].as_array().expect("a list").iter().map(|key| key["kid"].as_str().expect("a name").to_owned()).collect()
    }

    /// The keys as the command line lists them: names and states.
    async fn listed(&self) -> Vec<(String, String)> {
        let list: Value = serde_json::from_str(&self.run(&["keys", "list", "--json"]).await).expect("JSON");
        let text = |key: &Value, member: &str| key[member].as_str().expect("a text").to_owned();
        list.as_array().expect("a list").iter().map(|key| (text(key, "kid"), text(key, "state"))).collect()
    }
}

on_both! {
    async fn keys_that_are_added_and_removed_besiderunning_servers_are_followed_by_all_of_them(nodes: Nodes) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) = nodes.ask(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
        assert_eq!(status, 201, "{tokens}");
        let access = tokens["access_token"].as_str().expect("a token");
        for port in nodes.ports {
            assert_eq!(nodes.me(port, access).await, 200);
        }
        let [(first, _)] = &nodes.listed().await[..] else { panic!("one key") };

        let said = nodes.run(&["keys", "rotate"]).await;
        assert_eq!(nodes.listed().await.len(), 2, "{said}");
        for port in nodes.ports {
            let known = async { while nodes.published(port).await.len() < 2 {} };
            timeout(PATIENCE, known).await.expect("it follows");
            assert_eq!(nodes.me(port, access).await, 200, "what the first has signed is good");
        }

        nodes.run(&["keys", "remove", first]).await;
        for port in nodes.ports {
            let known = async { while nodes.me(port, access).await == 200 {} };
            timeout(PATIENCE, known).await.expect("it follows");
            assert_eq!(nodes.me(port, access).await, 401);
            assert!(!nodes.published(port).await.contains(first));
        }
        let (status, renewed) = nodes.ask(nodes.ports[1], "POST", "/api/v1/auth/refresh", "", &json!({ "refresh_token": tokens["refresh_token"] })).await.expect("an answer");
        assert_eq!(status, 200, "the session goes on: {renewed}");
        for port in nodes.ports {
            assert_eq!(nodes.me(port, renewed["access_token"].as_str().expect("a token")).await, 200);
        }
    }

    async fn whoever_is_disabled_besiderunning_servers_is_out_on_all_of_them(nodes: Nodes) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (_, tokens) = nodes.ask(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
        let access = tokens["access_token"].as_str().expect("a token");
        nodes.run(&["user", "disable", "ada@example.com"]).await;
        for port in nodes.ports {
            let known = async { while nodes.me(port, access).await == 200 {} };
            timeout(PATIENCE, known).await.expect("it follows");
        }
        nodes.run(&["user", "enable", "ada@example.com"]).await;
        let (status, _) = nodes.ask(nodes.ports[1], "POST", "/api/v1/auth/login", "", &body).await.expect("an answer");
        assert_eq!(status, 200);
    }
}
