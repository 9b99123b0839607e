//! The priority of a request where clients compete: in the hash queue, and for database writes.

/// How soon a request is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Priority {
    /// A signed-in user, or a browser that has logged in to the account before.
    KnownDevice,
    /// Any other client.
    Anonymous,
}
