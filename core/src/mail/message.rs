//! A rendered email as a message (RFC 5322) with a text part and an HTML part.
//!
//! Values reach header fields only as types of lettre, which parse addresses and encode text, so
//! no value can add a field.

use crate::{
    Error,
    mail::{
        logo::{LOGO_ID, MailLogo},
        rendering::RenderedMail,
    },
};
use countersign_types::{MailId, Timestamp};
use lettre::{
    Address,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use std::time::{Duration, UNIX_EPOCH};

/// An email that is ready to be sent.
pub(crate) struct Message {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    #[cfg(any(test, feature = "testing"))]
    pub(crate) html: String,
    id: MailId,
    inner: lettre::Message,
}

/// The header fields that are the same in every message of this server.
pub(crate) struct Sender<'a> {
    pub(crate) from: &'a Mailbox,
    pub(crate) reply_to: Option<&'a Mailbox>,
    pub(crate) logo: Option<&'a MailLogo>,
}

impl Message {
    /// Builds a message. Its `Message-ID` is the same for each attempt to send it, so that servers
    /// can recognize a duplicate. Fails if the recipient is not an address.
    pub(crate) fn new(
        sender: &Sender<'_>,
        id: MailId,
        to: &str,
        mail: RenderedMail,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let RenderedMail { subject, text, html } = mail;
        let address: Address = to.parse().map_err(Error::internal)?;
        let millis = u64::try_from(now.0).unwrap_or(0);
        let mut builder = lettre::Message::builder()
            .from(sender.from.clone())
            .to(Mailbox::new(None, address))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{id}@{}>", sender.from.email.domain())))
            .subject(subject.clone())
            // No answering machine answers (RFC 3834, 5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = sender.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        #[cfg(any(test, feature = "testing"))]
        let kept = html.clone();
        let body = match sender.logo {
            None => MultiPart::alternative_plain_html(text.clone(), html),
            Some(logo) => {
                let media_type = logo.media_type().parse().map_err(Error::internal)?;
                let image = Attachment::new_inline(LOGO_ID.to_owned());
                let related = MultiPart::related()
                    .singlepart(SinglePart::html(html))
                    .singlepart(image.body(logo.bytes(), media_type));
                MultiPart::alternative()
                    .singlepart(SinglePart::plain(text.clone()))
                    .multipart(related)
            }
        };
        let message = builder.multipart(body).map_err(Error::internal)?;
        Ok(Self {
            to: to.to_owned(),
            subject,
            text,
            #[cfg(any(test, feature = "testing"))]
            html: kept,
            id,
            inner: message,
        })
    }

    pub(crate) fn as_lettre(&self) -> lettre::Message {
        self.inner.clone()
    }

    /// Returns the whole message as bytes.
    pub(crate) fn formatted(&self) -> Vec<u8> {
        self.inner.formatted()
    }

    /// Returns the name of a file for this message. Names sort by the time of creation.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.eml", self.id)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    fn build(to: &str, subject: &str) -> Result<Message, Error> {
        let from = "Example <accounts@example.com>".parse().expect("a mailbox");
        let reply_to = "help@example.com".parse().expect("a mailbox");
        let sender = Sender { from: &from, reply_to: Some(&reply_to), logo: None };
        let mail = RenderedMail {
            subject: subject.to_owned(),
            text: "Hello\n".to_owned(),
            html: "<p>Hello</p>".to_owned(),
        };
        let now = Timestamp(1_767_225_600_000);
        Message::new(&sender, MailId(Uuid::from_u128(7)), to, mail, now)
    }

    /// A message to this address.
    pub(crate) fn message(to: &str) -> Message {
        build(to, "Hello").expect("a message")
    }

    #[test]
    fn message_has_the_headers_of_an_automatic_email() {
        let text = String::from_utf8(message("ada@example.com").formatted()).expect("text");
        for line in [
            "From: Example <accounts@example.com>\r\n",
            "Reply-To: help@example.com\r\n",
            "To: ada@example.com\r\n",
            "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative;",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn logo_is_part_of_the_message() {
        let from = "accounts@example.com".parse().expect("a mailbox");
        let logo = MailLogo::new(b"\x89PNG\r\n\x1a\n...").expect("a logo");
        let sender = Sender { from: &from, reply_to: None, logo: Some(&logo) };
        let mail = RenderedMail {
            subject: "Hello".to_owned(),
            text: "Hello\n".to_owned(),
            html: "<img src=\"cid:logo\">".to_owned(),
        };
        let (id, now) = (MailId(Uuid::from_u128(7)), Timestamp(0));
        let message = Message::new(&sender, id, "ada@example.com", mail, now).expect("a message");
        let text = String::from_utf8(message.formatted()).expect("text");
        for line in [
            "Content-Type: multipart/alternative;",
            "Content-Type: multipart/related;",
            "Content-ID: <logo>\r\n",
            "Content-Type: image/png\r\n",
            "iVBORw0KGgo",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn line_breaks_in_subject_add_no_header() {
        for subject in ["a\r\nBcc: eve@example.com", "a\nBcc: eve@example.com", "a\rBcc: e@x.y"] {
            let message = build("ada@example.com", subject).expect("a message");
            let text = String::from_utf8(message.formatted()).expect("text");
            assert!(!text.contains("\nBcc:") && !text.contains("\rBcc:"), "{text}");
        }
    }

    #[test]
    fn recipient_with_line_break_is_refused() {
        for to in ["ada@example.com\r\nBcc: eve@example.com", "ada@example.com, eve@example.com"] {
            assert!(build(to, "Hello").is_err(), "{to}");
        }
    }
}
