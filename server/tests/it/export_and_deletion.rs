//! Data export and account deletion: the JSON API, the files for download, and the forms.

use crate::{
    attack_target::AttackTarget,
    support::{App, PASSWORD},
};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{Store, accounts::SESSIONS_PER_PAGE, test_on_each_database};
use countersign_leptos::features::your_data::messages;
use countersign_types::{FRESH_PERIOD, SessionId, TimeSpan, Timestamp};
use serde_json::{Value, json};

test_on_each_database! {
    async fn account_deletion_is_scheduled_and_can_be_cancelled(app: App) {
        let (ada, phone) = (app.user("ada@example.com").await, app.log_in("ada@example.com").await);
        let missing = ada.client.post("/api/v1/me/deletion", json!({})).await;
        assert_eq!(
            (missing.status, missing.field_errors()),
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                vec![("/current_password".to_owned(), "missing".to_owned())]
            )
        );
        let wrong = ada
            .client
            .post("/api/v1/me/deletion", json!({"current_password": "a wrong one"}))
            .await;
        assert_eq!(
            (wrong.status, wrong.field_errors()),
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                vec![("/current_password".to_owned(), "incorrect".to_owned())]
            )
        );
        let scheduled =
            ada.client.post("/api/v1/me/deletion", json!({"current_password": PASSWORD})).await;
        assert_eq!(
            (scheduled.status, &scheduled.json()["deletion_scheduled_at"]),
            (StatusCode::OK, &json!("2026-01-15T00:00:00Z"))
        );
        assert_eq!(
            phone.client.get("/api/v1/me").await.status,
            StatusCode::UNAUTHORIZED,
            "other sessions are revoked"
        );
        assert_eq!(
            ada.client.get("/api/v1/me").await.json()["deletion_scheduled_at"],
            json!("2026-01-15T00:00:00Z")
        );
        let cancelled = ada.client.delete("/api/v1/me/deletion").await;
        assert_eq!(
            (cancelled.status, &cancelled.json()["deletion_scheduled_at"]),
            (StatusCode::OK, &Value::Null)
        );
        assert_eq!(
            ada.client.delete("/api/v1/me/deletion").await.status,
            StatusCode::OK,
            "cancelling again is no error"
        );
    }

    async fn export_returns_own_data_as_json_and_html(app: App) {
        let ada = app.user("ada@example.com").await;
        app.user("bob@example.com").await;
        let response = ada.client.get("/api/v1/me/export").await;
        assert_eq!(response.status, StatusCode::OK, "{}", response.text);
        let body = response.json();
        assert_eq!(
            (
                &body["account"]["email"],
                &body["activity"][0]["kind"],
                body["sessions"].as_array().map(Vec::len)
            ),
            (&json!("ada@example.com"), &json!("signed_up"), Some(1))
        );
        for forbidden in ["bob@", "argon2", ada.access.as_str(), ada.refresh.as_str()] {
            assert!(!response.text.contains(forbidden));
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

    async fn export_files_need_the_session_cookie(app: App) {
        let ada = app.user("ada@example.com").await;
        for file in ["/account/data.json", "/account/data.html"] {
            let anonymous = app.anon().get(file).await;
            assert_eq!(
                (anonymous.status, anonymous.header("location")),
                (StatusCode::SEE_OTHER, "/login?next=/account/data")
            );
            // Access tokens are accepted by the API, not by pages.
            assert_eq!(ada.client.get(file).await.status, StatusCode::SEE_OTHER);
        }
        app.clock.advance(TimeSpan::days(15));
        assert_eq!(
            app.anon().browser(&ada.refresh).get("/account/data.json").await.status,
            StatusCode::SEE_OTHER
        );
    }

    async fn download_without_fresh_authentication_asks_for_the_password(app: App) {
        let ada = app.user("ada@example.com").await;
        app.clock.advance(FRESH_PERIOD);
        let browser = || app.anon().browser(&ada.refresh);
        let redirect = browser().get("/account/data.json").await;
        let confirm = "/account/confirm-password?next=/account/data?confirmed";
        assert_eq!(
            (redirect.status, redirect.header("location"), redirect.text.as_str()),
            (StatusCode::SEE_OTHER, confirm, "")
        );
        let page = browser().get(confirm).await.text;
        let value_of = |name: &str| {
            page.split(&format!("name=\"{name}\" value=\""))
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .expect("a hidden field")
                .to_owned()
        };
        let (tag, next) = (value_of("session_tag"), value_of("next"));
        assert_eq!(next, "/account/data?confirmed");
        let form = |password: &str, next: &str| {
            format!("form[current_password]={password}&next={next}&session_tag={tag}")
        };
        let wrong =
            browser().submit("/fn/confirm-password", confirm, &form("wrong", &next)).await;
        assert!(
            wrong.header("location").starts_with("/account/confirm-password?next="),
            "{}",
            wrong.header("location")
        );
        assert_eq!(browser().get("/account/data.json").await.status, StatusCode::SEE_OTHER);
        let password = PASSWORD.replace(' ', "+");
        let accepted =
            browser().submit("/fn/confirm-password", confirm, &form(&password, &next)).await;
        assert_eq!(
            (accepted.status, accepted.header("location")),
            (StatusCode::FOUND, "/account/data?confirmed")
        );
        let page = browser().get("/account/data?confirmed").await.text;
        assert!(page.contains("Password confirmed. Choose"), "{page}");
        assert_eq!(browser().get("/account/data.json").await.status, StatusCode::OK);
        // The redirect never leaves this site.
        let foreign = browser()
            .submit("/fn/confirm-password", confirm, &form(&password, "//evil.example/"))
            .await;
        assert_eq!(foreign.header("location"), "/account");
    }

    async fn api_export_requires_a_fresh_access_token(app: App) {
        let ada = app.user("ada@example.com").await;
        app.clock.advance(FRESH_PERIOD);
        let refresh = json!({"refresh_token": ada.refresh});
        let refreshed = app.anon().post("/api/v1/auth/refresh", refresh).await.json();
        let with_token = |tokens: &Value| {
            let token = tokens["access_token"].as_str().expect("a token");
            app.anon().with("authorization", &format!("Bearer {token}"))
        };
        let client = with_token(&refreshed);
        let refused = client.get("/api/v1/me/export").await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str(), refused.header("www-authenticate")),
            (
                StatusCode::UNAUTHORIZED,
                "reauthentication_required",
                "Bearer realm=\"countersign\", error=\"insufficient_user_authentication\", \
                 max_age=600"
            )
        );
        let body = json!({"current_password": PASSWORD});
        let confirmed = client.post("/api/v1/me/password/confirm", body).await;
        assert_eq!((confirmed.status, confirmed.text.as_str()), (StatusCode::NO_CONTENT, ""));
        let refresh = json!({"refresh_token": refreshed["refresh_token"]});
        let refreshed = app.anon().post("/api/v1/auth/refresh", refresh).await.json();
        let confirmed = with_token(&refreshed);
        assert_eq!(confirmed.get("/api/v1/me/export").await.status, StatusCode::OK);
        assert_eq!(
            client.get("/api/v1/me/export").await.status,
            StatusCode::UNAUTHORIZED,
            "the previous token has the previous time"
        );
    }

    async fn account_deletion_works_with_plain_forms(app: App) {
        let ada = app.user("ada@example.com").await;
        let browser = || app.anon().browser(&ada.refresh);
        assert!(
            !browser().get("/account/data").await.text.contains("type=\"password\""),
            "no password field before the form is opened"
        );
        let page = browser().get("/account/data?delete").await.text;
        assert!(page.contains("type=\"password\""), "{page}");
        let tag = page
            .split("name=\"session_tag\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a tag in the page")
            .to_owned();
        let wrong = browser()
            .submit(
                "/fn/delete-account",
                "/account/data?delete",
                &format!("form[current_password]=wrong&session_tag={tag}"),
            )
            .await;
        assert!(
            wrong
                .header("location")
                .starts_with("/account/data?delete&__path=%2Ffn%2Fdelete-account&__err="),
            "{}",
            wrong.header("location")
        );
        let form = format!(
            "form[current_password]={}&session_tag={tag}",
            PASSWORD.replace(' ', "+")
        );
        let scheduled = browser().submit("/fn/delete-account", "/account/data", &form).await;
        assert_eq!(
            (scheduled.status, scheduled.header("location")),
            (StatusCode::FOUND, "/account/data")
        );
        let page = browser().get("/account").await.text;
        assert!(
            page.contains("Your account will be deleted on ")
                && page.contains("15 January 2026")
                && page.contains("Keep my account"),
            "{page}"
        );
        let cancelled = browser()
            .submit("/fn/cancel-deletion", "/account", &format!("session_tag={tag}"))
            .await;
        assert_eq!(
            (cancelled.status, cancelled.header("location")),
            (StatusCode::FOUND, "/account?kept")
        );
        assert!(!browser().get("/account").await.text.contains("will be deleted"));
    }

    async fn export_has_every_session(target: AttackTarget) {
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
            .session_with_user(own, Timestamp(0))
            .await
            .expect("read")
            .expect("a session")
            .session;
        let mut stored = 1;
        // Below, at and above the size of a page, and several pages.
        for more in [SESSIONS_PER_PAGE - 2, 1, 1, 2 * SESSIONS_PER_PAGE + 1] {
            let mut tx = store.write().await.expect("a transaction");
            for _ in 0..more {
                stored += 1;
                let id = SessionId(uuid::Uuid::from_u128(stored));
                tx.session_insert(&countersign_core::sessions::store::SessionRecord {
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
                assert_eq!(ids.len() as u128, stored, "{path}: no duplicates");
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
                page.contains(messages::MORE_SESSIONS.text()),
                stored >= SESSIONS_PER_PAGE as u128
            );
        }
        store.close().await;
    }
}
