//! Rules for every server function, checked against the registry and the sources.

use leptos::server_fn::axum::server_fn_paths;
use std::{collections::HashSet, fs, path::Path};

/// Returns path and text of every Rust file of this crate.
fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push((
                    path.display().to_string(),
                    fs::read_to_string(&path).expect("a source file"),
                ));
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// Returns file and arguments of each `#[server(…)]` that declares a function.
fn declarations() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (file, text) in sources() {
        // Only at the start of a line: comments mention the attribute, and parameters have one too.
        for attribute in
            text.split("\n#[server").skip(1).filter(|rest| rest.starts_with(['(', ']']))
        {
            found.push((file.clone(), attribute.split(']').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

#[test]
fn every_server_fn_declares_client_and_stable_path() {
    let found = declarations();
    assert!(found.len() >= 7, "sources not found: {found:?}");
    for (file, arguments) in found {
        assert!(
            ["AuthenticatedClient", "SessionClient", "LogOutClient", "AnonymousClient"]
                .iter()
                .any(|client| arguments.contains(&format!("client = {client}"))),
            "{file}: {arguments}"
        );
        assert!(
            arguments.contains("prefix = \"/fn\"") && arguments.contains("endpoint = \""),
            "{file}: {arguments}"
        );
    }
}

#[test]
fn every_server_fn_is_a_post_with_unique_path() {
    let registered: Vec<_> = server_fn_paths().collect();
    assert_eq!(
        registered.len(),
        declarations().len(),
        "two server functions have the same path: one silently replaces the other"
    );
    let paths: HashSet<_> = registered.iter().map(|(path, _)| path).collect();
    assert_eq!(paths.len(), registered.len());
    for (path, method) in registered {
        assert_eq!(method, http::Method::POST, "{path}");
        assert!(path.starts_with("/fn/"), "{path}");
    }
    for (file, text) in sources() {
        for encoding in
            [concat!("Get", "Url"), concat!("Get", "Cbor"), concat!("Multipart", "FormData")]
        {
            assert!(
                !text.contains(encoding),
                "{file}: {encoding}: server functions must be POST requests without file uploads"
            );
        }
    }
}

/// Leptos 0.8 doesn't escape the children of a text area on the server: user input there would
/// become markup.
#[test]
fn sources_contain_no_text_area() {
    for (file, text) in sources() {
        assert!(!text.contains(concat!("<text", "area")), "{file}");
    }
}
