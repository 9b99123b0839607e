//! Access levels of routes, server functions and pages.

use crate::TimeSpan;

/// How long an authentication is fresh.
pub const FRESH_PERIOD: TimeSpan = TimeSpan::minutes(10);

/// The credential that an operation requires. Each route, server function and page declares its
/// level where it is declared itself; the guards, the OpenAPI description and the permission matrix
/// read it there. A page also has the levels of the pages above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No credential.
    Public,
    /// A valid credential of a user.
    SignedIn,
    /// A valid credential of a user who has entered the password within the last
    /// [`FRESH_PERIOD`]. (Step-up authentication, RFC 9470.)
    Fresh,
    /// A valid credential of an administrator.
    Admin,
}
