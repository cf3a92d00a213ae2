//! What the lists of questions find. Each list is one statement; an item is named by the entry by which it came about.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::Page;
use crate::types::{LogIndex, Money, ZoneId};

/// A case of an item.
pub(in crate::audit) struct Found {
    pub(in crate::audit) at: LogIndex,
    pub(in crate::audit) what: String,
    pub(in crate::audit) case: Uuid,
}

fn after(page: Page) -> i64 {
    page.after.map_or(-1, |after| after.0)
}

/// Documents that several cases rest on, and references of lines that stand in several claims, of the same fact. A claim
/// counts once it is submitted, with its content of now, and no longer when it was withdrawn, rejected or revoked.
/// What a contract rests on may stand in the claims of its milestones, and does not count.
pub(in crate::audit) async fn duplicate_documents(
    conn: &mut PgConnection,
    zone: ZoneId,
    page: Page,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH line AS (
             SELECT DISTINCT l.fact, l.reference, c.claim_id, c.submitted_index AS log_index
             FROM ledger.claim c JOIN ledger.claim_line l ON l.zone_id = c.zone_id
                 AND l.claim_id = c.claim_id AND l.version = c.version
             WHERE c.zone_id = $1 AND c.submitted_index IS NOT NULL AND c.state NOT IN ('withdrawn', 'rejected', 'revoked')
           ), document AS (
             SELECT sha256, max(log_index) AS at FROM ledger.evidence_use WHERE zone_id = $1 AND case_kind <> 'contract'
             GROUP BY sha256 HAVING count(*) > 1
           ), reference AS (
             SELECT fact, reference, max(log_index) AS at FROM line
             GROUP BY fact, reference HAVING count(*) > 1
           ), page AS (
             SELECT at FROM (SELECT at FROM document UNION SELECT at FROM reference) k
             WHERE at > $2 ORDER BY at LIMIT $3
           )
           SELECT d.at AS "at!", 'document ' || encode(d.sha256, 'hex') AS "what!", u.case_id AS "case_id!",
             u.log_index AS "log_index!"
           FROM page JOIN document d USING (at)
           JOIN ledger.evidence_use u ON u.zone_id = $1 AND u.sha256 = d.sha256 AND u.case_kind <> 'contract'
           UNION ALL
           SELECT r.at, 'reference ' || r.reference || ' of ' || r.fact, l.claim_id, l.log_index
           FROM page JOIN reference r USING (at) JOIN line l USING (fact, reference)
           ORDER BY 1, 2, 4, 3"#,
        zone.0,
        after(page),
        page.limit,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        at: LogIndex(row.at),
        what: row.what,
        case: row.case_id,
    });
    Ok(found.collect())
}

/// Account numbers, by their keyed mark, that were proposed for several parties, or for a party and for the zone itself.
pub(in crate::audit) async fn shared_accounts(
    conn: &mut PgConnection,
    zone: ZoneId,
    page: Page,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH shared AS (
             SELECT number_mark, max(proposed_index) AS at FROM ledger.bank_account WHERE zone_id = $1
             GROUP BY number_mark
             HAVING count(DISTINCT party_id) + count(DISTINCT zone_id) FILTER (WHERE party_id IS NULL) > 1
             ORDER BY 2
           ), page AS (SELECT DISTINCT at FROM shared WHERE at > $2 ORDER BY at LIMIT $3)
           SELECT s.at AS "at!", 'account ' || a.masked AS "what!", a.account_id
           FROM page JOIN shared s USING (at)
           JOIN ledger.bank_account a ON a.zone_id = $1 AND a.number_mark = s.number_mark
           ORDER BY 1, a.proposed_index"#,
        zone.0,
        after(page),
        page.limit,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        at: LogIndex(row.at),
        what: row.what,
        case: row.account_id,
    });
    Ok(found.collect())
}

/// Orders that are not given back, whose buyer and provider are in one controller group today, or have persons of one name. One
/// party can't order from itself.
pub(in crate::audit) async fn related_parties(
    conn: &mut PgConnection,
    zone: ZoneId,
    page: Page,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH namesake AS (
             SELECT x.party_id AS buyer, y.party_id AS provider,
               'persons of one name: ' || string_agg(DISTINCT x.login || ' and ' || y.login, ', ') AS what
             FROM ledger.person x JOIN ledger.person y ON y.zone_id = x.zone_id AND y.name = x.name
                 AND y.party_id <> x.party_id
             WHERE x.zone_id = $1 GROUP BY x.party_id, y.party_id
           ), related AS (
             SELECT h.held_index AS at, h.hold_id, coalesce('one controller group: ' || g.name, n.what) AS what
             FROM ledger.hold h
             JOIN ledger.voucher v ON v.zone_id = h.zone_id AND v.voucher_id = h.voucher_id
             JOIN ledger.party b ON b.zone_id = h.zone_id AND b.party_id = v.party_id
             JOIN ledger.party p ON p.zone_id = h.zone_id AND p.party_id = h.provider_id
             LEFT JOIN ledger.controller_group g ON g.zone_id = h.zone_id AND g.group_id = b.controller_group_id
                 AND g.group_id = p.controller_group_id
             LEFT JOIN namesake n ON n.buyer = b.party_id AND n.provider = p.party_id
             WHERE h.zone_id = $1 AND h.state IN ('held', 'captured') AND h.held_index > $2
           )
           SELECT at, hold_id, what AS "what!" FROM related WHERE what IS NOT NULL ORDER BY at LIMIT $3"#,
        zone.0,
        after(page),
        page.limit,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        at: LogIndex(row.at),
        what: row.what,
        case: row.hold_id,
    });
    Ok(found.collect())
}

/// Redemptions of a party with a provider that redeemed with that party within so many days before: each later one is an
/// item, with the earlier ones of the other direction.
pub(in crate::audit) async fn round_trips(
    conn: &mut PgConnection,
    zone: ZoneId,
    days: u16,
    page: Page,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH bought AS MATERIALIZED (
             SELECT h.hold_id, h.ended_index AS at, v.party_id AS buyer, h.provider_id AS provider, e.effective
             FROM ledger.hold h
             JOIN ledger.voucher v ON v.zone_id = h.zone_id AND v.voucher_id = h.voucher_id
             JOIN ledger.entry e ON e.zone_id = h.zone_id AND e.log_index = h.ended_index
             WHERE h.zone_id = $1 AND h.state = 'captured' AND v.party_id <> h.provider_id
           ), trip AS (
             SELECT later.at, later.hold_id, earlier.at AS earlier_at, earlier.hold_id AS earlier_hold
             FROM bought later JOIN bought earlier ON earlier.buyer = later.provider
                 AND earlier.provider = later.buyer AND earlier.at < later.at
                 AND later.effective - earlier.effective <= $2
             WHERE later.at > $3
           ), page AS (SELECT DISTINCT at, hold_id FROM trip ORDER BY at LIMIT $4)
           SELECT page.at AS "at!", c.hold_id AS "hold_id!" FROM page
           CROSS JOIN LATERAL (SELECT page.hold_id, page.at AS bought_at
               UNION ALL SELECT trip.earlier_hold, trip.earlier_at FROM trip WHERE trip.hold_id = page.hold_id) c
           ORDER BY page.at, c.bought_at"#,
        zone.0,
        i32::from(days),
        after(page),
        page.limit,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        at: LogIndex(row.at),
        what: "two parties buy from each other".to_owned(),
        case: row.hold_id,
    });
    Ok(found.collect())
}

/// Persons of the office or of parties with several duties, of which those of parties count as one; and vouchers, claims and
/// contracts on which somebody acted whom another person had enrolled for the office, and that other person too. What
/// concerns an order or a recovery concerns its voucher or claim. Whom the service itself enrolled, nobody did.
pub(in crate::audit) async fn conflicting_roles(
    conn: &mut PgConnection,
    zone: ZoneId,
    page: Page,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH enrolled AS MATERIALIZED (
             SELECT p.person_id, p.login, p.party_id, e.log_index, e.actor_id AS enrolled_by
             FROM ledger.person p
             CROSS JOIN LATERAL (SELECT e.log_index, e.actor_id FROM ledger.entry e
                 WHERE e.zone_id = $1 AND e.subject_id = p.person_id AND e.kind = 'person.enrolled' OFFSET 0) e
             WHERE p.zone_id = $1
           ), several AS (
             SELECT person_id, string_agg(DISTINCT duty, ', ' ORDER BY duty) AS duties FROM (
                 SELECT person_id, CASE WHEN role IN ('sme', 'provider', 'incubator') THEN 'of a party' ELSE role END
                     AS duty
                 FROM ledger.person_role WHERE zone_id = $1) r
             GROUP BY person_id HAVING count(DISTINCT duty) > 1
           ), pair AS MATERIALIZED (
             SELECT n.person_id, n.login, n.enrolled_by, by.login AS by_login
             FROM enrolled n JOIN ledger.person by ON by.zone_id = $1 AND by.person_id = n.enrolled_by
             WHERE n.party_id IS NULL AND NOT EXISTS (SELECT FROM ledger.person_role r
                 WHERE r.zone_id = $1 AND r.person_id = n.enrolled_by AND r.role = 'system')
           ), acted AS MATERIALIZED (
             SELECT e.actor_id, coalesce(h.voucher_id, r.payable_id, e.subject_id) AS case_id,
               min(e.log_index) AS log_index
             FROM (SELECT person_id AS actor_id FROM pair UNION SELECT enrolled_by FROM pair) who
             JOIN ledger.entry e ON e.zone_id = $1 AND e.actor_id = who.actor_id AND e.subject_id IS NOT NULL
             LEFT JOIN ledger.recovery r ON r.zone_id = $1 AND r.recovery_id = e.subject_id
             LEFT JOIN ledger.hold h ON h.zone_id = $1 AND h.hold_id = coalesce(r.payable_id, e.subject_id)
             GROUP BY 1, 2
           ), found AS (
             SELECT n.log_index AS at, 'duties in one hand: ' || s.duties AS what, n.person_id AS case_id
             FROM several s JOIN enrolled n USING (person_id)
             UNION ALL
             SELECT greatest(one.log_index, other.log_index), p.by_login || ' enrolled ' || p.login || ', and both acted',
               one.case_id
             FROM pair p JOIN acted one ON one.actor_id = p.person_id
             JOIN acted other ON other.actor_id = p.enrolled_by AND other.case_id = one.case_id
             WHERE EXISTS (SELECT FROM ledger.voucher v WHERE v.zone_id = $1 AND v.voucher_id = one.case_id)
               OR EXISTS (SELECT FROM ledger.claim c WHERE c.zone_id = $1 AND c.claim_id = one.case_id)
               OR EXISTS (SELECT FROM ledger.contract k WHERE k.zone_id = $1 AND k.contract_id = one.case_id)
           ), page AS (SELECT DISTINCT at FROM found WHERE at > $2 ORDER BY at LIMIT $3)
           SELECT at AS "at!", what AS "what!", case_id AS "case_id!" FROM page JOIN found USING (at)
           ORDER BY 1, 2, 3"#,
        zone.0,
        after(page),
        page.limit,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| Found {
        at: LogIndex(row.at),
        what: row.what,
        case: row.case_id,
    });
    Ok(found.collect())
}

/// An amount that cases stay under, from an entry on and until another.
pub(in crate::audit) struct Threshold {
    pub(in crate::audit) since: LogIndex,
    pub(in crate::audit) until: LogIndex,
    pub(in crate::audit) lowest: Money,
    pub(in crate::audit) amount: Money,
}

/// A case just under a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Near {
    pub(in crate::audit) case: Uuid,
    pub(in crate::audit) party: Uuid,
    pub(in crate::audit) threshold: Money,
    pub(in crate::audit) day: NaiveDate,
    pub(in crate::audit) amount: Money,
    pub(in crate::audit) index: LogIndex,
}

/// Cases just under a threshold, of parties that have several, in the order of their days: claims by what was recommended
/// or approved and the day of submission, and vouchers by face and day of issue if asked.
pub(in crate::audit) async fn near(
    conn: &mut PgConnection,
    zone: ZoneId,
    thresholds: &[Threshold],
    vouchers: bool,
) -> Result<Vec<Near>, sqlx::Error> {
    let of = |pick: fn(&Threshold) -> i64| -> Vec<i64> { thresholds.iter().map(pick).collect() };
    let rows = sqlx::query!(
        r#"WITH threshold AS (
             SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                 AS t (since, until, lowest, amount)
           ), filed AS (
             SELECT claim_id AS case_id, party_id, submitted_on AS day, coalesce(awarded, recommended) AS amount,
               reviewed_index AS log_index
             FROM ledger.claim WHERE zone_id = $1 AND state IN ('recommended', 'noticed', 'objected', 'approved')
             UNION ALL
             SELECT voucher_id, party_id, issued_on, face, issued_index FROM ledger.voucher WHERE zone_id = $1 AND $6
           ), near AS (
             SELECT f.*, t.amount AS threshold, count(*) OVER (PARTITION BY f.party_id, t.amount) AS several
             FROM filed f JOIN threshold t ON f.amount >= t.lowest AND f.amount < t.amount
                 AND f.log_index >= t.since AND f.log_index < t.until
           )
           SELECT case_id AS "case_id!", party_id AS "party_id!", day AS "day!", amount AS "amount!",
             log_index AS "log_index!", threshold AS "threshold!"
           FROM near WHERE several > 1 ORDER BY day, log_index"#,
        zone.0,
        &of(|one| one.since.0),
        &of(|one| one.until.0),
        &of(|one| one.lowest.minor()),
        &of(|one| one.amount.minor()),
        vouchers,
    )
    .fetch_all(conn)
    .await?;
    let near = rows.into_iter().map(|row| Near {
        case: row.case_id,
        party: row.party_id,
        threshold: Money::from_minor(row.threshold),
        day: row.day,
        amount: Money::from_minor(row.amount),
        index: LogIndex(row.log_index),
    });
    Ok(near.collect())
}
