//! Typed reading of TOML values, noting every problem instead of stopping at the first.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::policy::facts::Raw;
use crate::policy::pack::Words;
use crate::policy::problem::Problems;
use crate::policy::{Bilingual, Ratio};
use crate::types::{Currency, Money, Reason, excerpt};

/// A value and where it stands.
pub(super) type Node<'t> = &'t Spanned<DeValue<'t>>;

/// A table that is being read: it knows which keys were asked for, so that it can report the others.
pub(super) struct Section<'t> {
    table: &'t DeTable<'t>,
    pub(super) span: Range<usize>,
    name: String,
    asked: Vec<&'static str>,
}

impl<'t> Section<'t> {
    pub(super) fn new(table: &'t DeTable<'t>, span: Range<usize>, name: impl Into<String>) -> Self {
        Self {
            table,
            span,
            name: name.into(),
            asked: Vec::new(),
        }
    }

    /// A value that is a table.
    pub(super) fn of(node: Node<'t>, name: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match node.get_ref().as_table() {
            Some(table) => Some(Self::new(table, node.span(), name)),
            None => wrong_type(node, &format!("{name} is a table"), problems),
        }
    }

    /// These keys may be there, though nothing reads them now.
    pub(super) fn ask(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    pub(super) fn optional(&mut self, key: &'static str) -> Option<Node<'t>> {
        self.asked.push(key);
        self.table.get(key)
    }

    pub(super) fn required(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Node<'t>> {
        match self.optional(key) {
            Some(node) => Some(node),
            None => problems.note(
                &self.span,
                format!("{} has no `{key}`", self.name),
                format!("add `{key} = …`; docs/policies.md shows how"),
            ),
        }
    }

    /// Reads a key that must be there.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Node<'t>, &mut Problems<'_>) -> Option<T>,
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        self.required(key, problems)
            .and_then(|node| read(node, problems))
    }

    /// Reads a key that may be there. The outer `None` says that it is there and wrong.
    #[expect(clippy::option_option, reason = "absent and wrong are two answers")]
    pub(super) fn get_optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Node<'t>, &mut Problems<'_>) -> Option<T>,
        problems: &mut Problems<'_>,
    ) -> Option<Option<T>> {
        match self.optional(key) {
            None => Some(None),
            Some(node) => read(node, problems).map(Some),
        }
    }

    /// The key of this table that stands in the file, in any order.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'t str, Range<usize>, Node<'t>)> {
        self.table
            .iter()
            .map(|(key, node)| (key.get_ref().as_ref(), key.span(), node))
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for (key, span, _) in self.keys().filter(|(key, ..)| !self.asked.contains(key)) {
            problems.note::<()>(
                &span,
                format!("{} has no key `{}`", self.name, excerpt(key)),
                format!("remove it, or use one of: {}", self.asked.join(", ")),
            );
        }
    }
}

fn wrong_type<T>(node: Node<'_>, wanted: &str, problems: &mut Problems<'_>) -> Option<T> {
    let found = node.get_ref();
    let remedy = if matches!(found, DeValue::Float(_)) {
        "numbers with decimals are not exact: write amounts as text (\"20000.00\") and ratios as \
         text (\"1/2\" or \"0.5\")"
    } else {
        "write a value of that type; docs/policies.md shows how"
    };
    problems.note(
        &node.span(),
        format!("{wanted}, this is {}", described(found)),
        remedy,
    )
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(super) fn text<'t>(node: Node<'t>, problems: &mut Problems<'_>) -> Option<&'t str> {
    match node.get_ref().as_str() {
        Some(text) => Some(text),
        None => wrong_type(node, "a text in quotes is expected", problems),
    }
}

/// A text that parses as `T`; the parser's own message says what is wrong.
pub(super) fn parsed<T: FromStr<Err: Display>>(
    node: Node<'_>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    match text(node, problems)?.parse() {
        Ok(value) => Some(value),
        Err(error) => split_message(node, &format!("{error}"), problems),
    }
}

/// Notes a message of the form `what is wrong: what to do`.
fn split_message<T>(node: Node<'_>, message: &str, problems: &mut Problems<'_>) -> Option<T> {
    let (wrong, remedy) = message
        .split_once(": ")
        .unwrap_or((message, "write it in that form"));
    problems.note(&node.span(), wrong, remedy)
}

/// A visible line for people.
pub(super) fn line(node: Node<'_>, problems: &mut Problems<'_>) -> Option<String> {
    match text(node, problems)?.parse::<Reason>() {
        Ok(line) => Some(line.into()),
        Err(error) => problems.note(
            &node.span(),
            format!("this text {error}"),
            "write one visible line",
        ),
    }
}

/// `{ zh = "…", en = "…" }`
pub(super) fn bilingual(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Bilingual> {
    let mut section = Section::of(node, "a text in two languages", problems)?;
    let zh = section.get("zh", line, problems);
    let en = section.get("en", line, problems);
    section.finish(problems);
    Some(Bilingual { zh: zh?, en: en? })
}

/// A word that stands for one of a few choices.
pub(super) fn word<T: Words>(node: Node<'_>, problems: &mut Problems<'_>) -> Option<T> {
    let found = text(node, problems)?;
    if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == found) {
        return Some(*value);
    }
    let words: Vec<_> = T::WORDS
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    problems.note(
        &node.span(),
        format!("unknown word {:?}", excerpt(found)),
        format!("use {}", words.join(" or ")),
    )
}

pub(super) fn money(currency: Currency) -> impl Fn(Node<'_>, &mut Problems<'_>) -> Option<Money> {
    move |node, problems| {
        let DeValue::String(text) = node.get_ref() else {
            return wrong_type(node, "an amount is a text such as \"20000.00\"", problems);
        };
        if text.starts_with('-') {
            return problems.note(
                &node.span(),
                format!("{:?} is negative", excerpt(text)),
                "a limit or amount is at least \"0.00\"",
            );
        }
        match Money::parse(text, currency) {
            Ok(money) => Some(money),
            Err(error) => split_message(node, &error.to_string(), problems),
        }
    }
}

pub(super) fn ratio(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Ratio> {
    let DeValue::String(_) = node.get_ref() else {
        return wrong_type(node, "a ratio is a text such as \"1/2\"", problems);
    };
    parsed(node, problems)
}

pub(super) fn small_number(node: Node<'_>, problems: &mut Problems<'_>) -> Option<u16> {
    match raw(node) {
        Raw::Integer(number) => match u16::try_from(number) {
            Ok(small) => Some(small),
            Err(_) => problems.note(
                &node.span(),
                format!("{number} is out of range"),
                "use a whole number from 0 to 65535",
            ),
        },
        Raw::Text(_) | Raw::Float | Raw::Bool(_) | Raw::Date(_) | Raw::Other => {
            wrong_type(node, "a whole number is expected", problems)
        }
    }
}

/// A TOML date without time.
pub(super) fn date(node: Node<'_>, problems: &mut Problems<'_>) -> Option<NaiveDate> {
    match raw(node) {
        Raw::Date(day) => Some(day),
        Raw::Text(_) | Raw::Integer(_) | Raw::Float | Raw::Bool(_) | Raw::Other => problems.note(
            &node.span(),
            format!("a date is expected, this is {}", described(node.get_ref())),
            "write a day from 1900 on, without quotes and without time: 2020-02-28",
        ),
    }
}

pub(super) fn list<'t>(node: Node<'t>, problems: &mut Problems<'_>) -> Option<&'t DeArray<'t>> {
    match node.get_ref().as_array() {
        Some(items) => Some(items),
        None => wrong_type(node, "a list is expected", problems),
    }
}

/// A list with at least one item, each read by `read`.
pub(super) fn list_of<'t, T>(
    node: Node<'t>,
    mut read: impl FnMut(Node<'t>, &mut Problems<'_>) -> Option<T>,
    problems: &mut Problems<'_>,
) -> Option<Vec<T>> {
    let items = list(node, problems)?;
    if items.is_empty() {
        return problems.note(&node.span(), "this list is empty", "give at least one item");
    }
    // Every item is read, so that every problem is noted, before a bad one spoils the list.
    let read: Vec<_> = items.iter().map(|item| read(item, problems)).collect();
    read.into_iter().collect()
}

/// The value without its type, for the registry of facts to judge.
pub(super) fn raw(node: Node<'_>) -> Raw<'_> {
    match node.get_ref() {
        DeValue::String(text) => Raw::Text(text),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map_or(Raw::Float, Raw::Integer)
        }
        DeValue::Float(_) => Raw::Float,
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Datetime(value) => match (value.date, value.time, value.offset) {
            (Some(date), None, None) if date.year >= 1900 => NaiveDate::from_ymd_opt(
                i32::from(date.year),
                u32::from(date.month),
                u32::from(date.day),
            )
            .map_or(Raw::Other, Raw::Date),
            _ => Raw::Other,
        },
        DeValue::Array(_) | DeValue::Table(_) => Raw::Other,
    }
}
