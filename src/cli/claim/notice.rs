//! `claim notice …`: what the public is shown.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::show::claim_number;
use crate::calendar::Calendar;
use crate::claim::store::{self, Item, Notice};
use crate::claim::{self, ApproveAnswer};
use crate::cli::desk::{Desk, not_there, print_answer};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::types::{Code, Named, NoticeId, Zone};

/// Notices.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum NoticeCommand {
    /// Publish what is recommended of a programme (a reviewer or manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger claim notice publish SHAANXI-RENT --as reviewer\n\n\
        It runs for as many working days as the policy says, from the day after; `calendar count` explains the\n\
        days. Whoever objects meanwhile: `claim object`. Afterwards: `claim approve --notice N44`."
    )]
    Publish {
        /// Programme
        programme: Code,
    },
    /// List notices, the newest first
    #[command(after_help = "Example:\n  subsidy-ledger claim notice list --programme SHAANXI-RENT")]
    List(ListArgs),
    /// Show what a notice shows the public, and how its days are counted
    #[command(after_help = "Example:\n  subsidy-ledger claim notice show N44")]
    Show {
        /// The notice: N and the number of its entry, or its id
        notice: Named<NoticeId>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only of this programme
    #[arg(long)]
    programme: Option<Code>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// A notice in a list.
#[derive(Serialize)]
struct NoticeLine {
    last_day: chrono::NaiveDate,
    notice: String,
    programme: Code,
    published_on: chrono::NaiveDate,
    working_days: u16,
}

impl NoticeLine {
    fn of(notice: &Notice) -> Self {
        Self {
            last_day: notice.last_day,
            notice: format!("N{}", notice.published_index),
            programme: notice.programme.clone(),
            published_on: notice.published_on,
            working_days: notice.working_days,
        }
    }
}

pub(in crate::cli) async fn run(
    global: &Global,
    command: NoticeCommand,
) -> anyhow::Result<ExitCode> {
    match command {
        NoticeCommand::Publish { programme } => publish(global, programme).await,
        NoticeCommand::List(args) => list(global, args).await,
        NoticeCommand::Show { notice } => show(global, notice).await,
    }
}

async fn publish(global: &Global, programme: Code) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let published = session.command(&caller, programme, |conn, command, programme| {
            Box::pin(async move { claim::publish_notice(conn, &command, programme).await })
        });
        let (index, published) = published.await?;
        if global.json {
            let mut value = serde_json::to_value(&published)?;
            if let Some(fields) = value.as_object_mut() {
                fields.insert("entry".to_owned(), serde_json::to_value(index)?);
            }
            output::json(&value)?;
        } else {
            let claims = output::counted(published.claims, "claim", "claims");
            let total = output::grouped(&published.total);
            output::line(&format!(
                "Notice N{index}: {claims}, together {total}; {} working days, the last is {}.",
                published.working_days, published.last_day
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let input = (zone.id, args.programme, args.limit);
        let notices = session
            .database
            .read(zone.id, input, |conn, (zone, programme, limit)| {
                Box::pin(store::notices(conn, *zone, programme.as_ref(), *limit))
            })
            .await?;
        output::at_limit(notices.len(), args.limit);
        let lines: Vec<NoticeLine> = notices.iter().map(NoticeLine::of).collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No notice yet: `claim notice publish` makes one.")?;
        } else {
            for line in lines {
                output::line(&format!(
                    "{:<8} {:<24} {} to {}, {} working days",
                    line.notice,
                    line.programme.as_str(),
                    line.published_on,
                    line.last_day,
                    line.working_days
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// What the public sees.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    notice: NoticeLine,
    items: Vec<ShownItem<'a>>,
}

#[derive(Serialize)]
struct ShownItem<'a> {
    amount: String,
    claim: String,
    #[serde(flatten)]
    item: &'a Item,
}

async fn show(global: &Global, named: Named<NoticeId>) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let id = notice_id(session, &zone, named).await?;
        let found = session
            .database
            .read(zone.id, (zone.id, id), |conn, (zone, id)| {
                Box::pin(async move {
                    let notice = store::notice(conn, *zone, *id).await?;
                    let items = store::notice_items(conn, *zone, *id).await?;
                    Ok::<_, sqlx::Error>((notice, items))
                })
            })
            .await?;
        let (notice, items) = found;
        let notice = notice.with_context(|| not_there(&named, &zone))?;
        let shown = Shown {
            notice: NoticeLine::of(&notice),
            items: items
                .iter()
                .map(|item| ShownItem {
                    amount: item.amount.to_text(zone.currency),
                    claim: claim_number(item.claim),
                    item,
                })
                .collect(),
        };
        if global.json {
            output::json(&shown)?;
        } else {
            print(&notice, &shown)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print(notice: &Notice, shown: &Shown<'_>) -> std::io::Result<()> {
    let line = &shown.notice;
    output::line(&format!(
        "Notice {} of {} 公示",
        line.notice, line.programme
    ))?;
    let calendar = Calendar::china();
    let period = calendar.notice(notice.published_on, notice.working_days);
    output::line(&period.to_string())?;
    for one in &shown.items {
        output::line(&format!(
            "{:<8} {:<20} {:>16}  {:<12} {}",
            one.claim,
            one.item.code.as_deref().unwrap_or("-"),
            output::grouped(&one.amount),
            one.item.state.as_str(),
            one.item.name
        ))?;
    }
    Ok(())
}

/// Approves what a notice showed and nobody objected to: all of it at the next level of each claim.
pub(super) async fn approve(desk: &Desk<'_>, named: Named<NoticeId>) -> anyhow::Result<ExitCode> {
    let zone = &desk.caller.zone;
    let id = notice_id(desk.session, zone, named).await?;
    let answers = desk
        .session
        .command(&desk.caller, id, |conn, command, id| {
            Box::pin(claim::approve_notice(conn, command, *id))
        })
        .await?;
    if answers.is_empty() {
        anyhow::bail!(
            "nothing that notice {named} showed waits for approval: see `claim notice show`"
        );
    }
    let mut refused = false;
    for answer in answers {
        let answer = answer?;
        refused |= matches!(answer.answer, ApproveAnswer::Refused(_));
        if desk.global.json {
            output::json(&answer)?;
        } else {
            print_answer(&serde_json::to_value(&answer)?, super::sentences)?;
            output::line("")?;
        }
    }
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn notice_id(
    session: &Session,
    zone: &Zone,
    named: Named<NoticeId>,
) -> anyhow::Result<NoticeId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(claim::find_notice(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}
