//! Runs and reminders as rows.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::Job;
use super::reminder::{Horizon, Reminder, ReminderKind};
use super::run::{Run, RunOutcome};
use crate::types::{PartyId, PersonId, RunId, ZoneId};

/// Locks a job of a zone until the transaction ends.
pub(super) async fn lock(
    conn: &mut PgConnection,
    zone: ZoneId,
    job: Job,
) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('job ' || $1, $2))")
        .bind(job.as_str())
        .bind(i64::from(zone.0))
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts a run that goes on.
pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    (run, job): (RunId, Job),
    person: PersonId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.job_run (zone_id, run_id, job, started_at, started_by, seen_at)
         VALUES ($1, $2, $3, $4, $5, $4)",
        zone.0,
        run.0,
        job.as_str(),
        now,
        person.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts what a run has done; `false` if it has ended.
pub(super) async fn note_done(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: RunId,
    done: usize,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE ledger.job_run SET done = done + $3, seen_at = greatest(seen_at, $4)
         WHERE zone_id = $1 AND run_id = $2 AND outcome IS NULL",
        zone.0,
        run.0,
        i64::try_from(done).unwrap_or(i64::MAX),
        now,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Ends a run that goes on.
pub(super) async fn end(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: RunId,
    (outcome, failure): (RunOutcome, Option<&str>),
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.job_run SET outcome = $3, failure = $4, ended_at = greatest(seen_at, $5)
         WHERE zone_id = $1 AND run_id = $2 AND outcome IS NULL",
        zone.0,
        run.0,
        outcome.as_str(),
        failure,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct RunRow {
    run_id: uuid::Uuid,
    job: String,
    started_at: DateTime<Utc>,
    started_by: uuid::Uuid,
    seen_at: DateTime<Utc>,
    done: i64,
    outcome: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    failure: Option<String>,
}

impl RunRow {
    fn run(self) -> Result<Run, sqlx::Error> {
        let unknown = |word: &str| sqlx::Error::Decode(format!("unknown word {word:?}").into());
        let outcome = match self.outcome.as_deref() {
            None => None,
            Some("finished") => Some(RunOutcome::Finished),
            Some("failed") => Some(RunOutcome::Failed),
            Some("interrupted") => Some(RunOutcome::Interrupted),
            Some(other) => return Err(unknown(other)),
        };
        Ok(Run {
            run: RunId(self.run_id),
            job: Job::named(&self.job).ok_or_else(|| unknown(&self.job))?,
            started_at: self.started_at,
            started_by: PersonId(self.started_by),
            seen_at: self.seen_at,
            done: self.done,
            outcome,
            ended_at: self.ended_at,
            failure: self.failure,
        })
    }
}

/// The run of a job that goes on.
pub(super) async fn going_on(
    conn: &mut PgConnection,
    zone: ZoneId,
    job: Job,
) -> Result<Option<Run>, sqlx::Error> {
    let row = sqlx::query_as!(
        RunRow,
        "SELECT run_id, job, started_at, started_by, seen_at, done, outcome, ended_at, failure
         FROM ledger.job_run WHERE zone_id = $1 AND job = $2 AND outcome IS NULL",
        zone.0,
        job.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(RunRow::run).transpose()
}

/// The last runs of a job, or of all, the newest first.
pub async fn runs(
    conn: &mut PgConnection,
    zone: ZoneId,
    job: Option<Job>,
    limit: i64,
) -> Result<Vec<Run>, sqlx::Error> {
    let rows = sqlx::query_as!(
        RunRow,
        "SELECT run_id, job, started_at, started_by, seen_at, done, outcome, ended_at, failure
         FROM ledger.job_run WHERE zone_id = $1 AND ($2::text IS NULL OR job = $2)
         ORDER BY started_at DESC, run_id LIMIT $3",
        zone.0,
        job.map(Job::as_str),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(RunRow::run).collect()
}

/// What reminders are made with: the run, its day, and how many at most.
#[derive(Clone, Copy)]
struct Making {
    zone: ZoneId,
    run: RunId,
    kind: ReminderKind,
    today: NaiveDate,
    limit: i64,
}

/// Makes at most `limit` reminders of a kind that were not made yet, and says how many.
pub(super) async fn remind(
    conn: &mut PgConnection,
    zone: ZoneId,
    (run, kind): (RunId, ReminderKind),
    horizon: Horizon,
    limit: i64,
) -> Result<usize, sqlx::Error> {
    let today = horizon.today;
    let making = Making {
        zone,
        run,
        kind,
        today,
        limit,
    };
    let soon = (today, horizon.instalments);
    let past = (
        NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or(today),
        today.pred_opt().unwrap_or(today),
    );
    let made = match kind {
        ReminderKind::VoucherExpires => of_vouchers(conn, making, horizon.vouchers).await?,
        ReminderKind::NoticeOver => of_notices(conn, making).await?,
        ReminderKind::InstalmentDue => of_instalments(conn, making, soon).await?,
        ReminderKind::InstalmentOverdue => of_instalments(conn, making, past).await?,
        ReminderKind::RecoveryDue => of_recoveries(conn, making, soon).await?,
        ReminderKind::RecoveryOverdue => of_recoveries(conn, making, past).await?,
    };
    Ok(usize::try_from(made).unwrap_or(usize::MAX))
}

/// Of vouchers with something free whose last day is today or later, up to and with a day.
async fn of_vouchers(
    conn: &mut PgConnection,
    making: Making,
    until: NaiveDate,
) -> Result<u64, sqlx::Error> {
    let made = sqlx::query!(
        "INSERT INTO ledger.reminder (zone_id, kind, case_id, due, number, party_id, made_on, run_id)
         SELECT $1, $2, v.voucher_id, v.last_day, 0, v.party_id, $3, $4
         FROM ledger.voucher v
         WHERE v.zone_id = $1 AND v.has_free AND v.last_day BETWEEN $3 AND $5 AND NOT EXISTS (
             SELECT FROM ledger.reminder r WHERE r.zone_id = $1 AND r.kind = $2
                 AND r.case_id = v.voucher_id AND r.due = v.last_day)
         ORDER BY v.last_day, v.voucher_id LIMIT $6
         ON CONFLICT ON CONSTRAINT reminder_pkey DO NOTHING",
        making.zone.0,
        making.kind.as_str(),
        making.today,
        making.run.0,
        until,
        making.limit,
    );
    Ok(made.execute(conn).await?.rows_affected())
}

/// Of claims whose public notice is over.
async fn of_notices(conn: &mut PgConnection, making: Making) -> Result<u64, sqlx::Error> {
    let made = sqlx::query!(
        "INSERT INTO ledger.reminder (zone_id, kind, case_id, due, number, party_id, made_on, run_id)
         SELECT $1, $2, c.claim_id, n.last_day, 0, c.party_id, $3, $4
         FROM ledger.claim c
         JOIN ledger.notice n ON n.zone_id = $1 AND n.notice_id = c.notice_id
         WHERE c.zone_id = $1 AND c.state = 'noticed' AND n.last_day < $3 AND NOT EXISTS (
             SELECT FROM ledger.reminder r WHERE r.zone_id = $1 AND r.kind = $2
                 AND r.case_id = c.claim_id AND r.due = n.last_day)
         ORDER BY n.last_day, c.claim_id LIMIT $5
         ON CONFLICT ON CONSTRAINT reminder_pkey DO NOTHING",
        making.zone.0,
        making.kind.as_str(),
        making.today,
        making.run.0,
        making.limit,
    );
    Ok(made.execute(conn).await?.rows_affected())
}

/// Of instalments of deferred rent that are not paid, due from one day to another.
async fn of_instalments(
    conn: &mut PgConnection,
    making: Making,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<u64, sqlx::Error> {
    let made = sqlx::query!(
        "INSERT INTO ledger.reminder (zone_id, kind, case_id, due, number, party_id, made_on, run_id)
         SELECT $1, $2, i.deferral_id, i.due, i.number, l.tenant_id, $3, $4
         FROM ledger.instalment i
         JOIN ledger.deferral d ON d.zone_id = $1 AND d.deferral_id = i.deferral_id AND d.open > 0
         JOIN ledger.lease l ON l.zone_id = $1 AND l.lease_id = d.lease_id
         WHERE i.zone_id = $1 AND i.paid < i.amount AND i.due BETWEEN $5 AND $6 AND NOT EXISTS (
             SELECT FROM ledger.reminder r WHERE r.zone_id = $1 AND r.kind = $2
                 AND r.case_id = i.deferral_id AND r.due = i.due AND r.number = i.number)
         ORDER BY i.due, i.deferral_id, i.number LIMIT $7
         ON CONFLICT ON CONSTRAINT reminder_pkey DO NOTHING",
        making.zone.0,
        making.kind.as_str(),
        making.today,
        making.run.0,
        from,
        until,
        making.limit,
    );
    Ok(made.execute(conn).await?.rows_affected())
}

/// Of recoveries that are open, with parts due from one day to another. What came back settles the earliest part first, so a
/// part is open as long as less than the later ones together is still owed.
async fn of_recoveries(
    conn: &mut PgConnection,
    making: Making,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<u64, sqlx::Error> {
    let made = sqlx::query!(
        "INSERT INTO ledger.reminder (zone_id, kind, case_id, due, number, party_id, made_on, run_id)
         SELECT $1, $2, d.recovery_id, d.due, d.number, p.payee_id, $3, $4
         FROM (SELECT r.recovery_id, r.payable_id, r.open, coalesce(i.due, r.due_on) AS due,
                 coalesce(i.number, 0) AS number, coalesce(sum(i.amount) OVER (
                     PARTITION BY r.recovery_id ORDER BY i.number DESC) - i.amount, 0) AS later
             FROM ledger.recovery r
             LEFT JOIN ledger.recovery_instalment i ON i.zone_id = $1 AND i.planned_index = r.planned_index
             WHERE r.zone_id = $1 AND r.open > 0) d
         JOIN ledger.payable p ON p.zone_id = $1 AND p.payable_id = d.payable_id
         WHERE d.later < d.open AND d.due BETWEEN $5 AND $6 AND NOT EXISTS (
             SELECT FROM ledger.reminder r WHERE r.zone_id = $1 AND r.kind = $2
                 AND r.case_id = d.recovery_id AND r.due = d.due AND r.number = d.number)
         ORDER BY d.due, d.recovery_id, d.number LIMIT $7
         ON CONFLICT ON CONSTRAINT reminder_pkey DO NOTHING",
        making.zone.0,
        making.kind.as_str(),
        making.today,
        making.run.0,
        from,
        until,
        making.limit,
    );
    Ok(made.execute(conn).await?.rows_affected())
}

/// Which reminders are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReminderFilter {
    /// Of this kind.
    pub kind: Option<ReminderKind>,
    /// That concern this party.
    pub party: Option<PartyId>,
}

/// The last reminders, the newest first, and of a day those that are due first.
pub async fn reminders(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: ReminderFilter,
    limit: i64,
) -> Result<Vec<Reminder>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT r.kind, r.case_id, r.due, r.number, r.party_id, r.made_on,
             coalesce('V' || v.issued_index, 'C' || c.drafted_index, 'S' || d.agreed_index,
                 'Z' || z.proposed_index) AS "name!"
           FROM ledger.reminder r
           LEFT JOIN ledger.voucher v ON v.zone_id = $1 AND v.voucher_id = r.case_id
           LEFT JOIN ledger.claim c ON c.zone_id = $1 AND c.claim_id = r.case_id
           LEFT JOIN ledger.deferral d ON d.zone_id = $1 AND d.deferral_id = r.case_id
           LEFT JOIN ledger.recovery z ON z.zone_id = $1 AND z.recovery_id = r.case_id
           WHERE r.zone_id = $1 AND ($2::text IS NULL OR r.kind = $2) AND ($3::uuid IS NULL OR r.party_id = $3)
           ORDER BY r.made_on DESC, r.due, r.kind, r.case_id LIMIT $4"#,
        zone.0,
        filter.kind.map(ReminderKind::as_str),
        filter.party.map(|party| party.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = ReminderKind::named(&row.kind).ok_or_else(|| {
                sqlx::Error::Decode(format!("unknown kind {:?}", row.kind).into())
            })?;
            Ok(Reminder {
                kind,
                case: row.name,
                case_id: row.case_id,
                number: Some(row.number).filter(|number| *number > 0),
                due: row.due,
                party: PartyId(row.party_id),
                made_on: row.made_on,
            })
        })
        .collect()
}
