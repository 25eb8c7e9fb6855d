//! The running server: settings, listeners, its own identities and the work that comes due.

pub mod backup;
pub mod bound;
pub mod capf;
pub mod csr;
pub mod files;
pub mod heads;
pub mod identity;
pub mod inspector;
pub mod layout;
pub mod listen;
pub mod lock;
pub mod observed;
pub mod offline;
pub mod password;
pub mod public_url;
pub mod records;
pub mod renewals;
pub mod restore;
pub mod routes;
pub mod run;
pub mod settings;
pub mod setup;
pub mod state;
mod tasks;
pub mod tls;
mod token;
pub mod worker;
