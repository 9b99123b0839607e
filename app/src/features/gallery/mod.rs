//! The component gallery: what each component of [`crate::ui`] looks like, how it is used, and the
//! design tokens; and the brand editor, which shows the pages in another brand.
//!
//! Only the server renders it. A page shows one entry. Its sample is in a frame without scripts, so
//! that the width of the window, the theme and the size of the text can be tried.
//!
//! Development builds also have states that only scripts or user input can cause, and situations
//! for tests that no page of the product causes: see `states.rs`.

#[cfg(feature = "ssr")]
pub mod brand_editor;
#[cfg(feature = "ssr")]
mod catalog;
#[cfg(feature = "ssr")]
mod entries;
#[cfg(debug_assertions)]
pub mod islands;
pub mod messages;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod sample_document;
#[cfg(feature = "ssr")]
mod samples;
#[cfg(debug_assertions)]
mod simulate;
#[cfg(all(debug_assertions, feature = "ssr"))]
mod states;
#[cfg(feature = "ssr")]
pub mod tokens;

#[cfg(feature = "ssr")]
pub use self::{
    brand_editor::BrandEditorPage,
    page::{GalleryPage, HasGallery},
    samples::sample_user,
};
