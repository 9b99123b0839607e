//! The component gallery, in development builds only: all components in all their states, and
//! situations for tests that no page of the product causes.
//!
//! States that can't be shown at the same time have a URL each. States that only user input can
//! cause are brought about by [`simulate`].

pub mod islands;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
mod simulate;

#[cfg(feature = "ssr")]
pub use page::GalleryPage;
