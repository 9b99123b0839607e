//! What happens to every request before it is answered and to every answer before it leaves, from
//! the outside in:
//!
//! 1. [`panics`]: a panic in one of the layers becomes a plain 500;
//! 2. [`trace`]: the request gets a name, and a line in the log;
//! 3. [`headers`]: every answer gets the headers that protect it, errors and files too;
//! 4. [`wrong`]: people see a page where programs see JSON;
//! 5. [`budget`]: what its network has no room for goes no further;
//! 6. [`host`] and [`paths`]: what is meant for another host, or has a path that can be read in two
//!    ways, goes no further;
//! 7. [`cors`]: pages of listed origins are let in to the API, without cookies;
//! 8. [`limits`] and [`panics`] again: what never ends is given up, and a panic in a handler
//!    becomes a plain 500; a body is read, whole and in time; what is too large, coded, or of a
//!    method that nobody needs, goes no further;
//! 9. [`origin`]: what another site makes a browser send goes no further;
//! 10. [`limits`] once more: what changes something runs to its end though the client hangs up;
//! 11. [`duplicate_cookies`]: of several refresh cookies the good one stays;
//! 12. [`credentials`]: what shows two users goes no further;
//! 13. [`guard`]: protected pages are not even rendered for strangers;
//! 14. [`places`]: no more than so many pages are made at a time, each to its end or until it is
//!     given up;
//! 15. [`elements`]: a page says how many elements it has.

pub mod budget;
pub mod cors;
pub mod credentials;
pub mod duplicate_cookies;
pub mod elements;
pub mod guard;
pub mod headers;
pub mod host;
pub mod limits;
pub mod origin;
pub mod panics;
pub mod paths;
pub mod places;
pub mod trace;
pub mod wrong;
