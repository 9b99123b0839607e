//! HTTP/1.1 as far as this needs it, by hand: a request leaves when we say so, and whoever sends it
//! may hang up in the middle.

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

/// A server that has not answered after so long never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Default)]
pub(crate) struct Request<'a> {
    pub(crate) path: &'a str,
    /// `POST` with one, `GET` without.
    pub(crate) body: Option<String>,
    pub(crate) bearer: Option<&'a str>,
    pub(crate) cookie: Option<&'a str>,
}

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it says when to come back, in whole seconds.
    pub(crate) retry_after: bool,
    /// `NAME=VALUE`.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// A client: where it comes from, and its connection, which stays open as long as the server likes.
pub(crate) struct Line {
    server: SocketAddr,
    address: Ipv4Addr,
    connection: Option<BufReader<TcpStream>>,
}

impl Line {
    pub(crate) const fn new(server: SocketAddr, address: Ipv4Addr) -> Self {
        Self { server, address, connection: None }
    }

    /// Asks, and hears the answer.
    pub(crate) async fn ask(&mut self, request: &Request<'_>) -> anyhow::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let text = self.write_out(request);
        let answer = timeout(PATIENCE, async {
            connection.get_mut().write_all(text.as_bytes()).await?;
            read(&mut connection).await
        });
        let answer = answer.await.context("no answer in time")??;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// The next request goes over a connection of its own.
    pub(crate) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Sends a request, or the first half of it, and is gone.
    pub(crate) async fn ask_and_go(
        &mut self,
        request: &Request<'_>,
        half: bool,
    ) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        let text = self.write_out(request);
        let end = if half { text.len() - text.len() / 4 } else { text.len() };
        connection.get_mut().write_all(&text.as_bytes()[..end]).await.context("it cannot be sent")
    }

    async fn connect(&self) -> anyhow::Result<BufReader<TcpStream>> {
        let stream = timeout(PATIENCE, TcpStream::connect(self.server))
            .await
            .context("no connection in time")??;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn write_out(&self, Request { path, body, bearer, cookie }: &Request<'_>) -> String {
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
        // We pretend to be a proxy, which adds where the client is.
        format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{bearer}{cookie}{content}X-Forwarded-For: {address}\r\n\r\n{body}"
        )
    }
}

async fn read(connection: &mut BufReader<TcpStream>) -> anyhow::Result<Answer> {
    let status = header(connection)
        .await?
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .context("an answer without a status")?;
    let mut answer = Answer { status, retry_after: false, cookies: Vec::new(), body: Vec::new() };
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
                answer.retry_after = value.parse::<u32>().is_ok_and(|seconds| seconds > 0);
            }
            "set-cookie" => answer.cookies.extend(value.split(';').next().map(str::to_owned)),
            _ => {}
        }
    }
    answer.body = vec![0; length.context("an answer of unknown length")?];
    connection.read_exact(&mut answer.body).await?;
    Ok(answer)
}

async fn header(connection: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    ensure!(line.ends_with("\r\n"), "the connection broke");
    line.truncate(line.len() - 2);
    Ok(line)
}
