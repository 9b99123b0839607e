//! One press of a button, and nothing to fill in.

use super::form::input_name;
use leptos::prelude::*;

/// A form that is only a button. The browser sends it by itself, with scripts and without: it needs no code here, which every visitor would load.
/// What went wrong stands in the address afterwards, where the page finds it.
#[component]
pub fn Press(
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    label: &'static str,
    #[prop(optional)] described_by: Option<String>,
    #[prop(optional)] loud: bool,
) -> impl IntoView {
    let fields = fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=input_name(name) value=value/> });
    view! {
        <form class="press" method="post" action=path>
            {fields.collect_view()}
            <button type="submit" class=if loud { "button" } else { "button quiet" } aria-describedby=described_by>
                {label}
            </button>
        </form>
    }
}
