//! The texts of the page for unknown addresses.

use countersign_types::messages;

messages! {
    HEADING = "Page not found";
    EXPLANATION = "There's nothing at this address. The page may have moved, or the link may be \
        incomplete.";
    HOME = "Go to the home page";
}
