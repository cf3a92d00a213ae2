//! The HTTP service: what it answers, how it refuses, what it withstands.

mod coalescing;
mod limits;
mod log_files;
mod page;
mod policies;
mod redemptions;
mod requests;
mod service;
mod socket;
