//! Devices: the inventory of phones and gateways, what is to be done with each, and what each holds.

pub mod alarm;
pub mod campaign;
pub mod change;
pub mod configuration;
pub mod fetch;
pub mod filter;
pub mod http;
pub mod inventory;
pub mod ledger;
pub mod name;
pub mod records;
pub mod remove;
pub mod report;
pub mod row;
pub mod spend;
pub mod string;

pub use change::Change;
pub use filter::Filter;
pub use inventory::Inventory;
pub use name::DeviceName;
