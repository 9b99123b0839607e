//! What is done by the command line beside running servers, each a process of its own: all of them
//! follow.

use crate::program::{PATIENCE, ask, countersign, port, up};
use countersign_core::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::{Value, json};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

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
        let ports = [port().await, port().await];
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        let mut nodes = Self {
            database,
            folder: TempDir::new().expect("a folder"),
            secret,
            ports,
            running: Vec::new(),
        };
        for port in ports {
            nodes.running.push(nodes.program(port).spawn().expect("a process"));
            up(port).await;
        }
        nodes
    }

    fn program(&self, port: u16) -> Command {
        let mut program = countersign(self.folder.path(), port);
        program.envs([
            ("DATABASE_URL", self.database.url.as_str()),
            ("COUNTERSIGN_SECRET", &self.secret),
            ("COUNTERSIGN_PUBLIC_URL", "http://localhost:3000"),
            ("RUST_LOG", "error"),
        ]);
        program
    }

    /// Runs a command of the program to its end, and returns what it has printed.
    async fn run(&self, arguments: &[&str]) -> String {
        self.fed(arguments, "").await.unwrap_or_else(|said| panic!("{arguments:?}: {said}"))
    }

    /// The same of one that reads `input`; if it ends with 1, what it has complained of.
    async fn fed(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = self
            .program(0)
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        // One that does not read may be gone by now.
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
        ask(port, "GET", "/api/v1/me", token, &Value::Null).await.expect("an answer").0
    }

    /// The names of the public keys that this server gives out.
    async fn published(&self, port: u16) -> Vec<String> {
        let (_, keys) =
            ask(port, "GET", "/.well-known/jwks.json", "", &Value::Null).await.expect("an answer");
        keys["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|key| key["kid"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// The keys as the command line lists them: names and states.
    async fn listed(&self) -> Vec<(String, String)> {
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

on_both! {
    async fn keys_that_are_added_and_removed_beside_running_servers_are_followed_by_all_of_them(
        nodes: Nodes,
    ) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (status, tokens) =
            ask(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
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
        let (status, renewed) = ask(
            nodes.ports[1],
            "POST",
            "/api/v1/auth/refresh",
            "",
            &json!({ "refresh_token": tokens["refresh_token"] }),
        )
        .await
        .expect("an answer");
        assert_eq!(status, 200, "the session goes on: {renewed}");
        for port in nodes.ports {
            assert_eq!(
                nodes.me(port, renewed["access_token"].as_str().expect("a token")).await,
                200
            );
        }
    }

    async fn keys_are_made_added_imported_and_chosen_by_commands(nodes: Nodes) {
        let secret = nodes.run(&["secret", "new"]).await;
        assert!(countersign_core::ServerSecret::parse(secret.trim()).is_ok(), "what it makes is one");
        assert_ne!(nodes.run(&["secret", "new"]).await, secret);

        let added = nodes.run(&["keys", "add", "EdDSA"]).await;
        let file = nodes.folder.path().join("key.pem");
        std::fs::write(&file, KeyPair::generate().expect("a key").serialize_pem()).expect("a file");
        let imported = nodes.run(&["keys", "import", &file.display().to_string()]).await;
        let piped = nodes
            .fed(&["keys", "import", "-"], &KeyPair::generate().expect("a key").serialize_pem())
            .await
            .expect("imported");
        let names: Vec<_> = [&added, &imported, &piped]
            .iter()
            .map(|said| said.split(' ').next().expect("a name").to_owned())
            .collect();
        for (name, state) in nodes.listed().await {
            assert_eq!(
                state,
                if names.contains(&name) { "published" } else { "signing" },
                "{name}"
            );
        }
        for port in nodes.ports {
            let known = async { while nodes.published(port).await.len() < 4 {} };
            timeout(PATIENCE, known).await.expect("it follows");
        }

        let unfit = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key").serialize_pem();
        for (input, why) in [
            ("", "has no private part"),
            ("secret of nobody", "has no private part"),
            (unfit.as_str(), "P-256"),
        ] {
            let said = nodes.fed(&["keys", "import", "-"], input).await.expect_err("refused");
            assert!(said.contains(why), "{said}");
            assert!(
                input.lines().all(|line| !said.contains(line)),
                "it repeats none of it: {said}"
            );
        }
        let said = nodes.fed(&["keys", "import", "no-such-file"], "").await.expect_err("refused");
        assert!(said.contains("no-such-file cannot be read"), "{said}");
        let said = nodes.fed(&["keys", "remove", "nobody"], "").await.expect_err("refused");
        assert!(said.contains("nobody"), "{said}");
        assert_eq!(nodes.listed().await.len(), 4, "nothing else has changed");
    }

    async fn whoever_is_disabled_beside_running_servers_is_out_on_all_of_them(nodes: Nodes) {
        let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
        let (_, tokens) =
            ask(nodes.ports[0], "POST", "/api/v1/auth/signup", "", &body).await.expect("an answer");
        let access = tokens["access_token"].as_str().expect("a token");
        nodes.run(&["user", "disable", "ada@example.com"]).await;
        for port in nodes.ports {
            let known = async { while nodes.me(port, access).await == 200 {} };
            timeout(PATIENCE, known).await.expect("it follows");
        }
        nodes.run(&["user", "enable", "ada@example.com"]).await;
        let (status, _) =
            ask(nodes.ports[1], "POST", "/api/v1/auth/login", "", &body).await.expect("an answer");
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn program_beside_a_service_of_its_name_starts() {
    let folder = TempDir::new().expect("a folder");
    let run = async |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = countersign(folder.path(), 1)
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .await
            .expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let links = [
        ("COUNTERSIGN_SERVICE_HOST", "10.96.0.12"),
        ("COUNTERSIGN_PORT", "tcp://10.96.0.12:3000"),
        ("COUNTERSIGN_PORT_3000_TCP_ADDR", "10.96.0.12"),
    ];
    assert!(run(&["config"], &links).await.0, "Kubernetes puts these into every container");
    assert!(
        !run(&["config"], &[("COUNTERSIGN_ACESS_TTL", "5m")]).await.0,
        "a slip of the pen is no such name"
    );
    let (_, version) = run(&["--version"], &[]).await;
    assert_eq!(version, format!("countersign {}\n", env!("CARGO_PKG_VERSION")));
}
