//! The number of a registration or certificate is one party's.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::file::FactFile;
use super::statement::{Begin, Draft};
use super::store::{self, Holder};
use super::values::Values;
use crate::identity::Command;
use crate::tabular::{RowError, RowErrors};
use crate::types::{Currency, PartyId};

/// How many numbers are looked up by one statement.
const BATCH: usize = 20_000;

/// Refuses rows with a number that another row, or the ledger, has for another party. A recorded statement that a row
/// of its own party corrects holds no number any longer.
pub(super) async fn check(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &FactFile,
    named: &HashMap<&str, PartyId>,
    errors: &mut RowErrors,
) -> Result<(), sqlx::Error> {
    let Some(register) = file
        .options
        .register
        .as_ref()
        .filter(|one| one.has_numbers())
    else {
        return Ok(());
    };
    let absence = register.absence();
    let mut first: HashMap<&str, (PartyId, u64)> = HashMap::new();
    let mut said: HashMap<(PartyId, Begin), Said<'_>> = HashMap::new();
    for row in &file.rows {
        let Some(party) = named.get(row.party.as_str()).copied() else {
            continue;
        };
        let says = said_by(&row.draft, absence.as_ref(), command.zone.currency);
        said.insert((party, row.draft.when.begin()), says);
        let Said::Number(number) = says else { continue };
        let (holder, line) = *first.entry(number).or_insert((party, row.number));
        if holder != party {
            let problem = format!("row {line} gives the number to another party");
            errors.push(taken(row.number, number, problem));
        }
    }
    let mut numbers: Vec<&str> = first.keys().copied().collect();
    numbers.sort_unstable();
    for numbers in numbers.chunks(BATCH) {
        for holder in store::holders(conn, command.zone.id, register, numbers).await? {
            let number = holder.number.as_str();
            let Some((asking, line)) = first.get(number).copied() else {
                continue;
            };
            let corrected = match said.get(&(holder.party, Begin::Day(holder.from))) {
                Some(Said::Number(other)) => *other != number,
                Some(Said::Absent) => true,
                Some(Said::NoNumber) | None => false,
            };
            if asking != holder.party && !corrected {
                let Holder {
                    identifier, entry, ..
                } = &holder;
                let problem = format!("entry {entry} gives the number to {identifier}");
                errors.push(taken(line, number, problem));
            }
        }
    }
    Ok(())
}

fn taken(row: u64, number: &str, problem: String) -> RowError {
    let remedy = "a number is one party's: correct the row, or first import what is right of the other party";
    RowError::of_cell(row, "reference", number, problem, remedy)
}

/// What a row says of numbers.
#[derive(Clone, Copy, Debug)]
enum Said<'a> {
    /// Its party has this one.
    Number(&'a str),
    /// Nothing: the party keeps the one it has.
    NoNumber,
    /// Its party does not stand in the register.
    Absent,
}

fn said_by<'a>(draft: &'a Draft, absence: Option<&Values>, currency: Currency) -> Said<'a> {
    let facts = Values::parse(&draft.facts, currency).unwrap_or_default();
    let says = |(fact, value)| facts.get(fact) == Some(value);
    if absence.is_some_and(|absence| absence.iter().all(says)) {
        return Said::Absent;
    }
    let number = draft.reference.as_ref();
    number.map_or(Said::NoNumber, |number| Said::Number(number.as_str()))
}
