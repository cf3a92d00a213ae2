//! The one place where errors of other rooms get their HTTP status. They know none themselves.

use sqlx::Error as SqlError;
use sqlx::error::DatabaseError;

use super::api::redemptions::NotRedeemed;
use super::caller::unknown_person;
use super::coalescer::Failure;
use super::problem::{FieldError, Problem};
use crate::batch::{BatchError, Rejected};
use crate::db::is_busy;
use crate::fact::{FactsError, FileError};
use crate::identity::Forbidden;
use crate::journal::{BodyError, RecallError, RecordError, Refusal};
use crate::log::LogError;
use crate::log::proof::ProofError;
use crate::policy::store::StoreError;
use crate::programme::ProgrammeError;
use crate::screening::ScreeningError;
use crate::tabular::{ReadError, RowError, RowErrors};
use crate::types::LogIndex;
use crate::voucher::{Refused, VoucherRefusal};
use axum::http::StatusCode;

/// Whether the database could not be reached, or had no session to spare: the same statement may
/// succeed soon, and no command is to blame.
pub(super) fn is_outage(error: &SqlError) -> bool {
    let unreachable = matches!(
        error,
        SqlError::PoolTimedOut
            | SqlError::PoolClosed
            | SqlError::WorkerCrashed
            | SqlError::Io(_)
            | SqlError::Protocol(_)
            | SqlError::BeginFailed
    );
    unreachable || error.as_database_error().is_some_and(is_passing)
}

/// Connection exceptions (08), out of resources (53), shutdown and start (57P), and races that were
/// lost more often than they are begun again (40001, 40P01), by SQLSTATE.
fn is_passing(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    ["08", "53", "57P", "40001", "40P01"]
        .iter()
        .any(|class| code.starts_with(class))
}

/// Whether a text has the character NUL, which Postgres keeps in no text (22021) and no JSON (22P05), by SQLSTATE.
fn has_nul(error: &SqlError) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("22021" | "22P05"))
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        if has_nul(&error) {
            let detail = "a text has the character NUL (U+0000), which no name and no text here has: leave it out";
            Self::invalid("", detail)
        } else if is_busy(&error) {
            let detail = "another command, such as an import, has kept the zone busy for too long; nothing was changed: \
                          repeat this one with the same key, if it has one";
            Self::unavailable("zone_busy", detail)
        } else if is_outage(&error) {
            Self::unavailable(
                "database_unavailable",
                "the database does not answer just now",
            )
            .because(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Database(error) => error.into(),
            LogError::NotSigned { .. } => Self::unavailable("not_signed_yet", error.to_string()),
            LogError::TooShort { .. }
            | LogError::NoLog(_)
            | LogError::Proof(ProofError::NoEntry { .. }) => Self::not_found("entry"),
            LogError::Head { .. }
            | LogError::Missing { .. }
            | LogError::Proof(_)
            | LogError::Entry { .. } => Self::internal(error),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Insufficient { .. } => "insufficient",
            Refusal::OutOfRange(_) => "out_of_range",
            Refusal::PeriodClosed(_) => "period_closed",
            Refusal::AlreadyReversed(_) => "already_reversed",
            Refusal::NothingToReverse(_) => return Self::not_found("entry"),
            Refusal::KeyForm => return Self::invalid("Idempotency-Key", refusal.to_string()),
            Refusal::Repeated(_) => "repeated",
            Refusal::KeyConflict(index) => return key_conflict(index),
            Refusal::Body(detail) => return Self::invalid("", detail),
        };
        Self::conflict(code, refusal.to_string())
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Refused(refusal) => refusal.into(),
            RecordError::Database(error) => error.into(),
            RecordError::Log(error) => error.into(),
            RecordError::Overtaken(_) => Self::unavailable(
                "overtaken",
                "the same command was recorded at the same moment: repeat it for its answer",
            ),
            error @ RecordError::TotalsOutOfRange(_) => {
                Self::conflict("out_of_range", error.to_string())
            }
        }
    }
}

impl From<ScreeningError> for Problem {
    fn from(error: ScreeningError) -> Self {
        match error {
            ScreeningError::NotInForce { code, on } => {
                let detail = format!(
                    "programme {code} has no version in force on {on}: GET programmes lists them, `on` is the day"
                );
                Self::invalid("programme", detail)
            }
            ScreeningError::OtherCurrency { .. } => Self::invalid("pack", error.to_string()),
            ScreeningError::NoSuchMoment(moment) => {
                let detail = format!(
                    "this pack decides for no party as such at a {moment}: leave `moment` out"
                );
                Self::invalid("moment", detail)
            }
            ScreeningError::NotDecided(moment) => {
                let detail = format!("this pack decides nothing at a {moment}: leave `moment` out");
                Self::invalid("moment", detail)
            }
            ScreeningError::NoSuchParty(party) => {
                let detail = format!(
                    "no party {party} in this zone: take `party` of the last row of the page before"
                );
                Self::invalid("after", detail)
            }
            ScreeningError::Recorded(error) => error.into(),
            ScreeningError::Database(error)
            | ScreeningError::Policy(StoreError::Database(error)) => error.into(),
            ScreeningError::Policy(error) => Self::internal(error),
        }
    }
}

impl From<BatchError> for Problem {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are defects or damaged rows: nothing that a client can mend"
    )]
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Refused(refusal) => refusal.into(),
            BatchError::Record(error) => error.into(),
            BatchError::Database(error) | BatchError::Policy(StoreError::Database(error)) => {
                error.into()
            }
            error => Self::internal(error),
        }
    }
}

/// What a voucher command was kept from by the database, if by that.
pub(super) fn is_voucher_outage(error: &BatchError) -> bool {
    if let BatchError::Database(error)
    | BatchError::Policy(StoreError::Database(error))
    | BatchError::Record(
        RecordError::Database(error) | RecordError::Log(LogError::Database(error)),
    ) = error
    {
        is_outage(error)
    } else {
        false
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Unknown { what, .. } => Self::not_found(what),
            Rejected::Forbidden(error) => forbidden(&error),
            Rejected::KeyConflict(index) => key_conflict(index),
            Rejected::NoPolicy { .. } => Self::conflict("no_policy", rejected.to_string()),
            Rejected::Run(detail) => Self::conflict("award_run", detail),
            Rejected::Facts(detail) | Rejected::Input(detail) => Self::invalid("", detail),
        }
    }
}

fn key_conflict(entry: LogIndex) -> Problem {
    let detail = format!(
        "the idempotency key was used for another command, entry {entry}: \
         take a new key for a new command"
    );
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        detail,
    )
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let (sentence, _) = refused.code.sentences();
        Self {
            reasons: refused.reasons.into(),
            ..Self::conflict(refusal_code(refused.code), sentence)
        }
    }
}

/// As entries and answers write it, in lower case: `hold_ended`.
fn refusal_code(code: VoucherRefusal) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text.to_ascii_lowercase(),
        _ => "refused".to_owned(),
    }
}

impl From<NotRedeemed> for Problem {
    fn from(reason: NotRedeemed) -> Self {
        match reason {
            NotRedeemed::UnknownPerson(login) => unknown_person(&login),
            NotRedeemed::Rejected(rejected) => rejected.into(),
        }
    }
}

impl<E: Into<Self>> From<Failure<E>> for Problem {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Full => Self::unavailable(
                "too_many_commands",
                "too many commands are waiting for this zone: repeat this one with the same key",
            ),
            Failure::Stopped => Self::unavailable(
                "stopping",
                "the service is stopping: repeat the command with the same key",
            ),
            // Whether it was recorded is not known, and need not be: the key makes it one effect.
            Failure::Outage => Self::unavailable(
                "database_unavailable",
                "the database does not answer just now: repeat the command with the same key",
            ),
            Failure::Panicked => Self::internal("a command panicked"),
            Failure::Failed(error) => error.into(),
        }
    }
}

fn forbidden(error: &Forbidden) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", error.to_string())
}

impl From<RecallError> for Problem {
    fn from(error: RecallError) -> Self {
        match error {
            RecallError::KeyConflict(entry) => key_conflict(entry),
            RecallError::Unreadable { .. } => Self::internal(error),
            RecallError::Database(error) => error.into(),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong(_) => Self::invalid("", error.to_string()),
            BodyError::NotCanonical(_) | BodyError::Json(_) => Self::internal(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::VersionExists { .. } => Self::conflict("version_exists", error.to_string()),
            StoreError::SameDay { .. } => Self::conflict("same_day", error.to_string()),
            StoreError::Unknown(_) => Self::not_found("policy"),
            StoreError::Corrupt { .. } => Self::internal(error),
            StoreError::Database(error) => error.into(),
        }
    }
}

impl From<ProgrammeError> for Problem {
    fn from(error: ProgrammeError) -> Self {
        let said = error.to_string();
        match error {
            ProgrammeError::Unknown(code) => {
                let detail = format!("no programme {code} in this zone: GET programmes lists them");
                Self::invalid("pack", detail)
            }
            ProgrammeError::OtherProgramme { .. }
            | ProgrammeError::OtherCurrency { .. }
            | ProgrammeError::Uncounted(_)
            | ProgrammeError::OtherMode { .. }
            | ProgrammeError::Pack(_) => Self::invalid("pack", said),
            ProgrammeError::Exists(_) => Self::conflict("programme_exists", said),
            ProgrammeError::NotProposed => {
                let detail = "this pack was not proposed, byte for byte: POST policies/proposals proposes it";
                Self::conflict("not_proposed", detail)
            }
            ProgrammeError::Recognises(_) => Self::invalid("kind", said),
            ProgrammeError::Withdrawn(_) => Self::conflict("withdrawn", said),
            ProgrammeError::NotWaiting(_) => Self::not_found("proposal that waits for publication"),
            ProgrammeError::InForceOnClosed { .. } => Self::conflict("period_closed", said),
            ProgrammeError::Retroactive {
                from,
                version,
                decisions,
                ..
            } => {
                let detail = format!(
                    "the version begins on {from} and takes days from version {version}; cases of the programme that were \
                     decided since: {decisions}, which stay as they are: let it begin after today, or give the reason \
                     in `retroactive`"
                );
                Self::conflict("retroactive", detail)
            }
            ProgrammeError::SamePerson => Self::conflict("same_person", said),
            ProgrammeError::YearClosed { .. } => Self::conflict("year_closed", said),
            ProgrammeError::NotPositive(_) => Self::invalid("amount", said),
            ProgrammeError::Forbidden(error) => forbidden(&error),
            ProgrammeError::Transfer(error) => Self::internal(error),
            ProgrammeError::Recall(error) => error.into(),
            ProgrammeError::Record(error) => error.into(),
            ProgrammeError::Body(error) => error.into(),
            ProgrammeError::Policy(error) => error.into(),
            ProgrammeError::Database(error) => error.into(),
        }
    }
}

/// Options of the command line, as refusals of files name them, and what stands for them in a request.
const OPTIONS: &[(&str, &str)] = &[
    ("or map them with --column FACT=HEADER", "in the file"),
    ("`facts list` names facts", "docs/facts.md names facts"),
    ("map or ignore one of them", "delete one of them"),
    (
        "register the party with `party import` first",
        "have the office register the party first",
    ),
    (
        "its name must end in .xlsx",
        "send it under the media type of one (application/vnd.openxmlformats-officedocument.spreadsheetml.sheet)",
    ),
    ("name its encoding", "name its encoding in `encoding`"),
    ("`facts import --register NAME`", "`register=NAME`"),
    ("`facts import --register ", "`register="),
    ("--source imported", "`source=imported`"),
    ("--register NAME", "`register=NAME`"),
    ("--register", "`register`"),
    ("--complete", "`complete=true`"),
    ("--correct", "`correct=true`"),
    ("with --evidence", "in `evidence`"),
    ("--year", "`year`"),
    ("with --from", "in `from`"),
    ("--from", "`from`"),
];

/// What a refusal of a file says, in words of the request that sent it. Over HTTP no columns are mapped: the file must
/// have the names.
fn in_words_of_requests(text: &str) -> String {
    let mut said = text.to_owned();
    for (option, parameter) in OPTIONS {
        said = said.replace(option, parameter);
    }
    let mut lines = said.split('\n').map(without_mapping);
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |said, line| said + "\n" + &line)
}

/// A line without its advice to map columns, which ends with the line or at a semicolon.
fn without_mapping(line: &str) -> String {
    if let Some((said, _)) = line.split_once("; map it with --column ") {
        return format!("{said}; rename it in the file, or delete it");
    }
    match line.split_once(", or map it with --column ") {
        Some((said, rest)) => match rest.split_once("; ") {
            Some((_, rest)) => format!("{said}; {rest}"),
            None => said.to_owned(),
        },
        None => line.to_owned(),
    }
}

/// Every fault of a file's rows that is kept, each with its row.
fn of_rows(summary: &str, errors: &RowErrors) -> Problem {
    let of_row = |error: &RowError| FieldError {
        field: format!("row {}", error.row),
        detail: in_words_of_requests(&error.to_string()),
    };
    let rows = errors.kept().iter().map(of_row).collect();
    Problem::faults(in_words_of_requests(summary), rows)
}

impl From<ReadError> for Problem {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are about the file as a whole, in their own words"
    )]
    fn from(error: ReadError) -> Self {
        let said = in_words_of_requests(&error.to_string());
        match error {
            ReadError::Rows(errors) => of_rows(&said, &errors),
            ReadError::NoSheet { .. } => Self::invalid("sheet", said),
            _ => Self::invalid("", said),
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        let field = match error {
            FileError::Register | FileError::Misspelt { .. } => "register",
            FileError::Complete | FileError::NotYet(_) => "from",
            FileError::NoEvidence => "evidence",
            FileError::Mapping(_)
            | FileError::UnknownColumns(_)
            | FileError::Columns(_)
            | FileError::NoFacts => "",
        };
        Self::invalid(field, in_words_of_requests(&error.to_string()))
    }
}

impl From<FactsError> for Problem {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are refusals of what a command asks, in their own words"
    )]
    fn from(error: FactsError) -> Self {
        match error {
            FactsError::Forbidden(error) => forbidden(&error),
            FactsError::Rows(errors) => of_rows(&errors.to_string(), &errors),
            FactsError::File(error) => error.into(),
            FactsError::Policy(error) => error.into(),
            FactsError::Recall(error) => error.into(),
            FactsError::Record(error) => error.into(),
            FactsError::Body(error) => error.into(),
            FactsError::Database(error) => error.into(),
            error => Self::conflict("facts", in_words_of_requests(&error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::FactsError;
    use crate::tabular::{Format, ReadOptions};
    use crate::tabular::{Mapping, MappingError, Table};

    fn detail(problem: impl Into<Problem>) -> String {
        let problem: Problem = problem.into();
        problem
            .errors
            .iter()
            .map(|error| error.detail.clone())
            .collect()
    }

    /// Nothing that a request can't have.
    fn is_of_a_request(said: &str) -> bool {
        let of_a_command = [" --", "`party import`", "`facts list`", "name must end"];
        !of_a_command.iter().any(|option| said.contains(option))
    }

    #[test]
    fn refusals_of_files_name_parameters() {
        let bad = Table::read(b"a\n\0", Format::Csv, &ReadOptions::default()).unwrap_err();
        let unknown =
            "\"staf\": unknown; map it with --column FACT=staf, or leave it out with --ignore staf";
        let missing = MappingError::Missing {
            field: "party",
            headers: vec!["uscc"],
            columns: vec!["x".to_owned()],
        };
        for said in [
            detail(bad),
            detail(FileError::Register),
            detail(FileError::Complete),
            detail(FileError::NotYet(chrono::NaiveDate::MAX)),
            detail(FileError::NoEvidence),
            detail(FileError::NoFacts),
            detail(FileError::Mapping(missing)),
            detail(FileError::UnknownColumns(vec![
                unknown.to_owned(),
                unknown.to_owned(),
            ])),
            in_words_of_requests(
                "is no party; correct it, or register the party with `party import` first",
            ),
            in_words_of_requests("correct the row, or repeat with --correct if the entry is wrong"),
            in_words_of_requests(&FactsError::NoRegister.to_string()),
        ] {
            assert!(is_of_a_request(&said), "{said}");
        }
        assert_eq!(
            detail(FileError::UnknownColumns(vec![unknown.to_owned()])),
            "nothing reads these columns:\n  \"staf\": unknown; rename it in the file, or delete it"
        );
        let table = Table::read(b"x\n1", Format::Csv, &ReadOptions::default()).unwrap();
        let missing = Mapping::default()
            .bind(&table, crate::fact::fields(None))
            .unwrap_err();
        let said = detail(FileError::Mapping(missing));
        assert!(
            said.ends_with("; the file has x") && is_of_a_request(&said),
            "{said}"
        );
    }
}
