//! Why a command on facts was not carried out.

use chrono::NaiveDate;

use super::file::FileError;
use super::possible::Impossible;
use super::register::Register;
use super::statement::{NotStatable, WrongTime};
use crate::identity::Forbidden;
use crate::journal::{BodyError, RecallError, RecordError};
use crate::policy::{self, Fact};
use crate::tabular::RowErrors;
use crate::types::{Code, LogIndex, Name, PartyId};

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
    WrongTime(#[from] WrongTime),
    /// A value that can't be.
    #[error(transparent)]
    Impossible(#[from] Impossible),
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
    /// A whole register does not name parties, each with the entry by which it stands in it since the same day.
    #[error(
        "the file is the whole register as of a day, and does not name parties that stand in it by an entry of that very \
         day:{}; name them, or repeat with --correct where the entry was not made by two persons",
        listed(.0)
    )]
    NotNamed(Vec<(String, LogIndex)>),
    /// Not a fact that the office determines.
    #[error("{0} is not for the office to determine: `facts list` says who states it")]
    NotOffices(Fact),
    /// There is no such proposal.
    #[error(
        "entry {0} proposes nothing to confirm in this zone: `facts determinations` lists what waits"
    )]
    NoProposal(LogIndex),
    /// The proposal was confirmed before.
    #[error("what entry {proposed} proposes was confirmed by entry {confirmed} already")]
    Confirmed {
        /// The proposal.
        proposed: LogIndex,
        /// The confirmation.
        confirmed: LogIndex,
    },
    /// The same was proposed before.
    #[error(
        "entry {proposed} proposes the same, {}",
        if *.is_confirmed { "and it is confirmed: nothing is left to determine" } else { "and waits for another person: `facts confirm`" }
    )]
    Determined {
        /// The proposal.
        proposed: LogIndex,
        /// Whether another person has confirmed it.
        is_confirmed: bool,
    },
    /// One person alone.
    #[error("what entry {0} proposes must be confirmed by another person than proposed it")]
    SamePerson(LogIndex),
    /// The programme is none that enters anybody in a register.
    #[error(
        "{0} recognises nobody in a register of this ledger: a programme whose code is TECH-SME, HNTE or SIZE-CLASS \
         does, with rules of a recognition in the zone's currency"
    )]
    NoRecognition(Code),
    /// No version decides.
    #[error("{programme} has no version in force on {on}: `programme list` shows the programmes")]
    NoRules {
        /// The programme.
        programme: Code,
        /// The day.
        on: NaiveDate,
    },
    /// A recognition is confirmed with its number.
    #[error("entry {0} proposes a recognition: confirm it with `facts recognise-confirm`")]
    IsRecognition(LogIndex),
    /// The proposal is no recognition.
    #[error("entry {0} proposes no recognition: confirm it with `facts confirm`")]
    NoRecognitionProposed(LogIndex),
    /// The register says something newer of the party.
    #[error(
        "entry {since} has said something of the party in that register since entry {proposed} proposed this: \
         decide again"
    )]
    Overtaken {
        /// The proposal.
        proposed: LogIndex,
        /// The newer statement.
        since: LogIndex,
    },
    /// Confirmed too early.
    #[error(
        "the recognition of entry {proposed} is under public notice ({notice}): confirm it from {first} on"
    )]
    InNotice {
        /// The proposal.
        proposed: LogIndex,
        /// The first day on which it can be confirmed.
        first: NaiveDate,
        /// Which days are counted, and which are not.
        notice: String,
    },
    /// Confirmed too late.
    #[error("the recognition of entry {proposed} held until {last}: decide again")]
    RecognitionOver {
        /// The proposal.
        proposed: LogIndex,
        /// Its last day.
        last: NaiveDate,
    },
    /// The register's entries have no numbers.
    #[error("the register {0} has no numbers: leave --number out")]
    NoNumbers(Register),
    /// A number that the office does not make.
    #[error(
        "the office can't make the number of this entry in {0}: give it with --number (the office makes those of \
         tech_sme for parties with a code, 999,999 in a year and region)"
    )]
    NumberNeeded(Register),
    /// Another party has the number.
    #[error("another party has the number {0}: give another with --number")]
    NumberTaken(Name),
    /// The number begins with another year than that of the decision.
    #[error("the number {0} begins with another year than that of the decision: correct it")]
    NumberOfAnotherYear(Name),
    /// In this register nothing is revoked.
    #[error("nothing is revoked in the register {0}: give --register tech_sme or hnte")]
    NotRevocable(Register),
    /// The party does not stand in the register.
    #[error(
        "{party} does not stand in the register {register} on {on}: `facts show --all` shows what is recorded of it"
    )]
    NotRegistered {
        /// The party.
        party: PartyId,
        /// The register.
        register: Register,
        /// The day.
        on: NaiveDate,
    },
    /// A published policy can't be read.
    #[error(transparent)]
    Policy(#[from] policy::store::StoreError),
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

/// How many parties are listed in an error.
const LISTED: usize = 20;

fn listed(parties: &[(String, LogIndex)]) -> String {
    let shown = parties.iter().take(LISTED);
    let mut lines: Vec<String> = shown
        .map(|(party, entry)| format!("{party}, entry {entry}"))
        .collect();
    if parties.len() > LISTED {
        lines.push(format!("and {} more", parties.len() - LISTED));
    }
    format!("\n  {}", lines.join("\n  "))
}
