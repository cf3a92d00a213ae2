//! A party applies for a voucher.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::earlier::Known;
use super::rules;
use super::store::{self, Application, ApplicationState};
use crate::batch::{self, Answers, BatchError, Rejected, Round, Step};
use crate::caps::{Asked, Usages};
use crate::exclusion;
use crate::fact;
use crate::fact::InLedger;
use crate::identity::{Command, Role};
use crate::party;
use crate::party::Party;
use crate::policy::store::Policies;
use crate::policy::{self, Decision, Facts, Mode, Moment, Outcome, Policy};
use crate::types::{Code, LogIndex, PartyId, PolicyId, VoucherId};

/// A request for a voucher, with facts as the applicant states them.
#[derive(Clone, Debug, Serialize)]
pub struct Apply {
    /// Stated facts; what the ledger knows itself is added to them.
    pub facts: Facts,
    /// Who applies.
    pub party: PartyId,
    /// For a voucher of this programme.
    pub programme: Code,
}

/// The application, and what the policy says of it so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Decimal text: what would be granted today.
    pub amount: String,
    /// Identity; the voucher will have the same.
    pub application: VoucherId,
    /// If the party is excluded today, the last day of that: nothing is issued to it until then, whatever the outlook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_until: Option<NaiveDate>,
    /// Facts that are still to be stated.
    pub missing: Vec<String>,
    /// Pass, fail or needs review: a reviewer confirms it.
    pub outlook: Outcome,
    /// Reason codes.
    pub reasons: Vec<String>,
}

const NAME: &str = "voucher.apply";

/// Takes in applications, each with the policy's preliminary decision.
pub async fn apply(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Apply)],
) -> Result<Answers<Applied>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(take_in(conn, round))
    })
    .await
}

async fn take_in(
    conn: &mut PgConnection,
    round: &Round<'_, Apply>,
) -> Result<Answers<Applied>, BatchError> {
    let (zone, today, new) = (round.zone, round.today, &round.requests);
    let parties: Vec<PartyId> = new.iter().map(|(_, input)| input.party).collect();
    let known: HashMap<PartyId, Party> = party::store::parties(conn, zone.id, &parties)
        .await?
        .into_iter()
        .map(|party| (party.id, party))
        .collect();
    let in_force = policy::store::all_in_force_on(conn, zone.id, today).await?;
    let policies = Policies::of(conn, zone.id, in_force.values().copied()).await?;
    let known_policies = new
        .iter()
        .filter_map(|(_, input)| Some((in_force.get(&input.programme)?, input.party)))
        .map(|(id, party)| Ok((policies.get(*id)?, party)))
        .collect::<Result<Vec<_>, BatchError>>()?;
    let asked: Vec<Asked<'_>> = known_policies
        .iter()
        .map(|(policy, party)| Asked::grant(policy, *party))
        .collect();
    let usages = Usages::read(conn, zone, today, &asked).await?;
    let granted = asked.iter().map(|one| (one.policy, one.holder));
    let earlier = Known::read(conn, zone, today, granted.clone()).await?;
    let ledger = InLedger::read(conn, zone, today, Moment::Grant, granted).await?;
    let excluded = exclusion::excluded_on(conn, zone.id, today, &parties).await?;

    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        let policy = in_force.get(&input.programme).copied();
        let checked = check(command, input, &known)
            .and_then(|party| Ok((party, policy.ok_or_else(|| no_policy(command, input))?)));
        let checked = match checked {
            Ok((party, id)) => {
                let policy = policies.get(id)?;
                gives_vouchers(&policy, input).map(|()| (party, id))
            }
            Err(rejected) => Err(rejected),
        };
        decided.push(match checked {
            Err(rejected) => Err(rejected),
            Ok((party, id)) => {
                let policy = policies.get(id)?;
                let usage = usages.of(Asked::grant(&policy, input.party));
                let mut facts = fact::with_identity(&input.facts, party, today);
                earlier.extend(&policy, party.id, &mut facts);
                ledger.extend(&policy, Moment::Grant, party.id, &mut facts);
                let decision = rules::grant(&policy, &facts, &usage, today);
                let until = excluded.until(party.id);
                Ok(take(command, input, (id, until), &facts, decision))
            }
        });
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let applications: Vec<Application> = effects
        .into_iter()
        .map(|(application, index)| Application {
            applied_index: index,
            ..application
        })
        .collect();
    store::insert_applications(conn, zone.id, &applications).await?;
    Ok(answers)
}

/// What the policy says today, and the application that keeps the facts it says so of.
fn take(
    command: &Command<'_>,
    input: &Apply,
    (policy, excluded_until): (PolicyId, Option<NaiveDate>),
    facts: &Facts,
    decision: Decision,
) -> (Step<Apply, Applied>, Application) {
    let application = Application {
        id: VoucherId::generate(),
        programme: input.programme.clone(),
        party: input.party,
        policy,
        facts: rules::facts_text(facts),
        state: ApplicationState::Applied,
        applied_by: command.actor.person,
        applied_index: LogIndex(0),
        reviewed_by: None,
    };
    let answer = Applied {
        amount: decision.amount.money().to_text(command.zone.currency),
        application: application.id,
        excluded_until,
        missing: rules::missing(&decision),
        outlook: decision.outcome,
        reasons: rules::reasons(&decision),
    };
    let step = Step::new("voucher.applied", application.id, input, answer).decided(decision);
    (step, application)
}

/// What is claimed for afterwards, or only recognised, is not applied for.
fn gives_vouchers(policy: &Policy, input: &Apply) -> Result<(), Rejected> {
    if policy.mode() == Mode::ExAnte {
        return Ok(());
    }
    Err(Rejected::Facts(format!(
        "programme {} gives no vouchers: name one of kind voucher (`programme list`), or claim with `claim draft`",
        input.programme
    )))
}

fn no_policy(command: &Command<'_>, input: &Apply) -> Rejected {
    Rejected::NoPolicy {
        programme: input.programme.to_string(),
        day: command.today(),
    }
}

/// Whether the actor may apply for the party.
fn check<'p>(
    command: &Command<'_>,
    input: &Apply,
    known: &'p HashMap<PartyId, Party>,
) -> Result<&'p Party, Rejected> {
    command
        .actor
        .require(&[Role::Sme, Role::Incubator, Role::Manager])?;
    let unknown = || Rejected::Unknown {
        what: "party",
        id: input.party.to_string(),
    };
    let party = known.get(&input.party).ok_or_else(unknown)?;
    if !batch::acts_for(command.actor, &[input.party]) {
        return Err(unknown());
    }
    rules::possible(&input.facts, command.today())?;
    Ok(party)
}
