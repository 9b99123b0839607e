//! The component gallery, in development builds only: all components in all their states, and
//! situations for tests that no page of the product causes.
//!
//! States that can't be shown at the same time have a URL each. States that only user input can
//! cause are brought about by [`simulate`].

pub mod messages;
mod simulate;

use crate::{
    browser::connection::{Connection, ConnectionStatus},
    eager_view::IntoEagerAny,
    features::activity::list_activity,
    layout::site_layout::ConnectionNotice,
    ui::{
        BusyIndicator, Card, Checkbox, Date, DateTime, Dialog, ErrorWithRetry, Form, FormAction,
        List, Menu, Notice, PageHeader, PasswordField, PostButton, RelativeTime, Severity, SideNav,
        SubmitButton, TextField, form_action, loading, problem_notice,
    },
};
use countersign_types::{Field, FieldError, FieldErrors, Problem, Timestamp, forms::LogInForm};
use futures::future::join_all;
use leptos::{context::Provider, prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;

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
    filled,
    with_errors,
    refused,
    busy,
    || open("[popovertarget=lab-dialog]:not([popovertargetaction])"),
    || open("[popovertarget=lab-menu]"),
    || connection(Connection::Offline),
    || connection(Connection::ServerUnreachable),
];

#[component]
pub fn GalleryPage() -> impl IntoView {
    let query = use_query_map();
    let shown = Memo::new(move |_| {
        let url = query.with(|query| {
            query
                .get_str("show")
                .map_or_else(|| "/lab".to_owned(), |state| format!("/lab?show={state}"))
        });
        STATES.iter().position(|(state, _)| *state == url).unwrap_or_default()
    });
    move || {
        let (current, name) = STATES[shown.get()];
        view! {
            <div class="sidebar" id="lab">
                <SideNav label=messages::HEADING pages=STATES current/>
                <div class="stack">
                    <PageHeader heading=messages::HEADING lead=name/>
                    {VIEWS[shown.get()]()}
                </div>
            </div>
        }
    }
}

/// Calls `act` in the browser, once the page is rendered.
fn after_render(act: impl Fn() + Copy + 'static) {
    Effect::new(move |_| request_animation_frame(act));
}

fn at_rest() -> AnyView {
    view! {
        <FiveCalls/>
        {section("Buttons", buttons())}
        {section("Fields", fields())}
        {section("Notices", notices())}
        {section("Dialog and menu", popovers())}
        {section("Lists", lists())}
        {section("Loading, empty, failed", load_states())}
        {section("Times", times())}
    }
    .into_eager_any()
}

fn filled() -> AnyView {
    after_render(|| {
        simulate::type_text("#name", "Ada Lovelace");
        simulate::type_text("#email", "ada@example.org");
        simulate::type_text("#current_password", "what it is now");
        simulate::type_text("#password", "long enough");
        simulate::type_text("#new_password", "of a good length");
        simulate::click("#current_password ~ button");
        simulate::press_key_with_caps_lock("#current_password");
        simulate::click("#lab input[type=checkbox]");
    });
    section("Shown, with Caps Lock on, long enough, not ticked", fields())
}

fn with_errors() -> AnyView {
    after_render(|| simulate::submit("#lab .form"));
    section("Each with an error", fields())
}

fn refused() -> AnyView {
    let form = |problem| {
        view! {
            <Form action=FormAction::always_failed(problem)>
                <SubmitButton label="Send" busy_label="Sending…"/>
            </Form>
        }
        .into_eager_any()
    };
    let problems = [
        Problem::InvalidCredentials,
        Problem::EmailTaken,
        Problem::SessionMismatch,
        Problem::Overloaded { retry_after: 3 },
        Problem::Unavailable,
        Problem::Offline,
    ];
    section("Forms that failed", problems.map(form).collect_view().into_eager_any())
}

fn busy() -> AnyView {
    let indicator = expect_context::<BusyIndicator>();
    // The content of the page shows it.
    Effect::new(move |_| indicator.set_page(true));
    on_cleanup(move || indicator.set_page(false));
    after_render(|| simulate::submit("#lab form"));
    let content = view! {
        <div class="cluster">
            <Form action=FormAction::always_pending() class="button-inline">
                <SubmitButton label="Send" busy_label="Sending…"/>
            </Form>
            <Form action=FormAction::always_pending() class="button-inline">
                <SubmitButton label="Send, secondary" busy_label="Sending…" secondary=true/>
            </Form>
            <Form action=FormAction::always_pending() class="button-inline">
                <SubmitButton label="Delete" busy_label="Deleting everything…" danger=true/>
            </Form>
        </div>
        {post_buttons()}
    };
    section("Buttons that were pressed, and a page that is loading", content.into_eager_any())
}

fn open(button: &'static str) -> AnyView {
    after_render(move || simulate::click(button));
    section("Dialog and menu", popovers())
}

fn connection(connection: Connection) -> AnyView {
    view! {
        <Provider value=ConnectionStatus::always(connection)>
            {section("Buttons", buttons())}
            <ConnectionNotice/>
        </Provider>
    }
    .into_eager_any()
}

fn section(name: &'static str, content: AnyView) -> AnyView {
    view! {
        <Card title=name>{content}</Card>
    }
    .into_eager_any()
}

/// A button for five concurrent authenticated calls, as a page with five resources would make.
#[component]
fn FiveCalls() -> impl IntoView {
    let result = RwSignal::new(String::new());
    let call = move |_| {
        result.set(String::new());
        spawn_local(async move {
            let responses = join_all((0..5).map(|_| list_activity(None))).await;
            result.set(format!(
                "{} of 5 answered",
                responses.iter().filter(|response| response.is_ok()).count()
            ));
        });
    };
    view! {
        <button type="button" class="button" on:click=call>
            {messages::FIVE_CALLS}
        </button>
        <p role="status">{result}</p>
    }
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
    .into_eager_any()
}

fn post_buttons() -> AnyView {
    view! {
        <div class="cluster">
            <PostButton path="/lab" fields=Vec::new() label="Post"/>
            <PostButton path="/lab" fields=Vec::new() label="Post, primary" primary=true/>
        </div>
    }
    .into_eager_any()
}

/// A form in which every field can have an error. It is never sent.
fn fields() -> AnyView {
    let read = |_: &crate::ui::FormValues| crate::features::log_in::LogInCall {
        form: LogInForm::default(),
        next: String::new(),
    };
    let check = |_: &crate::features::log_in::LogInCall| {
        let mut errors = FieldErrors::from((Field::Name, FieldError::TooLong { max: 200 }));
        errors.0.extend([
            (Field::Email, FieldError::Malformed),
            (Field::Password, FieldError::TooWeak),
            (Field::CurrentPassword, FieldError::Incorrect),
        ]);
        errors
    };
    let action = form_action(read, check, |_| ());
    view! {
        <Form action>
            <TextField field=Field::Name hint=crate::messages::field::NAME_HINT autocomplete="off"/>
            <TextField field=Field::Email autocomplete="off"/>
            <PasswordField field=Field::CurrentPassword/>
            <PasswordField new=true/>
            <PasswordField field=Field::NewPassword new=true/>
            <Checkbox name="remember_me" label=crate::features::log_in::messages::REMEMBER_ME/>
            <SubmitButton label="Check" busy_label="Checking…"/>
        </Form>
    }
    .into_eager_any()
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
    .into_eager_any()
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
            <Menu id="lab-menu" label="A menu".to_owned()>
                <p class="menu-user">"Example user"</p>
                <a href="/lab">"A link"</a>
            </Menu>
        </div>
    }
    .into_eager_any()
}

fn lists() -> AnyView {
    let session = |device, end: AnyView| {
        view! {
            <li>
                <p class="session-device">{device}</p>
                <p class="text-muted text-small">
                    <RelativeTime at=SAMPLE_TIME as_of=SAMPLE_TIME/>
                    " · 192.0.2.1"
                </p>
                {end}
            </li>
        }
        .into_eager_any()
    };
    let current = session(
        "Firefox on Linux",
        view! { <span class="badge">{crate::features::sessions::messages::CURRENT_SESSION}</span> }
            .into_eager_any(),
    );
    let other = session(
        "Safari on iPhone",
        view! { <PostButton path="/lab" fields=Vec::new() label=crate::messages::LOG_OUT/> }
            .into_eager_any(),
    );
    let event = |name, source, severity: Option<&'static str>| {
        view! {
            <li data-severity=severity>
                <span class="activity-event">{name}</span>
                <DateTime at=SAMPLE_TIME/>
                <span class="text-muted text-small">{source}</span>
            </li>
        }
        .into_eager_any()
    };
    let events = vec![
        event("Logged in", "Firefox on Linux · 192.0.2.1", None),
        event("Wrong password", crate::messages::UNKNOWN_DEVICE, Some("error")),
    ];
    view! {
        <dl class="list description-list">
            <div><dt>"A fact"</dt><dd>"What it is"</dd></div>
            <div><dt>"Another one"</dt><dd>{"A-very-long-word-".repeat(12)}</dd></div>
        </dl>
        <List class="session-list" rows=vec![current, other]/>
        <List class="activity-list" rows=events/>
    }
    .into_eager_any()
}

fn load_states() -> AnyView {
    view! {
        {loading()}
        <List class="" rows=Vec::new() empty=crate::features::activity::messages::EMPTY/>
        <ErrorWithRetry problem=Problem::Offline retry=Box::new(|| ())/>
        <ErrorWithRetry problem=Problem::Unavailable retry=Box::new(|| ())/>
    }
    .into_eager_any()
}

fn times() -> AnyView {
    let hour = countersign_types::TimeSpan::minutes(60);
    view! {
        <p><DateTime at=SAMPLE_TIME/></p>
        <p><Date at=SAMPLE_TIME/></p>
        <p><RelativeTime at=SAMPLE_TIME as_of=SAMPLE_TIME + hour/></p>
    }
    .into_eager_any()
}
