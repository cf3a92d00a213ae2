//! Commands, as a person reads them in a trace: cases by their numbers, proposals by their entries, money in fen.

use chrono::NaiveDate;
use subsidy_ledger::identity::Role;

use super::office::Who;

/// A month of rent: year and month.
pub(super) type Month = (i32, u32);

/// What is asked for in a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// So much relief, as the claimant states it.
    Stated(i64),
    /// These waivers of the rent book.
    Waivers(Vec<usize>),
    /// So much was invoiced for a service: perhaps for a milestone of a contract, by its number.
    Invoice(i64, Option<(usize, i16)>),
}

/// A line of the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Booked {
    /// It paid so much: the instruction on a payable in a batch.
    Pays(usize, String, i64),
    /// Money came in.
    Comes(i64),
    /// It paid so much, to this account if it says one, and names no instruction.
    Goes(i64, Option<&'static str>),
}

/// What a person says that a line of the bank is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// The instruction on a payable in a batch.
    Instruction(usize, String),
    /// What an entry of the books brought in.
    Receipt(i64),
}

/// A version of the rules that compensate half of a rent: these compensate one in so many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pack {
    /// The first one has number 1.
    pub(super) version: usize,
    pub(super) from: NaiveDate,
    pub(super) one_in: i64,
}

/// A row of another office's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PastAward {
    pub(super) id: u32,
    pub(super) party: &'static str,
    pub(super) programme: &'static str,
    pub(super) year: i32,
    pub(super) yuan: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Recommend,
    Return,
    Reject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Full,
    Half,
    Amount(i64),
}

/// How rent is waived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is open, and not asked for.
    Reduction,
    /// It was paid, and is given back.
    Refund,
    /// It was paid, and counts as paid for later months, from the first of these to the last.
    Offset(Month, Month),
}

/// One command, without who gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Appropriate {
        year: i32,
        fen: i64,
    },
    Allocate {
        programme: &'static str,
        year: i32,
        fen: i64,
    },
    ProposeTransfer {
        from: &'static str,
        to: &'static str,
        year: i32,
        fen: i64,
    },
    ApproveTransfer {
        entry: i64,
    },
    RejectTransfer {
        entry: i64,
    },
    FreezeBudget {
        programme: &'static str,
        year: i32,
    },
    ThawBudget {
        programme: &'static str,
        year: i32,
    },

    Apply {
        programme: &'static str,
        party: &'static str,
        fen: i64,
    },
    ReviewVoucher {
        voucher: usize,
    },
    Issue {
        voucher: usize,
    },
    Hold {
        voucher: usize,
        provider: &'static str,
        price: i64,
    },
    Redeem {
        hold: usize,
        price: i64,
    },
    Release {
        hold: usize,
    },
    Expire {
        voucher: usize,
    },
    Cancel {
        voucher: usize,
    },
    Freeze {
        voucher: usize,
    },
    Thaw {
        voucher: usize,
    },

    ApprovePayable {
        payable: String,
    },
    Prepare,
    ReleaseBatch {
        batch: usize,
    },
    Discard {
        batch: usize,
    },
    Statement {
        opening: i64,
        booked_on: NaiveDate,
        lines: Vec<Booked>,
    },
    BankRejects {
        batch: usize,
        payable: String,
        fen: i64,
    },
    /// A line of the bank brings back what an instruction paid.
    Return {
        batch: usize,
        payable: String,
        file: i64,
        line: i32,
    },

    /// The bank's status report: it rejects an instruction of a batch, or the whole of it.
    BankStatus {
        batch: usize,
        payable: Option<String>,
    },
    Match {
        file: i64,
        line: i32,
        with: Matched,
    },
    ProposeAccount {
        party: &'static str,
        number: &'static str,
    },
    ConfirmAccount {
        account: usize,
    },
    /// The job that reminds of what is due, and once more.
    ReminderJob,
    /// From the first day to the day before the second one.
    ClosePeriod {
        from: NaiveDate,
        until: NaiveDate,
    },
    Reverse {
        entry: i64,
    },

    Exclude {
        party: &'static str,
        first: NaiveDate,
        last: NaiveDate,
    },
    ConfirmExclusion {
        entry: i64,
    },
    RejectExclusion {
        entry: i64,
    },
    LiftExclusion {
        entry: i64,
    },

    Draft {
        programme: &'static str,
        party: &'static str,
        content: Content,
    },
    Revise {
        claim: usize,
        content: Content,
    },
    Submit {
        claim: usize,
    },
    Withdraw {
        claim: usize,
    },
    ReviewClaim {
        claim: usize,
        verdict: Verdict,
        version: i32,
    },
    Notice {
        programme: &'static str,
    },
    Object {
        claim: usize,
    },
    ApproveClaim {
        claim: usize,
        review: i64,
    },
    Decline {
        claim: usize,
        review: i64,
        back: bool,
    },

    ProposeLevels {
        set: usize,
    },
    ConfirmLevels {
        entry: i64,
    },
    Recuse {
        person: Who,
        party: &'static str,
    },
    LiftRecusal {
        entry: i64,
    },
    Delegate {
        to: Who,
        role: Role,
        first: NaiveDate,
        last: NaiveDate,
    },
    RevokeDelegation {
        entry: i64,
    },
    RevokeClaim {
        claim: usize,
    },
    /// All that a notice showed and nobody objected to.
    ApproveNotice {
        notice: usize,
    },

    ProposeContract {
        programme: &'static str,
        provider: &'static str,
        reference: &'static str,
        parts: Vec<i64>,
    },
    ConfirmContract {
        contract: usize,
    },
    RejectContract {
        contract: usize,
    },
    EndContract {
        contract: usize,
    },
    ConfirmEnd {
        contract: usize,
        entry: i64,
    },
    RejectEnd {
        contract: usize,
        entry: i64,
    },

    /// Vouchers of a programme for every enterprise that qualifies on a day.
    ProposeRun {
        programme: &'static str,
        fen: i64,
        day: NaiveDate,
    },
    ApproveRun {
        run: usize,
    },
    /// So many of its list in a transaction.
    CarryOut {
        run: usize,
        part: u32,
    },

    ProposePack {
        pack: Pack,
    },
    PublishPack {
        pack: Pack,
        retroactive: bool,
    },
    WithdrawPack {
        entry: i64,
    },

    /// Rows of the register of integrity lists: whether parties are listed from a day on.
    Listed {
        rows: Vec<(&'static str, bool)>,
        from: NaiveDate,
        correct: bool,
    },
    /// A party had a major incident, or had none.
    StateIncident {
        party: &'static str,
        verified: bool,
        incident: bool,
        from: NaiveDate,
        until: Option<NaiveDate>,
        correct: bool,
    },
    /// At which level a carrier is recognised; without a party, every carrier of the zone.
    ProposeLevel {
        party: Option<&'static str>,
        level: &'static str,
        from: NaiveDate,
        until: Option<NaiveDate>,
    },
    ConfirmLevel {
        entry: i64,
    },

    /// Another office's list of awards, whole.
    PastAwards {
        rows: Vec<PastAward>,
        correct: bool,
    },

    /// The year's round of a programme.
    Rank {
        programme: &'static str,
    },

    ProposeRecovery {
        payable: String,
        corrected: Option<i64>,
    },
    Order {
        recovery: usize,
    },
    RejectRecovery {
        recovery: usize,
    },
    Void {
        recovery: usize,
    },
    Receive {
        recovery: usize,
        file: i64,
        line: i32,
    },
    Offset {
        recovery: usize,
        payable: String,
        fen: Option<i64>,
    },
    Plan {
        recovery: usize,
        count: u8,
        first: NaiveDate,
    },
    ProposeWriteOff {
        recovery: usize,
    },
    ApproveWriteOff {
        recovery: usize,
        entry: i64,
    },
    RejectWriteOff {
        recovery: usize,
        entry: i64,
    },

    Lease {
        tenant: &'static str,
        premises: &'static str,
        rent: i64,
        first: NaiveDate,
        last: NaiveDate,
    },
    EndLease {
        lease: usize,
        last: NaiveDate,
    },
    Bill {
        lease: usize,
        month: Month,
        on: Option<NaiveDate>,
    },
    PayRent {
        lease: usize,
        fen: i64,
    },
    /// From the first month to the last.
    Waive {
        lease: usize,
        months: (Month, Month),
        measure: Measure,
        way: Way,
    },
    /// So many months more, free of rent.
    Extend {
        lease: usize,
        months: u8,
    },
    ConfirmWaiver {
        waiver: usize,
        fen: i64,
    },
    Settle {
        waiver: usize,
        fen: i64,
    },
    Audit {
        waiver: usize,
        fen: i64,
        compensable: bool,
    },
    VoidWaiver {
        waiver: usize,
    },
    Defer {
        lease: usize,
        months: (Month, Month),
        fen: Option<i64>,
        count: u8,
        first: NaiveDate,
    },
    Instalment {
        deferral: usize,
        fen: i64,
    },
    Default {
        deferral: usize,
    },
    Convert {
        deferral: usize,
    },

    SetRule {
        programme: &'static str,
        carry: bool,
        end: bool,
    },
    ProposeClose {
        year: i32,
    },
    ProposeReopening {
        closing: i64,
    },
    ConfirmPeriod {
        entry: i64,
    },
    RejectPeriod {
        entry: i64,
    },
    WindUp {
        programme: &'static str,
        year: i32,
    },
    ExpiryJob,
}

impl Command {
    /// Whether it is given under a key, and so can be repeated for its first answer. The others know by themselves what was
    /// done before: files by their bytes, jobs, winding up and the approval of a notice by what is left to do.
    pub(super) const fn is_keyed(&self) -> bool {
        !matches!(
            self,
            Self::Statement { .. }
                | Self::BankRejects { .. }
                | Self::CarryOut { .. }
                | Self::BankStatus { .. }
                | Self::WindUp { .. }
                | Self::ApproveNotice { .. }
                | Self::ExpiryJob
                | Self::ReminderJob
        )
    }

    /// Whether it decides on cases that it names, at its place in the log. The others take what they find when they look, or
    /// are told of no entry.
    pub(super) const fn is_one_decision(&self) -> bool {
        !matches!(
            self,
            Self::ApproveNotice { .. }
                | Self::BankRejects { .. }
                | Self::BankStatus { .. }
                | Self::CarryOut { .. }
                | Self::ExpiryJob
                | Self::ProposeRun { .. }
                | Self::ReminderJob
                | Self::Notice { .. }
                | Self::Prepare
                | Self::Rank { .. }
                | Self::WindUp { .. }
        )
    }
}

/// A command of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) who: Who,
    pub(super) key: String,
    pub(super) command: Command,
}
