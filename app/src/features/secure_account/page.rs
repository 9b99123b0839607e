//! The page "This wasn't me".

use super::messages;
use crate::{
    eager_view::IntoEagerAny,
    features::{
        reset_password::{page::link_problem, read_link},
        secure_account::SecureAccountCall,
    },
    resource::PageResource,
    ui::{PageHeader, PostButton, async_view, error_from_query, loading, problem_notice},
};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn SecureAccountPage() -> impl IntoView {
    let link = PageResource::new(|| (0, None), |_| read_link());
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {error_from_query(SecureAccountCall::PATH).map(problem_notice)}
            {async_view(loading, move || async move {
                match link.get().await {
                    Ok(_) => form(),
                    Err(problem) => link_problem(problem),
                }
            })}
        </div>
    }
}

fn form() -> AnyView {
    view! {
        <p>{messages::EXPLANATION}</p>
        <PostButton
            path=SecureAccountCall::PATH
            fields=Vec::new()
            label=messages::CONTINUE
            primary=true
        />
    }
    .into_eager_any()
}
