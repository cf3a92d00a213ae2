//! How answers and errors are printed.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::db;
use crate::journal::Recorded;
use crate::types::visible;

tokio::task_local! {
    /// The answer of a script's line.
    static KEPT: RefCell<Vec<u8>>;
}

/// Runs a command whose answer is kept instead of printed, and gives both.
pub(super) async fn kept<T>(command: impl Future<Output = T>) -> (T, String) {
    let run = async {
        let result = command.await;
        (result, KEPT.with(RefCell::take))
    };
    let (result, answer) = KEPT.scope(RefCell::default(), run).await;
    (result, String::from_utf8_lossy(&answer).into_owned())
}

/// Standard output, or where a script's answers are kept. A reader that goes away (`| head -1`) has enough of the answer: what is written
/// after that is dropped, and the command comes to its end with its own exit status. To die of SIGPIPE
/// instead would leave the private Postgres running, and make what is committed look as if it had failed.
pub(super) struct Answer;

impl Answer {
    fn unless_closed<T>(written: io::Result<T>, dropped: T) -> io::Result<T> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(dropped),
            written => written,
        }
    }
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let kept = KEPT.try_with(|answer| answer.borrow_mut().extend_from_slice(bytes));
        if kept.is_ok() {
            return Ok(bytes.len());
        }
        Self::unless_closed(io::stdout().write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::unless_closed(io::stdout().flush(), ())
    }
}

/// Prints a line of the answer.
pub(super) fn line(text: &str) -> io::Result<()> {
    // In one piece, so that lines of several processes don't mix. What a bank or a register wrote must not steer a terminal.
    Answer.write_all(format!("{}\n", visible(text)).as_bytes())
}

/// Prints a value as JSON, on one line if a program reads it.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)?
    } else {
        serde_json::to_string(value)?
    };
    Ok(line(&text)?)
}

/// A number of things, with the word for one or for several.
pub(super) fn counted(count: impl Display, one: &str, several: &str) -> String {
    let count = count.to_string();
    let what = if count == "1" { one } else { several };
    format!("{count} {what}")
}

/// Decimal text with its thousands separated by commas, as all text for people has it; JSON and tables for programs have
/// none. Other text stays as it is.
pub(super) fn grouped(amount: &str) -> String {
    let (whole, decimals) = amount.split_at(amount.find('.').unwrap_or(amount.len()));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return amount.to_owned();
    }
    let mut text = String::with_capacity(amount.len() + 4);
    for (place, digit) in whole.chars().enumerate() {
        let behind = whole.len() - place;
        let apart = place > 0 && behind.is_multiple_of(3);
        if apart && !(place == 1 && whole.starts_with('-')) {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
}

/// Prints what was recorded, and by which entry.
pub(super) fn recorded(as_json: bool, what: &str, recorded: Recorded) -> anyhow::Result<ExitCode> {
    if as_json {
        json(&serde_json::json!({ "entry": recorded.index }))?;
    } else {
        line(&format!("{what}, entry {}.", recorded.index))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints an error with its causes, leaving out those that repeat the one before.
pub(super) fn fail(error: &anyhow::Error) {
    if db::is_busy(error.as_ref()) {
        note(
            "error: another command, such as an import, has kept the zone busy for too long; nothing was changed: repeat \
             this one when that one is done",
        );
        return;
    }
    if db::is_lost(error.as_ref()) {
        note(&format!(
            "error: the connection to the database was lost ({}): what this command records was recorded whole or not at \
             all; repeat it, with the same --key if it had one",
            error.root_cause()
        ));
        return;
    }
    let mut text = error.to_string();
    let mut last = text.clone();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !last.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        last = cause;
    }
    // Standard error may be closed; there is nobody left to tell then.
    let _ = writeln!(io::stderr(), "error: {}", visible(&text));
}

/// That a command is in line behind another of its kind.
pub(super) fn waiting() {
    note(
        "another such command is going on in this zone: waiting until it is done (Ctrl-C to give up)",
    );
}

/// Says something to the person at the terminal that is no part of the answer.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says beside a list that it stopped at its limit, and so may not be all.
pub(super) fn at_limit(shown: usize, limit: i64) {
    if i64::try_from(shown) == Ok(limit) {
        note(&format!(
            "{limit} are shown, which is the limit: --limit shows more, if there are."
        ));
    }
}

/// A bar for long work on the terminal; nothing where standard error is no terminal.
pub(super) fn progress(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {human_pos}/{human_len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// How much was done of long work whose end is not known; nothing where standard error is no terminal.
pub(super) fn spinner(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner()
        .with_style(style)
        .with_message(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        for (plain, expected) in [
            ("0.00", "0.00"),
            ("100.00", "100.00"),
            ("-100.00", "-100.00"),
            ("1000", "1,000"),
            ("-10240000.00", "-10,240,000.00"),
            ("S1203-4.2", "S1203-4.2"),
        ] {
            assert_eq!(grouped(plain), expected);
        }
    }
}
