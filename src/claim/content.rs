//! What is claimed: facts, lines that add up to facts, and documents.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::relief::{self, Drawn};
use crate::batch::Rejected;
use crate::contract::MilestoneId;
use crate::fact;
use crate::policy::{Fact, Facts, Kind, Raw, Sha256, Source, Span, StatedBy, Value};
use crate::types::{Code, Money, Name, PartyId, WaiverId};

/// The most lines of a claim: its entry has a limit of size.
const MOST_LINES: usize = 300;

/// One of the things that a claim adds up: an invoice, a tenant, a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The fact that lines of it add up to: money or a number.
    pub fact: Fact,
    /// Number of the invoice, lease or certificate.
    pub reference: Name,
    /// How much of it, as facts are written.
    pub value: String,
}

/// A document of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Which of the documents that the policy lists, from 1; none of these, if there is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    /// SHA-256 of the file.
    pub sha256: Sha256,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Its documents.
    pub documents: Vec<Document>,
    /// Facts, besides those that its lines add up to.
    pub facts: Facts,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The milestone of a contract that was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<MilestoneId>,
}

/// What a claim rests on: what is claimed, and what the rent book said of the waivers that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// As the claimant says it.
    pub content: Content,
    /// As the rent book says it.
    pub relief: Option<Drawn>,
}

/// This as its row keeps it: what the party claims of the programme, as which version.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    content: &'a Content,
    party: PartyId,
    programme: &'a Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    relief: Option<&'a Drawn>,
    version: i32,
}

impl Claimed {
    /// The bytes that reviews and approvals are bound to, by their SHA-256: canonical JSON.
    pub(super) fn text(&self, party: PartyId, programme: &Code, version: i32) -> String {
        let kept = Kept {
            content: &self.content,
            party,
            programme,
            relief: self.relief.as_ref(),
            version,
        };
        serde_json::to_string(&kept).expect("BUG: what is claimed can be written as JSON")
    }

    /// Reads what a claim's row keeps.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Read<'a> {
            documents: Vec<Document>,
            #[serde(borrow)]
            facts: &'a serde_json::value::RawValue,
            lines: Vec<Line>,
            #[serde(default)]
            milestone: Option<MilestoneId>,
            #[serde(default)]
            relief: Option<Drawn>,
        }
        let read: Read<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let facts = Facts::from_canonical_json(read.facts.get().as_bytes());
        Ok(Self {
            content: Content {
                documents: read.documents,
                facts: facts.map_err(|error| error.to_string())?,
                lines: read.lines,
                milestone: read.milestone,
            },
            relief: read.relief,
        })
    }

    /// The facts as the claimant and the rent book state them, with the sums of lines.
    pub(super) fn stated(&self, on: NaiveDate) -> Result<Facts, Rejected> {
        let mut stated = self.content.stated(on)?;
        if let Some(relief) = &self.relief {
            stated.extend(&relief.facts(self.content.facts.currency(), on)?);
        }
        Ok(stated)
    }

    /// The waivers that it names.
    pub(super) fn waivers(&self) -> impl Iterator<Item = WaiverId> + '_ {
        let drawn = self.relief.iter().flat_map(|relief| &relief.waivers);
        drawn.map(|one| one.waiver)
    }
}

impl Content {
    /// Whether it can be claimed: everything is the claimant's to say, lines add up, and no value is impossible.
    pub(super) fn check(&self, today: NaiveDate) -> Result<(), Rejected> {
        if self.lines.len() > MOST_LINES {
            return Err(facts(format!(
                "{} lines: a claim has at most {MOST_LINES}; make several claims of it",
                self.lines.len()
            )));
        }
        let not_theirs = |fact: &Fact| fact.spec().stated_by != StatedBy::Applicant;
        if let Some(fact) = self.facts.iter().map(|(fact, _)| fact).find(not_theirs) {
            return Err(facts(format!(
                "{fact}: the office or the ledger itself says it; leave it out"
            )));
        }
        let mut seen = HashSet::new();
        for line in &self.lines {
            if !seen.insert((line.fact, line.reference.as_str())) {
                return Err(facts(format!(
                    "line {}: it stands twice among the lines of {}; one thing is claimed once",
                    line.reference, line.fact
                )));
            }
            if self.facts.get(line.fact).is_some() {
                return Err(facts(format!(
                    "{}: it is both stated and the sum of lines; state it, or give its lines",
                    line.fact
                )));
            }
        }
        let stated = self.stated(today)?;
        let value = |fact| stated.get(fact).map(|stated| &stated.value);
        let wrong = fact::impossible(value, today).into_iter().next();
        wrong.map_or(Ok(()), |wrong| Err(facts(wrong.to_string())))
    }

    /// Whether it leaves to the rent book what that says.
    pub(super) fn check_beside_relief(&self) -> Result<(), Rejected> {
        let facts = self.facts.iter().map(|(fact, _)| fact);
        relief::expect_unstated(facts.chain(self.lines.iter().map(|line| line.fact)))
    }

    /// The facts as the claimant states them, with the sums of lines.
    fn stated(&self, on: NaiveDate) -> Result<Facts, Rejected> {
        let mut stated = fact::said_by_applicant(&self.facts);
        let mut sums: BTreeMap<Fact, i64> = BTreeMap::new();
        for line in &self.lines {
            let value = line_value(line, &self.facts)?;
            let sum = sums.entry(line.fact).or_default();
            *sum = sum
                .checked_add(value)
                .ok_or_else(|| facts(format!("{}: the lines add up to too much", line.fact)))?;
        }
        for (fact, sum) in sums {
            let text = if fact.spec().kind == Kind::Money {
                Money::from_minor(sum).to_text(self.facts.currency())
            } else {
                sum.to_string()
            };
            let raw = Raw::typed(fact, &text);
            let read = stated.state(fact, raw, Source::Declared, on);
            read.map_err(|error| facts(format!("{fact}: the lines add up to {text}: {error}")))?;
        }
        Ok(stated)
    }
}

/// What a line adds: minor units of money, or a number.
fn line_value(line: &Line, within: &Facts) -> Result<i64, Rejected> {
    let wrong = |why: &str| facts(format!("line {}: {}: {why}", line.reference, line.fact));
    let spec = line.fact.spec();
    let adds_up = matches!(spec.kind, Kind::Money | Kind::Count(_));
    if !adds_up || spec.stated_by != StatedBy::Applicant || spec.span != Span::Case {
        let why = "lines add up only to amounts and numbers that a claimant states with the claim";
        return Err(wrong(why));
    }
    let raw = Raw::typed(line.fact, &line.value);
    let read = line.fact.read(raw, within.currency());
    let value = match read.map_err(|error| wrong(&error.to_string()))? {
        Value::Money(sum) => sum.money().minor(),
        Value::Count(count) => i64::from(count),
        Value::Quantity(_)
        | Value::Date(_)
        | Value::Bool(_)
        | Value::Text(_)
        | Value::Choice(_) => 0,
    };
    if value > 0 {
        Ok(value)
    } else {
        Err(wrong("a line is more than zero"))
    }
}

fn facts(message: String) -> Rejected {
    Rejected::Facts(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::relief::{OfLease, Taken};
    use crate::types::{ContractId, Currency, LogIndex};

    fn line(fact: Fact, value: &str, reference: &str) -> Line {
        Line {
            fact,
            reference: reference.parse().unwrap(),
            value: value.to_owned(),
        }
    }

    fn content(lines: Vec<Line>) -> Content {
        Content {
            documents: vec![Document {
                number: Some(1),
                sha256: Sha256::of(b"form"),
            }],
            facts: Facts::new(Currency::Cny),
            lines,
            milestone: None,
        }
    }

    fn today() -> NaiveDate {
        "2020-09-01".parse().unwrap()
    }

    #[test]
    fn lines_add_up_to_their_fact() {
        let content = content(vec![
            line(Fact::WaivedAmount, "38000.00", "lease 1"),
            line(Fact::WaivedAmount, "0.05", "lease 2"),
        ]);
        content.check(today()).unwrap();
        let stated = content.stated(today()).unwrap();
        let sum = stated.get(Fact::WaivedAmount).unwrap();
        assert_eq!(sum.value.to_string(), "38,000.05");
    }

    #[test]
    fn what_is_claimed_is_read_back() {
        let mut content = content(vec![line(Fact::WaivedAmount, "1.00", "lease 1")]);
        let raw = Raw::Text("waiver");
        content
            .facts
            .state(Fact::ReliefKind, raw, Source::Declared, today())
            .unwrap();
        let programme = "SHAANXI-RENT".parse().unwrap();
        let mut claimed = Claimed {
            content,
            relief: None,
        };
        let read_back = |claimed: &Claimed| {
            let text = claimed.text(PartyId::generate(), &programme, 1);
            assert_eq!(crate::journal::canonical::check(&text), Ok(()), "{text}");
            assert_eq!(Claimed::read(&text), Ok(claimed.clone()));
        };
        read_back(&claimed);
        claimed.relief = Some(Drawn {
            from: Some(today()),
            of_lease: Some(OfLease {
                full_months: 1,
                half_months: 2,
                monthly_rent: "100.00".to_owned(),
            }),
            until: Some(today()),
            waived_months: 3,
            waivers: vec![Taken {
                audited: "200.00".to_owned(),
                confirmed: "200.00".to_owned(),
                from_day: today(),
                landlord_relief: "50.00".to_owned(),
                number: LogIndex(14),
                until_day: today(),
                waiver: WaiverId::generate(),
            }],
        });
        read_back(&claimed);
        claimed.relief = None;
        claimed.content.milestone = Some(MilestoneId {
            contract: ContractId::generate(),
            number: 2,
        });
        read_back(&claimed);
    }

    #[test]
    fn lines_that_do_not_add_up_are_refused_by_name() {
        let one = line(Fact::WaivedAmount, "1.00", "lease 1");
        let huge = |reference: &str| line(Fact::WaivedAmount, "900000000000.00", reference);
        for (lines, expected) in [
            (vec![one.clone(), one.clone()], "it stands twice"),
            (
                vec![line(Fact::WaivedAmount, "0.00", "l")],
                "more than zero",
            ),
            (vec![line(Fact::WaivedAmount, "1.005", "l")], "line l"),
            (
                vec![line(Fact::WaiverFrom, "2020-01-01", "l")],
                "add up only",
            ),
            (
                vec![line(Fact::ClaimedOn, "2020-01-01", "l")],
                "add up only",
            ),
            (
                (0..300).map(|at| huge(&at.to_string())).collect(),
                "the lines add up",
            ),
            (
                (0..301)
                    .map(|at| line(Fact::WaivedAmount, "1.00", &at.to_string()))
                    .collect(),
                "at most 300",
            ),
        ] {
            let refused = content(lines).check(today()).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        let mut both = content(vec![one]);
        let raw = Raw::Text("1.00");
        both.facts
            .state(Fact::WaivedAmount, raw, Source::Declared, today())
            .unwrap();
        let refused = both.check(today()).unwrap_err().to_string();
        assert!(refused.contains("both stated and the sum"), "{refused}");
    }
}
