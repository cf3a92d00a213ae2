//! Bank accounts as rows.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::payment::vault::{Sealed, Seat};
use crate::payment::{AccountFilter, AccountRow, AccountState};
use crate::types::{AccountId, LogIndex, PartyId, PersonId, ZoneId};

/// The account that was sealed last, to try a key on.
pub(in crate::payment) async fn newest_sealed(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Option<(Seat, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT account_id, party_id, sealed FROM ledger.bank_account WHERE zone_id = $1
         ORDER BY proposed_index DESC LIMIT 1",
        zone.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let seat = Seat {
            account: AccountId(row.account_id),
            party: row.party_id.map(PartyId),
        };
        (seat, row.sealed)
    }))
}

/// A proposal that is recorded.
pub(in crate::payment) struct NewRow {
    pub(in crate::payment) seat: Seat,
    pub(in crate::payment) sealed: Sealed,
    pub(in crate::payment) index: LogIndex,
}

/// Inserts proposals, in place of those that the same parties had open.
pub(in crate::payment) async fn insert_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    by: PersonId,
    rows: &[NewRow],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.seat.account.0).collect();
    let parties: Vec<Option<Uuid>> = rows
        .iter()
        .map(|row| row.seat.party.map(|id| id.0))
        .collect();
    let sealed: Vec<&[u8]> = rows.iter().map(|row| row.sealed.bytes.as_slice()).collect();
    let numbers: Vec<&[u8]> = rows
        .iter()
        .map(|row| row.sealed.number_mark.as_slice())
        .collect();
    let holders: Vec<&[u8]> = rows
        .iter()
        .map(|row| row.sealed.holder_mark.as_slice())
        .collect();
    let masked: Vec<&str> = rows.iter().map(|row| row.sealed.masked.as_str()).collect();
    let indices: Vec<i64> = rows.iter().map(|row| row.index.0).collect();
    sqlx::query!(
        "UPDATE ledger.bank_account a SET superseded_index = new.log_index
         FROM unnest($2::uuid[], $3::bigint[]) AS new (party_id, log_index)
         WHERE a.zone_id = $1 AND a.party_id IS NOT DISTINCT FROM new.party_id
             AND a.confirmed_index IS NULL AND a.superseded_index IS NULL",
        zone.0,
        &parties as _,
        &indices,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO ledger.bank_account (zone_id, proposed_by, account_id, party_id, sealed, number_mark,
             holder_mark, masked, proposed_index)
         SELECT $1, $2, new.* FROM unnest($3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bytea[],
             $8::text[], $9::bigint[]) AS new",
        zone.0,
        by.0,
        &ids,
        &parties as _,
        &sealed as _,
        &numbers as _,
        &holders as _,
        &masked as _,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks these accounts, or all that wait for confirmation, in the order of their ids, and with them those that the same
/// parties have in force. Returns the former.
pub(in crate::payment) async fn lock_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &AccountFilter,
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let (all, ids) = match filter {
        AccountFilter::Proposed => (true, Vec::new()),
        AccountFilter::Ids(ids) => (false, ids.iter().map(|id| id.0).collect()),
    };
    // Each account that was asked for, and the one of the same party that is in force, by index: a zone has thousands.
    let locked = sqlx::query_scalar!(
        r#"WITH asked AS MATERIALIZED (
               SELECT account_id, party_id FROM ledger.bank_account WHERE zone_id = $1 AND account_id = ANY($3)
               UNION ALL
               SELECT account_id, party_id FROM ledger.bank_account
               WHERE $2 AND zone_id = $1 AND confirmed_index IS NULL AND superseded_index IS NULL
           ), wanted AS (
               SELECT account_id FROM asked
               UNION
               SELECT b.account_id FROM asked CROSS JOIN LATERAL (
                   SELECT account_id FROM ledger.bank_account
                   WHERE zone_id = $1 AND party_id = asked.party_id AND confirmed_index IS NOT NULL
                       AND superseded_index IS NULL OFFSET 0) b
               UNION
               SELECT account_id FROM ledger.bank_account
               WHERE zone_id = $1 AND party_id IS NULL AND confirmed_index IS NOT NULL AND superseded_index IS NULL
                   AND EXISTS (SELECT FROM asked WHERE party_id IS NULL)
           )
           SELECT a.account_id FROM ledger.bank_account a
           WHERE a.zone_id = $1 AND a.account_id IN (SELECT account_id FROM wanted)
           ORDER BY a.account_id FOR UPDATE OF a"#,
        zone.0,
        all,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut rows = by_ids(conn, zone, &locked).await?;
    rows.retain(|row| match filter {
        AccountFilter::Proposed => row.state == AccountState::Proposed,
        AccountFilter::Ids(ids) => ids.contains(&row.account),
    });
    Ok(rows)
}

/// Confirms accounts, each by its own entry, in place of those that were in force.
pub(in crate::payment) async fn confirm_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    by: PersonId,
    confirmed: &[(Seat, LogIndex)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = confirmed.iter().map(|(seat, _)| seat.account.0).collect();
    let parties: Vec<Option<Uuid>> = confirmed
        .iter()
        .map(|(seat, _)| seat.party.map(|party| party.0))
        .collect();
    let indices: Vec<i64> = confirmed.iter().map(|(_, index)| index.0).collect();
    sqlx::query!(
        "WITH new AS (
             SELECT * FROM unnest($2::uuid[], $3::bigint[]) AS new (party_id, log_index)
         ), before AS (
             SELECT b.account_id, new.log_index FROM new CROSS JOIN LATERAL (
                 SELECT account_id FROM ledger.bank_account
                 WHERE zone_id = $1 AND party_id = new.party_id AND confirmed_index IS NOT NULL
                     AND superseded_index IS NULL OFFSET 0) b
             UNION ALL
             SELECT b.account_id, new.log_index FROM new JOIN ledger.bank_account b ON b.zone_id = $1
                 AND b.party_id IS NULL AND b.confirmed_index IS NOT NULL AND b.superseded_index IS NULL
             WHERE new.party_id IS NULL
         )
         UPDATE ledger.bank_account a SET superseded_index = before.log_index
         FROM before WHERE a.zone_id = $1 AND a.account_id = before.account_id",
        zone.0,
        &parties as _,
        &indices,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE ledger.bank_account a SET confirmed_by = $2, confirmed_index = new.log_index
         FROM unnest($3::uuid[], $4::bigint[]) AS new (account_id, log_index)
         WHERE a.zone_id = $1 AND a.account_id = new.account_id AND a.state = 'proposed'",
        zone.0,
        by.0,
        &ids,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    account_id: Uuid,
    party_id: Option<Uuid>,
    name: Option<String>,
    masked: String,
    state: String,
    proposed_by: Uuid,
    proposed_index: i64,
    confirmed_index: Option<i64>,
    shared_with: i64,
}

impl From<Row> for AccountRow {
    fn from(row: Row) -> Self {
        Self {
            account: AccountId(row.account_id),
            party: row.party_id.map(PartyId),
            name: row.name,
            masked: row.masked,
            state: match row.state.as_str() {
                "proposed" => AccountState::Proposed,
                "confirmed" => AccountState::Confirmed,
                _ => AccountState::Superseded,
            },
            proposed_by: PersonId(row.proposed_by),
            proposed_index: LogIndex(row.proposed_index),
            confirmed_index: row.confirmed_index.map(LogIndex),
            shared_with: row.shared_with,
        }
    }
}

/// Accounts without what is sealed in them, newest first; of one party, or of all, and the zone's own.
pub async fn accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    party: Option<PartyId>,
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT a.account_id, a.party_id, p.name AS "name?", a.masked, a.state AS "state!", a.proposed_by,
               a.proposed_index, a.confirmed_index,
               (SELECT count(DISTINCT o.party_id) FROM ledger.bank_account o
                WHERE o.zone_id = a.zone_id AND o.number_mark = a.number_mark AND o.state <> 'superseded'
                    AND o.party_id IS DISTINCT FROM a.party_id) AS "shared_with!"
           FROM ledger.bank_account a
           LEFT JOIN ledger.party p ON p.zone_id = a.zone_id AND p.party_id = a.party_id
           WHERE a.zone_id = $1 AND ($2::uuid IS NULL OR a.party_id = $2)
           ORDER BY a.proposed_index DESC"#,
        zone.0,
        party.map(|party| party.0),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccountRow::from).collect())
}

/// The same of these accounts.
async fn by_ids(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT a.account_id, a.party_id, p.name AS "name?", a.masked, a.state AS "state!", a.proposed_by,
               a.proposed_index, a.confirmed_index,
               (SELECT count(DISTINCT o.party_id) FROM ledger.bank_account o
                WHERE o.zone_id = a.zone_id AND o.number_mark = a.number_mark AND o.state <> 'superseded'
                    AND o.party_id IS DISTINCT FROM a.party_id) AS "shared_with!"
           FROM ledger.bank_account a
           LEFT JOIN ledger.party p ON p.zone_id = a.zone_id AND p.party_id = a.party_id
           WHERE a.zone_id = $1 AND a.account_id = ANY($2)
           ORDER BY a.proposed_index DESC"#,
        zone.0,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccountRow::from).collect())
}

/// What is sealed of accounts, in the order asked for.
pub(in crate::payment) async fn sealed_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[AccountId],
) -> Result<Vec<(Seat, Vec<u8>)>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT a.account_id, a.party_id, a.sealed
           FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (account_id, place)
           JOIN ledger.bank_account a ON a.zone_id = $1 AND a.account_id = asked.account_id ORDER BY asked.place"#,
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| {
        let seat = Seat {
            account: AccountId(row.account_id),
            party: row.party_id.map(PartyId),
        };
        (seat, row.sealed)
    });
    Ok(row.collect())
}

/// The zone's own account in force, locked: files of the bank are taken in one after the other.
pub(in crate::payment) async fn lock_own_account(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Option<AccountId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT account_id FROM ledger.bank_account
         WHERE zone_id = $1 AND party_id IS NULL AND state = 'confirmed' FOR UPDATE",
        zone.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(AccountId))
}

/// Marks and masked numbers of every account that the zone has confirmed as its own, the one in force among them.
pub(in crate::payment) async fn own_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<(Vec<u8>, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT number_mark, masked FROM ledger.bank_account
         WHERE zone_id = $1 AND party_id IS NULL AND confirmed_index IS NOT NULL",
        zone.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.number_mark, row.masked))
        .collect())
}
