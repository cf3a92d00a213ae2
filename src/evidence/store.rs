//! Documents and their uses as rows.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::CaseKind;
use super::kind::{Document, MediaType};
use crate::policy::Sha256;
use crate::types::{LogIndex, ZoneId};

/// A document that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its SHA-256.
    pub sha256: Sha256,
    /// How many bytes it has.
    pub bytes: u64,
    /// What it is.
    pub media_type: MediaType,
    /// The entry by which it was first added.
    pub added_index: LogIndex,
}

/// A case that rests on a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// SHA-256 of the document.
    pub sha256: Sha256,
    /// Kind of the case, such as `redemption`.
    pub case_kind: String,
    /// The case.
    pub case_id: Uuid,
    /// The entry by which it first used the document.
    pub log_index: LogIndex,
}

impl Use {
    /// A use by an entry that was recorded.
    pub fn new(sha256: Sha256, kind: CaseKind, case_id: Uuid, log_index: LogIndex) -> Self {
        Self {
            sha256,
            case_kind: kind.0.to_owned(),
            case_id,
            log_index,
        }
    }
}

fn bytes_of(digests: &[Sha256]) -> Vec<Vec<u8>> {
    digests
        .iter()
        .map(|digest| digest.as_bytes().to_vec())
        .collect()
}

fn digest(bytes: &[u8]) -> Result<Sha256, sqlx::Error> {
    let bytes: [u8; 32] = bytes
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a SHA-256 has 32 bytes".into()))?;
    Ok(Sha256::from_bytes(bytes))
}

fn kept_of(
    (sha256, bytes, media_type, added_index): (&[u8], i64, &str, i64),
) -> Result<Kept, sqlx::Error> {
    let unknown = || sqlx::Error::Decode(format!("unknown kind of document {media_type:?}").into());
    Ok(Kept {
        sha256: digest(sha256)?,
        bytes: u64::try_from(bytes).unwrap_or(0),
        media_type: MediaType::named(media_type).ok_or_else(unknown)?,
        added_index: LogIndex(added_index),
    })
}

/// Inserts a document whose entry is in the log.
pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    document: &Document,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.evidence (zone_id, sha256, bytes, media_type, added_index) VALUES ($1, $2, $3, $4, $5)",
        zone.0,
        document.sha256.as_bytes().as_slice(),
        i64::try_from(document.bytes).unwrap_or(i64::MAX),
        document.media_type.as_str(),
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A document, if it is known.
pub async fn kept(
    conn: &mut PgConnection,
    zone: ZoneId,
    sha256: Sha256,
) -> Result<Option<Kept>, sqlx::Error> {
    Ok(known(conn, zone, &[sha256]).await?.pop())
}

/// Which of these documents are known, in the order in which they were added. That their bytes are still there, only
/// [`super::condition`] tells.
pub async fn known(
    conn: &mut PgConnection,
    zone: ZoneId,
    digests: &[Sha256],
) -> Result<Vec<Kept>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT sha256, bytes, media_type, added_index FROM ledger.evidence
         WHERE zone_id = $1 AND sha256 = ANY($2) ORDER BY added_index",
        zone.0,
        &bytes_of(digests),
    )
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| kept_of((&row.sha256, row.bytes, &row.media_type, row.added_index)))
        .collect()
}

/// How many documents are known.
pub async fn count(conn: &mut PgConnection, zone: ZoneId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM ledger.evidence WHERE zone_id = $1"#,
        zone.0
    )
    .fetch_one(conn)
    .await
}

/// At most so many documents that were added after an entry, oldest first.
pub async fn list(
    conn: &mut PgConnection,
    zone: ZoneId,
    after: Option<LogIndex>,
    limit: u16,
) -> Result<Vec<Kept>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT sha256, bytes, media_type, added_index FROM ledger.evidence
         WHERE zone_id = $1 AND added_index > $2 ORDER BY added_index LIMIT $3",
        zone.0,
        after.map_or(-1, |after| after.0),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| kept_of((&row.sha256, row.bytes, &row.media_type, row.added_index)))
        .collect()
}

/// Notes which cases rest on which documents, in the transaction of the command that says so, once its entries are recorded.
/// What a case has said before stays with the entry by which it did.
pub async fn note_uses(
    conn: &mut PgConnection,
    zone: ZoneId,
    uses: &[Use],
) -> Result<(), sqlx::Error> {
    if uses.is_empty() {
        return Ok(());
    }
    let digests: Vec<Sha256> = uses.iter().map(|one| one.sha256).collect();
    let kinds: Vec<String> = uses.iter().map(|one| one.case_kind.clone()).collect();
    let cases: Vec<Uuid> = uses.iter().map(|one| one.case_id).collect();
    let entries: Vec<i64> = uses.iter().map(|one| one.log_index.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.evidence_use (zone_id, sha256, case_kind, case_id, log_index)
         SELECT $1, * FROM UNNEST($2::bytea[], $3::text[], $4::uuid[], $5::bigint[])
         ON CONFLICT ON CONSTRAINT evidence_use_pkey DO NOTHING",
        zone.0,
        &bytes_of(&digests),
        &kinds,
        &cases,
        &entries,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The most cases of a document that are told: one of more is no document of one case by far.
const MOST_USES: i64 = 20;

/// Which cases rest on these documents, oldest use first, at most 20 of each. A document that another case has
/// used already may have been paid for once: whoever decides should look at it.
pub async fn uses(
    conn: &mut PgConnection,
    zone: ZoneId,
    digests: &[Sha256],
) -> Result<Vec<Use>, sqlx::Error> {
    if digests.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"SELECT u.sha256, u.case_kind, u.case_id, u.log_index FROM (SELECT DISTINCT UNNEST($2::bytea[])) d (sha256)
           CROSS JOIN LATERAL (SELECT * FROM ledger.evidence_use u
               WHERE u.zone_id = $1 AND u.sha256 = d.sha256 LIMIT $3) u
           ORDER BY u.log_index, u.sha256"#,
        zone.0,
        &bytes_of(digests),
        MOST_USES,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Use {
                sha256: digest(&row.sha256)?,
                case_kind: row.case_kind,
                case_id: row.case_id,
                log_index: LogIndex(row.log_index),
            })
        })
        .collect()
}

/// Every use of a document that several cases rest on, in the order of the documents.
pub async fn reused(conn: &mut PgConnection, zone: ZoneId) -> Result<Vec<Use>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT sha256 AS "sha256!", case_kind AS "case_kind!", case_id AS "case_id!", log_index AS "log_index!"
           FROM (SELECT *, count(*) OVER (PARTITION BY sha256) AS cases FROM ledger.evidence_use
               WHERE zone_id = $1) u
           WHERE cases > 1 ORDER BY sha256, log_index"#,
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Use {
                sha256: digest(&row.sha256)?,
                case_kind: row.case_kind,
                case_id: row.case_id,
                log_index: LogIndex(row.log_index),
            })
        })
        .collect()
}
