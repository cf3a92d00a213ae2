//! What finance, offices and auditors read.

use sqlx::{PgConnection, Row};
use subsidy_ledger::audit::{
    self, AuditError, DrawSample, ExceptionKind, Extent, Page, Settings, Share,
};
use subsidy_ledger::journal::{self, AccountCode, Address};
use subsidy_ledger::report::{self, ExecutionError, ExecutionFilter, PartyStatementPage};
use subsidy_ledger::types::{Currency, LogIndex};
use subsidy_ledger::{party, payment};

use crate::fill::{YEAR, firms, rows, voucher_programme};
use crate::measure::{Aim, Bench};

/// How many times each report is asked for.
const TIMES: usize = 200;
/// And each list of an audit, which has no aim.
const LISTS: usize = 5;

pub(crate) async fn reports(bench: &mut Bench, look: &mut PgConnection) {
    let office = bench.office.clone();
    let today = office.by("finance").command().today();
    let of = |name| (name, Aim::Report, TIMES);
    let lines = bench
        .reads(
            of("report.execution"),
            (office.zone.clone(), today),
            |conn, (zone, today)| {
                Box::pin(async move {
                    let all = ExecutionFilter::default();
                    let lines = report::execution(conn, zone, *today, &all).await?;
                    Ok::<_, ExecutionError>(lines.len())
                })
            },
        )
        .await;
    println!("budget execution has {lines} lines");
    bench
        .reads(of("report.trial_balance"), office.zone.id, |conn, zone| {
            Box::pin(report::trial_balance(conn, *zone))
        })
        .await;
    statements(bench, look).await;
}

/// A party's own accounts have few postings, a programme's as many as it has cases: of that, its last page.
async fn statements(bench: &mut Bench, look: &mut PgConnection) {
    let zone = bench.office.zone.id;
    let of = |name| (name, Aim::Report, TIMES);
    let party = *firms(look, 1).await.first().unwrap();
    let own = Address::new(AccountCode::F2010, Currency::Cny).party(party);
    let programme = voucher_programme(1).parse().unwrap();
    let free = Address::new(AccountCode::B30, Currency::Cny)
        .programme(&programme)
        .year(YEAR);
    let last: i64 = rows(look, "SELECT size FROM ledger.log_head".to_owned())
        .await
        .first()
        .unwrap()
        .get(0);
    let pages = [
        ("report.statement_party", own, 0),
        ("report.statement_first", free.clone(), 0),
        ("report.statement_middle", free, last / 3),
    ];
    for (name, address, from) in pages {
        let input = (zone, address, LogIndex(from));
        bench
            .reads(of(name), input, |conn, (zone, address, from)| {
                Box::pin(journal::statement(conn, *zone, address, *from, 100))
            })
            .await;
    }
    let zone = bench.office.zone.clone();
    let statement = bench
        .reads(
            of("report.statement_of_party"),
            (zone, party),
            |conn, (zone, party)| {
                Box::pin(async move {
                    let party = party::store::party(conn, zone.id, *party).await?;
                    let page = PartyStatementPage {
                        since: None,
                        until: None,
                        from: LogIndex(0),
                        limit: 100,
                    };
                    report::party_statement(conn, zone, party.unwrap(), page).await
                })
            },
        )
        .await;
    println!(
        "a party has {} accounts, the page {} postings",
        statement.accounts.len() + statement.more_accounts,
        statement.movements.lines.len()
    );
}

/// Books and bank, after a statement.
pub(crate) async fn reconciliation(bench: &mut Bench) {
    let zone = bench.office.zone.clone();
    bench
        .reads(
            ("payment.reconcile", Aim::None, LISTS),
            zone,
            |conn, zone| Box::pin(payment::reconcile(conn, zone)),
        )
        .await;
}

pub(crate) async fn audits(bench: &mut Bench) {
    const NAMES: [&str; 6] = [
        "audit.duplicates",
        "audit.accounts",
        "audit.related",
        "audit.splits",
        "audit.round_trips",
        "audit.conflicting_roles",
    ];
    let office = bench.office.clone();
    for (name, kind) in NAMES.into_iter().zip(ExceptionKind::ALL) {
        let settings = Settings {
            days: 30,
            percent: 10,
            threshold: None,
        };
        let page = Page {
            after: None,
            limit: 100,
        };
        let input = (office.zone.clone(), kind, settings, page);
        bench
            .reads(
                (name, Aim::None, LISTS),
                input,
                |conn, (zone, kind, settings, page)| {
                    Box::pin(audit::exceptions(conn, zone, *kind, *settings, *page))
                },
            )
            .await;
    }
    sample(bench).await;
}

async fn sample(bench: &mut Bench) {
    let office = bench.office.clone();
    let input = DrawSample {
        bounds: audit::Bounds::new(Vec::new(), None).unwrap(),
        extent: Extent::Share(Share::FIVE_PERCENT),
        programme: None,
        seed: None,
        size: None,
        year: YEAR,
    };
    let drawn = office.one(office.by("auditor"), input, |conn, command, input| {
        Box::pin(async move { audit::draw(conn, &command, input).await })
    });
    let drawn: Result<_, AuditError> = drawn.await;
    let input = (office.zone.clone(), drawn.unwrap().index);
    let picked = bench
        .reads(
            ("audit.sample", Aim::None, LISTS),
            input,
            |conn, (zone, index)| {
                Box::pin(async move {
                    let drawn = audit::sample(conn, zone, *index).await?;
                    Ok::<_, AuditError>(drawn.picked.len())
                })
            },
        )
        .await;
    println!("a sample of {picked} cases");
}
