//! (server) An action that can be repeated only after a pause, such as asking for another email.

use crate::{messages, ui::interpolate};
use leptos::prelude::*;

/// Shows how many seconds remain of the pause after the page was opened, and then the action.
///
/// `cooldown.css` has the pause of 30 s and counts, with and without scripts. The server enforces
/// the pause.
#[component]
pub fn Cooldown(
    /// The action.
    children: Children,
) -> impl IntoView {
    let seconds = view! { <span class="cooldown-seconds"></span> };
    view! {
        <div class="cooldown">
            <p class="cooldown-remaining text-muted">
                {interpolate(messages::ANOTHER_EMAIL_IN, seconds)}
            </p>
            <div class="cooldown-action">{children()}</div>
        </div>
    }
}
