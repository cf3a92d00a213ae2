//! How rows are compared with what the log says of them: Postgres compares two sets, and names the first row that
//! differs.
//!
//! What is asked of the bodies of frequent entries is cut out of them: to parse them all would take as long as the
//! rest of a verification. Bodies are canonical, so a key with its quotes stands nowhere but where it is a key; ids,
//! days, digests and amounts have no escapes. Decimal text of an amount is minor units without its point.

/// The text of the first such key in the body of `e`, at most so many bytes; NULL where there is none, or
/// where the entry is not of the kind.
macro_rules! cut {
    ($key:literal, $most:literal) => {
        concat!(
            "split_part(encode(substring(e.body FROM nullif(position('\"",
            $key,
            "\":\"'::bytea IN e.body), 0) + octet_length('\"",
            $key,
            "\":\"') FOR ",
            $most,
            " + 1), 'escape'), '\"', 1)"
        )
    };
    ($key:literal, $most:literal, of $kind:literal) => {
        concat!(
            "CASE e.kind WHEN '",
            $kind,
            "' THEN ",
            cut!($key, $most),
            " END"
        )
    };
}

/// The first amount in the body of `e`, in minor units.
macro_rules! amount {
    ($($cut:tt)*) => {
        concat!("replace(", cut!($($cut)*), ", '.', '')::bigint")
    };
}

/// The policy that the first decision in the body of `e` names: its code, SHA-256 and version as they stand there.
macro_rules! policy {
    (of $kind:literal) => {
        concat!(
            "CASE e.kind WHEN '",
            $kind,
            "' THEN split_part(encode(substring(e.body FROM
                position('\"policy\":{'::bytea IN e.body) + 10 FOR 250), 'escape'), '}', 1) END"
        )
    };
}

/// Compares the rows of a table with those that follow from the log: both are queries with the same columns
/// in the same order and types, `key` names a row, and `order` says which comes first. The answer is no row
/// when all is well; otherwise table, key and column of the first that differs, what is stored, and what
/// follows from the log; all as text.
macro_rules! rows_of {
    ($table:literal, key: $key:literal, order: $order:literal, stored: $stored:literal, log: $($log:expr),+) => {
        concat!(
            "WITH stored AS (",
            $stored,
            "), log AS (",
            $($log,)+
            "), differs AS (
                SELECT s, w, coalesce(s.",
            $key,
            ", w.",
            $key,
            ") AS key, s.",
            $key,
            " IS NULL AS is_missing, w.",
            $key,
            " IS NULL AS is_extra
                FROM stored s FULL JOIN log w ON w.",
            $key,
            " = s.",
            $key,
            " WHERE s IS DISTINCT FROM w
                ORDER BY coalesce(w.",
            $order,
            ", s.",
            $order,
            "), key LIMIT 1)
            SELECT '",
            $table,
            "', format('",
            $key,
            " %s', key), coalesce(c.name, 'the row'),
                CASE WHEN is_missing THEN 'missing' WHEN is_extra THEN 'there' ELSE c.stored END,
                CASE WHEN is_missing THEN 'one' WHEN is_extra THEN 'none' ELSE c.expected END
            FROM differs LEFT JOIN LATERAL (
                SELECT e.key AS name, row_to_json(s) ->> e.key AS stored, e.value AS expected
                FROM json_each_text(row_to_json(w)) WITH ORDINALITY e (key, value, position)
                WHERE NOT is_missing AND NOT is_extra
                    AND row_to_json(s) ->> e.key IS DISTINCT FROM e.value
                ORDER BY position LIMIT 1) c ON true"
        )
    };
}

pub(super) use {amount, cut, policy, rows_of};
