//! Devices: the inventory of phones and gateways, what is to be done with each, and what each holds.

pub mod change;
pub mod filter;
pub mod inventory;
pub mod name;
pub mod records;
pub mod remove;
pub mod row;
pub mod string;

pub use change::Change;
pub use filter::Filter;
pub use inventory::Inventory;
pub use name::DeviceName;
