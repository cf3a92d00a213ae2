//! Everything that runs against a real Postgres, and the rules on the code itself.

mod kit;

mod private_postgres;
mod transactions;
