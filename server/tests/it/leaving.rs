//! Taking one's data along, and deleting one's account: the API, the two files, and the forms.

use crate::support::{App, PASSWORD};
use crate::target::Target;
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{Store, flow::SESSIONS_PER_PAGE, on_both};
use countersign_types::{SessionId, Span};
use serde_json::{Value, json};

on_both! {
    async fn i_have_my_account_deleted_and_keep_it_after_all(app: App) {
        let (ada, phone) = (app.user("ada@example.com").await, app.log_in("ada@example.com").await);
        let missing = ada.client.post("/api/v1/me/deletion", json!({})).await;
        assert_eq!(
            (missing.status, missing.members()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![("/current".to_owned(), "missing".to_owned())])
        );
        let wrong = ada.client.post("/api/v1/me/deletion", json!({"current": "a wrong one"})).await;
        assert_eq!(
            (wrong.status, wrong.members()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![("/current".to_owned(), "wrong".to_owned())])
        );
        let asked = ada.client.post("/api/v1/me/deletion", json!({"current": PASSWORD})).await;
        assert_eq!(
            (asked.status, &asked.json()["deletes_at"]),
            (StatusCode::OK, &json!("2026-01-15T00:00:00Z"))
        );
        assert_eq!(
            phone.client.get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED,
            "the other devices are out"
        );
        assert_eq!(
            ada.client.get("/api/v1/me").await.json()["deletes_at"],
            json!("2026-01-15T00:00:00Z")
        );
        let kept = ada.client.delete("/api/v1/me/deletion").await;
        assert_eq!((kept.status, &kept.json()["deletes_at"]), (StatusCode::OK, &Value::Null));
        assert_eq!(
            ada.client.delete("/api/v1/me/deletion").await.status,
            StatusCode::OK,
            "kept already"
        );
    }

    async fn i_take_everything_along(app: App) {
        let ada = app.user("ada@example.com").await;
        app.user("bob@example.com").await;
        let answer = ada.client.get("/api/v1/me/export").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let body = answer.json();
        assert_eq!(
            (
                &body["account"]["email"],
                &body["activity"][0]["kind"],
                body["sessions"].as_array().map(Vec::len)
            ),
            (&json!("ada@example.com"), &json!("signed_up"), Some(1))
        );
        for nothing in ["bob@", "argon2", ada.access.as_str(), ada.refresh.as_str()] {
            assert!(!answer.text.contains(nothing));
        }

        let browser = app.anon().browser(&ada.refresh);
        let file = browser.get("/account/data.json").await;
        assert_eq!(
            (file.status, file.header("content-type"), file.header("cache-control")),
            (StatusCode::OK, "application/json", "no-store")
        );
        assert_eq!(
            file.header("content-disposition"),
            "attachment; filename=\"countersign-2026-01-01.json\""
        );
        assert_eq!(file.json(), body);
        let page = browser.get("/account/data.html").await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (StatusCode::OK, "text/html; charset=utf-8")
        );
        assert_eq!(
            page.header("content-disposition"),
            "attachment; filename=\"countersign-2026-01-01.html\""
        );
        assert!(
            page.text.contains("ada@example.com")
                && page.text.contains("Signed up")
                && !page.text.contains("<script"),
            "{}",
            page.text
        );
        let head = browser.send(Method::HEAD, "/account/data.json", "".into()).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    }

    async fn nobody_else_gets_the_files(app: App) {
        let ada = app.user("ada@example.com").await;
        for file in ["/account/data.json", "/account/data.html"] {
            let stranger = app.anon().get(file).await;
            assert_eq!(
                (stranger.status, stranger.header("location")),
                (StatusCode::SEE_OTHER, "/login?next=/account/data")
            );
            // An access token is for calls, not for pages.
            assert_eq!(ada.client.get(file).await.status, StatusCode::SEE_OTHER);
        }
        app.clock.advance(Span::days(15));
        assert_eq!(
            app.anon().browser(&ada.refresh).get("/account/data.json").await.status,
            StatusCode::SEE_OTHER
        );
    }

    async fn a_plain_form_asks_for_it_and_another_takes_it_back(app: App) {
        let ada = app.user("ada@example.com").await;
        let browser = || app.anon().browser(&ada.refresh);
        assert!(
            !browser().get("/account/data").await.text.contains("type=\"password\""),
            "nothing that a password manager fills in"
        );
        let page = browser().get("/account/data?delete").await.text;
        assert!(page.contains("type=\"password\""), "{page}");
        let tag = page
            .split("name=\"form[tag]\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a tag in the page")
            .to_owned();
        let wrong = browser()
            .submit(
                "/fn/delete-account",
                "/account/data?delete",
                &format!("form[current]=wrong&form[tag]={tag}"),
            )
            .await;
        assert!(
            wrong
                .header("location")
                .starts_with("/account/data?delete&__path=%2Ffn%2Fdelete-account&__err="),
            "{}",
            wrong.header("location")
        );
        let form = format!("form[current]={}&form[tag]={tag}", PASSWORD.replace(' ', "+"));
        let asked = browser().submit("/fn/delete-account", "/account/data", &form).await;
        assert_eq!((asked.status, asked.header("location")), (StatusCode::FOUND, "/account/data"));
        let page = browser().get("/account").await.text;
        assert!(
            page.contains("Your account will be deleted on ")
                && page.contains("15 January 2026")
                && page.contains("Keep my account"),
            "{page}"
        );
        let kept =
            browser().submit("/fn/keep-account", "/account", &format!("form[tag]={tag}")).await;
        assert_eq!((kept.status, kept.header("location")), (StatusCode::FOUND, "/account?kept"));
        assert!(!browser().get("/account").await.text.contains("will be deleted"));
    }

    async fn export_holds_every_session(target: Target) {
        let ada = target.sign_up("ada@example.com").await;
        let bearer = format!("Bearer {}", ada.access);
        let listed = target
            .send(
                Method::GET,
                "/api/v1/me/sessions",
                &[("authorization", bearer.as_bytes())],
                Body::empty(),
            )
            .await
            .json();
        let own: SessionId =
            listed["items"][0]["id"].as_str().expect("an id").parse().expect("an id");
        let store = Store::open(&target.database.url).await.expect("a database");
        let session = store
            .read()
            .await
            .expect("a reader")
            .session_with_user(own)
            .await
            .expect("read")
            .expect("a session")
            .session;
        let mut stored = 1;
        // Up to, at and beyond the bound of a page, and of several.
        for more in [SESSIONS_PER_PAGE - 2, 1, 1, 2 * SESSIONS_PER_PAGE + 1] {
            let mut tx = store.write().await.expect("a transaction");
            for _ in 0..more {
                stored += 1;
                let id = SessionId(uuid::Uuid::from_u128(stored));
                tx.session_insert(&countersign_core::store::sessions::Session {
                    id,
                    revoked_at: None,
                    ..session.clone()
                })
                .await
                .expect("inserted");
            }
            tx.commit().await.expect("committed");
            let cookie = format!("countersign-3000={}", ada.refresh);
            for (path, header) in [
                ("/api/v1/me/export", ("authorization", bearer.as_bytes())),
                ("/account/data.json", ("cookie", cookie.as_bytes())),
            ] {
                let export = target.send(Method::GET, path, &[header], Body::empty()).await;
                assert_eq!(export.status, StatusCode::OK, "{}", export.text);
                let body = export.json();
                let mut ids: Vec<_> = body["sessions"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|session| session["id"].as_str().expect("an id").to_owned())
                    .collect();
                assert_eq!(ids.len() as u128, stored, "{path}");
                ids.dedup();
                assert_eq!(ids.len() as u128, stored, "{path}: none twice");
                assert_eq!(body["account"]["email"], "ada@example.com");
            }
            let page = target
                .send(
                    Method::GET,
                    "/account/data.html",
                    &[("cookie", cookie.as_bytes())],
                    Body::empty(),
                )
                .await
                .text;
            assert_eq!(
                page.contains(countersign_leptos::words::data::MORE_SESSIONS),
                stored >= SESSIONS_PER_PAGE as u128
            );
        }
        store.close().await;
    }
}
