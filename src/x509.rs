//! Bytes to types and back, without any I/O.
//!
//! What comes from outside is parsed leniently where real devices need it (negative serials,
//! odd versions) and signatures are checked over the bytes received; what we write is strict DER.

pub mod ber;
pub mod cert;
pub mod cms;
pub mod crl;
pub mod crmf;
pub mod csr;
pub mod der_guard;
pub mod key;
pub mod name;
pub mod ocsp;
pub mod pem;
pub mod san;
mod signed;
pub mod tlv;
mod validity;

pub use validity::utc_time;
