//! CAPF: phones get their locally significant certificates (LSCs) over a session that the server leads.
//!
//! [`serve`] holds one conversation on one connection: who is there ([`admit`]), what is pending for that device, and the
//! messages of that operation. What becomes of it is written into the device's record before the device is told.

mod admit;
mod book;
pub mod command;
mod conversation;
mod delete;
pub mod element;
mod fetch;
pub mod frame;
mod install;
pub mod link;
pub mod message;
pub mod proof;
mod refusal;
mod service;
mod sessions;
mod talk;

pub use conversation::serve;
pub use service::{Patience, Service};
pub use sessions::Sessions;
