//! Lists of cases that raise a question.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Map, Value};

use super::csv_text;
use crate::audit::{self, Exception, ExceptionKind, Page, Settings};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output, programme};
use crate::types::{LogIndex, Money, Zone};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    DuplicateDocuments,
    SharedAccounts,
    RelatedParties,
    Splits,
    RoundTrips,
    ConflictingRoles,
}

impl From<Kind> for ExceptionKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::DuplicateDocuments => Self::DuplicateDocuments,
            Kind::SharedAccounts => Self::SharedAccounts,
            Kind::RelatedParties => Self::RelatedParties,
            Kind::Splits => Self::Splits,
            Kind::RoundTrips => Self::RoundTrips,
            Kind::ConflictingRoles => Self::ConflictingRoles,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExceptionsArgs {
    /// Which list; all without it
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// Days between a case of a split and the next, or between the purchases of a round trip [default: 30 and 180]
    #[arg(long, value_parser = clap::value_parser!(u16).range(0..=3_660))]
    days: Option<u16>,
    /// How many percent under the threshold a case of a split is at most
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    percent: u8,
    /// The threshold of splits, for claims and vouchers [default: for claims, the levels of approval in force at the review]
    #[arg(long, value_name = "AMOUNT")]
    threshold: Option<String>,
    /// Only items that came about after this entry: the last of the page before. Of one list
    #[arg(long, value_name = "ENTRY", requires = "kind")]
    after: Option<LogIndex>,
    /// So many items of a list, and those of the last one's entry
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// Print comma-separated values, unless --json: a row for each case of an item
    #[arg(long)]
    csv: bool,
}

impl ExceptionsArgs {
    fn settings(&self, kind: ExceptionKind, threshold: Option<Money>) -> Settings {
        let days = match kind {
            ExceptionKind::RoundTrips => 180,
            ExceptionKind::DuplicateDocuments
            | ExceptionKind::SharedAccounts
            | ExceptionKind::RelatedParties
            | ExceptionKind::Splits
            | ExceptionKind::ConflictingRoles => 30,
        };
        Settings {
            days: self.days.unwrap_or(days),
            percent: self.percent,
            threshold,
        }
    }
}

#[derive(Serialize)]
struct CaseShown {
    amount: Option<String>,
    case: String,
    party: String,
    provider: Option<String>,
}

#[derive(Serialize)]
struct ItemShown {
    at: LogIndex,
    cases: Vec<CaseShown>,
    what: String,
}

fn shown(item: Exception, zone: &Zone) -> ItemShown {
    let cases = item.cases.into_iter().map(|case| CaseShown {
        amount: case.amount.map(|amount| amount.to_text(zone.currency)),
        case: case.name,
        party: case.party,
        provider: case.provider,
    });
    ItemShown {
        at: item.at,
        cases: cases.collect(),
        what: item.what,
    }
}

type Lists = Vec<(ExceptionKind, Vec<ItemShown>)>;

pub(in crate::cli) async fn run(global: &Global, args: ExceptionsArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let threshold = match &args.threshold {
            None => None,
            Some(text) => Some(programme::amount(text, zone.currency)?.money()),
        };
        let asked = args.kind.map(ExceptionKind::from);
        if args.threshold.is_some() && asked.is_some_and(|kind| kind != ExceptionKind::Splits) {
            bail!("--threshold is of the list splits only");
        }
        let kinds = asked.map_or_else(|| ExceptionKind::ALL.to_vec(), |kind| vec![kind]);
        let mut lists: Lists = Vec::new();
        for kind in kinds {
            let settings = args.settings(kind, threshold);
            let page = Page {
                after: args.after,
                limit: args.limit,
            };
            lists.push((kind, read(session, &zone, kind, settings, page).await?));
        }
        if global.json {
            let lists = lists.into_iter();
            let lists: Result<Map<String, Value>, serde_json::Error> = lists
                .map(|(kind, items)| Ok((kind.as_str().to_owned(), serde_json::to_value(items)?)))
                .collect();
            output::json(&lists?)?;
        } else if args.csv {
            print_csv(&lists)?;
        } else {
            print(&lists, args.limit)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn read(
    session: &Session,
    zone: &Zone,
    kind: ExceptionKind,
    settings: Settings,
    page: Page,
) -> anyhow::Result<Vec<ItemShown>> {
    let input = (zone.clone(), kind, settings, page);
    let items = session
        .database
        .read(zone.id, input, |conn, (zone, kind, settings, page)| {
            Box::pin(audit::exceptions(conn, zone, *kind, *settings, *page))
        })
        .await?;
    Ok(items.into_iter().map(|item| shown(item, zone)).collect())
}

fn print(lists: &Lists, limit: i64) -> std::io::Result<()> {
    for (kind, items) in lists {
        let count = output::counted(items.len(), "item", "items");
        output::line(&format!("{}: {count}", kind.as_str()))?;
        for item in items {
            output::line(&format!("  entry {}: {}", item.at, item.what))?;
            for case in &item.cases {
                let amount = case.amount.as_deref().map(output::grouped);
                let provider = case.provider.as_deref();
                let provider = provider.map_or_else(String::new, |name| format!(" from {name}"));
                output::line(&format!(
                    "    {:<8} {:>16}  {}{provider}",
                    case.case,
                    amount.unwrap_or_default(),
                    case.party
                ))?;
            }
        }
        let full = usize::try_from(limit).is_ok_and(|limit| items.len() >= limit);
        if let Some(last) = items.last().filter(|_| full) {
            let kind = kind.as_str();
            let text = format!("  go on with: audit exceptions {kind} --after {}", last.at);
            output::line(&text)?;
        }
    }
    Ok(())
}

fn print_csv(lists: &Lists) -> anyhow::Result<()> {
    let heads = [
        "list", "entry", "what", "case", "amount", "party", "provider",
    ];
    let rows = lists.iter().flat_map(|(kind, items)| {
        items.iter().flat_map(move |item| {
            item.cases.iter().map(move |case| {
                [
                    kind.as_str().to_owned(),
                    item.at.to_string(),
                    item.what.clone(),
                    case.case.clone(),
                    case.amount.clone().unwrap_or_default(),
                    case.party.clone(),
                    case.provider.clone().unwrap_or_default(),
                ]
            })
        })
    });
    output::line(csv_text(heads, rows)?.trim_end())?;
    Ok(())
}
