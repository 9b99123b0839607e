//! The logged-in user, as far as a page knows: loaded by the server when it renders the page, and
//! kept up to date in the browser.

use crate::{
    browser,
    browser::{
        connection, form_drafts, session,
        session::{EndReason, PageIdentity, SessionEvent},
    },
    resource::PageResource,
    routes,
};
use countersign_types::{Problem, RedirectPath, views::TaggedAccount};
use leptos::{prelude::*, task::spawn_local};

/// The logged-in user. Get it with `expect_context::<CurrentUser>()`.
#[derive(Clone, Copy)]
pub struct CurrentUser {
    /// The account, or why there is none. A blocking resource: see [`crate::resource`].
    pub account: PageResource<TaggedAccount>,
    version: RwSignal<u32>,
}

impl CurrentUser {
    /// Loads the account again, and every resource that depends on [`CurrentUser::version`].
    pub fn reload(self) {
        self.version.update(|version| *version = version.wrapping_add(1));
    }

    /// Returns the version for the source of resources with data of the user.
    pub fn version(self) -> u32 {
        self.version.get()
    }
}

/// Provides the [`CurrentUser`]. Called once, by the root component.
pub fn provide_current_user() -> CurrentUser {
    let version = RwSignal::new(0);
    let account = PageResource::new(
        move || (version.get(), None),
        |_| crate::features::account::current_account(),
    );
    let user = CurrentUser { account, version };
    provide_context(user);
    // Effects run in the browser only, after hydration.
    Effect::new(move |started: Option<bool>| {
        if started == Some(true) {
            return true;
        }
        let Some(account) = account.current() else { return false };
        init(user, account);
        true
    });
    user
}

fn init(user: CurrentUser, account: Result<TaggedAccount, Problem>) {
    let identity = match account {
        Ok(TaggedAccount { account, session_tag }) => {
            form_drafts::restore_for(&account.id.to_string());
            PageIdentity::Session(session_tag)
        }
        Err(Problem::Unauthenticated) => PageIdentity::Anonymous,
        Err(_) => {
            // The resource is loaded again once the server is reachable.
            connection::report_failure();
            PageIdentity::Unknown
        }
    };
    let query = browser::query();
    let has_logged_out = routes::has_param(&query, routes::LOGGED_OUT);
    if has_logged_out {
        // A log-out by plain form clears no storage.
        form_drafts::clear();
    }
    session::init(identity, has_logged_out, move |event| on_session_event(user, event));
    browser::on_bfcache_restore(session::recheck);
    // Flash messages are visible by now, and a reload must not repeat them.
    let rest = routes::strip_flash_params(&query);
    if rest != query {
        browser::replace_query(&rest);
    }
    browser::mark_as_hydrated();
}

fn on_session_event(user: CurrentUser, event: SessionEvent) {
    match event {
        // The response of the log-in contains the account, and its page redirects.
        SessionEvent::LoggedIn(tagged) => {
            form_drafts::restore_for(&tagged.account.id.to_string());
            user.account.set(tagged);
        }
        SessionEvent::LoggedInElsewhere if is_auth_page() => {
            browser::navigate_to(&redirect_path());
        }
        SessionEvent::LoggedInElsewhere => user.reload(),
        // In the background, because the page is most likely still valid, even offline. If the
        // session has ended, the call causes another event.
        SessionEvent::Recheck => spawn_local(async move {
            if let Ok(account) = crate::features::account::current_account().await {
                user.account.set(account);
            }
        }),
        // A full page load: nothing of the old page stays, and the server decides what is visible.
        SessionEvent::Replaced => {
            // The same user may have logged in again in another tab.
            save_drafts(user);
            browser::navigate_to(&current_url());
        }
        SessionEvent::Ended(reason) => {
            // A log-out leaves nothing in this tab. Other reasons are not the user's choice.
            if reason == EndReason::Ended {
                save_drafts(user);
            } else {
                form_drafts::clear();
            }
            browser::navigate_to(&post_log_out_url(reason));
        }
    }
}

fn save_drafts(user: CurrentUser) {
    if let Some(Ok(TaggedAccount { account, .. })) = user.account.current_untracked() {
        form_drafts::save(&account.id.to_string());
    }
}

fn current_url() -> String {
    format!("{}{}", browser::path(), routes::strip_flash_params(&browser::query()))
}

fn is_auth_page() -> bool {
    [routes::LOG_IN, routes::SIGN_UP, routes::VERIFY].contains(&browser::path().as_str())
}

/// Returns the redirect path of the log-in or sign-up page, or the page for the code.
fn redirect_path() -> String {
    let query = browser::query();
    let next = browser::decode_query_value(routes::param(&query, "next").unwrap_or_default());
    RedirectPath::parse(&next).as_str().to_owned()
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
