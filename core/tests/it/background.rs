//! Background tasks that panic: they are restarted, and readiness fails until they run.

use crate::common::TestContext;
use countersign_core::{Error, test_on_each_database};

test_on_each_database! {
    async fn background_task_that_panics_is_restarted(context: TestContext) {
        let worker = context.auth.start_background_tasks();
        let background = context.auth.background();
        let names = background.names();
        assert!(
            names.contains(&"feed_sync".into()) && names.contains(&"maintenance".into()),
            "{names:?}"
        );
        for name in ["feed_sync", "maintenance", "clock_sync", "retention"] {
            context.auth.ready().await.expect("ready");
            let panicked = background.panic_task(name).await;
            let Err(Error::Unavailable(cause)) = context.auth.ready().await else {
                panic!("{name} is running")
            };
            assert!(cause.to_string().contains(name), "{cause}");
            drop(panicked);
            background.all_running().await;
            context.auth.ready().await.expect("ready again");
        }
        worker.stop().await.expect("a stop");
    }
}
