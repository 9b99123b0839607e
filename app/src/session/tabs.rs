//! (browser) What the tabs of this browser tell each other, and what a page makes of it.

use super::{Change, Page, Why, become_page, kept, kept::Kept, page, renewal, tell};
use crate::browser;
use contract::Timestamp;
use serde::{Deserialize, Serialize};

const CHANNEL: &str = "latchkey";

/// Said to the other tabs. They share our storage, mostly: it reaches other processes late, and may be blocked, so the token travels here as well.
#[derive(Serialize, Deserialize)]
pub(super) enum Word {
    /// There is a new token: a log-in, or a renewal.
    SignedIn(Kept),
    /// The session of this tag (`None`: whichever) was left.
    LoggedOut { tag: Option<String> },
    /// The session of this tag (`None`: whichever) is over.
    Ended { tag: Option<String> },
    /// A page was rendered for nobody: whoever thinks otherwise had better ask.
    Look,
    /// A renewal was asked for, at this time.
    Asked(Timestamp),
}

pub(super) fn say(word: &Word) {
    if let Ok(text) = serde_json::to_string(word) {
        browser::say(&text);
    }
}

pub(super) fn listen() {
    browser::listen(CHANNEL, |text| {
        // Another version of us may speak in another tab: what is not understood is not for us.
        if let Ok(word) = serde_json::from_str(&text) {
            hear(word);
        }
    });
}

fn hear(word: Word) {
    match word {
        Word::SignedIn(new) => hear_of_token(new),
        Word::LoggedOut { tag } => hear_of_end(tag.as_deref(), Why::LoggedOutElsewhere),
        Word::Ended { tag } => hear_of_end(tag.as_deref(), Why::Ended),
        Word::Look => {
            if page() != Page::Nobody {
                tell(Change::Doubtful);
            }
        }
        Word::Asked(when) => renewal::note(when),
    }
}

fn hear_of_token(new: Kept) {
    let tag = new.tag.clone();
    // Words may come late: never put an older token of the same session back.
    if kept::read().is_none_or(|kept| kept.tag != tag || kept.obtained_at <= new.obtained_at) {
        kept::write(new);
    }
    match page() {
        Page::Of(ours) if ours == tag => {}
        Page::Of(_) => tell(Change::Replaced),
        Page::Nobody | Page::Unknown => {
            become_page(Page::Of(tag));
            tell(Change::EnteredElsewhere);
        }
    }
}

fn hear_of_end(tag: Option<&str>, why: Why) {
    match page() {
        Page::Of(ours) if tag.is_none_or(|tag| tag == ours) => {
            become_page(Page::Nobody);
            kept::delete_of(Some(&ours));
            tell(Change::Over(why));
        }
        Page::Unknown => tell(Change::Doubtful),
        Page::Of(_) | Page::Nobody => {}
    }
}
