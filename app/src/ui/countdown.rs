//! (browser) The countdown before a form that the server has refused is sent again by itself.

use crate::{browser, messages};
use std::{cell::Cell, time::Duration};

/// Selects the elements that show a countdown, in notices of problems.
const TIMER: &str = "[role=timer]";

thread_local! {
    /// Increased when a countdown of this page begins or ends.
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

/// Counts down in the notice of the form that is posted to `path`. Returns whether all seconds have
/// passed: [`cancel`] ends the countdown, and so does the next one. Without a notice nothing would
/// tell the user, so there is no countdown.
pub(super) async fn count_down(path: &str, seconds: u32) -> bool {
    cancel();
    let id = COUNT.get();
    let timer = format!("[action='{path}'] {TIMER}");
    // At first until the notice is rendered.
    let mut pause = Duration::ZERO;
    let mut remaining = seconds;
    loop {
        browser::sleep(pause).await;
        let Some(timer) = browser::element(&timer).filter(|_| COUNT.get() == id) else {
            return false;
        };
        // A page in the background or a computer that slept sends nothing late.
        if !browser::is_visible() {
            cancel();
            return false;
        }
        if remaining == 0 {
            cancel();
            return true;
        }
        timer.set_text_content(Some(&messages::retry_in(remaining)));
        remaining -= 1;
        pause = Duration::from_secs(1);
    }
}

/// Ends the countdown: the user has gone on.
pub(super) fn cancel() {
    COUNT.set(COUNT.get() + 1);
    browser::set_text(TIMER, "");
}
