//! Notices and what they show, as rows.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ClaimState, Row, decode};
use crate::claim::model::Claim;
use crate::claim::notice::Published;
use crate::identity::Command;
use crate::types::{Amount, ClaimId, Code, LogIndex, Money, NoticeId, Zone, ZoneId};

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Identity.
    pub id: NoticeId,
    /// Programme.
    pub programme: Code,
    /// The entry that published it; `N` and this number is its short name.
    pub published_index: LogIndex,
    /// Day of publication.
    pub published_on: NaiveDate,
    /// How many working days it lasts.
    pub working_days: u16,
    /// The last of them.
    pub last_day: NaiveDate,
}

struct NoticeRow {
    notice_id: Uuid,
    programme: String,
    published_index: i64,
    published_on: NaiveDate,
    working_days: i16,
    last_day: NaiveDate,
}

impl NoticeRow {
    fn notice(self) -> Result<Notice, sqlx::Error> {
        Ok(Notice {
            id: NoticeId(self.notice_id),
            programme: self.programme.parse().map_err(decode)?,
            published_index: LogIndex(self.published_index),
            published_on: self.published_on,
            working_days: u16::try_from(self.working_days).map_err(decode)?,
            last_day: self.last_day,
        })
    }
}

/// Notices by their identities.
pub(in crate::claim) async fn notices_by_id(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[NoticeId],
) -> Result<HashMap<NoticeId, Notice>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        NoticeRow,
        "SELECT notice_id, programme, published_index, published_on, working_days, last_day
         FROM ledger.notice WHERE zone_id = $1 AND notice_id = ANY($2)",
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let notice = row.notice()?;
            Ok((notice.id, notice))
        })
        .collect()
}

/// The notices of a zone, the newest first, at most so many.
pub async fn notices(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: Option<&Code>,
    limit: i64,
) -> Result<Vec<Notice>, sqlx::Error> {
    let rows = sqlx::query_as!(
        NoticeRow,
        "SELECT notice_id, programme, published_index, published_on, working_days, last_day
         FROM ledger.notice WHERE zone_id = $1 AND ($2::text IS NULL OR programme = $2)
         ORDER BY published_index DESC LIMIT $3",
        zone.0,
        programme.map(Code::as_str),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(NoticeRow::notice).collect()
}

/// What the public sees of a claim: who, how much, and whether it still stands. Nothing else of it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The claim's short name: `C` and this entry.
    #[serde(skip)]
    pub claim: LogIndex,
    /// The claimant.
    pub name: String,
    /// Its unified social credit code, or the number that the office gave it; nothing for a team.
    pub code: Option<String>,
    /// Minor units that were shown.
    #[serde(skip)]
    pub amount: Money,
    /// Where the claim stands now.
    pub state: ClaimState,
}

/// What a notice shows, in the order of names.
pub async fn notice_items(
    conn: &mut PgConnection,
    zone: ZoneId,
    notice: NoticeId,
) -> Result<Vec<Item>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.drafted_index, c.state, i.amount, p.name, p.scheme, p.identifier
         FROM ledger.notice_item i
         JOIN ledger.claim c ON c.zone_id = i.zone_id AND c.claim_id = i.claim_id
         JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.party_id
         WHERE i.zone_id = $1 AND i.notice_id = $2 ORDER BY p.name, c.drafted_index",
        zone.0,
        notice.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = || sqlx::Error::Decode(format!("unknown state {:?}", row.state).into());
            let shown = matches!(
                row.scheme.as_str(),
                "uscc" | "uscc_override" | "office_number"
            );
            Ok(Item {
                claim: LogIndex(row.drafted_index),
                name: row.name,
                code: shown.then_some(row.identifier),
                amount: Money::from_minor(row.amount),
                state: ClaimState::named(&row.state).ok_or_else(unknown)?,
            })
        })
        .collect()
}

/// The recommended claims of a programme, oldest first, locked in the order of their ids.
pub(in crate::claim) async fn lock_recommended(
    conn: &mut PgConnection,
    zone: &Zone,
    programme: &Code,
    limit: i64,
) -> Result<Vec<Claim>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT claim_id, programme, party_id, state, version, content, content_sha256, drafted_by, drafted_index,
             policy_id, submitted_by, submitted_index, submitted_on, reviewed_by, reviewed_index, verified,
             recommended, notice_id, decided_by, decided_index, awarded, contract_id, milestone, revoked_by,
             revoked_index
         FROM ledger.claim WHERE zone_id = $1 AND programme = $2 AND state = 'recommended'
         ORDER BY claim_id LIMIT $3 FOR UPDATE",
        zone.id.0,
        programme.as_str(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::claim).collect()
}

/// Inserts a notice whose entry is in the log.
pub(in crate::claim) async fn insert_notice(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    published: &Published,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.notice (zone_id, notice_id, programme, published_by, published_index, published_on,
             working_days, last_day)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        command.zone.id.0,
        published.notice.0,
        programme.as_str(),
        command.actor.person.0,
        index.0,
        command.today(),
        i16::try_from(published.working_days).unwrap_or(i16::MAX),
        published.last_day,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts claims on the list of a notice.
pub(in crate::claim) async fn insert_items(
    conn: &mut PgConnection,
    zone: ZoneId,
    notice: NoticeId,
    shown: &[(Claim, LogIndex)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = shown.iter().map(|(claim, _)| claim.id.0).collect();
    let amounts: Vec<i64> = shown
        .iter()
        .map(|(claim, _)| claim.recommended.map_or(0, Amount::minor))
        .collect();
    let indices: Vec<i64> = shown.iter().map(|(_, index)| index.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.notice_item (zone_id, notice_id, claim_id, amount, log_index)
         SELECT $1, $2, new.* FROM unnest($3::uuid[], $4::bigint[], $5::bigint[]) AS new",
        zone.0,
        notice.0,
        &ids,
        &amounts,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A claim of a notice that nobody objected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::claim) struct OnNotice {
    pub(in crate::claim) claim: ClaimId,
    /// The entry of the review that the notice showed.
    pub(in crate::claim) review: LogIndex,
    /// Whether it waits for approval, and was not approved since.
    pub(in crate::claim) waits: bool,
}

/// The claims of a notice that nobody objected to, in the order in which they were drafted.
pub(in crate::claim) async fn standing_of_notice(
    conn: &mut PgConnection,
    zone: ZoneId,
    notice: NoticeId,
) -> Result<Vec<OnNotice>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT claim_id, reviewed_index AS "reviewed_index!", state = 'noticed' AS "waits!" FROM ledger.claim
           WHERE zone_id = $1 AND notice_id = $2 AND state IN ('noticed', 'approved') ORDER BY drafted_index"#,
        zone.0,
        notice.0,
    )
    .fetch_all(conn)
    .await?;
    let standing = rows.into_iter().map(|row| OnNotice {
        claim: ClaimId(row.claim_id),
        review: LogIndex(row.reviewed_index),
        waits: row.waits,
    });
    Ok(standing.collect())
}

/// A notice by its identity.
pub async fn notice(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: NoticeId,
) -> Result<Option<Notice>, sqlx::Error> {
    Ok(notices_by_id(conn, zone, &[id]).await?.remove(&id))
}
