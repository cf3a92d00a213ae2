//! What is wrong with a pack: where, what, and what to do.

use std::fmt::Write as _;
use std::ops::Range;

/// One problem in a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    excerpt: String,
    underline: String,
}

/// So many problems are told of one pack: whoever has more begins with these.
const MOST: usize = 500;

/// Everything that is wrong with a pack, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pack has {} problem(s), the first at line {}: {}", .0.len(),
    .0.first().map_or(0, |first| first.line), .0.first().map_or("", |first| &first.message))]
pub struct PackProblems(Vec<Problem>);

impl PackProblems {
    /// The problems.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    /// A report for people, each problem with its line of the file, as compilers write them.
    pub fn render(&self, file: &str) -> String {
        let mut report = String::new();
        for problem in &self.0 {
            let Problem {
                line,
                column,
                message,
                remedy,
                excerpt,
                underline,
            } = problem;
            let gutter = " ".repeat(line.to_string().len());
            let _ = write!(
                report,
                "{file}:{line}:{column}: error: {message}\n{gutter} |\n{line} | {excerpt}\n\
                 {gutter} | {underline}\n{gutter} = remedy: {remedy}\n\n"
            );
        }
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        let more = if count == MOST {
            ", and perhaps more"
        } else {
            ""
        };
        let _ = writeln!(report, "{file}: {count} {noun}{more}");
        report
    }
}

/// Collects the problems of one pack.
pub(super) struct Problems<'s> {
    source: &'s str,
    found: Vec<(usize, Problem)>,
}

impl<'s> Problems<'s> {
    pub(super) const fn new(source: &'s str) -> Self {
        Self {
            source,
            found: Vec::new(),
        }
    }

    /// Notes a problem with the bytes of `span`. Always `None`, so that a reader can end with it.
    pub(super) fn note<T>(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        if self.found.len() == MOST {
            return None;
        }
        let before = self.source.get(..span.start).unwrap_or(self.source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = self.source.get(line_start..).unwrap_or("");
        let excerpt = rest.lines().next().unwrap_or("");
        let prefix = before.get(line_start..).unwrap_or("");
        let marked = self
            .source
            .get(span.clone())
            .and_then(|text| text.lines().next());
        let column = prefix.chars().count() + 1;
        let (excerpt, underline) = excerpt_at(excerpt, column, marked.unwrap_or(""));
        let problem = Problem {
            line: before.matches('\n').count() + 1,
            column,
            message: message.into(),
            remedy: remedy.into(),
            excerpt,
            underline,
        };
        self.found.push((span.start, problem));
        None
    }

    /// Whether nothing was noted.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_report(mut self) -> PackProblems {
        self.found.sort_by_key(|(start, _)| *start);
        PackProblems(self.found.into_iter().map(|(_, problem)| problem).collect())
    }
}

/// Lines up to so many characters are shown whole; of longer ones so many before the place of a problem, and from it on.
const WHOLE: usize = 160;
const BEFORE: usize = 60;
const FROM: usize = 80;

/// What of a line stands around a column, with carets under `marked`: of a long line not all, as a pack may be one.
fn excerpt_at(line: &str, column: usize, marked: &str) -> (String, String) {
    if line.chars().nth(WHOLE).is_none() {
        let prefix: String = line.chars().take(column - 1).collect();
        return (line.to_owned(), underline(&prefix, marked));
    }
    let skipped = column.saturating_sub(BEFORE + 1);
    let ahead = if skipped > 0 { "..." } else { "" };
    let prefix: String = line.chars().take(column - 1).skip(skipped).collect();
    let mut rest = line.chars().skip(column - 1);
    let shown: String = rest.by_ref().take(FROM).collect();
    let behind = if rest.next().is_some() { "..." } else { "" };
    let marked: String = marked.chars().take(FROM).collect();
    let prefix = format!("{ahead}{prefix}");
    (
        format!("{prefix}{shown}{behind}"),
        underline(&prefix, &marked),
    )
}

/// Carets under `marked`. Chinese characters are two columns wide on a terminal, and so is the
/// ideographic space that stands for them here.
fn underline(prefix: &str, marked: &str) -> String {
    let mut line: String = prefix
        .chars()
        .map(|character| match character {
            '\t' => '\t',
            character if character.is_ascii() => ' ',
            _ => '\u{3000}',
        })
        .collect();
    for character in marked.chars() {
        line.push_str(if character.is_ascii() { "^" } else { "^^" });
    }
    if marked.is_empty() {
        line.push('^');
    }
    line
}
