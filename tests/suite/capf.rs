//! CAPF as phones meet it: an independent client in Python (`capf/capf_client.py`) against the real listener.

mod client;
mod crmf;
mod cut;
mod elsewhere;
#[cfg(feature = "legacy")]
mod legacy;
mod matrix;
pub mod offline;
pub mod phone;
mod reasons;
mod refused;
mod rows;
mod slow;
mod stage;
mod takeover;
