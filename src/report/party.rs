//! A party's statement: what stood on each of its accounts, what moved over some days, and the postings one after another.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::store;
use crate::journal::{self, AccountCode, AccountTotals, Address, AsOf, Movements};
use crate::party::Party;
use crate::types::{Currency, LogIndex, Money, Zone};

/// Which part of a party's statement.
#[derive(Clone, Copy, Debug)]
pub struct PartyStatementPage {
    /// The first day, of those on which entries were recorded in the zone's time; from the beginning without it.
    pub since: Option<NaiveDate>,
    /// The last day; until now without it.
    pub until: Option<NaiveDate>,
    /// The entry that the page of postings begins with, if it is one of these days.
    pub from: LogIndex,
    /// How many accounts, and how many postings.
    pub limit: u16,
}

/// What stood and moved on one account, or on all of one code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Balance before the days, positive on the normal side, minor units.
    pub opening: Money,
    /// Debited on the days, minor units.
    pub debits: Money,
    /// Credited on the days, minor units.
    pub credits: Money,
    /// Balance after the days, positive on the normal side, minor units.
    pub closing: Money,
}

impl Figures {
    fn of(code: AccountCode, before: AccountTotals, after: AccountTotals) -> Self {
        Self {
            opening: before.balance(code.normal_side()),
            debits: after.debits.saturating_sub(before.debits),
            credits: after.credits.saturating_sub(before.credits),
            closing: after.balance(code.normal_side()),
        }
    }

    fn with(self, other: Self) -> Self {
        let sum = |one: Money, other: Money| [one, other].into_iter().sum();
        Self {
            opening: sum(self.opening, other.opening),
            debits: sum(self.debits, other.debits),
            credits: sum(self.credits, other.credits),
            closing: sum(self.closing, other.closing),
        }
    }

    /// Whether something stood or moved.
    fn is_any(self) -> bool {
        self.opening != Money::ZERO || self.debits != Money::ZERO || self.credits != Money::ZERO
    }
}

/// All accounts of one code that are the party's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFigures {
    /// The code.
    pub code: AccountCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// What they are counted in.
    pub currency: Currency,
    /// Their sum.
    pub figures: Figures,
}

/// A page of a party's statement.
#[derive(Clone, Debug)]
pub struct PartyStatement {
    /// Whose.
    pub party: Party,
    /// The entries of the log that were recorded on the days.
    pub entries: Range<i64>,
    /// Sums by code, over all accounts.
    pub codes: Vec<CodeFigures>,
    /// Accounts on which something stood or moved, by address: the first of them, up to the limit.
    pub accounts: Vec<(Address, Figures)>,
    /// How many accounts are beyond the limit.
    pub more_accounts: usize,
    /// The postings, in the order of the log.
    pub movements: Movements,
}

/// A party's accounts in every book, over some days. An account is a party's if its address names the party, as that or as
/// its item; so are those of the vouchers that it holds and of the contracts that it is the provider of. No account is that
/// of two parties: rent is its carrier's, and what a controller group has left of a limit is nobody's alone.
///
/// Reads as many rows as the party has accounts, and a page of postings of each; what else is in the zone costs nothing.
pub async fn party_statement(
    conn: &mut PgConnection,
    zone: &Zone,
    party: Party,
    page: PartyStatementPage,
) -> Result<PartyStatement, sqlx::Error> {
    let entries = recorded(conn, zone, page).await?;
    let own = store::accounts_of(conn, zone, party.id).await?;
    let before = journal::totals_at(conn, zone.id, &own, entries.start).await?;
    let after = journal::totals_at(conn, zone.id, &own, entries.end).await?;
    let postings = page.from.0.clamp(entries.start, entries.end)..entries.end;
    let movements = journal::movements(conn, zone.id, &own, postings, page.limit).await?;

    let mut sums: BTreeMap<(AccountCode, Currency), Figures> = BTreeMap::new();
    let mut accounts = Vec::new();
    for (address, (before, after)) in own.into_iter().zip(before.into_iter().zip(after)) {
        let figures = Figures::of(address.code, before, after);
        if figures.is_any() {
            let sum = sums.entry((address.code, address.currency)).or_default();
            *sum = sum.with(figures);
            accounts.push((address, figures));
        }
    }
    let more_accounts = accounts.len().saturating_sub(usize::from(page.limit));
    accounts.truncate(usize::from(page.limit));
    Ok(PartyStatement {
        party,
        entries,
        codes: named(conn, sums).await?,
        accounts,
        more_accounts,
        movements,
    })
}

/// The entries that were recorded on the days of a page.
async fn recorded(
    conn: &mut PgConnection,
    zone: &Zone,
    page: PartyStatementPage,
) -> Result<Range<i64>, sqlx::Error> {
    let by_end_of = |day| AsOf::Recorded(zone.time.end_of(day));
    let start = match page.since.and_then(|day| day.pred_opt()) {
        None => 0,
        Some(day) => journal::size_at(conn, zone.id, by_end_of(day)).await?,
    };
    let end = page.until.map_or(AsOf::Now, by_end_of);
    let end = journal::size_at(conn, zone.id, end).await?;
    Ok(start..end.max(start))
}

async fn named(
    conn: &mut PgConnection,
    sums: BTreeMap<(AccountCode, Currency), Figures>,
) -> Result<Vec<CodeFigures>, sqlx::Error> {
    let names = store::names_of_codes(conn).await?;
    let sums = sums.into_iter().map(|((code, currency), figures)| {
        let (name_zh, name_en) = names.get(code.as_str()).cloned().unwrap_or_default();
        CodeFigures {
            code,
            name_zh,
            name_en,
            currency,
            figures,
        }
    });
    Ok(sums.collect())
}
