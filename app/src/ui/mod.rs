//! The components that pages consist of: forms, fields, notices, dates. They use the validation
//! rules of `types` and the messages, but know nothing of accounts, server functions or the current
//! user. Each has at most six properties. `style/components/` has one style sheet for each kind of
//! element.
//!
//! The browser needs only the components of islands. To keep the Wasm module small, code that
//! depends on a type is a thin wrapper around code that is compiled once.

#[cfg(feature = "ssr")]
pub mod avatar;
#[cfg(feature = "ssr")]
pub mod card;
pub mod checkbox;
pub mod code_field;
#[cfg(feature = "ssr")]
pub mod cooldown;
mod countdown;
#[cfg(feature = "ssr")]
pub mod datetime;
#[cfg(feature = "ssr")]
pub mod dialog;
mod event_target;
mod field_note;
pub mod form;
pub mod form_action;
pub mod form_values;
pub mod icon;
pub mod interpolate;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
pub mod logo;
#[cfg(feature = "ssr")]
pub mod menu;
pub mod notice;
#[cfg(feature = "ssr")]
pub mod page_header;
pub mod page_listeners;
pub(crate) mod part;
pub mod password_field;
#[cfg(feature = "ssr")]
pub mod post_button;
#[cfg(feature = "ssr")]
pub mod side_nav;
pub mod submit_button;
pub mod text_field;
pub mod theme_switch;
pub mod username_field;

#[cfg(feature = "ssr")]
pub use self::{
    avatar::{avatar, email_address, identity},
    card::Card,
    cooldown::Cooldown,
    datetime::{Date, DateTime, RelativeTime, TimeOfDay},
    dialog::Dialog,
    icon::{Tone, icon, icon_box},
    list::List,
    logo::{auth_logo, wordmark},
    menu::Menu,
    page_header::{PageHeader, window_title},
    post_button::PostButton,
    side_nav::{NavLink, SideNav},
    theme_switch::theme_switch,
};
pub use checkbox::Checkbox;
pub use code_field::CodeField;
pub use form::Form;
pub use form_action::{FormAction, form_action};
pub use form_values::FormValues;
pub use icon::Icon;
pub use interpolate::interpolate;
pub use notice::{Notice, Severity, problem_notice};
pub use password_field::PasswordField;
pub use submit_button::SubmitButton;
pub use text_field::TextField;
pub use username_field::UsernameField;
