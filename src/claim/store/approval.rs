//! Approvals of claims as rows.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{decode, uuids};
use crate::approval::Acting;
use crate::identity::Role;
use crate::types::{ClaimId, LogIndex, PersonId, ZoneId};

/// An approval at one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::claim) struct Approval {
    pub(in crate::claim) claim: ClaimId,
    pub(in crate::claim) version: i32,
    /// The entry of the review that recommended what was approved.
    pub(in crate::claim) review: LogIndex,
    /// From 1.
    pub(in crate::claim) level: u8,
    pub(in crate::claim) role: Role,
    pub(in crate::claim) acting: Acting,
    pub(in crate::claim) submitted_by: PersonId,
    pub(in crate::claim) reviewed_by: PersonId,
}

/// The approvals of claims, of all their reviews, in the order of their levels.
pub(in crate::claim) async fn approvals(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<HashMap<ClaimId, Vec<Approval>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT claim_id, version, reviewed_index, level, role, person_id, principal_id, submitted_by, reviewed_by
         FROM ledger.claim_approval WHERE zone_id = $1 AND claim_id = ANY($2)
         ORDER BY claim_id, reviewed_index, level",
        zone.0,
        &uuids(claims),
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<ClaimId, Vec<Approval>> = HashMap::new();
    for row in rows {
        let approval = Approval {
            claim: ClaimId(row.claim_id),
            version: row.version,
            review: LogIndex(row.reviewed_index),
            level: u8::try_from(row.level).map_err(decode)?,
            role: row.role.parse().map_err(decode)?,
            acting: Acting {
                person: PersonId(row.person_id),
                principal: row.principal_id.map(PersonId),
            },
            submitted_by: PersonId(row.submitted_by),
            reviewed_by: PersonId(row.reviewed_by),
        };
        found.entry(approval.claim).or_default().push(approval);
    }
    Ok(found)
}

/// Inserts approvals whose entries are in the log.
pub(in crate::claim) async fn insert_approvals(
    conn: &mut PgConnection,
    zone: ZoneId,
    approvals: &[(Approval, LogIndex)],
) -> Result<(), sqlx::Error> {
    for (approval, index) in approvals {
        sqlx::query!(
            "INSERT INTO ledger.claim_approval (zone_id, claim_id, version, reviewed_index, level, role, person_id,
                 principal_id, submitted_by, reviewed_by, log_index)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            zone.0,
            approval.claim.0,
            approval.version,
            approval.review.0,
            i16::from(approval.level),
            approval.role.as_str(),
            approval.acting.person.0,
            approval.acting.principal.map(|principal| principal.0),
            approval.submitted_by.0,
            approval.reviewed_by.0,
            index.0,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
