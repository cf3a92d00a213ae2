//! Reports as plain text for a terminal, aligned also where characters are two columns wide.

use std::collections::BTreeMap;
use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::execution::Execution;
use super::figures::{BudgetFigures, BudgetLine, TrialBalanceRow};
use super::party::{Figures, PartyStatement};
use crate::journal::{Balance, Book, Movement, Statement};
use crate::tabular::safe_cell;
use crate::types::{Currency, FiscalYear, Money, Zone};

/// Where a cell's text stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Figures.
    Right,
}

/// Rows under column names. Its `Display` has one line for each, two spaces between columns.
#[derive(Clone, Debug)]
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        Self::of(&columns)
    }

    /// A table with columns that are counted only here.
    fn of(columns: &[(&str, Align)]) -> Self {
        Self {
            aligns: columns.iter().map(|(_, align)| *align).collect(),
            rows: vec![columns.iter().map(|(name, _)| (*name).to_owned()).collect()],
        }
    }

    /// Adds a row; cells beyond the last column are not shown.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), align) in row.iter().zip(&widths).zip(&self.aligns) {
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                match align {
                    Align::Left => line.extend([cell.as_str(), &padding, "  "]),
                    Align::Right => line.extend([padding.as_str(), cell, "  "]),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Budget execution with a total for each year and currency: what a year carried over stands in the next one's, too.
pub fn budget_text(lines: &[BudgetLine]) -> String {
    // Between them a row adds up: appropriated is unallocated and allocated; allocated is free,
    // outstanding, reserved, redeemed, lapsed and carried.
    const SHOWN: [&str; 11] = [
        "appropriated",
        "unallocated",
        "allocated",
        "issued",
        "outstanding",
        "reserved",
        "redeemed",
        "paid",
        "lapsed",
        "carried",
        "free",
    ];
    let figures = |figures: &BudgetFigures, currency: Currency| {
        let shown = figures.named().into_iter();
        shown
            .filter(|(name, _)| SHOWN.contains(name))
            .map(move |(_, figure)| figure.to_grouped_text(currency))
    };
    let mut table = Table::new([
        ("programme", Align::Left),
        ("year", Align::Left),
        ("", Align::Left),
        ("appropriated", Align::Right),
        ("unallocated", Align::Right),
        ("allocated", Align::Right),
        ("issued", Align::Right),
        ("outstanding", Align::Right),
        ("reserved", Align::Right),
        ("redeemed", Align::Right),
        ("paid", Align::Right),
        ("lapsed", Align::Right),
        ("carried", Align::Right),
        ("free", Align::Right),
        ("name", Align::Left),
    ]);
    let mut totals = Totals::new();
    for line in lines {
        let programme = line
            .programme
            .as_ref()
            .map_or("(zone)", |code| code.as_str());
        let year = line.year.map(|year| year.to_string());
        let heads = [
            programme.to_owned(),
            year.unwrap_or_default(),
            line.currency.to_string(),
        ];
        let name = line.programme_name.as_ref();
        let cells = figures(&line.figures, line.currency);
        table.row(
            heads
                .into_iter()
                .chain(cells)
                .chain([name.map(ToString::to_string).unwrap_or_default()]),
        );
        count(&mut totals, line);
    }
    for ((year, currency), lines) in totals {
        let total: BudgetFigures = lines.into_iter().sum();
        let heads = total_heads(year, currency);
        table.row(heads.into_iter().chain(figures(&total, currency)));
    }
    table.to_string()
}

/// The figures of lines, by year and currency.
type Totals = BTreeMap<(Option<FiscalYear>, Currency), Vec<BudgetFigures>>;

fn count(totals: &mut Totals, line: &BudgetLine) {
    let of_year = totals.entry((line.year, line.currency)).or_default();
    of_year.push(line.figures);
}

fn total_heads(year: Option<FiscalYear>, currency: Currency) -> [String; 3] {
    let year = year.map_or_else(String::new, |year| year.to_string());
    ["total".to_owned(), year, currency.to_string()]
}

/// The columns of budget execution by funder, by the names of the figures.
const EXECUTION: [&str; 11] = [
    "appropriated",
    "unallocated",
    "allocated",
    "issued",
    "outstanding",
    "reserved",
    "obligated",
    "paid",
    "lapsed",
    "carried",
    "free",
];

fn execution_figures(figures: &BudgetFigures) -> impl Iterator<Item = Money> {
    let named = figures.named().into_iter();
    let shown = named.filter(|(name, _)| EXECUTION.contains(name));
    shown.map(|(_, figure)| figure)
}

/// Budget execution with what each funder bears, a total for each year and currency, and how lines are split and frozen.
pub fn execution_text(lines: &[Execution]) -> String {
    let mut columns = vec![
        ("programme", Align::Left),
        ("year", Align::Left),
        ("", Align::Left),
        ("funder", Align::Left),
    ];
    columns.extend(EXECUTION.map(|name| (name, Align::Right)));
    let mut table = Table::of(&columns);
    let mut totals = Totals::new();
    let mut notes = String::new();
    for Execution { line, frozen, .. } in lines {
        count(&mut totals, line);
        if let Some(frozen) = frozen {
            let (programme, year) = (&frozen.programme, frozen.year);
            let (entry, reason) = (frozen.frozen_index, &frozen.reason);
            notes.extend([format!(
                "{programme} {year} is frozen by entry {entry}: {reason}\n"
            )]);
        }
    }
    for one in lines {
        let line = &one.line;
        let programme = line.programme.as_ref();
        let money = |figures: &BudgetFigures| {
            let figures = execution_figures(figures);
            figures
                .map(|figure| figure.to_grouped_text(line.currency))
                .collect::<Vec<_>>()
        };
        let alone = match one.funders() {
            [only] => only.code.to_string(),
            _ => String::new(),
        };
        let heads = [
            programme.map_or_else(|| "(zone)".to_owned(), ToString::to_string),
            line.year.map_or_else(String::new, |year| year.to_string()),
            line.currency.to_string(),
            alone,
        ];
        table.row(heads.into_iter().chain(money(&line.figures)));
        for funder in one.funders().iter().filter(|_| one.funders().len() > 1) {
            let of = format!("{} {}", funder.code, funder.share);
            let heads = [String::new(), String::new(), String::new(), of];
            table.row(heads.into_iter().chain(money(&funder.figures)));
        }
        notes.extend(one.explained().map(|said| said + "\n"));
    }
    for ((year, currency), lines) in totals {
        let total: BudgetFigures = lines.into_iter().sum();
        let heads = total_heads(year, currency).into_iter();
        let figures = execution_figures(&total).map(|figure| figure.to_grouped_text(currency));
        table.row(heads.chain([String::new()]).chain(figures));
    }
    format!("{table}{notes}")
}

/// Budget execution as comma-separated values: a row for each line, without a funder, and one for each of its funders, where
/// shares say what each bears.
pub fn execution_csv(zone: &Zone, lines: &[Execution]) -> csv::Result<String> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    let heads = ["zone", "programme", "year", "currency", "funder", "share"];
    rows.write_record(heads.iter().chain(&EXECUTION))?;
    for one in lines {
        let line = &one.line;
        let whole = (String::new(), String::new(), &line.figures);
        let funders = one.funders().iter().map(|funder| {
            (
                funder.code.to_string(),
                funder.share.clone(),
                &funder.figures,
            )
        });
        for (funder, share, figures) in std::iter::once(whole).chain(funders) {
            let heads = [
                zone.code.to_string(),
                line.programme
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                line.year.map_or_else(String::new, |year| year.to_string()),
                line.currency.code().to_owned(),
                funder,
                share,
            ];
            let heads = heads.into_iter().map(|text| safe_cell(&text).into_owned());
            let figures = execution_figures(figures).map(|figure| figure.to_text(line.currency));
            rows.write_record(heads.chain(figures))?;
        }
    }
    let bytes = rows.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8(bytes).expect("BUG: every cell is text"))
}

/// The trial balance, book by book, with the sums that must be equal.
pub fn trial_balance_text(rows: &[TrialBalanceRow]) -> String {
    let mut table = Table::new([
        ("code", Align::Left),
        ("name", Align::Left),
        ("", Align::Left),
        ("debits", Align::Right),
        ("credits", Align::Right),
        ("balance", Align::Right),
    ]);
    for row in rows {
        let money = |amount: Money| amount.to_grouped_text(row.currency);
        table.row([
            row.code.to_string(),
            format!("{} {}", row.name_zh, row.name_en),
            row.currency.to_string(),
            money(row.debits),
            money(row.credits),
            money(row.balance),
        ]);
    }
    for ((book, currency), (debits, credits)) in sums_by_book(rows) {
        let (english, chinese) = book.names();
        table.row([
            book.letter().to_string(),
            format!("{chinese} {english}, total"),
            currency.to_string(),
            debits.to_grouped_text(currency),
            credits.to_grouped_text(currency),
            verdict(debits, credits).to_owned(),
        ]);
    }
    table.to_string()
}

/// Debits and credits of each book alone.
pub fn books_text(rows: &[TrialBalanceRow]) -> String {
    let mut table = Table::new([
        ("book", Align::Left),
        ("", Align::Left),
        ("debits", Align::Right),
        ("credits", Align::Right),
        ("", Align::Left),
    ]);
    for ((book, currency), (debits, credits)) in sums_by_book(rows) {
        let (english, chinese) = book.names();
        table.row([
            format!("{chinese} {english}"),
            currency.to_string(),
            debits.to_grouped_text(currency),
            credits.to_grouped_text(currency),
            verdict(debits, credits).to_owned(),
        ]);
    }
    table.to_string()
}

fn verdict(debits: Money, credits: Money) -> &'static str {
    if debits == credits {
        "balances"
    } else {
        "DOES NOT BALANCE"
    }
}

fn sums_by_book(rows: &[TrialBalanceRow]) -> BTreeMap<(Book, Currency), (Money, Money)> {
    let mut sums: BTreeMap<(Book, Currency), (Money, Money)> = BTreeMap::new();
    for row in rows {
        let (debits, credits) = sums.entry((row.book(), row.currency)).or_default();
        *debits = [*debits, row.debits].into_iter().sum();
        *credits = [*credits, row.credits].into_iter().sum();
    }
    sums
}

/// A page of a statement, with the balance before it.
pub fn statement_text(statement: &Statement) -> String {
    let currency = statement.address.currency;
    let optional = |amount: Option<Money>| {
        amount.map_or_else(String::new, |amount| amount.to_grouped_text(currency))
    };
    let mut table = Table::new([
        ("entry", Align::Right),
        ("effective", Align::Left),
        ("kind", Align::Left),
        ("debit", Align::Right),
        ("credit", Align::Right),
        ("balance", Align::Right),
        ("other account", Align::Left),
    ]);
    let blank = || String::new();
    table.row([
        blank(),
        blank(),
        "opening balance".to_owned(),
        blank(),
        blank(),
        statement.opening.to_grouped_text(currency),
    ]);
    for line in &statement.lines {
        table.row([
            line.index.to_string(),
            line.effective.to_string(),
            line.kind.clone(),
            optional(line.debit),
            optional(line.credit),
            line.balance.to_grouped_text(currency),
            line.other.clone(),
        ]);
    }
    let mut text = format!("{} in {currency}\n{table}", statement.address);
    if let Some(next) = statement.next {
        text.extend(["continues: --from ", &next.to_string(), "\n"]);
    }
    text
}

/// A page of a party's statement: sums by code, accounts, and postings with the balance of their account after each.
pub fn party_statement_text(statement: &PartyStatement) -> String {
    let party = &statement.party;
    let entries = &statement.entries;
    let range = if entries.is_empty() {
        "no entry was recorded on these days".to_owned()
    } else {
        format!("entries {} to {}", entries.start, entries.end - 1)
    };
    let mut text = format!("{} {}, {range}\n", party.identity, party.name);
    if statement.codes.is_empty() {
        text.push_str("Nothing stood or moved on an account of this party.\n");
        return text;
    }
    let mut codes = figures_table([("code", Align::Left), ("name", Align::Left)]);
    for one in &statement.codes {
        let heads = [
            one.code.to_string(),
            format!("{} {}", one.name_zh, one.name_en),
        ];
        codes.row(figures_row(heads, &one.figures, one.currency));
    }
    let mut accounts = figures_table([("account", Align::Left)]);
    for (address, figures) in &statement.accounts {
        let heads = [address.to_string()];
        accounts.row(figures_row(heads, figures, address.currency));
    }
    text.extend([codes.to_string(), "\n".to_owned(), accounts.to_string()]);
    if statement.more_accounts > 0 {
        let more = statement.more_accounts;
        text.extend(["and ", &more.to_string(), " more accounts: --limit\n"]);
    }
    text.extend([
        "\n",
        &movements_table(&statement.movements.lines).to_string(),
    ]);
    if let Some(next) = statement.movements.next {
        text.extend(["continues: --from ", &next.to_string(), "\n"]);
    }
    text
}

/// A table of what stood and moved, under these heads.
fn figures_table<const N: usize>(heads: [(&str, Align); N]) -> Table {
    let figures = ["", "opening", "debits", "credits", "closing"];
    let figures = figures.map(|name| (name, Align::Right));
    Table::of(&[&heads[..], &figures[..]].concat())
}

fn figures_row<const N: usize>(
    heads: [String; N],
    figures: &Figures,
    currency: Currency,
) -> impl Iterator<Item = String> {
    let Figures {
        opening,
        debits,
        credits,
        closing,
    } = *figures;
    let money = [opening, debits, credits, closing];
    let money = money.map(|amount| amount.to_grouped_text(currency));
    heads.into_iter().chain([currency.to_string()]).chain(money)
}

fn movements_table(lines: &[Movement]) -> Table {
    let mut table = Table::new([
        ("entry", Align::Right),
        ("effective", Align::Left),
        ("kind", Align::Left),
        ("debit", Align::Right),
        ("credit", Align::Right),
        ("balance", Align::Right),
        ("other", Align::Left),
        ("account", Align::Left),
    ]);
    for Movement { account, line, .. } in lines {
        let money = |amount: Money| amount.to_grouped_text(account.currency);
        let other = line.other.split(':').next().unwrap_or_default();
        table.row([
            line.index.to_string(),
            line.effective.to_string(),
            line.kind.clone(),
            line.debit.map(money).unwrap_or_default(),
            line.credit.map(money).unwrap_or_default(),
            money(line.balance),
            other.to_owned(),
            account.to_string(),
        ]);
    }
    table
}

/// One balance, saying so when nothing was posted to the account.
pub fn balance_text(balance: &Balance) -> String {
    let currency = balance.address.currency;
    let mut table = Table::new([
        ("account", Align::Left),
        ("", Align::Left),
        ("debits", Align::Right),
        ("credits", Align::Right),
        ("balance", Align::Right),
        ("after entries", Align::Right),
    ]);
    table.row([
        balance.address.to_string(),
        currency.to_string(),
        balance.debits.to_grouped_text(currency),
        balance.credits.to_grouped_text(currency),
        balance.balance.to_grouped_text(currency),
        balance.size.to_string(),
    ]);
    let mut text = table.to_string();
    if !balance.is_posted() {
        text.push_str("Nothing was posted to this account so far: is its address right?\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ProgrammeName;

    #[test]
    fn columns_align_where_characters_are_two_wide() {
        let mut table = Table::new([("name", Align::Left), ("amount", Align::Right)]);
        table.row(["高新区".to_owned(), "1.00".to_owned()]);
        table.row(["zone".to_owned(), "1,000.00".to_owned()]);
        assert_eq!(
            table.to_string(),
            "name      amount\n高新区      1.00\nzone    1,000.00\n"
        );
    }

    #[test]
    fn totals_are_kept_apart_by_year_and_currency() {
        let line = |year, currency, allocated| BudgetLine {
            programme: Some("P".parse().unwrap()),
            programme_name: Some(ProgrammeName {
                zh: "创新券".to_owned(),
                en: "Voucher".to_owned(),
            }),
            year: Some(FiscalYear(year)),
            currency,
            figures: BudgetFigures {
                allocated: Money::from_minor(allocated),
                ..BudgetFigures::default()
            },
        };
        let text = budget_text(&[
            line(2020, Currency::Cny, 10_000),
            line(2020, Currency::Cny, 1),
            line(2020, Currency::Eur, 700),
            line(2021, Currency::Cny, 300),
        ]);
        let totals: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("total"))
            .collect();
        assert_eq!(totals.len(), 3);
        for (total, (year, sum)) in totals.iter().zip([
            ("2020  CNY", " 100.01 "),
            ("2020  EUR", " 7.00 "),
            ("2021  CNY", " 3.00 "),
        ]) {
            assert!(total.contains(year) && total.contains(sum), "{total}");
        }
    }
}
