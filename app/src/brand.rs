//! (server) What the operator has set to make the pages theirs: name, links, files. How the settings
//! are written, and the style sheet that follows from them, are in the server.

use crate::messages;
use leptos::prelude::use_context;
use std::sync::Arc;

/// The brand of the pages. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Brand(Arc<BrandParts>);

/// The parts of a [`Brand`]. URLs of files are paths on this server.
#[derive(Clone, Debug)]
pub struct BrandParts {
    /// The name of the product.
    pub name: String,
    /// Whether the operator has set another name.
    pub is_custom: bool,
    /// What the product is, in one sentence.
    pub tagline: Option<String>,
    /// The URL of the application, to which the logo leads.
    pub app_url: Option<String>,
    /// The logo for light pages, with the name as its text.
    pub logo: Option<String>,
    /// The logo for dark pages, if it is another one.
    pub logo_dark: Option<String>,
    /// The icon of the site.
    pub icon: Option<String>,
    /// The style sheet that changes colors, corners and font.
    pub style: Option<String>,
    /// The font file, which pages load early.
    pub font: Option<String>,
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
            is_custom: false,
            tagline: None,
            app_url: None,
            logo: None,
            logo_dark: None,
            icon: None,
            style: None,
            font: None,
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

    /// Returns where the logo leads.
    pub(crate) fn home(&self) -> String {
        self.app_url.clone().unwrap_or_else(|| "/".to_owned())
    }

    /// Returns labels and URLs of the links in the footer.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            (messages::TERMS, &self.terms),
            (messages::PRIVACY, &self.privacy),
            (messages::SUPPORT, &self.support),
        ]
        .into_iter()
        .filter_map(|(label, url)| Some((label, url.clone()?)))
        .collect::<Vec<_>>()
        .into_iter()
    }
}

impl std::ops::Deref for Brand {
    type Target = BrandParts;

    fn deref(&self) -> &BrandParts {
        &self.0
    }
}
