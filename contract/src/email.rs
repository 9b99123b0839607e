//! The e-mail address: what counts as one, and when two are the same.

use crate::Fault;
use std::fmt;

/// The longest address that a mail server must accept (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX: u16 = 254;
/// The longest part before the `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX: usize = 64;

/// An address of the shape `local@domain`, without the blanks that were around it.
///
/// It is kept as it was typed; [`Email::key`] is what two spellings of one mailbox share. ASCII only: browsers turn an international domain
/// in an `<input type="email">` into its ASCII form, and a look-alike letter can then not make a second account.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Checks the shape, not whether the mailbox exists.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            return Err(Fault::Missing);
        }
        if text.len() > usize::from(MAX) {
            return Err(Fault::TooLong { max: MAX });
        }
        let well_formed = text.rsplit_once('@').is_some_and(|(local, domain)| is_local(local) && is_domain(domain));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(Fault::Malformed) }
    }

    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What identifies the account: the whole address in lower case. (RFC 5321 lets the local part differ by case; no mail provider does,
    /// and two accounts that differ only in this would be a trap.)
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

fn is_local(local: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    (1..=LOCAL_MAX).contains(&local.len()) && local.bytes().all(plain) && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(label)
}

/// An address is personal: logs show only that there is one.
impl fmt::Debug for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_accepted_as_typed() {
        for text in ["ada@example.com", "Ada.Lovelace+test@Example.co.uk", "o'brien@xn--bcher-kva.example", "a@b.c"] {
            assert_eq!(Email::parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn one_mailbox_has_one_key() {
        let keys: Vec<_> = ["Alice@X.org", "alice@x.org", " alice@x.org ", "ALICE@x.ORG\n"].map(|text| Email::parse(text).expect(text).key()).into();
        assert!(keys.iter().all(|key| key == "alice@x.org"), "{keys:?}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "ada",
            "@x.org",
            "ada@",
            "ada@localhost",
            "a b@x.org",
            "ada@x..org",
            ".ada@x.org",
            "a..b@x.org",
            "ada@-x.org",
            "ada@x.org\r\nBcc: b@x.org",
            "ada@x.org\0",
            "аda@x.org",
        ] {
            assert_eq!(Email::parse(text), Err(Fault::Malformed), "{text:?}");
        }
        assert_eq!(Email::parse("  "), Err(Fault::Missing));
        assert_eq!(Email::parse(&format!("{}@x.org", "a".repeat(249))), Err(Fault::TooLong { max: 254 }));
        assert_eq!(Email::parse(&format!("{}@x.org", "a".repeat(65))), Err(Fault::Malformed));
    }

    #[test]
    fn an_address_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", Email::parse("ada@example.com")).contains("ada"));
    }
}
