//! Whether the ledger has of a list what a file of it says, to the cent.

use std::collections::{BTreeMap, HashMap};

use serde::ser::{Serialize, SerializeStruct, Serializer};
use sqlx::PgConnection;

use super::file::AwardFile;
use super::map::AwardMap;
use super::plan::plan;
use super::store;
use crate::types::{Code, Currency, Money, Zone};

/// Counts and sums over awards and refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Awards and refusals.
    pub rows: i64,
    /// Refusals.
    pub refused: i64,
    /// Asked for, minor units.
    pub requested: Money,
    /// Granted, minor units.
    pub granted: Money,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.refused += other.refused;
        self.requested = [self.requested, other.requested].into_iter().sum();
        self.granted = [self.granted, other.granted].into_iter().sum();
    }
}

/// A programme of which file and ledger say different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammeDifference {
    /// The programme.
    pub programme: Code,
    /// By the file.
    pub file: Totals,
    /// By the ledger.
    pub ledger: Totals,
}

/// A file and the ledger side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// What amounts are counted in.
    pub currency: Currency,
    /// Over all rows of the file that can be read.
    pub file: Totals,
    /// Over all that the ledger has of the list: the granted sum is that of the transfers themselves.
    pub ledger: Totals,
    /// Programmes in which they differ.
    pub differences: Vec<ProgrammeDifference>,
    /// Rows of the file that can't be read.
    pub unreadable: usize,
    /// Rows that the ledger has not, or has otherwise.
    pub unrecorded: usize,
    /// Awards of the ledger that the file has not, or has otherwise.
    pub not_in_file: usize,
}

impl Reconciliation {
    /// Whether nothing differs.
    pub fn agrees(&self) -> bool {
        self.file == self.ledger
            && self.differences.is_empty()
            && self.unreadable == 0
            && self.unrecorded == 0
            && self.not_in_file == 0
    }
}

/// Compares row by row, programme by programme, and in all. Run it in one snapshot.
pub async fn reconcile(
    conn: &mut PgConnection,
    zone: &Zone,
    map: &AwardMap,
    file: &AwardFile,
) -> Result<Reconciliation, sqlx::Error> {
    let salt = store::salt(conn, zone.id, &map.source).await?;
    let standing = store::standing(conn, zone.id, &map.source).await?;
    let mut in_ledger = store::totals(conn, zone.id, &map.source).await?;
    // Without a salt no row can be told, so none counts as recorded.
    let plan = plan(&file.rows, &salt.unwrap_or_default(), standing);
    let mut reconciliation = Reconciliation {
        currency: map.currency,
        file: Totals::default(),
        ledger: Totals::default(),
        differences: Vec::new(),
        unreadable: file.errors.total(),
        unrecorded: plan.record.len(),
        not_in_file: plan.withdrawn.len() + plan.corrected.len(),
    };
    for (programme, in_file) in by_programme(file) {
        let ledger = in_ledger.remove(programme.as_str()).unwrap_or_default();
        reconciliation.compare(programme.clone(), in_file, ledger);
    }
    let rest: HashMap<Code, Totals> = in_ledger
        .into_iter()
        .map(|(code, totals)| Ok((code.parse().map_err(decode)?, totals)))
        .collect::<Result<_, sqlx::Error>>()?;
    for (programme, ledger) in rest {
        reconciliation.compare(programme, Totals::default(), ledger);
    }
    reconciliation
        .differences
        .sort_by(|one, other| one.programme.cmp(&other.programme));
    Ok(reconciliation)
}

fn by_programme(file: &AwardFile) -> BTreeMap<&Code, Totals> {
    let mut totals: BTreeMap<&Code, Totals> = BTreeMap::new();
    for row in &file.rows {
        totals.entry(&row.programme.code).or_default().add(Totals {
            rows: 1,
            refused: i64::from(row.granted == Money::ZERO),
            requested: row.requested.unwrap_or_default(),
            granted: row.granted,
        });
    }
    totals
}

impl Reconciliation {
    fn compare(&mut self, programme: Code, file: Totals, ledger: Totals) {
        self.file.add(file);
        self.ledger.add(ledger);
        if file != ledger {
            self.differences.push(ProgrammeDifference {
                programme,
                file,
                ledger,
            });
        }
    }
}

fn decode(error: crate::types::TextError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

impl Serialize for Reconciliation {
    /// Amounts as decimal text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let totals = |totals: &Totals| {
            serde_json::json!({
                "rows": totals.rows,
                "refused": totals.refused,
                "requested": totals.requested.to_text(self.currency),
                "granted": totals.granted.to_text(self.currency),
            })
        };
        let differences: Vec<_> = self
            .differences
            .iter()
            .map(|difference| {
                serde_json::json!({
                    "programme": difference.programme,
                    "file": totals(&difference.file),
                    "ledger": totals(&difference.ledger),
                })
            })
            .collect();
        let mut fields = serializer.serialize_struct("Reconciliation", 8)?;
        fields.serialize_field("agrees", &self.agrees())?;
        fields.serialize_field("currency", &self.currency)?;
        fields.serialize_field("file", &totals(&self.file))?;
        fields.serialize_field("ledger", &totals(&self.ledger))?;
        fields.serialize_field("differences", &differences)?;
        fields.serialize_field("unreadable", &self.unreadable)?;
        fields.serialize_field("unrecorded", &self.unrecorded)?;
        fields.serialize_field("not_in_file", &self.not_in_file)?;
        fields.end()
    }
}
