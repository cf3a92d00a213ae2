//! JSON forms of what the journal answers: amounts as decimal text, accounts as addresses.

use serde_json::{Value, json};

use crate::journal::{Balance, Statement, StatementLine};
use crate::types::{Currency, Money};

/// A balance. `posted` is false when nothing was posted to the account so far, so that a mistyped
/// address differs from an account that is empty.
pub fn balance_json(balance: &Balance) -> Value {
    let currency = balance.address.currency;
    json!({
        "account": balance.address,
        "currency": currency,
        "debits": balance.debits.to_text(currency),
        "credits": balance.credits.to_text(currency),
        "balance": balance.balance.to_text(currency),
        "log_size": balance.size,
        "posted": balance.is_posted(),
    })
}

/// A page of a statement.
pub fn statement_json(statement: &Statement) -> Value {
    let currency = statement.address.currency;
    let lines: Vec<Value> = statement
        .lines
        .iter()
        .map(|line| line_json(line, currency))
        .collect();
    json!({
        "account": statement.address,
        "currency": currency,
        "opening": statement.opening.to_text(currency),
        "lines": lines,
        "next": statement.next,
    })
}

fn line_json(line: &StatementLine, currency: Currency) -> Value {
    let text = |amount: Option<Money>| amount.map(|amount| amount.to_text(currency));
    json!({
        "entry": line.index,
        "position": line.position,
        "recorded_at": line.recorded_at,
        "effective": line.effective,
        "kind": line.kind,
        "other": line.other,
        "debit": text(line.debit),
        "credit": text(line.credit),
        "balance": line.balance.to_text(currency),
    })
}
