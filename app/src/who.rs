//! Who is signed in, as far as a page can tell: known to the server when it renders, watched over
//! in the browser from then on.

use crate::{
    address, browser, connection, drafts,
    known::Known,
    problem::Problem,
    session::{self, Change, Page, Why},
};
use countersign_types::{Next, view::Account};
use leptos::{prelude::*, task::spawn_local};

/// For everybody who wants to know, by `expect_context::<Who>()`.
#[derive(Clone, Copy)]
pub struct Who {
    /// The account, or why there is none. Blocking: the head of the page is unsent until it is
    /// known, and it stands in the page, so the browser begins with what the server knew.
    pub account: Known<Account>,
    version: RwSignal<u32>,
}

impl Who {
    /// The account may have changed: reads it, and everything that depends on [`Who::version`],
    /// again.
    pub fn changed(self) {
        self.version.update(|version| *version = version.wrapping_add(1));
    }

    /// For the source of resources that show what belongs to whoever is signed in.
    pub fn version(self) -> u32 {
        self.version.get()
    }
}

/// Called once, by the root component.
pub fn provide_who() -> Who {
    let version = RwSignal::new(0);
    let account = Known::new(move || (version.get(), None), |_| crate::api::current_account());
    let who = Who { account, version };
    provide_context(who);
    // Effects run in the browser only, and after hydration.
    Effect::new(move |started: Option<bool>| {
        if started == Some(true) {
            return true;
        }
        let Some(account) = account.now() else { return false };
        start(who, account);
        true
    });
    who
}

fn start(who: Who, account: Result<Account, Problem>) {
    let page = match account {
        Ok(account) => {
            drafts::belong_to(&account.id.to_string());
            Page::Of(account.tag)
        }
        Err(Problem::SignedOut) => Page::Nobody,
        Err(_) => {
            // It goes on as soon as the server can say.
            connection::lost();
            Page::Unknown
        }
    };
    let query = browser::query();
    let just_left = address::says(&query, address::BYE);
    if just_left {
        // A plain form logged out, which clears no storage.
        drafts::forget();
    }
    session::start(page, just_left, move |change| follow(who, change));
    browser::on_restored(session::look_again);
    // What the address said has been shown by now; a reload is not to say it again.
    let rest = address::without_news(&query);
    if rest != query {
        browser::show_query(&rest);
    }
    browser::mark_as_hydrated();
}

fn follow(who: Who, change: Change) {
    match change {
        // No need to ask the server for what came with its answer. The page that led in leads on.
        Change::Entered(account) => {
            drafts::belong_to(&account.id.to_string());
            who.account.set(account);
        }
        Change::EnteredElsewhere if is_at_door() => browser::leave(&next()),
        Change::EnteredElsewhere => who.changed(),
        // Behind the back of the page: it is most likely still right, and being offline does not
        // make it wrong. If the session is over, the call finds out, and that is another
        // change.
        Change::Doubtful => spawn_local(async move {
            if let Ok(account) = crate::api::current_account().await {
                who.account.set(account);
            }
        }),
        // A real load: nothing of what is shown stays, and the server decides what may be seen
        // here.
        Change::Replaced => {
            // Perhaps by themselves, in another tab.
            keep_draft(who);
            browser::leave(&here());
        }
        Change::Over(why) => {
            // Whoever logs out wants nothing to be left, in this tab neither; the others did not
            // want to go.
            if why == Why::Ended {
                keep_draft(who);
            } else {
                drafts::forget();
            }
            browser::leave(&way_out(why));
        }
    }
}

fn keep_draft(who: Who) {
    if let Some(Ok(account)) = who.account.now_untracked() {
        drafts::keep(&account.id.to_string());
    }
}

fn here() -> String {
    format!("{}{}", browser::path(), address::without_news(&browser::query()))
}

fn is_at_door() -> bool {
    [address::LOG_IN, address::SIGN_UP].contains(&browser::path().as_str())
}

/// Where somebody wanted to go who is at the door.
fn next() -> String {
    let query = browser::query();
    let wanted = browser::unescape(address::value(&query, "next").unwrap_or_default());
    Next::parse(&wanted).as_str().to_owned()
}

/// Out of a protected page to the log-in page, which says why and leads back; a public page just
/// loses what was somebody's.
fn way_out(why: Why) -> String {
    let news = match why {
        Why::LoggedOut => return format!("{}?{}", address::LOG_IN, address::BYE),
        Why::LoggedOutElsewhere => address::ELSEWHERE,
        Why::Ended => address::ENDED,
    };
    if address::is_protected(&browser::path()) {
        address::log_in_and_return(news, &here(), browser::escape)
    } else {
        here()
    }
}
