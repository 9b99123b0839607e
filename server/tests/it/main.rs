//! The HTTP surface, asked as clients ask it, on both databases. No sockets but where a socket is
//! the point.
#![expect(
    unreachable_pub,
    reason = "one binary: what the modules share is public to each other only"
)]
#![recursion_limit = "256"]

mod admin;
mod attacks;
mod backup;
mod bad_input;
mod bodies;
mod command_line;
mod connections;
mod death;
mod described;
mod doors;
mod everyone;
mod faults;
mod files;
mod first_start;
mod functions;
mod headers;
mod identity;
mod keys;
mod leaving;
mod limits;
mod log;
mod log_output;
mod matrix;
mod me;
mod oauth;
mod openapi;
mod origin;
mod pages;
mod pages_in_the_making;
mod passwords;
mod program;
mod readme;
mod scarce;
mod secrets;
mod sessions;
mod settings;
mod stopping;
mod support;
mod target;
mod texts;
mod transports;
mod unread;
mod well_known;
