//! Reads the values of settings, and collects all errors.

use super::{
    settings::Settings,
    table::Setting,
    value::{ReadValue, SettingValue},
};

/// Reads settings and collects errors.
pub(super) struct SettingsReader<'a> {
    settings: &'a Settings,
    errors: Vec<String>,
}

impl<'a> SettingsReader<'a> {
    /// Creates the reader. Unknown names are errors.
    pub(super) fn new(settings: &'a Settings) -> Self {
        let mut reader = Self { settings, errors: Vec::new() };
        for name in settings.names().filter(|name| Setting::from_name(name).is_none()) {
            let closest = Setting::all()
                .map(|setting| (strsim::damerau_levenshtein(name, setting.name()), setting.name()))
                .min();
            let hint = closest
                .filter(|(distance, _)| *distance <= 4)
                .map(|(_, setting)| format!("; did you mean {setting}?"))
                .unwrap_or_default();
            reader.add(name, &format!("is not a setting of this version{hint}"));
        }
        reader
    }

    /// Returns whether a setting has a value, even if it is invalid.
    pub(super) fn is_set(&self, setting: Setting) -> bool {
        self.text(setting.name()).is_some()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Adds an error. The message continues the name of the setting. It doesn't contain the value,
    /// which may be a secret.
    pub(super) fn add_error(&mut self, setting: Setting, message: &str) {
        self.add(setting.name(), message);
    }

    fn add(&mut self, name: &str, message: &str) {
        let location = self
            .settings
            .source_location(name)
            .map(|location| format!(" ({location})"))
            .unwrap_or_default();
        self.errors.push(format!("{name}{location} {message}"));
    }

    /// Returns `value`, or all errors.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<String>> {
        if self.errors.is_empty() { Ok(value) } else { Err(self.errors) }
    }
}

impl ReadValue for SettingsReader<'_> {
    fn read<T: SettingValue>(&mut self, name: &'static str, default: T, bounds: &T::Bounds) -> T {
        let Some(text) = self.text(name) else { return default };
        T::parse(text, bounds).unwrap_or_else(|error| {
            self.add(name, &error);
            default
        })
    }
}
