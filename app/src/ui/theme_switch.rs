//! The switch between light and dark theme. The choice is stored in a cookie, so that the server
//! renders the next page in it without a flash.

use crate::{browser, messages};
use leptos::{prelude::*, wasm_bindgen::JsCast, web_sys::Element};

/// The name of the cookie; its value is one of [`NAMES`].
pub const COOKIE: &str = "countersign-theme";
/// Values of the cookie. Any other value means the theme of the system.
pub const NAMES: [&str; 2] = ["light", "dark"];
/// The colour of the browser UI for each of [`NAMES`]: `--canvas` of `style/tokens.css`.
const THEME_COLORS: [&str; 2] = ["#f9fbfb", "#0d1518"];
const CHOICES: [(&str, &str); 3] = [
    ("", messages::THEME_SYSTEM),
    (NAMES[0], messages::THEME_LIGHT),
    (NAMES[1], messages::THEME_DARK),
];
/// Attribute of the root element, used by `style/tokens.css`.
const ATTRIBUTE: &str = "data-theme";
/// Lifetime of the cookie in seconds: a year.
const MAX_AGE: u32 = 365 * 24 * 3600;

/// Three radio buttons. `style/components/theme-switch.css` shows them only if scripts run.
#[island]
pub fn ThemeSwitch() -> impl IntoView {
    // The server sets the attribute of the root element, but renders the switch without a choice.
    let chosen = RwSignal::new(0);
    let show = move |name: &str| {
        let index = CHOICES.iter().position(|(choice, _)| *choice == name);
        chosen.set(index.unwrap_or_default());
    };
    Effect::new(move |_| {
        let root = document().document_element();
        show(&root.and_then(|root| root.get_attribute(ATTRIBUTE)).unwrap_or_default());
        // Another page may have changed it meanwhile.
        browser::on_bfcache_restore(move || {
            let name = stored_theme();
            apply_theme(&name);
            show(&name);
        });
    });
    let choices = (0..CHOICES.len()).map(|index| {
        let (name, label) = CHOICES[index];
        view! {
            <label>
                <input
                    type="radio"
                    name="theme"
                    value=name
                    autocomplete="off"
                    prop:checked=move || chosen.get() == index
                    on:change=move |_| set_theme(name)
                />
                {label}
            </label>
        }
    });
    view! {
        <fieldset class="theme-switch">
            <legend>{messages::THEME}</legend>
            {choices.collect_view()}
        </fieldset>
    }
}

/// Returns the colours of the browser UI for a light and a dark system theme.
pub fn theme_colors(chosen: Option<&str>) -> [&'static str; 2] {
    NAMES
        .iter()
        .position(|name| Some(*name) == chosen)
        .map_or(THEME_COLORS, |index| [THEME_COLORS[index]; 2])
}

/// Returns the theme in the cookie; empty for that of the system.
fn stored_theme() -> String {
    let name = browser::cookie(COOKIE);
    if NAMES.contains(&name.as_str()) { name } else { String::new() }
}

fn apply_theme(value: &str) {
    if let Some(root) = document().document_element() {
        let _ = if value.is_empty() {
            root.remove_attribute(ATTRIBUTE)
        } else {
            root.set_attribute(ATTRIBUTE, value)
        };
    }
    if let Ok(elements) = document().query_selector_all("meta[name=theme-color]") {
        for (index, color) in (0..).zip(theme_colors(Some(value))) {
            if let Some(meta) =
                elements.item(index).and_then(|meta| meta.dyn_into::<Element>().ok())
            {
                let _ = meta.set_attribute("content", color);
            }
        }
    }
}

fn set_theme(value: &str) {
    apply_theme(value);
    browser::set_cookie(COOKIE, value, if value.is_empty() { 0 } else { MAX_AGE });
}
