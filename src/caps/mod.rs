//! Caps, counted: a limit of a policy is a pair of accounts of the quota book, what is left of it and what is used
//! (docs/adr/0016). An award uses it in the same entry as money, so no limit can be raced.

mod quota;
mod usages;

pub(crate) use quota::{COUNTED, CountedFor, one};
pub(crate) use usages::{Asked, Usages, rests_on_others, rests_on_usage};

use crate::journal::{AccountCode, Book, Transfer};
use crate::policy::Scope;
use crate::types::ItemId;

/// What an award used of limits, given back: of the transfers of its entry, those that used some, the other way. What
/// changed limits stays.
pub(crate) fn given_back(award: &[Transfer]) -> impl Iterator<Item = Transfer> {
    let is_limit = |code: AccountCode| matches!(code, AccountCode::Q10 | AccountCode::Q11);
    let used = award.iter().filter(move |moved| {
        let (debit, credit) = (moved.debit().code, moved.credit().code);
        debit.book() == Book::Quota && !is_limit(debit) && !is_limit(credit)
    });
    used.cloned().map(Transfer::reversed)
}

/// The limits that a voucher is counted against, as accounts of the quota book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Which.
    pub scopes: Vec<Scope>,
    /// The holder's controller group, or the holder itself, where groups count.
    pub undertaking: Option<ItemId>,
}

impl Quotas {
    /// Whether it is counted against this one.
    pub fn counts(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}
