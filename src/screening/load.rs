//! From Postgres into columns: what a decision of a day sees of every party.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::sync::mpsc;
use tokio::task;

use super::earlier::{KNOWN, KnownOfAll};
use crate::fact::store::Scanned;
use crate::fact::{self, Head, LASTING, Settled, Statement, expired};
use crate::journal::{self, AsOf};
use crate::party::{self, Identity, PartyRole};
use crate::policy::{Fact, Facts, Moment, Payee, Policy, Source, Table, Value};
use crate::types::{Currency, PartyId, Zone};

/// A policy, the moment at which it is to decide, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'p> {
    /// The rules.
    pub policy: &'p Policy,
    /// What is decided.
    pub moment: Moment,
    /// Which parties are looked at.
    pub among: Among,
}

impl<'p> Wanted<'p> {
    /// For those whom it concerns: enterprises hold vouchers, claims come from whoever is paid; what a party is
    /// recognised as, its pack does not say of a role.
    pub const fn new(policy: &'p Policy, moment: Moment) -> Self {
        let among = match (moment, policy.payee()) {
            (Moment::Grant | Moment::Redemption, _) | (Moment::Claim, Some(Payee::Firm)) => {
                Among::Enterprise
            }
            (Moment::Claim, Some(Payee::Carrier)) => Among::Carrier,
            (Moment::Claim, Some(Payee::Provider)) => Among::Provider,
            (Moment::Claim, None) | (Moment::Recognition, _) => Among::Any,
        };
        Self {
            policy,
            moment,
            among,
        }
    }

    /// For others, if that is asked.
    #[must_use]
    pub fn among(mut self, asked: Option<Among>) -> Self {
        self.among = asked.unwrap_or(self.among);
        self
    }
}

/// The facts that are assumed in vain: no pack asks for them at its moment, or they are known of every party.
pub(super) fn assumed_in_vain(assumed: &Facts, wanted: &[Wanted<'_>]) -> Vec<Fact> {
    let is_asked = |fact: Fact| {
        let mut asking = wanted.iter();
        asking.any(|one| one.policy.wanted(one.moment).binary_search(&fact).is_ok())
    };
    let is_known = |fact| matches!(fact, Fact::DecidedOn | Fact::Uscc) || KNOWN.contains(&fact);
    let facts = assumed.iter().map(|(fact, _)| fact);
    facts
        .filter(|fact| is_known(*fact) || !is_asked(*fact))
        .collect()
}

/// Which parties of a zone are looked at, by their role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// Enterprises.
    Enterprise,
    /// Incubators and other carriers.
    Carrier,
    /// Providers of services.
    Provider,
    /// All of them.
    Any,
}

impl Among {
    /// The role; `None` for all.
    pub const fn role(self) -> Option<PartyRole> {
        match self {
            Self::Enterprise => Some(PartyRole::Enterprise),
            Self::Carrier => Some(PartyRole::Carrier),
            Self::Provider => Some(PartyRole::Provider),
            Self::Any => None,
        }
    }

    /// Those of two questions.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }
}

/// The parties of a zone, and for each policy its facts, row by row in the same order.
#[derive(Debug)]
pub struct Roll {
    /// Who is in which row.
    pub parties: Vec<PartyId>,
    /// A table for each policy that was asked for.
    pub tables: Vec<Table>,
    /// How many of the parties were registered after the day.
    pub registered_since: usize,
}

/// Is told from time to time how many parties were read, out of how many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// How many statements go from the reader to the loader at once, and how many such batches may wait.
const BATCH: usize = 4_096;
const WAITING: usize = 4;

/// Reads what decisions of that day see of every party that is asked about: what is stated of it, what is determined for
/// the whole zone, and its code. `assumed` holds of every party of which nothing else is known.
///
/// Parties and statements come in the order of parties' ids, so a party's statements are merged as they pass by, and
/// memory holds only the columns. One thread reads rows while another merges what it read.
pub async fn load(
    conn: &mut PgConnection,
    zone: &Zone,
    wanted: &[Wanted<'_>],
    on: NaiveDate,
    assumed: &Facts,
    progress: Progress<'_>,
) -> Result<Roll, sqlx::Error> {
    let among = wanted.iter().map(|one| one.among).reduce(Among::or);
    let role = among.and_then(Among::role);
    let total = party::store::count(conn, zone.id, role).await?;
    let rows = usize::try_from(total).unwrap_or(0);
    let end_of_day = AsOf::Recorded(zone.time.end_of(on));
    let size = journal::size_at(conn, zone.id, end_of_day).await?;
    let mut registered_since = 0;
    let mut loader = Loader::new(zone.currency, wanted, rows, on);
    let mut parties = Vec::with_capacity(rows);
    {
        let mut scan = party::store::Scan::begin(conn, role).await?;
        loop {
            let batch = scan.next(BATCH).await?;
            if batch.is_empty() {
                break;
            }
            for party in batch {
                if let Some(code) = &party.code {
                    loader.code(parties.len(), code);
                }
                parties.push(party.id);
                registered_since += usize::from(party.entry.0 >= size);
            }
        }
    }
    let total = u64::try_from(parties.len()).unwrap_or(0);
    let zone_wide = fact::store::zone_wide(conn, zone).await?;
    let earlier = KnownOfAll::read(conn, zone, wanted, on).await?;
    let done = Arc::new(AtomicU64::new(0));
    let (sender, receiver) = mpsc::channel(WAITING);
    let merging = {
        let done = Arc::clone(&done);
        task::spawn_blocking(move || loader.merge_all(parties, &zone_wide, receiver, &done))
    };
    let mut scan = fact::store::Scan::begin(conn).await?;
    loop {
        let batch = scan.next(BATCH).await?;
        // A receiver that is gone failed, and says why.
        if batch.is_empty() || sender.send(batch).await.is_err() {
            break;
        }
        progress(done.load(Relaxed), total);
    }
    drop(sender);
    let (mut loader, parties) = merging.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
    progress(total, total);
    loader.assume(assumed);
    earlier.fill(&parties, &mut loader.tables);
    Ok(Roll {
        parties,
        tables: loader.tables,
        registered_since,
    })
}

/// A column that a fact fills, if it comes from one of these sources.
#[derive(Clone, Debug)]
struct Target {
    table: usize,
    column: usize,
    accepted: Vec<Source>,
}

/// Puts facts into the columns of every table that wants them.
struct Loader {
    currency: Currency,
    on: NaiveDate,
    tables: Vec<Table>,
    /// For each fact of the registry, by its place, where it goes.
    targets: Vec<Vec<Target>>,
    settled: Settled,
    /// What counts of the party at hand.
    found: Vec<(Fact, Source, Value)>,
}

impl Loader {
    fn new(currency: Currency, wanted: &[Wanted<'_>], rows: usize, on: NaiveDate) -> Self {
        let tables: Vec<Table> = wanted
            .iter()
            .map(|one| Table::new(one.policy, one.moment, rows, on))
            .collect();
        let target = |fact: Fact, table: usize| {
            let column = tables.get(table)?.facts().binary_search(&fact).ok()?;
            let policy = wanted.get(table)?.policy;
            let mut accepted = Source::ALL.to_vec();
            accepted.retain(|source| policy.accepts(fact, *source));
            Some(Target {
                table,
                column,
                accepted,
            })
        };
        let of_fact = |fact: &Fact| -> Vec<Target> {
            // A table knows the day already.
            let of_tables = (0..tables.len()).filter(|_| *fact != Fact::DecidedOn);
            of_tables.filter_map(|table| target(*fact, table)).collect()
        };
        Self {
            currency,
            on,
            targets: Fact::ALL.iter().map(of_fact).collect(),
            tables,
            settled: Settled::on(on),
            found: Vec::new(),
        }
    }

    fn set(&mut self, row: usize, fact: Fact, source: Source, value: &Value) {
        for target in self.targets.get(fact.place()).into_iter().flatten() {
            if target.accepted.contains(&source)
                && let Some(table) = self.tables.get_mut(target.table)
            {
                table.set(target.column, row, value);
            }
        }
    }

    /// What the register of parties knows, which no statement overrides.
    fn code(&mut self, row: usize, identity: &Identity) {
        let code = match identity {
            Identity::Uscc(code) => code.as_str(),
            Identity::UsccOverride(code) => {
                let accepted = Value::Bool(true);
                self.set(row, Fact::UsccOverride, Source::Verified, &accepted);
                code.as_str()
            }
            Identity::OfficeNumber(_) | Identity::Name(_) | Identity::Team(_) => return,
        };
        if wants(&self.targets, Fact::Uscc) {
            let code = Value::Text(code.to_owned());
            self.set(row, Fact::Uscc, Source::Imported, &code);
        }
    }

    /// Merges statements that come in the order of the parties, row by row. `done` counts rows.
    fn merge_all(
        mut self,
        parties: Vec<PartyId>,
        zone_wide: &[Statement],
        mut batches: mpsc::Receiver<Vec<Scanned>>,
        done: &AtomicU64,
    ) -> Result<(Self, Vec<PartyId>), sqlx::Error> {
        let mut rows = parties.iter().enumerate().peekable();
        let mut own: Vec<Scanned> = Vec::new();
        while let Some(batch) = batches.blocking_recv() {
            for statement in batch {
                // Everybody before this statement's party is complete.
                let before = |(_, party): &(usize, &PartyId)| **party < statement.party;
                while let Some((row, _)) = rows.next_if(before) {
                    self.merge(row, &own, zone_wide)?;
                    own.clear();
                    done.fetch_add(1, Relaxed);
                }
                // Of others, or of a party that came into the zone after the parties were read, nothing is asked.
                if rows
                    .peek()
                    .is_some_and(|(_, party)| **party == statement.party)
                {
                    own.push(statement);
                }
            }
        }
        for (row, _) in rows {
            self.merge(row, &own, zone_wide)?;
            own.clear();
        }
        Ok((self, parties))
    }

    fn merge(
        &mut self,
        row: usize,
        own: &[Scanned],
        zone_wide: &[Statement],
    ) -> Result<(), sqlx::Error> {
        self.settled.clear();
        let mut ordered: Vec<&Scanned> = own.iter().collect();
        ordered.sort_by(|one, other| one.head.before(&other.head));
        let mut found = mem::take(&mut self.found);
        let (targets, settled) = (&self.targets, &mut self.settled);
        for statement in ordered {
            let head = statement.head;
            if !settled.admits(&head) {
                continue;
            }
            let wanted = |fact| wants(targets, fact) || is_last_day(targets, fact);
            statement.each(self.currency, wanted, |fact, value| {
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
                if wants(targets, fact) && settled.takes(&head, fact) {
                    found.push((fact, head.source, value.clone()));
                }
            }
        }
        lapse(&mut found, self.on);
        for (fact, source, value) in found.drain(..) {
            let is_identity = matches!(fact, Fact::Uscc | Fact::UsccOverride);
            if !is_identity {
                self.set(row, fact, source, &value);
            }
        }
        self.found = found;
        Ok(())
    }

    fn assume(&mut self, assumed: &Facts) {
        for table in &mut self.tables {
            for (fact, stated) in assumed.iter() {
                table.assume(fact, &stated.value);
            }
        }
    }
}

/// Whether a standing that is wanted may be over on this day.
fn is_last_day(targets: &[Vec<Target>], fact: Fact) -> bool {
    let mut lasting = LASTING.iter();
    lasting.any(|(status, last_day)| *last_day == fact && wants(targets, *status))
}

/// As [`fact::merge`] does it, of what was found of one party.
fn lapse(found: &mut [(Fact, Source, Value)], on: NaiveDate) {
    for (status, last_day) in LASTING {
        let value = |asked| {
            let mut found = found.iter();
            found.find_map(|(fact, _, value)| (*fact == asked).then_some(value))
        };
        let Some(expired) = expired(status, value(status), value(last_day), on) else {
            continue;
        };
        if let Some((_, _, value)) = found.iter_mut().find(|(fact, ..)| *fact == status) {
            *value = expired;
        }
    }
}

fn wants(targets: &[Vec<Target>], fact: Fact) -> bool {
    let targets = targets.get(fact.place());
    targets.is_some_and(|targets| !targets.is_empty())
}
