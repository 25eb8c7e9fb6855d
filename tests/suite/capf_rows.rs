//! CAPF over a pipe, octet by octet as the protocol has it: each operation, what ends one, and the rows of the catalogue.

mod guessing;
mod installing;
mod meanwhile;
mod phone;
mod proving;
mod refusing;
mod resuming;
mod showing;
