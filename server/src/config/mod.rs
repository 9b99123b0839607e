//! The settings: their sources ([`Settings`]) and their meaning ([`Config`]). All errors are
//! reported together.
//!
//! | to learn about | read |
//! |---|---|
//! | the settings: names, types, defaults, bounds | `table.rs`; the macro behind it: `declare.rs` |
//! | how values are written | `value.rs`; types of single settings: `types.rs`, `brand.rs` |
//! | rules between settings | `validation.rs` |
//! | what the program reads | [`Config`]; its methods: `groups.rs` |
//! | `countersign config`, and the table in docs/SETTINGS.md | `listing.rs` |
//!
//! Only this module reads the environment.

pub(crate) mod brand;
mod declare;
mod groups;
mod listing;
mod messages;
mod reader;
mod settings;
mod table;
mod types;
mod validation;
pub(crate) mod value;

pub use groups::{Secret, Site};
pub use settings::Settings;
pub use table::*;
pub use types::LogFilter;

use reader::SettingsReader;

impl Config {
    /// Reads and validates all settings. Returns all errors.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut reader = SettingsReader::new(settings);
        let config = Self::read_and_validate(&mut reader);
        reader.finish(config)
    }

    /// Like [`Self::from_settings`], for a demonstration. It is an error if a database is set,
    /// because a demonstration must never touch the data of a server.
    pub fn from_demo_settings(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut reader = SettingsReader::new(settings);
        let config = Self::read_and_validate(&mut reader);
        if reader.is_set(Setting::DatabaseUrl) {
            reader.add_error(
                Setting::DatabaseUrl,
                "must not be set: a demonstration has a database of its own",
            );
        }
        reader.finish(config)
    }

    fn read_and_validate(reader: &mut SettingsReader<'_>) -> Self {
        let config = Self::read(reader);
        validation::validate(&config, reader);
        config
    }
}

#[cfg(test)]
mod tests;
