//! Model-based test of sessions: random sequences of operations on a few accounts, on one and two
//! nodes, must have the outcomes that [`reference_model`] predicts. Tokens are chosen from all that
//! were issued.
//!
//! `PROPTEST_CASES` sets the number of sequences, `PROPTEST_RNG_SEED` repeats a run.

mod reference_model;

use crate::common::{TestContext, accepts, client};
use countersign_core::{
    Auth, Error, IssuedTokens, PresentedCredential, RandomSource, SignedIn, admin::AdminAction,
    test_on_each_database, testing::tokens_of,
};
use countersign_types::{
    Field, FieldError, TimeSpan, UserId,
    forms::{ChangePasswordForm, LogInForm, SignUpForm},
};
use proptest::{
    collection, option, prop_assert, prop_assert_eq, prop_oneof,
    strategy::{Just, Strategy},
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use reference_model::{AccessToken, Outcome, ReferenceModel, RefreshToken};
use std::cell::Cell;
use tokio::runtime::Handle;

const ACCOUNTS: usize = 2;
const PASSWORDS: [&str; 3] =
    ["correct horse battery", "torrent of glass and rain", "a quite different one"];
/// Spans around the limits: the grace period, the granularity of "last seen", the lifetime of an
/// access token and the idle timeout.
const SPANS: [TimeSpan; 8] = [
    TimeSpan::seconds(1),
    TimeSpan::seconds(9),
    TimeSpan::seconds(10),
    TimeSpan::seconds(11),
    TimeSpan::seconds(90),
    TimeSpan::seconds(601),
    TimeSpan::days(13),
    TimeSpan::days(14),
];

/// The index of an issued token, counted from the newest.
type TokenIndex = usize;

/// An operation of a user, an administrator or a node.
#[derive(Clone, Copy, Debug)]
enum Step {
    SignUp { account: usize, password: usize, replaces: Option<TokenIndex> },
    LogIn { account: usize, password: usize, replaces: Option<TokenIndex> },
    Refresh(TokenIndex),
    ViewPage(TokenIndex),
    CallApi(TokenIndex),
    LogOutWithRefreshToken(TokenIndex),
    LogOutWithAccessToken(TokenIndex),
    RevokeOthers(TokenIndex),
    RevokeAll(TokenIndex),
    ChangePassword { index: TokenIndex, current: usize, new: usize },
    Disable(usize),
    Enable(usize),
    AdvanceClock(TimeSpan),
    SyncFeed,
    RunMaintenance,
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly one of the newest tokens, because all old tokens behave alike.
    let index = || prop_oneof![6 => 0_usize..3, 2 => 0_usize..8, 1 => 0_usize..40];
    let (account, password) =
        (|| 0..ACCOUNTS, || prop_oneof![3 => Just(0), 1 => 0..PASSWORDS.len()]);
    let form = move || (account(), password(), option::weighted(0.2, index()));
    prop_oneof![
        // Shrinking replaces irrelevant steps by the first alternative.
        3 => Just(Step::SyncFeed),
        4 => Just(Step::RunMaintenance),
        2 => form().prop_map(|(account, password, replaces)| {
            Step::SignUp { account, password, replaces }
        }),
        3 => form().prop_map(|(account, password, replaces)| {
            Step::LogIn { account, password, replaces }
        }),
        12 => index().prop_map(Step::Refresh),
        4 => index().prop_map(Step::ViewPage),
        6 => index().prop_map(Step::CallApi),
        1 => index().prop_map(Step::LogOutWithRefreshToken),
        1 => index().prop_map(Step::LogOutWithAccessToken),
        1 => index().prop_map(Step::RevokeOthers),
        1 => index().prop_map(Step::RevokeAll),
        2 => (index(), password(), password()).prop_map(|(index, current, new)| {
            Step::ChangePassword { index, current, new }
        }),
        1 => account().prop_map(Step::Disable),
        1 => account().prop_map(Step::Enable),
        10 => (0..SPANS.len()).prop_map(|span| Step::AdvanceClock(SPANS[span])),
    ]
}

/// Mostly one step; sometimes a refresh whose token is used and recorded until the grace period
/// ends, or months in which a session is used every 13 days.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        40 => step().prop_map(|step| vec![step]),
        3 => Just(vec![
            Step::Refresh(0),
            Step::CallApi(0),
            Step::RunMaintenance,
            Step::AdvanceClock(TimeSpan::seconds(11)),
        ]),
        1 => (1..8_usize).prop_map(|times| {
            [Step::Refresh(0), Step::AdvanceClock(TimeSpan::days(13))].repeat(times)
        }),
    ]
}

/// The nodes and the tokens that they issued, in order of issue.
struct Run<'a> {
    context: &'a TestContext,
    nodes: &'a [Auth],
    model: ReferenceModel,
    /// Distinguishes the accounts of this run from those of others in the database.
    number: u32,
    ids: [Option<UserId>; ACCOUNTS],
    /// The tags of the sessions, by their index in the model.
    tags: Vec<String>,
    refresh_tokens: Vec<(String, RefreshToken)>,
    access_tokens: Vec<(String, AccessToken)>,
    /// The access token of the last response.
    issued_access: Option<countersign_core::AccessToken>,
}

impl<'a> Run<'a> {
    fn new(context: &'a TestContext, nodes: &'a [Auth], number: u32) -> Self {
        Self {
            context,
            nodes,
            model: ReferenceModel::new(context.clock.now(), ACCOUNTS, nodes.len()),
            number,
            ids: [None; ACCOUNTS],
            tags: Vec::new(),
            refresh_tokens: Vec::new(),
            access_tokens: Vec::new(),
            issued_access: None,
        }
    }

    /// Executes the steps and compares each outcome; finally syncs all nodes and verifies all
    /// tokens.
    async fn execute(&mut self, steps: &[(usize, Vec<Step>)]) -> Result<(), TestCaseError> {
        let nodes = self.nodes.len();
        for (at, group) in steps {
            for step in group {
                self.execute_step(at % nodes, step).await?;
            }
        }
        for at in 0..nodes {
            self.execute_step(at, &Step::SyncFeed).await?;
        }
        for index in 0..self.refresh_tokens.len() {
            self.execute_step(index % nodes, &Step::ViewPage(index)).await?;
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for (token, access) in &self.access_tokens {
                prop_assert_eq!(
                    accepts(node, token).await,
                    self.model.accepts(at, *access),
                    "node {}, at the end, {:?}",
                    at,
                    access
                );
            }
        }
        Ok(())
    }

    /// Executes a step. A step that needs a token or user that does not exist yet has no effect.
    async fn execute_step(&mut self, at: usize, step: &Step) -> Result<(), TestCaseError> {
        let nodes = self.nodes;
        let node = &nodes[at];
        let (actual, expected) = match step {
            Step::SignUp { account, password, replaces } => {
                let (token, old) = self.replaced(*replaces);
                let form = SignUpForm {
                    email: self.email(*account),
                    password: PASSWORDS[*password].into(),
                    ..SignUpForm::default()
                };
                let signed_up =
                    node.sign_up(&client(), &form, token.as_deref()).await.map(tokens_of);
                (self.issued(signed_up), self.model.sign_up(at, *account, *password, old))
            }
            Step::LogIn { account, password, replaces } => {
                let (token, old) = self.replaced(*replaces);
                let form = LogInForm {
                    email: self.email(*account),
                    password: PASSWORDS[*password].into(),
                    ..LogInForm::default()
                };
                let logged_in =
                    node.log_in(&client(), &form, token.as_deref()).await.map(tokens_of);
                (self.issued(logged_in), self.model.log_in(at, *account, *password, old))
            }
            Step::Refresh(index) => {
                let Some((token, shown)) = nth(&self.refresh_tokens, *index) else { return Ok(()) };
                (self.issued(node.refresh(&client(), &token).await), self.model.refresh(at, shown))
            }
            Step::ViewPage(index) => {
                let Some((token, shown)) = nth(&self.refresh_tokens, *index) else { return Ok(()) };
                (
                    self.authenticated(
                        node.signed_in(&client(), PresentedCredential::Cookie(&token)).await,
                    )
                    .await,
                    self.model.view_page(at, shown),
                )
            }
            Step::CallApi(index) => {
                let Some((token, shown)) = nth(&self.access_tokens, *index) else { return Ok(()) };
                (
                    self.authenticated(
                        node.signed_in(&client(), PresentedCredential::Bearer(&token)).await,
                    )
                    .await,
                    self.model.call_api(at, shown),
                )
            }
            Step::LogOutWithRefreshToken(index) => {
                let Some((token, shown)) = nth(&self.refresh_tokens, *index) else { return Ok(()) };
                (
                    outcome(node.log_out(&client(), PresentedCredential::Cookie(&token)).await),
                    self.model.log_out_with_refresh_token(at, shown),
                )
            }
            Step::LogOutWithAccessToken(index) => {
                let Some((token, shown)) = nth(&self.access_tokens, *index) else { return Ok(()) };
                (
                    outcome(node.log_out(&client(), PresentedCredential::Bearer(&token)).await),
                    self.model.log_out_with_access_token(at, shown),
                )
            }
            Step::RevokeOthers(index) => {
                let Some((token, shown)) = nth(&self.access_tokens, *index) else { return Ok(()) };
                let ended = async {
                    node.signed_in(&client(), PresentedCredential::Bearer(&token))
                        .await?
                        .revoke_other_sessions()
                        .await
                };
                (outcome(ended.await), self.model.revoke_others(at, shown))
            }
            Step::RevokeAll(index) => {
                let Some((token, shown)) = nth(&self.access_tokens, *index) else { return Ok(()) };
                let ended = async {
                    node.signed_in(&client(), PresentedCredential::Bearer(&token))
                        .await?
                        .revoke_all_sessions()
                        .await
                };
                (outcome(ended.await), self.model.revoke_all(at, shown))
            }
            Step::ChangePassword { index, current, new } => {
                let Some((token, shown)) = nth(&self.access_tokens, *index) else { return Ok(()) };
                let form = ChangePasswordForm {
                    current_password: PASSWORDS[*current].into(),
                    new_password: PASSWORDS[*new].into(),
                };
                let changed = async {
                    node.signed_in(&client(), PresentedCredential::Bearer(&token))
                        .await?
                        .change_password(&form)
                        .await
                };
                (self.issued(changed.await), self.model.change_password(at, shown, *current, *new))
            }
            Step::Disable(account) => {
                let Some(id) = self.ids[*account] else { return Ok(()) };
                (
                    outcome(
                        node.operator_for_tests(&client())
                            .change(id, AdminAction::Disable)
                            .await
                            .map(drop),
                    ),
                    self.model.disable(at, *account),
                )
            }
            Step::Enable(account) => {
                let Some(id) = self.ids[*account] else { return Ok(()) };
                (
                    outcome(
                        node.operator_for_tests(&client())
                            .change(id, AdminAction::Enable)
                            .await
                            .map(drop),
                    ),
                    self.model.enable(at, *account),
                )
            }
            Step::AdvanceClock(span) => {
                self.context.clock.advance(*span);
                (Outcome::Done, self.model.advance_clock(*span))
            }
            Step::SyncFeed => (outcome(node.sync_feed().await), self.model.sync_feed(at)),
            Step::RunMaintenance => {
                (outcome(node.run_maintenance(false).await), self.model.run_maintenance(at))
            }
        };
        prop_assert_eq!(&actual, &expected, "node {}, {:?}", at, step);
        if let (Some(access), Outcome::Tokens { session, generation, .. }) =
            (self.issued_access.take(), actual)
        {
            let lifetime = TimeSpan::seconds(access.expires_in.into());
            let (shortest, longest) = self.model.access_lifetimes(session);
            prop_assert!(
                (shortest..=longest).contains(&lifetime),
                "{:?} is not between {:?} and {:?}",
                lifetime,
                shortest,
                longest
            );
            let expected = self.model.access(session, generation, lifetime);
            self.access_tokens.push((access.token, expected));
        }
        Ok(())
    }

    fn email(&self, account: usize) -> String {
        format!("{account}-{}@example.com", self.number)
    }

    fn replaced(&self, index: Option<TokenIndex>) -> (Option<String>, Option<RefreshToken>) {
        index.and_then(|index| nth(&self.refresh_tokens, index)).unzip()
    }

    /// Returns the index of the session with this tag. A new tag is the next session.
    fn session(&mut self, tag: &str) -> usize {
        self.tags.iter().position(|known| known == tag).unwrap_or_else(|| {
            self.tags.push(tag.to_owned());
            self.tags.len() - 1
        })
    }

    fn account(&self, email: &str) -> usize {
        (0..ACCOUNTS).find(|account| self.email(*account) == email).expect("an account of this run")
    }

    /// Converts a response. A refresh token that was issued before has the same generation, any
    /// other the next one.
    fn issued(&mut self, result: Result<IssuedTokens, Error>) -> Outcome {
        let issued = match result {
            Ok(issued) => issued,
            Err(error) => return rejection(&error),
        };
        let (account, session) =
            (self.account(&issued.account.email), self.session(&issued.session_tag));
        self.ids[account] = Some(issued.account.id);
        self.issued_access = Some(issued.access);
        let of_session =
            || self.refresh_tokens.iter().filter(|(_, known)| known.session == session);
        let known = of_session()
            .find(|(token, _)| *token == issued.refresh.token)
            .map(|(_, known)| known.generation);
        let generation = known.unwrap_or_else(|| {
            1 + of_session().map(|(_, known)| known.generation).max().unwrap_or(0)
        });
        if known.is_none() {
            self.refresh_tokens.push((issued.refresh.token, RefreshToken { session, generation }));
        }
        Outcome::Tokens {
            account,
            session,
            generation,
            reuse_detected_at: issued.account.reuse_detected_at,
        }
    }

    async fn authenticated(&mut self, result: Result<SignedIn<'_>, Error>) -> Outcome {
        let me = match result {
            Ok(me) => me,
            Err(error) => return rejection(&error),
        };
        let account = match me.account().await {
            Ok(account) => Some(self.account(&account.email)),
            Err(Error::Unauthenticated) => None,
            Err(other) => panic!("{other:?}"),
        };
        let sessions = me.sessions(100, None).await.expect("a list").items.len();
        Outcome::Authenticated { session: self.session(&me.session_tag()), account, sessions }
    }
}

/// Returns the token at `index`, counted from the newest and wrapping around.
fn nth<T: Copy>(issued: &[(String, T)], index: TokenIndex) -> Option<(String, T)> {
    issued.iter().rev().cycle().nth(index).cloned()
}

fn outcome(result: Result<(), Error>) -> Outcome {
    result.map_or_else(|error| rejection(&error), |()| Outcome::Done)
}

fn rejection(error: &Error) -> Outcome {
    match error {
        Error::Unauthenticated => Outcome::Unauthenticated,
        Error::RefreshSuperseded => Outcome::Superseded,
        Error::InvalidCredentials => Outcome::InvalidCredentials,
        Error::EmailTaken => Outcome::EmailTaken,
        Error::Invalid(errors)
            if errors.get(Field::CurrentPassword) == Some(FieldError::Incorrect) =>
        {
            Outcome::IncorrectPassword
        }
        Error::Invalid(errors) if errors.get(Field::NewPassword) == Some(FieldError::Unchanged) => {
            Outcome::UnchangedPassword
        }
        other => panic!("{other:?}"),
    }
}

/// Runs a quarter of the usual number of cases, because each uses a database.
fn run_cases(context: &TestContext, nodes: &[Auth], runtime: &Handle) -> Result<(), String> {
    let usual = Config::default();
    let seed = match usual.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => u64::from_be_bytes(RandomSource::System.bytes().expect("randomness")),
    };
    let config = Config {
        cases: usual.cases / 4,
        max_shrink_iters: 2000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..usual
    };
    let runs = Cell::new(0);
    let case = (1..=nodes.len(), collection::vec((0..nodes.len(), steps()), 1..=60));
    TestRunner::new(config)
        .run(&case, |(count, steps)| {
            runs.set(runs.get() + 1);
            runtime.block_on(async {
                // The runs before may have taken longer than the maximum staleness of the feed.
                for node in nodes {
                    node.sync_feed().await.expect("synced");
                }
                Run::new(context, &nodes[..count], runs.get()).execute(&steps).await
            })
        })
        .map_err(|error| format!("{error}\nrepeat with PROPTEST_RNG_SEED={seed}"))
}

test_on_each_database! {
    async fn random_operations_match_the_reference_model(context: TestContext) {
        let nodes = [context.auth.clone(), context.another_node().await];
        let runtime = Handle::current();
        let result = tokio::task::spawn_blocking(move || run_cases(&context, &nodes, &runtime))
            .await
            .expect("a thread");
        if let Err(error) = result {
            panic!("{error}");
        }
    }
}
