//! (server) The layout of the account pages: navigation, header, notices for the user, and what
//! replaces content that can't be loaded.

use super::messages::{deletion_notice, reuse_notice, verification_notice};
use crate::{
    current_user::CurrentUser,
    features::{
        account::DismissNoticeCall,
        email::{PostponeVerificationCall, SendVerificationCall},
        your_data::{self, CancelDeletionCall},
    },
    messages, page_query,
    routes::{self, AccountPage, NavGroup},
    ui::{
        Date, DateTime, NavLink, Notice, PageHeader, PostButton, Severity, SideNav, identity,
        interpolate, problem_notice,
    },
};
use countersign_types::{Problem, Timestamp, views::TaggedAccount};
use leptos::{prelude::*, server_fn::ServerFn};

/// Server functions of the notices, whose problems every account page shows.
const NOTICE_FUNCTIONS: [&str; 4] = [
    CancelDeletionCall::PATH,
    DismissNoticeCall::PATH,
    PostponeVerificationCall::PATH,
    SendVerificationCall::PATH,
];

/// Renders an account page. `lead` is the sentence below the heading; `content` renders what is
/// below it. Islands in the content get the account from the context.
pub(crate) fn account_page<Content>(
    page: AccountPage,
    lead: &'static str,
    content: impl FnOnce(TaggedAccount) -> Content + Send + 'static,
) -> impl IntoView
where
    Content: Future<Output = AnyView> + Send + 'static,
{
    let user = expect_context::<CurrentUser>();
    Suspend::new(async move {
        let account = user.account().await;
        let identity = account.as_ref().ok().map(|tagged| identity(&tagged.account));
        let notices = account.as_ref().ok().map(|tagged| render_notices(tagged.clone(), page));
        let problem = NOTICE_FUNCTIONS.into_iter().find_map(page_query::form_problem);
        let deletion_cancelled = page_query::has(routes::DELETION_CANCELLED).then(|| {
            view! {
                <Notice severity=Severity::Info>
                    <p>{your_data::messages::DELETION_CANCELLED.text()}</p>
                </Notice>
            }
        });
        let content = match account {
            Ok(tagged) => {
                provide_context(tagged.clone());
                content(tagged).await
            }
            Err(problem) => load_error(problem),
        };
        view! {
            <div class="sidebar">
                <SideNav label=messages::ACCOUNT_NAV.text() groups=navigation() current=page.path>
                    {identity}
                </SideNav>
                <div class="stack">
                    {notices}
                    {problem.map(problem_notice)}
                    {deletion_cancelled}
                    <header>
                        <PageHeader heading=page.heading.text() lead/>
                    </header>
                    {content}
                </div>
            </div>
        }
    })
}

/// Returns the account pages by group.
fn navigation() -> Vec<(&'static str, Vec<NavLink>)> {
    let pages_of = |group| routes::ACCOUNT_PAGES.iter().filter(move |page| page.group == group);
    let link = |page: &AccountPage| NavLink {
        path: page.path,
        name: page.heading.text(),
        icon: page.icon,
    };
    NavGroup::ALL.map(|group| (group.title(), pages_of(group).map(link).collect())).into()
}

/// Renders the notices that are shown on every account page.
fn render_notices(
    TaggedAccount { account, session_tag: tag }: TaggedAccount,
    page: AccountPage,
) -> impl IntoView {
    let (reuse_tag, verification_tag) = (tag.clone(), tag.clone());
    // The page for the email address and the welcome say it themselves. A new address will be
    // verified.
    let is_said =
        page == routes::EMAIL || page == routes::PROFILE && page_query::has(routes::WELCOME);
    let asks_for_verification =
        account.verification_due && account.pending_email.is_none() && !is_said;
    view! {
        {account.reuse_detected_at.map(|at| render_reuse_notice(at, reuse_tag))}
        {account.deletion_scheduled_at.map(|at| render_deletion_notice(at, tag))}
        {asks_for_verification.then(|| render_verification_notice(account.email, verification_tag))}
    }
}

/// Renders the notice of refresh token reuse. The first session after it shows the notice until the
/// user dismisses it.
fn render_reuse_notice(at: Timestamp, tag: String) -> impl IntoView {
    let link = view! {
        <a href=routes::PASSWORD.path>{reuse_notice::CHANGE_PASSWORD_LINK.text()}</a>
    };
    view! {
        <Notice severity=Severity::Error>
            <p>{reuse_notice::TITLE.text()}</p>
            <p>{interpolate(reuse_notice::EXPLANATION, link)}</p>
            <p class="text-small"><DateTime at/></p>
            <PostButton
                path=DismissNoticeCall::PATH
                fields=vec![("session_tag", tag)]
                label=reuse_notice::DISMISS.text()
            />
        </Notice>
    }
}

/// Renders the notice that the address is not confirmed.
fn render_verification_notice(email: String, tag: String) -> impl IntoView {
    let address = view! { <strong>{email}</strong> };
    let fields = vec![("session_tag", tag)];
    view! {
        <Notice severity=Severity::Info>
            <p>{verification_notice::TITLE.text()}</p>
            <p>{interpolate(verification_notice::EXPLANATION, address)}</p>
            <div class="cluster">
                <a
                    class="button secondary"
                    data-part="button-secondary"
                    href=routes::email_page_for_code()
                >
                    {verification_notice::ENTER_CODE.text()}
                </a>
                <PostButton
                    path=SendVerificationCall::PATH
                    fields=fields.clone()
                    label=verification_notice::SEND_CODE.text()
                />
                <PostButton
                    path=PostponeVerificationCall::PATH
                    fields
                    label=verification_notice::LATER.text()
                />
            </div>
        </Notice>
    }
}

/// Renders the notice that the account is scheduled for deletion, with the button that cancels it.
fn render_deletion_notice(at: Timestamp, tag: String) -> impl IntoView {
    let date = view! { <Date at/> };
    view! {
        <Notice severity=Severity::Attention>
            <p>{interpolate(deletion_notice::SCHEDULED_FOR, date)}</p>
            <p>{deletion_notice::CANCEL_HELP.text()}</p>
            <PostButton
                path=CancelDeletionCall::PATH
                fields=vec![("session_tag", tag)]
                label=deletion_notice::CANCEL.text()
                primary=true
            />
        </Notice>
    }
}

/// Renders what replaces content that can't be loaded.
pub(crate) fn load_error(problem: Problem) -> AnyView {
    // The session monitor reloads a page with this attribute once the database is back.
    let reloads = (problem == Problem::Unavailable).then_some("");
    // If the session has just ended, the reload leads to the log-in page.
    let label = if problem == Problem::Unauthenticated {
        messages::LOG_IN.text()
    } else {
        messages::TRY_AGAIN.text()
    };
    view! {
        {problem_notice(problem)}
        <a class="button secondary" data-part="button-secondary" href="" data-reload=reloads>
            {label}
        </a>
    }
    .into_any()
}
