//! An exclusion and its life, without IO: proposed, confirmed or rejected, lifted.

use chrono::NaiveDate;

use super::exclude::ExclusionRefusal;
use crate::types::{LogIndex, PartyId, PersonId};

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Confirmed,
    Rejected,
}

impl Outcome {
    /// As the database writes it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

/// A proposed exclusion, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Exclusion {
    pub(super) proposed_index: LogIndex,
    pub(super) party: PartyId,
    pub(super) first_day: NaiveDate,
    pub(super) last_day: NaiveDate,
    pub(super) proposed_by: PersonId,
    pub(super) decided: Option<(Outcome, PersonId, LogIndex)>,
    pub(super) lifted: Option<(PersonId, LogIndex)>,
}

impl Exclusion {
    /// Confirms or rejects it, once.
    pub(super) fn decide(
        &mut self,
        outcome: Outcome,
        by: PersonId,
    ) -> Result<(), ExclusionRefusal> {
        if self.decided.is_some() {
            return Err(ExclusionRefusal::WrongState);
        }
        self.decided = Some((outcome, by, LogIndex(0)));
        Ok(())
    }

    /// Lifts it, once, if it was confirmed.
    pub(super) fn lift(&mut self, by: PersonId) -> Result<(), ExclusionRefusal> {
        let is_confirmed = matches!(self.decided, Some((Outcome::Confirmed, ..)));
        if !is_confirmed || self.lifted.is_some() {
            return Err(ExclusionRefusal::WrongState);
        }
        self.lifted = Some((by, LogIndex(0)));
        Ok(())
    }

    /// Enters the entry that changed it.
    pub(super) fn stamp(&mut self, at: LogIndex) {
        let decided = self.decided.as_mut().map(|(.., index)| index);
        let lifted = self.lifted.as_mut().map(|(_, index)| index);
        for index in decided.into_iter().chain(lifted) {
            if *index == LogIndex(0) {
                *index = at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn it_is_decided_once_and_lifted_once() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (one, other) = (PersonId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(2)));
        let proposed = Exclusion {
            proposed_index: LogIndex(5),
            party: PartyId(Uuid::nil()),
            first_day: day("2020-06-01"),
            last_day: day("2021-05-31"),
            proposed_by: one,
            decided: None,
            lifted: None,
        };
        let wrong = Err(ExclusionRefusal::WrongState);
        let mut rejected = proposed.clone();
        assert_eq!(rejected.lift(one), wrong);
        assert_eq!(rejected.decide(Outcome::Rejected, one), Ok(()));
        assert_eq!(rejected.decide(Outcome::Confirmed, other), wrong);
        assert_eq!(rejected.lift(one), wrong);
        let mut confirmed = proposed;
        assert_eq!(confirmed.decide(Outcome::Confirmed, other), Ok(()));
        confirmed.stamp(LogIndex(6));
        assert_eq!(confirmed.lift(one), Ok(()));
        assert_eq!(confirmed.lift(one), wrong);
        confirmed.stamp(LogIndex(7));
        assert_eq!(
            confirmed.decided,
            Some((Outcome::Confirmed, other, LogIndex(6)))
        );
        assert_eq!(confirmed.lifted, Some((one, LogIndex(7))));
    }
}
