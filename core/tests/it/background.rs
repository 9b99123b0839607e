//! Background work that fails: it is restarted, and readiness says so meanwhile.

use crate::support::World;
use countersign_core::{Error, on_both};

on_both! {
    async fn background_task_that_panics_is_restarted(world: World) {
        let worker = world.auth.work();
        let background = world.auth.background();
        let names = background.names();
        assert!(names.contains(&"listen".into()) && names.contains(&"keep".into()), "{names:?}");
        for name in ["listen", "keep", "clock", "retain"] {
            world.auth.ready().await.expect("ready");
            let struck = background.panic_task(name).await;
            let Err(Error::Unavailable(cause)) = world.auth.ready().await else {
                panic!("{name} is down")
            };
            assert!(cause.to_string().contains(name), "{cause}");
            drop(struck);
            background.all_running().await;
            world.auth.ready().await.expect("ready again");
        }
        worker.stop().await.expect("a stop");
    }
}
