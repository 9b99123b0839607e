//! The documentation: the curl session runs as written, the table of settings is up to date, and
//! links lead somewhere.

use crate::support::App;
use countersign::config::Setting;
use countersign_core::testing::TestDatabase;
use std::{
    collections::BTreeSet,
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
#[expect(clippy::disallowed_methods, reason = "no setting of the server")]
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

/// Returns the values of the attribute `data-part` in a page.
fn parts_of(page: &str) -> impl Iterator<Item = String> {
    page.split("data-part=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned)
}

#[tokio::test]
async fn parts_of_pages_are_those_of_the_guide() {
    let guide = document("guides/brand.md");
    let table = guide.split("| `data-part` | meaning |").nth(1).expect("the table");
    let names = table.lines().take_while(|line| !line.starts_with("```"));
    let documented: BTreeSet<_> = names
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let app = App::on(TestDatabase::sqlite()).await;
    app.user("ada@example.com").await;
    let user = app.log_in("ada@example.com").await;
    let signed_in = app.anon().browser(&user.refresh);
    let mut rendered = BTreeSet::new();
    for path in ["/", "/login", "/signup", "/forgot", "/login?reset", "/nowhere"] {
        let page = app.anon().with("accept", "text/html").get(path).await;
        rendered.extend(parts_of(&page.text));
    }
    for path in [
        "/account",
        "/account/email",
        "/account/password",
        "/account/devices",
        "/account/activity",
        "/account/activity?show=warnings",
        "/account/data",
        "/account/data?delete",
    ] {
        let page = signed_in.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        rendered.extend(parts_of(&page.text));
    }
    assert_eq!(rendered, documented, "rendered, and documented in docs/guides/brand.md");
}

/// Returns the Markdown files in a folder.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Returns the targets of the links and images in a document, without those to other sites.
fn link_targets(text: &str) -> Vec<&str> {
    let markdown = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let html = ["src=\"", "srcset=\"", "href=\""]
        .into_iter()
        .flat_map(|start| text.split(start).skip(1))
        .filter_map(|rest| rest.split('"').next());
    markdown
        .chain(html)
        .filter(|target| !target.contains(':') && !target.starts_with('/') && !target.is_empty())
        .collect()
}

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_of_the_documentation_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["", "docs", "docs/guides", "docs/decisions", "docs/recipes"];
    let mut checked = 0;
    for file in folders.iter().flat_map(|folder| markdown_files(&root.join(folder))) {
        let text = fs::read_to_string(&file).expect("a document");
        for target in link_targets(&text) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = file.parent().expect("a folder");
            let linked = if path.is_empty() { file.clone() } else { folder.join(path) };
            assert!(linked.exists(), "{}: {target} does not exist", file.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&linked).expect("a document");
                let found = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(
                    found.into_iter().any(|anchor| anchor == heading),
                    "{}: {target} is no heading",
                    file.display()
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} links");
}
