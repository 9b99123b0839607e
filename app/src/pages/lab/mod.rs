//! Only in builds for development: all components in all their states, to be looked at while one
//! works on them, and what no page of the product does but tests want to see done.
//!
//! What cannot be seen at the same time as something else has an address of its own. What only a
//! hand brings about is done by [`hands`].

mod hands;

use crate::{
    api::recent_activity,
    connection::{Connected, Connection},
    pages::frame::ConnectionNotice,
    problem::Problem,
    solid::IntoSolid,
    ui::{
        Ago, Card, CheckBox, Day, Dialog, Form, List, Menu, Notice, PageHead, PasswordField,
        Pending, Press, Sending, SideNav, Submit, TextField, Tone, Trouble, When, loading,
        problem_notice, sending,
    },
    words::{self, lab},
};
use countersign_types::{Fault, Faults, Field, Timestamp, form::LogIn};
use futures::future::join_all;
use leptos::{context::Provider, prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;

/// 22 November 2026, 17:12 UTC.
const THEN: Timestamp = Timestamp(1_795_367_541_000);

/// What can be looked at.
const STATES: &[(&str, &str)] = &[
    ("/lab", "At rest"),
    ("/lab?show=filled", "Filled in"),
    ("/lab?show=faults", "With faults"),
    ("/lab?show=refused", "Refused"),
    ("/lab?show=work", "At work"),
    ("/lab?show=dialog", "Dialog, open"),
    ("/lab?show=menu", "Menu, open"),
    ("/lab?show=offline", "Offline"),
    ("/lab?show=away", "Server away"),
];
/// How they come about, in the same order.
const SHOW: [fn() -> AnyView; STATES.len()] = [
    at_rest,
    filled,
    faults,
    refused,
    at_work,
    || open("[popovertarget=lab-dialog]:not([popovertargetaction])"),
    || open("[popovertarget=lab-menu]"),
    || connection(Connection::Offline),
    || connection(Connection::Away),
];

#[component]
pub fn LabPage() -> impl IntoView {
    let query = use_query_map();
    let shown = Memo::new(move |_| {
        let address = query.with(|query| {
            query
                .get_str("show")
                .map_or_else(|| "/lab".to_owned(), |state| format!("/lab?show={state}"))
        });
        STATES.iter().position(|(state, _)| *state == address).unwrap_or_default()
    });
    move || {
        let (current, name) = STATES[shown.get()];
        view! {
            <div class="sidebar" id="lab">
                <SideNav label=lab::HEADING pages=STATES current/>
                <div class="stack">
                    <PageHead heading=lab::HEADING lead=name/>
                    {SHOW[shown.get()]()}
                </div>
            </div>
        }
    }
}

/// Done once the page is there, in the browser.
fn then(act: impl Fn() + Copy + 'static) {
    Effect::new(move |_| request_animation_frame(act));
}

fn at_rest() -> AnyView {
    view! {
        <FiveCalls/>
        {part("Buttons", buttons())}
        {part("Fields", fields())}
        {part("Notices", notices())}
        {part("Dialog and menu", layers())}
        {part("Lists", lists())}
        {part("Loading, empty, trouble", states())}
        {part("Times", times())}
    }
    .solid()
}

fn filled() -> AnyView {
    then(|| {
        hands::types("#name", "Ada Lovelace");
        hands::types("#email", "ada@example.org");
        hands::types("#current", "what it is now");
        hands::types("#password", "long enough");
        hands::types("#new", "of a good length");
        hands::presses("#current ~ .reveal");
        hands::has_caps_lock("#current");
        hands::presses(".check input");
    });
    part("Shown, with Caps Lock on, long enough, not ticked", fields())
}

fn faults() -> AnyView {
    then(|| hands::sends("#lab .form"));
    part("Each with a fault", fields())
}

fn refused() -> AnyView {
    let refused = |problem| {
        view! {
            <Form sending=Sending::refused(problem)>
                <Submit label="Send" working="Sending…"/>
            </Form>
        }
        .solid()
    };
    let problems = [
        Problem::Credentials,
        Problem::EmailTaken,
        Problem::SomeoneElse,
        Problem::Busy { retry_after: 3 },
        Problem::Unavailable,
        Problem::Offline,
    ];
    part("Forms that came to nothing", problems.map(refused).collect_view().solid())
}

fn at_work() -> AnyView {
    let pending = expect_context::<Pending>();
    // It shows on the page's content.
    Effect::new(move |_| pending.set_page(true));
    on_cleanup(move || pending.set_page(false));
    then(|| hands::sends("#lab form"));
    let shown = view! {
        <div class="cluster">
            <Form sending=Sending::unanswered() class="inline"><Submit label="Send" working="Sending…"/></Form>
            <Form sending=Sending::unanswered() class="inline"><Submit label="Send, quietly" working="Sending…" quiet=true/></Form>
            <Form sending=Sending::unanswered() class="inline"><Submit label="Delete" working="Deleting everything…" danger=true/></Form>
        </div>
        <div class="cluster">
            <Press path="/lab" fields=Vec::new() label="Press"/>
            <Press path="/lab" fields=Vec::new() label="Press, loud" loud=true/>
        </div>
    };
    part("Buttons that were pressed, and a page on its way", shown.solid())
}

fn open(opener: &'static str) -> AnyView {
    then(move || hands::presses(opener));
    part("Dialog and menu", layers())
}

fn connection(how: Connection) -> AnyView {
    view! {
        <Provider value=Connected::always(how)>
            {part("Buttons", buttons())}
            <ConnectionNotice/>
        </Provider>
    }
    .solid()
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
            answered.set(format!(
                "{} of 5 answered",
                answers.iter().filter(|answer| answer.is_ok()).count()
            ));
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
fn fields() -> AnyView {
    let nothing = |_: &crate::ui::Fields| crate::api::LogInCall { form: LogIn::default() };
    let faulty = |_: &crate::api::LogInCall| {
        let mut faults = Faults::from((Field::Name, Fault::TooLong { max: 200 }));
        faults.0.extend([
            (Field::Email, Fault::Malformed),
            (Field::Password, Fault::Guessable),
            (Field::Current, Fault::Wrong),
        ]);
        faults
    };
    let form = sending(nothing, faulty, |_| ());
    view! {
        <Form sending=form>
            <TextField field=Field::Name hint=words::field::NAME_HINT autocomplete="off"/>
            <TextField field=Field::Email autocomplete="off"/>
            <PasswordField field=Field::Current/>
            <PasswordField new=true/>
            <PasswordField field=Field::New new=true/>
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
    let session = |device, end: AnyView| {
        view! {
            <li>
                <p class="session-device">{device}</p>
                <p class="soft small"><Ago at=THEN as_of=THEN/> " · 192.0.2.1"</p>
                {end}
            </li>
        }
        .solid()
    };
    let this = session(
        "Firefox on Linux",
        view! { <span class="badge">{words::sessions::THIS}</span> }.solid(),
    );
    let other = session(
        "Safari on iPhone",
        view! { <Press path="/lab" fields=Vec::new() label=words::LOG_OUT/> }.solid(),
    );
    let event = |what, from, tone: Option<&'static str>| {
        view! { <li data-tone=tone><span class="event-kind">{what}</span> <When at=THEN/> <span class="soft small">{from}</span></li> }.solid()
    };
    let events = vec![
        event("Logged in", "Firefox on Linux · 192.0.2.1", None),
        event("Wrong password", words::UNKNOWN_DEVICE, Some("problem")),
    ];
    view! {
        <dl class="list facts">
            <div><dt>"A fact"</dt><dd>"What it is"</dd></div>
            <div><dt>"Another one"</dt><dd>{"A-very-long-word-".repeat(12)}</dd></div>
        </dl>
        <List class="sessions" rows=vec![this, other]/>
        <List class="events" rows=events/>
    }
    .solid()
}

fn states() -> AnyView {
    view! {
        {loading()}
        <List class="" rows=Vec::new() empty=words::activity::EMPTY/>
        <Trouble problem=Problem::Offline again=Box::new(|| ())/>
        <Trouble problem=Problem::Unavailable again=Box::new(|| ())/>
    }
    .solid()
}

fn times() -> AnyView {
    let hour = countersign_types::Span::minutes(60);
    view! {
        <p><When at=THEN/></p>
        <p><Day at=THEN/></p>
        <p><Ago at=THEN as_of=THEN + hour/></p>
    }
    .solid()
}
