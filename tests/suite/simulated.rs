//! Simulated phones: what they take and refuse (docs/conformance/phone-rows.tsv), tried in a world that the tests make, and
//! what they do with the real server.

mod capf_rows;
mod encrypted_rows;
mod file_rows;
mod key;
mod list_rows;
mod real;
mod rows;
mod stand;
mod world;
mod writer;
