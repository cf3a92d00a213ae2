//! Who approves: levels, recusals, delegations.

use subsidy_ledger::approval::{self, Delegate, Levels, Recuse};
use subsidy_ledger::identity::Role;
use subsidy_ledger::types::{Currency, LogIndex};

use super::super::office::LEVELS;
use super::{Command, Giving, Told, of_one, reason, text};

/// A set as people write it.
fn levels(set: usize) -> Levels {
    let step = |(from, roles): &(i64, &[Role])| {
        let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        format!("{}={}", text(*from), roles.join(","))
    };
    let steps: Vec<String> = LEVELS[set].iter().map(step).collect();
    Levels::parse(&steps, Currency::Cny).unwrap()
}

impl Giving {
    pub(super) async fn of_approval(&self) -> Option<Told> {
        let given = match &self.asked.command {
            Command::ProposeLevels { set } => {
                of_one!(self, levels(*set), |conn, command, levels| {
                    Box::pin(async move { approval::propose_levels(conn, &command, levels).await })
                })
            }
            Command::ConfirmLevels { entry } => {
                of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move { approval::confirm_levels(conn, &command, *entry).await })
                })
            }
            Command::Recuse { person, party } => {
                let input = Recuse {
                    party: self.party(party),
                    person: self.world.people[person].person,
                    reason: reason(),
                };
                of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { approval::recuse(conn, &command, input).await })
                })
            }
            Command::LiftRecusal { entry } => {
                of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move { approval::lift(conn, &command, *entry, &reason()).await })
                })
            }
            Command::Delegate {
                to,
                role,
                first,
                last,
            } => {
                let to = self.world.people[to].clone();
                let input = Delegate {
                    delegate: to.person,
                    first_day: *first,
                    last_day: *last,
                    role: *role,
                };
                of_one!(self, (to, input), |conn, command, (to, input)| {
                    Box::pin(async move { approval::delegate(conn, &command, to, input).await })
                })
            }
            Command::RevokeDelegation { entry } => {
                of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move { approval::revoke(conn, &command, *entry).await })
                })
            }
            _ => return None,
        };
        Some(Told::of(given, |recorded| Told::recorded(recorded.index.0)))
    }
}
