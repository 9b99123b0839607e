//! Injection by text: redirect paths, display names, email addresses and user agents. They are
//! rendered as text, or refused.

use crate::{
    attack_target::AttackTarget,
    support::{
        App, FORM, JSON, LOG_IN, PASSWORD, SIGN_UP, TestResponse, percent_encoded, sync_feed,
    },
};
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode},
};
use countersign_core::test_on_each_database;
use naughty_strings::BLNS;
use serde_json::json;

/// Redirect paths of an attacker: to another origin, into a header, or into a script.
fn redirect_payloads() -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = [
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
    payloads.extend((0..=255).map(|byte| [b"/account/".as_slice(), &[byte]].concat()));
    payloads.extend((0x80..=0xff).map(|byte| vec![byte, byte]));
    payloads.extend([
        [b"/".as_slice(), &[b'a'; 8192]].concat(),
        [b"//".as_slice(), &[b'a'; 8192]].concat(),
        vec![0xff; 8192],
        b"/%0d%0a".repeat(1000),
        (0x80..=0xff).collect(),
    ]);
    payloads
}

/// Texts that are markup in several contexts, in addition to the Big List of Naughty Strings.
const POLYGLOTS: &[&str] = &[
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//\
     </stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>\\x3e",
    "\">><marquee><img src=x onerror=confirm(1)></marquee>\" >\
     </plaintext\\></|\\><plaintext/onmouseover=prompt(1)>",
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

/// Asserts a redirect to a path of this origin, without injected headers or cookies.
fn assert_safe_redirect(response: &TestResponse, context: &str) {
    assert!(response.status.is_redirection(), "{context:?}: {} {}", response.status, response.text);
    assert_same_origin(response.header("location"), context);
    for cookie in response.cookies() {
        assert!(
            ["countersign-3000=", "countersign-3000-device=", "countersign-3000-entered="]
                .iter()
                .any(|name| cookie.starts_with(name)),
            "{context:?}: {cookie}"
        );
    }
    for name in response.headers.keys() {
        assert!(!["x", "refresh", "link"].contains(&name.as_str()), "{context:?}: {name}");
    }
}

/// Asserts that a browser resolves the location to a path of this origin.
fn assert_same_origin(location: &str, context: &str) {
    let base = url::Url::parse("http://localhost:3000/login").expect("a URL");
    let to = base.join(location).unwrap_or_else(|error| panic!("{context:?}: {location}: {error}"));
    assert_eq!(to.origin(), base.origin(), "{context:?} redirects to {location}");
    assert!(
        location.starts_with('/')
            && !location.starts_with("//")
            && location.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
        "{context:?} redirects to {location:?}"
    );
}

test_on_each_database! {
    async fn redirect_path_never_leaves_this_origin(app: App) {
        app.user("ada@example.com").await;
        for next in &redirect_payloads() {
            sync_feed(&app).await;
            let (text, value) = (String::from_utf8_lossy(next), percent_encoded(next));
            let credentials = format!(
                "form[email]=ada@example.com&form[password]={}&next={value}",
                PASSWORD.replace(' ', "+")
            );
            assert_safe_redirect(
                &app.anon().submit("/fn/login", "/login", &credentials).await,
                &text,
            );
            assert_safe_redirect(
                &app.anon()
                    .submit(
                        "/fn/login",
                        "/login",
                        &format!(
                            "form[email]=ada@example.com&form[password]=wrong&next={value}"
                        ),
                    )
                    .await,
                &text,
            );
            let script = app.anon().call("/fn/login", &credentials).await;
            if script.status == StatusCode::OK {
                assert_same_origin(script.json()["next"].as_str().expect("a path"), &text);
            }
            // The log-in page, which passes it on, and pages with it in their URL.
            for path in [
                format!("/login?next={value}"),
                format!("/account/{value}"),
                format!("/account?{value}"),
                format!("/login?__path=%2Ffn%2Flogin&__err={value}"),
                format!("/login?{value}"),
            ] {
                let Ok(uri) = path.parse::<axum::http::Uri>() else { continue };
                let response = app.anon().with("accept", "text/html").get(&uri.to_string()).await;
                assert!(response.status.as_u16() < 500, "{path}: {}", response.status);
                if response.status.is_redirection() {
                    assert_safe_redirect(&response, &text);
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
                    assert!(!response.text.contains(link), "{path}: {link} in {}", response.text);
                }
            }
        }
        for next in
            [&b"//evil.example"[..], b"/%0d%0aSet-Cookie:x=1", &[0xff; 100]].map(percent_encoded)
        {
            let response = app
                .anon()
                .submit(
                    "/fn/signup",
                    "/signup",
                    &format!(
                        "form[email]=x{}@example.com&form[password]={}&next={next}",
                        next.len(),
                        PASSWORD.replace(' ', "+")
                    ),
                )
                .await;
            assert_safe_redirect(&response, &next);
        }
    }

    async fn naughty_strings_are_rendered_as_text_or_refused(app: App) {
        let user = app.user("ada@example.com").await;
        let page = async |name: &str| {
            let changed = user.client.patch("/api/v1/me", json!({"name": name})).await;
            if changed.status != StatusCode::OK {
                let pointers: Vec<String> =
                    changed.field_errors().into_iter().map(|(pointer, _)| pointer).collect();
                assert_eq!(
                    (changed.status, pointers),
                    (StatusCode::UNPROCESSABLE_ENTITY, vec!["/name".to_owned()]),
                    "{name:?}: {}",
                    changed.text
                );
                return None;
            }
            let stored = changed.json()["name"].as_str().unwrap_or_default().to_owned();
            assert_eq!(stored, name.trim(), "as entered");
            let text = app
                .anon()
                .browser(&user.refresh)
                .with("accept", "text/html")
                .get("/account")
                .await
                .text;
            Some((stored, text))
        };
        let tags = |text: &str| text.matches('<').count();
        let (_, plain) = page("Ada").await.expect("a name");
        let (_, nameless) = page("").await.expect("no name");
        let mut shown = 0;
        for name in BLNS.iter().chain(POLYGLOTS) {
            sync_feed(&app).await;
            let Some((stored, text)) = page(name).await else { continue };
            let expected = if stored.is_empty() { tags(&nameless) } else { tags(&plain) };
            assert_eq!(tags(&text), expected, "{name:?} made a tag of its own in {text}");
            assert_eq!(
                text.matches("<script").count(),
                text.matches("nonce=\"").count(),
                "{name:?}"
            );
            // The attribute value of the field is not terminated by the name.
            let field =
                text.split("name=\"form[name]\"").nth(1).and_then(|rest| rest.split('>').next());
            assert!(field.is_some(), "the field for the name is in the page");
            shown += 1;
        }
        assert!(shown > 300, "{shown}");
        // Names as parts of an email address: refused, or rendered as text.
        let mut signed_up = 0;
        for (number, name) in BLNS.iter().chain(POLYGLOTS).enumerate() {
            sync_feed(&app).await;
            for email in
                [(*name).to_owned(), format!("{name}@example.com"), format!("a{number}@{name}")]
            {
                let response =
                    app.anon().post(SIGN_UP, json!({"email": email, "password": PASSWORD})).await;
                assert!(
                    matches!(
                        response.status,
                        StatusCode::CREATED
                            | StatusCode::UNPROCESSABLE_ENTITY
                            | StatusCode::CONFLICT
                    ),
                    "{email:?}: {}",
                    response.status
                );
                if response.status == StatusCode::CREATED {
                    let refresh =
                        response.json()["refresh_token"].as_str().expect("a token").to_owned();
                    let text = app
                        .anon()
                        .browser(&refresh)
                        .with("accept", "text/html")
                        .get("/account")
                        .await
                        .text;
                    // Pages let an address break at each part of its domain.
                    let text = text.replace("<wbr>", "");
                    let nameless = nameless.replace("<wbr>", "");
                    assert_eq!(tags(&text), tags(&nameless), "{email:?} made a tag of its own");
                    signed_up += 1;
                }
            }
        }
        assert!(signed_up > 20, "{signed_up}");
    }

    async fn failed_form_redirects_to_own_page_for_any_referer(target: AttackTarget) {
        let mut redirects = 0;
        for next in &redirect_payloads() {
            for start in [
                "",
                "http://localhost:3000",
                "http://localhost:3000/login?next=",
                "https://evil.example/",
                "https://evil.example",
                "://",
            ] {
                let referer = [start.as_bytes(), next].concat();
                // Control characters are not valid in a header.
                if HeaderValue::from_bytes(&referer).is_err() {
                    continue;
                }
                let headers: [(&str, &[u8]); 4] = [
                    ("content-type", FORM.as_bytes()),
                    ("accept", b"text/html"),
                    ("origin", b"http://localhost:3000"),
                    ("referer", &referer),
                ];
                assert_safe_redirect(
                    &target.send(Method::POST, "/fn/login", &headers, "form[email]=a").await,
                    &String::from_utf8_lossy(&referer),
                );
                redirects += 1;
            }
        }
        assert!(redirects > 1500, "{redirects}");
    }

    async fn user_agent_is_stored_as_a_plain_name(target: AttackTarget) {
        let (mut log_ins, credentials) =
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
            log_ins += 1;
        }
        assert!(log_ins > 300, "{log_ins}");
        // The log-ins have evicted the first session.
        let bearer = format!("Bearer {}", target.log_in("ada@example.com").await.access);
        for list in ["/api/v1/me/activity?limit=100", "/api/v1/me/sessions?limit=100"] {
            let response = target
                .send(Method::GET, list, &[("authorization", bearer.as_bytes())], Body::empty())
                .await
                .json();
            for item in response["items"].as_array().expect("a list") {
                let device = item["device"].as_str();
                // At most a product name of plain characters.
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
