//! The reference of facts, generated from the registry.

use std::fmt::Write as _;

use serde::Serialize;

use super::cell::how_to_write;
use super::register::Register;
use super::statement::check_fact;
use crate::policy::{Fact, Kind, Locale, Span, StatedBy};

/// What the registry says of a fact, as text.
#[derive(Clone, Debug, Serialize)]
pub struct FactRow {
    /// Its name in packs and files.
    pub name: &'static str,
    /// How a value is written in a file.
    pub value: String,
    /// What it is about: `year`, `standing` or `case`.
    pub about: &'static str,
    /// Who states it, and how.
    pub stated_by: String,
    /// What it is, in Chinese.
    pub zh: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// What supports it, in Chinese.
    pub evidence_zh: &'static str,
    /// What supports it, in English.
    pub evidence_en: &'static str,
}

/// A row for every fact, by name.
pub fn rows() -> Vec<FactRow> {
    Fact::ALL.iter().copied().map(row).collect()
}

fn row(fact: Fact) -> FactRow {
    let spec = fact.spec();
    let value = match spec.kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Date => "a day".to_owned(),
        Kind::Money => "an amount".to_owned(),
        Kind::OneOf(words) => {
            let words: Vec<_> = words.iter().map(|word| word.name).collect();
            words.join(", ")
        }
        kind @ (Kind::Count(_) | Kind::Quantity(_) | Kind::Text) => {
            let how = how_to_write(kind);
            how.split(", such as").next().unwrap_or_default().to_owned()
        }
    };
    FactRow {
        name: spec.name,
        value,
        about: match spec.span {
            Span::Standing => "standing",
            Span::Year => "year",
            Span::Case => "case",
        },
        stated_by: stated_by(fact),
        zh: spec.what(Locale::Zh),
        en: spec.what(Locale::En),
        evidence_zh: spec.evidence(Locale::Zh),
        evidence_en: spec.evidence(Locale::En),
    }
}

fn stated_by(fact: Fact) -> String {
    if matches!(fact, Fact::Uscc | Fact::UsccOverride) {
        return "the register of parties".to_owned();
    }
    match (fact.spec().stated_by, Register::of_fact(fact)) {
        (StatedBy::Ledger, Some(register)) => format!("register {register}"),
        (StatedBy::Ledger, None) => "the ledger".to_owned(),
        (StatedBy::Office, _) => "the office".to_owned(),
        (StatedBy::Applicant, _) if check_fact(fact, None).is_ok() => "the party".to_owned(),
        (StatedBy::Applicant, _) => "the applicant".to_owned(),
    }
}

/// The whole reference in Markdown: `docs/facts.md`.
pub fn markdown() -> String {
    let mut text = String::from(HEAD);
    for (about, title) in [
        ("standing", "Of a party, from a day on"),
        ("year", "Of a party, in a calendar year"),
        ("case", "Of one application, order or claim"),
    ] {
        let _ = write!(
            text,
            "\n## {title}\n\n| name | what | value | stated by | evidence |\n| --- | --- | --- | --- | --- |\n"
        );
        for row in rows().iter().filter(|row| row.about == about) {
            let FactRow {
                name,
                value,
                stated_by,
                zh,
                en,
                evidence_zh,
                evidence_en,
                ..
            } = row;
            let _ = writeln!(
                text,
                "| `{name}` | {zh} {en} | {value} | {stated_by} | {evidence_zh} {evidence_en} |"
            );
        }
    }
    text
}

const HEAD: &str = "\
# Facts

Every fact that a pack may name, from the registry in `src/policy/registry.rs`. Written by `subsidy-ledger facts list
--markdown`; a test compares. How facts are imported: [import](import.md#facts).

* *Of a party, from a day on*: holds from its first day until another is stated or its end.
* *Of a party, in a calendar year*: a decision sees that of the year before its own.
* *Of one application, order or claim*: stated with it. What the office determines of these, it determines of a party for
  a time.

| stated by | how |
| --- | --- |
| the party | by a person who acts for it (declared), by a reviewer on paper (declared) or after a look at the evidence (verified), or from another office's register (imported): `facts state`, `facts import` |
| the applicant | with the application, order or claim |
| the office | proposed by one person, confirmed by another: `facts determine`, `facts confirm` |
| register … | by a file of the register (`facts import --register …`) or by published rules and two persons (`facts recognise`, `facts revoke`) |
| the register of parties | who the party is: `party import`, `party propose-override` |
| the ledger | from its own records |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_what_the_registry_says() {
        let written = include_str!("../../docs/facts.md");
        assert!(
            written == markdown(),
            "docs/facts.md is out of date: run `subsidy-ledger facts list --markdown > docs/facts.md`"
        );
    }
}
