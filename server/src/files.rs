//! The files of the built site, and no others: nothing whose name begins with a dot, and nothing that a link leads to out of its folder.

use std::{
    future::Future,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
    pin::Pin,
    sync::Arc,
};
use tokio::task::spawn_blocking;
use tower_http::services::fs::{Backend, DefaultServeDirFallback, ServeDir, TokioBackend, TokioFile};

/// Serves what is in a folder of the site. A folder itself is nothing that can be asked for.
pub(crate) fn serve(folder: &Path) -> ServeDir<DefaultServeDirFallback, Inside> {
    ServeDir::with_backend(folder, Inside { root: folder.into() }).append_index_html_on_directories(false).precompressed_br().precompressed_gzip()
}

/// The file system, as far as it is in the folder.
#[derive(Clone)]
pub(crate) struct Inside {
    root: Arc<Path>,
}

type Found<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Backend for Inside {
    type File = TokioFile;
    type Metadata = std::fs::Metadata;
    type OpenFuture = Found<TokioFile>;
    type MetadataFuture = Found<std::fs::Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let path = self.real(path);
        Box::pin(async { TokioBackend.open(path.await?).await })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let path = self.real(path);
        Box::pin(async { TokioBackend.metadata(path.await?).await })
    }
}

impl Inside {
    /// Where a path leads to in the end. What is not for anybody is not found.
    fn real(&self, path: PathBuf) -> impl Future<Output = io::Result<PathBuf>> + use<> {
        let root = self.root.clone();
        async {
            let found = spawn_blocking(move || {
                let (root, path) = (root.canonicalize()?, path.canonicalize()?);
                let inside = path.strip_prefix(&root).is_ok_and(|rest| rest.components().all(is_plain));
                if inside { Ok(path) } else { Err(ErrorKind::NotFound.into()) }
            });
            found.await.map_err(io::Error::other)?
        }
    }
}

fn is_plain(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."))
}
