//! The rent book.

use subsidy_ledger::rent::{
    self, AddLease, AuditWaiver, BillRent, Charges, ConfirmWaiver, ConvertDeferral,
    DefaultDeferral, DeferRent, EndLease, Measure, PayInstalment, PayRent, SettleWaiver,
    VoidWaiver, Waive, Way,
};
use subsidy_ledger::types::{DeferralId, LeaseId, Schedule, WaiverId};

use super::super::command::{self, Month};
use super::{Command, Giving, Told, of_case, reason, text};

fn month((year, month): Month) -> rent::Month {
    format!("{year}-{month:02}").parse().unwrap()
}

/// The months that an offset counts as payment for.
fn against(way: command::Way) -> Vec<rent::Month> {
    match way {
        command::Way::Offset(first, last) => month(first).until(month(last)).collect(),
        command::Way::Reduction | command::Way::Refund => Vec::new(),
    }
}

impl Giving {
    #[expect(clippy::too_many_lines, reason = "one command after another")]
    pub(super) async fn of_rent(&self) -> Option<Told> {
        let lease = |at: &usize| LeaseId(self.names.case('L', *at));
        let told = match &self.asked.command {
            Command::Lease {
                tenant,
                premises,
                rent,
                first,
                last,
            } => {
                let nothing = || "0.00".to_owned();
                let input = AddLease {
                    area: "120.00".parse().unwrap(),
                    carrier: self.party("c"),
                    charges: Charges {
                        other: nothing(),
                        parking: nothing(),
                        property_fee: nothing(),
                        utilities: nothing(),
                    },
                    first_day: *first,
                    last_day: *last,
                    monthly_rent: text(*rent),
                    premises: premises.parse().unwrap(),
                    sublet: false,
                    tenant: self.party(tenant),
                };
                of_case!(self, input, rent::add_lease)
            }
            Command::EndLease { lease: at, last } => {
                let input = EndLease {
                    last_day: *last,
                    lease: lease(at),
                    reason: reason(),
                };
                of_case!(self, input, rent::end_lease)
            }
            Command::Bill {
                lease: at,
                month: of,
                on,
            } => {
                let input = BillRent {
                    lease: lease(at),
                    month: month(*of),
                    on: *on,
                };
                of_case!(self, input, rent::bill_rent)
            }
            Command::PayRent { lease: at, fen } => {
                let input = PayRent {
                    amount: text(*fen),
                    lease: lease(at),
                    month: None,
                };
                of_case!(self, input, rent::pay_rent)
            }
            Command::Defer {
                lease: at,
                months,
                fen,
                count,
                first,
            } => {
                let input = DeferRent {
                    amount: fen.map(text),
                    evidence: Vec::new(),
                    from: month(months.0),
                    lease: lease(at),
                    schedule: Schedule::Months {
                        count: *count,
                        first: *first,
                    },
                    until: month(months.1),
                };
                of_case!(self, input, rent::defer_rent)
            }
            _ => return None,
        };
        Some(told)
    }

    #[expect(clippy::too_many_lines, reason = "one command after another")]
    pub(super) async fn of_waiver(&self) -> Option<Told> {
        let waiver = |at: &usize| WaiverId(self.names.case('W', *at));
        let told = match &self.asked.command {
            Command::Waive {
                lease,
                months,
                measure,
                way,
            } => {
                let input = Waive {
                    against: against(*way),
                    evidence: Vec::new(),
                    from: Some(month(months.0)),
                    landlord_relief: None,
                    lease: LeaseId(self.names.case('L', *lease)),
                    measure: match measure {
                        command::Measure::Full => Measure::Full,
                        command::Measure::Half => Measure::Half,
                        command::Measure::Amount(fen) => Measure::Amount { amount: text(*fen) },
                    },
                    until: Some(month(months.1)),
                    way: match way {
                        command::Way::Reduction => Way::Reduction,
                        command::Way::Refund => Way::Refund,
                        command::Way::Offset(..) => Way::Offset,
                    },
                };
                of_case!(self, input, rent::waive)
            }
            Command::Extend { lease, months } => {
                let input = Waive {
                    against: Vec::new(),
                    evidence: Vec::new(),
                    from: None,
                    landlord_relief: None,
                    lease: LeaseId(self.names.case('L', *lease)),
                    measure: Measure::Months { months: *months },
                    until: None,
                    way: Way::Extension,
                };
                of_case!(self, input, rent::waive)
            }
            Command::ConfirmWaiver { waiver: at, fen } => {
                let input = ConfirmWaiver {
                    evidence: Vec::new(),
                    stated: text(*fen),
                    waiver: waiver(at),
                };
                of_case!(self, input, rent::confirm_waiver)
            }
            Command::Settle { waiver: at, fen } => {
                let input = SettleWaiver {
                    amount: text(*fen),
                    reason: reason(),
                    waiver: waiver(at),
                };
                of_case!(self, input, rent::settle_waiver)
            }
            Command::Audit {
                waiver: at,
                fen,
                compensable,
            } => {
                let input = AuditWaiver {
                    amount: text(*fen),
                    compensable: *compensable,
                    evidence: Vec::new(),
                    reason: reason(),
                    waiver: waiver(at),
                };
                of_case!(self, input, rent::audit_waiver)
            }
            Command::VoidWaiver { waiver: at } => {
                let input = VoidWaiver {
                    reason: reason(),
                    waiver: waiver(at),
                };
                of_case!(self, input, rent::void_waiver)
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn of_deferral(&self) -> Option<Told> {
        let deferral = |at: &usize| DeferralId(self.names.case('S', *at));
        let told = match &self.asked.command {
            Command::Instalment { deferral: at, fen } => {
                let input = PayInstalment {
                    amount: text(*fen),
                    deferral: deferral(at),
                };
                of_case!(self, input, rent::pay_instalment)
            }
            Command::Default { deferral: at } => {
                let input = DefaultDeferral {
                    deferral: deferral(at),
                    reason: reason(),
                };
                of_case!(self, input, rent::default_deferral)
            }
            Command::Convert { deferral: at } => {
                let input = ConvertDeferral {
                    deferral: deferral(at),
                    landlord_relief: None,
                    reason: reason(),
                };
                of_case!(self, input, rent::convert_deferral)
            }
            _ => return None,
        };
        Some(told)
    }
}
