//! The HTTP server on real sockets: timeouts, connection limits, malformed requests, shutdown and
//! TLS. Where time matters, Tokio's clock is paused, so that timeouts elapse without waiting.

use crate::support::App;
use countersign::{
    http_server::HttpServer,
    router,
    tls::{CertificatePaths, Tls},
};
use countersign_core::testing::TestDatabase;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

struct RunningServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    _app: App,
}

/// Starts a server on a local port, with the real clock.
async fn start_server(tls: Option<Tls>) -> RunningServer {
    let app = App::on(TestDatabase::sqlite()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let keep_alive = Duration::from_secs(75);
    let http_server = HttpServer {
        listener,
        tls,
        app: router(app.server.clone()),
        proxies: Arc::new([]),
        keep_alive,
    };
    let ended = tokio::spawn(http_server.serve(async { drop(stopped.await) }));
    RunningServer { address, stop, ended, _app: app }
}

impl RunningServer {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Returns whether a new connection is served.
    async fn is_serving(&self) -> bool {
        let mut socket = self.connect().await;
        socket
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .expect("sent");
        read_to_end(&mut socket).await.starts_with("HTTP/1.1 200 ")
    }
}

/// Reads until the other side closes the connection.
async fn read_to_end(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    let reading = async {
        while let Ok(length) = socket.read(&mut part).await
            && length > 0
        {
            text.extend_from_slice(&part[..length]);
        }
    };
    tokio::select! {
        () = reading => {}
        () = advance_clock() => unreachable!("the clock never stops"),
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Advances the paused clock by at most a second per real millisecond. Data on its way needs real
/// time to arrive; without the limit, hours of paused time would pass first on a busy machine.
async fn advance_clock() {
    loop {
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
            .await
            .expect("a thread");
        sleep(Duration::from_secs(1)).await;
    }
}

/// Sends one byte per second until the other side closes the connection. Returns the response and
/// the time until then.
async fn send_slowly(mut socket: TcpStream, bytes: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let (mut from, mut to) = socket.split();
    let sending = async {
        for byte in bytes {
            if to.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        text = read_to_end(&mut from) => (text, began.elapsed()),
        () = sending => unreachable!("sending never completes"),
    }
}

#[tokio::test]
async fn silent_and_slow_clients_are_disconnected() {
    let server = start_server(None).await;
    tokio::time::pause();
    let began = Instant::now();
    let mut silent = server.connect().await;
    assert_eq!(read_to_end(&mut silent).await, "");
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    let (response, elapsed) = send_slowly(
        server.connect().await,
        &b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: "
            .iter()
            .copied()
            .chain([b'a'; 500])
            .collect::<Vec<_>>(),
    )
    .await;
    assert!(elapsed <= Duration::from_secs(12), "{elapsed:?} {response}");
    // An idle keep-alive connection is closed after its timeout.
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let began = Instant::now();
    assert!(read_to_end(&mut idle).await.starts_with("HTTP/1.1 200 "));
    assert!((74..=78).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // An incomplete second head does not extend that timeout.
    let mut half = server.connect().await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET ").await.expect("sent");
    let began = Instant::now();
    assert!(read_to_end(&mut half).await.starts_with("HTTP/1.1 200 "));
    assert!(began.elapsed() <= Duration::from_secs(78), "{:?}", began.elapsed());
    tokio::time::resume();
    assert!(server.is_serving().await);
}

#[tokio::test]
async fn slow_http2_preface_is_disconnected() {
    let server = start_server(None).await;
    tokio::time::pause();
    let (_, elapsed) =
        send_slowly(server.connect().await, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(elapsed <= Duration::from_secs(12), "{elapsed:?}");
    // A preface without a request is closed as well, even if pings follow.
    let mut socket = server.connect().await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
    let (_, elapsed) = send_slowly(socket, &b"\0\0\x08\x06\0\0\0\0\0pingpong".repeat(20)).await;
    assert!(elapsed <= Duration::from_secs(12), "{elapsed:?}");
    tokio::time::resume();
    assert!(server.is_serving().await);
}

#[tokio::test]
async fn parser_error_response_is_not_stored() {
    let server = start_server(None).await;
    for (request, status) in [
        (b"rubbish\r\n\r\n".to_vec(), "400"),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: a\r\n".repeat(200))
                .into_bytes(),
            "431",
        ),
    ] {
        let mut socket = server.connect().await;
        let (mut from, mut to) = socket.split();
        let _ = to.write_all(&request).await;
        let response = read_to_end(&mut from).await;
        assert_eq!(response.get(9..12), Some(status), "{response}");
        assert!(
            response.contains("\r\ncache-control: no-store\r\n")
                && response.contains("\r\nx-content-type-options: nosniff\r\n"),
            "{response}"
        );
    }
    assert!(server.is_serving().await);
}

#[tokio::test]
async fn request_for_another_host_is_refused() {
    let server = start_server(None).await;
    for (head, status) in [
        ("GET /login HTTP/1.1\r\nhost: localhost:3000\r\n", "200"),
        ("GET /login HTTP/1.1\r\nhost: 127.0.0.1:3000\r\n", "200"),
        ("GET http://localhost:3000/login HTTP/1.1\r\nhost: localhost:3000\r\n", "200"),
        ("GET /login HTTP/1.1\r\nhost: evil.example\r\n", "421"),
        ("GET /login HTTP/1.1\r\nhost: localhost:3001\r\n", "421"),
        ("GET http://evil.example/login HTTP/1.1\r\nhost: evil.example\r\n", "421"),
        ("GET http://evil.example/login HTTP/1.1\r\nhost: localhost:3000\r\n", "400"),
        ("GET /login HTTP/1.1\r\nhost: localhost:3000\r\nhost: localhost:3000\r\n", "400"),
        ("GET /login HTTP/1.1\r\nhost: localhost:3000\r\nhost: evil.example\r\n", "400"),
        ("GET /login HTTP/1.1\r\n", "400"),
        ("GET /login HTTP/1.0\r\n", "400"),
        ("POST /api/v1/auth/login HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 0\r\n", "421"),
        (
            "OPTIONS /api/v1/me HTTP/1.1\r\nhost: evil.example\r\n\
             origin: https://evil.example\r\naccess-control-request-method: GET\r\n",
            "421",
        ),
        // Health checks of an orchestrator.
        ("GET /healthz HTTP/1.1\r\nhost: 10.1.2.3:3000\r\n", "200"),
        ("GET /readyz HTTP/1.1\r\nhost: 10.1.2.3:3000\r\n", "200"),
        ("GET /healthz HTTP/1.0\r\n", "200"),
    ] {
        let mut socket = server.connect().await;
        socket
            .write_all(format!("{head}connection: close\r\n\r\n").as_bytes())
            .await
            .expect("sent");
        let response = read_to_end(&mut socket).await;
        assert_eq!(response.get(9..12), Some(status), "{head}: {response}");
        assert!(response.contains("x-content-type-options: nosniff"), "{head}: {response}");
    }
}

#[tokio::test]
async fn slow_body_returns_408() {
    let server = start_server(None).await;
    tokio::time::pause();
    let mut request = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\n\
        content-type: application/json\r\ncontent-length: 900\r\n\r\n"
        .to_vec();
    let mut socket = server.connect().await;
    socket.write_all(&request).await.expect("sent");
    request = vec![b' '; 900];
    let (response, elapsed) = send_slowly(socket, &request).await;
    assert!(
        response.starts_with("HTTP/1.1 408 ") && response.contains("request_timeout"),
        "{response}"
    );
    assert!(elapsed <= Duration::from_secs(16), "{elapsed:?}");
    tokio::time::resume();
    assert!(server.is_serving().await);
}

#[tokio::test]
async fn silent_sockets_of_one_address_free_their_slots() {
    let server = start_server(None).await;
    let mut sockets = Vec::new();
    for _ in 0..300 {
        sockets.push(server.connect().await);
    }
    tokio::time::pause();
    let began = Instant::now();
    for socket in &mut sockets {
        read_to_end(socket).await;
    }
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    tokio::time::resume();
    assert!(server.is_serving().await);
}

#[tokio::test]
async fn oversized_heads_and_smuggled_requests_are_refused() {
    let server = start_server(None).await;
    let send = async |request: &[u8]| {
        let mut socket = server.connect().await;
        // The server may close the connection before it has read the whole request.
        let _ = socket.write_all(request).await;
        let _ = socket.shutdown().await;
        let text = read_to_end(&mut socket).await;
        (text.get(9..12).unwrap_or("closed").to_owned(), text.matches("HTTP/1.1 ").count())
    };
    let with = |lines: &str| {
        format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n").into_bytes()
    };
    assert_eq!(send(&with("")).await, ("200".to_owned(), 1));
    for large in [
        with(&format!("x-large: {}\r\n", "a".repeat(100_000))),
        with(&format!("cookie: theme={}\r\n", "a".repeat(66_000))),
        with(&"x-many: a\r\n".repeat(200)),
        format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(70_000)).into_bytes(),
    ] {
        let (status, responses) = send(&large).await;
        assert!(["431", "414", "closed"].contains(&status.as_str()) && responses <= 1, "{status}");
    }
    let post = |lines: &str, body: &str| {
        format!(
            "POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/json\r\n{lines}\r\n{body}"
        )
        .into_bytes()
    };
    let second = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for smuggled in [
        post("content-length: 2\r\ncontent-length: 3\r\n", &format!("{{}}{second}")),
        post("content-length: -1\r\n", second),
        post("content-length: +2\r\n", &format!("{{}}{second}")),
        post("transfer-encoding: xchunked\r\n", &format!("0\r\n\r\n{second}")),
        post("transfer-encoding: chunked, identity\r\n", &format!("0\r\n\r\n{second}")),
        with("x-fold: a\r\n b\r\n"),
        with("x-fold: a\n\tb\r\n"),
        [with(&format!("content-length:\r\n {}\r\n", second.len())), second.into()].concat(),
        [with("transfer-encoding:\r\n chunked\r\n"), second.into()].concat(),
        b"GET /healthz HTTP/1.1\r\nhost : localhost\r\n\r\n".to_vec(),
        b"GET  /healthz  HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"GET /healthz HTTP/9.9\r\nhost: localhost\r\n\r\n".to_vec(),
    ] {
        let (status, responses) = send(&smuggled).await;
        assert!(
            status == "400" || status == "closed",
            "{status} {}",
            String::from_utf8_lossy(&smuggled)
        );
        assert!(responses <= 1, "{}", String::from_utf8_lossy(&smuggled));
    }
    // A line may end in a bare LF (RFC 9112, 2.2), so a length after such a line is honored.
    // Between chunks a bare LF is refused.
    for bare in [
        b"GET /healthz HTTP/1.1\nhost: localhost\n\n".to_vec(),
        [with(&format!("x-bare: a\ncontent-length: {}\r\n", second.len())), second.into()].concat(),
        format!(
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\n\n{second}",
            second.len()
        )
        .into_bytes(),
        [with("transfer-encoding: chunked\r\n"), format!("2\n{{}}\n0\n\n{second}").into_bytes()]
            .concat(),
    ] {
        let (status, responses) = send(&bare).await;
        assert!(
            (status == "200" || status == "400") && responses == 1,
            "{status} {responses} {}",
            String::from_utf8_lossy(&bare)
        );
    }
    // With both headers, in either order, `Content-Length` is ignored and the connection is closed
    // after the response (RFC 9112, 6.3), so no second request is read. The chunks hold an empty
    // object.
    for lines in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
    ] {
        let response = send(&post(lines, &format!("2\r\n{{}}\r\n0\r\n\r\n{second}"))).await;
        assert_eq!(response, ("422".to_owned(), 1), "{lines}");
    }
    assert!(server.is_serving().await);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_silent_sockets() {
    for (head, at_most) in [("", 1), ("GET /healthz HTTP/1.1\r\nhost: ", 2)] {
        let server = start_server(None).await;
        let mut sockets = Vec::new();
        for _ in 0..200 {
            sockets.push(server.connect().await);
        }
        sockets[0].write_all(head.as_bytes()).await.expect("sent");
        // By now the server has accepted all of them.
        assert!(server.is_serving().await);
        tokio::time::pause();
        let began = Instant::now();
        server.stop.send(()).expect("a running server");
        server.ended.await.expect("the end of the server");
        assert!(began.elapsed() <= Duration::from_secs(at_most), "{head}: {:?}", began.elapsed());
        for socket in &mut sockets {
            assert_eq!(read_to_end(socket).await, "", "closed");
        }
        tokio::time::resume();
    }
}

#[tokio::test]
async fn shutdown_finishes_requests_and_closes_idle_connections() {
    let server = start_server(None).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let mut part = [0; 4096];
    assert!(idle.read(&mut part).await.expect("a response") > 0);
    let mut busy = server.connect().await;
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    let head = format!(
        "POST /api/v1/auth/signup HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.expect("sent");
    // By now the server has begun to read the request.
    while !server.is_serving().await {}
    server.stop.send(()).expect("a running server");
    assert_eq!(read_to_end(&mut idle).await, "", "closed");
    busy.write_all(body.as_bytes()).await.expect("sent");
    let response = read_to_end(&mut busy).await;
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
    server.ended.await.expect("the end of the server");
    assert!(TcpStream::connect(server.address).await.is_err(), "the port is closed");
}

/// Writes a certificate for localhost and its key to files.
fn write_certificate(folder: &TempDir) -> (CertificatePaths, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let files = CertificatePaths {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, cert.pem()).expect("written");
    std::fs::write(&files.key, signing_key.serialize_pem()).expect("written");
    (files, cert.der().clone())
}

async fn tls_connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a root");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").expect("a name"), socket)
        .await
}

async fn is_healthy(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> bool {
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    read_to_end(&mut stream).await.starts_with("HTTP/1.1 200 ")
}

#[tokio::test]
async fn tls_certificate_is_reloaded_without_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, first) = write_certificate(&folder);
    let tls = Tls::open(files.clone()).expect("a certificate");
    let server = start_server(Some(tls.clone())).await;
    let mut existing =
        tls_connect(server.address, &first, &[b"http/1.1"]).await.expect("a handshake");
    assert!(
        is_healthy(tls_connect(server.address, &first, &[b"http/1.1"]).await.expect("a handshake"))
            .await
    );
    let two =
        tls_connect(server.address, &first, &[b"h2", b"http/1.1"]).await.expect("a handshake");
    assert_eq!(two.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 is preferred");
    assert!(!tls.reload_if_changed(), "unchanged files");

    let (_, second) = write_certificate(&folder);
    // Two writes within the resolution of the file system's timestamps would look unchanged.
    let key = std::fs::File::options().append(true).open(&files.key).expect("the key");
    let later = key.metadata().and_then(|metadata| metadata.modified()).expect("a time")
        + Duration::from_secs(2);
    key.set_modified(later).expect("a later time");
    assert!(tls.reload_if_changed());
    assert!(
        is_healthy(
            tls_connect(server.address, &second, &[b"http/1.1"]).await.expect("a handshake")
        )
        .await
    );
    assert!(
        tls_connect(server.address, &first, &[b"http/1.1"]).await.is_err(),
        "the previous certificate is not served any more"
    );
    existing
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    assert!(
        read_to_end(&mut existing).await.starts_with("HTTP/1.1 200 "),
        "open connections continue"
    );

    std::fs::write(&files.key, "invalid").expect("written");
    assert!(!tls.reload_if_changed());
    assert!(
        is_healthy(
            tls_connect(server.address, &second, &[b"http/1.1"]).await.expect("a handshake")
        )
        .await,
        "an invalid key changes nothing"
    );
}

#[tokio::test]
async fn plain_http_and_slow_handshakes_are_refused_on_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, trusted) = write_certificate(&folder);
    let server = start_server(Some(Tls::open(files).expect("a certificate"))).await;
    let mut plain = server.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let response = read_to_end(&mut plain).await;
    assert!(
        response.starts_with("HTTP/1.1 400 ")
            && response.contains("x-content-type-options: nosniff")
            && response.contains("HTTPS only"),
        "{response}"
    );
    // After the TLS handshake, the timeout still counts from the start of the connection.
    let silent =
        tls_connect(server.address, &trusted, &[b"h2", b"http/1.1"]).await.expect("a handshake");
    tokio::time::pause();
    let began = Instant::now();
    let mut silent = silent;
    read_to_end(&mut silent).await;
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    let (_, elapsed) = send_slowly(server.connect().await, &[22; 100]).await;
    assert!(elapsed <= Duration::from_secs(11), "{elapsed:?}");
    tokio::time::resume();
    assert!(
        is_healthy(tls_connect(server.address, &trusted, &[]).await.expect("a handshake")).await
    );
}

#[test]
fn mismatched_certificate_and_key_name_the_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, _) = write_certificate(&folder);
    let other = tempfile::tempdir().expect("a folder");
    let (others, _) = write_certificate(&other);
    let error = |files: CertificatePaths| format!("{:#}", Tls::open(files).err().expect("refused"));
    assert!(
        error(CertificatePaths { key: others.key, ..files.clone() }).contains("is not the key of")
    );
    assert!(
        error(CertificatePaths { key: files.certificate.clone(), ..files.clone() })
            .starts_with("COUNTERSIGN_TLS_KEY")
    );
    assert!(
        error(CertificatePaths { certificate: files.key.clone(), ..files.clone() })
            .starts_with("COUNTERSIGN_TLS_CERT")
    );
    assert!(
        error(CertificatePaths { certificate: folder.path().join("none"), ..files })
            .starts_with("COUNTERSIGN_TLS_CERT")
    );
}
