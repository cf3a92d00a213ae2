//! Rounds in which claims are ranked or share a budget, as rows.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::listing::LastPlace;
use super::{Notice, Row, decode, notices_by_id, uuids};
use crate::claim::model::Claim;
use crate::types::{
    ClaimId, Code, FiscalYear, LogIndex, Money, NoticeId, PersonId, PolicyId, RoundId, Zone, ZoneId,
};

/// A round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::claim) struct Round {
    pub(in crate::claim) id: RoundId,
    pub(in crate::claim) programme: Code,
    pub(in crate::claim) policy: PolicyId,
    pub(in crate::claim) year: FiscalYear,
    pub(in crate::claim) closed_by: PersonId,
    pub(in crate::claim) closed_index: LogIndex,
    /// Budget and demand, where the policy shares.
    pub(in crate::claim) shared: Option<(Money, Money)>,
}

/// A claim in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::claim) struct Placed {
    pub(in crate::claim) round: RoundId,
    pub(in crate::claim) claim: ClaimId,
    pub(in crate::claim) review: LogIndex,
    pub(in crate::claim) class: Option<String>,
    pub(in crate::claim) place: Option<u32>,
    pub(in crate::claim) amount: Money,
    pub(in crate::claim) index: LogIndex,
}

/// What an approval has to know of a claim's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::claim) struct Standing {
    /// The review that the round rests on.
    pub(in crate::claim) review: LogIndex,
    pub(in crate::claim) place: Option<u32>,
    /// The most that the round gives it.
    pub(in crate::claim) amount: Money,
    /// Budget and demand, where the policy shares.
    pub(in crate::claim) shared: Option<(Money, Money)>,
}

/// The claims of a programme that a round has to look at: with a reviewer, recommended or in a notice; locked in the
/// order of their ids.
pub(in crate::claim) async fn lock_of_programme(
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
         FROM ledger.claim WHERE zone_id = $1 AND programme = $2
             AND state IN ('submitted', 'objected', 'recommended', 'noticed')
         ORDER BY claim_id LIMIT $3 FOR UPDATE",
        zone.id.0,
        programme.as_str(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::claim).collect()
}

/// The notices that claims were last shown by.
pub(in crate::claim) async fn notices_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[Claim],
) -> Result<HashMap<NoticeId, Notice>, sqlx::Error> {
    let ids: Vec<NoticeId> = claims.iter().filter_map(|claim| claim.notice).collect();
    notices_by_id(conn, zone, &ids).await
}

/// The entry that closed the round of a policy in a year.
pub(in crate::claim) async fn round_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    policy: PolicyId,
    year: FiscalYear,
) -> Result<Option<LogIndex>, sqlx::Error> {
    let index = sqlx::query_scalar!(
        "SELECT closed_index FROM ledger.claim_round WHERE zone_id = $1 AND policy_id = $2 AND fiscal_year = $3",
        zone.0,
        policy.0,
        year.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(index.map(LogIndex))
}

/// Inserts a round whose entry is in the log.
pub(in crate::claim) async fn insert_round(
    conn: &mut PgConnection,
    zone: ZoneId,
    round: &Round,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.claim_round (zone_id, round_id, programme, policy_id, fiscal_year, closed_by, closed_index,
             budget, demand)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        zone.0,
        round.id.0,
        round.programme.as_str(),
        round.policy.0,
        round.year.0,
        round.closed_by.0,
        round.closed_index.0,
        round.shared.map(|(budget, _)| budget.minor()),
        round.shared.map(|(_, demand)| demand.minor()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts the claims of a round whose entries are in the log.
pub(in crate::claim) async fn insert_places(
    conn: &mut PgConnection,
    zone: ZoneId,
    rows: &[Placed],
) -> Result<(), sqlx::Error> {
    let place = |one: &Placed| one.place.map(i32::try_from).transpose().map_err(decode);
    let places: Result<Vec<Option<i32>>, sqlx::Error> = rows.iter().map(place).collect();
    let classes: Vec<&str> = rows
        .iter()
        .map(|one| one.class.as_deref().unwrap_or_default())
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.claim_place (zone_id, round_id, claim_id, reviewed_index, class, place, amount, log_index)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::integer[], $7::bigint[],
             $8::bigint[]) AS new",
        zone.0,
        &rows.iter().map(|one| one.round.0).collect::<Vec<_>>(),
        &rows.iter().map(|one| one.claim.0).collect::<Vec<_>>(),
        &rows.iter().map(|one| one.review.0).collect::<Vec<_>>(),
        &classes as _,
        &places? as _,
        &rows.iter().map(|one| one.amount.minor()).collect::<Vec<_>>(),
        &rows.iter().map(|one| one.index.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The places of claims in the last round that each took part in.
pub(in crate::claim) async fn standings(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<HashMap<ClaimId, Standing>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (p.claim_id) p.claim_id, p.reviewed_index, p.place, p.amount, r.budget, r.demand
         FROM ledger.claim_place p
         JOIN ledger.claim_round r ON r.zone_id = p.zone_id AND r.round_id = p.round_id
         WHERE p.zone_id = $1 AND p.claim_id = ANY($2) ORDER BY p.claim_id, p.log_index DESC",
        zone.0,
        &uuids(claims),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let standing = Standing {
                review: LogIndex(row.reviewed_index),
                place: row.place.map(u32::try_from).transpose().map_err(decode)?,
                amount: Money::from_minor(row.amount),
                shared: row
                    .budget
                    .map(Money::from_minor)
                    .zip(row.demand.map(Money::from_minor)),
            };
            Ok((ClaimId(row.claim_id), standing))
        })
        .collect()
}

/// What a round gave one claim, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// The claim's short name: `C` and this entry.
    pub claim: LogIndex,
    /// The claimant's name.
    pub party_name: String,
    /// Among which claims; empty where all are ranked together.
    pub class: String,
    /// From 1; none if it does not qualify.
    pub place: Option<i32>,
    /// The most that can be approved.
    pub amount: Money,
}

/// The claims of a round, by class and place.
pub async fn places(
    conn: &mut PgConnection,
    zone: ZoneId,
    round: RoundId,
) -> Result<Vec<PlaceRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.drafted_index, p.name, i.class, i.place, i.amount
         FROM ledger.claim_place i
         JOIN ledger.claim c ON c.zone_id = i.zone_id AND c.claim_id = i.claim_id
         JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.party_id
         WHERE i.zone_id = $1 AND i.round_id = $2 ORDER BY i.class, i.place, c.drafted_index",
        zone.0,
        round.0,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| PlaceRow {
        claim: LogIndex(row.drafted_index),
        party_name: row.name,
        class: row.class,
        place: row.place,
        amount: Money::from_minor(row.amount),
    });
    Ok(row.collect())
}

/// The last place of a claim, for whoever looks at it.
pub(super) async fn last_place(
    conn: &mut PgConnection,
    zone: ZoneId,
    claim: ClaimId,
) -> Result<Option<LastPlace>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT log_index, place, amount FROM ledger.claim_place WHERE zone_id = $1 AND claim_id = $2
         ORDER BY log_index DESC LIMIT 1",
        zone.0,
        claim.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| LastPlace {
        index: LogIndex(row.log_index),
        place: row.place,
        amount: Money::from_minor(row.amount),
    }))
}
