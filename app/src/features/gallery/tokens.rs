//! (server) The design tokens of `style/tokens.css`, with the colors of the brand, and the contrast
//! of the colors that are used together.

use super::messages;
use crate::{
    brand::{
        Brand,
        palette::{Color, MIN_CONTRAST, Palette, TINT, contrast, mix},
    },
    ui::{Card, PageHeader},
};
use leptos::prelude::*;
use std::{collections::BTreeMap, sync::LazyLock};

/// The style sheet as it is written. The one that pages load is derived from it.
const STYLE_SHEET: &str = include_str!("../../../../style/tokens.css");

/// The custom properties for all pages, by name, in the order of the style sheet.
static TOKENS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let root = STYLE_SHEET.split_once(":root {").map_or("", |(_, rest)| rest);
    let root = root.split_once("\n}").map_or(root, |(root, _)| root);
    // Before each comment is CSS, and after its end again.
    let mut parts = root.split("/*");
    let first = parts.next().unwrap_or_default();
    let others = parts.filter_map(|part| part.split_once("*/")).map(|(_, css)| css);
    let css: String = std::iter::once(first).chain(others).collect();
    let declarations = css.split(';').filter_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        let at = STYLE_SHEET.find(name.trim())?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        Some((&STYLE_SHEET[at..at + name.trim().len()], value))
    });
    declarations.filter(|(name, _)| name.starts_with("--")).collect()
});

/// Colors with a meaning, without the leading hyphens.
const COLORS: [&str; 13] = [
    "canvas",
    "surface",
    "raised",
    "border",
    "border-strong",
    "text-color",
    "text-muted",
    "accent",
    "accent-strong",
    "on-accent",
    "brand",
    "attention",
    "danger",
];

/// The contrast of borders and of the focus ring (WCAG 2.2, 1.4.11).
const MIN_GRAPHIC_CONTRAST: f64 = 3.0;

/// Colors that are used together: in front, behind, and the contrast that they need.
const PAIRS: [(&str, &str, f64); 17] = [
    ("text-color", "canvas", MIN_CONTRAST),
    ("text-color", "surface", MIN_CONTRAST),
    ("text-color", "raised", MIN_CONTRAST),
    ("text-muted", "canvas", MIN_CONTRAST),
    ("text-muted", "surface", MIN_CONTRAST),
    ("text-muted", "raised", MIN_CONTRAST),
    ("accent", "canvas", MIN_CONTRAST),
    ("accent", "surface", MIN_CONTRAST),
    ("accent", "raised", MIN_CONTRAST),
    ("accent", "accent-tint", MIN_CONTRAST),
    ("accent-strong", "surface", MIN_CONTRAST),
    ("on-accent", "accent", MIN_CONTRAST),
    ("on-accent", "accent-strong", MIN_CONTRAST),
    ("attention", "surface", MIN_CONTRAST),
    ("danger", "surface", MIN_CONTRAST),
    ("on-accent", "danger", MIN_CONTRAST),
    ("border-strong", "surface", MIN_GRAPHIC_CONTRAST),
];

/// The tokens of a brand.
#[derive(Clone, Default)]
pub struct Tokens(BTreeMap<&'static str, Color>);

/// The contrast of a pair of colors on light or dark pages.
struct Measured {
    front: Color,
    back: Color,
    ratio: f64,
    is_enough: bool,
}

impl Tokens {
    /// Returns the tokens with the colors of an accent.
    #[must_use]
    pub fn new(palette: Option<Palette>) -> Self {
        Self(palette.map(Palette::tokens).into_iter().flatten().collect())
    }

    /// Returns a color (a name with hyphens) on light or dark pages, or `None` if the token is no
    /// color.
    fn color(&self, name: &str, is_dark: bool) -> Option<Color> {
        if let Some(color) = self.0.get(name) {
            return Some(*color);
        }
        let (_, value) = TOKENS.iter().find(|(token, _)| *token == name)?;
        self.value(value, is_dark)
    }

    fn value(&self, value: &str, is_dark: bool) -> Option<Color> {
        if let Some(both) = value.strip_prefix("light-dark(") {
            let (light, dark) = both.strip_suffix(')')?.split_once(", ")?;
            self.value(if is_dark { dark } else { light }, is_dark)
        } else if let Some(name) = value.strip_prefix("var(") {
            self.color(name.strip_suffix(')')?, is_dark)
        } else {
            value.parse().ok()
        }
    }

    /// Returns the accent of light pages.
    #[must_use]
    pub fn accent(&self) -> Option<Color> {
        self.color("--accent-on-light", false)
    }

    /// Measures a pair. The tint is measured on a card, where the accent has the least contrast.
    fn measure(&self, (front, back, min): (&str, &str, f64), is_dark: bool) -> Option<Measured> {
        let color = |name: &str| self.color(&format!("--{name}"), is_dark);
        let front = color(front)?;
        let back = match back {
            "accent-tint" => mix(color("surface")?, color("accent")?, TINT),
            _ => color(back)?,
        };
        let ratio = contrast(front, back);
        Some(Measured { front, back, ratio, is_enough: ratio >= min })
    }

    /// Renders the contrast of the pairs, or of those with the accent.
    pub(super) fn pairs(&self, only_accent: bool) -> impl IntoView + use<> {
        let depends = |name: &str| name.starts_with("accent");
        let rows = PAIRS
            .into_iter()
            .filter(|(front, back, _)| !only_accent || depends(front) || depends(back))
            .map(|pair| {
                let (front, back, _) = pair;
                let cells = [false, true].map(|is_dark| self.measure(pair, is_dark).map(figure));
                let [light, dark] = cells;
                view! {
                    <tr>
                        <th scope="row">
                            <code>{front}</code>
                            " on "
                            <code>{back}</code>
                        </th>
                        <td>{light}</td>
                        <td>{dark}</td>
                    </tr>
                }
            });
        view! {
            <table class="gallery-table">
                <thead>
                    <tr>
                        <th scope="col">{messages::PAIR}</th>
                        <th scope="col">{messages::LIGHT}</th>
                        <th scope="col">{messages::DARK}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
    }

    /// Renders the colors, each on light and on dark pages.
    fn swatches(&self) -> impl IntoView + use<> {
        let colors = COLORS.iter().filter_map(|name| {
            let token = format!("--{name}");
            let (light, dark) = (self.color(&token, false)?, self.color(&token, true)?);
            Some(view! {
                <li>
                    <svg viewBox="0 0 2 1" preserveAspectRatio="none" aria-hidden="true">
                        <rect width="1" height="1" fill=light.to_string()></rect>
                        <rect x="1" width="1" height="1" fill=dark.to_string()></rect>
                    </svg>
                    <code>{token}</code>
                    <span class="text-muted">{format!("{light} · {dark}")}</span>
                </li>
            })
        });
        view! {
            <ul class="gallery-colors" role="list">
                {colors.collect_view()}
            </ul>
        }
    }
}

/// Renders a contrast with its colors.
fn figure(Measured { front, back, ratio, is_enough }: Measured) -> impl IntoView {
    view! {
        {swatch(back, front)}
        <span class="gallery-ratio">{messages::contrast(ratio)}</span>
        {(!is_enough).then(|| view! { <strong>{messages::TOO_LOW}</strong> })}
    }
}

/// Renders letters in a color. An image: the content security policy of pages allows no inline
/// styles.
fn swatch(back: Color, front: Color) -> impl IntoView {
    view! {
        <svg class="gallery-swatch" viewBox="0 0 48 28" width="48" height="28" aria-hidden="true">
            <rect width="48" height="28" fill=back.to_string()></rect>
            <text x="24" y="19" text-anchor="middle" font-size="14" fill=front.to_string()>
                "Aa"
            </text>
        </svg>
    }
}

/// Renders the tokens whose names start with `prefix`. The style sheet of the gallery gives each
/// sample its size, by the last part of the name.
fn scale(prefix: &str, text: &'static str) -> impl IntoView + use<> {
    let rows = TOKENS.iter().filter_map(|(name, value)| {
        let step = name.strip_prefix(prefix)?;
        let kind = prefix.trim_matches('-');
        let class = format!("gallery-step {kind}{}{step}", if step.is_empty() { "" } else { "-" });
        Some(view! {
            <tr>
                <th scope="row"><code>{*name}</code></th>
                <td><code>{value.clone()}</code></td>
                <td><span class=class.replace("--", "-")>{text}</span></td>
            </tr>
        })
    });
    view! {
        <table class="gallery-table scale">
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
}

/// Renders the entry of the tokens.
pub(super) fn tokens_entry() -> AnyView {
    let tokens = Tokens::new(Brand::of_page().palette);
    let (swatches, pairs) = (tokens.swatches(), tokens.pairs(false));
    view! {
        <header>
            <PageHeader heading=messages::TOKENS lead=messages::TOKENS_LEAD/>
        </header>
        <Card title=messages::COLORS lead=messages::COLORS_LEAD>{swatches}</Card>
        <Card title=messages::CONTRAST lead=messages::CONTRAST_LEAD>{pairs}</Card>
        <Card title=messages::TYPE_STEPS>{scale("--font-size-", messages::TYPE_SAMPLE)}</Card>
        <Card title=messages::SPACING>{scale("--space-", "")}</Card>
        <Card title=messages::RADII>{scale("--radius", "")}</Card>
        <Card title=messages::FOCUS_RING>
            <p class="gallery-step focus-ring"><code>"--focus-ring"</code></p>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::palette::{DARK_BACKGROUNDS, LIGHT_BACKGROUNDS};

    #[test]
    fn every_pair_has_the_contrast_that_it_needs() {
        let accent = "#3b2fb5".parse().expect("a color");
        for palette in [None, Palette::new(accent).ok()] {
            let tokens = Tokens::new(palette);
            for (pair, is_dark) in PAIRS.iter().flat_map(|pair| [(pair, false), (pair, true)]) {
                let measured = tokens.measure(*pair, is_dark).expect("colors");
                assert!(measured.is_enough, "{pair:?}, dark: {is_dark}: {}", measured.ratio);
            }
        }
    }

    #[test]
    fn tokens_are_those_of_the_style_sheet_and_the_brand() {
        let color = |tokens: &Tokens, name, is_dark| {
            tokens.color(name, is_dark).map(|color| color.to_string())
        };
        let tokens = Tokens::default();
        assert_eq!(color(&tokens, "--canvas", true).as_deref(), Some("#0d1518"));
        assert_eq!(color(&tokens, "--text-color", false).as_deref(), Some("#122125"));
        assert_eq!(color(&tokens, "--font", false), None);
        let accent = "#3b2fb5".parse().expect("a color");
        let branded = Tokens::new(Palette::new(accent).ok());
        assert_eq!(color(&branded, "--accent", false).as_deref(), Some("#3b2fb5"));
        for name in COLORS {
            assert!(tokens.color(&format!("--{name}"), true).is_some(), "{name}");
        }
    }

    #[test]
    fn palette_uses_the_backgrounds_of_the_style_sheet() {
        let tokens = Tokens::default();
        for (backgrounds, is_dark) in [(LIGHT_BACKGROUNDS, false), (DARK_BACKGROUNDS, true)] {
            let colors = ["--canvas", "--surface"].map(|name| tokens.color(name, is_dark));
            assert_eq!(colors, backgrounds.map(Some), "dark: {is_dark}");
        }
        let (_, tint) = TOKENS.iter().find(|(name, _)| *name == "--accent-tint").expect("a tint");
        let share = format!("var(--accent) {}%,", TINT * 100.0);
        assert!(tint.contains(&share), "{tint}");
    }

    #[test]
    fn contrast_is_rounded_down() {
        assert_eq!(messages::contrast(4.499), "4.4");
        assert_eq!(messages::contrast(21.0), "21.0");
    }
}
