//! The script of the demonstration: command lines with the day and the person that give them.
//!
//! A line that is a date is the day of those that follow; a line that begins with a blank goes on with the one before. All
//! others are `LOGIN: COMMAND`, with quotes as in a shell. In a command, `@FILE` is a file of the demonstration, `#FILE` at
//! the end of a word its SHA-256, and `$NAME` what an earlier line kept: with `=> NAME` at its end the entry that it
//! recorded, with `=> L NAME` the same as a short name (L and its number). `=> refused CODE` expects a refusal that has this
//! word in it. `bank: AMOUNT TEXT` is money that the next statement of the bank says came in, and `$bank` is the entry of
//! its last one.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::Parser as _;
use sha2::{Digest as _, Sha256};

use crate::cli::programme::amount;
use crate::cli::session::Session;
use crate::cli::{Cli, Global, Scripted, dispatch, output};
use crate::demo::{Bank, Stage};
use crate::types::{LogIndex, hex};

/// The year's script.
const YEAR: &str = include_str!("../../../assets/demo/year.txt");

/// Files of a folder of assets, by name.
macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../assets/", $folder, "/", $name)))),*]
    };
}

/// The files that it names.
const FILES: [&[(&str, &str)]; 2] = [
    files!("demo": "cast.csv" "yunchuan-rent-2020.toml" "application.pdf" "commitment.pdf" "deed.pdf" "invoices.pdf"
        "leases.pdf" "licence.pdf" "recognition.pdf" "report.pdf" "tenants.pdf"),
    files!("policies": "shanghai-2020.toml" "shanxi-2017.toml" "shandong-2019.toml" "wuchang-events-2020.toml"
        "wuchang-recognition-2020.toml" "yuhuan-2023.toml" "purchase-service-2020.toml"),
];

/// Who gives the lines that say what comes in at the bank.
const BANK: &str = "bank";

/// One line.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    day: NaiveDate,
    /// Which line of its day, from 1.
    place: u32,
    actor: String,
    words: Vec<String>,
    end: End,
}

/// What is expected of a line.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// That it is done.
    Done,
    /// That, and its entry is kept under a name, after a prefix.
    Kept { prefix: String, name: String },
    /// A refusal that has this word in it.
    Refused(String),
}

/// Reads a script.
fn read(script: &str) -> anyhow::Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut day = None;
    for text in joined(script) {
        if let Ok(date) = text.parse::<NaiveDate>() {
            day = Some(date);
            continue;
        }
        let day = day.with_context(|| format!("{text}: no day stands before it"))?;
        let place = match lines.last() {
            Some(last) if last.day == day => last.place + 1,
            Some(last) => {
                ensure!(last.day < day, "{day} comes after {}", last.day);
                1
            }
            None => 1,
        };
        let (actor, command) = text
            .split_once(": ")
            .with_context(|| format!("{text}: nobody gives it"))?;
        let (words, end) = command_of(command).with_context(|| text.clone())?;
        lines.push(Line {
            day,
            place,
            actor: actor.to_owned(),
            words,
            end,
        });
    }
    Ok(lines)
}

/// Lines without comments and empty ones, each with those that go on with it.
fn joined(script: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in script.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => {
                last.push(' ');
                last.push_str(line.trim());
            }
            Some(_) | None => lines.push(line.trim().to_owned()),
        }
    }
    lines
}

fn command_of(command: &str) -> anyhow::Result<(Vec<String>, End)> {
    let (command, end) = match command.rsplit_once(" => ") {
        Some((command, end)) => (command, Some(end)),
        None => (command, None),
    };
    let words = shlex::split(command).context("its quotes don't end")?;
    let end = match end.map(|end| end.split(' ').collect::<Vec<_>>()).as_deref() {
        None => End::Done,
        Some(["refused", code]) => End::Refused((*code).to_owned()),
        Some([name]) => End::Kept {
            prefix: String::new(),
            name: (*name).to_owned(),
        },
        Some([prefix, name]) => End::Kept {
            prefix: (*prefix).to_owned(),
            name: (*name).to_owned(),
        },
        Some(_) => bail!("what is expected of it is not understood"),
    };
    Ok((words, end))
}

/// A script that is played.
pub(super) struct Script {
    global: Global,
    session: Arc<Session>,
    lines: Vec<Line>,
    /// How many lines are played.
    next: usize,
    names: HashMap<String, String>,
    folder: PathBuf,
    transcript: File,
}

impl Script {
    /// The year's script, with its files in `folder`, where it is also written down what was answered.
    pub(super) fn open(
        global: &Global,
        session: &Arc<Session>,
        (folder, parties): (&Path, usize),
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        for (name, content) in FILES.into_iter().flatten() {
            fs::write(folder.join(name), content)?;
        }
        let transcript = folder.join(TRANSCRIPT);
        let transcript = OpenOptions::new()
            .create(true)
            .append(true)
            .open(transcript)?;
        let mut names = HashMap::new();
        // Enough for most of the year: towards its end the larger voucher programme runs out, and applications wait.
        for (name, yuan) in [
            ("vouchers", 60_000),
            ("shanghai", 44_000),
            ("shanxi", 12_000),
        ] {
            names.insert(name.to_owned(), format!("{}.00", parties * yuan));
        }
        Ok(Self {
            global: global.clone(),
            session: Arc::clone(session),
            lines: read(YEAR)?,
            next: 0,
            names,
            folder: folder.to_path_buf(),
            transcript,
        })
    }

    /// Where the commands stand with their answers.
    pub(super) fn transcript(&self) -> PathBuf {
        self.folder.join(TRANSCRIPT)
    }

    /// Whether the last line was played.
    pub(super) async fn is_played(&self, stage: &Stage) -> anyhow::Result<bool> {
        let last = self.lines.last().context("BUG: the script has lines")?;
        Ok(stage.recorded_at(moment(stage, last)).await?.is_some())
    }

    /// Plays the lines before a day.
    pub(super) async fn until(
        &mut self,
        stage: &Stage,
        bank: &mut Bank,
        day: NaiveDate,
    ) -> anyhow::Result<()> {
        if let Some(file) = bank.last_statement() {
            self.names.insert(BANK.to_owned(), file.to_string());
        }
        while let Some(line) = self.lines.get(self.next)
            && line.day < day
        {
            self.next += 1;
            let said = format!("{} {}: {}", line.day, line.actor, line.words.join(" "));
            let kept = self.line(stage, bank, line).await.context(said)?;
            self.names.extend(kept);
        }
        Ok(())
    }

    /// Plays a line, unless its entry shows that it was; gives what it keeps.
    async fn line(
        &self,
        stage: &Stage,
        bank: &mut Bank,
        line: &Line,
    ) -> anyhow::Result<Option<(String, String)>> {
        let moment = moment(stage, line);
        if line.actor == BANK {
            let [amount_text, text] = line.words.as_slice() else {
                bail!("a receipt is an amount and a text");
            };
            let received = self.replace(amount_text)?;
            bank.receive(amount(&received, stage.zone.currency)?, text);
            return Ok(None);
        }
        if stage.recorded_at(moment).await?.is_none() {
            self.give(line, moment).await?;
        }
        let End::Kept { prefix, name } = &line.end else {
            return Ok(None);
        };
        let LogIndex(entry) = stage
            .recorded_at(moment)
            .await?
            .context("nothing was recorded")?;
        Ok(Some((name.clone(), format!("{prefix}{entry}"))))
    }

    /// Gives a command, and writes down what was answered.
    async fn give(&self, line: &Line, now: DateTime<Utc>) -> anyhow::Result<()> {
        let words = self.replaced(&line.words)?;
        let shown = shlex::try_join(words.iter().map(String::as_str))?;
        let whole = ["subsidy-ledger"]
            .into_iter()
            .chain(words.iter().map(String::as_str))
            .chain(["--as", &line.actor]);
        let mut cli = Cli::try_parse_from(whole)?;
        cli.global = Global {
            acting: cli.global.acting,
            scripted: Some(Scripted {
                session: Arc::clone(&self.session),
                now,
            }),
            ..self.global.clone()
        };
        let (result, mut answer) = output::kept(Box::pin(dispatch(cli))).await;
        let done = match result {
            Ok(status) => status == ExitCode::SUCCESS,
            Err(error) => {
                answer = format!("error: {error:#}\n");
                false
            }
        };
        writeln!(
            &self.transcript,
            "{} {}$ subsidy-ledger {shown} --as {}\n{answer}",
            line.day, line.actor, line.actor
        )?;
        match &line.end {
            End::Refused(code) => ensure!(
                !done && answer.contains(code.as_str()),
                "{code} was expected: {answer}"
            ),
            End::Done | End::Kept { .. } => ensure!(done, "{answer}"),
        }
        Ok(())
    }

    /// Words with the names of files and of what was kept replaced.
    fn replaced(&self, words: &[String]) -> anyhow::Result<Vec<String>> {
        words.iter().map(|word| self.replace(word)).collect()
    }

    fn replace(&self, word: &str) -> anyhow::Result<String> {
        if let Some(file) = word.strip_prefix('@') {
            return Ok(self.folder.join(file).display().to_string());
        }
        if let Some((before, file)) = word.split_once('#') {
            let content = fs::read(self.folder.join(file))?;
            return Ok(format!("{before}{}", hex(&Sha256::digest(content))));
        }
        named(word, |name| {
            let kept = self.names.get(name);
            kept.cloned()
                .with_context(|| format!("nothing was kept as {name}"))
        })
    }
}

/// A word with the name in it, if there is one, replaced by what it stands for.
fn named(word: &str, kept: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<String> {
    let Some((before, rest)) = word.split_once('$') else {
        return Ok(word.to_owned());
    };
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    Ok(format!("{before}{}{after}", kept(name)?))
}

/// When a line is given: after ten in the morning, each line of a day a second later.
fn moment(stage: &Stage, line: &Line) -> DateTime<Utc> {
    stage.morning(line.day) + TimeDelta::seconds(line.place.into())
}

/// The file with the answers.
const TRANSCRIPT: &str = "transcript.txt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_day_and_what_is_expected() {
        let script = "# a comment\n2020-01-03\nfin: programme list\ncash: payment show $a\n  --json => P b\n\n\
                      2020-01-04\nten: rent list --reason 'of 2 words' => refused NO\nten: rent list => c\n";
        let lines = read(script).unwrap();
        let shown: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line.day.to_string(),
                    line.place,
                    line.actor.as_str(),
                    line.words.join("|"),
                )
            })
            .collect();
        let words = |text: &str| text.to_owned();
        assert_eq!(
            shown,
            [
                (words("2020-01-03"), 1, "fin", words("programme|list")),
                (
                    words("2020-01-03"),
                    2,
                    "cash",
                    words("payment|show|$a|--json")
                ),
                (
                    words("2020-01-04"),
                    1,
                    "ten",
                    words("rent|list|--reason|of 2 words")
                ),
                (words("2020-01-04"), 2, "ten", words("rent|list")),
            ]
        );
        let kept = |prefix: &str, name: &str| End::Kept {
            prefix: words(prefix),
            name: words(name),
        };
        let ends: Vec<End> = lines.into_iter().map(|line| line.end).collect();
        let refused = End::Refused(words("NO"));
        assert_eq!(ends, [End::Done, kept("P", "b"), refused, kept("", "c")]);
    }

    #[test]
    fn what_is_no_script_is_named() {
        for (script, why) in [
            ("fin: programme list", "no day"),
            ("2020-01-03\nprogramme list", "nobody gives it"),
            ("2020-01-03\nfin: a 'b", "quotes"),
            ("2020-01-04\nfin: a\n2020-01-03\nfin: a", "comes after"),
            ("2020-01-03\nfin: a => b c d", "not understood"),
        ] {
            let error = format!("{:#}", read(script).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }

    /// So that a changed command line, or a name that nothing keeps, does not wait for the whole year to be noticed.
    #[test]
    fn the_year_is_made_of_commands() {
        let given = [BANK, "vouchers", "shanghai", "shanxi"];
        let mut names: HashMap<String, String> =
            given.map(|name| (name.to_owned(), "1".to_owned())).into();
        for line in read(YEAR).unwrap() {
            if line.actor == BANK {
                assert_eq!(line.words.len(), 2, "{line:?}");
                continue;
            }
            let words = line.words.iter().map(|word| match word.split_once('#') {
                Some((before, _)) => format!("{before}{}", "0".repeat(64)),
                None => named(word, |name| names.get(name).cloned().context(word.clone())).unwrap(),
            });
            let whole = std::iter::once("subsidy-ledger".to_owned()).chain(words);
            if let Err(error) = Cli::try_parse_from(whole) {
                panic!("{line:?}: {error}");
            }
            if let End::Kept { prefix, name } = line.end {
                names.insert(name, format!("{prefix}1"));
            }
        }
    }
}
