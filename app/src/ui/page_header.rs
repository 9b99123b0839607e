//! The header of a page: its heading, the window title, and the focus after a navigation.

use crate::messages;
use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};
use leptos_meta::Title;

/// Whether the app has already shown a page.
#[derive(Clone, Copy)]
struct NavigationFocus(StoredValue<bool>);

/// Provides the state of [`focus_on_navigation`]. Called once, by the root component.
pub fn provide_navigation_focus() {
    provide_context(NavigationFocus(StoredValue::new(false)));
}

/// Focuses the content of the page after a navigation, as after a full load. Every page calls it.
///
/// The focus moves only when the content exists, or screen readers would read the old page again.
/// At the first load the browser sets the focus.
pub fn focus_on_navigation() {
    let state = use_context::<NavigationFocus>();
    Effect::new(move |_| {
        if state.is_some_and(|NavigationFocus(has_shown_page)| {
            has_shown_page.try_update_value(|shown| std::mem::replace(shown, true)) == Some(true)
        }) {
            focus_main();
        }
    });
}

/// (browser) Focuses the content, for example when the focused element was replaced.
pub fn focus_main() {
    if let Some(main) =
        document().get_element_by_id("main").and_then(|main| main.dyn_into::<HtmlElement>().ok())
    {
        let _ = main.focus();
    }
}

/// The header of a page. `heading` is also its window title; `lead` is an optional introduction.
#[component]
pub fn PageHeader(heading: &'static str, #[prop(optional)] lead: &'static str) -> impl IntoView {
    focus_on_navigation();
    view! {
        <Title text=messages::window_title(heading)/>
        <h1>{heading}</h1>
        {(!lead.is_empty()).then(|| view! { <p class="text-muted">{lead}</p> })}
    }
}
