//! `policy eligibility`: one party over all programmes.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use chrono::NaiveDate;
use clap::Args;

use super::{amount_or_dash, joined, outcome_word};
use crate::cli::policy::LangArg;
use crate::cli::session::with_session;
use crate::cli::{Global, output, voucher};
use crate::fact;
use crate::party::{self, Party};
use crate::policy::{Fact, Locale, Moment, StatedBy};
use crate::screening::{self, Eligibility, ScreeningError};
use crate::types::{Day, excerpt};

#[derive(Debug, Args)]
pub(in crate::cli) struct EligibilityArgs {
    /// The party: its code, number or name
    party: String,
    /// The day of the decisions; today, if left out
    #[arg(long, value_name = "DATE")]
    on: Option<Day>,
    /// A fact of which the ledger knows nothing, as name=value
    #[arg(long = "assume", value_name = "FACT=VALUE")]
    assumed: Vec<String>,
    /// Tell every condition and every step of the amount
    #[arg(long)]
    trace: bool,
    /// The language of the sentences
    #[arg(long, value_enum, default_value_t = LangArg::Zh)]
    lang: LangArg,
}

pub(in crate::cli) async fn eligibility(
    global: &Global,
    args: EligibilityArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.reader(global).await?;
        let on = args.on.map_or_else(|| caller.command().today(), Day::date);
        let assumed = voucher::facts(&args.assumed, caller.zone.currency, on)?;
        let input = (caller.clone(), args.party.clone(), on, assumed);
        let found = session
            .database
            .read(
                caller.zone.id,
                input,
                |conn, (caller, name, on, assumed)| {
                    Box::pin(async move {
                        let (command, zone) = (caller.command(), &caller.zone);
                        let named = fact::party_named(conn, &command, name).await?;
                        let party = match named {
                            Some(id) => party::store::party(conn, zone.id, id).await?,
                            None => None,
                        };
                        let Some(party) = party else {
                            return Ok(None);
                        };
                        let found = screening::for_party(conn, zone, &party, *on, assumed).await?;
                        Ok::<_, ScreeningError>(Some((party, found)))
                    })
                },
            )
            .await?;
        let Some((party, found)) = found else {
            bail!(
                "no party {:?} in this zone: `party list` shows them",
                excerpt(&args.party)
            );
        };
        let locale = args.lang.locale();
        let answers: Vec<Eligibility> = found
            .iter()
            .map(|one| Eligibility::of(one, locale, args.trace))
            .collect();
        if global.json {
            output::json(&answers)?;
            return Ok(ExitCode::SUCCESS);
        }
        if answers.is_empty() {
            output::note("no policy is in force that day: `programme publish` publishes one");
        }
        print_eligibility(&party, on, &answers, &args)?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_eligibility(
    party: &Party,
    on: NaiveDate,
    answers: &[Eligibility],
    args: &EligibilityArgs,
) -> anyhow::Result<()> {
    let mut out = output::Answer;
    let locale = args.lang.locale();
    let pick = |zh, en| match locale {
        Locale::Zh => zh,
        Locale::En => en,
    };
    writeln!(out, "{}{}{on}", party.name, pick("，", " on "))?;
    if let Some(until) = answers.first().and_then(|answer| answer.excluded_until) {
        let zh = format!("取消申报资格至 {until}：在此期间不予新的支持，以下为仅按规则作出的判断");
        let en = format!(
            "excluded until {until}: nothing new is granted until then; what follows is what the rules say"
        );
        writeln!(out, "{}", if locale == Locale::Zh { zh } else { en })?;
    }
    for answer in answers {
        let outcome = match locale {
            Locale::Zh => answer.outcome.zh(),
            Locale::En => outcome_word(answer.outcome),
        };
        writeln!(
            out,
            "{}\t{}\t{}\t{outcome}\t{}\t{}",
            answer.programme,
            answer.version,
            answer.title,
            amount_or_dash(answer.moment != Moment::Recognition, &answer.amount),
            joined(&answer.reasons, ",")
        )?;
        if let Some(nearest) = &answer.nearest {
            writeln!(out, "  {nearest}")?;
        }
        let (to_determine, to_bring): (Vec<Fact>, Vec<Fact>) = answer
            .missing
            .iter()
            .partition(|fact| answer.to_determine.contains(fact));
        let (of_registers, to_bring): (Vec<Fact>, Vec<Fact>) = to_bring
            .into_iter()
            .partition(|fact| fact.spec().stated_by == StatedBy::Ledger);
        let for_office = pick(
            "须由主管部门认定（facts determine，两人办理）：",
            "for the office to determine (facts determine, by two persons): ",
        );
        let of_ledger = pick(
            "来自名录或台账，无须申请人提供：",
            "from registers or the ledger itself: ",
        );
        let lines = [
            (pick("还需提供：", "to bring: "), to_bring),
            (for_office, to_determine),
            (of_ledger, of_registers),
        ];
        for (title, facts) in lines {
            if !facts.is_empty() && !args.trace {
                writeln!(out, "  {title}{}", named_facts(&facts, locale))?;
            }
        }
        for sentence in &answer.trace {
            writeln!(out, "  {sentence}")?;
        }
    }
    Ok(())
}

/// What they are, each with the name that commands take.
fn named_facts(facts: &[Fact], locale: Locale) -> String {
    let facts: Vec<String> = facts
        .iter()
        .map(|fact| match locale {
            Locale::Zh => format!("{}（{fact}）", fact.spec().what(locale)),
            Locale::En => format!("{} ({fact})", fact.spec().what(locale)),
        })
        .collect();
    facts.join(match locale {
        Locale::Zh => "；",
        Locale::En => "; ",
    })
}
