//! The root component: the routes of all pages, and the site around them.

#[cfg(debug_assertions)]
use crate::features::gallery::GalleryPage;
#[cfg(not(debug_assertions))]
use crate::features::not_found::NotFoundPage as GalleryPage;
use crate::{
    browser::{self, connection::provide_connection, session},
    current_user::provide_current_user,
    eager_view::IntoEagerAny,
    features::{
        home::HomePage, log_in::LogInPage, not_found::NotFoundPage, refresh::refresh,
        sign_up::SignUpPage,
    },
    layout::site_layout::{ConnectionNotice, LogOutProblem, SiteHeader, provide_log_out},
    lazy_pages::{self, LazyRoutes},
    messages, routes,
    ui::{ThemeSwitch, provide_busy_indicator, provide_navigation_focus},
};
use countersign_types::{Problem, path::is_at_or_below, redirect_path::DEFAULT_REDIRECT};
use futures::FutureExt;
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode::Async,
    components::{FlatRoutes, Route, Router},
    path,
};

/// (browser) Prepares hydration: loads the chunk that this page needs. Returns `false` if that
/// fails.
pub async fn prepare_hydration() -> bool {
    session::set_refresh_call(|| {
        refresh().map(|result| result.map_err(Problem::from)).boxed_local()
    });
    !needs_chunk(&browser::path()) || lazy_pages::preload().await
}

/// Returns whether the page needs the chunk of [`lazy_pages`]. That includes unknown paths below
/// the account pages, because the next page is most likely one of them.
fn needs_chunk(path: &str) -> bool {
    is_at_or_below(path, DEFAULT_REDIRECT) || routes::is_lazy(path)
}

/// The root component, on the server and in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_connection();
    provide_busy_indicator();
    provide_navigation_focus();
    provide_current_user();
    view! {
        <Router>
            <Site/>
        </Router>
    }
}

/// The site: header, page and footer.
#[component]
fn Site() -> impl IntoView {
    provide_log_out();
    // `Async` everywhere: without scripts nothing can insert content later, and status and head
    // depend on the content.
    view! {
        // `external`: the browser moves the focus, while the router would only scroll.
        <a class="skip-link" href="#main" rel="external">
            {messages::SKIP}
        </a>
        <SiteHeader/>
        <main id="main" class="page" tabindex="-1">
            <LogOutProblem/>
            <FlatRoutes fallback=NotFoundPage>
                <Route
                    path=path!("/")
                    view=|| view! { <HomePage/> }.into_eager_any()
                    ssr=Async
                />
                <Route
                    path=path!("/signup")
                    view=|| view! { <SignUpPage/> }.into_eager_any()
                    ssr=Async
                />
                <Route
                    path=path!("/login")
                    view=|| view! { <LogInPage/> }.into_eager_any()
                    ssr=Async
                />
                <Route
                    path=path!("/lab")
                    view=|| view! { <GalleryPage/> }.into_eager_any()
                    ssr=Async
                />
                <LazyRoutes/>
            </FlatRoutes>
        </main>
        <footer class="site-footer cluster">
            <p>{messages::FOOTER}</p>
            <ThemeSwitch/>
        </footer>
        <ConnectionNotice/>
    }
}
