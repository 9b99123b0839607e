//! The component gallery and the brand editor: who can open them, what may be framed, and what of a
//! query reaches a page.

use crate::support::App;
use axum::http::StatusCode;
use countersign_core::test_on_each_database;

const PREVIEWS: [&str; 5] = ["sample?show=Card", "log-in", "sign-up", "account", "email"];
/// The other paths of the gallery.
const OTHERS: [&str; 5] = [
    "/gallery",
    "/gallery/brand",
    "/gallery/style.css",
    "/gallery/editor.js",
    "/gallery/preview/style.css?radius=round",
];

fn preview(name: &str) -> String {
    format!("/gallery/preview/{name}")
}

test_on_each_database! {
    async fn gallery_that_is_off_is_not_found(app: App) {
        let app = app.without_gallery();
        for path in PREVIEWS.map(preview).into_iter().chain(OTHERS.map(str::to_owned)) {
            let response = app.anon().with("accept", "text/html").get(&path).await;
            assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
            assert!(response.text.contains("Page not found"), "{path}");
            assert_eq!(response.header("x-frame-options"), "DENY", "{path}");
        }
    }

    async fn only_previews_may_be_framed_and_they_are_inert(app: App) {
        for path in PREVIEWS.map(preview) {
            let page = app.anon().get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
            let policy = page.header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none';")
                    && policy.contains("form-action 'none'; frame-ancestors 'self'; \
                                        sandbox allow-same-origin")
                    && !policy.contains("script-src"),
                "{path}: {policy}"
            );
            assert_eq!(policy.contains("unsafe-inline"), path.ends_with("email"), "{path}");
            assert_eq!(page.header("x-frame-options"), "SAMEORIGIN", "{path}");
            assert_eq!(page.header("x-robots-tag"), "noindex", "{path}");
            for absent in ["<script", "autofocus", "nonce", ".wasm", "set-cookie"] {
                assert!(!page.text.contains(absent), "{path} contains {absent}: {}", page.text);
            }
        }
        for path in ["/gallery", "/gallery/brand"] {
            let page = app.anon().get(path).await;
            let policy = page.header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
            assert!(policy.contains("frame-src 'self'"), "{path}: {policy}");
            assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
            assert_eq!(page.header("x-robots-tag"), "noindex", "{path}");
        }
        let login = app.anon().get("/login").await;
        assert!(!login.header("content-security-policy").contains("frame-src"));
        assert!(!login.text.contains("/gallery/"), "{}", login.text);
    }

    async fn previews_show_nothing_of_the_user(app: App) {
        let user = app.user("eve@example.org").await;
        for path in PREVIEWS.map(preview) {
            let page = app.anon().browser(&user.refresh).get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(!page.text.contains("eve@example.org"), "{path}: {}", page.text);
        }
        let account = app.anon().get("/gallery/preview/account").await.text;
        assert!(account.contains("Ada Lovelace"), "{account}");
    }

    async fn every_entry_has_a_page_and_a_frame(app: App) {
        let page = app.anon().get("/gallery").await.text;
        let links: Vec<&str> = page
            .split("href=\"/gallery?show=")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(links.len() > 30, "{}", links.len());
        for name in links {
            let entry = app.anon().get(&format!("/gallery?show={name}")).await;
            assert_eq!(entry.status, StatusCode::OK, "{name}");
            let frame = format!("/gallery/preview/sample?show={name}");
            assert!(entry.text.contains(&frame), "{name}: {}", entry.text);
            assert_eq!(app.anon().get(&frame).await.status, StatusCode::OK, "{name}");
        }
    }

    async fn text_of_a_query_is_escaped_or_ignored(app: App) {
        let attack = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%3Cb%20";
        for name in ["name", "tagline", "accent", "radius", "font", "show", "theme", "text"] {
            let paths = PREVIEWS.map(|page| preview(page.split('?').next().unwrap_or_default()));
            for path in paths.into_iter().chain(OTHERS.map(str::to_owned)) {
                let path = path.split('?').next().unwrap_or_default();
                let page = app.anon().get(&format!("{path}?{name}={attack}")).await;
                assert_eq!(page.status, StatusCode::OK, "{path} {name}");
                let contains = page.text.contains("<script>alert") || page.text.contains("<b ");
                assert!(!contains, "{path} {name}: {}", page.text);
            }
        }
        let css = "accent=red;}&radius=x}body{color:red}&font=a;b&layout=url(//evil.example)";
        let sheet = app.anon().get(&preview(&format!("style.css?{css}"))).await;
        assert_eq!((sheet.status, &*sheet.text), (StatusCode::OK, ""));
        assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    }

    async fn previews_and_settings_have_the_brand_of_the_query(app: App) {
        let brand = "name=Fieldnotes&accent=%233b2fb5&radius=round";
        let login = app.anon().get(&preview(&format!("log-in?{brand}"))).await.text;
        assert!(login.contains("Log in to Fieldnotes"), "{login}");
        let style = login.split("href=\"/gallery/preview/style.css?").nth(1).expect("a sheet");
        let style = style.split('"').next().unwrap_or_default().replace("&amp;", "&");
        let sheet = app.anon().get(&preview(&format!("style.css?{style}"))).await.text;
        assert!(sheet.contains("--accent-on-light:#3b2fb5;"), "{sheet}");
        let email = app.anon().get(&preview(&format!("email?{brand}"))).await.text;
        assert!(email.contains("Fieldnotes") && email.contains("#3b2fb5"), "{email}");
        let editor = app.anon().get(&format!("/gallery/brand?{brand}")).await.text;
        assert!(editor.contains("accent = \"#3b2fb5\""), "{editor}");
        let refused = app.anon().get("/gallery/brand?accent=%23ffd400").await.text;
        assert!(refused.contains("The nearest valid color is #7d6700"), "{refused}");
    }
}
