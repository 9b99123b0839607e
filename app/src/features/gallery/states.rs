//! (server, development builds) States of the gallery that scripts or user input cause, and a test
//! hook. Each has a URL.

use super::{
    islands::{BusyForms, FailedForms, Fields, FiveCalls, Simulation},
    messages, page, samples,
};
use crate::{
    browser::connection::Connection,
    layout::connection_status::ConnectionStatus,
    page_query,
    routes::GALLERY,
    ui::{Card, Dialog, Icon, Menu, PageHeader, icon},
};
use leptos::prelude::*;

/// `?state`: one of [`STATES`].
const STATE: &str = "state";

/// A state: value of the parameter, name, content.
type State = (&'static str, &'static str, fn() -> AnyView);

const STATES: [State; 9] = [
    ("idle", "Idle", idle),
    ("filled", "Filled in", || fields("Shown, with Caps Lock on, long enough, not ticked")),
    ("errors", "With errors", || fields("Each with an error")),
    ("refused", "Refused", || section("Forms that failed", view! { <FailedForms/> }.into_any())),
    ("busy", "Busy", busy),
    ("dialog", "Dialog, open", || section("Dialog and menu", popovers())),
    ("menu", "Menu, open", || section("Dialog and menu", popovers())),
    ("offline", "Offline", || connection(|| Connection::Offline)),
    ("unreachable", "Server unreachable", || connection(|| Connection::ServerUnreachable)),
];

/// Renders the page of the state that the query asks for, if any.
pub(super) fn state_page() -> Option<AnyView> {
    let value = page_query::value(STATE)?;
    let (_, name, content) = STATES.into_iter().find(|(state, ..)| *state == value)?;
    let page = view! {
        {page::head()}
        <div class="gallery" id="gallery">
            {page::navigation(page::Shown::of_page(), false)}
            <div class="gallery-content stack">
                <PageHeader heading=messages::HEADING lead=name/>
                {content()}
            </div>
            <Simulation/>
        </div>
    };
    Some(page.into_any())
}

/// Renders the links to the states.
pub(super) fn links() -> impl IntoView {
    let current = page_query::value(STATE).unwrap_or_default();
    let links = STATES.map(|(state, name, _)| {
        let href = format!("{GALLERY}?{STATE}={state}");
        view! {
            <li>
                <a href=href aria-current=(state == current).then_some("page")>
                    {name}
                </a>
            </li>
        }
    });
    view! {
        <p class="gallery-group">{messages::STATES}</p>
        <ul role="list">{links.collect_view()}</ul>
    }
}

fn idle() -> AnyView {
    view! {
        <FiveCalls/>
        {section("Buttons", buttons())}
        {fields("Fields")}
        {section("Dialog and menu", popovers())}
    }
    .into_any()
}

fn fields(name: &'static str) -> AnyView {
    section(name, view! { <Fields/> }.into_any())
}

fn busy() -> AnyView {
    let content = view! {
        <BusyForms/>
        {samples::post_button()}
    };
    section("Buttons that were pressed", content.into_any())
}

fn connection(connection: fn() -> Connection) -> AnyView {
    view! {
        {section("Buttons", buttons())}
        <ConnectionStatus connection/>
    }
    .into_any()
}

fn section(name: &'static str, content: AnyView) -> AnyView {
    view! {
        <Card title=name>{content}</Card>
    }
    .into_any()
}

fn buttons() -> AnyView {
    view! {
        <p class="cluster">
            <button type="button" class="button">"Primary"</button>
            <button type="button" class="button secondary">"Secondary"</button>
            <button type="button" class="button danger">"Danger"</button>
            <a class="button secondary" href=GALLERY>"A link"</a>
            <span class="badge">"Badge"</span>
        </p>
        {samples::post_button()}
    }
    .into_any()
}

fn popovers() -> AnyView {
    view! {
        <div class="cluster">
            <Dialog
                id="gallery-dialog"
                button_label="Ask again"
                title="Really?"
                description="This says what will happen."
            >
                <button type="button" class="button danger">"Do it"</button>
            </Dialog>
            <Menu
                id="gallery-menu"
                label=view! { <span class="menu-label">"A menu"</span> }.into_any()
            >
                <p class="menu-user">"Example user"</p>
                <a href=GALLERY>{icon(Icon::User)} "A link"</a>
            </Menu>
        </div>
    }
    .into_any()
}
