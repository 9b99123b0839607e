//! Core dumps, which are switched off: the memory of this process holds the server secret, signing
//! keys and passwords, and a crash must not write them to the disk or hand them to whatever
//! collects dumps.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::io;

/// Switches core dumps off for this process. Once, at the start, before any secret is read.
///
/// # Errors
/// Where the operating system refuses.
pub fn disable() -> io::Result<()> {
    // A program that collects dumps (`kernel.core_pattern` begins with `|`) gets them whatever the
    // limit: what is not dumpable gives none to it either, and other processes of the same user
    // cannot read the memory.
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
    fn core_dumps_are_disabled_for_good() {
        disable().expect("allowed to everybody");
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().expect("an answer"),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}
