//! A carrier defers rent, and what becomes of that: instalments, default, conversion into a waiver.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bill::{Bills, Move, Part, standing};
use super::cases::{
    self, About, Cases, Effect, MoveText, Outcome, WaiverStep, amount, evidence, money,
    months_in_order, texts,
};
use super::deferral::{Deferral, instalments};
use super::month::Month;
use super::postings;
use super::refused::{Refused, RentRefusal};
use super::waiver::{Method, Waiver, Way};
use crate::batch::{Answers, BatchError, Decided, Rejected, Step};
use crate::identity::{Command, Role};
use crate::types::{
    Amount, Currency, DeferralId, LeaseId, LogIndex, Money, Reason, Schedule, WaiverId,
};

/// A deferral as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferRent {
    /// How much of the months' rent, decimal text; left out for all that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// SHA-256 of documents: the agreement. Hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// First month whose rent is deferred.
    pub from: Month,
    /// The lease.
    pub lease: LeaseId,
    /// When it is paid.
    pub schedule: Schedule,
    /// Last month whose rent is deferred.
    pub until: Month,
}

/// The tenant has paid an instalment, or a part of it, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayInstalment {
    /// How much, decimal text.
    pub amount: String,
    /// The deferral.
    pub deferral: DeferralId,
}

/// The rest of a deferral becomes due at once, since an instalment is late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultDeferral {
    /// The deferral.
    pub deferral: DeferralId,
    /// Why.
    pub reason: Reason,
}

/// The rest of a deferral becomes a waiver, dated today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvertDeferral {
    /// The deferral.
    pub deferral: DeferralId,
    /// The part of it that the carrier's own landlord waived to the carrier, decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landlord_relief: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// One payment of a schedule, as entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalmentText {
    /// Decimal text.
    pub amount: String,
    /// The last day on which it is paid in time.
    pub due: chrono::NaiveDate,
    /// Its place, from 1.
    pub number: i16,
}

/// What went to an instalment, as entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidText {
    /// Decimal text.
    pub amount: String,
    /// The instalment's place.
    pub number: i16,
}

/// What became of a deferral.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DeferralAnswer {
    /// It is agreed.
    Agreed {
        /// Rent deferred, decimal text: the sum of the instalments.
        amount: String,
        /// Identity.
        deferral: DeferralId,
        /// When it is paid.
        instalments: Vec<InstalmentText>,
        /// What moved in the bills.
        moves: Vec<MoveText>,
    },
    /// A payment came in.
    Paid {
        /// How much, decimal text.
        amount: String,
        /// To which instalments it went.
        instalments: Vec<PaidText>,
        /// The lease.
        lease: LeaseId,
        /// What moved in the bills.
        moves: Vec<MoveText>,
        /// What is still to be paid, decimal text.
        open: String,
    },
    /// The rest is due at once.
    Defaulted {
        /// How much, decimal text.
        amount: String,
        /// The lease.
        lease: LeaseId,
        /// What moved in the bills.
        moves: Vec<MoveText>,
    },
    /// The rest is waived.
    Converted {
        /// How much, decimal text.
        amount: String,
        /// The part that the carrier's own landlord waived, decimal text.
        landlord_relief: String,
        /// The lease.
        lease: LeaseId,
        /// What moved in the bills.
        moves: Vec<MoveText>,
        /// The waiver, which waits for the tenant.
        waiver: WaiverId,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Defers billed rent that is open. The tenant pays it in instalments; no claim can rest on it.
pub async fn defer_rent(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, DeferRent)],
) -> Result<Answers<DeferralAnswer>, BatchError> {
    let about = |input: &DeferRent| About::Lease(input.lease);
    cases::answer(conn, "rent.defer", requests, about, decide_defer).await
}

fn decide_defer(
    command: &Command<'_>,
    input: &DeferRent,
    cases: &mut Cases,
) -> Result<Decided<DeferRent, DeferralAnswer, Effect>, BatchError> {
    let currency = command.zone.currency;
    let found = check(command, input).and_then(|asked| {
        let (lease, bills) = cases.lease(command, input.lease)?;
        let moves = match to_defer(bills, input, asked) {
            Err(refused) => return Ok((Err(refused), lease, bills)),
            Ok(moves) => moves,
        };
        let deferral = agree(command, input, &moves)?;
        Ok((Ok((deferral, moves)), lease, bills))
    });
    let (outcome, lease, bills) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let applied = outcome.and_then(|(deferral, moves)| {
        bills.apply(&moves)?;
        Ok((deferral, moves))
    });
    let (deferral, moves) = match applied {
        Err(refused) => {
            let answer = DeferralAnswer::Refused(refused.into());
            let step = Step::new("deferral.refused", input.lease, input, answer);
            return Ok(Ok((step, Effect::default())));
        }
        Ok(applied) => applied,
    };
    let text = |one: &super::deferral::Instalment| InstalmentText {
        amount: one.amount.money().to_text(currency),
        due: one.due,
        number: one.number,
    };
    let id = deferral.id;
    let answer = DeferralAnswer::Agreed {
        amount: deferral.amount().to_text(currency),
        deferral: id,
        instalments: deferral.instalments.iter().map(text).collect(),
        moves: texts(&moves, currency),
    };
    let transfers = postings::moved(lease, &moves, currency)?;
    cases.deferrals.insert(id, deferral);
    let effect = Effect {
        moved: cases.remember(id.0, input.lease, moves),
        deferral: Some((id, true)),
        ..Effect::default()
    };
    let step = Step::new("deferral.agreed", id, input, answer).moving(transfers);
    Ok(Ok((step, effect)))
}

/// Mistakes of whoever asks, which are not recorded. Gives the amount, if one is named.
fn check(command: &Command<'_>, input: &DeferRent) -> Result<Option<Amount>, Rejected> {
    command.actor.require(&[Role::Incubator])?;
    evidence(&input.evidence)?;
    months_in_order(input.from, input.until)?;
    let text = input.amount.as_deref();
    text.map(|text| amount("amount", text, command.zone.currency))
        .transpose()
}

fn to_defer(bills: &Bills, input: &DeferRent, asked: Option<Amount>) -> Outcome<Vec<Move>> {
    let months = bills.billed(input.from, input.until)?;
    let open = bills.of(Part::Open, &months);
    let asked = asked
        .or(Amount::new(open).ok())
        .ok_or(RentRefusal::NothingLeft)?;
    let moves = bills.take(&months, Part::Open, Part::Deferred, asked);
    moves.ok_or(RentRefusal::MoreThanOpen)
}

fn agree(command: &Command<'_>, input: &DeferRent, moves: &[Move]) -> Result<Deferral, Rejected> {
    let sum: Money = moves.iter().map(|step| step.amount.money()).sum();
    let whole = Amount::new(sum).map_err(|error| Rejected::Input(format!("amount: {error}")))?;
    let instalments = instalments(&input.schedule, whole, command.zone.currency);
    Ok(Deferral {
        id: DeferralId::generate(),
        lease: input.lease,
        agreed_by: command.actor.person,
        agreed_index: LogIndex(0),
        from_month: input.from,
        until_month: input.until,
        open: sum,
        paid: Money::ZERO,
        defaulted: Money::ZERO,
        converted: Money::ZERO,
        instalments: instalments.map_err(Rejected::Input)?,
        ended_index: None,
    })
}

/// Takes payments of instalments, the earliest first.
pub async fn pay_instalment(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, PayInstalment)],
) -> Result<Answers<DeferralAnswer>, BatchError> {
    let about = |input: &PayInstalment| About::Deferral(input.deferral);
    cases::answer(
        conn,
        "rent.instalment",
        requests,
        about,
        |command, input, cases| {
            let asked = amount("amount", &input.amount, command.zone.currency);
            let asked = match asked {
                Ok(asked) => asked,
                Err(rejected) => return Ok(Err(rejected)),
            };
            step(command, input, input.deferral, cases, &|deferral| {
                let instalments = deferral.pay(asked)?;
                Ok(Change {
                    instalments,
                    ..Change::to(Part::Paid, asked)
                })
            })
        },
    )
    .await
}

/// Makes the rest of deferrals due at once, where an instalment is late.
pub async fn default_deferral(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, DefaultDeferral)],
) -> Result<Answers<DeferralAnswer>, BatchError> {
    let about = |input: &DefaultDeferral| About::Deferral(input.deferral);
    cases::answer(
        conn,
        "rent.default",
        requests,
        about,
        |command, input, cases| {
            step(command, input, input.deferral, cases, &|deferral| {
                Ok(Change::to(Part::Open, deferral.make_due(command.today())?))
            })
        },
    )
    .await
}

/// Waives the rest of deferrals. The waiver is one of today, and goes the way of any other.
pub async fn convert_deferral(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ConvertDeferral)],
) -> Result<Answers<DeferralAnswer>, BatchError> {
    let about = |input: &ConvertDeferral| About::Deferral(input.deferral);
    cases::answer(
        conn,
        "rent.convert",
        requests,
        about,
        |command, input, cases| {
            let text = input
                .landlord_relief
                .as_deref()
                .map_or(Ok(Money::ZERO), |text| {
                    money("landlord relief", text, command.zone.currency)
                });
            let landlord_relief = match text {
                Ok(landlord_relief) => landlord_relief,
                Err(rejected) => return Ok(Err(rejected)),
            };
            step(command, input, input.deferral, cases, &|deferral| {
                let rest = deferral.convert()?;
                let landlord_relief = Some(landlord_relief);
                Ok(Change {
                    landlord_relief,
                    ..Change::to(Part::Waived, rest)
                })
            })
        },
    )
    .await
}

/// Where deferred rent goes.
struct Change {
    amount: Amount,
    to: Part,
    instalments: Vec<(i16, Amount)>,
    /// Of a conversion: what the carrier's own landlord waived of it.
    landlord_relief: Option<Money>,
}

impl Change {
    const fn to(to: Part, amount: Amount) -> Self {
        Self {
            amount,
            to,
            instalments: Vec::new(),
            landlord_relief: None,
        }
    }
}

/// One step of a deferral: decides on it, moves its rent from the first month on, and says so.
fn step<I: Clone>(
    command: &Command<'_>,
    input: &I,
    id: DeferralId,
    cases: &mut Cases,
    change: &dyn Fn(&mut Deferral) -> Outcome<Change>,
) -> Result<Decided<I, DeferralAnswer, Effect>, BatchError> {
    let currency = command.zone.currency;
    let still = cases.moves.get(&id.0).cloned().unwrap_or_default();
    let found = command
        .actor
        .require(&[Role::Incubator])
        .map_err(Rejected::from);
    let (deferral, lease, bills) = match found.and_then(|()| cases.deferral(command, id)) {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let mut changed = deferral.clone();
    let outcome = change(&mut changed).and_then(|change| {
        let above = change.landlord_relief.unwrap_or_default();
        if above > Money::ZERO && !lease.sublet {
            return Err(RentRefusal::NotSublet);
        }
        if above > change.amount.money() {
            return Err(RentRefusal::LandlordAbove);
        }
        let moves = from_deferred(&still, &change);
        bills.apply(&moves)?;
        Ok((change, moves))
    });
    let (change, moves) = match outcome {
        Err(refused) => {
            let answer = DeferralAnswer::Refused(refused.into());
            let step = Step::new("deferral.refused", id, input, answer);
            return Ok(Ok((step, Effect::default())));
        }
        Ok(outcome) => outcome,
    };
    *deferral = changed;
    let transfers = postings::moved(lease, &moves, currency)?;
    let lease = lease.id;
    let waiver = change
        .landlord_relief
        .map(|landlord_relief| converted(command, deferral, &change, landlord_relief));
    let (kind, answer) = say(lease, deferral, &change, &moves, waiver.as_ref(), currency);
    let effect = Effect {
        moved: cases.remember(id.0, lease, moves),
        deferral: Some((id, false)),
        waiver: waiver
            .as_ref()
            .map(|waiver| (waiver.id, WaiverStep::Declared)),
        ..Effect::default()
    };
    cases
        .waivers
        .extend(waiver.map(|waiver| (waiver.id, waiver)));
    Ok(Ok((
        Step::new(kind, id, input, answer).moving(transfers),
        effect,
    )))
}

/// What of the deferred months goes where, the first month first.
fn from_deferred(still: &[Move], change: &Change) -> Vec<Move> {
    let mut left = change.amount.money();
    let mut moves = Vec::new();
    for ((month, _), sum) in standing(still, Part::Deferred) {
        if let Ok(amount) = Amount::new(sum.min(left)) {
            left = left.saturating_sub(amount.money());
            moves.push(Move {
                amount,
                from: Part::Deferred,
                month,
                to: change.to,
            });
        }
    }
    moves
}

/// The waiver that the rest of a deferral becomes, dated today.
fn converted(
    command: &Command<'_>,
    deferral: &Deferral,
    change: &Change,
    landlord_relief: Money,
) -> Waiver {
    let today = command.today();
    Waiver {
        id: WaiverId::generate(),
        lease: deferral.lease,
        deferral: Some(deferral.id),
        declared_by: command.actor.person,
        declared_index: LogIndex(0),
        declared_on: today,
        method: Method::Converted,
        way: Way::Reduction,
        from_day: today,
        until_day: today,
        amount: change.amount,
        landlord_relief,
        stated: None,
        settled: None,
        audited: None,
        compensable: false,
        claimed_index: None,
        voided_index: None,
    }
}

fn say(
    lease: LeaseId,
    deferral: &Deferral,
    change: &Change,
    moves: &[Move],
    waiver: Option<&Waiver>,
    currency: Currency,
) -> (&'static str, DeferralAnswer) {
    let text = |sum: Money| sum.to_text(currency);
    let amount = text(change.amount.money());
    let moves = texts(moves, currency);
    if let Some(waiver) = waiver {
        let answer = DeferralAnswer::Converted {
            amount,
            landlord_relief: text(waiver.landlord_relief),
            lease,
            moves,
            waiver: waiver.id,
        };
        return ("deferral.converted", answer);
    }
    if change.to == Part::Open {
        return (
            "deferral.defaulted",
            DeferralAnswer::Defaulted {
                amount,
                lease,
                moves,
            },
        );
    }
    let paid = change.instalments.iter();
    let instalments = paid.map(|(number, part)| PaidText {
        amount: text(part.money()),
        number: *number,
    });
    let answer = DeferralAnswer::Paid {
        amount,
        instalments: instalments.collect(),
        lease,
        moves,
        open: text(deferral.open),
    };
    ("deferral.paid", answer)
}
