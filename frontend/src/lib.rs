//! The entry of the browser half. Nothing else lives here.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page once the module is there: takes over what the server has rendered.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::pages::App);
}
