//! The command line: one file per subcommand. Parses, calls a feature's command, prints.

pub mod log;
pub mod verify;
