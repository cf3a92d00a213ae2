//! Who acts: persons, their roles in a zone, and the command they give.

mod actor;
mod command;
pub mod store;

pub use actor::{Actor, Forbidden, Login, LoginError, Role, UnknownRole};
pub use command::{Caller, Command};
