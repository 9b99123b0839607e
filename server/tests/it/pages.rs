//! Server-side rendered pages.

use crate::support::{App, PASSWORD, admin_client};
use axum::http::StatusCode;
use countersign_core::test_on_each_database;
use countersign_leptos::{
    features::not_found,
    routes::{ACCOUNT_PAGES, AccountPage},
};
use countersign_types::TimeSpan;
use serde_json::json;

/// Returns the encoded sign-up form.
fn sign_up_form(email: &str, name: &str, next: &str) -> String {
    let password = PASSWORD.replace(' ', "+");
    format!("form[email]={email}&form[name]={name}&form[password]={password}&next={next}")
}

/// Returns the target of the link with this text.
fn link(page: &str, text: &str) -> Option<String> {
    let anchor = page.split("<a ").find(|anchor| anchor.contains(&format!(">{text}</a>")))?;
    let (_, href) = anchor.split_once("href=\"")?;
    Some(href.split('"').next()?.replace("&amp;", "&"))
}

test_on_each_database! {
    async fn page_is_rendered_for_the_user_of_the_cookie(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh);
        for page in ["/account", "/account/activity", "/"] {
            let response = browser.get(page).await;
            assert_eq!(
                (
                    response.status,
                    response.header("content-type"),
                    response.header("cache-control")
                ),
                (StatusCode::OK, "text/html; charset=utf-8", "no-store"),
                "{page}"
            );
            assert!(response.text.contains("ada@example.com"), "{page}");
            assert!(response.cookies().is_empty(), "a page render never rotates the refresh token");
            assert!(
                !response.text.contains(&user.refresh) && !response.text.contains("eyJ"),
                "no token in {page}"
            );
        }
    }

    async fn fields_tell_keyboards_and_password_managers_their_purpose(app: App) {
        let fields: [(&str, &str, &[&str]); 5] = [
            ("/login", "email", &["autocomplete=\"username\"", "enterkeyhint=\"next\""]),
            ("/login", "password", &["autocomplete=\"current-password\"", "enterkeyhint=\"go\""]),
            ("/signup", "email", &["type=\"email\"", "autocapitalize=\"none\"", "autofocus"]),
            ("/signup", "name", &["autocapitalize=\"words\"", "enterkeyhint=\"done\""]),
            (
                "/signup",
                "password",
                &[
                    "autocomplete=\"new-password\"",
                    "minlength=\"8\"",
                    "passwordrules=\"minlength: 15; maxlength: 64;\"",
                    "enterkeyhint=\"done\"",
                ],
            ),
        ];
        for (path, id, attributes) in fields {
            let page = app.anon().get(path).await.text;
            let id = format!(" id=\"{id}\"");
            let input = page
                .split("<input")
                .filter_map(|rest| rest.split('>').next())
                .find(|tag| tag.contains(&id))
                .expect("the field");
            for attribute in attributes {
                assert!(input.contains(attribute), "{path}: {input} lacks {attribute}");
            }
        }
    }

    async fn islands_have_their_element_count_and_pages_their_length(app: App) {
        let user = app.user("ada@example.com").await;
        for page in ["/", "/login", "/account", "/does/not/exist"] {
            let get = app.anon().browser(&user.refresh).get(page).await;
            let (islands, counted) = (
                get.text.matches("<leptos-island").count(),
                get.text.matches("<leptos-island data-elements=\"").count(),
            );
            assert!(islands >= 3, "{page}: {islands} islands");
            assert_eq!(counted, islands, "{page}");
            assert_eq!(get.header("content-length"), get.text.len().to_string(), "{page}");
        }
    }

    async fn refused_plain_form_is_shown_with_the_entered_values(app: App) {
        let form = "form[email]=ada@example.com&form[name]=Ada+%3CL%3E&form[password]=password1";
        let refused = app.anon().submit("/fn/signup", "/signup", form).await;
        let location = refused.header("location");
        assert!(!location.contains("ada") && !location.contains("Ada"), "{location}");
        let cookie = refused.cookies().into_iter().find(|line| line.contains("-entered="));
        let cookie = cookie.expect("a cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("Max-Age=60"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap_or_default();
        let page = app.anon().with("cookie", cookie).get(location).await.text;
        assert!(page.contains("value=\"ada@example.com\""), "{page}");
        assert!(page.contains("value=\"Ada &lt;L&gt;\"") && !page.contains("password1"), "{page}");
        for other in ["/signup", "/login"] {
            let page = app.anon().with("cookie", cookie).get(other).await.text;
            assert!(!page.contains("ada@example.com"), "only the form that was refused: {other}");
        }
        let with_values = || app.anon().with("cookie", cookie);
        let log_in = "form[email]=&form[password]=x";
        let location = with_values().submit("/fn/login", "/login", log_in).await;
        let page = with_values().get(location.header("location")).await.text;
        assert!(page.contains("Enter your email address."), "{page}");
        assert!(!page.contains("ada@example.com"), "values of another form are not shown");
        let accepted = form.replace("password1", &PASSWORD.replace(' ', "+"));
        let accepted = with_values().submit("/fn/signup", "/signup", &accepted).await;
        let deleted = accepted.cookies().into_iter().find(|line| line.contains("-entered="));
        assert!(deleted.is_some_and(|line| line.contains("Max-Age=0")));
    }

    async fn refused_plain_form_shows_the_entered_value_instead_of_the_stored_one(app: App) {
        let user = app.user("ada@example.com").await;
        user.client.patch("/api/v1/me", json!({"name": "Ada"})).await;
        let browser = || app.anon().browser(&user.refresh);
        let page = browser().get("/account").await.text;
        let tag = page.split("name=\"session_tag\" value=\"").nth(1).expect("a tag");
        let tag = tag.split('"').next().unwrap_or_default();
        let long = "Lovelace".repeat(30);
        let form = format!("session_tag={tag}&form[name]={long}");
        let refused = browser().submit("/fn/update-profile", "/account", &form).await;
        let cookie = refused.cookies().into_iter().find(|line| line.contains("-entered="));
        let cookie = cookie.expect("a cookie");
        let cookie = cookie.split(';').next().unwrap_or_default();
        let page = browser().with("cookie", cookie).get(refused.header("location")).await.text;
        assert!(page.contains(&format!("value=\"{long}\"")), "{page}");
    }

    async fn invalid_or_expired_cookie_is_treated_as_anonymous(app: App) {
        let user = app.user("ada@example.com").await;
        app.clock.advance(TimeSpan::days(15));
        for cookie in [user.refresh.as_str(), "csgn_rt_x", "expired", "' OR 1=1"] {
            let response = app.anon().browser(cookie).get("/account").await;
            assert_eq!(
                (response.status, response.text.as_str()),
                (StatusCode::SEE_OTHER, ""),
                "{cookie}"
            );
            let home = app.anon().browser(cookie).get("/").await;
            assert!(home.status == StatusCode::OK && !home.text.contains("ada@example.com"));
        }
    }

    async fn log_in_redirect_carries_only_the_path(app: App) {
        let response = app.anon().get("/account/activity?cursor=secret").await;
        assert_eq!(response.header("location"), "/login?next=/account/activity");
        assert_eq!(
            app.anon().get("/account/x%0d%0ay").await.header("location"),
            "/login?next=/account"
        );
        // Paths that can be interpreted in two ways are not found.
        for page in [
            "/account//evil.example",
            "//evil.example/account",
            "/account/%2e%2e/x",
            "/account/../x",
        ] {
            let response = app.anon().get(page).await;
            assert_eq!(
                (response.status, response.header("location")),
                (StatusCode::NOT_FOUND, ""),
                "{page}"
            );
        }
    }

    async fn account_page_has_the_heading_of_its_navigation_entry(app: App) {
        let user = app.user("ada@example.com").await;
        for AccountPage { path, heading, .. } in ACCOUNT_PAGES {
            let heading = heading.text();
            let page = app.anon().browser(&user.refresh).get(path).await.text;
            assert!(page.contains(&format!(">{heading}</h1>")), "{path}: {heading}: {page}");
            for AccountPage { path: other, heading: label, .. } in ACCOUNT_PAGES {
                let label = label.text();
                let link = page.split("<a ").find(|link| {
                    link.contains(&format!("href=\"{other}\""))
                        && link.contains(&format!(">{label}<"))
                });
                assert!(link.is_some(), "{path} links {other} as {label}");
            }
        }
    }

    async fn activity_page_links_its_filters_and_keeps_the_current_one(app: App) {
        let user = app.user("ada@example.com").await;
        app.clock.advance(TimeSpan::minutes(5));
        app.seed_log_ins(&user, 30).await;
        let browser = app.anon().browser(&user.refresh);
        for (query, current, event, older) in [
            ("", "All", "Logged in", Some("/account/activity?cursor=")),
            ("?show=all", "All", "Logged in", Some("/account/activity?cursor=")),
            (
                "?show=log-ins",
                "Log-ins",
                "Logged in",
                Some("/account/activity?show=log-ins&cursor="),
            ),
            ("?show=changes", "Changes", "Signed up", None),
            ("?show=warnings", "Warnings", "No warnings.", None),
        ] {
            let page = browser.get(&format!("/account/activity{query}")).await.text;
            for (name, path) in [
                ("All", "/account/activity"),
                ("Log-ins", "/account/activity?show=log-ins"),
                ("Changes", "/account/activity?show=changes"),
                ("Warnings", "/account/activity?show=warnings"),
            ] {
                let is_current = if name == current { " aria-current=\"true\"" } else { "" };
                let anchor = format!("<a href=\"{path}\"{is_current}>{name}</a>");
                assert!(page.contains(&anchor), "{query}: {anchor}: {page}");
            }
            assert!(page.contains(event), "{query}");
            let href = link(&page, "Show older");
            assert_eq!(href.is_some(), older.is_some(), "{query}");
            assert!(href.unwrap_or_default().starts_with(older.unwrap_or_default()), "{query}");
        }
    }

    async fn filtered_activity_page_shows_the_time_it_searched_to(app: App) {
        let user = app.user("ada@example.com").await;
        app.clock.advance(TimeSpan::minutes(5));
        app.seed_log_ins(&user, 1_200).await;
        let browser = app
            .anon()
            .with("cookie", "countersign-time-zone=Asia/Kolkata")
            .browser(&user.refresh);
        let page = browser.get("/account/activity?show=changes").await.text;
        let time = "<time datetime=\"2026-01-01T00:05:00Z\">1 January 2026, 05:35</time>";
        assert!(page.contains(&format!("No changes since {time}.")), "{page}");
        assert_eq!(link(&page, "Back to newest"), None);

        let older = link(&page, "Search older activity").expect("a link");
        let page = browser.get(&older).await.text;
        assert!(page.contains("Signed up") && !page.contains("No more changes back to"), "{page}");
        let newest = link(&page, "Back to newest");
        assert_eq!(newest.as_deref(), Some("/account/activity?show=changes"));
    }

    async fn unknown_activity_filter_is_an_invalid_request(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh);
        for query in ["show=unknown", "show=", "show=warnings&cursor=x"] {
            let page = browser.get(&format!("/account/activity?{query}")).await.text;
            assert!(page.contains("Invalid request") && !page.contains("Signed up"), "{query}");
            assert_eq!(
                page.contains("aria-current=\"true\">Warnings</a>"),
                query.contains("warnings"),
                "{query}"
            );
        }
    }

    async fn display_name_is_rendered_as_text(app: App) {
        let user = app.user("ada@example.com").await;
        for name in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "</title><b>",
            "{{7*7}}",
            "'; DROP TABLE csgn_users; --",
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

    async fn error_parameter_cannot_inject_text(app: App) {
        for error in [
            "",
            "rubbish",
            "internal:%3Cb%3Ehi%3C/b%3E",
            "%3Cb%3Ehi%3C/b%3E",
            "invalid_fields:email=%3Cb%3Ehi%3C/b%3E",
        ] {
            let response =
                app.anon().get(&format!("/login?__path=%2Ffn%2Flogin&__err={error}")).await;
            assert_eq!(response.status, StatusCode::OK);
            assert!(!response.text.contains("<b>hi</b>"), "{error}");
        }
    }

    async fn every_form_uses_post(app: App) {
        let user = app.user("ada@example.com").await;
        let (anonymous, ada) = (app.anon(), app.anon().browser(&user.refresh));
        for (client, page) in [
            (&anonymous, "/"),
            (&anonymous, "/signup"),
            (&anonymous, "/login"),
            (&ada, "/"),
            (&ada, "/account"),
            (&ada, "/account/password"),
            (&ada, "/account/devices"),
            (&ada, "/account/data"),
        ] {
            let html = client.get(page).await.text;
            let forms = html.matches("<form ").count();
            assert_eq!(
                html.matches(" method=\"post\"").count(),
                forms,
                "{page}: form values must not appear in the URL"
            );
            assert_eq!(
                html.contains("type=\"password\""),
                html.contains("name=\"form[password]\"")
                    || html.contains("name=\"form[current_password]\""),
                "{page}"
            );
            assert!(forms > 0 || page == "/", "{page}");
        }
    }

    async fn sign_up_without_next_leads_to_the_welcome(app: App) {
        for (n, (next, target)) in [
            ("", "/account?welcome"),
            ("/account", "/account?welcome"),
            ("//evil.example", "/account?welcome"),
            ("/account/devices", "/account/devices"),
        ]
        .into_iter()
        .enumerate()
        {
            let form = sign_up_form(&format!("plain{n}@example.com"), "", next);
            let plain = app.anon().submit("/fn/signup", "/signup", &form).await;
            assert_eq!(plain.header("location"), target, "{next}");
            let form = sign_up_form(&format!("script{n}@example.com"), "", next);
            let script = app.anon().call("/fn/signup", &form).await;
            assert_eq!(script.json()["next"], target, "{next}");
        }
        let again = sign_up_form("plain0@example.com", "", "");
        let log_in = app.anon().submit("/fn/login", "/login", &again).await;
        assert_eq!(log_in.header("location"), "/account");
    }

    async fn welcome_greets_by_name_and_offers_to_confirm_the_address(app: App) {
        let user = app.user("ada@example.com").await;
        let browser = app.anon().browser(&user.refresh);
        let offer = "<a href=\"/account/email\">Confirm your email address</a>";
        let page = browser.get("/account?welcome").await.text;
        assert!(page.contains(">Welcome.</h2>") && page.contains("Your account is ready."));
        assert!(page.contains(offer) && !page.contains("Go to"), "{page}");
        user.client.patch("/api/v1/me", json!({"name": "Ada"})).await;
        let page = browser.get("/account?welcome").await.text;
        assert!(page.contains(">Welcome, Ada.</h2>"), "{page}");
        for other in ["/account", "/account/email?welcome"] {
            assert!(!browser.get(other).await.text.contains("Welcome"), "{other}");
        }
    }

    async fn version_is_shown_to_administrators_on_account_pages_only(app: App) {
        let version = concat!("Countersign ", env!("CARGO_PKG_VERSION"));
        admin_client(&app).await;
        let admin = app.log_in("admin@example.com").await;
        let user = app.user("ada@example.com").await;
        for AccountPage { path, .. } in ACCOUNT_PAGES {
            let page = app.anon().browser(&admin.refresh).get(path).await.text;
            assert!(page.contains(version), "{path}: {page}");
            let page = app.anon().browser(&user.refresh).get(path).await.text;
            assert!(!page.contains(env!("CARGO_PKG_VERSION")), "{path}: {page}");
        }
        for path in ["/", "/login", "/signup", "/nothing/here"] {
            for client in [app.anon(), app.anon().browser(&admin.refresh)] {
                let page = client.get(path).await.text;
                assert!(!page.contains(env!("CARGO_PKG_VERSION")), "{path}: {page}");
            }
        }
    }

    async fn unknown_page_returns_404_page(app: App) {
        let response = app.anon().get("/nothing/here").await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
        );
        assert!(response.text.contains(not_found::messages::HEADING.text()));
    }
}
