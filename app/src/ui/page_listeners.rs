//! (browser) Behaviour of links, menus, dialogs and [`crate::ui::PostButton`]s, which need no
//! island for it: one listener on the document for each kind of event.

use crate::{
    browser,
    browser::{
        connection,
        server_fn_client::{AuthenticatedClient, BufferedResponse, post_form},
    },
    ui::{countdown, event_target::target_as, form_action, form_values::FormValues, theme_switch},
};
use leptos::{
    ev,
    prelude::set_timeout,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement, HtmlFormElement},
};
use std::{cell::RefCell, time::Duration};

/// How long a [`crate::ui::PostButton`] stays disabled if the browser doesn't leave the page.
const RETRY_DELAY: Duration = Duration::from_secs(10);
/// Attribute of a button that was pressed.
const DISABLED: &str = "aria-disabled";
/// Attribute of the form of a button that removes its row: the text for screen readers.
const WHEN_DONE: &str = "data-done";
/// Selects the element whose text screen readers read when it changes.
const RESULT: &str = "#result";
/// Selects the link of the current page in the navigation beside it.
const CURRENT_PAGE: &str = ".side-nav [aria-current]";
/// Selects the buttons of the rows of a list.
const ROW_BUTTONS: &str = "li button";
/// Selects those that were not pressed.
const IDLE_ROW_BUTTONS: &str = "li button:not([aria-disabled])";

thread_local! {
    /// The URL of the link that the user has followed while the server was unreachable.
    static PENDING_LINK: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Starts to listen. Called once per page.
pub fn start() {
    show_current_page();
    theme_switch::start();
    browser::on_captured_event("toggle", |event| focus_dialog(&event));
    browser::on_event(ev::focusout, |event| close_popover_on_blur(&event));
    browser::on_event(ev::click, |event| {
        countdown::cancel();
        if browser::is_hydrated()
            && let Some(link) = target_as::<Element>(event.target())
                .and_then(|clicked| clicked.closest("a[href]").ok().flatten())
        {
            close_popover_around(&link);
            stay_if_unreachable(&event, &link);
        }
    });
    browser::on_event(ev::submit, |event| {
        PENDING_LINK.set(None);
        if browser::is_hydrated() {
            submit_once(&event);
        }
    });
    connection::on_return(|| {
        form_action::send_waiting();
        follow_pending_link();
    });
    // Before a field that sends its form by itself.
    browser::on_captured_event("input", |_| go_on());
    browser::on_bfcache_restore(go_on);
}

/// Forgets what this page would do by itself: the user has gone on.
fn go_on() {
    PENDING_LINK.set(None);
    countdown::cancel();
    form_action::stop_waiting();
}

/// Scrolls a navigation that is wider than the window to the current page.
fn show_current_page() {
    let Some(link) = browser::element(CURRENT_PAGE) else { return };
    if let Some(navigation) = link.closest("nav").ok().flatten()
        && let Some(link) = link.dyn_ref::<HtmlElement>()
        && let Some(frame) = navigation.dyn_ref::<HtmlElement>()
        && link.offset_left() + link.offset_width() > frame.client_width()
    {
        navigation.set_scroll_left(link.offset_left() - frame.offset_left());
    }
}

/// Focuses a dialog that opens, so that screen readers read it. When it closes, it can't take the
/// focus, which returns to its button.
fn focus_dialog(event: &ev::Event) {
    if let Some(popover) = target_as::<HtmlElement>(event.target())
        && popover.class_list().contains("dialog")
    {
        let _ = popover.focus();
    }
}

/// Closes a popover when the focus moves out of it, which the browser doesn't do. Its button
/// toggles it itself.
fn close_popover_on_blur(event: &ev::FocusEvent) {
    let (Some(from), Some(to)) =
        (target_as::<Element>(event.target()), target_as::<Element>(event.related_target()))
    else {
        return;
    };
    if let Some(popover) = popover_around(&from)
        && !popover.contains(Some(&to))
        && to.get_attribute("popovertarget") != Some(popover.id())
    {
        let _ = popover.hide_popover();
    }
}

/// Closes the menu of a link that is followed: the page may come back from the back-forward cache.
fn close_popover_around(link: &Element) {
    if let Some(popover) = popover_around(link) {
        let _ = popover.hide_popover();
    }
}

fn popover_around(element: &Element) -> Option<HtmlElement> {
    element.closest("[popover]").ok()??.dyn_into().ok()
}

/// Keeps the page while the server is unreachable, instead of an error page of the browser. Follows
/// the link as soon as the server responds, even if only with errors, which its pages explain.
fn stay_if_unreachable(event: &ev::MouseEvent, link: &Element) {
    let has_modifier = event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key();
    // An empty URL is that of the page.
    let is_own = |url: &String| url.is_empty() || url.starts_with('/');
    let Some(url) = link.get_attribute("href").filter(is_own) else { return };
    if event.default_prevented()
        || event.button() != 0
        || has_modifier
        || connection::is_probably_online()
    {
        return;
    }
    event.prevent_default();
    go_on();
    PENDING_LINK.set(Some(url));
    spawn_local(async {
        if connection::is_responding().await {
            follow_pending_link();
        }
    });
}

fn follow_pending_link() {
    if let Some(url) = PENDING_LINK.take() {
        browser::follow(&url);
    }
}

/// Prevents a second submission of a [`crate::ui::PostButton`], and one while the server is
/// unreachable.
fn submit_once(event: &ev::SubmitEvent) {
    let Some((form, button)) = target_as::<HtmlFormElement>(event.target())
        .filter(|form| form.class_list().contains("post-button"))
        .and_then(|form| Some((form.clone(), form.query_selector("button").ok()??)))
    else {
        return;
    };
    if event.default_prevented() {
        return;
    }
    form_action::stop_waiting();
    if button.has_attribute(DISABLED) || !connection::is_probably_online() {
        event.prevent_default();
        return;
    }
    let _ = button.set_attribute(DISABLED, "true");
    if let Some((list, row)) = removable_row(&form) {
        event.prevent_default();
        spawn_local(submit_in_place(form, button, list, row));
        return;
    }
    set_timeout(
        move || {
            let _ = button.remove_attribute(DISABLED);
        },
        RETRY_DELAY,
    );
}

/// Returns the list and the row that disappears when `form` is submitted, whose button was pressed.
/// `None` if no other row has an idle button: then the server renders the page without them.
fn removable_row(form: &Element) -> Option<(Element, Element)> {
    form.get_attribute(WHEN_DONE)?;
    let row = form.closest("li").ok()??;
    let list = row.parent_element()?;
    list.query_selector(IDLE_ROW_BUTTONS).ok()??;
    Some((list, row))
}

/// Submits the form of a row, removes the row, and moves the focus to the button of the next one.
/// If the server rejects the form, the browser submits it, and the page that it loads shows the
/// problem.
async fn submit_in_place(form: HtmlFormElement, button: Element, list: Element, row: Element) {
    let Some(values) = FormValues::of(&form) else { return };
    browser::set_text(RESULT, "");
    let sent = post_form::<AuthenticatedClient>(&form.action(), values.encode()).await;
    // The session may have ended, which leaves the page.
    if browser::is_leaving() {
        return;
    }
    if !sent.as_ref().is_ok_and(BufferedResponse::is_ok) {
        let _ = button.remove_attribute(DISABLED);
        // Without a response, the page says that the server is unreachable.
        if sent.is_ok() {
            let _ = form.submit();
        }
        return;
    }
    let buttons = list.query_selector_all(ROW_BUTTONS);
    let buttons: Vec<HtmlElement> = buttons
        .iter()
        .flat_map(|all| (0..all.length()).filter_map(|index| all.item(index)?.dyn_into().ok()))
        .collect();
    let removed = buttons.iter().position(|other| row.contains(Some(other)));
    // The focus may be elsewhere by now.
    let had_focus = browser::active_element().is_some_and(|focused| row.contains(Some(&focused)));
    row.remove();
    if buttons.len() < 2 {
        // Another row was removed meanwhile.
        browser::reload();
        return;
    }
    if let Some(removed) = removed.filter(|_| had_focus) {
        let next = if removed + 1 < buttons.len() { removed + 1 } else { removed - 1 };
        let _ = buttons[next].focus();
    }
    browser::set_text(RESULT, &form.get_attribute(WHEN_DONE).unwrap_or_default());
}
