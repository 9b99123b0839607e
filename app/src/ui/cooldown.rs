//! An action that can be repeated only after a pause, such as asking for another email.

use crate::{eager_view::EagerChildren, messages};
use leptos::prelude::*;
use std::time::Duration;

/// The pause between two emails to one address, in seconds.
const PAUSE_SECONDS: u32 = 30;

/// Shows an action when the pause since the page was opened has passed, and until then the
/// remaining seconds.
///
/// The page of the server and a page without scripts show the action at once. That does no harm:
/// the server enforces the pause.
#[component]
pub fn Cooldown(children: EagerChildren) -> impl IntoView {
    let remaining = RwSignal::new(0_u32);
    Effect::new(move |_| {
        remaining.try_set(PAUSE_SECONDS);
        let count = move || {
            remaining.try_update(|seconds| *seconds = seconds.saturating_sub(1));
        };
        if let Ok(timer) = set_interval_with_handle(count, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
    });
    let seconds = move || remaining.try_get().unwrap_or_default();
    view! {
        <div hidden=move || seconds() != 0>{children.view()}</div>
        <p class="text-muted" hidden=move || seconds() == 0>
            {move || messages::another_email_in(seconds())}
        </p>
    }
}
