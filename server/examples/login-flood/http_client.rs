//! A minimal HTTP/1.1 client, which controls when a request is sent and can disconnect in the
//! middle of it.

use anyhow::{Context, ensure};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// Maximum time to wait for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A request.
#[derive(Default)]
pub(crate) struct Request<'a> {
    pub(crate) path: &'a str,
    /// With a body the method is `POST`, otherwise `GET`.
    pub(crate) body: Option<String>,
    pub(crate) bearer: Option<&'a str>,
    pub(crate) cookie: Option<&'a str>,
}

/// A response.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Whether it has a `Retry-After` in whole seconds.
    pub(crate) retry_after: bool,
    /// `NAME=VALUE`.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// A client with its IP address and its connection, which stays open as long as the server allows.
pub(crate) struct HttpClient {
    server: SocketAddr,
    address: Ipv4Addr,
    connection: Option<BufReader<TcpStream>>,
}

impl HttpClient {
    pub(crate) const fn new(server: SocketAddr, address: Ipv4Addr) -> Self {
        Self { server, address, connection: None }
    }

    /// Sends a request and returns the response.
    pub(crate) async fn send(&mut self, request: &Request<'_>) -> anyhow::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let text = self.to_http(request);
        let response = timeout(RESPONSE_TIMEOUT, async {
            connection.get_mut().write_all(text.as_bytes()).await?;
            read(&mut connection).await
        });
        let response = response.await.context("no response in time")??;
        self.connection = Some(connection);
        Ok(response)
    }

    /// Closes the connection. The next request uses a new one.
    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Sends a request, or the first part of it, and disconnects.
    pub(crate) async fn send_and_disconnect(
        &mut self,
        request: &Request<'_>,
        half: bool,
    ) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        let text = self.to_http(request);
        let end = if half { text.len() - text.len() / 4 } else { text.len() };
        connection
            .get_mut()
            .write_all(&text.as_bytes()[..end])
            .await
            .context("cannot send the request")
    }

    async fn connect(&self) -> anyhow::Result<BufReader<TcpStream>> {
        let stream = timeout(RESPONSE_TIMEOUT, TcpStream::connect(self.server))
            .await
            .context("no connection in time")??;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn to_http(&self, Request { path, body, bearer, cookie }: &Request<'_>) -> String {
        let (port, address) = (self.server.port(), self.address);
        let method = if body.is_some() { "POST" } else { "GET" };
        let bearer =
            bearer.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let cookie = cookie.map_or_else(String::new, |cookie| {
            format!("Cookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n")
        });
        let body = body.as_deref().unwrap_or_default();
        let content = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
        };
        // This client acts as a proxy, which adds the client's IP address.
        format!(
            "{method} {path} HTTP/1.1\r\nHost: \
             localhost:{port}\r\n{bearer}{cookie}{content}X-Forwarded-For: {address}\r\n\r\n{body}"
        )
    }
}

async fn read(connection: &mut BufReader<TcpStream>) -> anyhow::Result<Response> {
    let status = header(connection)
        .await?
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .context("a response without a status")?;
    let mut response =
        Response { status, retry_after: false, cookies: Vec::new(), body: Vec::new() };
    let mut length = None;
    loop {
        let line = header(connection).await?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").context("a header without a value")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.parse()?),
            "retry-after" => {
                response.retry_after = value.parse::<u32>().is_ok_and(|seconds| seconds > 0);
            }
            "set-cookie" => response.cookies.extend(value.split(';').next().map(str::to_owned)),
            _ => {}
        }
    }
    response.body = vec![0; length.context("a response of unknown length")?];
    connection.read_exact(&mut response.body).await?;
    Ok(response)
}

async fn header(connection: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    ensure!(line.ends_with("\r\n"), "the connection broke");
    line.truncate(line.len() - 2);
    Ok(line)
}
