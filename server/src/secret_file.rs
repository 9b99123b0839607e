//! The file that the server secret is kept in: made on the first start, readable for its owner
//! only.

use anyhow::{Context, bail};
use countersign_core::{Entropy, ServerSecret};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Reads the secret.
pub fn read(path: &Path) -> anyhow::Result<ServerSecret> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("the server secret cannot be read from {shown}"))?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o007 != 0 {
        bail!("everybody on this machine can read the server secret: chmod 600 {shown}");
    }
    ServerSecret::parse(&text).with_context(|| format!("the server secret in {shown} cannot be used; make one with `countersign secret new > {shown}`"))
}

/// Makes a secret where there is none yet, and reads it. Servers that start together end with the
/// same one.
pub fn create(path: &Path, entropy: &Entropy) -> anyhow::Result<ServerSecret> {
    if !path.exists() {
        write_new(path, entropy)?;
    }
    read(path)
}

fn write_new(path: &Path, entropy: &Entropy) -> anyhow::Result<()> {
    let shown = path.display();
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    // Written whole under another name first, then linked: the link fails if somebody else was
    // quicker, and nobody ever reads half a secret.
    let draft = path.with_extension(format!("{:016x}.new", u64::from_be_bytes(entropy.bytes()?)));
    let secret = ServerSecret::generate(entropy)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("{} cannot be made", draft.display()))?;
    let linked = writeln!(file, "{}", secret.expose())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path))
        .and_then(|()| fs::File::open(folder)?.sync_all());
    fs::remove_file(&draft).with_context(|| format!("{} cannot be removed", draft.display()))?;
    match linked {
        Ok(()) => {
            tracing::info!(file = %shown, "made a server secret; keep a copy of it, away from the copies of the database");
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("the server secret cannot be written to {shown}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/secret");
        let made = create(&path, &Entropy::System).expect("a secret");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(create(&path, &Entropy::System).expect("the same").expose(), made.expose());
        assert_eq!(read(&path).expect("the same").expose(), made.expose());
        assert_eq!(
            fs::read_dir(folder.path().join("data")).expect("a folder").count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_missing_readable_or_weak_file_is_refused_with_the_cure() {
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
