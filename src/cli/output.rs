//! How answers and errors are printed.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::journal::Recorded;

/// Prints a value as JSON, on one line if a program reads it.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let stdout = std::io::stdout();
    let text = if stdout.is_terminal() {
        serde_json::to_string_pretty(value)?
    } else {
        serde_json::to_string(value)?
    };
    match writeln!(stdout.lock(), "{text}") {
        // Whoever read the answer has enough of it.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Prints what was recorded, and by which entry.
pub(super) fn recorded(as_json: bool, what: &str, recorded: Recorded) -> anyhow::Result<ExitCode> {
    if as_json {
        json(&serde_json::json!({ "entry": recorded.index }))?;
    } else {
        println!("{what}, entry {}.", recorded.index);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints an error with its causes, leaving out those that repeat the one before.
pub(super) fn fail(error: &anyhow::Error) {
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
    let _ = writeln!(std::io::stderr(), "error: {text}");
}

/// Says something to the person at the terminal that is no part of the answer.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A bar for long work on the terminal; nothing where standard error is no terminal.
pub(super) fn progress(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {human_pos}/{human_len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
