//! TLS termination: a certificate and its private key from PEM files. Changed files are reloaded,
//! so that a renewed certificate needs no restart.

use anyhow::{Context, bail};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio_rustls::TlsAcceptor;

/// Interval at which the files are checked for changes.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Paths of the certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatePaths {
    /// The certificate of this server, followed by the intermediate certificates (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// The TLS configuration of new connections: the last certificate that could be read.
#[derive(Clone)]
pub struct Tls {
    paths: Arc<CertificatePaths>,
    current: Arc<RwLock<CurrentCertificate>>,
}

struct CurrentCertificate {
    config: Arc<ServerConfig>,
    modified: ModifiedTimes,
}

/// Modification times of the files.
type ModifiedTimes = [Option<SystemTime>; 2];

impl Tls {
    /// Reads the files. The error names the setting that is wrong.
    pub fn open(paths: CertificatePaths) -> anyhow::Result<Self> {
        let modified = paths.modified();
        let config = paths.read()?;
        Ok(Self {
            paths: Arc::new(paths),
            current: Arc::new(RwLock::new(CurrentCertificate { config, modified })),
        })
    }

    /// Returns the acceptor for a new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).config.clone().into()
    }

    /// Reloads the files when they change. If they can't be read, one error is logged and the
    /// previous certificate stays in use. Never returns.
    pub(crate) async fn watch(self) {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            self.reload_if_changed();
        }
    }

    /// Checks the files once. Returns whether a new certificate was loaded.
    pub fn reload_if_changed(&self) -> bool {
        let modified = self.paths.modified();
        if modified == self.current.read().unwrap_or_else(PoisonError::into_inner).modified {
            return false;
        }
        let read = self.paths.read();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.modified = modified;
        match read {
            Ok(config) => {
                current.config = config;
                tracing::info!("certificate reloaded");
                true
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "certificate not reloaded");
                false
            }
        }
    }
}

impl CertificatePaths {
    fn modified(&self) -> ModifiedTimes {
        [&self.certificate, &self.key]
            .map(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
    }

    fn read(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let (cert, key) = (self.certificate.display(), self.key.display());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .with_context(|| format!("COUNTERSIGN_TLS_CERT: cannot read {cert} as PEM"))?;
        if chain.is_empty() {
            bail!("COUNTERSIGN_TLS_CERT: no certificate in {cert}");
        }
        // The parser's errors don't quote the file.
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("COUNTERSIGN_TLS_KEY: no private key in {key}"))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .context("cannot configure TLS")?
                .with_no_client_auth()
                .with_single_cert(chain, private)
                .with_context(|| format!("COUNTERSIGN_TLS_KEY: {key} is not the key of {cert}"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
