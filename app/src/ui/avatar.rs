//! (server) The user in pictures and words: initials, name, email address. The browser replaces
//! name and initials when the user changes the name: see [`crate::layout::session_monitor`].

use crate::messages;
use countersign_types::views::Account;
use leptos::prelude::*;

/// Renders the initials of a user in a circle. Screen readers ignore them.
pub fn avatar(account: &Account, is_small: bool) -> impl IntoView + use<> {
    view! {
        <span
            class=if is_small { "avatar small" } else { "avatar" }
            data-part="avatar"
            aria-hidden="true"
        >
            {messages::initials(account)}
        </span>
    }
}

/// Renders name and email address of a user beside the initials.
pub fn identity(account: &Account) -> impl IntoView + use<> {
    view! {
        <div class="identity" data-part="identity">
            {avatar(account, false)}
            <p class="identity-name user-name">{messages::user_name(account).to_owned()}</p>
            // Without a name, the address is the name.
            <p class="user-email text-muted text-small" hidden=account.name.is_none()>
                {email_address(&account.email)}
            </p>
        </div>
    }
}

/// Renders an email address that breaks after `@`, and before the dots of the domain, if it needs
/// more than one line.
pub fn email_address(email: &str) -> impl IntoView + use<> {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let mut labels = domain.split('.');
    let first = labels.next().filter(|_| !domain.is_empty()).map(|label| {
        view! { "@" <wbr/> {label.to_owned()} }
    });
    let others = labels.map(|label| view! { <wbr/> {format!(".{label}")} });
    view! { {local.to_owned()} {first} {others.collect_view()} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_address_breaks_after_at_and_before_dots_of_the_domain() {
        let html = email_address("ada.king@mail.example.com").to_html();
        let text = html.replace("<wbr>", "|").replace("<!>", "");
        assert_eq!(text, "ada.king@|mail|.example|.com");
    }
}
