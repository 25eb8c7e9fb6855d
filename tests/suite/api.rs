//! The REST API, as a client meets it: requests in, answers out, over the router itself.

mod audit;
mod cas;
mod certificates;
mod challenges;
mod description;
mod fixture;
mod http;
mod json;
mod profiles;
mod requests;
mod search;
mod tokens;
