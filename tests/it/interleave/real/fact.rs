//! Facts of parties.

use chrono::NaiveDate;
use subsidy_ledger::fact::{
    self, Corrections, FactFile, FileOptions, NewStatement, Proposal, Values, When,
};
use subsidy_ledger::policy::{Fact, Raw, Sha256, Source};
use subsidy_ledger::tabular::{Format, Mapping, ReadOptions, Table};
use subsidy_ledger::types::{Currency, LogIndex, Period};

use super::{Command, Giving, Told, of_one, reason};

/// Codes of the parties that rows name.
fn code(party: &str) -> &'static str {
    match party {
        "f" => "91000000MA00000900",
        "g" => "91000000MA0000277Y",
        "p" => "914403001922038216",
        _ => "91350100M000100Y43",
    }
}

const fn corrections(correct: bool) -> Corrections {
    if correct {
        Corrections::Apply
    } else {
        Corrections::Refuse
    }
}

impl Giving {
    pub(super) async fn of_fact(&self) -> Option<Told> {
        Some(match &self.asked.command {
            Command::Listed {
                rows,
                from,
                correct,
            } => self.list(rows, *from, corrections(*correct)).await,
            Command::StateIncident {
                party,
                verified,
                incident,
                from,
                until,
                correct,
            } => {
                let facts = format!(r#"{{"major_incident":{incident}}}"#);
                let input = NewStatement {
                    party: self.party(party),
                    source: if *verified {
                        Source::Verified
                    } else {
                        Source::Declared
                    },
                    when: When::Days(Period::new(*from, *until).unwrap()),
                    reference: None,
                    evidence: vec![Sha256::of(b"report")],
                    facts: Values::parse(&facts, Currency::Cny).unwrap(),
                    corrections: corrections(*correct),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { fact::state(conn, &command, input).await })
                });
                Told::of(given, |stated| Told::recorded(stated.entry.0))
            }
            Command::ProposeLevel {
                party,
                level,
                from,
                until,
            } => {
                let fact = Fact::CarrierLevel;
                let input = Proposal {
                    party: party.map(|party| self.party(party)),
                    fact,
                    value: fact.read(Raw::typed(fact, level), Currency::Cny).unwrap(),
                    days: Period::new(*from, *until).unwrap(),
                    evidence: vec![Sha256::of(b"list")],
                    reason: reason(),
                };
                let given = of_one!(self, input, |conn, command, input| {
                    Box::pin(async move { fact::propose(conn, &command, input).await })
                });
                Told::of(given, |index| Told::recorded(index.0))
            }
            Command::ConfirmLevel { entry } => {
                let given = of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(async move { fact::confirm(conn, &command, *entry).await })
                });
                Told::of(given, |index| Told::recorded(index.0))
            }
            _ => return None,
        })
    }

    async fn list(&self, rows: &[(&str, bool)], from: NaiveDate, corrections: Corrections) -> Told {
        let row = |(party, listed): &(&str, bool)| format!("{},{listed},{from}\n", code(party));
        let rows: String = rows.iter().map(row).collect();
        let csv = format!("party,listed,from\n{rows}");
        let table = Table::read(csv.as_bytes(), Format::Csv, &ReadOptions::default()).unwrap();
        let options = FileOptions {
            source: Source::Imported,
            register: Some("integrity".parse().unwrap()),
            evidence: Vec::new(),
            year: None,
            from: None,
            until: None,
            complete: false,
        };
        let (mapping, sha256) = (Mapping::default(), Sha256::of(csv.as_bytes()));
        let file = FactFile::read(&table, sha256, &mapping, options, Currency::Cny, self.today);
        let input = (file.unwrap(), corrections);
        let given = of_one!(self, input, |conn, command, (file, corrections)| {
            Box::pin(async move {
                let plan = fact::plan(conn, &command, file, *corrections).await?;
                fact::apply(conn, &command, plan, &|_| ()).await
            })
        });
        Told::of(given, |report| Told {
            index: report.entry.map(|entry| entry.0),
            ..Told::default()
        })
    }
}
