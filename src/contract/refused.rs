//! Why a contract does not do what it is asked to.

use serde::{Deserialize, Serialize};

/// A refusal that a person may contest, as answers and entries say it.
pub type Refused = crate::batch::Refused<ContractRefusal>;

/// Why nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContractRefusal {
    /// The contract is not at this step.
    WrongState,
    /// The same person acted before on this contract (invariant 9).
    Segregation,
    /// The person has to stay out of the provider's cases.
    Recused,
    /// The provider is excluded from programmes; the reason is the last day of it.
    Excluded,
    /// The programme has a contract of that number; the reason is its short name.
    Duplicate,
    /// The programme has less than that available; the reason is what it has.
    BudgetExhausted,
    /// The programme's budget of the year is frozen.
    BudgetFrozen,
    /// A proposal to end it waits; the reason is its entry.
    EndWaits,
    /// It is not the proposal that waits.
    Stale,
    /// A milestone is claimed; the reasons are the claims.
    MilestoneClaimed,
}

impl ContractRefusal {
    /// Every one of them.
    pub const ALL: [Self; 10] = [
        Self::WrongState,
        Self::Segregation,
        Self::Recused,
        Self::Excluded,
        Self::Duplicate,
        Self::BudgetExhausted,
        Self::BudgetFrozen,
        Self::EndWaits,
        Self::Stale,
        Self::MilestoneClaimed,
    ];

    /// What to tell a person, English and Chinese.
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::WrongState => (
                "The contract is not at this step: `contract show` says where it stands.",
                "合同不处于该环节，可用 `contract show` 查看。",
            ),
            Self::Segregation => (
                "The same person acted on this contract before: another one has to.",
                "同一人不得办理同一合同的多个环节。",
            ),
            Self::Recused => (
                "The person is recused from this party's cases, or acts for it: another one has to.",
                "该人员应当回避该主体的事项，须由他人办理。",
            ),
            Self::Excluded => (
                "The provider is excluded from programmes until that day: `exclusion list` says why.",
                "该服务机构在该日之前被取消资格，可用 `exclusion list` 查看。",
            ),
            Self::Duplicate => (
                "The programme has a contract of that number already, however it is spelt: one contract reserves once.",
                "该项目已有同一编号的合同（不论大小写、全角半角），同一合同只预留一次。",
            ),
            Self::BudgetExhausted => (
                "The programme has less than that available this year: allocate more to it, or agree on less.",
                "项目当年可用预算不足，请先追加预算或减少合同金额。",
            ),
            Self::BudgetFrozen => (
                "The programme's budget of the year is frozen: it waits until that is thawed.",
                "项目当年预算已冻结，待解冻后办理。",
            ),
            Self::EndWaits => (
                "A proposal to end it waits: confirm it, or reject it first.",
                "已有终止建议待办，请先确认或驳回。",
            ),
            Self::Stale => (
                "It is not the proposal that waits: `contract show` names its entry.",
                "所注明的不是待办的终止建议，可用 `contract show` 查看其分录号。",
            ),
            Self::MilestoneClaimed => (
                "A milestone is claimed: decide on the claim first, or let the provider withdraw it.",
                "有节点正在申领，请先审定该申领，或由服务机构撤回。",
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
        let english: HashSet<_> = ContractRefusal::ALL.map(|one| one.sentences().0).into();
        let chinese: HashSet<_> = ContractRefusal::ALL.map(|one| one.sentences().1).into();
        assert_eq!((english.len(), chinese.len()), (10, 10));
    }
}
