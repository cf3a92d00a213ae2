//! The public notice (公示) of what was recommended.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::model::{Claim, ClaimState};
use super::store;
use crate::calendar::Calendar;
use crate::identity::{Command, Forbidden, Role};
use crate::journal::{self, BodyError, Entry, RecallError, RecordError};
use crate::policy::store::Policies;
use crate::types::{ClaimId, Code, LogIndex, NoticeId};

/// The most claims of one notice: more make another.
const MOST: i64 = 2_000;

/// A notice that was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// How many claims it shows.
    pub claims: usize,
    /// The last day on which anybody can object.
    pub last_day: NaiveDate,
    /// The notice.
    pub notice: NoticeId,
    /// The programme.
    pub programme: Code,
    /// What all its claims come to, decimal text.
    pub total: String,
    /// How many working days it lasts.
    pub working_days: u16,
}

/// Why no notice was published.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// Nothing waits for one.
    #[error(
        "no recommended claim of {0} waits for a notice: `claim list --programme {0}` shows where its claims stand"
    )]
    NothingToShow(Code),
    /// Days that a calendar does not have.
    #[error("a notice of {0} working days has no end")]
    NoEnd(u16),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A policy can't be read.
    #[error(transparent)]
    Policy(#[from] crate::policy::store::StoreError),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entries were not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Publishes what is recommended of a programme, and whose policy asks for a notice of the same length as the oldest: one
/// entry for the notice, and one for each claim that it shows. It runs from the day after, in working days.
pub async fn publish_notice(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
) -> Result<(LogIndex, Published), NoticeError> {
    const KIND: &str = "notice.published";
    command.actor.require(&[Role::Reviewer, Role::Manager])?;
    let (zone, person) = (command.zone, command.actor.person);
    let key = command.idempotency(KIND, programme);
    let claims = store::lock_recommended(conn, zone, programme, MOST).await?;
    // After locking: whoever gave the same command at the same moment has let go of the rows by now.
    let first = journal::first_answer(conn, zone.id, person, key.as_ref()).await?;
    if let Some((recorded, published)) = first {
        return Ok((recorded.index, published));
    }
    let (claims, working_days) = to_show(conn, command, claims).await?;
    if claims.is_empty() {
        return Err(NoticeError::NothingToShow(programme.clone()));
    }
    let period = Calendar::china().notice(command.today(), working_days);
    let last_day = period.last().ok_or(NoticeError::NoEnd(working_days))?;
    let amounts = claims.iter().filter_map(|claim| claim.recommended);
    let total: crate::types::Money = amounts.map(crate::types::Amount::money).sum();
    let published = Published {
        claims: claims.len(),
        last_day,
        notice: NoticeId::generate(),
        programme: programme.clone(),
        total: total.to_text(zone.currency),
        working_days,
    };
    let head = Entry {
        subject: Some(published.notice.0),
        idempotency: key,
        ..command.entry(KIND, &published)?
    };
    let recorded = journal::record_one(conn, zone, command.now, head).await?;
    store::insert_notice(conn, command, programme, &published, recorded.index).await?;
    show(conn, command, &published, claims).await?;
    Ok((recorded.index, published))
}

/// The claims whose policies ask for a notice as long as that of the oldest claim.
async fn to_show(
    conn: &mut PgConnection,
    command: &Command<'_>,
    claims: Vec<Claim>,
) -> Result<(Vec<Claim>, u16), NoticeError> {
    let wanted = claims.iter().filter_map(|claim| claim.submission);
    let wanted = wanted.map(|submission| submission.policy);
    let policies = Policies::of(conn, command.zone.id, wanted).await?;
    let mut days = 0;
    let mut shown = Vec::with_capacity(claims.len());
    for claim in claims {
        let Some(submission) = claim.submission else {
            continue;
        };
        let asked = policies.get(submission.policy)?.notice_days();
        if asked > 0 && (days == 0 || asked == days) {
            days = asked;
            shown.push(claim);
        }
    }
    Ok((shown, days))
}

/// What the entry of a shown claim says.
#[derive(Serialize)]
struct Shown {
    amount: String,
    claim: ClaimId,
    notice: NoticeId,
}

/// Puts claims on the list.
async fn show(
    conn: &mut PgConnection,
    command: &Command<'_>,
    published: &Published,
    claims: Vec<Claim>,
) -> Result<(), NoticeError> {
    let zone = command.zone;
    let mut entries = Vec::with_capacity(claims.len());
    for claim in &claims {
        let amount = claim.recommended.map(crate::types::Amount::money);
        let shown = Shown {
            amount: amount.unwrap_or_default().to_text(zone.currency),
            claim: claim.id,
            notice: published.notice,
        };
        entries.push(Entry {
            subject: Some(claim.id.0),
            ..command.entry("claim.noticed", &shown)?
        });
    }
    let outcomes = journal::record(conn, zone, command.now, &entries).await?;
    let mut shown = Vec::with_capacity(claims.len());
    for (claim, outcome) in claims.into_iter().zip(outcomes) {
        let index = outcome.map_err(RecordError::from)?.index;
        let claim = Claim {
            state: ClaimState::Noticed,
            notice: Some(published.notice),
            ..claim
        };
        shown.push((claim, index));
    }
    store::insert_items(conn, zone.id, published.notice, &shown).await?;
    let shown: Vec<Claim> = shown.into_iter().map(|(claim, _)| claim).collect();
    store::update(conn, zone.id, &shown).await?;
    Ok(())
}
