//! How emails leave this machine: SMTP, files or the console.

use crate::mail::message::Message;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use std::{
    fmt, fs,
    io::{self, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;
use url::{Host, Url};

/// Timeout for one command of the SMTP dialogue.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);
/// Timeout for one email, from the connection to the final response.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(45);
/// Maximum length of a stored reason.
const MAX_REASON_BYTES: usize = 500;
/// The ports for message submission (RFC 8314, 3.3; RFC 6409).
const SMTPS_PORT: u16 = 465;
const SMTP_PORT: u16 = 587;

/// How emails are sent, in the form of the setting `COUNTERSIGN_MAIL`.
#[derive(Clone)]
pub enum MailTransport {
    /// `smtps://USER:PASSWORD@HOST` (TLS from the start) or `smtp://USER:PASSWORD@HOST`
    /// (`STARTTLS`, which is required).
    Smtp(SmtpTransport),
    /// `dir:PATH`: a file for each email.
    Directory(PathBuf),
    /// `console`: the text of each email on standard output, for development.
    Console,
    /// Memory, for tests.
    #[cfg(any(test, feature = "testing"))]
    Memory(memory::Mailbox),
}

/// A connection to an SMTP server.
#[derive(Clone)]
pub struct SmtpTransport {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// The URL without user name and password.
    shown: String,
}

/// Why a text does not name a transport. The message never quotes the text, which may contain a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransport {
    /// Another form.
    #[error(
        "must be none, console, dir:PATH, smtps://USER:PASSWORD@HOST:PORT or \
            smtp://USER:PASSWORD@HOST:PORT, with special characters percent-encoded"
    )]
    Form,
    /// A URL with parts that have no meaning.
    #[error("has an unknown part: only user name, password, host, port and ?tls=none are allowed")]
    Parts,
    /// Only one of user name and password.
    #[error("must have both a user name and a password, or none")]
    Credentials,
    /// Unencrypted SMTP to another machine.
    #[error("may have ?tls=none only with smtp:// and a loopback address")]
    Unencrypted,
    /// The name of the host cannot be used for TLS.
    #[error("has a host that is not valid for TLS")]
    Host,
}

/// Why an attempt to send an email failed.
#[derive(Debug)]
pub(crate) struct SendError {
    severity: Severity,
    /// The SMTP status, if the server responded.
    pub(crate) status: Option<u16>,
    /// The reason, for the operator. It may quote the recipient.
    pub(crate) reason: String,
}

/// How often an email that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// Until it is given up: the network, the server or a setting may be wrong and be corrected.
    Temporary,
    /// A few times: the server refuses emails of this sender or has reached a quota.
    Policy,
    /// Not at all: the recipient does not exist, or the email cannot be rendered.
    Refused,
}

/// Maximum number of attempts after [`Severity::Policy`].
const MAX_POLICY_ATTEMPTS: usize = 3;

impl MailTransport {
    /// Parses the value of the setting. `none` is not a transport.
    pub fn parse(text: &str) -> Result<Self, InvalidTransport> {
        if text == "console" {
            return Ok(Self::Console);
        }
        if let Some(path) = text.strip_prefix("dir:") {
            return if path.is_empty() {
                Err(InvalidTransport::Form)
            } else {
                Ok(Self::Directory(path.into()))
            };
        }
        SmtpTransport::parse(text).map(Self::Smtp)
    }

    /// Whether everyone who can read standard output can read the emails.
    #[must_use]
    pub const fn is_for_development(&self) -> bool {
        matches!(self, Self::Console)
    }

    /// Sends an email. Success means that the next server is responsible for it.
    pub(crate) async fn send(&self, message: &Message) -> Result<(), SendError> {
        match self {
            Self::Smtp(smtp) => smtp.send(message).await,
            Self::Directory(path) => {
                let (path, name) = (path.clone(), message.file_name());
                let bytes = message.formatted();
                tokio::task::spawn_blocking(move || write_file(&path, &name, &bytes))
                    .await
                    .map_err(io::Error::other)
                    .flatten()
                    .map_err(|error| SendError::local(&error))
            }
            Self::Console => print(message).map_err(|error| SendError::local(&error)),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(mailbox) => {
                mailbox.add(message);
                Ok(())
            }
        }
    }
}

/// Shows no password, so that a setting can be printed.
impl fmt::Display for MailTransport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(smtp) => out.write_str(&smtp.shown),
            Self::Directory(path) => write!(out, "dir:{}", path.display()),
            Self::Console => out.write_str("console"),
            #[cfg(any(test, feature = "testing"))]
            Self::Memory(_) => out.write_str("memory"),
        }
    }
}

impl fmt::Debug for MailTransport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MailTransport({self})")
    }
}

impl SmtpTransport {
    fn parse(text: &str) -> Result<Self, InvalidTransport> {
        let url = Url::parse(text).map_err(|_| InvalidTransport::Form)?;
        let (is_implicit, default_port) = match url.scheme() {
            "smtps" => (true, SMTPS_PORT),
            "smtp" => (false, SMTP_PORT),
            _ => return Err(InvalidTransport::Form),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidTransport::Form)?;
        // `Url` keeps the brackets of an IPv6 address.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidTransport::Parts);
        }
        let is_encrypted = match url.query() {
            None => true,
            Some("tls=none") if !is_implicit && is_loopback(&url) => false,
            Some("tls=none") => return Err(InvalidTransport::Unencrypted),
            Some(_) => return Err(InvalidTransport::Parts),
        };
        let tls = if is_encrypted {
            let parameters =
                TlsParameters::new(host.to_owned()).map_err(|_| InvalidTransport::Host)?;
            if is_implicit { Tls::Wrapper(parameters) } else { Tls::Required(parameters) }
        } else {
            Tls::None
        };
        let port = url.port().unwrap_or(default_port);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(COMMAND_TIMEOUT));
        match (url.username(), url.password()) {
            ("", None) => {}
            (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
                let decode = |text: &str| {
                    percent_encoding::percent_decode_str(text)
                        .decode_utf8()
                        .map(std::borrow::Cow::into_owned)
                        .map_err(|_| InvalidTransport::Form)
                };
                builder = builder.credentials(Credentials::new(decode(user)?, decode(password)?));
            }
            _ => return Err(InvalidTransport::Credentials),
        }
        let suffix = if is_encrypted { "" } else { "?tls=none" };
        let shown = format!("{}://{}:{port}{suffix}", url.scheme(), url.host_str().unwrap_or(""));
        Ok(Self { transport: builder.build(), shown })
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        match timeout(SEND_TIMEOUT, self.transport.send(message.as_lettre())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(SendError::smtp(&error)),
            Err(_) => Err(SendError {
                severity: Severity::Temporary,
                status: None,
                reason: format!("no response within {} s", SEND_TIMEOUT.as_secs()),
            }),
        }
    }
}

impl SendError {
    /// The error of an email that can never be sent.
    pub(crate) fn refused(reason: &str) -> Self {
        Self { severity: Severity::Refused, status: None, reason: printable(reason) }
    }

    fn local(error: &io::Error) -> Self {
        Self { severity: Severity::Temporary, status: None, reason: printable(&error.to_string()) }
    }

    fn smtp(error: &lettre::transport::smtp::Error) -> Self {
        let status = error.status().map(u16::from);
        let reason = printable(&crate::error_chain(error));
        let severity = match status {
            // Syntax, order, authentication and encryption are about this server and its settings
            // (RFC 5321, 4.2.3; RFC 4954, 6).
            Some(500..=504 | 521 | 523 | 530 | 534 | 535 | 538) => Severity::Temporary,
            Some(550..=559) if is_about_recipient(&reason) => Severity::Refused,
            Some(500..=599) => Severity::Policy,
            _ => Severity::Temporary,
        };
        Self { severity, status, reason }
    }

    /// Returns whether the email is given up after this attempt, counted from 1.
    pub(crate) const fn is_final(&self, attempt: usize) -> bool {
        match self.severity {
            Severity::Temporary => false,
            Severity::Policy => attempt >= MAX_POLICY_ATTEMPTS,
            Severity::Refused => true,
        }
    }
}

/// Whether the enhanced status code of a response is about the address of the recipient: 5.1.x, but
/// 5.1.7 and 5.1.8 are about the sender (RFC 3463, 3.2). The text is that of
/// [`lettre::transport::smtp::Error`].
fn is_about_recipient(error: &str) -> bool {
    let code = error.split_once("): ").map_or("", |(_, text)| text).split(' ').next();
    code.is_some_and(|code| code.starts_with("5.1.") && !matches!(code, "5.1.7" | "5.1.8"))
}

/// Replaces control characters, which could change a terminal, and shortens a text.
fn printable(text: &str) -> String {
    let mut printable: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    truncate(&mut printable, MAX_REASON_BYTES);
    printable
}

/// Shortens a text to at most `most` bytes.
fn truncate(text: &mut String, most: usize) {
    while text.len() > most {
        text.pop();
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // `Url` parses only the hosts of web URLs as addresses.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Writes a file that appears complete or not at all.
fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    Ok(())
}

fn print(message: &Message) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nTo: {}\nSubject: {}\n\n{}", message.to, message.subject, message.text)?;
    out.flush()
}

/// Parses a sender such as `Example <accounts@example.com>`.
pub(crate) fn parse_mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok().filter(|_| !text.contains(['\r', '\n']))
}

#[cfg(any(test, feature = "testing"))]
pub(crate) mod memory {
    //! A mailbox in memory, for tests.

    use super::Message;
    use std::sync::{Arc, Mutex, PoisonError};

    /// An email that was sent.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names of the parts of an email")]
    pub struct SentMail {
        pub to: String,
        pub subject: String,
        pub text: String,
        pub html: String,
        /// The whole message.
        pub raw: String,
    }

    /// The emails that were sent, oldest first. Clones share them.
    #[derive(Clone, Debug, Default)]
    pub struct Mailbox(Arc<Mutex<Vec<SentMail>>>);

    impl Mailbox {
        pub(super) fn add(&self, message: &Message) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(SentMail {
                to: message.to.clone(),
                subject: message.subject.clone(),
                text: message.text.clone(),
                html: message.html.clone(),
                raw: String::from_utf8_lossy(&message.formatted()).into_owned(),
            });
        }

        /// Takes the emails out.
        #[must_use]
        pub fn take(&self) -> Vec<SentMail> {
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_error_is_final_only_if_it_is_about_the_recipient() {
        for (error, expected) in [
            ("permanent error (550): 5.1.1 no such user", true),
            ("permanent error (553): 5.1.3 bad syntax", true),
            ("permanent error (550): 5.1.8 sender address rejected", false),
            ("permanent error (554): 5.7.1 client host 5.1.20.30 blocked", false),
            ("permanent error (550): no such user", false),
        ] {
            assert_eq!(is_about_recipient(error), expected, "{error}");
        }
    }

    #[test]
    fn transport_is_shown_without_credentials() {
        for (text, shown) in [
            ("console", "console"),
            ("dir:data/mail", "dir:data/mail"),
            ("smtp://mail.example.com", "smtp://mail.example.com:587"),
            ("smtps://ada:p%40ss@mail.example.com", "smtps://mail.example.com:465"),
            ("smtps://ada:pass@mail.example.com:2465/", "smtps://mail.example.com:2465"),
            ("smtp://127.0.0.1:2525?tls=none", "smtp://127.0.0.1:2525?tls=none"),
            ("smtp://[::1]:2525?tls=none", "smtp://[::1]:2525?tls=none"),
        ] {
            let transport = MailTransport::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(transport.to_string(), shown);
            assert_eq!(format!("{transport:?}"), format!("MailTransport({shown})"));
        }
    }

    #[test]
    fn invalid_transport_is_refused_with_its_reason() {
        use InvalidTransport as I;
        for (text, reason) in [
            ("", I::Form),
            ("none", I::Form),
            ("dir:", I::Form),
            ("mail.example.com", I::Form),
            ("http://mail.example.com", I::Form),
            ("smtp://", I::Form),
            ("smtp://mail.example.com/path", I::Parts),
            ("smtp://mail.example.com?tls=opportunistic", I::Parts),
            ("smtp://mail.example.com#x", I::Parts),
            ("smtp://ada@mail.example.com", I::Credentials),
            ("smtp://:pass@mail.example.com", I::Credentials),
            ("smtp://mail.example.com?tls=none", I::Unencrypted),
            ("smtps://127.0.0.1?tls=none", I::Unencrypted),
            ("smtp://127.0.0.1.example.com?tls=none", I::Unencrypted),
        ] {
            assert_eq!(MailTransport::parse(text).expect_err(text), reason, "{text}");
        }
    }

    #[tokio::test]
    async fn directory_gets_one_complete_file_for_each_email() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("new");
        let transport = MailTransport::Directory(path.clone());
        let message = crate::mail::message::tests::message("ada@example.com");
        transport.send(&message).await.expect("sent");
        let files: Vec<_> = fs::read_dir(&path).expect("a folder").map(Result::unwrap).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(fs::read(files[0].path()).expect("a file"), message.formatted());
    }
}
