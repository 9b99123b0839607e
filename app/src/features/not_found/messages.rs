//! The texts of the page for unknown addresses.

pub const HEADING: &str = "Page not found";
pub const EXPLANATION: &str =
    "There's nothing at this address. The page may have moved, or the link may be incomplete.";
pub const HOME: &str = "Go to the home page";
