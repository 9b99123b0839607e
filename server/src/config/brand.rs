//! The types of the settings of the brand.

use super::value::{NONE, SettingValue};
use crate::brand::{BrandFile, BrandFont, Radius};
use countersign_core::mail::{MAX_LOGO_BYTES, MailLogo};
use countersign_leptos::brand::{
    AuthPageLayout,
    palette::{Color, Palette},
};
use std::{fs, io::Read, path::PathBuf};
use url::Url;

/// Maximum size of the font, in bytes.
const MAX_FONT_BYTES: usize = 512 * 1024;
/// Maximum size of the image beside forms, in bytes.
const MAX_IMAGE_BYTES: usize = 512 * 1024;
/// Maximum size of the style sheet, in bytes.
const MAX_STYLE_BYTES: usize = 64 * 1024;
/// Formats by the first bytes: media type, end of the name.
const IMAGES: [(&[u8], &str, &str); 6] = [
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF8", "image/gif", "gif"),
    (b"\0\0\x01\0", "image/x-icon", "ico"),
    (b"<svg", "image/svg+xml", "svg"),
    (b"<?xml", "image/svg+xml", "svg"),
];

/// The name of the product that users see.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BrandName(pub(crate) String);

impl BrandName {
    /// Maximum number of characters.
    pub(crate) const MAX_CHARS: usize = 60;
}

impl Default for BrandName {
    fn default() -> Self {
        Self(countersign_leptos::messages::PRODUCT.to_owned())
    }
}

impl SettingValue for BrandName {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        one_line(text, Self::MAX_CHARS).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// A sentence about the product.
#[derive(Clone)]
pub(crate) struct Tagline(pub(crate) String);

impl Tagline {
    /// Maximum number of characters.
    pub(crate) const MAX_CHARS: usize = 120;
}

impl SettingValue for Tagline {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        one_line(text, Self::MAX_CHARS).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

fn one_line(text: &str, max_chars: usize) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    if text.chars().count() > max_chars {
        return Err(format!("must not be longer than {max_chars} characters"));
    }
    Ok(text.to_owned())
}

/// The target of a link on pages. Other schemes than these could run scripts.
#[derive(Clone)]
pub(super) struct LinkUrl(pub(super) String);

impl SettingValue for LinkUrl {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http" | "mailto"))
            .map(|url| Self(url.into()))
            .ok_or_else(|| "must be a URL such as https://example.com/ or mailto:…".to_owned())
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// The color of links and buttons.
#[derive(Clone, Copy)]
pub(crate) struct Accent(pub(crate) Palette);

impl SettingValue for Accent {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        let color: Color = text.parse()?;
        Palette::new(color).map(Self).map_err(|error| error.to_string())
    }

    fn to_text(&self) -> String {
        self.0.accent.to_string()
    }
}

/// `none`, `small`, `soft` or `round`.
impl SettingValue for Radius {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|radius| radius.to_text() == text)
            .ok_or_else(|| "must be none, small, soft or round".to_owned())
    }

    fn to_text(&self) -> String {
        match self {
            Self::None => NONE,
            Self::Small => "small",
            Self::Soft => "soft",
            Self::Round => "round",
        }
        .to_owned()
    }
}

/// `card`, `plain` or `split`.
impl SettingValue for AuthPageLayout {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|layout| layout.as_str() == text)
            .ok_or_else(|| "must be card, plain or split".to_owned())
    }

    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }
}

/// The theme of all pages: `system`, `light` or `dark`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Theme(pub(crate) Option<&'static str>);

impl Theme {
    /// All themes.
    pub(crate) const NAMES: [&str; 3] = ["system", "light", "dark"];
}

impl SettingValue for Theme {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Self::NAMES
            .into_iter()
            .find(|theme| *theme == text)
            .map(|theme| Self(Some(theme).filter(|theme| *theme != "system")))
            .ok_or_else(|| "must be system, light or dark".to_owned())
    }

    fn to_text(&self) -> String {
        self.0.unwrap_or("system").to_owned()
    }
}

/// An image.
#[derive(Clone)]
pub(super) struct ImageFile {
    path: PathBuf,
    pub(super) file: BrandFile,
}

impl ImageFile {
    /// Returns the image for emails, if it has a format that mail programs show.
    pub(super) fn for_mail(&self) -> Option<MailLogo> {
        MailLogo::new(&self.file.bytes).ok()
    }
}

impl SettingValue for ImageFile {
    type Bounds = ();

    fn parse(path: &str, (): &()) -> Result<Self, String> {
        Self::read(path, MAX_LOGO_BYTES)
    }

    fn to_text(&self) -> String {
        self.path.to_text()
    }
}

/// The image beside forms.
#[derive(Clone)]
pub(super) struct SideImage(pub(super) ImageFile);

impl SettingValue for SideImage {
    type Bounds = ();

    fn parse(path: &str, (): &()) -> Result<Self, String> {
        ImageFile::read(path, MAX_IMAGE_BYTES).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.path.to_text()
    }
}

impl ImageFile {
    fn read(path: &str, max_bytes: usize) -> Result<Self, String> {
        let bytes = read_file(path, max_bytes)?;
        let text = bytes.trim_ascii_start();
        let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        let (_, media_type, extension) = IMAGES
            .into_iter()
            .find(|(start, ..)| text.starts_with(start))
            .or(is_webp.then_some((b"", "image/webp", "webp")))
            .ok_or("names a file that is not an SVG, PNG, JPEG, GIF, WebP or ICO image")?;
        let file = BrandFile { bytes: bytes.into(), media_type, extension };
        Ok(Self { path: path.into(), file })
    }
}

/// A font in the format WOFF2.
#[derive(Clone)]
pub(super) struct FontFile {
    path: PathBuf,
    pub(super) font: BrandFont,
}

impl SettingValue for FontFile {
    type Bounds = ();

    fn parse(path: &str, (): &()) -> Result<Self, String> {
        let font = BrandFont::parse(read_file(path, MAX_FONT_BYTES)?.into())?;
        Ok(Self { path: path.into(), font })
    }

    fn to_text(&self) -> String {
        self.path.to_text()
    }
}

/// A style sheet.
#[derive(Clone)]
pub(super) struct StyleFile {
    path: PathBuf,
    pub(super) css: String,
}

impl SettingValue for StyleFile {
    type Bounds = ();

    fn parse(path: &str, (): &()) -> Result<Self, String> {
        let css = String::from_utf8(read_file(path, MAX_STYLE_BYTES)?)
            .map_err(|_| "names a file that is not UTF-8")?;
        // It becomes part of a layer of another style sheet.
        let depth = css.bytes().try_fold(0_usize, |depth, byte| match byte {
            b'{' => Some(depth + 1),
            b'}' => depth.checked_sub(1),
            _ => Some(depth),
        });
        if depth != Some(0) {
            return Err("names a file whose braces don't match".to_owned());
        }
        Ok(Self { path: path.into(), css })
    }

    fn to_text(&self) -> String {
        self.path.to_text()
    }
}

/// Reads a file of at most `max` bytes. Any file can be named by mistake, so not more is read.
pub(super) fn read_file(path: &str, max: usize) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| format!("names a file that can't be read: {error}"))?;
    if bytes.len() > max {
        return Err(format!("names a file of more than {} KiB", max / 1024));
    }
    Ok(bytes)
}
