//! The entry of the browser half. Nothing else lives here.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page once the module is there: takes over what the server has rendered. A page whose part of the program cannot be had stays as it
/// is: it works without.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        if app::pages::is_ready().await {
            leptos::mount::hydrate_body(app::pages::App);
        }
    });
}
