//! The texts of the component gallery.

pub const HEADING: &str = "Component gallery";
pub const FIVE_CALLS: &str = "Call five times";
