//! The types of single settings.

use super::value::{NONE, ReadValue, SettingValue, parse_duration};
use crate::logging;
use countersign_core::{
    HashingConfig, LimitedAction, RateLimit, RateLimits, ServerSecret, SignUpPolicy, Verification,
    mail::{MailTransport, check_mailbox},
};
use countersign_http::IntrospectionSecret;
use countersign_types::TimeSpan;
use std::{fs, net::IpAddr, os::unix::fs::PermissionsExt, path::PathBuf};
use url::{Host, Url};

/// Returns an error with all messages whose condition is true.
fn reject<const N: usize>(conditions: [(bool, &str); N]) -> Result<(), String> {
    let messages: Vec<_> =
        conditions.iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, message)| *message).collect();
    if messages.is_empty() { Ok(()) } else { Err(messages.join("; ")) }
}

/// `required`, `optional` or `off`.
impl SettingValue for Verification {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        [Self::Required, Self::Optional, Self::Off]
            .into_iter()
            .find(|choice| choice.to_text() == text)
            .ok_or_else(|| "must be required, optional or off".to_owned())
    }

    fn to_text(&self) -> String {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Off => "off",
        }
        .to_owned()
    }
}

impl SettingValue for SignUpPolicy {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        [Self::Open, Self::Invited, Self::Closed]
            .into_iter()
            .find(|choice| choice.to_text() == text)
            .ok_or_else(|| "must be open, invited or closed".to_owned())
    }

    fn to_text(&self) -> String {
        match self {
            Self::Open => "open",
            Self::Invited => "invited",
            Self::Closed => "closed",
        }
        .to_owned()
    }
}

/// The origin of the server, as `http` or `https` URL. Plain `http` is for private addresses only.
#[derive(Clone)]
pub(super) struct PublicUrl(pub(super) Url);

impl SettingValue for PublicUrl {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or("must be the URL that users open, such as https://accounts.example.com")?;
        reject([
            (
                url.path() != "/"
                    || url.query().is_some()
                    || url.fragment().is_some()
                    || !url.username().is_empty(),
                "must be an origin, without path, query or user name",
            ),
            (
                url.scheme() == "http" && !is_private(&url),
                "must start with https:// on a public address: otherwise passwords and tokens are \
                 sent unencrypted",
            ),
        ])?;
        Ok(Self(url))
    }

    fn to_text(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

/// An exact origin (RFC 6454): scheme, host and port, as browsers send them.
#[derive(Clone)]
pub(super) struct ExactOrigin(pub(super) String);

impl SettingValue for ExactOrigin {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| {
                matches!(url.scheme(), "http" | "https")
                    && !text.contains('*')
                    && url.origin().ascii_serialization() == *text
            })
            .ok_or(
                "must be an exact origin such as https://app.example.com, in lower case and \
                 without a trailing slash",
            )?;
        reject([(
            url.scheme() == "http" && !is_private(&url),
            "may start with http:// only on loopback and private addresses",
        )])?;
        Ok(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// A contact URI (RFC 9116, 2.5.3). An email address must be written as `mailto:`.
#[derive(Clone)]
pub(super) struct SecurityContact(String);

impl SettingValue for SecurityContact {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        let is_uri = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "mailto" | "https" | "tel") && !url.path().is_empty()
        });
        reject([(
            !is_uri || !text.bytes().all(|byte| byte.is_ascii_graphic()),
            "must be a mailto:, https: or tel: URI such as mailto:security@example.com",
        )])?;
        Ok(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// How emails are sent, or `none`.
#[derive(Clone)]
pub(super) struct MailSetting(pub(super) Option<MailTransport>);

impl SettingValue for MailSetting {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        if text == NONE {
            return Ok(Self(None));
        }
        MailTransport::parse(text)
            .map(|transport| Self(Some(transport)))
            .map_err(|error| error.to_string())
    }

    fn to_text(&self) -> String {
        self.0.as_ref().map_or_else(|| NONE.to_owned(), MailTransport::to_string)
    }
}

/// An address with or without a name, for the header fields of emails.
#[derive(Clone)]
pub(super) struct MailboxSetting(pub(super) String);

impl SettingValue for MailboxSetting {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        check_mailbox(text).map_err(|error| error.to_string())?;
        Ok(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// Must be 32 random bytes, like the server secret.
impl SettingValue for IntrospectionSecret {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        <ServerSecret as SettingValue>::parse(text, &())?;
        Ok(Self::new(text.to_owned()))
    }

    fn to_text(&self) -> String {
        "given".to_owned()
    }
}

/// A file with the introspection secret, which only its owner and group can read.
#[derive(Clone)]
pub(super) struct IntrospectionSecretFile {
    path: PathBuf,
    pub(super) secret: IntrospectionSecret,
}

impl SettingValue for IntrospectionSecretFile {
    type Bounds = ();

    fn parse(path: &str, (): &()) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|_| "names a file that can't be read")?;
        let is_public = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0);
        let secret = <IntrospectionSecret as SettingValue>::parse(text.trim(), &());
        reject([
            (is_public, "names a file that is readable by all users: run chmod 600"),
            (secret.is_err(), secret.as_ref().map_or_else(String::as_str, |_| "")),
        ])?;
        Ok(Self { path: path.into(), secret: secret? })
    }

    fn to_text(&self) -> String {
        self.path.to_text()
    }
}

/// Cost of password hashing: `m=19456,t=2,p=1`.
#[derive(Clone, Copy)]
pub(super) struct Argon2Cost {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
}

impl Default for Argon2Cost {
    fn default() -> Self {
        let HashingConfig { memory_kib, iterations, parallelism, .. } = HashingConfig::new(1);
        Self { memory_kib, iterations, parallelism }
    }
}

impl Argon2Cost {
    /// Parses the three parameters, in this order.
    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(',').map(str::trim);
        let mut part =
            |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
        let cost = Self { memory_kib: part("m")?, iterations: part("t")?, parallelism: part("p")? };
        let is_possible = (1..=8).contains(&cost.parallelism)
            && (8 * cost.parallelism..=4 * 1024 * 1024).contains(&cost.memory_kib)
            && (1..=16).contains(&cost.iterations);
        (is_possible && parts.next().is_none()).then_some(cost)
    }

    /// Returns whether the cost is one of ASVS 5.0, appendix C: less memory requires more
    /// iterations.
    pub(super) const fn is_strong(self) -> bool {
        let (m, t) = (self.memory_kib, self.iterations);
        (m >= 47_104 || m >= 19_456 && t >= 2 || m >= 12_288 && t >= 3) && self.parallelism == 1
    }
}

impl SettingValue for Argon2Cost {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        let form = "must have the form m=19456,t=2,p=1 (memory in KiB, iterations, parallelism)";
        Self::from_text(text).ok_or_else(|| form.to_owned())
    }

    fn to_text(&self) -> String {
        format!("m={},t={},p={}", self.memory_kib, self.iterations, self.parallelism)
    }
}

/// A rate limit, or `off`: `60/3s` is a burst of 60, and one more every 3 s.
pub(super) struct Limit(pub(super) Option<RateLimit>);

impl Limit {
    fn from_text(text: &str) -> Option<RateLimit> {
        let (burst, period) = text.split_once('/')?;
        let limit =
            RateLimit { burst: burst.trim().parse().ok()?, period: parse_duration(period.trim())? };
        let is_possible = (1..=100_000).contains(&limit.burst)
            && (TimeSpan::seconds(1)..=TimeSpan::days(1)).contains(&limit.period);
        is_possible.then_some(limit)
    }
}

impl SettingValue for Limit {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        Self::from_text(text).map(|limit| Self(Some(limit))).ok_or_else(|| {
            "must be off, or a number from 1 to 100000, a slash and a duration from 1s to 1d, such \
             as 60/3s"
                .to_owned()
        })
    }

    fn to_text(&self) -> String {
        self.0.map_or_else(
            || "off".to_owned(),
            |limit| format!("{}/{}", limit.burst, limit.period.to_text()),
        )
    }
}

/// Reads the limits of all actions in the table of `core`.
pub(super) fn read_limits(source: &mut impl ReadValue) -> RateLimits {
    let mut limits = RateLimits::default();
    for action in LimitedAction::ALL {
        let rule = action.rule();
        limits.set(*action, source.read(rule.setting, Limit(Some(rule.default)), &()).0);
    }
    limits
}

/// A log filter, in the syntax of `RUST_LOG`.
#[derive(Clone)]
pub struct LogFilter(String);

impl LogFilter {
    /// Returns the text of the filter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(logging::DEFAULT_FILTER.to_owned())
    }
}

impl SettingValue for LogFilter {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        reject([(!logging::is_filter(text), "must be a filter such as info,sqlx=warn")])?;
        Ok(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// `true` or `false`, as `cargo leptos` writes them.
#[derive(Clone, Copy)]
pub(super) struct TrueOrFalse(pub(super) bool);

impl SettingValue for TrueOrFalse {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "must be true or false".to_owned())
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

/// Any value other than `off` is on: `cargo leptos watch` decides what it writes.
#[derive(Clone, Copy)]
pub(super) struct Watch(pub(super) bool);

impl SettingValue for Watch {
    type Bounds = ();

    fn parse(text: &str, (): &()) -> Result<Self, String> {
        Ok(Self(text != "off"))
    }

    fn to_text(&self) -> String {
        self.0.to_text()
    }
}

/// Returns whether the host of a URL is this machine or in a private network.
pub(super) fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(Host::Ipv6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Some(Host::Domain(name)) => {
            is_loopback(url)
                || matches!(name.rsplit('.').next(), Some("local" | "internal" | "test"))
        }
        None => false,
    }
}

/// Returns whether the host of a URL is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
