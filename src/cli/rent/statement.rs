//! `rent statement`: the bills of a lease, and what became of them.

use std::process::ExitCode;

use serde::Serialize;

use crate::cli::lease::named;
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::rent::bill::{Bill, Part};
use crate::rent::store::{self, MoveLine};
use crate::rent::{Charges, Month};
use crate::types::{LeaseId, LogIndex, Money, Named, Zone};

/// A month of a statement.
#[derive(Serialize)]
struct BillLine {
    charges: Charges<String>,
    days: i64,
    deferred: String,
    entry: LogIndex,
    month: Month,
    open: String,
    paid: String,
    rent: String,
    waived: String,
}

impl BillLine {
    fn of(bill: &Bill, zone: &Zone) -> Self {
        let text = |money: Money| money.to_text(zone.currency);
        let part = |part| text(bill.parts.of(part));
        Self {
            charges: bill.charges.map(|charge| text(*charge)),
            days: bill.days,
            deferred: part(Part::Deferred),
            entry: bill.index,
            month: bill.month,
            open: part(Part::Open),
            paid: part(Part::Paid),
            rent: text(bill.parts.rent()),
            waived: part(Part::Waived),
        }
    }
}

/// What moved in a statement.
#[derive(Serialize)]
struct StepLine {
    amount: String,
    entry: LogIndex,
    from: Part,
    month: Month,
    to: Part,
}

pub(in crate::cli) async fn statement(
    global: &Global,
    lease: Named<LeaseId>,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let lease = named(session, &zone, lease).await?;
        let input = (zone.id, lease.id);
        let read = session
            .database
            .read(zone.id, input, |conn, (zone, lease)| {
                Box::pin(async move {
                    let mut bills = store::bills_of(conn, *zone, &[*lease]).await?;
                    let moves = store::moves_of_lease(conn, *zone, *lease).await?;
                    Ok::<_, sqlx::Error>((bills.remove(lease).unwrap_or_default(), moves))
                })
            });
        let (bills, moves) = read.await?;
        let lines: Vec<_> = bills
            .by_month
            .values()
            .map(|bill| BillLine::of(bill, &zone))
            .collect();
        let step = |step: &MoveLine| StepLine {
            amount: step.amount.to_text(zone.currency),
            entry: step.entry,
            from: step.from,
            month: step.month,
            to: step.to,
        };
        let steps: Vec<_> = moves.iter().map(step).collect();
        if global.json {
            output::json(
                &serde_json::json!({ "bills": lines, "lease": lease.id, "moves": steps }),
            )?;
        } else if lines.is_empty() {
            output::line("No month is billed.")?;
        } else {
            print_statement(&lines, &steps)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_statement(lines: &[BillLine], steps: &[StepLine]) -> std::io::Result<()> {
    output::line(&format!(
        "{:<8} {:>14} {:>14} {:>14} {:>14} {:>14}  entry",
        "month", "rent", "open", "deferred", "paid", "waived"
    ))?;
    for line in lines {
        output::line(&format!(
            "{:<8} {:>14} {:>14} {:>14} {:>14} {:>14}  {}",
            line.month.to_string(),
            output::grouped(&line.rent),
            output::grouped(&line.open),
            output::grouped(&line.deferred),
            output::grouped(&line.paid),
            output::grouped(&line.waived),
            line.entry
        ))?;
    }
    for step in steps {
        output::line(&format!(
            "entry {}: {} of {} from {} to {}",
            step.entry,
            output::grouped(&step.amount),
            step.month,
            step.from.as_str(),
            step.to.as_str()
        ))?;
    }
    Ok(())
}
