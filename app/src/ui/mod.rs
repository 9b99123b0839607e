//! The components that pages are made of: forms, fields, notices, times. They know the rules of `contract` and the words, but nothing of accounts,
//! of server functions or of who is signed in. Each has a file of the same name in `style/components/`, and takes no more than six properties.
//!
//! They are written to stay small in the browser: what depends on a type is a thin shell around something that is compiled once.

pub mod awaited;
pub mod check_box;
pub mod dialog;
pub mod field;
pub mod form;
pub mod menu;
pub mod notice;
pub mod password;
pub mod press;
pub mod sending;
pub mod side_nav;
pub mod submit;
pub mod theme;
pub mod when;

pub use awaited::{Pending, awaited, loading, nothing, provide_pending};
pub use check_box::CheckBox;
pub use dialog::Dialog;
pub use field::TextField;
pub use form::{Fields, Form};
pub use menu::Menu;
pub use notice::{Notice, Tone, Trouble, problem_notice};
pub use password::PasswordField;
pub use press::Press;
pub use sending::{Sending, refused, sending};
pub use side_nav::SideNav;
pub use submit::Submit;
pub use theme::ThemeSwitch;
pub use when::{Ago, Day, When};
