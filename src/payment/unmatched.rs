//! Why a line of the bank that looks like a payment is nothing of the books yet. Found when it is asked for, and not kept.

use chrono::NaiveDate;

use super::bank::{BankLineId, BankLineRow};
use super::iso20022::Direction;
use crate::types::{Currency, Money};

/// Why a line was left to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyUnmatched {
    /// It names an instruction over another amount.
    OtherAmount(String, Money),
    /// It names an instruction that the bank had rejected.
    Rejected(String),
    /// It names an instruction that is in no batch that was released.
    NotSent(String),
    /// It names, or fits, an instruction that was sent on a later day than the bank booked it.
    Early(String, NaiveDate),
    /// It names an instruction that another line is.
    Taken(String, BankLineId),
    /// It names or fits one instruction, which was not sent or which another line fitted too when it was taken in.
    NotThen(String),
    /// It fits several instructions in transit.
    Several(Vec<String>),
    /// It fits none: the first of those in transit over its amount went to another account.
    Elsewhere(String),
    /// It names an instruction that is not ours.
    NotOurs(String),
    /// Money came in that names an instruction over so much, which the bank has booked.
    Back(String, Money),
}

impl WhyUnmatched {
    /// As people read it; amounts in the zone's currency.
    pub fn text(&self, currency: Currency) -> String {
        match self {
            Self::OtherAmount(id, amount) => {
                let amount = amount.to_grouped_text(currency);
                format!("it names {id}, which is over {amount}")
            }
            Self::Rejected(id) => {
                format!(
                    "it names {id}, which the bank rejected: its payable goes into another batch"
                )
            }
            Self::NotSent(id) => format!("it names {id}, which was not sent"),
            Self::Early(id, sent_on) => {
                format!("it was booked before {id} was sent, on {sent_on}: ask the bank what it is")
            }
            Self::Taken(id, line) => format!("it names {id}, which is {line} already"),
            Self::NotThen(id) => format!(
                "it fits {id}, which was not sent when the statement was taken in, or which another line fitted too: \
                 `payment match` says that it is that"
            ),
            Self::Several(ids) => {
                format!(
                    "it fits {}: `payment match` says which it is",
                    ids.join(" and ")
                )
            }
            Self::Elsewhere(id) => format!(
                "it is over what {id} is over, which went to another account: ask the bank what it is"
            ),
            Self::NotOurs(id) => {
                format!("it names {id:?}, which is no instruction of ours: ask the bank what it is")
            }
            Self::Back(id, amount) => {
                let amount = amount.to_grouped_text(currency);
                format!(
                    "it names {id}, by which {amount} was paid: `payment return` says that it brings all of that back"
                )
            }
        }
    }
}

/// What the books have of the instruction that a line names, and of those in transit that fit a line which names none.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// The instruction that it names.
    pub(super) named: Option<Named>,
    /// Instructions in transit over its amount to its other side, sent by its day; ten at most.
    pub(super) fitting: Vec<String>,
    /// The first of those that were sent later than that, and its day.
    pub(super) later: Option<(String, NaiveDate)>,
    /// The first in transit over its amount, wherever it went.
    pub(super) elsewhere: Option<String>,
}

/// An instruction that a line names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) amount: Money,
    pub(super) state: String,
    pub(super) sent_on: Option<NaiveDate>,
    /// The line that has carried it out.
    pub(super) line: Option<BankLineId>,
}

/// Why a line is not matched; `None` if it has nothing to do with any instruction.
pub(super) fn why(line: &BankLineRow, around: Around) -> Option<WhyUnmatched> {
    let came_in = line.direction == Direction::Credit || line.is_return;
    match around.named {
        Some(named) if came_in => why_not_returned(named),
        Some(named) => Some(why_not_paid(line, named)),
        None => why_nothing_fits(line, around),
    }
}

/// Why money that came in and names an instruction is not what that had paid. Of an instruction that the bank did not book
/// nothing can come back.
fn why_not_returned(named: Named) -> Option<WhyUnmatched> {
    (named.state == "paid").then_some(WhyUnmatched::Back(named.id, named.amount))
}

fn why_not_paid(line: &BankLineRow, named: Named) -> WhyUnmatched {
    let id = named.id;
    match (named.state.as_str(), named.sent_on, named.line) {
        (_, _, Some(line)) => WhyUnmatched::Taken(id, line),
        ("rejected", _, _) => WhyUnmatched::Rejected(id),
        ("prepared" | "withdrawn", _, _) | (_, None, _) => WhyUnmatched::NotSent(id),
        (_, _, _) if named.amount != line.amount => WhyUnmatched::OtherAmount(id, named.amount),
        (_, Some(day), _) if line.booked_on < day => WhyUnmatched::Early(id, day),
        (_, _, _) => WhyUnmatched::NotThen(id),
    }
}

fn why_nothing_fits(line: &BankLineRow, around: Around) -> Option<WhyUnmatched> {
    let mut fitting = around.fitting;
    let by_amount = || match (line.end_to_end_id.clone(), around.elsewhere) {
        (Some(id), _) => Some(WhyUnmatched::NotOurs(id)),
        (None, elsewhere) => elsewhere.map(WhyUnmatched::Elsewhere),
    };
    match (fitting.len(), around.later) {
        (0, None) => by_amount(),
        (0, Some((id, day))) => Some(WhyUnmatched::Early(id, day)),
        (1, _) => fitting.pop().map(WhyUnmatched::NotThen),
        (_, _) => Some(WhyUnmatched::Several(fitting)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LogIndex;

    /// 5.00, booked on a day of May.
    fn spent(end_to_end_id: Option<&str>) -> BankLineRow {
        BankLineRow {
            line: BankLineId {
                file: LogIndex(9),
                number: 2,
            },
            direction: Direction::Debit,
            amount: Money::from_minor(500),
            booked_on: "2020-05-08".parse().unwrap(),
            is_return: false,
            end_to_end_id: end_to_end_id.map(str::to_owned),
            reference: None,
            masked: None,
            code: None,
            is_matched: false,
        }
    }

    #[test]
    fn a_line_that_fits_two_names_both() {
        let asked = |around| why(&spent(None), around);
        assert_eq!(asked(Around::default()), None);
        let fitting = vec!["P1-1".to_owned(), "P2-1".to_owned()];
        let later = Some(("P3-1".to_owned(), "2020-05-09".parse().unwrap()));
        let found = asked(Around {
            fitting,
            later,
            ..Around::default()
        });
        let text = found.unwrap().text(Currency::Cny);
        assert!(text.starts_with("it fits P1-1 and P2-1"), "{text}");
    }

    #[test]
    fn a_line_that_names_an_instruction_says_what_became_of_that() {
        let line = BankLineId {
            file: LogIndex(9),
            number: 1,
        };
        let sent_on: NaiveDate = "2020-05-08".parse().unwrap();
        let asked = |state: &str, fen, line| {
            let named = Named {
                id: "P1-1".to_owned(),
                amount: Money::from_minor(fen),
                state: state.to_owned(),
                sent_on: (state != "prepared").then_some(sent_on),
                line,
            };
            let around = Around {
                named: Some(named),
                ..Around::default()
            };
            why(&spent(Some("P1-1")), around)
                .unwrap()
                .text(Currency::Cny)
        };
        for (text, expected) in [
            (asked("paid", 500, Some(line)), "is S9-1 already"),
            (asked("rejected", 500, None), "the bank rejected"),
            (asked("prepared", 500, None), "was not sent"),
            (asked("sent", 600, None), "is over 6.00"),
            (asked("sent", 500, None), "`payment match`"),
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn a_line_that_nothing_fits_says_what_it_looks_like() {
        let elsewhere = || Around {
            elsewhere: Some("P1-1".to_owned()),
            ..Around::default()
        };
        let text = |line: &BankLineRow, around| why(line, around).unwrap().text(Currency::Cny);
        let told = text(&spent(None), elsewhere());
        assert!(
            told.contains("P1-1 is over, which went to another account"),
            "{told}"
        );
        let told = text(&spent(Some("X-7")), elsewhere());
        assert!(
            told.contains("\"X-7\", which is no instruction of ours"),
            "{told}"
        );
    }

    #[test]
    fn money_that_names_what_was_paid_is_a_return() {
        let came = BankLineRow {
            direction: Direction::Credit,
            ..spent(Some("P1-1"))
        };
        let asked = |state: &str| {
            let named = Named {
                id: "P1-1".to_owned(),
                amount: Money::from_minor(500),
                state: state.to_owned(),
                sent_on: Some(came.booked_on),
                line: None,
            };
            let around = Around {
                named: Some(named),
                ..Around::default()
            };
            why(&came, around)
        };
        let told = asked("paid").unwrap().text(Currency::Cny);
        assert!(
            told.contains("by which 5.00 was paid: `payment return`"),
            "{told}"
        );
        assert_eq!(asked("rejected"), None);
    }
}
