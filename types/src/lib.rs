//! What the browser and the server agree on: identifiers, the rules for what people type, the forms
//! and the views.
//!
//! Here lives everything that must mean the same on both sides. It is compiled natively and to
//! WebAssembly, so there is no I/O, no clock, no randomness and no framework here, and no words
//! that a person reads: those are in `countersign_leptos::words`.
#![warn(missing_docs)]

pub mod email;
pub mod fault;
pub mod form;
pub mod id;
pub mod name;
pub mod next;
pub mod password;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod view;

pub use email::Email;
pub use fault::{Fault, Faults, Field, NoFaults};
pub use id::{EventId, SessionId, UserId};
pub use name::Name;
pub use next::Next;
pub use password::Password;
pub use time::{Span, Timestamp};
