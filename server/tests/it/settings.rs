//! Settings of the real program from the environment and from files, and how it finds the database
//! and the server secret.

use crate::process::{WAIT_TIMEOUT, free_port, server_command, wait_until_ready};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};

fn temp_dir() -> TempDir {
    TempDir::new().expect("a folder")
}

async fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut program = server_command(folder, 0);
    program.args(arguments).envs(environment.iter().copied()).stderr(Stdio::piped());
    timeout(WAIT_TIMEOUT, program.output()).await.expect("in time").expect("a process")
}

/// Returns the standard error of a command that must have failed.
fn error_output(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the JSON output of a command that must have succeeded.
fn json_output(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs a server until it is ready, and returns its output.
pub async fn serve(folder: &Path, environment: &[(&str, &str)]) -> Output {
    let port = free_port().await;
    let child = server_command(folder, port)
        .envs(environment.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    wait_until_ready(port).await;
    let id = child.id().expect("a process").to_string();
    Command::new("kill").arg(&id).status().await.expect("kill");
    timeout(WAIT_TIMEOUT, child.wait_with_output()).await.expect("in time").expect("output")
}

#[tokio::test]
async fn empty_variable_does_not_hide_the_value_of_a_file() {
    let folder = temp_dir();
    fs::write(
        folder.path().join(".env"),
        "DATABASE_URL=sqlite:real/accounts.db\nCOUNTERSIGN_TRUSTED_PROXIES=10.0.0.0/8\n",
    )
    .expect("a file");
    fs::write(
        folder.path().join("countersign.toml"),
        "COUNTERSIGN_PUBLIC_URL = \"https://accounts.example.com\"\nDATABASE_URL = \"\"\n",
    )
    .expect("a file");
    let empty = [
        ("DATABASE_URL", ""),
        ("COUNTERSIGN_PUBLIC_URL", " "),
        ("COUNTERSIGN_TRUSTED_PROXIES", ""),
    ];
    // Test settings that are refused for a public URL are cleared.
    let shown = json_output(
        &run(
            folder.path(),
            &["config", "--json"],
            &[&empty[..], &[("COUNTERSIGN_ARGON2", ""), ("COUNTERSIGN_RATE_LIMITS", "")]].concat(),
        )
        .await,
    );
    assert_eq!(shown["DATABASE_URL"], "sqlite:real/accounts.db");
    assert_eq!(shown["COUNTERSIGN_PUBLIC_URL"], "https://accounts.example.com");
    assert_eq!(shown["COUNTERSIGN_TRUSTED_PROXIES"], "10.0.0.0/8");
}

#[tokio::test]
async fn invalid_config_lines_are_named_and_not_quoted() {
    for (file, text, expected) in [
        (
            ".env",
            "COUNTERSIGN_MAIL=none\nCOUNTERSIGN_SECRET hunter2\n",
            ".env, line 2: expected NAME=value",
        ),
        (
            ".env",
            "\nCOUNTERSIGN_SECRET=hunter2\n",
            "COUNTERSIGN_SECRET (.env, line 2) must be 32 random bytes",
        ),
        (
            ".env",
            "\n\nDATABASE_URL=sqlite::memory:\n",
            "DATABASE_URL (.env, line 3) must name a file",
        ),
        (
            ".env",
            "COUNTERSIGN_SECRT=hunter2\n",
            "COUNTERSIGN_SECRT (.env, line 1) is not a setting of this version; \
             did you mean COUNTERSIGN_SECRET?",
        ),
        (
            "countersign.toml",
            "COUNTERSIGN_MAIL = \"none\"\nCOUNTERSIGN_SECRET = hunter2\n",
            "countersign.toml, line 2: invalid TOML",
        ),
        (
            "countersign.toml",
            "COUNTERSIGN_SECRET = \"hunter2\"\n",
            "COUNTERSIGN_SECRET (countersign.toml) must be 32 random bytes",
        ),
    ] {
        let folder = temp_dir();
        fs::write(folder.path().join(file), text).expect("a file");
        let message = error_output(&run(folder.path(), &["config"], &[]).await);
        assert!(message.contains(expected) && !message.contains("hunter2"), "{text:?}: {message}");
    }
}

#[tokio::test]
async fn invalid_database_urls_are_refused_by_config() {
    let folder = temp_dir();
    for (url, hint) in [
        ("sqlite:", "must name a file"),
        ("sqlite::memory:", "must name a file"),
        ("sqlite:~/x.db", "write the path in full"),
        ("sqlite:x.db?mode=ro", "no option but mode=rwc"),
        ("file:x.db", "must be sqlite:PATH"),
        ("postgres://ann:p/ss@db/countersign", "%2F"),
        ("postgres://ann@db/countersign?passwd=hunter2", "does not know"),
    ] {
        let message =
            error_output(&run(folder.path(), &["config"], &[("DATABASE_URL", url)]).await);
        assert!(
            message.contains("DATABASE_URL")
                && message.contains(hint)
                && !message.contains("hunter2"),
            "{url}: {message}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "no file was created");
}

#[tokio::test]
async fn sqlite_options_are_not_part_of_the_file_name() {
    let folder = temp_dir();
    serve(folder.path(), &[("DATABASE_URL", "sqlite:my%20accounts.db?mode=rwc ")]).await;
    assert!(folder.path().join("my accounts.db").is_file());
}

#[tokio::test]
async fn missing_secret_is_never_replaced_by_a_new_one() {
    let folder = temp_dir();
    serve(folder.path(), &[]).await;
    let secret = folder.path().join("data/secret");
    fs::rename(&secret, folder.path().join("elsewhere")).expect("moved");
    for arguments in [&["serve"][..], &["user", "list"], &["keys", "list"], &["keys", "add"]] {
        let message = error_output(&run(folder.path(), arguments, &[]).await);
        assert!(
            message.contains("data/secret")
                && message.contains("COUNTERSIGN_SECRET_FILE")
                && message.contains("data/countersign.db"),
            "{arguments:?}: {message}"
        );
        assert!(!secret.exists(), "{arguments:?}");
    }
    fs::rename(folder.path().join("elsewhere"), &secret).expect("moved back");
    assert!(serve(folder.path(), &[]).await.status.success());
}

#[tokio::test]
async fn empty_secret_variable_creates_no_secret_file() {
    let folder = temp_dir();
    let secret = countersign_core::ServerSecret::generate(&countersign_core::RandomSource::System)
        .expect("randomness")
        .expose();
    fs::write(folder.path().join(".env"), format!("COUNTERSIGN_SECRET={secret}\n"))
        .expect("a file");
    serve(folder.path(), &[("COUNTERSIGN_SECRET", "")]).await;
    assert!(!folder.path().join("data/secret").exists());
}

#[tokio::test]
async fn concurrent_first_starts_create_one_secret() {
    let folder = temp_dir();
    let mut servers = Vec::new();
    for _ in 0..4 {
        let port = free_port().await;
        let child =
            server_command(folder.path(), port).stderr(Stdio::piped()).spawn().expect("a process");
        servers.push((child, port));
    }
    for (_, port) in &servers {
        wait_until_ready(*port).await;
    }
    let files: Vec<_> = fs::read_dir(folder.path().join("data"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    assert_eq!(files.iter().filter(|name| name.starts_with("secret")).count(), 1, "{files:?}");
}

#[tokio::test]
async fn user_list_shows_every_account() {
    let folder = temp_dir();
    let create = |number: usize| {
        let mut program = server_command(folder.path(), 0);
        program
            .args(["user", "create", &format!("user{number}@example.com")])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        async move {
            use tokio::io::AsyncWriteExt;
            let mut child = program.spawn().expect("a process");
            child
                .stdin
                .take()
                .expect("a pipe")
                .write_all(b"correct horse battery\n")
                .await
                .expect("written");
            let output = child.wait_with_output().await.expect("a process");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    };
    // More accounts than fit in one page of the store.
    create(0).await;
    let mut connection = {
        use sqlx::ConnectOptions;
        sqlx::sqlite::SqliteConnectOptions::new()
            .filename(folder.path().join("data/countersign.db"))
            .connect()
            .await
            .expect("a database")
    };
    let copies = "INSERT INTO csgn_users (id, email, email_key, epoch, created_at)
        SELECT randomblob(16), 'copy' || n || '@example.com', 'copy' || n || '@example.com',
            0, created_at
        FROM csgn_users, (
            WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 250)
            SELECT n FROM c
        )";
    sqlx::query(copies).execute(&mut connection).await.expect("users");
    let all = json_output(&run(folder.path(), &["user", "list", "--json"], &[]).await);
    let all = all.as_array().expect("a list");
    assert_eq!(all.len(), 251);
    let text = run(folder.path(), &["user", "list"], &[]).await;
    assert_eq!(String::from_utf8_lossy(&text.stdout).lines().count(), 251);
    let (mut pages, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec!["user", "list", "--json", "--limit", "120"];
        if let Some(after) = &after {
            arguments.extend(["--after", after]);
        }
        let page = json_output(&run(folder.path(), &arguments, &[]).await)
            .as_array()
            .expect("a list")
            .clone();
        let Some(last) = page.last() else { break };
        after = last["id"].as_str().map(str::to_owned);
        pages.extend(page);
    }
    assert_eq!(&pages, all);
    let text = run(folder.path(), &["user", "list", "--limit", "3"], &[]).await;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let next = all[2]["id"].as_str().expect("an id");
    assert!(
        text.lines().count() == 4
            && text
                .ends_with(&format!("There are more accounts. To continue, add --after {next}\n")),
        "{text}"
    );
}
