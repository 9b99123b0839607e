//! (server) The data export as a self-contained HTML document, to be saved, read offline and
//! printed.

use super::messages as words;
use crate::{
    messages,
    ui::{Date, DateTime, interpolate},
};
use countersign_types::{
    Field, Message,
    views::{AccountExport, ActivityEvent, ExportedSession},
};
use leptos::{prelude::*, tachys::view::RenderHtml};

/// The style of the document. It is opened from disk, without the site's style sheet.
const STYLE: &str = concat!(
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}",
    "body{max-width:60rem;margin:2rem auto;padding:0 1rem}",
    "table{border-collapse:collapse;width:100%}",
    "th,td{text-align:start;vertical-align:top;padding:.375rem 1rem .375rem 0;",
    "border-top:1px solid #8886}",
    "td:last-child{padding-inline-end:0;overflow-wrap:anywhere}",
    ".scroll time{white-space:nowrap}",
    "@media screen and (width<40rem){",
    ".scroll :is(table,tbody,tr,td){display:block}.scroll thead{display:none}",
    ".scroll tr{border-top:1px solid #8886;padding:.5rem 0}",
    ".scroll time{white-space:normal}",
    ".scroll td{display:grid;grid-template-columns:7rem 1fr;border:0;padding:.125rem 0}",
    ".scroll td::before{content:attr(data-column);font-weight:600}}",
    "h2{margin-top:2.5rem}.scroll{overflow-x:auto}",
    "@media print{body{margin:0}.scroll{overflow:visible}}",
);

/// Renders the document. `has_older_sessions`: there may be older sessions than those in the
/// export. `product` is the name of the product.
pub fn render(everything: &AccountExport, has_older_sessions: bool, product: &str) -> String {
    let document = || document(everything, has_older_sessions, product).to_html();
    // Views need an owner.
    Owner::new().with(|| format!("<!DOCTYPE html>{}", document()))
}

fn document(
    everything: &AccountExport,
    has_older_sessions: bool,
    product: &str,
) -> impl IntoView + use<> {
    let title = words::document_title(product);
    let account = everything.account.clone();
    let roles = account
        .roles
        .iter()
        .map(|role| messages::role(*role).text())
        .collect::<Vec<_>>()
        .join(", ");
    let date = |at| view! { <Date at/> }.into_any();
    let facts = [
        (messages::field::label(Field::Email).text(), account.email.into_any()),
        (
            messages::field::label(Field::Name).text(),
            account.name.unwrap_or_else(|| words::EMPTY_CELL.text().to_owned()).into_any(),
        ),
        (words::ID.text(), account.id.to_string().into_any()),
        (words::ROLES.text(), roles.into_any()),
        (crate::features::profile::messages::CREATED_AT.text(), date(account.created_at)),
        (
            words::LAST_LOG_IN.text(),
            everything.last_login_at.map_or_else(
                || words::EMPTY_CELL.text().into_any(),
                |at| view! { <DateTime at/> }.into_any(),
            ),
        ),
        (
            words::SCHEDULED_FOR.text(),
            account.deletion_scheduled_at.map_or_else(|| words::EMPTY_CELL.text().into_any(), date),
        ),
    ];
    let facts =
        facts.map(|(name, value)| view! { <tr><th scope="row">{name}</th><td>{value}</td></tr> });
    let sessions = everything.sessions.iter().map(session).collect_view();
    let events = everything.activity.iter().map(event).collect_view();
    let as_of = view! { <DateTime at=everything.as_of/> };
    let sessions = table(
        crate::features::sessions::messages::HEADING.text(),
        words::SESSION_COLUMNS.map(Message::text),
        sessions.into_any(),
    );
    let events = table(
        crate::features::activity::messages::HEADING.text(),
        words::EVENT_COLUMNS.map(Message::text),
        events.into_any(),
    );
    let has_older_events = everything.next_cursor.is_some();
    view! {
        <html lang=messages::LANGUAGE.text()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>{title.clone()}</title>
                <style>{STYLE}</style>
            </head>
            <body>
                <main>
                    <h1>{title}</h1>
                    <p>{interpolate(words::AS_OF, as_of)} " " {words::NOT_THE_PASSWORD.text()}</p>
                    <h2>{messages::ACCOUNT.text()}</h2>
                    <table><tbody>{facts.collect_view()}</tbody></table>
                    <h2>{crate::features::sessions::messages::HEADING.text()}</h2>
                    {sessions}
                    {has_older_sessions.then(|| view! { <p>{words::MORE_SESSIONS.text()}</p> })}
                    <h2>{crate::features::activity::messages::HEADING.text()}</h2>
                    {events}
                    {has_older_events.then(|| view! { <p>{words::MORE_EVENTS.text()}</p> })}
                </main>
            </body>
        </html>
    }
}

/// Renders a table. If it is wider than the window it scrolls, also with the keyboard.
fn table<const COLUMNS: usize>(
    name: &'static str,
    columns: [&'static str; COLUMNS],
    rows: AnyView,
) -> impl IntoView {
    let columns = columns.map(|column| view! { <th scope="col" role="columnheader">{column}</th> });
    view! {
        <div class="scroll" role="region" aria-label=name tabindex="0">
            // With another `display` value, browsers drop the table semantics without these roles.
            <table role="table">
                <thead role="rowgroup"><tr role="row">{columns.collect_view()}</tr></thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

/// Renders a row. In a narrow window it is a block, and each cell shows the name of its column.
fn row<const COLUMNS: usize>(
    columns: [&'static str; COLUMNS],
    cells: [AnyView; COLUMNS],
) -> impl IntoView {
    let cells: Vec<_> = columns
        .into_iter()
        .zip(cells)
        .map(|(column, cell)| view! { <td data-column=column role="cell">{cell}</td> })
        .collect();
    view! { <tr role="row">{cells}</tr> }
}

fn session(session: &ExportedSession) -> impl IntoView + use<> {
    let ExportedSession { device, address, created_at, last_seen_at, expires_at, ended_at, .. } =
        session.clone();
    row(
        words::SESSION_COLUMNS.map(Message::text),
        [
            messages::device(device.as_deref()).into_any(),
            address.into_any(),
            view! { <DateTime at=created_at/> }.into_any(),
            view! { <DateTime at=last_seen_at/> }.into_any(),
            view! { <DateTime at=ended_at.unwrap_or(expires_at)/> }.into_any(),
        ],
    )
}

fn event(event: &ActivityEvent) -> impl IntoView + use<> {
    let ActivityEvent { kind, at, device, address, .. } = event.clone();
    row(
        words::EVENT_COLUMNS.map(Message::text),
        [
            view! { <DateTime at/> }.into_any(),
            kind.message().text().into_any(),
            messages::device(device.as_deref()).into_any(),
            address.into_any(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_types::{
        EventId, EventKind, SessionId, Timestamp, UserId,
        views::{Account, Role},
    };

    #[test]
    fn export_escapes_user_data() {
        let at = Timestamp(1_795_367_541_000);
        let id = "01890000-0000-7000-8000-000000000001";
        let account = Account {
            id: id.parse::<UserId>().expect("an id"),
            email: "ada@example.com".to_owned(),
            email_verified: false,
            verification_due: false,
            pending_email: None,
            name: Some("<script>alert(1)</script>".to_owned()),
            roles: vec![Role::User],
            created_at: at,
            reuse_detected_at: None,
            deletion_scheduled_at: None,
        };
        let session = ExportedSession {
            id: id.parse::<SessionId>().expect("an id"),
            device: Some("<b>Firefox".to_owned()),
            address: Some("192.0.2.1".to_owned()),
            created_at: at,
            last_seen_at: at,
            expires_at: at,
            ended_at: None,
        };
        let event = ActivityEvent {
            id: id.parse::<EventId>().expect("an id"),
            kind: EventKind::SignedUp,
            at,
            device: None,
            address: None,
        };
        let everything = AccountExport {
            as_of: at,
            account,
            last_login_at: None,
            sessions: vec![session],
            activity: vec![event],
            next_cursor: None,
        };
        assert!(render(&everything, true, "Example").contains(words::MORE_SESSIONS.text()));
        let html = render(&everything, false, "Example");
        assert!(!html.contains(words::MORE_SESSIONS.text()));
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{html}");
        for text in [
            "&lt;script&gt;alert(1)",
            "&lt;b&gt;Firefox",
            "192.0.2.1",
            "Signed up",
            "22 November 2026, 17:12 UTC",
            "ada@example.com",
        ] {
            assert!(html.contains(text), "{text}: {html}");
        }
        for text in ["<script", "<b>", "http"] {
            assert!(!html.contains(text), "{text}: {html}");
        }
    }
}
