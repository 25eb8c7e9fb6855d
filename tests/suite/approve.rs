//! Decisions on requests: who gets which certificate, who does not, and what is written about it.

mod challenges;
mod fixture;
mod manual;
mod policy;
mod renewals;
mod swept;
mod transactions;
