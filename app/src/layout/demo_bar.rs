//! (server) The bar at the top of every page of a demonstration.

use crate::messages;
use leptos::prelude::*;

/// Whether the server is a demonstration, whose data is deleted when it stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IsDemo(pub bool);

impl IsDemo {
    /// Returns whether the page that is being rendered is one of a demonstration.
    pub(crate) fn of_page() -> Self {
        use_context().unwrap_or_default()
    }
}

/// Renders the bar, if the server is a demonstration.
pub(crate) fn demo_bar(IsDemo(is_demo): IsDemo) -> impl IntoView {
    is_demo.then(|| {
        view! {
            <aside class="demo-bar" aria-label=messages::DEMO_LABEL.text()>
                {messages::DEMO.text()}
            </aside>
        }
    })
}
