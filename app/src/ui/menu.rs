//! (server) A menu. It is a native popover, which opens and closes without scripts.

use leptos::prelude::*;

/// A button that opens a menu.
#[component]
pub fn Menu(
    /// The element id of the menu.
    id: &'static str,
    /// The content of the button.
    label: AnyView,
    /// The links and forms in the menu.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class="button secondary menu-button"
            data-part="menu-button"
            type="button"
            popovertarget=id
        >
            {label}
        </button>
        <div id=id class="menu" data-part="menu" popover="auto">
            {children()}
        </div>
    }
}
