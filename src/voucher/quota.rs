//! What a voucher gives back of the limits that it was counted against.

use super::model::Voucher;
use crate::caps::{COUNTED, CountedFor, one};
use crate::journal::{Transfer, TransferError};
use crate::policy::Scope;
use crate::types::{Amount, ItemId, Money};

/// Gives back what a voucher used of the limits that it was counted against, when so much of it leaves unused. It counts
/// as an award as long as something of it was used, or may be.
pub(super) fn give_back(voucher: &Voucher, amount: Amount) -> Result<Vec<Transfer>, TransferError> {
    let parts = voucher.parts;
    let is_over = [parts.free, parts.held, parts.redeemed]
        .iter()
        .all(|part| *part == Money::ZERO);
    let mut transfers = Vec::new();
    for scope in counted(voucher) {
        let amount = if scope.counts() { one() } else { amount };
        if !scope.counts() || is_over {
            transfers.extend(return_one(voucher, scope, amount)?);
        }
    }
    Ok(transfers)
}

/// Gives back what is no longer held.
pub(super) fn no_longer_held(
    voucher: &Voucher,
    used: Amount,
) -> Result<Option<Transfer>, TransferError> {
    if voucher.quotas.counts(Scope::Holding) {
        return_one(voucher, Scope::Holding, used)
    } else {
        Ok(None)
    }
}

fn counted(voucher: &Voucher) -> impl Iterator<Item = Scope> + '_ {
    let counts = |scope: &Scope| voucher.quotas.counts(*scope);
    COUNTED.into_iter().filter(counts)
}

fn return_one(
    voucher: &Voucher,
    scope: Scope,
    amount: Amount,
) -> Result<Option<Transfer>, TransferError> {
    let counted = CountedFor {
        line: &voucher.line,
        holder: voucher.holder,
        undertaking: voucher
            .quotas
            .undertaking
            .unwrap_or(ItemId(voucher.holder.0)),
        provider: None,
        item: voucher.id.into(),
    };
    let quota = counted.quota(scope);
    quota
        .map(|quota| Ok(quota.take(amount)?.reversed()))
        .transpose()
}
