//! (server) A menu. It is a native popover, which opens and closes without scripts.

use leptos::prelude::*;

/// A button that opens a menu. `id` is the element id of the menu, `label` the content of the
/// button.
#[component]
pub fn Menu(id: &'static str, label: AnyView, children: Children) -> impl IntoView {
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
