//! The pages as they leave the server.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::on_both;
use countersign_types::Span;
use serde_json::json;

on_both! {
    async fn a_page_is_rendered_for_whoever_the_cookie_says(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh);
        for page in ["/account", "/account/activity", "/"] {
            let answer = browser.get(page).await;
            assert_eq!(
                (answer.status, answer.header("content-type"), answer.header("cache-control")),
                (StatusCode::OK, "text/html; charset=utf-8", "no-store"),
                "{page}"
            );
            assert!(answer.text.contains("ada@example.com"), "{page}");
            assert!(answer.cookies().is_empty(), "a page render never rotates");
            assert!(
                !answer.text.contains(&user.refresh) && !answer.text.contains("eyJ"),
                "no token in {page}"
            );
        }
    }

    async fn a_damaged_or_ended_cookie_is_a_stranger(app: App) {
        let user = app.user("ada@example.com").await;
        app.clock.advance(Span::days(15));
        for cookie in [user.refresh.as_str(), "csgn_rt_x", "over", "' OR 1=1"] {
            let answer = app.anon().browser(cookie).get("/account").await;
            assert_eq!(
                (answer.status, answer.text.as_str()),
                (StatusCode::SEE_OTHER, ""),
                "{cookie}"
            );
            let home = app.anon().browser(cookie).get("/").await;
            assert!(home.status == StatusCode::OK && !home.text.contains("ada@example.com"));
        }
    }

    async fn only_the_path_goes_along_to_the_log_in_page(app: App) {
        let answer = app.anon().get("/account/activity?cursor=secret").await;
        assert_eq!(answer.header("location"), "/login?next=/account/activity");
        assert_eq!(
            app.anon().get("/account/x%0d%0ay").await.header("location"),
            "/login?next=/account"
        );
        // What can be read in two ways is no page of ours.
        for page in [
            "/account//evil.example",
            "//evil.example/account",
            "/account/%2e%2e/x",
            "/account/../x",
        ] {
            let answer = app.anon().get(page).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::NOT_FOUND, ""),
                "{page}"
            );
        }
    }

    async fn account_page_has_the_heading_of_its_navigation_entry(app: App) {
        let user = app.user("ada@example.com").await;
        for (path, heading) in countersign_leptos::pages::later::PAGES {
            let page = app.anon().browser(&user.refresh).get(path).await.text;
            assert!(page.contains(&format!("<h1>{heading}</h1>")), "{path}: {heading}: {page}");
            for (other, label) in countersign_leptos::pages::later::PAGES {
                let link = page.split("<a ").find(|link| {
                    link.contains(&format!("href=\"{other}\""))
                        && link.contains(&format!(">{label}<"))
                });
                assert!(link.is_some(), "{path} links {other} as {label}");
            }
        }
    }

    async fn what_people_call_themselves_is_text(app: App) {
        let user = app.user("ada@example.com").await;
        for name in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "</title><b>",
            "{{7*7}}",
            "'; DROP TABLE users; --",
            "&lt;",
            "${x}",
            "\u{1F511}",
        ] {
            assert_eq!(
                user.client.patch("/api/v1/me", json!({"name": name})).await.json()["name"],
                name
            );
            let page = app.anon().browser(&user.refresh).get("/account").await.text;
            assert!(
                !page.contains("<script>alert")
                    && !page.contains("<img src=x")
                    && !page.contains("</title><b>"),
                "{page}"
            );
            assert!(
                page.matches("<script").count()
                    == page.matches("<script nonce=").count()
                        + page.matches("<script type=\"module\" nonce=").count()
            );
        }
    }

    async fn an_error_in_the_address_cannot_put_words_into_our_mouth(app: App) {
        for error in [
            "",
            "rubbish",
            "internal:%3Cb%3Ehi%3C/b%3E",
            "%3Cb%3Ehi%3C/b%3E",
            "invalid:email=%3Cb%3Ehi%3C/b%3E",
        ] {
            let answer =
                app.anon().get(&format!("/login?__path=%2Ffn%2Flogin&__err={error}")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(!answer.text.contains("<b>hi</b>"), "{error}");
        }
    }

    async fn every_form_is_a_post(app: App) {
        let user = app.user("ada@example.com").await;
        let (anybody, ada) = (app.anon(), app.anon().browser(&user.refresh));
        for (who, page) in [
            (&anybody, "/"),
            (&anybody, "/signup"),
            (&anybody, "/login"),
            (&ada, "/"),
            (&ada, "/account"),
            (&ada, "/account/password"),
            (&ada, "/account/sessions"),
            (&ada, "/account/data"),
        ] {
            let html = who.get(page).await.text;
            let forms = html.matches("<form ").count();
            assert_eq!(
                html.matches(" method=\"post\"").count(),
                forms,
                "{page}: what is typed stands in no address"
            );
            assert_eq!(
                html.contains("type=\"password\""),
                html.contains("name=\"form[password]\"") || html.contains("name=\"form[current]\""),
                "{page}"
            );
            assert!(forms > 0 || page == "/", "{page}");
        }
    }

    async fn an_unknown_page_is_a_404_in_our_own_words(app: App) {
        let answer = app.anon().get("/nothing/here").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
        );
        assert!(answer.text.contains(countersign_leptos::words::not_found::HEADING));
    }
}
