//! What the two pages share by which people come in: where they wanted to go, and how they get
//! there.

use super::later;
use crate::{address::is_protected, browser, ui::Sending};
use countersign_types::{Next, view::LoggedIn};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};

/// Where somebody wanted to go who was sent here first, as it stands in the address: only good for
/// the server and for [`link`], which check it.
pub(super) fn next() -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let query = use_query_map();
    move || query.with(|query| query.get("next").unwrap_or_default())
}

/// The address of another page that leads to the same place afterwards.
pub(super) fn link(page: &str, next: &str) -> String {
    if next.is_empty() {
        page.to_owned()
    } else {
        format!("{page}?next={}", escape(Next::parse(next).as_str()))
    }
}

/// For a value in a query string. (The browser has a function for it; the server, which renders the
/// same link, does not.)
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Goes on when somebody is in. (The token was taken over inside the call, and the header knows.)
pub(super) fn go_on() -> impl Fn(LoggedIn) + Send + Sync + 'static {
    let navigate = use_navigate();
    move |done| {
        let path = done.next.split(['?', '#']).next().unwrap_or_default();
        if path == "/" || is_protected(path) {
            navigate(&done.next, NavigateOptions { replace: true, ..NavigateOptions::default() });
        } else {
            // Another program on this origin, which has sent the user here: its pages are unknown
            // to our router.
            browser::leave(&done.next);
        }
    }
}

/// Gets what most people see next while the server looks at the password.
pub(super) fn prepare_while(sending: Sending) {
    Effect::new(move |_| {
        if sending.is_working() {
            spawn_local(async {
                let _there = later::prepare().await;
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_kept_from_page_to_page_and_only_ways_of_ours() {
        assert_eq!(link("/signup", ""), "/signup");
        assert_eq!(
            link("/signup", "/account/activity?cursor=a%3D&x#y"),
            "/signup?next=/account/activity%3Fcursor%3Da%253D%26x%23y"
        );
        assert_eq!(link("/signup", "//evil.example"), "/signup?next=/account");
    }
}
