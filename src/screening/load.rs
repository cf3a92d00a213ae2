//! From Postgres into columns: what a decision of a day sees of every party.

use chrono::NaiveDate;
use futures::TryStreamExt;
use sqlx::PgConnection;

use crate::fact::store::StatementRow;
use crate::fact::{self, Head, Settled, Statement};
use crate::party::{self, Identity};
use crate::policy::{Fact, Facts, Moment, Policy, Source, Table, Value};
use crate::types::{Currency, PartyId, Zone};

/// A policy and the moment at which it is to decide.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'p> {
    /// The rules.
    pub policy: &'p Policy,
    /// What is decided.
    pub moment: Moment,
}

/// The parties of a zone, and for each policy its facts, row by row in the same order.
#[derive(Debug)]
pub struct Roll {
    /// Who is in which row.
    pub parties: Vec<PartyId>,
    /// A table for each policy that was asked for.
    pub tables: Vec<Table>,
}

/// Is told from time to time how many parties were read, out of how many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// How many parties lie between two reports of progress.
const REPORTED: usize = 10_000;

/// Reads what decisions of that day see of every party: what is stated of it, what is determined for the whole zone, and
/// its code. `assumed` holds of every party of which nothing else is known.
///
/// Parties and statements come in the order of parties' ids, so a party's statements are merged as they pass by, and
/// memory holds only the columns.
pub async fn load(
    conn: &mut PgConnection,
    zone: &Zone,
    wanted: &[Wanted<'_>],
    on: NaiveDate,
    assumed: &Facts,
    progress: Progress<'_>,
) -> Result<Roll, sqlx::Error> {
    let count = party::store::count(conn, zone.id).await?;
    let rows = usize::try_from(count).unwrap_or(0);
    let mut loader = Loader::new(zone.currency, wanted, rows, on);
    let mut parties = Vec::with_capacity(rows);
    {
        let mut identities = std::pin::pin!(party::store::identities(conn, zone.id));
        while let Some((party, identity)) = identities.try_next().await? {
            loader.identity(parties.len(), &identity);
            parties.push(party);
        }
    }
    let zone_wide = fact::store::zone_wide(conn, zone).await?;
    let mut own: Vec<StatementRow> = Vec::new();
    let mut row = 0;
    let mut statements = std::pin::pin!(fact::store::all(conn, zone.id));
    let total = u64::try_from(parties.len()).unwrap_or(0);
    loop {
        let next = statements.try_next().await?;
        let party = next.as_ref().and_then(StatementRow::party);
        // Everybody before the next statement's party is complete.
        while let Some(current) = parties.get(row).filter(|current| Some(**current) != party) {
            if party.is_some_and(|party| party < *current) {
                break;
            }
            loader.merge(row, &own, &zone_wide)?;
            own.clear();
            row += 1;
            if row % REPORTED == 0 {
                progress(u64::try_from(row).unwrap_or(0), total);
            }
        }
        match next {
            Some(statement) => own.push(statement),
            None => break,
        }
    }
    progress(total, total);
    Ok(Roll {
        parties,
        tables: loader.finish(assumed),
    })
}

/// Puts facts into the columns of every table that wants them.
struct Loader<'p> {
    currency: Currency,
    wanted: &'p [Wanted<'p>],
    tables: Vec<Table>,
    /// For each fact of the registry, by its place, its column in each table.
    columns: Vec<Vec<Option<usize>>>,
    settled: Settled,
}

impl<'p> Loader<'p> {
    fn new(currency: Currency, wanted: &'p [Wanted<'p>], rows: usize, on: NaiveDate) -> Self {
        let tables: Vec<Table> = wanted
            .iter()
            .map(|one| Table::new(one.policy, one.moment, rows, on))
            .collect();
        let column = |fact: &Fact| {
            let places = tables.iter().map(|table| {
                let given = *fact == Fact::DecidedOn;
                let place = table.facts().binary_search(fact).ok();
                place.filter(|_| !given)
            });
            places.collect()
        };
        Self {
            currency,
            wanted,
            columns: Fact::ALL.iter().map(column).collect(),
            tables,
            settled: Settled::on(on),
        }
    }

    fn wants(columns: &[Vec<Option<usize>>], fact: Fact) -> bool {
        let places = columns.get(fact.place());
        places.is_some_and(|places| places.iter().any(Option::is_some))
    }

    fn set(&mut self, row: usize, fact: Fact, source: Source, value: &Value) {
        let Some(places) = self.columns.get(fact.place()) else {
            return;
        };
        for ((table, wanted), place) in self.tables.iter_mut().zip(self.wanted).zip(places) {
            if let Some(column) = place
                && wanted.policy.accepts(fact, source)
            {
                table.set(*column, row, value);
            }
        }
    }

    /// What the register of parties knows, which no statement overrides.
    fn identity(&mut self, row: usize, identity: &Identity) {
        let code = match identity {
            Identity::Uscc(code) => code.as_str(),
            Identity::UsccOverride(code) => {
                self.set(
                    row,
                    Fact::UsccOverride,
                    Source::Verified,
                    &Value::Bool(true),
                );
                code.as_str()
            }
            Identity::OfficeNumber(_) | Identity::Name(_) | Identity::Team(_) => return,
        };
        if Self::wants(&self.columns, Fact::Uscc) {
            let code = Value::Text(code.to_owned());
            self.set(row, Fact::Uscc, Source::Imported, &code);
        }
    }

    fn merge(
        &mut self,
        row: usize,
        own: &[StatementRow],
        zone_wide: &[Statement],
    ) -> Result<(), sqlx::Error> {
        self.settled.clear();
        let mut ordered: Vec<(Head, &StatementRow)> = Vec::with_capacity(own.len());
        for statement in own {
            ordered.push((statement.head()?, statement));
        }
        ordered.sort_by(|(one, _), (other, _)| one.before(other));
        let mut found: Vec<(Fact, Source, Value)> = Vec::with_capacity(32);
        let columns = &self.columns;
        for (head, statement) in ordered {
            let settled = &mut self.settled;
            let wants = |fact| Self::wants(columns, fact);
            statement.each(self.currency, wants, |fact, value| {
                if settled.takes(&head, fact) {
                    found.push((fact, head.source, value));
                }
            })?;
        }
        // What is said of the whole zone yields to what is said of the party, so it comes after.
        let mut of_zone: Vec<(Head, &Statement)> = zone_wide
            .iter()
            .map(|statement| (statement.head(), statement))
            .collect();
        of_zone.sort_by(|(one, _), (other, _)| one.before(other));
        for (head, statement) in of_zone {
            for (fact, value) in statement.facts.iter() {
                if Self::wants(&self.columns, fact) && self.settled.takes(&head, fact) {
                    found.push((fact, head.source, value.clone()));
                }
            }
        }
        for (fact, source, value) in found {
            let is_identity = matches!(fact, Fact::Uscc | Fact::UsccOverride);
            if !is_identity {
                self.set(row, fact, source, &value);
            }
        }
        Ok(())
    }

    fn finish(mut self, assumed: &Facts) -> Vec<Table> {
        for table in &mut self.tables {
            for (fact, stated) in assumed.iter() {
                table.assume(fact, &stated.value);
            }
        }
        self.tables
    }
}
