//! Postgres: the private server, pools by role, migrations, transactions, constraint names.
//!
//! ```text
//! Server::open(target)   starts or reaches the server, checks that it is fit
//!   .migrate()           brings the schema up to date, as the owner
//!   .connect(role, n)    -> Database: a pool whose sessions act as that role
//!       .write(zone, input, body)     one transaction, in a task of its own
//!       .read(zone, input, body)      one snapshot, read-only
//!   .close()             stops the private server when we were its last user
//! ```

mod check;
mod copy;
mod database;
pub mod private;
mod roles;
mod server;
mod turn;

pub use check::{UnfitServer, check_server};
pub use copy::{CopyOut, Fields, Malformed};
pub use database::{Database, Overtaken, enter_zone, is_busy, is_lost, plan_each_time};
pub use roles::Role;
pub use server::{MIGRATIONS, Server, ServerError, is_current, migrate};
pub use turn::Turn;

/// The named constraint that a statement violated, to map errors by.
pub fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}
