//! The page "This wasn't me".

use super::messages;
use crate::{
    eager_view::IntoEagerAny,
    features::{
        reset_password::{messages::FOR, page::link_problem, read_link},
        secure_account::SecureAccountCall,
    },
    resource::PageResource,
    routes,
    ui::{
        PageHeader, PostButton, async_view, error_from_query, interpolate, loading, problem_notice,
    },
};
use countersign_types::{Problem, views::OpenedLink};
use leptos::{prelude::*, server_fn::ServerFn};

#[component]
pub fn SecureAccountPage() -> impl IntoView {
    let problem = error_from_query(SecureAccountCall::PATH);
    let link = PageResource::new(|| (0, None), |_| read_link(routes::SECURE.to_owned()));
    let content = move || {
        let problem = problem.clone();
        async move {
            match link.get().await {
                Ok(link) => form(&link, problem),
                Err(problem) => link_problem(problem),
            }
        }
    };
    view! {
        <div class="narrow stack">
            <PageHeader heading=messages::HEADING/>
            {async_view(loading, content)}
        </div>
    }
}

fn form(link: &OpenedLink, problem: Option<Problem>) -> AnyView {
    let fields = vec![("link_id", link.link_id.to_string())];
    let address = view! { <strong>{link.email.clone()}</strong> };
    view! {
        {problem.map(problem_notice)}
        <p class="text-muted">{interpolate(FOR, address)}</p>
        <p>{messages::EXPLANATION}</p>
        <PostButton
            path=SecureAccountCall::PATH
            fields
            label=messages::CONTINUE
            primary=true
        />
    }
    .into_eager_any()
}
