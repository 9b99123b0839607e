//! The switch between light and dark. The choice is kept in a cookie, so that the server can render
//! the next page in it and nothing flashes.

use crate::words;
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue},
    web_sys::Element,
};

/// The name of the cookie; its value is one of [`NAMES`].
pub const COOKIE: &str = "countersign-theme";
/// What can be chosen; anything else means: as the system does.
pub const NAMES: [&str; 2] = ["light", "dark"];
/// What browsers paint around the page in each of [`NAMES`]: `--canvas` of `style/tokens.css`.
const CANVAS: [&str; 2] = ["#f9fbfb", "#0d1518"];
const CHOICES: [(&str, &str); 3] =
    [("", words::THEME_SYSTEM), (NAMES[0], words::THEME_LIGHT), (NAMES[1], words::THEME_DARK)];
/// On the root element; `style/tokens.css` reads it.
const ATTRIBUTE: &str = "data-theme";
/// For a year.
const MAX_AGE: u32 = 365 * 24 * 3600;

/// Three radio buttons, which `style/components/theme.css` shows only where scripts run.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    // The server has written it into the document; what it renders here is the same for everybody.
    let chosen = RwSignal::new(0);
    Effect::new(move |_| {
        let name = document().document_element().and_then(|root| root.get_attribute(ATTRIBUTE));
        chosen.set(
            CHOICES
                .iter()
                .position(|(choice, _)| name.as_deref() == Some(choice))
                .unwrap_or_default(),
        );
    });
    let choices = (0..CHOICES.len()).map(|index| {
        let (name, label) = CHOICES[index];
        view! {
            <label>
                <input type="radio" name="theme" value=name autocomplete="off" prop:checked=move || chosen.get() == index on:change=move |_| keep(name)/>
                {label}
            </label>
        }
    });
    view! {
        <fieldset class="theme">
            <legend>{words::THEME}</legend>
            {choices.collect_view()}
        </fieldset>
    }
}

/// The colours around the page where the system wants it light and where it wants it dark, if this
/// was chosen.
pub fn canvas(chosen: Option<&str>) -> [&'static str; 2] {
    NAMES.iter().position(|name| Some(*name) == chosen).map_or(CANVAS, |index| [CANVAS[index]; 2])
}

fn keep(value: &str) {
    if let Some(root) = document().document_element() {
        let _ = if value.is_empty() {
            root.remove_attribute(ATTRIBUTE)
        } else {
            root.set_attribute(ATTRIBUTE, value)
        };
    }
    if let Ok(around) = document().query_selector_all("meta[name=theme-color]") {
        for (index, color) in (0..).zip(canvas(Some(value))) {
            if let Some(meta) = around.item(index).and_then(|meta| meta.dyn_into::<Element>().ok())
            {
                let _ = meta.set_attribute("content", color);
            }
        }
    }
    let max_age = if value.is_empty() { 0 } else { MAX_AGE };
    let secure = if location().protocol().is_ok_and(|protocol| protocol == "https:") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={max_age}; SameSite=Lax{secure}");
    let _ = js_sys::Reflect::set(
        &document(),
        &JsValue::from_str("cookie"),
        &JsValue::from_str(&cookie),
    );
}
