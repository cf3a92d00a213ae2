//! The HTTP service: what it answers, how it refuses, what it withstands.

mod coalescing;
mod facts;
mod limits;
mod log_files;
mod office;
mod page;
mod policies;
mod redemptions;
mod requests;
mod service;
mod socket;
mod versions;
