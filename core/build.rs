//! Embeds the migrations: writes the arrays `SQLITE`, `POSTGRES` and `APP` with the version, the
//! description and the text of each file `VERSION_DESCRIPTION.sql` in the folders of `migrations`.

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path};

#[expect(clippy::disallowed_methods, reason = "Cargo passes paths in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    let mut code = String::new();
    for folder in ["sqlite", "postgres", "app"] {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(name) = file_name.strip_suffix(".sql") else { continue };
            let parts = name
                .split_once('_')
                .filter(|_| !name.contains('.')) // such as those of reversible migrations
                .and_then(|(version, rest)| Some((version.parse::<i64>().ok()?, rest)));
            let Some((version, description)) = parts else {
                return Err(format!("{file_name} is not named VERSION_DESCRIPTION.sql").into());
            };
            let description = description.replace('_', " ");
            // The compiler completes the path: the checkout may move while its build is cached.
            let path = format!("/migrations/{folder}/{file_name}");
            if files.insert(version, (description, path)).is_some() {
                return Err(format!("{file_name} has the version of another file").into());
            }
        }
        writeln!(code, "const {}: &[(i64, &str, &str)] = &[", folder.to_uppercase())?;
        for (version, (description, path)) in files {
            let text = format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))");
            writeln!(code, "    ({version}, {description:?}, {text}),")?;
        }
        writeln!(code, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), code)?;
    Ok(())
}
