//! Reads what the bank booked: `camt.053`, `BankToCustomerStatement`.
//!
//! Only booked entries move the balance, and only they are handed on; a statement's balances and entries have to agree
//! to the fen, or nothing of the file is taken in.

use chrono::NaiveDate;

use super::error::FileError;
use super::xml::{self, Element};
use crate::types::{Currency, Money};

pub(super) const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";
/// What differs between these is read either way: `Sts` with or without `Cd`, parties with or without `Pty`, amounts
/// of details in `Amt` or in `AmtDtls/TxAmt`.
const VERSIONS: &[&str] = &[
    "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14",
];

/// `Max35Text`.
const LONGEST_ID: usize = 35;

/// Whether money came or went, seen from the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came (CRDT).
    Credit,
    /// It went (DBIT).
    Debit,
}

impl Direction {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
        }
    }

    /// The amount with its sign: what came is positive.
    fn signed(self, amount: Money) -> Money {
        match self {
            Self::Credit => amount,
            Self::Debit => Money::from_minor(-amount.minor()),
        }
    }
}

/// A balance of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Minor units, negative when the account is overdrawn.
    pub amount: Money,
    /// At the beginning (opening) or end (closing) of this day.
    pub day: NaiveDate,
}

/// One statement of one account.
#[derive(Clone, Debug)]
pub struct Statement {
    /// `Stmt/Id`; of a page after the first with its number.
    pub id: String,
    /// The account's number, without spaces and hyphens.
    pub account: String,
    /// Before its entries: OPBD, or PRCD where the bank gives the balance of the day before; on a later page, the first
    /// ITBD.
    pub opening: Balance,
    /// After its entries: CLBD; on a page that is not the last, the last ITBD.
    pub closing: Balance,
    /// What was booked, in the order of the file.
    pub lines: Vec<BankLine>,
    /// Entries that are not booked (pending, for information): they move no balance.
    pub unbooked: usize,
}

/// One movement of the account: an entry, or one of the details of an entry that was booked for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankLine {
    /// Line of the file.
    pub line: usize,
    /// Whether it came or went.
    pub direction: Direction,
    /// Minor units, more than zero.
    pub amount: Money,
    /// The bank's booking day.
    pub booked_on: NaiveDate,
    /// Whether it takes back an earlier booking (`RvslInd`), or returns a payment (`RtrInf`).
    pub is_return: bool,
    /// `EndToEndId`, but for NOTPROVIDED.
    pub end_to_end_id: Option<String>,
    /// The bank's own reference: `AcctSvcrRef`, `TxId`, or that of the entry.
    pub reference: Option<String>,
    /// The other side's account number, without spaces and hyphens.
    pub account: Option<String>,
    /// The other side's name.
    pub party: Option<String>,
    /// What the bank calls it: `BkTxCd`, domain to sub-family, or its own code.
    pub code: Option<String>,
    /// What it was for: `Ustrd`, and the bank's further words.
    pub information: Option<String>,
}

/// Reads the statements of a file, each with its sums checked.
pub fn read_statements(bytes: &[u8], currency: Currency) -> Result<Vec<Statement>, FileError> {
    let mut details = Vec::new();
    let mut entries = Entries::default();
    let mut statements = Vec::new();
    let repeated = ["TxDtls", "Ntry", "Stmt"];
    let root = xml::read(
        bytes,
        (NAMESPACE, VERSIONS),
        &repeated,
        |around, element| {
            match element.name.as_str() {
                "TxDtls" => details.push(detail(element, currency)?),
                "Ntry" => entries.add((around, element), std::mem::take(&mut details), currency)?,
                _ => statements.push(statement(element, std::mem::take(&mut entries), currency)?),
            }
            Ok(())
        },
    )?;
    let message = root.require("BkToCstmrStmt")?;
    if statements.is_empty() {
        return Err(message.missing("Stmt"));
    }
    Ok(statements)
}

/// Entries of a statement so far.
#[derive(Default)]
struct Entries {
    lines: Vec<BankLine>,
    unbooked: usize,
    booked: Totals,
    all: Totals,
}

/// Numbers and sums by direction.
#[derive(Clone, Copy, Default)]
struct Totals {
    credits: (usize, Money),
    debits: (usize, Money),
}

impl Totals {
    fn add(&mut self, direction: Direction, amount: Money) {
        let (number, sum) = match direction {
            Direction::Credit => &mut self.credits,
            Direction::Debit => &mut self.debits,
        };
        *number += 1;
        *sum = [*sum, amount].into_iter().sum();
    }
}

/// One of the details of an entry, as far as they say something of their own.
struct Detail {
    place: usize,
    amount: Option<Money>,
    direction: Option<Direction>,
    is_return: bool,
    end_to_end_id: Option<String>,
    reference: Option<String>,
    /// Name and account of creditor and debtor: which is the other side, the direction says.
    creditor: (Option<String>, Option<String>),
    debtor: (Option<String>, Option<String>),
    code: Option<String>,
    information: Vec<String>,
}

impl Entries {
    fn add(
        &mut self,
        (statement, entry): (&Element, &Element),
        details: Vec<Detail>,
        currency: Currency,
    ) -> Result<(), FileError> {
        let amount = entry.require("Amt")?.money(currency)?;
        let direction = direction(entry.require("CdtDbtInd")?)?;
        self.all.add(direction, amount);
        let status = entry.require("Sts")?;
        match status.text_at(&["Cd"]).or(status.filled()) {
            Some("BOOK") => {}
            Some("PDNG" | "INFO" | "FUTR") => {
                self.unbooked += 1;
                return Ok(());
            }
            Some(_) | None => {
                return Err(status.wrong("is no status of an entry: BOOK, PDNG or INFO"));
            }
        }
        self.booked.add(direction, amount);
        check_batch(entry, &details, currency)?;
        let booking = Booking {
            direction,
            booked_on: booked_on(statement, entry)?,
            is_return: entry.text_at(&["RvslInd"]).is_some_and(is_true),
            reference: entry.text_at(&["AcctSvcrRef"]).map(str::to_owned),
            code: code(entry),
            information: entry.text_at(&["AddtlNtryInf"]).map(str::to_owned),
        };
        let begin = self.lines.len();
        match <[Detail; 1]>::try_from(details) {
            Ok([only]) if only.amount.is_none() => {
                self.lines.extend(booking.line(only, amount));
            }
            Ok([only]) => self.split(entry, &booking, vec![only])?,
            Err(details) if details.is_empty() => {
                self.lines
                    .extend(booking.line(Detail::nothing(entry), amount));
            }
            Err(details) => self.split(entry, &booking, details)?,
        }
        let lines = self.lines.get(begin..).unwrap_or_default();
        let moved: Money = lines
            .iter()
            .map(|one| one.direction.signed(one.amount))
            .sum();
        self.charges(entry, &booking, direction.signed(amount), moved, currency)
    }

    /// A line for each detail.
    fn split(
        &mut self,
        entry: &Element,
        booking: &Booking,
        details: Vec<Detail>,
    ) -> Result<(), FileError> {
        for detail in details {
            let amount = detail.amount.ok_or_else(|| {
                entry.sums(format!(
                    "the details at line {} have no amount, so it can't be told what each moved",
                    detail.place
                ))
            })?;
            self.lines.extend(booking.line(detail, amount));
        }
        Ok(())
    }

    /// What an entry moved beyond its details must be its charges, which become a line of their own.
    fn charges(
        &mut self,
        entry: &Element,
        booking: &Booking,
        whole: Money,
        moved: Money,
        currency: Currency,
    ) -> Result<(), FileError> {
        let rest = Money::from_minor(whole.minor() - moved.minor());
        if rest == Money::ZERO {
            return Ok(());
        }
        let charges = charges(entry, currency)?;
        let size = Money::from_minor(rest.minor().abs());
        if size != charges {
            let text = |money: Money| money.to_text(currency);
            return Err(entry.sums(format!(
                "the entry moves {}, its details move {}, and its charges are {}",
                text(whole),
                text(moved),
                text(charges)
            )));
        }
        let direction = if rest > Money::ZERO {
            Direction::Credit
        } else {
            Direction::Debit
        };
        let detail = Detail {
            direction: Some(direction),
            information: vec!["charges".to_owned()],
            ..Detail::nothing(entry)
        };
        self.lines.extend(booking.line(detail, size));
        Ok(())
    }
}

/// What the details of an entry share.
struct Booking {
    direction: Direction,
    booked_on: NaiveDate,
    is_return: bool,
    reference: Option<String>,
    code: Option<String>,
    information: Option<String>,
}

impl Booking {
    /// Nothing moves where the amount is zero, as in an entry that only informs.
    fn line(&self, detail: Detail, amount: Money) -> Option<BankLine> {
        if amount == Money::ZERO {
            return None;
        }
        let direction = detail.direction.unwrap_or(self.direction);
        let (party, account) = match direction {
            Direction::Credit => detail.debtor,
            Direction::Debit => detail.creditor,
        };
        let mut information = detail.information;
        information.extend(self.information.clone());
        Some(BankLine {
            line: detail.place,
            direction,
            amount,
            booked_on: self.booked_on,
            is_return: self.is_return || detail.is_return,
            end_to_end_id: detail.end_to_end_id,
            reference: detail.reference.or_else(|| self.reference.clone()),
            account,
            party,
            code: detail.code.or_else(|| self.code.clone()),
            information: (!information.is_empty()).then(|| information.join(" ")),
        })
    }
}

impl Detail {
    fn nothing(entry: &Element) -> Self {
        Self {
            place: entry.place.line,
            amount: None,
            direction: None,
            is_return: false,
            end_to_end_id: None,
            reference: None,
            creditor: (None, None),
            debtor: (None, None),
            code: None,
            information: Vec::new(),
        }
    }
}

fn detail(element: &Element, currency: Currency) -> Result<Detail, FileError> {
    let amount = element
        .child("Amt")
        .or_else(|| element.find(&["AmtDtls", "TxAmt", "Amt"]))
        .map(|amount| amount.money(currency))
        .transpose()?;
    let direction = element.child("CdtDbtInd").map(direction).transpose()?;
    let reference = |name| element.text_at(&["Refs", name]);
    let provided = reference("EndToEndId").filter(|id| *id != "NOTPROVIDED");
    let side = |party, account| {
        let name = element
            .text_at(&["RltdPties", party, "Pty", "Nm"])
            .or_else(|| element.text_at(&["RltdPties", party, "Nm"]));
        let account = element.find(&["RltdPties", account]).and_then(number);
        (name.map(str::to_owned), account)
    };
    let texts = element
        .child("RmtInf")
        .into_iter()
        .flat_map(|one| one.all("Ustrd"));
    let texts = texts.chain(element.child("AddtlTxInf"));
    Ok(Detail {
        place: element.place.line,
        amount,
        direction,
        is_return: element.child("RtrInf").is_some(),
        end_to_end_id: provided.map(str::to_owned),
        reference: reference("AcctSvcrRef")
            .or_else(|| reference("TxId"))
            .map(str::to_owned),
        creditor: side("Cdtr", "CdtrAcct"),
        debtor: side("Dbtr", "DbtrAcct"),
        code: code(element),
        information: texts
            .filter_map(Element::filled)
            .map(str::to_owned)
            .collect(),
    })
}

fn direction(element: &Element) -> Result<Direction, FileError> {
    match element.text.trim() {
        "CRDT" => Ok(Direction::Credit),
        "DBIT" => Ok(Direction::Debit),
        _ => Err(element.wrong("is no direction: CRDT or DBIT")),
    }
}

/// The bank's booking day: as the entry says it; where it does not, its value day, or the day that the statement closes.
fn booked_on(statement: &Element, entry: &Element) -> Result<NaiveDate, FileError> {
    let said = entry.child("BookgDt").or_else(|| entry.child("ValDt"));
    let closing = || {
        statement
            .all("Bal")
            .filter_map(|balance| balance.child("Dt"))
            .last()
    };
    let day = said.or_else(closing);
    day.ok_or_else(|| entry.missing("BookgDt"))?.day()
}

fn is_true(text: &str) -> bool {
    matches!(text, "true" | "1")
}

/// IBAN or other number of an account.
fn number(account: &Element) -> Option<String> {
    let text = account
        .text_at(&["Id", "IBAN"])
        .or_else(|| account.text_at(&["Id", "Othr", "Id"]))?;
    Some(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect())
}

fn code(element: &Element) -> Option<String> {
    let code = element.child("BkTxCd")?;
    let domain = code.text_at(&["Domn", "Cd"]).map(|domain| {
        let family = ["Cd", "SubFmlyCd"].map(|name| code.text_at(&["Domn", "Fmly", name]));
        let parts = [Some(domain)].into_iter().chain(family).flatten();
        parts.collect::<Vec<_>>().join("/")
    });
    domain.or_else(|| code.text_at(&["Prtry", "Cd"]).map(str::to_owned))
}

/// All charges of an entry.
fn charges(entry: &Element, currency: Currency) -> Result<Money, FileError> {
    let mut total = Money::ZERO;
    for charge in entry.all("Chrgs") {
        let amounts: Vec<Money> = match charge.child("TtlChrgsAndTaxAmt") {
            Some(sum) => vec![sum.money(currency)?],
            None => charge
                .all("Amt")
                .chain(charge.all("Rcrd").filter_map(|record| record.child("Amt")))
                .map(|amount| amount.money(currency))
                .collect::<Result<_, _>>()?,
        };
        total = amounts.into_iter().chain([total]).sum();
    }
    Ok(total)
}

/// What an entry says of its details must be so, where it has any.
fn check_batch(entry: &Element, details: &[Detail], currency: Currency) -> Result<(), FileError> {
    let batches = entry.all("NtryDtls").filter_map(|one| one.child("Btch"));
    let (mut number, mut total) = (None, None);
    for batch in batches {
        if let Some(count) = batch.child("NbOfTxs") {
            number = Some(number.unwrap_or(0) + count.whole_number()?);
        }
        if let Some(sum) = batch.child("TtlAmt") {
            let sum = sum.money(currency)?;
            total = Some([total.unwrap_or(Money::ZERO), sum].into_iter().sum());
        }
    }
    if details.is_empty() {
        return Ok(());
    }
    if let Some(number) = number.filter(|number| *number != details.len()) {
        let found = details.len();
        return Err(entry.sums(format!(
            "NbOfTxs of its batch is {number}, {found} are listed"
        )));
    }
    let sum: Money = details.iter().filter_map(|detail| detail.amount).sum();
    let has_all = details.iter().all(|detail| detail.amount.is_some());
    if let Some(total) = total.filter(|total| has_all && *total != sum) {
        let text = |money: Money| money.to_text(currency);
        let (total, sum) = (text(total), text(sum));
        return Err(entry.sums(format!(
            "TtlAmt of its batch is {total}, its details are {sum}"
        )));
    }
    Ok(())
}

fn statement(
    element: &Element,
    entries: Entries,
    currency: Currency,
) -> Result<Statement, FileError> {
    let account = element.require("Acct")?;
    if let Some(code) = account
        .child("Ccy")
        .filter(|code| code.text.trim() != currency.code())
    {
        return Err(code.wrong(format!("the zone's books are in {currency}")));
    }
    let number = number(account).ok_or_else(|| account.missing("Id/IBAN or Id/Othr/Id"))?;
    check_summary(element, &entries, currency)?;
    let balances = balances(element, currency)?;
    let find = |code: &str| balances.iter().find(|(kind, _)| kind == code);
    for code in ["OPBD", "PRCD", "CLBD"] {
        if balances.iter().filter(|(kind, _)| kind == code).count() > 1 {
            return Err(element.sums(format!("it has several balances {code}")));
        }
    }
    let last = balances.iter().rev().find(|(kind, _)| kind == "ITBD");
    let opening = find("OPBD")
        .or_else(|| find("PRCD"))
        .or_else(|| find("ITBD"));
    let (_, opening) =
        opening.ok_or_else(|| element.missing("opening balance (Bal with OPBD or PRCD)"))?;
    let closing =
        find("CLBD").or(last.filter(|(_, balance)| balance != opening || entries.lines.is_empty()));
    let (_, closing) = closing.ok_or_else(|| element.missing("closing balance (Bal with CLBD)"))?;
    let moved = entries
        .lines
        .iter()
        .map(|line| line.direction.signed(line.amount));
    let expected: Money = [opening.amount].into_iter().chain(moved).sum();
    if expected != closing.amount {
        let text = |money: Money| money.to_text(currency);
        let credits = text(entries.booked.credits.1);
        let debits = text(entries.booked.debits.1);
        return Err(element.sums(format!(
            "opening balance {} and credits {credits} less debits {debits} make {}, but the closing balance is {}",
            text(opening.amount),
            text(expected),
            text(closing.amount)
        )));
    }
    Ok(Statement {
        id: name(element)?,
        account: number,
        opening: *opening,
        closing: *closing,
        lines: entries.lines,
        unbooked: entries.unbooked,
    })
}

/// The statement's id; of a page after the first, with the number of the page, since all pages have the id.
fn name(element: &Element) -> Result<String, FileError> {
    let id = element.require_text("Id")?;
    if id.chars().count() > LONGEST_ID {
        let child = element.require("Id")?;
        return Err(child.wrong(format!("has more than {LONGEST_ID} characters")));
    }
    let page = element.find(&["StmtPgntn", "PgNb"]);
    match page.map(Element::whole_number).transpose()? {
        Some(page) if page > 1 => Ok(format!("{id} page {page}")),
        Some(_) | None => Ok(id.to_owned()),
    }
}

/// Every balance with its code, in the order of the file.
fn balances(element: &Element, currency: Currency) -> Result<Vec<(String, Balance)>, FileError> {
    let mut found = Vec::new();
    for balance in element.all("Bal") {
        let kind = balance.require("Tp")?;
        let code = kind
            .text_at(&["CdOrPrtry", "Cd"])
            .or_else(|| kind.text_at(&["CdOrPrtry", "Prtry"]));
        let amount = balance.require("Amt")?.money(currency)?;
        let direction = direction(balance.require("CdtDbtInd")?)?;
        let day = balance.require("Dt")?.day()?;
        let amount = direction.signed(amount);
        found.push((code.unwrap_or_default().to_owned(), Balance { amount, day }));
    }
    Ok(found)
}

/// Numbers and sums that a statement gives of its entries. Banks count either all of them or the booked ones.
fn check_summary(
    element: &Element,
    entries: &Entries,
    currency: Currency,
) -> Result<(), FileError> {
    let Some(summary) = element.child("TxsSummry") else {
        return Ok(());
    };
    let both = |totals: Totals| {
        let (credits, debits) = (totals.credits, totals.debits);
        (
            credits.0 + debits.0,
            [credits.1, debits.1].into_iter().sum(),
        )
    };
    for (name, booked, all) in [
        ("TtlCdtNtries", entries.booked.credits, entries.all.credits),
        ("TtlDbtNtries", entries.booked.debits, entries.all.debits),
        ("TtlNtries", both(entries.booked), both(entries.all)),
    ] {
        let Some(total) = summary.child(name) else {
            continue;
        };
        if let Some(said) = total.child("NbOfNtries") {
            let said = said.whole_number()?;
            if said != booked.0 && said != all.0 {
                return Err(total.sums(format!("it counts {said} entries, there are {}", booked.0)));
            }
        }
        if let Some(said) = total.child("Sum") {
            let said = said.decimal(currency)?;
            if said != booked.1 && said != all.1 {
                let text = |money: Money| money.to_text(currency);
                let (said, found) = (text(said), text(booked.1));
                return Err(total.sums(format!("it sums entries up to {said}, they are {found}")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
