//! A programme's rule for the end of a budget year.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::accounting::proposal::{PeriodError, first_answer, record};
use crate::accounting::store;
use crate::identity::{Command, Role};
use crate::journal::Recorded;
use crate::programme;
use crate::types::{Code, Reason};

/// What becomes of what nothing uses (B30).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeAtEnd {
    /// It lapses (B80).
    #[default]
    Lapse,
    /// It is carried over to the same programme of the next year (B90): its purpose is kept. What was carried over
    /// already and stayed unused lapses, since carried funds that are unused two years running are taken back.
    Carry,
}

/// What becomes of vouchers of the year (B40), and of what is held of them or reserved for contracts (B50).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VouchersAtEnd {
    /// Vouchers can be used until their last day, and milestones claimed, out of the year that they were issued or reserved in.
    #[default]
    Keep,
    /// Orders are released and vouchers taken back before the year is closed (`voucher wind-up`), and contracts ended
    /// (`contract end`).
    End,
}

/// Both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Of what nothing uses.
    pub free: FreeAtEnd,
    /// Of vouchers and contracts.
    pub vouchers: VouchersAtEnd,
}

/// A rule to be set.
#[derive(Clone, Debug, Serialize)]
pub struct NewRule {
    /// The programme.
    pub programme: Code,
    /// The regulation or decision that it follows.
    pub reason: Reason,
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
}

/// Sets a programme's rule. It counts from then on, until another one is set; a programme without one lets lapse what is
/// free and keeps its vouchers and contracts.
pub async fn set_rule(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &NewRule,
) -> Result<Recorded, PeriodError> {
    const KIND: &str = "period.year_end_rule_set";
    command.actor.require(&[Role::Finance, Role::Manager])?;
    let first = first_answer::<_, IgnoredAny>(conn, command, KIND, input).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    let zone = command.zone.id;
    if !programme::store::exists(conn, zone, &input.programme).await? {
        return Err(PeriodError::UnknownProgramme(input.programme.clone()));
    }
    let recorded = record(conn, command, (KIND, KIND, input), input, Vec::new()).await?;
    store::insert_rule(conn, zone, input, command.actor.person, recorded.index).await?;
    Ok(recorded)
}
