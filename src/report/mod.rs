//! What people read: budget execution, trial balance, statements, and exports for other bookkeepers.
//!
//! Figures come from the views of `0010_report.sql`, which a finance officer's own SQL reads too, so
//! page, command line, JSON and SQL can't differ in what a figure means.

mod at;
mod execution;
mod export;
mod figures;
mod json;
mod party;
mod store;
mod text;

pub use at::{At, AtError, NO_POINT};
pub use execution::{Borne, Execution, ExecutionError, ExecutionFilter, FunderLine, execution};
pub use export::{ExportError, Exported, Format, Progress, UnknownFormat, export};
pub use figures::{BudgetFigures, BudgetLine, ProgrammeName, TrialBalanceRow};
pub use json::{balance_json, party_statement_json, statement_json};
pub use party::{CodeFigures, Figures, PartyStatement, PartyStatementPage, party_statement};
pub use store::{budget_execution, trial_balance};
pub use text::{
    Align, Table, balance_text, books_text, budget_text, execution_csv, execution_text,
    party_statement_text, statement_text, trial_balance_text,
};
