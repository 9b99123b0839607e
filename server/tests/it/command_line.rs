//! Commands that run beside server processes on the same database, and their effect on all of them.

use crate::process::{WAIT_TIMEOUT, free_port, send_request, server_command, wait_until_ready};
use countersign_core::{RandomSource, ServerSecret, test_on_each_database, testing::TestDatabase};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::{Value, json};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

/// Two server processes on one database.
struct Nodes {
    database: TestDatabase,
    folder: TempDir,
    secret: String,
    ports: [u16; 2],
    running: Vec<Child>,
}

impl Nodes {
    async fn on(database: TestDatabase) -> Self {
        let ports = [free_port().await, free_port().await];
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness").expose();
        let mut nodes = Self {
            database,
            folder: TempDir::new().expect("a folder"),
            secret,
            ports,
            running: Vec::new(),
        };
        for port in ports {
            nodes.running.push(nodes.command(port).spawn().expect("a process"));
            wait_until_ready(port).await;
        }
        nodes
    }

    fn command(&self, port: u16) -> Command {
        let mut program = server_command(self.folder.path(), port);
        program.envs([
            ("DATABASE_URL", self.database.url.as_str()),
            ("COUNTERSIGN_SECRET", &self.secret),
            ("COUNTERSIGN_PUBLIC_URL", "http://localhost:3000"),
            ("RUST_LOG", "error"),
        ]);
        program
    }

    /// Runs a command that must succeed, and returns its output.
    async fn run(&self, arguments: &[&str]) -> String {
        self.run_with_input(arguments, "")
            .await
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// Runs a command with this standard input. Returns its output, or its error text if it exits
    /// with status 1.
    async fn run_with_input(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = self
            .command(0)
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        // A command that does not read its input may have exited already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes()).await;
        let output = child.wait_with_output().await.expect("a process");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        match output.status.code() {
            Some(0) => Ok(text(output.stdout)),
            Some(1) => Err(text(output.stderr)),
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    async fn me(&self, port: u16, token: &str) -> u16 {
        send_request(port, "GET", "/api/v1/me", token, &Value::Null).await.expect("a response").0
    }

    /// Key ids in the JWKS of this server.
    async fn published_key_ids(&self, port: u16) -> Vec<String> {
        let (_, keys) = send_request(port, "GET", "/.well-known/jwks.json", "", &Value::Null)
            .await
            .expect("a response");
        keys["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|key| key["kid"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// Ids and states of the keys that `keys list` prints.
    async fn listed_keys(&self) -> Vec<(String, String)> {
        let list: Value =
            serde_json::from_str(&self.run(&["keys", "list", "--json"]).await).expect("JSON");
        let text = |key: &Value, member: &str| key[member].as_str().expect("a text").to_owned();
        list.as_array()
            .expect("a list")
            .iter()
            .map(|key| (text(key, "kid"), text(key, "state")))
            .collect()
    }
}

test_on_each_database! {
    async fn running_servers_follow_key_rotation_and_removal(nodes: Nodes) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) =
            send_request(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body)
                .await
                .expect("a response");
        assert_eq!(status, 201, "{tokens}");
        let access = tokens["access_token"].as_str().expect("a token");
        for port in nodes.ports {
            assert_eq!(nodes.me(port, access).await, 200);
        }
        let [(first, _)] = &nodes.listed_keys().await[..] else { panic!("one key") };

        let message = nodes.run(&["keys", "rotate"]).await;
        assert_eq!(nodes.listed_keys().await.len(), 2, "{message}");
        for port in nodes.ports {
            let synced = async { while nodes.published_key_ids(port).await.len() < 2 {} };
            timeout(WAIT_TIMEOUT, synced).await.expect("the new key in time");
            assert_eq!(nodes.me(port, access).await, 200, "tokens of the first key stay valid");
        }

        nodes.run(&["keys", "remove", first]).await;
        for port in nodes.ports {
            let refused = async { while nodes.me(port, access).await == 200 {} };
            timeout(WAIT_TIMEOUT, refused).await.expect("a refusal in time");
            assert_eq!(nodes.me(port, access).await, 401);
            assert!(!nodes.published_key_ids(port).await.contains(first));
        }
        let (status, refreshed) = send_request(
            nodes.ports[1],
            "POST",
            "/api/v1/auth/refresh",
            "",
            &json!({ "refresh_token": tokens["refresh_token"] }),
        )
        .await
        .expect("a response");
        assert_eq!(status, 200, "the session is still active: {refreshed}");
        for port in nodes.ports {
            assert_eq!(
                nodes.me(port, refreshed["access_token"].as_str().expect("a token")).await,
                200
            );
        }
    }

    async fn keys_are_generated_and_imported_by_commands(nodes: Nodes) {
        let secret = nodes.run(&["secret", "new"]).await;
        assert!(countersign_core::ServerSecret::parse(secret.trim()).is_ok(), "a valid secret");
        assert_ne!(nodes.run(&["secret", "new"]).await, secret);

        let added = nodes.run(&["keys", "add", "EdDSA"]).await;
        let file = nodes.folder.path().join("key.pem");
        std::fs::write(&file, KeyPair::generate().expect("a key").serialize_pem()).expect("a file");
        let imported = nodes.run(&["keys", "import", &file.display().to_string()]).await;
        let piped = nodes
            .run_with_input(
                &["keys", "import", "-"],
                &KeyPair::generate().expect("a key").serialize_pem(),
            )
            .await
            .expect("imported");
        let names: Vec<_> = [&added, &imported, &piped]
            .iter()
            .map(|output| output.split(' ').next().expect("a name").to_owned())
            .collect();
        for (name, state) in nodes.listed_keys().await {
            assert_eq!(
                state,
                if names.contains(&name) { "published" } else { "signing" },
                "{name}"
            );
        }
        for port in nodes.ports {
            let synced = async { while nodes.published_key_ids(port).await.len() < 4 {} };
            timeout(WAIT_TIMEOUT, synced).await.expect("the new keys in time");
        }

        let unsupported =
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key").serialize_pem();
        for (input, reason) in [
            ("", "has no private part"),
            ("no PEM text", "has no private part"),
            (unsupported.as_str(), "P-256"),
        ] {
            let message =
                nodes.run_with_input(&["keys", "import", "-"], input).await.expect_err("refused");
            assert!(message.contains(reason), "{message}");
            assert!(
                input.lines().all(|line| !message.contains(line)),
                "the input is not repeated: {message}"
            );
        }
        let message = nodes
            .run_with_input(&["keys", "import", "no-such-file"], "")
            .await
            .expect_err("refused");
        assert!(message.contains("cannot read no-such-file"), "{message}");
        let message = nodes
            .run_with_input(&["keys", "remove", "unknown-key"], "")
            .await
            .expect_err("refused");
        assert!(message.contains("unknown-key"), "{message}");
        assert_eq!(nodes.listed_keys().await.len(), 4, "nothing else has changed");
    }

    async fn invitation_by_command_prints_a_link(nodes: Nodes) {
        let json = nodes.run(&["user", "invite", "ada@example.com", "--json"]).await;
        let created: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(created["invitation"]["email"], "ada@example.com");
        assert_eq!(created["email_sent"], false);
        let older = created["link"].as_str().expect("a link");

        let text = nodes.run(&["user", "invite", "ada@example.com"]).await;
        let link = text.lines().last().expect("a line");
        let token = link.strip_prefix("http://localhost:3000/link?token=").expect("a link");
        assert_ne!(link, older);
        let body = json!({
            "email": "ada@example.com",
            "password": "correct horse battery",
            "invitation_token": token,
        });
        let (status, tokens) =
            send_request(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body)
                .await
                .expect("a response");
        assert_eq!(status, 201, "{tokens}");

        for (email, reason) in [("ada@example.com", "already has an account"), ("ada", "invalid")] {
            let message =
                nodes.run_with_input(&["user", "invite", email], "").await.expect_err("refused");
            assert!(message.contains(reason), "{message}");
        }
    }

    async fn running_servers_refuse_a_user_disabled_by_command(nodes: Nodes) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (_, tokens) = send_request(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body)
            .await
            .expect("a response");
        let access = tokens["access_token"].as_str().expect("a token");
        nodes.run(&["user", "disable", "ada@example.com"]).await;
        for port in nodes.ports {
            let refused = async { while nodes.me(port, access).await == 200 {} };
            timeout(WAIT_TIMEOUT, refused).await.expect("a refusal in time");
        }
        nodes.run(&["user", "enable", "ada@example.com"]).await;
        let (status, _) = send_request(nodes.ports[1], "POST", "/api/v1/auth/login", "", &body)
            .await
            .expect("a response");
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn server_starts_with_kubernetes_service_variables() {
    let folder = TempDir::new().expect("a folder");
    let run = async |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = server_command(folder.path(), 1)
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .await
            .expect("a process");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let links = [
        ("COUNTERSIGN_SERVICE_HOST", "10.96.0.12"),
        ("COUNTERSIGN_PORT", "tcp://10.96.0.12:3000"),
        ("COUNTERSIGN_PORT_3000_TCP_ADDR", "10.96.0.12"),
    ];
    assert!(run(&["config"], &links).await.0, "Kubernetes sets these variables in every container");
    assert!(
        !run(&["config"], &[("COUNTERSIGN_ACESS_TTL", "5m")]).await.0,
        "a misspelled setting is an error"
    );
    let (_, version) = run(&["--version"], &[]).await;
    assert_eq!(version, format!("countersign {}\n", env!("CARGO_PKG_VERSION")));
}
