//! One press of a button, and nothing to fill in.

use super::form::input_name;
use crate::{browser, connection};
use leptos::{ev, prelude::*};
use std::time::Duration;

/// A press that has led nowhere for so long may be tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// A form that is only a button. The browser sends it by itself, with scripts and without, and
/// loads the page again; what went wrong stands in the address afterwards, where the page finds it.
/// Scripts see to it that it is not sent twice, nor to where nobody answers, which would cost the
/// page.
#[component]
pub fn Press(
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    label: &'static str,
    #[prop(optional)] described_by: Option<String>,
    #[prop(optional)] loud: bool,
) -> impl IntoView {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=input_name(name) value=value/> });
    let pressed = RwSignal::new(false);
    let press = move |event: ev::SubmitEvent| {
        if !browser::is_hydrated() {
            return;
        }
        if pressed.try_get_untracked() == Some(true) || !connection::is_likely() {
            event.prevent_default();
            return;
        }
        pressed.try_set(true);
        let again = move || {
            pressed.try_set(false);
        };
        set_timeout(again, PATIENCE);
    };
    view! {
        <form class="press" method="post" action=path on:submit=press>
            {fields.collect_view()}
            <button
                type="submit"
                class=if loud { "button" } else { "button quiet" }
                aria-describedby=described_by
                aria-disabled=move || (pressed.try_get() == Some(true)).then_some("true")
            >
                {label}
            </button>
        </form>
    }
}
