//! Clients with an IP address, and accounts that are used from there.

use crate::{
    api::{ApiRequest, ApiResponse, Transport},
    http_client::{HttpConnection, RESPONSE_TIMEOUT},
};
use anyhow::{Context, ensure};
use std::net::{Ipv4Addr, SocketAddr};

/// The network for benchmarks (RFC 2544): 198.18.0.0/15.
const NETWORK: u32 = 0xc612_0000;

/// Returns the IP address of a client by its number.
pub(super) fn client_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(NETWORK + number % 0x2_0000)
}

/// A client with its own connection, which stays open as long as the server allows.
pub(super) struct Client {
    server: SocketAddr,
    address: Ipv4Addr,
    connection: Option<HttpConnection>,
}

impl Client {
    pub(super) const fn new(server: SocketAddr, address: Ipv4Addr) -> Self {
        Self { server, address, connection: None }
    }

    /// Sends a request and returns the response.
    pub(super) async fn send(&mut self, request: ApiRequest<'_>) -> anyhow::Result<ApiResponse> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => HttpConnection::open(self.server).await?,
        };
        let request = request.with_ip(self.address);
        let (response, connection) = connection.send(request, RESPONSE_TIMEOUT).await?;
        self.connection = Some(connection);
        Ok(response)
    }

    /// Closes the connection. The next request uses a new one.
    pub(super) fn disconnect(&mut self) {
        self.connection = None;
    }
}

pub(super) struct Account {
    pub(super) client: Client,
    pub(super) email: String,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    /// `NAME=VALUE` of the device cookie.
    pub(super) device_cookie: String,
}

impl Account {
    pub(super) async fn sign_up(server: SocketAddr, number: u32) -> anyhow::Result<Self> {
        let email = format!("user{number}@example.com");
        let mut client = Client::new(server, client_ip(number));
        let response = client.send(ApiRequest::sign_up(&email, Transport::Cookie)).await?;
        ensure!(response.status == 201, "the sign-up got {}", response.status);
        // The port is part of the cookie names: the public URL is that of the socket.
        let cookie = |suffix: &str| {
            let name = format!("countersign-{}{suffix}", server.port());
            let pair = response.cookie(&name).map(str::to_owned);
            pair.with_context(|| format!("no cookie {name}"))
        };
        let value = |suffix: &str| {
            let pair = cookie(suffix)?;
            Ok::<_, anyhow::Error>(pair.split_once('=').context("no value")?.1.to_owned())
        };
        Ok(Self {
            access_token: value("-access")?,
            refresh_token: value("")?,
            device_cookie: cookie("-device")?,
            client,
            email,
        })
    }
}
