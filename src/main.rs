//! Dispatch only: see [`subsidy_ledger::cli`].

fn main() {}
