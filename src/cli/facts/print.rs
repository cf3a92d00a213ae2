//! How facts are printed: text for people, or JSON.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;

use crate::cli::output;
use crate::fact::store::Listed;
use crate::fact::{self, Determination, Kind, Register, Statement, Values, When};
use crate::party::Party;
use crate::policy::{Fact, Facts, Source};
use crate::report::{Align, Table};
use crate::types::{LogIndex, Name};

/// One fact of a snapshot.
#[derive(Serialize)]
struct Line<'a> {
    fact: Fact,
    value: String,
    source: Source,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    year: Option<i16>,
    register: Option<&'a str>,
    reference: Option<&'a str>,
    /// Said of every party of the zone, not of this one.
    whole_zone: bool,
    entry: Option<LogIndex>,
}

impl Line<'_> {
    fn time(&self) -> String {
        match (self.year, self.from, self.until) {
            (Some(year), ..) => format!("year {year}"),
            (None, Some(from), Some(until)) => format!("{from} until {until}"),
            (None, Some(from), None) => format!("from {from}"),
            (None, None, _) => String::new(),
        }
    }
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::Declared => "declared",
        Source::Verified => "verified",
        Source::Imported => "imported",
    }
}

/// What a decision of a day sees.
pub(super) fn snapshot(
    as_json: bool,
    party: &Party,
    on: NaiveDate,
    seen: &Facts,
    statements: &[Statement],
) -> anyhow::Result<()> {
    let lines: Vec<Line<'_>> = Fact::ALL
        .iter()
        .filter_map(|fact| {
            let stated = seen.get(*fact)?;
            let by = statements
                .iter()
                .find(|statement| Some(statement.index) == stated.entry);
            let when = by.map(|by| by.when);
            Some(Line {
                fact: *fact,
                value: stated.value.to_string(),
                source: stated.source,
                from: when.map_or(Some(stated.as_of), When::from),
                until: when.and_then(When::until),
                year: when.and_then(When::year),
                register: by.and_then(|by| Some(by.register.as_ref()?.as_str())),
                reference: by.and_then(|by| Some(by.reference.as_ref()?.as_str())),
                whole_zone: by.is_some_and(|by| by.party.is_none()),
                entry: stated.entry,
            })
        })
        .collect();
    if as_json {
        return output::json(&json!({
            "party": party.id, "on": on, "facts": lines, "snapshot": seen, "sha256": seen.sha256(),
        }));
    }
    output::line(&format!("{} {}, on {on}", party.identity, party.name))?;
    let mut table = Table::new([
        ("fact", Align::Left),
        ("value", Align::Left),
        ("source", Align::Left),
        ("period", Align::Left),
        ("reference", Align::Left),
        ("entry", Align::Right),
    ]);
    for line in &lines {
        let whole_zone = line.whole_zone.then_some("(the whole zone)");
        let register = [line.register, line.reference, whole_zone];
        let register: Vec<&str> = register.into_iter().flatten().collect();
        table.row([
            line.fact.name().to_owned(),
            line.value.clone(),
            source(line.source).to_owned(),
            line.time(),
            register.join(" "),
            line.entry
                .map_or_else(String::new, |entry| entry.to_string()),
        ]);
    }
    output::line(table.to_string().trim_end())?;
    Ok(())
}

/// Every statement that was ever made.
pub(super) fn history(
    as_json: bool,
    party: &Party,
    statements: &[Statement],
) -> anyhow::Result<()> {
    if as_json {
        return output::json(&json!({ "party": party.id, "statements": statements }));
    }
    output::line(&format!("{} {}", party.identity, party.name))?;
    if statements.is_empty() {
        output::line("nothing is stated of it")?;
    }
    for statement in statements {
        let whose = if statement.party.is_none() {
            ", the whole zone"
        } else {
            ""
        };
        let register = [
            statement.register.as_ref().map(Register::as_str),
            statement.reference.as_ref().map(Name::as_str),
        ];
        let register: Vec<&str> = register.into_iter().flatten().collect();
        output::line(&format!(
            "entry {}  {}  {}{whose}  {}\n    {}",
            statement.index,
            source(statement.source),
            statement.when,
            register.join(" "),
            pairs(&statement.facts)
        ))?;
    }
    Ok(())
}

pub(super) fn pairs(facts: &Values) -> String {
    let pairs: Vec<String> = facts
        .iter()
        .map(|(fact, value)| format!("{fact}={value}"))
        .collect();
    pairs.join("  ")
}

/// Every fact that there is.
pub(super) fn registry(as_json: bool) -> anyhow::Result<()> {
    let rows = fact::rows();
    if as_json {
        return output::json(&rows);
    }
    let mut table = Table::new([
        ("name", Align::Left),
        ("about", Align::Left),
        ("stated by", Align::Left),
        ("value", Align::Left),
        ("what", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.name.to_owned(),
            row.about.to_owned(),
            row.stated_by,
            row.value,
            format!("{} {}", row.zh, row.en),
        ]);
    }
    output::line(table.to_string().trim_end())?;
    Ok(())
}

/// A page of determinations.
pub(super) fn determinations(as_json: bool, found: &[Determination]) -> anyhow::Result<()> {
    if as_json {
        return output::json(&found);
    }
    if found.is_empty() {
        output::line("no determination fits")?;
    }
    for determination in found {
        let whose = determination
            .party
            .map_or_else(|| "the whole zone".to_owned(), |party| party.to_string());
        let until = determination
            .until
            .map_or_else(String::new, |until| format!(" until {until}"));
        let state = match determination.confirmed_index {
            Some(entry) => format!("confirmed by entry {entry}"),
            None => "open".to_owned(),
        };
        let what = match (determination.kind, &determination.register) {
            (Kind::Recognition, Some(register)) => format!("recognition for {register}: "),
            (Kind::Revocation, Some(register)) => format!("revocation in {register}: "),
            (_, _) => String::new(),
        };
        output::line(&format!(
            "entry {}  {what}{}  from {}{until}  {whose}  {state}\n    {}",
            determination.proposed_index,
            pairs(&determination.facts),
            determination.from,
            determination.reason
        ))?;
    }
    Ok(())
}

/// A page of a register.
pub(super) fn listed(as_json: bool, found: &[Listed]) -> anyhow::Result<()> {
    if as_json {
        return output::json(&found);
    }
    if found.is_empty() {
        output::line("nobody stands in it on that day")?;
    }
    for party in found {
        let reference = party
            .reference
            .as_ref()
            .map_or("", |reference| reference.as_str());
        output::line(&format!(
            "{}  {}  {}  {reference}  {}  entry {}",
            party.party,
            party.identifier,
            party.name,
            pairs(&party.facts),
            party.entry
        ))?;
    }
    Ok(())
}
