//! Links from emails over HTTP, and the commands for email with a real SMTP server over TLS.

use crate::{
    log_capture::LogCapture,
    process::server_command,
    support::{App, FORM, MailedLink, PASSWORD, TestResponse},
};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{
    RequestContext, admin::AdminAction, mail::SentMail, one_time_links::LinkPurpose,
    test_on_each_database, testing::smtp_server::SmtpServer,
};
use countersign_types::Email;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

const ADA: &str = "ada@example.com";
const NEW_PASSWORD: &str = "another horse battery";
const FORGOT: &str = "/api/v1/auth/password/forgot";
const RESET: &str = "/api/v1/auth/password/reset";

/// The agents of programs that open links in emails before their recipients do.
const SCANNERS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/120.0.0.0 Safari/537.36 SafeLinks",
    "BarracudaCentral/1.0",
    "facebookexternalhit/1.1",
];

async fn log_in(app: &App, password: &str) -> StatusCode {
    let body = json!({"email": ADA, "password": password});
    app.anon().post("/api/v1/auth/login", body).await.status
}

async fn reset(app: &App, link: &MailedLink) -> TestResponse {
    app.anon().post(RESET, json!({"token": link.token, "new_password": NEW_PASSWORD})).await
}

/// Posts a plain form, as a browser without scripts does.
async fn post_form(app: &App, path: &str, cookie: &str, form: &str) -> TestResponse {
    app.anon()
        .with("accept", "text/html")
        .with("content-type", FORM)
        .with("sec-fetch-site", "same-origin")
        .with("sec-fetch-mode", "navigate")
        .with("cookie", cookie)
        .send(Method::POST, path, Body::from(form.to_owned()))
        .await
}

/// Returns the value of a cookie that a response sets.
fn cookie(response: &TestResponse, name: &str) -> String {
    let cookies = response.cookies();
    let line = cookies.iter().find(|line| line.starts_with(name)).expect("the cookie");
    line.split(';').next().expect("a pair").to_owned()
}

test_on_each_database! {
    async fn password_is_replaced_with_the_token_of_the_link(app: App) {
        app.user(ADA).await;
        let link = app.reset_link(ADA).await;
        assert_eq!(reset(&app, &link).await.status, StatusCode::NO_CONTENT);
        assert_eq!(log_in(&app, PASSWORD).await, StatusCode::UNAUTHORIZED);
        assert_eq!(log_in(&app, NEW_PASSWORD).await, StatusCode::OK);
        let again = reset(&app, &link).await;
        assert_eq!((again.status, &*again.error_code()), (StatusCode::GONE, "link_expired"));
    }

    async fn password_is_replaced_with_the_code_of_the_link(app: App) {
        app.user(ADA).await;
        let link = app.reset_link(ADA).await;
        let body = |code: &str, password: &str| {
            json!({"link_id": link.id, "code": code, "new_password": password})
        };
        // A weak password costs no attempt.
        for _ in 0..6 {
            let weak = app.anon().post(RESET, body(&link.code, "short")).await;
            assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", weak.text);
        }
        let grouped = format!("{} {}", &link.code[..3], &link.code[3..]);
        let done = app.anon().post(RESET, body(&grouped, NEW_PASSWORD)).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
        assert_eq!(log_in(&app, NEW_PASSWORD).await, StatusCode::OK);
    }

    async fn incomplete_reset_names_what_is_missing(app: App) {
        let new = "another horse battery";
        for (body, pointer) in [
            (json!({}), "/new_password"),
            (json!({"token": "x"}), "/new_password"),
            (json!({"new_password": new}), "/token"),
            (json!({"token": "x", "code": "123456", "new_password": new}), "/token"),
            (json!({"link_id": "x", "code": "123456", "new_password": new}), "/link_id"),
            (json!({"link_id": "x", "new_password": new}), "/code"),
            (json!({"link_id": "x", "code": "12345", "new_password": new}), "/code"),
            (json!({"link_id": "x", "code": "123456"}), "/new_password"),
        ] {
            let response = app.anon().post(RESET, body.clone()).await;
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(response.json()["errors"][0]["pointer"], pointer, "{body}");
        }
        for token in ["", "x", "csgn_link_", &"csgn_link_".repeat(500), "csgn_link_AAAA"] {
            let body = json!({"token": token, "new_password": new});
            let response = app.anon().post(RESET, body).await;
            assert_eq!(response.status, StatusCode::GONE, "{token}");
        }
    }

    async fn request_gets_the_same_response_for_every_address(app: App) {
        app.user(ADA).await;
        app.user("disabled@example.com").await;
        let operator = app.server.auth().operator_for_tests(&RequestContext::default());
        let email = Email::parse("disabled@example.com").expect("an address");
        let id = operator.user_by_email(&email).await.expect("a user").id;
        operator.change(id, AdminAction::Disable).await.expect("disabled");
        let mut seen = Vec::new();
        for email in [ADA, "disabled@example.com", "unknown@example.com"] {
            let response = app.anon().post(FORGOT, json!({"email": email})).await;
            assert_eq!(response.status, StatusCode::ACCEPTED);
            let mut headers = response.headers.clone();
            headers.remove("x-request-id");
            let members: Vec<_> =
                response.json().as_object().expect("an object").keys().cloned().collect();
            seen.push((headers, members));
        }
        assert!(seen.iter().all(|other| *other == seen[0]), "{seen:#?}");
        app.server.auth().deliver_mail().await.expect("a delivery");
        let sent: Vec<_> = app.mailbox.take().into_iter().map(|mail| mail.to).collect();
        assert_eq!(sent, [ADA]);
    }

    async fn link_uses_the_public_url_for_any_request(app: App) {
        app.user(ADA).await;
        let response = app
            .anon()
            .with("x-forwarded-host", "evil.example")
            .with("x-forwarded-proto", "http")
            .with("x-original-host", "evil.example")
            .with("forwarded", "host=evil.example")
            .with("origin", "http://localhost:3000")
            .post(FORGOT, json!({"email": ADA}))
            .await;
        assert_eq!(response.status, StatusCode::ACCEPTED);
        let SentMail { raw, text, .. } = app.mail_to(ADA).await.remove(0);
        assert!(text.contains("http://localhost:3000/link?token=csgn_link_"), "{text}");
        assert!(!raw.contains("evil"), "{raw}");
    }

    async fn link_opened_by_scanners_still_works(app: App) {
        app.user(ADA).await;
        for purpose in [LinkPurpose::ResetPassword, LinkPurpose::SecureAccount] {
            let link = app.link(purpose, ADA).await;
            let path = format!("/link?token={}", link.token);
            let is_reset = purpose == LinkPurpose::ResetPassword;
            let page = if is_reset { "/reset" } else { "/secure" };
            for agent in SCANNERS {
                for method in [Method::HEAD, Method::GET, Method::GET] {
                    let client = app.anon().with("user-agent", agent);
                    let opened = client.send(method, &path, Body::empty()).await;
                    assert_eq!(opened.status, StatusCode::SEE_OTHER);
                    assert_eq!(opened.header("location"), page, "no token in the next URL");
                    // A scanner keeps no cookies, and sees no address.
                    let seen = client.get(page).await;
                    assert_eq!(seen.status, StatusCode::OK);
                    assert!(!seen.text.contains(ADA), "{}", seen.text);
                }
            }
            let cookie = format!("countersign-3000-link={}", link.token);
            let opened = app.anon().with("cookie", &cookie).get(page).await;
            assert!(!opened.text.contains(&link.token[10..]), "the token is not in the page");
            if is_reset {
                assert!(opened.text.contains(ADA), "{}", opened.text);
                continue;
            }
            let form = format!("link_id={}", link.id);
            let used = post_form(&app, "/fn/secure-account", &cookie, &form).await;
            assert_eq!(used.header("location"), "/reset");
        }
        let link = app.reset_link(ADA).await;
        assert_eq!(reset(&app, &link).await.status, StatusCode::NO_CONTENT);
    }

    async fn invalid_link_leads_to_the_page_of_an_expired_one(app: App) {
        for query in ["", "?", "?token=", "?token=x", "?token=%0d%0aset-cookie:x", "?other=x"] {
            let opened = app.anon().get(&format!("/link{query}")).await;
            assert_eq!(opened.status, StatusCode::SEE_OTHER);
            assert_eq!(opened.header("location"), "/reset");
            assert!(opened.cookies()[1].contains("Max-Age=0"), "{query}");
        }
        let page = app.anon().get("/reset").await;
        assert!(page.text.contains("This link no longer works"), "{}", page.text);
    }

    async fn neither_link_nor_address_is_logged(app: App) {
        app.user(ADA).await;
        let log = LogCapture::start("trace");
        let link = app.reset_link(ADA).await;
        app.anon().get(&format!("/link?token={}", link.token)).await;
        let cookie = format!("countersign-3000-link={}", link.token);
        app.anon().with("cookie", &cookie).get("/reset").await;
        let weak = json!({"token": link.token, "new_password": "password1"});
        assert_eq!(app.anon().post(RESET, weak).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reset(&app, &link).await.status, StatusCode::NO_CONTENT);
        app.mail_to(ADA).await;
        let log = log.take();
        assert!(log.contains("/link") && log.contains("email sent"), "{log}");
        for secret in [&link.token[10..], ADA, NEW_PASSWORD, "password1"] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }

    async fn password_is_replaced_by_plain_forms(app: App) {
        app.user(ADA).await;
        let form = "form[email]=ada%40example.com";
        let sent = post_form(&app, "/fn/forgot-password", "", form).await;
        let page = sent.header("location").to_owned();
        let link_id = page.strip_prefix("/forgot?sent=").expect("the page for the code");
        let mail = app.mail_to(ADA).await.remove(0);
        let code: String = mail.subject.chars().filter(char::is_ascii_digit).collect();
        let form = format!("form[code]={code}&link_id={link_id}");
        let entered = post_form(&app, "/fn/enter-code", "", &form).await;
        assert_eq!(entered.header("location"), "/reset");
        let cookie = cookie(&entered, "countersign-3000-link=");
        assert!(entered.cookies()[0].contains("HttpOnly; SameSite=Lax"));
        // The form belongs to the link that its page shows, not to one that was opened since.
        let other = "form[new_password]=another+horse+battery&link_id=x";
        let refused = post_form(&app, "/fn/reset-password", &cookie, other).await;
        assert!(refused.header("location").contains("__err=link_expired"));
        let form = format!("form[new_password]=another+horse+battery&link_id={link_id}");
        let done = post_form(&app, "/fn/reset-password", &cookie, &form).await;
        assert_eq!(done.header("location"), "/login?reset");
        assert!(done.cookies()[1].starts_with("countersign-3000-link=;"), "{:?}", done.cookies());
        assert_eq!(log_in(&app, NEW_PASSWORD).await, StatusCode::OK);
    }
}

/// Certificates for a mail server, in PEM files.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Creates an authority, and a certificate for `host` that it has signed.
    fn new(host: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (authority_key, key) =
            (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("signed");
        let certificate = CertificateParams::new(vec![host.to_owned()])
            .expect("parameters")
            .signed_by(&key, &authority)
            .expect("signed");
        for (name, content) in [
            ("authority.pem", authority.pem()),
            ("certificate.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            fs::write(folder.path().join(name), content).expect("written");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn server(&self, tls: &str) -> SmtpServer {
        SmtpServer::with_options(&[
            "--tls",
            tls,
            "--certificate",
            &self.path("certificate.pem"),
            "--key",
            &self.path("key.pem"),
            "--user",
            "ada",
            "--password",
            "p@ss",
        ])
    }
}

/// Runs `countersign mail …`. Returns whether it succeeded, and its output and errors.
async fn run(folder: &Path, url: &str, authority: &str, arguments: &[&str]) -> (bool, String) {
    let output = server_command(folder, 0)
        .env("COUNTERSIGN_MAIL", url)
        .env("COUNTERSIGN_MAIL_FROM", "Example <accounts@example.com>")
        .env("SSL_CERT_FILE", authority)
        .env("RUST_LOG", "warn")
        .arg("mail")
        .args(arguments)
        .stderr(std::process::Stdio::piped())
        .output()
        .await
        .expect("a process");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
async fn test_email_is_sent_over_tls_with_credentials() {
    let (folder, certificates) =
        (TempDir::new().expect("a folder"), Certificates::new("localhost"));
    for (tls, scheme) in [("implicit", "smtps"), ("starttls", "smtp")] {
        let server = certificates.server(tls);
        let url = format!("{scheme}://ada:p%40ss@localhost:{}", server.port);
        let authority = certificates.path("authority.pem");
        let (done, text) = run(folder.path(), &url, &authority, &["test", ADA]).await;
        assert!(done, "{tls}: {text}");
        let mail = server.receive();
        assert_eq!((&*mail.to, mail.is_encrypted, mail.user.as_deref()), (ADA, true, Some("ada")));
        assert!(!text.contains("p@ss") && !text.contains("p%40ss"), "{text}");
    }
}

#[tokio::test]
async fn mail_server_with_another_certificate_gets_no_email() {
    let folder = TempDir::new().expect("a folder");
    let (right, wrong_name) =
        (Certificates::new("localhost"), Certificates::new("mail.example.com"));
    for (certificates, authority, tls, scheme) in [
        // A certificate for another name, and one of an unknown authority.
        (&wrong_name, &wrong_name, "implicit", "smtps"),
        (&wrong_name, &wrong_name, "starttls", "smtp"),
        (&right, &wrong_name, "implicit", "smtps"),
        (&right, &wrong_name, "starttls", "smtp"),
    ] {
        let server = certificates.server(tls);
        let url = format!("{scheme}://ada:p%40ss@localhost:{}", server.port);
        let authority = authority.path("authority.pem");
        let (done, text) = run(folder.path(), &url, &authority, &["test", ADA]).await;
        assert!(!done && text.contains("certificate"), "{text}");
        assert_eq!(server.rest(), 0);
    }
}

#[tokio::test]
async fn mail_server_without_starttls_gets_no_email() {
    let folder = TempDir::new().expect("a folder");
    let server = SmtpServer::start();
    let url = format!("smtp://localhost:{}", server.port);
    let (done, text) = run(folder.path(), &url, "", &["test", ADA]).await;
    assert!(!done && text.contains("STARTTLS"), "{text}");
    assert_eq!(server.rest(), 0);
}

#[tokio::test]
async fn refusal_of_the_mail_server_is_shown_by_the_test_command() {
    let folder = TempDir::new().expect("a folder");
    let server = SmtpServer::start();
    let (done, text) = run(folder.path(), &server.url(), "", &["test", "refused@x.example"]).await;
    assert!(!done && text.contains("550"), "{text}");
    let (done, text) = run(folder.path(), "none", "", &["test", ADA]).await;
    assert!(!done && text.contains("COUNTERSIGN_MAIL is none"), "{text}");
}

#[tokio::test]
async fn outbox_is_listed_and_retried_by_commands() {
    let folder = TempDir::new().expect("a folder");
    let server = SmtpServer::start();
    let run = async |arguments: &[&str]| run(folder.path(), &server.url(), "", arguments).await;
    let (done, text) = run(&["list"]).await;
    assert!(done && text.contains("The outbox has no emails."), "{text}");
    let (done, text) = run(&["list", "--failed", "--json"]).await;
    assert!(done, "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), json!([]));
    let (done, text) = run(&["retry", "00000000-0000-0000-0000-000000000000"]).await;
    assert!(!done && text.contains("no email with this id"), "{text}");
}
