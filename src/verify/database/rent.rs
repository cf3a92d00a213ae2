//! Leases, bills, what moves in them, waivers and deferrals as the log tells them, compared with their rows.
//!
//! Bodies of these entries are parsed: they are few beside those of vouchers, and what they say has several layers.

use super::compare::rows_of;

/// The details of `e`, parsed.
macro_rules! details {
    () => {
        "convert_from(e.body, 'UTF8')::json -> 'details'"
    };
}

/// Minor units of decimal text at a path of the details `d`.
macro_rules! minor {
    ($path:literal) => {
        concat!("replace(d #>> '{", $path, "}', '.', '')::bigint")
    };
}

/// A lease is what its first entry says. It may end earlier, and every extension that stands makes it longer.
pub(super) const LEASES: &str = rows_of!(
    "lease", key: "lease_id", order: "added_index",
    stored: "
        SELECT lease_id, added_index, added_by, carrier_id, tenant_id, premises, area, monthly_rent, property_fee,
            parking_fee, utilities, other_charges, sublet, first_day, rent_until, last_day, ended_index
        FROM ledger.lease WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, ", details!(), " AS d
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('lease.added', 'lease.ended', 'waiver.declared', 'waiver.voided')
        ), extended AS (
            SELECT w.subject_id, (w.d #>> '{input,lease}')::uuid AS lease_id,
                (w.d #>> '{answer,until_day}')::date AS until_day
            FROM told w
            WHERE w.kind = 'waiver.declared' AND w.d #>> '{input,way}' = 'extension'
                AND NOT EXISTS (SELECT FROM told v WHERE v.kind = 'waiver.voided' AND v.subject_id = w.subject_id)
        )
        SELECT l.subject_id AS lease_id, l.log_index AS added_index, l.actor_id AS added_by,
            (l.d #>> '{input,carrier}')::uuid AS carrier_id, (l.d #>> '{input,tenant}')::uuid AS tenant_id,
            l.d #>> '{input,premises}' AS premises, replace(l.d #>> '{input,area}', '.', '')::bigint AS area,
            replace(l.d #>> '{input,monthly_rent}', '.', '')::bigint AS monthly_rent,
            replace(l.d #>> '{input,charges,property_fee}', '.', '')::bigint AS property_fee,
            replace(l.d #>> '{input,charges,parking}', '.', '')::bigint AS parking_fee,
            replace(l.d #>> '{input,charges,utilities}', '.', '')::bigint AS utilities,
            replace(l.d #>> '{input,charges,other}', '.', '')::bigint AS other_charges,
            (l.d #>> '{input,sublet}')::boolean AS sublet, (l.d #>> '{input,first_day}')::date AS first_day,
            coalesce(e.last_day, (l.d #>> '{input,last_day}')::date) AS rent_until,
            coalesce(x.until_day, e.last_day, (l.d #>> '{input,last_day}')::date) AS last_day,
            e.log_index AS ended_index
        FROM told l
        LEFT JOIN (SELECT DISTINCT ON (subject_id) subject_id, log_index,
                (d #>> '{answer,last_day}')::date AS last_day
            FROM told WHERE kind = 'lease.ended' ORDER BY subject_id, log_index DESC) e
            ON e.subject_id = l.subject_id
        LEFT JOIN (SELECT lease_id, max(until_day) AS until_day FROM extended GROUP BY lease_id) x
            ON x.lease_id = l.subject_id
        WHERE l.kind = 'lease.added'"
);

/// What moved is in the answer of whatever moved it.
pub(super) const MOVES: &str = rows_of!(
    "rent_move", key: "move", order: "log_index",
    stored: "
        SELECT concat(log_index, ' ', position) AS move, log_index, case_id, lease_id, month, source, target, amount
        FROM ledger.rent_move WHERE zone_id = $1",
    log: "
        SELECT concat(e.log_index, ' ', m.position - 1) AS move, e.log_index, e.subject_id AS case_id,
            coalesce(e.d #>> '{answer,lease}', e.d #>> '{input,lease}')::uuid AS lease_id,
            concat(m.step ->> 'month', '-01')::date AS month, m.step ->> 'from' AS source, m.step ->> 'to' AS target,
            replace(m.step ->> 'amount', '.', '')::bigint AS amount
        FROM (SELECT e.log_index, e.subject_id, ", details!(), " AS d FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('rent_payment.received', 'waiver.declared', 'waiver.settled',
                'waiver.voided', 'deferral.agreed', 'deferral.paid', 'deferral.defaulted', 'deferral.converted')) e
        CROSS JOIN LATERAL json_array_elements(e.d #> '{answer,moves}') WITH ORDINALITY m (step, position)"
);

/// A bill is what its entry says; its parts follow from what moved, which was compared before.
pub(super) const BILLS: &str = rows_of!(
    "rent_bill", key: "bill", order: "billed_index",
    stored: "
        SELECT concat(lease_id, ' ', month) AS bill, billed_index, days, rent, property_fee, parking_fee, utilities,
            other_charges, open, deferred, paid, waived
        FROM ledger.rent_bill WHERE zone_id = $1",
    log: "
        WITH moved AS (
            SELECT m.lease_id, m.month, p.part, sum(p.amount)::bigint AS amount
            FROM ledger.rent_move m
            CROSS JOIN LATERAL (VALUES (m.source, -m.amount), (m.target, m.amount)) p (part, amount)
            WHERE m.zone_id = $1 GROUP BY m.lease_id, m.month, p.part
        ), parts AS (
            SELECT lease_id, month, sum(amount) FILTER (WHERE part = 'open')::bigint AS open,
                sum(amount) FILTER (WHERE part = 'deferred')::bigint AS deferred,
                sum(amount) FILTER (WHERE part = 'paid')::bigint AS paid,
                sum(amount) FILTER (WHERE part = 'waived')::bigint AS waived
            FROM moved GROUP BY lease_id, month
        ), told AS (
            SELECT e.log_index, e.subject_id, ", details!(), " AS d FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind = 'rent_bill.issued'
        ), billed AS (
            SELECT log_index, subject_id, concat(d #>> '{input,month}', '-01')::date AS month,
                (d #>> '{answer,days}')::smallint AS days, ", minor!("answer,rent"), " AS rent,
                ", minor!("answer,charges,property_fee"), " AS property_fee,
                ", minor!("answer,charges,parking"), " AS parking_fee,
                ", minor!("answer,charges,utilities"), " AS utilities,
                ", minor!("answer,charges,other"), " AS other_charges
            FROM told
        )
        SELECT concat(b.subject_id, ' ', b.month) AS bill, b.log_index AS billed_index, b.days, b.rent,
            b.property_fee, b.parking_fee, b.utilities, b.other_charges, b.rent + coalesce(p.open, 0) AS open,
            coalesce(p.deferred, 0) AS deferred, coalesce(p.paid, 0) AS paid, coalesce(p.waived, 0) AS waived
        FROM billed b LEFT JOIN parts p ON p.lease_id = b.subject_id AND p.month = b.month"
);

/// A waiver is what its declaration says, or the conversion that made it; others have had their say since.
pub(super) const WAIVERS: &str = rows_of!(
    "waiver", key: "waiver_id", order: "declared_index",
    stored: "
        SELECT waiver_id, declared_index, lease_id, deferral_id, declared_by, declared_on, method, share, way,
            from_day, until_day, amount, landlord_relief, stated, confirmed_by, confirmed_index, settled, settled_by,
            settled_index, audited, compensable, audited_by, audited_index, claimed_index, voided_index
        FROM ledger.waiver WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, e.effective, ", details!(), " AS d
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('waiver.declared', 'deferral.converted', 'waiver.confirmed',
                'waiver.mismatched', 'waiver.settled', 'waiver.audited', 'waiver.claimed', 'waiver.released',
                'waiver.voided')
        ), began AS (
            SELECT (d #>> '{answer,waiver}')::uuid AS waiver_id, log_index, actor_id, effective,
                kind = 'deferral.converted' AS is_converted, subject_id,
                coalesce(d #>> '{answer,lease}', d #>> '{input,lease}')::uuid AS lease_id,
                d #>> '{input,measure,method}' AS method, (d #>> '{input,measure,hundredths}')::smallint AS share,
                d #>> '{input,way}' AS way, (d #>> '{answer,from_day}')::date AS from_day,
                (d #>> '{answer,until_day}')::date AS until_day, ", minor!("answer,amount"), " AS amount,
                ", minor!("answer,landlord_relief"), " AS landlord_relief
            FROM told WHERE kind IN ('waiver.declared', 'deferral.converted')
        ), said AS (
            SELECT subject_id, log_index, kind, actor_id, ", minor!("answer,stated"), " AS stated,
                ", minor!("answer,settled"), " AS settled, ", minor!("answer,audited"), " AS audited,
                (d #>> '{answer,compensable}')::boolean AS compensable
            FROM told WHERE kind NOT IN ('waiver.declared', 'deferral.converted')
        )
        SELECT b.waiver_id, b.log_index AS declared_index, b.lease_id,
            CASE WHEN b.is_converted THEN b.subject_id END AS deferral_id, b.actor_id AS declared_by,
            b.effective AS declared_on, coalesce(b.method, 'converted') AS method, b.share,
            coalesce(b.way, 'reduction') AS way, coalesce(b.from_day, b.effective) AS from_day,
            coalesce(b.until_day, b.effective) AS until_day, b.amount, b.landlord_relief, c.stated,
            c.actor_id AS confirmed_by, c.log_index AS confirmed_index, s.settled, s.actor_id AS settled_by,
            s.log_index AS settled_index, a.audited, coalesce(a.compensable, false) AS compensable, a.actor_id AS audited_by,
            a.log_index AS audited_index, k.log_index AS claimed_index, v.log_index AS voided_index
        FROM began b
        LEFT JOIN (SELECT DISTINCT ON (subject_id) * FROM said WHERE kind IN ('waiver.confirmed', 'waiver.mismatched')
            ORDER BY subject_id, log_index DESC) c ON c.subject_id = b.waiver_id
        LEFT JOIN said s ON s.subject_id = b.waiver_id AND s.kind = 'waiver.settled'
        LEFT JOIN said a ON a.subject_id = b.waiver_id AND a.kind = 'waiver.audited'
        LEFT JOIN (SELECT DISTINCT ON (subject_id) * FROM said WHERE kind IN ('waiver.claimed', 'waiver.released')
            ORDER BY subject_id, log_index DESC) k ON k.subject_id = b.waiver_id AND k.kind = 'waiver.claimed'
        LEFT JOIN said v ON v.subject_id = b.waiver_id AND v.kind = 'waiver.voided'"
);

/// A deferral is what was agreed, paid, defaulted and converted.
pub(super) const DEFERRALS: &str = rows_of!(
    "deferral", key: "deferral_id", order: "agreed_index",
    stored: "
        SELECT deferral_id, agreed_index, lease_id, agreed_by, from_month, until_month, amount, open, paid, defaulted,
            converted, ended_index
        FROM ledger.deferral WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, ", details!(), " AS d FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('deferral.agreed', 'deferral.paid', 'deferral.defaulted',
                'deferral.converted')
        ), sums AS (
            SELECT subject_id, log_index, kind, ", minor!("answer,amount"), " AS amount FROM told
        ), became AS (
            SELECT subject_id, coalesce(sum(amount) FILTER (WHERE kind = 'deferral.paid'), 0)::bigint AS paid,
                coalesce(sum(amount) FILTER (WHERE kind = 'deferral.defaulted'), 0)::bigint AS defaulted,
                coalesce(sum(amount) FILTER (WHERE kind = 'deferral.converted'), 0)::bigint AS converted,
                max(log_index) AS last_index
            FROM sums WHERE kind <> 'deferral.agreed' GROUP BY subject_id
        )
        SELECT a.subject_id AS deferral_id, a.log_index AS agreed_index, (a.d #>> '{input,lease}')::uuid AS lease_id,
            a.actor_id AS agreed_by, concat(a.d #>> '{input,from}', '-01')::date AS from_month,
            concat(a.d #>> '{input,until}', '-01')::date AS until_month, s.amount,
            s.amount - coalesce(b.paid + b.defaulted + b.converted, 0) AS open, coalesce(b.paid, 0) AS paid,
            coalesce(b.defaulted, 0) AS defaulted, coalesce(b.converted, 0) AS converted,
            CASE WHEN s.amount = b.paid + b.defaulted + b.converted THEN b.last_index END AS ended_index
        FROM told a
        JOIN sums s ON s.subject_id = a.subject_id AND s.kind = 'deferral.agreed'
        LEFT JOIN became b ON b.subject_id = a.subject_id
        WHERE a.kind = 'deferral.agreed'"
);

/// An instalment is what the schedule says, and each payment says how much of it went to which.
pub(super) const INSTALMENTS: &str = rows_of!(
    "instalment", key: "instalment", order: "instalment",
    stored: "
        SELECT concat(deferral_id, ' ', number) AS instalment, due, amount, paid
        FROM ledger.instalment WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.kind, concat(e.subject_id, ' ', i.one ->> 'number') AS instalment,
                (i.one ->> 'due')::date AS due, replace(i.one ->> 'amount', '.', '')::bigint AS amount
            FROM (SELECT e.kind, e.subject_id, ", details!(), " AS d FROM ledger.entry e
                WHERE e.zone_id = $1 AND e.kind IN ('deferral.agreed', 'deferral.paid')) e
            CROSS JOIN LATERAL json_array_elements(e.d #> '{answer,instalments}') i (one)
        )
        SELECT a.instalment, a.due, a.amount, coalesce(p.paid, 0) AS paid
        FROM told a
        LEFT JOIN (SELECT instalment, sum(amount)::bigint AS paid FROM told WHERE kind = 'deferral.paid'
            GROUP BY instalment) p ON p.instalment = a.instalment
        WHERE a.kind = 'deferral.agreed'"
);
