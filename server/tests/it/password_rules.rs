//! Passwords at log-in: only the exact password is accepted, there are no default credentials, and
//! no password stops the hashing threads.

use crate::support::{App, FORM, LOG_IN, PASSWORD, SIGN_UP, percent_encoded, send_body};
use axum::http::StatusCode;
use countersign_core::{RequestContext, test_on_each_database};
use serde_json::json;

test_on_each_database! {
    async fn only_the_exact_password_logs_in(app: App) {
        let pad = |length: usize, last: &str| {
            format!(
                "{}{last}",
                "torrent of glass ".chars().cycle().take(length - last.len()).collect::<String>()
            )
        };
        let table: &[(String, Vec<String>)] = &[
            (pad(73, "a"), vec![pad(73, "b"), pad(72, "s"), pad(74, "a")]),
            (pad(129, "a"), vec![pad(129, "b"), pad(128, "a"), pad(130, "a")]),
            (pad(1024, "a"), vec![pad(1024, "b"), pad(1023, "a")]),
            (
                "Torrent of Glass".to_owned(),
                ["torrent of glass", "TORRENT OF GLASS", "Torrent of glass"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            (
                " torrent of glass ".to_owned(),
                [
                    "torrent of glass",
                    " torrent of glass",
                    "torrent of glass ",
                    "  torrent of glass ",
                    "\ttorrent of glass ",
                    " torrent of glass\u{200b}",
                    "torrentofglass",
                    " torrent  of glass ",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            (
                "torrent\0of glass".to_owned(),
                [
                    "torrent",
                    "torrent\0",
                    "torrent\0of glas",
                    "torrent\0OF GLASS",
                    "torrent of glass",
                    "torrentof glass",
                    "torrent\u{1}of glass",
                    "torrent\\0of glass",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            (
                "torrent of \u{1f44d}\u{1f3fd}".to_owned(),
                [
                    "torrent of \u{1f44d}",
                    "torrent of \u{1f44d}\u{1f3fe}",
                    "torrent of \u{1f44d}\u{fe0f}",
                    "torrent of ??",
                    "torrent of \u{fffd}",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            // Texts that look alike: full-width letters, a ligature, invisible characters.
            (
                "caf\u{e9} torrent fi".to_owned(),
                [
                    "cafe torrent fi",
                    "caf\u{c9} torrent fi",
                    "\u{ff43}af\u{e9} torrent fi",
                    "caf\u{e9} torrent \u{fb01}",
                    "caf\u{e9}\u{200b} torrent fi",
                    "\u{feff}caf\u{e9} torrent fi",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            ("\u{202e}torrent of glass".to_owned(), vec!["torrent of glass".to_owned()]),
            (
                "torrent+of%20glass&a=b".to_owned(),
                ["torrent of glass&a=b", "torrent+of glass&a=b", "torrent+of%20glass"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
        ];
        for (number, (password, others)) in table.iter().enumerate() {
            let email = format!("user{number}@example.com");
            let signed_up =
                app.anon().post(SIGN_UP, json!({"email": email, "password": password})).await;
            assert_eq!(signed_up.status, StatusCode::CREATED, "{password:?} {}", signed_up.text);
            for (password_sent, expected) in others
                .iter()
                .map(|other| (other, StatusCode::UNAUTHORIZED))
                .chain([(password, StatusCode::OK)])
            {
                assert_eq!(
                    app.anon()
                        .post(LOG_IN, json!({"email": email, "password": password_sent}))
                        .await
                        .status,
                    expected,
                    "{password_sent:?} for {password:?}"
                );
                let form = format!(
                    "form[email]={email}&form[password]={}",
                    percent_encoded(password_sent.as_bytes())
                );
                assert_eq!(
                    app.anon().call("/fn/login", &form).await.status,
                    expected,
                    "{password_sent:?} for {password:?} in a form"
                );
            }
        }
    }

    async fn password_in_any_unicode_composition_logs_in(app: App) {
        let forms = [
            "caf\u{e9} torrent \u{212b}",
            "cafe\u{301} torrent \u{c5}",
            "caf\u{e9}\u{a0}torrent A\u{30a}",
            "cafe\u{301}\u{3000}torrent \u{c5}",
        ];
        for (number, chosen) in forms.iter().enumerate() {
            let email = format!("user{number}@example.com");
            assert_eq!(
                app.anon().post(SIGN_UP, json!({"email": email, "password": chosen})).await.status,
                StatusCode::CREATED
            );
            for typed in forms {
                assert_eq!(
                    app.anon()
                        .post(LOG_IN, json!({"email": email, "password": typed}))
                        .await
                        .status,
                    StatusCode::OK,
                    "{typed:?} for {chosen:?}"
                );
            }
        }
    }

    async fn expensive_strength_check_does_not_stop_hashing(app: App) {
        let hard = [
            "12".repeat(16),
            "12".repeat(512),
            "4@8({[<3691!|70$5+%2".into(),
            "qwertyuiop".repeat(100),
            "\u{130}".repeat(500),
            "01-02-1986".repeat(100),
        ];
        // More passwords than there are hashing threads.
        for (number, password) in hard.iter().cycle().take(4 * hard.len()).enumerate() {
            let body = json!({"email": format!("user{number}@example.com"), "password": password});
            let response = app.anon().post(SIGN_UP, body).await;
            assert!(
                matches!(response.status, StatusCode::CREATED | StatusCode::UNPROCESSABLE_ENTITY),
                "{password:?} {}",
                response.text
            );
        }
        app.user("ada@example.com").await;
        assert_eq!(
            app.anon()
                .post(LOG_IN, json!({"email": "ada@example.com", "password": PASSWORD}))
                .await
                .status,
            StatusCode::OK
        );
        assert_eq!(app.anon().get("/readyz").await.status, StatusCode::OK);
    }

    async fn fresh_installation_has_no_default_credentials(app: App) {
        const NAMES: &[&str] = &[
            "admin",
            "administrator",
            "root",
            "user",
            "test",
            "guest",
            "operator",
            "support",
            "countersign",
            "postgres",
            "demo",
            "info",
            "superuser",
            "sysadmin",
            "default",
        ];
        const PASSWORDS: &[&str] = &[
            "admin",
            "password",
            "Password1",
            "123456",
            "12345678",
            "changeme",
            "countersign",
            "root",
            "secret",
            "letmein",
        ];
        let mut tried = 0;
        for name in NAMES {
            for (host, password) in
                ["", "@localhost", "@example.com", "@countersign.local"].iter().flat_map(|host| {
                    PASSWORDS.iter().chain([name]).map(move |password| (host, password))
                })
            {
                let response = app
                    .anon()
                    .post(LOG_IN, json!({"email": format!("{name}{host}"), "password": password}))
                    .await;
                assert!(
                    matches!(
                        response.status,
                        StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY
                    ),
                    "{name}{host} {password}: {}",
                    response.status
                );
                tried += 1;
            }
        }
        assert!(tried > 600, "{tried}");
        for (name, password) in
            NAMES.iter().flat_map(|name| PASSWORDS.iter().map(move |password| (name, password)))
        {
            let basic = format!(
                "Basic {}",
                base64::Engine::encode(
                    &base64::engine::general_purpose::STANDARD,
                    format!("{name}:{password}")
                )
            );
            let client = app.anon().with("authorization", &basic);
            assert_eq!(client.get("/api/v1/admin/users").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(
                send_body(&client, "POST", "/oauth/introspect", FORM, "token=x").await.status,
                StatusCode::UNAUTHORIZED
            );
        }
        assert!(
            app.server
                .auth()
                .operator_for_tests(&RequestContext::default())
                .users(10, None)
                .await
                .expect("a list")
                .items
                .is_empty(),
            "no account exists"
        );
    }
}
