//! Leases, waivers and deferrals by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{DeferralId, LeaseId, Named, WaiverId, ZoneId};

/// The lease: `L` and its entry. `None` if that entry is of no lease. An id is taken as it is.
pub async fn find_lease(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<LeaseId>,
) -> Result<Option<LeaseId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["lease.added"]).await?;
    Ok(case.map(|(subject, _)| LeaseId(subject)))
}

/// The waiver: `W` and the entry that declared it, or that made it of a deferral. `None` if that entry did neither. An id
/// is taken as it is.
pub async fn find_waiver(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<WaiverId>,
) -> Result<Option<WaiverId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let kinds = ["waiver.declared", "deferral.converted"];
    let case = journal::entry_case(conn, zone, index, &kinds).await?;
    // The subject of a conversion is the deferral; the waiver stands in the answer of both.
    case.and_then(|(_, details)| details.pointer("/answer/waiver").cloned())
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The deferral: `S` and the entry that agreed it. `None` if that entry agreed none. An id is taken as it is.
pub async fn find_deferral(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<DeferralId>,
) -> Result<Option<DeferralId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["deferral.agreed"]).await?;
    Ok(case.map(|(subject, _)| DeferralId(subject)))
}
