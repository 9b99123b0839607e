//! A brand in the query of the brand editor. It is read like the settings: with the same types, and
//! with the same messages.

use crate::{
    brand::{Radius, SiteBrand, StyleParts},
    config::{
        Setting,
        brand::{BrandName, Tagline, Theme},
        value::SettingValue,
    },
};
use countersign_leptos::{
    brand::{
        AuthPageLayout, Brand, BrandParts,
        palette::{Color, Palette},
    },
    features::gallery::{
        brand_editor::{Control, EditorContent, EditorField, PREVIEW_THEME},
        tokens::Tokens,
    },
};
use std::{borrow::Cow, collections::HashMap};
use url::form_urlencoded;

/// Maximum number of characters of a value. The rest is cut off.
const MAX_VALUE_CHARS: usize = 200;
/// Families of fonts that systems have, by name. The first one is that of `style/tokens.css`.
const FONTS: [(&str, Option<&str>); 4] = [
    ("system", None),
    ("humanist", Some("Seravek, \"Gill Sans Nova\", Ubuntu, Calibri, \"DejaVu Sans\", sans-serif")),
    ("serif", Some("Charter, \"Bitstream Charter\", \"Sitka Text\", Cambria, Georgia, serif")),
    ("code", Some("ui-monospace, \"Cascadia Code\", \"Source Code Pro\", Menlo, monospace")),
];
/// Stands for the image of the layout `split`, if the operator has none.
const SAMPLE_IMAGE: &str = "\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' \
    viewBox='0 0 8 8'%3E%3Cpath fill='%23788e93' d='M0 0h8v8H0z'/%3E%3Ccircle cx='6' cy='2' \
    r='1' fill='%23e5bf68'/%3E%3Cpath fill='%23425155' d='m0 8 3-4 2 2 1-1 2 3Z'/%3E%3C/svg%3E\"";
const SAMPLE_IMAGE_PATH: &str = "brand/side.webp";

/// A brand that is being edited, as a query describes it. Every value is valid.
pub(super) struct EditedBrand {
    parts: BrandParts,
    style: StyleParts,
    font: &'static str,
    fields: Vec<EditorField>,
    /// The settings that differ from their defaults.
    settings: toml::Table,
    refused_accent: Option<String>,
    needs_image: bool,
    preview_theme: Option<&'static str>,
}

/// Reads the values of a query, and collects the fields of the form and the settings.
struct Reader<'a> {
    query: HashMap<Cow<'a, str>, Cow<'a, str>>,
    fields: Vec<EditorField>,
    settings: toml::Table,
}

impl Reader<'_> {
    /// Returns the value in the query, or `None` if it is missing. An empty one stays empty.
    fn text(&self, name: &str) -> Option<String> {
        let value = self.query.get(name)?;
        Some(value.trim().chars().take(MAX_VALUE_CHARS).collect())
    }

    /// Reads a setting. Without a value in the query, or with an invalid one, it is `current`; with
    /// an empty one it is the default.
    fn read<T: SettingValue<Bounds = ()> + Clone>(
        &mut self,
        setting: Setting,
        control: Control,
        current: T,
        default: &T,
    ) -> T {
        let name = key(setting);
        let text = self.text(&name);
        let mut error = None;
        let value = match text.as_deref() {
            None => current,
            Some("") => default.clone(),
            Some(text) => T::parse(text, &()).unwrap_or_else(|message| {
                error = Some(message);
                current
            }),
        };
        let effective = value.to_text();
        let is_default = effective == default.to_text();
        // A setting without a value is an empty field.
        let shown = if is_default && matches!(control, Control::Text(_)) {
            String::new()
        } else {
            effective.clone()
        };
        if !is_default {
            self.settings.insert(name.clone(), effective.into());
        }
        let value_sent = text.filter(|_| error.is_some()).unwrap_or(shown);
        let meaning = setting.meaning();
        self.fields.push(EditorField { name, meaning, value: value_sent, error, control });
        value
    }

    /// Reads the accent. Returns its colors, and why they are not those of the query.
    fn read_accent(&mut self, current: Option<Palette>) -> (Option<Palette>, Option<String>) {
        let name = key(Setting::BrandAccent);
        let default = Tokens::default().accent();
        let text = self.text(&name).filter(|text| !text.is_empty());
        let mut error = None;
        let (palette, refused) = match text.as_deref().map(str::parse::<Color>) {
            None => (current, None),
            Some(Err(message)) => {
                error = Some(message.to_owned());
                (current, None)
            }
            // A color field always sends a color.
            Some(Ok(color)) if Some(color) == default => (None, None),
            Some(Ok(color)) => match Palette::new(color) {
                Ok(palette) => (Some(palette), None),
                Err(low) => (Palette::new(low.nearest).ok(), Some(low.to_string())),
            },
        };
        let accent = palette.map(|palette| palette.accent);
        if let Some(accent) = accent {
            self.settings.insert(name.clone(), accent.to_string().into());
        }
        let value = accent.or(default).map(|color| color.to_string()).unwrap_or_default();
        let meaning = Setting::BrandAccent.meaning();
        let field = EditorField { name, meaning, value, error, control: Control::Color };
        self.fields.push(field);
        (palette, refused)
    }

    /// Reads the font, which is no setting but a part of a style sheet.
    fn read_font(&mut self) -> (&'static str, Option<&'static str>) {
        let value = self.text("font").unwrap_or_default();
        let font = FONTS.into_iter().find(|(name, _)| *name == value).unwrap_or(FONTS[0]);
        self.fields.push(EditorField {
            name: "font".to_owned(),
            meaning: "Fonts of the system.".to_owned(),
            value: font.0.to_owned(),
            error: None,
            control: Control::Choice(FONTS.map(|(name, _)| name.to_owned()).into()),
        });
        font
    }
}

/// Returns the key of a setting in the section `[brand]`.
fn key(setting: Setting) -> String {
    setting.name().trim_start_matches("COUNTERSIGN_BRAND_").to_ascii_lowercase()
}

/// Returns the choice of a setting.
fn choice<T: SettingValue>(values: &[T]) -> Control {
    Control::Choice(values.iter().map(T::to_text).collect())
}

impl EditedBrand {
    /// Reads a brand from a query. What is missing is that of the server.
    pub(super) fn of_query(query: &str, site: &SiteBrand) -> Self {
        let current = &site.page;
        let query = form_urlencoded::parse(query.as_bytes()).collect();
        let mut reader = Reader { query, fields: Vec::new(), settings: toml::Table::new() };
        let name = reader.read(
            Setting::BrandName,
            Control::Text(BrandName::MAX_CHARS),
            BrandName(current.name.clone()),
            &BrandName::default(),
        );
        let tagline = reader.read(
            Setting::BrandTagline,
            Control::Text(Tagline::MAX_CHARS),
            current.tagline.clone().map(Tagline),
            &None,
        );
        let (palette, refused_accent) = reader.read_accent(current.palette);
        let radius = site.style().radius;
        let radius = reader.read(Setting::BrandRadius, choice(&Radius::ALL), radius, &Radius::Soft);
        let layout = reader.read(
            Setting::BrandLayout,
            choice(&AuthPageLayout::ALL),
            current.layout,
            &AuthPageLayout::default(),
        );
        let themes = Control::Choice(Theme::NAMES.map(str::to_owned).into());
        let theme =
            reader.read(Setting::BrandTheme, themes, Theme(current.theme), &Theme::default());
        let (font, font_stack) = reader.read_font();
        let preview_theme = reader.text(PREVIEW_THEME).unwrap_or_default();
        let preview_theme =
            ["light", "dark"].into_iter().find(|theme| *theme == preview_theme).or(theme.0);

        let mut style = site.style().clone();
        (style.radius, style.font_stack) = (radius, font_stack);
        let needs_image = layout == AuthPageLayout::Split && style.image.is_none();
        if needs_image {
            style.image = Some(SAMPLE_IMAGE.to_owned());
            reader.settings.insert("image".to_owned(), SAMPLE_IMAGE_PATH.into());
        }
        let parts = BrandParts {
            has_custom_name: name != BrandName::default(),
            name: name.0,
            tagline: tagline.map(|tagline| tagline.0),
            palette,
            layout,
            theme: theme.0,
            ..BrandParts::clone(current)
        };
        let Reader { fields, settings, .. } = reader;
        Self { parts, style, font, fields, settings, refused_accent, needs_image, preview_theme }
    }

    pub(super) fn name(&self) -> &str {
        &self.parts.name
    }

    pub(super) const fn palette(&self) -> Option<Palette> {
        self.parts.palette
    }

    /// Returns the style sheet.
    pub(super) fn to_css(&self) -> Option<String> {
        self.style.to_css(self.parts.palette)
    }

    /// Returns the brand of previews. `style` is the URL of the style sheet.
    pub(super) fn to_brand(&self, style: String) -> Brand {
        let style = Some(style);
        Brand::new(BrandParts { style, theme: self.preview_theme, ..self.parts.clone() })
    }

    /// Returns the valid values as a query.
    pub(super) fn query(&self) -> String {
        let accent = self.parts.palette.map(|palette| palette.accent);
        let accent = accent.or_else(|| Tokens::default().accent());
        form_urlencoded::Serializer::new(String::new())
            .append_pair("name", &self.parts.name)
            .append_pair("tagline", self.parts.tagline.as_deref().unwrap_or_default())
            .append_pair("accent", &accent.map(|color| color.to_string()).unwrap_or_default())
            .append_pair("radius", &self.style.radius.to_text())
            .append_pair("layout", self.parts.layout.as_str())
            .append_pair("theme", &Theme(self.parts.theme).to_text())
            .append_pair("font", self.font)
            .finish()
    }

    /// Returns what the page of the editor shows.
    pub(super) fn into_page(mut self) -> EditorContent {
        let query = self.query();
        let style_sheet = self.style.font_stack.map(|stack| {
            self.settings.insert("css".to_owned(), "brand/extra.css".into());
            format!("/* brand/extra.css */\n:root {{\n  --font: {stack};\n}}")
        });
        let settings = if self.settings.is_empty() {
            String::new()
        } else {
            format!("[brand]\n{}", self.settings).trim_end().to_owned()
        };
        EditorContent {
            fields: self.fields,
            refused_accent: self.refused_accent,
            palette: self.parts.palette,
            query,
            settings,
            needs_image: self.needs_image,
            style_sheet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Settings};

    fn page(query: &str) -> EditorContent {
        EditedBrand::of_query(query, &SiteBrand::default()).into_page()
    }

    fn query(name: &str, value: &str) -> String {
        form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
    }

    #[test]
    fn settings_are_those_that_differ_from_their_defaults() {
        assert_eq!(page("").settings, "");
        assert_eq!(page("name=Countersign&radius=soft&accent=&theme=system").settings, "");
        let edited = page("name=Fieldnotes&accent=%233b2fb5&radius=round&theme=dark");
        let settings: toml::Table = edited.settings.parse().expect("TOML");
        let brand = settings["brand"].as_table().expect("a section");
        let expected =
            [("accent", "#3b2fb5"), ("name", "Fieldnotes"), ("radius", "round"), ("theme", "dark")];
        assert_eq!(brand.len(), expected.len(), "{}", edited.settings);
        for (key, value) in expected {
            assert_eq!(brand[key].as_str(), Some(value));
        }
    }

    #[test]
    fn settings_of_any_text_are_toml_with_that_text() {
        for name in ["\" \\ # = [x]", "'''", "é\u{202e}", "a]\"b", "\"\"\"\\"] {
            let settings = page(&query("name", name)).settings;
            let settings: toml::Table = settings.parse().expect("TOML");
            assert_eq!(settings["brand"]["name"].as_str(), Some(name));
        }
    }

    #[test]
    fn low_contrast_accent_is_replaced_with_the_startup_message() {
        let edited = page("accent=%23ffd400");
        let reason = edited.refused_accent.expect("a refusal");
        let settings = Settings::from([("COUNTERSIGN_BRAND_ACCENT", "#ffd400")]);
        let Err(errors) = Config::from_settings(&settings) else { panic!("no errors") };
        assert_eq!(errors, [format!("COUNTERSIGN_BRAND_ACCENT {reason}")]);
        assert_eq!(edited.settings, "[brand]\naccent = \"#7d6700\"");
        assert!(edited.query.contains("accent=%237d6700"), "{}", edited.query);
    }

    #[test]
    fn only_valid_values_reach_style_sheet_and_previews() {
        let site = SiteBrand::default();
        for name in ["accent", "radius", "layout", "theme", "font", "preview", "image", "css"] {
            let query = query(name, "red;}body{background:url(//evil.example)");
            let edited = EditedBrand::of_query(&query, &site);
            assert_eq!(edited.to_css(), None, "{name}");
            assert!(!edited.query().contains("evil"), "{name}");
        }
        let edited = EditedBrand::of_query(&query("name", &"x".repeat(100_000)), &site);
        assert_eq!(edited.name(), "Countersign");
        let fields = edited.into_page().fields;
        assert_eq!(fields[0].value.len(), MAX_VALUE_CHARS);
        assert!(fields[0].error.is_some());
    }

    #[test]
    fn query_of_a_brand_leads_to_the_same_brand() {
        let edited = page("name=A%26b&tagline=&radius=none&layout=split&theme=dark&font=serif");
        let again = page(&edited.query);
        assert_eq!((again.settings, again.query), (edited.settings, edited.query));
        assert!(edited.needs_image && edited.style_sheet.is_some());
    }
}
