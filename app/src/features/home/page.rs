//! (server) The home page: an introduction, or links for a logged-in user.

use super::messages;
use crate::{brand::Brand, current_user::CurrentUser, request, routes, ui::window_title};
use countersign_types::{Message, Problem, views::Account};
use leptos::prelude::*;
use std::iter;

/// The address and the label of a link.
type Link = (&'static str, Message);

const SIGN_UP: Link = (routes::SIGN_UP, crate::messages::SIGN_UP);
const LOG_IN: Link = (routes::LOG_IN, crate::messages::LOG_IN);
const ACCOUNT: Link = (routes::PROFILE.path, messages::YOUR_ACCOUNT);
const ACTIVITY: Link = (routes::ACTIVITY.path, messages::YOUR_ACTIVITY);

#[component]
pub fn HomePage() -> impl IntoView {
    let user = expect_context::<CurrentUser>();
    let features = messages::FEATURES.map(|(title, description)| {
        view! {
            <div>
                <dt>{title.text()}</dt>
                <dd>{description.text()}</dd>
            </div>
        }
    });
    let content = Suspend::new(async {
        match user.account().await {
            Ok(tagged) => signed_in_hero(tagged.account).into_any(),
            Err(Problem::Unauthenticated) if request::accepts_sign_ups() => {
                anonymous_hero(&[SIGN_UP, LOG_IN]).into_any()
            }
            Err(Problem::Unauthenticated) => anonymous_hero(&[LOG_IN]).into_any(),
            // The user is unknown.
            Err(_) => anonymous_hero(&[ACCOUNT, LOG_IN]).into_any(),
        }
    });
    view! {
        {window_title(&Brand::of_page().name)}
        <div class="hero stack">{content}</div>
        <dl class="list description-list features">{features.collect_view()}</dl>
    }
}

fn anonymous_hero(links: &[Link]) -> impl IntoView + use<> {
    let lead = Brand::of_page().tagline.clone();
    hero(
        messages::HEADING.text().to_owned(),
        lead.unwrap_or_else(|| messages::LEAD.text().to_owned()),
        links,
    )
}

fn signed_in_hero(account: Account) -> impl IntoView {
    let heading = account
        .name
        .map_or_else(|| messages::HELLO.text().to_owned(), |name| messages::hello(&name));
    let lead = messages::logged_in_as(&account.email);
    hero(heading, lead, &[ACCOUNT, ACTIVITY])
}

/// Renders the introduction. The first link is the main one.
fn hero(heading: String, lead: String, links: &[Link]) -> impl IntoView + use<> {
    let classes = iter::once("button").chain(iter::repeat("button secondary"));
    let links = links.iter().zip(classes).map(|(&(href, label), class)| {
        view! {
            <a class=class href=href>
                {label.text()}
            </a>
        }
    });
    view! {
        <h1 data-part="title">{heading}</h1>
        <p class="lead">{lead}</p>
        <p class="cluster">{links.collect_view()}</p>
    }
}
