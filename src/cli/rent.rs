//! `rent …`: bills, payments, waivers and deferrals between carriers and tenants.

mod relief;
mod show;
mod statement;

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::desk::{Desk, Sentences, not_there};
use super::lease::lease_id;
use super::session::{Session, with_session};
use super::{Global, output};
use crate::batch::BatchError;
use crate::journal::Refusal;
use crate::party;
use crate::rent::{
    self, AuditWaiver, BillRent, ConfirmWaiver, ConvertDeferral, DefaultDeferral, DeferRent,
    Measure, Month, PayInstalment, PayRent, RentRefusal, SettleWaiver, VoidWaiver, Waive,
};
use crate::types::{
    Day, DeferralId, DueOn, LeaseId, Named, PartyId, Reason, Schedule, WaiverId, Zone,
};

/// Rent.
#[derive(Debug, Subcommand)]
pub(super) enum RentCommand {
    #[command(flatten)]
    Act(Action),
    /// List waivers
    #[command(after_help = "Example:\n  subsidy-ledger rent list --state mismatched --json")]
    List(show::WaiversArgs),
    /// List deferrals
    #[command(after_help = "Example:\n  subsidy-ledger rent deferrals --lease L12")]
    Deferrals(show::DeferralsArgs),
    /// Show a waiver (W34) or a deferral (S56) with its instalments
    #[command(
        after_help = "Examples:\n  subsidy-ledger rent show W34\n  subsidy-ledger rent show S56 --json"
    )]
    Show {
        /// W or S and the number of its entry
        name: String,
    },
    /// What was billed for a lease, month by month, and what became of it
    #[command(after_help = "Example:\n  subsidy-ledger rent statement L12")]
    Statement {
        /// The lease: L and its number, or its id
        lease: Named<LeaseId>,
    },
    /// List deferrals with an instalment that is late
    #[command(
        after_help = "Example:\n  subsidy-ledger rent overdue --on 2020-12-31\n\n\
        What was made due at once (`rent default`) is open rent of its months and stays in the list until that is paid."
    )]
    Overdue(show::OverdueArgs),
    /// What a claim of a carrier may rest on: rent that was waived, confirmed and audited
    #[command(
        after_help = "Example:\n  subsidy-ledger rent relief --carrier 91350100M000100Y43 --from 2020-02-01 --until 2020-04-30\n\n\
        Months that lie in these days whole, extensions that begin in them, and deferrals that became waivers in\n\
        them. The base is what was audited less what the carrier's own landlord waived. A deferral is never part of it."
    )]
    Relief(relief::ReliefArgs),
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Bill a month's rent, of one lease or of all that a carrier has not billed (the carrier)
    #[command(
        after_help = "Examples:\n  subsidy-ledger rent bill L12 --month 2020-03 --as incubator\n  \
        subsidy-ledger rent bill --all --month 2020-03 --as incubator\n\n\
        A month is billed once: whole, or by its days under lease, rounded half up to the fen. The bill of a month\n\
        that has passed counts for its last day; where finance has closed that, --on names a later one, and the bill\n\
        keeps its month. With --all it is safe to give it again."
    )]
    Bill(BillArgs),
    /// Take a payment of rent (the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent pay L12 --amount 38000.00 --as incubator\n\n\
        It pays the first open months first, or --month alone. What is billed can be paid; instalments of a deferral\n\
        have `rent instalment`."
    )]
    Pay(PayArgs),
    /// Waive rent (the carrier)
    #[command(
        after_help = "Examples:\n  subsidy-ledger rent waive L12 --from 2020-02 --full --as incubator\n  \
        subsidy-ledger rent waive L12 --from 2020-03 --until 2020-04 --half --as incubator\n  \
        subsidy-ledger rent waive L12 --from 2020-02 --full --way offset --against 2020-05 --as incubator\n  \
        subsidy-ledger rent waive L12 --months 2 --way extension --as incubator\n\n\
        Months are billed first. A reduction takes what is open, a refund gives back what was paid, an offset counts\n\
        what was paid as payment for later months, an extension adds months free of rent to the lease. The tenant\n\
        confirms next: `rent confirm`."
    )]
    Waive(WaiveArgs),
    /// Confirm a waiver with the sum that the tenant states (a person who acts for the tenant)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent confirm W34 --amount 38000.00 --as tenant\n\n\
        Another sum than was declared is a mismatch: it blocks every claim until a reviewer settles it (`rent settle`).\n\
        What was mistyped is stated again in the same way, until it is settled or audited; each statement is an entry."
    )]
    Confirm(ConfirmArgs),
    /// Settle what carrier and tenant state differently (a reviewer)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent settle W34 --amount 80000.00 --reason 'bank statement seen' --as reviewer\n\n\
        At most the smaller of both sums. What was declared beyond it is rent that is owed, or paid, as before."
    )]
    Settle(SettleArgs),
    /// Record what an audit found of a confirmed waiver (a reviewer or manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent audit W34 --amount 38000.00 --reason 'special audit report of 2020-09' \
        --as reviewer\n\n\
        At most what is confirmed; somebody who did not declare, confirm or settle it. With --not-compensable no claim\n\
        may rest on it. The rent book does not move."
    )]
    Audit(AuditArgs),
    /// Undo a waiver that no approved claim rests on (the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent void W34 --reason 'wrong month' --as incubator"
    )]
    Void {
        /// The waiver: W and the number of its entry, or its id
        waiver: Named<WaiverId>,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// Defer billed rent, to be paid in instalments (the carrier)
    #[command(
        after_help = "Examples:\n  subsidy-ledger rent defer L12 --from 2020-02 --until 2020-04 --instalments 6 \
        --first 2020-09-01 --as incubator\n  \
        subsidy-ledger rent defer L12 --from 2020-02 --due 2020-09-01=20000.00 --due 2020-12-01=18000.00 --as incubator\n\n\
        Equal instalments fall on the same day of each month; what does not divide goes to the first ones, a fen each.\n\
        Listed ones have to add up. No claim can rest on a deferral."
    )]
    Defer(DeferArgs),
    /// Take a payment of a deferral, the earliest instalments first (the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent instalment S56 --amount 20000.00 --as incubator"
    )]
    Instalment {
        /// The deferral: S and the number of its entry, or its id
        deferral: Named<DeferralId>,
        /// How much was paid
        #[arg(long)]
        amount: String,
    },
    /// Make the rest of a deferral due at once, since an instalment is late (the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent default S56 --reason 'no payment since May' --as incubator"
    )]
    Default {
        /// The deferral: S and the number of its entry, or its id
        deferral: Named<DeferralId>,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// Waive the rest of a deferral; the waiver is dated today (the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger rent convert S56 --reason 'relief of 2020-11' --as incubator\n\n\
        The tenant confirms the waiver next, as any other: `rent confirm`."
    )]
    Convert {
        /// The deferral: S and the number of its entry, or its id
        deferral: Named<DeferralId>,
        /// Why
        #[arg(long)]
        reason: Reason,
        /// The part of it that the carrier's own landlord waived
        #[arg(long, value_name = "AMOUNT")]
        landlord_relief: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct BillArgs {
    /// The lease: L and its number, or its id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    lease: Option<Named<LeaseId>>,
    /// The month, such as 2020-03
    #[arg(long)]
    month: Month,
    /// The day for which the bill counts, if it comes late [default: the last of the month, or today]
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// Every lease of the carrier that has days in the month and no bill for it
    #[arg(long)]
    all: bool,
    /// The carrier, by code or id [default: whom --as acts for]
    #[arg(long, requires = "all")]
    carrier: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct PayArgs {
    /// The lease: L and its number, or its id
    lease: Named<LeaseId>,
    /// How much was paid
    #[arg(long)]
    amount: String,
    /// For this month only
    #[arg(long)]
    month: Option<Month>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Reduction,
    Refund,
    Offset,
    Extension,
}

impl From<Way> for rent::Way {
    fn from(way: Way) -> Self {
        match way {
            Way::Reduction => Self::Reduction,
            Way::Refund => Self::Refund,
            Way::Offset => Self::Offset,
            Way::Extension => Self::Extension,
        }
    }
}

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct WaiveArgs {
    /// The lease: L and its number, or its id
    lease: Named<LeaseId>,
    #[command(flatten)]
    measure: MeasureArgs,
    /// First month
    #[arg(long, value_name = "MONTH", required_unless_present = "months")]
    from: Option<Month>,
    /// Last month [default: the first]
    #[arg(long, value_name = "MONTH", requires = "from")]
    until: Option<Month>,
    /// How it is carried out
    #[arg(long, value_enum, default_value = "reduction")]
    way: Way,
    /// A later month that an offset counts as paid; several in their order
    #[arg(long, value_name = "MONTH")]
    against: Vec<Month>,
    /// The part of it that the carrier's own landlord waived
    #[arg(long, value_name = "AMOUNT")]
    landlord_relief: Option<String>,
    /// SHA-256 of a document: the waiver agreement
    #[arg(long, value_name = "SHA256")]
    evidence: Vec<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct MeasureArgs {
    /// The whole rent of each month
    #[arg(long)]
    full: bool,
    /// Half the rent of each month
    #[arg(long)]
    half: bool,
    /// A share of the rent of each month, in per cent, such as 30 or 33.33
    #[arg(long, value_name = "PERCENT", value_parser = hundredths)]
    share: Option<u16>,
    /// An amount, of the first months first
    #[arg(long)]
    amount: Option<String>,
    /// Months added to the lease, free of rent
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=120))]
    months: Option<u8>,
}

/// Hundredths of a per cent, from a per cent with at most two decimals.
fn hundredths(text: &str) -> Result<u16, String> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{decimals:0<2}");
    let is_plain = !whole.is_empty()
        && decimals.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let share = is_plain.then(|| digits.parse::<u16>().ok()).flatten();
    share
        .filter(|share| (1..=10_000).contains(share))
        .ok_or_else(|| {
            "write a per cent of more than 0 and at most 100, with at most two decimals".to_owned()
        })
}

impl MeasureArgs {
    fn measure(self) -> Measure {
        match self {
            Self {
                share: Some(hundredths),
                ..
            } => Measure::Share { hundredths },
            Self {
                amount: Some(amount),
                ..
            } => Measure::Amount { amount },
            Self {
                months: Some(months),
                ..
            } => Measure::Months { months },
            Self { half: true, .. } => Measure::Half,
            Self { .. } => Measure::Full,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ConfirmArgs {
    /// The waiver: W and the number of its entry, or its id
    waiver: Named<WaiverId>,
    /// The rent that was waived, as the tenant states it
    #[arg(long)]
    amount: String,
    /// SHA-256 of a document: the tenant's signed statement
    #[arg(long, value_name = "SHA256")]
    evidence: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct SettleArgs {
    /// The waiver: W and the number of its entry, or its id
    waiver: Named<WaiverId>,
    /// What stands of it
    #[arg(long)]
    amount: String,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The waiver: W and the number of its entry, or its id
    waiver: Named<WaiverId>,
    /// The rent that is proved
    #[arg(long)]
    amount: String,
    /// No claim may rest on it
    #[arg(long)]
    not_compensable: bool,
    /// What it rests on, or why not all of it counts
    #[arg(long)]
    reason: Reason,
    /// SHA-256 of a document: the audit report
    #[arg(long, value_name = "SHA256")]
    evidence: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DeferArgs {
    /// The lease: L and its number, or its id
    lease: Named<LeaseId>,
    /// First month whose rent is deferred
    #[arg(long, value_name = "MONTH")]
    from: Month,
    /// Last month [default: the first]
    #[arg(long, value_name = "MONTH")]
    until: Option<Month>,
    /// How much of it [default: all that is open]
    #[arg(long)]
    amount: Option<String>,
    /// How many equal instalments, month by month
    #[arg(long, value_name = "NUMBER", requires = "first", required_unless_present = "due",
        value_parser = clap::value_parser!(u8).range(1..=120))]
    instalments: Option<u8>,
    /// Day of the first of them
    #[arg(long, value_name = "DAY", requires = "instalments")]
    first: Option<Day>,
    /// An instalment as agreed; several in the order of their days
    #[arg(long, value_name = "DAY=AMOUNT", value_parser = due_on, conflicts_with = "instalments")]
    due: Vec<DueOn>,
    /// SHA-256 of a document: the agreement
    #[arg(long, value_name = "SHA256")]
    evidence: Vec<String>,
}

pub(super) fn due_on(text: &str) -> Result<DueOn, String> {
    let (day, amount) = text
        .split_once('=')
        .ok_or_else(|| "write the day and the amount, such as 2020-09-01=20000.00".to_owned())?;
    let due = day.parse::<Day>().map_err(|error| error.to_string())?;
    Ok(DueOn {
        amount: amount.to_owned(),
        due: due.date(),
    })
}

/// What a refusal tells a person.
pub(super) fn sentences(code: Value) -> Option<Sentences> {
    let refusal = serde_json::from_value::<RentRefusal>(code).ok()?;
    Some(refusal.sentences())
}

/// The names of parties, as far as they are known.
pub(super) async fn names_of(
    session: &Session,
    zone: &Zone,
    parties: &[PartyId],
) -> anyhow::Result<HashMap<PartyId, String>> {
    let input = (zone.id, parties.to_vec());
    let found = session
        .database
        .read(zone.id, input, |conn, (zone, parties)| {
            Box::pin(party::store::parties(conn, *zone, parties))
        })
        .await?;
    Ok(found
        .into_iter()
        .map(|party| (party.id, party.name.to_string()))
        .collect())
}

pub(super) async fn run(global: &Global, command: RentCommand) -> anyhow::Result<ExitCode> {
    match command {
        RentCommand::Act(action) => {
            with_session(global, async |session| {
                let caller = session.caller(global).await?;
                let desk = Desk::new(global, session, caller, sentences);
                act(&desk, action).await
            })
            .await
        }
        RentCommand::List(args) => show::waivers(global, args).await,
        RentCommand::Deferrals(args) => show::deferrals(global, args).await,
        RentCommand::Show { name } => show::show(global, &name).await,
        RentCommand::Statement { lease } => statement::statement(global, lease).await,
        RentCommand::Overdue(args) => show::overdue(global, args).await,
        RentCommand::Relief(args) => relief::relief(global, args).await,
    }
}

/// Runs one action, and prints its answer.
async fn act(desk: &Desk<'_>, action: Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Bill(args) => bill(desk, args).await.map_err(late),
        Action::Pay(args) => {
            let input = PayRent {
                amount: args.amount,
                lease: lease(desk, args.lease).await?,
                month: args.month,
            };
            desk.one(input, |conn, requests| {
                Box::pin(rent::pay_rent(conn, requests))
            })
            .await
        }
        Action::Waive(args) => waive(desk, args).await,
        Action::Confirm(args) => confirm(desk, args).await,
        Action::Settle(args) => settle(desk, args).await,
        Action::Audit(args) => audit(desk, args).await,
        Action::Void { waiver, reason } => {
            let waiver = named_waiver(desk, waiver).await?;
            let input = VoidWaiver { reason, waiver };
            desk.one(input, |conn, requests| {
                Box::pin(rent::void_waiver(conn, requests))
            })
            .await
        }
        Action::Defer(args) => defer(desk, args).await,
        Action::Instalment { deferral, amount } => {
            let deferral = named_deferral(desk, deferral).await?;
            let input = PayInstalment { amount, deferral };
            desk.one(input, |conn, requests| {
                Box::pin(rent::pay_instalment(conn, requests))
            })
            .await
        }
        Action::Default { deferral, reason } => {
            let deferral = named_deferral(desk, deferral).await?;
            let input = DefaultDeferral { deferral, reason };
            desk.one(input, |conn, requests| {
                Box::pin(rent::default_deferral(conn, requests))
            })
            .await
        }
        Action::Convert {
            deferral,
            reason,
            landlord_relief,
        } => {
            let deferral = named_deferral(desk, deferral).await?;
            let input = ConvertDeferral {
                deferral,
                landlord_relief,
                reason,
            };
            desk.one(input, |conn, requests| {
                Box::pin(rent::convert_deferral(conn, requests))
            })
            .await
        }
    }
}

/// What to do about a bill of a month that is closed.
fn late(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(BatchError::Refused(Refusal::PeriodClosed(_))) => error.context(
            "finance has closed the month: --on DAY bills it as of a day of the open period",
        ),
        _ => error,
    }
}

async fn bill(desk: &Desk<'_>, args: BillArgs) -> anyhow::Result<ExitCode> {
    let month = args.month;
    let on = args.on.map(Day::date);
    if let Some(named) = args.lease {
        let lease = lease(desk, named).await?;
        return desk
            .one(BillRent { lease, month, on }, |conn, requests| {
                Box::pin(rent::bill_rent(conn, requests))
            })
            .await;
    }
    let carrier = match (&args.carrier, desk.caller.actor.party) {
        (Some(text), _) => desk.party(text).await?,
        (None, Some(party)) => party,
        (None, None) => anyhow::bail!(
            "say whose leases: --carrier CODE, since {} acts for no party",
            desk.caller.actor.login
        ),
    };
    let mut billed = 0_usize;
    loop {
        let answers = desk
            .session
            .command(
                &desk.caller,
                (carrier, (month, on)),
                |conn, command, (carrier, month)| {
                    Box::pin(async move {
                        rent::bill_month(conn, &command, *carrier, *month, 1_000).await
                    })
                },
            )
            .await?;
        if answers.is_empty() {
            break;
        }
        for answer in answers {
            answer?;
            billed += 1;
        }
    }
    if desk.global.json {
        output::json(&serde_json::json!({ "billed": billed, "month": month }))?;
    } else {
        let leases = output::counted(billed, "lease", "leases");
        output::line(&format!("{leases} billed for {month}."))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn waive(desk: &Desk<'_>, args: WaiveArgs) -> anyhow::Result<ExitCode> {
    let input = Waive {
        against: args.against,
        evidence: args.evidence,
        from: args.from,
        landlord_relief: args.landlord_relief,
        lease: lease(desk, args.lease).await?,
        measure: args.measure.measure(),
        until: args.until,
        way: args.way.into(),
    };
    desk.one(input, |conn, requests| {
        Box::pin(rent::waive(conn, requests))
    })
    .await
}

async fn confirm(desk: &Desk<'_>, args: ConfirmArgs) -> anyhow::Result<ExitCode> {
    let input = ConfirmWaiver {
        evidence: args.evidence,
        stated: args.amount,
        waiver: named_waiver(desk, args.waiver).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(rent::confirm_waiver(conn, requests))
    })
    .await
}

async fn settle(desk: &Desk<'_>, args: SettleArgs) -> anyhow::Result<ExitCode> {
    let input = SettleWaiver {
        amount: args.amount,
        reason: args.reason,
        waiver: named_waiver(desk, args.waiver).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(rent::settle_waiver(conn, requests))
    })
    .await
}

async fn audit(desk: &Desk<'_>, args: AuditArgs) -> anyhow::Result<ExitCode> {
    let input = AuditWaiver {
        amount: args.amount,
        compensable: !args.not_compensable,
        evidence: args.evidence,
        reason: args.reason,
        waiver: named_waiver(desk, args.waiver).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(rent::audit_waiver(conn, requests))
    })
    .await
}

async fn defer(desk: &Desk<'_>, args: DeferArgs) -> anyhow::Result<ExitCode> {
    let schedule = match (args.instalments, args.first) {
        (Some(count), Some(first)) => Schedule::Months {
            count,
            first: first.date(),
        },
        (_, _) => Schedule::Days {
            instalments: args.due,
        },
    };
    let input = DeferRent {
        amount: args.amount,
        evidence: args.evidence,
        from: args.from,
        lease: lease(desk, args.lease).await?,
        schedule,
        until: args.until.unwrap_or(args.from),
    };
    desk.one(input, |conn, requests| {
        Box::pin(rent::defer_rent(conn, requests))
    })
    .await
}

async fn lease(desk: &Desk<'_>, named: Named<LeaseId>) -> anyhow::Result<LeaseId> {
    let look_up = lease_id(desk.session, &desk.caller.zone, named);
    desk.find(named, look_up).await
}

/// The id of a waiver, as whoever acts names it.
pub(super) async fn named_waiver(
    desk: &Desk<'_>,
    named: Named<WaiverId>,
) -> anyhow::Result<WaiverId> {
    let look_up = waiver_id(desk.session, &desk.caller.zone, named);
    desk.find(named, look_up).await
}

async fn named_deferral(desk: &Desk<'_>, named: Named<DeferralId>) -> anyhow::Result<DeferralId> {
    let look_up = deferral_id(desk.session, &desk.caller.zone, named);
    desk.find(named, look_up).await
}

/// The id of a waiver, as somebody names it.
pub(super) async fn waiver_id(
    session: &Session,
    zone: &Zone,
    named: Named<WaiverId>,
) -> anyhow::Result<WaiverId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(rent::find_waiver(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}

/// The id of a deferral, as somebody names it.
async fn deferral_id(
    session: &Session,
    zone: &Zone,
    named: Named<DeferralId>,
) -> anyhow::Result<DeferralId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(rent::find_deferral(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_per_cents_with_two_decimals() {
        for (text, share) in [
            ("30", 3_000),
            ("33.33", 3_333),
            ("0.5", 50),
            ("100", 10_000),
        ] {
            assert_eq!(hundredths(text), Ok(share), "{text}");
        }
        for bad in ["", "0", "0.00", "100.01", "-1", "1.234", "a", ".5", "30%"] {
            assert!(hundredths(bad).is_err(), "{bad:?} was not refused");
        }
    }
}
