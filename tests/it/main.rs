//! Everything that runs against a real Postgres, and the rules on the code itself.

#[cfg(test)]
mod kit;

#[cfg(test)]
mod accounting;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod award;
#[cfg(test)]
mod award_run;
#[cfg(test)]
mod books;
#[cfg(test)]
mod budget_control;
#[cfg(test)]
mod calendar;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod claim;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod earlier;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod exclusion;
#[cfg(test)]
mod fact;
#[cfg(test)]
mod http;
#[cfg(test)]
mod interleave;
#[cfg(test)]
mod job;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod log;
#[cfg(test)]
mod party;
#[cfg(test)]
mod party_statement;
#[cfg(test)]
mod payment;
#[cfg(test)]
mod payment_bank;
#[cfg(test)]
mod payment_files;
#[cfg(test)]
mod payment_returned;
#[cfg(test)]
mod payment_statement;
#[cfg(test)]
mod policy_cases;
#[cfg(test)]
mod policy_commands;
#[cfg(test)]
mod policy_diff;
#[cfg(test)]
mod policy_faults;
#[cfg(test)]
mod policy_history;
#[cfg(test)]
mod policy_properties;
#[cfg(test)]
mod policy_replay;
#[cfg(test)]
mod policy_schema;
#[cfg(test)]
mod policy_store;
#[cfg(test)]
mod policy_words;
#[cfg(test)]
mod private_postgres;
#[cfg(test)]
mod programme;
#[cfg(test)]
mod publication;
#[cfg(test)]
mod race;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod recusal;
#[cfg(test)]
mod rent;
#[cfg(test)]
mod report;
#[cfg(test)]
mod screening;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod voucher;
#[cfg(test)]
mod year_end;
