//! Sessions whose refresh token is in two hands. Everything that the promise covers must be caught.
//!
//! Who of the two is the owner makes no difference to the server, so it makes none here: either may
//! be the one who goes on, and either the one who comes too late. These sessions are nobody else's.

use crate::{
    api::{self, Access, Account, Pair, Renewal},
    dice::Dice,
    journal::Journal,
    ledger::Ledger,
    stage::{GRACE, Stage},
    tally::{Count, Fault},
    wire::Patience,
};
use std::{ops::ControlFlow, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// A session in which nothing has been caught after so many turns is left alone.
const TURNS: usize = 20;
/// In so many of a hundred turns whoever acted last acts again.
const AGAIN: u64 = 40;
/// In so many of a hundred turns an access token is used, if there is one that is good.
const USED: u64 = 35;
/// So many answers of a hundred reach nobody.
const IGNORED: u64 = 8;
/// Before so many turns of a hundred the grace of everything before runs out.
const RESTED: u64 = 50;

pub(crate) struct Thief {
    stage: Arc<Stage>,
    dice: Dice,
    account: Option<Account>,
}

/// One theft.
struct Theft<'a> {
    stage: &'a Stage,
    dice: &'a Dice,
    ledger: Ledger,
    journal: Journal,
    hands: [Pair; 2],
}

impl Thief {
    pub(crate) fn new(stage: Arc<Stage>, dice: Dice) -> Self {
        Self { stage, dice, account: None }
    }

    /// Steals until the run is over.
    pub(crate) async fn live(mut self) {
        while !self.stage.is_over() {
            let pair = api::enter(&self.stage, &self.dice, &mut self.account).await;
            self.stage.tally.count(Count::Thefts);
            let ledger = Ledger::new(pair.refresh.generation);
            let theft = Theft {
                stage: &self.stage,
                dice: &self.dice,
                ledger,
                journal: Journal::default(),
                hands: [pair.clone(), pair],
            };
            theft.play().await;
        }
    }
}

impl Theft<'_> {
    async fn play(mut self) {
        // The owner has been there for a while when the thief copies the token.
        for _ in 0..self.dice.below(3) {
            if self.show(0).await.is_break() {
                return;
            }
        }
        self.hands[1] = self.hands[0].clone();
        self.journal.write("the token is stolen".to_owned());
        let mut who = 0;
        for _ in 0..TURNS {
            if self.stage.is_over() {
                return;
            }
            let (from, to) = if self.dice.chance(RESTED) {
                (GRACE, GRACE * 3 / 2)
            } else {
                (Duration::ZERO, GRACE / 2)
            };
            sleep(self.dice.between(from, to)).await;
            if !self.dice.chance(AGAIN) {
                who = 1 - who;
            }
            let step = if self.dice.chance(USED) && Instant::now() < self.hands[who].good_until {
                self.use_access(who).await
            } else {
                self.show(who).await
            };
            if step.is_break() {
                return;
            }
        }
    }

    async fn use_access(&mut self, who: usize) -> ControlFlow<()> {
        let pair = self.hands[who].clone();
        let generation = pair.refresh.generation;
        match api::me(self.stage, self.dice, &pair.access).await {
            Access::Granted(by) => {
                self.journal
                    .write(format!("{who} used the access token of {generation} at {by:?}"));
                self.ledger.used(generation, by);
                ControlFlow::Continue(())
            }
            Access::Refused if Instant::now() < pair.good_until => {
                self.fault(Fault::Other, "an access token was refused before its time");
                ControlFlow::Break(())
            }
            Access::Refused | Access::Unknown => ControlFlow::Continue(()),
        }
    }

    /// One of the two shows the refresh token that it has.
    async fn show(&mut self, who: usize) -> ControlFlow<()> {
        let tally = &self.stage.tally;
        let generation = self.hands[who].refresh.generation;
        let (replay, covered) =
            (self.ledger.is_replay(generation), self.ledger.covers(generation, &self.stage.fleet));
        let renewal = self.ask(who).await;
        if covered {
            match renewal {
                // That is only half of it: the session must be over for the other one, too.
                Renewal::Over => match self.ask(1 - who).await {
                    Renewal::Over => tally.count(Count::CaughtReplays),
                    _ => {
                        self.fault(
                            Fault::Missed,
                            "the replay was refused, but the session goes on",
                        );
                    }
                },
                _ => self.fault(Fault::Missed, "the replay was not refused"),
            }
            self.stage.tally.count(Count::CoveredReplays);
            return ControlFlow::Break(());
        }
        if replay {
            tally.count(Count::OtherReplays);
        }
        match renewal {
            Renewal::Given(_) if self.dice.chance(IGNORED) => tally.count(Count::Ignored),
            Renewal::Given(pair) => self.hands[who] = pair,
            Renewal::Over if replay => {
                tally.count(Count::OtherCaught);
                return ControlFlow::Break(());
            }
            Renewal::Over => {
                self.fault(Fault::Other, "the newest token was refused");
                return ControlFlow::Break(());
            }
            Renewal::Stale | Renewal::Unknown => {}
        }
        ControlFlow::Continue(())
    }

    /// Shows a token until there is an answer.
    async fn ask(&mut self, who: usize) -> Renewal {
        let token = self.hands[who].refresh.clone();
        let generation = token.generation;
        loop {
            let line = self.stage.wire.line(None, self.dice).await;
            self.journal.write(format!("{who} shows {generation} to server {}", line.server()));
            let renewal = api::renew(self.stage, line, &token, Patience::Waits).await;
            match &renewal {
                Renewal::Given(pair) => self.ledger.given(pair.refresh.generation),
                Renewal::Stale | Renewal::Over => {}
                Renewal::Unknown => self.ledger.perhaps_given(generation + 1),
            }
            self.journal.write(format!("{generation} {renewal}"));
            if !matches!(renewal, Renewal::Unknown) {
                return renewal;
            }
        }
    }

    fn fault(&self, fault: Fault, what: &str) {
        self.stage.tally.fault(fault, &format!("{what}{}", self.journal.read()));
    }
}
