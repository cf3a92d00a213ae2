//! A carrier waives rent.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bill::{Bills, Move};
use super::cases::{
    self, About, Cases, Effect, MoveText, Outcome, WaiverStep, amount, evidence, money,
    months_in_order, texts,
};
use super::lease::Lease;
use super::month::Month;
use super::postings;
use super::refused::{Refused, RentRefusal};
use super::store::{self, Let};
use super::waiver::{Measure, Method, Waiver, Way, plan};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::journal::Transfer;
use crate::types::{Amount, LeaseId, LogIndex, Money, WaiverId};

/// A waiver as the carrier declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waive {
    /// Later months that an offset counts as payment for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<Month>,
    /// SHA-256 of documents: the waiver agreement. Hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// First month; left out for an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Month>,
    /// The part of it that the carrier's own landlord waived to the carrier, decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landlord_relief: Option<String>,
    /// The lease.
    pub lease: LeaseId,
    /// How much.
    pub measure: Measure,
    /// Last month; left out where it is the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Month>,
    /// How it is carried out.
    pub way: Way,
}

/// What became of a waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum WaiverAnswer {
    /// It is declared, and waits for the tenant.
    Declared {
        /// Rent waived, decimal text.
        amount: String,
        /// First day of the relief.
        from_day: chrono::NaiveDate,
        /// The part that the carrier's own landlord waived, decimal text.
        landlord_relief: String,
        /// What moved in the bills.
        moves: Vec<MoveText>,
        /// Last day of the relief.
        until_day: chrono::NaiveDate,
        /// Identity.
        waiver: WaiverId,
    },
    /// The tenant states the same sum.
    Confirmed {
        /// Decimal text.
        stated: String,
    },
    /// The tenant states another sum: a reviewer has to settle that.
    Mismatched {
        /// What was declared, decimal text.
        declared: String,
        /// What the tenant states, decimal text.
        stated: String,
    },
    /// A reviewer settled a mismatch.
    Settled {
        /// The lease.
        lease: LeaseId,
        /// What of it was put back in the bills.
        moves: Vec<MoveText>,
        /// What stands, decimal text.
        settled: String,
    },
    /// It is audited.
    Audited {
        /// What the audit found, decimal text.
        audited: String,
        /// Whether a claim may rest on it.
        compensable: bool,
    },
    /// A claim took it.
    Claimed {
        /// The rent that the claim rests on, less what the landlord waived, decimal text.
        base: String,
    },
    /// The claim that took it was revoked: another may.
    Released {
        /// As when it was claimed, decimal text.
        base: String,
    },
    /// It was undone.
    Voided {
        /// The lease.
        lease: LeaseId,
        /// What was put back in the bills.
        moves: Vec<MoveText>,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Declares waivers, of billed months or as an extension of the lease. The books follow at once; what a claim may rest on
/// waits for tenant and audit.
pub async fn waive(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Waive)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    batch::answer(conn, "rent.waive", requests, |conn, round| {
        Box::pin(waive_round(conn, round))
    })
    .await
}

async fn waive_round(
    conn: &mut PgConnection,
    round: &Round<'_, Waive>,
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let (zone, inputs) = (round.zone, || round.requests.iter().map(|(_, input)| input));
    let asked: Vec<About> = inputs().map(|input| About::Lease(input.lease)).collect();
    let mut cases = Cases::lock(conn, zone.id, &asked).await?;
    if inputs().any(|input| input.way == Way::Extension) {
        let carriers: Vec<_> = cases.leases.values().map(|lease| lease.carrier).collect();
        let premises: Vec<_> = cases.leases.values().map(|lease| &lease.premises).collect();
        store::lock_premises(conn, zone.id, &carriers).await?;
        cases.lets = store::lets(conn, zone.id, &carriers, &premises).await?;
    }
    cases::settle(conn, round, cases, decide).await
}

fn decide(
    command: &Command<'_>,
    input: &Waive,
    cases: &mut Cases,
) -> Result<Decided<Waive, WaiverAnswer, Effect>, BatchError> {
    let lets = cases.lets.clone();
    let found =
        check(command, input).and_then(|asked| Ok((asked, cases.lease(command, input.lease)?)));
    let (asked, (lease, bills)) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let currency = command.zone.currency;
    let (waiver, moves) = match declare(command, input, &asked, lease, bills, &lets) {
        Err(refused) => {
            let answer = WaiverAnswer::Refused(refused.into());
            let step = Step::new("waiver.refused", input.lease, input, answer);
            return Ok(Ok((step, Effect::default())));
        }
        Ok(declared) => declared,
    };
    let mut transfers: Vec<Transfer> = postings::moved(lease, &moves, currency)?;
    if waiver.way == Way::Extension {
        transfers.push(postings::extension(lease, waiver.amount, currency)?);
    }
    let own = Let::of(lease);
    let answer = declared(&waiver, &moves, currency);
    let id = waiver.id;
    cases.waivers.insert(id, waiver);
    let is_extended = input.way == Way::Extension;
    if is_extended {
        cases.lets.retain(|other| other.lease != own.lease);
        cases.lets.push(own);
    }
    let effect = Effect {
        lease: is_extended.then_some((input.lease, false)),
        moved: cases.remember(id.0, input.lease, moves),
        waiver: Some((id, WaiverStep::Declared)),
        ..Effect::default()
    };
    let step = Step::new("waiver.declared", id, input, answer).moving(transfers);
    Ok(Ok((step, effect)))
}

/// How an entry says what was declared.
pub(super) fn declared(
    waiver: &Waiver,
    moves: &[Move],
    currency: crate::types::Currency,
) -> WaiverAnswer {
    WaiverAnswer::Declared {
        amount: waiver.amount.money().to_text(currency),
        from_day: waiver.from_day,
        landlord_relief: waiver.landlord_relief.to_text(currency),
        moves: texts(moves, currency),
        until_day: waiver.until_day,
        waiver: waiver.id,
    }
}

/// What is asked, parsed.
struct Asked {
    amount: Option<Amount>,
    landlord_relief: Money,
    /// First and last month; none for an extension.
    months: Option<(Month, Month)>,
}

/// Mistakes of whoever asks, which are not recorded.
fn check(command: &Command<'_>, input: &Waive) -> Result<Asked, Rejected> {
    command.actor.require(&[Role::Incubator])?;
    evidence(&input.evidence)?;
    let currency = command.zone.currency;
    let wrong = |text: &str| Err(Rejected::Input(text.to_owned()));
    let is_extension = matches!(input.measure, Measure::Months { .. });
    if is_extension != (input.way == Way::Extension) {
        return wrong(
            "way: an extension is measured in months, and nothing else is: write --way extension --months 2",
        );
    }
    let months = match (input.from, is_extension) {
        (Some(from), false) => Some((from, input.until.unwrap_or(from))),
        (None, true) if input.until.is_none() => None,
        (None, false) => return wrong("from: name the first month whose rent is waived"),
        (_, true) => {
            return wrong("from: an extension begins after the lease's last day: leave months out");
        }
    };
    let Some((from, until)) = months else {
        let landlord_relief = landlord_relief(command, input)?;
        return Ok(Asked {
            amount: None,
            landlord_relief,
            months: None,
        });
    };
    months_in_order(from, until)?;
    if (input.way == Way::Offset) == input.against.is_empty() {
        return wrong(
            "against: an offset, and nothing else, names the later months that count as paid",
        );
    }
    if input.against.first().is_some_and(|first| *first <= until)
        || !input.against.is_sorted_by(|one, next| one < next)
    {
        return wrong(
            "against: an offset counts for months after those that are waived, each named once and in order",
        );
    }
    let amount = match &input.measure {
        Measure::Amount { amount: text } => Some(amount("amount", text, currency)?),
        Measure::Share { hundredths } if !(1..=10_000).contains(hundredths) => {
            return wrong("share: write a per cent of more than 0.00 and at most 100.00");
        }
        Measure::Share { .. } | Measure::Full | Measure::Half | Measure::Months { .. } => None,
    };
    let landlord_relief = landlord_relief(command, input)?;
    Ok(Asked {
        amount,
        landlord_relief,
        months,
    })
}

fn landlord_relief(command: &Command<'_>, input: &Waive) -> Result<Money, Rejected> {
    let text = input.landlord_relief.as_deref();
    let sum = text.map(|text| money("landlord relief", text, command.zone.currency));
    Ok(sum.transpose()?.unwrap_or_default())
}

/// What of it the case allows: the waiver, and what it moves.
fn declare(
    command: &Command<'_>,
    input: &Waive,
    asked: &Asked,
    lease: &mut Lease,
    bills: &mut Bills,
    lets: &[Let],
) -> Outcome<(Waiver, Vec<Move>)> {
    if asked.landlord_relief > Money::ZERO && !lease.sublet {
        return Err(RentRefusal::NotSublet);
    }
    let method = Method::from(&input.measure);
    let (days, amount, moves) = match (asked.months, &input.measure) {
        (None, Measure::Months { months }) => {
            let mut longer = lease.clone();
            let (from, until, rent) = longer.extend(*months)?;
            if lets.iter().any(|other| Let::of(&longer).collides(other)) {
                return Err(RentRefusal::PremisesTaken);
            }
            within(asked, rent)?;
            *lease = longer;
            ((from, until), rent, Vec::new())
        }
        (None, _) => return Err(RentRefusal::NotBilled),
        (Some((first, last)), _) => {
            let months = bills.billed(first, last)?;
            let (amount, moves) = plan(
                bills,
                &months,
                method,
                asked.amount,
                input.way,
                &input.against,
            )?;
            within(asked, amount)?;
            bills.apply(&moves)?;
            ((first.first_day(), last.last_day()), amount, moves)
        }
    };
    let waiver = Waiver {
        id: WaiverId::generate(),
        lease: lease.id,
        deferral: None,
        declared_by: command.actor.person,
        declared_index: LogIndex(0),
        declared_on: command.today(),
        method,
        way: input.way,
        from_day: days.0,
        until_day: days.1,
        amount,
        landlord_relief: asked.landlord_relief,
        stated: None,
        settled: None,
        audited: None,
        compensable: false,
        claimed_index: None,
        voided_index: None,
    };
    Ok((waiver, moves))
}

/// The landlord can't have waived more of a relief than there is of it.
fn within(asked: &Asked, amount: Amount) -> Outcome<()> {
    if asked.landlord_relief > amount.money() {
        return Err(RentRefusal::LandlordAbove);
    }
    Ok(())
}
