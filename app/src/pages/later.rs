//! The pages of the account are a part of the program of their own, which is loaded by whoever goes
//! there: nobody waits for it at the door.
//!
//! That takes the feature `split` and `cargo leptos build --split`; without them everything is one
//! program. Where the part cannot be had, the browser loads the page by itself, which works without
//! any of the program.

use super::{
    activity::ActivityPage, data::DataPage, password::PasswordPage, profile::ProfilePage,
    sessions::SessionsPage,
};
use crate::{
    address, browser,
    connection::{self, Connected},
    problem::Problem,
    solid::IntoSolid,
    ui::{PageHead, Pending, Trouble, loading},
    words,
};
use leptos::prelude::*;
use leptos_router::{LazyRoute, hooks::use_location};

macro_rules! account_pages {
    ($($page:ident = $path:expr, $heading:expr, $view:expr;)+) => {
        /// A page of the account.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum AccountPage {
            $($page,)+
        }

        impl AccountPage {
            const ALL: &[Self] = &[$(Self::$page,)+];

            const fn heading(self) -> &'static str {
                match self {
                    $(Self::$page => $heading,)+
                }
            }
        }

        /// Address and heading of each page, in the order of the navigation.
        pub const PAGES: &[(&str, &str)] = &[$(($path, $heading),)+];

        /// The view of a page. (Nothing else names the views: whatever does is loaded together with all of them.)
        fn view_of(page: AccountPage) -> AnyView {
            match page {
                $(AccountPage::$page => $view,)+
            }
        }

        $(
            /// The route to this page.
            pub(super) struct $page;

            impl LazyRoute for $page {
                fn data() -> Self {
                    Self
                }

                async fn view(_: Self) -> AnyView {
                    load(AccountPage::$page).await
                }
            }
        )+
    };
}

// Each page is one line: its route, its address, its heading and its view, in the order of the
// navigation.
account_pages! {
    Profile = "/account", words::profile::HEADING, view! { <ProfilePage/> }.solid();
    Password = "/account/password", words::password::HEADING, view! { <PasswordPage/> }.solid();
    Sessions = "/account/sessions", words::sessions::HEADING, view! { <SessionsPage/> }.solid();
    Activity = "/account/activity", words::activity::HEADING, view! { <ActivityPage/> }.solid();
    Data = address::DATA, words::data::HEADING, view! { <DataPage/> }.solid();
}

/// Loads the pages and shows one of them, or says why it cannot.
async fn load(page: AccountPage) -> AnyView {
    // So that the browser asks for it together with the rest, and not when that has come.
    #[cfg(feature = "ssr")]
    leptos::prefetch_lazy_fn_on_server("account");
    let location = use_location();
    let here = format!("{}{}", location.pathname.get_untracked(), location.search.get_untracked());
    let pending = use_context::<Pending>();
    let is_pending = |is| pending.into_iter().for_each(|pending| pending.set_page(is));
    is_pending(true);
    let loaded = part::show(page as usize).await;
    is_pending(false);
    match loaded {
        Ok(view) => view,
        Err(_) if !browser::has_network() => {
            connection::lost();
            let again = here.clone();
            expect_context::<Connected>().on_return(move || browser::leave(&again));
            view! {
                <div class="stack">
                    <PageHead heading=page.heading()/>
                    <Trouble problem=Problem::Offline again=Box::new(move || browser::leave(&here))/>
                </div>
            }
            .solid()
        }
        Err(_) => {
            browser::leave(&here);
            loading()
        }
    }
}

/// The view of a page by its place in [`AccountPage::ALL`]: a number is what the two parts of the
/// program can exchange.
fn page(number: usize) -> AnyView {
    view_of(AccountPage::ALL[number])
}

/// Gets the pages of the account before they are shown. `false`: they cannot be had now.
pub async fn prepare() -> bool {
    part::__preload().await.is_ok()
}

#[cfg(feature = "split")]
mod part {
    use leptos::{
        prelude::AnyView,
        wasm_split::{SplitLoaderError, wasm_split},
    };

    #[wasm_split(account, wasm_split_path = ::leptos::wasm_split, preload(__preload), fallible)]
    pub(super) fn show(page: usize) -> Result<AnyView, SplitLoaderError> {
        Ok(super::page(page))
    }
}

#[cfg(not(feature = "split"))]
mod part {
    use leptos::prelude::AnyView;
    use std::{
        convert::Infallible,
        future::{Ready, ready},
    };

    pub(super) fn show(page: usize) -> Ready<Result<AnyView, Infallible>> {
        ready(Ok(super::page(page)))
    }

    pub(super) fn __preload() -> Ready<Result<(), Infallible>> {
        ready(Ok(()))
    }
}
