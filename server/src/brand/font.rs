//! The font of the pages, and the fonts of the system that take its place until it is loaded.
//!
//! A page shows its text at once, in a font that the system has. If that text took another space
//! than in the font of the brand, everything would move when the font arrives. So the font of the
//! system is scaled to the same average width and gets the same height (CSS Fonts 5, 5).

use super::{BrandFile, woff2::Tables};
use axum::body::Bytes;
use std::{fmt::Write, ops::RangeInclusive, panic::catch_unwind};
use ttf_parser::{Face, RawFaceTables, Tag};

/// How often each letter occurs in 100 letters of English text (Lewand, "Cryptological
/// Mathematics"), and a space after words of five letters.
const FREQUENCIES: [(char, f32); 27] = [
    (' ', 20.0),
    ('a', 8.2),
    ('b', 1.5),
    ('c', 2.8),
    ('d', 4.3),
    ('e', 12.7),
    ('f', 2.2),
    ('g', 2.0),
    ('h', 6.1),
    ('i', 7.0),
    ('j', 0.15),
    ('k', 0.77),
    ('l', 4.0),
    ('m', 2.4),
    ('n', 6.7),
    ('o', 7.5),
    ('p', 1.9),
    ('q', 0.095),
    ('r', 6.0),
    ('s', 6.3),
    ('t', 9.1),
    ('u', 2.8),
    ('v', 0.98),
    ('w', 2.4),
    ('x', 0.15),
    ('y', 2.0),
    ('z', 0.074),
];

/// The font weights of the pages, as in `style/tokens.css`.
const WEIGHTS: [FontWeight; 2] =
    [FontWeight { css: "400 500", axis: 400.0 }, FontWeight { css: "600 900", axis: 600.0 }];

struct FontWeight {
    /// The weights in the style sheet for which a font of the system stands.
    css: &'static str,
    /// The weight for which widths are compared.
    axis: f32,
}

/// A font of the system.
struct SystemFont {
    /// The family in the style sheet.
    family: &'static str,
    /// The font in each of [`WEIGHTS`].
    faces: [SystemFace; 2],
}

struct SystemFace {
    /// Names of the font, and of others with the same widths.
    names: &'static [&'static str],
    /// Its average width in em, as computed by [`Metrics`].
    width: f32,
}

/// Fonts of the system. The first one that exists is used.
const SYSTEM_FONTS: [SystemFont; 2] = [
    // Windows, macOS and iOS; Linux has fonts with the widths of Arial.
    SystemFont {
        family: "brand-arial",
        faces: [
            SystemFace { names: &["Arial", "Liberation Sans", "Arimo"], width: 0.4442 },
            SystemFace {
                names: &["Arial Bold", "Arial-BoldMT", "Liberation Sans Bold", "Arimo Bold"],
                width: 0.4807,
            },
        ],
    },
    // Android.
    SystemFont {
        family: "brand-roboto",
        faces: [
            SystemFace { names: &["Roboto", "Roboto-Regular"], width: 0.4461 },
            SystemFace { names: &["Roboto Bold", "Roboto-Bold"], width: 0.452 },
        ],
    },
];

/// The average widths, in em, of fonts for text. For another font no system font is scaled.
const TEXT_WIDTHS: RangeInclusive<f32> = 0.2..=0.9;

/// The font of the pages.
#[derive(Clone)]
pub struct BrandFont {
    pub(super) file: BrandFile,
    metrics: Metrics,
}

impl BrandFont {
    /// Reads a WOFF2 file. The error continues a sentence that begins with the name of a setting.
    pub fn parse(bytes: Bytes) -> Result<Self, String> {
        let tables = Tables::read(&bytes)?;
        // In a debug build, ttf-parser asserts what a damaged table may violate.
        let metrics = catch_unwind(|| Metrics::of(&tables))
            .map_err(|_| "names a damaged WOFF2 font")?
            .ok_or("names a WOFF2 font without the tables that state its size")?;
        let file = BrandFile { bytes, media_type: "font/woff2", extension: "woff2" };
        Ok(Self { file, metrics })
    }

    /// Returns the rules for the font at this URL and for those of the system, and the value of
    /// `font-family`.
    pub(super) fn to_css(&self, url: &str) -> (String, String) {
        let Metrics { widths, ascent, descent, line_gap } = self.metrics;
        let (mut rules, mut families) = (String::new(), "brand".to_owned());
        let system_fonts: &[_] = if widths.is_some() { &SYSTEM_FONTS } else { &[] };
        for SystemFont { family, faces } in system_fonts {
            let _ = write!(families, ",{family}");
            for ((face, weight), width) in faces.iter().zip(WEIGHTS).zip(widths.iter().flatten()) {
                let names = face.names.iter().map(|name| format!("local(\"{name}\")"));
                let names = names.collect::<Vec<_>>().join(",");
                let scale = width / face.width;
                // Browsers scale the height as well.
                let _ = write!(
                    rules,
                    "@font-face{{font-family:{family};font-weight:{};src:{names};size-adjust:{};\
                     ascent-override:{};descent-override:{};line-gap-override:{}}}",
                    weight.css,
                    percent(scale),
                    percent(ascent / scale),
                    percent(descent / scale),
                    percent(line_gap / scale),
                );
            }
        }
        // A font that moves nothing may arrive late. Any other one is not shown then.
        let display = if widths.is_some() { "swap" } else { "optional" };
        let _ = write!(
            rules,
            "@font-face{{font-family:brand;src:url({url}) format(\"woff2\");\
             font-weight:100 900;font-display:{display}}}"
        );
        (rules, format!("{families},var(--font-system)"))
    }
}

/// The size of text in a font, in em.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Metrics {
    /// The average width of a character in each of [`WEIGHTS`], for fonts with Latin letters.
    widths: Option<[f32; 2]>,
    ascent: f32,
    descent: f32,
    line_gap: f32,
}

impl Metrics {
    fn of(tables: &Tables) -> Option<Self> {
        let mut face = Face::from_raw_tables(RawFaceTables {
            head: tables.get(*b"head")?,
            hhea: tables.get(*b"hhea")?,
            maxp: tables.get(*b"maxp")?,
            hmtx: tables.get(*b"hmtx"),
            os2: tables.get(*b"OS/2"),
            cmap: tables.get(*b"cmap"),
            avar: tables.get(*b"avar"),
            fvar: tables.get(*b"fvar"),
            hvar: tables.get(*b"HVAR"),
            ..RawFaceTables::default()
        })
        .ok()?;
        let units = f32::from(face.units_per_em());
        let in_em = |length: i16| f32::from(length) / units;
        // The table of metrics that the font asks for, as in browsers.
        let (ascent, descent) = (in_em(face.ascender()), -in_em(face.descender()));
        let line_gap = in_em(face.line_gap());
        // ttf-parser would state the widths of the default weight for all weights.
        let has_unknown_widths = tables.get(*b"fvar").is_some() && tables.get(*b"HVAR").is_none();
        let [regular, bold] = WEIGHTS.map(|weight| {
            // A font without this axis has one width.
            let _ = face.set_variation(Tag::from_bytes(b"wght"), weight.axis);
            average_width(&face)
                .map(|width| width / units)
                .filter(|width| TEXT_WIDTHS.contains(width))
        });
        Some(Self {
            widths: regular
                .zip(bold)
                .filter(|_| !has_unknown_widths)
                .map(|(regular, bold)| [regular, bold]),
            // Negative ones are invalid in a style sheet.
            ascent: ascent.max(0.0),
            descent: descent.max(0.0),
            line_gap: line_gap.max(0.0),
        })
    }
}

/// Returns the average width of a character in English text, in units of the font. `None` if a
/// letter is missing.
fn average_width(face: &Face) -> Option<f32> {
    let (mut width, mut frequencies) = (0.0, 0.0);
    for (letter, frequency) in FREQUENCIES {
        let advance = face.glyph_hor_advance(face.glyph_index(letter)?)?;
        width += f32::from(advance) * frequency;
        frequencies += frequency;
    }
    Some(width / frequencies)
}

fn percent(factor: f32) -> String {
    format!("{:.2}%", factor * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brand::test_font::TestFont;

    fn metrics(font: &TestFont) -> Metrics {
        BrandFont::parse(font.to_woff2().into()).expect("a font").metrics
    }

    /// Ascent, descent and line gap in thousandths of an em.
    fn height(font: &TestFont) -> [i32; 3] {
        let Metrics { ascent, descent, line_gap, .. } = metrics(font);
        [ascent, descent, line_gap].map(thousandths)
    }

    #[expect(clippy::cast_possible_truncation, reason = "lengths of fonts are small")]
    fn thousandths(length: f32) -> i32 {
        (length * 1000.0).round() as i32
    }

    #[test]
    fn height_is_from_the_table_that_the_font_asks_for() {
        let font = TestFont { hhea: [900, -250, 50], typo: [800, -200, 0], ..TestFont::default() };
        assert_eq!(height(&font), [900, 250, 50]);
        let font = TestFont { use_typo_metrics: true, ..font };
        assert_eq!(height(&font), [800, 200, 0]);
        let extreme = TestFont { hhea: [i16::MIN; 3], ..TestFont::default() };
        assert_eq!(height(&extreme), [0, 32_768, 0]);
    }

    #[test]
    fn average_width_weighs_letters_by_their_frequency() {
        let equal = metrics(&TestFont { width: |_| 500, ..TestFont::default() });
        assert_eq!(equal.widths.map(|widths| widths.map(thousandths)), Some([500; 2]));
        // 12.7 of 120 characters.
        let wide = metrics(&TestFont {
            width: |c| if c == 'e' { 900 } else { 500 },
            ..TestFont::default()
        });
        assert_eq!(wide.widths.map(|[width, _]| thousandths(width)), Some(542));
    }

    #[test]
    fn system_fonts_are_scaled_to_the_width_and_height_of_the_font() {
        let font = TestFont { hhea: [900, -300, 0], width: |_| 500, ..TestFont::default() };
        let font = BrandFont::parse(font.to_woff2().into()).expect("a font");
        let (rules, families) = font.to_css("/brand/font.1.woff2");
        assert_eq!(families, "brand,brand-arial,brand-roboto,var(--font-system)");
        let scale = 0.5 / SYSTEM_FONTS[0].faces[0].width;
        let first = format!(
            "@font-face{{font-family:brand-arial;font-weight:400 500;\
             src:local(\"Arial\"),local(\"Liberation Sans\"),local(\"Arimo\");\
             size-adjust:{:.2}%;ascent-override:{:.2}%;descent-override:{:.2}%;\
             line-gap-override:0.00%}}",
            scale * 100.0,
            90.0 / scale,
            30.0 / scale,
        );
        assert!(rules.starts_with(&first), "{rules}");
        assert!(rules.ends_with("font-display:swap}"), "{rules}");
        assert_eq!(rules.matches("@font-face").count(), 5);
    }

    #[test]
    fn font_that_no_system_font_can_replace_is_not_shown_late() {
        for font in [
            TestFont { letters: 'a'..='y', ..TestFont::default() },
            TestFont { width: |_| 0, ..TestFont::default() },
            TestFont { width: |_| 2000, ..TestFont::default() },
            TestFont { is_variable: true, ..TestFont::default() },
        ] {
            let font = BrandFont::parse(font.to_woff2().into()).expect("a font");
            let (rules, families) = font.to_css("/brand/font.1.woff2");
            assert_eq!(families, "brand,var(--font-system)");
            assert!(rules.ends_with("font-display:optional}"), "{rules}");
            assert_eq!(rules.matches("@font-face").count(), 1);
        }
    }

    #[test]
    fn font_without_a_table_for_its_size_is_refused() {
        for tag in [b"head", b"hhea", b"maxp"] {
            let font = TestFont { without: Some(tag), ..TestFont::default() };
            let error = BrandFont::parse(font.to_woff2().into()).err().expect("an error");
            assert!(error.contains("without the tables"), "{error}");
        }
    }
}
