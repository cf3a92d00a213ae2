//! Why nothing was recorded, in the model's words.

use subsidy_ledger::accounting::{AccountingError, PeriodError};
use subsidy_ledger::approval::ApprovalError;
use subsidy_ledger::award::ImportError;
use subsidy_ledger::batch::{BatchError, Rejected};
use subsidy_ledger::claim::{NoticeError, RankError};
use subsidy_ledger::fact::FactsError;
use subsidy_ledger::job::JobError;
use subsidy_ledger::journal::{ClosePeriodError, RecallError, RecordError, Refusal, ReverseError};
use subsidy_ledger::payment::PaymentError;
use subsidy_ledger::policy::store::StoreError;
use subsidy_ledger::programme::{ControlError, ProgrammeError};
use subsidy_ledger::recovery::ReturnError;
use subsidy_ledger::voucher::WindUpError;
use subsidy_ledger::voucher::run::ResumeError;

pub(super) trait Code {
    /// One of the model's reasons; any other error says what it is.
    fn code(&self) -> String;
}

impl Code for Rejected {
    fn code(&self) -> String {
        match self {
            Self::Unknown { what, .. } => format!("unknown {what}"),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::KeyConflict(_) => "key conflict".to_owned(),
            Self::NoPolicy { .. } => "no policy".to_owned(),
            Self::Facts(_) => "facts".to_owned(),
            Self::Input(_) => "input".to_owned(),
            Self::Run(why) => of_run(why),
        }
    }
}

/// Why a run does not go on is told in words.
fn of_run(why: &str) -> String {
    let words = [
        ("is not a past day", "no past day of the year"),
        ("leave --amount out", "amount"),
        ("none qualifies", "nobody qualifies"),
        ("waits for approval", "not approved"),
        ("can't carry it out", "own run"),
        ("which is over", "year over"),
        ("is frozen by entry", "BUDGET_FROZEN"),
    ];
    let code = words.iter().find(|(words, _)| why.contains(words));
    code.map_or(why, |(_, code)| code).to_owned()
}

impl Code for ResumeError {
    fn code(&self) -> String {
        match self {
            Self::Rejected(rejected) => rejected.code(),
            Self::Voucher(error) => error.code(),
            other @ Self::Database(_) => format!("{other:?}"),
        }
    }
}

impl Code for FactsError {
    fn code(&self) -> String {
        match self {
            Self::Rows(_) => "rows".to_owned(),
            Self::UnknownParty(_) => "unknown party".to_owned(),
            Self::WrongTime(_) => "wrong time".to_owned(),
            Self::Contradiction { .. } => "contradiction".to_owned(),
            Self::Determined { .. } => "determined".to_owned(),
            Self::NoProposal(_) => "no proposal".to_owned(),
            Self::SamePerson(_) => "same person".to_owned(),
            Self::Confirmed { .. } => "confirmed".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for ImportError {
    fn code(&self) -> String {
        match self {
            Self::WouldReverse { .. } => "would reverse".to_owned(),
            Self::Refused { refusal, .. } => refusal.code(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for Refusal {
    fn code(&self) -> String {
        match self {
            Self::Insufficient { .. } => "insufficient".to_owned(),
            Self::PeriodClosed(_) => "period closed".to_owned(),
            Self::KeyConflict(_) => "key conflict".to_owned(),
            Self::AlreadyReversed(_) => "reversed".to_owned(),
            other => other.to_string(),
        }
    }
}

impl Code for RecordError {
    fn code(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for RecallError {
    fn code(&self) -> String {
        match self {
            Self::KeyConflict(_) => "key conflict".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for BatchError {
    fn code(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for ProgrammeError {
    fn code(&self) -> String {
        match self {
            Self::Unknown(_) => "unknown programme".to_owned(),
            Self::YearClosed { .. } => "year closed".to_owned(),
            Self::Policy(StoreError::VersionExists { .. }) => "version exists".to_owned(),
            Self::Policy(StoreError::SameDay { .. }) => "same day".to_owned(),
            Self::InForceOnClosed { .. } => "in closed".to_owned(),
            Self::Retroactive { .. } => "retroactive".to_owned(),
            Self::NotProposed => "not proposed".to_owned(),
            Self::SamePerson => "same person".to_owned(),
            Self::Withdrawn(_) => "withdrawn".to_owned(),
            Self::NotWaiting(_) => "not waiting".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for ControlError {
    fn code(&self) -> String {
        match self {
            Self::Programme(error) => return error.code(),
            Self::OneProgramme(_) => "one programme",
            Self::MoreThanFree { .. } => "more than free",
            Self::NotWaiting(_) => "not waiting",
            Self::Frozen { .. } => "frozen",
            Self::NotFrozen { .. } => "not frozen",
        }
        .to_owned()
    }
}

impl Code for PaymentError {
    fn code(&self) -> String {
        match self {
            Self::Unknown(_) => "unknown payable".to_owned(),
            Self::NothingReady(_) => "nothing ready".to_owned(),
            Self::UnknownBatch(_) => "unknown batch".to_owned(),
            Self::BatchDecided(_) => "batch decided".to_owned(),
            Self::StatementGap { .. } => "statement gap".to_owned(),
            Self::UnknownBankLine(_) => "unknown line of a statement".to_owned(),
            Self::NoMatch { .. } => "no match".to_owned(),
            Self::Rows(_) => "rows".to_owned(),
            Self::Status(_) => "status".to_owned(),
            Self::AllChanged(_) => "all changed".to_owned(),
            Self::UnknownAccount(_) => "unknown account".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            Self::Refused(refusal) => refusal.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for ReturnError {
    fn code(&self) -> String {
        match self {
            Self::Payment(error) => error.code(),
            Self::Batch(error) => error.code(),
            Self::Rejected(rejected) => rejected.code(),
            Self::NotEnded { .. } => "not ended".to_owned(),
            other @ Self::Database(_) => format!("{other:?}"),
        }
    }
}

impl Code for NoticeError {
    fn code(&self) -> String {
        match self {
            Self::NothingToShow(_) => "nothing to show".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for ApprovalError {
    fn code(&self) -> String {
        match self {
            Self::NotFound(..) => "not found".to_owned(),
            Self::SamePerson => "same person".to_owned(),
            Self::Wrong(_) => "wrong".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for RankError {
    fn code(&self) -> String {
        match self {
            Self::FirstCome(_) => "first come".to_owned(),
            Self::NothingToRank(_) => "nothing to rank".to_owned(),
            Self::NotYet { .. } => "not yet".to_owned(),
            Self::Closed(_) => "round closed".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for PeriodError {
    fn code(&self) -> String {
        match self {
            Self::UnknownProgramme(_) => "unknown programme".to_owned(),
            Self::YearNotOver(_) => "year not over".to_owned(),
            Self::YearClosed { .. } => "year closed".to_owned(),
            Self::NextYearClosed { .. } => "next year closed".to_owned(),
            Self::Frozen { .. } => "frozen".to_owned(),
            Self::VouchersLeft { .. } => "vouchers left".to_owned(),
            Self::Waits(_) => "waits".to_owned(),
            Self::NotClosed(_) => "not closed".to_owned(),
            Self::NotWaiting(_) => "not waiting".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for WindUpError {
    fn code(&self) -> String {
        match self {
            Self::YearNotOver(_) => "year not over".to_owned(),
            Self::Kept(_) => "kept".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Batch(error) => error.code(),
            other @ Self::Database(_) => format!("{other:?}"),
        }
    }
}

impl Code for JobError {
    fn code(&self) -> String {
        match self {
            Self::Forbidden(_) => "forbidden".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for AccountingError {
    fn code(&self) -> String {
        match self {
            Self::NotByReversal { .. } => "not by reversal".to_owned(),
            Self::Forbidden(_) => "forbidden".to_owned(),
            Self::Reverse(error) => error.code(),
            Self::Close(error) => error.code(),
            other @ Self::Database(_) => format!("{other:?}"),
        }
    }
}

impl Code for ReverseError {
    fn code(&self) -> String {
        match self {
            Self::Unknown(_) => "unknown entry".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}

impl Code for ClosePeriodError {
    fn code(&self) -> String {
        match self {
            Self::NotOver(_) => "not over".to_owned(),
            Self::AlreadyClosed { .. } => "already closed".to_owned(),
            Self::Recall(error) => error.code(),
            Self::Record(error) => error.code(),
            other => format!("{other:?}"),
        }
    }
}
