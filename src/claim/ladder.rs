//! Who approves a claim next: levels by amount, who had a hand in it, and the public notice before.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::model::{Claim, ClaimRefusal, ClaimState};
use super::store::{self, Approval, Notice};
use crate::approval::{self, Acting, Hands, Levels};
use crate::batch::Rejected;
use crate::identity::{Command, Forbidden, Role};
use crate::types::{Amount, ClaimId, LogIndex, Money, NoticeId, PersonId, Zone};

/// The next level of a claim, and who takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) number: u8,
    pub(super) of: u8,
    pub(super) role: Role,
    pub(super) acting: Acting,
    /// The duty of the level after, if there is one.
    pub(super) then: Option<Role>,
}

impl Level {
    /// The approval of the claim at this self.
    pub(super) fn approval_of(self, command: &Command<'_>, claim: &Claim) -> Option<Approval> {
        let (submission, review) = (claim.submission?, claim.review.as_ref()?);
        debug_assert_eq!(self.acting.person, command.actor.person);
        Some(Approval {
            claim: claim.id,
            version: claim.version,
            review: review.index,
            level: self.number,
            role: self.role,
            acting: self.acting,
            submitted_by: submission.by,
            reviewed_by: review.by,
        })
    }
}

/// Who approves what: the levels in force, what was approved before, and who stays out.
pub(super) struct Ladder {
    levels: Levels,
    hands: Hands,
    pub(super) approvals: HashMap<ClaimId, Vec<Approval>>,
    notices: HashMap<NoticeId, Notice>,
}

impl Ladder {
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        claims: &HashMap<ClaimId, Claim>,
        actors: &[PersonId],
    ) -> Result<Self, sqlx::Error> {
        let ids: Vec<ClaimId> = claims.keys().copied().collect();
        let notices: Vec<NoticeId> = claims.values().filter_map(|claim| claim.notice).collect();
        Ok(Self {
            levels: approval::in_force(conn, zone.id, zone.currency).await?,
            hands: Hands::read(conn, zone.id, today, actors).await?,
            approvals: store::approvals(conn, zone.id, &ids).await?,
            notices: store::notices_by_id(conn, zone.id, &notices).await?,
        })
    }

    /// Whether the actor approves claims at all, by an own duty or a delegated one.
    pub(super) fn office(&self, command: &Command<'_>) -> Result<(), Rejected> {
        let roles = [Role::Manager, Role::Finance];
        let has = |role: &Role| !self.hands.acting(command.actor, *role).is_empty();
        if roles.iter().any(has) {
            return Ok(());
        }
        let forbidden = Forbidden {
            login: command.actor.login.clone(),
            needs: roles.to_vec(),
        };
        Err(forbidden.into())
    }

    /// The approvals of what the claim's last review recommended.
    fn given(&self, claim: &Claim) -> impl Iterator<Item = &Approval> {
        let review = claim.review.as_ref().map(|review| review.index);
        let all = self.approvals.get(&claim.id);
        all.into_iter()
            .flatten()
            .filter(move |approval| Some(approval.review) == review)
    }

    /// The level that is next, as the actor may take it; or what is in the way.
    pub(super) fn next(
        &self,
        command: &Command<'_>,
        claim: &Claim,
        seen: LogIndex,
    ) -> Result<Level, ClaimRefusal> {
        let review = claim.review.as_ref().map(|review| review.index);
        if review != Some(seen) {
            return Err(ClaimRefusal::Stale);
        }
        let amount = claim.recommended.map_or(Money::ZERO, Amount::money);
        let roles = self.levels.of(amount);
        let done = self.given(claim).count();
        // Levels may have been lowered since: then whoever has the last one takes it.
        let at = done.min(roles.len().saturating_sub(1));
        let role = *roles.get(at).ok_or(ClaimRefusal::LevelOrder)?;
        let number = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let level = |acting| Level {
            number: number(done + 1),
            of: number(roles.len().max(done + 1)),
            role,
            acting,
            then: roles.get(done + 1).copied(),
        };
        let mut reason = ClaimRefusal::LevelOrder;
        for acting in self.hands.acting(command.actor, role) {
            let had_a_hand = |person: PersonId| {
                let before = self.given(claim).flat_map(|given| given.acting.persons());
                claim.hands().chain(before).any(|hand| hand == person)
            };
            if self.hands.stays_out_as(command.actor, acting, claim.party) {
                reason = ClaimRefusal::Recused;
            } else if acting.persons().any(had_a_hand) {
                reason = ClaimRefusal::Segregation;
            } else {
                return Ok(level(acting));
            }
        }
        Err(reason)
    }

    /// Everybody who had a hand in the case once a level has approved it.
    pub(super) fn everybody(&self, claim: &Claim, last: Acting) -> Vec<PersonId> {
        let reviewer = claim.review.iter().map(|review| review.by);
        let before = self.given(claim).flat_map(|given| given.acting.persons());
        let mut all: Vec<PersonId> = reviewer.chain(before).chain(last.persons()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether the public notice is done, where the policy asks for one.
    pub(super) fn noticed(
        &self,
        claim: &Claim,
        notice_days: u16,
        today: NaiveDate,
    ) -> Result<(), ClaimRefusal> {
        match (claim.state, claim.notice) {
            (ClaimState::Recommended, _) if notice_days > 0 => Err(ClaimRefusal::NoticeRequired),
            (ClaimState::Recommended, _) => Ok(()),
            (ClaimState::Noticed, Some(id)) => {
                let notice = self.notices.get(&id);
                if notice.is_some_and(|notice| notice.last_day < today) {
                    Ok(())
                } else {
                    Err(ClaimRefusal::NoticeRunning)
                }
            }
            (_, _) => Err(ClaimRefusal::WrongState),
        }
    }
}
