//! What each step of a contract moves in the books.

use super::model::Contract;
use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::programme::{BudgetLine, OpenYears};
use crate::types::{Amount, ContractId, Money};

type Transfers = Result<Vec<Transfer>, TransferError>;

/// What is reserved for a contract, as an account.
fn reserved(line: &BudgetLine, contract: ContractId) -> Address {
    line.account(AccountCode::B50).item(contract)
}

/// The confirmation: free authority is reserved.
pub(super) fn reserve(line: &BudgetLine, contract: &Contract) -> Transfers {
    let free = line.account(AccountCode::B30);
    let own = reserved(line, contract.id);
    Ok(vec![Transfer::new(free, own, contract.amount)?])
}

/// What is not used goes back: free again while its year is open, lapsed later.
pub(super) fn release(
    line: &BudgetLine,
    contract: ContractId,
    amount: Amount,
    years: &OpenYears,
) -> Result<Transfer, TransferError> {
    let to = line.account(years.returns_to(line));
    Transfer::new(reserved(line, contract), to, amount)
}

/// A milestone is accepted: what is reserved becomes an obligation, and what was reserved beyond that goes back.
pub(crate) fn accepted(
    line: &BudgetLine,
    contract: ContractId,
    (amount, rest): (Amount, Money),
    years: &OpenYears,
) -> Transfers {
    let obligated = line.account(AccountCode::B60);
    let own = reserved(line, contract);
    let mut transfers = vec![Transfer::new(own, obligated, amount)?];
    if let Ok(rest) = Amount::new(rest) {
        transfers.push(release(line, contract, rest, years)?);
    }
    Ok(transfers)
}

/// The approval of a milestone's claim was revoked, and its contract stands: the obligation is a reservation again.
pub(crate) fn reopened(
    line: &BudgetLine,
    contract: ContractId,
    amount: Amount,
) -> Result<Transfer, TransferError> {
    let obligated = line.account(AccountCode::B60);
    Transfer::new(obligated, reserved(line, contract), amount)
}
