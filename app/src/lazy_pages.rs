//! The account pages and those of links from emails: a separate Wasm chunk, loaded on first use, so
//! that log-in doesn't wait for it.
//!
//! This needs the feature `split` and `cargo leptos build --split`. Without them, everything is one
//! Wasm module. If the chunk can't be loaded, the browser loads the page from the server, which
//! works without Wasm.

use crate::{
    browser,
    browser::{connection, connection::ConnectionStatus},
    eager_view::IntoEagerAny,
    features,
    routes::lazy_pages,
    ui::{BusyIndicator, ErrorWithRetry, FormAction, PageHeader, loading},
};
use countersign_types::Problem;
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    Lazy, LazyRoute, MatchNestedRoutes, SsrMode::Async, components::Route, hooks::use_location,
    path,
};

macro_rules! declare_pages {
    ($($group:ident { $($route:ident = $path:tt, $feature:ident::$page:ident;)+ })+) => {
        declare_pages! { @all $($($path, $feature::$page;)+)+ }
    };
    (@all $($path:tt, $feature:ident::$page:ident;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::enum_variant_names, reason = "the names of the components")]
        enum Page {
            $($page,)+
        }

        impl Page {
            const ALL: &[Self] = &[$(Self::$page,)+];

            const fn heading(self) -> &'static str {
                match self {
                    $(Self::$page => features::$feature::messages::HEADING,)+
                }
            }
        }

        /// Renders a page. Only this function may name the components of the pages: every other
        /// reference would move all of them into its own chunk.
        fn view_of(page: Page) -> AnyView {
            match page {
                $(Page::$page => view! { <features::$feature::$page/> }.into_eager_any(),)+
            }
        }

        $(
            /// The lazy route of this page.
            pub struct $page;

            impl LazyRoute for $page {
                fn data() -> Self {
                    Self
                }

                async fn view(_: Self) -> AnyView {
                    load(Page::$page).await
                }
            }
        )+

        /// The routes of these pages.
        #[component(transparent)]
        pub fn LazyRoutes() -> impl MatchNestedRoutes + Clone {
            view! { $(<Route path=path!($path) view={Lazy::<$page>::new()} ssr=Async/>)+ }
                .into_inner()
        }
    };
}
lazy_pages!(declare_pages);

/// Loads the chunk and renders a page, or an error if it can't be loaded.
async fn load(page: Page) -> AnyView {
    // Lets the browser fetch the chunk together with the main module.
    #[cfg(feature = "ssr")]
    leptos::prefetch_lazy_fn_on_server("account");
    let location = use_location();
    let current_url =
        format!("{}{}", location.pathname.get_untracked(), location.search.get_untracked());
    let indicator = use_context::<BusyIndicator>();
    let set_busy = |is_busy| indicator.into_iter().for_each(|busy| busy.set_page(is_busy));
    set_busy(true);
    let loaded = chunk::render(page as usize).await;
    set_busy(false);
    match loaded {
        Ok(view) => view,
        Err(_) if !browser::has_network() => {
            connection::report_failure();
            let reload_url = current_url.clone();
            expect_context::<ConnectionStatus>()
                .on_return(move || browser::navigate_to(&reload_url));
            let retry = move || browser::navigate_to(&current_url);
            view! {
                <div class="stack">
                    <PageHeader heading=page.heading()/>
                    <ErrorWithRetry problem=Problem::Offline retry=Box::new(retry)/>
                </div>
            }
            .into_eager_any()
        }
        Err(_) => {
            browser::navigate_to(&current_url);
            loading()
        }
    }
}

/// Renders the page with this index in [`Page::ALL`]. The chunks exchange numbers only.
fn render_page(index: usize) -> AnyView {
    view_of(Page::ALL[index])
}

/// Loads the chunk of these pages in advance. Returns `false` if that fails.
pub async fn preload() -> bool {
    chunk::__preload().await.is_ok()
}

/// Loads the account pages, which most users see next, while the server verifies the password.
pub(crate) fn preload_during(action: FormAction) {
    Effect::new(move |_| {
        if action.is_working() {
            spawn_local(async {
                let _ = preload().await;
            });
        }
    });
}

#[cfg(feature = "split")]
mod chunk {
    use leptos::{
        prelude::AnyView,
        wasm_split::{SplitLoaderError, wasm_split},
    };

    #[wasm_split(account, wasm_split_path = ::leptos::wasm_split, preload(__preload), fallible)]
    pub(crate) fn render(page: usize) -> Result<AnyView, SplitLoaderError> {
        Ok(super::render_page(page))
    }
}

#[cfg(not(feature = "split"))]
mod chunk {
    use leptos::prelude::AnyView;
    use std::{
        convert::Infallible,
        future::{Ready, ready},
    };

    pub(crate) fn render(page: usize) -> Ready<Result<AnyView, Infallible>> {
        ready(Ok(super::render_page(page)))
    }

    pub(crate) fn __preload() -> Ready<Result<(), Infallible>> {
        ready(Ok(()))
    }
}
