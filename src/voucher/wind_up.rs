//! Vouchers that end with their budget year are taken back, with what is held of them.

use serde::Serialize;
use sqlx::PgConnection;

use super::end::{Cancel, EndAnswer, Release, cancel, release};
use super::store;
use crate::accounting::{self, VouchersAtEnd};
use crate::batch::{Answers, BatchError};
use crate::identity::{Command, Forbidden, Role};
use crate::types::{Code, FiscalYear, Reason, VoucherId};

/// Whose vouchers end, and why.
#[derive(Clone, Debug)]
pub struct WindUp {
    /// The programme, whose rule says so.
    pub programme: Code,
    /// The budget year that they were issued from.
    pub year: FiscalYear,
    /// Why.
    pub reason: Reason,
}

/// What became of some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WoundUp {
    /// Orders that were released.
    pub released: usize,
    /// Vouchers that were taken back.
    pub cancelled: usize,
    /// The last voucher that was looked at; nothing if there are no more.
    #[serde(skip)]
    pub last: Option<VoucherId>,
}

/// Why nothing was wound up.
#[derive(Debug, thiserror::Error)]
pub enum WindUpError {
    /// The year goes on.
    #[error("budget year {0} is not over: its vouchers can be used until its last day")]
    YearNotOver(FiscalYear),
    /// The programme's vouchers outlive the year.
    #[error(
        "vouchers of {0} are kept until their last day: `period year-end-rule {0}` with `--vouchers end` lets them end with the \
         year; `voucher cancel` takes one back"
    )]
    Kept(Code),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A batch was undone.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Releases what is held of the vouchers of a programme and year, and takes back what is free then: of at most `limit`
/// vouchers after this one, in the order of their ids. Safe to run twice, and to be stopped in between.
pub async fn wind_up(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (input, after): (&WindUp, Option<VoucherId>),
    limit: i64,
) -> Result<WoundUp, WindUpError> {
    command.actor.require(&[Role::Manager])?;
    let zone = command.zone.id;
    if FiscalYear::of(command.today()) <= input.year {
        return Err(WindUpError::YearNotOver(input.year));
    }
    let rules = accounting::store::rules(conn, zone).await?;
    let rule = rules.get(&input.programme).copied().unwrap_or_default();
    if rule.vouchers == VouchersAtEnd::Keep {
        return Err(WindUpError::Kept(input.programme.clone()));
    }
    let of = (&input.programme, input.year);
    let vouchers = store::vouchers_with_value(conn, zone, of, after, limit).await?;
    let held = store::held_of(conn, zone, &vouchers).await?;
    let unkeyed = Command {
        key: None,
        ..*command
    };
    let releases: Vec<_> = held
        .into_iter()
        .map(|hold| {
            let reason = input.reason.clone();
            (unkeyed, Release { hold, reason })
        })
        .collect();
    let given_back = release(conn, &releases).await?;
    let cancels: Vec<_> = vouchers
        .iter()
        .map(|voucher| {
            let (voucher, reason) = (*voucher, input.reason.clone());
            (unkeyed, Cancel { reason, voucher })
        })
        .collect();
    let taken_back = cancel(conn, &cancels).await?;
    Ok(WoundUp {
        released: done(&given_back),
        cancelled: done(&taken_back),
        last: vouchers.last().copied(),
    })
}

/// How many were carried out.
fn done(answers: &Answers<EndAnswer>) -> usize {
    let is_done = |answer: &&EndAnswer| !matches!(answer, EndAnswer::Refused(_));
    let answered = answers.iter().flatten().map(|answered| &answered.answer);
    answered.filter(is_done).count()
}
