//! What parties were granted of a programme before, as vouchers say.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::types::{Code, FiscalYear, Money, PartyId, ZoneId};
use crate::voucher::earlier::Earlier;

struct Row {
    party_id: Uuid,
    awards: i64,
    unused: i64,
    prior: i64,
}

impl Row {
    fn read(self) -> (PartyId, Earlier) {
        let earlier = Earlier {
            awards: u32::try_from(self.awards).unwrap_or(u32::MAX),
            unused: Money::from_minor(self.unused),
            prior_year_unused: Money::from_minor(self.prior),
            ..Earlier::default()
        };
        (PartyId(self.party_id), earlier)
    }
}

/// What each of these parties was granted of a programme, where it was granted something. `prior` is the budget year
/// before.
pub(in crate::voucher) async fn earlier_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: &Code,
    prior: FiscalYear,
    parties: &[PartyId],
) -> Result<HashMap<PartyId, Earlier>, sqlx::Error> {
    let ids: Vec<Uuid> = parties.iter().map(|party| party.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT v.party_id AS "party_id!", count(*) AS "awards!", sum(v.free + v.held)::bigint AS "unused!",
             coalesce(sum(v.free + v.held + v.expired) FILTER (WHERE v.fiscal_year = $3), 0)::bigint AS "prior!"
           FROM unnest($4::uuid[]) AS asked (id)
           CROSS JOIN LATERAL (SELECT * FROM ledger.voucher
             WHERE zone_id = $1 AND party_id = asked.id AND programme = $2 OFFSET 0) AS v
           GROUP BY v.party_id"#,
        zone.0,
        programme.as_str(),
        prior.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// The same of every party of the zone, in one pass over its vouchers.
pub(in crate::voucher) async fn earlier_of_all(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: &Code,
    prior: FiscalYear,
) -> Result<HashMap<PartyId, Earlier>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT party_id, count(*) AS "awards!", sum(free + held)::bigint AS "unused!",
             coalesce(sum(free + held + expired) FILTER (WHERE fiscal_year = $3), 0)::bigint AS "prior!"
           FROM ledger.voucher WHERE zone_id = $1 AND programme = $2 GROUP BY party_id"#,
        zone.0,
        programme.as_str(),
        prior.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// How many vouchers of each type these parties were granted of a programme, as their applications say; vouchers that
/// were not applied for have no type.
pub(in crate::voucher) async fn earlier_types(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: &Code,
    parties: &[PartyId],
) -> Result<Vec<(PartyId, String, u32)>, sqlx::Error> {
    let ids: Vec<Uuid> = parties.iter().map(|party| party.0).collect();
    let rows = sqlx::query!(
        r#"SELECT v.party_id AS "party_id!", a.facts::json #>> '{facts,voucher_type,value}' AS of_type,
             count(*) AS "awards!"
           FROM unnest($3::uuid[]) AS asked (id)
           CROSS JOIN LATERAL (SELECT * FROM ledger.voucher
             WHERE zone_id = $1 AND party_id = asked.id AND programme = $2 OFFSET 0) AS v
           JOIN ledger.voucher_application a ON a.zone_id = $1 AND a.application_id = v.application_id
           GROUP BY 1, 2"#,
        zone.0,
        programme.as_str(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let counted = rows.into_iter().filter_map(|row| {
        let awards = u32::try_from(row.awards).unwrap_or(u32::MAX);
        Some((PartyId(row.party_id), row.of_type?, awards))
    });
    Ok(counted.collect())
}
