//! A simulated phone. It boots as a phone of the field does: lists, CAPF, TVS, signed configuration; it accepts and refuses by
//! the field's rules, and sends its alarms. It shares no parser and no rule with the server that it judges: what the
//! two have in common is the description of the protocols alone (`tests/suite/layers.rs` holds that).

use std::fmt;

pub mod accept;
pub mod boot;
mod capf;
mod certificate;
mod configuration;
pub mod fleet;
mod header;
pub mod keys;
mod library;
mod list;
mod lists;
pub mod manufacturer;
pub mod memory;
mod report;
mod signed_file;
pub mod state;
mod tls;
mod tvs;
mod vouched;
mod wire;

pub use accept::Alarm;
pub use boot::{Boot, Kit, World, boot};
pub use capf::Ended;
pub use configuration::Configuration;
pub use library::Library;
pub use list::TrustList;
pub use state::{Identity, Phone};
pub use tls::Tls;

/// What went wrong, as the phone sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<std::io::Error> for Fault {
    fn from(e: std::io::Error) -> Self {
        Self(format!("the connection failed: {e}"))
    }
}

/// What a phone does ends so.
pub type Outcome<T> = Result<T, Fault>;
