//! Claims and notices by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{ClaimId, Named, NoticeId, ZoneId};

/// The claim: `C` and the entry that began it. `None` if that entry began none. An id is taken as it is.
pub async fn find_claim(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<ClaimId>,
) -> Result<Option<ClaimId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["claim.drafted"]).await?;
    Ok(case.map(|(subject, _)| ClaimId(subject)))
}

/// The notice: `N` and the entry that published it. `None` if that entry published none. An id is taken as it is.
pub async fn find_notice(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<NoticeId>,
) -> Result<Option<NoticeId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["notice.published"]).await?;
    Ok(case.map(|(subject, _)| NoticeId(subject)))
}
