//! Applications as rows.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{decode, ids};
use crate::types::{Code, LogIndex, PartyId, PersonId, PolicyId, VoucherId, ZoneId};

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationState {
    /// Waits for a reviewer.
    Applied,
    /// Waits for an approver.
    Recommended,
    /// Became a voucher.
    Issued,
    /// Was refused.
    Rejected,
}

impl ApplicationState {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Recommended => "recommended",
            Self::Issued => "issued",
            Self::Rejected => "rejected",
        }
    }

    /// The command that goes on from here, for people.
    pub const fn goes_on(self) -> &'static str {
        match self {
            Self::Applied => "`voucher review`, by a reviewer",
            Self::Recommended => "`voucher issue`, by a manager",
            Self::Issued => "the voucher: `voucher show`",
            Self::Rejected => "nothing: `voucher apply` begins another",
        }
    }
}

/// A request for a voucher.
#[derive(Clone, Debug)]
pub struct Application {
    /// Identity; the voucher will have the same.
    pub id: VoucherId,
    /// Programme.
    pub programme: Code,
    /// Who applies.
    pub party: PartyId,
    /// The policy in force on the day of application.
    pub policy: PolicyId,
    /// Facts as stated, canonical JSON.
    pub facts: String,
    /// Where it stands.
    pub state: ApplicationState,
    /// Submitter.
    pub applied_by: PersonId,
    /// The entry of the application.
    pub applied_index: LogIndex,
    /// Reviewer, once there is one.
    pub reviewed_by: Option<PersonId>,
}

/// A step of an application, to be written.
#[derive(Clone, Debug)]
pub(in crate::voucher) struct ApplicationStep {
    pub(in crate::voucher) id: VoucherId,
    pub(in crate::voucher) state: ApplicationState,
    pub(in crate::voucher) index: LogIndex,
}

pub(in crate::voucher) async fn insert_applications(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[Application],
) -> Result<(), sqlx::Error> {
    let programmes: Vec<&str> = new.iter().map(|one| one.programme.as_str()).collect();
    let facts: Vec<&str> = new.iter().map(|one| one.facts.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.voucher_application (zone_id, state, application_id, programme, party_id,
             policy_id, facts, facts_sha256, applied_by, applied_index)
         SELECT $1, 'applied', new.application_id, new.programme, new.party_id, new.policy_id, new.facts,
             sha256(convert_to(new.facts, 'UTF8')), new.applied_by, new.applied_index
         FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::bigint[])
             AS new (application_id, programme, party_id, policy_id, facts, applied_by, applied_index)",
        zone.0,
        &new.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &programmes as _,
        &new.iter().map(|one| one.party.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.policy.0).collect::<Vec<_>>(),
        &facts as _,
        &new.iter().map(|one| one.applied_by.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.applied_index.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Applications, locked in the order of their ids; unknown ones are missing.
pub(in crate::voucher) async fn lock_applications(
    conn: &mut PgConnection,
    zone: ZoneId,
    wanted: &[VoucherId],
) -> Result<HashMap<VoucherId, Application>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT application_id, programme, party_id, policy_id, facts, state, applied_by, applied_index,
             reviewed_by
         FROM ledger.voucher_application WHERE zone_id = $1 AND application_id = ANY($2)
         ORDER BY application_id FOR UPDATE",
        zone.0,
        &ids(wanted),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = VoucherId(row.application_id);
            let application = Application {
                id,
                programme: row.programme.parse().map_err(decode)?,
                party: PartyId(row.party_id),
                policy: PolicyId(row.policy_id),
                facts: row.facts,
                state: application_state(&row.state)?,
                applied_by: PersonId(row.applied_by),
                applied_index: LogIndex(row.applied_index),
                reviewed_by: row.reviewed_by.map(PersonId),
            };
            Ok((id, application))
        })
        .collect()
}

/// The facts that vouchers were applied for with, canonical JSON.
pub(in crate::voucher) async fn facts_of_applications(
    conn: &mut PgConnection,
    zone: ZoneId,
    vouchers: &[VoucherId],
) -> Result<HashMap<VoucherId, String>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT application_id, facts FROM ledger.voucher_application
         WHERE zone_id = $1 AND application_id = ANY($2)",
        zone.0,
        &ids(vouchers),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (VoucherId(row.application_id), row.facts))
        .collect())
}

pub(in crate::voucher) async fn review_applications(
    conn: &mut PgConnection,
    zone: ZoneId,
    reviewer: PersonId,
    steps: &[ApplicationStep],
) -> Result<(), sqlx::Error> {
    let states: Vec<&str> = steps.iter().map(|step| step.state.as_str()).collect();
    sqlx::query!(
        "UPDATE ledger.voucher_application a SET state = new.state, reviewed_by = $2,
             reviewed_index = new.log_index
         FROM unnest($3::uuid[], $4::text[], $5::bigint[]) AS new (application_id, state, log_index)
         WHERE a.zone_id = $1 AND a.application_id = new.application_id AND a.state = 'applied'",
        zone.0,
        reviewer.0,
        &steps.iter().map(|step| step.id.0).collect::<Vec<_>>(),
        &states as _,
        &steps.iter().map(|step| step.index.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::voucher) async fn decide_applications(
    conn: &mut PgConnection,
    zone: ZoneId,
    approver: PersonId,
    steps: &[ApplicationStep],
) -> Result<(), sqlx::Error> {
    let states: Vec<&str> = steps.iter().map(|step| step.state.as_str()).collect();
    sqlx::query!(
        "UPDATE ledger.voucher_application a SET state = new.state, decided_by = $2,
             decided_index = new.log_index
         FROM unnest($3::uuid[], $4::text[], $5::bigint[]) AS new (application_id, state, log_index)
         WHERE a.zone_id = $1 AND a.application_id = new.application_id AND a.state = 'recommended'",
        zone.0,
        approver.0,
        &steps.iter().map(|step| step.id.0).collect::<Vec<_>>(),
        &states as _,
        &steps.iter().map(|step| step.index.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn application_state(text: &str) -> Result<ApplicationState, sqlx::Error> {
    use ApplicationState::{Applied, Issued, Recommended, Rejected};
    [Applied, Recommended, Issued, Rejected]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| sqlx::Error::Decode(format!("unknown application state {text:?}").into()))
}

/// Which applications are asked for; every condition that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationFilter {
    /// For a voucher of this programme.
    pub programme: Option<Code>,
    /// At this step.
    pub state: Option<ApplicationState>,
    /// This one.
    pub id: Option<VoucherId>,
}

/// An application in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationRow {
    /// Its identity, and that of the voucher that it becomes.
    pub id: VoucherId,
    /// The entry of it; `V` and this number is its short name.
    pub applied_index: LogIndex,
    /// The programme.
    pub programme: String,
    /// The name of whoever applies.
    pub party_name: String,
    /// Where it stands.
    pub state: ApplicationState,
}

/// Applications, oldest first.
pub async fn applications_in(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &ApplicationFilter,
    limit: i64,
) -> Result<Vec<ApplicationRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT a.application_id, a.applied_index, a.programme, p.name, a.state
         FROM ledger.voucher_application a
         JOIN ledger.party p ON p.zone_id = a.zone_id AND p.party_id = a.party_id
         WHERE a.zone_id = $1 AND ($2::text IS NULL OR a.programme = $2) AND ($3::text IS NULL OR a.state = $3)
             AND ($4::uuid IS NULL OR a.application_id = $4)
         ORDER BY a.application_id LIMIT $5",
        zone.0,
        filter.programme.as_ref().map(Code::as_str),
        filter.state.map(ApplicationState::as_str),
        filter.id.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| {
        Ok(ApplicationRow {
            id: VoucherId(row.application_id),
            applied_index: LogIndex(row.applied_index),
            programme: row.programme,
            party_name: row.name,
            state: application_state(&row.state)?,
        })
    });
    row.collect()
}
