//! Reports: `GET budget-execution` and `GET trial-balance`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::http::books::book_totals;
use crate::http::extract::Path;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::journal::Book;
use crate::report::{self, BudgetLine, TrialBalanceRow};
use crate::types::Currency;

/// What became of the budget.
#[derive(Serialize)]
pub(in crate::http) struct BudgetExecution {
    lines: Vec<BudgetLine>,
}

/// `GET budget-execution`: by programme and year; the line without a programme is the zone's own.
pub(in crate::http) async fn budget_execution(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Json<BudgetExecution>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let lines = app
        .database
        .read(zone, zone, |conn, zone| {
            Box::pin(report::budget_execution(conn, *zone))
        })
        .await?;
    Ok(Json(BudgetExecution { lines }))
}

/// The totals of a book in one currency.
#[derive(Serialize)]
struct BookLine {
    book: Book,
    currency: Currency,
    debits: String,
    credits: String,
    balances: bool,
}

/// Debits and credits, by account code and by book.
#[derive(Serialize)]
pub(in crate::http) struct TrialBalance {
    books: Vec<BookLine>,
    lines: Vec<TrialBalanceRow>,
}

/// `GET trial-balance`.
pub(in crate::http) async fn trial_balance(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Json<TrialBalance>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let lines = app
        .database
        .read(zone, zone, |conn, zone| {
            Box::pin(report::trial_balance(conn, *zone))
        })
        .await?;
    let books = book_totals(&lines)
        .into_iter()
        .map(|((book, currency), totals)| BookLine {
            book,
            currency,
            debits: totals.debits.to_text(currency),
            credits: totals.credits.to_text(currency),
            balances: totals.balances(),
        })
        .collect();
    Ok(Json(TrialBalance { books, lines }))
}
