//! The Wasm entry point. The crate contains nothing else, so that the linker can strip unused code.

use wasm_bindgen::prelude::wasm_bindgen;

/// Hydrates the page once the module is loaded.
///
/// If the chunk of the page can't be loaded, or a browser extension has changed the document, the
/// page stays unhydrated and still works.
#[wasm_bindgen]
pub fn hydrate() {
    std::panic::set_hook(Box::new(|panic| {
        countersign_leptos::browser::disable_hydration();
        console_error_panic_hook::hook(panic);
    }));
    wasm_bindgen_futures::spawn_local(async {
        if countersign_leptos::prepare_hydration().await
            && countersign_leptos::browser::is_as_rendered()
        {
            leptos::mount::hydrate_body(countersign_leptos::App);
        }
    });
}
