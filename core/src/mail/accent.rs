//! The color of links and buttons in emails.

/// The color of links and buttons, as `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAccent {
    /// On a light background.
    pub light: String,
    /// On a dark background.
    pub dark: String,
}

impl Default for MailAccent {
    fn default() -> Self {
        Self { light: "#005452".to_owned(), dark: "#87d1ca".to_owned() }
    }
}
