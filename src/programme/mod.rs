//! Funded lines of a zone: their policy in force, and their budget authority, how it is moved and frozen.

mod accounts;
mod budget;
mod control;
mod create;
mod publish;
pub mod store;
mod transfer;
mod years;

pub use accounts::BudgetLine;
pub use budget::{Allocate, Appropriate, allocate, appropriate};
pub use control::{ControlError, Freeze, freeze, thaw};
pub use create::{NewProgramme, ProgrammeKind, create};
pub(crate) use years::OpenYears;

pub use publish::{Published, Waiting, propose, publish, publish_retroactively, waiting, withdraw};

pub use transfer::{
    Approved, ProposeTransfer, ProposedTransfer, TransferOutcome, TransferRefusal,
    approve_transfer, propose_transfer, reject_transfer,
};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::identity::{Command, Forbidden};
use crate::journal::{
    self, BodyError, Entry, RecallError, RecordError, Recorded, Transfer, TransferError,
};
use crate::policy;
use crate::types::{Code, FiscalYear, LogIndex, NotPositive};

/// Why a programme command changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProgrammeError {
    /// There is no such programme.
    #[error(
        "no programme {0} in this zone: `programme list` shows them, `programme create` makes one"
    )]
    Unknown(Code),
    /// The code is taken.
    #[error("programme {0} exists already")]
    Exists(Code),
    /// The code is that of a register.
    #[error(
        "a programme with the code {0} enters parties in a register: create it with --kind recognition, or take another code"
    )]
    Recognises(Code),
    /// The pack is for another programme.
    #[error("the pack is for programme {pack}, not for {programme}")]
    OtherProgramme {
        /// As the pack says.
        pack: String,
        /// As was asked.
        programme: Code,
    },
    /// The pack counts in another currency.
    #[error("the pack counts in {pack}, the zone in {zone}")]
    OtherCurrency {
        /// The pack's.
        pack: crate::types::Currency,
        /// The zone's.
        zone: crate::types::Currency,
    },
    /// The pack caps what vouchers can't count.
    #[error("vouchers can't be issued by this pack: {0}")]
    Uncounted(String),
    /// The pack decides in another way than the programme does.
    #[error(
        "{programme} is a programme of kind {kind}, whose packs have mode = \"{wanted}\", this one has \"{mode}\": \
         correct the pack, or create a programme of another kind for it"
    )]
    OtherMode {
        /// The programme.
        programme: Code,
        /// Its kind.
        kind: &'static str,
        /// The mode of its packs.
        wanted: &'static str,
        /// The pack's.
        mode: &'static str,
    },
    /// The pack has problems.
    #[error("the pack has problems; `policy check` shows them:\n{0}")]
    Pack(String),
    /// Nobody proposed these bytes.
    #[error(
        "this pack was not proposed for the programme, byte for byte: a rule administrator proposes it \
         first with `programme propose`"
    )]
    NotProposed,
    /// These bytes were withdrawn.
    #[error(
        "entry {0} withdrew this pack: whoever wants these rules after all proposes them in other bytes, such as another \
         version"
    )]
    Withdrawn(LogIndex),
    /// No proposal waits there.
    #[error("entry {0} proposed nothing that waits for publication: see `policy proposals`")]
    NotWaiting(LogIndex),
    /// The version begins on a day whose books are closed, or takes such days from another.
    #[error(
        "the version begins on {from}, and would decide on days of a closed period: let it begin on {open} or later, and \
         propose it again"
    )]
    InForceOnClosed {
        /// Its first day.
        from: chrono::NaiveDate,
        /// The first day from which on all are open.
        open: chrono::NaiveDate,
    },
    /// The version takes days from another one that has decided on them.
    #[error(
        "the version begins on {from} and takes days from version {version} of {programme}; cases of the programme that were \
         decided since: {decisions}, which stay as they are: let it begin after today and propose it again, or publish it with \
         --retroactive and the reason"
    )]
    Retroactive {
        /// The programme.
        programme: Code,
        /// Its first day.
        from: chrono::NaiveDate,
        /// The first version that it takes days from.
        version: Code,
        /// How many applications, awards and recognitions were decided since that day.
        decisions: i64,
    },
    /// Proposer and publisher are one person.
    #[error("whoever proposed a policy can't publish it: a second person has to")]
    SamePerson,
    /// The year's accounts are settled.
    #[error(
        "budget year {year} is closed, by entry {closing}, and takes no more money: appropriate and allocate in an \
         open year, such as {open}"
    )]
    YearClosed {
        /// The budget year.
        year: FiscalYear,
        /// The entry that closed it.
        closing: LogIndex,
        /// The year of the day, which can't be closed yet.
        open: FiscalYear,
    },
    /// An amount of zero.
    #[error(transparent)]
    NotPositive(#[from] NotPositive),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Two accounts can't be joined.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entry was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The version could not be stored: it exists, or another one begins on its day.
    #[error(transparent)]
    Policy(#[from] policy::store::StoreError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The entry of a command that was given before under the same key, with its details.
async fn first_answer<I: Serialize + Sync, D: DeserializeOwned>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    name: &str,
    input: &I,
) -> Result<Option<(Recorded, D)>, ProgrammeError> {
    let key = command.idempotency(name, input);
    let (zone, actor) = (command.zone.id, command.actor.person);
    Ok(journal::first_answer(conn, zone, actor, key.as_ref()).await?)
}

/// Records what a command of this room did. `input` is what its key stands for.
async fn record<I: Serialize + Sync>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (kind, input): (&'static str, &I),
    details: &(impl Serialize + Sync),
    transfers: Vec<Transfer>,
) -> Result<Recorded, ProgrammeError> {
    let entry = Entry {
        transfers,
        idempotency: command.idempotency(kind, input),
        ..command.entry(kind, details)?
    };
    Ok(journal::record_one(conn, command.zone, command.now, entry).await?)
}
