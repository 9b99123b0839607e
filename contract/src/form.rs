//! The forms: what was typed, and `check()`, which turns it into what it means or says what is wrong with each field.
//!
//! The browser runs `check()` before it sends; the server runs it again and trusts only itself.

use crate::{Email, Faults, Field, Name, Next, Password};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Somebody wants in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct LogIn {
    /// The e-mail address as typed.
    #[serde(default)]
    pub email: String,
    /// The password as typed.
    #[serde(default)]
    pub password: String,
    /// Where to go afterwards; see [`Next`].
    #[serde(default)]
    pub next: String,
    /// "Keep me signed in", as a check box sends it: empty if it was not ticked.
    #[serde(default)]
    pub keep: String,
}

/// What a [`LogIn`] means.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose account.
    pub email: Email,
    /// To be compared with the stored hash.
    pub password: Password,
    /// Where to go afterwards.
    pub next: Next,
    /// Whether the session is to outlive the browser.
    pub keep: bool,
}

impl LogIn {
    /// Says what is wrong with each field, or what it all means.
    pub fn check(&self) -> Result<Credentials, Faults> {
        let mut faults = Faults::default();
        let email = faults.take(Field::Email, Email::parse(&self.email));
        let password = faults.take(Field::Password, Password::given(&self.password));
        match (email, password) {
            (Some(email), Some(password)) => Ok(Credentials { email, password, next: Next::parse(&self.next), keep: !self.keep.is_empty() }),
            _ => Err(faults),
        }
    }
}

/// Somebody wants an account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct SignUp {
    /// The name, which may be left out.
    #[serde(default)]
    pub name: String,
    /// The e-mail address as typed.
    #[serde(default)]
    pub email: String,
    /// The new password as typed.
    #[serde(default)]
    pub password: String,
    /// Where to go afterwards; see [`Next`].
    #[serde(default)]
    pub next: String,
    /// From the link by which the first administrator comes in; empty for everybody else.
    #[serde(default)]
    pub invite: String,
}

/// What a [`SignUp`] means.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name, if one was given.
    pub name: Option<Name>,
    /// The address that identifies the account.
    pub email: Email,
    /// To be hashed.
    pub password: Password,
    /// Where to go afterwards.
    pub next: Next,
}

impl SignUp {
    /// Says what is wrong with each field, or what it all means.
    pub fn check(&self) -> Result<NewUser, Faults> {
        let mut faults = Faults::default();
        let name = faults.take(Field::Name, Name::parse(&self.name));
        let email = faults.take(Field::Email, Email::parse(&self.email));
        let password = faults.take(Field::Password, Password::new(&self.password, email.as_ref()));
        match (name, email, password) {
            (Some(name), Some(email), Some(password)) => Ok(NewUser { name, email, password, next: Next::parse(&self.next) }),
            _ => Err(faults),
        }
    }
}

/// Somebody wants to be called something else.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Rename {
    /// The new name as typed; empty takes the name away.
    #[serde(default)]
    pub name: String,
    /// For which session the form was made: [`crate::view::Account::tag`].
    #[serde(default)]
    pub tag: String,
}

impl Rename {
    /// Says what is wrong with the name, or what it is.
    pub fn check(&self) -> Result<Option<Name>, Faults> {
        Name::parse(&self.name).map_err(|fault| (Field::Name, fault).into())
    }
}

/// Somebody wants another password.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The password until now, as typed.
    #[serde(default)]
    pub current: String,
    /// The password from now on, as typed.
    #[serde(default)]
    pub new: String,
    /// For which session the form was made: [`crate::view::Account::tag`].
    #[serde(default)]
    pub tag: String,
}

/// What a [`ChangePassword`] means.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// To be compared with the stored hash.
    pub current: Password,
    /// To be hashed.
    pub new: Password,
}

impl ChangePassword {
    /// Says what is wrong with each field, or what it all means. `email`: whose password it is, where that is known.
    pub fn check(&self, email: Option<&Email>) -> Result<NewPassword, Faults> {
        let mut faults = Faults::default();
        let current = faults.take(Field::Current, Password::given(&self.current));
        let new = faults.take(Field::New, Password::new(&self.new, email));
        match (current, new) {
            (Some(current), Some(new)) => Ok(NewPassword { current, new }),
            _ => Err(faults),
        }
    }
}

/// Somebody wants a session of theirs to end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EndSession {
    /// Which: [`crate::view::SessionView::id`]. Empty: all but the one that asks.
    #[serde(default)]
    pub session: String,
    /// For which session the form was made: [`crate::view::Account::tag`].
    #[serde(default)]
    pub tag: String,
}

// What was typed is personal or secret: none of it is ever shown.
macro_rules! redacted {
    ($($form:ident),*) => {$(
        impl fmt::Debug for $form {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($form), "(…)"))
            }
        }
    )*};
}
redacted!(LogIn, SignUp, Rename, ChangePassword);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    #[test]
    fn an_empty_form_names_every_field_that_it_needs() {
        assert_eq!(LogIn::default().check().expect_err("faults").0, [(Field::Email, Fault::Missing), (Field::Password, Fault::Missing)]);
        assert_eq!(SignUp::default().check().expect_err("faults").0, [(Field::Email, Fault::Missing), (Field::Password, Fault::Missing)]);
    }

    #[test]
    fn a_short_password_is_a_fault_when_it_is_new_and_merely_wrong_when_it_is_given() {
        let (email, password) = ("ada@example.com".to_owned(), "short".to_owned());
        assert!(LogIn { email: email.clone(), password: password.clone(), ..LogIn::default() }.check().is_ok());
        let faults = SignUp { email, password, ..SignUp::default() }.check().expect_err("faults");
        assert_eq!(faults.of(Field::Password), Some(Fault::TooShort { min: 8 }));
        assert_eq!(faults.of(Field::Email), None);
    }

    #[test]
    fn nothing_typed_shows_in_debug_output() {
        let form = SignUp { name: "Ada".into(), email: "ada@example.com".into(), password: "hunter2hunter2".into(), ..SignUp::default() };
        let shown = format!("{form:?} {:?}", form.check());
        assert!(!shown.contains("hunter2") && !shown.contains("ada@"), "{shown}");
    }
}
