//! CAPF: phones get their certificates over TLS on TCP port 3804.

pub mod proof;
