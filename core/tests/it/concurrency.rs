//! Race conditions: concurrent refreshes of one token, and refreshes and log-ins that race with
//! operations that revoke sessions. Each round starts both sides at a barrier; many rounds find the
//! orders that fail.

use crate::common::{PASSWORD, TestContext, accepts, can_refresh, client};
use countersign_core::{
    Auth, Error, IssuedTokens, PresentedCredential, admin::AdminAction, test_on_each_database,
    testing::tokens_of,
};
use countersign_types::{
    EventId, EventKind, TimeSpan,
    forms::{ChangePasswordForm, LogInForm},
    views::Role,
};
use std::sync::Arc;
use tokio::sync::Barrier;
use uuid::Uuid;

const ADA: &str = "ada@example.com";
/// The number of rounds of each race.
const ROUNDS: usize = 200;

/// Starts all futures at a barrier and waits for all results.
async fn run_concurrently<T: Send + 'static>(
    work: Vec<impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(work.len()));
    let tasks: Vec<_> = work
        .into_iter()
        .map(|work| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                work.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("a task"));
    }
    results
}

async fn refresh(auth: Auth, token: String) -> Result<IssuedTokens, Error> {
    auth.refresh(&client(), &token).await
}

async fn log_in(auth: Auth, password: &'static str) -> Result<IssuedTokens, Error> {
    let form = LogInForm { email: ADA.into(), password: password.into(), ..LogInForm::default() };
    auth.log_in(&client(), &form, None).await.map(tokens_of)
}

/// An operation that revokes sessions, by the user of `token` unless stated otherwise.
#[derive(Clone, Copy, Debug)]
enum Revocation {
    All,
    Others,
    PasswordChange,
    /// By an administrator.
    Disable,
    /// By an administrator.
    Demotion,
}

impl Revocation {
    fn as_admin_action(self) -> Option<AdminAction> {
        match self {
            Self::Disable => Some(AdminAction::Disable),
            Self::Demotion => Some(AdminAction::Role(Role::User)),
            _ => None,
        }
    }
}

async fn revoke(
    auth: Auth,
    token: String,
    revocation: Revocation,
    current: &'static str,
    new: &'static str,
) {
    if let Some(change) = revocation.as_admin_action() {
        let id = auth
            .signed_in(&client(), PresentedCredential::Bearer(&token))
            .await
            .expect("signed in")
            .user();
        auth.operator_for_tests(&client()).change(id, change).await.expect("changed");
        return;
    }
    let me =
        auth.signed_in(&client(), PresentedCredential::Bearer(&token)).await.expect("signed in");
    match revocation {
        Revocation::All => me.revoke_all_sessions().await,
        Revocation::Others => me.revoke_other_sessions().await,
        Revocation::Disable | Revocation::Demotion => unreachable!("by an administrator"),
        Revocation::PasswordChange => me
            .change_password(&ChangePasswordForm {
                current_password: current.into(),
                new_password: new.into(),
            })
            .await
            .map(drop),
    }
    .expect("revoked");
}

/// Syncs the change feed before a round, because many rounds on a slow machine take longer than the
/// maximum staleness.
async fn sync(context: &TestContext) {
    context.auth.sync_feed().await.expect("synced");
}

enum Side {
    Tokens(Box<Result<IssuedTokens, Error>>),
    Revoked,
}

/// Runs both futures concurrently and returns the result of the first.
async fn race(
    first: impl Future<Output = Result<IssuedTokens, Error>> + Send + 'static,
    second: impl Future<Output = ()> + Send + 'static,
) -> Result<IssuedTokens, Error> {
    type BoxedSide = std::pin::Pin<Box<dyn Future<Output = Side> + Send>>;
    let first: BoxedSide = Box::pin(async move { Side::Tokens(Box::new(first.await)) });
    let second: BoxedSide = Box::pin(async move {
        second.await;
        Side::Revoked
    });
    let mut result = None;
    for side in run_concurrently(vec![first, second]).await {
        if let Side::Tokens(tokens) = side {
            result = Some(*tokens);
        }
    }
    result.expect("a result")
}

/// Returns whether the request was rejected, or succeeded and its tokens are revoked.
async fn is_rejected_or_revoked(auth: &Auth, result: &Result<IssuedTokens, Error>) -> bool {
    match result {
        Ok(issued) => {
            !accepts(auth, &issued.access.token).await
                && !can_refresh(auth, &issued.refresh.token).await
        }
        Err(Error::InvalidCredentials | Error::Unauthenticated) => true,
        Err(other) => panic!("{other:?}"),
    }
}

test_on_each_database! {
    async fn fifty_concurrent_refreshes_give_one_successor(context: TestContext) {
        let mut token = context.sign_up(ADA).await.refresh.token;
        for _ in 0..ROUNDS {
            let work = (0..50).map(|_| refresh(context.auth.clone(), token.clone())).collect();
            let mut successors: Vec<_> = run_concurrently(work)
                .await
                .into_iter()
                .map(|result| result.expect("refreshed").refresh.token)
                .collect();
            successors.dedup();
            assert_eq!(successors.len(), 1);
            assert_ne!(successors[0], token);
            token = successors.remove(0);
            context.clock.advance(TimeSpan::seconds(11));
        }
    }

    async fn concurrent_refresh_on_two_nodes_keeps_one_token_chain(context: TestContext) {
        let mut token = context.sign_up(ADA).await.refresh.token;
        let other = context.another_node().await;
        for _ in 0..ROUNDS {
            sync(&context).await;
            other.sync_feed().await.expect("synced");
            let pair = run_concurrently(vec![
                refresh(context.auth.clone(), token.clone()),
                refresh(other.clone(), token.clone()),
            ])
            .await;
            let [a, b] =
                <[_; 2]>::try_from(pair).expect("two").map(|result| result.expect("refreshed"));
            assert_eq!(a.refresh.token, b.refresh.token);
            assert!(
                accepts(&context.auth, &a.access.token).await
                    && accepts(&other, &b.access.token).await
            );
            token = a.refresh.token;
            context.clock.advance(TimeSpan::seconds(11));
        }
    }

    async fn refresh_racing_session_revocation_is_revoked(context: TestContext) {
        let actor = context.sign_up(ADA).await;
        for revocation in [Revocation::Others, Revocation::All] {
            for round in 0..ROUNDS {
                sync(&context).await;
                let victim = context.log_in(ADA).await;
                // Revoking all sessions includes the session that makes the request.
                let by = if matches!(revocation, Revocation::All) { &victim } else { &actor };
                let revoking =
                    revoke(context.auth.clone(), by.access.token.clone(), revocation, "", "");
                let result =
                    race(refresh(context.auth.clone(), victim.refresh.token.clone()), revoking)
                        .await;
                assert!(
                    is_rejected_or_revoked(&context.auth, &result).await
                        && is_rejected_or_revoked(&context.auth, &Ok(victim)).await,
                    "round {round} against {revocation:?}"
                );
            }
        }
    }

    async fn log_in_racing_revoke_all_survives_only_if_later(context: TestContext) {
        let id = context.sign_up(ADA).await.account.id;
        for round in 0..ROUNDS {
            sync(&context).await;
            let victim = context.log_in(ADA).await;
            let revoking =
                revoke(context.auth.clone(), victim.access.token.clone(), Revocation::All, "", "");
            let issued =
                race(log_in(context.auth.clone(), PASSWORD), revoking).await.expect("a log-in");
            // Both are recorded under the lock of the account, so the audit log has their order.
            let last = context
                .store
                .read()
                .await
                .expect("a connection")
                .event_list(id, EventId(Uuid::max()), 1)
                .await
                .expect("a list")
                .remove(0)
                .kind;
            let came_after = last == EventKind::LoggedIn.as_str();
            assert_eq!(
                accepts(&context.auth, &issued.access.token).await,
                came_after,
                "round {round}"
            );
            assert_eq!(
                can_refresh(&context.auth, &issued.refresh.token).await,
                came_after,
                "round {round}"
            );
            assert!(is_rejected_or_revoked(&context.auth, &Ok(victim)).await, "round {round}");
            // IDs within one millisecond are ordered only up to a few thousand.
            context.clock.advance(TimeSpan(1));
        }
    }

    async fn log_in_with_old_password_racing_change_is_revoked(context: TestContext) {
        context.sign_up(ADA).await;
        let passwords = [PASSWORD, "a quite different one"];
        for round in 0..ROUNDS {
            sync(&context).await;
            let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
            let actor = log_in(context.auth.clone(), old).await.expect("a log-in");
            let result = race(
                log_in(context.auth.clone(), old),
                revoke(
                    context.auth.clone(),
                    actor.access.token.clone(),
                    Revocation::PasswordChange,
                    old,
                    new,
                ),
            )
            .await;
            assert!(is_rejected_or_revoked(&context.auth, &result).await, "round {round}");
        }
    }

    async fn refresh_racing_password_change_is_revoked(context: TestContext) {
        let passwords = [PASSWORD, "a quite different one"];
        context.sign_up(ADA).await;
        for round in 0..ROUNDS {
            sync(&context).await;
            let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
            let actor = log_in(context.auth.clone(), old).await.expect("a log-in");
            let victim = log_in(context.auth.clone(), old).await.expect("a log-in");
            let refreshing = refresh(context.auth.clone(), victim.refresh.token.clone());
            let result = race(
                refreshing,
                revoke(
                    context.auth.clone(),
                    actor.access.token.clone(),
                    Revocation::PasswordChange,
                    old,
                    new,
                ),
            )
            .await;
            assert!(is_rejected_or_revoked(&context.auth, &result).await, "round {round}");
        }
    }

    async fn refresh_or_log_in_racing_disable_is_revoked(context: TestContext) {
        let id = context.sign_up(ADA).await.account.id;
        // Refreshes and log-ins alternate.
        for round in 0..2 * ROUNDS {
            sync(&context).await;
            let victim = log_in(context.auth.clone(), PASSWORD).await.expect("a log-in");
            let disabling = revoke(
                context.auth.clone(),
                victim.access.token.clone(),
                Revocation::Disable,
                "",
                "",
            );
            let result = if round % 2 == 0 {
                race(refresh(context.auth.clone(), victim.refresh.token.clone()), disabling).await
            } else {
                race(log_in(context.auth.clone(), PASSWORD), disabling).await
            };
            assert!(
                is_rejected_or_revoked(&context.auth, &result).await
                    && !accepts(&context.auth, &victim.access.token).await,
                "round {round}"
            );
            context
                .auth
                .operator_for_tests(&client())
                .change(id, AdminAction::Enable)
                .await
                .expect("enabled");
        }
    }

    async fn tokens_racing_demotion_lack_the_admin_role(context: TestContext) {
        let id = context.sign_up(ADA).await.account.id;
        // Refreshes and log-ins alternate.
        for round in 0..2 * ROUNDS {
            sync(&context).await;
            context
                .auth
                .operator_for_tests(&client())
                .change(id, AdminAction::Role(Role::Admin))
                .await
                .expect("an administrator");
            let victim = log_in(context.auth.clone(), PASSWORD).await.expect("a log-in");
            assert!(is_admin(&context.auth, &victim.access.token).await);
            let demotion = revoke(
                context.auth.clone(),
                victim.access.token.clone(),
                Revocation::Demotion,
                "",
                "",
            );
            let result = if round % 2 == 0 {
                race(refresh(context.auth.clone(), victim.refresh.token.clone()), demotion).await
            } else {
                race(log_in(context.auth.clone(), PASSWORD), demotion).await
            };
            let issued = result.expect("a refresh or log-in");
            assert!(!accepts(&context.auth, &victim.access.token).await, "round {round}");
            // A token issued before the change is rejected; one issued after has the new role.
            assert!(!is_admin(&context.auth, &issued.access.token).await, "round {round}");
            let refreshed =
                refresh(context.auth.clone(), issued.refresh.token).await.expect("refreshed");
            assert!(
                accepts(&context.auth, &refreshed.access.token).await
                    && !is_admin(&context.auth, &refreshed.access.token).await,
                "round {round}"
            );
        }
    }
}

/// Returns whether the token grants administration.
async fn is_admin(auth: &Auth, token: &str) -> bool {
    auth.signed_in(&client(), PresentedCredential::Bearer(token))
        .await
        .is_ok_and(|me| me.admin().is_ok())
}
