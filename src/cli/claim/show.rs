//! Reading claims.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::claim::store::{self, ClaimFilter, ClaimRow};
use crate::claim::{self, Claim, ClaimState, Claimed, Content, Drawn};
use crate::cli::desk::{not_there, party_id};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::types::{Amount, ClaimId, Code, LogIndex, Named, Zone};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Draft,
    Submitted,
    Returned,
    Recommended,
    Noticed,
    Objected,
    Approved,
    Revoked,
    Rejected,
    Withdrawn,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only of this programme
    #[arg(long)]
    programme: Option<Code>,
    /// Only of this party: unified social credit code, or id
    #[arg(long)]
    party: Option<String>,
    /// Only in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those after this one: the number of the last of the page before, without C
    #[arg(long, value_name = "NUMBER")]
    after: Option<LogIndex>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// As people write it: C and the entry that began it.
pub(super) fn claim_number(index: LogIndex) -> String {
    format!("C{index}")
}

/// A claim in a list.
#[derive(Serialize)]
struct ClaimLine {
    amount: Option<String>,
    claim: String,
    id: ClaimId,
    party: String,
    payment: Option<String>,
    programme: Code,
    review: Option<LogIndex>,
    state: ClaimState,
    version: i32,
}

impl ClaimLine {
    fn of(row: ClaimRow, zone: &Zone) -> Self {
        Self {
            amount: row.amount.map(|amount| amount.to_text(zone.currency)),
            claim: claim_number(row.drafted_index),
            id: row.id,
            party: row.party_name,
            payment: row.payment,
            programme: row.programme,
            review: row.reviewed_index,
            state: row.state,
            version: row.version,
        }
    }
}

pub(in crate::cli) async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let party = match &args.party {
            None => None,
            Some(party) => Some(party_id(session, &zone, party).await?),
        };
        let filter = ClaimFilter {
            programme: args.programme,
            party,
            state: args.state.map(|state| match state {
                State::Draft => ClaimState::Draft,
                State::Submitted => ClaimState::Submitted,
                State::Returned => ClaimState::Returned,
                State::Recommended => ClaimState::Recommended,
                State::Noticed => ClaimState::Noticed,
                State::Objected => ClaimState::Objected,
                State::Approved => ClaimState::Approved,
                State::Revoked => ClaimState::Revoked,
                State::Rejected => ClaimState::Rejected,
                State::Withdrawn => ClaimState::Withdrawn,
            }),
            after: args.after,
        };
        let input = (zone.id, filter, args.limit);
        let rows = session
            .database
            .read(zone.id, input, |conn, (zone, filter, limit)| {
                Box::pin(store::claims(conn, *zone, filter, *limit))
            })
            .await?;
        output::at_limit(rows.len(), args.limit);
        let lines: Vec<ClaimLine> = rows
            .into_iter()
            .map(|row| ClaimLine::of(row, &zone))
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No such claims: `claim draft` begins one.")?;
        } else {
            for line in &lines {
                print_line(line)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_line(line: &ClaimLine) -> std::io::Result<()> {
    let amount = line
        .amount
        .as_deref()
        .map_or_else(String::new, output::grouped);
    let payment = line
        .payment
        .as_deref()
        .map(|state| format!(", payment {state}"));
    let review = line.review.map(|index| format!(", review {index}"));
    output::line(&format!(
        "{:<8} {:<20} {:>16}  {}{}{}  {}",
        line.claim,
        line.programme.as_str(),
        amount,
        line.state.as_str(),
        review.unwrap_or_default(),
        payment.unwrap_or_default(),
        line.party,
    ))
}

/// A claim with all that is known of it.
#[derive(Serialize)]
struct Shown {
    also_claimed: Vec<String>,
    approvals: Vec<ShownApproval>,
    awarded: Option<String>,
    claim: String,
    content: Content,
    content_sha256: String,
    id: ClaimId,
    #[serde(skip_serializing_if = "Option::is_none")]
    milestone: Option<String>,
    party: String,
    payment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<ShownPlace>,
    programme: Code,
    recommended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relief: Option<Drawn>,
    review: Option<LogIndex>,
    state: ClaimState,
    submitted_on: Option<chrono::NaiveDate>,
    verified: Option<crate::policy::Facts>,
    version: i32,
}

/// A place in a round.
#[derive(Serialize)]
struct ShownPlace {
    amount: String,
    entry: LogIndex,
    place: Option<i32>,
}

/// An approval at one level.
#[derive(Serialize)]
struct ShownApproval {
    entry: LogIndex,
    level: u8,
    person: String,
    principal: Option<String>,
    review: LogIndex,
    role: String,
}

pub(in crate::cli) async fn show(
    global: &Global,
    named: Named<ClaimId>,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let id = claim_id(session, &zone, named).await?;
        let found = session
            .database
            .read(zone.id, (zone.id, id), |conn, (zone, id)| {
                Box::pin(async move {
                    let claim = store::claim(conn, *zone, *id).await?;
                    let shown = store::around(conn, *zone, *id).await?;
                    Ok::<_, sqlx::Error>((claim, shown))
                })
            })
            .await?;
        let (claim, around) = found;
        let claim = claim.with_context(|| not_there(&named, &zone))?;
        let shown = shown(&zone, claim, around)?;
        if global.json {
            output::json(&shown)?;
        } else {
            print(&shown)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn shown(zone: &Zone, claim: Claim, around: store::Around) -> anyhow::Result<Shown> {
    let text = |amount: Amount| amount.money().to_text(zone.currency);
    let Claimed { content, relief } = Claimed::read(&claim.content).map_err(anyhow::Error::msg)?;
    let also_claimed = around.also_claimed.iter();
    let also_claimed = also_claimed.map(|other| claim_number(other.index));
    let approvals = around.approvals.into_iter().map(|approval| ShownApproval {
        entry: approval.index,
        level: approval.level,
        person: approval.person,
        principal: approval.principal,
        review: approval.review,
        role: approval.role,
    });
    let verified = claim
        .review
        .as_ref()
        .and_then(|review| review.verified.clone());
    Ok(Shown {
        also_claimed: also_claimed.collect(),
        approvals: approvals.collect(),
        awarded: claim.awarded.map(text),
        claim: claim_number(claim.drafted_index),
        content,
        content_sha256: claim.content_sha256.to_string(),
        id: claim.id,
        milestone: around.milestone.map(|milestone| milestone.to_string()),
        party: around.party_name,
        payment: around.payment,
        place: around.place.map(|place| ShownPlace {
            amount: place.amount.to_text(zone.currency),
            entry: place.index,
            place: place.place,
        }),
        programme: claim.programme,
        recommended: claim.recommended.map(text),
        relief,
        review: claim.review.map(|review| review.index),
        state: claim.state,
        submitted_on: claim.submission.map(|made| made.on),
        verified,
        version: claim.version,
    })
}

fn field(name: &str, value: &str) -> std::io::Result<()> {
    output::line(&format!("{name:>14}: {value}"))
}

fn maybe(name: &str, value: Option<String>) -> std::io::Result<()> {
    value.map_or(Ok(()), |text| field(name, &text))
}

fn print(shown: &Shown) -> std::io::Result<()> {
    field("claim", &format!("{} ({})", shown.claim, shown.id))?;
    field("programme", shown.programme.as_str())?;
    field("party", &shown.party)?;
    field("state", shown.state.as_str())?;
    field("goes on with", shown.state.goes_on())?;
    field(
        "version",
        &format!("{}, SHA-256 {}", shown.version, shown.content_sha256),
    )?;
    maybe(
        "submitted on",
        shown.submitted_on.map(|day| day.to_string()),
    )?;
    maybe("milestone", shown.milestone.clone())?;
    for (fact, stated) in shown.content.facts.iter() {
        field("fact", &format!("{fact} = {}", stated.value))?;
    }
    for line in &shown.content.lines {
        let text = format!(
            "{} = {}, {}",
            line.fact,
            output::grouped(&line.value),
            line.reference
        );
        field("line", &text)?;
    }
    for taken in shown.relief.iter().flat_map(|relief| &relief.waivers) {
        let text = format!(
            "W{}, {} to {}: audited {}, the landlord's part {}",
            taken.number,
            taken.from_day,
            taken.until_day,
            output::grouped(&taken.audited),
            output::grouped(&taken.landlord_relief)
        );
        field("waiver", &text)?;
    }
    for document in &shown.content.documents {
        let number = document
            .number
            .map_or_else(String::new, |number| format!("{number}: "));
        field("document", &format!("{number}{}", document.sha256))?;
    }
    print_decided(shown)
}

/// What the office made of it.
fn print_decided(shown: &Shown) -> std::io::Result<()> {
    for (fact, stated) in shown.verified.iter().flat_map(crate::policy::Facts::iter) {
        field("verified", &format!("{fact} = {}", stated.value))?;
    }
    maybe("review", shown.review.map(|index| format!("entry {index}")))?;
    maybe(
        "recommended",
        shown.recommended.as_deref().map(output::grouped),
    )?;
    if let Some(place) = &shown.place {
        let number = place
            .place
            .map_or_else(|| "none".to_owned(), |number| number.to_string());
        let amount = output::grouped(&place.amount);
        let text = format!("{number}, at most {amount}, entry {}", place.entry);
        field("place", &text)?;
    }
    for approval in &shown.approvals {
        let principal = approval.principal.as_ref();
        let principal = principal.map_or_else(String::new, |person| format!(" for {person}"));
        let text = format!(
            "level {} as {} by {}{principal}, entry {}, of review {}",
            approval.level, approval.role, approval.person, approval.entry, approval.review
        );
        field("approved", &text)?;
    }
    maybe("awarded", shown.awarded.as_deref().map(output::grouped))?;
    maybe("payment", shown.payment.clone())?;
    for other in &shown.also_claimed {
        field(
            "also claimed",
            &format!("a line of the same reference in {other}"),
        )?;
    }
    Ok(())
}

/// The id of a claim, as somebody names it.
pub(super) async fn claim_id(
    session: &Session,
    zone: &Zone,
    named: Named<ClaimId>,
) -> anyhow::Result<ClaimId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(claim::find_claim(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}
