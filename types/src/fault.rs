//! What can be wrong with a field, as data. The words for it are in `countersign_leptos::words`. It travels as a
//! short text, `email=missing,password=too_short.8`, also in addresses. (By hand: what `serde`
//! derives for these enums is some 3 KB for every visitor.)

use std::{fmt, str::FromStr};

/// A field of one of the forms in [`crate::form`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was given.
    Missing,
    /// Not of the shape that this field has.
    Malformed,
    /// Shorter than `min` characters.
    TooShort {
        /// The least number of characters.
        min: u16,
    },
    /// Longer than `max` bytes.
    TooLong {
        /// The greatest number of bytes.
        max: u16,
    },
    /// Contains a control character, an invisible one, or one that turns the direction of the text
    /// around it.
    Unprintable,
    /// An e-mail address with characters in the width of an ideograph, such as `＠`.
    FullWidth,
    /// A password that is the e-mail address, or its first part.
    LikeEmail,
    /// A password that is among the first that anybody would try. Only the server knows the lists.
    Guessable,
    /// Not the password that the account has.
    Wrong,
    /// A new password that is the current one.
    Unchanged,
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
            Self::FullWidth => "full_width",
            Self::LikeEmail => "like_email",
            Self::Guessable => "guessable",
            Self::Wrong => "wrong",
            Self::Unchanged => "unchanged",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (code, limit) =
            text.split_once('.').map_or((text, None), |(code, limit)| (code, limit.parse().ok()));
        let unlimited = [
            Self::Missing,
            Self::Malformed,
            Self::Unprintable,
            Self::FullWidth,
            Self::LikeEmail,
            Self::Guessable,
            Self::Wrong,
            Self::Unchanged,
        ];
        match (code, limit) {
            ("too_short", Some(min)) => Some(Self::TooShort { min }),
            ("too_long", Some(max)) => Some(Self::TooLong { max }),
            _ => unlimited.into_iter().find(|fault| fault.code() == text),
        }
    }
}

/// What is wrong with a form: at most one fault for each field, in the order of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (field, fault)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(out, "{comma}{}={}", field.name(), fault.code())?;
            if let Fault::TooShort { min: limit } | Fault::TooLong { max: limit } = fault {
                write!(out, ".{limit}")?;
            }
        }
        Ok(())
    }
}

/// A text that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFaults;

impl FromStr for Faults {
    type Err = NoFaults;

    fn from_str(text: &str) -> Result<Self, NoFaults> {
        let fault = |text: &str| {
            let (field, fault) = text.split_once('=')?;
            let field = Field::ALL.into_iter().find(|known| known.name() == field)?;
            Some((field, Fault::parse(fault)?))
        };
        // No more than there are fields: what comes from an address may be long.
        text.split(',')
            .take(Field::ALL.len())
            .map(fault)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(NoFaults)
    }
}

impl From<(Field, Fault)> for Faults {
    fn from(fault: (Field, Fault)) -> Self {
        Self(vec![fault])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_survive_as_text() {
        let faults = Faults(vec![
            (Field::Name, Fault::TooLong { max: 200 }),
            (Field::Email, Fault::Missing),
            (Field::Password, Fault::TooShort { min: 8 }),
            (Field::Current, Fault::Wrong),
            (Field::New, Fault::Guessable),
        ]);
        assert_eq!(
            faults.to_string(),
            "name=too_long.200,email=missing,password=too_short.8,current=wrong,new=guessable"
        );
        assert_eq!(faults.to_string().parse(), Ok(faults));
        for fault in [
            Fault::Malformed,
            Fault::Unprintable,
            Fault::FullWidth,
            Fault::LikeEmail,
            Fault::Unchanged,
        ] {
            let faults = Faults::from((Field::Email, fault));
            assert_eq!(faults.to_string().parse(), Ok(faults));
        }
    }

    #[test]
    fn any_other_text_is_none_of_ours() {
        for text in [
            "",
            ",",
            "email",
            "email=",
            "email=nothing",
            "nobody=missing",
            "email=too_long",
            "email=too_long.x",
            "email=too_long.70000",
            "email=missing.8",
            "email=missing,",
        ] {
            assert_eq!(text.parse::<Faults>(), Err(NoFaults), "{text:?}");
        }
    }
}
