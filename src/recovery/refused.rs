//! Why a recovery does not do what it is asked to.

use serde::{Deserialize, Serialize};

/// A refusal that a person may contest, as answers and entries say it.
pub type Refused = crate::batch::Refused<RecoveryRefusal>;

/// Why nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecoveryRefusal {
    /// The recovery is not at this step.
    WrongState,
    /// The same person acted before on this case (invariant 9).
    Segregation,
    /// The person has to stay out of the party's cases.
    Recused,
    /// What should be recovered was not paid.
    NotPaid,
    /// On corrected facts no less is right than was paid, or all of the difference is asked back already.
    NothingToRecover,
    /// The rules can't decide on the corrected facts: the decision says what is missing.
    Policy,
    /// It is more than is open.
    MoreThanOpen,
    /// Something was settled already.
    PartlySettled,
    /// The line of the bank is no money that came in.
    NoReceipt,
    /// The line of the bank is something else.
    LineMatched,
    /// The payable is that of another party.
    OtherParty,
    /// The payable is not approved for payment, or in a batch.
    NotReady,
    /// It is more than is left to pay of the payable.
    MoreThanOwed,
    /// It is not the write-off that waits, or something was settled since.
    Stale,
}

impl RecoveryRefusal {
    /// Every one of them.
    pub const ALL: [Self; 14] = [
        Self::WrongState,
        Self::Segregation,
        Self::Recused,
        Self::NotPaid,
        Self::NothingToRecover,
        Self::Policy,
        Self::MoreThanOpen,
        Self::PartlySettled,
        Self::NoReceipt,
        Self::LineMatched,
        Self::OtherParty,
        Self::NotReady,
        Self::MoreThanOwed,
        Self::Stale,
    ];

    /// What to tell a person, English and Chinese.
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::WrongState => (
                "The recovery is not at this step: `recovery show` says where it stands.",
                "追回不处于该环节，可用 `recovery show` 查看。",
            ),
            Self::Segregation => (
                "The same person acted on this case before: another one has to.",
                "同一人不得办理同一事项的多个环节。",
            ),
            Self::Recused => (
                "The person is recused from this party's cases, or acts for it: another one has to.",
                "该人员应当回避该主体的事项，须由他人办理。",
            ),
            Self::NotPaid => (
                "Only what was paid is asked back. What is owed and not paid is not approved for payment; the approval of a claim is \
                 taken back with `claim revoke`.",
                "只能追回已支付的资金；未支付的，财务可不予批准，已批准的申领可用 `claim revoke` 撤销。",
            ),
            Self::NothingToRecover => (
                "By the rules that decided, no less is right than was paid, or the difference is asked back already.",
                "按原适用政策重新核定，应付额不低于已付额，或差额已责令追回。",
            ),
            Self::Policy => (
                "The rules can't decide on the corrected facts: state what is missing as well.",
                "按更正后的事实无法核定，请补充缺少的事实。",
            ),
            Self::MoreThanOpen => (
                "It is more than is open: `recovery list --party` shows what else the party owes; what is beyond that goes back to whoever paid it.",
                "金额超过未追回余额，请用 `recovery list --party` 查看该主体的其他追回；多余款项应退回。",
            ),
            Self::PartlySettled => (
                "Something of it came in or was offset: an order is voided only before that. If the bank returned the payment \
                 itself, `payment return` ends what is open.",
                "已有部分追回，不能撤销该追回决定。如系银行退汇，可用 `payment return` 终结未追回余额。",
            ),
            Self::NoReceipt => (
                "The line of the bank brought no money, or takes a booking back: `payment unmatched` shows credits.",
                "该银行流水不是收款，请用 `payment unmatched` 查看收款流水。",
            ),
            Self::LineMatched => (
                "The line of the bank is something of the books already: one line is one receipt.",
                "该银行流水已与账簿对应，一笔流水只能对应一笔收款。",
            ),
            Self::OtherParty => (
                "The payable is that of another party: a recovery is offset against what its own party is owed.",
                "该应付款属于其他主体，只能与同一主体的应付款抵扣。",
            ),
            Self::NotReady => (
                "The payable is not approved for payment, or is in a batch: finance approves it first, or a cashier discards the batch.",
                "该应付款尚未批准支付或已在支付批次中，须先批准，或撤销该批次。",
            ),
            Self::MoreThanOwed => (
                "It is more than is left to pay of the payable: name less, or another one.",
                "金额超过该应付款的未付余额，请减少金额或另选应付款。",
            ),
            Self::Stale => (
                "It is not the write-off that waits, or something was settled since: finance proposes it again.",
                "所注明的核销建议已失效，须由财务重新提出。",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_refusal_has_sentences_of_its_own() {
        let english: HashSet<_> = RecoveryRefusal::ALL.map(|one| one.sentences().0).into();
        let chinese: HashSet<_> = RecoveryRefusal::ALL.map(|one| one.sentences().1).into();
        assert_eq!((english.len(), chinese.len()), (14, 14));
    }
}
