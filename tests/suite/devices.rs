//! Devices over the API: the inventory, what is to be done with each, and what is told of it.

mod batch;
mod bulk;
mod fixture;
mod inventory;
mod operations;
mod search;
mod steps;
