//! What the approval of a claim moves in the books.

use crate::journal::{AccountCode, Transfer, TransferError};
use crate::programme::BudgetLine;
use crate::types::{Amount, PartyId};

/// Approval: free authority becomes an obligation, and the amount is owed to the claimant.
pub(super) fn approve(
    line: &BudgetLine,
    expense: AccountCode,
    payee: PartyId,
    amount: Amount,
) -> Result<Vec<Transfer>, TransferError> {
    Ok(vec![
        line.transfer(AccountCode::B30, AccountCode::B60, amount)?,
        Transfer::new(line.account(expense), line.payable(payee), amount)?,
    ])
}
