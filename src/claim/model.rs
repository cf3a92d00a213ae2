//! A claim and its life, without IO.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::contract::MilestoneId;
use crate::policy::{Facts, Sha256};
use crate::types::{Amount, ClaimId, Code, LogIndex, NoticeId, PartyId, PersonId, PolicyId};

/// Where a claim stands. After approval its payable goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// Being written.
    Draft,
    /// Waits for a reviewer.
    Submitted,
    /// A review or an approver gave it back to be corrected.
    Returned,
    /// A reviewer recommends an amount.
    Recommended,
    /// On a public list.
    Noticed,
    /// Somebody objected: waits for a reviewer.
    Objected,
    /// Owed.
    Approved,
    /// The approval was taken back before anything was paid.
    Revoked,
    /// Turned down.
    Rejected,
    /// Taken back by the claimant.
    Withdrawn,
}

impl ClaimState {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Draft,
        Self::Submitted,
        Self::Returned,
        Self::Recommended,
        Self::Noticed,
        Self::Objected,
        Self::Approved,
        Self::Revoked,
        Self::Rejected,
        Self::Withdrawn,
    ];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Returned => "returned",
            Self::Recommended => "recommended",
            Self::Noticed => "noticed",
            Self::Objected => "objected",
            Self::Approved => "approved",
            Self::Revoked => "revoked",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The command that goes on from here, for people.
    pub const fn goes_on(self) -> &'static str {
        match self {
            Self::Draft | Self::Returned => {
                "`claim submit`, by the claimant; `claim revise` corrects it first"
            }
            Self::Submitted | Self::Objected => "`claim review`, by a reviewer",
            Self::Recommended => {
                "`claim notice publish` if the policy asks for a notice, else `claim approve` or `claim decline`"
            }
            Self::Noticed => {
                "`claim approve` once the notice is over; until then `claim object` takes down objections"
            }
            Self::Approved => {
                "`payment approve`, by finance; `claim revoke` takes the approval back while nothing is in a batch"
            }
            Self::Revoked | Self::Rejected | Self::Withdrawn => {
                "nothing: `claim draft` begins another claim"
            }
        }
    }

    /// Whether the claimant may change what is claimed.
    pub const fn is_open_to_claimant(self) -> bool {
        matches!(self, Self::Draft | Self::Returned)
    }

    /// Whether a reviewer has to look at it.
    pub const fn is_under_review(self) -> bool {
        matches!(self, Self::Submitted | Self::Objected)
    }

    /// Whether other claims may rest on what it did: it was turned down, taken back or revoked.
    pub const fn frees_waivers(self) -> bool {
        matches!(self, Self::Revoked | Self::Rejected | Self::Withdrawn)
    }

    /// Whether nothing happens to the claim any more.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Approved | Self::Revoked | Self::Rejected | Self::Withdrawn
        )
    }
}

/// The last submission of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who.
    pub by: PersonId,
    /// Its entry.
    pub index: LogIndex,
    /// Its day, in the zone's time.
    pub on: NaiveDate,
    /// The policy in force then, which decides on the claim.
    pub policy: PolicyId,
}

/// The last review of what was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Who.
    pub by: PersonId,
    /// Its entry: what approvals are bound to.
    pub index: LogIndex,
    /// Facts that it verified.
    pub verified: Option<Facts>,
}

/// A request for money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Identity; what is owed of it has the same.
    pub id: ClaimId,
    /// Programme.
    pub programme: Code,
    /// Who claims, and is paid.
    pub party: PartyId,
    /// Where it stands.
    pub state: ClaimState,
    /// Number of its content, from 1.
    pub version: i32,
    /// Facts, lines and documents, canonical JSON.
    pub content: String,
    /// SHA-256 of the content.
    pub content_sha256: Sha256,
    /// The milestone of a contract that is claimed, if one is: the content says so.
    pub milestone: Option<MilestoneId>,
    /// Who began it.
    pub drafted_by: PersonId,
    /// The entry that began it; `C` and this number is its short name.
    pub drafted_index: LogIndex,
    /// Its last submission.
    pub submission: Option<Submission>,
    /// The review of it.
    pub review: Option<Reviewed>,
    /// What the review recommended, minor units.
    pub recommended: Option<Amount>,
    /// The last notice that showed it.
    pub notice: Option<NoticeId>,
    /// Who approved it at the last level or turned it down after review, and the entry.
    pub decided: Option<(PersonId, LogIndex)>,
    /// What was approved, minor units.
    pub awarded: Option<Amount>,
    /// Who revoked the approval, and the entry.
    pub revoked: Option<(PersonId, LogIndex)>,
}

impl Claim {
    /// Who had a hand in the claim before its approvals: whoever began or submitted it, and its reviewer.
    pub fn hands(&self) -> impl Iterator<Item = PersonId> + '_ {
        let submitted = self.submission.map(|submission| submission.by);
        let reviewed = self.review.as_ref().map(|review| review.by);
        [Some(self.drafted_by), submitted, reviewed]
            .into_iter()
            .flatten()
    }
}

/// Why a claim does not do what it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClaimRefusal {
    /// The claim is not at this step.
    WrongState,
    /// The same person acted before on this case (invariant 9).
    Segregation,
    /// The person has to stay out of the party's cases.
    Recused,
    /// Another duty approves at this level.
    LevelOrder,
    /// It is not the recommendation that was seen.
    Stale,
    /// Documents that the policy asks for are missing.
    DocumentsMissing,
    /// The public notice has to come first.
    NoticeRequired,
    /// The public notice is not over.
    NoticeRunning,
    /// The public notice is over.
    NoticeOver,
    /// The policy does not allow it: the decision says why.
    Policy,
    /// The programme's budget is used up.
    BudgetExhausted,
    /// The programme's budget of the year is frozen.
    BudgetFrozen,
    /// The policy ranks claims or shares the budget among them.
    Ranked,
    /// Another claim rests on the waiver.
    AlreadyClaimed,
    /// The tenant states another sum than was declared, and nobody has settled that.
    TenantMismatch,
    /// A waiver waits for its tenant or its audit.
    ReliefWaits,
    /// Nothing of a waiver counts.
    NoRelief,
    /// The rent book says otherwise than when the claim was written.
    ReliefChanged,
    /// Relief is stated that the rent book has.
    ReliefInBook,
    /// Another claim has the milestone, or had it and was paid.
    MilestoneClaimed,
    /// The provider has a contract: a claim names one of its milestones.
    MilestoneNotNamed,
    /// Nothing is reserved for the milestone: the contract waits, was ended or is another one.
    ContractNotInForce,
    /// What is owed is in a batch.
    InBatch,
    /// What is owed was paid or offset.
    Paid,
    /// The party is excluded from programmes; the reason is the last day of it.
    Excluded,
}

impl ClaimRefusal {
    /// What to tell a person, English and Chinese.
    #[expect(
        clippy::too_many_lines,
        reason = "a sentence for each code, and nothing else"
    )]
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::WrongState => (
                "The claim is not at this step: `claim show` says where it stands, and which command goes on from there.",
                "申领不处于该环节，可用 `claim show` 查看其状态及下一步命令。",
            ),
            Self::Segregation => (
                "The same person acted on this case before: another one has to.",
                "同一人不得办理同一事项的多个环节。",
            ),
            Self::Recused => (
                "The person is recused from this party's cases, or acts for it: another one has to.",
                "该人员应当回避该主体的事项，须由他人办理。",
            ),
            Self::LevelOrder => (
                "Another duty approves next: levels are taken in their order.",
                "当前审批级别由其他岗位办理，各级须依次审批。",
            ),
            Self::Stale => (
                "It is not what is there now: look at the claim again, and name its version (to review) or the entry of its last \
                 review (to approve).",
                "所注明的不是当前版本或最近一次审核，请重新查看后注明版本号（审核）或审核分录号（审批）。",
            ),
            Self::DocumentsMissing => (
                "Documents that the policy asks for are missing.",
                "缺少政策要求的材料。",
            ),
            Self::NoticeRequired => (
                "The policy asks for a public notice first.",
                "按政策须先公示。",
            ),
            Self::NoticeRunning => ("The public notice is not over.", "公示期未满。"),
            Self::NoticeOver => (
                "The public notice is over: a late objection goes to whoever approves, who can return the claim.",
                "公示期已满，逾期异议请转审批人，由其退回申领。",
            ),
            Self::Policy => ("The policy does not allow it.", "不符合政策条件。"),
            Self::BudgetExhausted => ("The programme's budget is used up.", "项目预算已用完。"),
            Self::BudgetFrozen => (
                "The programme's budget of the year is frozen: it waits until that is thawed.",
                "项目当年预算已冻结，待解冻后办理。",
            ),
            Self::MilestoneClaimed => (
                "Another claim has the milestone: it is paid once. `contract show` says which.",
                "该节点已由其他申领占用，同一节点只支付一次，可用 `contract show` 查看。",
            ),
            Self::MilestoneNotNamed => (
                "The provider has a contract with the programme: name its milestone (`claim revise --milestone K12-1`).",
                "该服务机构与本项目有合同，请注明所申领的合同节点。",
            ),
            Self::ContractNotInForce => (
                "Nothing is reserved for the milestone: its contract waits for a second person, or was ended.",
                "该节点没有预留资金：合同尚待确认或已终止。",
            ),
            Self::InBatch => (
                "What is owed is in a batch: a cashier discards it first (`payment discard`). What went to the bank is rejected \
                 by it, or is asked back once it is paid (`recovery propose`).",
                "应付款已在支付批次中：未发出的由出纳先撤销批次；已发出的待银行退回，或付讫后追回。",
            ),
            Self::Paid => (
                "What is owed was paid or offset: it is asked back, not revoked (`recovery propose`).",
                "应付款已支付或已抵扣，不能撤销批准，应予追回（`recovery propose`）。",
            ),
            Self::Excluded => (
                "The party is excluded from programmes until that day: `exclusion list` says why.",
                "该主体在该日之前被取消申报资格，可用 `exclusion list` 查看。",
            ),
            Self::Ranked => (
                "The policy ranks claims or shares the budget among them: a manager closes the round first (`claim rank`).",
                "该政策须排名或按比例分配，须先由管理人员完成本轮排名。",
            ),
            Self::AlreadyClaimed => (
                "Another claim rests on the waiver: relief is compensated once. Leave it out.",
                "该减免已用于其他申领，同一笔减免只补贴一次，请剔除。",
            ),
            Self::TenantMismatch => (
                "The tenant states another sum than was declared: a reviewer has to settle it first (`rent settle`).",
                "租户确认金额与申报金额不一致，须先经审核认定。",
            ),
            Self::ReliefWaits => (
                "The waiver waits for its tenant or its audit (`rent list`): claim the others by name, or wait.",
                "该减免尚待租户确认或审计，可先逐项申领其他减免。",
            ),
            Self::NoRelief => (
                "Nothing of it counts: it was voided, found not compensable, only makes the lease longer, lies outside \
                 the days, or the policy does not pay for relief.",
                "没有可申领的减免：已撤销、经审计不予补贴、仅为租期顺延、不在期间内，或该政策不补贴减免。",
            ),
            Self::ReliefChanged => (
                "The rent book says otherwise than when the claim was written: return it, or revise it by naming the \
                 waivers anew.",
                "租金台账与申领时不一致，请退回或重新选取减免后修订。",
            ),
            Self::ReliefInBook => (
                "The carrier keeps its leases here: name the waivers (`claim revise --waiver W14`, or `--relief-from` \
                 and `--relief-until`) instead of stating the relief.",
                "载体租约已在台账中，请选取减免，不得自行填报减免金额。",
            ),
        }
    }
}
