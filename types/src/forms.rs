//! Forms as the user submitted them, and `validate()`, which parses them or reports field errors.
//!
//! The browser validates before it sends; the server validates again and never relies on the
//! browser. A form contains what the domain needs. What only the page needs, such as the redirect
//! path and the session tag, is a separate argument of the server function.

use crate::{DisplayName, Email, Field, FieldErrors, OneTimeCode, Password};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The log-in form.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct LogInForm {
    /// The email address as typed.
    #[serde(default)]
    pub email: String,
    /// The password as typed.
    #[serde(default)]
    pub password: String,
    /// Whether the "Keep me signed in" checkbox is checked.
    #[serde(default, with = "checkbox")]
    pub remember_me: bool,
}

/// A valid [`LogInForm`].
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The address that identifies the account.
    pub email: Email,
    /// The password to compare with the stored hash.
    pub password: Password,
    /// Whether the session persists when the browser is closed.
    pub remember_me: bool,
}

impl LogInForm {
    /// Parses the form, or returns the errors of its fields.
    pub fn validate(&self) -> Result<Credentials, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.check(Field::Email, Email::parse(&self.email));
        let password = errors.check(Field::Password, Password::for_verification(&self.password));
        match (email, password) {
            (Some(email), Some(password)) => {
                Ok(Credentials { email, password, remember_me: self.remember_me })
            }
            _ => Err(errors),
        }
    }
}

/// The sign-up form.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct SignUpForm {
    /// The display name as typed. It is optional.
    #[serde(default)]
    pub name: String,
    /// The email address as typed.
    #[serde(default)]
    pub email: String,
    /// The new password as typed.
    #[serde(default)]
    pub password: String,
    /// The token of the link that allows the sign-up: the setup link for the first administrator,
    /// or an invitation; otherwise empty.
    #[serde(default)]
    pub link_token: String,
}

/// A valid [`SignUpForm`].
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The display name, if one was given.
    pub name: Option<DisplayName>,
    /// The address that identifies the account.
    pub email: Email,
    /// The password to hash.
    pub password: Password,
}

impl SignUpForm {
    /// Parses the form, or returns the errors of its fields.
    pub fn validate(&self) -> Result<NewUser, FieldErrors> {
        let mut errors = FieldErrors::default();
        // In the order of the form: the first field with an error gets the focus.
        let email = errors.check(Field::Email, Email::parse(&self.email));
        let password = Password::new(&self.password, email.as_ref());
        let password = errors.check(Field::Password, password);
        let name = errors.check(Field::Name, DisplayName::parse(&self.name));
        match (name, email, password) {
            (Some(name), Some(email), Some(password)) => Ok(NewUser { name, email, password }),
            _ => Err(errors),
        }
    }
}

/// The form that changes the display name.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct UpdateProfileForm {
    /// The new name as typed. An empty name removes the current one.
    #[serde(default)]
    pub name: String,
}

impl UpdateProfileForm {
    /// Parses the name, or returns its error.
    pub fn validate(&self) -> Result<Option<DisplayName>, FieldErrors> {
        DisplayName::parse(&self.name).map_err(|error| (Field::Name, error).into())
    }
}

/// The form that changes the password.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePasswordForm {
    /// The current password.
    #[serde(default)]
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, format = Password, min_length = 1, max_length = 1024)
    )]
    pub current_password: String,
    /// The new password.
    #[serde(default)]
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, format = Password, min_length = 8, max_length = 1024)
    )]
    pub new_password: String,
}

/// A valid [`ChangePasswordForm`].
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The password to compare with the stored hash.
    pub current_password: Password,
    /// The password to hash.
    pub new_password: Password,
}

impl ChangePasswordForm {
    /// Parses the form, or returns the errors of its fields. `email` is the address of the account,
    /// if it is known.
    pub fn validate(&self, email: Option<&Email>) -> Result<PasswordChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        let current = Password::for_verification(&self.current_password);
        let current = errors.check(Field::CurrentPassword, current);
        let new = errors.check(Field::NewPassword, Password::new(&self.new_password, email));
        match (current, new) {
            (Some(current_password), Some(new_password)) => {
                Ok(PasswordChange { current_password, new_password })
            }
            _ => Err(errors),
        }
    }
}

/// The form for an operation that needs nothing but the current password, so that an unattended
/// device is not enough for it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CurrentPasswordForm {
    /// The current password.
    #[serde(default)]
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, format = Password, min_length = 1, max_length = 1024)
    )]
    pub current_password: String,
}

impl CurrentPasswordForm {
    /// Parses the password, or returns its error.
    pub fn validate(&self) -> Result<Password, FieldErrors> {
        Password::for_verification(&self.current_password)
            .map_err(|error| (Field::CurrentPassword, error).into())
    }
}

/// The form that asks for a link to reset the password.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForgotPasswordForm {
    /// The email address as typed. It need not have an account.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, format = Email, max_length = 254))]
    pub email: String,
}

impl ForgotPasswordForm {
    /// Parses the address, or returns its error.
    pub fn validate(&self) -> Result<Email, FieldErrors> {
        Email::parse(&self.email).map_err(|error| (Field::Email, error).into())
    }
}

/// The form that changes the email address.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeEmailForm {
    /// The new address as typed.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, format = Email, max_length = 254))]
    pub email: String,
    /// The current password.
    #[serde(default)]
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, format = Password, min_length = 1, max_length = 1024)
    )]
    pub current_password: String,
}

impl ChangeEmailForm {
    /// Parses the new address and the password, or returns the errors of the fields.
    pub fn validate(&self) -> Result<(Email, Password), FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.check(Field::Email, Email::parse(&self.email));
        let current = Password::for_verification(&self.current_password);
        let current = errors.check(Field::CurrentPassword, current);
        match (email, current) {
            (Some(email), Some(current)) => Ok((email, current)),
            _ => Err(errors),
        }
    }
}

/// The form for the code from an email.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct CodeForm {
    /// The code as typed.
    #[serde(default)]
    pub code: String,
}

impl CodeForm {
    /// Parses the code, or returns its error.
    pub fn validate(&self) -> Result<OneTimeCode, FieldErrors> {
        OneTimeCode::parse(&self.code).map_err(|error| (Field::Code, error).into())
    }
}

/// The form that sets a new password with a link.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ResetPasswordForm {
    /// The new password.
    #[serde(default)]
    pub new_password: String,
}

impl ResetPasswordForm {
    /// Parses the password, or returns its error. `email` is the address of the account, if it is
    /// known.
    pub fn validate(&self, email: Option<&Email>) -> Result<Password, FieldErrors> {
        Password::new(&self.new_password, email).map_err(|error| (Field::NewPassword, error).into())
    }
}

/// A checkbox in a form: browsers send `on`, or nothing if it is not checked.
mod checkbox {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(checked: &bool, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(if *checked { "on" } else { "" })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
        String::deserialize(source).map(|text| !text.is_empty())
    }
}

// The input is personal or secret, so it is never shown.
macro_rules! redacted {
    ($($form:ident),*) => {$(
        impl fmt::Debug for $form {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($form), "(…)"))
            }
        }
    )*};
}
redacted!(
    LogInForm,
    SignUpForm,
    UpdateProfileForm,
    ChangePasswordForm,
    CurrentPasswordForm,
    ForgotPasswordForm,
    ChangeEmailForm,
    CodeForm,
    ResetPasswordForm
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldError;

    #[test]
    fn empty_form_reports_every_required_field() {
        let missing = [(Field::Email, FieldError::Missing), (Field::Password, FieldError::Missing)];
        assert_eq!(LogInForm::default().validate().expect_err("errors").0, missing);
        assert_eq!(SignUpForm::default().validate().expect_err("errors").0, missing);
    }

    #[test]
    fn short_password_is_invalid_at_sign_up_but_not_at_log_in() {
        let (email, password) = ("ada@example.com".to_owned(), "short".to_owned());
        let form =
            LogInForm { email: email.clone(), password: password.clone(), ..LogInForm::default() };
        assert!(form.validate().is_ok());
        let form = SignUpForm { email, password, ..SignUpForm::default() };
        let errors = form.validate().expect_err("errors");
        assert_eq!(errors.get(Field::Password), Some(FieldError::TooShort { min: 8 }));
        assert_eq!(errors.get(Field::Email), None);
    }

    #[test]
    fn checkbox_is_decoded_from_its_text() {
        for (text, checked) in [(r#"{"remember_me":"on"}"#, true), (r#"{"remember_me":""}"#, false)]
        {
            let form: LogInForm = serde_json::from_str(text).expect(text);
            assert_eq!(form.remember_me, checked);
            let encoded = serde_json::to_value(form).expect("JSON");
            assert_eq!(encoded["remember_me"], if checked { "on" } else { "" });
        }
        let form: LogInForm = serde_json::from_str("{}").expect("a form");
        assert!(!form.remember_me);
    }

    #[test]
    fn debug_output_hides_the_input() {
        let form = SignUpForm {
            name: "Ada".into(),
            email: "ada@example.com".into(),
            password: "hunter2hunter2".into(),
            ..SignUpForm::default()
        };
        let shown = format!("{form:?} {:?}", form.validate());
        assert!(!shown.contains("hunter2") && !shown.contains("ada@"), "{shown}");
    }
}
