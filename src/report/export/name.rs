//! Account names that hledger and beancount both accept.
//!
//! A name is `Root:Book:Currency:Code:Programme:Year:Holder`, always seven parts, so that no account
//! is part of another and every subtotal (by book, code, programme, year) is one prefix. Parts begin
//! with a capital and have only ASCII letters, digits and hyphens (beancount's language syntax,
//! "Accounts"); the five roots are those of both tools.

use crate::journal::{AccountCode, Address, Book};

/// The name of an account.
pub(super) fn of(address: &Address) -> String {
    let Address {
        code,
        currency,
        programme,
        year,
        party,
        item,
    } = address;
    let root = root(*code);
    let book = match code.book() {
        Book::Authority => "Authority",
        Book::Money => "Money",
        Book::Rent => "Rent",
        Book::Quota => "Quota",
    };
    // Programme codes are in capitals, so none of them is "Zone".
    let programme = programme
        .as_ref()
        .map_or("Zone", |programme| programme.as_str());
    let year = year.map_or_else(|| "Any-Year".to_owned(), |year| format!("Y{year}"));
    let holder = match (party, item) {
        (None, None) => "General".to_owned(),
        (Some(party), None) => format!("Party-{party}"),
        (None, Some(item)) => format!("Item-{item}"),
        (Some(party), Some(item)) => format!("Party-{party}-Item-{item}"),
    };
    format!("{root}:{book}:{currency}:{code}:{programme}:{year}:{holder}")
}

/// The root of the chart in the sense of both tools. Of the memo books, what is authorised, receivable
/// or set stands under Assets, and what it is used for under Equity.
fn root(code: AccountCode) -> &'static str {
    use AccountCode as Code;
    match code {
        Code::B10
        | Code::F1010
        | Code::F1210
        | Code::M1010
        | Code::M1020
        | Code::M1030
        | Code::Q10
        | Code::Q11 => "Assets",
        Code::F1020 | Code::F2010 => "Liabilities",
        Code::F3010 | Code::F5090 | Code::M4010 => "Income",
        Code::F5010
        | Code::F5020
        | Code::F5030
        | Code::F5040
        | Code::F5050
        | Code::F5060
        | Code::M5010 => "Expenses",
        Code::B20
        | Code::B30
        | Code::B40
        | Code::B50
        | Code::B60
        | Code::B70
        | Code::B80
        | Code::B90
        | Code::Q20
        | Code::Q21
        | Code::Q22
        | Code::Q23
        | Code::Q24
        | Code::Q25
        | Code::Q26
        | Code::Q27
        | Code::Q28
        | Code::Q30
        | Code::Q31
        | Code::Q32
        | Code::Q33
        | Code::Q34
        | Code::Q35
        | Code::Q36
        | Code::Q37
        | Code::Q38 => "Equity",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_none_is_part_of_another() {
        let id = "0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11";
        let ends = [
            String::new(),
            "::2020".into(),
            ":SH-2020".into(),
            ":SH-2020:2020".into(),
            ":ZONE".into(),
            format!(":::{id}"),
            format!("::::{id}"),
            format!(":::{id}:{id}"),
            format!(":SH-2020:2020::{id}"),
        ];
        let mut names = HashSet::new();
        for code in AccountCode::ALL {
            for currency in ["CNY", "EUR"] {
                for end in &ends {
                    let address = format!("{code}:{currency}{end}").parse().unwrap();
                    let name = of(&address);
                    assert_eq!(name.split(':').count(), 7, "{name}");
                    let fits = |part: &str| {
                        part.starts_with(|first: char| {
                            first.is_ascii_uppercase() || first.is_ascii_digit()
                        }) && part
                            .bytes()
                            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                    };
                    assert!(name.split(':').all(fits), "{name}");
                    assert!(names.insert(name.clone()), "{name} twice");
                }
            }
        }
    }
}
