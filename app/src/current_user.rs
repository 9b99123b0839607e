//! (server) The logged-in user for whom a page is rendered. [`crate::layout::session_monitor`]
//! keeps the page up to date in the browser.

use crate::{features::account::current_account, request::RequestScope};
use countersign_types::{Problem, views::TaggedAccount};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use leptos::prelude::*;

/// The logged-in user. Get it with `expect_context::<CurrentUser>()`.
#[derive(Clone)]
pub struct CurrentUser(Shared<BoxFuture<'static, Result<TaggedAccount, Problem>>>);

impl CurrentUser {
    /// Returns the account, or why there is none. Loads it once per page.
    pub async fn account(self) -> Result<TaggedAccount, Problem> {
        self.0.await
    }
}

/// The account of a preview, which replaces that of the user.
#[derive(Clone)]
pub struct SampleUser(pub TaggedAccount);

/// Provides the [`CurrentUser`]. Called once per page, by the root component.
pub fn provide_current_user() -> CurrentUser {
    // Leptos collects the routes without a request.
    let account = if let Some(SampleUser(account)) = use_context() {
        async { Ok(account) }.boxed()
    } else if RequestScope::exists() {
        // Not a `ScopedFuture`: that would own the context, which owns this future. The view that
        // awaits it provides the context.
        async { current_account().await.map_err(Problem::from) }.boxed()
    } else {
        async { Err(Problem::Unauthenticated) }.boxed()
    };
    let user = CurrentUser(account.shared());
    provide_context(user.clone());
    user
}
