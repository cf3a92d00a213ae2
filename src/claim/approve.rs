//! Claims are approved, level by level; the last approval makes them owed.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::desk::{Among, Desk, reasons};
use super::grounds::{Grounds, within};
use super::ladder::{Ladder, Level};
use super::model::{Claim, ClaimRefusal, ClaimState};
use super::store::{self, Approval, Standing};
use super::{desk, postings};
use crate::batch::{self, Answers, BatchError, Decided, Round, Step};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Transfer};
use crate::log;
use crate::payment::{self, Payable, PayableState};
use crate::policy::{self, Exhaustion, Outcome};
use crate::programme::store::Frozen;
use crate::programme::{self, BudgetLine, OpenYears, ProgrammeKind};
use crate::rent::{self, ClaimWaiver, WaiverAnswer};
use crate::types::{Amount, ClaimId, Code, FiscalYear, LogIndex, Money, PayableId, PersonId, Zone};

/// What keys of approvals belong to.
pub(super) const NAME: &str = "claim.approve";

/// An approval of what a review recommended.
#[derive(Clone, Debug, Serialize)]
pub struct Approve {
    /// The claim.
    pub claim: ClaimId,
    /// The entry of the review that was looked at: what is approved is the version that it saw.
    pub review: LogIndex,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ApproveAnswer {
    /// More levels have to approve.
    LevelApproved {
        /// The level that approved, from 1.
        level: u8,
        /// How many there are.
        levels: u8,
        /// The duty of the next.
        next: Role,
        /// For whom, if the duty was delegated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        principal: Option<PersonId>,
        /// The duty in which it was approved.
        role: Role,
    },
    /// The claimant is owed the amount.
    Approved {
        /// How much, decimal text.
        amount: String,
        /// The level that approved, the last.
        level: u8,
        /// What finance has to approve for payment.
        payable: PayableId,
        /// For whom, if the duty was delegated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        principal: Option<PersonId>,
        /// Reason codes of what limited the amount.
        reasons: Vec<String>,
        /// The duty in which it was approved.
        role: Role,
    },
    /// The policy excludes it by now.
    Rejected {
        /// Reason codes.
        reasons: Vec<String>,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Approves claims, in the order of the requests. What has been used of caps and what the programme has left decides at
/// the last level; so the head of the log is locked before they are read, and stays so until commit. Never more is
/// approved than was recommended, and shown to the public. Waivers that an approved claim rests on are marked as claimed.
pub async fn approve(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Approve)],
) -> Result<Answers<ApproveAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(approve_round(conn, round))
    })
    .await
}

/// What an approval changes.
struct Effect {
    claim: Option<Claim>,
    approval: Option<Approval>,
    owed: Option<Payable>,
}

async fn approve_round(
    conn: &mut PgConnection,
    round: &Round<'_, Approve>,
) -> Result<Answers<ApproveAnswer>, BatchError> {
    let (zone, today, requests) = (round.zone, round.today, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let locked = Grounds::lock(conn, zone.id, &ids).await?;
    let claims = store::lock(conn, zone, &ids).await?;
    let actors: Vec<PersonId> = requests
        .iter()
        .map(|(command, _)| command.actor.person)
        .collect();
    log::lock_head(conn, zone.id)
        .await
        .map_err(journal::RecordError::from)?;
    let ladder = Ladder::read(conn, zone, today, &claims, &actors).await?;
    let desk = Desk::read(conn, zone, today, &claims).await?;
    let grounds = Grounds::of(conn, zone, &claims, locked).await?;
    let years = grounds.contracts.years(zone.currency);
    let mut counter = Counter {
        budget: Budget::read(conn, zone, today, &claims).await?,
        years: OpenYears::of(conn, zone, today, years).await?,
        grounds,
        standings: store::standings(conn, zone.id, &ids).await?,
        claims,
        desk,
        ladder,
    };
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        decided.push(counter.approve(command, input)?);
    }
    counter.desk.keep(conn, zone).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let approved: HashMap<ClaimId, PersonId> = effects
        .iter()
        .filter(|(effect, _)| effect.owed.is_some())
        .filter_map(|(effect, _)| {
            let claim = effect.claim.as_ref()?;
            Some((claim.id, claim.decided?.0))
        })
        .collect();
    write(conn, zone, effects).await?;
    counter.grounds.contracts.write(conn, zone.id).await?;
    claim_waivers(conn, requests, &approved).await?;
    Ok(answers)
}

/// Marks the waivers of approved claims as claimed, each by whoever approved its claim.
async fn claim_waivers(
    conn: &mut PgConnection,
    requests: &[&(Command<'_>, Approve)],
    approved: &HashMap<ClaimId, PersonId>,
) -> Result<(), BatchError> {
    let ids: Vec<ClaimId> = approved.keys().copied().collect();
    let Some((first, _)) = requests.first() else {
        return Ok(());
    };
    let mut marks = Vec::new();
    for (claim, waiver) in store::taken_by(conn, first.zone.id, &ids).await? {
        let by = approved.get(&claim);
        let commands = requests.iter().map(|(command, _)| command);
        let mut commands = commands.filter(|command| Some(&command.actor.person) == by);
        let command = Command {
            key: None,
            ..*commands.next().unwrap_or(first)
        };
        let claim = claim.0;
        marks.push((command, ClaimWaiver { claim, waiver }));
    }
    for marked in rent::mark_claimed(conn, &marks).await? {
        let done = marked.map(|marked| matches!(marked.answer, WaiverAnswer::Claimed { .. }));
        if done != Ok(true) {
            // It was looked at under the lock of its lease.
            return Err(sqlx::Error::Protocol("a waiver could not be claimed".to_owned()).into());
        }
    }
    Ok(())
}

async fn write(
    conn: &mut PgConnection,
    zone: &Zone,
    effects: Vec<(Effect, LogIndex)>,
) -> Result<(), BatchError> {
    let (mut claims, mut approvals, mut owed) = (Vec::new(), Vec::new(), Vec::new());
    for (effect, index) in effects {
        claims.extend(effect.claim.map(|claim| Claim {
            decided: claim.decided.map(|(person, _)| (person, index)),
            ..claim
        }));
        approvals.extend(effect.approval.map(|approval| (approval, index)));
        owed.extend(effect.owed.map(|payable| Payable {
            owed_index: index,
            ..payable
        }));
    }
    store::update(conn, zone.id, &claims).await?;
    store::insert_approvals(conn, zone.id, &approvals).await?;
    payment::insert_owed(conn, zone.id, &owed).await?;
    Ok(())
}

/// The instruments of programmes, and what they have left.
struct Budget {
    year: FiscalYear,
    kinds: HashMap<Code, ProgrammeKind>,
    free: HashMap<BudgetLine, Money>,
    frozen: Vec<Frozen>,
}

impl Budget {
    async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        claims: &HashMap<ClaimId, Claim>,
    ) -> Result<Self, sqlx::Error> {
        let year = FiscalYear::of(today);
        let mut lines: Vec<BudgetLine> = claims
            .values()
            .map(|claim| BudgetLine {
                programme: claim.programme.clone(),
                year,
                currency: zone.currency,
            })
            .collect();
        lines.sort_unstable_by(|one, other| one.programme.cmp(&other.programme));
        lines.dedup();
        let addresses: Vec<_> = lines
            .iter()
            .map(|line| line.account(AccountCode::B30))
            .collect();
        let free = journal::balances(conn, zone.id, &addresses).await?;
        let programmes = programme::store::programmes(conn, zone.id).await?;
        let frozen = programme::store::frozen(conn, zone.id, &lines).await?;
        Ok(Self {
            frozen,
            year,
            kinds: programmes
                .into_iter()
                .map(|one| (one.code, one.kind))
                .collect(),
            free: lines.into_iter().zip(free).collect(),
        })
    }

    /// Takes an amount from what a line has free, unless it is frozen.
    fn take(&mut self, line: &BudgetLine, amount: Amount) -> Result<(), ClaimRefusal> {
        if self.frozen.iter().any(|frozen| frozen.is(line)) {
            return Err(ClaimRefusal::BudgetFrozen);
        }
        let free = self.free.entry(line.clone()).or_default();
        if *free < amount.money() {
            return Err(ClaimRefusal::BudgetExhausted);
        }
        *free = free.saturating_sub(amount.money());
        Ok(())
    }
}

/// Where approvals are given: everything that they read, as earlier ones of the batch have left it.
struct Counter {
    claims: HashMap<ClaimId, Claim>,
    desk: Desk,
    ladder: Ladder,
    budget: Budget,
    grounds: Grounds,
    /// Which years take back what is accepted for less than was reserved.
    years: OpenYears,
    standings: HashMap<ClaimId, Standing>,
}

type Decision = Decided<Approve, ApproveAnswer, Effect>;

fn refused(input: &Approve, refused: Refused) -> (Step<Approve, ApproveAnswer>, Effect) {
    let answer = ApproveAnswer::Refused(refused);
    let step = Step::new("claim.approval_refused", input.claim, input, answer);
    let nothing = Effect {
        claim: None,
        approval: None,
        owed: None,
    };
    (step, nothing)
}

impl Counter {
    fn approve(&mut self, command: &Command<'_>, input: &Approve) -> Result<Decision, BatchError> {
        let found = self
            .ladder
            .office(command)
            .and_then(|()| batch::find(&mut self.claims, "claim", &input.claim).cloned());
        let claim = match found {
            Ok(claim) => claim,
            Err(rejected) => return Ok(Err(rejected)),
        };
        if !matches!(claim.state, ClaimState::Recommended | ClaimState::Noticed) {
            return Ok(Ok(refused(input, ClaimRefusal::WrongState.into())));
        }
        if let Some(excluded) = self.desk.excluded(&claim) {
            return Ok(Ok(refused(input, excluded)));
        }
        let verified = claim
            .review
            .as_ref()
            .and_then(|review| review.verified.as_ref());
        let ruled = self.desk.ruled(&claim, verified)?;
        let next = self
            .ladder
            .noticed(&claim, ruled.policy.notice_days(), command.today())
            .and_then(|()| self.placed(&ruled.policy, &claim).map(|_| ()))
            .and_then(|()| self.ladder.next(command, &claim, input.review));
        let level = match next {
            Ok(level) => level,
            Err(code) => return Ok(Ok(refused(input, code.into()))),
        };
        if let Some(then) = level.then {
            return Ok(Ok(self.level_approved(command, input, &claim, level, then)));
        }
        self.last_level(command, input, &claim, level, &ruled)
    }

    /// What the round gave the claim as it was reviewed last, where the policy ranks claims or shares its budget.
    fn placed(
        &self,
        policy: &policy::Policy,
        claim: &Claim,
    ) -> Result<Option<Standing>, ClaimRefusal> {
        if *policy.exhaustion() == Exhaustion::FirstCome {
            return Ok(None);
        }
        let review = claim.review.as_ref().map(|review| review.index);
        let placed = self.standings.get(&claim.id).copied();
        let placed = placed.filter(|placed| Some(placed.review) == review);
        placed.map(Some).ok_or(ClaimRefusal::Ranked)
    }

    fn level_approved(
        &mut self,
        command: &Command<'_>,
        input: &Approve,
        claim: &Claim,
        level: Level,
        then: Role,
    ) -> (Step<Approve, ApproveAnswer>, Effect) {
        let answer = ApproveAnswer::LevelApproved {
            level: level.number,
            levels: level.of,
            next: then,
            principal: level.acting.principal,
            role: level.role,
        };
        let approval = level.approval_of(command, claim);
        let given = self.ladder.approvals.entry(claim.id).or_default();
        given.extend(approval.clone());
        let effect = Effect {
            claim: None,
            approval,
            owed: None,
        };
        let step = Step::new("claim.level_approved", input.claim, input, answer);
        (step, effect)
    }

    /// The policy decides once more: what caps and the budget still allow.
    fn last_level(
        &mut self,
        command: &Command<'_>,
        input: &Approve,
        claim: &Claim,
        level: Level,
        ruled: &desk::Ruled,
    ) -> Result<Decision, BatchError> {
        let reserved = match self.grounds.check(claim, &ruled.claimed, &ruled.policy) {
            Ok(reserved) => reserved,
            Err(why) => return Ok(Ok(refused(input, why))),
        };
        let placed = match self.placed(&ruled.policy, claim) {
            Ok(placed) => placed,
            Err(code) => return Ok(Ok(refused(input, code.into()))),
        };
        let among = placed.map_or_else(Among::default, |placed| Among {
            rank: placed.place.filter(|_| placed.shared.is_none()),
            shared: placed.shared,
        });
        let decision = self.desk.decide_among(claim, ruled, among);
        let recommended = claim.recommended.map_or(Money::ZERO, Amount::money);
        let most = placed.map_or(recommended, |placed| placed.amount.min(recommended));
        let (most, _) = within(most, reserved);
        let amount = Amount::new(decision.amount.money().min(most));
        let amount = match (decision.outcome, amount) {
            (Outcome::Pass, Ok(amount)) => amount,
            (Outcome::NeedsReview, _) => {
                let mut reasons = reasons(&decision);
                reasons.extend(desk::missing(&decision));
                let code = ClaimRefusal::Policy;
                let (step, nothing) = refused(input, Refused { code, reasons });
                return Ok(Ok((step.decided(decision), nothing)));
            }
            (Outcome::Fail | Outcome::Pass, _) => {
                return Ok(Ok(self.rejected(command, input, claim, decision)));
            }
        };
        let (line, mut transfers) = match self.fund(command, claim, amount)? {
            Ok(funded) => funded,
            Err(code) => {
                let (step, nothing) = refused(input, code.into());
                return Ok(Ok((step.decided(decision), nothing)));
            }
        };
        let counted = self.desk.usages.line(&ruled.policy);
        let case = self.desk.usages.case(&counted, claim.party, None, claim.id);
        transfers.extend(self.desk.usages.take(&case, &decision, amount)?);
        let effect = self.owed(command, claim, level, (line, amount));
        let answer = ApproveAnswer::Approved {
            amount: amount.money().to_text(command.zone.currency),
            level: level.number,
            payable: PayableId(claim.id.0),
            principal: level.acting.principal,
            reasons: reasons(&decision),
            role: level.role,
        };
        let step = Step::new("claim.approved", input.claim, input, answer)
            .decided(decision)
            .moving(transfers);
        Ok(Ok((step, effect)))
    }

    /// The budget line that pays, and what the approval moves: out of what a contract has reserved, in the year that it was
    /// reserved in; or out of what the programme has free this year.
    fn fund(
        &mut self,
        command: &Command<'_>,
        claim: &Claim,
        amount: Amount,
    ) -> Result<Result<(BudgetLine, Vec<Transfer>), ClaimRefusal>, BatchError> {
        let kind = self.budget.kinds.get(&claim.programme).copied();
        let expense = kind.and_then(ProgrammeKind::expense);
        let expense = expense.ok_or(BatchError::Database(sqlx::Error::RowNotFound))?;
        let currency = command.zone.currency;
        let (line, mut transfers) = if let Some(milestone) = claim.milestone {
            let years = (currency, &self.years);
            let contracts = &mut self.grounds.contracts;
            contracts.accept(claim, milestone, amount, years)?
        } else {
            let line = BudgetLine {
                programme: claim.programme.clone(),
                year: self.budget.year,
                currency,
            };
            if let Err(code) = self.budget.take(&line, amount) {
                return Ok(Err(code));
            }
            let obligated = postings::obligate(&line, amount)?;
            (line, vec![obligated])
        };
        transfers.push(postings::owe(&line, expense, claim.party, amount)?);
        Ok(Ok((line, transfers)))
    }

    /// What is owed has the identity of its claim, so that a claim is owed once.
    fn owed(
        &mut self,
        command: &Command<'_>,
        claim: &Claim,
        level: Level,
        (line, amount): (BudgetLine, Amount),
    ) -> Effect {
        let approved = Claim {
            state: ClaimState::Approved,
            decided: Some((command.actor.person, LogIndex(0))),
            awarded: Some(amount),
            ..claim.clone()
        };
        let submitted_by = claim.submission.map_or(claim.drafted_by, |made| made.by);
        let payable = Payable {
            id: PayableId(claim.id.0),
            payee: claim.party,
            amount,
            set_off: Money::ZERO,
            line,
            state: PayableState::Owed,
            submitted_by,
            handled_by: self.ladder.everybody(claim, level.acting),
            approved_by: None,
            owed_index: LogIndex(0),
        };
        self.claims.insert(claim.id, approved.clone());
        Effect {
            claim: Some(approved),
            approval: level.approval_of(command, claim),
            owed: Some(payable),
        }
    }

    fn rejected(
        &mut self,
        command: &Command<'_>,
        input: &Approve,
        claim: &Claim,
        decision: policy::Decision,
    ) -> (Step<Approve, ApproveAnswer>, Effect) {
        let over = Claim {
            state: ClaimState::Rejected,
            decided: Some((command.actor.person, LogIndex(0))),
            ..claim.clone()
        };
        self.claims.insert(claim.id, over.clone());
        let answer = ApproveAnswer::Rejected {
            reasons: reasons(&decision),
        };
        let step = Step::new("claim.excluded", input.claim, input, answer).decided(decision);
        let effect = Effect {
            claim: Some(over),
            approval: None,
            owed: None,
        };
        (step, effect)
    }
}
