//! (server) The home page: an introduction, or links for a logged-in user.

use super::messages;
use crate::{brand::Brand, current_user::CurrentUser, routes, ui::window_title};
use countersign_types::{Problem, views::Account};
use leptos::prelude::*;

const AUTH_LINKS: [(&str, &str); 2] =
    [(routes::SIGN_UP, crate::messages::SIGN_UP), (routes::LOG_IN, crate::messages::LOG_IN)];

#[component]
pub fn HomePage() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let features = messages::FEATURES.map(|(title, description)| {
        view! {
            <div>
                <dt>{title}</dt>
                <dd>{description}</dd>
            </div>
        }
    });
    let content = Suspend::new(async {
        match user.account().await {
            Ok(tagged) => signed_in_hero(tagged.account).into_any(),
            Err(Problem::Unauthenticated) => anonymous_hero(AUTH_LINKS).into_any(),
            // The user is unknown.
            Err(_) => {
                anonymous_hero([("/account", messages::YOUR_ACCOUNT), AUTH_LINKS[1]]).into_any()
            }
        }
    });
    view! {
        {window_title(&Brand::of_page().name)}
        <div class="hero stack">{content}</div>
        <dl class="list description-list features">{features.collect_view()}</dl>
    }
}

fn anonymous_hero(links: [(&'static str, &'static str); 2]) -> impl IntoView {
    let lead = Brand::of_page().tagline.clone();
    hero(messages::HEADING.to_owned(), lead.unwrap_or_else(|| messages::LEAD.to_owned()), links)
}

fn signed_in_hero(account: Account) -> impl IntoView {
    let heading =
        account.name.map_or_else(|| messages::HELLO.to_owned(), |name| messages::hello(&name));
    let lead = messages::logged_in_as(&account.email);
    hero(
        heading,
        lead,
        [("/account", messages::YOUR_ACCOUNT), ("/account/activity", messages::YOUR_ACTIVITY)],
    )
}

fn hero(
    heading: String,
    lead: String,
    [(primary, primary_label), (secondary, secondary_label)]: [(&'static str, &'static str); 2],
) -> impl IntoView {
    view! {
        <h1>{heading}</h1>
        <p class="lead">{lead}</p>
        <p class="cluster">
            <a class="button" href=primary>
                {primary_label}
            </a>
            <a class="button secondary" href=secondary>
                {secondary_label}
            </a>
        </p>
    }
}
