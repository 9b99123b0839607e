//! Types shared by the browser and the server: identifiers, input rules, forms and views.
//!
//! The crate is compiled natively and to WebAssembly. It has no I/O, no clock, no randomness, no
//! framework. Its only user-visible texts are those of the closed sets that it declares: problems,
//! field errors, audit events and months. All others are in `countersign_leptos::messages`.
#![warn(missing_docs)]

pub mod access;
pub mod activity_filter;
pub mod display_name;
pub mod email;
pub mod event_kind;
pub mod field_error;
pub mod forms;
pub mod id;
pub mod message;
pub mod one_time_code;
pub mod password;
pub mod password_weakness;
pub mod path;
pub mod problem;
pub mod redirect_path;
mod return_urls;
#[cfg(feature = "sqlx")]
mod sqlx_column;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod views;

pub use access::{Access, FRESH_PERIOD};
pub use activity_filter::ActivityFilter;
pub use display_name::DisplayName;
pub use email::Email;
pub use event_kind::{EventKind, EventSeverity, EventTopic};
pub use field_error::{Field, FieldError, FieldErrors, ParseFieldErrorsError};
pub use id::{EventId, LinkId, MailId, SessionId, UserId, VerificationId};
pub use message::Message;
pub use one_time_code::OneTimeCode;
pub use password::Password;
pub use password_weakness::PasswordWeakness;
pub use problem::{ParseProblemError, Problem};
pub use redirect_path::RedirectPath;
pub use return_urls::ReturnUrls;
#[cfg(feature = "sqlx")]
pub(crate) use sqlx_column::sqlx_column;
pub use time::{MONTHS, TimeSpan, Timestamp, UtcDateTime};
