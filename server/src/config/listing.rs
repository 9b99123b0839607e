//! How all settings are listed: by `countersign config`, and in docs/SETTINGS.md.

use super::{
    table::{Config, Setting},
    value::{DefaultValue, NONE},
};
use countersign_core::LimitedAction;
use std::fmt;

impl Setting {
    /// Returns all settings in the order of the documentation. The rate limits follow the switch
    /// for all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PLAIN.iter().flat_map(|setting| {
            let limits = if *setting == Self::RateLimits { LimitedAction::ALL } else { &[] };
            [*setting].into_iter().chain(limits.iter().copied().map(Self::Limit))
        })
    }

    /// Returns the setting with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|setting| setting.name() == name)
    }

    /// Returns the table of all settings in Markdown, as in docs/SETTINGS.md.
    #[must_use]
    pub fn to_markdown() -> String {
        let row = |setting: Self| {
            let default = match setting.default_value() {
                DefaultValue::Computed(description) => description.to_owned(),
                DefaultValue::Fixed(text) if text == NONE => "–".to_owned(),
                DefaultValue::Fixed(text) => format!("`{text}`"),
            };
            format!("| `{}` | {default} | {} |\n", setting.name(), setting.meaning())
        };
        let rows: String = Self::all().map(row).collect();
        format!("| name | default | meaning |\n|---|---|---|\n{rows}")
    }
}

impl Config {
    fn rows(&self) -> impl Iterator<Item = (&'static str, String)> {
        Setting::all().map(|setting| (setting.name(), setting.display_value(self)))
    }

    /// Returns one line per setting.
    #[must_use]
    pub fn to_text(&self) -> String {
        let width = Setting::all().map(|setting| setting.name().len()).max().unwrap_or(0);
        self.rows()
            .map(|(name, value)| format!("{name:<width$} {value}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Returns a JSON object with one member per setting.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows: serde_json::Map<_, _> =
            self.rows().map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::Value::Object(rows).to_string()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.rows()).finish()
    }
}
