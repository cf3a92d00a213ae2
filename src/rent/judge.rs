//! What others say of a waiver: the tenant confirms, a reviewer settles a mismatch, somebody audits; and its end.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bill::{Bills, Move};
use super::cases::{self, About, Cases, Effect, Outcome, WaiverStep, evidence, money, texts};
use super::lease::Lease;
use super::postings;
use super::refused::RentRefusal;
use super::waive::WaiverAnswer;
use super::waiver::{Waiver, Way, take_back};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Step};
use crate::identity::{Command, Role};
use crate::journal::Transfer;
use crate::types::{Amount, Money, Reason, WaiverId};

/// The tenant states what was waived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmWaiver {
    /// SHA-256 of documents: the tenant's signed statement. Hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The rent that the tenant says was waived, decimal text in the zone's currency.
    pub stated: String,
    /// The waiver.
    pub waiver: WaiverId,
}

/// A reviewer settles what carrier and tenant say differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleWaiver {
    /// What stands: at most the smaller of both sums, decimal text.
    pub amount: String,
    /// Why.
    pub reason: Reason,
    /// The waiver.
    pub waiver: WaiverId,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWaiver {
    /// The rent that is proved, at most what is confirmed, decimal text.
    pub amount: String,
    /// Whether a claim may rest on it.
    pub compensable: bool,
    /// SHA-256 of documents: the audit report. Hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What it rests on, or why not all of it counts.
    pub reason: Reason,
    /// The waiver.
    pub waiver: WaiverId,
}

/// A waiver that should not have been declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidWaiver {
    /// Why.
    pub reason: Reason,
    /// The waiver.
    pub waiver: WaiverId,
}

/// Takes what tenants state of waivers. Only a person who acts for the tenant can.
pub async fn confirm_waiver(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ConfirmWaiver)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let about = |input: &ConfirmWaiver| About::Waiver(input.waiver);
    cases::answer(
        conn,
        "rent.confirm",
        requests,
        about,
        |command, input, cases| Ok(decide_confirm(command, input, cases)),
    )
    .await
}

fn decide_confirm(
    command: &Command<'_>,
    input: &ConfirmWaiver,
    cases: &mut Cases,
) -> Decided<ConfirmWaiver, WaiverAnswer, Effect> {
    let currency = command.zone.currency;
    command
        .actor
        .require(&[Role::Sme, Role::Provider, Role::Incubator])?;
    evidence(&input.evidence)?;
    let stated = money("amount", &input.stated, currency)?;
    let (waiver, lease, _) = cases.waiver(command, input.waiver)?;
    if command.actor.party != Some(lease.tenant) {
        return Err(Rejected::Input(
            "--as: a waiver is confirmed by a person who acts for the tenant: see `person list`"
                .to_owned(),
        ));
    }
    let (kind, answer, step) = match waiver.confirm(stated, command.actor.person) {
        Err(refused) => (
            "waiver.refused",
            WaiverAnswer::Refused(refused.into()),
            None,
        ),
        Ok(true) => {
            let stated = stated.to_text(currency);
            (
                "waiver.confirmed",
                WaiverAnswer::Confirmed { stated },
                Some(WaiverStep::Stated),
            )
        }
        Ok(false) => {
            let answer = WaiverAnswer::Mismatched {
                declared: waiver.amount.money().to_text(currency),
                stated: stated.to_text(currency),
            };
            ("waiver.mismatched", answer, Some(WaiverStep::Stated))
        }
    };
    Ok((
        Step::new(kind, input.waiver, input, answer),
        effect(input.waiver, step),
    ))
}

/// Settles mismatches. What was declared beyond the settled sum goes back to where it came from, the last month first.
pub async fn settle_waiver(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, SettleWaiver)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let about = |input: &SettleWaiver| About::Waiver(input.waiver);
    cases::answer(conn, "rent.settle", requests, about, decide_settle).await
}

fn decide_settle(
    command: &Command<'_>,
    input: &SettleWaiver,
    cases: &mut Cases,
) -> Result<Decided<SettleWaiver, WaiverAnswer, Effect>, BatchError> {
    let currency = command.zone.currency;
    let earlier = cases.moves_of_waiver(input.waiver);
    let found = staff(command, &[Role::Reviewer]).and_then(|()| {
        let amount = money("amount", &input.amount, currency)?;
        Ok((amount, cases.waiver(command, input.waiver)?))
    });
    let (amount, (waiver, lease, bills)) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let mut settled = waiver.clone();
    let outcome = settled
        .settle(amount, command.actor.person)
        .and_then(|rest| put_back(&settled, rest, &earlier, bills));
    let back = match outcome {
        Err(refused) => return Ok(Ok(refuse(input.waiver, input, refused))),
        Ok(back) => back,
    };
    *waiver = settled;
    let answer = WaiverAnswer::Settled {
        lease: lease.id,
        moves: texts(&back.moves, currency),
        settled: amount.to_text(currency),
    };
    let transfers = back.transfers(lease, currency)?;
    let lease = lease.id;
    let effect = Effect {
        moved: cases.remember(input.waiver.0, lease, back.moves),
        ..effect(input.waiver, Some(WaiverStep::Settled))
    };
    let step = Step::new("waiver.settled", input.waiver, input, answer).moving(transfers);
    Ok(Ok((step, effect)))
}

/// Audits waivers: says what of them is proved, and whether a claim may rest on that. The books do not move: rent that was
/// waived is waived, also where it earns no compensation.
pub async fn audit_waiver(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, AuditWaiver)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let about = |input: &AuditWaiver| About::Waiver(input.waiver);
    cases::answer(
        conn,
        "rent.audit",
        requests,
        about,
        |command, input, cases| Ok(decide_audit(command, input, cases)),
    )
    .await
}

fn decide_audit(
    command: &Command<'_>,
    input: &AuditWaiver,
    cases: &mut Cases,
) -> Decided<AuditWaiver, WaiverAnswer, Effect> {
    let currency = command.zone.currency;
    staff(command, &[Role::Reviewer, Role::Manager])?;
    evidence(&input.evidence)?;
    let amount = money("amount", &input.amount, currency)?;
    let (waiver, ..) = cases.waiver(command, input.waiver)?;
    if let Err(refused) = waiver.audit(amount, input.compensable, command.actor.person) {
        return Ok(refuse(input.waiver, input, refused));
    }
    let answer = WaiverAnswer::Audited {
        audited: amount.to_text(currency),
        compensable: waiver.compensable,
    };
    let step = Step::new("waiver.audited", input.waiver, input, answer);
    Ok((step, effect(input.waiver, Some(WaiverStep::Audited))))
}

/// Undoes waivers: what they moved goes back to where it came from. Not once a claim rests on one.
pub async fn void_waiver(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, VoidWaiver)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let about = |input: &VoidWaiver| About::Waiver(input.waiver);
    cases::answer(conn, "rent.void", requests, about, decide_void).await
}

fn decide_void(
    command: &Command<'_>,
    input: &VoidWaiver,
    cases: &mut Cases,
) -> Result<Decided<VoidWaiver, WaiverAnswer, Effect>, BatchError> {
    let currency = command.zone.currency;
    let earlier = cases.moves_of_waiver(input.waiver);
    let found = command.actor.require(&[Role::Incubator]);
    let found = found.map_err(Rejected::from).and_then(|()| {
        let (waiver, lease, bills) = cases.waiver(command, input.waiver)?;
        if !batch::acts_for(command.actor, &[lease.carrier]) {
            return Err(Rejected::Input(
                "--as: a waiver is undone by a person who acts for the carrier: see `person list`"
                    .to_owned(),
            ));
        }
        Ok((waiver, lease, bills))
    });
    let (waiver, lease, bills) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let (mut voided, mut shorter) = (waiver.clone(), lease.clone());
    let outcome = voided.void().and_then(|standing| {
        if voided.way == Way::Extension {
            shorter.shorten(voided.from_day, voided.until_day, bills)?;
        }
        put_back(&voided, standing, &earlier, bills)
    });
    let back = match outcome {
        Err(refused) => return Ok(Ok(refuse(input.waiver, input, refused))),
        Ok(back) => back,
    };
    let is_extension = voided.way == Way::Extension;
    (*waiver, *lease) = (voided, shorter);
    let answer = WaiverAnswer::Voided {
        lease: lease.id,
        moves: texts(&back.moves, currency),
    };
    let transfers = back.transfers(lease, currency)?;
    let lease = lease.id;
    let effect = Effect {
        lease: is_extension.then_some((lease, false)),
        moved: cases.remember(input.waiver.0, lease, back.moves),
        ..effect(input.waiver, Some(WaiverStep::Voided))
    };
    let step = Step::new("waiver.voided", input.waiver, input, answer).moving(transfers);
    Ok(Ok((step, effect)))
}

/// What of a waiver is put back.
struct Back {
    moves: Vec<Move>,
    /// Rent of an extension, which lies in no bill.
    extension: Option<Amount>,
}

impl Back {
    fn transfers(
        &self,
        lease: &Lease,
        currency: crate::types::Currency,
    ) -> Result<Vec<Transfer>, BatchError> {
        let mut transfers = postings::moved(lease, &self.moves, currency)?;
        if let Some(rent) = self.extension {
            transfers.push(postings::extension(lease, rent, currency)?.reversed());
        }
        Ok(transfers)
    }
}

/// Puts so much of a waiver back in the bills.
fn put_back(waiver: &Waiver, amount: Money, earlier: &[Move], bills: &mut Bills) -> Outcome<Back> {
    if waiver.way == Way::Extension {
        return Ok(Back {
            moves: Vec::new(),
            extension: Amount::new(amount).ok(),
        });
    }
    let moves = take_back(earlier, amount);
    bills.apply(&moves)?;
    Ok(Back {
        moves,
        extension: None,
    })
}

/// The office's own people, in one of these roles.
fn staff(command: &Command<'_>, roles: &[Role]) -> Result<(), Rejected> {
    command.actor.require(roles)?;
    if command.actor.party.is_some() {
        return Err(Rejected::Input(format!(
            "--as: {} acts for a party, and this is for the office's own people: see `person list`",
            command.actor.login
        )));
    }
    Ok(())
}

fn effect(waiver: WaiverId, step: Option<WaiverStep>) -> Effect {
    Effect {
        waiver: step.map(|step| (waiver, step)),
        ..Effect::default()
    }
}

pub(super) fn refuse<I: Clone>(
    waiver: WaiverId,
    input: &I,
    refused: RentRefusal,
) -> (Step<I, WaiverAnswer>, Effect) {
    let answer = WaiverAnswer::Refused(refused.into());
    (
        Step::new("waiver.refused", waiver, input, answer),
        Effect::default(),
    )
}
