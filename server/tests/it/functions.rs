//! The server functions, as our own script calls them and as a plain form posts them.

use crate::support::{Answer, App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::on_both;
use countersign_types::Span;

fn credentials(password: &str, next: &str) -> String {
    format!(
        "form[email]=ada@example.com&form[password]={}&form[next]={next}",
        password.replace(' ', "+")
    )
}

fn cookie_of(answer: &Answer) -> String {
    let cookies = answer.cookies();
    let value = cookies.iter().find_map(|cookie| {
        cookie
            .strip_prefix("countersign-3000=")?
            .split(';')
            .next()
            .filter(|value| value.starts_with("csgn_rt_"))
    });
    value.unwrap_or_else(|| panic!("a cookie expected: {cookies:?}")).to_owned()
}

on_both! {
    async fn a_script_that_logs_in_gets_the_next_page_and_the_access_token_and_a_cookie(app: App) {
        app.user("ada@example.com").await;
        let answer =
            app.anon().call("/fn/login", &credentials(PASSWORD, "/account/activity")).await;
        assert_eq!(answer.status, StatusCode::OK);
        let body = answer.json();
        assert_eq!(
            (&body["next"], &body["session"]["account"]["email"]),
            (&"/account/activity".into(), &"ada@example.com".into())
        );
        assert!(body["session"]["access_token"].as_str().expect("a token").starts_with("eyJ"));
        assert!(!answer.text.contains(&cookie_of(&answer)), "the refresh token is in no body");
    }

    async fn a_plain_form_that_logs_in_is_redirected_with_a_cookie_and_no_token(app: App) {
        app.user("ada@example.com").await;
        let answer = app
            .anon()
            .submit("/fn/login", "/login", &credentials(PASSWORD, "/account/activity"))
            .await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FOUND, "/account/activity")
        );
        assert!(!answer.text.contains("eyJ"));
        let page = app.anon().browser(&cookie_of(&answer)).get("/account").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("ada@example.com") && !page.text.contains("eyJ"));
    }

    async fn a_wrong_password_is_a_401_to_a_script_and_leads_a_plain_form_back(app: App) {
        app.user("ada@example.com").await;
        let script = app.anon().call("/fn/login", &credentials("wrong horse", "")).await;
        assert_eq!(
            (script.status, script.text.as_str()),
            (StatusCode::UNAUTHORIZED, "\"credentials\"")
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
            page.text.contains(&*countersign_leptos::words::problem(&countersign_leptos::problem::Problem::Credentials)),
            "{}",
            page.text
        );
    }

    async fn a_redirect_never_leaves_this_origin(app: App) {
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
            let answer =
                app.anon().submit("/fn/login", "/login", &credentials(PASSWORD, next)).await;
            assert_eq!(
                (answer.status, answer.header("location")),
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
            let answer =
                client.send(axum::http::Method::POST, "/fn/login", "form[email]=a".into()).await;
            let location = answer.header("location");
            assert!(
                location.starts_with('/')
                    && !location.starts_with("//")
                    && !location.contains("evil")
                    || location.starts_with("/p?"),
                "{referer} led to {location}"
            );
        }
    }

    async fn a_protected_form_works_by_cookie_for_the_session_that_it_was_made_for(app: App) {
        let (ada, bob) = (app.user("ada@example.com").await, app.user("bob@example.com").await);
        let page = app.anon().browser(&ada.refresh).get("/account").await.text;
        let tag = page
            .split("name=\"form[tag]\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a tag in the page")
            .to_owned();
        let form = format!("form[name]=Ada&form[tag]={tag}");
        let done = app.anon().browser(&ada.refresh).submit("/fn/rename", "/account", &form).await;
        assert_eq!(done.status, StatusCode::FOUND);
        assert_eq!(ada.client.get("/api/v1/me").await.json()["name"], "Ada");
        // Somebody else has signed in in this browser since the page was made.
        let refused =
            app.anon().browser(&bob.refresh).submit("/fn/rename", "/account", &form).await;
        assert!(refused.header("location").contains("__err="), "{}", refused.header("location"));
        assert_eq!(bob.client.get("/api/v1/me").await.json()["name"], serde_json::json!(null));
        let script = app
            .anon()
            .with("authorization", &format!("Bearer {}", bob.access))
            .call("/fn/rename", &form)
            .await;
        assert_eq!(
            (script.status, script.text.as_str()),
            (StatusCode::CONFLICT, "\"someone_else\"")
        );
    }

    async fn a_renewal_takes_the_cookie_and_gives_the_next_one(app: App) {
        let user = app.user("ada@example.com").await;
        let answer = app.anon().browser(&user.refresh).call("/fn/refresh", "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_ne!(cookie_of(&answer), user.refresh);
        assert!(answer.json()["access_token"].as_str().expect("a token").starts_with("eyJ"));
        app.clock.advance(Span::days(15));
        let over = app.anon().browser(&cookie_of(&answer)).call("/fn/refresh", "").await;
        assert_eq!((over.status, over.cookies().len()), (StatusCode::UNAUTHORIZED, 2));
    }

    async fn log_out_by_form_ends_the_session_and_changes_the_cookie_before_it_deletes_it(
        app: App,
    ) {
        let user = app.user("ada@example.com").await;
        let answer = app.anon().browser(&user.refresh).submit("/fn/logout", "/account", "").await;
        assert_eq!(
            (answer.status, answer.header("location"), answer.header("clear-site-data")),
            (StatusCode::FOUND, "/login?bye", "")
        );
        assert_eq!(answer.cookies().len(), 2);
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            app.anon().browser(&user.refresh).get("/account").await.header("location"),
            "/login?next=/account&ended"
        );
    }

    async fn a_log_in_ends_the_session_whose_cookie_it_replaces(app: App) {
        let user = app.user("ada@example.com").await;
        let answer =
            app.anon().browser(&user.refresh).call("/fn/login", &credentials(PASSWORD, "")).await;
        assert_ne!(cookie_of(&answer), user.refresh);
        assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_function_that_is_refused_inside_a_page_leaves_the_page_its_status(app: App) {
        for accept in ["text/html", "*/*", ""] {
            let answer = app.anon().with("accept", accept).get("/login").await;
            assert_eq!(
                (answer.status, answer.header("www-authenticate")),
                (StatusCode::OK, ""),
                "{accept}"
            );
        }
    }
}
