//! The documentation: the curl session runs as written, and the table of settings is up to date.

use crate::support::App;
use countersign::config::Setting;
use countersign_core::testing::TestDatabase;
use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::{net::TcpListener, process::Command};

fn document(name: &str) -> String {
    fs::read_to_string(path_of(name)).expect("a document")
}

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

#[test]
fn settings_document_has_the_table_of_settings() {
    let table = Setting::to_markdown();
    let (document, heading) = (document("SETTINGS.md"), "| name | default | meaning |");
    let (before, rest) = document.split_once(heading).expect("the table");
    let (_, after) = rest.split_once("\n\n").unwrap_or_default();
    let after = if after.is_empty() { String::new() } else { format!("\n{after}") };
    let expected = format!("{before}{}\n{after}", table.trim_end());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path_of("SETTINGS.md"), expected).expect("written");
    } else {
        assert_eq!(document, expected, "docs/SETTINGS.md is updated by a run with UPDATE_DOCS=1");
    }
}

#[tokio::test]
async fn curl_session_of_the_api_document_runs() {
    let document = document("API.md");
    let script = document
        .split("```sh\n# curl session\n")
        .nth(1)
        .and_then(|rest| rest.split("\n```").next())
        .expect("a block that begins with `# curl session`");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let app = App::with_url(TestDatabase::sqlite(), &base).await;
    let service = app.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let output = Command::new("bash")
        .arg("-euo")
        .arg("pipefail")
        .arg("-c")
        .arg(script)
        .env("BASE", base)
        .output()
        .await
        .expect("bash and curl");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("ada@example.com"),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
