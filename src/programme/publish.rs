//! Publishing rules takes two persons: a rule administrator proposes a pack, a manager publishes exactly
//! those bytes. Until then either may withdraw it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{ProgrammeError, first_answer, record, store};
use crate::identity::{Command, Role};
use crate::journal::{self, RecordError, Recorded, Refusal};
use crate::log;
use crate::policy::store::{Listed, StoreError};
use crate::policy::{self, Exhaustion, Mode, Moment, PackProblems, Policy, Scope, Sha256};
use crate::types::{Code, LogIndex, PersonId, PolicyId, Reason, Zone};

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
const WITHDRAWN: &str = "policy.withdrawn";

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
    /// Decisions that were made since its first day by the versions before.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_before: Option<i64>,
    in_force_from: chrono::NaiveDate,
    policy: PolicyId,
    programme: &'a Code,
    proposed_by: PersonId,
    /// Why it begins in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    retroactive: Option<&'a Reason>,
    sha256: String,
    version: &'a Code,
}

#[derive(Serialize)]
struct Withdrawal<'a> {
    programme: &'a str,
    proposed_index: LogIndex,
    reason: &'a Reason,
    sha256: String,
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

async fn lock(conn: &mut PgConnection, command: &Command<'_>) -> Result<(), ProgrammeError> {
    log::lock_head(conn, command.zone.id)
        .await
        .map_err(RecordError::from)?;
    Ok(())
}

/// Proposes a pack for a programme. The same bytes are proposed once, whoever proposes them again; the answer is the first
/// proposal. A version that is published is not proposed, nor is one that begins in a closed period, nor bytes that were
/// withdrawn.
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
    // Of two who propose the same at once, one sees the other.
    lock(conn, command).await?;
    let (zone, code) = (command.zone.id, policy.code());
    let listed = policy::store::list(conn, zone).await?;
    is_new(&policy, &listed)?;
    if let Some(first) = store::proposed(conn, zone, &policy).await? {
        not_withdrawn(conn, command, &policy).await?;
        return Ok(first);
    }
    let from = policy.in_force().from();
    if listed
        .iter()
        .any(|one| one.code == *code && one.in_force_from == from)
    {
        let code = code.clone();
        return Err(ProgrammeError::Policy(StoreError::SameDay { code, from }));
    }
    in_open_days(conn, command, &policy, &listed).await?;
    let recorded = record(conn, command, (PROPOSED, &details), &details, Vec::new()).await;
    let recorded = recorded.map_err(too_long)?;
    let proposer = command.actor.person;
    store::insert_proposal(conn, command.zone.id, &policy, proposer, recorded.index).await?;
    Ok(recorded)
}

/// A version is published once.
fn is_new(policy: &Policy, listed: &[Listed]) -> Result<(), ProgrammeError> {
    let is_published =
        |one: &Listed| one.code == *policy.code() && one.version == *policy.version();
    if listed.iter().any(is_published) {
        return Err(ProgrammeError::Policy(StoreError::VersionExists {
            code: policy.code().clone(),
            version: policy.version().clone(),
        }));
    }
    Ok(())
}

/// The entry of a proposal has the whole pack; nothing else of it can be too long.
fn too_long(error: ProgrammeError) -> ProgrammeError {
    let ProgrammeError::Record(RecordError::Refused(Refusal::Body(_))) = error else {
        return error;
    };
    let remedy = "the pack is too long to be proposed: with it the entry would have more than the 65535 bytes of an entry of \
                  the log; shorten its comments, texts or examples";
    ProgrammeError::Pack(remedy.to_owned())
}

/// Publishes a pack that another person has proposed, byte for byte. One that takes past days from another version is
/// refused.
pub async fn publish(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    pack: &str,
) -> Result<(Published, Recorded), ProgrammeError> {
    publish_for(conn, command, programme, pack, None).await
}

/// The same, also if it takes past days from another version; the entry says why, and how many decisions were made on these
/// days. They stay as they are.
pub async fn publish_retroactively(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    pack: &str,
    reason: &Reason,
) -> Result<(Published, Recorded), ProgrammeError> {
    publish_for(conn, command, programme, pack, Some(reason)).await
}

/// What a version that begins in the past meets there: how many decisions were made by the versions that it takes days
/// from. `None` if it takes none.
async fn decided_before(
    conn: &mut PgConnection,
    command: &Command<'_>,
    policy: &Policy,
    is_meant: bool,
) -> Result<Option<i64>, ProgrammeError> {
    let (zone, today) = (command.zone, command.today());
    let from = policy.in_force().from();
    let listed = policy::store::list(conn, zone.id).await?;
    is_new(policy, &listed)?;
    if from > today {
        return Ok(None);
    }
    in_open_days(conn, command, policy, &listed).await?;
    let loses_days = |one: &&Listed| {
        one.code == *policy.code()
            && one.in_force_from <= today
            && one.in_force_until.is_none_or(|until| from < until)
    };
    let mut losers = listed.iter().filter(loses_days);
    // In the order in which they came into force: the first one was in force on the day, if one was.
    let Some(loser) = losers.next() else {
        return Ok(None);
    };
    let since = zone.time.start_of(from);
    let decisions = store::decided_since(conn, zone.id, policy.code(), from, since).await?;
    let is_past = from < today || decisions > 0;
    if is_past && !is_meant {
        return Err(ProgrammeError::Retroactive {
            programme: policy.code().clone(),
            from,
            version: loser.version.clone(),
            decisions,
        });
    }
    Ok(is_past.then_some(decisions))
}

/// Refuses a version that begins on a day whose books are closed, or takes such days from another.
async fn in_open_days(
    conn: &mut PgConnection,
    command: &Command<'_>,
    policy: &Policy,
    listed: &[Listed],
) -> Result<(), ProgrammeError> {
    let from = policy.in_force().from();
    let of_code = || listed.iter().filter(|one| one.code == *policy.code());
    let loses_days = |one: &&Listed| {
        one.in_force_from < from && one.decides_until.is_none_or(|until| from < until)
    };
    let until = match of_code().find(loses_days) {
        Some(loser) => [loser.decides_until, policy.in_force().until()]
            .into_iter()
            .flatten()
            .min(),
        None => from.succ_opt(),
    };
    let open = journal::open_throughout(conn, command.zone.id, from, until).await?;
    if open == from {
        Ok(())
    } else {
        Err(ProgrammeError::InForceOnClosed { from, open })
    }
}

async fn not_withdrawn(
    conn: &mut PgConnection,
    command: &Command<'_>,
    policy: &Policy,
) -> Result<(), ProgrammeError> {
    let withdrawn = store::withdrawn(conn, command.zone.id, policy.code(), policy.sha256());
    withdrawn
        .await?
        .map_or(Ok(()), |entry| Err(ProgrammeError::Withdrawn(entry)))
}

async fn publish_for(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    pack: &str,
    retroactive: Option<&Reason>,
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
    // No decision is made between the count and the entry.
    lock(conn, command).await?;
    not_withdrawn(conn, command, &policy).await?;
    let decided_before = decided_before(conn, command, &policy, retroactive.is_some()).await?;
    let details = Publication {
        decided_before,
        in_force_from: published.in_force_from,
        policy: published.policy,
        programme,
        proposed_by,
        retroactive: retroactive.filter(|_| decided_before.is_some()),
        sha256: published.sha256.clone(),
        version: policy.version(),
    };
    let recorded = record(conn, command, (PUBLISHED, &asked), &details, Vec::new()).await?;
    let (zone, id) = (command.zone.id, published.policy);
    policy::store::insert(conn, zone, id, &policy, command.now, recorded.index.0).await?;
    Ok((published, recorded))
}

/// Withdraws a proposal, by its entry: nobody publishes it any more, and who wants the same rules after all proposes them in
/// other bytes. A rule administrator may, and a manager, whoever proposed it.
pub async fn withdraw(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
    reason: &Reason,
) -> Result<Recorded, ProgrammeError> {
    command.actor.require(&[Role::RuleAdmin, Role::Manager])?;
    let asked = (proposed, reason);
    let first = first_answer::<_, IgnoredAny>(conn, command, WITHDRAWN, &asked).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    // It is not published between the look and the entry.
    lock(conn, command).await?;
    let zone = command.zone.id;
    let waiting = store::unpublished(conn, zone).await?;
    let found = waiting.into_iter().find(|one| one.entry == proposed);
    let found = found.ok_or(ProgrammeError::NotWaiting(proposed))?;
    let details = Withdrawal {
        programme: &found.programme,
        proposed_index: proposed,
        reason,
        sha256: Sha256::of(found.pack.as_bytes()).to_string(),
    };
    let recorded = record(conn, command, (WITHDRAWN, &asked), &details, Vec::new()).await?;
    let person = command.actor.person;
    store::insert_withdrawal(conn, zone, &found, reason, person, recorded.index).await?;
    Ok(recorded)
}

/// A pack that was proposed, and neither published nor withdrawn.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// The entry of the proposal.
    pub entry: LogIndex,
    /// First day on which it would decide.
    pub in_force_from: chrono::NaiveDate,
    /// The programme.
    pub programme: Code,
    /// Who proposed it: another person publishes it.
    pub proposed_by: PersonId,
    /// The login of whoever proposed it.
    pub proposer: String,
    /// The day of the proposal.
    pub proposed_on: chrono::NaiveDate,
    /// SHA-256 of the pack's bytes.
    pub sha256: String,
    /// The version.
    pub version: Code,
    /// Whether another pack of that version was published since, so that this one can't be.
    pub is_overtaken: bool,
    /// The pack, byte for byte.
    #[serde(skip)]
    pub pack: String,
}

/// The proposals that wait for publication, in the order of the log.
pub async fn waiting(conn: &mut PgConnection, zone: &Zone) -> Result<Vec<Waiting>, ProgrammeError> {
    let listed = policy::store::list(conn, zone.id).await?;
    let proposals = store::unpublished(conn, zone.id).await?;
    let waiting = proposals.into_iter().map(|one| {
        let policy = Policy::parse(&one.pack).map_err(|found| problems(&found))?;
        let is_overtaken = listed
            .iter()
            .any(|listed| listed.code == *policy.code() && listed.version == *policy.version());
        Ok(Waiting {
            entry: one.entry,
            in_force_from: policy.in_force().from(),
            programme: policy.code().clone(),
            proposed_by: one.proposed_by,
            proposer: one.login,
            proposed_on: zone.time.day(one.at),
            sha256: policy.sha256().to_string(),
            version: policy.version().clone(),
            is_overtaken,
            pack: one.pack,
        })
    });
    waiting.collect()
}
