//! Where settings come from: the environment, then `latchkey.toml`, then `.env` in the working directory; the first that has one wins.

use anyhow::{Context, bail};
use auth::LimitedAction;
use std::{collections::BTreeMap, path::Path};

/// Every name that means something, but those of the rate limits, which are in their table.
const NAMES: &[&str] = &[
    "DATABASE_URL",
    "LATCHKEY_ACCESS_TTL",
    "LATCHKEY_ARGON2",
    "LATCHKEY_CORS_ORIGINS",
    "LATCHKEY_HASH_QUEUE",
    "LATCHKEY_HASH_THREADS",
    "LATCHKEY_INTROSPECTION_SECRET",
    "LATCHKEY_INTROSPECTION_SECRET_FILE",
    "LATCHKEY_MAIL",
    "LATCHKEY_PUBLIC_URL",
    "LATCHKEY_RATE_LIMITS",
    "LATCHKEY_REFRESH_GRACE",
    "LATCHKEY_SECRET",
    "LATCHKEY_SECRET_FILE",
    "LATCHKEY_SESSION_IDLE",
    "LATCHKEY_SESSION_MAX",
    "LATCHKEY_TLS_CERT",
    "LATCHKEY_TLS_KEY",
    "LATCHKEY_TRUSTED_PROXIES",
    "LATCHKEY_X_ACCESS_TOKEN",
    "LEPTOS_HASH_FILES",
    "LEPTOS_RELOAD_PORT",
    "LEPTOS_SITE_ADDR",
    "LEPTOS_SITE_ROOT",
    "LEPTOS_WATCH",
    "RUST_LOG",
];

/// Every name that means something.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied().chain(LimitedAction::ALL.iter().map(|action| action.rule().setting))
}

/// Names and values as they were found.
#[derive(Clone, Default)]
pub struct Settings(pub(super) BTreeMap<String, String>);

impl Settings {
    /// Reads all three sources.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn read() -> anyhow::Result<Self> {
        let mut settings = Self::default();
        if Path::new(".env").is_file() {
            for pair in dotenvy::from_path_iter(".env").context(".env cannot be read")? {
                // Its errors quote the line, which may hold a secret.
                let Ok((name, value)) = pair else { bail!(".env has a line that is not NAME=value") };
                if concerns_us(&name) {
                    settings.0.insert(name, value);
                }
            }
        }
        if Path::new("latchkey.toml").is_file() {
            let text = std::fs::read_to_string("latchkey.toml").context("latchkey.toml cannot be read")?;
            settings.0.extend(from_toml(&text)?);
        }
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| concerns_us(name)) else { continue };
            let Ok(value) = value.into_string() else { bail!("{name} is not UTF-8") };
            settings.0.insert(name.to_owned(), value);
        }
        Ok(settings)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Settings {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

fn concerns_us(name: &str) -> bool {
    name.starts_with("LATCHKEY_") || NAMES.contains(&name)
}

fn from_toml(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    // As above: the error of the parser quotes the file.
    let Ok(table) = text.parse::<toml::Table>() else { bail!("latchkey.toml is not TOML") };
    table
        .into_iter()
        .map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name, text)),
            toml::Value::Integer(number) => Ok((name, number.to_string())),
            toml::Value::Boolean(flag) => Ok((name, flag.to_string())),
            _ => bail!("latchkey.toml: {name} must be a text or a number"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_same_names() {
        let pairs = from_toml("LATCHKEY_ACCESS_TTL = \"5m\"\nLATCHKEY_HASH_THREADS = 3").expect("settings");
        assert_eq!(pairs, [("LATCHKEY_ACCESS_TTL".to_owned(), "5m".to_owned()), ("LATCHKEY_HASH_THREADS".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_said_without_quoting_it() {
        for text in ["LATCHKEY_SECRET = hunter2", "LATCHKEY_SECRET = [\"hunter2\"]"] {
            let error = format!("{:#}", from_toml(text).expect_err("wrong"));
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
