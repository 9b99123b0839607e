//! Connections as the system hands them to us: silent ones, slow ones, too many, encrypted ones;
//! and their end. The clock stands still but while everybody waits, so nothing here takes as long
//! as it says.

use crate::support::App;
use countersign::{
    accept::Door,
    router,
    tls::{Files, Tls},
};
use countersign_core::testing::FreshDatabase;
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

struct Open {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    _app: App,
}

/// A server with a socket. The clock is real until it is up.
async fn open(tls: Option<Tls>) -> Open {
    let app = App::on(FreshDatabase::sqlite()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let keep_alive = Duration::from_secs(75);
    let door =
        Door { listener, tls, app: router(app.server.clone()), proxies: Arc::new([]), keep_alive };
    let ended = tokio::spawn(door.serve(async { drop(stopped.await) }));
    Open { address, stop, ended, _app: app }
}

impl Open {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Whether somebody who has just come is served.
    async fn serves(&self) -> bool {
        let mut socket = self.connect().await;
        socket
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .expect("sent");
        rest(&mut socket).await.starts_with("HTTP/1.1 200 ")
    }
}

/// Everything until the end.
async fn rest(socket: &mut (impl AsyncRead + Unpin)) -> String {
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
        () = ticking() => unreachable!("it never ends"),
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The clock goes on by a second at most before the system has had the time to bring what is on its
/// way: it knows nothing of our clock, and where it is busy, hours would pass.
async fn ticking() {
    loop {
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
            .await
            .expect("a thread");
        sleep(Duration::from_secs(1)).await;
    }
}

/// A byte a second, until the other side has had enough. Returns what it said and how long it bore
/// it.
async fn dribble(mut socket: TcpStream, bytes: &[u8]) -> (String, Duration) {
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
        text = rest(&mut from) => (text, began.elapsed()),
        () = sending => unreachable!("it waits for ever"),
    }
}

#[tokio::test]
async fn who_says_nothing_or_a_byte_a_second_is_shown_out_and_others_are_served() {
    let server = open(None).await;
    tokio::time::pause();
    let began = Instant::now();
    let mut silent = server.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    let (said, bore) = dribble(
        server.connect().await,
        &b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: "
            .iter()
            .copied()
            .chain([b'a'; 500])
            .collect::<Vec<_>>(),
    )
    .await;
    assert!(bore <= Duration::from_secs(12), "{bore:?} {said}");
    // A connection that is kept alive is not kept for ever either.
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let began = Instant::now();
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200 "));
    assert!((74..=78).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // Between two requests, half a head is waited for no longer than before the first.
    let mut half = server.connect().await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET ").await.expect("sent");
    let began = Instant::now();
    assert!(rest(&mut half).await.starts_with("HTTP/1.1 200 "));
    assert!(began.elapsed() <= Duration::from_secs(78), "{:?}", began.elapsed());
    tokio::time::resume();
    assert!(server.serves().await);
}

#[tokio::test]
async fn http2_preface_a_byte_at_a_time_is_cut_off() {
    let server = open(None).await;
    tokio::time::pause();
    let (_, bore) = dribble(server.connect().await, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(bore <= Duration::from_secs(12), "{bore:?}");
    // A preface and nothing else is no request either, however many pings follow.
    let mut socket = server.connect().await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
    let (_, bore) = dribble(socket, &b"\0\0\x08\x06\0\0\0\0\0pingpong".repeat(20)).await;
    assert!(bore <= Duration::from_secs(12), "{bore:?}");
    tokio::time::resume();
    assert!(server.serves().await);
}

#[tokio::test]
async fn answer_of_the_parser_itself_is_not_stored() {
    let server = open(None).await;
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
        let _all_or_not = to.write_all(&request).await;
        let said = rest(&mut from).await;
        assert_eq!(said.get(9..12), Some(status), "{said}");
        assert!(
            said.contains("\r\ncache-control: no-store\r\n")
                && said.contains("\r\nx-content-type-options: nosniff\r\n"),
            "{said}"
        );
    }
    assert!(server.serves().await);
}

#[tokio::test]
async fn request_for_another_host_is_refused() {
    let server = open(None).await;
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
            "OPTIONS /api/v1/me HTTP/1.1\r\nhost: evil.example\r\norigin: https://evil.example\r\naccess-control-request-method: GET\r\n",
            "421",
        ),
        // As an orchestrator asks.
        ("GET /healthz HTTP/1.1\r\nhost: 10.1.2.3:3000\r\n", "200"),
        ("GET /readyz HTTP/1.1\r\nhost: 10.1.2.3:3000\r\n", "200"),
        ("GET /healthz HTTP/1.0\r\n", "200"),
    ] {
        let mut socket = server.connect().await;
        socket
            .write_all(format!("{head}connection: close\r\n\r\n").as_bytes())
            .await
            .expect("sent");
        let said = rest(&mut socket).await;
        assert_eq!(said.get(9..12), Some(status), "{head}: {said}");
        assert!(said.contains("x-content-type-options: nosniff"), "{head}: {said}");
    }
}

#[tokio::test]
async fn a_body_that_comes_a_byte_a_second_is_not_waited_for() {
    let server = open(None).await;
    tokio::time::pause();
    let mut request = b"POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n".to_vec();
    let mut socket = server.connect().await;
    socket.write_all(&request).await.expect("sent");
    request = vec![b' '; 900];
    let (said, bore) = dribble(socket, &request).await;
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("request_timeout"), "{said}");
    assert!(bore <= Duration::from_secs(16), "{bore:?}");
    tokio::time::resume();
    assert!(server.serves().await);
}

#[tokio::test]
async fn a_crowd_of_silent_sockets_of_one_address_keeps_nobody_out_for_long() {
    let server = open(None).await;
    let mut sockets = Vec::new();
    for _ in 0..300 {
        sockets.push(server.connect().await);
    }
    tokio::time::pause();
    let began = Instant::now();
    for socket in &mut sockets {
        rest(socket).await;
    }
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    tokio::time::resume();
    assert!(server.serves().await);
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_and_nothing_is_taken_for_a_second_request() {
    let server = open(None).await;
    let ask = async |request: &[u8]| {
        let mut socket = server.connect().await;
        // It may hang up before it has heard everything.
        let _all_or_not = socket.write_all(request).await;
        let _no_more = socket.shutdown().await;
        let text = rest(&mut socket).await;
        (text.get(9..12).unwrap_or("gone").to_owned(), text.matches("HTTP/1.1 ").count())
    };
    let with = |lines: &str| {
        format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n").into_bytes()
    };
    assert_eq!(ask(&with("")).await, ("200".to_owned(), 1));
    for large in [
        with(&format!("x-large: {}\r\n", "a".repeat(100_000))),
        with(&format!("cookie: theme={}\r\n", "a".repeat(66_000))),
        with(&"x-many: a\r\n".repeat(200)),
        format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(70_000)).into_bytes(),
    ] {
        let (status, answers) = ask(&large).await;
        assert!(["431", "414", "gone"].contains(&status.as_str()) && answers <= 1, "{status}");
    }
    let post = |lines: &str, body: &str| {
        format!("POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{lines}\r\n{body}").into_bytes()
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
        let (status, answers) = ask(&smuggled).await;
        assert!(
            status == "400" || status == "gone",
            "{status} {}",
            String::from_utf8_lossy(&smuggled)
        );
        assert!(answers <= 1, "{}", String::from_utf8_lossy(&smuggled));
    }
    // A line that ends in a bare LF is a line all the same (RFC 9112, 2.2), so a length that stands
    // behind one counts. Between chunks it is refused.
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
        let (status, answers) = ask(&bare).await;
        assert!(
            (status == "200" || status == "400") && answers == 1,
            "{status} {answers} {}",
            String::from_utf8_lossy(&bare)
        );
    }
    // Both at once: the length is not believed, wherever it stands, and the connection ends after
    // the answer (RFC 9112, 6.3), so that nothing behind it is read. The body is what the
    // chunks say: an object without members.
    for lines in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
    ] {
        let answer = ask(&post(lines, &format!("2\r\n{{}}\r\n0\r\n\r\n{second}"))).await;
        assert_eq!(answer, ("422".to_owned(), 1), "{lines}");
    }
    assert!(server.serves().await);
}

#[tokio::test]
async fn silent_sockets_do_not_keep_it_from_stopping_and_half_a_head_not_for_long() {
    for (head, at_most) in [("", 1), ("GET /healthz HTTP/1.1\r\nhost: ", 2)] {
        let server = open(None).await;
        let mut sockets = Vec::new();
        for _ in 0..200 {
            sockets.push(server.connect().await);
        }
        sockets[0].write_all(head.as_bytes()).await.expect("sent");
        // So that all of them are inside.
        assert!(server.serves().await);
        tokio::time::pause();
        let began = Instant::now();
        server.stop.send(()).expect("it listens");
        server.ended.await.expect("it ends");
        assert!(began.elapsed() <= Duration::from_secs(at_most), "{head}: {:?}", began.elapsed());
        for socket in &mut sockets {
            assert_eq!(rest(socket).await, "", "closed");
        }
        tokio::time::resume();
    }
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_it_has_begun_and_closes_what_is_idle() {
    let server = open(None).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let mut part = [0; 4096];
    assert!(idle.read(&mut part).await.expect("an answer") > 0);
    let mut busy = server.connect().await;
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    let head = format!(
        "POST /api/v1/auth/signup HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.expect("sent");
    // So that it has begun.
    while !server.serves().await {}
    server.stop.send(()).expect("it listens");
    assert_eq!(rest(&mut idle).await, "", "closed");
    busy.write_all(body.as_bytes()).await.expect("sent");
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    server.ended.await.expect("it ends");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

/// A certificate for localhost, in files.
fn certificate(folder: &TempDir) -> (Files, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let files =
        Files { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificate, cert.pem()).expect("written");
    std::fs::write(&files.key, signing_key.serialize_pem()).expect("written");
    (files, cert.der().clone())
}

async fn greet(
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

async fn health(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> bool {
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    rest(&mut stream).await.starts_with("HTTP/1.1 200 ")
}

#[tokio::test]
async fn https_is_spoken_with_a_certificate_that_can_change_while_we_serve() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, first) = certificate(&folder);
    let tls = Tls::open(files.clone()).expect("a certificate");
    let server = open(Some(tls.clone())).await;
    let mut kept = greet(server.address, &first, &[b"http/1.1"]).await.expect("greeted");
    assert!(health(greet(server.address, &first, &[b"http/1.1"]).await.expect("greeted")).await);
    let two = greet(server.address, &first, &[b"h2", b"http/1.1"]).await.expect("greeted");
    assert_eq!(
        two.get_ref().1.alpn_protocol(),
        Some(&b"h2"[..]),
        "HTTP/2 where the other side can"
    );
    assert!(!tls.look(), "nothing is new");

    let (_, second) = certificate(&folder);
    // Two writes within one tick of the file system's clock would look like none.
    let key = std::fs::File::options().append(true).open(&files.key).expect("the key");
    let later = key.metadata().and_then(|metadata| metadata.modified()).expect("a time")
        + Duration::from_secs(2);
    key.set_modified(later).expect("a later time");
    assert!(tls.look());
    assert!(health(greet(server.address, &second, &[b"http/1.1"]).await.expect("greeted")).await);
    assert!(
        greet(server.address, &first, &[b"http/1.1"]).await.is_err(),
        "the old one is not shown any more"
    );
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    assert!(rest(&mut kept).await.starts_with("HTTP/1.1 200 "), "who had connected before goes on");

    std::fs::write(&files.key, "spoilt").expect("written");
    assert!(!tls.look());
    assert!(
        health(greet(server.address, &second, &[b"http/1.1"]).await.expect("greeted")).await,
        "what cannot be used changes nothing"
    );
}

#[tokio::test]
async fn who_speaks_plainly_to_https_or_greets_slowly_is_shown_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, trusted) = certificate(&folder);
    let server = open(Some(Tls::open(files).expect("a certificate"))).await;
    let mut plain = server.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let said = rest(&mut plain).await;
    assert!(
        said.starts_with("HTTP/1.1 400 ")
            && said.contains("x-content-type-options: nosniff")
            && said.contains("HTTPS only"),
        "{said}"
    );
    // Who greets well and then says nothing is waited for from the beginning of the connection.
    let silent = greet(server.address, &trusted, &[b"h2", b"http/1.1"]).await.expect("greeted");
    tokio::time::pause();
    let began = Instant::now();
    let mut silent = silent;
    rest(&mut silent).await;
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    let (_, bore) = dribble(server.connect().await, &[22; 100]).await;
    assert!(bore <= Duration::from_secs(11), "{bore:?}");
    tokio::time::resume();
    assert!(health(greet(server.address, &trusted, &[]).await.expect("greeted")).await);
}

#[test]
fn a_certificate_without_its_key_is_refused_with_the_name_of_the_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, _) = certificate(&folder);
    let other = tempfile::tempdir().expect("a folder");
    let (others, _) = certificate(&other);
    let wrong = |files: Files| format!("{:#}", Tls::open(files).err().expect("refused"));
    assert!(wrong(Files { key: others.key, ..files.clone() }).contains("is not the key of"));
    assert!(
        wrong(Files { key: files.certificate.clone(), ..files.clone() })
            .starts_with("COUNTERSIGN_TLS_KEY")
    );
    assert!(
        wrong(Files { certificate: files.key.clone(), ..files.clone() })
            .starts_with("COUNTERSIGN_TLS_CERT")
    );
    assert!(
        wrong(Files { certificate: folder.path().join("none"), ..files })
            .starts_with("COUNTERSIGN_TLS_CERT")
    );
}
