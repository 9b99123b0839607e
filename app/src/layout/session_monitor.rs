//! Connects a page with the session of the browser: reports the session for which the server has
//! rendered the page, follows changes in other tabs, and leaves the page when the session ends.

use crate::{
    browser,
    browser::{
        connection, form_drafts,
        server_fn_client::call,
        session,
        session::{EndReason, PageIdentity, SessionEvent},
        typed_email,
    },
    features::account::CurrentAccountCall,
    layout::connection_status::ConnectionStatus,
    messages, page_query, rendered, routes,
    ui::page_listeners,
};
#[cfg(feature = "ssr")]
use countersign_types::Problem;
use countersign_types::{
    Timestamp,
    redirect_path::DEFAULT_REDIRECT,
    views::{Account, TaggedAccount},
};
use leptos::{prelude::*, task::spawn_local};
use std::cell::RefCell;

/// The id of the input that holds the [`RenderedSession`].
const MONITOR: &str = "session-monitor";
/// The id of the input of the log-in pages that holds the URL where users continue.
pub(crate) const CONTINUE_URL: &str = "continue-url";
/// Selects the name of the user, and the initials.
const USER_NAME: &str = ".user-name";
const INITIALS: &str = ".avatar";
/// Selects the email address below the name.
const USER_EMAIL: &str = ".user-email";
/// Selects the link that reloads a page whose content could not be loaded.
const RELOAD_LINK: &str = "[data-reload]";

/// The session of a page: id of the user, tag of the session and digest of the account, or why
/// there is none. The server provides it, and hydration keeps it in the `value` of an input.
#[derive(Clone, Default)]
pub(crate) struct RenderedSession(pub(crate) String);

impl RenderedSession {
    /// (server) Describes the user for whom the page is rendered.
    #[cfg(feature = "ssr")]
    pub(crate) fn of(account: &Result<TaggedAccount, Problem>) -> Self {
        Self(match account {
            Ok(TaggedAccount { account, session_tag }) => {
                format!("{} {session_tag} {}", account.id, digest(account))
            }
            Err(Problem::Unauthenticated) => ANONYMOUS.to_owned(),
            Err(Problem::Unavailable) => UNAVAILABLE.to_owned(),
            Err(_) => String::new(),
        })
    }
}

/// Values of [`RenderedSession`] without a session.
const ANONYMOUS: &str = "anonymous";
const UNAVAILABLE: &str = "unavailable";

/// How often a page that was rendered during an outage reloads itself. After that, the user can
/// reload it.
const MAX_RELOADS: u32 = 6;

thread_local! {
    /// The id of the user for whom the page was rendered.
    static USER_ID: RefCell<Option<String>> = const { RefCell::new(None) };
    /// The [`digest`] of the account as the page shows it.
    static DIGEST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Returns a text that changes with what pages show of an account (FNV-1a).
fn digest(account: &Account) -> String {
    let time = |at: Option<Timestamp>| at.map_or(0, |at| at.0).to_string();
    let texts = [
        account.name.as_deref().unwrap_or_default(),
        &account.email,
        if account.email_verified { "verified" } else { "" },
        if account.verification_due { "due" } else { "" },
        account.pending_email.as_deref().unwrap_or_default(),
        &time(account.reuse_detected_at),
        &time(account.deletion_scheduled_at),
    ];
    let hash = texts.join("\n").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.to_string()
}

/// The last island of every page, so that the page counts as hydrated when all others are.
#[island]
pub fn SessionMonitor() -> impl IntoView {
    let session = rendered::from_context(|RenderedSession(session)| session);
    Effect::new(|_| start());
    view! {
        <input type="hidden" id=MONITOR value=session/>
        <ConnectionStatus/>
    }
}

/// (browser) Starts to follow the session.
fn start() {
    let session = browser::input(MONITOR).map(|input| input.default_value()).unwrap_or_default();
    let mut parts = session.split(' ');
    let identity = match (parts.next(), parts.next(), parts.next()) {
        (Some(user_id), Some(tag), Some(digest)) => {
            form_drafts::restore_for(user_id);
            USER_ID.set(Some(user_id.to_owned()));
            DIGEST.set(digest.to_owned());
            PageIdentity::Session(tag.to_owned())
        }
        (Some(ANONYMOUS), ..) => PageIdentity::Anonymous,
        _ => PageIdentity::Unknown,
    };
    #[cfg(not(feature = "ssr"))]
    crate::time_zone::report();
    // A page that needs the address has taken it.
    typed_email::clear();
    connection::start();
    page_listeners::start();
    if session == UNAVAILABLE || browser::has_element(RELOAD_LINK) {
        connection::report_failure();
        connection::on_return(reload_after_outage);
    } else {
        browser::clear_reload_count();
    }
    let query = page_query::query();
    let has_logged_out = routes::has_param(&query, routes::LOGGED_OUT);
    if has_logged_out {
        // A log-out by plain form clears no storage.
        form_drafts::clear();
    }
    session::init(identity, has_logged_out, on_session_event);
    browser::on_bfcache_restore(session::recheck);
    if browser::was_prefetched() {
        session::recheck();
    }
    // Flash messages are visible by now, and a reload must not repeat them.
    let rest = routes::strip_flash_params(&query);
    if rest != query {
        browser::replace_query(&rest);
    }
    browser::mark_as_hydrated();
}

fn on_session_event(event: SessionEvent) {
    match event {
        // The form of the log-in leaves the page.
        SessionEvent::LoggedIn => {}
        SessionEvent::LoggedInElsewhere if routes::is_log_in_page(&browser::path()) => {
            let url = browser::input(CONTINUE_URL).map(|input| input.default_value());
            browser::navigate_to(url.as_deref().unwrap_or(DEFAULT_REDIRECT));
        }
        SessionEvent::LoggedInElsewhere => show_changes(),
        // In the background, because the page is most likely still valid, even offline. If the
        // session has ended, the call causes another event.
        SessionEvent::Recheck => spawn_local(async {
            if let Ok(TaggedAccount { account, .. }) = call::<CurrentAccountCall>().await
                && DIGEST.with_borrow(|shown| *shown != digest(&account))
            {
                show_name(&account);
                show_changes();
            }
        }),
        // Nothing of the old page stays, and the server decides what is visible.
        SessionEvent::Replaced => {
            // The same user may have logged in again in another tab.
            save_drafts();
            browser::navigate_to(&current_url());
        }
        SessionEvent::Ended(reason) => {
            // A log-out leaves nothing in this tab. Other reasons are not the user's choice.
            if reason == EndReason::Ended {
                save_drafts();
            } else {
                form_drafts::clear();
            }
            browser::navigate_to(&post_log_out_url(reason));
        }
    }
}

/// (browser) Shows the name of the user, after it has changed.
pub(crate) fn show_user(account: &Account) {
    DIGEST.set(digest(account));
    show_name(account);
}

fn show_name(account: &Account) {
    browser::set_text(USER_NAME, messages::user_name(account));
    browser::set_text(INITIALS, &messages::initials(account));
    browser::set_hidden(USER_EMAIL, account.name.is_none());
}

/// Loads the page again, which shows another state than the server has. That is not worth losing
/// what was typed on it.
fn show_changes() {
    if !browser::is_anything_typed() {
        browser::replace_page(&current_url());
    }
}

/// Loads the page again after an outage of the server or of its database. It may have come back for
/// a moment only, so the number of reloads is limited.
fn reload_after_outage() {
    if !browser::is_leaving()
        && !browser::is_anything_typed()
        && browser::count_reload() < MAX_RELOADS
    {
        browser::reload();
    }
}

fn save_drafts() {
    if let Some(user_id) = USER_ID.with_borrow(Clone::clone) {
        form_drafts::save(&user_id);
    }
}

fn current_url() -> String {
    format!("{}{}", browser::path(), routes::strip_flash_params(&browser::query()))
}

/// Returns the page to show after the session has ended: for a protected page the log-in page, with
/// the reason and a redirect path, and for a public page the page itself, without personal data.
fn post_log_out_url(reason: EndReason) -> String {
    let flash = match reason {
        EndReason::LoggedOut => return format!("{}?{}", routes::LOG_IN, routes::LOGGED_OUT),
        EndReason::LoggedOutElsewhere => routes::LOGGED_OUT_ELSEWHERE,
        EndReason::Ended => routes::SESSION_EXPIRED,
    };
    if routes::is_protected(&browser::path()) {
        routes::log_in_url(flash, &current_url(), browser::encode_query_value)
    } else {
        current_url()
    }
}
