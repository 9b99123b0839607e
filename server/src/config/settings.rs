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
    "LATCHKEY_IDENTITY_HEADERS",
    "LATCHKEY_INTROSPECTION_SECRET",
    "LATCHKEY_INTROSPECTION_SECRET_FILE",
    "LATCHKEY_MAIL",
    "LATCHKEY_PUBLIC_URL",
    "LATCHKEY_RATE_LIMITS",
    "LATCHKEY_REFRESH_GRACE",
    "LATCHKEY_SECRET",
    "LATCHKEY_SECRET_FILE",
    "LATCHKEY_SECURITY_CONTACT",
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
            let Some(name) = name.to_str().filter(|name| concerns_us(name) && !is_service_link(name)) else { continue };
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

/// Whether a name is one that Kubernetes and Docker links put into the environment of every container beside a service that is called like us, or
/// begins like us: `LATCHKEY_SERVICE_HOST`, `LATCHKEY_DB_PORT_5432_TCP_ADDR`.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("LATCHKEY").filter(|_| !NAMES.contains(&name)) else { return false };
    let is_port = |rest: &str| {
        let (number, protocol) = rest.split_once('_').unwrap_or((rest, ""));
        let protocol = protocol.split_once('_').map_or(protocol, |(protocol, part)| if matches!(part, "PROTO" | "PORT" | "ADDR") { protocol } else { "" });
        number.parse::<u16>().is_ok() && matches!(protocol, "TCP" | "UDP" | "SCTP")
    };
    rest.ends_with("_SERVICE_HOST")
        || rest.ends_with("_SERVICE_PORT")
        || rest.contains("_SERVICE_PORT_")
        || rest.ends_with("_PORT")
        || rest.match_indices("_PORT_").any(|(at, mark)| is_port(&rest[at + mark.len()..]))
        || rest == "_NAME"
        || rest.starts_with("_ENV_")
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
    fn names_of_service_links_are_told_from_settings() {
        for name in [
            "LATCHKEY_SERVICE_HOST",
            "LATCHKEY_SERVICE_PORT",
            "LATCHKEY_SERVICE_PORT_HTTP",
            "LATCHKEY_PORT",
            "LATCHKEY_PORT_3000_TCP",
            "LATCHKEY_PORT_3000_TCP_PROTO",
            "LATCHKEY_PORT_3000_TCP_PORT",
            "LATCHKEY_PORT_3000_TCP_ADDR",
            "LATCHKEY_PORT_53_UDP_ADDR",
            "LATCHKEY_DB_SERVICE_HOST",
            "LATCHKEY_DB_PORT_5432_TCP",
            "LATCHKEY_NAME",
            "LATCHKEY_ENV_PATH",
        ] {
            assert!(is_service_link(name), "{name}");
        }
        for name in [
            "LATCHKEY_SERVICE",
            "LATCHKEY_ACESS_TTL",
            "LATCHKEY_PORTS",
            "LATCHKEY_PORT_HTTP",
            "LATCHKEY_PORT_99999_TCP",
            "LATCHKEY_ENVIRONMENT",
            "XLATCHKEY_PORT",
        ] {
            assert!(!is_service_link(name), "{name}");
        }
        assert!(NAMES.iter().all(|name| !is_service_link(name)));
    }

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
