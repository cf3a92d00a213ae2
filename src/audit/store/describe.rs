//! Cases, bank accounts and persons as lists name them.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::Case;
use crate::types::{Money, ZoneId};

struct Row {
    id: Uuid,
    name: String,
    party: String,
    provider: Option<String>,
    amount: Option<i64>,
}

/// What these are, of whatever kind: whose, with whom and over how much.
pub(in crate::audit) async fn describe(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Case>, sqlx::Error> {
    let mut rows = public_money(conn, zone, ids).await?;
    rows.extend(rent(conn, zone, ids).await?);
    rows.extend(accounts_and_persons(conn, zone, ids).await?);
    let cases = rows.into_iter().map(|row| {
        let case = Case {
            amount: row.amount.map(Money::from_minor),
            name: row.name,
            party: row.party,
            provider: row.provider,
        };
        (row.id, case)
    });
    Ok(cases.collect())
}

/// Vouchers and what is ordered by them, claims, contracts, recoveries; an award run is its programme's, over what it gave.
async fn public_money(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT h.hold_id AS "id!", 'H' || h.held_index AS "name!", b.name AS "party!", p.name AS "provider?",
             coalesce(nullif(h.redeemed, 0), h.amount) AS "amount?"
           FROM ledger.hold h
           JOIN ledger.voucher v ON v.zone_id = h.zone_id AND v.voucher_id = h.voucher_id
           JOIN ledger.party b ON b.zone_id = h.zone_id AND b.party_id = v.party_id
           JOIN ledger.party p ON p.zone_id = h.zone_id AND p.party_id = h.provider_id
           WHERE h.zone_id = $1 AND h.hold_id = ANY($2)
           UNION ALL
           SELECT c.claim_id, 'C' || c.drafted_index, p.name, NULL, coalesce(c.awarded, c.recommended)
           FROM ledger.claim c JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.party_id
           WHERE c.zone_id = $1 AND c.claim_id = ANY($2)
           UNION ALL
           SELECT k.contract_id, 'K' || k.proposed_index, p.name, NULL, k.amount
           FROM ledger.contract k JOIN ledger.party p ON p.zone_id = k.zone_id AND p.party_id = k.provider_id
           WHERE k.zone_id = $1 AND k.contract_id = ANY($2)
           UNION ALL
           SELECT v.voucher_id, 'V' || v.issued_index, p.name, NULL, v.face
           FROM ledger.voucher v JOIN ledger.party p ON p.zone_id = v.zone_id AND p.party_id = v.party_id
           WHERE v.zone_id = $1 AND v.voucher_id = ANY($2)
           UNION ALL
           SELECT a.application_id, 'V' || a.applied_index, p.name, NULL, NULL
           FROM ledger.voucher_application a
           JOIN ledger.party p ON p.zone_id = a.zone_id AND p.party_id = a.party_id
           WHERE a.zone_id = $1 AND a.application_id = ANY($2) AND a.state <> 'issued'
           UNION ALL
           SELECT z.recovery_id, 'Z' || z.proposed_index, p.name, NULL, z.amount
           FROM ledger.recovery z
           JOIN ledger.payable y ON y.zone_id = z.zone_id AND y.payable_id = z.payable_id
           JOIN ledger.party p ON p.zone_id = y.zone_id AND p.party_id = y.payee_id
           WHERE z.zone_id = $1 AND z.recovery_id = ANY($2)
           UNION ALL
           SELECT r.run_id, 'R' || r.proposed_index, r.programme, NULL, r.given
           FROM ledger.award_run r WHERE r.zone_id = $1 AND r.run_id = ANY($2)"#,
        zone.0,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Leases, waivers and deferrals: the tenant's, from its carrier.
async fn rent(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT o.id AS "id!", o.name AS "name!", t.name AS "party!", c.name AS "provider?", o.amount AS "amount?"
           FROM (
               SELECT lease_id AS id, 'L' || added_index AS name, lease_id, NULL::bigint AS amount
               FROM ledger.lease WHERE zone_id = $1 AND lease_id = ANY($2)
               UNION ALL SELECT waiver_id, 'W' || declared_index, lease_id, amount
               FROM ledger.waiver WHERE zone_id = $1 AND waiver_id = ANY($2)
               UNION ALL SELECT deferral_id, 'S' || agreed_index, lease_id, amount
               FROM ledger.deferral WHERE zone_id = $1 AND deferral_id = ANY($2)) o
           JOIN ledger.lease l ON l.zone_id = $1 AND l.lease_id = o.lease_id
           JOIN ledger.party t ON t.zone_id = $1 AND t.party_id = l.tenant_id
           JOIN ledger.party c ON c.zone_id = $1 AND c.party_id = l.carrier_id"#,
        zone.0,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Bank accounts by their numbers here, and persons by login: of a party, or of the office.
async fn accounts_and_persons(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT a.account_id AS "id!", 'B' || a.proposed_index AS "name!", coalesce(p.name, 'the zone itself') AS "party!",
             NULL AS "provider?", NULL::bigint AS "amount?"
           FROM ledger.bank_account a
           LEFT JOIN ledger.party p ON p.zone_id = a.zone_id AND p.party_id = a.party_id
           WHERE a.zone_id = $1 AND a.account_id = ANY($2)
           UNION ALL
           SELECT n.person_id, n.login, coalesce(p.name, 'the office'), NULL, NULL
           FROM ledger.person n LEFT JOIN ledger.party p ON p.zone_id = n.zone_id AND p.party_id = n.party_id
           WHERE n.zone_id = $1 AND n.person_id = ANY($2)"#,
        zone.0,
        ids,
    )
    .fetch_all(conn)
    .await
}
