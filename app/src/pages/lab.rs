//! Only in builds for development: what no page of the product does, but tests and developers want to see done.

use crate::{api::recent_activity, words};
use futures::future::join_all;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;

/// Five protected calls at the same moment, as a page with five parts would make them.
#[component]
pub fn LabPage() -> impl IntoView {
    let answered = RwSignal::new(String::new());
    let call = move |_| {
        answered.set(String::new());
        spawn_local(async move {
            let answers = join_all((0..5).map(|_| recent_activity(None))).await;
            answered.set(format!("{} of 5 answered", answers.iter().filter(|answer| answer.is_ok()).count()));
        });
    };
    view! {
        <Title text=words::lab::HEADING/>
        <h1>{words::lab::HEADING}</h1>
        <button type="button" class="button" on:click=call>
            {words::lab::FIVE_CALLS}
        </button>
        <p role="status">{answered}</p>
    }
}
