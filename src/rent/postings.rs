//! What rent moves in its book: memo between a carrier and its tenant, never public money.
//!
//! Each part of a bill is an account of the lease, so a step debits the part that rent goes to and credits the part that it
//! leaves. Other charges are not in the book at all.

use std::collections::BTreeMap;

use super::bill::{Move, Part};
use super::lease::Lease;
use crate::journal::{AccountCode, Address, Transfer, TransferError};
use crate::types::{Amount, Currency, Money};

/// A lease's own account of a kind.
pub(super) fn own(lease: &Lease, code: AccountCode, currency: Currency) -> Address {
    Address::new(code, currency)
        .party(lease.carrier)
        .item(lease.id)
}

const fn account(part: Part) -> AccountCode {
    match part {
        Part::Open => AccountCode::M1010,
        Part::Deferred => AccountCode::M1020,
        Part::Paid => AccountCode::M1030,
        Part::Waived => AccountCode::M5010,
    }
}

/// A bill: rent becomes due. Nothing where an extension is free of rent.
pub(super) fn bill(
    lease: &Lease,
    rent: Money,
    currency: Currency,
) -> Result<Vec<Transfer>, TransferError> {
    let own = |code| own(lease, code, currency);
    Amount::new(rent)
        .ok()
        .map(|rent| Transfer::new(own(AccountCode::M1010), own(AccountCode::M4010), rent))
        .into_iter()
        .collect()
}

/// Moves of any months: one transfer for each pair of parts.
pub(super) fn moved(
    lease: &Lease,
    moves: &[Move],
    currency: Currency,
) -> Result<Vec<Transfer>, TransferError> {
    let mut sums: BTreeMap<(Part, Part), Money> = BTreeMap::new();
    for step in moves {
        let sum = sums.entry((step.from, step.to)).or_default();
        *sum = [*sum, step.amount.money()].into_iter().sum();
    }
    let own = |part| own(lease, account(part), currency);
    let sums = sums.into_iter();
    sums.filter_map(|((from, to), sum)| Some((from, to, Amount::new(sum).ok()?)))
        .map(|(from, to, sum)| Transfer::new(own(to), own(from), sum))
        .collect()
}

/// The rent of an extension: billed and waived at once, so that nothing is ever due.
pub(super) fn extension(
    lease: &Lease,
    rent: Amount,
    currency: Currency,
) -> Result<Transfer, TransferError> {
    let own = |code| own(lease, code, currency);
    Transfer::new(own(AccountCode::M5010), own(AccountCode::M4010), rent)
}
