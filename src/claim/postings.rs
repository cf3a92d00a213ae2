//! What the approval of a claim moves in the books, and what revoking it moves back.

use crate::journal::{AccountCode, Transfer, TransferError};
use crate::programme::{BudgetLine, OpenYears};
use crate::types::{Amount, PartyId};

/// Free authority becomes an obligation.
pub(super) fn obligate(line: &BudgetLine, amount: Amount) -> Result<Transfer, TransferError> {
    line.transfer(AccountCode::B30, AccountCode::B60, amount)
}

/// The amount is owed to the claimant.
pub(super) fn owe(
    line: &BudgetLine,
    expense: AccountCode,
    payee: PartyId,
    amount: Amount,
) -> Result<Transfer, TransferError> {
    Transfer::new(line.account(expense), line.payable(payee), amount)
}

/// The obligation is none any more: free again while its year is open, lapsed later.
pub(super) fn release(
    line: &BudgetLine,
    amount: Amount,
    years: &OpenYears,
) -> Result<Transfer, TransferError> {
    line.transfer(AccountCode::B60, years.returns_to(line), amount)
}
