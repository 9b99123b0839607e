//! The brand of the operator on pages, and the files that follow from it.

use crate::support::App;
use axum::http::StatusCode;
use countersign::brand::{BrandFile, BrandSettings, Radius, SiteBrand};
use countersign_core::test_on_each_database;
use countersign_leptos::brand::{BrandParts, palette::Palette};

fn fieldnotes() -> BrandSettings {
    let logo = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    let logo = BrandFile { bytes: logo.into(), media_type: "image/svg+xml", extension: "svg" };
    BrandSettings {
        parts: BrandParts {
            name: "Field & <notes>".to_owned(),
            has_custom_name: true,
            tagline: Some("Your notes, everywhere.".to_owned()),
            app_url: Some("https://app.example.com/".to_owned()),
            palette: Palette::new("#3b2fb5".parse().expect("a color")).ok(),
            theme: Some("dark"),
            terms: Some("https://example.com/terms?a=1&b=\"".to_owned()),
            ..BrandParts::default()
        },
        radius: Radius::Round,
        logo: Some(logo),
        logo_dark: None,
        icon: None,
        image: None,
        font: None,
        css: Some("a { color: red }".to_owned()),
    }
}

/// Returns the value of the first attribute that starts with `start`.
fn value_of<'a>(html: &'a str, start: &str) -> &'a str {
    html.split(start).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

test_on_each_database! {
    async fn pages_and_error_pages_carry_the_brand(app: App) {
        let app = app.with_brand(SiteBrand::new(fieldnotes()));
        let user = app.user("ada@example.com").await;
        for path in ["/", "/login", "/nowhere", "/fn/nothing"] {
            let page = app.anon().with("accept", "text/html").get(path).await.text;
            assert!(page.contains("Field &amp; &lt;notes"), "{path}: {page}");
            assert!(!page.contains("<notes>") && !page.contains("Countersign"), "{path}: {page}");
            assert!(page.contains("data-theme=\"dark\"") && !page.contains("theme-switch"));
            assert!(page.contains("href=\"/brand/brand."), "{path}");
        }
        let login = app.anon().get("/login").await.text;
        assert!(login.contains("href=\"https://example.com/terms?a=1&amp;b=&quot;\""), "{login}");
        assert!(login.contains("href=\"https://app.example.com/\""));
        let export = app.anon().browser(&user.refresh).get("/account/data.html").await.text;
        assert!(export.contains("Everything Field &amp; &lt;notes&gt; stores about you"));
        let openapi = app.anon().get("/openapi.json").await.json();
        assert_eq!(openapi["info"]["title"], "Field & <notes>");
    }

    async fn manifest_has_the_name_and_the_icon_of_the_brand(app: App) {
        let manifest = app.anon().get("/manifest.webmanifest").await;
        assert_eq!(manifest.header("content-type"), "application/manifest+json");
        assert_eq!(manifest.json()["name"], "Countersign");
        assert_eq!(manifest.json()["icons"][0]["src"], "/favicon.svg");
        let app = app.with_brand(SiteBrand::new(fieldnotes()));
        let manifest = app.anon().get("/manifest.webmanifest").await.json();
        assert_eq!(manifest["name"], "Field & <notes>");
        let icon = manifest["icons"][0]["src"].as_str().expect("an icon");
        assert_eq!(app.anon().get(icon).await.status, StatusCode::OK, "{icon}");
        for usual in ["/favicon.ico", "/apple-touch-icon.png"] {
            assert_eq!(app.anon().get(usual).await.header("location"), icon, "{usual}");
        }
        let start = manifest["start_url"].as_str().expect("a page");
        assert_eq!(app.anon().get(start).await.status, StatusCode::SEE_OTHER);
    }

    async fn welcome_leads_to_the_application(app: App) {
        let app = app.with_brand(SiteBrand::new(fieldnotes()));
        let refresh = app.user("ada@example.com").await.refresh;
        let page = app.anon().browser(&refresh).get("/account?welcome").await.text;
        let link = "<a href=\"https://app.example.com/\">Go to Field &amp; &lt;notes&gt;</a>";
        assert!(page.contains(link), "{page}");
        let mut unnamed = fieldnotes();
        unnamed.parts.has_custom_name = false;
        let app = app.with_brand(SiteBrand::new(unnamed));
        let page = app.anon().browser(&refresh).get("/account?welcome").await.text;
        assert!(page.contains("Go to the application"), "{page}");
    }

    async fn brand_files_are_immutable_and_unknown_ones_return_404(app: App) {
        let app = app.with_brand(SiteBrand::new(fieldnotes()));
        let login = app.anon().get("/login").await.text;
        for (start, media_type, content) in [
            ("rel=\"stylesheet\" href=\"/brand/", "text/css", "@layer operator{a { color: red }}"),
            ("src=\"/brand/", "image/svg+xml", "<svg"),
        ] {
            let name = value_of(&login, start);
            let file = app.anon().get(&format!("/brand/{name}")).await;
            assert_eq!(file.status, StatusCode::OK, "{name}: {login}");
            assert!(file.header("content-type").starts_with(media_type), "{name}");
            assert!(file.header("cache-control").contains("immutable"), "{name}");
            assert!(file.header("content-security-policy").contains("default-src 'none'"));
            assert!(file.text.contains(content), "{}", file.text);
        }
        for name in ["brand.css", "..%2Fsecret", "logo.svg", ""] {
            let status = app.anon().get(&format!("/brand/{name}")).await.status;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name}");
        }
    }

    async fn page_without_a_brand_loads_no_file_of_it(app: App) {
        for path in ["/", "/login"] {
            let page = app.anon().get(path).await.text;
            assert!(page.contains("Countersign") && !page.contains("/brand/"), "{path}");
        }
    }
}
