//! The head of a page: what it is called, on the page and in the title of the window, and that the
//! focus is there when it is reached by a link.

use crate::words;
use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};
use leptos_meta::Title;

/// Whether a page was shown before this one.
#[derive(Clone, Copy)]
struct Shown(StoredValue<bool>);

/// Called once, by the root component.
pub fn provide_arrivals() {
    provide_context(Shown(StoredValue::new(false)));
}

/// For every page, where it is made. After a change of page the focus is on its content, as it
/// would be after a load: not before the content is there, or the last page would be read out once
/// more. At the first load the browser has seen to it.
pub fn arrives() {
    let shown = use_context::<Shown>();
    Effect::new(move |_| {
        if shown.is_some_and(|Shown(shown)| {
            shown.try_update_value(|shown| std::mem::replace(shown, true)) == Some(true)
        }) {
            focus_on_content();
        }
    });
}

/// (browser) For what comes in the place of what had the focus.
pub fn focus_on_content() {
    if let Some(main) =
        document().get_element_by_id("main").and_then(|main| main.dyn_into::<HtmlElement>().ok())
    {
        let _ = main.focus();
    }
}

/// `heading` names the page; `lead` says what it is for.
#[component]
pub fn PageHead(heading: &'static str, #[prop(optional)] lead: &'static str) -> impl IntoView {
    arrives();
    view! {
        <Title text=words::title_of(heading)/>
        <h1>{heading}</h1>
        {(!lead.is_empty()).then(|| view! { <p class="soft">{lead}</p> })}
    }
}
