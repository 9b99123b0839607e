//! Access levels of the server functions. Each declares its level beside it, with [`access`];
//! [`crate::request::handle`] enforces it, and the permission matrix reads it.

/// Declares the access level of a server function: `access!(LogInCall: Public);`.
macro_rules! access {
    ($call:ident: $level:ident) => {
        #[cfg(feature = "ssr")]
        impl $crate::server_fn_access::ServerFnAccess for $call {
            const ACCESS: countersign_types::Access = countersign_types::Access::$level;
        }

        #[cfg(feature = "ssr")]
        inventory::submit! { $crate::server_fn_access::DeclaredAccess::of::<$call>() }
    };
}
pub(crate) use access;

#[cfg(feature = "ssr")]
pub use server::{DeclaredAccess, ServerFnAccess, declared_levels};

#[cfg(feature = "ssr")]
mod server {
    use countersign_types::Access;
    use leptos::server_fn::ServerFn;

    /// A server function with an access level. [`crate::request::handle`] runs no other.
    pub trait ServerFnAccess: ServerFn {
        /// The access level.
        const ACCESS: Access;
    }

    /// The access level of a server function.
    pub struct DeclaredAccess {
        path: &'static str,
        level: Access,
    }

    impl DeclaredAccess {
        /// The level that `F` declares.
        #[must_use]
        pub const fn of<F: ServerFnAccess>() -> Self {
            Self { path: F::PATH, level: F::ACCESS }
        }
    }

    inventory::collect!(DeclaredAccess);

    /// Returns path and access level of each server function.
    pub fn declared_levels() -> impl Iterator<Item = (&'static str, Access)> {
        inventory::iter::<DeclaredAccess>().map(|declared| (declared.path, declared.level))
    }
}
