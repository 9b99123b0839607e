//! Log in.

use super::door::{go_on, link, next, prepare_while};
use crate::{
    address,
    api::LogInCall,
    ui::{
        CheckBox, Fields, Form, Notice, PageHead, PasswordField, Submit, TextField, Tone, said,
        sending,
    },
    words,
};
use countersign_types::{Field, form::LogIn};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// What has just happened to somebody, if the address says so.
const NEWS: [(&str, &str); 3] = [
    (address::BYE, words::log_in::BYE),
    (address::ELSEWHERE, words::log_in::ELSEWHERE),
    (address::ENDED, words::log_in::ENDED),
];

#[component]
pub fn LogInPage() -> impl IntoView {
    let log_in =
        sending(read, |call: &LogInCall| call.form.check().err().unwrap_or_default(), go_on())
            .that_leads_on();
    prepare_while(log_in);
    let (next, query) = (next(), use_query_map());
    // Until there is something newer to say.
    let attempted = move || log_in.was_accepted().is_some();
    let news = move || {
        query.with(|query| {
            NEWS.into_iter().find_map(|(mark, news)| query.get_str(mark).map(|_| news))
        })
    };
    view! {
        <div class="column stack">
            <PageHead heading=words::LOG_IN/>
            {move || news().filter(|_| !attempted()).map(|news| view! { <Notice tone=Tone::News><p>{news}</p></Notice> })}
            <Form sending=log_in>
                <input type="hidden" name="form[next]" value=next/>
                <TextField field=Field::Email autocomplete="username"/>
                <PasswordField/>
                <CheckBox name="keep" label=words::log_in::KEEP/>
                <Submit label=words::LOG_IN working=words::log_in::WORKING/>
            </Form>
            <p>
                {said(words::log_in::NEW_HERE, view! { <a href=move || link(address::SIGN_UP, &next())>{words::SIGN_UP}</a> })}
            </p>
        </div>
    }
}

fn read(fields: &Fields) -> LogInCall {
    LogInCall {
        form: LogIn {
            email: fields.text("email"),
            password: fields.text("password"),
            next: fields.text("next"),
            keep: fields.text("keep"),
        },
    }
}
