//! What follows from rows that were compared with the log: running totals, accounts, control totals, and the
//! rows of features. Postgres compares sets; each statement answers with the first row that differs.

use sqlx::PgConnection;

use super::fault::RowFault;
use super::{
    awards, bank, budget, cases, claims, contracts, evidence, facts, periods, recovery, register,
    rent, runs,
};
use crate::types::ZoneId;
use crate::verify::report::VerifyError;

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub struct CrossCheck {
    /// Table in the schema `ledger` whose rows are compared.
    pub table: &'static str,
    /// Gets the zone's number as `$1`, and answers with no row when all is well; otherwise with the
    /// first that differs: its key, the column, what is stored, what follows from the log; all as text.
    pub sql: &'static str,
}

/// All comparisons, in the order in which each may rely on those before. The transfers have been compared
/// with the entries one by one.
pub const CROSS_CHECKS: &[CrossCheck] = &[
    DEBITS_AFTER,
    CREDITS_AFTER,
    ADDRESSES,
    ADDRESSES_ONCE,
    ACCOUNT_TOTALS,
    CONTROL_TOTALS,
    CLOSED_PERIODS,
    CLOSING_ENTRIES,
    ZONE,
];

/// Comparisons of the rows of features, in the same manner, after those. The answer begins with the table, since one
/// statement may compare several: each reads all entries.
pub const ROW_CHECKS: &[&str] = &[
    register::REGISTER,
    budget::BUDGET,
    periods::PERIODS,
    cases::APPLICATIONS,
    bank::ACCOUNTS,
    bank::FILES,
    bank::STATEMENTS,
    bank::LINES,
    runs::RUNS,
    runs::LISTS,
    runs::RESULTS,
    cases::VOUCHERS,
    cases::HOLDS,
    claims::CLAIMS,
    contracts::CONTRACTS,
    contracts::MILESTONES,
    contracts::ENDINGS,
    claims::LINES,
    claims::WAIVERS,
    claims::NOTICES,
    claims::ITEMS,
    claims::ROUNDS,
    claims::PLACES,
    claims::APPROVALS,
    claims::LEVELS,
    claims::RECUSALS,
    claims::DELEGATIONS,
    recovery::SETTLEMENTS,
    cases::PAYABLES,
    cases::LINES,
    cases::BATCHES,
    bank::MATCHES,
    recovery::INSTALMENTS,
    recovery::WRITE_OFFS,
    recovery::RECOVERIES,
    recovery::EXCLUSIONS,
    awards::AWARDS,
    facts::FACTS,
    rent::LEASES,
    rent::MOVES,
    rent::BILLS,
    rent::WAIVERS,
    rent::DEFERRALS,
    rent::INSTALMENTS,
    evidence::EVIDENCE,
];

const DEBITS_AFTER: CrossCheck = CrossCheck {
    table: "transfer",
    sql: "SELECT format('log_index %s, position %s', log_index, position), 'debits_after',
              debits_after::text, (before + amount)::text
          FROM (SELECT log_index, position, amount, debits_after, coalesce(lag(debits_after) OVER (
                    PARTITION BY debit_account_id ORDER BY log_index, position), 0) AS before
                FROM ledger.transfer WHERE zone_id = $1) t
          WHERE debits_after <> before + amount ORDER BY log_index, position LIMIT 1",
};

const CREDITS_AFTER: CrossCheck = CrossCheck {
    table: "transfer",
    sql: "SELECT format('log_index %s, position %s', log_index, position), 'credits_after',
              credits_after::text, (before + amount)::text
          FROM (SELECT log_index, position, amount, credits_after, coalesce(lag(credits_after) OVER (
                    PARTITION BY credit_account_id ORDER BY log_index, position), 0) AS before
                FROM ledger.transfer WHERE zone_id = $1) t
          WHERE credits_after <> before + amount ORDER BY log_index, position LIMIT 1",
};

/// The columns of an account say what its address says, and what the chart says of its code. (Here and
/// below the last condition says the same as the one before, without making text of every row.)
const ADDRESSES: CrossCheck = CrossCheck {
    table: "account",
    sql: "SELECT a.address, d.name, d.stored, d.expected
          FROM (SELECT *, rtrim(concat_ws(':', code, currency, coalesce(programme, ''),
                    coalesce(fiscal_year::text, ''), coalesce(party_id::text, ''),
                    coalesce(item_id::text, '')), ':') AS spelt
                FROM ledger.account WHERE zone_id = $1) a
          LEFT JOIN ledger.chart c ON c.code = a.code
          CROSS JOIN LATERAL (VALUES
              ('code, currency, programme, fiscal_year, party_id, item_id', a.spelt,
                  a.address COLLATE \"default\"),
              ('normal_side', a.normal_side::text, c.normal_side::text),
              ('guarded', a.guarded::text, c.guarded::text)) d (name, stored, expected)
          WHERE d.stored IS DISTINCT FROM d.expected
              AND (a.spelt <> a.address COLLATE \"default\" OR a.normal_side IS DISTINCT FROM c.normal_side
                  OR a.guarded IS DISTINCT FROM c.guarded)
          ORDER BY a.account_id LIMIT 1",
};

const ADDRESSES_ONCE: CrossCheck = CrossCheck {
    table: "account",
    sql: "SELECT address, 'address', format('that of %s accounts', count(*)), 'one account'
          FROM ledger.account WHERE zone_id = $1 GROUP BY address HAVING count(*) > 1
          ORDER BY address LIMIT 1",
};

/// Running totals only grow, so the largest is the newest.
const ACCOUNT_TOTALS: CrossCheck = CrossCheck {
    table: "account",
    sql: "WITH debit AS (
              SELECT debit_account_id AS account_id, max(debits_after) AS debits
              FROM ledger.transfer WHERE zone_id = $1 GROUP BY debit_account_id
          ), credit AS (
              SELECT credit_account_id AS account_id, max(credits_after) AS credits
              FROM ledger.transfer WHERE zone_id = $1 GROUP BY credit_account_id
          )
          SELECT a.address, x.name, x.stored, x.expected
          FROM ledger.account a
          LEFT JOIN debit d ON d.account_id = a.account_id
          LEFT JOIN credit c ON c.account_id = a.account_id
          CROSS JOIN LATERAL (VALUES
              ('debits', a.debits::text, coalesce(d.debits, 0)::text),
              ('credits', a.credits::text, coalesce(c.credits, 0)::text),
              ('the row', 'there', CASE WHEN d.debits IS NULL AND c.credits IS NULL
                  THEN 'none' ELSE 'there' END)) x (name, stored, expected)
          WHERE a.zone_id = $1 AND x.stored <> x.expected
              AND (a.debits <> coalesce(d.debits, 0) OR a.credits <> coalesce(c.credits, 0)
                  OR d.debits IS NULL AND c.credits IS NULL)
          ORDER BY a.account_id LIMIT 1",
};

const CONTROL_TOTALS: CrossCheck = CrossCheck {
    table: "control_total",
    sql: "WITH computed AS (
              SELECT code, currency, coalesce(programme, '') AS programme,
                  coalesce(fiscal_year, 0) AS fiscal_year,
                  sum(debits) AS debits, sum(credits) AS credits
              FROM ledger.account WHERE zone_id = $1 GROUP BY 1, 2, 3, 4
          ), stored AS (
              SELECT code, currency, programme, fiscal_year, debits, credits
              FROM ledger.control_total WHERE zone_id = $1
          )
          SELECT concat_ws(':', code, currency, programme, fiscal_year), 'debits, credits',
              coalesce(concat_ws(', ', s.debits, s.credits), ''),
              coalesce(concat_ws(', ', c.debits, c.credits), '')
          FROM computed c FULL JOIN stored s USING (code, currency, programme, fiscal_year)
          WHERE s.debits IS DISTINCT FROM c.debits OR s.credits IS DISTINCT FROM c.credits
          ORDER BY code, currency, programme, fiscal_year LIMIT 1",
};

/// A period is closed because an entry closed it.
const CLOSED_PERIODS: CrossCheck = CrossCheck {
    table: "closed_period",
    sql: "SELECT format('%s to %s', p.from_day, p.until_day), 'log_index', p.log_index::text,
              'an entry that closes it'
          FROM ledger.closed_period p
          WHERE p.zone_id = $1 AND NOT EXISTS (
              SELECT FROM ledger.entry e
              WHERE e.zone_id = $1 AND e.log_index = p.log_index AND e.kind IN ('period.closed', 'period.year_closed')
                  AND convert_from(e.body, 'UTF8')::jsonb @> jsonb_build_object('details',
                      jsonb_build_object('from', p.from_day, 'until', p.until_day)))
          ORDER BY p.from_day, p.until_day LIMIT 1",
};

/// An entry that closes a period has closed it.
const CLOSING_ENTRIES: CrossCheck = CrossCheck {
    table: "closed_period",
    sql: "SELECT format('%s to %s', d.details ->> 'from', d.details ->> 'until'), 'the row', 'missing',
              format('one by entry %s', e.log_index)
          FROM ledger.entry e
          CROSS JOIN LATERAL (SELECT convert_from(e.body, 'UTF8')::jsonb -> 'details') d (details)
          WHERE e.zone_id = $1 AND e.kind IN ('period.closed', 'period.year_closed') AND NOT EXISTS (
              SELECT FROM ledger.closed_period p
              WHERE p.zone_id = $1 AND p.log_index = e.log_index AND p.from_day = (d.details ->> 'from')::date
                  AND p.until_day = (d.details ->> 'until')::date)
          ORDER BY e.log_index LIMIT 1",
};

/// The zone is what its first entry says.
const ZONE: CrossCheck = CrossCheck {
    table: "zone",
    sql: "SELECT z.code, d.name, d.stored, d.expected
          FROM ledger.zone z
          JOIN ledger.entry e ON e.zone_id = z.zone_id AND e.log_index = 0 AND e.kind = 'zone.founded'
          CROSS JOIN LATERAL (SELECT convert_from(e.body, 'UTF8')::jsonb -> 'details') f (founded)
          CROSS JOIN LATERAL (VALUES
              ('name_zh', z.name_zh, f.founded ->> 'name_zh'),
              ('name_en', z.name_en, f.founded ->> 'name_en'),
              ('currency', z.currency::text, f.founded ->> 'currency'),
              ('origin', z.origin, f.founded ->> 'origin'),
              ('time_zone', z.time_zone, f.founded ->> 'time_zone')) d (name, stored, expected)
          WHERE z.zone_id = $1 AND d.stored IS DISTINCT FROM d.expected LIMIT 1",
};

/// Makes every comparison; the first difference is the error.
pub async fn check_all(conn: &mut PgConnection, zone: ZoneId) -> Result<(), VerifyError> {
    // Sets are joined here, which statistics that are missing or old must not make look like a few rows.
    sqlx::query(
        "SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)",
    )
    .execute(&mut *conn)
    .await?;
    for CrossCheck { table, sql } in CROSS_CHECKS {
        let differs: Option<(String, String, Text, Text)> = sqlx::query_as(*sql)
            .bind(zone.0)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some((row, column, stored, expected)) = differs {
            return Err(fault(table, &row, &column, stored, expected));
        }
    }
    for sql in ROW_CHECKS {
        let differs: Option<(String, String, String, Text, Text)> = sqlx::query_as(*sql)
            .bind(zone.0)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some((table, row, column, stored, expected)) = differs {
            return Err(fault(&table, &row, &column, stored, expected));
        }
    }
    register::check_ends(conn, zone).await
}

type Text = Option<String>;

fn fault(table: &str, row: &str, column: &str, stored: Text, expected: Text) -> VerifyError {
    let [stored, expected] = [stored, expected].map(|text| text.unwrap_or("NULL".into()));
    RowFault::new(table, row, column, &stored, &expected).into()
}
