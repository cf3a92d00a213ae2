//! `facts recognise`, `recognise-confirm` and `revoke`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};

use super::{Find, facts, find};
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::fact::{self, ConfirmedAll, Recognised, RecognisedAll, Register, Revocation, digest};
use crate::party;
use crate::policy::{Fact, Outcome, Sha256, StatedBy};
use crate::types::{Code, Day, LogIndex, Name, PartyId, Reason};

pub(super) const RECOGNISE_HELP: &str = "Examples:
  subsidy-ledger facts recognise 91000000MA00000900 --programme TECH-SME --fact filed_on=2023-05-10 --as reviewer
  subsidy-ledger facts recognise --all --programme SIZE-CLASS --as reviewer

Decides by the rules in force today on what the ledger knows. TECH-SME enters in the register tech_sme, HNTE in hnte,
SIZE-CLASS in size_class. What passes waits for another person: `facts recognise-confirm`. What fails, or lacks facts, is
recorded with its reasons. A run over all parties that was interrupted goes on where it stopped; on a later day with
--since and the day on which it began.";

pub(super) const CONFIRM_HELP: &str = "Examples:
  subsidy-ledger facts recognise-confirm 57 --as manager
  subsidy-ledger facts recognise-confirm --all --programme TECH-SME --as manager
  subsidy-ledger facts recognise-confirm 57 --number 202333010600001234 --as manager

A recognition under public notice (`notice_days` of its rules, working days) is confirmed when that is over; --all confirms
those of which it is, and counts the others. Without --number, a tech SME gets the year, the six digits of the region in its code, and six running digits.";

pub(super) const REVOKE_HELP: &str = "Example:
  subsidy-ledger facts revoke 91000000MA00000900 --register tech_sme --on 2023-08-20 --reason '虚假申报' \\
      --evidence $(sha256sum decision.pdf | cut -d' ' -f1) --as reviewer

Another person confirms it: `facts confirm`.";

/// Whom to decide on, by which rules.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["party", "all"])))]
pub(in crate::cli) struct RecogniseArgs {
    /// Code, office number or id
    party: Option<String>,
    /// The programme whose rules decide
    #[arg(long)]
    programme: Code,
    /// Decide on every party of the zone
    #[arg(long)]
    all: bool,
    /// With --all: leave out whom the same rules decided on since this day, to go on with a run of days [default: today]
    #[arg(long, value_name = "DAY", requires = "all")]
    since: Option<Day>,
    /// NAME=VALUE, what the filing says, such as filed_on=2023-05-10; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    fact: Vec<String>,
}

/// A recognition to confirm.
#[derive(Debug, Args)]
pub(in crate::cli) struct ConfirmArgs {
    /// The entry of the decision
    #[arg(required_unless_present = "all")]
    proposal: Option<i64>,
    /// Confirm every proposal of a programme whose notice is over
    #[arg(long, conflicts_with_all = ["proposal", "number"], requires = "programme")]
    all: bool,
    /// With --all: the programme whose rules decided
    #[arg(long, requires = "all")]
    programme: Option<Code>,
    /// The registration number or certificate's number
    #[arg(long)]
    number: Option<Name>,
}

/// A registration to revoke.
#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeArgs {
    /// Code, office number or id
    party: String,
    /// `tech_sme` or `hnte`
    #[arg(long, value_name = "NAME")]
    register: Register,
    /// The day of the revocation [default: today]
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// Why
    #[arg(long)]
    reason: Reason,
    /// SHA-256 of a document that supports it; may be repeated
    #[arg(long, value_name = "SHA256", required = true, value_parser = digest)]
    evidence: Vec<Sha256>,
}

/// How many parties are decided on in one transaction.
const BATCH: u16 = 1_000;

pub(super) async fn recognise(global: &Global, args: RecogniseArgs) -> anyhow::Result<ExitCode> {
    if args.all {
        return recognise_all(global, args).await;
    }
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let given = facts(&args.fact, caller.zone.currency)?;
        let input = (args.party.unwrap_or_default(), args.programme, given);
        let recognised = session
            .command(
                &caller,
                input,
                |conn, command, (named, programme, given)| {
                    Box::pin(async move {
                        let party = find(conn, &command, named).await?.id;
                        let done = fact::recognise(conn, &command, programme, party, given).await;
                        Ok::<_, Find>(done?)
                    })
                },
            )
            .await?;
        print(global, &recognised)?;
        Ok(match recognised.decision.outcome {
            Outcome::Pass => ExitCode::SUCCESS,
            Outcome::Fail | Outcome::NeedsReview => ExitCode::FAILURE,
        })
    })
    .await
}

fn print(global: &Global, recognised: &Recognised) -> anyhow::Result<()> {
    if global.json {
        return output::json(recognised);
    }
    let Recognised {
        entry,
        facts,
        decision,
        ..
    } = recognised;
    let text = if let Some(facts) = facts {
        format!(
            "Passes, entry {entry}: {}. Another person confirms it: `facts recognise-confirm {entry}`.",
            super::print::pairs(facts)
        )
    } else {
        let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
        let missing = missing(&decision.missing);
        let reasons = reasons.join(", ");
        format!("Does not pass, entry {entry}: {reasons}{missing}.")
    };
    output::line(&text)?;
    Ok(())
}

/// What a decision lacks, by whose it is.
fn missing(facts: &[Fact]) -> String {
    let list = |what: &str, by: StatedBy| {
        let names = facts.iter().filter(|fact| fact.spec().stated_by == by);
        let names: Vec<&str> = names.map(|fact| fact.name()).collect();
        (!names.is_empty()).then(|| format!("; {what}: {}", names.join(", ")))
    };
    let lists = [
        list("to bring", StatedBy::Applicant),
        list("for the office to determine", StatedBy::Office),
        list("from registers or the ledger itself", StatedBy::Ledger),
    ];
    lists.into_iter().flatten().collect()
}

async fn recognise_all(global: &Global, args: RecogniseArgs) -> anyhow::Result<ExitCode> {
    if global.key.is_some() {
        bail!("a run over all parties needs no --key: given again, it decides on nobody twice");
    }
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let given = facts(&args.fact, caller.zone.currency)?;
        let zone = caller.zone.id;
        let count = session
            .database
            .read(zone, zone, |conn, zone| {
                Box::pin(party::store::count(conn, *zone, None))
            })
            .await?;
        let bar = output::progress(u64::try_from(count).unwrap_or(0));
        let mut total = RecognisedAll::default();
        let mut after: Option<PartyId> = None;
        loop {
            let since = args.since.map(Day::date);
            let input = (args.programme.clone(), given.clone(), since, after);
            let batch = session
                .command(
                    &caller,
                    input,
                    |conn, command, (programme, given, since, after)| {
                        Box::pin(async move {
                            let (since, after) = (*since, *after);
                            fact::recognise_next(
                                conn, &command, programme, given, since, after, BATCH,
                            )
                            .await
                        })
                    },
                )
                .await?;
            total.decided += batch.decided;
            total.proposed += batch.proposed;
            total.failed += batch.failed;
            total.needs_review += batch.needs_review;
            bar.inc(batch.decided);
            after = batch.last;
            if after.is_none() {
                break;
            }
        }
        bar.finish_and_clear();
        print_all(global, &total)?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_all(global: &Global, total: &RecognisedAll) -> anyhow::Result<()> {
    let RecognisedAll {
        decided,
        proposed,
        failed,
        needs_review,
        ..
    } = total;
    if global.json {
        return output::json(&serde_json::json!({
            "decided": decided, "proposed": proposed, "failed": failed, "needs_review": needs_review,
        }));
    }
    let decided = output::counted(decided, "party", "parties");
    output::line(&format!(
        "{decided} decided on: {proposed} pass and wait for another person, {failed} fail, {needs_review} lack facts"
    ))?;
    Ok(())
}

async fn confirm_all(global: &Global, programme: Code) -> anyhow::Result<()> {
    if global.key.is_some() {
        bail!("a run over all proposals needs no --key: given again, it confirms nothing twice");
    }
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let bar = output::progress(0);
        let mut total = ConfirmedAll::default();
        let mut after: Option<LogIndex> = None;
        loop {
            let input = (programme.clone(), after);
            let batch = session
                .command(&caller, input, |conn, command, (programme, after)| {
                    Box::pin(async move {
                        fact::confirm_next(conn, &command, programme, *after, BATCH).await
                    })
                })
                .await?;
            total.registered += batch.registered;
            total.in_notice += batch.in_notice;
            total.own += batch.own;
            total.stale += batch.stale;
            total.without_number += batch.without_number;
            bar.inc(batch.registered);
            after = batch.last;
            if after.is_none() {
                break;
            }
        }
        bar.finish_and_clear();
        if global.json {
            return output::json(&total);
        }
        let registered = output::counted(total.registered, "party", "parties");
        output::line(&format!("{registered} registered."))?;
        for (count, why) in [
            (total.in_notice, "still under public notice"),
            (
                total.own,
                "proposed by the same person: another one confirms",
            ),
            (total.stale, "overtaken or no longer valid: decide again"),
            (
                total.without_number,
                "need a number: confirm each with --number",
            ),
        ] {
            if count > 0 {
                output::line(&format!("{count} {why}."))?;
            }
        }
        Ok(())
    })
    .await
}

pub(super) async fn confirm(global: &Global, args: ConfirmArgs) -> anyhow::Result<()> {
    if let Some(programme) = args.programme.filter(|_| args.all) {
        return confirm_all(global, programme).await;
    }
    let proposal = args.proposal.context("name the entry of the decision")?;
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let input = (LogIndex(proposal), args.number);
        let registered = session
            .command(&caller, input, |conn, command, (proposed, number)| {
                Box::pin(async move {
                    fact::confirm_recognition(conn, &command, *proposed, number.as_ref()).await
                })
            })
            .await?;
        if global.json {
            return output::json(&registered);
        }
        let number = registered
            .number
            .map_or_else(String::new, |number| format!(", number {number}"));
        output::line(&format!("Registered{number}, entry {}.", registered.entry))?;
        Ok(())
    })
    .await
}

pub(super) async fn revoke(global: &Global, args: RevokeArgs) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let revocation = Revocation {
            party: PartyId(uuid::Uuid::nil()),
            register: args.register,
            on: args.on.map_or(caller.command().today(), Day::date),
            evidence: args.evidence,
            reason: args.reason,
        };
        let input = (args.party, revocation);
        let proposed = session
            .command(&caller, input, |conn, command, (named, revocation)| {
                Box::pin(async move {
                    let revocation = Revocation {
                        party: find(conn, &command, named).await?.id,
                        ..revocation.clone()
                    };
                    Ok::<_, Find>(fact::revoke(conn, &command, &revocation).await?)
                })
            })
            .await?;
        if global.json {
            return output::json(&serde_json::json!({ "entry": proposed }));
        }
        output::line(&format!(
            "Proposed, entry {proposed}. Another person confirms it: `facts confirm {proposed}`."
        ))?;
        Ok(())
    })
    .await
}
