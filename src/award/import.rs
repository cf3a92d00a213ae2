//! Carrying out an import: one transaction, all or nothing.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use sqlx::PgConnection;

use super::file::{AwardFile, Programme, Recipient};
use super::map::AwardMap;
use super::plan::{Hashed, Plan, Standing, plan};
use super::postings::{BudgetChanges, Placement};
use super::report::{ImportReport, first_report};
use super::store::{self, NewAward};
use crate::identity::{Command, Forbidden, Role};
use crate::journal::{
    self, BodyError, Effect, Entry, RecallError, RecordError, Recorded, Refusal, Transfer,
};
use crate::party::{self, Identity, NewParty, PartyError};
use crate::tabular::RowErrors;
use crate::types::{Code, Currency, ItemId, LogIndex, Money, Name, PartyId, hex};

/// How many entries are recorded by one call.
const BATCH: usize = 5_000;

/// Who may take over another office's awards.
const IMPORTERS: &[Role] = &[Role::Manager, Role::System];

/// What may be done to awards that are recorded and that the file has otherwise or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corrections {
    /// Nothing: such a file is refused, since it may be cut off.
    Refuse,
    /// They are reversed, and recorded anew where the file has them.
    Apply,
}

/// What may be done about rows that can't be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRows {
    /// Nothing: such a file is refused whole.
    Refuse,
    /// They are left out and reported; the others are recorded.
    Skip,
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Recipients that are new to the zone are registered.
    Parties(usize),
    /// Entries are recorded.
    Entries(usize),
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Rows are wrong.
    #[error(
        "nothing was imported: {0}\ncorrect the file or the map, or leave these rows out with --skip-bad-rows"
    )]
    Rows(RowErrors),
    /// The list is in another currency than the zone's budget.
    #[error(
        "the map says {map}, but the zone's currency is {zone}: import it into a zone in {map}"
    )]
    Currency {
        /// That of the map.
        map: Currency,
        /// That of the zone.
        zone: Currency,
    },
    /// Recorded awards would be reversed.
    #[error(
        "nothing was imported: the file has {corrected} of the recorded awards otherwise and \
         {withdrawn} not at all; if it is the whole list as corrected, repeat with --correct"
    )]
    WouldReverse {
        /// Those that the file has otherwise.
        corrected: usize,
        /// Those that it has not.
        withdrawn: usize,
    },
    /// Rows that can't be read, and recorded awards that no row has.
    #[error(
        "nothing was imported: {unreadable} rows can't be read and {withdrawn} recorded awards have no \
         row: they may be the same; correct the rows first"
    )]
    Unclear {
        /// Rows with errors.
        unreadable: usize,
        /// Awards without a row.
        withdrawn: usize,
    },
    /// A programme of another name has the code.
    #[error(
        "the programme {name:?} gets the code {code}, which {known:?} has: give it a code of its own \
         under [options.programmes] in the map"
    )]
    ProgrammeTaken {
        /// The code.
        code: Code,
        /// Name in the file.
        name: String,
        /// Name that has the code.
        known: String,
    },
    /// The list's salt was erased, so its rows can't be told from new ones.
    #[error("the salt of the list {0} was erased: its rows can't be recognised any more")]
    Erased(Code),
    /// The journal refused what a row or award moves.
    #[error("nothing was imported: {about}: {refusal}")]
    Refused {
        /// The row or award.
        about: String,
        /// Why.
        refusal: Refusal,
    },
    /// Recipients could not be registered.
    #[error(transparent)]
    Party(#[from] PartyError),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entries were not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Brings the zone in line with a file of a list. The same file again does nothing. The caller's transaction must be rolled back on an error.
pub async fn import(
    conn: &mut PgConnection,
    command: &Command<'_>,
    map: &AwardMap,
    file: &AwardFile,
    corrections: Corrections,
    bad_rows: BadRows,
    progress: &(dyn Fn(Stage) + Sync),
) -> Result<ImportReport, ImportError> {
    command.actor.require(IMPORTERS)?;
    if bad_rows == BadRows::Refuse {
        file.errors.clone().check().map_err(ImportError::Rows)?;
    }
    if map.currency != command.zone.currency {
        return Err(ImportError::Currency {
            map: map.currency,
            zone: command.zone.currency,
        });
    }
    let salt = store::lock_source(conn, command.zone.id, &map.source, command.now)
        .await?
        .ok_or_else(|| ImportError::Erased(map.source.clone()))?;
    if let Some(first) = first_report(conn, command, map, file).await? {
        return Ok(first);
    }
    let standing = store::standing(conn, command.zone.id, &map.source).await?;
    let plan = plan(&file.rows, &salt, standing);
    check_reversals(&plan, file, corrections)?;
    let mut report = ImportReport::of(map, file, &plan);
    if plan.record.is_empty() && plan.withdrawn.is_empty() {
        return Ok(report);
    }
    report.programmes = open_programmes(conn, command, map, &plan).await?;
    let parties = Parties::register(conn, command, map, &plan, progress).await?;
    report.parties = parties.registered;
    let placements: Vec<Placement> = plan
        .record
        .iter()
        .map(|hashed| parties.place(hashed))
        .collect();
    let work = Work {
        command,
        map,
        file,
        plan: &plan,
        placements: &placements,
        report: &report,
    };
    report.entry = Some(work.carry_out(conn, progress).await?);
    Ok(report)
}

fn check_reversals(
    plan: &Plan<'_>,
    file: &AwardFile,
    corrections: Corrections,
) -> Result<(), ImportError> {
    let (corrected, withdrawn) = (plan.corrected.len(), plan.withdrawn.len());
    if corrections == Corrections::Refuse && corrected + withdrawn > 0 {
        return Err(ImportError::WouldReverse {
            corrected,
            withdrawn,
        });
    }
    if file.errors.total() > 0 && withdrawn > 0 {
        return Err(ImportError::Unclear {
            unreadable: file.errors.total(),
            withdrawn,
        });
    }
    Ok(())
}

/// Gives new programmes their rows, and refuses a code that another programme has.
async fn open_programmes(
    conn: &mut PgConnection,
    command: &Command<'_>,
    map: &AwardMap,
    plan: &Plan<'_>,
) -> Result<usize, ImportError> {
    let named: BTreeSet<&Programme> = plan
        .record
        .iter()
        .map(|hashed| &hashed.row.programme)
        .collect();
    let codes: Vec<&str> = named
        .iter()
        .map(|programme| programme.code.as_str())
        .collect();
    let known = store::programme_names(conn, command.zone.id, &codes).await?;
    let mut new = Vec::new();
    for programme in named {
        match known.get(programme.code.as_str()) {
            Some(name) if name == programme.name.as_str() => {}
            Some(name) => {
                return Err(ImportError::ProgrammeTaken {
                    code: programme.code.clone(),
                    name: programme.name.to_string(),
                    known: name.clone(),
                });
            }
            None => new.push(programme),
        }
    }
    store::insert_programmes(conn, command.zone.id, &map.source, &new).await?;
    Ok(new.len())
}

/// Recipients as parties of the zone.
struct Parties {
    ids: HashMap<Identity, PartyId>,
    registered: usize,
}

impl Parties {
    /// Finds recipients, and registers those that the zone does not know.
    async fn register(
        conn: &mut PgConnection,
        command: &Command<'_>,
        map: &AwardMap,
        plan: &Plan<'_>,
        progress: &(dyn Fn(Stage) + Sync),
    ) -> Result<Self, ImportError> {
        let mut named = HashMap::new();
        let mut identities = Vec::new(); // in the order of the file
        for hashed in &plan.record {
            if let Recipient::Party(identity, name) = &hashed.row.recipient
                && named.insert(identity, name).is_none()
            {
                identities.push(identity);
            }
        }
        let known = party::store::known(conn, command.zone.id, &identities).await?;
        let mut ids = HashMap::new();
        let mut new = Vec::new();
        for (identity, known) in identities.into_iter().zip(known) {
            match (known, named.get(identity)) {
                (Some(party), _) => {
                    ids.insert(identity.clone(), party);
                }
                (None, Some(name)) => new.push(NewParty {
                    identity: identity.clone(),
                    name: (*name).clone(),
                    roles: map.roles.clone(),
                    group: None,
                }),
                (None, None) => {}
            }
        }
        progress(Stage::Parties(new.len()));
        // The key is the import's own; registering is part of it.
        let part = Command {
            key: None,
            ..*command
        };
        for batch in new.chunks(BATCH) {
            let registered = party::register(conn, &part, batch).await?;
            let named = batch.iter().map(|party| party.identity.clone());
            ids.extend(named.zip(registered.iter().map(|party| party.party)));
        }
        Ok(Self {
            ids,
            registered: new.len(),
        })
    }

    fn place(&self, hashed: &Hashed<'_>) -> Placement {
        let party = match &hashed.row.recipient {
            Recipient::Party(identity, _) => self.ids.get(identity).copied(),
            Recipient::Anonymous => None,
        };
        Placement {
            award: ItemId::generate(),
            programme: hashed.row.programme.code.clone(),
            year: hashed.row.year(),
            party,
            granted: hashed.row.granted,
        }
    }
}

/// A planned import about to be recorded.
struct Work<'a> {
    command: &'a Command<'a>,
    map: &'a AwardMap,
    file: &'a AwardFile,
    plan: &'a Plan<'a>,
    /// Of the rows to be recorded, in their order.
    placements: &'a [Placement],
    report: &'a ImportReport,
}

impl Work<'_> {
    /// Takes back, changes authority, records, and closes with the entry of the import.
    async fn carry_out(
        &self,
        conn: &mut PgConnection,
        progress: &(dyn Fn(Stage) + Sync),
    ) -> Result<LogIndex, ImportError> {
        let zone = self.command.zone.id;
        let reversed = self.reversals()?;
        let budget = self.budget_changes()?;
        let awards = self.awards()?;
        progress(Stage::Entries(
            reversed.len() + budget.len() + awards.len() + 1,
        ));

        let recorded = self
            .record(conn, reversed, |at| self.about_reversal(at))
            .await?;
        let marks: Vec<(ItemId, LogIndex)> = self
            .reversed()
            .zip(&recorded)
            .map(|(award, recorded)| (award.placement.award, recorded.index))
            .collect();
        store::mark_reversed(conn, zone, &marks).await?;
        self.record(conn, budget, |_| "the budget of the awards".to_owned())
            .await?;

        let recorded = self.record(conn, awards, |at| self.about_row(at)).await?;
        let rows: Vec<NewAward<'_>> = self
            .plan
            .record
            .iter()
            .zip(self.placements)
            .zip(recorded)
            .map(|((hashed, placement), recorded)| NewAward {
                hashed: *hashed,
                placement,
                recorded,
            })
            .collect();
        for batch in rows.chunks(BATCH) {
            store::insert_awards(conn, zone, &self.map.source, batch).await?;
        }
        let closing = journal::record_one(
            conn,
            self.command.zone,
            self.command.now,
            self.report.entry(self.command, self.map, self.file)?,
        )
        .await?;
        store::insert_file(conn, zone, &self.map.source, self.file, closing).await?;
        Ok(closing.index)
    }

    async fn record(
        &self,
        conn: &mut PgConnection,
        entries: Vec<Entry>,
        about: impl Fn(usize) -> String,
    ) -> Result<Vec<Recorded>, ImportError> {
        let mut recorded = Vec::with_capacity(entries.len());
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let batch: Vec<Entry> = entries.by_ref().take(BATCH).collect();
            let outcomes =
                journal::record(conn, self.command.zone, self.command.now, &batch).await?;
            for outcome in outcomes {
                recorded.push(outcome.map_err(|refusal| ImportError::Refused {
                    about: about(recorded.len()),
                    refusal,
                })?);
            }
        }
        Ok(recorded)
    }

    /// Awards to take back, in the order in which they are.
    fn reversed(&self) -> impl Iterator<Item = &Standing> {
        self.plan.corrected.iter().chain(&self.plan.withdrawn)
    }

    fn about_reversal(&self, at: usize) -> String {
        let award = self.reversed().nth(at);
        award.map_or_else(String::new, |award| {
            format!("the award of entry {}", award.index)
        })
    }

    fn about_row(&self, at: usize) -> String {
        let hashed = self.plan.record.get(at);
        hashed.map_or_else(String::new, |hashed| format!("row {}", hashed.row.number))
    }

    /// An entry takes back an award on the day of the import.
    fn reversals(&self) -> Result<Vec<Entry>, BodyError> {
        #[derive(Serialize)]
        struct Withdrawn<'a> {
            corrected: bool,
            file: &'a str,
            source: &'a Code,
        }
        let file = hex(&self.file.sha256);
        let corrected = self.plan.corrected.len();
        let entries = self.reversed().enumerate().map(|(at, award)| {
            let transfers = award.placement.transfers(self.map.currency);
            Ok(Entry {
                effective: self.command.today(),
                subject: Some(award.placement.award.0),
                transfers: transfers.into_iter().map(Transfer::reversed).collect(),
                effect: Effect::Reversing(award.index),
                ..self.command.entry(
                    "award.withdrawn",
                    &Withdrawn {
                        corrected: at < corrected,
                        file: &file,
                        source: &self.map.source,
                    },
                )?
            })
        });
        entries.collect()
    }

    /// Authority is what was granted: as of the year's first day where it grows, since the awards count
    /// from then, and of today where it shrinks.
    fn budget_changes(&self) -> Result<Vec<Entry>, BodyError> {
        #[derive(Serialize)]
        struct Budget<'a> {
            change: String,
            name: Option<&'a Name>,
            programme: &'a Code,
            source: &'a Code,
            year: String,
        }
        let mut changes = BudgetChanges::default();
        self.reversed()
            .for_each(|award| changes.take_back(&award.placement));
        self.placements
            .iter()
            .for_each(|placement| changes.grant(placement));
        let rows = self.plan.record.iter().map(|hashed| &hashed.row.programme);
        let names: HashMap<&Code, &Name> = rows
            .map(|programme| (&programme.code, &programme.name))
            .collect();
        let entries =
            changes
                .transfers(self.map.currency)
                .map(|(programme, year, change, transfers)| {
                    let details = Budget {
                        change: change.to_text(self.map.currency),
                        name: names.get(&programme).copied(),
                        programme: &programme,
                        source: &self.map.source,
                        year: year.to_string(),
                    };
                    let first_day = year.period().from();
                    Ok(Entry {
                        effective: if change > Money::ZERO {
                            first_day
                        } else {
                            self.command.today()
                        },
                        transfers,
                        ..self.command.entry("award.budget_set", &details)?
                    })
                });
        entries.collect()
    }

    /// What the entry of an award says: the party by its id, and of the row only a salted hash.
    fn awards(&self) -> Result<Vec<Entry>, BodyError> {
        #[derive(Serialize)]
        struct Award<'a> {
            commitment: String,
            granted: String,
            party: Option<PartyId>,
            programme: &'a Code,
            requested: Option<String>,
            row: String,
            source: &'a Code,
            year: String,
        }
        let currency = self.map.currency;
        let entries = self
            .plan
            .record
            .iter()
            .zip(self.placements)
            .map(|(hashed, placement)| {
                let row = hashed.row;
                let details = Award {
                    commitment: hex(&hashed.content),
                    granted: row.granted.to_text(currency),
                    party: placement.party,
                    programme: &placement.programme,
                    requested: row.requested.map(|amount| amount.to_text(currency)),
                    row: row.number.to_string(),
                    source: &self.map.source,
                    year: placement.year.to_string(),
                };
                let transfers = placement.transfers(currency);
                let kind = if transfers.is_empty() {
                    "award.refused"
                } else {
                    "award.imported"
                };
                Ok(Entry {
                    effective: row.day,
                    subject: Some(placement.award.0),
                    transfers,
                    ..self.command.entry(kind, &details)?
                })
            });
        entries.collect()
    }
}
