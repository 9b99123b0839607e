//! The README: its curl session runs as written, and its table of settings is up to date.

use crate::support::App;
use countersign::config::Setting;
use countersign_core::testing::TestDatabase;
use std::{fs, net::SocketAddr, path::Path};
use tokio::{net::TcpListener, process::Command};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))
        .expect("a README")
}

#[test]
fn readme_has_the_table_of_settings() {
    let table = Setting::to_markdown();
    assert!(
        readme().contains(&format!("\n\n{table}\n")),
        "the table of settings in the README must be:\n\n{table}"
    );
}

#[tokio::test]
async fn readme_curl_session_runs() {
    let readme = readme();
    let script = readme
        .split("```sh\n# README: curl\n")
        .nth(1)
        .and_then(|rest| rest.split("\n```").next())
        .expect("a block that begins with `# README: curl`");
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
