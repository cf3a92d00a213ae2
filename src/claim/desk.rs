//! What decisions on claims rest on: the policies they were submitted under, what the ledger has of their parties, and what
//! has been used of caps.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::Refused;
use super::content::Claimed;
use super::model::{Claim, ClaimRefusal};
use crate::batch::BatchError;
use crate::caps::{Asked, Usages};
use crate::exclusion::{self, Excluded};
use crate::fact::{self, InLedger};
use crate::party::{self, Party};
use crate::policy::store::Policies;
use crate::policy::{self, Decision, Fact, Facts, Moment, Policy, Raw, Source, Usage};
use crate::types::{ClaimId, Money, PartyId, Zone};

/// Everything that decisions of one batch read.
pub(super) struct Desk {
    parties: HashMap<PartyId, Party>,
    policies: Policies,
    pub(super) usages: Usages,
    ledger: InLedger,
    excluded: Excluded,
    today: NaiveDate,
    /// Facts that were decided on: decisions name them by their hash.
    kept: Vec<Facts>,
}

/// The rules that decide on a claim, and its facts.
pub(super) struct Ruled {
    pub(super) policy: Arc<Policy>,
    pub(super) facts: Facts,
    pub(super) claimed: Claimed,
}

/// What a round says of a claim: its rank, or what there is and what all ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Among {
    pub(super) rank: Option<u32>,
    /// Budget and demand.
    pub(super) shared: Option<(Money, Money)>,
}

impl Desk {
    /// Reads what submitted claims rest on. Whoever decides about money has locked the log's head before.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        claims: &HashMap<ClaimId, Claim>,
    ) -> Result<Self, BatchError> {
        let submitted = claims
            .values()
            .filter_map(|claim| Some((claim.submission?.policy, claim.party)));
        let submitted: Vec<_> = submitted.collect();
        let wanted = submitted.iter().map(|(policy, _)| *policy);
        let policies = Policies::of(conn, zone.id, wanted).await?;
        let ids: Vec<PartyId> = claims.values().map(|claim| claim.party).collect();
        let parties = party::store::parties(conn, zone.id, &ids).await?;
        let excluded = exclusion::excluded_on(conn, zone.id, today, &ids).await?;
        let ruled: Result<Vec<(Arc<Policy>, PartyId)>, BatchError> = submitted
            .into_iter()
            .map(|(policy, party)| Ok((policies.get(policy)?, party)))
            .collect();
        let ruled = ruled?;
        let asked: Vec<Asked<'_>> = ruled
            .iter()
            .map(|(policy, party)| Asked::claim(policy, *party))
            .collect();
        let usages = Usages::read(conn, zone, today, &asked).await?;
        let of_parties = ruled.iter().map(|(policy, party)| (&**policy, *party));
        let ledger = InLedger::read(conn, zone, today, Moment::Claim, of_parties).await?;
        Ok(Self {
            parties: parties.into_iter().map(|party| (party.id, party)).collect(),
            policies,
            usages,
            ledger,
            excluded,
            today,
            kept: Vec::new(),
        })
    }

    /// That the party of a claim is excluded from programmes today, and until when.
    pub(super) fn excluded(&self, claim: &Claim) -> Option<Refused> {
        let until = self.excluded.until(claim.party)?;
        Some(Refused {
            code: ClaimRefusal::Excluded,
            reasons: vec![until.to_string()],
        })
    }

    /// The rules of a submitted claim, and its facts: as claimed, with the sums of its lines, what the ledger knows of
    /// the party, and what a review verified.
    pub(super) fn ruled(
        &self,
        claim: &Claim,
        verified: Option<&Facts>,
    ) -> Result<Ruled, BatchError> {
        let unreadable = |why: String| BatchError::Unreadable(claim.drafted_index, why);
        let submission = claim
            .submission
            .ok_or_else(|| unreadable("the claim was not submitted".to_owned()))?;
        let policy = self.policies.get(submission.policy)?;
        let claimed = Claimed::read(&claim.content).map_err(unreadable)?;
        let party = self.parties.get(&claim.party);
        let party = party.ok_or(BatchError::Database(sqlx::Error::RowNotFound))?;
        let stated = claimed.stated(submission.on);
        let stated = stated.map_err(|error| unreadable(error.to_string()))?;
        let mut facts = fact::with_identity(&stated, party, self.today);
        let day = submission.on.to_string();
        let day = Raw::Text(&day);
        facts
            .state(Fact::ClaimedOn, day, Source::Imported, submission.on)
            .expect("BUG: the day of a claim is a day");
        if let Some(verified) = verified {
            facts.extend(verified);
        }
        self.ledger
            .extend(&policy, Moment::Claim, claim.party, &mut facts);
        Ok(Ruled {
            policy,
            facts,
            claimed,
        })
    }

    /// What the policy says today of the claim by itself. The facts are kept, under the hash that the decision names.
    pub(super) fn decide(&mut self, claim: &Claim, ruled: &Ruled) -> Decision {
        self.decide_among(claim, ruled, Among::default())
    }

    /// What it says of a claim in a round.
    pub(super) fn decide_among(&mut self, claim: &Claim, ruled: &Ruled, among: Among) -> Decision {
        self.kept.push(ruled.facts.clone());
        self.preview(claim, ruled, among)
    }

    /// The same, of a decision that is not recorded.
    pub(super) fn preview(&self, claim: &Claim, ruled: &Ruled, among: Among) -> Decision {
        let Ruled { policy, facts, .. } = ruled;
        let usage = Usage {
            rank: among.rank,
            budget: among.shared.map(|(budget, _)| budget),
            demand: among.shared.map(|(_, demand)| demand),
            ..self.usages.of(Asked::claim(policy, claim.party))
        };
        policy::decide(policy, Moment::Claim, facts, &usage, self.today)
    }

    /// Keeps the facts that were decided on, before the decisions are recorded.
    pub(super) async fn keep(
        &self,
        conn: &mut PgConnection,
        zone: &Zone,
    ) -> Result<(), sqlx::Error> {
        let kept: Vec<&Facts> = self.kept.iter().collect();
        fact::store::keep_snapshots(conn, zone.id, &kept).await?;
        Ok(())
    }
}

/// Reason codes of a decision, as text.
pub(super) fn reasons(decision: &Decision) -> Vec<String> {
    decision.reasons.iter().map(ToString::to_string).collect()
}

/// The facts that a decision misses, by name.
pub(super) fn missing(decision: &Decision) -> Vec<String> {
    decision.missing.iter().map(ToString::to_string).collect()
}
