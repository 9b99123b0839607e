//! The pages, and what they ask of the server. Compiled twice: for the server (feature `ssr`) and
//! for the browser (feature `hydrate`).
//!
//! | to learn about | read |
//! |---|---|
//! | what people see | [`pages`], made of [`ui`] and [`words`], inside [`shell`] |
//! | what pages can ask of the server | [`api`] |
//! | how that is asked: the token, its renewal, other tabs | [`client`], [`codec`], [`json`], [`session`], [`browser`] |
//! | what happens when the server cannot be reached, or a session ends in the middle of something | [`connection`], [`drafts`] |
//! | who is signed in, as far as a page can tell; what is read for a page | [`who`], [`known`] |
//! | how a request becomes a call of the domain, and its outcome an answer | `edge` (server only) |
//! | what can go wrong | [`problem`] |
#![recursion_limit = "256"]

pub mod address;
pub mod api;
pub mod browser;
pub mod client;
pub mod codec;
pub mod connection;
pub mod drafts;
#[cfg(feature = "ssr")]
pub mod edge;
#[cfg(feature = "ssr")]
pub mod export;
pub mod json;
pub mod known;
pub mod pages;
pub mod problem;
pub mod session;
pub mod shell;
pub mod solid;
#[cfg(all(feature = "ssr", any(test, feature = "testing")))]
pub mod testing;
pub mod ui;
pub mod who;
pub mod words;
