//! Honest clients: a browser with some tabs and a bad line. Nothing that they do may end their
//! session.

use crate::{
    api::{self, Access, Account, Pair, Renewal, Token},
    dice::Dice,
    jar::{Jar, Kept},
    journal::Journal,
    stage::{GRACE, Stage},
    tally::{Count, Fault},
    wire::{Line, Patience, Place},
};
use futures::future::join_all;
use std::{iter, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// The most tabs that one has.
const TABS: usize = 3;
/// In so many of a hundred rounds all tabs wake at the same moment…
const TOGETHER: u64 = 50;
/// …and in the others within this time.
const SPREAD: Duration = Duration::from_millis(300);
/// Between two rounds.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(1200));
/// So many requests of a hundred travel slowly…
const SLOW: u64 = 3;
/// …and arrive so late at most. Another two of the tabs can renew meanwhile, all within the grace.
const SLOWEST: Duration = Duration::from_millis(600);
/// So many answers of a hundred come, but reach nobody…
const IGNORED: u64 = 4;
/// …and so many requests of a hundred are given up after a moment.
const HUNG_UP: u64 = 4;
const MOMENT: Duration = Duration::from_millis(12);
/// So many losses of a hundred are tried again at once, the others when the grace is over.
const AT_ONCE: u64 = 60;
/// The access token of so many of a hundred answers is used.
const USED: u64 = 40;

pub(crate) struct Honest {
    stage: Arc<Stage>,
    dice: Dice,
    tabs: usize,
    account: Option<Account>,
    jar: Jar,
    journal: Journal,
}

impl Honest {
    pub(crate) async fn sign_up(stage: Arc<Stage>, dice: Dice) -> Self {
        let mut account = None;
        let jar = Jar::new(api::enter(&stage, &dice, &mut account).await);
        Self { tabs: 1 + dice.below(TABS), stage, dice, account, jar, journal: Journal::default() }
    }

    /// Lives until the run is over.
    pub(crate) async fn live(mut self) -> Self {
        while !self.stage.is_over() {
            self.round().await;
            if self.jar.is_signed_out() {
                self.jar = Jar::new(api::enter(&self.stage, &self.dice, &mut self.account).await);
                self.journal.write("logged in again".to_owned());
            }
            sleep(self.dice.between(PAUSE.0, PAUSE.1)).await;
        }
        self
    }

    /// Renews once more, when all is quiet: whoever has been logged out without noticing notices
    /// now.
    pub(crate) async fn look_once_more(&self) {
        while let Renewal::Unknown = self.show(None, false, Patience::Waits).await {}
    }

    /// Some of the tabs wake and renew.
    async fn round(&self) {
        let awake = 1 + self.dice.below(self.tabs);
        if self.dice.chance(TOGETHER) {
            let places = self.stage.wire.places(awake).await;
            join_all(places.into_iter().map(|place| self.renew(Some(place)))).await;
        } else {
            let offsets =
                iter::repeat_with(|| self.dice.between(Duration::ZERO, SPREAD)).take(awake);
            join_all(offsets.map(async |offset| {
                sleep(offset).await;
                self.renew(None).await;
            }))
            .await;
        }
    }

    /// One tab renews, and does not rest until it or another tab has got an answer.
    async fn renew(&self, mut place: Option<Place>) {
        let mut slow = self.dice.chance(SLOW);
        loop {
            let before = self.jar.token();
            let fate = self.dice.below(100) as u64;
            let patience = if fate < HUNG_UP {
                Patience::HangsUp(self.dice.between(Duration::ZERO, MOMENT))
            } else {
                Patience::Waits
            };
            let renewal = self.show(place.take(), std::mem::take(&mut slow), patience).await;
            match renewal {
                Renewal::Given(pair) if (HUNG_UP..HUNG_UP + IGNORED).contains(&fate) => {
                    self.stage.tally.count(Count::Ignored);
                    self.journal.write(format!("the answer {} is lost", pair.refresh.generation));
                }
                Renewal::Given(pair) => return self.keep(pair).await,
                Renewal::Stale | Renewal::Over => return,
                Renewal::Unknown => {}
            }
            if self.dice.chance(AT_ONCE) {
                self.stage.tally.count(Count::AgainAtOnce);
            } else {
                self.stage.tally.count(Count::AgainAfterGrace);
                sleep(GRACE + self.dice.between(Duration::ZERO, GRACE / 4)).await;
            }
            if self.jar.is_signed_out() || self.jar.token() != before {
                return;
            }
        }
    }

    /// Shows what is in the jar; after `stale` looks again and shows what is there then. Anything
    /// else that is refused is a log-out.
    async fn show(&self, place: Option<Place>, slow: bool, patience: Patience) -> Renewal {
        let line = self.stage.wire.line(place, &self.dice).await;
        let (mut token, mut looked) = (self.jar.token(), Instant::now());
        if slow {
            sleep(self.dice.between(Duration::ZERO, SLOWEST)).await;
        }
        let mut renewal = self.send(line, &token, patience).await;
        if let Renewal::Stale = renewal {
            let line = self.stage.wire.line(None, &self.dice).await;
            (token, looked) = (self.jar.token(), Instant::now());
            renewal = self.send(line, &token, Patience::Waits).await;
        }
        if let Renewal::Over | Renewal::Stale = renewal {
            self.logged_out(&format!(
                "a refresh token was refused {:.1?} after it was taken out of the jar",
                looked.elapsed()
            ));
        }
        renewal
    }

    async fn send(&self, line: Line<'_>, token: &Token, patience: Patience) -> Renewal {
        let under_way = self.jar.leave();
        if under_way.beside_another {
            self.stage.tally.count(Count::Parallel);
        }
        let (generation, server) = (token.generation, line.server());
        self.journal.write(format!("shows {generation} to server {server}"));
        let renewal = api::renew(&self.stage, line, token, patience).await;
        self.journal.write(format!("{generation} {renewal}"));
        renewal
    }

    /// Puts an answer into the jar, and perhaps uses its access token.
    async fn keep(&self, pair: Pair) {
        match self.jar.put(pair.clone()) {
            Kept::Newer | Kept::Same => {}
            Kept::Late => self.stage.tally.count(Count::Late),
            Kept::Differs => self.stage.tally.fault(
                Fault::OtherSuccessor,
                &format!("two tokens of one generation{}", self.journal.read()),
            ),
        }
        if self.dice.chance(USED) {
            let access = api::me(&self.stage, &self.dice, &pair.access).await;
            self.journal.write(format!("used the access token of {}", pair.refresh.generation));
            if matches!(access, Access::Refused) && Instant::now() < pair.good_until {
                self.logged_out("an access token was refused before its time");
            }
        }
    }

    fn logged_out(&self, why: &str) {
        if self.jar.sign_out() {
            self.stage.tally.fault(Fault::LogOut, &format!("{why}{}", self.journal.read()));
        }
    }
}
