//! Every statement of a zone, as runs over all parties pass through them.

use sqlx::PgConnection;

use super::{Unreadable, decode};
use crate::db::{CopyOut, Fields, Malformed};
use crate::fact::merge::Head;
use crate::fact::register::Register;
use crate::fact::statement::When;
use crate::fact::values;
use crate::policy::{Fact, Source, Value};
use crate::types::{Currency, LogIndex, PartyId};

/// What is stated of one party, the facts still as text, so that a run can choose which to parse, and where.
#[derive(Debug)]
pub struct Scanned {
    /// Whom it is about.
    pub party: PartyId,
    /// When and by whom it is stated.
    pub head: Head,
    facts: String,
}

impl Scanned {
    /// Each fact that it states and that is wanted, with amounts in the zone's currency.
    pub fn each(
        &self,
        currency: Currency,
        wanted: impl Fn(Fact) -> bool,
        visit: impl FnMut(Fact, Value),
    ) -> Result<(), sqlx::Error> {
        values::each(&self.facts, currency, wanted, visit).map_err(decode)
    }

    /// From its row; `None` if no statement is written so.
    fn of(row: &Row<'_>) -> Option<Self> {
        Some(Self {
            party: row.party,
            head: Head {
                index: row.index,
                is_own: true,
                source: Source::named(row.source)?,
                when: row.when?,
                register: row.register.and_then(Register::place_of),
            },
            facts: row.facts.to_owned(),
        })
    }
}

/// Every statement about a party of the transaction's zone, those of one party together, in the order of parties' ids.
/// What is stated of every party at once is not among them: [`zone_wide`](super::zone_wide) has it.
pub struct Scan<'c>(CopyOut<'c>);

impl<'c> Scan<'c> {
    /// Begins it.
    pub async fn begin(conn: &'c mut PgConnection) -> Result<Self, sqlx::Error> {
        let statement =
            "COPY (SELECT log_index, party_id, from_day, until_day, year, source, register, facts
             FROM ledger.fact_statement
             WHERE zone_id = (SELECT ledger.current_zone()) AND party_id IS NOT NULL
             ORDER BY party_id, log_index) TO STDOUT (FORMAT binary)";
        Ok(Self(CopyOut::begin(conn, statement).await?))
    }

    /// The next ones, at most so many; none after the last one.
    pub async fn next(&mut self, most: usize) -> Result<Vec<Scanned>, sqlx::Error> {
        let rows = self.0.next(most, |fields| {
            let row = Row::read(fields)?;
            let index = row.index;
            Ok(Scanned::of(&row).ok_or(Unreadable(index)))
        });
        let rows = rows.await?.into_iter();
        rows.map(|row| row.map_err(decode)).collect()
    }
}

struct Row<'a> {
    index: LogIndex,
    party: PartyId,
    when: Option<When>,
    source: &'a str,
    register: Option<&'a str>,
    facts: &'a str,
}

impl<'a> Row<'a> {
    fn read(fields: &mut Fields<'a>) -> Result<Self, Malformed> {
        let index = fields.bigint()?.ok_or(Malformed)?;
        let party = fields.uuid()?.ok_or(Malformed)?;
        let (from, until) = (fields.date()?, fields.date()?);
        Ok(Self {
            index: LogIndex(index),
            party: PartyId(party),
            when: When::of(fields.smallint()?, from, until),
            source: fields.text()?.ok_or(Malformed)?,
            register: fields.text()?,
            facts: fields.text()?.ok_or(Malformed)?,
        })
    }
}
