//! The pages of the account are a part of the program of their own, which is loaded by whoever goes there: nobody waits for it at the door.
//!
//! That takes the feature `split` and `cargo leptos build --split`; without them everything is one program. Where the part cannot be had, the browser
//! loads the page by itself, which works without any of the program.

use super::{account::PAGES, activity::ActivityPage, data::DataPage, password::PasswordPage, profile::ProfilePage, sessions::SessionsPage};
use crate::{
    browser,
    connection::{self, Connected},
    problem::Problem,
    solid::IntoSolid,
    ui::{PageHead, Pending, Trouble, loading},
};
use leptos::prelude::*;
use leptos_router::{LazyRoute, hooks::use_location};

/// What they are, in the order of [`PAGES`]. (Named nowhere but in `page`: whatever names it brings all of it along.)
const VIEWS: &[fn() -> AnyView] = &[
    || view! { <ProfilePage/> }.solid(),
    || view! { <PasswordPage/> }.solid(),
    || view! { <SessionsPage/> }.solid(),
    || view! { <ActivityPage/> }.solid(),
    || view! { <DataPage/> }.solid(),
];

/// One of them, by its place in the table.
pub(super) struct OfAccount<const PAGE: usize>;

impl<const PAGE: usize> LazyRoute for OfAccount<PAGE> {
    fn data() -> Self {
        Self
    }

    async fn view(_: Self) -> AnyView {
        // So that the browser asks for it together with the rest, and not when that has come.
        #[cfg(feature = "ssr")]
        leptos::prefetch_lazy_fn_on_server("account");
        let location = use_location();
        let here = format!("{}{}", location.pathname.get_untracked(), location.search.get_untracked());
        let pending = use_context::<Pending>();
        let is_pending = |is| pending.into_iter().for_each(|pending| pending.set_page(is));
        is_pending(true);
        let page = part::show(PAGE).await;
        is_pending(false);
        match page {
            Ok(page) => page,
            Err(_) if !browser::has_network() => {
                connection::lost();
                let again = here.clone();
                expect_context::<Connected>().on_return(move || browser::leave(&again));
                view! {
                    <div class="stack">
                        <PageHead heading=PAGES[PAGE].1/>
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
}

fn page(number: usize) -> AnyView {
    VIEWS[number]()
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
