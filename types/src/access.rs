//! Access levels of routes, server functions and pages.

/// The credential that an operation requires. Each route, server function and page declares its
/// level where it is declared itself; the guards, the OpenAPI description and the permission matrix
/// read it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No credential.
    Public,
    /// A valid credential of a user.
    SignedIn,
    /// A valid credential of an administrator.
    Admin,
}
