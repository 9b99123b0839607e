//! Puts the words, facts and links of a mail into the templates: one for HTML and one for plain
//! text. Neither the words (`words`) nor sending are here.

use super::{
    accent::MailAccent,
    content::MailContent,
    logo::LOGO_ID,
    words::{self, Action},
};
use crate::one_time_links::CODE_TTL;
use askama::Template;
use countersign_types::{Message, TimeSpan};

/// Maximum number of columns of the text part. Only URLs and other long words exceed it.
const TEXT_COLUMNS: usize = 76;

/// A one-time link, with the code that does the same.
pub(crate) struct MailLink {
    /// The address of the page that the link opens.
    pub(crate) url: String,
    /// The digits of the code, without spaces.
    pub(crate) code: Option<String>,
    /// How long the link works, in minutes.
    pub(crate) valid_minutes: u32,
}

/// The site and the recipient of a mail.
pub(crate) struct MailContext<'a> {
    /// The name of the product.
    pub(crate) product: &'a str,
    /// The address of the site, without a slash at the end.
    pub(crate) base_url: &'a str,
    /// The email address of the recipient.
    pub(crate) recipient: &'a str,
    /// The one-time link.
    pub(crate) link: Option<&'a MailLink>,
    /// Whether the message contains a logo.
    pub(crate) has_logo: bool,
    /// The color of links and buttons.
    pub(crate) accent: &'a MailAccent,
}

/// A mail that is ready to be sent.
pub(crate) struct RenderedMail {
    /// The subject: one line, without control characters.
    pub(crate) subject: String,
    /// The plain text part.
    pub(crate) text: String,
    /// The HTML part.
    pub(crate) html: String,
}

/// A link with its label.
struct Link {
    label: &'static str,
    url: String,
}

/// The values of the templates.
struct Mail<'a> {
    product: String,
    /// The URL of the logo inside the message.
    logo: Option<String>,
    accent: &'a MailAccent,
    base_url: &'a str,
    heading: &'static str,
    lead: String,
    code: Option<String>,
    facts: Vec<(&'static str, String)>,
    advice: &'static str,
    link: Option<Link>,
    validity: Option<String>,
    see_also: Option<Link>,
    reason: String,
}

#[derive(Template)]
#[template(path = "mail/mail.html")]
struct HtmlPart<'a> {
    mail: &'a Mail<'a>,
}

#[derive(Template)]
#[template(path = "mail/mail.txt")]
struct TextPart<'a> {
    mail: &'a Mail<'a>,
}

/// Renders a mail. Fails if it needs a link and the context has none.
pub(crate) fn render(
    content: &MailContent,
    &MailContext { product, base_url, recipient, link, has_logo, accent }: &MailContext<'_>,
) -> Result<RenderedMail, askama::Error> {
    let words = words::words(content, product, recipient);
    let page =
        |label: Message, path| Link { label: label.text(), url: format!("{base_url}{path}") };
    let missing = |what| askama::Error::custom(format!("mail `{}` needs {what}", content.name()));
    let one_time_link = |label: Message| {
        let link = link.ok_or_else(|| missing("a link"))?;
        let ttl = TimeSpan::minutes(link.valid_minutes.into());
        Ok::<_, askama::Error>((
            Link { label: label.text(), url: link.url.clone() },
            link.code.as_deref(),
            ttl,
        ))
    };

    let (link, code, validity) = match words.action {
        Action::Code(label) => {
            let (link, code, ttl) = one_time_link(label)?;
            let validity = words::validity(code.map(|_| CODE_TTL), ttl);
            (Some(link), code.map(grouped), Some(validity))
        }
        Action::Link(label) => {
            let (link, _, ttl) = one_time_link(label)?;
            (Some(link), None, Some(words::validity(None, ttl)))
        }
        Action::Page(label, path) => (Some(page(label, path)), None, None),
        Action::None => (None, None, None),
    };
    let subject = match &code {
        Some(code) => words::code_subject(code, words.heading),
        None => words.subject,
    };
    let lead = match (&words.action, &code) {
        (Action::Code(_), None) => words::LEAD_WITHOUT_CODE.text(),
        _ => &words.lead,
    };

    // Names, addresses and devices reach the templates only through `one_line`.
    let mail = Mail {
        product: one_line(product),
        logo: has_logo.then(|| format!("cid:{LOGO_ID}")),
        accent,
        base_url,
        heading: words.heading.text(),
        lead: one_line(lead),
        code,
        facts: words::facts(content)
            .into_iter()
            .map(|(label, value)| (label, one_line(&value)))
            .collect(),
        advice: words.advice,
        link,
        validity,
        see_also: words.see_also.map(|(label, path)| page(label, path)),
        reason: one_line(&words.reason),
    };
    Ok(RenderedMail {
        subject: one_line(&subject),
        text: wrap(&TextPart { mail: &mail }.render()?),
        html: HtmlPart { mail: &mail }.render()?,
    })
}

/// Renders the HTML part of a sample. `product` is the name of the product, `base_url` the address
/// of the site without a slash at the end.
#[must_use]
pub fn sample_mail(product: &str, base_url: &str, accent: &MailAccent) -> String {
    let link = MailLink {
        url: format!("{base_url}/link?token=example"),
        code: Some("419203".to_owned()),
        valid_minutes: 30,
    };
    let context = MailContext {
        product,
        base_url,
        recipient: "ada@example.com",
        link: Some(&link),
        has_logo: false,
        accent,
    };
    render(&MailContent::VerifyEmail, &context).map(|mail| mail.html).unwrap_or_default()
}

/// Groups the digits of a code in threes: "419 203".
fn grouped(code: &str) -> String {
    let digits: Vec<char> = code.chars().filter(char::is_ascii_digit).collect();
    digits.chunks(3).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

/// Removes line breaks, control characters and marks that change the direction of the text, so that
/// a device can imitate neither a header nor another line.
fn one_line(text: &str) -> String {
    let is_separator = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.split(is_separator).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Breaks lines of more than [`TEXT_COLUMNS`] characters between words.
fn wrap(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len());
    for line in text.lines() {
        if line.chars().count() <= TEXT_COLUMNS {
            wrapped.push_str(line);
        } else {
            let mut column = 0;
            for word in line.split_whitespace() {
                let width = word.chars().count();
                if column > 0 {
                    let fits = column + 1 + width <= TEXT_COLUMNS;
                    wrapped.push(if fits { ' ' } else { '\n' });
                    column = if fits { column + 1 } else { 0 };
                }
                wrapped.push_str(word);
                column += width;
            }
        }
        wrapped.push('\n');
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mail::content::Origin, one_time_links::LinkPurpose};
    use countersign_types::Timestamp;
    use std::sync::LazyLock;

    const AT: Timestamp = Timestamp(1_795_713_120_000);
    static ACCENT: LazyLock<MailAccent> = LazyLock::new(MailAccent::default);
    const DELETE_AT: Timestamp = Timestamp(1_796_836_320_000);

    fn origin(device: &str) -> Origin {
        Origin { at: AT, device: Some(device.into()), address: Some("203.0.113.20".into()) }
    }

    fn contents(device: &str) -> Vec<MailContent> {
        let origin = || origin(device);
        vec![
            MailContent::SignUp,
            MailContent::AccountExists,
            MailContent::VerifyEmail,
            MailContent::Invitation,
            MailContent::ResetPassword,
            MailContent::ChangeEmail,
            MailContent::NewDevice(origin()),
            MailContent::PasswordChanged(origin()),
            MailContent::PasswordReset(origin()),
            MailContent::EmailChanged { new_email: "new@example.com".into(), origin: origin() },
            MailContent::ReuseDetected(origin()),
            MailContent::DeletionRequested { delete_at: DELETE_AT, origin: origin() },
            MailContent::DeletionCancelled(origin()),
            MailContent::Test,
        ]
    }

    fn context(link: Option<&MailLink>) -> MailContext<'_> {
        MailContext {
            product: "Countersign",
            base_url: "https://accounts.example.com",
            recipient: "ada@example.com",
            link,
            has_logo: false,
            accent: &ACCENT,
        }
    }

    fn link_for(content: &MailContent) -> MailLink {
        let code = content.has_code().then(|| "419203".into());
        let ttl = content.link_purpose().map_or(TimeSpan::minutes(0), LinkPurpose::ttl);
        let valid_minutes = u32::try_from(ttl.as_seconds() / 60).expect("minutes");
        let url = "https://accounts.example.com/link?token=mJ0yq8Zl2xW5tR7vB1nK4cD6fG9hS3aP";
        MailLink { url: url.into(), code, valid_minutes }
    }

    fn rendered(content: &MailContent) -> RenderedMail {
        let link = link_for(content);
        render(content, &context(Some(&link))).expect("a mail")
    }

    #[test]
    fn every_mail_matches_its_snapshot() {
        for content in contents("Chrome on Windows") {
            let RenderedMail { subject, text, html } = rendered(&content);
            let mail = format!("Subject: {subject}\n\n{text}\n{html}");
            insta::assert_snapshot!(content.name(), mail);
        }
    }

    #[test]
    fn name_is_the_tag_in_json() {
        for content in contents("Chrome on Windows") {
            let json = serde_json::to_value(&content).expect("JSON");
            assert_eq!(json["template"], content.name());
            assert_eq!(serde_json::from_value::<MailContent>(json).expect("content"), content);
        }
    }

    #[test]
    fn untrusted_device_cannot_inject_markup_or_headers() {
        let device = "<a href=\"x\">\r\nBcc: eve@example.com\u{2028}\u{202e}&\0";
        let shown = "<a href=\"x\"> Bcc: eve@example.com &";
        for content in contents(device) {
            let mail = rendered(&content);
            assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
            assert!(!mail.html.contains("<a href=\"x\">"), "{}", mail.html);
            for part in [&mail.text, &mail.html] {
                assert!(!part.contains(['\r', '\0', '\u{2028}', '\u{202e}']), "{part}");
            }
            assert!(mail.text.lines().all(|line| !line.starts_with("Bcc")), "{}", mail.text);
            assert_eq!(mail.text.contains(shown), content.origin().is_some());
        }
        let new_device = rendered(&MailContent::NewDevice(origin(device)));
        assert_eq!(new_device.subject, format!("New log-in from {shown}"));
    }

    #[test]
    fn untrusted_product_and_recipient_are_escaped() {
        for content in contents("Chrome on Windows") {
            let link = link_for(&content);
            let untrusted = MailContext {
                product: "<b>\r\nProduct",
                recipient: "\"<i>\r\n\"@example.com",
                ..context(Some(&link))
            };
            let mail = render(&content, &untrusted).expect("a mail");
            assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
            assert!(!mail.html.contains("<b>") && !mail.html.contains("<i>"), "{}", mail.html);
            assert!(!mail.text.contains('\r'), "{}", mail.text);
        }
    }

    #[test]
    fn link_mails_without_link_are_errors() {
        for content in contents("Chrome on Windows") {
            let needs_link = !matches!(content, MailContent::AccountExists | MailContent::Test);
            assert_eq!(render(&content, &context(None)).is_err(), needs_link, "{content:?}");
        }
    }

    #[test]
    fn repeated_mail_without_code_mentions_none() {
        for content in contents("Chrome on Windows") {
            let link = MailLink { code: None, ..link_for(&content) };
            let mail = render(&content, &context(Some(&link))).expect("a mail");
            for part in [&mail.subject, &mail.text] {
                assert!(!part.contains("code") || content.origin().is_some(), "{part}");
            }
        }
    }

    #[test]
    fn text_part_has_at_most_76_columns() {
        for content in contents(&"Very long name of a device ".repeat(9)) {
            for line in rendered(&content).text.lines() {
                let is_url = line.starts_with("https://") && !line.contains(' ');
                assert!(is_url || line.chars().count() <= TEXT_COLUMNS, "{line}");
            }
        }
    }

    #[test]
    fn html_part_loads_nothing() {
        for content in contents("Chrome on Windows") {
            let html = rendered(&content).html;
            for remote in ["<img", "<script", "<link", "<form", "src=", "url(", "@import"] {
                assert!(!html.contains(remote), "{remote} in {html}");
            }
        }
    }

    #[test]
    fn notice_of_unknown_origin_omits_what_is_unknown() {
        let unknown = Origin { at: AT, device: None, address: None };
        let mail = rendered(&MailContent::NewDevice(unknown));
        assert_eq!(mail.subject, "New log-in to your account");
        assert!(!mail.text.contains("Device") && !mail.text.contains("IP address"));
        assert!(mail.text.contains("26 November 2026, 17:12 UTC"));
    }
}
