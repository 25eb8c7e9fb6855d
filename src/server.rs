//! The running server: settings, listeners, its own identities and the work that comes due.

pub mod files;
pub mod layout;
pub mod listen;
pub mod lock;
pub mod password;
pub mod public_url;
pub mod settings;
