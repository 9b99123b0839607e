//! The static files of the built site. Files whose name starts with a dot, and symbolic links out
//! of the directory, are not served.
//!
//! The files are read at startup and served from memory, so a response that isn't read keeps no
//! file open. During development (`cargo leptos watch`) each request reads its file again.

use std::{
    collections::HashMap,
    fs,
    future::{Ready, ready},
    io::{self, Cursor, ErrorKind, SeekFrom},
    path::{Component, Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use axum::body::Bytes;
use tokio::{
    io::{AsyncRead, AsyncSeek, ReadBuf},
    task::spawn_blocking,
};
use tower_http::services::fs::{self as serving, DefaultServeDirFallback, ServeDir};

/// Maximum size of all files together in bytes, and maximum depth of the directories.
const MAX_SITE_BYTES: u64 = 64 * 1024 * 1024;
const MAX_DEPTH: usize = 8;
/// Buffer of a response in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// The static files of the site.
#[derive(Clone)]
pub(crate) enum StaticFiles {
    /// The files as read at startup, by path below the root.
    Memory(Arc<HashMap<PathBuf, File>>),
    /// The current files in this directory.
    Folder(Arc<Path>),
}

/// A file. Clones share its content.
#[derive(Clone)]
pub(crate) struct File {
    bytes: Cursor<Bytes>,
    metadata: Metadata,
}

#[derive(Clone, Copy)]
pub(crate) struct Metadata {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl StaticFiles {
    /// Reads all files of a directory. Fails if a file can't be read, if the total size exceeds
    /// [`MAX_SITE_BYTES`], or if the directories are nested deeper than [`MAX_DEPTH`].
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let root = folder.canonicalize()?;
        let (mut files, mut bytes) = (HashMap::new(), 0);
        let mut folders = vec![(root.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    if depth == MAX_DEPTH {
                        return Err(io::Error::other(format!(
                            "{} is nested too deep",
                            path.display()
                        )));
                    }
                    folders.push((path, depth + 1));
                } else if let Some(real) = resolve_inside(&root, &path)
                    && let Ok(name) = path.strip_prefix(&root)
                {
                    bytes += fs::metadata(&real)?.len();
                    if bytes > MAX_SITE_BYTES {
                        return Err(io::Error::other(format!(
                            "the files exceed {} MiB",
                            MAX_SITE_BYTES / 1024 / 1024
                        )));
                    }
                    files.insert(name.to_owned(), File::read(&real)?);
                }
            }
        }
        Ok(Self::Memory(Arc::new(files)))
    }

    /// Returns a service for the files below a directory of the site. Directories themselves are
    /// not served.
    pub(crate) fn serve(&self, folder: &str) -> ServeDir<DefaultServeDirFallback, Self> {
        ServeDir::with_backend(folder, self.clone())
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip()
            .with_buf_chunk_size(CHUNK_BYTES)
    }

    /// Finds a file by its path below the root. `ServeDir` puts a `.` before the path.
    async fn find(self, path: PathBuf) -> io::Result<File> {
        match self {
            Self::Memory(files) => files.get(path.strip_prefix(".").unwrap_or(&path)).cloned(),
            Self::Folder(root) => {
                let read = move || {
                    let root = root.canonicalize().ok()?;
                    File::read(&resolve_inside(&root, &root.join(path))?).ok()
                };
                spawn_blocking(read).await.map_err(io::Error::other)?
            }
        }
        .ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// Returns the canonical path of a file, or `None` unless the path itself and its target are plain
/// names below the root.
fn resolve_inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let is_plain =
        |path: &Path| path.strip_prefix(root).is_ok_and(|below| below.components().all(is_plain));
    (is_plain(path) && is_plain(&real) && real.is_file()).then_some(real)
}

fn is_plain(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."))
}

impl File {
    fn read(path: &Path) -> io::Result<Self> {
        let bytes = Bytes::from(fs::read(path)?);
        let metadata =
            Metadata { bytes: bytes.len() as u64, modified: fs::metadata(path)?.modified().ok() };
        Ok(Self { bytes: Cursor::new(bytes), metadata })
    }
}

type Found<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl serving::Backend for StaticFiles {
    type File = File;
    type Metadata = Metadata;
    type OpenFuture = Found<File>;
    type MetadataFuture = Found<Metadata>;

    fn open(&self, path: PathBuf) -> Found<File> {
        Box::pin(self.clone().find(path))
    }

    fn metadata(&self, path: PathBuf) -> Found<Metadata> {
        let found = self.clone().find(path);
        Box::pin(async { Ok(found.await?.metadata) })
    }
}

impl serving::File for File {
    type Metadata = Metadata;
    type MetadataFuture<'a> = Ready<io::Result<Metadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.metadata))
    }
}

impl serving::Metadata for Metadata {
    fn is_dir(&self) -> bool {
        false
    }

    fn modified(&self) -> io::Result<SystemTime> {
        self.modified.ok_or_else(|| ErrorKind::Unsupported.into())
    }

    fn len(&self) -> u64 {
        self.bytes
    }
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncSeek for File {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.bytes).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.bytes).poll_complete(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    fn site() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("pkg")).expect("a folder");
        for (name, text) in [
            ("pkg/a.js", "plain"),
            ("pkg/a.js.br", "brotli"),
            ("pkg/b.js", "alone"),
            (".env", "secret"),
        ] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        folder
    }

    /// Returns the status and the body.
    async fn get(files: &StaticFiles, path: &str) -> (u16, String) {
        let request = Request::get(path)
            .header("accept-encoding", "br")
            .body(Body::empty())
            .expect("a request");
        let response = files.serve("").oneshot(request).await.expect("a response");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn file_in_memory_is_served_after_its_deletion() {
        let folder = site();
        let files = StaticFiles::read(folder.path()).expect("a site");
        drop(folder);
        assert_eq!(get(&files, "/pkg/a.js").await, (200, "brotli".to_owned()));
        assert_eq!(get(&files, "/pkg/b.js").await, (200, "alone".to_owned()));
        for none in [
            "/",
            "/pkg",
            "/pkg/",
            "/.env",
            "/pkg/../.env",
            "/nothing",
            &format!("/{}", "a".repeat(300)),
        ] {
            assert_eq!(get(&files, none).await.0, 404, "{none}");
        }
    }

    #[tokio::test]
    async fn watched_folder_serves_current_files() {
        let folder = site();
        let files = StaticFiles::Folder(folder.path().into());
        assert_eq!(get(&files, "/pkg/new.js").await.0, 404);
        fs::write(folder.path().join("pkg/new.js"), "new").expect("written");
        assert_eq!(get(&files, "/pkg/new.js").await, (200, "new".to_owned()));
        for none in [
            "/",
            "/pkg",
            "/.env",
            "/pkg/../pkg/new.js",
            "/../etc/passwd",
            "//etc/passwd",
            &format!("/{}", "a".repeat(300)),
        ] {
            assert_eq!(get(&files, none).await.0, 404, "{none}");
        }
    }

    #[test]
    fn site_beyond_size_or_depth_limit_is_rejected() {
        let folder = site();
        let deepest = folder.path().join(["x"; MAX_DEPTH].join("/"));
        fs::create_dir_all(&deepest).expect("folders");
        let small: u64 = ["pkg/a.js", "pkg/a.js.br", "pkg/b.js"]
            .map(|name| fs::metadata(folder.path().join(name)).expect("a file").len())
            .iter()
            .sum();
        let large = fs::File::create(deepest.join("large.bin")).expect("a file");
        large.set_len(MAX_SITE_BYTES - small).expect("a length");
        assert!(StaticFiles::read(folder.path()).is_ok());
        large.set_len(MAX_SITE_BYTES - small + 1).expect("a length");
        assert!(
            StaticFiles::read(folder.path())
                .is_err_and(|error| error.to_string().contains("64 MiB"))
        );
        large.set_len(0).expect("a length");
        fs::create_dir(deepest.join("x")).expect("a folder");
        assert!(
            StaticFiles::read(folder.path())
                .is_err_and(|error| error.to_string().contains("nested too deep"))
        );
    }
}
