//! What can be wrong with a field, as data. The words for it are in `app::words`.

use serde::{Deserialize, Serialize};

/// A field of one of the forms in [`crate::form`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The e-mail address.
    Email,
    /// The password, at log-in and sign-up.
    Password,
    /// The name that the account shows.
    Name,
    /// Where a password is changed: the one until now.
    Current,
    /// Where a password is changed: the one from now on.
    New,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Password, Self::Name, Self::Current, Self::New];

    /// The name of the field in forms and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::Name => "name",
            Self::Current => "current",
            Self::New => "new",
        }
    }
}

/// One thing that is wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing was given.
    Missing,
    /// Not of the shape that this field has.
    Malformed,
    /// Shorter than `min` bytes.
    TooShort {
        /// The least number of bytes.
        min: u16,
    },
    /// Longer than `max` bytes.
    TooLong {
        /// The greatest number of bytes.
        max: u16,
    },
    /// Contains a control character or one that turns the direction of the text around it.
    Unprintable,
    /// A password that is the e-mail address, or its first part.
    LikeEmail,
    /// A password that is among the first that anybody would try. Only the server knows the lists.
    Guessable,
    /// Not the password that the account has.
    Wrong,
}

impl Fault {
    /// The stable code of this fault in the JSON API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Unprintable => "unprintable",
            Self::LikeEmail => "like_email",
            Self::Guessable => "guessable",
            Self::Wrong => "wrong",
        }
    }
}

/// What is wrong with a form: at most one fault for each field, in the order of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Faults(pub Vec<(Field, Fault)>);

impl Faults {
    /// The fault of one field.
    #[must_use]
    pub fn of(&self, field: Field) -> Option<Fault> {
        self.0.iter().find(|(of, _)| *of == field).map(|(_, fault)| *fault)
    }

    /// Keeps the value, or the fault under the name of the field.
    pub(crate) fn take<T>(&mut self, field: Field, parsed: Result<T, Fault>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(fault) => {
                self.0.push((field, fault));
                None
            }
        }
    }
}

impl From<(Field, Fault)> for Faults {
    fn from(fault: (Field, Fault)) -> Self {
        Self(vec![fault])
    }
}
