//! Publishing rules takes two persons: a rule administrator proposes a pack, a manager publishes exactly
//! those bytes.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{ProgrammeError, first_answer, record, store};
use crate::identity::{Command, Role};
use crate::journal::Recorded;
use crate::policy::{self, Exhaustion, Mode, Moment, PackProblems, Policy, Scope};
use crate::types::{Code, PersonId, PolicyId};

/// A version that is in force from its day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Identity.
    pub policy: PolicyId,
    /// The version.
    pub version: Code,
    /// SHA-256 of the pack's bytes.
    pub sha256: String,
    /// First day in force.
    pub in_force_from: chrono::NaiveDate,
}

const PROPOSED: &str = "policy.proposed";
const PUBLISHED: &str = "policy.published";

/// What stands in the log about a proposal: everything, since the pack's bytes fit a leaf.
#[derive(Serialize)]
struct Proposal<'a> {
    pack: &'a str,
    programme: &'a Code,
    sha256: String,
    version: &'a Code,
}

#[derive(Serialize)]
struct Publication<'a> {
    in_force_from: chrono::NaiveDate,
    policy: PolicyId,
    programme: &'a Code,
    proposed_by: PersonId,
    sha256: String,
    version: &'a Code,
}

/// Reads a pack, refusing one with problems, for another programme, of another mode or in another currency.
async fn read(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    pack: &str,
) -> Result<Policy, ProgrammeError> {
    let kind = store::kind(conn, command.zone.id, programme).await?;
    let kind = kind.ok_or_else(|| ProgrammeError::Unknown(programme.clone()))?;
    let policy = Policy::parse(pack).map_err(|found| problems(&found))?;
    if policy.code() != programme {
        let pack = policy.code().to_string();
        return Err(ProgrammeError::OtherProgramme {
            pack,
            programme: programme.clone(),
        });
    }
    if policy.currency() != command.zone.currency {
        let (pack, zone) = (policy.currency(), command.zone.currency);
        return Err(ProgrammeError::OtherCurrency { pack, zone });
    }
    if let Some(wanted) = kind.mode()
        && wanted != policy.mode()
    {
        return Err(ProgrammeError::OtherMode {
            programme: programme.clone(),
            kind: kind.as_str(),
            wanted: wanted.word(),
            mode: policy.mode().word(),
        });
    }
    uncounted(&policy).map_or(Ok(policy), |error| Err(ProgrammeError::Uncounted(error)))
}

/// What vouchers can't count of a pack, and what to do: a cap that nothing counts would not be one.
fn uncounted(policy: &Policy) -> Option<String> {
    if policy.mode() != Mode::ExAnte {
        return None;
    }
    if *policy.exhaustion() != Exhaustion::FirstCome {
        let remedy = "it shares the budget among all, and vouchers are issued one by one: write exhaustion = \"fcfs\"";
        return Some(remedy.to_owned());
    }
    let capped = |moment, scope| {
        let award = policy.award(moment);
        award.is_some_and(|award| award.caps.iter().any(|cap| cap.scope == scope))
    };
    if capped(Moment::Grant, Scope::ProviderYear) {
        let remedy = "a provider_year cap stands in [grant], and a voucher has no provider before it is ordered with: \
                      write it in [redemption]";
        return Some(remedy.to_owned());
    }
    let at_redemption = policy.award(Moment::Redemption)?.caps.iter();
    let mut scopes = at_redemption.map(|cap| cap.scope);
    scopes.find_map(|scope| match scope {
        Scope::Application | Scope::Unit | Scope::ProviderYear => None,
        Scope::Holding | Scope::DeMinimis => Some(format!(
            "a {} cap stands in [redemption], and is counted when a voucher is granted: write it in [grant]",
            scope.word()
        )),
        Scope::FirmYear
        | Scope::GroupYear
        | Scope::Lifetime
        | Scope::YearCount
        | Scope::LifetimeCount
        | Scope::Programme => capped(Moment::Grant, scope).then(|| {
            format!(
                "{} caps stand in [grant] and in [redemption], so that one voucher would count twice: keep one of them",
                scope.word()
            )
        }),
    })
}

/// Runs the pack's own examples: what does not even decide them as it says is not to be published.
fn check_examples(policy: &Policy) -> Result<(), ProgrammeError> {
    policy::check_examples(policy).map_err(|found| problems(&found))
}

fn problems(problems: &PackProblems) -> ProgrammeError {
    ProgrammeError::Pack(problems.to_string())
}

/// Proposes a pack for a programme.
pub async fn propose(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    pack: &str,
) -> Result<Recorded, ProgrammeError> {
    command.actor.require(&[Role::RuleAdmin])?;
    let policy = read(conn, command, programme, pack).await?;
    let details = Proposal {
        pack,
        programme,
        sha256: policy.sha256().to_string(),
        version: policy.version(),
    };
    let first = first_answer::<_, IgnoredAny>(conn, command, PROPOSED, &details).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    check_examples(&policy)?;
    let recorded = record(conn, command, (PROPOSED, &details), &details, Vec::new()).await?;
    let proposer = command.actor.person;
    store::insert_proposal(conn, command.zone.id, &policy, proposer, recorded.index).await?;
    Ok(recorded)
}

/// Publishes a pack that another person has proposed, byte for byte.
pub async fn publish(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    pack: &str,
) -> Result<(Published, Recorded), ProgrammeError> {
    command.actor.require(&[Role::Manager])?;
    let policy = read(conn, command, programme, pack).await?;
    let published = Published {
        policy: PolicyId::generate(),
        version: policy.version().clone(),
        sha256: policy.sha256().to_string(),
        in_force_from: policy.in_force().from(),
    };
    let asked = (programme, &published.sha256);
    if let Some((recorded, first)) = first_answer(conn, command, PUBLISHED, &asked).await? {
        return Ok((first, recorded));
    }
    check_examples(&policy)?;
    let proposed_by = store::proposer(conn, command.zone.id, &policy)
        .await?
        .ok_or(ProgrammeError::NotProposed)?;
    if proposed_by == command.actor.person {
        return Err(ProgrammeError::SamePerson);
    }
    let details = Publication {
        in_force_from: published.in_force_from,
        policy: published.policy,
        programme,
        proposed_by,
        sha256: published.sha256.clone(),
        version: policy.version(),
    };
    let recorded = record(conn, command, (PUBLISHED, &asked), &details, Vec::new()).await?;
    let (zone, id) = (command.zone.id, published.policy);
    policy::store::insert(conn, zone, id, &policy, command.now, recorded.index.0).await?;
    Ok((published, recorded))
}
