//! Budgets, exclusions and periods.

use subsidy_ledger::accounting::{
    self, ClosePeriod, FreeAtEnd, NewRule, Reverse, Rule, VouchersAtEnd,
};
use subsidy_ledger::exclusion::{self, ConfirmExclusion, Exclude, LiftExclusion, RejectExclusion};
use subsidy_ledger::programme::{self, Allocate, Appropriate, Freeze, ProposeTransfer};
use subsidy_ledger::types::{LogIndex, PartyId, Period};

use super::{Command, Giving, Told, amount, of_case, of_one, reason, year};

/// A second person's confirmation: done, or refused by an entry.
fn decided(index: LogIndex, refused: Option<impl serde::Serialize>) -> Told {
    let code = refused.map(|code| serde_json::to_value(code).unwrap());
    Told {
        code: code.map(|code| code.as_str().unwrap().to_owned()),
        ..Told::recorded(index.0)
    }
}

impl Giving {
    pub(super) async fn of_office(&self) -> Option<Told> {
        let entry = |entry: &i64| LogIndex(*entry);
        let told = match &self.asked.command {
            Command::Exclude { party, first, last } => {
                let input = Exclude {
                    first_day: *first,
                    last_day: *last,
                    party: self.party(party),
                    reason: reason(),
                };
                of_case!(self, input, exclusion::exclude)
            }
            Command::ConfirmExclusion { entry: proposed } => {
                let proposed_index = entry(proposed);
                of_case!(
                    self,
                    ConfirmExclusion { proposed_index },
                    exclusion::confirm
                )
            }
            Command::RejectExclusion { entry: proposed } => {
                let input = RejectExclusion {
                    proposed_index: entry(proposed),
                    reason: reason(),
                };
                of_case!(self, input, exclusion::reject)
            }
            Command::LiftExclusion { entry: proposed } => {
                let input = LiftExclusion {
                    proposed_index: entry(proposed),
                    reason: reason(),
                };
                of_case!(self, input, exclusion::lift)
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) fn party(&self, name: &str) -> PartyId {
        let known = self.world.parties.get(name).copied();
        known.unwrap_or_else(PartyId::generate)
    }

    #[expect(clippy::too_many_lines, reason = "one command after another")]
    pub(super) async fn of_budget(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::Appropriate { year: of, fen } => {
                let input = Appropriate {
                    amount: amount(*fen),
                    document: "budget".parse().unwrap(),
                    year: year(*of),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { programme::appropriate(conn, &command, input).await })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::Allocate {
                programme,
                year: of,
                fen,
            } => {
                let input = Allocate {
                    amount: amount(*fen),
                    programme: programme.parse().unwrap(),
                    year: year(*of),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { programme::allocate(conn, &command, input).await })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::ProposeTransfer {
                from,
                to,
                year: of,
                fen,
            } => {
                let input = ProposeTransfer {
                    amount: amount(*fen),
                    from: from.parse().unwrap(),
                    reason: reason(),
                    to: to.parse().unwrap(),
                    year: year(*of),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(
                        async move { programme::propose_transfer(conn, &command, input).await },
                    )
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::ApproveTransfer { entry } => {
                let given = of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(
                        async move { programme::approve_transfer(conn, &command, *entry).await },
                    )
                });
                Told::of(given, |(recorded, approved)| {
                    decided(recorded.index, approved.refused)
                })
            }
            Command::RejectTransfer { entry } => {
                let given = of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move {
                        programme::reject_transfer(conn, &command, *entry, &reason()).await
                    })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::FreezeBudget {
                programme,
                year: of,
            }
            | Command::ThawBudget {
                programme,
                year: of,
            } => {
                let input = Freeze {
                    programme: programme.parse().unwrap(),
                    reason: reason(),
                    year: year(*of),
                };
                let freezes = matches!(self.asked.command, Command::FreezeBudget { .. });
                let given = of_one!(self, (input, freezes), |conn, command, (input, freezes)| {
                    Box::pin(async move {
                        if *freezes {
                            programme::freeze(conn, &command, input).await
                        } else {
                            programme::thaw(conn, &command, input).await
                        }
                    })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn of_books(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::ClosePeriod { from, until } => {
                let input = ClosePeriod {
                    period: Period::new(*from, Some(*until)).unwrap(),
                    reason: reason(),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { accounting::close_period(conn, &command, input).await })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::Reverse { entry } => {
                let input = Reverse {
                    index: LogIndex(*entry),
                    reason: reason(),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { accounting::reverse(conn, &command, input).await })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn of_period(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::SetRule {
                programme,
                carry,
                end,
            } => {
                let input = NewRule {
                    programme: programme.parse().unwrap(),
                    reason: reason(),
                    rule: Rule {
                        free: if *carry {
                            FreeAtEnd::Carry
                        } else {
                            FreeAtEnd::Lapse
                        },
                        vouchers: if *end {
                            VouchersAtEnd::End
                        } else {
                            VouchersAtEnd::Keep
                        },
                    },
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { accounting::set_rule(conn, &command, input).await })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::ProposeClose { year: of } => {
                let given = of_one!(self, year(*of), |conn, command, year| {
                    Box::pin(async move {
                        accounting::propose_year_end(conn, &command, (*year, &reason())).await
                    })
                });
                Told::of(given, |(recorded, _)| Told::recorded(recorded.index.0))
            }
            Command::ProposeReopening { closing } => {
                let given = of_one!(self, LogIndex(*closing), |conn, command, closing| {
                    Box::pin(async move {
                        accounting::propose_reopening(conn, &command, (*closing, &reason())).await
                    })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::ConfirmPeriod { entry } => {
                let given = of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move { accounting::confirm(conn, &command, *entry).await })
                });
                Told::of(given, |(recorded, confirmed)| {
                    decided(recorded.index, confirmed.refused)
                })
            }
            Command::RejectPeriod { entry } => {
                let given = of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move {
                        accounting::reject(conn, &command, (*entry, &reason())).await
                    })
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            _ => return None,
        };
        Some(told)
    }
}
