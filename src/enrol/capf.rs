//! CAPF: phones get their locally significant certificates (LSCs) over a session that the server leads.

pub mod command;
pub mod element;
pub mod frame;
pub mod message;
pub mod proof;
