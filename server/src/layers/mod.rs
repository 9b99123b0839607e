//! What happens to every request before it is answered and to every answer before it leaves, from the outside in:
//!
//! 1. [`trace`]: the request gets a name, and a line in the log;
//! 2. [`headers`]: every answer gets the headers that protect it, errors and files too;
//! 3. [`cors`]: pages of listed origins are let in to the API, without cookies;
//! 4. [`wrong`] and [`panics`]: a panic becomes a plain 500, and people see a page where programs see JSON;
//! 5. [`limits`]: what never ends is given up; a body is read, whole and in time; what is too large, or of a method that nobody needs, goes no
//!    further;
//! 6. [`origin`]: what another site makes a browser send goes no further;
//! 7. [`limits`] again: what changes something runs to its end though the client hangs up;
//! 8. [`duplicate_cookies`]: of several refresh cookies the good one stays;
//! 9. [`guard`]: protected pages are not even rendered for strangers;
//! 10. [`places`]: no more than so many pages are made at a time, each to its end or until it is given up.

pub mod cors;
pub mod credentials;
pub mod duplicate_cookies;
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
