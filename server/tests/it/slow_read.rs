//! Slow-read attacks: clients that request responses and do not read them. The server resets the
//! streams, and clients of other networks are not affected.

use crate::{
    process::{WAIT_TIMEOUT, free_port, server_command, wait_until_ready},
    support::App,
};
use axum::body::Bytes;
use countersign::{http_server::HttpServer, router};
use countersign_core::testing::TestDatabase;
use countersign_http::budgets::MAX_REQUESTS_PER_NETWORK;
use h2::{Reason, RecvStream, client};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    time::{Instant, timeout},
};

const WASM: &str = "/pkg/countersign.wasm";
const WASM_BYTES: usize = 1024 * 1024;
const CONNECTIONS: usize = 70;
const STREAMS: usize = 16;

/// Creates a site folder with one file of a megabyte.
fn create_site() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("pkg")).expect("a folder");
    fs::write(folder.path().join(WASM.trim_start_matches('/')), vec![b'w'; WASM_BYTES])
        .expect("written");
    folder
}

/// Connects from this local address.
async fn connect(port: u16, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
    socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("a connection")
}

/// Starts HTTP/2 with this flow control window for each stream.
async fn http2_handshake(socket: TcpStream, window: u32) -> client::SendRequest<Bytes> {
    let (sender, connection) = client::Builder::new()
        .initial_window_size(window)
        .initial_connection_window_size(1 << 24)
        .handshake::<_, Bytes>(socket)
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// Sends a request, and returns the status and the unread body.
async fn get(sender: &client::SendRequest<Bytes>, port: u16, path: &str) -> (u16, RecvStream) {
    let request = axum::http::Request::get(format!("http://localhost:{port}{path}"))
        .body(())
        .expect("a request");
    let mut sender = sender.clone().ready().await.expect("a stream");
    let (head, body) =
        sender.send_request(request, true).expect("sent").0.await.expect("a head").into_parts();
    (head.status.as_u16(), body)
}

/// Returns the 99th percentile of the response time for a client that reads its responses.
async fn p99_latency(port: u16, from: Ipv4Addr) -> Duration {
    let mut socket = connect(port, from).await;
    let mut durations = Vec::new();
    let mut buffer = vec![0; WASM_BYTES];
    for number in 0..200 {
        let path = if number % 10 == 0 { WASM } else { "/healthz" };
        let began = Instant::now();
        socket
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").as_bytes())
            .await
            .expect("sent");
        let (mut response, mut total) = (Vec::new(), None);
        while total.is_none_or(|total| response.len() < total) {
            let length = socket.read(&mut buffer).await.expect("a response");
            assert!(length > 0, "the connection ended");
            response.extend_from_slice(&buffer[..length]);
            if let Some(end) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&response[..end]).into_owned();
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                let body: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                    .expect("a length");
                total = Some(end + 4 + body);
            }
        }
        durations.push(began.elapsed());
    }
    durations.sort();
    durations[durations.len() * 99 / 100]
}

/// Returns the resident memory in bytes and the number of open files of a process.
fn memory_and_open_files(id: u32) -> (usize, usize) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a status");
    let kib: usize = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
        .expect("a size");
    (kib * 1024, fs::read_dir(format!("/proc/{id}/fd")).expect("handles").count())
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_window_streams_are_reset_and_hold_no_resources() {
    let (folder, site, port) =
        (tempfile::tempdir().expect("a folder"), create_site(), free_port().await);
    let process = server_command(folder.path(), port)
        .env("LEPTOS_SITE_ROOT", site.path())
        .env("RUST_LOG", "warn")
        .spawn()
        .expect("a process");
    wait_until_ready(port).await;
    let id = process.id().expect("an id");
    let (attacker, healthy) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3));
    let calm = p99_latency(port, healthy).await;
    let (memory, files) = memory_and_open_files(id);

    let began = Instant::now();
    let (mut senders, mut unread, mut refused) = (Vec::new(), Vec::new(), 0);
    for _ in 0..CONNECTIONS {
        let sender = http2_handshake(connect(port, attacker).await, 0).await;
        for (status, body) in
            futures::future::join_all((0..STREAMS).map(|_| get(&sender, port, WASM))).await
        {
            match status {
                200 => unread.push(body),
                503 => refused += 1,
                other => panic!("{other}"),
            }
        }
        senders.push(sender);
    }
    let opened = Instant::now();
    assert!(unread.len() > 100, "{}", unread.len());
    // On a busy machine, the first streams may be reset before the last are requested.
    if began.elapsed() < Duration::from_secs(9) {
        assert!(unread.len() <= MAX_REQUESTS_PER_NETWORK, "{}", unread.len());
    }
    assert_eq!(unread.len() + refused, CONNECTIONS * STREAMS);

    let under_attack = p99_latency(port, healthy).await;
    let (memory_now, files_now) = memory_and_open_files(id);
    assert!(under_attack < calm * 5 + Duration::from_millis(100), "{calm:?} {under_attack:?}");
    assert!(memory_now < memory + 64 * 1024 * 1024, "{memory} {memory_now}");
    assert!(
        files_now <= files + CONNECTIONS + 8,
        "no file is open for a response: {files} {files_now}"
    );

    for mut body in unread {
        let end = timeout(WAIT_TIMEOUT, body.data())
            .await
            .expect("a reset in time")
            .expect("an error")
            .expect_err("nothing fits into the window");
        assert_eq!(end.reason(), Some(Reason::CANCEL), "{end}");
    }
    assert!(opened.elapsed() < Duration::from_secs(25), "{:?}", opened.elapsed());
    // The attacker's network is served again, on the same connections.
    assert_eq!(get(&senders[0], port, WASM).await.0, 200);
}

struct RunningServer {
    port: u16,
    _site: TempDir,
    _app: App,
    _stop: oneshot::Sender<()>,
}

/// Starts a server in this process, so that the test can pause its clock.
async fn start_server() -> RunningServer {
    let (mut app, site) = (App::on(TestDatabase::sqlite()).await, create_site());
    app.set_url_and_site("http://localhost:3000", site.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (stop, stopped) = oneshot::channel::<()>();
    let http_server = HttpServer {
        listener,
        tls: None,
        app: router(app.server.clone()),
        proxies: Arc::new([]),
        keep_alive: Duration::from_secs(75),
    };
    tokio::spawn(http_server.serve(async { drop(stopped.await) }));
    RunningServer { port, _site: site, _app: app, _stop: stop }
}

/// Waits for I/O while the paused clock advances by at most a second per real millisecond.
async fn with_clock<T>(future: impl Future<Output = T>) -> T {
    tokio::select! {
        value = future => value,
        () = async { loop { advance_one_second().await } } => unreachable!("the clock never stops"),
    }
}

/// Advances the paused clock by a second, after a real millisecond for data on its way to arrive.
async fn advance_one_second() {
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
        .await
        .expect("a thread");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn closed_window_resets_only_its_own_stream() {
    let server = start_server().await;
    let sender = http2_handshake(connect(server.port, Ipv4Addr::LOCALHOST).await, 65_535).await;
    let (status, mut stalled) = get(&sender, 3000, WASM).await;
    assert_eq!(status, 200);
    tokio::time::pause();
    let began = Instant::now();
    // The first stream is read up to its window and then stalls; the other streams are read.
    let mut seconds = 0;
    let end = loop {
        let (_, mut read) = with_clock(get(&sender, 3000, "/healthz")).await;
        while let Some(data) = with_clock(read.data()).await {
            let data = data.expect("data");
            read.flow_control().release_capacity(data.len()).expect("capacity");
        }
        match futures::poll!(std::pin::pin!(stalled.data())) {
            std::task::Poll::Ready(Some(Err(end))) => break end,
            std::task::Poll::Ready(Some(Ok(data))) => assert!(!data.is_empty()),
            _ => advance_one_second().await,
        }
        seconds += 1;
        assert!(seconds < 60, "the connection is still open");
    };
    assert_eq!(end.reason(), Some(Reason::CANCEL));
    // On a busy machine, each request takes several of these seconds.
    assert!((9..60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    tokio::time::resume();
    assert_eq!(get(&sender, 3000, "/healthz").await.0, 200, "the connection stays open");
}

#[tokio::test]
async fn final_chunk_beyond_the_window_closes_the_connection() {
    let server = start_server().await;
    let sender = http2_handshake(connect(server.port, Ipv4Addr::LOCALHOST).await, 1).await;
    let (status, mut body) = get(&sender, 3000, "/.well-known/jwks.json").await;
    assert_eq!(status, 200);
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(with_clock(body.data()).await.expect("data").expect("no error").len(), 1);
    with_clock(body.data())
        .await
        .expect("an end")
        .expect_err("the rest does not fit into the window");
    assert!((9..=14).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    tokio::time::resume();
    let again = http2_handshake(connect(server.port, Ipv4Addr::LOCALHOST).await, 65_535).await;
    assert_eq!(get(&again, 3000, "/healthz").await.0, 200);
}

#[tokio::test]
async fn concurrent_streams_up_to_the_limit_are_all_served() {
    let server = start_server().await;
    let (sender, mut connection) =
        client::handshake(connect(server.port, Ipv4Addr::LOCALHOST).await).await.expect("HTTP/2");
    let all_served = async {
        // After the first response, the client knows the limit of concurrent streams.
        let mut responses = vec![get(&sender, 3000, "/healthz").await];
        responses.extend(
            futures::future::join_all((0..300).map(|_| get(&sender, 3000, "/healthz"))).await,
        );
        responses
    };
    let (limit, responses) = tokio::select! {
        responses = all_served => (connection.max_concurrent_send_streams(), responses),
        ended = &mut connection => panic!("{ended:?}"),
    };
    assert_eq!(limit, 100);
    assert!(responses.iter().all(|(status, _)| *status == 200));
}

#[tokio::test]
async fn http1_client_that_does_not_read_is_disconnected() {
    let server = start_server().await;
    let request_many = |socket: TcpStream| async move {
        let mut socket = socket;
        // More than the kernel buffers hold.
        let many = format!("GET {WASM} HTTP/1.1\r\nhost: localhost:3000\r\n\r\n").repeat(40);
        socket.write_all(many.as_bytes()).await.expect("sent");
        socket
    };
    for reads in [false, true] {
        let mut socket = request_many(connect(server.port, Ipv4Addr::LOCALHOST).await).await;
        tokio::time::pause();
        let (began, mut buffer) = (Instant::now(), vec![0; 512]);
        loop {
            advance_one_second().await;
            // One client reads a few bytes now and then, the other none.
            if reads && with_clock(socket.read(&mut buffer)).await.is_ok_and(|length| length == 0) {
                break;
            }
            // A write fails once the server has closed the connection.
            if with_clock(socket.write_all(b"\r\n")).await.is_err() {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(400), "the connection is still open");
        }
        tokio::time::resume();
    }
    let mut socket = connect(server.port, Ipv4Addr::LOCALHOST).await;
    socket
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    let mut response = String::new();
    socket.read_to_string(&mut response).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}
