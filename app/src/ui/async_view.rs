//! Views of data that is loaded asynchronously.

use crate::eager_view::IntoEagerAny;
use leptos::prelude::*;
use std::{pin::Pin, sync::Arc};

/// Whether visible data is being loaded again, or a page is being loaded. If it takes a while, the
/// content of the page shows it.
#[derive(Clone, Copy)]
pub struct BusyIndicator {
    data: RwSignal<bool>,
    page: RwSignal<bool>,
}

impl BusyIndicator {
    /// Sets whether a page is being loaded.
    pub fn set_page(self, is_loading: bool) {
        self.page.try_set(is_loading);
    }
}

/// Provides the [`BusyIndicator`] for the element with the id `main`. Called once, by the root
/// component.
pub fn provide_busy_indicator() {
    let indicator = BusyIndicator { data: RwSignal::new(false), page: RwSignal::new(false) };
    provide_context(indicator);
    // Effects run in the browser only: the page that the server sends is complete.
    Effect::new(move |_| {
        let is_busy = indicator.data.get() | indicator.page.get();
        if let Some(main) = document().get_element_by_id("main") {
            let _ = if is_busy {
                main.set_attribute("aria-busy", "true")
            } else {
                main.remove_attribute("aria-busy")
            };
        }
    });
}

type Loading = Pin<Box<dyn Future<Output = AnyView> + Send>>;

/// Shows the view that `load` returns: `fallback` until the first load ends, and the old view while
/// it is loaded again.
///
/// `load` runs more than once, so it must not create resources.
pub fn async_view<Load, Loaded>(fallback: fn() -> AnyView, load: Load) -> AnyView
where
    Load: Fn() -> Loaded + Send + Sync + 'static,
    Loaded: Future<Output = AnyView> + Send + 'static,
{
    reveal(fallback, Arc::new(move || Box::pin(load())))
}

/// The only use of `Transition`. Each further instance would add about 3 KB for every visitor.
#[cfg(not(feature = "ssr"))]
fn reveal(fallback: fn() -> AnyView, load: Arc<dyn Fn() -> Loading + Send + Sync>) -> AnyView {
    let pending =
        use_context::<BusyIndicator>().map_or_else(|| RwSignal::new(false), |busy| busy.data);
    view! {
        <Transition fallback set_pending=pending>
            {move || Suspend::new(load())}
        </Transition>
    }
    .into_eager_any()
}

/// On the server, `set_pending` would be a task beside the rendering task. It reads what that task
/// writes, and panics if both do so at the same time.
#[cfg(feature = "ssr")]
fn reveal(fallback: fn() -> AnyView, load: Arc<dyn Fn() -> Loading + Send + Sync>) -> AnyView {
    view! { <Transition fallback>{move || Suspend::new(load())}</Transition> }.into_eager_any()
}

/// Renders a placeholder for data that is being loaded.
pub fn loading() -> AnyView {
    view! {
        <p class="loading" role="status">
            {crate::messages::LOADING}
        </p>
    }
    .into_eager_any()
}

/// Renders nothing, for small views where a placeholder would only flicker.
pub fn empty() -> AnyView {
    ().into_eager_any()
}
