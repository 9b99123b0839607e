//! (server) The brand of the pages: name, links and files that the operator has set. How the
//! settings are written, and the style sheet that follows from them, are in the server.

pub mod palette;

use self::palette::Palette;
use crate::messages;
use leptos::prelude::use_context;
use std::sync::Arc;

/// The brand of the pages. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Brand(Arc<BrandParts>);

/// The layout of pages with a single task, such as log-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthPageLayout {
    /// The form is in a card.
    #[default]
    Card,
    /// The form is on the background of the page.
    Plain,
    /// An image fills one side of a wide window, and the form has no card.
    Split,
}

impl AuthPageLayout {
    /// All layouts.
    pub const ALL: [Self; 3] = [Self::Card, Self::Plain, Self::Split];

    /// Returns the name in the settings and in style sheets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Plain => "plain",
            Self::Split => "split",
        }
    }
}

/// The parts of a [`Brand`]. URLs of files are paths on this server.
#[derive(Clone, Debug)]
pub struct BrandParts {
    /// The name of the product.
    pub name: String,
    /// Whether the operator has set another name than that of this product.
    pub has_custom_name: bool,
    /// A sentence about the product.
    pub tagline: Option<String>,
    /// The URL of the application, to which the logo and the page after a sign-up lead.
    pub app_url: Option<String>,
    /// The logo for light pages, with the name as its text.
    pub logo: Option<String>,
    /// The logo for dark pages, if it is another one.
    pub logo_dark: Option<String>,
    /// The icon of the site.
    pub icon: Option<String>,
    /// The colors of the accent, which are in the style sheet.
    pub palette: Option<Palette>,
    /// The style sheet that changes colors, corners and font.
    pub style: Option<String>,
    /// The font file, which pages load early.
    pub font: Option<String>,
    /// The layout of pages with a single task, such as log-in.
    pub layout: AuthPageLayout,
    /// `light` or `dark` if users can't choose.
    pub theme: Option<&'static str>,
    /// The URL of the terms of service.
    pub terms: Option<String>,
    /// The URL of the privacy policy.
    pub privacy: Option<String>,
    /// The URL or `mailto:` address for users who need help.
    pub support: Option<String>,
}

impl Default for BrandParts {
    fn default() -> Self {
        Self {
            name: messages::PRODUCT.to_owned(),
            has_custom_name: false,
            tagline: None,
            app_url: None,
            logo: None,
            logo_dark: None,
            icon: None,
            palette: None,
            style: None,
            font: None,
            layout: AuthPageLayout::default(),
            theme: None,
            terms: None,
            privacy: None,
            support: None,
        }
    }
}

impl Brand {
    /// Creates a brand.
    #[must_use]
    pub fn new(parts: BrandParts) -> Self {
        Self(parts.into())
    }

    /// Returns the brand of the page that is being rendered.
    pub(crate) fn of_page() -> Self {
        use_context().unwrap_or_default()
    }

    /// Returns where the logo leads: to the application, or to the home page.
    pub(crate) fn logo_url(&self) -> String {
        self.app_url.clone().unwrap_or_else(|| "/".to_owned())
    }

    /// Returns the first letter of the name, which replaces a logo.
    #[must_use]
    pub fn letter(&self) -> Option<String> {
        let letter = self.name.chars().find(|letter| letter.is_alphanumeric())?;
        Some(letter.to_uppercase().to_string())
    }

    /// Returns labels and URLs of the links in the footer.
    pub(crate) fn links(&self) -> Vec<(&'static str, String)> {
        [
            (messages::TERMS.text(), &self.terms),
            (messages::PRIVACY.text(), &self.privacy),
            (messages::SUPPORT.text(), &self.support),
        ]
        .into_iter()
        .filter_map(|(label, url)| Some((label, url.clone()?)))
        .collect()
    }
}

impl std::ops::Deref for Brand {
    type Target = BrandParts;

    fn deref(&self) -> &BrandParts {
        &self.0
    }
}
