//! Why a command on facts was not carried out.

use super::file::FileError;
use super::statement::{NotStatable, NotYet};
use crate::identity::Forbidden;
use crate::journal::{BodyError, RecallError, RecordError};
use crate::policy::Fact;
use crate::tabular::RowErrors;
use crate::types::{LogIndex, PartyId};

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Rows of a file are wrong.
    #[error("nothing was imported: {0}")]
    Rows(RowErrors),
    /// A file can't be read as facts.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no such party, or it is none of the actor's business.
    #[error("there is no party {0} in this zone: `party list --search` finds parties by name")]
    UnknownParty(PartyId),
    /// Nothing to state.
    #[error("no fact is stated: give name=value, by the names of `facts list`")]
    Nothing,
    /// A fact that can't be stated in this way.
    #[error(transparent)]
    NotStatable(#[from] NotStatable),
    /// A time that has not come.
    #[error(transparent)]
    NotYet(#[from] NotYet),
    /// Checked against nothing.
    #[error(
        "what is verified was checked against documents: give the SHA-256 of each with --evidence"
    )]
    NoEvidence,
    /// A register's facts come by its file.
    #[error("imported facts come from a register's file: `facts import --register NAME`")]
    NoRegister,
    /// Another value is recorded from the same source for the same time.
    #[error(
        "contradicts entry {entry}: {fact} is {recorded} there and {stated} here, both {source_text} and {when}; \
         if that was wrong, repeat with --correct"
    )]
    Contradiction {
        /// The entry that says otherwise.
        entry: LogIndex,
        /// What it is about.
        fact: &'static str,
        /// What the entry says.
        recorded: String,
        /// What is stated now.
        stated: String,
        /// The source of both.
        source_text: &'static str,
        /// The time of both.
        when: String,
    },
    /// A whole register does not name a party that it is recorded to have had on the same day.
    #[error(
        "entry {entry} says that the party {party} stands in the register from the day on as of which the file is \
         the whole of it, and the file does not name it; if the entry is wrong, repeat with --correct"
    )]
    NotNamed {
        /// Who.
        party: PartyId,
        /// The entry that says otherwise.
        entry: LogIndex,
    },
    /// Not a fact that the office determines.
    #[error("{0} is not for the office to determine: `facts list` says who states it")]
    NotOffices(Fact),
    /// There is no such proposal.
    #[error("entry {0} proposes no determination in this zone: `facts determinations` lists them")]
    NoProposal(LogIndex),
    /// The proposal was confirmed before.
    #[error(
        "the determination that entry {proposed} proposes was confirmed by entry {confirmed} already"
    )]
    Confirmed {
        /// The proposal.
        proposed: LogIndex,
        /// The confirmation.
        confirmed: LogIndex,
    },
    /// One person alone.
    #[error("the determination of entry {0} must be confirmed by another person than proposed it")]
    SamePerson(LogIndex),
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
