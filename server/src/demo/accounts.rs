//! The accounts of the demonstration. Their passwords are public, so they must exist nowhere else.

/// An invented user.
pub(super) struct DemoAccount {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    pub(super) password: &'static str,
    /// A description for the list of log-ins.
    pub(super) about: &'static str,
}

/// An ordinary user.
pub(super) const ROBIN: DemoAccount = DemoAccount {
    name: "Robin Hale",
    email: "robin@example.com",
    password: "mq7vd-k2xwt-9hrzn",
    about: "a user with several devices and a month of activity",
};
/// An administrator.
pub(super) const ALEX: DemoAccount = DemoAccount {
    name: "Alex Moreau",
    email: "alex@example.com",
    password: "p4ztc-w8njf-6ykbs",
    about: "an administrator",
};
/// A user who is leaving.
pub(super) const SAM: DemoAccount = DemoAccount {
    name: "Sam Okafor",
    email: "sam@example.com",
    password: "x3bgh-r5vqm-2tjwd",
    about: "a user whose account is scheduled for deletion",
};

/// All accounts, in the order in which they are listed.
pub(super) const ACCOUNTS: &[DemoAccount] = &[ROBIN, ALEX, SAM];
