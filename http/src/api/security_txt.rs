//! `/.well-known/security.txt` (RFC 9116): contacts for vulnerability reports.

use crate::{HttpState, problem};
use axum::{
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use countersign_core::Clock;
use countersign_types::{TimeSpan, Timestamp};

/// TTL of a `security.txt` from the time of its request. RFC 9116, 2.5.5 recommends less than a
/// year.
const SECURITY_TXT_TTL: TimeSpan = TimeSpan::days(180);

/// Returns the contacts for vulnerability reports (RFC 9116). Without
/// `COUNTERSIGN_SECURITY_CONTACT` the document doesn't exist.
pub async fn security_txt(State(server): State<HttpState>) -> Response {
    if server.settings().security_contacts.is_empty() {
        return problem::from_status(StatusCode::NOT_FOUND);
    }
    let text = render_security_txt(
        &server.settings().security_contacts,
        server.origin(),
        Clock::System.now(),
    );
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")], text)
        .into_response()
}

/// Renders the contacts in order of preference. The expiry changes once a day.
fn render_security_txt(contacts: &[String], origin: &str, now: Timestamp) -> String {
    let midnight = Timestamp(now.0 - now.0.rem_euclid(TimeSpan::days(1).0));
    let contacts: Vec<String> =
        contacts.iter().map(|contact| format!("Contact: {contact}\n")).collect();
    let contacts = contacts.concat();
    let expires = midnight + SECURITY_TXT_TTL;
    format!("{contacts}Expires: {expires}\nCanonical: {origin}/.well-known/security.txt\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_txt_expires_after_half_a_year() {
        let text = render_security_txt(
            &["mailto:a@b.example".to_owned(), "https://b.example".to_owned()],
            "https://c.example",
            Timestamp(1_767_225_600_001),
        );
        assert_eq!(
            text,
            "Contact: mailto:a@b.example\nContact: https://b.example\n\
             Expires: 2026-06-30T00:00:00Z\n\
             Canonical: https://c.example/.well-known/security.txt\n"
        );
    }
}
