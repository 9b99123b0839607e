//! Responses that are asked for and not read: they are given up, and meanwhile clients of other
//! networks notice nothing.

use crate::{
    program::{PATIENCE, countersign, port, up},
    support::App,
};
use axum::body::Bytes;
use countersign::{accept::Door, layers::budget::MAX_REQUESTS_PER_NETWORK, router};
use countersign_core::testing::FreshDatabase;
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

fn site() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("pkg")).expect("a folder");
    fs::write(folder.path().join(WASM.trim_start_matches('/')), vec![b'w'; WASM_BYTES])
        .expect("written");
    folder
}

/// A connection from this address of the machine.
async fn connect(port: u16, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
    socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("a connection")
}

/// Speaks HTTP/2 with this window for each response. Pings are answered.
async fn speak(socket: TcpStream, window: u32) -> client::SendRequest<Bytes> {
    let (sender, connection) = client::Builder::new()
        .initial_window_size(window)
        .initial_connection_window_size(1 << 24)
        .handshake::<_, Bytes>(socket)
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// Asks, and returns the status and a body of which nothing was read.
async fn ask(sender: &client::SendRequest<Bytes>, port: u16, path: &str) -> (u16, RecvStream) {
    let request = axum::http::Request::get(format!("http://localhost:{port}{path}"))
        .body(())
        .expect("a request");
    let mut sender = sender.clone().ready().await.expect("a stream");
    let (head, body) =
        sender.send_request(request, true).expect("sent").0.await.expect("a head").into_parts();
    (head.status.as_u16(), body)
}

/// The 99th of a hundred: how long a client waits that has a connection and reads what it gets.
async fn p99(port: u16, from: Ipv4Addr) -> Duration {
    let mut socket = connect(port, from).await;
    let mut took = Vec::new();
    let mut buffer = vec![0; WASM_BYTES];
    for number in 0..200 {
        let path = if number % 10 == 0 { WASM } else { "/healthz" };
        let began = Instant::now();
        socket
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n").as_bytes())
            .await
            .expect("sent");
        let (mut answer, mut whole) = (Vec::new(), None);
        while whole.is_none_or(|whole| answer.len() < whole) {
            let length = socket.read(&mut buffer).await.expect("an answer");
            assert!(length > 0, "the connection ended");
            answer.extend_from_slice(&buffer[..length]);
            if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&answer[..end]).into_owned();
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                let body: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                    .expect("a length");
                whole = Some(end + 4 + body);
            }
        }
        took.push(began.elapsed());
    }
    took.sort();
    took[took.len() * 99 / 100]
}

/// Resident memory in bytes, and open files, of a process.
fn held(id: u32) -> (usize, usize) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a status");
    let kib: usize = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
        .expect("a size");
    (kib * 1024, fs::read_dir(format!("/proc/{id}/fd")).expect("handles").count())
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_with_closed_windows_are_reset_and_hold_nothing() {
    let (folder, site, port) = (tempfile::tempdir().expect("a folder"), site(), port().await);
    let process = countersign(folder.path(), port)
        .env("LEPTOS_SITE_ROOT", site.path())
        .env("RUST_LOG", "warn")
        .spawn()
        .expect("a process");
    up(port).await;
    let id = process.id().expect("an id");
    let (attacker, healthy) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3));
    let calm = p99(port, healthy).await;
    let (memory, files) = held(id);

    let began = Instant::now();
    let (mut senders, mut unread, mut refused) = (Vec::new(), Vec::new(), 0);
    for _ in 0..CONNECTIONS {
        let sender = speak(connect(port, attacker).await, 0).await;
        for (status, body) in
            futures::future::join_all((0..STREAMS).map(|_| ask(&sender, port, WASM))).await
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
    // On a machine that is busy the first are given up before the last are asked for.
    if began.elapsed() < Duration::from_secs(9) {
        assert!(unread.len() <= MAX_REQUESTS_PER_NETWORK, "{}", unread.len());
    }
    assert_eq!(unread.len() + refused, CONNECTIONS * STREAMS);

    let under_attack = p99(port, healthy).await;
    let (memory_now, files_now) = held(id);
    assert!(under_attack < calm * 5 + Duration::from_millis(100), "{calm:?} {under_attack:?}");
    assert!(memory_now < memory + 64 * 1024 * 1024, "{memory} {memory_now}");
    assert!(
        files_now <= files + CONNECTIONS + 8,
        "no file is open for a response: {files} {files_now}"
    );

    for mut body in unread {
        let end = timeout(PATIENCE, body.data())
            .await
            .expect("it is given up")
            .expect("an error")
            .expect_err("nothing fits into the window");
        assert_eq!(end.reason(), Some(Reason::CANCEL), "{end}");
    }
    assert!(opened.elapsed() < Duration::from_secs(25), "{:?}", opened.elapsed());
    // Its own network is served again, on the same connections.
    assert_eq!(ask(&senders[0], port, WASM).await.0, 200);
}

struct Open {
    port: u16,
    _site: TempDir,
    _app: App,
    _stop: oneshot::Sender<()>,
}

/// A server in this process, whose clock can be moved.
async fn open() -> Open {
    let (mut app, site) = (App::on(FreshDatabase::sqlite()).await, site());
    app.move_to("http://localhost:3000", site.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (stop, stopped) = oneshot::channel::<()>();
    let door = Door {
        listener,
        tls: None,
        app: router(app.server.clone()),
        proxies: Arc::new([]),
        keep_alive: Duration::from_secs(75),
    };
    tokio::spawn(door.serve(async { drop(stopped.await) }));
    Open { port, _site: site, _app: app, _stop: stop }
}

/// Waits for something that the system brings, while the clock goes on by no more than a second at
/// a time.
async fn ticking<T>(wanted: impl Future<Output = T>) -> T {
    tokio::select! {
        value = wanted => value,
        () = async { loop { tick().await } } => unreachable!("it never ends"),
    }
}

/// Lets a second pass whenever the system has had the time to bring what is on its way.
async fn tick() {
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
        .await
        .expect("a thread");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn one_closed_window_among_open_ones_is_reset_alone() {
    let server = open().await;
    let sender = speak(connect(server.port, Ipv4Addr::LOCALHOST).await, 65_535).await;
    let (status, mut stalled) = ask(&sender, 3000, WASM).await;
    assert_eq!(status, 200);
    tokio::time::pause();
    let began = Instant::now();
    // The first window is taken, and no more is asked for; the other stream is read all the time.
    let mut seconds = 0;
    let end = loop {
        let (_, mut read) = ticking(ask(&sender, 3000, "/healthz")).await;
        while let Some(data) = ticking(read.data()).await {
            let data = data.expect("data");
            read.flow_control().release_capacity(data.len()).expect("capacity");
        }
        match futures::poll!(std::pin::pin!(stalled.data())) {
            std::task::Poll::Ready(Some(Err(end))) => break end,
            std::task::Poll::Ready(Some(Ok(data))) => assert!(!data.is_empty()),
            _ => tick().await,
        }
        seconds += 1;
        assert!(seconds < 60, "it is still there");
    };
    assert_eq!(end.reason(), Some(Reason::CANCEL));
    // On a busy machine each call takes several of these seconds.
    assert!((9..60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    tokio::time::resume();
    assert_eq!(ask(&sender, 3000, "/healthz").await.0, 200, "the connection lives");
}

#[tokio::test]
async fn last_piece_beyond_the_window_ends_the_connection() {
    let server = open().await;
    let sender = speak(connect(server.port, Ipv4Addr::LOCALHOST).await, 1).await;
    let (status, mut body) = ask(&sender, 3000, "/.well-known/jwks.json").await;
    assert_eq!(status, 200);
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(ticking(body.data()).await.expect("data").expect("no error").len(), 1);
    ticking(body.data()).await.expect("an end").expect_err("the rest does not fit into the window");
    assert!((9..=14).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    tokio::time::resume();
    let again = speak(connect(server.port, Ipv4Addr::LOCALHOST).await, 65_535).await;
    assert_eq!(ask(&again, 3000, "/healthz").await.0, 200);
}

#[tokio::test]
async fn hundred_streams_at_once_are_all_answered() {
    let server = open().await;
    let (sender, mut connection) =
        client::handshake(connect(server.port, Ipv4Addr::LOCALHOST).await).await.expect("HTTP/2");
    let answered = async {
        // With the first answer the client knows how many streams it may have.
        let mut answers = vec![ask(&sender, 3000, "/healthz").await];
        answers.extend(
            futures::future::join_all((0..300).map(|_| ask(&sender, 3000, "/healthz"))).await,
        );
        answers
    };
    let (limit, answers) = tokio::select! {
        answers = answered => (connection.max_concurrent_send_streams(), answers),
        ended = &mut connection => panic!("{ended:?}"),
    };
    assert_eq!(limit, 100);
    assert!(answers.iter().all(|(status, _)| *status == 200));
}

#[tokio::test]
async fn http1_client_that_does_not_read_is_cut_off() {
    let server = open().await;
    let large = |socket: TcpStream| async move {
        let mut socket = socket;
        // More than the system takes off our hands.
        let many = format!("GET {WASM} HTTP/1.1\r\nhost: localhost:3000\r\n\r\n").repeat(40);
        socket.write_all(many.as_bytes()).await.expect("sent");
        socket
    };
    for reads in [false, true] {
        let mut socket = large(connect(server.port, Ipv4Addr::LOCALHOST).await).await;
        tokio::time::pause();
        let (began, mut buffer) = (Instant::now(), vec![0; 512]);
        loop {
            tick().await;
            // A few bytes now and then, or none.
            if reads && ticking(socket.read(&mut buffer)).await.is_ok_and(|length| length == 0) {
                break;
            }
            // Where the other end is gone, the system says so.
            if ticking(socket.write_all(b"\r\n")).await.is_err() {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(400), "it is still there");
        }
        tokio::time::resume();
    }
    let mut socket = connect(server.port, Ipv4Addr::LOCALHOST).await;
    socket
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
