//! A party's statement over all its accounts: the same as the statements of its accounts, and together the trial balance.

use std::collections::BTreeMap;

use serde_json::Value;
use subsidy_ledger::cli::report::{ReportCommand, ReportError, run};
use subsidy_ledger::journal::{self, AccountCode, Address, Movement};
use subsidy_ledger::party;
use subsidy_ledger::report::{self, Figures, PartyStatement, PartyStatementPage};
use subsidy_ledger::types::{LogIndex, Money, PartyId};

use crate::kit::scenario::{World, day};
use crate::recovery::Recoveries;

/// Codes whose every account is some party's. Of the others, Q22 and Q25 may be a controller group's.
const OF_PARTIES: &[AccountCode] = {
    use AccountCode::*;
    &[
        B40, F1210, F2010, M1010, M1020, M1030, M4010, M5010, Q20, Q21, Q23, Q24, Q27, Q28, Q30,
        Q31, Q32, Q33, Q34, Q35, Q37, Q38,
    ]
};

const ALL: PartyStatementPage = PartyStatementPage {
    since: None,
    until: None,
    from: LogIndex(0),
    limit: 10_000,
};

async fn read(world: &World, party: PartyId, page: PartyStatementPage) -> PartyStatement {
    let input = (world.zone.clone(), party, page);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, party, page)| {
            Box::pin(async move {
                let party = party::store::party(conn, zone.id, *party).await?.unwrap();
                report::party_statement(conn, zone, party, *page).await
            })
        });
    let statement: Result<_, sqlx::Error> = read.await;
    statement.unwrap()
}

/// All postings of a party, page by page.
async fn all_movements(world: &World, party: PartyId, limit: u16) -> Vec<Movement> {
    let (mut lines, mut from) = (Vec::new(), LogIndex(0));
    loop {
        let page = read(world, party, PartyStatementPage { from, limit, ..ALL }).await;
        assert!(page.movements.lines.len() >= usize::from(limit) || page.movements.next.is_none());
        lines.extend(page.movements.lines);
        match page.movements.next {
            Some(next) => from = next,
            None => return lines,
        }
    }
}

/// The party's accounts, by the tables alone.
async fn own_accounts(world: &World, party: PartyId) -> Vec<Address> {
    let read = world.db.app().read(world.zone.id, party, |conn, party| {
        Box::pin(async move {
            sqlx::query_scalar::<_, String>(
                "SELECT address FROM ledger.account WHERE party_id = $1 OR item_id = $1 OR item_id IN (
                     SELECT voucher_id FROM ledger.voucher WHERE party_id = $1
                     UNION SELECT contract_id FROM ledger.contract WHERE provider_id = $1)
                 ORDER BY address",
            )
            .bind(party.0)
            .fetch_all(conn)
            .await
        })
    });
    let addresses: Result<Vec<String>, sqlx::Error> = read.await;
    let addresses = addresses.unwrap();
    addresses.iter().map(|text| text.parse().unwrap()).collect()
}

/// What the statements of the accounts, one by one, say.
async fn by_account(world: &World, accounts: &[Address]) -> Vec<Movement> {
    let input = (world.zone.id, accounts.to_vec());
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, accounts)| {
            Box::pin(async move {
                let mut lines = Vec::new();
                for account in accounts {
                    let statement =
                        journal::statement(conn, *zone, account, LogIndex(0), 10_000).await?;
                    assert_eq!(statement.next, None);
                    lines.extend(
                        statement
                            .lines
                            .into_iter()
                            .map(|line| (account.clone(), line)),
                    );
                }
                Ok::<_, sqlx::Error>(lines)
            })
        });
    let lines = read
        .await
        .unwrap()
        .into_iter()
        .map(|(account, line)| Movement {
            account,
            subject: None,
            line,
        });
    let mut lines: Vec<Movement> = lines.collect();
    lines.sort_by_key(|one| (one.line.index, one.line.position, one.line.debit.is_none()));
    lines
}

/// Every party's statement is that of its accounts, and all of them together are the trial balance.
pub(crate) async fn check(world: &World) {
    let parties = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            let all = party::Filter {
                limit: 1_000,
                ..party::Filter::default()
            };
            Box::pin(async move { party::store::list(conn, *zone, &all).await })
        });
    let parties: Result<_, sqlx::Error> = parties.await;
    let mut sums: BTreeMap<AccountCode, (Money, Money)> = BTreeMap::new();
    for party in parties.unwrap() {
        let statement = read(world, party.id, ALL).await;
        let own = own_accounts(world, party.id).await;
        let shown: Vec<&Address> = statement
            .accounts
            .iter()
            .map(|(address, _)| address)
            .collect();
        assert_eq!(shown, own.iter().collect::<Vec<_>>(), "{}", party.name);
        let mut paged = all_movements(world, party.id, 7).await;
        assert_eq!(paged, statement.movements.lines, "{}", party.name);
        for one in &mut paged {
            one.subject = None;
        }
        let one_by_one = by_account(world, &own).await;
        assert_eq!(paged, one_by_one, "{}", party.name);
        for (address, figures) in &statement.accounts {
            let last = one_by_one.iter().rfind(|one| one.account == *address);
            assert_eq!(figures.closing, last.unwrap().line.balance, "{address}");
        }
        for one in &statement.codes {
            let accounts = statement
                .accounts
                .iter()
                .filter(|(address, _)| address.code == one.code);
            let sum = |part: fn(&Figures) -> Money| -> Money {
                accounts.clone().map(|(_, figures)| part(figures)).sum()
            };
            let figures = Figures {
                opening: sum(|one| one.opening),
                debits: sum(|one| one.debits),
                credits: sum(|one| one.credits),
                closing: sum(|one| one.closing),
            };
            assert_eq!(one.figures, figures, "{}", one.code);
            let (debits, credits) = sums.entry(one.code).or_default();
            *debits = [*debits, one.figures.debits].into_iter().sum();
            *credits = [*credits, one.figures.credits].into_iter().sum();
        }
    }
    let zone = world.zone.id;
    let trial = world.db.app().read(zone, zone, |conn, zone| {
        Box::pin(report::trial_balance(conn, *zone))
    });
    let trial: Result<_, sqlx::Error> = trial.await;
    let trial = trial
        .unwrap()
        .into_iter()
        .filter(|row| OF_PARTIES.contains(&row.code));
    let trial: BTreeMap<AccountCode, (Money, Money)> = trial
        .map(|row| (row.code, (row.debits, row.credits)))
        .collect();
    sums.retain(|code, _| OF_PARTIES.contains(code));
    assert_eq!(sums, trial);
}

/// A firm's voucher, a provider that was paid and paid back, and what a policy counts of both.
#[tokio::test]
async fn a_statement_is_that_of_every_account_and_all_of_them_the_trial_balance() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-13 | cashier  | receive a 3 | received 2000.00 open=8000.00 returned_to=B30
            2020-06-14 | cashier  | offset a j | offset 8000.00 open=0.00 rest=22000.00 returned_to=B30",
        )
        .await;
    let world = &recoveries.world;
    check(world).await;
    let [f, g, p] = ["f", "g", "p"].map(|name| world.parties[name]);
    let codes = async |party, page| {
        let statement = read(world, party, page).await;
        let codes = statement.codes.iter().map(|one| {
            let Figures {
                opening,
                debits,
                credits,
                closing,
            } = one.figures;
            let yuan = [opening, debits, credits, closing].map(|money| money.minor() / 100);
            (one.code.as_str(), yuan)
        });
        codes.collect::<BTreeMap<_, _>>()
    };
    let firm = codes(f, ALL).await;
    assert_eq!(firm["B40"], [0, 60_000, 100_000, 40_000]);
    assert_eq!(firm["B50"], [0, 60_000, 60_000, 0]);
    assert!(!firm.contains_key("F2010"));
    let provider = codes(p, ALL).await;
    assert_eq!(provider["F2010"], [0, 38_000, 60_000, 22_000]);
    assert_eq!(provider["F1210"], [0, 10_000, 10_000, 0]);
    assert!(codes(g, ALL).await.is_empty());

    // Over some days: redeemed on 5 May, sent on 7 May, offset on 14 June.
    let days = |since: &str, until: &str| PartyStatementPage {
        since: Some(day(since)),
        until: Some(day(until)),
        ..ALL
    };
    let june = codes(p, days("2020-06-01", "2020-06-30")).await;
    assert_eq!(june["F2010"], [30_000, 8_000, 0, 22_000]);
    let fifth = codes(p, days("2020-05-05", "2020-05-05")).await;
    assert_eq!(fifth["F2010"], [0, 0, 60_000, 60_000]);
    assert!(!fifth.contains_key("F1210"));
    let later = codes(p, days("2021-01-01", "2021-12-31")).await;
    assert_eq!(later["F2010"], [22_000, 0, 0, 22_000]);
    assert!(
        !later.contains_key("F1210"),
        "it stands at nothing, and nothing moved"
    );
    assert!(codes(p, days("2019-01-01", "2019-12-31")).await.is_empty());
    let page = read(world, p, days("2020-06-14", "2020-06-14")).await;
    let moved = page
        .movements
        .lines
        .iter()
        .map(|one| one.account.code.as_str());
    assert_eq!(moved.collect::<Vec<_>>(), ["F2010", "F1210"]);
    assert_eq!(
        page.movements.lines[0].line.balance,
        Money::from_minor(2_200_000)
    );
    // A page that begins before the days begins with them, and one after them is empty.
    let from = |from| PartyStatementPage {
        from: LogIndex(from),
        ..days("2020-06-14", "2020-06-14")
    };
    assert_eq!(read(world, p, from(1)).await.movements, page.movements);
    let beyond = read(world, p, from(i64::MAX)).await;
    assert!(beyond.movements.lines.is_empty() && beyond.movements.next.is_none());
}

#[tokio::test]
async fn few_accounts_are_shown_when_few_are_asked_for_and_all_are_counted() {
    let recoveries = Recoveries::new().await;
    let world = &recoveries.world;
    let party = world.parties["f"];
    let all = read(world, party, ALL).await;
    let few = read(world, party, PartyStatementPage { limit: 1, ..ALL }).await;
    assert!(all.accounts.len() > 2, "{:?}", all.accounts);
    assert_eq!(few.accounts, all.accounts[..1]);
    assert_eq!(few.more_accounts, all.accounts.len() - 1);
    assert_eq!(few.codes, all.codes);
}

/// Without ids, which are other ones in each run.
fn without_ids(text: &str, world: &World) -> String {
    let mut text = text.to_owned();
    for (name, party) in &world.parties {
        text = text.replace(&party.to_string(), &format!("[{name}]"));
    }
    let words = text.lines().map(|line| {
        let words = line.split(' ').map(|word| match word.rsplit_once(':') {
            Some((before, id)) if id.parse::<uuid::Uuid>().is_ok() => format!("{before}:[item]"),
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    });
    words.collect::<Vec<_>>().join("\n")
}

/// What the command line says of these arguments.
fn parse(arguments: &[&str]) -> Result<ReportCommand, clap::Error> {
    use clap::Parser;
    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        command: ReportCommand,
    }
    Cli::try_parse_from(std::iter::once(&"test").chain(arguments)).map(|cli| cli.command)
}

async fn said(world: &World, arguments: &[&str], json: bool) -> Result<String, ReportError> {
    let mut out = Vec::new();
    let asked = parse(arguments).unwrap();
    run(world.db.app(), &world.zone, asked, json, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

const PROVIDER: &str = "914403001922038216";

#[tokio::test]
async fn a_statement_reads_as_text_and_as_json() {
    let recoveries = Recoveries::new().await;
    let world = &recoveries.world;
    let days = ["--since", "2020-05-01", "--until", "2020-05-31"];
    let may = [&["statement", "--party", PROVIDER], &days[..]].concat();
    let text = said(world, &may, false).await.unwrap();
    insta::assert_snapshot!("text", without_ids(&text, world));
    let by_id = world.parties["p"].to_string();
    let same = [&["statement", "--party", &by_id], &days[..]].concat();
    assert_eq!(said(world, &same, false).await.unwrap(), text);
    let first = ["statement", "--party", PROVIDER, "--limit", "1"];
    let page = said(world, &first, true).await.unwrap();
    let page: Value = serde_json::from_str(&page).unwrap();
    let account = format!("F2010:CNY:SH-VOUCHER:2020:{by_id}");
    assert_eq!(page["accounts"][0]["account"], account);
    assert_eq!(page["accounts"][0]["credits"], "60000.00");
    assert_eq!(page["lines"][0]["account"], account);
    assert_eq!(page["lines"][0]["credit"], "10000.00");
    assert_eq!(page["lines"][0]["balance"], "10000.00");
    assert_eq!(page["lines"].as_array().unwrap().len(), 1);
    assert!(page["next"].is_i64(), "{page}");
    let nothing = ["statement", "--party", "91000000MA0000277Y"];
    let nothing = said(world, &nothing, false).await.unwrap();
    assert!(nothing.contains("Nothing stood or moved"), "{nothing}");
}

#[tokio::test]
async fn what_is_no_party_and_no_days_is_refused() {
    let recoveries = Recoveries::new().await;
    let world = &recoveries.world;
    let unknown = ["statement", "--party", "91000000MA00000901"];
    let unknown = said(world, &unknown, false).await;
    assert!(
        matches!(unknown, Err(ReportError::UnknownParty(_))),
        "{unknown:?}"
    );
    let days = ["--since", "2020-05-02", "--until", "2020-05-01"];
    let turned = [&["statement", "--party", PROVIDER], &days[..]].concat();
    let turned = said(world, &turned, false).await.unwrap_err().to_string();
    assert!(
        turned.contains("--since 2020-05-02 is after --until 2020-05-01"),
        "{turned}"
    );
    for wrong in [
        &["statement"][..],
        &["statement", "F1010:CNY", "--party", PROVIDER],
        &["statement", "F1010:CNY", "--since", "2020-05-01"],
        &["statement", "--party", PROVIDER, "--since", "2020-02-30"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}
