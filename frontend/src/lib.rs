//! The entry of the browser half. Nothing else lives here.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page once the module is there: takes over what the server has rendered. A page
/// whose part of the program cannot be had, or that an extension of the browser has changed, stays
/// as it is: it works without.
#[wasm_bindgen]
pub fn hydrate() {
    std::panic::set_hook(Box::new(|panic| {
        countersign_leptos::browser::give_back();
        console_error_panic_hook::hook(panic);
    }));
    wasm_bindgen_futures::spawn_local(async {
        if countersign_leptos::pages::is_ready().await
            && countersign_leptos::browser::is_as_rendered()
        {
            leptos::mount::hydrate_body(countersign_leptos::pages::App);
        }
    });
}
