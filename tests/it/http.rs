//! The HTTP service: what it answers, how it refuses, what it withstands.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it stands"
)]

mod coalescing;
mod limits;
mod log_files;
mod page;
mod redemptions;
mod requests;
mod service;
mod socket;
