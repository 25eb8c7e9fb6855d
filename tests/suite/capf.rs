//! CAPF as phones meet it: an independent client in Python (`capf/capf_client.py`) against the real listener.

mod client;
mod crmf;
mod cut;
mod matrix;
mod offline;
pub mod phone;
mod refused;
mod rows;
mod stage;
