//! The brand: the files and the style sheet that follow from its settings, and the routes that
//! serve them. The use of them on pages is in [`countersign_leptos::brand`].

mod font;
#[cfg(test)]
pub(crate) mod test_font;
mod woff2;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use countersign_http::problem;
use countersign_leptos::{
    brand::{
        Brand, BrandParts,
        palette::{Color, Palette},
    },
    layout::document::MANIFEST,
    routes,
};
pub use font::BrandFont;
use serde_json::json;
use std::{collections::BTreeMap, fmt::Write, sync::Arc};

/// A file of the operator.
#[derive(Clone)]
pub struct BrandFile {
    /// The content.
    pub bytes: Bytes,
    /// The media type.
    pub media_type: &'static str,
    /// The end of the name, without a dot.
    pub extension: &'static str,
}

/// How round corners are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Radius {
    /// Square corners.
    None,
    /// 4 and 6 px.
    Small,
    /// 8 and 12 px, as in `style/tokens.css`.
    Soft,
    /// 14 and 20 px.
    Round,
}

impl Radius {
    /// All radii.
    pub const ALL: [Self; 4] = [Self::None, Self::Small, Self::Soft, Self::Round];
}

/// The settings of the operator.
pub struct BrandSettings {
    /// Name, tagline, colors, theme and links. The URLs of files follow from the other settings.
    pub parts: BrandParts,
    /// How round corners are.
    pub radius: Radius,
    /// The logo for light pages.
    pub logo: Option<BrandFile>,
    /// The logo for dark pages.
    pub logo_dark: Option<BrandFile>,
    /// The icon of the site.
    pub icon: Option<BrandFile>,
    /// The image beside forms.
    pub image: Option<BrandFile>,
    /// The font of the pages.
    pub font: Option<BrandFont>,
    /// A style sheet, which overrides all others.
    pub css: Option<String>,
}

/// The brand of the server. Clones share it.
#[derive(Clone, Default)]
pub struct SiteBrand {
    /// The part that pages know.
    pub page: Brand,
    files: Arc<BTreeMap<String, BrandFile>>,
    style: Arc<StyleParts>,
}

/// The parts of the style sheet of a brand, apart from the colors.
#[derive(Clone)]
pub(crate) struct StyleParts {
    /// How round corners are.
    pub(crate) radius: Radius,
    /// The font and its URL.
    font: Option<(BrandFont, String)>,
    /// Font families of the system that replace those of `style/tokens.css`.
    pub(crate) font_stack: Option<&'static str>,
    /// The URL of the image beside forms.
    pub(crate) image: Option<String>,
    /// The style sheet of the operator.
    css: Option<String>,
}

impl Default for StyleParts {
    fn default() -> Self {
        Self { radius: Radius::Soft, font: None, font_stack: None, image: None, css: None }
    }
}

impl SiteBrand {
    /// Creates the brand. The name of each file contains a hash of its content.
    #[must_use]
    pub fn new(settings: BrandSettings) -> Self {
        let BrandSettings { mut parts, radius, logo, logo_dark, icon, image, font, css } = settings;
        let mut files = BTreeMap::new();
        let mut add = |kind: &str, file: Option<BrandFile>| {
            let file = file?;
            let name = format!("{kind}.{:016x}.{}", fnv1a(&file.bytes), file.extension);
            let url = format!("/brand/{name}");
            files.insert(name, file);
            Some(url)
        };
        let letter = Brand::new(parts.clone()).letter().filter(|_| parts.has_custom_name);
        let letter_icon = letter.map(|letter| letter_icon(&letter, parts.palette));
        parts.logo = add("logo", logo);
        parts.logo_dark = add("logo-dark", logo_dark);
        parts.icon = add("icon", icon.or(letter_icon));
        parts.font = add("font", font.as_ref().map(|font| font.file.clone()));
        let image = add("image", image);
        let font = font.zip(parts.font.clone());
        let style = StyleParts { radius, font, font_stack: None, image, css };
        let sheet = style.to_css(parts.palette).map(|sheet| BrandFile {
            bytes: sheet.into(),
            media_type: "text/css; charset=utf-8",
            extension: "css",
        });
        parts.style = add("brand", sheet);
        Self { page: Brand::new(parts), files: files.into(), style: style.into() }
    }

    /// Returns the parts of the style sheet, apart from the colors.
    pub(crate) fn style(&self) -> &StyleParts {
        &self.style
    }
}

/// Icons of the site that browsers request without a link to them.
const USUAL_ICONS: [&str; 2] = ["/favicon.ico", "/apple-touch-icon.png"];

/// Returns the routes of the files and of the manifest. If the brand has an icon, those of the site
/// lead to it.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(brand: &SiteBrand) -> Router<S> {
    let manifest = manifest(&brand.page);
    let headers = [
        (header::CONTENT_TYPE, "application/manifest+json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    let routes = Router::new()
        .route(MANIFEST, get(async move || (headers, manifest)))
        .route("/brand/{name}", get(serve_file));
    let redirects = brand.page.icon.iter().flat_map(|icon| USUAL_ICONS.map(|path| (path, icon)));
    redirects
        .fold(routes, |routes, (path, icon)| routes.route(path, get(Redirect::temporary(icon))))
        .with_state(brand.files.clone())
}

/// Returns the manifest (W3C, Web Application Manifest): name and icon for users who add the site
/// to their home screen.
fn manifest(brand: &Brand) -> String {
    let icons = brand.icon.as_ref().map_or_else(
        || {
            json!([
                {"src": "/favicon.svg", "sizes": "any", "type": "image/svg+xml"},
                {"src": "/apple-touch-icon.png", "sizes": "180x180", "type": "image/png"},
            ])
        },
        |icon| json!([{"src": icon, "sizes": "any"}]),
    );
    json!({
        "name": brand.name,
        "start_url": routes::PROFILE.path,
        "scope": "/",
        "display": "minimal-ui",
        "icons": icons,
    })
    .to_string()
}

async fn serve_file(
    State(files): State<Arc<BTreeMap<String, BrandFile>>>,
    Path(name): Path<String>,
) -> Response {
    let Some(file) = files.get(&name) else { return problem::from_status(StatusCode::NOT_FOUND) };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, file.bytes.clone()).into_response()
}

impl StyleParts {
    /// Returns the style sheet, or `None` if it would be empty. Its layers are those of
    /// `style/main.css`.
    pub(crate) fn to_css(&self, palette: Option<Palette>) -> Option<String> {
        let mut tokens = String::new();
        if let Some(palette) = palette {
            for (name, color) in palette.tokens() {
                let _ = write!(tokens, "{name}:{color};");
            }
            tokens.push_str("--mark-on-light:#fff;--mark-on-dark:#0d1518;");
        }
        let corners = match self.radius {
            Radius::None => Some(("0", "0")),
            Radius::Small => Some(("0.25rem", "0.375rem")),
            Radius::Soft => None,
            Radius::Round => Some(("0.875rem", "1.25rem")),
        };
        if let Some((small, large)) = corners {
            let _ = write!(tokens, "--radius:{small};--radius-large:{large};");
        }
        let mut sheet = String::new();
        if let Some((font, url)) = &self.font {
            let (rules, families) = font.to_css(url);
            sheet.push_str(&rules);
            let _ = write!(tokens, "--font:{families};");
        }
        if let Some(stack) = self.font_stack {
            let _ = write!(tokens, "--font:{stack};");
        }
        if let Some(image) = &self.image {
            let _ = write!(tokens, "--auth-image:url({image});");
        }
        if !tokens.is_empty() {
            let _ = write!(sheet, "@layer brand{{:root{{{tokens}}}}}");
        }
        if let Some(css) = &self.css {
            let _ = write!(sheet, "@layer operator{{{css}}}");
        }
        (!sheet.is_empty()).then_some(sheet)
    }
}

/// Returns an icon that shows a letter.
fn letter_icon(letter: &str, palette: Option<Palette>) -> BrandFile {
    let color = palette.map_or(DEFAULT_ACCENT, |palette| palette.accent);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">\
         <rect width=\"32\" height=\"32\" rx=\"7\" fill=\"{color}\"/>\
         <text x=\"16\" y=\"22.5\" text-anchor=\"middle\" fill=\"#fff\" font-size=\"19\" \
         font-weight=\"600\" font-family=\"system-ui,sans-serif\">{letter}</text></svg>"
    );
    BrandFile { bytes: svg.into(), media_type: "image/svg+xml", extension: "svg" }
}

/// The accent of `style/tokens.css` on light pages.
const DEFAULT_ACCENT: Color = Color::new(0x00, 0x54, 0x52);

/// A hash of a file, for its name. Collisions are harmless: the operator chooses the files.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BrandSettings {
        BrandSettings {
            parts: BrandParts::default(),
            radius: Radius::Soft,
            logo: None,
            logo_dark: None,
            icon: None,
            image: None,
            font: None,
            css: None,
        }
    }

    #[test]
    fn image_is_a_file_that_the_style_sheet_names() {
        let image = BrandFile { bytes: "GIF8".into(), media_type: "image/gif", extension: "gif" };
        let brand = SiteBrand::new(BrandSettings { image: Some(image), ..settings() });
        let style = brand.page.style.as_deref().expect("a style sheet");
        let style = &brand.files[style.trim_start_matches("/brand/")];
        let sheet = String::from_utf8_lossy(&style.bytes);
        let (_, rest) = sheet.split_once("--auth-image:url(/brand/").expect("the image");
        let (name, _) = rest.split_once(')').expect("its end");
        assert!(brand.files.contains_key(name), "{sheet}");
    }

    #[test]
    fn font_is_a_file_that_the_style_sheet_names() {
        let font = test_font::TestFont::default().to_woff2();
        let font = BrandFont::parse(font.into()).expect("a font");
        let brand = SiteBrand::new(BrandSettings { font: Some(font), ..settings() });
        let url = brand.page.font.as_deref().expect("a font");
        assert_eq!(brand.files[url.trim_start_matches("/brand/")].media_type, "font/woff2");
        let style = brand.page.style.as_deref().expect("a style sheet");
        let sheet = &brand.files[style.trim_start_matches("/brand/")].bytes;
        let sheet = String::from_utf8_lossy(sheet);
        assert!(sheet.contains(&format!("src:url({url}) format(\"woff2\")")), "{sheet}");
        assert!(sheet.contains(":root{--font:brand,brand-arial,"), "{sheet}");
    }

    #[test]
    fn brand_without_settings_has_no_files() {
        let brand = SiteBrand::new(settings());
        assert!(brand.files.is_empty());
        assert_eq!((brand.page.style.as_ref(), brand.page.icon.as_ref()), (None, None));
    }

    #[test]
    fn style_sheet_has_the_colors_and_its_name_changes_with_them() {
        let style = |accent: &str| {
            let palette = Palette::new(accent.parse().expect("a color")).ok();
            let parts = BrandParts { palette, ..BrandParts::default() };
            let brand = SiteBrand::new(BrandSettings { parts, ..settings() });
            let name = brand.page.style.clone().expect("a style sheet");
            let file = brand.files[name.trim_start_matches("/brand/")].clone();
            (name, String::from_utf8(file.bytes.to_vec()).expect("text"))
        };
        let ((first_name, first), (second_name, _)) = (style("#3b2fb5"), style("#7a1f4b"));
        assert!(first.starts_with("@layer brand{:root{--accent-on-light:#3b2fb5;"), "{first}");
        assert_ne!(first_name, second_name);
    }

    #[test]
    fn name_without_an_icon_has_its_letter() {
        let parts = BrandParts {
            name: "<Éclair>".to_owned(),
            has_custom_name: true,
            ..BrandParts::default()
        };
        let brand = SiteBrand::new(BrandSettings { parts, ..settings() });
        let name = brand.page.icon.clone().expect("an icon");
        let svg = &brand.files[name.trim_start_matches("/brand/")].bytes;
        assert!(String::from_utf8_lossy(svg).contains(">É</text>"));
    }
}
