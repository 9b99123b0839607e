//! The first page: what this is, or, for somebody who is logged in, the way on.

use crate::solid::IntoSolid;
use crate::{
    address,
    problem::Problem,
    ui::{arrives, awaited, nothing},
    who::Who,
    words,
};
use countersign_types::view::Account;
use leptos::prelude::*;
use leptos_meta::Title;

const DOORS: [(&str, &str); 2] =
    [(address::SIGN_UP, words::SIGN_UP), (address::LOG_IN, words::LOG_IN)];

#[component]
pub fn HomePage() -> impl IntoView {
    arrives();
    let who = expect_context::<Who>();
    let points = words::home::POINTS.map(|(name, what)| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{what}</dd>
            </div>
        }
    });
    view! {
        <Title text=words::PRODUCT/>
        <div class="hero stack">
            {awaited(nothing, move || async move {
                match who.account.get().await {
                    Ok(account) => for_member(account),
                    Err(Problem::SignedOut) => for_visitor(),
                    // It cannot be told who this is.
                    Err(_) => hero(words::home::HEADING.to_owned(), words::home::LEAD.to_owned(), [("/account", words::home::YOUR_ACCOUNT), DOORS[1]]),
                }
            })}
        </div>
        <dl class="list facts wide">{points.collect_view()}</dl>
    }
}

fn for_visitor() -> AnyView {
    hero(words::home::HEADING.to_owned(), words::home::LEAD.to_owned(), DOORS)
}

fn for_member(account: Account) -> AnyView {
    let heading = account
        .name
        .map_or_else(|| words::home::HELLO.to_owned(), |name| words::home::hello(&name));
    let lead = words::home::logged_in_as(&account.email);
    hero(
        heading,
        lead,
        [
            ("/account", words::home::YOUR_ACCOUNT),
            ("/account/activity", words::home::YOUR_ACTIVITY),
        ],
    )
}

fn hero(
    heading: String,
    lead: String,
    [(first, first_words), (second, second_words)]: [(&'static str, &'static str); 2],
) -> AnyView {
    view! {
        <h1>{heading}</h1>
        <p class="lead">{lead}</p>
        <p class="cluster">
            <a class="button" href=first>
                {first_words}
            </a>
            <a class="button quiet" href=second>
                {second_words}
            </a>
        </p>
    }
    .solid()
}
