//! Whatever somebody makes up: passwords that differ by a byte, bodies that no program writes, paths that lead elsewhere, addresses to be led to. None
//! of it is an error of ours, none gets anybody in, and the process goes on.

use crate::{
    attacks::Target,
    support::{Answer, App, Client, FORM, PASSWORD},
};
use auth::{Client as Caller, flow::Change, on_both, testing::FreshDatabase};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, StatusCode},
};
use contract::{Email, view::Role};
use naughty_strings::BLNS;
use serde_json::{Value, json};
use server::{
    Server,
    config::{Http, Site},
    router,
};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;

const SIGN_UP: &str = "/api/v1/auth/signup";
const LOG_IN: &str = "/api/v1/auth/login";
const JSON: &str = "application/json";

/// Every byte that is not plain, escaped.
pub fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// An administrator's program: nothing is refused for want of a right.
async fn boss(app: &App) -> Client<'_> {
    app.user("boss@example.com").await;
    let operator = app.server.auth().operator(&Caller::default());
    let id = operator.user_with(&Email::parse("boss@example.com").expect("an address")).await.expect("a user").id;
    operator.change(id, Change::Role(Role::Admin)).await.expect("changed");
    app.log_in("boss@example.com").await.client
}

/// As a node does all the time: one that has not heard for half a minute would let nobody in.
async fn hear(app: &App) {
    app.server.auth().listen().await.expect("heard");
}

async fn send(client: &Client<'_>, method: &str, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let client = if kind.is_empty() { client.clone() } else { client.clone().with("content-type", kind) };
    client.send(method.parse().expect("a method"), path, body.into()).await
}

/// What takes a body of some kind, as the description says: method, path, and the names of its members.
async fn taking(app: &App, kind: &str) -> Vec<(String, String, Vec<String>)> {
    let description = app.anon().get("/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let schema = &operation["requestBody"]["content"][kind]["schema"];
            if schema.is_null() {
                continue;
            }
            let text = schema.to_string();
            let name = text.split("#/components/schemas/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{text}"));
            let members = description["components"]["schemas"][name]["properties"].as_object().expect("properties").keys().cloned().collect();
            found.push((method.to_uppercase(), path.replace("{id}", "00000000-0000-7000-8000-000000000000"), members));
        }
    }
    found
}

fn functions() -> Vec<String> {
    leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect()
}

/// Refused, as a fault of whoever sent it.
fn refused(answer: &Answer, what: &str) {
    assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.text);
    assert!(answer.text.len() < 8192, "{what}: what was sent does not come back: {} bytes", answer.text.len());
}

on_both! {
    async fn only_the_very_bytes_of_a_password_log_in(app: App) {
        let pad = |length: usize, last: &str| format!("{}{last}", "torrent of glass ".chars().cycle().take(length - last.len()).collect::<String>());
        let table: &[(String, Vec<String>)] = &[
            (pad(73, "a"), vec![pad(73, "b"), pad(72, "s"), pad(74, "a")]),
            (pad(129, "a"), vec![pad(129, "b"), pad(128, "a"), pad(130, "a")]),
            (pad(1024, "a"), vec![pad(1024, "b"), pad(1023, "a")]),
            ("Torrent of Glass".to_owned(), ["torrent of glass", "TORRENT OF GLASS", "Torrent of glass"].map(str::to_owned).to_vec()),
            (" torrent of glass ".to_owned(), ["torrent of glass", " torrent of glass", "torrent of glass ", "  torrent of glass ", "\ttorrent of glass ", " torrent of glass\u{a0}", "torrentofglass", " torrent  of glass "].map(str::to_owned).to_vec()),
            ("torrent\0of glass".to_owned(), ["torrent", "torrent\0", "torrent\0of glas", "torrent\0OF GLASS", "torrent of glass", "torrentof glass", "torrent\u{1}of glass", "torrent\\0of glass"].map(str::to_owned).to_vec()),
            ("torrent of \u{1f44d}\u{1f3fd}".to_owned(), ["torrent of \u{1f44d}", "torrent of \u{1f44d}\u{1f3fe}", "torrent of \u{1f44d}\u{fe0f}", "torrent of ??", "torrent of \u{fffd}"].map(str::to_owned).to_vec()),
            // One text to the eye: composed, decomposed, of full width, with a ligature.
            ("caf\u{e9} torrent fi".to_owned(), ["cafe\u{301} torrent fi", "cafe torrent fi", "caf\u{c9} torrent fi", "\u{ff43}af\u{e9} torrent fi", "caf\u{e9} torrent \u{fb01}", "caf\u{e9}\u{200b} torrent fi", "\u{feff}caf\u{e9} torrent fi"].map(str::to_owned).to_vec()),
            ("\u{202e}torrent of glass".to_owned(), vec!["torrent of glass".to_owned()]),
            ("torrent+of%20glass&a=b".to_owned(), ["torrent of glass&a=b", "torrent+of glass&a=b", "torrent+of%20glass"].map(str::to_owned).to_vec()),
        ];
        for (number, (password, others)) in table.iter().enumerate() {
            let email = format!("user{number}@example.com");
            let made = app.anon().post(SIGN_UP, json!({"email": email, "password": password})).await;
            assert_eq!(made.status, StatusCode::CREATED, "{password:?} {}", made.text);
            for (given, expected) in others.iter().map(|other| (other, StatusCode::UNAUTHORIZED)).chain([(password, StatusCode::OK)]) {
                assert_eq!(app.anon().post(LOG_IN, json!({"email": email, "password": given})).await.status, expected, "{given:?} for {password:?}");
                let form = format!("form[email]={email}&form[password]={}", escaped(given.as_bytes()));
                assert_eq!(app.anon().call("/fn/login", &form).await.status, expected, "{given:?} for {password:?} in a form");
            }
        }
    }

    async fn a_fresh_installation_has_no_default_credentials(app: App) {
        const NAMES: &[&str] = &["admin", "administrator", "root", "user", "test", "guest", "operator", "support", "latchkey", "postgres", "demo", "info", "superuser", "sysadmin", "default"];
        const PASSWORDS: &[&str] = &["admin", "password", "Password1", "123456", "12345678", "changeme", "latchkey", "root", "secret", "letmein"];
        let mut tried = 0;
        for name in NAMES {
            for (host, password) in ["", "@localhost", "@example.com", "@latchkey.local"].iter().flat_map(|host| PASSWORDS.iter().chain([name]).map(move |password| (host, password))) {
                let answer = app.anon().post(LOG_IN, json!({"email": format!("{name}{host}"), "password": password})).await;
                assert!(matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY), "{name}{host} {password}: {}", answer.status);
                tried += 1;
            }
        }
        assert!(tried > 600, "{tried}");
        for (name, password) in NAMES.iter().flat_map(|name| PASSWORDS.iter().map(move |password| (name, password))) {
            let basic = format!("Basic {}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{name}:{password}")));
            let client = app.anon().with("authorization", &basic);
            assert_eq!(client.get("/api/v1/admin/users").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(send(&client, "POST", "/oauth/introspect", FORM, "token=x").await.status, StatusCode::UNAUTHORIZED);
        }
        assert!(app.server.auth().operator(&Caller::default()).users(10, None).await.expect("a list").items.is_empty(), "nobody is there");
    }

    async fn json_that_no_program_of_good_will_sends_is_refused_by_every_route(app: App) {
        let boss = boss(&app).await;
        let routes = taking(&app, JSON).await;
        assert!(routes.len() >= 7, "{routes:?}");
        for (method, path, members) in &routes {
            hear(&app).await;
            let post = async |body: Vec<u8>| {
                let what = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(100)]));
                (send(&boss, method, path, JSON, body).await, what)
            };
            // Members of any other type, and others beside them.
            for member in members {
                for value in ["[]", "[\"a\"]", "{}", "{\"a\":{\"b\":[1]}}", "0", "-0", "1e308", "true", "false", "null", "18446744073709551616", "0.1"] {
                    let (answer, what) = post(format!("{{\"{member}\":{value}}}").into_bytes()).await;
                    assert_eq!((answer.status, answer.members()), (StatusCode::UNPROCESSABLE_ENTITY, vec![(format!("/{member}"), "wrong_type".to_owned())]), "{what}");
                }
                for body in [format!("{{\"{member}\":\"a\",\"{member}\":\"b\"}}"), format!("{{\"{member}\":\"a\",\"\\u00{:02x}{}\":\"b\"}}", member.as_bytes()[0], &member[1..])] {
                    let (answer, what) = post(body.into_bytes()).await;
                    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "a member twice: {what}");
                }
                for text in ["\\ud800", "\\udc00\\ud800", "\\u12", "\\x00", "\u{0}", "\n", "\u{1f}"] {
                    let (answer, what) = post(format!("{{\"{member}\":\"{text}\"}}").into_bytes()).await;
                    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{what}");
                }
                let (answer, what) = post(format!("{{\"{member}\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()).await;
                refused(&answer, &what);
                // Ten megabytes of it.
                let (answer, what) = post(format!("{{\"{member}\":\"{}@example.com\"}}", "a".repeat(10_000_000)).into_bytes()).await;
                assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"), "{what}");
            }
            for unknown in ["", "__proto__", "constructor", "Email", "email ", "email\\u0000", "$ne", "a/b~c", "\\u202e"] {
                let (answer, what) = post(format!("{{\"{unknown}\":\"x\"}}").into_bytes()).await;
                assert_eq!((answer.status, answer.members().len(), answer.members()[0].1.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, 1, "unknown_member"), "{what}");
            }
            // What is no JSON, or no object.
            let member = &members[0];
            let whole = format!("{{\"{member}\":\"ada\u{e9}@example.com\"}}");
            let mut bodies: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole.as_bytes()[..length].to_vec()).filter(|body| !body.is_empty()).collect();
            bodies.extend(["\u{feff}{}", "{} {}", "{}x", "{},", "{\"a\":1,}", "{a:1}", "{'a':'b'}", "// a\n{}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":1e400}", "{\"a\":-1e400}", "{\"a\":01}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":0x10}", "{\"a\"}", "{:1}", "[{}]", "\"{}\"", "1", "true", "undefined", "\u{0}{}", "a=b", "<a/>"].map(|text| text.as_bytes().to_vec()));
            bodies.extend([&b"{\"a\":\"\xff\"}"[..], b"{\"a\":\"\xc0\xaf\"}", b"{\"a\":\"\xed\xa0\x80\"}", b"{\"\xfe\":1}", b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}", b"{\0}\0", b"\x1f\x8b\x08\0", b"\0\0\0\0"].map(<[u8]>::to_vec));
            bodies.extend(["[".repeat(10_000), "{\"a\":".repeat(10_000), format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000))].map(String::into_bytes));
            for body in bodies {
                let (answer, what) = post(body).await;
                assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{what}");
            }
            // So many members: as many as fit are refused with a few names, and more is too much.
            let keys = |count: usize| format!("{{{}}}", (0..count).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")).into_bytes();
            let (answer, what) = post(keys(6_000)).await;
            assert_eq!((answer.status, answer.members().len()), (StatusCode::UNPROCESSABLE_ENTITY, 20), "{what}");
            let (answer, what) = post(keys(100_000)).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{what}");
        }
        // Ten thousand parameters, and such as do not belong.
        let many = (0..10_000).map(|_| "a=1").collect::<Vec<_>>().join("&");
        let deep = format!("a{}=1", "[a]".repeat(3_000));
        for query in [&many, &deep, "limit=1&limit=1", "limit=1e400", "limit=%EF%BC%91", "limit=99999999999999999999", "limit=%00", "cursor=%FF", "cursor=%ED%A0%80", "limit", "=", "&&&", "%", "%zz", "a[]=1", "cursor[]=a", "__proto__=1"] {
            for path in ["/api/v1/me/activity", "/api/v1/me/sessions", "/api/v1/admin/users"] {
                let answer = boss.get(&format!("{path}?{query}")).await;
                let harmless = ["&&&"].contains(&query);
                assert!(answer.status == StatusCode::BAD_REQUEST || harmless && answer.status == StatusCode::OK, "{path}?{query:.100}: {}", answer.status);
            }
            for path in ["/api/v1/me", "/healthz", "/", "/login", "/nothing", "/account", "/openapi.json"] {
                let answer = boss.get(&format!("{path}?{query}")).await;
                assert!(answer.status.as_u16() < 500, "{path}?{query:.100}: {}", answer.status);
            }
        }
        assert_eq!(boss.get("/api/v1/me").await.json()["name"], Value::Null, "nothing was done");
    }

    async fn forms_that_no_page_of_ours_sends_are_refused_by_every_function(app: App) {
        let (boss, user) = (boss(&app).await, app.user("ada@example.com").await);
        let deep = format!("form{}=x", "[a]".repeat(10_000));
        let list = (0..5_000).map(|n| format!("form[{n}]=x")).collect::<Vec<_>>().join("&");
        let many = (0..10_000).map(|_| "a=1").collect::<Vec<_>>().join("&");
        let long = format!("form[email]={}", "a".repeat(10_000_000));
        let forms = [&deep, &list, &many, &long, "form", "form[", "form]", "form[]", "form[]=", "form[[]]=a", "form[email]=a&form[email]=b", "form[email][]=a", "form[email][a]=a", "form[email=a", "form=x&form[email]=a", "%", "%zz=1", "form%5", "form[email]=%", "form[email]=%FF%FE", "form[email]=%ED%A0%80", "form[email]=%C0%AF", "%00=%00", "form%00[email]=a", "form[__proto__]=a", "form[tag]=%00", "form[session]=%00", "form[name]=%00&form[tag]=x", "cursor=%FF", "cursor=a&cursor=b", "cursor[]=a", "{}", "\u{0}", "&&&&", "====", ";a=b", "form[email]=\u{1f511}"];
        for function in functions().iter().filter(|function| !["/fn/logout", "/fn/refresh"].contains(&function.as_str())) {
            hear(&app).await;
            for form in forms {
                let what = format!("{function} {form:.60}");
                let answer = boss.call(function, form).await;
                // What reads only ignores what it does not know.
                let reads = ["/fn/current-account", "/fn/sessions", "/fn/recent-activity"].contains(&function.as_str());
                assert!(answer.status.is_client_error() || reads && answer.status == StatusCode::OK, "{what}: {} {}", answer.status, answer.text);
                let page = app.anon().browser(&user.refresh).submit(function, "/account", form).await;
                let led = page.header("location").starts_with("/account?") || page.header("location").starts_with("/account&") || page.header("location") == "/account";
                assert!(page.status == StatusCode::FOUND && led || page.status == StatusCode::PAYLOAD_TOO_LARGE || reads && page.status.as_u16() < 400, "{what}: {} {}", page.status, page.header("location"));
            }
            for kind in ["", "text/plain", JSON, "multipart/form-data; boundary=x", "application/xml", "application/x-www-form-urlencoded; charset=utf-7", "application/cbor", "/", "a", "application/x-www-form-urlencoded, text/plain"] {
                let client = boss.clone().with("accept", JSON);
                let answer = send(&client, "POST", function, kind, "--x\r\nContent-Disposition: form-data; name=\"form[email]\"\r\n\r\na\r\n--x--\r\n").await;
                assert!(answer.status.as_u16() < 500, "{function} {kind}: {} {}", answer.status, answer.text);
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.json()["name"], Value::Null);
    }

    async fn nobody_becomes_more_by_saying_so_in_a_form(app: App) {
        const MORE: &str = "form[role]=admin&form[roles][]=admin&form[roles]=admin&form[is_admin]=true&form[scopes]=admin&form[email_verified]=true&form[id]=00000000-0000-7000-8000-000000000000&form[password_hash]=x&form[created_at]=0&form[mfa_enabled]=true&form[epoch]=99&form[disabled_at]=0";
        let top = MORE.replace("form[", "").replace("]=", "=").replace("][", "[");
        for (number, more) in [MORE, &top, "form[role]=admin", "role=admin", "form[is_admin]=true", "roles[]=admin"].iter().enumerate() {
            let email = format!("eve{number}@example.com");
            let made = app.anon().call("/fn/signup", &format!("form[email]={email}&form[password]={}&{more}", PASSWORD.replace(' ', "+"))).await;
            assert!(made.status == StatusCode::OK || made.status.is_client_error(), "{more}: {}", made.text);
            let user = if made.status == StatusCode::OK { app.log_in(&email).await } else { app.user(&email).await };
            let mut before = user.client.get("/api/v1/me").await.json();
            assert_eq!((&before["roles"], &before["email_verified"], &before["created_at"]), (&json!(["user"]), &json!(false), &json!("2026-01-01T00:00:00Z")), "{more}");
            assert_ne!(before["id"], "00000000-0000-7000-8000-000000000000");
            let tag = user.client.call("/fn/current-account", "").await.json()["tag"].as_str().expect("a tag").to_owned();
            let renamed = user.client.call("/fn/rename", &format!("form[name]=Eve&form[tag]={tag}&{more}")).await;
            if renamed.status == StatusCode::OK {
                before["name"] = json!("Eve");
            }
            assert_eq!(user.client.get("/api/v1/me").await.json(), before, "{more}");
            assert_eq!(user.client.get("/api/v1/admin/users").await.status, StatusCode::FORBIDDEN, "{more}");
        }
    }

    async fn more_than_the_limit_is_read_nowhere_whatever_its_length_is_said_to_be(app: App) {
        let boss = boss(&app).await;
        let description = app.anon().get("/openapi.json").await.json();
        let mut addresses: Vec<(String, String)> = functions().into_iter().map(|path| ("POST".to_owned(), path)).collect();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            addresses.extend(methods.as_object().expect("methods").keys().map(|method| (method.to_uppercase(), path.replace("{id}", "00000000-0000-7000-8000-000000000000"))));
        }
        for (method, path) in [("GET", "/"), ("GET", "/account"), ("GET", "/pkg/x.js"), ("GET", "/nothing"), ("POST", "/nothing"), ("POST", "/api/v1/nothing"), ("POST", "/fn/nothing"), ("X-MADE-UP", "/")] {
            addresses.push((method.to_owned(), path.to_owned()));
        }
        for (method, path) in addresses {
            hear(&app).await;
            // A gigabyte in parts, said to be endless, small, nothing, not a number. No more than a megabyte of it is taken in.
            for said in ["", "0", "2", "65536", "-1", "1e3", "99999999999999999999999", "2, 2"] {
                let read = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&read);
                let part = Bytes::from(vec![b' '; 65_536]);
                let parts = futures::stream::iter((0..16_384).map(move |_| {
                    counter.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, std::io::Error>(part.clone())
                }));
                let client = boss.clone().with("content-type", if path.starts_with("/api/") { JSON } else { FORM }).with("accept", JSON);
                let client = if said.is_empty() { client } else { client.with("content-length", said) };
                let answer = client.send(method.parse().expect("a method"), &path, Body::from_stream(parts)).await;
                assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"), "{method} {path} {said:?}");
                assert!(read.load(Ordering::Relaxed) <= 18, "{method} {path}: {} parts were read", read.load(Ordering::Relaxed));
                assert_eq!(answer.header("connection"), "close", "what is still on its way is not the next request");
            }
            for said in ["1048577", "1073741824", "18446744073709551615"] {
                let client = boss.clone().with("content-length", said).with("content-type", JSON);
                let unread = futures::stream::once(async { panic!("nobody reads what is too long by its own word") as Result<Bytes, std::io::Error> });
                let answer = client.send(method.parse().expect("a method"), &path, Body::from_stream(unread)).await;
                assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"), "{method} {path} {said}");
            }
        }
        assert_eq!(boss.get("/api/v1/me").await.status, StatusCode::OK);
    }

    async fn a_body_of_another_kind_is_refused_with_a_cookie_too(app: App) {
        let user = app.user("ada@example.com").await;
        let before = user.client.get("/api/v1/me").await.text;
        let cookies = format!("latchkey={}; latchkey-access={}", user.refresh, user.access);
        // What a form of another site can send without being asked for leave: these three kinds, and none.
        let kinds = ["text/plain", FORM, "multipart/form-data; boundary=x", "", "text/plain; application/json", "application/json-patch+json", "application/jsonx", "text/json", "application/x-json", "json", "application", "/json"];
        for (method, path, _) in taking(&app, JSON).await {
            for kind in kinds {
                hear(&app).await;
                for body in ["{}", r#"{"name":"Eve"}"#, r#"{"scope":"all"}"#, r#"{"current":"correct horse battery","new":"a quite different one"}"#, r#"{"role":"admin"}"#] {
                    let same = app.anon().with("cookie", &cookies).with("sec-fetch-site", "same-origin");
                    let answer = send(&same, &method, &path, kind, body).await;
                    let admin = path.contains("/admin/") && answer.status == StatusCode::FORBIDDEN;
                    assert!(admin || (answer.status, answer.problem().as_str()) == (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"), "{method} {path} {kind}: {} {}", answer.status, answer.text);
                }
            }
            for kind in kinds.into_iter().chain([JSON, "application/json; charset=x"]) {
                for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null"), ("x-nothing", "")] {
                    let answer = send(&app.anon().with("cookie", &cookies).with(name, value), &method, &path, kind, r#"{"name":"Eve"}"#).await;
                    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::FORBIDDEN, "not_allowed"), "{method} {path} {kind} {name}");
                    assert!(answer.cookies().is_empty());
                }
            }
        }
        for (_, path, _) in taking(&app, FORM).await {
            for kind in ["text/plain", JSON, "multipart/form-data; boundary=x", ""] {
                assert_eq!(send(&app.anon(), "POST", &path, kind, format!("token={}", user.access)).await.status, if path == "/oauth/revoke" { StatusCode::UNSUPPORTED_MEDIA_TYPE } else { StatusCode::UNAUTHORIZED }, "{path} {kind}");
            }
        }
        assert_eq!(user.client.get("/api/v1/me").await.text, before);
        assert_eq!(app.anon().browser(&user.refresh).post("/api/v1/auth/refresh", json!({})).await.status, StatusCode::OK, "and is signed in still");
    }

    async fn whatever_next_says_people_stay_on_this_origin(app: App) {
        app.user("ada@example.com").await;
        for next in &wanted() {
            hear(&app).await;
            let (text, value) = (String::from_utf8_lossy(next), escaped(next));
            let credentials = format!("form[email]=ada@example.com&form[password]={}&form[next]={value}", PASSWORD.replace(' ', "+"));
            led_home(&app.anon().submit("/fn/login", "/login", &credentials).await, &text);
            led_home(&app.anon().submit("/fn/login", "/login", &format!("form[email]=ada@example.com&form[password]=wrong&form[next]={value}")).await, &text);
            let script = app.anon().call("/fn/login", &credentials).await;
            if script.status == StatusCode::OK {
                stays(script.json()["next"].as_str().expect("a path"), &text);
            }
            // The page that carries it on, and others that find it in their address.
            for path in [format!("/login?next={value}"), format!("/account/{value}"), format!("/account?{value}"), format!("/login?__path=%2Ffn%2Flogin&__err={value}"), format!("/login?{value}")] {
                let Ok(uri) = path.parse::<axum::http::Uri>() else { continue };
                let answer = app.anon().with("accept", "text/html").get(&uri.to_string()).await;
                assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
                if answer.status.is_redirection() {
                    led_home(&answer, &text);
                }
                for link in ["href=\"//", "href=\"\\", "href=\"javascript:", "action=\"//", "action=\"http", "href=\"data:", "href=\"https://evil"] {
                    assert!(!answer.text.contains(link), "{path}: {link} in {}", answer.text);
                }
            }
        }
        for next in [&b"//evil.example"[..], b"/%0d%0aSet-Cookie:x=1", &[0xff; 100]].map(escaped) {
            let answer = app.anon().submit("/fn/signup", "/signup", &format!("form[email]=x{}@example.com&form[password]={}&form[next]={next}", next.len(), PASSWORD.replace(' ', "+"))).await;
            led_home(&answer, &next);
        }
    }

    async fn naughty_names_are_shown_as_text_and_nothing_else_is_kept(app: App) {
        let user = app.user("ada@example.com").await;
        let page = async |name: &str| {
            let changed = user.client.patch("/api/v1/me", json!({"name": name})).await;
            if changed.status != StatusCode::OK {
                let pointers: Vec<String> = changed.members().into_iter().map(|(pointer, _)| pointer).collect();
                assert_eq!((changed.status, pointers), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/name".to_owned()]), "{name:?}: {}", changed.text);
                return None;
            }
            let kept = changed.json()["name"].as_str().unwrap_or_default().to_owned();
            assert_eq!(kept, name.trim(), "as it was typed");
            let text = app.anon().browser(&user.refresh).with("accept", "text/html").get("/account").await.text;
            Some((kept, text))
        };
        let tags = |text: &str| text.matches('<').count();
        let (_, plain) = page("Ada").await.expect("a name");
        let (_, nameless) = page("").await.expect("no name");
        let mut shown = 0;
        for name in BLNS.iter().chain(POLYGLOTS) {
            hear(&app).await;
            let Some((kept, text)) = page(name).await else { continue };
            let expected = if kept.is_empty() { tags(&nameless) } else { tags(&plain) };
            assert_eq!(tags(&text), expected, "{name:?} made a tag of its own in {text}");
            assert_eq!(text.matches("<script").count(), text.matches("nonce=\"").count(), "{name:?}");
            // In the value of the field, nothing ends it but its own quote.
            let field = text.split("name=\"form[name]\"").nth(1).and_then(|rest| rest.split('>').next());
            assert!(field.is_some(), "the field for the name is in the page");
            shown += 1;
        }
        assert!(shown > 300, "{shown}");
        // What a program calls itself is not kept; what is no address is no account.
        let mut made = 0;
        for (number, name) in BLNS.iter().chain(POLYGLOTS).enumerate() {
            hear(&app).await;
            for email in [(*name).to_owned(), format!("{name}@example.com"), format!("a{number}@{name}")] {
                let answer = app.anon().post(SIGN_UP, json!({"email": email, "password": PASSWORD})).await;
                assert!(matches!(answer.status, StatusCode::CREATED | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT), "{email:?}: {}", answer.status);
                if answer.status == StatusCode::CREATED {
                    let refresh = answer.json()["refresh_token"].as_str().expect("a token").to_owned();
                    let text = app.anon().browser(&refresh).with("accept", "text/html").get("/account").await.text;
                    assert_eq!(tags(&text), tags(&nameless), "{email:?} made a tag of its own");
                    made += 1;
                }
            }
        }
        assert!(made > 20, "{made}");
    }

    async fn a_failed_form_leads_back_to_a_page_of_ours_whatever_the_referer_is(target: Target) {
        let mut led = 0;
        for next in &wanted() {
            for start in ["", "http://localhost:3000", "http://localhost:3000/login?next=", "https://evil.example/", "https://evil.example", "://"] {
                let referer = [start.as_bytes(), next].concat();
                // Line ends and the like cannot be in a header.
                if HeaderValue::from_bytes(&referer).is_err() {
                    continue;
                }
                let headers: [(&str, &[u8]); 4] = [("content-type", FORM.as_bytes()), ("accept", b"text/html"), ("origin", b"http://localhost:3000"), ("referer", &referer)];
                led_home(&target.send(Method::POST, "/fn/login", &headers, "form[email]=a").await, &String::from_utf8_lossy(&referer));
                led += 1;
            }
        }
        assert!(led > 1500, "{led}");
    }

    async fn what_a_program_calls_itself_is_not_kept(target: Target) {
        let (mut asked, credentials) = (0, json!({"email": "ada@example.com", "password": PASSWORD}).to_string());
        target.sign_up("ada@example.com").await;
        for name in BLNS.iter().chain(POLYGLOTS).filter(|name| HeaderValue::from_bytes(name.as_bytes()).is_ok()) {
            let headers: [(&str, &[u8]); 2] = [("content-type", JSON.as_bytes()), ("user-agent", name.as_bytes())];
            assert_eq!(target.send(Method::POST, LOG_IN, &headers, credentials.clone()).await.status, StatusCode::OK, "{name:?}");
            asked += 1;
        }
        assert!(asked > 300, "{asked}");
        // So many log-ins have ended the session of before.
        let bearer = format!("Bearer {}", target.log_in("ada@example.com").await.access);
        for list in ["/api/v1/me/activity?limit=100", "/api/v1/me/sessions?limit=100"] {
            let answer = target.send(Method::GET, list, &[("authorization", bearer.as_bytes())], Body::empty()).await.json();
            for item in answer["items"].as_array().expect("a list") {
                let device = item["device"].as_str();
                assert!(device.is_none_or(|device| device.split(" on ").all(|word| ["Firefox", "Chrome", "Safari", "Edge", "curl", "Linux", "Android", "Windows", "macOS"].contains(&word))), "{item}");
            }
        }
    }
}

/// Where people are to be led, if somebody has their will: out of this origin, into a header, into a program.
fn wanted() -> Vec<Vec<u8>> {
    let mut wanted: Vec<Vec<u8>> = [
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https://evil.example",
        "http://app@evil.example",
        "http://localhost:3000@evil.example",
        "http://localhost:3000.evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "blob:x",
        "%2f%2fevil.example",
        "/%2f%2fevil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/..//evil.example",
        "/.//evil.example",
        "/../..//evil.example",
        "/account/..//evil.example",
        "//evil.example/..",
        "/%2e%2e//evil.example",
        "\u{ff0f}\u{ff0f}evil.example",
        "/\u{ff0f}evil.example",
        "/\u{2215}evil.example",
        "/\u{2044}evil.example",
        "/\u{3000}/evil.example",
        "///evil.example",
        "////evil.example",
        "/ /evil.example",
        " //evil.example",
        "\t//evil.example",
        "//evil.example%00.localhost",
        "/account\r\nSet-Cookie: x=1",
        "/account%0d%0aSet-Cookie:%20x=1",
        "/account\nLocation: //evil.example",
        "/account\r\n\r\n<script>alert(1)</script>",
        "/account\0",
        "/a?\r\nx: y",
        "/a#\r\nx: y",
        "?next=//evil.example",
        "#",
        "",
        ".",
        "..",
        "account",
        "/account?next=//evil.example",
        "/account#//evil.example",
        "/@evil.example",
        "/:80/x",
        "/fn/logout",
        "/logout",
        "/api/v1/me",
        "/login?next=//evil.example",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    wanted.extend((0..=255).map(|byte| [b"/account/".as_slice(), &[byte]].concat()));
    wanted.extend((0x80..=0xff).map(|byte| vec![byte, byte]));
    wanted.extend([
        [b"/".as_slice(), &[b'a'; 8192]].concat(),
        [b"//".as_slice(), &[b'a'; 8192]].concat(),
        vec![0xff; 8192],
        b"/%0d%0a".repeat(1000),
        (0x80..=0xff).collect(),
    ]);
    wanted
}

/// Texts that are markup in one place or another, beside those of the well-known list.
const POLYGLOTS: &[&str] = &[
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>\\x3e",
    "\">><marquee><img src=x onerror=confirm(1)></marquee>\" ></plaintext\\></|\\><plaintext/onmouseover=prompt(1)>",
    "<!--<script>",
    "]]>",
    "</script><script>alert(1)</script>",
    "--><svg onload=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<%= 1 %>",
    "\\u003cscript\\u003e",
    "&#60;script&#62;",
    "&lt;script&gt;",
];

/// A redirect to a path of ours, and not a header more than it should have.
fn led_home(answer: &Answer, what: &str) {
    assert!(answer.status.is_redirection(), "{what:?}: {} {}", answer.status, answer.text);
    stays(answer.header("location"), what);
    for cookie in answer.cookies() {
        assert!(["latchkey=", "latchkey-known="].iter().any(|ours| cookie.starts_with(ours)), "{what:?}: {cookie}");
    }
    for name in answer.headers.keys() {
        assert!(!["x", "refresh", "link"].contains(&name.as_str()), "{what:?}: {name}");
    }
}

/// As browsers read an address: relative to the page that it stands in.
fn stays(location: &str, what: &str) {
    let base = url::Url::parse("http://localhost:3000/login").expect("a URL");
    let to = base.join(location).unwrap_or_else(|error| panic!("{what:?}: {location}: {error}"));
    assert_eq!(to.origin(), base.origin(), "{what:?} led to {location}");
    assert!(
        location.starts_with('/') && !location.starts_with("//") && location.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
        "{what:?} led to {location:?}"
    );
}

/// A server with a site of its own: what `cargo leptos build` leaves, and beside it what is nobody's business.
struct Built {
    app: App,
    folder: TempDir,
}

const SECRET: &str = "SECRET outside of the site";

impl Built {
    async fn on(database: FreshDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        };
        for outside in ["Cargo.toml", ".env", ".git/config", "data/secret", "latchkey.toml", "sitemap/x", "etc/passwd"] {
            write(outside, SECRET);
        }
        for inside in ["site/.env", "site/.git/config", "site/.git/HEAD", "site/pkg/.env", "site/.htaccess", "site/.ssh/id"] {
            write(inside, SECRET);
        }
        write("site/pkg/latchkey.js", "export default 1;");
        write("site/pkg/latchkey.css", "body {}");
        write("site/pkg/latchkey.wasm", &"wasm".repeat(25_000));
        write("site/favicon.svg", "<svg/>");
        write("site/robots.txt", "User-agent: *");
        for (link, to) in [("site/pkg/link.js", "../../data/secret"), ("site/link.txt", "../.env"), ("site/pkg/folder", "../../data"), ("site/root", "/")] {
            symlink(to, folder.path().join(link)).expect("a link");
        }
        let mut app = App::on(database).await;
        let http = Http {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            public_url: "http://localhost:3000".parse().expect("a URL"),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            x_access_token: false,
            introspection_secret: None,
        };
        let site = Site { root: folder.path().join("site"), hashed: false, reload_port: None };
        app.server = Server::new(app.server.auth().clone(), &http, &site);
        app.router = router(app.server.clone());
        Self { app, folder }
    }
}

on_both! {
    async fn nothing_is_served_but_the_files_of_the_site(built: Built) {
        let app = &built.app;
        for (path, text) in
            [("/pkg/latchkey.js", "export default 1;"), ("/pkg/latchkey.css", "body {}"), ("/favicon.svg", "<svg/>"), ("/robots.txt", "User-agent: *")]
        {
            let answer = app.anon().get(path).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, text), "{path}");
        }
        let outside = built.folder.path().join("data/secret").display().to_string();
        let mut paths: Vec<String> = [
            "/pkg/",
            "/pkg",
            "/pkg/.",
            "/pkg//",
            "/.git/config",
            "/.git/HEAD",
            "/.git/",
            "/.env",
            "/pkg/.env",
            "/.htaccess",
            "/.ssh/id",
            "/%2eenv",
            "/%2Egit/config",
            "/.git%2fconfig",
            "/Cargo.toml",
            "/latchkey.toml",
            "/data/secret",
            "/etc/passwd",
            "/sitemap/x",
            "/server-status",
            "/metrics",
            "/debug",
            "/debug/pprof/",
            "/actuator",
            "/docs",
            "/swagger",
            "/api-docs",
            "/phpinfo.php",
            "/wp-login.php",
            "/index.html",
            "/pkg/index.html",
            "/pkg/latchkey.js.map",
            "/pkg/latchkey.js~",
            "/pkg/latchkey.js/",
            "/pkg/latchkey.js/x",
            "/link.txt",
            "/pkg/link.js",
            "/pkg/folder/secret",
            "/root/etc/passwd",
            "/pkg/latchkey.js%00",
            "/pkg/latchkey.js%00.txt",
            "/%00",
            "/%",
            "/%zz",
            "/%ff%fe",
            "/con",
            "/C:/Windows/win.ini",
            "/c:%5cwindows",
        ]
        .map(str::to_owned)
        .to_vec();
        for up in ["..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "..%00", "....", "..;", "%252e%252e", "%c0%ae%c0%ae", "\u{ff0e}\u{ff0e}", "..."] {
            for slash in ["/", "%2f", "%2F", "\\", "%5c", "%5C", "%252f", "//", "/./"] {
                for start in ["/", "/pkg/", "/fn/", "/api/", "/pkg/latchkey.js/", "/account/", "//"] {
                    for target in ["Cargo.toml", ".env", "data/secret", "etc/passwd"] {
                        paths.push(format!("{start}{up}{slash}{target}"));
                        paths.push(format!("{start}{up}{slash}{up}{slash}{target}"));
                    }
                }
            }
        }
        paths.push(outside.clone());
        paths.push(format!("/{outside}"));
        let (mut asked, mut unasked) = (0, 0);
        for path in paths {
            // Some of these cannot be said in HTTP at all.
            let Ok(uri) = path.parse::<axum::http::Uri>() else {
                unasked += 1;
                continue;
            };
            for accept in ["*/*", "text/html"] {
                let client = app.anon().with("accept", accept).with("accept-encoding", "br, gzip");
                let answer = client.get(&uri.to_string()).await;
                assert!(!answer.text.contains("SECRET") && !answer.text.contains("root:") && !answer.text.contains("latchkey.css</"), "{path}: {}", answer.text);
                let led = answer.status.is_redirection() && answer.header("location").starts_with("/login?next=");
                assert!(matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST) || led, "{path}: {} {}", answer.status, answer.header("location"));
                asked += 1;
            }
        }
        assert!(asked > 4000, "{asked} asked, {unasked} not");
    }

    async fn every_body_says_what_it_is_and_an_unknown_address_of_the_api_is_never_a_page(built: Built) {
        let (app, boss) = (&built.app, boss(&built.app).await);
        let mut answers = Vec::new();
        for path in [
            "/",
            "/login",
            "/signup",
            "/account",
            "/nothing",
            "/pkg/latchkey.js",
            "/pkg/latchkey.css",
            "/pkg/latchkey.wasm",
            "/favicon.svg",
            "/robots.txt",
            "/pkg/nothing",
            "/openapi.json",
            "/healthz",
            "/readyz",
        ] {
            for accept in ["*/*", "text/html", "application/json"] {
                answers.push((path.to_owned(), boss.clone().with("accept", accept).get(path).await));
            }
        }
        let description = app.anon().get("/openapi.json").await.json();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                for (client, kind, body) in [(&boss, JSON, "{}"), (&boss, FORM, "token=x"), (&app.anon(), JSON, ""), (&boss, JSON, "{")] {
                    let path = path.replace("{id}", "00000000-0000-7000-8000-000000000000");
                    answers.push((format!("{method} {path}"), send(client, &method.to_uppercase(), &path, kind, body).await));
                }
            }
        }
        // The log-out among them has ended the session.
        let boss = app.log_in("boss@example.com").await.client;
        for function in functions() {
            for client in [&boss, &app.anon()] {
                answers.push((function.clone(), client.call(&function, "form[email]=a").await));
                answers.push((function.clone(), client.submit(&function, "/login", "form[email]=a").await));
            }
        }
        let mut kinds = std::collections::BTreeSet::new();
        for (what, answer) in answers {
            let kind = answer.header("content-type");
            assert!(answer.text.is_empty() || !kind.is_empty(), "{what}: {} {}", answer.status, answer.text);
            let (essence, parameters) = kind.split_once("; ").unwrap_or((kind, ""));
            let text = essence.starts_with("text/") || essence.ends_with("+xml");
            assert_eq!(parameters, if text { "charset=utf-8" } else { "" }, "{what}: {kind}");
            if matches!(essence, "application/json" | "application/problem+json" | "application/jwk-set+json") {
                assert!(serde_json::from_str::<Value>(&answer.text).is_ok(), "{what}: {}", answer.text);
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
            kinds.insert(essence.to_owned());
        }
        assert!(kinds.len() >= 8, "{kinds:?}");
        for path in [
            "/api",
            "/api/",
            "/api/v1",
            "/api/v1/",
            "/api/v1/me/",
            "/api/v1/nothing",
            "/api/v2/me",
            "/api/login",
            "/api/%2e%2e/login",
            "/api/v1/%00",
            "/fn/nothing",
            "/fn/login/",
            "/fn/login/x",
        ] {
            for accept in ["*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8"] {
                for method in [Method::GET, Method::POST] {
                    let answer = app.anon().with("accept", accept).send(method.clone(), path, Body::empty()).await;
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path} {accept}");
                    assert!(!answer.text.contains("<script") && !answer.text.contains(".wasm"), "{method} {path}: {}", answer.text);
                    if accept == "*/*" || path.starts_with("/api") && method == Method::GET {
                        // Below the API there are no people.
                        let page = answer.header("content-type") == "text/html; charset=utf-8";
                        assert!(page || answer.problem() == "not_found", "{method} {path} {accept}");
                        assert!(!page || accept != "*/*", "{method} {path} {accept}");
                    }
                }
            }
        }
    }

    async fn a_part_of_a_file_is_a_part_and_what_is_private_is_always_whole_and_never_kept(built: Built) {
        let app = &built.app;
        let wasm = "/pkg/latchkey.wasm";
        let whole = app.anon().get(wasm).await;
        assert_eq!((whole.status, whole.text.len(), whole.header("content-type")), (StatusCode::OK, 100_000, "application/wasm"));
        let thousand = format!("bytes={}", (0..1000).map(|n| format!("{}-{}", n * 2, n * 2 + 1)).collect::<Vec<_>>().join(","));
        let same = format!("bytes={}", vec!["0-"; 1000].join(","));
        for range in [
            &thousand,
            &same,
            "bytes=0-0",
            "bytes=0-",
            "bytes=-5",
            "bytes=99999-",
            "bytes=100000-",
            "bytes=5-1",
            "bytes=0-18446744073709551616",
            "bytes=-0",
            "bytes=a-b",
            "bytes=",
            "bytes",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=-99999999999",
        ] {
            let answer = app.anon().with("range", range).get(wasm).await;
            assert!(matches!(answer.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE), "{range:.40}: {}", answer.status);
            assert!(answer.text.len() <= 100_000, "{range:.40}: never more than there is, {}", answer.text.len());
            if answer.status == StatusCode::PARTIAL_CONTENT {
                assert!(answer.header("content-range").ends_with("/100000"), "{range:.40}: {}", answer.header("content-range"));
            }
        }
        assert_eq!(app.anon().with("range", "bytes=0-0").get(wasm).await.text, "w");
        let modified = whole.header("last-modified");
        assert!(!modified.is_empty());
        let kept = app.anon().with("if-modified-since", modified).get(wasm).await;
        assert_eq!((kept.status, kept.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
        for (name, value) in [("if-modified-since", "nonsense"), ("if-none-match", "\"x\""), ("if-range", "nonsense"), ("if-unmodified-since", "nonsense")] {
            assert!(matches!(app.anon().with(name, value).get(wasm).await.status, StatusCode::OK), "{name}");
        }

        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let both = |user: &crate::support::User<'_>| {
            app.anon().with("authorization", &format!("Bearer {}", user.access)).with("cookie", &format!("latchkey={}", user.refresh))
        };
        for path in ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/me/activity", "/account", "/account/activity", "/account/sessions", "/", "/login"] {
            let plain = both(&ada).get(path).await;
            for (name, value) in [
                ("range", "bytes=0-3"),
                ("range", thousand.as_str()),
                ("if-none-match", "*"),
                ("if-none-match", "W/\"x\", \"y\""),
                ("if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT"),
                ("if-match", "\"x\""),
                ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
                ("cache-control", "only-if-cached"),
            ] {
                let answer = both(&ada).with(name, value).get(path).await;
                assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{path} {name}");
                for keepable in ["etag", "last-modified", "age", "expires", "content-range", "accept-ranges"] {
                    assert_eq!(answer.header(keepable), "", "{path} {name}: {keepable}");
                }
                if path.starts_with("/api/") {
                    assert_eq!(answer.text, plain.text, "{path} {name}");
                }
            }
            // Who asks next gets what is theirs.
            let theirs = both(&bob).get(path).await;
            assert!(!theirs.text.contains("ada@example.com"), "{path}");
            assert!(!app.anon().get(path).await.text.contains("@example.com"), "{path}");
        }
    }
}
