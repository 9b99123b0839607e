//! Kills and restarts servers at random times.

use super::{context::RunContext, counters::Counter, rng::Rng};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// Percentage of restarts that are killed as well.
const KILL_WHILE_STARTING_PERCENT: u64 = 25;
/// Maximum time until such a restart is killed.
const MAX_START_DELAY: Duration = Duration::from_millis(150);
/// Maximum time before a restart.
const MAX_DOWNTIME: Duration = Duration::from_millis(300);

/// Runs until the end of the test, and leaves all servers running.
pub(super) async fn run(context: Arc<RunContext>, rng: Rng, every: Duration) -> anyhow::Result<()> {
    while timeout(rng.between(every / 2, every * 3 / 2), context.until_finished()).await.is_err() {
        let server = rng.below(context.fleet.len());
        context.fleet.kill(server).await?;
        context.counters.count(Counter::Kills);
        sleep(rng.between(Duration::ZERO, MAX_DOWNTIME)).await;
        if rng.chance(KILL_WHILE_STARTING_PERCENT) {
            context.fleet.launch(server).await?;
            sleep(rng.between(Duration::ZERO, MAX_START_DELAY)).await;
            context.fleet.kill(server).await?;
            context.counters.count(Counter::KilledStarts);
        }
        context.fleet.launch(server).await?;
        context.fleet.wait_until_ready(server).await?;
    }
    Ok(())
}
