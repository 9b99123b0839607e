//! The switch between light and dark theme. The choice is stored in a cookie, so that the server
//! renders the next page in it without a flash.

#[cfg(feature = "ssr")]
use crate::messages;
use crate::{browser, ui::event_target::target_as};
use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlInputElement},
};

/// The name of the cookie; its value is one of [`NAMES`].
pub const COOKIE: &str = "countersign-theme";
/// Values of the cookie. Any other value means the theme of the system.
pub const NAMES: [&str; 2] = ["light", "dark"];
/// The colour of the browser UI for each of [`NAMES`]: `--canvas` of `style/tokens.css`.
const THEME_COLORS: [&str; 2] = ["#f9fbfb", "#0d1518"];
#[cfg(feature = "ssr")]
const CHOICES: [(&str, countersign_types::Message); 3] = [
    ("", messages::THEME_SYSTEM),
    (NAMES[0], messages::THEME_LIGHT),
    (NAMES[1], messages::THEME_DARK),
];
/// Attribute of the root element, used by `style/tokens.css`.
const ATTRIBUTE: &str = "data-theme";

/// The name of the radio buttons.
const RADIO: &str = "theme";

/// (server) Renders three radio buttons. `style/components/theme-switch.css` shows them only if
/// scripts run. They need no island: see [`start`].
#[cfg(feature = "ssr")]
pub fn theme_switch(chosen: Option<&'static str>) -> impl IntoView {
    let choices = CHOICES.map(|(name, label)| {
        view! {
            <label>
                <input
                    type="radio"
                    name=RADIO
                    value=name
                    autocomplete="off"
                    checked=name == chosen.unwrap_or_default()
                />
                {label.text()}
            </label>
        }
    });
    view! {
        <fieldset class="theme-switch">
            <legend>{messages::THEME.text()}</legend>
            {choices.collect_view()}
        </fieldset>
    }
}

/// (browser) Follows the radio buttons, and the choice on other pages. Called once per page.
pub(crate) fn start() {
    browser::on_event(ev::change, |event| {
        if let Some(radio) =
            target_as::<HtmlInputElement>(event.target()).filter(|input| input.name() == RADIO)
        {
            set_theme(&radio.value());
        }
    });
    // Another page may have changed it meanwhile.
    browser::on_bfcache_restore(show_stored_theme);
    if browser::was_prefetched() {
        show_stored_theme();
    }
}

fn show_stored_theme() {
    let name = stored_theme();
    // Without a switch, the operator has chosen.
    let radio = browser::element(&format!("[name={RADIO}][value='{name}']"));
    if let Some(radio) = radio.and_then(|radio| radio.dyn_into::<HtmlInputElement>().ok()) {
        radio.set_checked(true);
        apply_theme(&name);
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
    browser::set_cookie(
        COOKIE,
        value,
        if value.is_empty() { 0 } else { browser::PREFERENCE_TTL_SECONDS },
    );
}
