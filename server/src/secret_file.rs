//! The file of the server secret. It is generated on the first start, with permissions for its
//! owner only.

use anyhow::{Context, bail};
use countersign_core::{RandomSource, ServerSecret};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Reads the secret. Fails if other users can read the file.
pub fn read(path: &Path) -> anyhow::Result<ServerSecret> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the server secret from {name}"))?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o007 != 0 {
        bail!("the server secret is readable by all users: run `chmod 600 {name}`");
    }
    ServerSecret::parse(&text).with_context(|| {
        format!(
            "the server secret in {name} is invalid; \
             generate one with `countersign secret new > {name}`"
        )
    })
}

/// Generates a secret if the file doesn't exist, and reads it. Servers that start concurrently get
/// the same secret.
pub fn create(path: &Path, random: &RandomSource) -> anyhow::Result<ServerSecret> {
    if !path.exists() {
        write_new(path, random)?;
    }
    read(path)
}

fn write_new(path: &Path, random: &RandomSource) -> anyhow::Result<()> {
    let name = path.display();
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the directory {}", folder.display()))?;
    // Written completely under another name, then linked. The link fails if another process was
    // faster, and no process ever reads an incomplete secret.
    let draft = path.with_extension(format!("{:016x}.new", u64::from_be_bytes(random.bytes()?)));
    let secret = ServerSecret::generate(random)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("cannot create {}", draft.display()))?;
    let linked = writeln!(file, "{}", secret.expose())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| fs::File::open(folder)?.sync_all());
    fs::remove_file(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    match linked {
        Ok(()) => {
            tracing::info!(
                file = %name,
                hint = "keep a copy, separate from the backups of the database",
                "server secret generated"
            );
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("cannot write the server secret to {name}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_file_is_created_once_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/secret");
        let made = create(&path, &RandomSource::System).expect("a secret");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(create(&path, &RandomSource::System).expect("the same").expose(), made.expose());
        assert_eq!(read(&path).expect("the same").expose(), made.expose());
        assert_eq!(
            fs::read_dir(folder.path().join("data")).expect("a folder").count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn unusable_secret_file_error_names_the_fix() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        assert!(read(&path).is_err());
        fs::write(&path, "changeme").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        assert!(format!("{:#}", read(&path).expect_err("readable")).contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        let error = format!("{:#}", read(&path).expect_err("weak"));
        assert!(error.contains("countersign secret new") && !error.contains("changeme"), "{error}");
    }
}
