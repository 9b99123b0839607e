//! Messages about a whole form or page.

use crate::{messages, page_query, routes, ui::interpolate::interpolate};
use countersign_types::Problem;
use leptos::{children::TypedChildren, either::EitherOf4, prelude::*};

/// The severity of a [`Notice`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Information. Screen readers read it when they pause.
    Info,
    /// A state that may need an action. Screen readers read it when they pause.
    Attention,
    /// An error. Screen readers read it at once.
    Error,
}

/// The role of the element that shows a countdown. Screen readers read it with its notice, and
/// ignore changes. (A constant: the code for elements without any value costs more.)
const TIMER: &str = "timer";

/// A box with a message, which screen readers read when it appears.
#[component]
pub fn Notice<Content: IntoView + 'static>(
    /// How it looks, and whether screen readers read it at once.
    severity: Severity,
    /// The paragraphs of the message.
    children: TypedChildren<Content>,
) -> impl IntoView {
    let (name, role) = match severity {
        Severity::Info => ("info", "status"),
        Severity::Attention => ("attention", "status"),
        Severity::Error => ("error", "alert"),
    };
    view! {
        <div class="notice" data-part="notice" data-severity=name role=role>
            {children.into_inner()()}
        </div>
    }
}

/// Renders a problem. Field errors are a list of links to the fields, for users who can't see where
/// they are.
pub fn problem_notice(problem: Problem) -> impl IntoView {
    let (title, detail) = (problem.title(), problem.detail());
    let body = match problem {
        Problem::Invalid(errors) => {
            let links = errors.0.into_iter().map(|(field, error)| {
                let href = format!("#{}", field.name());
                view! { <li><a href=href>{error.message(field)}</a></li> }
            });
            EitherOf4::A(view! { <ul>{links.collect_view()}</ul> })
        }
        Problem::Internal { id } if !id.is_empty() => {
            let reference = interpolate(messages::REFERENCE, view! { <code>{id}</code> });
            EitherOf4::B(view! {
                <p>{detail}</p>
                <p class="text-small">{reference}</p>
            })
        }
        Problem::EmailTaken => {
            let query = page_query::query();
            let next = routes::param(&query, "next")
                .map(|next| format!("?next={next}"))
                .unwrap_or_default();
            let href = format!("{}{next}", routes::LOG_IN);
            let link = view! { <a href=href>{messages::LOG_IN.text()}</a> };
            EitherOf4::C(view! { <p>{interpolate(messages::EMAIL_TAKEN, link)}</p> })
        }
        _ => EitherOf4::D(view! { <p>{detail}</p> }),
    };
    view! {
        <Notice severity=Severity::Error>
            <p>{title.text()}</p>
            {body}
            // `countdown` writes into it.
            <p role=TIMER></p>
        </Notice>
    }
}
