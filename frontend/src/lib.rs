//! The Wasm entry point. The crate contains nothing else, so that the linker can strip unused code.
//!
//! The script of the document calls [`start`], and then the function that each island exports.

use wasm_bindgen::prelude::wasm_bindgen;

/// Prepares the islands. If one panics, forms and links are those of the browser, and still work.
#[wasm_bindgen]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        countersign_leptos::browser::disable_hydration();
        console_error_panic_hook::hook(panic);
    }));
    leptos::mount::hydrate_islands();
    countersign_leptos::start();
}
