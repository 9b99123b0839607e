//! (browser) Decodes JSON with the browser's own parser. A parser in Rust, with the code that
//! `serde` derives for each type, would be a tenth of the Wasm module. The server writes the JSON
//! with `serde_json`, under the same names.

use countersign_types::{
    EventId, EventKind, LinkId, SessionId, Timestamp, UserId,
    views::{
        Account, ActivityEvent, ActivityEventPage, LinkAction, LogInResponse, OpenedLink,
        RequestedMail, Role, SessionInfo, SessionList, SessionTokens, TaggedAccount,
    },
};
use js_sys::{Array, Date, JSON, Object, Reflect};
use leptos::wasm_bindgen::JsValue;

/// A type that can be decoded from a JavaScript value.
pub trait FromJs: Sized {
    /// Returns `None` if the value has another shape.
    fn from_js(value: &JsValue) -> Option<Self>;
}

/// Parses JSON. Returns `None` if it is malformed or has another shape.
pub fn read<T: FromJs>(text: &str) -> Option<T> {
    T::from_js(&JSON::parse(text).ok()?)
}

/// Decodes a property of an object.
pub fn property<T: FromJs>(object: &JsValue, name: &str) -> Option<T> {
    T::from_js(&Reflect::get(object, &JsValue::from_str(name)).ok()?)
}

/// Returns an object with these properties as JSON.
pub fn write(properties: &[(&str, JsValue)]) -> String {
    let object = Object::new();
    for (name, value) in properties {
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    JSON::stringify(&object).map(String::from).unwrap_or_default()
}

impl FromJs for () {
    fn from_js(_: &JsValue) -> Option<Self> {
        Some(())
    }
}

impl FromJs for String {
    fn from_js(value: &JsValue) -> Option<Self> {
        value.as_string()
    }
}

impl FromJs for bool {
    fn from_js(value: &JsValue) -> Option<Self> {
        value.as_bool()
    }
}

impl FromJs for i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the server writes whole numbers only")]
    fn from_js(value: &JsValue) -> Option<Self> {
        value.as_f64().map(|number| number as Self)
    }
}

impl FromJs for u32 {
    fn from_js(value: &JsValue) -> Option<Self> {
        i64::from_js(value)?.try_into().ok()
    }
}

impl<T: FromJs> FromJs for Option<T> {
    fn from_js(value: &JsValue) -> Option<Self> {
        if value.is_null() || value.is_undefined() {
            Some(None)
        } else {
            T::from_js(value).map(Some)
        }
    }
}

impl<T: FromJs> FromJs for Vec<T> {
    fn from_js(value: &JsValue) -> Option<Self> {
        Array::is_array(value)
            .then(|| Array::from(value).iter().map(|item| T::from_js(&item)).collect())?
    }
}

impl FromJs for Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "dates are whole milliseconds")]
    fn from_js(value: &JsValue) -> Option<Self> {
        let milliseconds = Date::parse(&value.as_string()?);
        (!milliseconds.is_nan()).then_some(Self(milliseconds as i64))
    }
}

impl FromJs for TaggedAccount {
    fn from_js(value: &JsValue) -> Option<Self> {
        Some(Self {
            account: Account::from_js(value)?,
            session_tag: property(value, "session_tag")?,
        })
    }
}

/// Implements [`FromJs`] for types that are strings in JSON.
macro_rules! text {
    ($($type:ty: $read:expr),*) => {$(
        impl FromJs for $type {
            fn from_js(value: &JsValue) -> Option<Self> {
                $read(&value.as_string()?)
            }
        }
    )*};
}
text! {
    UserId: |text: &str| text.parse().ok(),
    LinkId: |text: &str| text.parse().ok(),
    SessionId: |text: &str| text.parse().ok(),
    EventId: |text: &str| text.parse().ok(),
    LinkAction: LinkAction::from_name,
    Role: Role::from_name,
    EventKind: EventKind::from_name
}

/// Implements [`FromJs`] for structs that are objects in JSON, with the same names.
macro_rules! object {
    ($($type:ident { $($member:ident),* })*) => {$(
        impl FromJs for $type {
            fn from_js(value: &JsValue) -> Option<Self> {
                Some(Self { $($member: property(value, stringify!($member))?),* })
            }
        }
    )*};
}
object! {
    Account {
        id, email, email_verified, verification_due, pending_email, name, roles, created_at,
        reuse_detected_at, deletion_scheduled_at
    }
    SessionTokens { access_token, expires_in, persistent, account }
    LogInResponse { next, session }
    RequestedMail { link_id }
    OpenedLink { link_id, email, action }
    SessionInfo { id, device, address, created_at, last_seen_at, current }
    SessionList { as_of, items }
    ActivityEvent { id, kind, at, device, address }
    ActivityEventPage { items, next_cursor, searched_to }
}
