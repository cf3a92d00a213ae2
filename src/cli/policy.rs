//! `policy …`: packs and decisions without a database; published versions, and decisions made again.

mod diff;
mod list;
mod proposals;
mod replay;

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::Utf8Error;

use anyhow::Context;
use chrono::NaiveDate;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{Global, output, programme, screening};
use crate::policy::{
    Decision, Facts, Locale, Moment, PackProblems, Policy, Problem, check, decide, explain_on,
    pack_schema, read_facts_file,
};
use crate::types::{Day, Reason};

/// Check policy packs, decide by them, compare and publish them.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    #[command(flatten)]
    Offline(OfflineCommand),
    /// Decide for every party of a zone: who qualifies, and for how much
    ///
    /// Facts are what the ledger knows of each party (`facts show`); what they have used of their limits is counted, and
    /// a budget that is shared is shared. Nothing is written.
    #[command(
        after_help = "Example:\n  subsidy-ledger policy screen SH-VOUCHER --on 2020-03-02 \
        --assume applicant_kind=enterprise --assume service_price=10000.00\n  \
        subsidy-ledger policy screen assets/policies/tech-sme-2017.toml --outcome needs-review --csv missing.csv"
    )]
    Screen(screening::ScreenArgs),
    /// Say what a draft would change before it is published: who gains, who loses, what it costs
    ///
    /// The draft and the version in force are both applied to every party of the zone. With --history every recorded
    /// decision of the programme is made again by the draft, on the facts and the usage that it was made on. Nothing is
    /// written.
    #[command(
        after_help = "Examples:\n  subsidy-ledger policy simulate draft.toml --on 2021-01-01 \
        --assume applicant_kind=enterprise --assume service_price=10000.00\n  \
        subsidy-ledger policy simulate draft.toml --history --from 2020-01-01 --until 2020-12-31"
    )]
    Simulate(screening::SimulateArgs),
    /// Tell a party every programme that it qualifies for and, where it does not, what is nearest to be met
    #[command(
        after_help = "Example:\n  subsidy-ledger policy eligibility 91000000MA00000900 --lang en \
        --assume service_price=10000.00"
    )]
    Eligibility(screening::EligibilityArgs),
    /// Say in words what differs between two packs.
    ///
    /// Each is a file, or a published version as CODE@VERSION, or as CODE@DATE the one in force that day. Exits with 0
    /// whether they differ or not. With --json, `differences` has each in both languages.
    #[command(
        after_help = "Examples:\n  subsidy-ledger policy diff old.toml new.toml --lang en\n  \
        subsidy-ledger policy diff SH-VOUCHER@2020-06-01 new.toml --zone SH"
    )]
    Diff {
        /// The pack before.
        #[arg(value_name = "PACK|CODE@VERSION|CODE@DATE")]
        old: String,
        /// The pack after.
        #[arg(value_name = "PACK|CODE@VERSION|CODE@DATE")]
        new: String,
        /// The language of the sentences.
        #[arg(long, value_enum, default_value_t = LangArg::Zh)]
        lang: LangArg,
    },
    /// Make recorded decisions again, and say whether they come out the same.
    ///
    /// By the published rules that the decision names, on the facts that were kept, for the day and the usage that it
    /// names. Exits with 1 if a decision comes out otherwise, or if rules or facts were changed.
    #[command(
        group(ArgGroup::new("which").required(true).args(["entry", "all"])),
        after_help = "Examples:\n  subsidy-ledger policy replay 42 --zone SH\n  \
        subsidy-ledger policy replay --all --zone SH"
    )]
    Replay {
        /// Log index of an entry with a decision.
        #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
        entry: Option<i64>,
        /// Every decision in the zone's log.
        #[arg(long)]
        all: bool,
    },
    /// List the published versions, with the days on which each decides
    #[command(after_help = "Example:\n  subsidy-ledger policy list --json")]
    List,
    /// Propose a pack for its programme (a rule administrator)
    ///
    /// The same as `programme propose`, which names the programme itself; here it is the one that the pack names.
    #[command(after_help = "Example:\n  subsidy-ledger policy propose my-pack.toml --as rules")]
    Propose {
        /// The policy pack.
        pack: PathBuf,
    },
    /// Publish a proposed pack (a manager, another person)
    ///
    /// The same as `programme publish`, which names the programme itself; here it is the one that the pack names.
    #[command(after_help = "Example:\n  subsidy-ledger policy publish my-pack.toml --as manager")]
    Publish(programme::PublishedArgs),
    /// List the proposals that wait for publication
    #[command(after_help = "Examples:\n  subsidy-ledger policy proposals\n  \
        subsidy-ledger policy proposals --show 57 > pack.toml\n\nA manager other than the proposer publishes one with \
        `policy publish`. `policy withdraw`\ntakes one back.")]
    Proposals {
        /// Print the pack of this proposal, byte for byte, by the number of its entry.
        #[arg(long, value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
        show: Option<i64>,
    },
    /// Withdraw a proposal that is not published (a rule administrator or a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger policy withdraw 57 --reason '比例有误' --as rules"
    )]
    Withdraw {
        /// Entry of the proposal: `policy proposals` lists them.
        #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
        entry: i64,
        /// Why.
        #[arg(long)]
        reason: Reason,
    },
}

#[derive(Debug, Subcommand)]
enum OfflineCommand {
    /// Type-check packs and run their own examples.
    ///
    /// Exits with 0 if every pack is sound, with 1 if one has a problem or can't be read. With --json, a
    /// list with `file` and `sound` of each pack, and its `code`, `version` and `sha256`, or the `problems` with
    /// `line`, `column`, `message` and `remedy`.
    #[command(after_help = "Example:\n  subsidy-ledger policy check assets/policies/*.toml")]
    Check {
        /// Packs to check.
        #[arg(required = true, value_name = "PACK")]
        packs: Vec<PathBuf>,
    },
    /// Decide by a pack on the facts of a file, and show the trace.
    ///
    /// Exits with 0 for every decision, whether it passes, fails or needs review, and with 2 if
    /// there is none: the pack or the facts have problems or can't be read.
    #[command(after_help = "Example:\n  subsidy-ledger policy decide \
        assets/policies/shanghai-2020.toml facts.json --on 2020-03-02 --moment grant --text --lang zh\n\
        \n  facts.json:\n  { \"as_of\": \"2020-03-02\",\n    \"facts\": { \"applicant_kind\": \"enterprise\", \
        \"uscc\": \"91000000MA00000900\",\n               \"service_price\": \"300000.00\" },\n    \
        \"usage\": { \"held_now\": \"0.00\", \"used_this_year\": \"0.00\" } }")]
    Decide {
        /// The policy pack.
        pack: PathBuf,
        /// The facts and the usage, in JSON.
        facts: PathBuf,
        /// The day of the decision.
        #[arg(long, value_name = "DATE")]
        on: Day,
        /// What is decided.
        ///
        /// Without it, the first that the pack decides: a grant, a claim or a recognition.
        #[arg(long, value_enum)]
        moment: Option<MomentArg>,
        /// Print sentences instead of JSON.
        #[arg(long)]
        text: bool,
        /// The language of the sentences.
        #[arg(long, value_enum, default_value_t = LangArg::Zh, requires = "text")]
        lang: LangArg,
    },
    /// Print the JSON Schema of packs, for editors.
    #[command(
        after_help = "Example:\n  subsidy-ledger policy schema > policy-pack.schema.json\n\n  \
        In a pack, for editors with taplo (Even Better TOML), on its first line:\n  \
        #:schema ../schemas/policy-pack.schema.json"
    )]
    Schema,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum MomentArg {
    /// An application for a voucher.
    Grant,
    /// An order or its bill, paid with a voucher.
    Redemption,
    /// A claim for what was done.
    Claim,
    /// Whether somebody counts as something.
    Recognition,
}

impl MomentArg {
    pub(super) const fn moment(self) -> Moment {
        match self {
            Self::Grant => Moment::Grant,
            Self::Redemption => Moment::Redemption,
            Self::Claim => Moment::Claim,
            Self::Recognition => Moment::Recognition,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LangArg {
    /// 中文
    Zh,
    /// English
    En,
}

impl LangArg {
    pub(super) const fn locale(self) -> Locale {
        match self {
            Self::Zh => Locale::Zh,
            Self::En => Locale::En,
        }
    }
}

/// Runs a command on policies.
pub(super) async fn run(global: &Global, args: PolicyArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        PolicyCommand::Offline(command) => run_offline(global, command),
        PolicyCommand::Screen(args) => screening::screen(global, args).await,
        PolicyCommand::Simulate(args) => screening::simulate(global, args).await,
        PolicyCommand::Eligibility(args) => screening::eligibility(global, args).await,
        PolicyCommand::Diff { old, new, lang } => diff::run(global, [old, new], lang).await,
        PolicyCommand::Replay { entry, .. } => replay::run(global, entry).await,
        PolicyCommand::List => list::run(global).await,
        PolicyCommand::Propose { pack } => programme::propose(global, None, &pack).await,
        PolicyCommand::Publish(args) => programme::publish(global, None, args).await,
        PolicyCommand::Proposals { show } => proposals::run(global, show).await,
        PolicyCommand::Withdraw { entry, reason } => {
            proposals::withdraw(global, entry, reason).await
        }
    }
}

/// What needs no database.
fn run_offline(global: &Global, command: OfflineCommand) -> anyhow::Result<ExitCode> {
    match command {
        OfflineCommand::Check { packs } => {
            let sound = check_packs(&packs, global.json, &mut output::Answer)?;
            Ok(if sound {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        OfflineCommand::Decide {
            pack,
            facts,
            on,
            moment,
            text,
            lang,
        } => {
            let decided = read_pack(&pack, Policy::parse);
            let decided = decided.map_err(|faults| faults.report).and_then(|policy| {
                decide_file(&policy, &facts, moment, on.date()).map(|made| (policy, made))
            });
            match decided {
                Ok((policy, (facts, decision))) => {
                    print_decision(&decision, &policy, &facts, text.then_some(lang))?;
                    Ok(ExitCode::SUCCESS)
                }
                Err(report) => {
                    output::note(&report);
                    Ok(ExitCode::from(2))
                }
            }
        }
        OfflineCommand::Schema => {
            let schema = serde_json::to_string_pretty(&pack_schema())?;
            output::line(&schema)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What `policy check` prints of a pack as JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Checked {
    Sound {
        code: String,
        file: String,
        sha256: String,
        sound: bool,
        version: String,
    },
    Unsound {
        file: String,
        problems: Vec<Fault>,
        sound: bool,
    },
}

/// `true` if every pack is sound. Each has its line of `out`, or all are elements of one JSON array.
fn check_packs(packs: &[PathBuf], json: bool, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut all = Vec::new();
    let mut sound = true;
    for pack in packs {
        let file = pack.display().to_string();
        match read_pack(pack, check) {
            Ok(policy) if json => all.push(Checked::Sound {
                code: policy.code().to_string(),
                file,
                sha256: policy.sha256().to_string(),
                sound: true,
                version: policy.version().to_string(),
            }),
            Ok(policy) => writeln!(
                out,
                "{file}: sound: {} version {}, sha256 {}",
                policy.code(),
                policy.version(),
                policy.sha256()
            )?,
            Err(Faults { problems, report }) => {
                sound = false;
                if json {
                    all.push(Checked::Unsound {
                        file,
                        problems,
                        sound,
                    });
                } else {
                    output::note(&report);
                }
            }
        }
    }
    if json {
        writeln!(out, "{}", serde_json::to_string(&all)?)?;
    }
    Ok(sound)
}

/// Why a pack can't be used.
pub(super) struct Faults {
    problems: Vec<Fault>,
    /// The same for people, as compilers write it.
    pub(super) report: String,
}

/// One fault, as JSON. What concerns the whole file has no place.
#[derive(Serialize)]
struct Fault {
    column: Option<usize>,
    line: Option<usize>,
    message: String,
    remedy: Option<String>,
}

/// Packs and facts of one case are a few kilobytes; what has no end is not read to it.
const LONGEST_FILE: u64 = 4 << 20;

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST_FILE) {
        return Err(io::Error::other(
            "it is over 4 MiB: packs, and facts of one case, are a few kilobytes",
        ));
    }
    Ok(bytes)
}

/// Reads a pack with `parse`, or says why not.
pub(super) fn read_pack(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<Policy, PackProblems>,
) -> Result<Policy, Faults> {
    let file = path.display();
    let bytes = read_file(path).map_err(|error| {
        let message = format!("can't be read: {error}");
        let report = format!("{file}: {message}");
        let (line, column, remedy) = (None, None, None);
        let problems = vec![Fault {
            column,
            line,
            message,
            remedy,
        }];
        Faults { problems, report }
    })?;
    let body = str::from_utf8(&bytes).map_err(|error| not_text(path, &bytes, error))?;
    parse(body).map_err(|problems| Faults {
        report: problems.render(&file.to_string()),
        problems: problems.problems().iter().map(Fault::of).collect(),
    })
}

fn not_text(path: &Path, bytes: &[u8], error: Utf8Error) -> Faults {
    let before = bytes.iter().take(error.valid_up_to());
    let line = before.filter(|byte| **byte == b'\n').count() + 1;
    let (message, remedy) = ("not UTF-8 text", "save the pack as UTF-8");
    Faults {
        report: format!(
            "{}:{line}: error: {message}\n = remedy: {remedy}",
            path.display()
        ),
        problems: vec![Fault {
            column: None,
            line: Some(line),
            message: message.to_owned(),
            remedy: Some(remedy.to_owned()),
        }],
    }
}

impl Fault {
    fn of(problem: &Problem) -> Self {
        Self {
            column: Some(problem.column),
            line: Some(problem.line),
            message: problem.message.clone(),
            remedy: Some(problem.remedy.clone()),
        }
    }
}

fn decide_file(
    policy: &Policy,
    path: &Path,
    moment: Option<MomentArg>,
    on: NaiveDate,
) -> Result<(Facts, Decision), String> {
    let first = policy.moments().first().copied();
    let moment = moment
        .map(MomentArg::moment)
        .or(first)
        .unwrap_or(Moment::Grant);
    let file = path.display();
    let bytes = read_file(path).map_err(|error| format!("{file}: can't be read: {error}"))?;
    let (facts, usage) = read_facts_file(&bytes, policy, moment)
        .map_err(|error| format!("{file}: error: {error}"))?;
    let decision = decide(policy, moment, &facts, &usage, on);
    Ok((facts, decision))
}

/// What `policy decide` prints as JSON.
#[derive(Serialize)]
struct Answer<'d> {
    decision: &'d Decision,
    explanation: Explanation,
}

#[derive(Serialize)]
struct Explanation {
    zh: Vec<String>,
    en: Vec<String>,
}

fn print_decision(
    decision: &Decision,
    policy: &Policy,
    facts: &Facts,
    text: Option<LangArg>,
) -> anyhow::Result<()> {
    let mut out = output::Answer;
    if let Some(locale) = text.map(LangArg::locale) {
        for sentence in explain_on(decision, policy, facts, locale) {
            writeln!(out, "{sentence}")?;
        }
        return Ok(());
    }
    let explanation = Explanation {
        zh: explain_on(decision, policy, facts, Locale::Zh),
        en: explain_on(decision, policy, facts, Locale::En),
    };
    let answer = serde_json::to_string_pretty(&Answer {
        decision,
        explanation,
    })
    .context("the decision can't be written as JSON")?;
    writeln!(out, "{answer}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        global: Global,
        #[command(flatten)]
        policy: PolicyArgs,
    }

    fn exit(arguments: &[&str]) -> ExitCode {
        let cli = Cli::try_parse_from([&["policy"], arguments].concat()).unwrap();
        let PolicyCommand::Offline(command) = cli.policy.command else {
            panic!("{arguments:?} needs a database");
        };
        run_offline(&cli.global, command).unwrap()
    }

    const PACK: &str = "assets/policies/yuhuan-2023.toml";

    #[test]
    fn check_exits_with_1_unless_every_pack_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.toml");
        fs::write(&bad, b"code = \"A\"\n\xff").unwrap();
        let bad = bad.to_str().unwrap();
        assert_eq!(
            exit(&["check", PACK, "assets/policies/shanghai-2020.toml"]),
            ExitCode::SUCCESS
        );
        assert_eq!(exit(&["check", PACK, bad]), ExitCode::FAILURE);
        assert_eq!(exit(&["check", "no/such/pack.toml"]), ExitCode::FAILURE);
    }

    #[test]
    fn check_prints_json() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.toml");
        fs::write(&bad, b"code = \"A\"\n\xff").unwrap();
        let faulty = folder.path().join("faulty.toml");
        fs::write(
            &faulty,
            fs::read_to_string(PACK).unwrap() + "\nsurplus = 1\n",
        )
        .unwrap();
        let mut out = Vec::new();
        let packs = [PACK.into(), bad.clone(), faulty, "no/such/pack.toml".into()];
        let sound = check_packs(&packs, true, &mut out).unwrap();
        assert!(!sound, "a pack that is no text is sound");
        let mut answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(answer[1]["file"], bad.to_str().unwrap());
        for pack in answer.as_array_mut().unwrap() {
            let file = pack["file"].as_str().unwrap();
            pack["file"] = file.rsplit('/').next().unwrap().into();
        }
        insta::assert_json_snapshot!(answer, { "[0].sha256" => "[sha256]" });
    }

    #[test]
    fn decide_exits_with_0_for_every_decision_and_2_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let facts = folder.path().join("facts.json");
        let facts_path = facts.to_str().unwrap();
        let decide = |more: &[&str]| {
            exit(&[&["decide", PACK, facts_path, "--on", "2023-06-01"], more].concat())
        };
        assert_eq!(decide(&[]), ExitCode::from(2));
        let usage = r#""usage": { "held_now": "0.00", "used_this_year": "0.00" }"#;
        fs::write(
            &facts,
            format!(r#"{{ "as_of": "2023-06-01", "facts": {{}}, {usage} }}"#),
        )
        .unwrap();
        assert_eq!(decide(&[]), ExitCode::SUCCESS);
        assert_eq!(
            decide(&["--text", "--lang", "en", "--moment", "redemption"]),
            ExitCode::SUCCESS
        );
        fs::write(&facts, r#"{ "as_of": "2023-06-01", "facts": {} }"#).unwrap();
        assert_eq!(decide(&[]), ExitCode::from(2));
    }

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
