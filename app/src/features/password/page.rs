//! (server) The page to change the password.

use super::{PasswordForm, messages};
use crate::{
    layout::account_layout::account_page,
    page_query, routes,
    ui::{Notice, Severity},
};
use leptos::prelude::*;

#[component]
pub fn PasswordPage() -> impl IntoView {
    account_page(routes::PASSWORD, messages::LEAD.text(), async |_| {
        let report = page_query::has(routes::REPORT).then(|| {
            view! {
                <Notice severity=Severity::Attention>
                    <p>{messages::REPORT_TITLE.text()}</p>
                    <p>{messages::REPORT.text()}</p>
                </Notice>
            }
        });
        view! {
            {report}
            <div class="card stack" data-part="card">
                <PasswordForm/>
            </div>
        }
        .into_any()
    })
}
