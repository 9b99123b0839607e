//! The message that the server is unreachable.

use crate::{
    browser::{connection, connection::Connection},
    messages,
};
use leptos::prelude::*;

/// The connection status while the server is unreachable. It overlays the page, so that nothing
/// moves.
#[component]
pub fn ConnectionStatus(
    /// The source of the status.
    #[prop(default = connection::get)]
    connection: fn() -> Connection,
) -> impl IntoView {
    let is_shown = move || connection() != Connection::Online;
    view! {
        <p class="connection-status" role="status" data-visible=move || is_shown().then_some("")>
            {move || messages::connection(connection())}
        </p>
    }
}
