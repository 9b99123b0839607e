//! The pages, one a file, and what is around all of them ([`frame`]). A page is a list of
//! components and words; it asks the server through [`crate::api`].

pub mod account;
pub mod activity;
pub mod data;
pub mod door;
pub mod frame;
pub mod home;
#[cfg(debug_assertions)]
pub mod lab;
pub mod later;
pub mod log_in;
pub mod not_found;
pub mod password;
pub mod profile;
pub mod sessions;
pub mod sign_up;

use crate::solid::IntoSolid;
use crate::{
    address, browser,
    connection::provide_connection,
    ui::{ThemeSwitch, provide_arrivals, provide_pending},
    who::provide_who,
    words,
};
use frame::{ConnectionNotice, Header, LogOutProblem, provide_log_out};
use home::HomePage;
#[cfg(debug_assertions)]
use lab::LabPage;
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    Lazy, SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};
use log_in::LogInPage;
use not_found::NotFoundPage;
#[cfg(not(debug_assertions))]
use not_found::NotFoundPage as LabPage;
use sign_up::SignUpPage;

/// (browser) Gets what the page that this is needs beside the program itself. `false`: it cannot be
/// had now.
pub async fn is_ready() -> bool {
    !address::is_at_or_below(&browser::path(), countersign_types::next::HOME)
        || later::prepare().await
}

/// Everything that is rendered, on both sides.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_connection();
    provide_pending();
    provide_arrivals();
    provide_who();
    view! {
        <Router>
            <Everything/>
        </Router>
    }
}

#[component]
fn Everything() -> impl IntoView {
    provide_log_out();
    // `Async` everywhere: without scripts nothing could put in what comes later, and the status and
    // the head must wait for it.
    view! {
        // `external` leaves the link to the browser, which moves the focus; the router would only scroll.
        <a class="skip" href="#main" rel="external">
            {words::SKIP}
        </a>
        <Header/>
        <main id="main" class="page" tabindex="-1">
            <LogOutProblem/>
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=|| view! { <HomePage/> }.solid() ssr=SsrMode::Async/>
                <Route path=path!("/signup") view=|| view! { <SignUpPage/> }.solid() ssr=SsrMode::Async/>
                <Route path=path!("/login") view=|| view! { <LogInPage/> }.solid() ssr=SsrMode::Async/>
                <Route path=path!("/account") view={Lazy::<later::Profile>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/lab") view=|| view! { <LabPage/> }.solid() ssr=SsrMode::Async/>
                <Route path=path!("/account/password") view={Lazy::<later::Password>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/account/sessions") view={Lazy::<later::Sessions>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/account/activity") view={Lazy::<later::Activity>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/account/data") view={Lazy::<later::Data>::new()} ssr=SsrMode::Async/>
            </FlatRoutes>
        </main>
        <footer class="foot cluster">
            <p>{words::FOOTER}</p>
            <ThemeSwitch/>
        </footer>
        <ConnectionNotice/>
    }
}
