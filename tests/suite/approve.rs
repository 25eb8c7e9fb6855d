//! Decisions on requests: who gets which certificate, who does not, and what is written about it.

mod challenges;
mod fixture;
pub(crate) mod judges;
mod manual;
mod policy;
mod radius;
mod renewals;
mod shared_secrets;
mod swept;
mod transactions;
mod webhooks;
