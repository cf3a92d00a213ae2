//! A claimant writes a claim, and corrects it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::content::{Claimed, Content};
use super::milestone::Named;
use super::model::{Claim, ClaimRefusal, ClaimState};
use super::relief::{self, Drawn, ReliefAsked};
use super::store;
use crate::batch::{self, Answers, BatchError, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::party;
use crate::policy::Sha256;
use crate::programme::{self, ProgrammeKind};
use crate::rent::ReliefBook;
use crate::types::{ClaimId, Code, LogIndex, PartyId, WaiverId};

/// Who writes claims: the parties' own people, and the office's clerks for them.
pub(super) const CLAIMANTS: [Role; 3] = [Role::Sme, Role::Provider, Role::Incubator];

/// A claim to be begun.
#[derive(Clone, Debug, Serialize)]
pub struct Draft {
    /// What is claimed.
    #[serde(flatten)]
    pub content: Content,
    /// Who claims.
    pub party: PartyId,
    /// Of which programme.
    pub programme: Code,
    /// The relief in the rent book that it rests on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relief: Option<ReliefAsked>,
}

/// What is claimed, in place of what was before.
#[derive(Clone, Debug, Serialize)]
pub struct Revise {
    /// The claim.
    pub claim: ClaimId,
    /// What is claimed now.
    #[serde(flatten)]
    pub content: Content,
    /// The relief that it rests on now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relief: Option<ReliefAsked>,
}

/// A claim with a new content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafted {
    /// The claim.
    pub claim: ClaimId,
    /// SHA-256 of its content.
    pub content_sha256: Sha256,
    /// What the rent book says of the relief that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relief: Option<Drawn>,
    /// The number of this content, from 1.
    pub version: i32,
}

/// What became of a draft or revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DraftAnswer {
    /// It has a new content.
    Drafted(Drafted),
    /// Nothing changed.
    Refused(Refused),
}

/// Begins claims. Nothing happens to them before they are submitted.
pub async fn draft(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Draft)],
) -> Result<Answers<DraftAnswer>, BatchError> {
    batch::answer(conn, "claim.draft", requests, |conn, round| {
        Box::pin(draft_round(conn, round))
    })
    .await
}

/// Gives claims that are drafts, or were returned, a new content: the next version.
pub async fn revise(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Revise)],
) -> Result<Answers<DraftAnswer>, BatchError> {
    batch::answer(conn, "claim.revise", requests, |conn, round| {
        Box::pin(revise_round(conn, round))
    })
    .await
}

async fn draft_round(
    conn: &mut PgConnection,
    round: &Round<'_, Draft>,
) -> Result<Answers<DraftAnswer>, BatchError> {
    let (zone, requests) = (round.zone, &round.requests);
    let parties: Vec<PartyId> = requests.iter().map(|(_, input)| input.party).collect();
    let known: Vec<PartyId> = party::store::parties(conn, zone.id, &parties)
        .await?
        .iter()
        .map(|party| party.id)
        .collect();
    let programmes = programme::store::programmes(conn, zone.id).await?;
    let kind = |code: &Code| {
        let programme = programmes.iter().find(|one| one.code == *code);
        programme.map(|programme| programme.kind)
    };
    let asked = requests
        .iter()
        .map(|(_, input)| (input.party, input.relief.as_ref()));
    let book = read_book(conn, round, asked).await?;
    let contents = requests.iter().map(|(_, input)| &input.content);
    let named = Named::read(conn, zone.id, contents).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        let checked = command
            .actor
            .require(&CLAIMANTS)
            .map_err(Rejected::from)
            .and_then(|()| of_party(command, input, &known))
            .and_then(|()| claimable(&input.programme, kind(&input.programme)))
            .and_then(|()| named.check(&input.content, input.party, &input.programme))
            .and_then(|()| {
                let content = (&input.content, input.relief.as_ref());
                claimed(&book, command, input.party, content)
            });
        decided.push(checked.map(|claimed| draft_one(command, input, claimed)));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let claims: Vec<Claim> = effects
        .into_iter()
        .filter_map(|(claim, index)| {
            Some(Claim {
                drafted_index: index,
                ..claim?
            })
        })
        .collect();
    store::insert(conn, zone.id, &claims).await?;
    store::insert_lines(conn, zone.id, &claims).await?;
    Ok(answers)
}

/// What the rent book says to whoever rests a claim on it.
async fn read_book<'a, I: Sync>(
    conn: &mut PgConnection,
    round: &Round<'_, I>,
    asked: impl Iterator<Item = (PartyId, Option<&'a ReliefAsked>)> + Send,
) -> Result<ReliefBook, BatchError> {
    let asked: Vec<(PartyId, &ReliefAsked)> = asked
        .filter_map(|(party, relief)| Some((party, relief?)))
        .collect();
    let carriers: Vec<PartyId> = asked.iter().map(|(party, _)| *party).collect();
    let named = asked.iter().flat_map(|(_, relief)| relief.named());
    let named: Vec<WaiverId> = named.copied().collect();
    if !asked.is_empty() {
        batch::lock_head(conn, round).await?;
    }
    Ok(ReliefBook::read(conn, round.zone.id, &carriers, &named).await?)
}

/// What is claimed, with what the rent book says of it; or why it can't rest on that.
fn claimed(
    book: &ReliefBook,
    command: &Command<'_>,
    party: PartyId,
    (content, relief): (&Content, Option<&ReliefAsked>),
) -> Result<Result<Claimed, Refused>, Rejected> {
    content.check(command.today())?;
    let Some(asked) = relief else {
        return Ok(Ok(Claimed {
            content: content.clone(),
            relief: None,
        }));
    };
    content.check_beside_relief()?;
    let drawn = relief::draw(book, party, asked, command.zone.currency)?;
    Ok(drawn.map(|drawn| Claimed {
        content: content.clone(),
        relief: Some(drawn),
    }))
}

fn draft_one(
    command: &Command<'_>,
    input: &Draft,
    claimed: Result<Claimed, Refused>,
) -> (Step<Draft, DraftAnswer>, Option<Claim>) {
    match claimed {
        Err(refused) => {
            // No claim began: the entry is about the party that asked.
            let answer = DraftAnswer::Refused(refused);
            let step = Step::new("claim.draft_refused", input.party, input, answer);
            (step, None)
        }
        Ok(claimed) => {
            let claim = new_claim(command, input, &claimed);
            let answer = DraftAnswer::Drafted(drafted(&claim, claimed.relief));
            let step = Step::new("claim.drafted", claim.id, input, answer);
            (step, Some(claim))
        }
    }
}

fn of_party(command: &Command<'_>, input: &Draft, known: &[PartyId]) -> Result<(), Rejected> {
    if known.contains(&input.party) && batch::acts_for(command.actor, &[input.party]) {
        Ok(())
    } else {
        Err(Rejected::Unknown {
            what: "party",
            id: input.party.to_string(),
        })
    }
}

/// Whether anything is claimed of a programme of this kind.
fn claimable(programme: &Code, kind: Option<ProgrammeKind>) -> Result<(), Rejected> {
    match kind {
        None => Err(Rejected::Unknown {
            what: "programme",
            id: programme.to_string(),
        }),
        Some(
            ProgrammeKind::PostSubsidy
            | ProgrammeKind::Award
            | ProgrammeKind::Purchase
            | ProgrammeKind::RentCompensation,
        ) => Ok(()),
        Some(
            kind @ (ProgrammeKind::Voucher | ProgrammeKind::Recognition | ProgrammeKind::Imported),
        ) => Err(Rejected::Facts(format!(
            "programme {programme} is of kind {}, of which nothing is claimed: name a programme of kind post_subsidy, \
             award, purchase or rent_compensation",
            kind.as_str()
        ))),
    }
}

fn new_claim(command: &Command<'_>, input: &Draft, claimed: &Claimed) -> Claim {
    let version = 1;
    let content = claimed.text(input.party, &input.programme, version);
    Claim {
        id: ClaimId::generate(),
        programme: input.programme.clone(),
        party: input.party,
        state: ClaimState::Draft,
        version,
        content_sha256: Sha256::of(content.as_bytes()),
        content,
        milestone: claimed.content.milestone,
        drafted_by: command.actor.person,
        drafted_index: LogIndex(0),
        submission: None,
        review: None,
        recommended: None,
        notice: None,
        decided: None,
        awarded: None,
        revoked: None,
    }
}

fn drafted(claim: &Claim, relief: Option<Drawn>) -> Drafted {
    Drafted {
        claim: claim.id,
        content_sha256: claim.content_sha256,
        relief,
        version: claim.version,
    }
}

async fn revise_round(
    conn: &mut PgConnection,
    round: &Round<'_, Revise>,
) -> Result<Answers<DraftAnswer>, BatchError> {
    let (zone, requests) = (round.zone, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let mut claims = store::lock(conn, zone, &ids).await?;
    let asked = requests.iter().filter_map(|(_, input)| {
        let claim = claims.get(&input.claim)?;
        Some((claim.party, input.relief.as_ref()))
    });
    let book = read_book(conn, round, asked).await?;
    let contents = requests.iter().map(|(_, input)| &input.content);
    let named = Named::read(conn, zone.id, contents).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        let found = find_own(&mut claims, command, input.claim).and_then(|claim| {
            named.check(&input.content, claim.party, &claim.programme)?;
            let content = (&input.content, input.relief.as_ref());
            let claimed = claimed(&book, command, claim.party, content)?;
            Ok((claim, claimed))
        });
        decided.push(found.map(|(claim, claimed)| revise_one(claim, input, claimed)));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let revised: Vec<Claim> = effects.into_iter().filter_map(|(claim, _)| claim).collect();
    store::update(conn, zone.id, &revised).await?;
    store::insert_lines(conn, zone.id, &revised).await?;
    Ok(answers)
}

fn revise_one(
    claim: &mut Claim,
    input: &Revise,
    claimed: Result<Claimed, Refused>,
) -> (Step<Revise, DraftAnswer>, Option<Claim>) {
    let refused = |refused: Refused| {
        let answer = DraftAnswer::Refused(refused);
        let step = Step::new("claim.revision_refused", input.claim, input, answer);
        (step, None)
    };
    if !claim.state.is_open_to_claimant() {
        return refused(ClaimRefusal::WrongState.into());
    }
    let claimed = match claimed {
        Ok(claimed) => claimed,
        Err(why) => return refused(why),
    };
    claim.version = claim.version.saturating_add(1);
    claim.content = claimed.text(claim.party, &claim.programme, claim.version);
    claim.content_sha256 = Sha256::of(claim.content.as_bytes());
    claim.milestone = claimed.content.milestone;
    let answer = DraftAnswer::Drafted(drafted(claim, claimed.relief));
    let step = Step::new("claim.revised", claim.id, input, answer);
    (step, Some(claim.clone()))
}

/// A claim of the party that the actor acts for.
pub(super) fn find_own<'c>(
    claims: &'c mut HashMap<ClaimId, Claim>,
    command: &Command<'_>,
    id: ClaimId,
) -> Result<&'c mut Claim, Rejected> {
    command.actor.require(&CLAIMANTS)?;
    let claim = batch::find(claims, "claim", &id)?;
    if batch::acts_for(command.actor, &[claim.party]) {
        Ok(claim)
    } else {
        Err(Rejected::Unknown {
            what: "claim",
            id: id.to_string(),
        })
    }
}
