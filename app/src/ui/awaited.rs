//! What has to be read before it can be shown.

use crate::solid::IntoSolid;
use leptos::prelude::*;
use std::{pin::Pin, sync::Arc};

/// Whether something that is shown is being read again, or a page is on its way. It shows on the
/// page's content, if it takes a while.
#[derive(Clone, Copy)]
pub struct Pending {
    read: RwSignal<bool>,
    page: RwSignal<bool>,
}

impl Pending {
    /// From now on a page is on its way, or is not any more.
    pub fn set_page(self, pending: bool) {
        self.page.try_set(pending);
    }
}

/// Called once, by the root component. The content of the page is the element with the id `main`.
pub fn provide_pending() {
    let pending = Pending { read: RwSignal::new(false), page: RwSignal::new(false) };
    provide_context(pending);
    // By an effect, which runs in the browser only: what the server renders waits for nothing any
    // more.
    Effect::new(move |_| {
        let pending = pending.read.get() | pending.page.get();
        if let Some(main) = document().get_element_by_id("main") {
            let _ = if pending {
                main.set_attribute("aria-busy", "true")
            } else {
                main.remove_attribute("aria-busy")
            };
        }
    });
}

type Reading = Pin<Box<dyn Future<Output = AnyView> + Send>>;

/// Shows what `read` comes to; `meanwhile` until it is there for the first time, and while it is
/// read again, what was there before.
///
/// Make no resources in `read`: it runs more than once.
pub fn awaited<Read, Shown>(meanwhile: fn() -> AnyView, read: Read) -> AnyView
where
    Read: Fn() -> Shown + Send + Sync + 'static,
    Shown: Future<Output = AnyView> + Send + 'static,
{
    shown_when_read(meanwhile, Arc::new(move || Box::pin(read())))
}

/// The one place with a `Transition`: every further kind of it would add some 3 KB to what each
/// visitor loads.
#[cfg(not(feature = "ssr"))]
fn shown_when_read(
    meanwhile: fn() -> AnyView,
    read: Arc<dyn Fn() -> Reading + Send + Sync>,
) -> AnyView {
    let pending =
        use_context::<Pending>().map_or_else(|| RwSignal::new(false), |pending| pending.read);
    view! { <Transition fallback=meanwhile set_pending=pending>{move || Suspend::new(read())}</Transition> }.solid()
}

/// On the server nobody looks on, and `set_pending` would be a task beside the one that renders. It
/// reads what that one writes, and where both do at the same moment it panics.
#[cfg(feature = "ssr")]
fn shown_when_read(
    meanwhile: fn() -> AnyView,
    read: Arc<dyn Fn() -> Reading + Send + Sync>,
) -> AnyView {
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
