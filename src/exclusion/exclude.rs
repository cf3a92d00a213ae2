//! An exclusion is proposed, confirmed by a second person, rejected, or lifted.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::model::{Exclusion, Outcome};
use super::store;
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::{Command, Forbidden, Role};
use crate::party;
use crate::types::{LogIndex, PartyId, PersonId, Reason};

/// A party to be excluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclude {
    /// First day.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
    /// The party.
    pub party: PartyId,
    /// Why.
    pub reason: Reason,
}

/// A confirmation of what was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmExclusion {
    /// The entry of the proposal.
    pub proposed_index: LogIndex,
}

/// A proposal that is not confirmed, or that whoever proposed it takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectExclusion {
    /// The entry of the proposal.
    pub proposed_index: LogIndex,
    /// Why.
    pub reason: Reason,
}

/// An exclusion that ends before its last day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftExclusion {
    /// The entry of the proposal.
    pub proposed_index: LogIndex,
    /// Why.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ExclusionAnswer {
    /// Another person has to confirm it; this entry names it.
    Proposed,
    /// The party is excluded on these days.
    Confirmed {
        /// First day.
        first_day: NaiveDate,
        /// Last day.
        last_day: NaiveDate,
        /// The party.
        party: PartyId,
    },
    /// The party is not excluded.
    Rejected,
    /// The party is excluded no longer.
    Lifted,
    /// Nothing changed.
    Refused(Refused),
}

/// A refusal that a person may contest.
pub type Refused = batch::Refused<ExclusionRefusal>;

/// Why nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExclusionRefusal {
    /// It is not at this step.
    WrongState,
    /// The same person proposed or confirmed it.
    Segregation,
    /// The person has to stay out of the party's cases.
    Recused,
}

impl ExclusionRefusal {
    /// What to tell a person, English and Chinese.
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::WrongState => (
                "The exclusion is not at this step: `exclusion list` says where it stands.",
                "该项不处于该环节，可用 `exclusion list` 查看。",
            ),
            Self::Segregation => (
                "The same person acted on this exclusion before: another one has to.",
                "同一人不得办理同一事项的多个环节。",
            ),
            Self::Recused => (
                "The person is recused from this party's cases, or acts for it: another one has to.",
                "该人员应当回避该主体的事项，须由他人办理。",
            ),
        }
    }
}

const DUTIES: [Role; 3] = [Role::Reviewer, Role::Manager, Role::Finance];

/// Whether the person of a command may act on an exclusion of a party.
fn may_act(
    hands: &Hands,
    command: &Command<'_>,
    party: PartyId,
    before: Option<PersonId>,
) -> Result<(), ExclusionRefusal> {
    let person = command.actor.person;
    if before == Some(person) {
        Err(ExclusionRefusal::Segregation)
    } else if hands.stays_out(command.actor, party) {
        Err(ExclusionRefusal::Recused)
    } else {
        Ok(())
    }
}

/// Proposes to exclude parties.
pub async fn exclude(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Exclude)],
) -> Result<Answers<ExclusionAnswer>, BatchError> {
    batch::answer(conn, "exclusion.propose", requests, |conn, round| {
        Box::pin(exclude_round(conn, round))
    })
    .await
}

async fn exclude_round(
    conn: &mut PgConnection,
    round: &Round<'_, Exclude>,
) -> Result<Answers<ExclusionAnswer>, BatchError> {
    let zone = round.zone.id;
    let ids: Vec<PartyId> = round
        .requests
        .iter()
        .map(|(_, input)| input.party)
        .collect();
    let known = party::store::parties(conn, zone, &ids).await?;
    batch::lock_head(conn, round).await?;
    let hands = Hands::of_round(conn, round).await?;
    let decide = |command: &Command<'_>, input: &Exclude| {
        command.actor.require(&DUTIES)?;
        if !known.iter().any(|party| party.id == input.party) {
            return Err(Rejected::Unknown {
                what: "party",
                id: input.party.to_string(),
            });
        }
        if input.last_day < input.first_day {
            let wrong = "last day: it is before the first: name the first day first";
            return Err(Rejected::Input(wrong.to_owned()));
        }
        if let Err(code) = may_act(&hands, command, input.party, None) {
            let answer = ExclusionAnswer::Refused(code.into());
            let step = Step::new("exclusion.refused", input.party, input, answer);
            return Ok((step, None));
        }
        let answer = ExclusionAnswer::Proposed;
        let step = Step::new("exclusion.proposed", input.party, input, answer);
        Ok((step, Some((input.clone(), command.actor.person))))
    };
    let requests = round.requests.iter();
    let decided = requests.map(|(command, input)| decide(command, input));
    let (answers, effects) = batch::record(conn, round, decided.collect()).await?;
    let proposed: Vec<(Exclude, PersonId, LogIndex)> = effects
        .into_iter()
        .filter_map(|(effect, index)| effect.map(|(input, by)| (input, by, index)))
        .collect();
    store::insert(conn, zone, &proposed).await?;
    Ok(answers)
}

/// Confirms exclusions: another person than who proposed.
pub async fn confirm(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ConfirmExclusion)],
) -> Result<Answers<ExclusionAnswer>, BatchError> {
    let of = |input: &ConfirmExclusion| input.proposed_index;
    decide(
        conn,
        "exclusion.confirm",
        requests,
        of,
        |command, exclusion, hands| {
            let proposer = Some(exclusion.proposed_by);
            may_act(hands, command, exclusion.party, proposer)?;
            exclusion.decide(Outcome::Confirmed, command.actor.person)?;
            let answer = ExclusionAnswer::Confirmed {
                first_day: exclusion.first_day,
                last_day: exclusion.last_day,
                party: exclusion.party,
            };
            Ok(("exclusion.confirmed", answer))
        },
    )
    .await
}

/// Rejects proposals, or takes them back.
pub async fn reject(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, RejectExclusion)],
) -> Result<Answers<ExclusionAnswer>, BatchError> {
    let of = |input: &RejectExclusion| input.proposed_index;
    decide(
        conn,
        "exclusion.reject",
        requests,
        of,
        |command, exclusion, hands| {
            may_act(hands, command, exclusion.party, None)?;
            exclusion.decide(Outcome::Rejected, command.actor.person)?;
            Ok(("exclusion.rejected", ExclusionAnswer::Rejected))
        },
    )
    .await
}

/// Lifts exclusions that were confirmed: a manager who did not confirm them.
pub async fn lift(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, LiftExclusion)],
) -> Result<Answers<ExclusionAnswer>, BatchError> {
    let of = |input: &LiftExclusion| input.proposed_index;
    decide(
        conn,
        "exclusion.lift",
        requests,
        of,
        |command, exclusion, hands| {
            let confirmed = exclusion.decided.map(|(_, by, _)| by);
            may_act(hands, command, exclusion.party, confirmed)?;
            exclusion.lift(command.actor.person)?;
            Ok(("exclusion.lifted", ExclusionAnswer::Lifted))
        },
    )
    .await
}

/// Changes one exclusion: the kind of the entry, and the answer.
type Change = fn(
    &Command<'_>,
    &mut Exclusion,
    &Hands,
) -> Result<(&'static str, ExclusionAnswer), ExclusionRefusal>;

/// Answers commands that each are about one exclusion: locks, decides one after another, records, writes rows.
async fn decide<I>(
    conn: &mut PgConnection,
    name: &'static str,
    requests: &[(Command<'_>, I)],
    of: fn(&I) -> LogIndex,
    change: Change,
) -> Result<Answers<ExclusionAnswer>, BatchError>
where
    I: Clone + Serialize + Send + Sync + 'static,
{
    batch::answer(conn, name, requests, move |conn, round| {
        Box::pin(async move {
            let zone = round.zone.id;
            let asked: Vec<LogIndex> = round.requests.iter().map(|(_, input)| of(input)).collect();
            let mut found = store::lock(conn, zone, &asked).await?;
            batch::lock_head(conn, round).await?;
            let hands = Hands::of_round(conn, round).await?;
            let mut decided = Vec::with_capacity(round.requests.len());
            for (command, input) in &round.requests {
                let proposed = of(input);
                decided.push(decide_one(
                    command,
                    input,
                    (&mut found, proposed),
                    &hands,
                    change,
                ));
            }
            let (answers, effects) = batch::record(conn, round, decided).await?;
            for (changed, index) in effects {
                if let Some(exclusion) = changed.and_then(|proposed| found.get_mut(&proposed)) {
                    exclusion.stamp(index);
                }
            }
            let changed: Vec<&Exclusion> = found.values().collect();
            store::update(conn, zone, &changed).await?;
            Ok(answers)
        })
    })
    .await
}

fn decide_one<I: Clone>(
    command: &Command<'_>,
    input: &I,
    (found, proposed): (&mut HashMap<LogIndex, Exclusion>, LogIndex),
    hands: &Hands,
    change: Change,
) -> Decided<I, ExclusionAnswer, Option<LogIndex>> {
    let duties: Result<(), Forbidden> = command.actor.require(&[Role::Manager, Role::Finance]);
    duties?;
    let exclusion = batch::find(found, "exclusion proposed by entry", &proposed)?;
    let mut changed = exclusion.clone();
    Ok(match change(command, &mut changed, hands) {
        Err(code) => {
            let answer = ExclusionAnswer::Refused(code.into());
            let step = Step::new("exclusion.refused", exclusion.party, input, answer);
            (step, None)
        }
        Ok((kind, answer)) => {
            *exclusion = changed;
            let step = Step::new(kind, exclusion.party, input, answer);
            (step, Some(proposed))
        }
    })
}
