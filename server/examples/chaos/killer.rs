//! Kills servers at random moments and starts them again.

use crate::{dice::Dice, stage::Stage, tally::Count};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// So many starts of a hundred are killed, too…
const WHILE_STARTING: u64 = 25;
/// …at most so long after they began.
const START: Duration = Duration::from_millis(150);
/// A dead server stays dead so long at most.
const DEAD: Duration = Duration::from_millis(300);

/// Until the run is over. It leaves no server dead.
pub(crate) async fn kill(stage: Arc<Stage>, dice: Dice, every: Duration) -> anyhow::Result<()> {
    while timeout(dice.between(every / 2, every * 3 / 2), stage.until_over()).await.is_err() {
        let server = dice.below(stage.fleet.len());
        stage.fleet.kill(server).await?;
        stage.tally.count(Count::Kills);
        sleep(dice.between(Duration::ZERO, DEAD)).await;
        if dice.chance(WHILE_STARTING) {
            stage.fleet.launch(server).await?;
            sleep(dice.between(Duration::ZERO, START)).await;
            stage.fleet.kill(server).await?;
            stage.tally.count(Count::KilledStarts);
        }
        stage.fleet.launch(server).await?;
        stage.fleet.await_service(server).await?;
    }
    Ok(())
}
