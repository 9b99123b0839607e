//! Messages about a whole form or page.

use crate::{browser, eager_view::IntoEagerAny, messages, routes, ui::interpolate::interpolate};
use countersign_types::Problem;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The severity of a [`Notice`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Information. Screen readers read it when they pause.
    Info,
    /// An error. Screen readers read it at once.
    Error,
}

/// A box with a message, which screen readers read when it appears.
#[component]
pub fn Notice(severity: Severity, children: crate::eager_view::EagerChildren) -> impl IntoView {
    let (name, role) = match severity {
        Severity::Info => ("info", "status"),
        Severity::Error => ("error", "alert"),
    };
    view! {
        <div class="notice" data-severity=name role=role>
            {children.view()}
        </div>
    }
}

/// Renders a problem. Field errors are a list of links to the fields, for users who can't see where
/// they are.
pub fn problem_notice(problem: Problem) -> AnyView {
    let (title, detail) = (problem.title(), problem.detail());
    let body = match problem {
        Problem::Invalid(errors) => {
            let links = errors.0.into_iter().map(|(field, error)| {
                let href = format!("#{}", field.name());
                // `external`: the browser moves the focus, while the router would only scroll.
                view! {
                    <li>
                        <a href=href rel="external">
                            {error.message(field)}
                        </a>
                    </li>
                }
            });
            view! { <ul>{links.collect_view()}</ul> }.into_eager_any()
        }
        Problem::Internal { id } if !id.is_empty() => {
            let reference = interpolate(messages::REFERENCE, view! { <code>{id}</code> });
            view! {
                <p>{detail}</p>
                <p class="text-small">{reference}</p>
            }
            .into_eager_any()
        }
        Problem::EmailTaken => {
            let search = use_location().search.get_untracked();
            let next = routes::param(&search, "next")
                .map(|next| format!("?next={next}"))
                .unwrap_or_default();
            let href = format!("{}{next}", routes::LOG_IN);
            let link = view! { <a href=href>{messages::LOG_IN}</a> };
            view! { <p>{interpolate(messages::EMAIL_TAKEN, link)}</p> }.into_eager_any()
        }
        _ => view! { <p>{detail}</p> }.into_eager_any(),
    };
    view! {
        <Notice severity=Severity::Error>
            <p>{title}</p>
            {body}
        </Notice>
    }
    .into_eager_any()
}

/// Replaces content that can't be loaded. Without scripts, "Try again" reloads the page.
#[component]
pub fn ErrorWithRetry(problem: Problem, retry: Box<dyn Fn() + Send>) -> impl IntoView {
    let retry = move |event: leptos::ev::MouseEvent| {
        if browser::is_hydrated() {
            event.prevent_default();
            retry();
        }
    };
    view! {
        {problem_notice(problem)}
        <a class="button secondary" href="" on:click=retry>
            {messages::TRY_AGAIN}
        </a>
    }
}
