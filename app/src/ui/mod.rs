//! The components that pages are made of: forms, fields, notices, times. They know the rules of
//! `types` and the words, but nothing of accounts, of server functions or of who is signed in.
//! Each takes no more than six properties. Their styles are in `style/components/`, a file for each
//! kind of thing on the page.
//!
//! They are written to stay small in the browser: what depends on a type is a thin shell around
//! something that is compiled once.

pub mod awaited;
pub mod card;
pub mod check_box;
pub mod dialog;
pub mod field;
pub mod form;
mod layer;
pub mod list;
pub mod menu;
pub mod notice;
pub mod page_head;
pub mod password;
pub mod press;
pub mod said;
pub mod sending;
pub mod side_nav;
pub mod submit;
pub mod theme;
pub mod when;

pub use awaited::{Pending, awaited, loading, nothing, provide_pending};
pub use card::Card;
pub use check_box::CheckBox;
pub use dialog::Dialog;
pub use field::TextField;
pub use form::{Fields, Form};
pub use list::List;
pub use menu::Menu;
pub use notice::{Notice, Tone, Trouble, problem_notice};
pub use page_head::{PageHead, arrives, focus_on_content, provide_arrivals};
pub use password::PasswordField;
pub use press::Press;
pub use said::said;
pub use sending::{Sending, refused, sending};
pub use side_nav::SideNav;
pub use submit::Submit;
pub use theme::ThemeSwitch;
pub use when::{Ago, Day, When};
