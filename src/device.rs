//! Devices: the inventory of phones and gateways, what is to be done with each, and what each holds.

pub mod alarm;
pub mod change;
pub mod fetch;
pub mod http;
pub mod ledger;
pub mod name;
pub mod records;
pub mod string;

pub use change::Change;
pub use name::DeviceName;
