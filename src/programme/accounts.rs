//! The accounts of a programme's budget line, named in one place.

use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::types::{Amount, Code, Currency, FiscalYear, PartyId};

/// One programme in one budget year: what authority and money are kept by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BudgetLine {
    /// The programme.
    pub programme: Code,
    /// The budget year that pays.
    pub year: FiscalYear,
    /// The zone's currency.
    pub currency: Currency,
}

impl BudgetLine {
    /// An account of the line itself, such as B30 or F5010.
    pub fn account(&self, code: AccountCode) -> Address {
        Address::new(code, self.currency)
            .programme(&self.programme)
            .year(self.year)
    }

    /// What the line owes a payee.
    pub fn payable(&self, payee: PartyId) -> Address {
        self.account(AccountCode::F2010).party(payee)
    }

    /// A transfer between two accounts of the line.
    pub fn transfer(
        &self,
        debit: AccountCode,
        credit: AccountCode,
        amount: Amount,
    ) -> Result<Transfer, TransferError> {
        Transfer::new(self.account(debit), self.account(credit), amount)
    }
}
