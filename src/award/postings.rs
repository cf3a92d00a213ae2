//! What the awards of a list move, and what a change of the list moves.

use std::collections::BTreeMap;

use crate::journal::{AccountCode, Address, Transfer};
use crate::types::{Amount, Code, Currency, FiscalYear, ItemId, Money, PartyId};

/// An award as the books see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) award: ItemId,
    pub(super) programme: Code,
    pub(super) year: FiscalYear,
    /// `None` is a natural person without a name: the payable is then the award's own.
    pub(super) party: Option<PartyId>,
    pub(super) granted: Money,
}

impl Placement {
    /// Obligates authority and owes the amount; a refusal moves nothing.
    pub(super) fn transfers(&self, currency: Currency) -> Vec<Transfer> {
        let Ok(amount) = Amount::new(self.granted) else {
            return Vec::new();
        };
        let of_programme = |code| {
            let account = Address::new(code, currency);
            account.programme(&self.programme).year(self.year)
        };
        let payable = Address::new(AccountCode::F2010, currency);
        let payable = match self.party {
            Some(party) => payable.party(party),
            None => payable.item(self.award),
        };
        vec![
            join(
                of_programme(AccountCode::B30),
                of_programme(AccountCode::B60),
                amount,
            ),
            join(of_programme(AccountCode::F5040), payable, amount),
        ]
    }
}

/// By how much the authority of programmes must change so that it is what was granted.
#[derive(Debug, Default)]
pub(super) struct BudgetChanges(BTreeMap<(Code, FiscalYear), i64>);

impl BudgetChanges {
    pub(super) fn grant(&mut self, placement: &Placement) {
        *self.change(placement) += placement.granted.minor();
    }

    pub(super) fn take_back(&mut self, placement: &Placement) {
        *self.change(placement) -= placement.granted.minor();
    }

    fn change(&mut self, placement: &Placement) -> &mut i64 {
        let key = (placement.programme.clone(), placement.year);
        self.0.entry(key).or_default()
    }

    /// The programmes whose authority changes, with the transfers that change it.
    pub(super) fn transfers(
        self,
        currency: Currency,
    ) -> impl Iterator<Item = (Code, FiscalYear, Money, Vec<Transfer>)> {
        self.0
            .into_iter()
            .filter_map(move |((programme, year), change)| {
                let amount = Amount::new(Money::from_minor(change.abs())).ok()?;
                let of_year = |code| Address::new(code, currency).year(year);
                let free = of_year(AccountCode::B30).programme(&programme);
                let appropriated =
                    join(of_year(AccountCode::B10), of_year(AccountCode::B20), amount);
                let allocated = join(of_year(AccountCode::B20), free, amount);
                let transfers = if change > 0 {
                    vec![appropriated, allocated]
                } else {
                    vec![allocated.reversed(), appropriated.reversed()]
                };
                Some((programme, year, Money::from_minor(change), transfers))
            })
    }
}

fn join(debit: Address, credit: Address, amount: Amount) -> Transfer {
    Transfer::new(debit, credit, amount).expect("BUG: two accounts of one book and currency")
}
