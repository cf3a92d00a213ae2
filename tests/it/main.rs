//! Everything that runs against a real Postgres, and the rules on the code itself.

#[cfg(test)]
mod kit;

#[cfg(test)]
mod journal;
#[cfg(test)]
mod private_postgres;
#[cfg(test)]
mod server;
#[cfg(test)]
mod transactions;
