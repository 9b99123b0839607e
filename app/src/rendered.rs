//! Values that only the server knows, for the attributes of islands.
//!
//! An island without properties is smaller: properties would bring `serde_json` to the browser, 42
//! KB. Hydration keeps the attributes `value`, `class` and `href` as the server has rendered them,
//! so the browser needs no copy of their values. It does set attributes whose names are computed
//! (`data-…`), so never pass such a value to them, and never let the structure of an island depend
//! on one.

/// (server) Returns what `read` takes from the context of the page. Returns the default value in
/// the browser.
#[cfg(feature = "ssr")]
pub(crate) fn from_context<Context, T>(read: impl FnOnce(Context) -> T) -> T
where
    Context: Clone + 'static,
    T: Default,
{
    let Some(context) = leptos::prelude::use_context::<Context>() else {
        tracing::error!(missing = std::any::type_name::<Context>(), "island without its context");
        return T::default();
    };
    read(context)
}

#[cfg(not(feature = "ssr"))]
pub(crate) fn from_context<Context, T: Default>(_: impl FnOnce(Context) -> T) -> T {
    T::default()
}
