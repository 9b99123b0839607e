//! What happens at the same moment: renewals of one token, and renewals and log-ins against
//! everything that must take effect at once. Each round starts its two sides at a barrier; many
//! rounds find the order in which it goes wrong.

use crate::support::{PASSWORD, World, accepts, client, renews};
use countersign_core::{Auth, Error, Issued, Presented, flow::Change, on_both};
use countersign_types::{
    EventId, Span,
    form::{ChangePassword, LogIn},
    view::{EventKind, Role},
};
use std::sync::Arc;
use tokio::sync::Barrier;
use uuid::Uuid;

const ADA: &str = "ada@example.com";
/// Of each race, of one kind against another.
const ROUNDS: usize = 200;

/// Starts all of them at once, and waits for all.
async fn at_once<T: Send + 'static>(work: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
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

async fn refresh(auth: Auth, token: String) -> Result<Issued, Error> {
    auth.refresh(&client(), &token).await
}

async fn log_in(auth: Auth, password: &'static str) -> Result<Issued, Error> {
    let form = LogIn { email: ADA.into(), password: password.into(), ..LogIn::default() };
    auth.log_in(&client(), &form, None).await.map(|(_, issued)| issued)
}

/// What ends sessions, done by the owner of `token`.
#[derive(Clone, Copy, Debug)]
enum Ending {
    All,
    Others,
    Password,
    /// By an administrator.
    Disabling,
    Demotion,
}

impl Ending {
    fn by_admin(self) -> Option<Change> {
        match self {
            Self::Disabling => Some(Change::Disable),
            Self::Demotion => Some(Change::Role(Role::User)),
            _ => None,
        }
    }
}

async fn end(auth: Auth, token: String, ending: Ending, current: &'static str, new: &'static str) {
    if let Some(change) = ending.by_admin() {
        let id =
            auth.signed_in(&client(), Presented::Bearer(&token)).await.expect("signed in").user();
        auth.operator_for_tests(&client()).change(id, change).await.expect("changed");
        return;
    }
    let me = auth.signed_in(&client(), Presented::Bearer(&token)).await.expect("signed in");
    match ending {
        Ending::All => me.end_all_sessions().await,
        Ending::Others => me.end_other_sessions().await,
        Ending::Disabling | Ending::Demotion => unreachable!("by an administrator"),
        Ending::Password => me
            .change_password(&ChangePassword {
                current: current.into(),
                new: new.into(),
                ..ChangePassword::default()
            })
            .await
            .map(drop),
    }
    .expect("ended");
}

/// Before each round: on a slow machine many of them take longer than a node may hear nothing.
async fn hear(world: &World) {
    world.auth.listen().await.expect("heard");
}

enum Done {
    Got(Box<Result<Issued, Error>>),
    Ended,
}

/// One side against the other, and what the first side got.
async fn against(
    first: impl Future<Output = Result<Issued, Error>> + Send + 'static,
    second: impl Future<Output = ()> + Send + 'static,
) -> Result<Issued, Error> {
    type Side = std::pin::Pin<Box<dyn Future<Output = Done> + Send>>;
    let first: Side = Box::pin(async move { Done::Got(Box::new(first.await)) });
    let second: Side = Box::pin(async move {
        second.await;
        Done::Ended
    });
    let mut got = None;
    for done in at_once(vec![first, second]).await {
        if let Done::Got(result) = done {
            got = Some(*result);
        }
    }
    got.expect("a result")
}

/// Whether it was refused, or came first and was ended: what was issued is good for nothing.
async fn is_over(auth: &Auth, got: &Result<Issued, Error>) -> bool {
    match got {
        Ok(issued) => {
            !accepts(auth, &issued.access.token).await && !renews(auth, &issued.refresh.token).await
        }
        Err(Error::Credentials | Error::SignedOut) => true,
        Err(other) => panic!("{other:?}"),
    }
}

on_both! {
    async fn fifty_renewals_of_one_token_have_one_successor(world: World) {
        let mut token = world.sign_up(ADA).await.refresh.token;
        for _ in 0..ROUNDS {
            let work = (0..50).map(|_| refresh(world.auth.clone(), token.clone())).collect();
            let mut successors: Vec<_> = at_once(work)
                .await
                .into_iter()
                .map(|result| result.expect("renewed").refresh.token)
                .collect();
            successors.dedup();
            assert_eq!(successors.len(), 1);
            assert_ne!(successors[0], token);
            token = successors.remove(0);
            world.clock.advance(Span::seconds(11));
        }
    }

    async fn two_renewals_of_one_token_leave_one_line_and_nobody_is_signed_out(world: World) {
        let mut token = world.sign_up(ADA).await.refresh.token;
        let other = world.another_node().await;
        for _ in 0..ROUNDS {
            hear(&world).await;
            other.listen().await.expect("heard");
            let pair = at_once(vec![
                refresh(world.auth.clone(), token.clone()),
                refresh(other.clone(), token.clone()),
            ])
            .await;
            let [a, b] =
                <[_; 2]>::try_from(pair).expect("two").map(|result| result.expect("renewed"));
            assert_eq!(a.refresh.token, b.refresh.token);
            assert!(
                accepts(&world.auth, &a.access.token).await
                    && accepts(&other, &b.access.token).await
            );
            token = a.refresh.token;
            world.clock.advance(Span::seconds(11));
        }
    }

    async fn nothing_survives_what_ends_everything_whoever_was_quicker(world: World) {
        let keeper = world.sign_up(ADA).await;
        for ending in [Ending::Others, Ending::All] {
            for round in 0..ROUNDS {
                hear(&world).await;
                let victim = world.log_in(ADA).await;
                // Who ends all ends their own, too.
                let by = if matches!(ending, Ending::All) { &victim } else { &keeper };
                let ended = end(world.auth.clone(), by.access.token.clone(), ending, "", "");
                let got =
                    against(refresh(world.auth.clone(), victim.refresh.token.clone()), ended).await;
                assert!(
                    is_over(&world.auth, &got).await && is_over(&world.auth, &Ok(victim)).await,
                    "round {round} against {ending:?}"
                );
            }
        }
    }

    async fn a_log_in_outlives_the_end_of_all_sessions_only_if_it_came_after_it(world: World) {
        let id = world.sign_up(ADA).await.account.id;
        for round in 0..ROUNDS {
            hear(&world).await;
            let victim = world.log_in(ADA).await;
            let ended = end(world.auth.clone(), victim.access.token.clone(), Ending::All, "", "");
            let issued = against(log_in(world.auth.clone(), PASSWORD), ended)
                .await
                .expect("who knows the password gets in");
            // Each is recorded while it holds the account, so the record has their order.
            let last = world
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
                accepts(&world.auth, &issued.access.token).await,
                came_after,
                "round {round}"
            );
            assert_eq!(
                renews(&world.auth, &issued.refresh.token).await,
                came_after,
                "round {round}"
            );
            assert!(is_over(&world.auth, &Ok(victim)).await, "round {round}");
            // Ids of one millisecond are in order up to a few thousand.
            world.clock.advance(Span(1));
        }
    }

    async fn no_log_in_with_the_old_password_outlives_the_new_one(world: World) {
        world.sign_up(ADA).await;
        let passwords = [PASSWORD, "a quite different one"];
        for round in 0..ROUNDS {
            hear(&world).await;
            let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
            let keeper = log_in(world.auth.clone(), old).await.expect("a log-in");
            let got = against(
                log_in(world.auth.clone(), old),
                end(world.auth.clone(), keeper.access.token.clone(), Ending::Password, old, new),
            )
            .await;
            assert!(is_over(&world.auth, &got).await, "round {round}");
        }
    }

    async fn no_renewal_slips_past_a_new_password(world: World) {
        let passwords = [PASSWORD, "a quite different one"];
        world.sign_up(ADA).await;
        for round in 0..ROUNDS {
            hear(&world).await;
            let (old, new) = (passwords[round % 2], passwords[(round + 1) % 2]);
            let keeper = log_in(world.auth.clone(), old).await.expect("a log-in");
            let victim = log_in(world.auth.clone(), old).await.expect("a log-in");
            let renewal = refresh(world.auth.clone(), victim.refresh.token.clone());
            let got = against(
                renewal,
                end(world.auth.clone(), keeper.access.token.clone(), Ending::Password, old, new),
            )
            .await;
            assert!(is_over(&world.auth, &got).await, "round {round}");
        }
    }

    async fn no_renewal_and_no_log_in_slips_past_an_account_that_is_disabled(world: World) {
        let id = world.sign_up(ADA).await.account.id;
        // Renewals and log-ins in turns.
        for round in 0..2 * ROUNDS {
            hear(&world).await;
            let victim = log_in(world.auth.clone(), PASSWORD).await.expect("a log-in");
            let disabling =
                end(world.auth.clone(), victim.access.token.clone(), Ending::Disabling, "", "");
            let got = if round % 2 == 0 {
                against(refresh(world.auth.clone(), victim.refresh.token.clone()), disabling).await
            } else {
                against(log_in(world.auth.clone(), PASSWORD), disabling).await
            };
            assert!(
                is_over(&world.auth, &got).await
                    && !accepts(&world.auth, &victim.access.token).await,
                "round {round}"
            );
            world
                .auth
                .operator_for_tests(&client())
                .change(id, Change::Enable)
                .await
                .expect("enabled");
        }
    }

    async fn no_token_says_a_role_that_was_taken_away_whoever_was_quicker(world: World) {
        let id = world.sign_up(ADA).await.account.id;
        // In turns, as above.
        for round in 0..2 * ROUNDS {
            hear(&world).await;
            world
                .auth
                .operator_for_tests(&client())
                .change(id, Change::Role(Role::Admin))
                .await
                .expect("an administrator");
            let victim = log_in(world.auth.clone(), PASSWORD).await.expect("a log-in");
            assert!(is_admin(&world.auth, &victim.access.token).await);
            let demotion =
                end(world.auth.clone(), victim.access.token.clone(), Ending::Demotion, "", "");
            let got = if round % 2 == 0 {
                against(refresh(world.auth.clone(), victim.refresh.token.clone()), demotion).await
            } else {
                against(log_in(world.auth.clone(), PASSWORD), demotion).await
            };
            let issued = got.expect("the session goes on, and who knows the password gets in");
            assert!(!accepts(&world.auth, &victim.access.token).await, "round {round}");
            // Made before the change it is refused; made after, it says so.
            assert!(!is_admin(&world.auth, &issued.access.token).await, "round {round}");
            let renewed = refresh(world.auth.clone(), issued.refresh.token).await.expect("renewed");
            assert!(
                accepts(&world.auth, &renewed.access.token).await
                    && !is_admin(&world.auth, &renewed.access.token).await,
                "round {round}"
            );
        }
    }
}

/// Whether somebody with this token may look after the accounts of others.
async fn is_admin(auth: &Auth, token: &str) -> bool {
    auth.signed_in(&client(), Presented::Bearer(token)).await.is_ok_and(|me| me.admin().is_ok())
}
