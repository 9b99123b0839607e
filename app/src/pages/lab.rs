//! Only in builds for development: all components in all their states, to be looked at while one works on them, and what no page of the product does
//! but tests want to see done.

use crate::{
    api::recent_activity,
    problem::Problem,
    solid::IntoSolid,
    ui::{
        Ago, Card, CheckBox, Day, Dialog, Form, List, Menu, Notice, PageHead, PasswordField, Press, SideNav, Submit, TextField, Tone, Trouble, When, loading,
        problem_notice, sending,
    },
    words::{self, lab},
};
use contract::{Fault, Faults, Field, Timestamp, form::LogIn};
use futures::future::join_all;
use leptos::{prelude::*, task::spawn_local};

const NAVIGATION: &[(&str, &str)] = &[("/lab", lab::HEADING), ("/account", words::profile::HEADING), ("/account/data", words::data::HEADING)];
/// 22 November 2026, 17:12 UTC.
const THEN: Timestamp = Timestamp(1_795_367_541_000);

#[component]
pub fn LabPage() -> impl IntoView {
    view! {
        <div class="sidebar">
            <SideNav label=lab::HEADING pages=NAVIGATION current="/lab"/>
            <div class="stack">
                <PageHead heading=lab::HEADING lead="All components, in all their states."/>
                <FiveCalls/>
                {part("Buttons", buttons())}
                {part("Fields", forms())}
                {part("Notices", notices())}
                {part("Dialog and menu", layers())}
                {part("Lists", lists())}
                {part("Loading, empty, trouble", states())}
                {part("Times", times())}
            </div>
        </div>
    }
}

fn part(name: &'static str, shown: AnyView) -> AnyView {
    view! {
        <Card title=name>{shown}</Card>
    }
    .solid()
}

/// Five protected calls at the same moment, as a page with five parts would make them.
#[component]
fn FiveCalls() -> impl IntoView {
    let answered = RwSignal::new(String::new());
    let call = move |_| {
        answered.set(String::new());
        spawn_local(async move {
            let answers = join_all((0..5).map(|_| recent_activity(None))).await;
            answered.set(format!("{} of 5 answered", answers.iter().filter(|answer| answer.is_ok()).count()));
        });
    };
    view! {
        <button type="button" class="button" on:click=call>
            {lab::FIVE_CALLS}
        </button>
        <p role="status">{answered}</p>
    }
}

fn buttons() -> AnyView {
    view! {
        <p class="cluster">
            <button type="button" class="button">"Main"</button>
            <button type="button" class="button quiet">"Quiet"</button>
            <button type="button" class="button danger">"Danger"</button>
            <button type="button" class="button" aria-disabled="true">"Working…"</button>
            <button type="button" class="button quiet" aria-disabled="true">"Working…"</button>
            <button type="button" class="button danger" aria-disabled="true">"Working…"</button>
            <a class="button quiet" href="/lab">"A link"</a>
            <span class="badge">"Badge"</span>
        </p>
        <div class="cluster">
            <Press path="/lab" fields=Vec::new() label="Press"/>
            <Press path="/lab" fields=Vec::new() label="Press, loud" loud=true/>
        </div>
    }
    .solid()
}

/// A form in which every field can be wrong. It is sent nowhere.
fn forms() -> AnyView {
    let nothing = |_: &crate::ui::Fields| crate::api::LogInCall { form: LogIn::default() };
    let faulty = |_: &crate::api::LogInCall| {
        let mut faults = Faults::from((Field::Name, Fault::TooLong { max: 200 }));
        faults.0.extend([(Field::Email, Fault::Malformed), (Field::Password, Fault::Guessable), (Field::Current, Fault::Wrong)]);
        faults
    };
    let form = sending(nothing, faulty, |_| ());
    view! {
        <p class="soft">"Press the button to see every field with a fault."</p>
        <Form sending=form>
            <TextField field=Field::Name hint=words::field::NAME_HINT autocomplete="off"/>
            <TextField field=Field::Email autocomplete="off"/>
            <PasswordField field=Field::Current/>
            <PasswordField new=true/>
            <CheckBox name="keep" label=words::log_in::KEEP/>
            <Submit label="Check" working="Checking…"/>
        </Form>
    }
    .solid()
}

fn notices() -> AnyView {
    view! {
        <Notice tone=Tone::News><p>{words::log_in::BYE}</p></Notice>
        {problem_notice(Problem::Credentials)}
        {problem_notice(Problem::Invalid((Field::Email, Fault::Malformed).into()))}
        {problem_notice(Problem::TooMany { retry_after: 3 })}
        {problem_notice(Problem::Internal { id: "01a2047d-26b7-7cc2-a9f3-f72c81007abe".to_owned() })}
    }
    .solid()
}

fn layers() -> AnyView {
    view! {
        <div class="cluster">
            <Dialog id="lab-dialog" opener="Ask again" title="Really?" means="This says what will happen.">
                <button type="button" class="button danger">"Do it"</button>
            </Dialog>
            <Menu id="lab-menu" label="A menu".to_owned()>
                <p class="menu-who">"Of nobody"</p>
                <a href="/lab">"A link"</a>
            </Menu>
        </div>
    }
    .solid()
}

fn lists() -> AnyView {
    let session = view! {
        <li>
            <p class="session-device">"Firefox on Linux"</p>
            <p class="soft small"><Ago at=THEN as_of=THEN/> " · 192.0.2.1"</p>
            <span class="badge">{words::sessions::THIS}</span>
        </li>
    };
    let event = |what, from, tone: Option<&'static str>| {
        view! { <li data-tone=tone><span class="event-kind">{what}</span> <When at=THEN/> <span class="soft small">{from}</span></li> }.solid()
    };
    let events = vec![event("Logged in", "Firefox on Linux · 192.0.2.1", None), event("Wrong password", words::UNKNOWN_DEVICE, Some("problem"))];
    view! {
        <dl class="list facts">
            <div><dt>"A fact"</dt><dd>"What it is"</dd></div>
            <div><dt>"Another one"</dt><dd>{"A-very-long-word-".repeat(12)}</dd></div>
        </dl>
        <List class="sessions" rows=vec![session.solid()]/>
        <List class="events" rows=events/>
    }
    .solid()
}

fn states() -> AnyView {
    view! {
        {loading()}
        <List class="" rows=Vec::new() empty=words::activity::EMPTY/>
        <Trouble problem=Problem::Offline again=Box::new(|| ())/>
    }
    .solid()
}

fn times() -> AnyView {
    let hour = contract::Span::minutes(60);
    view! {
        <p><When at=THEN/></p>
        <p><Day at=THEN/></p>
        <p><Ago at=THEN as_of=THEN + hour/></p>
    }
    .solid()
}
