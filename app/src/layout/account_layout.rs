//! The layout of the account pages: navigation, header, notices for the user, and what replaces
//! content that can't be loaded.

use super::messages::{deletion_notice, reuse_notice, verification_notice};
use crate::{
    current_user::CurrentUser,
    eager_view::IntoEagerAny,
    features::{
        account::DismissNoticeCall,
        email::{PostponeVerificationCall, SendVerificationCall},
        your_data::CancelDeletionCall,
    },
    messages,
    resource::{PageResource, ResourceValue},
    return_to::with_return_to,
    routes::{self, AccountPage},
    ui::{
        Date, DateTime, ErrorWithRetry, Notice, PageHeader, PostButton, Severity, SideNav,
        async_view, empty, error_from_query, interpolate, loading, problem_notice,
    },
};
use countersign_types::{Problem, Timestamp, views::TaggedAccount};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

/// The layout of an account page. `lead` is the sentence below the heading.
#[component]
pub fn AccountLayout(
    page: AccountPage,
    #[prop(optional)] lead: &'static str,
    children: crate::eager_view::EagerChildren,
) -> impl IntoView {
    let (user, query) = (expect_context::<CurrentUser>(), use_query_map());
    let is_deletion_cancelled =
        query.with_untracked(|query| query.get_str(routes::DELETION_CANCELLED).is_some());
    let notices = async_view(empty, move || async move {
        user.account.get().await.map_or_else(|_| empty(), |account| render_notices(account, page))
    });
    let problem = error_from_query(CancelDeletionCall::PATH)
        .or_else(|| error_from_query(DismissNoticeCall::PATH))
        .or_else(|| error_from_query(PostponeVerificationCall::PATH))
        .or_else(|| error_from_query(SendVerificationCall::PATH));
    let deletion_cancelled = is_deletion_cancelled.then(|| {
        view! {
            <Notice severity=Severity::Info>
                <p>{crate::features::your_data::messages::DELETION_CANCELLED}</p>
            </Notice>
        }
    });
    view! {
        <div class="sidebar">
            <SideNav label=messages::ACCOUNT_NAV pages=routes::ACCOUNT_NAV current=page.path/>
            <div class="stack">
                {notices}
                {problem.map(problem_notice)}
                {deletion_cancelled}
                <PageHeader heading=page.heading lead/>
                {children.view()}
            </div>
        </div>
    }
}

/// Renders the notices that are shown on every account page.
fn render_notices(
    TaggedAccount { account, session_tag: tag }: TaggedAccount,
    page: AccountPage,
) -> AnyView {
    let (reuse_tag, verification_tag) = (tag.clone(), tag.clone());
    // The page for the email address says it itself. A new address will be verified.
    let asks_for_verification =
        account.verification_due && account.pending_email.is_none() && page != routes::EMAIL;
    view! {
        {account.reuse_detected_at.map(|at| render_reuse_notice(at, reuse_tag))}
        {account.deletion_scheduled_at.map(|at| render_deletion_notice(at, tag))}
        {asks_for_verification.then(|| render_verification_notice(account.email, verification_tag))}
    }
    .into_eager_any()
}

/// Renders the notice of refresh token reuse. The first session after it shows the notice until the
/// user dismisses it.
fn render_reuse_notice(at: Timestamp, tag: String) -> AnyView {
    let link = view! {
        <a href="/account/password">{reuse_notice::CHANGE_PASSWORD_LINK}</a>
    };
    view! {
        <Notice severity=Severity::Error>
            <p>{reuse_notice::TITLE}</p>
            <p>{interpolate(reuse_notice::EXPLANATION, link)}</p>
            <p class="text-small"><DateTime at/></p>
            <PostButton
                path=DismissNoticeCall::PATH
                fields=vec![("session_tag", tag)]
                label=reuse_notice::DISMISS
            />
        </Notice>
    }
    .into_eager_any()
}

/// Renders the notice that the address is not confirmed.
fn render_verification_notice(email: String, tag: String) -> AnyView {
    let address = view! { <strong>{email}</strong> };
    let fields = vec![("session_tag", tag)];
    view! {
        <Notice severity=Severity::Info>
            <p>{verification_notice::TITLE}</p>
            <p>{interpolate(verification_notice::EXPLANATION, address)}</p>
            <div class="cluster">
                <a class="button secondary" href=routes::email_page_for_code() rel="external">
                    {verification_notice::ENTER_CODE}
                </a>
                <PostButton
                    path=SendVerificationCall::PATH
                    fields=fields.clone()
                    label=verification_notice::SEND_CODE
                />
                <PostButton
                    path=PostponeVerificationCall::PATH
                    fields
                    label=verification_notice::LATER
                />
            </div>
        </Notice>
    }
    .into_eager_any()
}

/// Renders the notice that the account is scheduled for deletion, with the button that cancels it.
fn render_deletion_notice(at: Timestamp, tag: String) -> AnyView {
    let date = view! { <Date at/> };
    view! {
        <Notice severity=Severity::Error>
            <p>{interpolate(deletion_notice::SCHEDULED_FOR, date)}</p>
            <p>{deletion_notice::CANCEL_HELP}</p>
            <PostButton
                path=CancelDeletionCall::PATH
                fields=vec![("session_tag", tag)]
                label=deletion_notice::CANCEL
            />
        </Notice>
    }
    .into_eager_any()
}

/// Renders the data of a resource when it is loaded, or why it can't be loaded.
pub(crate) fn when_loaded<T: ResourceValue>(
    resource: PageResource<T>,
    render: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView {
    async_view(loading, move || {
        let render = render.clone();
        async move {
            match resource.get().await {
                Ok(data) => render(data),
                Err(problem) => error_fallback(problem, move || resource.refetch()),
            }
        }
    })
}

/// Renders what replaces content that can't be loaded.
pub(crate) fn error_fallback(problem: Problem, retry: impl Fn() + Send + 'static) -> AnyView {
    match problem {
        Problem::Unauthenticated => view! { <LogInFirst/> }.into_eager_any(),
        problem => view! { <ErrorWithRetry problem retry=Box::new(retry)/> }.into_eager_any(),
    }
}

/// Replaces content that needs a session, and navigates to the log-in page.
///
/// The server redirects anonymous clients before it renders such a page. This component is for
/// links inside the app. When a session ends, [`crate::current_user`] leaves the page and shows the
/// reason.
#[component]
fn LogInFirst() -> impl IntoView {
    let (user, location, navigate) =
        (expect_context::<CurrentUser>(), use_location(), use_navigate());
    let current_url = format!(
        "{}{}",
        location.pathname.get_untracked(),
        routes::strip_flash_params(&location.search.get_untracked())
    );
    let to = with_return_to(routes::LOG_IN, &current_url);
    let href = to.clone();
    Effect::new(move |_| {
        if matches!(user.account.current(), Some(Err(Problem::Unauthenticated))) {
            navigate(&to, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    view! {
        <p>{Problem::Unauthenticated.detail()}</p>
        <a class="button" href=href>
            {messages::LOG_IN}
        </a>
    }
}
