//! A TCP proxy between a node and its database.

use anyhow::{Context, ensure};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The proxy. Closing it aborts connections and rejects new ones.
pub(super) struct TcpProxy {
    /// The address of the database through the proxy.
    pub(super) url: String,
    open: watch::Sender<bool>,
}

impl TcpProxy {
    pub(super) async fn start(database: &str) -> anyhow::Result<Self> {
        let mut url: url::Url = database.parse()?;
        let host = url.host_str().context("no host")?.to_owned();
        let behind = (host, url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        url.set_host(Some("127.0.0.1"))?;
        ensure!(url.set_port(Some(listener.local_addr()?.port())).is_ok(), "no port");
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                let (mut is_open, behind) = (is_open.clone(), behind.clone());
                tokio::spawn(async move {
                    if !*is_open.borrow_and_update() {
                        return;
                    }
                    let Ok(mut inside) = TcpStream::connect(behind).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut outside, &mut inside) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Ok(Self { url: url.into(), open })
    }

    pub(super) fn close(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }
}
