//! What an import did: for whoever gave the command, in the log, and told again when it is repeated.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::file::AwardFile;
use super::map::AwardMap;
use super::plan::Plan;
use crate::identity::Command;
use crate::journal::{self, BodyError, Entry, Idempotency, RecallError, Recorded};
use crate::tabular::RowErrors;
use crate::types::{Code, LogIndex, Money, hex};

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The list.
    pub source: Code,
    /// Rows of the file.
    pub rows: usize,
    /// Awards recorded.
    pub recorded: usize,
    /// Refusals recorded.
    pub refused: usize,
    /// Rows that were recorded before, as they are.
    pub unchanged: usize,
    /// Recorded awards that were reversed because the file has them otherwise.
    pub corrected: usize,
    /// Recorded awards that were reversed because the file has them no more.
    pub withdrawn: usize,
    /// Rows that were not recorded, with the reasons.
    pub unrecorded: RowErrors,
    /// Granted by the awards recorded, as decimal text.
    pub granted: String,
    /// Recipients registered.
    pub parties: usize,
    /// Programmes met for the first time.
    pub programmes: usize,
    /// The entry of the import; `None` if there was nothing to do.
    pub entry: Option<LogIndex>,
}

impl ImportReport {
    /// What a plan will have done.
    pub(super) fn of(map: &AwardMap, file: &AwardFile, plan: &Plan<'_>) -> Self {
        let rows = || plan.record.iter().map(|hashed| hashed.row);
        let refused = rows().filter(|row| row.granted == Money::ZERO).count();
        let granted: Money = rows().map(|row| row.granted).sum();
        Self {
            source: map.source.clone(),
            rows: file.row_count,
            recorded: plan.record.len() - refused,
            refused,
            unchanged: plan.unchanged,
            corrected: plan.corrected.len(),
            withdrawn: plan.withdrawn.len(),
            unrecorded: file.errors.clone(),
            granted: granted.to_text(map.currency),
            parties: 0,
            programmes: 0,
            entry: None,
        }
    }

    /// The entry of an import, with the key of its command.
    pub(super) fn entry(
        &self,
        command: &Command<'_>,
        map: &AwardMap,
        file: &AwardFile,
    ) -> Result<Entry, BodyError> {
        let details = Imported {
            corrected: self.corrected,
            file: hex(&file.sha256),
            granted: self.granted.clone(),
            parties: self.parties,
            programmes: self.programmes,
            recorded: self.recorded,
            refused: self.refused,
            rows: self.rows,
            source: self.source.clone(),
            unchanged: self.unchanged,
            unrecorded: self.unrecorded.total(),
            withdrawn: self.withdrawn,
        };
        Ok(Entry {
            idempotency: idempotency(command, map, file),
            ..command.entry("award.file_imported", &details)?
        })
    }
}

/// What the entry of an import says: what was imported, and from which bytes.
#[derive(Serialize, Deserialize)]
struct Imported {
    corrected: usize,
    file: String,
    granted: String,
    /// Entries of older imports don't say these two.
    #[serde(default)]
    parties: usize,
    #[serde(default)]
    programmes: usize,
    recorded: usize,
    refused: usize,
    rows: usize,
    source: Code,
    unchanged: usize,
    unrecorded: usize,
    withdrawn: usize,
}

/// The report of the same command if it was carried out before.
pub(super) async fn first_report(
    conn: &mut PgConnection,
    command: &Command<'_>,
    map: &AwardMap,
    file: &AwardFile,
) -> Result<Option<ImportReport>, RecallError> {
    let idempotency = idempotency(command, map, file);
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer(conn, zone, actor, idempotency.as_ref()).await?;
    Ok(
        first.map(|(recorded, said): (Recorded, Imported)| ImportReport {
            source: said.source,
            rows: said.rows,
            recorded: said.recorded,
            refused: said.refused,
            unchanged: said.unchanged,
            corrected: said.corrected,
            withdrawn: said.withdrawn,
            unrecorded: file.errors.clone(),
            granted: said.granted,
            parties: said.parties,
            programmes: said.programmes,
            entry: Some(recorded.index),
        }),
    )
}

/// An import is the same command if it is of the same list and the same bytes.
fn idempotency(command: &Command<'_>, map: &AwardMap, file: &AwardFile) -> Option<Idempotency> {
    command.idempotency("award.import", &(&map.source, hex(&file.sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_says_no_parties_and_programmes_is_read() {
        let said: Imported = serde_json::from_str(
            r#"{"corrected":0,"file":"00","granted":"1.00","recorded":1,"refused":0,"rows":1,
                "source":"LIST","unchanged":0,"unrecorded":0,"withdrawn":0}"#,
        )
        .unwrap();
        assert_eq!((said.recorded, said.parties, said.programmes), (1, 0, 0));
    }
}
