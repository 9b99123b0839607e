//! HTTPS by ourselves: a certificate and its key from PEM files, read again when they change, so
//! that whoever renews them need not restart us.

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

/// The files are looked at so often.
const LOOK: Duration = Duration::from_secs(5);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate of this server, then those that vouch for it (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// What connections are encrypted with: the newest certificate that could be read.
#[derive(Clone)]
pub struct Tls {
    files: Arc<Files>,
    newest: Arc<RwLock<Newest>>,
}

struct Newest {
    config: Arc<ServerConfig>,
    seen: Seen,
}

/// When the files were changed last.
type Seen = [Option<SystemTime>; 2];

impl Tls {
    /// Reads the files, or says what is wrong with them.
    pub fn open(files: Files) -> anyhow::Result<Self> {
        let seen = files.seen();
        let config = files.read()?;
        Ok(Self { files: Arc::new(files), newest: Arc::new(RwLock::new(Newest { config, seen })) })
    }

    /// For one connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).config.clone().into()
    }

    /// Follows the files, for ever. What cannot be read is complained of once, and what was there
    /// before stays in use.
    pub(crate) async fn follow(self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look();
        }
    }

    /// Looks once. Whether there was something new and good.
    pub fn look(&self) -> bool {
        let seen = self.files.seen();
        if seen == self.newest.read().unwrap_or_else(PoisonError::into_inner).seen {
            return false;
        }
        let read = self.files.read();
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        newest.seen = seen;
        match read {
            Ok(config) => {
                newest.config = config;
                tracing::info!("the certificate was changed: new connections get the new one");
                true
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the certificate was changed, but cannot be used: the old one stays"
                );
                false
            }
        }
    }
}

impl Files {
    fn seen(&self) -> Seen {
        [&self.certificate, &self.key]
            .map(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
    }

    fn read(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let (cert, key) = (self.certificate.display(), self.key.display());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .with_context(|| format!("COUNTERSIGN_TLS_CERT: {cert} cannot be read as PEM"))?;
        if chain.is_empty() {
            bail!("COUNTERSIGN_TLS_CERT: there is no certificate in {cert}");
        }
        // The reasons of the parser do not quote the file.
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("COUNTERSIGN_TLS_KEY: there is no private key in {key}"))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .context("TLS cannot be set up")?
                .with_no_client_auth()
                .with_single_cert(chain, private)
                .with_context(|| format!("COUNTERSIGN_TLS_KEY: {key} is not the key of {cert}"))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
