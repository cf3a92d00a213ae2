//! `GET /`: what became of a zone's budget, whether its books balance, how its log fares.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use sqlx::PgConnection;

use super::assets;
use super::language::Language;
use super::text::Texts;
use crate::http::books::book_totals;
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::http::state::{App, ZoneSigner};
use crate::log::signer::SignerStatus;
use crate::log::store::Published;
use crate::log::{self, LogError};
use crate::report::{self, BudgetFigures, BudgetLine, TrialBalanceRow};
use crate::types::{Code, Currency, Money, Zone};

/// Which zone's page, in which language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct HomeQuery {
    lang: Option<Language>,
    zone: Option<Code>,
}

/// `GET /`.
pub(in crate::http) async fn page(
    State(app): State<Arc<App>>,
    Query(query): Query<HomeQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = Language::choose(query.lang, &headers);
    let zones = app.all_zones().await?;
    let chosen = match &query.zone {
        Some(code) => {
            let found = zones.iter().find(|zone| zone.code == *code);
            Some(found.ok_or_else(|| Problem::not_found("zone"))?)
        }
        None => zones.first(),
    };
    let zone = match chosen {
        None => None,
        Some(zone) => {
            let input = zone.clone();
            let facts = app
                .database
                .read(zone.id, input, |conn, zone| Box::pin(read(conn, zone)));
            let facts = facts.await?;
            Some(ZoneView::new(
                language,
                zone,
                app.signers.get(&zone.id),
                &facts,
            ))
        }
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let page = HomePage {
        language,
        t: language.texts(),
        style: assets::STYLE.path(),
        icon: assets::ICON.path(),
        base: format!("http://{}", host.unwrap_or("localhost")),
        zone_parameter: chosen.map_or_else(String::new, |zone| format!("&zone={}", zone.code)),
        zones: zones
            .iter()
            .map(|zone| ZoneLink {
                code: zone.code.to_string(),
                name: name(language, zone),
                is_current: chosen.is_some_and(|chosen| chosen.id == zone.id),
            })
            .collect(),
        zone,
    };
    let html = page.render().map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_LANGUAGE, language.tag()),
        (header::VARY, "Accept-Language"),
    ];
    Ok((headers, Html(html)).into_response())
}

/// What a zone's page says, in one snapshot.
struct Facts {
    budget: Vec<BudgetLine>,
    trial_balance: Vec<TrialBalanceRow>,
    size: u64,
    checkpoint: Option<Published>,
}

async fn read(conn: &mut PgConnection, zone: &Zone) -> Result<Facts, LogError> {
    Ok(Facts {
        budget: report::budget_execution(conn, zone.id).await?,
        trial_balance: report::trial_balance(conn, zone.id).await?,
        size: log::head(conn, zone.id).await?.frontier().size(),
        checkpoint: log::store::latest_checkpoint(conn, zone.id).await?,
    })
}

#[derive(Template)]
#[template(path = "home.html", config = "assets/templates/askama.toml")]
struct HomePage {
    language: Language,
    t: &'static Texts,
    style: String,
    icon: String,
    /// Scheme and host, as the reader's browser has them.
    base: String,
    /// Keeps the zone when the language changes.
    zone_parameter: String,
    zones: Vec<ZoneLink>,
    zone: Option<ZoneView>,
}

struct ZoneLink {
    code: String,
    name: String,
    is_current: bool,
}

fn name(language: Language, zone: &Zone) -> String {
    match language {
        Language::Zh => zone.name_zh.to_string(),
        Language::En => zone.name_en.to_string(),
    }
}

struct ZoneView {
    code: String,
    name: String,
    budgets: Vec<BudgetTable>,
    books: Vec<BookRow>,
    log: LogView,
}

impl ZoneView {
    fn new(language: Language, zone: &Zone, signer: Option<&ZoneSigner>, facts: &Facts) -> Self {
        Self {
            code: zone.code.to_string(),
            name: name(language, zone),
            budgets: budget_tables(language, &facts.budget),
            books: book_rows(language, &facts.trial_balance),
            log: LogView::new(zone, signer, facts),
        }
    }
}

/// Budget execution in one currency.
struct BudgetTable {
    currency: &'static str,
    unit: String,
    /// The figures that matter most, over all years: what was carried over counts once.
    summary: Vec<Figure>,
    columns: Vec<&'static str>,
    years: Vec<YearRows>,
}

/// The lines of one year, with their total.
struct YearRows {
    year: String,
    rows: Vec<BudgetRow>,
    total: Vec<Figure>,
}

struct BudgetRow {
    programme: String,
    name: String,
    figures: Vec<Figure>,
}

/// An amount with its column's name.
struct Figure {
    label: &'static str,
    text: String,
    is_zero: bool,
}

impl Figure {
    fn new(label: &'static str, amount: Money, currency: Currency) -> Self {
        Self {
            label,
            text: amount.to_grouped_text(currency),
            is_zero: amount == Money::ZERO,
        }
    }
}

/// One table for each currency, the newest year first.
fn budget_tables(language: Language, lines: &[BudgetLine]) -> Vec<BudgetTable> {
    let t = language.texts();
    let mut currencies: BTreeMap<Currency, Vec<&BudgetLine>> = BTreeMap::new();
    for line in lines {
        currencies.entry(line.currency).or_default().push(line);
    }
    currencies
        .into_iter()
        .map(|(currency, lines)| {
            let total = BudgetFigures::of_years(lines.iter().map(|line| line.figures));
            let summary = [
                (t.appropriated, total.appropriated),
                (t.allocated, total.allocated),
                (t.unallocated, total.unallocated),
                (t.redeemed, total.redeemed),
                (t.paid, total.paid),
            ];
            BudgetTable {
                currency: currency.code(),
                unit: language.unit(currency),
                summary: summary
                    .map(|(label, sum)| Figure::new(label, sum, currency))
                    .into(),
                columns: columns(t, &total).map(|(label, _)| label).into(),
                years: year_rows(language, &lines),
            }
        })
        .collect()
}

/// The columns of the budget table, in the order of an amount's life.
fn columns(t: &Texts, figures: &BudgetFigures) -> [(&'static str, Money); 10] {
    [
        (t.appropriated, figures.appropriated),
        (t.allocated, figures.allocated),
        (t.free, figures.free),
        (t.issued, figures.issued),
        (t.outstanding, figures.outstanding),
        (t.reserved, figures.reserved),
        (t.redeemed, figures.redeemed),
        (t.paid, figures.paid),
        (t.lapsed, figures.lapsed),
        (t.carried, figures.carried),
    ]
}

fn figures(t: &Texts, figures: &BudgetFigures, currency: Currency) -> Vec<Figure> {
    columns(t, figures)
        .map(|(label, amount)| Figure::new(label, amount, currency))
        .into()
}

fn year_rows(language: Language, lines: &[&BudgetLine]) -> Vec<YearRows> {
    let t = language.texts();
    let mut years: BTreeMap<_, Vec<&BudgetLine>> = BTreeMap::new();
    for line in lines {
        years.entry(line.year).or_default().push(line);
    }
    years
        .into_iter()
        .rev()
        .map(|(year, lines)| YearRows {
            year: year.map_or_else(|| t.no_year.to_owned(), |year| year.to_string()),
            rows: lines
                .iter()
                .map(|line| budget_row(language, line))
                .collect(),
            total: lines.first().map_or_else(Vec::new, |first| {
                let total = lines.iter().map(|line| line.figures).sum();
                figures(t, &total, first.currency)
            }),
        })
        .collect()
}

fn budget_row(language: Language, line: &BudgetLine) -> BudgetRow {
    let t = language.texts();
    let programme = line.programme.as_ref();
    let name = line.programme_name.as_ref();
    BudgetRow {
        programme: programme.map_or_else(|| t.zone_line.to_owned(), ToString::to_string),
        name: name.map_or_else(String::new, |name| match language {
            Language::Zh => name.zh.clone(),
            Language::En => name.en.clone(),
        }),
        figures: figures(t, &line.figures, line.currency),
    }
}

struct BookRow {
    book: String,
    currency: &'static str,
    debits: String,
    credits: String,
    balances: bool,
}

fn book_rows(language: Language, lines: &[TrialBalanceRow]) -> Vec<BookRow> {
    book_totals(lines)
        .into_iter()
        .map(|((book, currency), totals)| BookRow {
            book: language.book(book),
            currency: currency.code(),
            debits: totals.debits.to_grouped_text(currency),
            credits: totals.credits.to_grouped_text(currency),
            balances: totals.balances(),
        })
        .collect()
}

/// How a zone's log fares.
struct LogView {
    origin: String,
    size: u64,
    checkpoint: Option<CheckpointView>,
    key: Option<String>,
    signing: Signing,
}

struct CheckpointView {
    size: u64,
    signed_at: String,
    root: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signing {
    Done,
    Behind,
    Failing,
}

impl LogView {
    fn new(zone: &Zone, signer: Option<&ZoneSigner>, facts: &Facts) -> Self {
        let covered = facts
            .checkpoint
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.size);
        let failing = signer
            .is_none_or(|signer| matches!(*signer.status.borrow(), SignerStatus::Failing { .. }));
        let checkpoint = facts.checkpoint.as_ref().map(|checkpoint| CheckpointView {
            size: checkpoint.size,
            signed_at: checkpoint
                .signed_at
                .with_timezone(&zone.time.0)
                .format("%Y-%m-%d %H:%M:%S %Z")
                .to_string(),
            // The third line of a checkpoint's text (C2SP tlog-checkpoint).
            root: checkpoint
                .note
                .lines()
                .nth(2)
                .unwrap_or_default()
                .to_owned(),
        });
        Self {
            origin: zone.origin.clone(),
            size: facts.size,
            checkpoint,
            key: signer.map(|signer| signer.key.to_string()),
            signing: match (failing, covered == facts.size) {
                (true, _) => Signing::Failing,
                (false, true) => Signing::Done,
                (false, false) => Signing::Behind,
            },
        }
    }
}
