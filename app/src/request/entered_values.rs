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

/// The name of the server function in the cookie.
const FUNCTION: &str = "function";

/// The values of [`FIELDS`] in a form.
#[derive(Debug, PartialEq, Eq)]
pub struct EnteredValues {
    /// The path of the server function of the form.
    function: String,
    values: Vec<(Field, String)>,
}

impl EnteredValues {
    /// Reads the values of a form as browsers send it to this server function. Returns `None` if
    /// there are none.
    #[must_use]
    pub fn from_form(function: &str, form: &[u8]) -> Option<Self> {
        Self::parse(function.to_owned(), form, |field| format!("form[{}]", field.name()))
    }

    fn parse(function: String, form: &[u8], name: impl Fn(Field) -> String) -> Option<Self> {
        let values: Vec<_> = FIELDS
            .into_iter()
            .filter_map(|field| {
                let value = find(form, &name(field))?;
                (!value.is_empty() && value.len() <= MAX_VALUE_BYTES).then_some((field, value))
            })
            .collect();
        (!values.is_empty()).then_some(Self { function, values })
    }

    /// Returns the value of the cookie.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair(FUNCTION, &self.function);
        for (field, value) in &self.values {
            form.append_pair(field.name(), value);
        }
        URL_SAFE_NO_PAD.encode(form.finish())
    }

    fn decode(cookie: &str) -> Option<Self> {
        let form = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        Self::parse(find(&form, FUNCTION)?, &form, |field| field.name().to_owned())
    }
}

fn find(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// Returns the value that the user entered in a field of the refused form of this server function,
/// if it is kept.
pub(crate) fn entered_value(function: &str, field: Field) -> Option<String> {
    let (request, http) = (use_context::<Parts>()?, use_context::<HttpState>()?);
    let cookie = cookies::entered_cookie(&request.headers, http.cookies())?;
    let entered = EnteredValues::decode(&cookie).filter(|entered| entered.function == function)?;
    entered.values.into_iter().find_map(|(of, value)| (of == field).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_email_address_and_name_are_kept() {
        let form = b"form[email]=ada%40example.com&form[name]=Ada+L.&form[password]=secret+1&next=";
        let kept = EnteredValues::from_form("/fn/signup", form).expect("values");
        assert_eq!(kept.function, "/fn/signup");
        assert_eq!(
            kept.values,
            [(Field::Email, "ada@example.com".to_owned()), (Field::Name, "Ada L.".to_owned())]
        );
        assert_eq!(EnteredValues::decode(&kept.encode()), Some(kept));
        let long = format!("form[email]={}", "a".repeat(MAX_VALUE_BYTES + 1));
        for form in ["form[password]=secret+1&form[email]=", &long] {
            assert_eq!(EnteredValues::from_form("/fn/login", form.as_bytes()), None);
        }
    }

    #[test]
    fn malformed_cookie_is_ignored() {
        for cookie in ["", "x", "!!", "AAAA", "ZW1haWw9"] {
            assert!(EnteredValues::decode(cookie).is_none(), "{cookie}");
        }
    }
}
