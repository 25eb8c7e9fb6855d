//! Trust lists and signed files, byte for byte against writers and readers in Python that were made from the formats'
//! descriptions alone, and what is answered to bad ones (docs/conformance/trust-rows.tsv).

pub mod estate;
mod file_rows;
mod files;
mod list_rows;
mod lists;
mod mutate;
mod rows;
mod words;
