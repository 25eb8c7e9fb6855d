//! CAs that follow each other, over the real routes, the clock moved by hand; openssl judges.

mod dates;
mod due;
pub mod house;
mod leftovers;
mod moved_in;
mod revoked;
mod roots;
mod turn;
