//! Texts that would like to be more: where people are to be led, names that are markup, what a
//! program calls itself. Text is all that they ever are.

use crate::{
    support::{Answer, App, FORM, JSON, LOG_IN, PASSWORD, SIGN_UP, escaped, hear},
    target::Target,
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode},
};
use countersign_core::on_both;
use naughty_strings::BLNS;
use serde_json::json;

/// Where people are to be led, if somebody has their will: out of this origin, into a header, into
/// a program.
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
        assert!(
            ["countersign-3000=", "countersign-3000-device="]
                .iter()
                .any(|ours| cookie.starts_with(ours)),
            "{what:?}: {cookie}"
        );
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
        location.starts_with('/')
            && !location.starts_with("//")
            && location.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
        "{what:?} led to {location:?}"
    );
}

on_both! {
    async fn whatever_next_says_people_stay_on_this_origin(app: App) {
        app.user("ada@example.com").await;
        for next in &wanted() {
            hear(&app).await;
            let (text, value) = (String::from_utf8_lossy(next), escaped(next));
            let credentials = format!(
                "form[email]=ada@example.com&form[password]={}&form[next]={value}",
                PASSWORD.replace(' ', "+")
            );
            led_home(&app.anon().submit("/fn/login", "/login", &credentials).await, &text);
            led_home(
                &app.anon()
                    .submit(
                        "/fn/login",
                        "/login",
                        &format!(
                            "form[email]=ada@example.com&form[password]=wrong&form[next]={value}"
                        ),
                    )
                    .await,
                &text,
            );
            let script = app.anon().call("/fn/login", &credentials).await;
            if script.status == StatusCode::OK {
                stays(script.json()["next"].as_str().expect("a path"), &text);
            }
            // The page that carries it on, and others that find it in their address.
            for path in [
                format!("/login?next={value}"),
                format!("/account/{value}"),
                format!("/account?{value}"),
                format!("/login?__path=%2Ffn%2Flogin&__err={value}"),
                format!("/login?{value}"),
            ] {
                let Ok(uri) = path.parse::<axum::http::Uri>() else { continue };
                let answer = app.anon().with("accept", "text/html").get(&uri.to_string()).await;
                assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
                if answer.status.is_redirection() {
                    led_home(&answer, &text);
                }
                for link in [
                    "href=\"//",
                    "href=\"\\",
                    "href=\"javascript:",
                    "action=\"//",
                    "action=\"http",
                    "href=\"data:",
                    "href=\"https://evil",
                ] {
                    assert!(!answer.text.contains(link), "{path}: {link} in {}", answer.text);
                }
            }
        }
        for next in [&b"//evil.example"[..], b"/%0d%0aSet-Cookie:x=1", &[0xff; 100]].map(escaped) {
            let answer = app
                .anon()
                .submit(
                    "/fn/signup",
                    "/signup",
                    &format!(
                        "form[email]=x{}@example.com&form[password]={}&form[next]={next}",
                        next.len(),
                        PASSWORD.replace(' ', "+")
                    ),
                )
                .await;
            led_home(&answer, &next);
        }
    }

    async fn naughty_names_are_shown_as_text_and_nothing_else_is_kept(app: App) {
        let user = app.user("ada@example.com").await;
        let page = async |name: &str| {
            let changed = user.client.patch("/api/v1/me", json!({"name": name})).await;
            if changed.status != StatusCode::OK {
                let pointers: Vec<String> =
                    changed.members().into_iter().map(|(pointer, _)| pointer).collect();
                assert_eq!(
                    (changed.status, pointers),
                    (StatusCode::UNPROCESSABLE_ENTITY, vec!["/name".to_owned()]),
                    "{name:?}: {}",
                    changed.text
                );
                return None;
            }
            let kept = changed.json()["name"].as_str().unwrap_or_default().to_owned();
            assert_eq!(kept, name.trim(), "as it was typed");
            let text = app
                .anon()
                .browser(&user.refresh)
                .with("accept", "text/html")
                .get("/account")
                .await
                .text;
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
            assert_eq!(
                text.matches("<script").count(),
                text.matches("nonce=\"").count(),
                "{name:?}"
            );
            // In the value of the field, nothing ends it but its own quote.
            let field =
                text.split("name=\"form[name]\"").nth(1).and_then(|rest| rest.split('>').next());
            assert!(field.is_some(), "the field for the name is in the page");
            shown += 1;
        }
        assert!(shown > 300, "{shown}");
        // What a program calls itself is not kept; what is no address is no account.
        let mut made = 0;
        for (number, name) in BLNS.iter().chain(POLYGLOTS).enumerate() {
            hear(&app).await;
            for email in
                [(*name).to_owned(), format!("{name}@example.com"), format!("a{number}@{name}")]
            {
                let answer =
                    app.anon().post(SIGN_UP, json!({"email": email, "password": PASSWORD})).await;
                assert!(
                    matches!(
                        answer.status,
                        StatusCode::CREATED
                            | StatusCode::UNPROCESSABLE_ENTITY
                            | StatusCode::CONFLICT
                    ),
                    "{email:?}: {}",
                    answer.status
                );
                if answer.status == StatusCode::CREATED {
                    let refresh =
                        answer.json()["refresh_token"].as_str().expect("a token").to_owned();
                    let text = app
                        .anon()
                        .browser(&refresh)
                        .with("accept", "text/html")
                        .get("/account")
                        .await
                        .text;
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
            for start in [
                "",
                "http://localhost:3000",
                "http://localhost:3000/login?next=",
                "https://evil.example/",
                "https://evil.example",
                "://",
            ] {
                let referer = [start.as_bytes(), next].concat();
                // Line ends and the like cannot be in a header.
                if HeaderValue::from_bytes(&referer).is_err() {
                    continue;
                }
                let headers: [(&str, &[u8]); 4] = [
                    ("content-type", FORM.as_bytes()),
                    ("accept", b"text/html"),
                    ("origin", b"http://localhost:3000"),
                    ("referer", &referer),
                ];
                led_home(
                    &target.send(Method::POST, "/fn/login", &headers, "form[email]=a").await,
                    &String::from_utf8_lossy(&referer),
                );
                led += 1;
            }
        }
        assert!(led > 1500, "{led}");
    }

    async fn user_agent_is_kept_as_a_plain_name_at_most(target: Target) {
        let (mut asked, credentials) =
            (0, json!({"email": "ada@example.com", "password": PASSWORD}).to_string());
        target.sign_up("ada@example.com").await;
        for name in BLNS
            .iter()
            .chain(POLYGLOTS)
            .filter(|name| HeaderValue::from_bytes(name.as_bytes()).is_ok())
        {
            let headers: [(&str, &[u8]); 2] =
                [("content-type", JSON.as_bytes()), ("user-agent", name.as_bytes())];
            assert_eq!(
                target.send(Method::POST, LOG_IN, &headers, credentials.clone()).await.status,
                StatusCode::OK,
                "{name:?}"
            );
            asked += 1;
        }
        assert!(asked > 300, "{asked}");
        // So many log-ins have ended the session of before.
        let bearer = format!("Bearer {}", target.log_in("ada@example.com").await.access);
        for list in ["/api/v1/me/activity?limit=100", "/api/v1/me/sessions?limit=100"] {
            let answer = target
                .send(Method::GET, list, &[("authorization", bearer.as_bytes())], Body::empty())
                .await
                .json();
            for item in answer["items"].as_array().expect("a list") {
                let device = item["device"].as_str();
                // At most the name of a product, in plain letters: nothing that anything could take
                // for code.
                let plain = |device: &str| {
                    device.len() <= 64
                        && device.chars().all(|letter| {
                            letter.is_ascii_alphanumeric() || " .-_+()".contains(letter)
                        })
                };
                assert!(device.is_none_or(plain), "{item}");
            }
        }
    }
}
