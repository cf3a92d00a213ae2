//! Fills the zone, by the same commands as in life, many in a transaction. Each stage finds what is there already and
//! goes on from it, so that a filling that was stopped can be given again.

use std::fmt::Write as _;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use subsidy_ledger::db;
use subsidy_ledger::fact::{self, Corrections, FactFile, FactsError, FileOptions};
use subsidy_ledger::party::{self, PartyError};
use subsidy_ledger::policy::{Sha256, Source};
use subsidy_ledger::programme::{
    self, Allocate, Appropriate, NewProgramme, ProgrammeError, ProgrammeKind,
};
use subsidy_ledger::tabular::{Format, Mapping, ReadOptions, Table};
use subsidy_ledger::types::{Amount, Code, Currency, FiscalYear, Money, Name, PartyId, RunId};
use subsidy_ledger::voucher::run::{self, Approve, Propose};

use crate::office::Office;

pub(crate) const YEAR: FiscalYear = FiscalYear(2020);
pub(crate) const CLAIMS: &str = "BENCH-CLAIM";
/// Voucher programmes, of each of which every firm gets a voucher.
pub(crate) const PROGRAMMES: usize = 10;
/// Commands in a transaction.
pub(crate) const BATCH: usize = 1_000;
/// Authority of each programme, minor units: a billion yuan.
const AUTHORITY: i64 = 100_000_000_000;

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) firms: usize,
    pub(crate) claims: usize,
    /// Payables in batches that were released.
    pub(crate) sent: usize,
    pub(crate) leases: usize,
    /// Firms that claim, each of which has a bank account.
    pub(crate) payees: usize,
}

impl Size {
    /// A million vouchers, 200,000 claims, 50,000 leases, 100,000 payments in transit; so many thousandths of it.
    pub(crate) const fn per_mille(scale: usize) -> Self {
        Self {
            firms: 100 * scale,
            claims: 200 * scale,
            sent: 100 * scale,
            leases: 50 * scale,
            payees: 20 * scale,
        }
    }
}

pub(crate) fn voucher_programme(number: usize) -> String {
    format!("BENCH-VOUCHER-{number}")
}

/// A bar for a stage, and how long the stage took when it is finished.
pub(crate) struct Stage {
    bar: ProgressBar,
    begun: Instant,
    what: &'static str,
    from: usize,
}

impl Stage {
    pub(crate) fn new(what: &'static str, from: usize, of: usize) -> Self {
        let bar = ProgressBar::new(u64::try_from(of).unwrap());
        let style = "{prefix:12} {bar:40} {human_pos}/{human_len} {per_sec} {eta}";
        bar.set_style(ProgressStyle::with_template(style).unwrap());
        bar.set_prefix(what);
        bar.set_position(u64::try_from(from).unwrap());
        bar.reset_eta();
        let begun = Instant::now();
        Self {
            bar,
            begun,
            what,
            from,
        }
    }

    pub(crate) fn at(&self, position: usize) {
        self.bar.set_position(u64::try_from(position).unwrap());
    }

    pub(crate) fn done(self) {
        let position = usize::try_from(self.bar.position()).unwrap();
        self.bar.finish_and_clear();
        if position > self.from {
            let new = position - self.from;
            println!("filled {} {new} in {:.0?}", self.what, self.begun.elapsed());
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark's own questions, with names and numbers that it makes itself"
)]
pub(crate) async fn rows(look: &mut PgConnection, sql: String) -> Vec<PgRow> {
    sqlx::query(AssertSqlSafe(sql))
        .fetch_all(look)
        .await
        .unwrap()
}

pub(crate) async fn ids(look: &mut PgConnection, sql: String) -> Vec<uuid::Uuid> {
    let rows = rows(look, sql).await;
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) async fn count(look: &mut PgConnection, what: &str) -> usize {
    let row = rows(look, format!("SELECT count(*) FROM ledger.{what}")).await;
    usize::try_from(row.first().unwrap().get::<i64, _>(0)).unwrap()
}

/// Firms, in the order in which they were registered.
pub(crate) async fn firms(look: &mut PgConnection, limit: usize) -> Vec<PartyId> {
    of_role(look, "enterprise", limit).await
}

pub(crate) async fn of_role(look: &mut PgConnection, role: &str, limit: usize) -> Vec<PartyId> {
    let sql = format!(
        "SELECT p.party_id FROM ledger.party p JOIN ledger.party_role r USING (zone_id, party_id)
         WHERE r.role = '{role}' ORDER BY p.log_index, p.party_id LIMIT {limit}"
    );
    let ids = ids(look, sql).await;
    ids.into_iter().map(PartyId).collect()
}

/// Parties with their facts, programmes with money and rules, and a voucher of each programme for every firm.
pub(crate) async fn fill(office: &Office, look: &mut PgConnection, size: Size) {
    if count(look, "programme").await == 0 {
        programmes(office).await;
    }
    parties(office, look, size).await;
    facts(office, look, size).await;
    vouchers(office, look, size).await;
}

async fn programmes(office: &Office) {
    let pack = include_str!("voucher.toml");
    for number in 0..PROGRAMMES {
        let code = voucher_programme(number);
        let pack = pack.replace("BENCH-VOUCHER", &code);
        open(office, &code, ProgrammeKind::Voucher, pack).await;
    }
    let pack = include_str!("claim.toml").to_owned();
    open(office, CLAIMS, ProgrammeKind::PostSubsidy, pack).await;
}

/// A programme with rules and money.
async fn open(office: &Office, code: &str, kind: ProgrammeKind, pack: String) {
    let callers = ["manager", "finance", "rules"].map(|login| office.on(login, "2020-01-02"));
    let code: Code = code.parse().unwrap();
    let input = (callers, code, kind, pack);
    let opened = office.database.write(
        office.zone.id,
        input,
        |conn, (callers, code, kind, pack)| {
            Box::pin(async move {
                let [manager, finance, rules] = callers;
                let name: Name = code.as_str().parse().unwrap();
                let new = NewProgramme {
                    code: code.clone(),
                    kind: *kind,
                    name_en: name.clone(),
                    name_zh: name,
                };
                programme::create(conn, &manager.command(), &new).await?;
                let amount = Amount::new(Money::from_minor(AUTHORITY)).unwrap();
                let appropriate = Appropriate {
                    amount,
                    document: "bench".parse().unwrap(),
                    year: YEAR,
                };
                programme::appropriate(conn, &finance.command(), &appropriate).await?;
                let allocate = Allocate {
                    amount,
                    programme: code.clone(),
                    year: YEAR,
                };
                programme::allocate(conn, &finance.command(), &allocate).await?;
                programme::propose(conn, &rules.command(), code, pack).await?;
                programme::publish(conn, &manager.command(), code, pack).await?;
                Ok::<_, ProgrammeError>(())
            })
        },
    );
    opened.await.unwrap();
}

/// Carriers and providers come with the firms, a few of each hundred.
async fn parties(office: &Office, look: &mut PgConnection, size: Size) {
    let wanted = size.firms + size.firms / 6 + 100;
    let known = count(look, "party").await;
    let stage = Stage::new("parties", known, wanted);
    let new = party::generate(1, wanted);
    for chunk in new.get(known..).unwrap_or_default().chunks(BATCH) {
        let input = (office.on("manager", "2020-01-02"), chunk.to_vec());
        let write = office
            .database
            .write(office.zone.id, input, |conn, (caller, parties)| {
                Box::pin(async move {
                    db::plan_each_time(conn).await?;
                    party::register(conn, &caller.command(), parties).await?;
                    Ok::<_, PartyError>(())
                })
            });
        write.await.unwrap();
        stage.at(count(look, "party").await);
    }
    stage.done();
}

/// Staff, research and sales of the year before, which every firm declares.
async fn facts(office: &Office, look: &mut PgConnection, size: Size) {
    const FILE: usize = 20_000;
    let sql =
        "SELECT p.identifier FROM ledger.party p JOIN ledger.party_role r USING (zone_id, party_id)
         WHERE r.role = 'enterprise' ORDER BY p.log_index, p.party_id";
    let firms = rows(look, sql.to_owned()).await;
    let codes: Vec<String> = firms.iter().map(|row| row.get(0)).collect();
    let codes = codes.get(..size.firms).expect("enough firms were made up");
    let known = count(look, "fact_statement").await;
    let stage = Stage::new("facts", known, size.firms);
    for (number, chunk) in codes.chunks(FILE).enumerate().skip(known / FILE) {
        let mut csv = "uscc,year,staff,rd_expense,annual_sales\n".to_owned();
        for (place, code) in chunk.iter().enumerate() {
            let (staff, sales) = (5 + place % 400, 1_000_000 + 1_000 * (place % 5_000));
            writeln!(csv, "{code},2019,{staff},{}.00,{sales}.00", sales / 20).unwrap();
        }
        state(office, csv).await;
        stage.at(number * FILE + chunk.len());
    }
    stage.done();
}

async fn state(office: &Office, csv: String) {
    let caller = office.by("reviewer");
    let options = FileOptions {
        source: Source::Declared,
        register: None,
        evidence: Vec::new(),
        year: None,
        from: None,
        until: None,
        complete: false,
    };
    let table = Table::read(csv.as_bytes(), Format::Csv, &ReadOptions::default()).unwrap();
    let file = FactFile::read(
        &table,
        Sha256::of(csv.as_bytes()),
        &Mapping::default(),
        options,
        Currency::Cny,
        caller.command().today(),
    );
    let input = (caller, file.unwrap());
    let stated = office
        .database
        .write(office.zone.id, input, |conn, (caller, file)| {
            Box::pin(async move {
                let command = caller.command();
                let plan = fact::plan(conn, &command, file, Corrections::Refuse).await?;
                fact::apply(conn, &command, plan, &|_| ()).await?;
                Ok::<_, FactsError>(())
            })
        });
    stated.await.unwrap();
}

/// Award runs: the vouchers of a million that nobody applied for.
async fn vouchers(office: &Office, look: &mut PgConnection, size: Size) {
    let known = count(look, "voucher").await;
    let stage = Stage::new("vouchers", known, size.firms * PROGRAMMES);
    for number in 0..PROGRAMMES {
        let programme = voucher_programme(number);
        let sql = format!(
            "SELECT run_id, approved_by IS NOT NULL FROM ledger.award_run WHERE programme = '{programme}'"
        );
        let runs = rows(look, sql).await;
        let (run, approved) = match runs.first() {
            Some(row) => (RunId(row.get(0)), row.get(1)),
            None => (propose(office, &programme).await, false),
        };
        if !approved {
            let caller = office.by("manager");
            let approve = vec![Approve { run }];
            office
                .batch(&caller, approve, |conn, requests| {
                    Box::pin(run::approve(conn, requests))
                })
                .await;
        }
        let caller = office.by("manager");
        let part = u32::try_from(BATCH).unwrap();
        let tell = |progress: run::Progress| {
            let decided = usize::try_from(progress.decided).unwrap();
            stage.at(number * size.firms + decided);
        };
        let done = run::resume(&office.database, &caller, run, part, tell).await;
        assert_eq!(usize::try_from(done.unwrap().awarded), Ok(size.firms));
    }
    stage.done();
}

async fn propose(office: &Office, programme: &str) -> RunId {
    let caller = office.by("reviewer");
    let propose = Propose {
        amount: Some("5000.00".to_owned()),
        day: caller.command().today(),
        programme: programme.parse().unwrap(),
    };
    let proposed = office
        .batch(&caller, vec![propose], |conn, requests| {
            Box::pin(run::propose(conn, requests))
        })
        .await;
    proposed.first().unwrap().run
}
