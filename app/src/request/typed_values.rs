//! (server) What a user has typed into a form that was refused, in a cookie between the response
//! and the page with the form.

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
pub struct TypedValues(Vec<(Field, String)>);

impl TypedValues {
    /// Reads the values of a form as browsers send it. Returns `None` if there are none.
    #[must_use]
    pub fn of_form(form: &[u8]) -> Option<Self> {
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

/// Returns what the user typed into a field of the form that was refused, if it is kept.
pub(crate) fn typed_value(field: Field) -> Option<String> {
    let (request, http) = (use_context::<Parts>()?, use_context::<HttpState>()?);
    let cookie = cookies::typed_cookie(&request.headers, http.cookies())?;
    let TypedValues(values) = TypedValues::decode(&cookie)?;
    values.into_iter().find_map(|(typed, value)| (typed == field).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_email_address_and_name_are_kept() {
        let form = b"form[email]=ada%40example.com&form[name]=Ada+L.&form[password]=secret+1&next=";
        let kept = TypedValues::of_form(form).expect("values");
        assert_eq!(
            kept.0,
            [(Field::Email, "ada@example.com".to_owned()), (Field::Name, "Ada L.".to_owned())]
        );
        assert_eq!(TypedValues::decode(&kept.encode()).expect("a cookie").0, kept.0);
        assert!(TypedValues::of_form(b"form[password]=secret+1&form[email]=").is_none());
        let long = format!("form[email]={}", "a".repeat(MAX_VALUE_BYTES + 1));
        assert!(TypedValues::of_form(long.as_bytes()).is_none());
    }

    #[test]
    fn any_cookie_is_read_or_ignored() {
        for cookie in ["", "x", "!!", "AAAA", "ZW1haWw9"] {
            assert!(TypedValues::decode(cookie).is_none(), "{cookie}");
        }
    }
}
