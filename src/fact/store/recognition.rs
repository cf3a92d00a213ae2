//! Recognitions as rows: who was decided on by which rules, and numbers of registers.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::fact::recognise::{Decided, Rules};
use crate::fact::register::Register;
use crate::policy::{Fact, Outcome};
use crate::types::{LogIndex, PartyId, PolicyId, ZoneId};

const fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::NeedsReview => "needs_review",
    }
}

pub(in crate::fact) async fn insert_recognitions(
    conn: &mut PgConnection,
    zone: ZoneId,
    decided: &[Decided<'_>],
    indices: &[LogIndex],
) -> Result<(), sqlx::Error> {
    let indices: Vec<i64> = indices.iter().map(|index| index.0).collect();
    let parties: Vec<Uuid> = decided.iter().map(|one| one.party.0).collect();
    let programmes: Vec<&str> = decided
        .iter()
        .map(|one| one.decision.policy.code.as_str())
        .collect();
    let policies: Vec<Uuid> = decided.iter().map(|one| one.rules.id.0).collect();
    let digests: Vec<&[u8]> = decided
        .iter()
        .map(|one| one.decision.facts_sha256.as_bytes().as_slice())
        .collect();
    let days: Vec<NaiveDate> = decided.iter().map(|one| one.decision.on).collect();
    let outcomes: Vec<&str> = decided
        .iter()
        .map(|one| outcome_text(one.decision.outcome))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.recognition (zone_id, log_index, party_id, programme, policy_id, facts_sha256, decided_on,
             outcome)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::bytea[], $7::date[],
             $8::text[]) AS new",
        zone.0,
        &indices,
        &parties,
        &programmes as _,
        &policies,
        &digests as _,
        &days,
        &outcomes as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next parties, in the order in which they were registered, that were not decided on by these rules since a day and
/// wait for no confirmation in their register.
pub(in crate::fact) async fn undecided(
    conn: &mut PgConnection,
    zone: ZoneId,
    rules: &Rules,
    since: NaiveDate,
    after: Option<PartyId>,
    limit: u16,
) -> Result<Vec<PartyId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT p.party_id FROM ledger.party p
         WHERE p.zone_id = $1
             AND p.log_index > coalesce((SELECT a.log_index FROM ledger.party a
                 WHERE a.zone_id = $1 AND a.party_id = $2), -1)
             AND NOT EXISTS (SELECT FROM ledger.recognition r
                 WHERE r.zone_id = $1 AND r.party_id = p.party_id AND r.policy_id = $3 AND r.decided_on >= $4)
             AND NOT EXISTS (SELECT FROM ledger.determination d
                 WHERE d.zone_id = $1 AND d.party_id = p.party_id AND d.kind = 'recognition' AND d.register = $5
                     AND d.confirmed_index IS NULL)
         ORDER BY p.log_index LIMIT $6",
        zone.0,
        after.map(|party| party.0),
        rules.id.0,
        since,
        rules.register.as_str(),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PartyId).collect())
}

/// The rules by which recognitions were decided, and on which day.
pub(in crate::fact) async fn rules_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    decided: &[LogIndex],
) -> Result<HashMap<LogIndex, (PolicyId, NaiveDate)>, sqlx::Error> {
    let indices: Vec<i64> = decided.iter().map(|index| index.0).collect();
    let rows = sqlx::query!(
        "SELECT log_index, policy_id, decided_on FROM ledger.recognition WHERE zone_id = $1 AND log_index = ANY($2)",
        zone.0,
        &indices,
    )
    .fetch_all(conn)
    .await?;
    let rules = rows.into_iter().map(|row| {
        (
            LogIndex(row.log_index),
            (PolicyId(row.policy_id), row.decided_on),
        )
    });
    Ok(rules.collect())
}

/// Which of these proposals the register has said something of since.
pub(in crate::fact) async fn overtaken(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: &[LogIndex],
) -> Result<HashSet<LogIndex>, sqlx::Error> {
    let indices: Vec<i64> = proposed.iter().map(|index| index.0).collect();
    let overtaken = sqlx::query_scalar!(
        "SELECT d.proposed_index FROM ledger.determination d
         WHERE d.zone_id = $1 AND d.proposed_index = ANY($2) AND EXISTS (
             SELECT FROM ledger.fact_statement s WHERE s.zone_id = $1 AND s.party_id = d.party_id
                 AND s.register = d.register AND s.log_index > d.proposed_index)",
        zone.0,
        &indices,
    )
    .fetch_all(conn)
    .await?;
    Ok(overtaken.into_iter().map(LogIndex).collect())
}

/// The first entry after this one that says something of a party in a register.
pub(in crate::fact) async fn later_statement(
    conn: &mut PgConnection,
    zone: ZoneId,
    party: PartyId,
    register: &Register,
    after: LogIndex,
) -> Result<Option<LogIndex>, sqlx::Error> {
    let index = sqlx::query_scalar!(
        "SELECT min(log_index) FROM ledger.fact_statement
         WHERE zone_id = $1 AND party_id = $2 AND register = $3 AND log_index > $4",
        zone.0,
        party.0,
        register.as_str(),
        after.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(index.map(LogIndex))
}

/// Who has a number in a register.
pub(in crate::fact) struct Holder {
    pub(in crate::fact) number: String,
    pub(in crate::fact) party: PartyId,
    /// Code, number or name of the party.
    pub(in crate::fact) identifier: String,
    /// First day of the row.
    pub(in crate::fact) from: NaiveDate,
    pub(in crate::fact) entry: LogIndex,
}

/// Who has these numbers in a register: by rows that no later one of the same party and day gives another number, or
/// says that the party does not stand in it.
pub(in crate::fact) async fn holders(
    conn: &mut PgConnection,
    zone: ZoneId,
    register: &Register,
    numbers: &[&str],
) -> Result<Vec<Holder>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT asked.number AS "number!", s.party_id AS "party_id!", s.from_day AS "from_day!",
             s.log_index AS "log_index!", p.identifier
           FROM unnest($3::text[]) AS asked (number)
           CROSS JOIN LATERAL (SELECT * FROM ledger.fact_statement
             WHERE zone_id = $1 AND register = $2 AND reference COLLATE "C" = asked.number OFFSET 0) AS s
           JOIN ledger.party p ON p.zone_id = $1 AND p.party_id = s.party_id
           WHERE s.facts::json ->> $4 IS DISTINCT FROM 'none' AND s.from_day IS NOT NULL
             AND NOT EXISTS (SELECT FROM ledger.fact_statement l
               WHERE l.zone_id = $1 AND l.party_id = s.party_id AND l.register = $2 AND l.from_day = s.from_day
                 AND l.log_index > s.log_index
                 AND (l.reference <> s.reference OR l.facts::json ->> $4 = 'none'))
           ORDER BY s.log_index"#,
        zone.0,
        register.as_str(),
        numbers as _,
        register.status().map(Fact::name),
    )
    .fetch_all(conn)
    .await?;
    let holders = rows.into_iter().map(|row| Holder {
        number: row.number,
        party: PartyId(row.party_id),
        identifier: row.identifier,
        from: row.from_day,
        entry: LogIndex(row.log_index),
    });
    Ok(holders.collect())
}

/// The next running numbers of six digits that a register can give after this beginning, at most so many: those after the
/// highest one and, once they are given, the lowest that are free.
pub(in crate::fact) async fn free_numbers(
    conn: &mut PgConnection,
    zone: ZoneId,
    register: &Register,
    prefix: &str,
    count: usize,
) -> Result<Vec<u32>, sqlx::Error> {
    let numbers = sqlx::query_scalar!(
        r#"WITH given AS MATERIALIZED (
               SELECT DISTINCT right(reference, 6)::integer AS number FROM ledger.fact_statement
               WHERE zone_id = $1 AND register = $2
                   AND reference COLLATE "C" BETWEEN $3::text || '000000' AND $3::text || '999999'
                   AND reference ~ ('^' || $3::text || '[0-9]{6}$')
           ), highest AS (
               SELECT coalesce(max(number), 0) AS number FROM given
           )
           SELECT free.number AS "number!" FROM (
               SELECT n.number, 0 AS turn FROM highest h
               CROSS JOIN LATERAL generate_series(h.number + 1, least(h.number + $4::integer, 999999)) AS n (number)
               UNION ALL
               SELECT n.number, 1 FROM highest h
               CROSS JOIN LATERAL generate_series(1, h.number - 1) AS n (number)
               WHERE h.number + $4::integer > 999999 AND NOT EXISTS (SELECT FROM given g WHERE g.number = n.number)
           ) free ORDER BY turn, number LIMIT $4::integer"#,
        zone.0,
        register.as_str(),
        prefix,
        i32::try_from(count).unwrap_or(i32::MAX),
    )
    .fetch_all(conn)
    .await?;
    Ok(numbers
        .into_iter()
        .filter_map(|number| u32::try_from(number).ok())
        .collect())
}
