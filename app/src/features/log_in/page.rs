//! (server) The log-in page.

use super::{LogInForm, messages};
use crate::{
    brand::Brand, layout::auth_layout::AuthLayout, page_query, return_to::with_return_to, routes,
    ui::interpolate,
};
use leptos::prelude::*;

#[component]
pub fn LogInPage() -> impl IntoView {
    let sign_up = with_return_to(routes::SIGN_UP, &page_query::value("next").unwrap_or_default());
    let sign_up = view! { <a href=sign_up>{crate::messages::SIGN_UP}</a> };
    let links = view! { <p>{interpolate(messages::NEW_HERE, sign_up)}</p> };
    view! {
        <AuthLayout
            heading=crate::messages::LOG_IN
            title=Some(messages::title(&Brand::of_page().name))
            links=links.into_any()
        >
            <LogInForm/>
        </AuthLayout>
    }
}
