//! How an entry of a kind is undone.

/// How an entry is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// By an entry with its transfers the other way.
    Reversal,
    /// Not so: rows beside the journal follow it, and would no longer agree with the log. What to do instead.
    Otherwise(&'static str),
}

/// Pure: how an entry of a kind is undone. A kind that is not known here is not reversed, since a feature may
/// keep rows that follow it.
pub fn undo(kind: &str) -> Undo {
    Undo::Otherwise(match kind {
        "budget.appropriated" | "budget.allocated" => return Undo::Reversal,
        "budget.transferred" => "`programme transfer` proposes it the other way",
        "voucher.issued" | "voucher.awarded" => {
            "`voucher cancel` takes back what is free on the voucher"
        }
        "voucher.held" => "`voucher release` gives the hold back",
        "voucher.released" => "`voucher hold` reserves the value again",
        "voucher.expired" | "voucher.cancelled" => "the firm applies for another voucher",
        "voucher.redeemed" | "payment.confirmed" => {
            "what was paid wrongly is asked back: `recovery propose`"
        }
        "recovery.ordered" => "`recovery void` takes an order back of which nothing was settled",
        "recovery.voided" => "`recovery propose` asks it back again",
        "recovery.written_off" => "what was written off is given up",
        "recovery.received" | "recovery.offset" => {
            "what came back stays: what was wrong goes back with the next payment"
        }
        "payment.sent" => "the bank's statement says what became of it: `payment statement`",
        "payment.rejected" | "payment.returned" => {
            "the payable goes into the next batch: `payment batch`"
        }
        "award.imported" | "award.withdrawn" | "award.budget_set" => {
            "`import awards --correct` takes in the list as it should be"
        }
        "claim.approved" => {
            "`claim revoke` takes an approval back that is in no batch; what was paid is asked back: `recovery propose`"
        }
        "claim.revoked" => "it is claimed again: `claim draft`",
        "contract.confirmed" => "`contract end` ends it early, and what is reserved goes back",
        "contract.ended" => {
            "what was ended is recorded again under another number: `contract propose`"
        }
        "rent_bill.issued" => "a bill stays: `rent waive` gives up what should not be asked for",
        "rent_payment.received" => "`rent waive --way refund` gives back what was paid",
        "waiver.declared" | "waiver.settled" | "deferral.converted" => {
            "`rent void` undoes the waiver"
        }
        "waiver.voided" => "the carrier declares it again: `rent waive`",
        "deferral.agreed" | "deferral.paid" | "deferral.defaulted" => {
            "`rent default` or `rent convert` ends a deferral; what was paid stays paid"
        }
        "entry.reversed" => "give the command again whose entry it undid",
        "period.closed" | "period.year_closed" => "`period reopen` proposes to open it again",
        "budget.year_ended" => {
            "what is carried over stays so; `programme transfer` moves it within the new year"
        }
        _ => "it moved nothing, or its feature has a command of its own for that",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_moves_accounts_alone_is_reversed() {
        for (kind, command) in [
            ("budget.appropriated", None),
            ("budget.allocated", None),
            ("budget.transferred", Some("`programme transfer`")),
            ("voucher.issued", Some("`voucher cancel`")),
            ("voucher.awarded", Some("`voucher cancel`")),
            ("voucher.held", Some("`voucher release`")),
            ("voucher.released", Some("`voucher hold`")),
            ("voucher.expired", Some("applies")),
            ("voucher.cancelled", Some("applies")),
            ("voucher.redeemed", Some("`recovery propose`")),
            ("payment.sent", Some("`payment statement`")),
            ("payment.confirmed", Some("`recovery propose`")),
            ("recovery.ordered", Some("`recovery void`")),
            ("recovery.voided", Some("`recovery propose`")),
            ("recovery.written_off", Some("given up")),
            ("recovery.received", Some("stays")),
            ("recovery.offset", Some("stays")),
            ("payment.rejected", Some("`payment batch`")),
            ("payment.returned", Some("`payment batch`")),
            ("award.imported", Some("--correct")),
            ("award.withdrawn", Some("--correct")),
            ("award.budget_set", Some("--correct")),
            ("claim.approved", Some("`claim revoke`")),
            ("claim.revoked", Some("`claim draft`")),
            ("contract.confirmed", Some("`contract end`")),
            ("contract.ended", Some("`contract propose`")),
            ("rent_bill.issued", Some("`rent waive`")),
            ("rent_payment.received", Some("refund")),
            ("waiver.declared", Some("`rent void`")),
            ("waiver.settled", Some("`rent void`")),
            ("waiver.voided", Some("`rent waive`")),
            ("deferral.agreed", Some("`rent convert`")),
            ("deferral.paid", Some("`rent default`")),
            ("deferral.defaulted", Some("`rent default`")),
            ("deferral.converted", Some("`rent void`")),
            ("entry.reversed", Some("again")),
            ("period.closed", Some("`period reopen`")),
            ("period.year_closed", Some("`period reopen`")),
            ("budget.year_ended", Some("`programme transfer`")),
            ("payable.approved", Some("of its own")),
            ("budget.carried_over", Some("of its own")),
            ("", Some("of its own")),
        ] {
            match (undo(kind), command) {
                (Undo::Reversal, None) => {}
                (Undo::Otherwise(remedy), Some(command)) => {
                    assert!(remedy.contains(command), "{kind}: {remedy}");
                }
                (undo, _) => panic!("{kind}: {undo:?}"),
            }
        }
    }
}
