//! (server) The root component: the routes of all pages, and the site around them. The browser
//! hydrates only the islands in them.

use crate::{
    current_user::{CurrentUser, provide_current_user},
    features::{
        self,
        gallery::{BrandEditorPage, GalleryPage},
        home::HomePage,
        log_in::LogInPage,
        log_out::LogOutProblem,
        not_found::NotFoundPage,
        sign_up::SignUpPage,
    },
    layout::{
        demo_bar::{IsDemo, demo_bar},
        session_monitor::{CONTINUE_URL, RenderedSession, SessionMonitor},
        site_layout::{SiteFooter, SiteHeader},
    },
    messages, page_query, request,
    routes::{self, feature_pages},
    time_zone::provide_zone,
};
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    MatchNestedRoutes,
    SsrMode::Async,
    components::{FlatRoutes, Route, Router},
    path,
};

/// The root component: header, page and footer. Its type is erased, because otherwise the crate of
/// the server compiles all pages again.
#[component]
pub fn App() -> AnyView {
    provide_meta_context();
    let user = provide_current_user();
    provide_zone();
    // `Async` everywhere: without scripts nothing can insert content later, and status and head
    // depend on the content.
    view! {
        <Router>
            <a class="skip-link" href="#main">
                {messages::SKIP.text()}
            </a>
            {demo_bar(IsDemo::of_page())}
            {(!routes::is_auth_page(&request::path())).then(|| view! { <SiteHeader/> })}
            <main id="main" class="page" tabindex="-1">
                <LogOutProblem/>
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/") view=HomePage ssr=Async/>
                    <Route path=path!("/signup") view=SignUpPage ssr=Async/>
                    <Route path=path!("/login") view=LogInPage ssr=Async/>
                    <Route path=path!("/gallery") view=GalleryPage ssr=Async/>
                    <Route path=path!("/gallery/brand") view=BrandEditorPage ssr=Async/>
                    <FeatureRoutes/>
                </FlatRoutes>
            </main>
            <SiteFooter/>
            {session_monitor(user)}
        </Router>
    }
    .into_any()
}

macro_rules! declare_routes {
    (
        account {
            $($page:ident = $path:tt, $feature:ident::$component:ident, $group:ident, $icon:ident;)+
        }
        single_task {
            $($task_page:ident = $task_path:tt, $level:ident,
                $task_feature:ident::$task_component:ident;)+
        }
    ) => {
        /// The routes of the account pages and of those with a single task.
        #[component(transparent)]
        fn FeatureRoutes() -> impl MatchNestedRoutes + Clone {
            view! {
                $(<Route path=path!($path) view=features::$feature::$component ssr=Async/>)+
                $(<Route
                    path=path!($task_path)
                    view=features::$task_feature::$task_component
                    ssr=Async
                />)+
            }
            .into_inner()
        }
    };
}
feature_pages!(declare_routes);

/// Renders the island that follows the session of the page, and the URL to which it leads if the
/// user logs in in another tab.
fn session_monitor(user: CurrentUser) -> impl IntoView {
    let next = page_query::value("next").unwrap_or_default();
    let continue_url = routes::is_log_in_page(&request::path()).then(|| {
        view! { <input type="hidden" id=CONTINUE_URL value=request::return_url(&next)/> }
    });
    let monitor = Suspend::new(async {
        provide_context(RenderedSession::of(&user.account().await));
        view! { <SessionMonitor/> }
    });
    view! {
        {continue_url}
        {monitor}
    }
}
