//! (server) The email address and the name that a user entered in a refused form. They are in a
//! cookie between the response and the page with the form.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_http::{HttpState, cookies};
use countersign_types::Field;
use http::request::Parts;
use leptos::prelude::use_context;
use url::form_urlencoded;

/// The fields that are kept. No password and no code is among them.
const FIELDS: [Field; 2] = [Field::Email, Field::Name];
/// Maximum length of a value in bytes, longer than any valid one.
const MAX_VALUE_BYTES: usize = 512;

/// The values of [`FIELDS`].
pub struct EnteredValues(Vec<(Field, String)>);

impl EnteredValues {
    /// Reads the values of a form as browsers send it. Returns `None` if there are none.
    #[must_use]
    pub fn from_form(form: &[u8]) -> Option<Self> {
        Self::parse(form, |field| format!("form[{}]", field.name()))
    }

    fn parse(form: &[u8], name: impl Fn(Field) -> String) -> Option<Self> {
        let values: Vec<_> = FIELDS
            .into_iter()
            .filter_map(|field| {
                let name = name(field);
                let (_, value) = form_urlencoded::parse(form).find(|(key, _)| *key == name)?;
                let is_kept = !value.is_empty() && value.len() <= MAX_VALUE_BYTES;
                is_kept.then(|| (field, value.into_owned()))
            })
            .collect();
        (!values.is_empty()).then_some(Self(values))
    }

    /// Returns the value of the cookie.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (field, value) in &self.0 {
            form.append_pair(field.name(), value);
        }
        URL_SAFE_NO_PAD.encode(form.finish())
    }

    fn decode(cookie: &str) -> Option<Self> {
        let form = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        Self::parse(&form, |field| field.name().to_owned())
    }
}

/// Returns the value that the user entered in a field of the refused form, if it is kept.
pub(crate) fn entered_value(field: Field) -> Option<String> {
    let (request, http) = (use_context::<Parts>()?, use_context::<HttpState>()?);
    let cookie = cookies::entered_cookie(&request.headers, http.cookies())?;
    let EnteredValues(values) = EnteredValues::decode(&cookie)?;
    values.into_iter().find_map(|(of, value)| (of == field).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_email_address_and_name_are_kept() {
        let form = b"form[email]=ada%40example.com&form[name]=Ada+L.&form[password]=secret+1&next=";
        let kept = EnteredValues::from_form(form).expect("values");
        assert_eq!(
            kept.0,
            [(Field::Email, "ada@example.com".to_owned()), (Field::Name, "Ada L.".to_owned())]
        );
        assert_eq!(EnteredValues::decode(&kept.encode()).expect("a cookie").0, kept.0);
        assert!(EnteredValues::from_form(b"form[password]=secret+1&form[email]=").is_none());
        let long = format!("form[email]={}", "a".repeat(MAX_VALUE_BYTES + 1));
        assert!(EnteredValues::from_form(long.as_bytes()).is_none());
    }

    #[test]
    fn malformed_cookie_is_ignored() {
        for cookie in ["", "x", "!!", "AAAA", "ZW1haWw9"] {
            assert!(EnteredValues::decode(cookie).is_none(), "{cookie}");
        }
    }
}
