//! Milestones (履约节点), as claims name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::model::Contract;
use super::store;
use crate::types::{ContractId, Named, ZoneId, excerpt};

/// A milestone of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MilestoneId {
    /// The contract.
    pub contract: ContractId,
    /// From 1.
    pub number: i16,
}

/// A milestone as people name it: `K12-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MilestoneName {
    /// The contract.
    pub contract: Named<ContractId>,
    /// From 1.
    pub number: i16,
}

/// A text that names no milestone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no milestone: write K, the number of the contract's entry, a hyphen and its number, such as K12-1"
)]
pub struct NotAMilestone(String);

impl fmt::Display for MilestoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.contract, self.number)
    }
}

impl FromStr for MilestoneName {
    type Err = NotAMilestone;

    fn from_str(text: &str) -> Result<Self, NotAMilestone> {
        let read = || {
            // An id has hyphens of its own.
            let (contract, number) = text.rsplit_once('-')?;
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.parse().ok().filter(|number| *number > 0);
            Some(Self {
                contract: contract.parse().ok()?,
                number: number.filter(|_| is_number)?,
            })
        };
        read().ok_or_else(|| NotAMilestone(excerpt(text)))
    }
}

/// Keeps what is reserved and accepted of contracts now. The caller has locked them (`store::lock`), and recorded the
/// entries that move it.
pub async fn write_milestones(
    conn: &mut PgConnection,
    zone: ZoneId,
    contracts: &[&Contract],
) -> Result<(), sqlx::Error> {
    store::update_milestones(conn, zone, contracts).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LogIndex;

    #[test]
    fn a_milestone_is_named_by_its_contract_and_a_number() {
        let name: MilestoneName = "k12-3".parse().unwrap();
        assert_eq!(name.contract, Named::Entry(LogIndex(12)));
        assert_eq!((name.number, name.to_string().as_str()), (3, "K12-3"));
        let id = ContractId::generate();
        let by_id: MilestoneName = format!("{id}-1").parse().unwrap();
        assert_eq!((by_id.contract, by_id.number), (Named::Id(id), 1));
        for bad in [
            "",
            "K12",
            "K12-",
            "K12-0",
            "K12-+1",
            "C12-1",
            "K12-99999",
            "-1",
        ] {
            assert!(bad.parse::<MilestoneName>().is_err(), "{bad}");
        }
    }
}
