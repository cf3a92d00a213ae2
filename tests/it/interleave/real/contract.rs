//! Contracts of purchased services.

use subsidy_ledger::contract::{
    self, ConfirmContract, ConfirmEnd, EndContract, ProposeContract, RejectContract, RejectEnd,
};
use subsidy_ledger::policy::Sha256;
use subsidy_ledger::types::{ContractId, DueOn, LogIndex};

use super::super::office::BUY;
use super::{Command, Giving, Told, of_case, reason, stated_on, text};

/// A contract for these parts, each due a day after the other.
fn proposal(parts: &[i64], reference: &str) -> (String, Vec<DueOn>, Vec<Sha256>) {
    let days = stated_on().iter_days().skip(1);
    let milestones = parts.iter().zip(days).map(|(fen, due)| DueOn {
        amount: text(*fen),
        due,
    });
    let document = Sha256::of(reference.as_bytes());
    (
        text(parts.iter().sum()),
        milestones.collect(),
        vec![document],
    )
}

impl Giving {
    pub(super) async fn of_contract(&self) -> Option<Told> {
        let id = |at: &usize| ContractId(self.names.case('K', *at));
        let told = match &self.asked.command {
            Command::ProposeContract {
                programme,
                provider,
                reference,
                parts,
            } => {
                let (amount, milestones, documents) = proposal(parts, reference);
                let input = ProposeContract {
                    amount,
                    documents,
                    milestones,
                    programme: programme.parse().unwrap(),
                    provider: self.party(provider),
                    reference: reference.parse().unwrap(),
                    service: reason(),
                    signed_on: stated_on(),
                };
                of_case!(self, input, contract::propose)
            }
            Command::ConfirmContract { contract: at } => {
                let contract = id(at);
                of_case!(self, ConfirmContract { contract }, contract::confirm)
            }
            Command::RejectContract { contract: at } => {
                let input = RejectContract {
                    contract: id(at),
                    reason: reason(),
                };
                of_case!(self, input, contract::reject)
            }
            Command::EndContract { contract: at } => {
                let input = EndContract {
                    contract: id(at),
                    reason: reason(),
                };
                of_case!(self, input, contract::end)
            }
            Command::ConfirmEnd {
                contract: at,
                entry,
            } => {
                let input = ConfirmEnd {
                    contract: id(at),
                    proposed_index: LogIndex(*entry),
                };
                of_case!(self, input, contract::confirm_end)
            }
            Command::RejectEnd {
                contract: at,
                entry,
            } => {
                let input = RejectEnd {
                    contract: id(at),
                    proposed_index: LogIndex(*entry),
                    reason: reason(),
                };
                of_case!(self, input, contract::reject_end)
            }
            _ => return None,
        };
        Some(told)
    }
}

/// The rules of the programme that buys services.
pub(in crate::interleave) fn purchase() -> (&'static str, String) {
    (BUY, crate::policy_cases::pack_text("purchase-service-2020"))
}
