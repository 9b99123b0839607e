//! Embeds the migrations: writes the arrays `SQLITE`, `POSTGRES` and `APP` with the version, the
//! description and the text of each file `VERSION_DESCRIPTION.sql` in the folders of `migrations`.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

#[expect(clippy::disallowed_methods, reason = "Cargo passes paths in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    let mut code = String::new();
    for folder in ["sqlite", "postgres", "app"] {
        let mut paths = fs::read_dir(root.join(folder))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, std::io::Error>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
        paths.sort();
        writeln!(code, "const {}: &[(i64, &str, &str)] = &[", folder.to_uppercase())?;
        for path in paths {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let (version, description) = name
                .split_once('_')
                .and_then(|(version, rest)| Some((version.parse::<i64>().ok()?, rest)))
                .ok_or_else(|| {
                    format!("{} is not named VERSION_DESCRIPTION.sql", path.display())
                })?;
            let description = description.replace('_', " ");
            let path = path.display().to_string();
            writeln!(code, "    ({version}, {description:?}, include_str!({path:?})),")?;
        }
        writeln!(code, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), code)?;
    Ok(())
}
