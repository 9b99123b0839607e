//! The colors of the accent, derived from one color: for light and dark pages, and with the
//! contrast that text needs (WCAG 2.2, 1.4.3: 4.5 to 1).
//!
//! Colors are changed in Oklch, where the same hue looks the same at any lightness (CSS Color 4, 9
//! and 10.1).

use std::{fmt, str::FromStr};

/// A color in sRGB, written as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// The contrast of text (WCAG 2.2, 1.4.3).
pub const MIN_CONTRAST: f64 = 4.5;
/// `--canvas` and `--surface` of `style/tokens.css` on light pages.
pub(crate) const LIGHT_BACKGROUNDS: [Color; 2] =
    [Color([0xf9, 0xfb, 0xfb]), Color([0xff, 0xff, 0xff])];
/// `--canvas` and `--surface` on dark pages, for tests.
#[cfg(test)]
pub(crate) const DARK_BACKGROUNDS: [Color; 2] =
    [Color([0x0d, 0x15, 0x18]), Color([0x15, 0x1e, 0x21])];
/// Share of the accent in the background of the current page in a navigation, `--accent-tint`.
pub(crate) const TINT: f64 = 0.1;
/// Lightness of the accent on dark pages, and under the pointer.
const DARK_LIGHTNESS: f64 = 0.81;
const DARK_HOVER_LIGHTNESS: f64 = 0.87;
/// Difference in lightness of the accent under the pointer on light pages.
const HOVER_STEP: f64 = 0.065;

/// The colors that follow from an accent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The accent on light pages, as given.
    pub accent: Color,
    /// The accent on light pages under the pointer.
    pub accent_hover: Color,
    /// The accent on dark pages.
    pub accent_dark: Color,
    /// The accent on dark pages under the pointer.
    pub accent_dark_hover: Color,
}

/// Why a color can't be the accent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowContrast {
    /// The contrast with the least favorable background.
    pub contrast: f64,
    /// The nearest color of the same hue that can.
    pub nearest: Color,
}

impl Palette {
    /// Derives the colors. Fails if text in this color would be hard to read on light pages.
    pub fn new(accent: Color) -> Result<Self, LowContrast> {
        let contrast = contrast_on(LIGHT_BACKGROUNDS, accent);
        if contrast < MIN_CONTRAST {
            return Err(LowContrast { contrast, nearest: nearest_readable(accent) });
        }
        let oklch = Oklch::from(accent);
        let lightness = |lightness| Color::from(Oklch { lightness, ..oklch });
        Ok(Self {
            accent,
            accent_hover: lightness((oklch.lightness - HOVER_STEP).max(0.0)),
            accent_dark: lightness(DARK_LIGHTNESS),
            accent_dark_hover: lightness(DARK_HOVER_LIGHTNESS),
        })
    }

    /// Returns names of custom properties of `style/tokens.css`, and their values.
    #[must_use]
    pub const fn tokens(self) -> [(&'static str, Color); 4] {
        [
            ("--accent-on-light", self.accent),
            ("--accent-strong-on-light", self.accent_hover),
            ("--accent-on-dark", self.accent_dark),
            ("--accent-strong-on-dark", self.accent_dark_hover),
        ]
    }
}

/// Returns the nearest darker color with enough contrast.
fn nearest_readable(color: Color) -> Color {
    let oklch = Oklch::from(color);
    (0..=100)
        .map(|step| oklch.lightness * (1.0 - f64::from(step) / 100.0))
        .map(|lightness| Color::from(Oklch { lightness, ..oklch }))
        .find(|color| contrast_on(LIGHT_BACKGROUNDS, *color) >= MIN_CONTRAST)
        .unwrap_or(Color([0, 0, 0]))
}

/// Returns the lowest contrast of a color with these backgrounds, and with them tinted by it.
fn contrast_on(backgrounds: [Color; 2], color: Color) -> f64 {
    backgrounds
        .into_iter()
        .flat_map(|background| [background, mix(background, color, TINT)])
        .map(|background| contrast(background, color))
        .fold(f64::INFINITY, f64::min)
}

/// Returns the contrast of two colors, from 1 to 21 (WCAG 2.2, "contrast ratio").
#[must_use]
pub fn contrast(a: Color, b: Color) -> f64 {
    let luminance = |color: Color| {
        let [red, green, blue] = color.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Mixes colors in Oklab, like `color-mix(in oklab, …)`.
pub(crate) fn mix(a: Color, b: Color, share_of_b: f64) -> Color {
    let (a, b) = (Oklab::from(a).0, Oklab::from(b).0);
    let mixed = [0, 1, 2].map(|axis| a[axis] + (b[axis] - a[axis]) * share_of_b);
    Oklab(mixed).clamped()
}

impl Color {
    /// Creates a color.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Returns the intensities of red, green and blue light, from 0 to 1.
    fn linear(self) -> [f64; 3] {
        self.0.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }
}

impl FromStr for Color {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err("must be a color such as #3b2fb5");
        }
        let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap_or_default();
        Ok(Self([channel(0), channel(2), channel(4)]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(out, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Display for LowContrast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contrast, nearest } = self;
        write!(
            out,
            "is too light for text: contrast {contrast:.1}:1, minimum {MIN_CONTRAST}:1. The \
             nearest valid color is {nearest}"
        )
    }
}

/// A color in Oklab: lightness, green–red, blue–yellow.
#[derive(Clone, Copy)]
struct Oklab([f64; 3]);

/// A color in Oklch.
#[derive(Clone, Copy)]
struct Oklch {
    lightness: f64,
    chroma: f64,
    hue: f64,
}

type Matrix = [[f64; 3]; 3];

// CSS Color 4, 18: sample code.
const LINEAR_TO_LMS: Matrix = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
const LMS_TO_LAB: Matrix = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];
const LAB_TO_LMS: Matrix = [
    [1.0, 0.396_337_777_4, 0.215_803_757_3],
    [1.0, -0.105_561_345_8, -0.063_854_172_8],
    [1.0, -0.089_484_177_5, -1.291_485_548_0],
];
const LMS_TO_LINEAR: Matrix = [
    [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
    [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
    [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0],
];

fn multiply(matrix: Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

impl From<Color> for Oklab {
    fn from(color: Color) -> Self {
        Self(multiply(LMS_TO_LAB, multiply(LINEAR_TO_LMS, color.linear()).map(f64::cbrt)))
    }
}

impl Oklab {
    /// Returns red, green and blue light. Outside of 0 to 1, sRGB doesn't have the color.
    fn linear(self) -> [f64; 3] {
        multiply(LMS_TO_LINEAR, multiply(LAB_TO_LMS, self.0).map(|lms| lms.powi(3)))
    }

    /// Returns the color, or `None` if sRGB doesn't have it.
    fn to_color(self) -> Option<Color> {
        /// Tolerance for the rounding of the matrices.
        const EPSILON: f64 = 1e-4;
        let is_in_gamut =
            self.linear().iter().all(|channel| (-EPSILON..=1.0 + EPSILON).contains(channel));
        is_in_gamut.then(|| self.clamped())
    }

    /// Returns the color, with each channel in the range of sRGB.
    fn clamped(self) -> Color {
        Color(self.linear().map(|channel| {
            let channel = channel.clamp(0.0, 1.0);
            let value = if channel <= 0.003_130_8 {
                channel * 12.92
            } else {
                1.055 * channel.powf(1.0 / 2.4) - 0.055
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the value is between 0 and 255"
            )]
            let byte = (value * 255.0).round() as u8;
            byte
        }))
    }
}

impl From<Color> for Oklch {
    fn from(color: Color) -> Self {
        let Oklab([lightness, a, b]) = color.into();
        Self { lightness, chroma: a.hypot(b), hue: b.atan2(a) }
    }
}

/// Reduces the chroma as far as sRGB needs it.
impl From<Oklch> for Color {
    fn from(Oklch { lightness, chroma, hue }: Oklch) -> Self {
        (0..=100)
            .map(|step| chroma * (1.0 - f64::from(step) / 100.0))
            .find_map(|chroma| {
                Oklab([lightness, chroma * hue.cos(), chroma * hue.sin()]).to_color()
            })
            .unwrap_or(if lightness > 0.5 { Self([255; 3]) } else { Self([0; 3]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn color(text: &str) -> Color {
        text.parse().expect("a color")
    }

    #[test]
    fn color_is_six_hexadecimal_digits() {
        assert_eq!(color("#3b2fB5").to_string(), "#3b2fb5");
        for text in ["", "#", "3b2fb5", "#3b2fb", "#3b2fb5ff", "#ggg000", "#é1234", "blue"] {
            assert!(text.parse::<Color>().is_err(), "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let ratio = |a, b| contrast(color(a), color(b));
        assert!((ratio("#000000", "#ffffff") - 21.0).abs() < 0.01);
        assert!((ratio("#777777", "#ffffff") - 4.48).abs() < 0.01);
        assert!((ratio("#ff0000", "#ff0000") - 1.0).abs() < 0.01);
    }

    #[test]
    fn saturated_accent_with_enough_contrast_is_accepted() {
        for accent in ["#0000ff", "#0000ee", "#7c3aed", "#005452", "#b00020", "#000000"] {
            assert!(Palette::new(color(accent)).is_ok(), "{accent}");
        }
    }

    #[test]
    fn light_accent_is_refused_with_the_nearest_that_can_be_read() {
        let refused = Palette::new(color("#ffd400")).expect_err("too light");
        assert!(refused.contrast < 1.5, "{refused}");
        assert!(Palette::new(refused.nearest).is_ok());
        assert!(refused.to_string().contains(&refused.nearest.to_string()));
        assert!(Palette::new(color("#ffffff")).is_err());
        assert!(Palette::new(color("#000000")).is_ok());
    }

    proptest! {
        #[test]
        fn every_palette_can_be_read_on_light_and_dark_pages(rgb in any::<[u8; 3]>()) {
            let given = Color(rgb);
            let palette = Palette::new(given)
                .or_else(|refused| Palette::new(refused.nearest))
                .expect("the nearest color is accepted");
            for accent in [palette.accent, palette.accent_hover] {
                prop_assert!(contrast_on(LIGHT_BACKGROUNDS, accent) >= MIN_CONTRAST);
                // Text on buttons.
                prop_assert!(contrast(LIGHT_BACKGROUNDS[1], accent) >= MIN_CONTRAST);
            }
            for accent in [palette.accent_dark, palette.accent_dark_hover] {
                prop_assert!(contrast_on(DARK_BACKGROUNDS, accent) >= MIN_CONTRAST);
                prop_assert!(contrast(DARK_BACKGROUNDS[0], accent) >= MIN_CONTRAST);
            }
        }

        #[test]
        fn color_is_kept_by_the_conversion(rgb in any::<[u8; 3]>()) {
            prop_assert_eq!(Color::from(Oklch::from(Color(rgb))), Color(rgb));
        }
    }
}
