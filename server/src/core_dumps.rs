//! Disables core dumps. The memory of the process holds the server secret, signing keys and
//! passwords, which a crash must not write to disk or send to a crash collector.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::io;

/// Disables core dumps for this process. Call it once at startup, before any secret is read.
///
/// # Errors
/// If the operating system refuses.
pub fn disable() -> io::Result<()> {
    // A crash collector (`kernel.core_pattern` starts with `|`) ignores the limit. A process that
    // isn't dumpable gives it no dump, and other processes of the same user can't read its memory.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getrlimit;

    #[test]
    fn core_dumps_are_disabled_permanently() {
        disable().expect("allowed for every process");
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().expect("the behavior"),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
