//! (server) The samples of the gallery. The page shows their code as it is here.

use crate::{
    brand::Brand,
    browser::connection::Connection,
    current_user::SampleUser,
    features::log_in::messages::{NEW_HERE, REMEMBER_ME},
    layout::{
        auth_layout::AuthLayout,
        connection_status::ConnectionStatus,
        site_layout::{SiteFooter, SiteHeader},
    },
    messages::SIGN_UP,
    ui::{
        Card, Checkbox, CodeField, Cooldown, Date, DateTime, Dialog, Form, FormAction, Icon, List,
        Menu, NavLink, Notice, PageHeader, PasswordField, PostButton, RelativeTime, Severity,
        SideNav, SubmitButton, TextField, TimeOfDay, Tone, UsernameField, auth_logo, avatar, icon,
        icon_box, identity, interpolate, problem_notice, theme_switch, window_title,
    },
};
use countersign_types::{
    Field, FieldError, FieldErrors, PasswordWeakness, Problem, TimeSpan, Timestamp,
    views::{Account, Role, TaggedAccount},
};
use leptos::prelude::*;

/// 22 November 2026, 17:12 UTC.
const SAMPLE_TIME: Timestamp = Timestamp(1_795_367_541_000);
const ID: &str = "01a2047d-26b7-7cc2-a9f3-f72c81007abe";

/// The source of this module.
const SOURCE: &str = include_str!("samples.rs");

/// Returns the code of the sample with this name: the body of its function.
pub(super) fn code(name: &str) -> String {
    let start = format!("\npub(super) fn {name}() -> AnyView {{\n");
    let body = SOURCE.split_once(&start).map_or("", |(_, rest)| rest);
    let body = body.split_once("\n}\n").map_or("", |(body, _)| body);
    let lines = body.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    let code = lines.filter(|line| line.trim() != ".into_any()").collect::<Vec<_>>();
    code.join("\n")
}

/// Returns the account that samples and previews show.
fn sample_account() -> Account {
    Account {
        id: ID.parse().expect("an id"),
        email: "ada@example.com".to_owned(),
        email_verified: true,
        verification_due: false,
        pending_email: None,
        name: Some("Ada Lovelace".to_owned()),
        roles: vec![Role::User],
        created_at: SAMPLE_TIME,
        reuse_detected_at: None,
        deletion_scheduled_at: None,
    }
}

/// Returns the user that samples and previews show.
#[must_use]
pub fn sample_user() -> SampleUser {
    SampleUser(TaggedAccount { account: sample_account(), session_tag: String::new() })
}

/// Returns errors of two fields, as the server reports them.
fn field_errors() -> Problem {
    let mut errors = FieldErrors::from((Field::Email, FieldError::Malformed));
    errors.0.push((Field::Password, FieldError::TooWeak(PasswordWeakness::Common)));
    Problem::Invalid(errors)
}

pub(super) fn form() -> AnyView {
    view! {
        <Form action=FormAction::always_failed(Problem::InvalidCredentials)>
            <TextField field=Field::Email autocomplete="username"/>
            <PasswordField/>
            <SubmitButton label="Log in" busy_label="Logging in…"/>
        </Form>
    }
    .into_any()
}

pub(super) fn text_field() -> AnyView {
    view! {
        <Form action=FormAction::always_failed(field_errors()) silent=true>
            <TextField field=Field::Name hint="Optional." autocomplete="name"/>
            <TextField
                field=Field::Email
                autocomplete="email"
                value="ada@example".to_owned()
            />
        </Form>
    }
    .into_any()
}

pub(super) fn password_field() -> AnyView {
    view! {
        <Form action=FormAction::always_failed(field_errors()) silent=true>
            <UsernameField email="ada@example.com".to_owned()/>
            <PasswordField field=Field::CurrentPassword/>
            <PasswordField new=true/>
        </Form>
    }
    .into_any()
}

pub(super) fn code_field() -> AnyView {
    view! {
        <Form action=FormAction::always_pending()>
            <CodeField hint="Six digits from our email."/>
        </Form>
    }
    .into_any()
}

pub(super) fn checkbox() -> AnyView {
    view! {
        <Checkbox name="remember_me" label=REMEMBER_ME.text()/>
    }
    .into_any()
}

pub(super) fn username_field() -> AnyView {
    view! {
        <p class="text-muted">"Nothing to see: it is for password managers."</p>
        <UsernameField email="ada@example.com".to_owned()/>
    }
    .into_any()
}

pub(super) fn submit_button() -> AnyView {
    view! {
        <Form action=FormAction::always_pending() class="button-inline">
            <SubmitButton label="Save" busy_label="Saving…"/>
            <SubmitButton label="Save as draft" busy_label="Saving…" secondary=true/>
            <SubmitButton label="Delete" busy_label="Deleting…" danger=true/>
        </Form>
    }
    .into_any()
}

pub(super) fn post_button() -> AnyView {
    view! {
        <div class="cluster">
            <PostButton path="" fields=Vec::new() label="Log out"/>
            <PostButton path="" fields=Vec::new() label="Keep my account" primary=true/>
        </div>
    }
    .into_any()
}

pub(super) fn dialog() -> AnyView {
    view! {
        <Dialog
            id="sample-dialog"
            button_label="Log out all other devices"
            title="Log out all other devices?"
            description="They need your password to log in again."
        >
            <button type="button" class="button danger">"Log out"</button>
        </Dialog>
    }
    .into_any()
}

pub(super) fn menu() -> AnyView {
    let label = view! { <span class="menu-label">"Ada Lovelace"</span> };
    view! {
        <Menu id="sample-menu" label=label.into_any()>
            <a href="#">{icon(Icon::User)} "Profile"</a>
            <a href="#">{icon(Icon::Devices)} "Devices"</a>
        </Menu>
    }
    .into_any()
}

pub(super) fn cooldown() -> AnyView {
    view! {
        <Cooldown>
            <PostButton path="" fields=Vec::new() label="Send another email"/>
        </Cooldown>
    }
    .into_any()
}

pub(super) fn switch_of_themes() -> AnyView {
    theme_switch(None).into_any()
}

pub(super) fn notice() -> AnyView {
    view! {
        <Notice severity=Severity::Info>
            <p>"You're logged out."</p>
        </Notice>
        <Notice severity=Severity::Attention>
            <p>"Your account will be deleted on 12 May."</p>
            <PostButton path="" fields=Vec::new() label="Keep my account" primary=true/>
        </Notice>
        <Notice severity=Severity::Error>
            <p>"Something went wrong."</p>
        </Notice>
    }
    .into_any()
}

pub(super) fn notices_of_problems() -> AnyView {
    view! {
        {problem_notice(Problem::InvalidCredentials)}
        {problem_notice(field_errors())}
        {problem_notice(Problem::RateLimited { retry_after: 3 })}
    }
    .into_any()
}

pub(super) fn connection_status() -> AnyView {
    let connection = || Connection::Offline;
    view! {
        <ConnectionStatus connection/>
    }
    .into_any()
}

pub(super) fn sentence_with_link() -> AnyView {
    let link = view! { <a href="#">{SIGN_UP.text()}</a> };
    view! {
        <p>{interpolate(NEW_HERE, link)}</p>
    }
    .into_any()
}

pub(super) fn card() -> AnyView {
    view! {
        <Card title="Password" lead="Last changed on 22 November.">
            <a class="button secondary" href="#">"Change password"</a>
            <p><span class="badge">"This device"</span></p>
        </Card>
    }
    .into_any()
}

pub(super) fn list() -> AnyView {
    let row = |device: &'static str, tone| {
        view! {
            <li>
                {icon_box(Icon::Laptop, tone)}
                <p class="session-device">{device}</p>
                <p class="text-muted text-small">
                    <RelativeTime at=SAMPLE_TIME as_of=SAMPLE_TIME/>
                </p>
            </li>
        }
        .into_any()
    };
    let rows = vec![row("Firefox on Linux", Tone::Accent), row("Safari on iPhone", Tone::Neutral)];
    view! {
        <List class="session-list" rows/>
        <List class="" rows=Vec::new() empty="No other devices."/>
    }
    .into_any()
}

pub(super) fn icons() -> AnyView {
    view! {
        <p class="cluster">{Icon::ALL.iter().map(|which| icon(*which)).collect_view()}</p>
    }
    .into_any()
}

pub(super) fn boxes_of_icons() -> AnyView {
    let tones = [Tone::Neutral, Tone::Accent, Tone::Attention, Tone::Danger];
    view! {
        <p class="cluster">{tones.map(|tone| icon_box(Icon::Shield, tone)).collect_view()}</p>
    }
    .into_any()
}

pub(super) fn date() -> AnyView {
    view! {
        <p><Date at=SAMPLE_TIME/></p>
    }
    .into_any()
}

pub(super) fn date_and_time() -> AnyView {
    view! {
        <p><DateTime at=SAMPLE_TIME/></p>
    }
    .into_any()
}

pub(super) fn relative_time() -> AnyView {
    view! {
        <p><RelativeTime at=SAMPLE_TIME as_of=SAMPLE_TIME + TimeSpan::minutes(60)/></p>
    }
    .into_any()
}

pub(super) fn time_of_day() -> AnyView {
    view! {
        <p><TimeOfDay at=SAMPLE_TIME/></p>
    }
    .into_any()
}

pub(super) fn avatars() -> AnyView {
    view! {
        <p class="cluster">
            {avatar(&sample_account(), false)}
            {avatar(&sample_account(), true)}
        </p>
    }
    .into_any()
}

pub(super) fn identity_of_user() -> AnyView {
    identity(&sample_account()).into_any()
}

pub(super) fn email_address() -> AnyView {
    view! {
        <p>{crate::ui::email_address("ada.king@mail.example.com")}</p>
    }
    .into_any()
}

pub(super) fn wordmark() -> AnyView {
    view! {
        <a class="wordmark" href="#">{crate::ui::wordmark(&Brand::of_page())}</a>
    }
    .into_any()
}

pub(super) fn logo() -> AnyView {
    auth_logo(&Brand::of_page()).into_any()
}

pub(super) fn page_header() -> AnyView {
    view! {
        <header>
            <PageHeader heading="Devices" lead="Where you're logged in."/>
        </header>
    }
    .into_any()
}

pub(super) fn title_of_window() -> AnyView {
    window_title("Devices · Fieldnotes").into_any()
}

pub(super) fn side_nav() -> AnyView {
    let link = |path, name, icon| NavLink { path, name, icon };
    let groups = vec![
        ("", vec![link("#profile", "Profile", Icon::User)]),
        ("Security", vec![link("#password", "Password", Icon::Lock)]),
    ];
    view! {
        <SideNav label="Your account" groups current="#password">
            {identity(&sample_account())}
        </SideNav>
    }
    .into_any()
}

pub(super) fn auth_layout() -> AnyView {
    let links = view! { <p>"New here? " <a href="#">"Sign up"</a></p> };
    view! {
        <AuthLayout heading="Log in" links=Some(links.into_any())>
            <Form action=FormAction::always_pending()>
                <TextField field=Field::Email autocomplete="username"/>
                <PasswordField/>
                <SubmitButton label="Log in" busy_label="Logging in…"/>
            </Form>
        </AuthLayout>
    }
    .into_any()
}

pub(super) fn site_header() -> AnyView {
    view! {
        <SiteHeader/>
    }
    .into_any()
}

pub(super) fn site_footer() -> AnyView {
    view! {
        <SiteFooter/>
    }
    .into_any()
}
