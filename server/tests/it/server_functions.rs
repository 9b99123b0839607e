//! The server functions, called by script and posted as plain forms.

use crate::support::{App, PASSWORD, TestResponse};
use axum::http::StatusCode;
use countersign_core::test_on_each_database;
use countersign_types::TimeSpan;

fn credentials(password: &str, next: &str) -> String {
    format!("form[email]=ada@example.com&form[password]={}&next={next}", password.replace(' ', "+"))
}

fn refresh_cookie(response: &TestResponse) -> String {
    let cookies = response.cookies();
    let value = cookies.iter().find_map(|cookie| {
        cookie
            .strip_prefix("countersign-3000=")?
            .split(';')
            .next()
            .filter(|value| value.starts_with("csgn_rt_"))
    });
    value.unwrap_or_else(|| panic!("a cookie expected: {cookies:?}")).to_owned()
}

test_on_each_database! {
    async fn log_in_by_script_returns_redirect_token_and_cookie(app: App) {
        app.user("ada@example.com").await;
        let response =
            app.anon().call("/fn/login", &credentials(PASSWORD, "/account/activity")).await;
        assert_eq!(response.status, StatusCode::OK);
        let body = response.json();
        assert_eq!(
            (&body["next"], &body["session"]["account"]["email"]),
            (&"/account/activity".into(), &"ada@example.com".into())
        );
        assert!(body["session"]["access_token"].as_str().expect("a token").starts_with("eyJ"));
        assert!(
            !response.text.contains(&refresh_cookie(&response)),
            "the refresh token is in no body"
        );
    }

    async fn log_in_by_form_redirects_with_cookie_and_no_token(app: App) {
        app.user("ada@example.com").await;
        let response = app
            .anon()
            .submit("/fn/login", "/login", &credentials(PASSWORD, "/account/activity"))
            .await;
        assert_eq!(
            (response.status, response.header("location")),
            (StatusCode::FOUND, "/account/activity")
        );
        assert!(!response.text.contains("eyJ"));
        let page = app.anon().browser(&refresh_cookie(&response)).get("/account").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("ada@example.com") && !page.text.contains("eyJ"));
    }

    async fn wrong_password_returns_401_or_redirects_to_the_form(app: App) {
        app.user("ada@example.com").await;
        let script = app.anon().call("/fn/login", &credentials("wrong horse", "")).await;
        assert_eq!(
            (script.status, script.text.as_str()),
            (StatusCode::UNAUTHORIZED, "\"invalid_credentials\"")
        );
        let form = app
            .anon()
            .submit("/fn/login", "/login?next=%2Faccount", &credentials("wrong horse", ""))
            .await;
        assert_eq!(form.status, StatusCode::FOUND);
        assert!(
            form.header("location")
                .starts_with("/login?next=%2Faccount&__path=%2Ffn%2Flogin&__err="),
            "{}",
            form.header("location")
        );
        let page = app.anon().get(form.header("location")).await;
        assert!(
            page.text.contains(&*countersign_types::Problem::InvalidCredentials.detail()),
            "{}",
            page.text
        );
    }

    async fn redirect_stays_on_this_origin(app: App) {
        app.user("ada@example.com").await;
        for next in [
            "//evil.example",
            "/%5Cevil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/%0d%0aSet-Cookie:%20x=1",
            "/%00",
            "%EF%BC%8F%EF%BC%8Fevil.example",
            "/login",
        ] {
            let response =
                app.anon().submit("/fn/login", "/login", &credentials(PASSWORD, next)).await;
            assert_eq!(
                (response.status, response.header("location")),
                (StatusCode::FOUND, "/account"),
                "{next}"
            );
        }
        for referer in [
            "https://evil.example/p",
            "//evil.example",
            "https://localhost:3000//evil.example/",
            "javascript:alert(1)",
            "\\\\evil.example",
        ] {
            let client = app
                .anon()
                .with("content-type", crate::support::FORM)
                .with("accept", "text/html")
                .with("referer", referer);
            let response =
                client.send(axum::http::Method::POST, "/fn/login", "form[email]=a".into()).await;
            let location = response.header("location");
            assert!(
                location.starts_with('/')
                    && !location.starts_with("//")
                    && !location.contains("evil")
                    || location.starts_with("/p?"),
                "{referer} redirects to {location}"
            );
        }
    }

    async fn protected_form_works_only_for_its_own_session(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let page = app.anon().browser(&ada.refresh).get("/account").await.text;
        let tag = page
            .split("name=\"session_tag\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a tag in the page")
            .to_owned();
        let form = format!("form[name]=Ada&session_tag={tag}");
        let updated =
            app.anon().browser(&ada.refresh).submit("/fn/update-profile", "/account", &form).await;
        assert_eq!(updated.status, StatusCode::FOUND);
        assert_eq!(ada.client.get("/api/v1/me").await.json()["name"], "Ada");
        // Another user has logged in in this browser since the page was rendered.
        let refused =
            app.anon().browser(&bob.refresh).submit("/fn/update-profile", "/account", &form).await;
        assert!(refused.header("location").contains("__err="), "{}", refused.header("location"));
        assert_eq!(bob.client.get("/api/v1/me").await.json()["name"], serde_json::json!(null));
        let script = app
            .anon()
            .with("authorization", &format!("Bearer {}", bob.access))
            .call("/fn/update-profile", &form)
            .await;
        assert_eq!(
            (script.status, script.text.as_str()),
            (StatusCode::CONFLICT, "\"session_mismatch\"")
        );
    }

    async fn refresh_by_cookie_rotates_the_cookie(app: App) {
        let user = app.user("ada@example.com").await;
        let response = app.anon().browser(&user.refresh).call("/fn/refresh", "").await;
        assert_eq!(response.status, StatusCode::OK);
        assert_ne!(refresh_cookie(&response), user.refresh);
        assert!(response.json()["access_token"].as_str().expect("a token").starts_with("eyJ"));
        app.clock.advance(TimeSpan::days(15));
        let expired = app.anon().browser(&refresh_cookie(&response)).call("/fn/refresh", "").await;
        assert_eq!((expired.status, expired.cookies().len()), (StatusCode::UNAUTHORIZED, 2));
    }

    async fn log_out_by_form_revokes_session_and_clears_cookies(app: App) {
        let user = app.user("ada@example.com").await;
        let response = app.anon().browser(&user.refresh).submit("/fn/logout", "/account", "").await;
        assert_eq!(
            (response.status, response.header("location"), response.header("clear-site-data")),
            (StatusCode::FOUND, "/login?bye", "\"prefetchCache\"")
        );
        assert_eq!(response.cookies().len(), 2);
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            app.anon().browser(&user.refresh).get("/account").await.header("location"),
            "/login?next=/account&ended"
        );
    }

    async fn log_in_revokes_the_session_of_the_replaced_cookie(app: App) {
        let user = app.user("ada@example.com").await;
        let response =
            app.anon().browser(&user.refresh).call("/fn/login", &credentials(PASSWORD, "")).await;
        assert_ne!(refresh_cookie(&response), user.refresh);
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn refused_function_during_ssr_keeps_the_page_status(app: App) {
        for accept in ["text/html", "*/*", ""] {
            let response = app.anon().with("accept", accept).get("/login").await;
            assert_eq!(
                (response.status, response.header("www-authenticate")),
                (StatusCode::OK, ""),
                "{accept}"
            );
        }
    }

    async fn views_are_the_same_as_in_the_json_api(app: App) {
        let user = app.user("ada@example.com").await.client;
        let mut account = user.call("/fn/current-account", "").await.json();
        account.as_object_mut().expect("an account").remove("session_tag").expect("a tag");
        assert_eq!(account, user.get("/api/v1/me").await.json());
        assert_eq!(account["created_at"], "2026-01-01T00:00:00Z");
        let sessions = user.call("/fn/list-sessions", "").await.json();
        assert_eq!(sessions["items"], user.get("/api/v1/me/sessions").await.json()["items"]);
        assert_eq!(sessions["as_of"], "2026-01-01T00:00:00Z");
        let activity = user.call("/fn/list-activity", "").await.json();
        assert_eq!(activity, user.get("/api/v1/me/activity").await.json());
    }
}
