//! A reviewer proposes a run: who qualifies, for how much.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256 as Hasher};
use sqlx::PgConnection;

use super::facts::{add_earlier, facts_of};
use super::{Candidate, Progress, Run, store};
use crate::batch::{self, Answers, BatchError, Rejected, Round, Step};
use crate::caps::{Asked, Usages};
use crate::exclusion;
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode};
use crate::party::{self, Filter, PartyRole};
use crate::policy::{self, Fact, Moment, Outcome, Policy, Sha256};
use crate::programme::BudgetLine;
use crate::types::{Amount, Code, FiscalYear, LogIndex, Money, PartyId, PolicyId, RunId};
use crate::voucher::rules;

/// How many parties are decided on together.
const PAGE: u16 = 5_000;

/// A run to be proposed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Propose {
    /// What is requested for each party, decimal text, where the policy starts from a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The day for which it is decided who qualifies; no later one than today.
    pub day: NaiveDate,
    /// The programme.
    pub programme: Code,
}

/// What was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// What the programme has left, decimal text.
    pub budget_left: String,
    /// How many parties are on the list.
    pub candidates: u32,
    /// SHA-256 of the list.
    pub list_sha256: String,
    /// How many enterprises were looked at.
    pub looked_at: u32,
    /// SHA-256 of the policy in force on the day.
    pub policy_sha256: String,
    /// Identity.
    pub run: RunId,
    /// What the list comes to, decimal text: each party by itself, as if no other got anything.
    pub total: String,
}

const NAME: &str = "award_run.propose";

/// Proposes runs: every enterprise of the zone is decided on, in the order in which they were registered, and those that
/// pass are the list.
pub async fn propose(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Propose)],
) -> Result<Answers<Proposed>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(propose_round(conn, round))
    })
    .await
}

async fn propose_round(
    conn: &mut PgConnection,
    round: &Round<'_, Propose>,
) -> Result<Answers<Proposed>, BatchError> {
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(list_for(conn, command, input).await?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    for ((run, list), index) in effects {
        let run = Run {
            proposed_index: index,
            ..run
        };
        store::insert_run(conn, round.zone.id, &run, &list).await?;
    }
    Ok(answers)
}

type Decided = Result<(Step<Propose, Proposed>, (Run, Vec<Candidate>)), Rejected>;

async fn list_for(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Propose,
) -> Result<Decided, BatchError> {
    if let Err(forbidden) = command.actor.require(&[Role::Reviewer]) {
        return Ok(Err(forbidden.into()));
    }
    let zone = command.zone;
    let in_force = policy::store::all_in_force_on(conn, zone.id, input.day).await?;
    let Some(id) = in_force.get(&input.programme).copied() else {
        return Ok(Err(Rejected::NoPolicy {
            programme: input.programme.to_string(),
            day: input.day,
        }));
    };
    let policy = policy::store::load(conn, zone.id, id).await?;
    let requested = match check(command, input, &policy) {
        Ok(requested) => requested,
        Err(why) => return Ok(Err(why)),
    };
    let (list, looked_at) = candidates(conn, command, input.day, &policy, requested).await?;
    if list.is_empty() {
        let (programme, day) = (&input.programme, input.day);
        return Ok(Err(Rejected::Run(format!(
            "of {looked_at} enterprises none qualifies on {day}: `policy screen {programme} --on {day} --outcome all` \
             lists what each misses"
        ))));
    }
    let line = BudgetLine {
        programme: input.programme.clone(),
        year: FiscalYear::of(command.today()),
        currency: zone.currency,
    };
    let left = journal::balances(conn, zone.id, &[line.account(AccountCode::B30)]).await?;
    let run = new_run(command, input, id, requested, &list);
    let text = |money: Money| money.to_text(zone.currency);
    let answer = Proposed {
        budget_left: text(left.into_iter().sum()),
        candidates: run.candidates,
        list_sha256: run.list_sha256.to_string(),
        looked_at,
        policy_sha256: policy.sha256().to_string(),
        run: run.id,
        total: text(run.total),
    };
    Ok(Ok((
        Step::new("award_run.proposed", run.id.0, input, answer),
        (run, list),
    )))
}

/// What is requested for each party, if the policy starts from a request.
fn check(
    command: &Command<'_>,
    input: &Propose,
    policy: &Policy,
) -> Result<Option<Amount>, Rejected> {
    let today = command.today();
    if input.day > today || FiscalYear::of(input.day) != FiscalYear::of(today) {
        return Err(Rejected::Run(format!(
            "{} is not a past day of the budget year {}: a run pays from the year's budget, by what is known",
            input.day,
            FiscalYear::of(today)
        )));
    }
    let starts_from_request = policy
        .wanted(Moment::Grant)
        .contains(&Fact::RequestedAmount);
    match (&input.amount, starts_from_request) {
        (Some(text), true) => rules::amount("amount", text, command.zone.currency).map(Some),
        (None, false) => Ok(None),
        (None, true) => Err(Rejected::Run(
            "the policy starts from a requested amount: say with --amount what each party gets at most".to_owned(),
        )),
        (Some(_), false) => Err(Rejected::Run(
            "the policy says itself how much each party gets: leave --amount out".to_owned(),
        )),
    }
}

/// Who qualifies and is not excluded today, for how much, each by itself; and how many were looked at.
async fn candidates(
    conn: &mut PgConnection,
    command: &Command<'_>,
    day: NaiveDate,
    policy: &Policy,
    requested: Option<Amount>,
) -> Result<(Vec<Candidate>, u32), BatchError> {
    let zone = command.zone;
    let (mut list, mut looked_at) = (Vec::new(), 0_u32);
    let mut after: Option<PartyId> = None;
    loop {
        let filter = Filter {
            role: Some(PartyRole::Enterprise),
            after,
            limit: PAGE,
            ..Filter::default()
        };
        let parties = party::store::list(conn, zone.id, &filter).await?;
        let Some(newest) = parties.last() else { break };
        after = Some(newest.id);
        let mut facts = facts_of(conn, zone, &parties, day, requested).await?;
        let ids: Vec<PartyId> = parties.iter().map(|party| party.id).collect();
        add_earlier(conn, zone, policy, day, &ids, &mut facts).await?;
        let asked: Vec<Asked<'_>> = parties
            .iter()
            .map(|party| Asked::grant(policy, party.id))
            .collect();
        let usages = Usages::read(conn, zone, command.today(), &asked).await?;
        let excluded = exclusion::excluded_on(conn, zone.id, command.today(), &ids).await?;
        for (asked, facts) in asked.into_iter().zip(&facts) {
            looked_at = looked_at.saturating_add(1);
            let decision = rules::grant(policy, facts, &usages.of(asked), day);
            if let (Outcome::Pass, Ok(amount), None) = (
                decision.outcome,
                Amount::new(decision.amount.money()),
                excluded.until(asked.holder),
            ) {
                let party = asked.holder;
                list.push(Candidate { party, amount });
            }
        }
    }
    Ok((list, looked_at))
}

fn new_run(
    command: &Command<'_>,
    input: &Propose,
    policy: PolicyId,
    requested: Option<Amount>,
    list: &[Candidate],
) -> Run {
    let candidates = u32::try_from(list.len()).unwrap_or(u32::MAX);
    Run {
        id: RunId::generate(),
        programme: input.programme.clone(),
        policy,
        day: input.day,
        requested,
        candidates,
        total: list.iter().map(|one| one.amount.money()).sum(),
        list_sha256: digest(list),
        proposed_by: command.actor.person,
        proposed_index: LogIndex(0),
        approved_by: None,
        progress: Progress {
            decided: 0,
            awarded: 0,
            given: Money::ZERO,
            candidates,
        },
    }
}

/// A line of party, space and minor units for each, in order.
fn digest(list: &[Candidate]) -> Sha256 {
    let mut hash = Hasher::new();
    for Candidate { party, amount } in list {
        hash.update(format!("{party} {}\n", amount.minor()));
    }
    Sha256::from_bytes(hash.finalize().into())
}
