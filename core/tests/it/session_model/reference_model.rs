//! A reference model of sessions and tokens in plain data structures, without tables, signatures or
//! MACs. Accounts and sessions are identified by their index.

use countersign_types::{TimeSpan, Timestamp};
use std::collections::{HashMap, HashSet};

const REFRESH_GRACE: TimeSpan = TimeSpan::seconds(10);
const IDLE_TIMEOUT: TimeSpan = TimeSpan::days(14);
const ABSOLUTE_TIMEOUT: TimeSpan = TimeSpan::days(90);

/// The observable outcome of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A token pair of one generation of a session was issued.
    Tokens {
        account: usize,
        session: usize,
        generation: i64,
        reuse_detected_at: Option<Timestamp>,
    },
    /// The request is authenticated. The account is `None` if it can't be read; `sessions` is the
    /// number of active sessions.
    Authenticated {
        session: usize,
        account: Option<usize>,
        sessions: usize,
    },
    Done,
    Unauthenticated,
    Superseded,
    InvalidCredentials,
    IncorrectPassword,
    UnchangedPassword,
    EmailTaken,
}

/// A refresh token.
#[derive(Clone, Copy, Debug)]
pub struct RefreshToken {
    pub session: usize,
    pub generation: i64,
}

/// An access token.
#[derive(Clone, Copy, Debug)]
pub struct AccessToken {
    pub session: usize,
    pub generation: i64,
    pub epoch: i64,
    pub expires_at: Timestamp,
}

struct Account {
    password: usize,
    epoch: i64,
    disabled: bool,
    last_log_in: Timestamp,
    /// When token reuse was detected.
    reuses: Vec<Timestamp>,
}

struct Session {
    account: usize,
    /// The generation that was issued last.
    generation: i64,
    /// Generations before this one were issued before the last password change.
    oldest_generation: i64,
    rotated_at: Timestamp,
    previous_rotated_at: Timestamp,
    /// The highest generation that a client is known to have received.
    confirmed: i64,
    last_seen: Timestamp,
    expires_at: Timestamp,
    ended: bool,
    reuse_detected_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Revocation {
    Session(usize),
    Epoch(usize, i64),
}

/// The state of one node.
#[derive(Default)]
struct Node {
    ended: HashSet<usize>,
    epochs: HashMap<usize, i64>,
    /// Revocations by other nodes that this one has not synced yet.
    pending: Vec<Revocation>,
    /// Activity that is not stored yet: the highest generation and the time.
    activity: HashMap<usize, (i64, Timestamp)>,
}

impl Node {
    fn apply(&mut self, revocation: Revocation) {
        match revocation {
            Revocation::Session(session) => drop(self.ended.insert(session)),
            Revocation::Epoch(account, epoch) => {
                let known = self.epochs.entry(account).or_default();
                *known = epoch.max(*known);
            }
        }
    }
}

pub struct ReferenceModel {
    now: Timestamp,
    /// `None`: not signed up yet.
    accounts: Vec<Option<Account>>,
    sessions: Vec<Session>,
    nodes: Vec<Node>,
}

impl ReferenceModel {
    pub fn new(now: Timestamp, accounts: usize, nodes: usize) -> Self {
        let (accounts, nodes) =
            ((0..accounts).map(|_| None).collect(), (0..nodes).map(|_| Node::default()).collect());
        Self { now, accounts, sessions: Vec::new(), nodes }
    }

    pub fn advance_clock(&mut self, span: TimeSpan) -> Outcome {
        self.now = self.now + span;
        Outcome::Done
    }

    /// Returns the access token that was issued just now.
    pub fn access(&self, session: usize, generation: i64, lifetime: TimeSpan) -> AccessToken {
        AccessToken {
            session,
            generation,
            epoch: self.account_of(session).epoch,
            expires_at: self.now + lifetime,
        }
    }

    /// Returns the minimum and maximum lifetime of an access token that is issued now.
    pub fn access_lifetimes(&self, session: usize) -> (TimeSpan, TimeSpan) {
        let left = self.sessions[session].expires_at.since(self.now);
        (TimeSpan::seconds(570).min(left), TimeSpan::minutes(10).min(left))
    }

    // --- Sign-up, log-in and log-out

    pub fn sign_up(
        &mut self,
        node: usize,
        account: usize,
        password: usize,
        replaces: Option<RefreshToken>,
    ) -> Outcome {
        if self.accounts[account].is_some() {
            return Outcome::EmailTaken;
        }
        self.accounts[account] = Some(Account {
            password,
            epoch: 0,
            disabled: false,
            last_log_in: self.now,
            reuses: Vec::new(),
        });
        self.create_session(node, account, replaces)
    }

    pub fn log_in(
        &mut self,
        node: usize,
        account: usize,
        password: usize,
        replaces: Option<RefreshToken>,
    ) -> Outcome {
        match &self.accounts[account] {
            Some(found) if found.password == password && !found.disabled => {
                self.create_session(node, account, replaces)
            }
            _ => Outcome::InvalidCredentials,
        }
    }

    /// Creates a session, which replaces the one of the presented token.
    fn create_session(
        &mut self,
        node: usize,
        account: usize,
        replaces: Option<RefreshToken>,
    ) -> Outcome {
        let (now, found) = (self.now, self.accounts[account].as_mut().expect("an account"));
        // Token reuse is token to the first session after it.
        let reuse_detected_at =
            found.reuses.iter().copied().filter(|at| *at >= found.last_log_in).max();
        found.last_log_in = now;
        self.sessions.push(Session {
            account,
            generation: 1,
            oldest_generation: 0,
            rotated_at: now,
            previous_rotated_at: now,
            confirmed: 0,
            last_seen: now,
            expires_at: now + ABSOLUTE_TIMEOUT,
            ended: false,
            reuse_detected_at,
        });
        if let Some(old) = replaces {
            self.revoke(node, old.session);
        }
        self.issue(self.sessions.len() - 1)
    }

    /// Issues tokens of the newest generation.
    fn issue(&self, session: usize) -> Outcome {
        let found = &self.sessions[session];
        Outcome::Tokens {
            account: found.account,
            session,
            generation: found.generation,
            reuse_detected_at: found.reuse_detected_at,
        }
    }

    pub fn log_out_with_refresh_token(&mut self, node: usize, token: RefreshToken) -> Outcome {
        self.revoke(node, token.session);
        Outcome::Done
    }

    /// Log-out needs an unexpired token, but it may be revoked.
    pub fn log_out_with_access_token(&mut self, node: usize, token: AccessToken) -> Outcome {
        if self.now >= token.expires_at {
            return Outcome::Unauthenticated;
        }
        self.revoke(node, token.session);
        Outcome::Done
    }

    // --- Refresh tokens

    pub fn refresh(&mut self, node: usize, token: RefreshToken) -> Outcome {
        if !self.is_active(token.session) {
            return Outcome::Unauthenticated;
        }
        let (now, decision) = (self.now, self.decide(node, token));
        let session = &mut self.sessions[token.session];
        match decision {
            Decision::Rotate => {
                session.confirmed = session.confirmed.max(token.generation);
                session.generation += 1;
                session.previous_rotated_at = session.rotated_at;
                (session.rotated_at, session.last_seen) = (now, now);
            }
            Decision::ReissueLost => (session.rotated_at, session.last_seen) = (now, now),
            Decision::ConcurrentRetry => {}
            Decision::Superseded => return Outcome::Superseded,
            Decision::Invalidated => return Outcome::Unauthenticated,
            Decision::ReuseDetected => {
                self.accounts[session.account].as_mut().expect("an account").reuses.push(now);
                self.revoke(node, token.session);
                return Outcome::Unauthenticated;
            }
        }
        self.issue(token.session)
    }

    /// Renders a page: authenticates the user, rotates nothing and revokes nothing.
    pub fn view_page(&mut self, node: usize, token: RefreshToken) -> Outcome {
        let superseded = token.generation < self.sessions[token.session].oldest_generation;
        if superseded
            || !self.is_active(token.session)
            || self.decide(node, token) == Decision::ReuseDetected
        {
            return Outcome::Unauthenticated;
        }
        self.track_activity(node, token.session, token.generation);
        self.authenticated(token.session)
    }

    fn decide(&self, node: usize, token: RefreshToken) -> Decision {
        let session = &self.sessions[token.session];
        // The activity known to this node and the stored one.
        let confirmed = self.nodes[node]
            .activity
            .get(&token.session)
            .map_or(0, |seen| seen.0)
            .max(session.confirmed);
        let is_recent = |moment: Timestamp| self.now.since(moment) < REFRESH_GRACE;
        match session.generation - token.generation {
            _ if token.generation < session.oldest_generation
                && (is_recent(session.rotated_at) || is_recent(session.previous_rotated_at)) =>
            {
                Decision::Superseded
            }
            _ if token.generation < session.oldest_generation => Decision::Invalidated,
            0 => Decision::Rotate,
            1 if is_recent(session.rotated_at) => Decision::ConcurrentRetry,
            1 if confirmed <= token.generation => Decision::ReissueLost,
            2 if is_recent(session.previous_rotated_at) => Decision::Superseded,
            _ => Decision::ReuseDetected,
        }
    }

    // --- AccessToken tokens

    /// Returns whether this node, as far as it is synced, accepts the token.
    pub fn accepts(&self, node: usize, token: AccessToken) -> bool {
        let node = &self.nodes[node];
        let epoch = node.epochs.get(&self.sessions[token.session].account).copied().unwrap_or(0);
        self.now < token.expires_at && !node.ended.contains(&token.session) && token.epoch >= epoch
    }

    pub fn call_api(&mut self, node: usize, token: AccessToken) -> Outcome {
        if !self.authenticate(node, token) {
            return Outcome::Unauthenticated;
        }
        self.authenticated(token.session)
    }

    pub fn revoke_others(&mut self, node: usize, token: AccessToken) -> Outcome {
        if !self.authenticate(node, token) {
            return Outcome::Unauthenticated;
        }
        for session in self.sessions_of(self.sessions[token.session].account) {
            if session != token.session {
                self.revoke(node, session);
            }
        }
        Outcome::Done
    }

    pub fn revoke_all(&mut self, node: usize, token: AccessToken) -> Outcome {
        if !self.authenticate(node, token) || self.account_of(token.session).disabled {
            return Outcome::Unauthenticated;
        }
        self.revoke_all_but(node, self.sessions[token.session].account, None);
        Outcome::Done
    }

    pub fn change_password(
        &mut self,
        node: usize,
        token: AccessToken,
        current: usize,
        new: usize,
    ) -> Outcome {
        if !self.authenticate(node, token) {
            return Outcome::Unauthenticated;
        }
        let account = self.sessions[token.session].account;
        let found = self.accounts[account].as_mut().expect("an account");
        if found.password != current {
            return Outcome::IncorrectPassword;
        }
        // Reported only to a user who knows the password, before anything is written.
        if new == current {
            return Outcome::UnchangedPassword;
        }
        if found.disabled {
            return Outcome::IncorrectPassword;
        }
        if self.sessions[token.session].ended {
            return Outcome::Unauthenticated;
        }
        found.password = new;
        self.revoke_all_but(node, account, Some(token.session));
        let (now, session) = (self.now, &mut self.sessions[token.session]);
        session.generation += 1;
        session.oldest_generation = session.generation;
        session.previous_rotated_at = session.rotated_at;
        (session.rotated_at, session.last_seen) = (now, now);
        self.issue(token.session)
    }

    fn authenticate(&mut self, node: usize, token: AccessToken) -> bool {
        let accepted = self.accepts(node, token);
        if accepted {
            self.track_activity(node, token.session, token.generation);
        }
        accepted
    }

    // --- Administrators and background tasks

    /// Disables an account and revokes its sessions.
    pub fn disable(&mut self, node: usize, account: usize) -> Outcome {
        if std::mem::replace(
            &mut self.accounts[account].as_mut().expect("an account").disabled,
            true,
        ) {
            return Outcome::Done;
        }
        self.revoke_all_but(node, account, None);
        Outcome::Done
    }

    /// Enables an account. Its earlier sessions stay revoked.
    pub fn enable(&mut self, node: usize, account: usize) -> Outcome {
        if std::mem::replace(
            &mut self.accounts[account].as_mut().expect("an account").disabled,
            false,
        ) {
            self.increment_epoch(node, account);
        }
        Outcome::Done
    }

    /// Applies the revocations of other nodes.
    pub fn sync_feed(&mut self, node: usize) -> Outcome {
        let node = &mut self.nodes[node];
        for revocation in std::mem::take(&mut node.pending) {
            node.apply(revocation);
        }
        Outcome::Done
    }

    /// Stores the activity that a node has tracked.
    pub fn run_maintenance(&mut self, node: usize) -> Outcome {
        for (session, (generation, at)) in &self.nodes[node].activity {
            let session = &mut self.sessions[*session];
            if !session.ended {
                session.confirmed = session.confirmed.max(*generation);
                session.last_seen = session.last_seen.max(*at);
            }
        }
        Outcome::Done
    }

    // --- Helpers

    fn account_of(&self, session: usize) -> &Account {
        self.accounts[self.sessions[session].account].as_ref().expect("an account")
    }

    fn sessions_of(&self, account: usize) -> Vec<usize> {
        (0..self.sessions.len())
            .filter(|session| self.sessions[*session].account == account)
            .collect()
    }

    fn is_unexpired(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        !session.ended
            && self.now < session.expires_at
            && self.now < session.last_seen + IDLE_TIMEOUT
    }

    fn is_active(&self, session: usize) -> bool {
        self.is_unexpired(session) && !self.account_of(session).disabled
    }

    fn authenticated(&self, session: usize) -> Outcome {
        let account = self.sessions[session].account;
        let sessions = self
            .sessions_of(account)
            .into_iter()
            .filter(|session| self.is_unexpired(*session))
            .count();
        Outcome::Authenticated {
            session,
            account: self.is_active(session).then_some(account),
            sessions,
        }
    }

    fn track_activity(&mut self, node: usize, session: usize, generation: i64) {
        let seen = self.nodes[node].activity.entry(session).or_insert((generation, self.now));
        *seen = (seen.0.max(generation), seen.1.max(self.now));
    }

    fn revoke(&mut self, node: usize, session: usize) {
        if !self.sessions[session].ended {
            self.sessions[session].ended = true;
            self.publish(node, Revocation::Session(session));
        }
    }

    /// Revokes all sessions but one and all access tokens issued before.
    fn revoke_all_but(&mut self, node: usize, account: usize, but: Option<usize>) {
        for session in self.sessions_of(account) {
            if Some(session) != but {
                self.sessions[session].ended = true;
            }
        }
        self.increment_epoch(node, account);
    }

    fn increment_epoch(&mut self, node: usize, account: usize) {
        let found = self.accounts[account].as_mut().expect("an account");
        found.epoch += 1;
        let epoch = found.epoch;
        self.publish(node, Revocation::Epoch(account, epoch));
    }

    /// Applies a revocation to this node at once and to the others at their next sync.
    fn publish(&mut self, node: usize, revocation: Revocation) {
        for (number, other) in self.nodes.iter_mut().enumerate() {
            if number == node { other.apply(revocation) } else { other.pending.push(revocation) }
        }
    }
}

/// The decision about a valid refresh token of an active session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Rotate,
    /// Its successor has never been used.
    ReissueLost,
    /// Another tab has just refreshed.
    ConcurrentRetry,
    /// Another tab has just refreshed twice.
    Superseded,
    /// Issued before the last password change.
    Invalidated,
    ReuseDetected,
}
