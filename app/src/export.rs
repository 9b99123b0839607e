//! (server) Everything that is stored about somebody, as a document that stands alone: it is saved, read without us, and printed.

use crate::{
    ui::{Day, When, said},
    words::{self, data},
};
use contract::view::{Event, Everything, HeldSession};
use leptos::{prelude::*, tachys::view::RenderHtml};

/// The document is opened from a disk, where no policy of ours and no style sheet of ours is.
const STYLE: &str = ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}body{max-width:60rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}th,td{text-align:start;vertical-align:top;padding:.375rem 1rem .375rem 0;border-top:1px solid #8886}\
    td:last-child{padding-inline-end:0;overflow-wrap:anywhere}.scroll time{white-space:nowrap}\
    @media screen and (width<40rem){.scroll :is(table,tbody,tr,td){display:block}.scroll thead{display:none}.scroll tr{border-top:1px solid #8886;padding:.5rem 0}\
    .scroll td{display:grid;grid-template-columns:7rem 1fr;border:0;padding:.125rem 0}.scroll td::before{content:attr(data-column);font-weight:600}}\
    h2{margin-top:2.5rem}.scroll{overflow-x:auto}@media print{body{margin:0}.scroll{overflow:visible}}";

/// HTML.
pub fn page(everything: &Everything) -> String {
    // An owner for what the parts of a view may want to keep; they want nothing here.
    Owner::new().with(|| format!("<!DOCTYPE html>{}", document_of(everything).to_html()))
}

fn document_of(everything: &Everything) -> impl IntoView + use<> {
    let account = everything.account.clone();
    let roles = account.roles.iter().map(|role| words::role(*role)).collect::<Vec<_>>().join(", ");
    let day = |at| view! { <Day at/> }.into_any();
    let facts = [
        (words::field::label(contract::Field::Email), account.email.into_any()),
        (words::field::label(contract::Field::Name), account.name.unwrap_or_else(|| data::NONE.to_owned()).into_any()),
        (data::ID, account.id.to_string().into_any()),
        (data::ROLES, roles.into_any()),
        (words::profile::SINCE, day(account.created_at)),
        (data::LAST_LOG_IN, everything.last_login_at.map_or_else(|| data::NONE.into_any(), |at| view! { <When at/> }.into_any())),
        (data::DELETED_ON, account.deletes_at.map_or_else(|| data::NONE.into_any(), day)),
    ];
    let facts = facts.map(|(name, what)| view! { <tr><th scope="row">{name}</th><td>{what}</td></tr> });
    let sessions = everything.sessions.iter().map(session).collect_view();
    let events = everything.events.iter().map(event).collect_view();
    view! {
        <html lang=words::LANGUAGE>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>{data::DOCUMENT}</title>
                <style>{STYLE}</style>
            </head>
            <body>
                <main>
                    <h1>{data::DOCUMENT}</h1>
                    <p>{said(data::AS_OF, view! { <When at=everything.as_of/> })} " " {data::NOT_THE_PASSWORD}</p>
                    <h2>{words::ACCOUNT}</h2>
                    <table><tbody>{facts.collect_view()}</tbody></table>
                    <h2>{words::sessions::HEADING}</h2>
                    {table(words::sessions::HEADING, data::SESSION_COLUMNS, sessions.into_any())}
                    <h2>{words::activity::HEADING}</h2>
                    {table(words::activity::HEADING, data::EVENT_COLUMNS, events.into_any())}
                    {everything.next_cursor.is_some().then(|| view! { <p>{data::MORE_EVENTS}</p> })}
                </main>
            </body>
        </html>
    }
}

/// Where it is wider than the window it scrolls, with the keyboard too.
fn table<const COLUMNS: usize>(name: &'static str, columns: [&'static str; COLUMNS], rows: AnyView) -> impl IntoView {
    let columns = columns.map(|column| view! { <th scope="col" role="columnheader">{column}</th> });
    view! {
        <div class="scroll" role="region" aria-label=name tabindex="0">
            // A browser forgets what a table is when it is laid out in another way, unless it is told.
            <table role="table">
                <thead role="rowgroup"><tr role="row">{columns.collect_view()}</tr></thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

/// In a narrow window a row is a block, and each cell says what it is.
fn row<const COLUMNS: usize>(columns: [&'static str; COLUMNS], cells: [AnyView; COLUMNS]) -> impl IntoView {
    let cells: Vec<_> = columns.into_iter().zip(cells).map(|(column, cell)| view! { <td data-column=column role="cell">{cell}</td> }).collect();
    view! { <tr role="row">{cells}</tr> }
}

fn session(session: &HeldSession) -> impl IntoView + use<> {
    let HeldSession { device, address, created_at, last_seen_at, expires_at, ended_at, .. } = session.clone();
    row(
        data::SESSION_COLUMNS,
        [
            words::device(device.as_deref()).into_any(),
            address.into_any(),
            view! { <When at=created_at/> }.into_any(),
            view! { <When at=last_seen_at/> }.into_any(),
            view! { <When at=ended_at.unwrap_or(expires_at)/> }.into_any(),
        ],
    )
}

fn event(event: &Event) -> impl IntoView + use<> {
    let Event { kind, at, device, address, .. } = event.clone();
    row(data::EVENT_COLUMNS, [view! { <When at/> }.into_any(), words::event(kind).into_any(), words::device(device.as_deref()).into_any(), address.into_any()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{
        EventId, SessionId, Timestamp, UserId,
        view::{Account, EventKind, Role},
    };

    #[test]
    fn whatever_somebody_is_called_is_text_and_not_markup() {
        let at = Timestamp(1_795_367_541_000);
        let id = "01890000-0000-7000-8000-000000000001";
        let account = Account {
            id: id.parse::<UserId>().expect("an id"),
            email: "ada@example.com".to_owned(),
            email_verified: false,
            name: Some("<script>alert(1)</script>".to_owned()),
            roles: vec![Role::User],
            created_at: at,
            tag: "a-tag".to_owned(),
            stolen_at: None,
            deletes_at: None,
        };
        let session = HeldSession {
            id: id.parse::<SessionId>().expect("an id"),
            device: Some("<b>Firefox".to_owned()),
            address: Some("192.0.2.1".to_owned()),
            created_at: at,
            last_seen_at: at,
            expires_at: at,
            ended_at: None,
        };
        let event = Event { id: id.parse::<EventId>().expect("an id"), kind: EventKind::SignedUp, at, device: None, address: None };
        let everything = Everything { as_of: at, account, last_login_at: None, sessions: vec![session], events: vec![event], next_cursor: None };
        let html = page(&everything);
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{html}");
        for text in ["&lt;script&gt;alert(1)", "&lt;b&gt;Firefox", "192.0.2.1", "Signed up", "22 November 2026, 17:12 UTC", "ada@example.com"] {
            assert!(html.contains(text), "{text}: {html}");
        }
        for text in ["<script", "<b>", "a-tag", "http"] {
            assert!(!html.contains(text), "{text}: {html}");
        }
    }
}
