//! The rules of sessions and tokens once more, as plainly as they can be said: a few numbers, and
//! no tables, signatures or MACs. Accounts and sessions are named by their place in a list.

use countersign_types::{Span, Timestamp};
use std::collections::{HashMap, HashSet};

const GRACE: Span = Span::seconds(10);
const IDLE: Span = Span::days(14);
const LONGEST: Span = Span::days(90);

/// What somebody who asked can see of the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Two tokens of one generation of a session.
    Issued {
        account: usize,
        session: usize,
        generation: i64,
        stolen_at: Option<Timestamp>,
    },
    /// Let in, and as whom; the account as far as it can be read, and how many sessions it has.
    LetIn {
        session: usize,
        account: Option<usize>,
        sessions: usize,
    },
    Done,
    SignedOut,
    Stale,
    WrongCredentials,
    WrongPassword,
    UnchangedPassword,
    EmailTaken,
}

/// A refresh token.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    pub session: usize,
    pub generation: i64,
}

/// An access token.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub session: usize,
    pub generation: i64,
    pub epoch: i64,
    pub ends: Timestamp,
}

struct Account {
    password: usize,
    epoch: i64,
    disabled: bool,
    last_log_in: Timestamp,
    /// When sessions of it were ended as stolen.
    thefts: Vec<Timestamp>,
}

struct Session {
    account: usize,
    /// The generation that was issued last.
    counter: i64,
    /// Generations before this one are of before the last change of the password.
    oldest: i64,
    rotated_at: Timestamp,
    previous_rotated_at: Timestamp,
    /// The highest generation that is known to have arrived.
    confirmed: i64,
    last_seen: Timestamp,
    expires_at: Timestamp,
    ended: bool,
    stolen_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum News {
    SessionEnded(usize),
    EpochRaised(usize, i64),
}

/// What one node remembers.
#[derive(Default)]
struct Node {
    ended: HashSet<usize>,
    epochs: HashMap<usize, i64>,
    /// What others have said and this one has not heard yet.
    unheard: Vec<News>,
    /// Sessions in use: the highest generation, and when; written down later.
    seen: HashMap<usize, (i64, Timestamp)>,
}

impl Node {
    fn apply(&mut self, news: News) {
        match news {
            News::SessionEnded(session) => drop(self.ended.insert(session)),
            News::EpochRaised(account, epoch) => {
                let known = self.epochs.entry(account).or_default();
                *known = epoch.max(*known);
            }
        }
    }
}

pub struct Rules {
    now: Timestamp,
    /// `None`: nobody has signed up here yet.
    accounts: Vec<Option<Account>>,
    sessions: Vec<Session>,
    nodes: Vec<Node>,
}

impl Rules {
    pub fn new(now: Timestamp, accounts: usize, nodes: usize) -> Self {
        let (accounts, nodes) =
            ((0..accounts).map(|_| None).collect(), (0..nodes).map(|_| Node::default()).collect());
        Self { now, accounts, sessions: Vec::new(), nodes }
    }

    pub fn pass(&mut self, span: Span) -> Outcome {
        self.now = self.now + span;
        Outcome::Done
    }

    /// The access token that goes with what was issued just now.
    pub fn access(&self, session: usize, generation: i64, life: Span) -> Access {
        Access { session, generation, epoch: self.account_of(session).epoch, ends: self.now + life }
    }

    /// Between these lies the life of an access token that is issued now.
    pub fn lives(&self, session: usize) -> (Span, Span) {
        let left = self.sessions[session].expires_at.since(self.now);
        (Span::seconds(570).min(left), Span::minutes(10).min(left))
    }

    // --- Coming and going
    // --------------------------------------------------------------------------------------------

    pub fn sign_up(
        &mut self,
        node: usize,
        account: usize,
        password: usize,
        replaces: Option<Renewal>,
    ) -> Outcome {
        if self.accounts[account].is_some() {
            return Outcome::EmailTaken;
        }
        self.accounts[account] = Some(Account {
            password,
            epoch: 0,
            disabled: false,
            last_log_in: self.now,
            thefts: Vec::new(),
        });
        self.open(node, account, replaces)
    }

    pub fn log_in(
        &mut self,
        node: usize,
        account: usize,
        password: usize,
        replaces: Option<Renewal>,
    ) -> Outcome {
        match &self.accounts[account] {
            Some(found) if found.password == password && !found.disabled => {
                self.open(node, account, replaces)
            }
            _ => Outcome::WrongCredentials,
        }
    }

    /// Always a new session. It takes the place of the one that came along.
    fn open(&mut self, node: usize, account: usize, replaces: Option<Renewal>) -> Outcome {
        let (now, found) = (self.now, self.accounts[account].as_mut().expect("an account"));
        // A theft is told to the first who comes after it.
        let stolen_at =
            found.thefts.iter().copied().filter(|theft| *theft >= found.last_log_in).max();
        found.last_log_in = now;
        self.sessions.push(Session {
            account,
            counter: 1,
            oldest: 0,
            rotated_at: now,
            previous_rotated_at: now,
            confirmed: 0,
            last_seen: now,
            expires_at: now + LONGEST,
            ended: false,
            stolen_at,
        });
        if let Some(old) = replaces {
            self.end(node, old.session);
        }
        self.issue(self.sessions.len() - 1)
    }

    /// The newest generation.
    fn issue(&self, session: usize) -> Outcome {
        let found = &self.sessions[session];
        Outcome::Issued {
            account: found.account,
            session,
            generation: found.counter,
            stolen_at: found.stolen_at,
        }
    }

    pub fn log_out_with_renewal(&mut self, node: usize, shown: Renewal) -> Outcome {
        self.end(node, shown.session);
        Outcome::Done
    }

    /// Whoever can show a token that has not run out may leave, also if it was revoked.
    pub fn log_out_with_access(&mut self, node: usize, shown: Access) -> Outcome {
        if self.now >= shown.ends {
            return Outcome::SignedOut;
        }
        self.end(node, shown.session);
        Outcome::Done
    }

    // --- Refresh tokens
    // ----------------------------------------------------------------------------------------------

    pub fn renew(&mut self, node: usize, shown: Renewal) -> Outcome {
        if !self.is_alive(shown.session) {
            return Outcome::SignedOut;
        }
        let (now, meaning) = (self.now, self.meaning(node, shown));
        let session = &mut self.sessions[shown.session];
        match meaning {
            Meaning::Newest => {
                session.confirmed = session.confirmed.max(shown.generation);
                session.counter += 1;
                session.previous_rotated_at = session.rotated_at;
                (session.rotated_at, session.last_seen) = (now, now);
            }
            Meaning::LostAnswer => (session.rotated_at, session.last_seen) = (now, now),
            Meaning::Parallel => {}
            Meaning::Stale => return Outcome::Stale,
            Meaning::Superseded => return Outcome::SignedOut,
            Meaning::Theft => {
                self.accounts[session.account].as_mut().expect("an account").thefts.push(now);
                self.end(node, shown.session);
                return Outcome::SignedOut;
            }
        }
        self.issue(shown.session)
    }

    /// A page that is rendered: says who somebody is, renews nothing and ends nothing.
    pub fn look(&mut self, node: usize, shown: Renewal) -> Outcome {
        let superseded = shown.generation < self.sessions[shown.session].oldest;
        if superseded
            || !self.is_alive(shown.session)
            || self.meaning(node, shown) == Meaning::Theft
        {
            return Outcome::SignedOut;
        }
        self.mark(node, shown.session, shown.generation);
        self.let_in(shown.session)
    }

    fn meaning(&self, node: usize, shown: Renewal) -> Meaning {
        let session = &self.sessions[shown.session];
        // What this node knows, and what was written down.
        let confirmed = self.nodes[node]
            .seen
            .get(&shown.session)
            .map_or(0, |seen| seen.0)
            .max(session.confirmed);
        let lately = |moment: Timestamp| self.now.since(moment) < GRACE;
        match session.counter - shown.generation {
            _ if shown.generation < session.oldest
                && (lately(session.rotated_at) || lately(session.previous_rotated_at)) =>
            {
                Meaning::Stale
            }
            _ if shown.generation < session.oldest => Meaning::Superseded,
            0 => Meaning::Newest,
            1 if lately(session.rotated_at) => Meaning::Parallel,
            1 if confirmed <= shown.generation => Meaning::LostAnswer,
            2 if lately(session.previous_rotated_at) => Meaning::Stale,
            _ => Meaning::Theft,
        }
    }

    // --- Access tokens
    // -----------------------------------------------------------------------------------------------

    /// As far as this node has heard.
    pub fn accepts(&self, node: usize, shown: Access) -> bool {
        let node = &self.nodes[node];
        let epoch = node.epochs.get(&self.sessions[shown.session].account).copied().unwrap_or(0);
        self.now < shown.ends && !node.ended.contains(&shown.session) && shown.epoch >= epoch
    }

    pub fn call(&mut self, node: usize, shown: Access) -> Outcome {
        if !self.enter(node, shown) {
            return Outcome::SignedOut;
        }
        self.let_in(shown.session)
    }

    pub fn end_others(&mut self, node: usize, shown: Access) -> Outcome {
        if !self.enter(node, shown) {
            return Outcome::SignedOut;
        }
        for session in self.sessions_of(self.sessions[shown.session].account) {
            if session != shown.session {
                self.end(node, session);
            }
        }
        Outcome::Done
    }

    pub fn end_all(&mut self, node: usize, shown: Access) -> Outcome {
        if !self.enter(node, shown) || self.account_of(shown.session).disabled {
            return Outcome::SignedOut;
        }
        self.end_all_but(node, self.sessions[shown.session].account, None);
        Outcome::Done
    }

    pub fn change_password(
        &mut self,
        node: usize,
        shown: Access,
        current: usize,
        new: usize,
    ) -> Outcome {
        if !self.enter(node, shown) {
            return Outcome::SignedOut;
        }
        let account = self.sessions[shown.session].account;
        let found = self.accounts[account].as_mut().expect("an account");
        if found.password != current {
            return Outcome::WrongPassword;
        }
        // Told to a user who knows the password, before anything is written.
        if new == current {
            return Outcome::UnchangedPassword;
        }
        if found.disabled {
            return Outcome::WrongPassword;
        }
        if self.sessions[shown.session].ended {
            return Outcome::SignedOut;
        }
        found.password = new;
        self.end_all_but(node, account, Some(shown.session));
        let (now, session) = (self.now, &mut self.sessions[shown.session]);
        session.counter += 1;
        session.oldest = session.counter;
        session.previous_rotated_at = session.rotated_at;
        (session.rotated_at, session.last_seen) = (now, now);
        self.issue(shown.session)
    }

    fn enter(&mut self, node: usize, shown: Access) -> bool {
        let accepted = self.accepts(node, shown);
        if accepted {
            self.mark(node, shown.session, shown.generation);
        }
        accepted
    }

    // --- Those who look after others, and what nodes do by themselves
    // ------------------------------------------------

    /// Nobody gets in, and whoever is in is out.
    pub fn disable(&mut self, node: usize, account: usize) -> Outcome {
        if std::mem::replace(
            &mut self.accounts[account].as_mut().expect("an account").disabled,
            true,
        ) {
            return Outcome::Done;
        }
        self.end_all_but(node, account, None);
        Outcome::Done
    }

    /// Whoever was out stays out until they log in.
    pub fn enable(&mut self, node: usize, account: usize) -> Outcome {
        if std::mem::replace(
            &mut self.accounts[account].as_mut().expect("an account").disabled,
            false,
        ) {
            self.raise_epoch(node, account);
        }
        Outcome::Done
    }

    /// A node hears what the others have done.
    pub fn listen(&mut self, node: usize) -> Outcome {
        let node = &mut self.nodes[node];
        for news in std::mem::take(&mut node.unheard) {
            node.apply(news);
        }
        Outcome::Done
    }

    /// A node writes down who was seen.
    pub fn keep(&mut self, node: usize) -> Outcome {
        for (session, (generation, at)) in &self.nodes[node].seen {
            let session = &mut self.sessions[*session];
            if !session.ended {
                session.confirmed = session.confirmed.max(*generation);
                session.last_seen = session.last_seen.max(*at);
            }
        }
        Outcome::Done
    }

    // --- Beneath
    // -----------------------------------------------------------------------------------------------------

    fn account_of(&self, session: usize) -> &Account {
        self.accounts[self.sessions[session].account].as_ref().expect("an account")
    }

    fn sessions_of(&self, account: usize) -> Vec<usize> {
        (0..self.sessions.len())
            .filter(|session| self.sessions[*session].account == account)
            .collect()
    }

    fn is_within_limits(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        !session.ended && self.now < session.expires_at && self.now < session.last_seen + IDLE
    }

    fn is_alive(&self, session: usize) -> bool {
        self.is_within_limits(session) && !self.account_of(session).disabled
    }

    fn let_in(&self, session: usize) -> Outcome {
        let account = self.sessions[session].account;
        let sessions = self
            .sessions_of(account)
            .into_iter()
            .filter(|session| self.is_within_limits(*session))
            .count();
        Outcome::LetIn { session, account: self.is_alive(session).then_some(account), sessions }
    }

    fn mark(&mut self, node: usize, session: usize, generation: i64) {
        let seen = self.nodes[node].seen.entry(session).or_insert((generation, self.now));
        *seen = (seen.0.max(generation), seen.1.max(self.now));
    }

    fn end(&mut self, node: usize, session: usize) {
        if !self.sessions[session].ended {
            self.sessions[session].ended = true;
            self.tell(node, News::SessionEnded(session));
        }
    }

    /// All sessions but one end, and no access token from before is good for anything.
    fn end_all_but(&mut self, node: usize, account: usize, but: Option<usize>) {
        for session in self.sessions_of(account) {
            if Some(session) != but {
                self.sessions[session].ended = true;
            }
        }
        self.raise_epoch(node, account);
    }

    fn raise_epoch(&mut self, node: usize, account: usize) {
        let found = self.accounts[account].as_mut().expect("an account");
        found.epoch += 1;
        let epoch = found.epoch;
        self.tell(node, News::EpochRaised(account, epoch));
    }

    /// The node that did it knows at once, the others when they listen.
    fn tell(&mut self, node: usize, news: News) {
        for (number, other) in self.nodes.iter_mut().enumerate() {
            if number == node { other.apply(news) } else { other.unheard.push(news) }
        }
    }
}

/// What a refresh token means that is genuine, and whose session lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Newest,
    /// Nobody has ever shown its successor.
    LostAnswer,
    /// Another tab has just renewed.
    Parallel,
    /// Another tab has just renewed twice.
    Stale,
    /// Of before the last change of the password.
    Superseded,
    Theft,
}
