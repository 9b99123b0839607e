//! The logo that emails contain. It is part of each email, because mail programs do not load images
//! from elsewhere, or tell the sender when they do.

use std::{fmt, sync::Arc};

/// Maximum size of a logo in bytes: it is sent with every email.
pub const MAX_LOGO_BYTES: usize = 65_536;

/// The `Content-ID` of the logo, to which the HTML part refers.
pub(super) const LOGO_ID: &str = "logo";

/// A PNG, JPEG or GIF image.
#[derive(Clone, PartialEq, Eq)]
pub struct MailLogo {
    bytes: Arc<[u8]>,
    media_type: &'static str,
}

/// The reason why an image cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogo {
    /// It exceeds [`MAX_LOGO_BYTES`].
    #[error("must have at most {MAX_LOGO_BYTES} bytes")]
    TooLarge,
    /// It is of another format. Most mail programs do not show SVG.
    #[error("must be a PNG, JPEG or GIF image")]
    OtherFormat,
}

impl MailLogo {
    /// Creates the logo from the content of a file.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidLogo> {
        if bytes.len() > MAX_LOGO_BYTES {
            return Err(InvalidLogo::TooLarge);
        }
        let formats: [(&[u8], &'static str); 4] = [
            (b"\x89PNG\r\n\x1a\n", "image/png"),
            (b"\xff\xd8\xff", "image/jpeg"),
            (b"GIF87a", "image/gif"),
            (b"GIF89a", "image/gif"),
        ];
        let format = formats.iter().find(|(start, _)| bytes.starts_with(start));
        let (_, media_type) = format.ok_or(InvalidLogo::OtherFormat)?;
        Ok(Self { bytes: bytes.into(), media_type })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    pub(super) const fn media_type(&self) -> &'static str {
        self.media_type
    }
}

impl fmt::Debug for MailLogo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MailLogo({}, {} bytes)", self.media_type, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logo_is_a_small_image_of_a_common_format() {
        let png = b"\x89PNG\r\n\x1a\n...";
        assert_eq!(MailLogo::new(png).expect("a logo").media_type(), "image/png");
        for other in [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"", b"\x89PNG"] {
            assert_eq!(MailLogo::new(other), Err(InvalidLogo::OtherFormat));
        }
        let mut large = png.to_vec();
        large.resize(MAX_LOGO_BYTES, 0);
        assert!(MailLogo::new(&large).is_ok());
        large.push(0);
        assert_eq!(MailLogo::new(&large), Err(InvalidLogo::TooLarge));
    }
}
