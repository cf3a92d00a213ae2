//! The bank returns a payment, of which a part may have been paid back already.

use sqlx::PgConnection;

use super::offset::{OffsetAnswer, OffsetRecovery, offset};
use super::store;
use crate::batch::{BatchError, Rejected};
use crate::identity::Command;
use crate::payment::{self, BankLineId, PaymentError, ReturnedPayment, Returning};
use crate::types::{Reason, RecoveryId};

/// Why nothing was returned.
#[derive(Debug, thiserror::Error)]
pub enum ReturnError {
    /// What a recovery has open could not be ended.
    #[error("what recovery {recovery} has open would end with the return, by an offset: {why}")]
    NotEnded {
        /// The recovery.
        recovery: RecoveryId,
        /// What was in the way of the offset.
        why: &'static str,
    },
    /// The line does not bring the payment back.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The offset was undone.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The offset was not even recorded.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Says that a line of the bank brings back what an instruction had paid, all of it: the payable is owed again. A recovery of
/// it that is partly settled ends: what it has open is offset against the payable, by an entry after that of the return, so
/// what stays owed is what the payee gave back, and what was never asked of it (docs/adr/0027). Refused while a recovery waits
/// or has nothing settled, which is rejected or voided first, and where something of one was written off; and if whoever says
/// it may not make that offset.
pub async fn return_payment(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (line, instruction, reason): (BankLineId, &str, &Reason),
) -> Result<ReturnedPayment, ReturnError> {
    // Recoveries before payables, and payables before lines of the bank.
    let open = store::lock_partly_settled(conn, command.zone.id, instruction).await?;
    let what = (line, instruction, reason);
    let returned = match payment::return_payment(conn, command, what, &open).await? {
        Returning::Before(returned) => return Ok(returned),
        Returning::Now(returned) => returned,
    };
    // The key is that of the return, whose entry tells what ends with it.
    let unkeyed = Command {
        key: None,
        ..*command
    };
    let ended = returned.ended.iter().map(|ended| {
        let input = OffsetRecovery {
            amount: Some(ended.amount.clone()),
            payable: returned.payable,
            recovery: ended.recovery,
        };
        (unkeyed, input)
    });
    let answers = offset(conn, &ended.collect::<Vec<_>>()).await?;
    for (ended, answered) in returned.ended.iter().zip(answers) {
        if let OffsetAnswer::Refused(refused) = answered?.answer {
            return Err(ReturnError::NotEnded {
                recovery: ended.recovery,
                why: refused.code.sentences().0,
            });
        }
    }
    Ok(returned)
}
