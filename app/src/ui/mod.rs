//! The components that pages consist of: forms, fields, notices, dates. They use the validation
//! rules of `types` and the messages, but know nothing of accounts, server functions or the current
//! user. Each has at most six properties. `style/components/` has one style sheet for each kind of
//! element.
//!
//! To keep the Wasm module small, code that depends on a type is a thin wrapper around code that is
//! compiled once.

pub mod async_view;
pub mod card;
pub mod checkbox;
pub mod code_field;
pub mod cooldown;
pub mod datetime;
pub mod dialog;
pub mod form;
pub mod form_action;
pub mod form_values;
pub mod interpolate;
pub mod list;
pub mod menu;
pub mod notice;
pub mod page_header;
pub mod password_field;
mod popover;
pub mod post_button;
pub mod side_nav;
pub mod submit_button;
pub mod text_field;
pub mod theme_switch;

pub use async_view::{BusyIndicator, async_view, empty, loading, provide_busy_indicator};
pub use card::Card;
pub use checkbox::Checkbox;
pub use code_field::CodeField;
pub use cooldown::Cooldown;
pub use datetime::{Date, DateTime, RelativeTime};
pub use dialog::Dialog;
pub use form::Form;
pub use form_action::{FormAction, error_from_query, form_action};
pub use form_values::FormValues;
pub use interpolate::interpolate;
pub use list::List;
pub use menu::Menu;
pub use notice::{ErrorWithRetry, Notice, Severity, problem_notice};
pub use page_header::{PageHeader, focus_main, focus_on_navigation, provide_navigation_focus};
pub use password_field::PasswordField;
pub use post_button::PostButton;
pub use side_nav::SideNav;
pub use submit_button::SubmitButton;
pub use text_field::TextField;
pub use theme_switch::ThemeSwitch;
