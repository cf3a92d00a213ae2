//! What the ledger itself knows of every party: what it was granted of the programme before.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::load::Wanted;
use crate::policy::{Fact, Source, Table};
use crate::types::{Currency, PartyId, Zone};
use crate::voucher::{Earlier, earlier_by_party};

/// The facts of which something is known of every party. What was granted of one type is a case's own.
pub(super) const KNOWN: [Fact; 3] = [
    Fact::EarlierAwards,
    Fact::EarlierUnused,
    Fact::PriorYearUnused,
];

/// A column of a table, and the programme that it is about.
struct Column {
    table: usize,
    place: usize,
    fact: Fact,
    known: usize,
}

/// What is known of every party, for the columns that ask for it.
pub(super) struct KnownOfAll {
    currency: Currency,
    columns: Vec<Column>,
    known: Vec<HashMap<PartyId, Earlier>>,
}

impl KnownOfAll {
    /// Reads once for each policy that asks.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        wanted: &[Wanted<'_>],
        on: NaiveDate,
    ) -> Result<Self, sqlx::Error> {
        let (mut columns, mut known) = (Vec::new(), Vec::new());
        for (table, one) in wanted.iter().enumerate() {
            // Columns stand in the order of the facts that the policy wants.
            let facts = one.policy.wanted(one.moment);
            let of_table: Vec<Column> = KNOWN
                .into_iter()
                .filter(|fact| one.policy.accepts(*fact, Source::Imported))
                .filter_map(|fact| {
                    Some(Column {
                        table,
                        place: facts.binary_search(&fact).ok()?,
                        fact,
                        known: known.len(),
                    })
                })
                .collect();
            if !of_table.is_empty() {
                known.push(earlier_by_party(conn, zone, one.policy.code(), on).await?);
                columns.extend(of_table);
            }
        }
        Ok(Self {
            currency: zone.currency,
            columns,
            known,
        })
    }

    /// Fills the columns, whatever is assumed of them.
    pub(super) fn fill(&self, parties: &[PartyId], tables: &mut [Table]) {
        let nothing = Earlier::default();
        for column in &self.columns {
            let (Some(table), Some(known)) =
                (tables.get_mut(column.table), self.known.get(column.known))
            else {
                continue;
            };
            for (row, party) in parties.iter().enumerate() {
                let earlier = known.get(party).unwrap_or(&nothing);
                if let Some(value) = earlier.value(column.fact, None, self.currency) {
                    table.set(column.place, row, &value);
                }
            }
        }
    }
}
