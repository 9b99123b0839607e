//! What has to be read before it can be shown.

use crate::solid::IntoSolid;
use leptos::prelude::*;
use std::{pin::Pin, sync::Arc};

type Reading = Pin<Box<dyn Future<Output = AnyView> + Send>>;

/// Shows what `read` comes to; `meanwhile` until it is there for the first time, and while it is read again, what was there before.
///
/// Make no resources in `read`: it runs more than once.
pub fn awaited<Read, Shown>(meanwhile: fn() -> AnyView, read: Read) -> AnyView
where
    Read: Fn() -> Shown + Send + Sync + 'static,
    Shown: Future<Output = AnyView> + Send + 'static,
{
    shown_when_read(meanwhile, Arc::new(move || Box::pin(read())))
}

/// The one place with a `Transition`: every further kind of it would add some 3 KB to what each visitor loads.
fn shown_when_read(meanwhile: fn() -> AnyView, read: Arc<dyn Fn() -> Reading + Send + Sync>) -> AnyView {
    view! { <Transition fallback=meanwhile>{move || Suspend::new(read())}</Transition> }.solid()
}

/// Holds the place of what is being read.
pub fn loading() -> AnyView {
    view! {
        <p class="loading" role="status">
            {crate::words::LOADING}
        </p>
    }
    .solid()
}

/// For what is small, and where words that come and go would only be a flicker.
pub fn nothing() -> AnyView {
    ().solid()
}
