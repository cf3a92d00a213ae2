//! JSON forms of what the journal answers: amounts as decimal text, accounts as addresses.

use serde_json::{Value, json};

use super::party::{Figures, PartyStatement};
use crate::journal::{Balance, Movement, Statement, StatementLine};
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

/// A page of a party's statement. `entries` are the numbers of the first entry of its days and of the first after them.
pub fn party_statement_json(statement: &PartyStatement) -> Value {
    let codes = statement.codes.iter().map(|one| {
        let names = [
            ("code", json!(one.code)),
            ("name_zh", json!(one.name_zh)),
            ("name_en", json!(one.name_en)),
        ];
        with(figures_json(&one.figures, one.currency), names)
    });
    let accounts = statement.accounts.iter().map(|(address, figures)| {
        let name = [("account", json!(address))];
        with(figures_json(figures, address.currency), name)
    });
    let lines = statement.movements.lines.iter().map(movement_json);
    json!({
        "party": statement.party,
        "entries": [statement.entries.start, statement.entries.end],
        "codes": codes.collect::<Vec<_>>(),
        "accounts": accounts.collect::<Vec<_>>(),
        "more_accounts": statement.more_accounts,
        "lines": lines.collect::<Vec<_>>(),
        "next": statement.movements.next,
    })
}

fn figures_json(figures: &Figures, currency: Currency) -> Value {
    json!({
        "currency": currency,
        "opening": figures.opening.to_text(currency),
        "debits": figures.debits.to_text(currency),
        "credits": figures.credits.to_text(currency),
        "closing": figures.closing.to_text(currency),
    })
}

fn movement_json(movement: &Movement) -> Value {
    let account = &movement.account;
    let whose = [
        ("account", json!(account)),
        ("currency", json!(account.currency)),
        ("subject", json!(movement.subject)),
    ];
    with(line_json(&movement.line, account.currency), whose)
}

/// An object with further fields.
fn with<const N: usize>(mut object: Value, further: [(&str, Value); N]) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.extend(further.map(|(name, value)| (name.to_owned(), value)));
    }
    object
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
