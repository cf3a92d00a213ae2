//! Who counts as something by the published rules of a recognition: decided on what the ledger knows, and registered once
//! another person has confirmed it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::confirm::{Kind, Proposed};
use super::error::FactsError;
use super::merge::merge;
use super::possible::impossible;
use super::recognised::{recognised, register_of};
use super::register::Register;
use super::snapshot::identity_facts;
use super::statement::NotStatable;
use super::store;
use super::values::Values;
use crate::db::Turn;
use crate::identity::{Command, Role};
use crate::journal::{self, BodyError, Entry, Idempotency, RecordError, Refusal};
use crate::party::{self, Party};
use crate::policy::{
    self, Decision, Facts, Moment, Outcome, Policy, Sha256, Source, Span, Stated, StatedBy, Usage,
    decide,
};
use crate::types::{Code, LogIndex, PartyId, PolicyId};

/// What was decided of a party, and by which entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// The entry of the decision. If it passes, it proposes what `facts` say.
    pub entry: LogIndex,
    /// Of whom.
    pub party: PartyId,
    /// The register that it is for.
    pub register: Register,
    /// What is stated of the party once another person has confirmed it; nothing unless the decision passes.
    pub facts: Option<Values>,
    /// The decision.
    pub decision: Decision,
}

/// What a batch of a run over all parties came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecognisedAll {
    /// Parties that were decided on.
    pub decided: u64,
    /// Of those, the ones that pass: proposals, which wait for another person.
    pub proposed: u64,
    /// Of those, the ones that fail.
    pub failed: u64,
    /// Of those, the ones for which facts are missing.
    pub needs_review: u64,
    /// The party with which the next batch goes on; `None` once there are no more.
    pub last: Option<PartyId>,
}

/// A decision as it is recorded.
pub(super) struct Decided<'a> {
    pub(super) party: PartyId,
    pub(super) facts: Option<Values>,
    pub(super) decision: Decision,
    pub(super) rules: &'a Rules,
}

/// The rules by which a run decides, and what they are for.
pub(super) struct Rules {
    pub(super) id: PolicyId,
    pub(super) policy: Policy,
    pub(super) register: Register,
    /// The day for which is decided.
    pub(super) on: NaiveDate,
    /// What the filing says, which is known of no party as such.
    given: Values,
}

impl Rules {
    async fn in_force(
        conn: &mut PgConnection,
        command: &Command<'_>,
        programme: &Code,
        given: &Values,
    ) -> Result<Self, FactsError> {
        for (fact, _) in given.iter() {
            let spec = fact.spec();
            if spec.span != Span::Case || spec.stated_by != StatedBy::Applicant {
                return Err(NotStatable::NotOfAFiling(fact).into());
            }
        }
        let zone = command.zone;
        let on = command.today();
        if let Some(first) = impossible(|fact| given.get(fact), on).into_iter().next() {
            return Err(first.into());
        }
        let register =
            register_of(programme).ok_or_else(|| FactsError::NoRecognition(programme.clone()))?;
        let published = policy::store::in_force_on(conn, zone.id, programme, on).await?;
        let published = published.ok_or_else(|| FactsError::NoRules {
            programme: programme.clone(),
            on,
        })?;
        let decides = published.policy.moments().contains(&Moment::Recognition);
        if !decides || published.policy.currency() != zone.currency {
            return Err(FactsError::NoRecognition(programme.clone()));
        }
        Ok(Self {
            id: published.id,
            policy: published.policy,
            register,
            on,
            given: given.clone(),
        })
    }

    /// What a decision of the day sees of each party, and what it comes to.
    async fn decide(
        &self,
        conn: &mut PgConnection,
        command: &Command<'_>,
        parties: &[Party],
    ) -> Result<Vec<Decided<'_>>, FactsError> {
        let zone = command.zone;
        let ids: Vec<PartyId> = parties.iter().map(|party| party.id).collect();
        let statements = store::statements_of(conn, zone, &ids, None).await?;
        let mut snapshots = Vec::with_capacity(parties.len());
        for party in parties {
            let of_party = statements.get(&party.id).map_or(&[][..], Vec::as_slice);
            let mut facts = merge(zone.currency, self.on, of_party);
            for (fact, value) in self.given.iter() {
                let stated = Stated {
                    as_of: self.on,
                    entry: None,
                    source: Source::Declared,
                    value: value.clone(),
                };
                facts.insert(fact, stated);
            }
            facts.extend(&identity_facts(party, zone.currency, self.on));
            snapshots.push(facts);
        }
        let kept: Vec<&Facts> = snapshots.iter().collect();
        store::keep_snapshots(conn, zone.id, &kept).await?;
        let decided = parties.iter().zip(&snapshots).map(|(party, facts)| {
            let (usage, on) = (Usage::default(), self.on);
            let decision = decide(&self.policy, Moment::Recognition, facts, &usage, on);
            let facts = if decision.outcome == Outcome::Pass {
                let facts = recognised(&self.register, &decision);
                Some(facts.ok_or_else(|| FactsError::NoRecognition(decision.policy.code.clone()))?)
            } else {
                None
            };
            Ok(Decided {
                party: party.id,
                facts,
                decision,
                rules: self,
            })
        });
        decided.collect()
    }
}

/// What the entry of a decision says.
#[derive(Serialize)]
struct Said<'a> {
    decision: &'a Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<[Sha256; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<&'a Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<NaiveDate>,
    party: PartyId,
    policy: PolicyId,
    programme: &'a Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    register: &'a Register,
}

impl Decided<'_> {
    /// Why, in the words of the log: the rules' name.
    pub(super) fn reason(&self) -> String {
        let policy = &self.decision.policy;
        format!("{} {}", policy.code, policy.version)
    }

    /// `fact.recognition_proposed` if it passes, `fact.recognition_refused` with the reasons if not.
    fn entry(&self, command: &Command<'_>) -> Result<Entry, BodyError> {
        let passes = self.facts.is_some();
        let said = Said {
            decision: &self.decision,
            evidence: passes.then_some([self.decision.facts_sha256]),
            facts: self.facts.as_ref(),
            from: passes.then_some(self.rules.on),
            party: self.party,
            policy: self.rules.id,
            programme: self.rules.policy.code(),
            reason: passes.then(|| self.reason()),
            register: &self.rules.register,
        };
        let kind = if passes {
            "fact.recognition_proposed"
        } else {
            "fact.recognition_refused"
        };
        Ok(Entry {
            subject: Some(self.party.0),
            ..command.entry(kind, &said)?
        })
    }

    /// What another person is asked to confirm, if it passes.
    fn proposed(&self, entry: LogIndex) -> Option<Proposed> {
        Some(Proposed {
            kind: Kind::Recognition,
            entry,
            party: Some(self.party),
            register: Some(self.rules.register.clone()),
            facts: self.facts.clone()?,
            from: self.rules.on,
            until: None,
            reason: self.reason(),
            evidence: vec![self.decision.facts_sha256],
            reference: None,
        })
    }
}

/// Records decisions, each as an entry with its row; the first gets the key.
async fn record(
    conn: &mut PgConnection,
    command: &Command<'_>,
    decided: &[Decided<'_>],
    idempotency: Option<Idempotency>,
) -> Result<Vec<LogIndex>, FactsError> {
    let entries: Result<Vec<Entry>, BodyError> =
        decided.iter().map(|one| one.entry(command)).collect();
    let mut entries = entries?;
    if let Some(first) = entries.first_mut() {
        first.idempotency = idempotency;
    }
    let outcomes = journal::record(conn, command.zone, command.now, &entries).await?;
    let recorded = outcomes
        .into_iter()
        .collect::<Result<Vec<_>, Refusal>>()
        .map_err(RecordError::Refused)?;
    let indices: Vec<LogIndex> = recorded.iter().map(|one| one.index).collect();
    let zone = command.zone.id;
    store::insert_recognitions(conn, zone, decided, &indices).await?;
    let proposed: Vec<Proposed> = decided
        .iter()
        .zip(&indices)
        .filter_map(|(one, index)| one.proposed(*index))
        .collect();
    store::insert_proposed(conn, zone, command.actor.person, &proposed).await?;
    Ok(indices)
}

/// Decides by the programme's recognition in force today, on what the ledger knows of a party and on what its filing
/// says. What passes is proposed; nothing follows from it until another person confirms it.
pub async fn recognise(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    party: PartyId,
    given: &Values,
) -> Result<Recognised, FactsError> {
    command.actor.require(&[Role::Reviewer])?;
    let idempotency = command.idempotency("fact.recognise", &(programme, party, given));
    if let Some(first) = first_answer(conn, command, programme, idempotency.as_ref()).await? {
        return Ok(first);
    }
    Turn::Facts.wait(conn, command.zone.id).await?;
    let rules = Rules::in_force(conn, command, programme, given).await?;
    let known = party::store::party(conn, command.zone.id, party).await?;
    let known = known.ok_or(FactsError::UnknownParty(party))?;
    let mut decided = rules.decide(conn, command, &[known]).await?;
    let entries = record(conn, command, &decided, idempotency).await?;
    let (one, entry) = decided
        .pop()
        .zip(entries.first())
        .expect("BUG: one party has one decision");
    Ok(Recognised {
        entry: *entry,
        party,
        register: rules.register.clone(),
        facts: one.facts,
        decision: one.decision,
    })
}

/// Decides on the next parties of the zone, in the order in which they were registered. Who was decided on by the same rules
/// since a day (today, if none is given), or waits for a confirmation, is left out: a run that was interrupted goes on where
/// it stopped, also over days.
pub async fn recognise_next(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    given: &Values,
    since: Option<NaiveDate>,
    after: Option<PartyId>,
    limit: u16,
) -> Result<RecognisedAll, FactsError> {
    command.actor.require(&[Role::Reviewer])?;
    Turn::Facts.wait(conn, command.zone.id).await?;
    let rules = Rules::in_force(conn, command, programme, given).await?;
    let zone = command.zone.id;
    let waiting =
        store::undecided(conn, zone, &rules, since.unwrap_or(rules.on), after, limit).await?;
    let parties = party::store::parties(conn, zone, &waiting).await?;
    let mut answer = RecognisedAll {
        last: waiting.last().copied(),
        ..RecognisedAll::default()
    };
    if parties.is_empty() {
        return Ok(answer);
    }
    let decided = rules.decide(conn, command, &parties).await?;
    record(conn, command, &decided, None).await?;
    for one in &decided {
        answer.decided += 1;
        match one.decision.outcome {
            Outcome::Pass => answer.proposed += 1,
            Outcome::Fail => answer.failed += 1,
            Outcome::NeedsReview => answer.needs_review += 1,
        }
    }
    Ok(answer)
}

/// The decision that the same command was given before.
async fn first_answer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    idempotency: Option<&Idempotency>,
) -> Result<Option<Recognised>, FactsError> {
    #[derive(Deserialize)]
    struct First {
        decision: Decision,
        party: PartyId,
    }
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<First>(conn, zone, actor, idempotency).await?;
    let Some((recorded, First { decision, party })) = first else {
        return Ok(None);
    };
    let register =
        register_of(programme).ok_or_else(|| FactsError::NoRecognition(programme.clone()))?;
    let passes = decision.outcome == Outcome::Pass;
    let facts = recognised(&register, &decision).filter(|_| passes);
    Ok(Some(Recognised {
        entry: recorded.index,
        party,
        register,
        facts,
        decision,
    }))
}
