//! Random lives of a few accounts, on one node and on two, beside [`rules`]: whatever is tried, in
//! whatever order, what can be seen of it is what the rules say. Tokens are chosen among all that
//! were ever given out.
//!
//! `PROPTEST_CASES` tries more lives, `PROPTEST_RNG_SEED` the same ones again.

mod rules;

use crate::support::{World, accepts, client};
use countersign_core::{Auth, Entropy, Error, Issued, Presented, SignedIn, flow::Change, on_both};
use countersign_types::{
    Fault, Field, Span, UserId,
    form::{ChangePassword, LogIn, SignUp},
};
use proptest::{
    collection, option, prop_assert, prop_assert_eq, prop_oneof,
    strategy::{Just, Strategy},
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use rules::{Access, Outcome, Renewal, Rules};
use std::cell::Cell;
use tokio::runtime::Handle;

const ACCOUNTS: usize = 2;
const PASSWORDS: [&str; 3] =
    ["correct horse battery", "torrent of glass and rain", "a quite different one"];
/// Every so long something is different: the grace, the life of an access token, what is written of
/// "last used", the idle limit.
const SPANS: [Span; 8] = [
    Span::seconds(1),
    Span::seconds(9),
    Span::seconds(10),
    Span::seconds(11),
    Span::seconds(90),
    Span::seconds(601),
    Span::days(13),
    Span::days(14),
];

/// One of the tokens that were given out, counted from the newest.
type Back = usize;

/// What somebody does, or what happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    SignUp { account: usize, password: usize, replaces: Option<Back> },
    LogIn { account: usize, password: usize, replaces: Option<Back> },
    Renew(Back),
    Look(Back),
    Call(Back),
    LogOutWithRenewal(Back),
    LogOutWithAccess(Back),
    EndOthers(Back),
    EndAll(Back),
    ChangePassword { back: Back, current: usize, new: usize },
    Disable(usize),
    Enable(usize),
    Pass(Span),
    Listen,
    Keep,
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly one of the newest: what is old is soon of no use, and all the same.
    let back = || prop_oneof![6 => 0_usize..3, 2 => 0_usize..8, 1 => 0_usize..40];
    let (account, password) =
        (|| 0..ACCOUNTS, || prop_oneof![3 => Just(0), 1 => 0..PASSWORDS.len()]);
    let door = move || (account(), password(), option::weighted(0.2, back()));
    prop_oneof![
        // The first is what is left of a step that does not matter, when a life is made as short as it can be.
        3 => Just(Step::Listen),
        4 => Just(Step::Keep),
        2 => door().prop_map(|(account, password, replaces)| Step::SignUp { account, password, replaces }),
        3 => door().prop_map(|(account, password, replaces)| Step::LogIn { account, password, replaces }),
        12 => back().prop_map(Step::Renew),
        4 => back().prop_map(Step::Look),
        6 => back().prop_map(Step::Call),
        1 => back().prop_map(Step::LogOutWithRenewal),
        1 => back().prop_map(Step::LogOutWithAccess),
        1 => back().prop_map(Step::EndOthers),
        1 => back().prop_map(Step::EndAll),
        2 => (back(), password(), password()).prop_map(|(back, current, new)| Step::ChangePassword { back, current, new }),
        1 => account().prop_map(Step::Disable),
        1 => account().prop_map(Step::Enable),
        10 => (0..SPANS.len()).prop_map(|span| Step::Pass(SPANS[span])),
    ]
}

/// Mostly one step; now and then a renewal that is used and written down until the grace is over,
/// or months in which a session is used every 13 days.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        40 => step().prop_map(|step| vec![step]),
        3 => Just(vec![Step::Renew(0), Step::Call(0), Step::Keep, Step::Pass(Span::seconds(11))]),
        1 => (1..8_usize).prop_map(|times| [Step::Renew(0), Step::Pass(Span::days(13))].repeat(times)),
    ]
}

/// The nodes, and what they gave out, in the order of its first appearance.
struct Stage<'a> {
    world: &'a World,
    nodes: &'a [Auth],
    rules: Rules,
    /// Tells the accounts of this life from those of all others in the database.
    life: u32,
    ids: [Option<UserId>; ACCOUNTS],
    /// What sessions are told apart by.
    tags: Vec<String>,
    renewals: Vec<(String, Renewal)>,
    accesses: Vec<(String, Access)>,
    /// What came with the last pair of tokens.
    given: Option<countersign_core::Access>,
}

impl<'a> Stage<'a> {
    fn new(world: &'a World, nodes: &'a [Auth], life: u32) -> Self {
        Self {
            world,
            nodes,
            rules: Rules::new(world.clock.now(), ACCOUNTS, nodes.len()),
            life,
            ids: [None; ACCOUNTS],
            tags: Vec::new(),
            renewals: Vec::new(),
            accesses: Vec::new(),
            given: None,
        }
    }

    /// Does one thing after the other and compares each; in the end everybody has heard everything,
    /// and everything that was ever given out is shown.
    async fn play(&mut self, life: &[(usize, Vec<Step>)]) -> Result<(), TestCaseError> {
        let nodes = self.nodes.len();
        for (at, steps) in life {
            for step in steps {
                self.take(at % nodes, step).await?;
            }
        }
        for at in 0..nodes {
            self.take(at, &Step::Listen).await?;
        }
        for back in 0..self.renewals.len() {
            self.take(back % nodes, &Step::Look(back)).await?;
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for (token, access) in &self.accesses {
                prop_assert_eq!(
                    accepts(node, token).await,
                    self.rules.accepts(at, *access),
                    "node {}, in the end, {:?}",
                    at,
                    access
                );
            }
        }
        Ok(())
    }

    /// A step that needs what there is not yet is none.
    async fn take(&mut self, at: usize, step: &Step) -> Result<(), TestCaseError> {
        let nodes = self.nodes;
        let node = &nodes[at];
        let (seen, expected) = match step {
            Step::SignUp { account, password, replaces } => {
                let (token, old) = self.replaced(*replaces);
                let form = SignUp {
                    email: self.email(*account),
                    password: PASSWORDS[*password].into(),
                    ..SignUp::default()
                };
                let signed_up = node.sign_up(&client(), &form, token.as_deref()).await;
                (
                    self.issued(signed_up.map(|(_, issued)| issued)),
                    self.rules.sign_up(at, *account, *password, old),
                )
            }
            Step::LogIn { account, password, replaces } => {
                let (token, old) = self.replaced(*replaces);
                let form = LogIn {
                    email: self.email(*account),
                    password: PASSWORDS[*password].into(),
                    ..LogIn::default()
                };
                let logged_in = node.log_in(&client(), &form, token.as_deref()).await;
                (
                    self.issued(logged_in.map(|(_, issued)| issued)),
                    self.rules.log_in(at, *account, *password, old),
                )
            }
            Step::Renew(back) => {
                let Some((token, shown)) = nth(&self.renewals, *back) else { return Ok(()) };
                (self.issued(node.refresh(&client(), &token).await), self.rules.renew(at, shown))
            }
            Step::Look(back) => {
                let Some((token, shown)) = nth(&self.renewals, *back) else { return Ok(()) };
                (
                    self.let_in(node.signed_in(&client(), Presented::Cookie(&token)).await).await,
                    self.rules.look(at, shown),
                )
            }
            Step::Call(back) => {
                let Some((token, shown)) = nth(&self.accesses, *back) else { return Ok(()) };
                (
                    self.let_in(node.signed_in(&client(), Presented::Bearer(&token)).await).await,
                    self.rules.call(at, shown),
                )
            }
            Step::LogOutWithRenewal(back) => {
                let Some((token, shown)) = nth(&self.renewals, *back) else { return Ok(()) };
                (
                    outcome(node.log_out(&client(), Presented::Cookie(&token)).await),
                    self.rules.log_out_with_renewal(at, shown),
                )
            }
            Step::LogOutWithAccess(back) => {
                let Some((token, shown)) = nth(&self.accesses, *back) else { return Ok(()) };
                (
                    outcome(node.log_out(&client(), Presented::Bearer(&token)).await),
                    self.rules.log_out_with_access(at, shown),
                )
            }
            Step::EndOthers(back) => {
                let Some((token, shown)) = nth(&self.accesses, *back) else { return Ok(()) };
                let ended = async {
                    node.signed_in(&client(), Presented::Bearer(&token))
                        .await?
                        .end_other_sessions()
                        .await
                };
                (outcome(ended.await), self.rules.end_others(at, shown))
            }
            Step::EndAll(back) => {
                let Some((token, shown)) = nth(&self.accesses, *back) else { return Ok(()) };
                let ended = async {
                    node.signed_in(&client(), Presented::Bearer(&token))
                        .await?
                        .end_all_sessions()
                        .await
                };
                (outcome(ended.await), self.rules.end_all(at, shown))
            }
            Step::ChangePassword { back, current, new } => {
                let Some((token, shown)) = nth(&self.accesses, *back) else { return Ok(()) };
                let form = ChangePassword {
                    current: PASSWORDS[*current].into(),
                    new: PASSWORDS[*new].into(),
                    ..ChangePassword::default()
                };
                let changed = async {
                    node.signed_in(&client(), Presented::Bearer(&token))
                        .await?
                        .change_password(&form)
                        .await
                };
                (self.issued(changed.await), self.rules.change_password(at, shown, *current, *new))
            }
            Step::Disable(account) => {
                let Some(id) = self.ids[*account] else { return Ok(()) };
                (
                    outcome(
                        node.operator_for_tests(&client())
                            .change(id, Change::Disable)
                            .await
                            .map(drop),
                    ),
                    self.rules.disable(at, *account),
                )
            }
            Step::Enable(account) => {
                let Some(id) = self.ids[*account] else { return Ok(()) };
                (
                    outcome(
                        node.operator_for_tests(&client())
                            .change(id, Change::Enable)
                            .await
                            .map(drop),
                    ),
                    self.rules.enable(at, *account),
                )
            }
            Step::Pass(span) => {
                self.world.clock.advance(*span);
                (Outcome::Done, self.rules.pass(*span))
            }
            Step::Listen => (outcome(node.listen().await), self.rules.listen(at)),
            Step::Keep => (outcome(node.keep(false).await), self.rules.keep(at)),
        };
        prop_assert_eq!(&seen, &expected, "node {}, {:?}", at, step);
        if let (Some(access), Outcome::Issued { session, generation, .. }) =
            (self.given.take(), seen)
        {
            let (life, (shortest, longest)) =
                (Span::seconds(access.expires_in.into()), self.rules.lives(session));
            prop_assert!(
                (shortest..=longest).contains(&life),
                "{:?} is not between {:?} and {:?}",
                life,
                shortest,
                longest
            );
            self.accesses.push((access.token, self.rules.access(session, generation, life)));
        }
        Ok(())
    }

    fn email(&self, account: usize) -> String {
        format!("{account}-{}@example.com", self.life)
    }

    fn replaced(&self, back: Option<Back>) -> (Option<String>, Option<Renewal>) {
        back.and_then(|back| nth(&self.renewals, back)).unzip()
    }

    /// Which session has this tag: one that is known, or the next.
    fn session(&mut self, tag: &str) -> usize {
        self.tags.iter().position(|known| known == tag).unwrap_or_else(|| {
            self.tags.push(tag.to_owned());
            self.tags.len() - 1
        })
    }

    fn account(&self, email: &str) -> usize {
        (0..ACCOUNTS)
            .find(|account| self.email(*account) == email)
            .expect("an account of this life")
    }

    /// A refresh token that was given out before is of the same generation, another one of the
    /// next.
    fn issued(&mut self, result: Result<Issued, Error>) -> Outcome {
        let issued = match result {
            Ok(issued) => issued,
            Err(error) => return refusal(&error),
        };
        let (account, session) =
            (self.account(&issued.account.email), self.session(&issued.account.tag));
        self.ids[account] = Some(issued.account.id);
        self.given = Some(issued.access);
        let of_session = || self.renewals.iter().filter(|(_, known)| known.session == session);
        let known = of_session()
            .find(|(token, _)| *token == issued.refresh.token)
            .map(|(_, known)| known.generation);
        let generation = known.unwrap_or_else(|| {
            1 + of_session().map(|(_, known)| known.generation).max().unwrap_or(0)
        });
        if known.is_none() {
            self.renewals.push((issued.refresh.token, Renewal { session, generation }));
        }
        Outcome::Issued { account, session, generation, stolen_at: issued.account.stolen_at }
    }

    async fn let_in(&mut self, result: Result<SignedIn<'_>, Error>) -> Outcome {
        let me = match result {
            Ok(me) => me,
            Err(error) => return refusal(&error),
        };
        let account = match me.account().await {
            Ok(account) => Some(self.account(&account.email)),
            Err(Error::SignedOut) => None,
            Err(other) => panic!("{other:?}"),
        };
        let sessions = me.sessions(100, None).await.expect("a list").items.len();
        Outcome::LetIn { session: self.session(me.tag()), account, sessions }
    }
}

/// Counted from the newest, as often around as it takes.
fn nth<T: Copy>(given: &[(String, T)], back: Back) -> Option<(String, T)> {
    given.iter().rev().cycle().nth(back).cloned()
}

fn outcome(result: Result<(), Error>) -> Outcome {
    result.map_or_else(|error| refusal(&error), |()| Outcome::Done)
}

fn refusal(error: &Error) -> Outcome {
    match error {
        Error::SignedOut => Outcome::SignedOut,
        Error::Stale => Outcome::Stale,
        Error::Credentials => Outcome::WrongCredentials,
        Error::EmailTaken => Outcome::EmailTaken,
        Error::Invalid(faults) if faults.of(Field::Current) == Some(Fault::Wrong) => {
            Outcome::WrongPassword
        }
        Error::Invalid(faults) if faults.of(Field::New) == Some(Fault::Unchanged) => {
            Outcome::UnchangedPassword
        }
        other => panic!("{other:?}"),
    }
}

/// A quarter of the usual number of cases: each has a database behind it.
fn live_many_lives(world: &World, nodes: &[Auth], runtime: &Handle) -> Result<(), String> {
    let usual = Config::default();
    let seed = match usual.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => u64::from_be_bytes(Entropy::System.bytes().expect("randomness")),
    };
    let config = Config {
        cases: usual.cases / 4,
        max_shrink_iters: 2000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..usual
    };
    let lives = Cell::new(0);
    let life = (1..=nodes.len(), collection::vec((0..nodes.len(), steps()), 1..=60));
    TestRunner::new(config)
        .run(&life, |(count, life)| {
            lives.set(lives.get() + 1);
            runtime.block_on(async {
                // However long the lives before took: what a node has not heard for half a minute
                // it does not know.
                for node in nodes {
                    node.listen().await.expect("heard");
                }
                Stage::new(world, &nodes[..count], lives.get()).play(&life).await
            })
        })
        .map_err(|error| format!("{error}\nonce more: PROPTEST_RNG_SEED={seed}"))
}

on_both! {
    async fn whatever_is_done_in_whatever_order_what_is_seen_is_what_the_rules_say(world: World) {
        let nodes = [world.auth.clone(), world.another_node().await];
        let runtime = Handle::current();
        let result = tokio::task::spawn_blocking(move || live_many_lives(&world, &nodes, &runtime))
            .await
            .expect("a thread");
        if let Err(why) = result {
            panic!("{why}");
        }
    }
}
