//! The table of limited actions: what is counted, where, and how many are allowed. The settings and
//! the documentation are derived from it.

use countersign_types::TimeSpan;

/// The subject of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An email address, whether it has an account or not.
    Account,
    /// One of the few device slots of an account: see `DEVICE_SLOTS`.
    Device,
    /// A network address.
    Network,
    /// A signed-in user.
    User,
}

/// The counting algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `burst` at once, then one more each `period` (generic cell rate algorithm).
    TokenBucket,
    /// `burst` at once, then a delay that doubles from one second up to `period`. A success resets
    /// it, and so does a day without attempts.
    Backoff,
}

/// The storage of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The memory of each node, which costs no statement. A restart resets it, and `n` nodes allow
    /// `n` times as much.
    Memory,
    /// The database, for all nodes and across restarts. An action of a user is also counted in
    /// memory first, so that a rejected one costs no transaction.
    Database,
}

/// A rate limit, such as `60/3s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Number of actions that are allowed at once; at least 1.
    pub burst: u32,
    /// One more action is allowed each period. With [`Algorithm::Backoff`]: the maximum delay.
    pub period: TimeSpan,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name in the database and in the log. It must never change.
    pub name: &'static str,
    /// The counted subject.
    pub subject: Subject,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The storage.
    pub storage: Storage,
    /// The default limit.
    pub default: RateLimit,
    /// The name of the setting.
    pub setting: &'static str,
    /// Whether the setting may be `off` on a public address.
    pub may_be_off: bool,
    /// The actions in plural, for the log and the documentation.
    pub message: &'static str,
}

macro_rules! limited_actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal $subject:ident $algorithm:ident $storage:ident
        $burst:literal/$seconds:literal s $setting:literal $(may_be $off:ident)? $message:literal;
    )*) => {
        /// A rate limited operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LimitedAction {$($(#[$doc])* $action),*}

        impl LimitedAction {
            /// All actions, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// Returns the row of the table.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self {$(
                    Self::$action => Rule {
                        name: $name,
                        subject: Subject::$subject,
                        algorithm: Algorithm::$algorithm,
                        storage: Storage::$storage,
                        default: RateLimit { burst: $burst, period: TimeSpan::seconds($seconds) },
                        setting: $setting,
                        may_be_off: matches!(stringify!($($off)?).as_bytes(), b"off"),
                        message: $message,
                    },
                )*}
            }
        }
    };
}

limited_actions! {
    /// A password attempt for an account without a valid device cookie. The maximum delay is short,
    /// because an attacker who never stops delays the owner on a new browser by as much. It leaves
    /// 1,440 attempts a day.
    AccountPassword = "password_of_account" Account Backoff Database 5/60 s
        "COUNTERSIGN_LIMIT_ACCOUNT_PASSWORD" "passwords tried for one account";
    /// A password attempt with a device cookie or a session of the account.
    DevicePassword = "password_by_device" Device Backoff Database 5/60 s
        "COUNTERSIGN_LIMIT_DEVICE_PASSWORD" "passwords tried by one device";
    /// A wrong password from a network, for any account.
    NetworkPassword = "password_by_address" Network TokenBucket Database 60/3 s
        "COUNTERSIGN_LIMIT_NETWORK_PASSWORD" may_be off "wrong passwords from one network";
    /// A sign-up.
    SignUp = "sign_up_by_address" Network TokenBucket Database 20/30 s
        "COUNTERSIGN_LIMIT_SIGN_UP" may_be off "sign-ups from one network";
    /// A request for an email from a network, for any address.
    NetworkMail = "mail_by_network" Network TokenBucket Database 20/180 s
        "COUNTERSIGN_LIMIT_NETWORK_MAIL" may_be off "requests for email from one network";
    /// A request for an email to an address: one, then a pause.
    RepeatedMail = "mail_to_email_again" Account TokenBucket Database 1/30 s
        "COUNTERSIGN_LIMIT_REPEATED_MAIL" may_be off "repeated requests for email to one address";
    /// A request for an email to an address. Each email has a code that can be guessed.
    RequestedMail = "mail_to_email_requested" Account TokenBucket Database 5/720 s
        "COUNTERSIGN_LIMIT_REQUESTED_MAIL" "requests for email to one address";
    /// An email to an address, whatever its cause: at most 100 in any hour.
    AddressMail = "mail_to_email" Account TokenBucket Database 50/72 s
        "COUNTERSIGN_LIMIT_ADDRESS_MAIL" may_be off "emails to one address";
    /// A notice to an address that is not verified, which may be that of another person. Each kind
    /// of notice is counted separately.
    UnverifiedNotice = "notice_to_unverified_email" Account TokenBucket Database 5/720 s
        "COUNTERSIGN_LIMIT_UNVERIFIED_NOTICE" may_be off "notices of one kind to one address";
    /// A code from an email to one address, right or wrong. The links in the emails still work.
    AddressCode = "code_of_email" Account TokenBucket Database 10/8640 s
        "COUNTERSIGN_LIMIT_ADDRESS_CODE" "codes entered for one address";
    /// A code from an email that a network enters.
    NetworkCode = "code_by_network" Network TokenBucket Database 20/180 s
        "COUNTERSIGN_LIMIT_NETWORK_CODE" may_be off "codes entered from one network";
    /// A log-in with the correct password, which creates a session.
    LogIn = "log_in" User TokenBucket Database 100/3 s
        "COUNTERSIGN_LIMIT_LOG_IN" may_be off "log-ins of one user";
    /// A refresh that issues a new generation.
    Refresh = "refresh" User TokenBucket Memory 200/1 s
        "COUNTERSIGN_LIMIT_REFRESH" may_be off "refreshes of one user";
    /// A change of the display name.
    DisplayName = "display_name" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_DISPLAY_NAME" may_be off "changes of the display name";
    /// A password change.
    PasswordChange = "password_change" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_PASSWORD_CHANGE" may_be off "changes of the password";
    /// A confirmation of the password, for an operation that requires a fresh authentication.
    PasswordConfirmation = "password_confirmation" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_PASSWORD_CONFIRMATION" may_be off "confirmations of the password";
    /// A request to verify or change the email address, or an attempt with a link or code.
    EmailChange = "email_change" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_EMAIL_CHANGE" may_be off "changes of the email address";
    /// A request for account deletion, or its cancellation.
    AccountDeletion = "account_deletion" User TokenBucket Database 20/60 s
        "COUNTERSIGN_LIMIT_ACCOUNT_DELETION" may_be off "requests and cancellations of account \
            deletion";
    /// A revocation of one session, all others or all.
    SessionRevocation = "session_revocation" User TokenBucket Database 200/3 s
        "COUNTERSIGN_LIMIT_SESSION_REVOCATION" may_be off "requests to end sessions";
    /// A data export.
    DataExport = "data_export" User TokenBucket Memory 20/30 s
        "COUNTERSIGN_LIMIT_DATA_EXPORT" may_be off "data exports of one user";
    /// A change of another account by an administrator.
    Administration = "administration" User TokenBucket Database 1000/1 s
        "COUNTERSIGN_LIMIT_ADMINISTRATION" may_be off "changes by one administrator";
}

/// The limits in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits([Option<RateLimit>; LimitedAction::ALL.len()]);

impl Default for RateLimits {
    fn default() -> Self {
        let mut limits = Self::off();
        for action in LimitedAction::ALL {
            limits.set(*action, Some(action.rule().default));
        }
        limits
    }
}

impl RateLimits {
    /// Disables all limits, for tests and benchmarks. The hash queue has no quotas either.
    #[must_use]
    pub const fn off() -> Self {
        Self([None; LimitedAction::ALL.len()])
    }

    /// Whether all limits are disabled.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The limit of an action; `None` if it is disabled.
    #[must_use]
    pub const fn get(&self, action: LimitedAction) -> Option<RateLimit> {
        self.0[action as usize]
    }

    /// Sets the limit of an action; `None` disables it.
    pub const fn set(&mut self, action: LimitedAction, limit: Option<RateLimit>) {
        self.0[action as usize] = limit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_action_has_its_own_name_and_setting() {
        let distinct = |text: fn(Rule) -> &'static str| {
            LimitedAction::ALL
                .iter()
                .map(|action| text(action.rule()))
                .collect::<HashSet<_>>()
                .len()
        };
        assert_eq!(distinct(|rule| rule.name), LimitedAction::ALL.len());
        assert_eq!(distinct(|rule| rule.setting), LimitedAction::ALL.len());
        for (index, action) in LimitedAction::ALL.iter().enumerate() {
            let rule = action.rule();
            assert_eq!(*action as usize, index, "{action:?}");
            assert!(rule.setting.starts_with("COUNTERSIGN_LIMIT_"), "{action:?}");
            assert_eq!(RateLimits::default().get(*action), Some(rule.default));
            assert!(
                rule.subject == Subject::User || rule.storage == Storage::Database,
                "{action:?}: memory is bounded for users only"
            );
            // Guessing passwords and codes is limited on every public server.
            let limits_guessing = rule.algorithm == Algorithm::Backoff
                || matches!(action, LimitedAction::RequestedMail | LimitedAction::AddressCode);
            assert_eq!(rule.may_be_off, !limits_guessing, "{action:?}");
        }
        assert!(RateLimits::off().is_off() && !RateLimits::default().is_off());
    }
}
