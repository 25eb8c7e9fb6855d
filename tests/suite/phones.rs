//! What phones come for beside certificates: lists and files over HTTP, HTTPS and TFTP, TVS, and the alarms they send.

mod alarms;
pub mod estate;
mod listed;
mod serving;
mod tftp;
mod tvs;
mod tvs_rows;
