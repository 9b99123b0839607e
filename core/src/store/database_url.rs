//! The URL of a database, parsed completely before anything is opened.
//!
//! What the drivers would ignore, take literally or guess is rejected with a hint.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use sqlx::postgres::PgConnectOptions;
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};
use url::Url;

/// Characters that are encoded in the path of a printed SQLite URL.
const PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b' ');

/// Parameters of a Postgres URL that the driver knows. It would log the value of any other.
const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The URL of a database. `Debug` and `Display` show no password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A database on a Postgres server: a URL that the driver accepts.
    Postgres(Url),
}

/// The reason why a URL is rejected, with a hint. The message quotes nothing, because the URL may
/// contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages describe the variants")]
pub enum InvalidDatabaseUrl {
    #[error("must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")]
    Scheme,
    #[error("must name a file after sqlite:, such as sqlite:data/countersign.db")]
    NoFile,
    #[error(
        "must name a file: a database in memory would lose all accounts when the program stops"
    )]
    InMemory,
    #[error("must be sqlite:PATH, without file:")]
    FileUri,
    #[error(
        "may have no option but mode=rwc after a question mark (a question mark in a file name is \
            written %3F)"
    )]
    SqliteOption,
    #[error(
        "has a % that is not followed by two hexadecimal digits (a % in a file name is written %25)"
    )]
    PercentEncoding,
    #[error("begins its path with ~, which only a shell replaces: write the path in full")]
    Tilde,
    #[error("contains ${{…}}, which is replaced in .env only: write the value itself")]
    Variable,
    #[error("has a control character in its path")]
    ControlCharacter,
    #[error(
        "is no address: it must be postgres://USER:PASSWORD@HOST:PORT/NAME, \
            and in user and password the characters @ : / ? # % \
         are written %40 %3A %2F %3F %23 %25"
    )]
    Postgres,
    #[error("must name a database, such as postgres://USER:PASSWORD@HOST/countersign")]
    NoDatabase,
    #[error("has a parameter after the question mark that the Postgres driver does not know")]
    PostgresParameter,
    #[error(
        "has a parameter after the question mark with a value that the Postgres driver does not \
            accept"
    )]
    PostgresValue,
}

impl DatabaseUrl {
    /// The path of a SQLite file.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Returns the URL with its password, for [`crate::Store::open`]. Not for logs.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.to_string(),
        }
    }
}

impl DatabaseUrl {
    /// Returns the URL for `pg_dump` and `psql`, without the password: only parameters that libpq
    /// knows, in its spelling (PostgreSQL, 34.1.2). For SQLite the same as `Display`.
    #[must_use]
    pub fn for_libpq(&self) -> String {
        let Self::Postgres(url) = self else { return self.to_string() };
        let known = |(key, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            let key = match &*key {
                "ssl-mode" => "sslmode",
                "ssl-root-cert" | "ssl-ca" => "sslrootcert",
                "ssl-cert" => "sslcert",
                "ssl-key" => "sslkey",
                same @ ("sslmode" | "sslrootcert" | "sslcert" | "sslkey" | "host" | "hostaddr"
                | "port" | "dbname" | "user") => same,
                _ => return None,
            };
            Some(format!("{key}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)))
        };
        let query = url.query_pairs().filter_map(known).collect::<Vec<_>>().join("&");
        let mut url = url.clone();
        let _ = url.set_password(None); // A URL without a host has no password.
        url.set_query(Some(&*query).filter(|query| !query.is_empty()));
        url.to_string()
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("sqlite:") {
            sqlite(rest)
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            postgres(text)
        } else {
            Err(InvalidDatabaseUrl::Scheme)
        }
    }
}

/// Parses the part after `sqlite:` like the driver: an optional `//`, percent-encoding, options
/// after `?`.
fn sqlite(rest: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    use InvalidDatabaseUrl as E;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    if options.split('&').any(|option| option == "mode=memory") {
        return Err(E::InMemory);
    }
    if !options.split('&').all(|option| matches!(option, "" | "mode=rwc")) {
        return Err(E::SqliteOption);
    }
    let is_encoded = |(at, _): (usize, &str)| {
        path.get(at + 1..at + 3)
            .is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    if !path.match_indices('%').all(is_encoded) {
        return Err(E::PercentEncoding);
    }
    let path = percent_decode_str(path).decode_utf8().map_err(|_| E::PercentEncoding)?;
    if path == ":memory:" {
        return Err(E::InMemory);
    }
    if path.starts_with("file:") {
        return Err(E::FileUri);
    }
    if path.contains("${") {
        return Err(E::Variable);
    }
    if path.chars().any(char::is_control) {
        return Err(E::ControlCharacter);
    }
    if path.starts_with('~') {
        return Err(E::Tilde);
    }
    let is_folder = path.ends_with('/') || path.ends_with("/.") || path == ".";
    // Two slashes at the beginning of a path mean one, and would be taken for those of the URL.
    let path = if path.starts_with('/') {
        PathBuf::from(format!("/{}", path.trim_start_matches('/')))
    } else {
        PathBuf::from(&*path)
    };
    if is_folder || path.file_name().is_none() {
        return Err(E::NoFile);
    }
    Ok(DatabaseUrl::Sqlite(path))
}

fn postgres(text: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    use InvalidDatabaseUrl as E;
    if text.contains("${") {
        return Err(E::Variable);
    }
    let url = Url::parse(text).map_err(|_| E::Postgres)?;
    // An unencoded user name or password ends up in these parts.
    if url.fragment().is_some()
        || url.host_str().is_some_and(|host| {
            host.contains('%') && !host.starts_with("%2F") && !host.starts_with("%2f")
        })
    {
        return Err(E::Postgres);
    }
    let known = |key: &str| {
        POSTGRES_PARAMETERS.contains(&key) || key.starts_with("options[") && key.ends_with(']')
    };
    if !url.query_pairs().all(|(key, _)| known(&key)) {
        return Err(E::PostgresParameter);
    }
    let has_name = !url.path().trim_start_matches('/').is_empty()
        || url.query_pairs().any(|(key, value)| key == "dbname" && !value.is_empty());
    if !has_name {
        return Err(E::NoDatabase);
    }
    let decodes = |part: &str| percent_decode_str(part).decode_utf8().is_ok();
    if !decodes(url.username()) || !url.password().is_none_or(decodes) || !decodes(url.path()) {
        return Err(E::Postgres);
    }
    PgConnectOptions::from_str(text).map_err(|_| E::PostgresValue)?;
    Ok(DatabaseUrl::Postgres(url))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => {
                write!(out, "sqlite:{}", utf8_percent_encode(&path.to_string_lossy(), PATH))
            }
            Self::Postgres(url) => {
                let mut url = url.clone();
                if url.password().is_some() {
                    // A URL with a password can have another one.
                    let _ = url.set_password(Some("***"));
                }
                // The driver also accepts a password in the query.
                if url.query_pairs().any(|(key, _)| key == "password") {
                    url.set_query(Some("***"));
                }
                write!(out, "{url}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> PathBuf {
        match text.parse() {
            Ok(DatabaseUrl::Sqlite(path)) => path,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn sqlite_url_is_parsed_like_the_driver() {
        for (text, file) in [
            ("sqlite:data/countersign.db", "data/countersign.db"),
            ("sqlite://data/countersign.db", "data/countersign.db"),
            ("sqlite:/var/lib/countersign.db", "/var/lib/countersign.db"),
            ("sqlite:///var/lib/countersign.db", "/var/lib/countersign.db"),
            ("sqlite:////var/lib/countersign.db", "/var/lib/countersign.db"),
            ("sqlite:countersign.db?mode=rwc", "countersign.db"),
            ("sqlite:countersign.db?", "countersign.db"),
            (" sqlite:countersign.db \r\n", "countersign.db"),
            ("sqlite:my%20accounts.db", "my accounts.db"),
            ("sqlite:my accounts.db", "my accounts.db"),
            ("sqlite:100%25%3F.db", "100%?.db"),
            ("sqlite:./~/x.db", "./~/x.db"),
            ("sqlite:../x.db", "../x.db"),
            ("sqlite:ä.db", "ä.db"),
        ] {
            assert_eq!(path(text), Path::new(file), "{text}");
        }
    }

    #[test]
    fn unusable_sqlite_url_is_rejected() {
        use InvalidDatabaseUrl as E;
        for (text, why) in [
            ("sqlite:", E::NoFile),
            ("sqlite://", E::NoFile),
            ("sqlite:?mode=rwc", E::NoFile),
            ("sqlite:data/", E::NoFile),
            ("sqlite:..", E::NoFile),
            ("sqlite:data/.", E::NoFile),
            ("sqlite::memory:", E::InMemory),
            ("sqlite://:memory:", E::InMemory),
            ("sqlite:x.db?mode=memory&cache=shared", E::InMemory),
            ("sqlite:x.db?mode=ro", E::SqliteOption),
            ("sqlite:x.db?mode=rw", E::SqliteOption),
            ("sqlite:x.db?immutable=1", E::SqliteOption),
            ("sqlite:x.db?mode=rwc&vfs=unix", E::SqliteOption),
            ("sqlite:file:x.db", E::FileUri),
            ("file:x.db", E::Scheme),
            ("data/x.db", E::Scheme),
            ("", E::Scheme),
            ("mysql://db/x", E::Scheme),
            ("sqlite:~/x.db", E::Tilde),
            ("sqlite:~ada/x.db", E::Tilde),
            ("sqlite:${HOME}/x.db", E::Variable),
            ("sqlite:50%.db", E::PercentEncoding),
            ("sqlite:%zz.db", E::PercentEncoding),
            ("sqlite:%ff.db", E::PercentEncoding),
            ("sqlite:x%00.db", E::ControlCharacter),
            ("sqlite:x\n.db", E::ControlCharacter),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(why), "{text}");
        }
    }

    #[test]
    fn postgres_url_is_validated_before_use() {
        use InvalidDatabaseUrl as E;
        for text in [
            "postgres://ann:hunter2@db/countersign",
            "postgresql://ann@[::1]:5433/countersign?sslmode=verify-full",
            "postgres:///countersign?host=/var/run/postgresql",
            "postgres://%2Fvar%2Frun%2Fpostgresql/countersign",
            "postgres://db/?dbname=countersign",
            "postgres://ann:p%40ss%2Fword@db/countersign?statement-cache-capacity=0",
        ] {
            assert!(
                matches!(text.parse(), Ok(DatabaseUrl::Postgres(_))),
                "{text}: {:?}",
                text.parse::<DatabaseUrl>()
            );
        }
        for (text, why) in [
            ("postgres://", E::NoDatabase),
            ("postgres://db", E::NoDatabase),
            ("postgres://db/", E::NoDatabase),
            ("postgres://ann:pass/word@db/countersign", E::Postgres),
            ("postgres://ann:pass#word@db/countersign", E::Postgres),
            ("postgres://ann:pass?word@db/countersign", E::Postgres),
            ("postgres://ann:%ff@db/countersign", E::Postgres),
            ("postgres://db:99999/countersign", E::Postgres),
            ("postgres://db/countersign?passwd=hunter2", E::PostgresParameter),
            ("postgres://db/countersign?sslmode=on", E::PostgresValue),
            ("postgres://db/countersign?port=x", E::PostgresValue),
            ("postgres://${DB}/countersign", E::Variable),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(why), "{text}");
        }
    }

    #[test]
    fn printed_url_has_no_password() {
        for text in [
            "postgres://ann:hunter2@db/countersign",
            "postgres://ann@db/countersign?password=hunter2&sslmode=require",
        ] {
            let url: DatabaseUrl = text.parse().expect("an address");
            for shown in [url.to_string(), format!("{url:?}")] {
                assert!(
                    !shown.contains("hunter2")
                        && shown.contains("ann")
                        && shown.contains("db/countersign"),
                    "{shown}"
                );
            }
            assert!(url.expose().contains("hunter2"));
        }
    }

    #[test]
    fn libpq_url_has_no_password() {
        for (text, expected) in [
            ("postgres://ann:hunter2@db:5433/countersign", "postgres://ann@db:5433/countersign"),
            (
                concat!(
                    "postgres://ann@db/countersign?password=hunter2&ssl-mode=verify-full",
                    "&statement-cache-capacity=0"
                ),
                "postgres://ann@db/countersign?sslmode=verify%2Dfull",
            ),
            (
                "postgres:///countersign?host=/var/run/postgresql",
                "postgres:///countersign?host=%2Fvar%2Frun%2Fpostgresql",
            ),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().expect("an address").for_libpq(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_url_text_is_parsed_or_rejected(
            text in r"(sqlite:|postgres://|postgresql://|)[\PC%?&=~:/@#\[\]]{0,40}",
        ) {
            if let Ok(url) = text.parse::<DatabaseUrl>() {
                prop_assert_eq!(url.expose().is_empty(), false);
            }
        }

        #[test]
        fn printed_sqlite_url_is_parsed_again(
            name in r"[^/~\p{Cc}\s][^/\p{Cc}]{0,20}[^/.\p{Cc}\s]",
        ) {
            prop_assume!(!name.starts_with("file:") && name != ":memory:" && !name.contains("${"));
            let url = DatabaseUrl::Sqlite(PathBuf::from(name));
            prop_assert_eq!(url.to_string().parse::<DatabaseUrl>(), Ok(url));
        }
    }
}
