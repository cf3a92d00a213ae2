//! Money back.

use subsidy_ledger::payment::BankLineId;
use subsidy_ledger::policy::{Fact, Facts, Raw, Source};
use subsidy_ledger::recovery::{
    self, ApproveWriteOff, Cause, OffsetRecovery, OrderRecovery, PlanRecovery, ProposeRecovery,
    ProposeWriteOff, ReceiveRecovery, RejectRecovery, RejectWriteOff, VoidRecovery,
};
use subsidy_ledger::types::{Currency, LogIndex, PayableId, RecoveryId, Schedule};

use super::{Command, Giving, Told, of_case, reason, stated_on, text};

impl Giving {
    pub(super) async fn of_recovery(&self) -> Option<Told> {
        let recovery = |at: &usize| RecoveryId(self.names.case('Z', *at));
        let told = match &self.asked.command {
            Command::ProposeRecovery { payable, corrected } => {
                let input = ProposeRecovery {
                    cause: corrected.map_or(Cause::Misused, |_| Cause::Overpaid),
                    facts: corrected.map(correct),
                    payable: PayableId(self.names.id(payable)),
                    reason: reason(),
                };
                of_case!(self, input, recovery::propose)
            }
            Command::Order { recovery: at } => {
                let input = OrderRecovery {
                    due_days: 30,
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::order)
            }
            Command::RejectRecovery { recovery: at } => {
                let input = RejectRecovery {
                    reason: reason(),
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::reject)
            }
            Command::Void { recovery: at } => {
                let input = VoidRecovery {
                    reason: reason(),
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::void)
            }
            _ => return None,
        };
        Some(told)
    }

    #[expect(clippy::too_many_lines, reason = "one command after another")]
    pub(super) async fn settlement(&self) -> Option<Told> {
        let recovery = |at: &usize| RecoveryId(self.names.case('Z', *at));
        let told = match &self.asked.command {
            Command::Receive {
                recovery: at,
                file,
                line,
            } => {
                let input = ReceiveRecovery {
                    bank_line: BankLineId {
                        file: LogIndex(*file),
                        number: *line,
                    },
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::receive)
            }
            Command::Offset {
                recovery: at,
                payable,
                fen,
            } => {
                let input = OffsetRecovery {
                    amount: fen.map(text),
                    payable: PayableId(self.names.id(payable)),
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::offset)
            }
            Command::Plan {
                recovery: at,
                count,
                first,
            } => {
                let input = PlanRecovery {
                    recovery: recovery(at),
                    schedule: Schedule::Months {
                        count: *count,
                        first: *first,
                    },
                };
                of_case!(self, input, recovery::plan)
            }
            Command::ProposeWriteOff { recovery: at } => {
                let input = ProposeWriteOff {
                    reason: reason(),
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::propose_write_off)
            }
            Command::ApproveWriteOff {
                recovery: at,
                entry,
            } => {
                let input = ApproveWriteOff {
                    proposed_index: LogIndex(*entry),
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::approve_write_off)
            }
            Command::RejectWriteOff {
                recovery: at,
                entry,
            } => {
                let input = RejectWriteOff {
                    proposed_index: LogIndex(*entry),
                    reason: reason(),
                    recovery: recovery(at),
                };
                of_case!(self, input, recovery::reject_write_off)
            }
            _ => return None,
        };
        Some(told)
    }
}

/// The price of the service as it was.
fn correct(price: i64) -> Facts {
    let mut facts = Facts::new(Currency::Cny);
    let (fact, sum) = (Fact::ServicePrice, text(price));
    let raw = Raw::typed(fact, &sum);
    facts
        .state(fact, raw, Source::Verified, stated_on())
        .unwrap();
    facts
}
