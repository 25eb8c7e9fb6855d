//! Devices: the inventory of phones and gateways, what is to be done with each, and what each holds.

pub mod change;
pub mod name;
pub mod records;
pub mod string;

pub use change::Change;
pub use name::DeviceName;
