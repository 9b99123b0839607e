//! (server) The page of the component gallery.

use super::{
    islands::{BusyForms, FailedForms, Fields, FiveCalls, Simulation},
    messages,
};
use crate::{
    browser::connection::Connection,
    layout::connection_status::ConnectionStatus,
    page_query,
    ui::{
        Card, Date, DateTime, Dialog, Icon, List, Menu, NavLink, Notice, PageHeader, PostButton,
        RelativeTime, Severity, SideNav, TimeOfDay, Tone, icon, icon_box, problem_notice,
    },
};
use countersign_types::{Field, FieldError, Problem, Timestamp};
use leptos::prelude::*;

/// 22 November 2026, 17:12 UTC.
const SAMPLE_TIME: Timestamp = Timestamp(1_795_367_541_000);

/// URLs and names of the states.
const STATES: &[(&str, &str)] = &[
    ("/lab", "At rest"),
    ("/lab?show=filled", "Filled in"),
    ("/lab?show=faults", "With errors"),
    ("/lab?show=refused", "Refused"),
    ("/lab?show=work", "Busy"),
    ("/lab?show=dialog", "Dialog, open"),
    ("/lab?show=menu", "Menu, open"),
    ("/lab?show=offline", "Offline"),
    ("/lab?show=away", "Server unreachable"),
];
/// The views of [`STATES`], in the same order.
const VIEWS: [fn() -> AnyView; STATES.len()] = [
    at_rest,
    || fields("Shown, with Caps Lock on, long enough, not ticked"),
    || fields("Each with an error"),
    || section("Forms that failed", view! { <FailedForms/> }.into_any()),
    busy,
    || section("Dialog and menu", popovers()),
    || section("Dialog and menu", popovers()),
    || connection(|| Connection::Offline),
    || connection(|| Connection::ServerUnreachable),
];

#[component]
pub fn GalleryPage() -> impl IntoView {
    let url = page_query::value("show")
        .map_or_else(|| "/lab".to_owned(), |state| format!("/lab?show={state}"));
    let shown = STATES.iter().position(|(state, _)| *state == url).unwrap_or_default();
    let (current, name) = STATES[shown];
    let links = STATES.iter().map(|(path, name)| NavLink { path, name, icon: Icon::Device });
    let groups = vec![("", links.collect())];
    view! {
        <div class="sidebar" id="lab">
            <SideNav label=messages::HEADING groups current/>
            <div class="stack">
                <PageHeader heading=messages::HEADING lead=name/>
                {VIEWS[shown]()}
            </div>
            <Simulation/>
        </div>
    }
}

fn at_rest() -> AnyView {
    view! {
        <FiveCalls/>
        {section("Buttons", buttons())}
        {fields("Fields")}
        {section("Notices", notices())}
        {section("Dialog and menu", popovers())}
        {section("Icons", icons())}
        {section("Lists", lists())}
        {section("Times", times())}
    }
    .into_any()
}

fn fields(name: &'static str) -> AnyView {
    section(name, view! { <Fields/> }.into_any())
}

fn busy() -> AnyView {
    let content = view! {
        <BusyForms/>
        {post_buttons()}
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
            <a class="button secondary" href="/lab">"A link"</a>
            <span class="badge">"Badge"</span>
        </p>
        {post_buttons()}
    }
    .into_any()
}

fn post_buttons() -> AnyView {
    view! {
        <div class="cluster">
            <PostButton path="/lab" fields=Vec::new() label="Post"/>
            <PostButton path="/lab" fields=Vec::new() label="Post, primary" primary=true/>
        </div>
    }
    .into_any()
}

fn notices() -> AnyView {
    let id = "01a2047d-26b7-7cc2-a9f3-f72c81007abe".to_owned();
    view! {
        <Notice severity=Severity::Info>
            <p>{crate::features::log_in::messages::LOGGED_OUT}</p>
        </Notice>
        {problem_notice(Problem::InvalidCredentials)}
        {problem_notice(Problem::Invalid((Field::Email, FieldError::Malformed).into()))}
        {problem_notice(Problem::RateLimited { retry_after: 3 })}
        {problem_notice(Problem::Internal { id })}
    }
    .into_any()
}

fn popovers() -> AnyView {
    view! {
        <div class="cluster">
            <Dialog
                id="lab-dialog"
                button_label="Ask again"
                title="Really?"
                description="This says what will happen."
            >
                <button type="button" class="button danger">"Do it"</button>
            </Dialog>
            <Menu
                id="lab-menu"
                label=view! { <span class="menu-label">"A menu"</span> }.into_any()
            >
                <p class="menu-user">"Example user"</p>
                <a href="/lab">{icon(Icon::User)} "A link"</a>
            </Menu>
        </div>
    }
    .into_any()
}

fn lists() -> AnyView {
    let session = |device, tone, end: AnyView| {
        view! {
            <li>
                {icon_box(Icon::Laptop, tone)}
                <p class="session-device">{device}</p>
                <p class="text-muted text-small">
                    <RelativeTime at=SAMPLE_TIME as_of=SAMPLE_TIME/>
                    " · 192.0.2.1"
                </p>
                {end}
            </li>
        }
        .into_any()
    };
    let badge = crate::features::sessions::messages::CURRENT_SESSION;
    let current = session(
        "Firefox on Linux",
        Tone::Accent,
        view! { <p><span class="badge">{badge}</span></p> }.into_any(),
    );
    let other = session(
        "Safari on iPhone",
        Tone::Neutral,
        view! { <PostButton path="/lab" fields=Vec::new() label=crate::messages::LOG_OUT/> }
            .into_any(),
    );
    let event = |name, source, which, tone| {
        view! {
            <li>
                {icon_box(which, tone)}
                <p class="activity-event">{name}</p>
                <TimeOfDay at=SAMPLE_TIME/>
                <p class="text-muted text-small">{source}</p>
            </li>
        }
        .into_any()
    };
    let events = vec![
        event("Logged in", "Firefox on Linux · 192.0.2.1", Icon::LogIn, Tone::Neutral),
        event("Wrong password", crate::messages::UNKNOWN_DEVICE, Icon::Warning, Tone::Attention),
    ];
    view! {
        <dl class="list description-list">
            <div><dt>"A fact"</dt><dd>"What it is"</dd></div>
            <div><dt>"Another one"</dt><dd>{"A-very-long-word-".repeat(12)}</dd></div>
        </dl>
        <List class="session-list" rows=vec![current, other]/>
        <List class="activity-list" rows=events/>
        <List class="" rows=Vec::new() empty="No rows yet."/>
    }
    .into_any()
}

fn icons() -> AnyView {
    let tones = [Tone::Neutral, Tone::Accent, Tone::Attention, Tone::Danger];
    view! {
        <p class="cluster">{Icon::ALL.iter().map(|which| icon(*which)).collect_view()}</p>
        <p class="cluster">{tones.map(|tone| icon_box(Icon::Shield, tone)).collect_view()}</p>
    }
    .into_any()
}

fn times() -> AnyView {
    let hour = countersign_types::TimeSpan::minutes(60);
    view! {
        <p><DateTime at=SAMPLE_TIME/></p>
        <p><Date at=SAMPLE_TIME/></p>
        <p><RelativeTime at=SAMPLE_TIME as_of=SAMPLE_TIME + hour/></p>
    }
    .into_any()
}
