//! The sources of settings: the environment, then `countersign.toml`, then `.env` in the working
//! directory.
//!
//! In `countersign.toml`, a key in a section is the end of a name: `name` in `[brand]` is
//! `COUNTERSIGN_BRAND_NAME`.
//!
//! The first source with a non-empty value wins. An empty value counts as not set. `.env` is parsed
//! by `dotenvy`: lines may start with `export`, `#` after a space starts a comment, quotes allow
//! spaces and line breaks, and outside of single quotes `${NAME}` and `$NAME` (letters and digits)
//! are replaced by environment variables or by values from earlier lines.

use super::table::Setting;
use anyhow::{Context, bail};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind, Read},
    rc::Rc,
};

/// Names and values of settings.
#[derive(Clone, Default)]
pub struct Settings(BTreeMap<String, Value>);

#[derive(Clone)]
struct Value {
    text: String,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Environment,
    Toml,
    DotEnv { line: usize },
}

impl Settings {
    /// Reads all three sources.
    #[expect(clippy::disallowed_methods, reason = "only this module reads the environment")]
    pub fn read() -> anyhow::Result<Self> {
        let mut settings = Self::default();
        if let Some(bytes) = read_file(".env")? {
            settings.add(from_dotenv(&bytes)?);
        }
        if let Some(bytes) = read_file("countersign.toml")? {
            settings.add(from_toml(&bytes)?);
        }
        for (name, value) in std::env::vars_os() {
            let Some(name) = name
                .to_str()
                .filter(|name| is_countersign_variable(name) && !is_service_link(name))
            else {
                continue;
            };
            let Ok(text) = value.into_string() else { bail!("{name} is not UTF-8") };
            settings.add([(name.to_owned(), Value { text, source: Source::Environment })]);
        }
        Ok(settings)
    }

    /// Adds a source with a higher precedence than the earlier ones. Empty values override nothing.
    fn add(&mut self, pairs: impl IntoIterator<Item = (String, Value)>) {
        for (name, value) in pairs {
            if value.text.trim().is_empty() {
                self.0.entry(name).or_insert(value);
            } else {
                self.0.insert(name, value);
            }
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.text.as_str())
    }

    /// Returns the file and line that a value comes from, for error messages.
    pub(super) fn source_location(&self, name: &str) -> Option<String> {
        match self.0.get(name)?.source {
            Source::Environment => None,
            Source::Toml => Some("countersign.toml".to_owned()),
            Source::DotEnv { line } => Some(format!(".env, line {line}")),
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Settings {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let value = |text: &str| Value { text: text.to_owned(), source: Source::Environment };
        Self(pairs.into_iter().map(|(name, text)| (name.to_owned(), value(text))).collect())
    }
}

fn is_countersign_variable(name: &str) -> bool {
    name.starts_with("COUNTERSIGN_") || Setting::from_name(name).is_some()
}

/// Returns whether a variable is set by Kubernetes or Docker links for a service whose name is or
/// starts with `countersign`: `COUNTERSIGN_SERVICE_HOST`, `COUNTERSIGN_DB_PORT_5432_TCP_ADDR`.
fn is_service_link(name: &str) -> bool {
    let Some(rest) =
        name.strip_prefix("COUNTERSIGN").filter(|_| Setting::from_name(name).is_none())
    else {
        return false;
    };
    let is_port = |rest: &str| {
        let (number, protocol) = rest.split_once('_').unwrap_or((rest, ""));
        let protocol = protocol.split_once('_').map_or(protocol, |(protocol, part)| {
            if matches!(part, "PROTO" | "PORT" | "ADDR") { protocol } else { "" }
        });
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

/// Reads a file. Returns `None` if it doesn't exist.
fn read_file(name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {name}")),
    }
}

/// Decodes the text of a file. The error names the line and quotes nothing.
fn utf8<'a>(file: &str, bytes: &'a [u8]) -> anyhow::Result<&'a str> {
    match std::str::from_utf8(bytes) {
        // A byte order mark is not part of the first name.
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => bail!("{file}, line {}: not UTF-8", line_at(bytes, error.valid_up_to())),
    }
}

/// Returns the line number of a byte offset.
fn line_at(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

fn from_toml(bytes: &[u8]) -> anyhow::Result<Vec<(String, Value)>> {
    let text = utf8("countersign.toml", bytes)?;
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        // The parser's message quotes the file, which may contain a secret.
        Err(error) => {
            let at = toml::de::Error::span(&error).map_or(0, |span| span.start);
            bail!(
                "countersign.toml, line {}: invalid TOML; expected NAME = \"value\"",
                line_at(text.as_bytes(), at)
            )
        }
    };
    let value = |(name, value): (String, toml::Value)| match text_of(value) {
        Some(text) => Ok((name, Value { text, source: Source::Toml })),
        None => bail!(
            "countersign.toml: {name} must be a string, a whole number, true or false, or a list \
             of these without commas in them"
        ),
    };
    let mut values = Vec::new();
    for (name, entry) in table {
        match entry {
            // `name` in the section `[brand]` is COUNTERSIGN_BRAND_NAME.
            toml::Value::Table(section) => {
                for (key, entry) in section {
                    let name = format!("COUNTERSIGN_{name}_{key}").to_ascii_uppercase();
                    values.push(value((name, entry))?);
                }
            }
            entry => values.push(value((name, entry))?),
        }
    }
    Ok(values)
}

/// Returns the text that the value of a setting has in the environment, if it has one.
fn text_of(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(if flag { "on" } else { "off" }.to_owned()),
        toml::Value::Array(items) => {
            let texts = items.into_iter().map(|item| {
                let text = if item.is_array() { None } else { text_of(item) };
                text.filter(|text| !text.contains(','))
            });
            Some(texts.collect::<Option<Vec<_>>>()?.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn from_dotenv(bytes: &[u8]) -> anyhow::Result<Vec<(String, Value)>> {
    // The parser rejects trailing spaces at the end of the file unless a line break follows.
    let text = format!("{}\n", utf8(".env", bytes)?);
    let reader = LineReader { rest: text.as_bytes(), lines: Rc::default() };
    let lines_read = reader.lines.clone();
    let (mut values, mut first_lines, mut before) = (Vec::new(), BTreeMap::new(), 0);
    for pair in dotenvy::from_read_iter(reader) {
        let line = first_line_after(&text, before);
        before = lines_read.get();
        // The parser's errors quote the line, which may contain a secret.
        let Ok((name, text)) = pair else {
            bail!(".env, line {line}: expected NAME=value, or a quote or ${{ is not closed")
        };
        if !is_countersign_variable(&name) {
            continue;
        }
        if let Some(first) = first_lines.insert(name.clone(), line) {
            bail!(".env, line {line}: {name} is already set in line {first}: remove one");
        }
        values.push((name, Value { text, source: Source::DotEnv { line } }));
    }
    Ok(values)
}

/// Returns the number of the first line after line `before` that is neither blank nor a comment.
fn first_line_after(text: &str, before: usize) -> usize {
    let is_content = |line: &str| !matches!(line.trim_start().chars().next(), None | Some('#'));
    before + 1 + text.lines().skip(before).take_while(|line| !is_content(line)).count()
}

/// Reads one line at a time, to count the lines that the parser has consumed.
struct LineReader<'a> {
    rest: &'a [u8],
    lines: Rc<Cell<usize>>,
}

impl Read for LineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let length = end.min(buffer.len());
        let (part, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(part);
        self.rest = rest;
        if part.ends_with(b"\n") {
            self.lines.set(self.lines.get() + 1);
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use proptest::prelude::*;

    fn dotenv(text: &str) -> Vec<(String, String)> {
        from_dotenv(text.as_bytes())
            .unwrap_or_else(|error| panic!("{text:?}: {error}"))
            .into_iter()
            .map(|(name, value)| (name, value.text))
            .collect()
    }

    fn value(text: &str) -> String {
        let values = dotenv(text);
        assert_eq!(values.len(), 1, "{text:?}");
        values[0].1.clone()
    }

    fn layered(sources: &[(Source, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (source, text) in sources {
            settings.add([(
                "DATABASE_URL".to_owned(),
                Value { text: (*text).to_owned(), source: *source },
            )]);
        }
        settings
    }

    #[test]
    fn service_link_variables_are_not_settings() {
        for name in [
            "COUNTERSIGN_SERVICE_HOST",
            "COUNTERSIGN_SERVICE_PORT",
            "COUNTERSIGN_SERVICE_PORT_HTTP",
            "COUNTERSIGN_PORT",
            "COUNTERSIGN_PORT_3000_TCP",
            "COUNTERSIGN_PORT_3000_TCP_PROTO",
            "COUNTERSIGN_PORT_3000_TCP_PORT",
            "COUNTERSIGN_PORT_3000_TCP_ADDR",
            "COUNTERSIGN_PORT_53_UDP_ADDR",
            "COUNTERSIGN_DB_SERVICE_HOST",
            "COUNTERSIGN_DB_PORT_5432_TCP",
            "COUNTERSIGN_NAME",
            "COUNTERSIGN_ENV_PATH",
        ] {
            assert!(is_service_link(name), "{name}");
        }
        for name in [
            "COUNTERSIGN_SERVICE",
            "COUNTERSIGN_ACESS_TTL",
            "COUNTERSIGN_PORTS",
            "COUNTERSIGN_PORT_HTTP",
            "COUNTERSIGN_PORT_99999_TCP",
            "COUNTERSIGN_ENVIRONMENT",
            "XCOUNTERSIGN_PORT",
        ] {
            assert!(!is_service_link(name), "{name}");
        }
        assert!(Setting::all().all(|setting| !is_service_link(setting.name())));
    }

    #[test]
    fn toml_file_uses_setting_names() {
        let pairs = from_toml(b"COUNTERSIGN_ACCESS_TTL = \"5m\"\nCOUNTERSIGN_HASH_THREADS = 3")
            .expect("settings");
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.text.as_str())).collect();
        assert_eq!(pairs, [("COUNTERSIGN_ACCESS_TTL", "5m"), ("COUNTERSIGN_HASH_THREADS", "3")]);
    }

    #[test]
    fn toml_section_is_part_of_the_name() {
        let pairs = from_toml(b"[brand]\nname = \"Fieldnotes\"\napp_url = \"https://a.example\"")
            .expect("valid");
        let mut names: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.text.as_str())).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                ("COUNTERSIGN_BRAND_APP_URL", "https://a.example"),
                ("COUNTERSIGN_BRAND_NAME", "Fieldnotes"),
            ]
        );
        assert!(from_toml(b"[brand.colors]\naccent = \"#000000\"").is_err());
    }

    #[test]
    fn toml_lists_and_booleans_are_those_of_the_environment() {
        let text =
            |toml: &str| from_toml(toml.as_bytes()).ok().map(|pairs| pairs[0].1.text.clone());
        assert_eq!(text("A = [\"x\", \"y\"]").as_deref(), Some("x,y"));
        assert_eq!(text("A = []").as_deref(), Some(""));
        assert_eq!(text("A = true").as_deref(), Some("on"));
        assert_eq!(text("A = false").as_deref(), Some("off"));
        for invalid in ["A = [\"x,y\"]", "A = [[\"x\"]]", "A = 1.5", "A = [{ b = 1 }]"] {
            assert_eq!(text(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn brand_block_of_the_guide_has_valid_settings() {
        let guide = include_str!("../../../docs/guides/brand.md");
        let block = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let values = from_toml(block.expect("a block").as_bytes()).expect("valid TOML");
        assert!(values.len() > 10);
        let problems = Config::from_settings(&Settings(values.into_iter().collect())).err();
        // The files of the brand don't exist.
        let other: Vec<_> = problems
            .into_iter()
            .flatten()
            .filter(|problem| !problem.contains("names a file that can't be read"))
            .collect();
        assert_eq!(other, Vec::<String>::new());
    }

    #[test]
    fn toml_error_quotes_no_value() {
        for text in ["COUNTERSIGN_SECRET = hunter2", "COUNTERSIGN_SECRET = [{ a = \"hunter2\" }]"] {
            let error = format!("{:#}", from_toml(text.as_bytes()).err().expect("wrong"));
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = format!(
            "{:#}",
            from_toml(b"COUNTERSIGN_MAIL = \"none\"\n\nCOUNTERSIGN_SECRET = hunter2\n")
                .err()
                .expect("wrong")
        );
        assert!(error.contains("line 3"), "{error}");
    }

    #[test]
    fn empty_value_overrides_nothing() {
        let [file, toml, environment] =
            [Source::DotEnv { line: 1 }, Source::Toml, Source::Environment];
        for empty in ["", " ", "\t\r\n"] {
            for sources in [
                vec![(file, "sqlite:a.db"), (environment, empty)],
                vec![(file, "sqlite:a.db"), (toml, empty)],
                vec![(file, "sqlite:a.db"), (toml, empty), (environment, empty)],
                vec![(file, "sqlite:b.db"), (toml, "sqlite:a.db"), (environment, empty)],
                vec![(file, empty), (toml, empty), (environment, "sqlite:a.db")],
                vec![(file, "sqlite:b.db"), (toml, "sqlite:c.db"), (environment, "sqlite:a.db")],
            ] {
                assert_eq!(
                    layered(&sources).get("DATABASE_URL"),
                    Some("sqlite:a.db"),
                    "{sources:?}"
                );
            }
        }
    }

    #[test]
    fn source_of_value_is_reported() {
        assert_eq!(
            layered(&[(Source::DotEnv { line: 7 }, "x"), (Source::Environment, "")])
                .source_location("DATABASE_URL")
                .as_deref(),
            Some(".env, line 7")
        );
        assert_eq!(
            layered(&[(Source::Toml, "x")]).source_location("DATABASE_URL").as_deref(),
            Some("countersign.toml")
        );
        assert_eq!(
            layered(&[(Source::Toml, "x"), (Source::Environment, "y")])
                .source_location("DATABASE_URL"),
            None
        );
    }

    #[test]
    fn dotenv_syntax_matches_documentation() {
        for (text, expected) in [
            ("COUNTERSIGN_MAIL=none", "none"),
            ("\u{feff}COUNTERSIGN_MAIL=none", "none"),
            ("  COUNTERSIGN_MAIL = none  ", "none"),
            ("COUNTERSIGN_MAIL=none \t", "none"),
            ("COUNTERSIGN_MAIL=none\r\n", "none"),
            ("export COUNTERSIGN_MAIL=none", "none"),
            ("COUNTERSIGN_MAIL=none # no email", "none"),
            ("COUNTERSIGN_MAIL=none#1", "none#1"),
            ("COUNTERSIGN_MAIL=\"a b # c\"", "a b # c"),
            ("COUNTERSIGN_MAIL='a b # $c'", "a b # $c"),
            ("COUNTERSIGN_MAIL=\"a\nb\"", "a\nb"),
            ("COUNTERSIGN_MAIL=a\\ b", "a b"),
            ("COUNTERSIGN_MAIL=", ""),
            ("COUNTERSIGN_MAIL=\"\"", ""),
            ("# COUNTERSIGN_MAIL=x\n\nCOUNTERSIGN_MAIL=none\nOTHER=1\n", "none"),
            (
                "OTHER=x\nLKNAME=example\nCOUNTERSIGN_MAIL=https://${LKNAME}.com",
                "https://example.com",
            ),
            ("LKNAME=example\nCOUNTERSIGN_MAIL=$LKNAME!", "example!"),
            ("LKNAME=example\nCOUNTERSIGN_MAIL='$LKNAME'", "$LKNAME"),
            ("LKNAME=example\nCOUNTERSIGN_MAIL=\\$LKNAME", "$LKNAME"),
            ("COUNTERSIGN_MAIL=a${COUNTERSIGN_TEST_UNSET}b", "ab"),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn dotenv_errors_name_line_and_quote_nothing() {
        for (text, line) in [
            (&b"COUNTERSIGN_SECRET hunter2"[..], 1),
            (
                b"# one\n\nCOUNTERSIGN_MAIL=none\n\n# five\nCOUNTERSIGN_SECRET: hunter2\nOTHER=1\n",
                6,
            ),
            (b"COUNTERSIGN_MAIL=\"a\nb\"\nhunter2\n", 3),
            (
                b"COUNTERSIGN_MAIL=none\nCOUNTERSIGN_SECRET='hunter2\nCOUNTERSIGN_PUBLIC_URL=x\n\n",
                2,
            ),
            (b"COUNTERSIGN_MAIL=none\nCOUNTERSIGN_SECRET=${hunter2\n", 2),
            (b"COUNTERSIGN_SECRET=hunter2 hunter2", 1),
            (b"COUNTERSIGN_SECRET=hunter2\\x", 1),
            (b"\n1=hunter2", 2),
            (b"COUNTERSIGN_MAIL=none\nCOUNTERSIGN_SECRET=hunter2\xff\n", 2),
            (b"COUNTERSIGN_SECRET=hunter2\nOTHER=1\nOTHER=2\nCOUNTERSIGN_SECRET=hunter2\n", 4),
        ] {
            let text_lossy = String::from_utf8_lossy(text).into_owned();
            let error = format!(
                "{:#}",
                from_dotenv(text).err().unwrap_or_else(|| panic!("{text_lossy:?} is read"))
            );
            assert!(
                error.contains(&format!("line {line}:")) && !error.contains("hunter2"),
                "{text_lossy:?}: {error}"
            );
        }
    }

    #[test]
    fn long_line_is_counted_once() {
        let long = format!("COUNTERSIGN_MAIL={}\nCOUNTERSIGN_SECRET", "x".repeat(100_000));
        let error = format!("{:#}", from_dotenv(long.as_bytes()).err().expect("wrong"));
        assert!(error.contains("line 2:"), "{error}");
    }

    proptest! {
        #[test]
        fn any_dotenv_text_is_read_or_rejected_with_line(
            text in r#"([A-Z_]{0,9}[ ='"$\{\}\\#]{0,3}[\PC\n\r]{0,20}\n?){0,5}"#,
        ) {
            if let Err(error) = from_dotenv(text.as_bytes()) {
                prop_assert!(error.to_string().starts_with(".env, line "));
            }
        }

        #[test]
        fn any_bytes_are_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_dotenv(&bytes);
            let _ = from_toml(&bytes);
        }

        #[test]
        fn single_quoted_value_is_unchanged(text in "[^']{0,40}") {
            prop_assume!(!text.contains('\r') && !text.contains('\\'));
            prop_assert_eq!(value(&format!("COUNTERSIGN_MAIL='{text}'")), text);
        }
    }
}
