//! A bank for the demonstration: it keeps the payees' accounts, and answers a batch with a statement file, as a real one
//! would.

use std::fmt::Write as _;

use chrono::NaiveDate;

use crate::payment::{BankAccount, Batch, NewAccount};
use crate::types::{Currency, Name, PartyId};

/// One line in so many is rejected: the payee's account was closed.
const REJECTED_EACH: usize = 11;

/// The statement file for a batch, in CSV.
pub(super) fn statement(batch: &Batch, booked_on: NaiveDate, currency: Currency) -> String {
    let mut file = String::from("end_to_end_id,amount,booked_on,status,bank_reference,reason\n");
    for (place, line) in (1_usize..).zip(&batch.lines) {
        let id = &line.end_to_end_id;
        let amount = line.amount.to_text(currency);
        let told = if place.is_multiple_of(REJECTED_EACH) {
            "rejected,,AC04 account closed".to_owned()
        } else {
            format!("paid,ICBC{}-{place:05},", booked_on.format("%Y%m%d"))
        };
        writeln!(file, "{id},{amount},{booked_on},{told}").expect("BUG: a string takes all text");
    }
    file
}

/// The made-up account that the zone pays from.
pub(super) fn own_account() -> NewAccount {
    let text = "BUG: the constant has its form";
    NewAccount {
        party: None,
        account: BankAccount {
            holder: "云川高新区财政局(演示)".parse().expect(text),
            number: "31050161360000001234".parse().expect(text),
            bank: "105290036005".parse().expect(text),
            bank_name: None,
        },
    }
}

/// A made-up account of a payee, whose number tells it from others.
pub(super) fn account(party: PartyId, holder: Name) -> NewAccount {
    let text = "BUG: the constant has its form";
    let number = format!("62{:017}", party.0.as_u128() % 100_000_000_000_000_000);
    NewAccount {
        party: Some(party),
        account: BankAccount {
            holder,
            number: number.parse().expect(text),
            bank: "102290000012".parse().expect(text),
            bank_name: Some("云川银行(演示)营业部".parse().expect(text)),
        },
    }
}
