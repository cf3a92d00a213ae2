//! Budget authority: appropriated to the zone, allocated to programmes.

use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::{BudgetLine, ProgrammeError, first_answer, record, store};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Address, RecordError, Recorded, Transfer};
use crate::log;
use crate::types::{Amount, Code, FiscalYear, Reason};

/// Authority and money that the treasury gives a zone for a year.
#[derive(Clone, Debug)]
pub struct Appropriate {
    /// How much.
    pub amount: Amount,
    /// The budget document.
    pub document: Reason,
    /// For which budget year.
    pub year: FiscalYear,
}

/// Authority of the zone that goes to a programme.
#[derive(Clone, Debug)]
pub struct Allocate {
    /// How much.
    pub amount: Amount,
    /// The programme.
    pub programme: Code,
    /// Of which budget year.
    pub year: FiscalYear,
}

/// Refuses a budget year that is closed: its authority would come back to life after its accounts were settled, and
/// nothing could use it, since vouchers are issued from the year of the day (docs/adr/0014). What comes late belongs
/// to an open year. The head of the log is locked first, so that the year is not closed before the entry.
pub(super) async fn require_open(
    conn: &mut PgConnection,
    command: &Command<'_>,
    year: FiscalYear,
) -> Result<(), ProgrammeError> {
    let zone = command.zone;
    lock_head(conn, command).await?;
    match journal::year_closed_by(conn, zone.id, year).await? {
        None => Ok(()),
        Some(closing) => Err(ProgrammeError::YearClosed {
            year,
            closing,
            open: FiscalYear::of(zone.time.day(command.now)),
        }),
    }
}

/// Locks the head of the log: what is read of the books after that stays so until commit.
pub(super) async fn lock_head(
    conn: &mut PgConnection,
    command: &Command<'_>,
) -> Result<(), ProgrammeError> {
    log::lock_head(conn, command.zone.id)
        .await
        .map_err(RecordError::from)?;
    Ok(())
}

/// Enters an appropriation: authority B10/B20, and money F1010/F3010. A closed year is refused.
pub async fn appropriate(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Appropriate,
) -> Result<Recorded, ProgrammeError> {
    #[derive(Serialize)]
    struct Appropriated<'a> {
        amount: String,
        document: &'a Reason,
        year: FiscalYear,
    }
    const KIND: &str = "budget.appropriated";
    command.actor.require(&[Role::Finance])?;
    let currency = command.zone.currency;
    let details = Appropriated {
        amount: input.amount.money().to_text(currency),
        document: &input.document,
        year: input.year,
    };
    let first = first_answer::<_, IgnoredAny>(conn, command, KIND, &details).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    require_open(conn, command, input.year).await?;
    let of_year = |code| Address::new(code, currency).year(input.year);
    let transfers = vec![
        Transfer::new(
            of_year(AccountCode::B10),
            of_year(AccountCode::B20),
            input.amount,
        )?,
        Transfer::new(
            Address::new(AccountCode::F1010, currency),
            of_year(AccountCode::F3010),
            input.amount,
        )?,
    ];
    record(conn, command, (KIND, &details), &details, transfers).await
}

/// Allocates authority to a programme: B20/B30. More than is unallocated is refused, and a closed year.
pub async fn allocate(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Allocate,
) -> Result<Recorded, ProgrammeError> {
    #[derive(Serialize)]
    struct Allocated<'a> {
        amount: String,
        programme: &'a Code,
        year: FiscalYear,
    }
    const KIND: &str = "budget.allocated";
    command.actor.require(&[Role::Finance])?;
    let currency = command.zone.currency;
    let details = Allocated {
        amount: input.amount.money().to_text(currency),
        programme: &input.programme,
        year: input.year,
    };
    let first = first_answer::<_, IgnoredAny>(conn, command, KIND, &details).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    if !store::exists(conn, command.zone.id, &input.programme).await? {
        return Err(ProgrammeError::Unknown(input.programme.clone()));
    }
    require_open(conn, command, input.year).await?;
    let line = BudgetLine {
        programme: input.programme.clone(),
        year: input.year,
        currency,
    };
    let unallocated = Address::new(AccountCode::B20, currency).year(input.year);
    let transfer = Transfer::new(unallocated, line.account(AccountCode::B30), input.amount)?;
    record(conn, command, (KIND, &details), &details, vec![transfer]).await
}
