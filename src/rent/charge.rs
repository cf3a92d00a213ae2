//! The rent of a month is billed, and paid.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bill::{Bill, Bills, Move, Part};
use super::cases::{self, About, Cases, Effect, MoveText, Outcome, amount, texts};
use super::lease::{Charges, Lease};
use super::month::Month;
use super::refused::{Refused, RentRefusal};
use super::{postings, store};
use crate::batch::{Answers, BatchError, Decided, Rejected, Step};
use crate::identity::{Command, Role};
use crate::types::{Amount, LeaseId, PartyId};

/// Bills a lease for a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillRent {
    /// The lease.
    pub lease: LeaseId,
    /// The month.
    pub month: Month,
    /// The day for which the bill counts, not before the month is over; else that day, or today if it is to come. A bill
    /// that comes late, when its month is closed, counts for a day of the open period and keeps its month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<NaiveDate>,
}

/// The tenant has paid rent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayRent {
    /// How much, decimal text in the zone's currency.
    pub amount: String,
    /// The lease.
    pub lease: LeaseId,
    /// For this month only; else for the first months that are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
}

/// What became of a bill or a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RentAnswer {
    /// The month is billed.
    Billed {
        /// Other charges, decimal text; no rent.
        charges: Charges<String>,
        /// Days of the month under lease.
        days: i64,
        /// Rent alone, decimal text.
        rent: String,
    },
    /// Rent is paid.
    Paid {
        /// How much, decimal text.
        amount: String,
        /// For which months.
        moves: Vec<MoveText>,
        /// What is still open of the lease, decimal text.
        open: String,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Bills leases. A month is billed once; it counts for its last day if that has passed, else for today, or for a later day.
pub async fn bill_rent(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, BillRent)],
) -> Result<Answers<RentAnswer>, BatchError> {
    let about = |input: &BillRent| About::Lease(input.lease);
    cases::answer(conn, "rent.bill", requests, about, decide_bill).await
}

fn decide_bill(
    command: &Command<'_>,
    input: &BillRent,
    cases: &mut Cases,
) -> Result<Decided<BillRent, RentAnswer, Effect>, BatchError> {
    let found = allow(command).and_then(|()| {
        let day = counts_on(input, command.today())?;
        Ok((day, cases.lease(command, input.lease)?))
    });
    let (day, (lease, bills)) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let currency = command.zone.currency;
    Ok(Ok(match new_bill(lease, bills, input.month) {
        Err(refused) => {
            let answer = RentAnswer::Refused(refused.into());
            let step = Step::new("rent_bill.refused", input.lease, input, answer);
            (step, Effect::default())
        }
        Ok(bill) => {
            let answer = RentAnswer::Billed {
                charges: bill.charges.map(|charge| charge.to_text(currency)),
                days: bill.days,
                rent: bill.parts.rent().to_text(currency),
            };
            let transfers = postings::bill(lease, bill.parts.rent(), currency)?;
            bills.by_month.insert(input.month, bill);
            let effect = Effect {
                billed: Some((input.lease, input.month)),
                ..Effect::default()
            };
            let step = Step::new("rent_bill.issued", input.lease, input, answer)
                .on(day)
                .moving(transfers);
            (step, effect)
        }
    }))
}

/// The day for which a month's bill counts.
fn counts_on(input: &BillRent, today: NaiveDate) -> Result<NaiveDate, Rejected> {
    let first = input.month.last_day().min(today);
    let day = input.on.unwrap_or(first);
    if (first..=today).contains(&day) {
        return Ok(day);
    }
    Err(Rejected::Input(format!(
        "on: the bill of {} can't count for {day}: name a day from {first} to {today}",
        input.month
    )))
}

fn new_bill(lease: &Lease, bills: &Bills, month: Month) -> Outcome<Bill> {
    if bills.by_month.contains_key(&month) {
        return Err(RentRefusal::AlreadyBilled);
    }
    lease.bill(month)
}

/// Bills at most `limit` leases of a carrier for a month, each by an entry of its own, as of a day. Safe to run twice, or
/// late: it finds only what still has to be billed.
pub async fn bill_month(
    conn: &mut PgConnection,
    command: &Command<'_>,
    carrier: PartyId,
    (month, on): (Month, Option<NaiveDate>),
    limit: i64,
) -> Result<Answers<RentAnswer>, BatchError> {
    let due = store::leases_to_bill(conn, command.zone.id, carrier, month, limit).await?;
    let unkeyed = Command {
        key: None,
        ..*command
    };
    let requests: Vec<_> = due
        .into_iter()
        .map(|lease| (unkeyed, BillRent { lease, month, on }))
        .collect();
    bill_rent(conn, &requests).await
}

/// Takes payments of rent, for the first open months first.
pub async fn pay_rent(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, PayRent)],
) -> Result<Answers<RentAnswer>, BatchError> {
    let about = |input: &PayRent| About::Lease(input.lease);
    cases::answer(conn, "rent.pay", requests, about, decide_pay).await
}

fn decide_pay(
    command: &Command<'_>,
    input: &PayRent,
    cases: &mut Cases,
) -> Result<Decided<PayRent, RentAnswer, Effect>, BatchError> {
    let currency = command.zone.currency;
    let found = allow(command).and_then(|()| {
        let asked = amount("amount", &input.amount, currency)?;
        Ok((asked, cases.lease(command, input.lease)?))
    });
    let (asked, (lease, bills)) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    Ok(Ok(match pay(bills, asked, input.month) {
        Err(refused) => {
            let answer = RentAnswer::Refused(refused.into());
            let step = Step::new("rent_payment.refused", input.lease, input, answer);
            (step, Effect::default())
        }
        Ok(moves) => {
            let months: Vec<Month> = bills.by_month.keys().copied().collect();
            let answer = RentAnswer::Paid {
                amount: asked.money().to_text(currency),
                moves: texts(&moves, currency),
                open: bills.of(Part::Open, &months).to_text(currency),
            };
            let transfers = postings::moved(lease, &moves, currency)?;
            let effect = Effect {
                moved: cases.remember(input.lease.0, input.lease, moves),
                ..Effect::default()
            };
            let step = Step::new("rent_payment.received", input.lease, input, answer);
            (step.moving(transfers), effect)
        }
    }))
}

fn pay(bills: &mut Bills, asked: Amount, month: Option<Month>) -> Outcome<Vec<Move>> {
    let months = match month {
        Some(month) => bills.billed(month, month)?,
        None => bills.by_month.keys().copied().collect(),
    };
    let moves = bills.take(&months, Part::Open, Part::Paid, asked);
    let moves = moves.ok_or(RentRefusal::MoreThanOpen)?;
    bills.apply(&moves)?;
    Ok(moves)
}

fn allow(command: &Command<'_>) -> Result<(), Rejected> {
    Ok(command.actor.require(&[Role::Incubator])?)
}
