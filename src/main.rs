//! Dispatch only: see [`subsidy_ledger::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    subsidy_ledger::cli::main()
}
