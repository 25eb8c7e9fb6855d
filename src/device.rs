//! Devices: the inventory of phones and gateways, what is to be done with each, and what each holds.

pub mod name;
pub mod records;

pub use name::DeviceName;
