//! From TOML to a [`Policy`]: parses, type-checks, and notes every problem with its place.

mod award;
mod condition;
mod contradiction;
mod eligibility;
mod example;
mod exhaustion;
mod funding;
mod measure;
mod reader;

pub(super) use self::condition::BOUNDS;
pub(super) use self::exhaustion::Word as ExhaustionWord;

use chrono::Datelike;
use toml::de::DeTable;

use crate::types::{Code, Currency, Money, Period};

use self::award::Context;
use self::reader::{Node, Section, list_of};
use super::measure::{Class, Score};
use super::pack::{
    AtMoment, Example, Exhaustion, LegalBasis, Mode, OnExpiry, Payee, Reading, Rounding,
    RoundingMode, Validity,
};
use super::problem::{PackProblems, Problems};
use super::{Bilingual, Fact, Moment, Policy, Sha256};

/// No pack is near this; it keeps a wrong file from being read as one.
const MAX_BYTES: usize = 1 << 20;

impl Policy {
    /// Reads and type-checks a pack. Its examples are read but not run: [`super::check`] does that.
    ///
    /// # Errors
    /// Every problem, with line, column and remedy.
    pub fn parse(body: &str) -> Result<Self, PackProblems> {
        let mut problems = Problems::new(body);
        if body.len() > MAX_BYTES {
            problems.note::<()>(
                &(0..0),
                "this file is over 1 MiB",
                "a pack is a few kilobytes of TOML",
            );
            return Err(problems.into_report());
        }
        let (root, errors) = DeTable::parse_recoverable(body);
        // After the first the parser has lost its place, and the others are mostly its echoes.
        if let Some(error) = errors
            .iter()
            .min_by_key(|error| error.span().map(|span| span.start))
        {
            let span = error.span().unwrap_or(0..0);
            problems.note::<()>(
                &span,
                format!("not TOML: {}", error.message()),
                "correct the syntax",
            );
            return Err(problems.into_report());
        }
        match policy(body, root.get_ref(), &mut problems) {
            Some(policy) if problems.is_empty() => Ok(policy),
            Some(_) | None => Err(problems.into_report()),
        }
    }
}

fn policy(body: &str, table: &DeTable<'_>, problems: &mut Problems<'_>) -> Option<Policy> {
    let mut root = Section::new(table, 0..0, "the pack");
    let code = root.get("code", reader::parsed::<Code>, problems);
    let version = root.get("version", reader::parsed::<Code>, problems);
    let title = root.get("title", reader::bilingual, problems);
    let currency = root.get("currency", reader::parsed::<Currency>, problems);
    let notice_days = root.get("notice_days", reader::small_number, problems);
    let in_force = root.get("in_force", in_force, problems);
    // With a wrong currency or mode the rest is still read, as if in yuan, so that its problems show too.
    let known_currency = currency.unwrap_or(Currency::Cny);
    let mode = root.get("mode", reader::word, problems);
    let terms = terms(&mut root, mode, known_currency, problems);
    let sources = sources(&mut root, mode, problems);
    let measures = measures(&mut root, known_currency, problems);
    let (scores, classes) = measures;
    let conditions = condition::Scope {
        currency: known_currency,
        scores: scores.as_deref(),
        classes: classes.as_deref(),
    };
    let context = Context {
        conditions,
        in_force,
    };
    let eligibility = eligibility::eligibility(&mut root, mode, conditions, problems);
    let funding = funding::funding(&mut root, mode, context, problems);
    let at = awards(&mut root, mode, context, problems);
    let examples = examples(&mut root, mode, known_currency, problems);
    root.finish(problems);
    let (eligibility, funding, at) = (eligibility?, funding?, at?);
    let (sources, terms) = (sources?, terms?);
    let mut policy = Policy {
        code: code?,
        version: version?,
        title: title?,
        currency: currency?,
        mode: mode?,
        payee: terms.payee,
        exhaustion: terms.exhaustion,
        rounding: terms.rounding,
        notice_days: notice_days?,
        in_force: in_force?,
        validity: terms.validity,
        on_expiry: terms.on_expiry,
        documents: sources.documents,
        legal_basis: sources.legal_basis,
        readings: sources.readings,
        funding,
        accept: eligibility.accept,
        criteria: eligibility.criteria,
        fast_tracks: eligibility.fast_tracks,
        at,
        examples: examples?,
        sha256: Sha256::of(body.as_bytes()),
        body: body.to_owned(),
        scores: Vec::new(),
        classes: Vec::new(),
    };
    (policy.scores, policy.classes) = (scores?, classes?);
    refuse_idle_sources(&policy, table, problems);
    policy.at = policy.at.iter().map(|at| wanting(&policy, at)).collect();
    Some(policy)
}

/// What a pack says once, whatever it decides.
struct PackTerms {
    payee: Option<Payee>,
    exhaustion: Exhaustion,
    rounding: Rounding,
    validity: Option<Validity>,
    on_expiry: OnExpiry,
}

fn terms(
    root: &mut Section<'_>,
    mode: Option<Mode>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<PackTerms> {
    let to_the_unit = Rounding {
        mode: RoundingMode::HalfUp,
        unit: Money::from_minor(1),
    };
    if mode == Some(Mode::Recognition) {
        let validity = root.get_optional("validity", |node, p| validity(node, mode, p), problems);
        return Some(PackTerms {
            payee: None,
            exhaustion: Exhaustion::FirstCome,
            rounding: to_the_unit,
            validity: validity?.map(|(validity, _)| validity),
            on_expiry: OnExpiry::Reclaim,
        });
    }
    let payee = root.get("payee", reader::word, problems);
    let exhaustion = root.get("exhaustion", exhaustion::exhaustion, problems);
    let rounding = root.get("rounding", |node, p| rounding(node, currency, p), problems);
    let validity = match mode {
        Some(Mode::ExAnte) => root
            .get("validity", |node, p| validity(node, mode, p), problems)
            .map(Some),
        Some(Mode::ExPost | Mode::Recognition) => Some(None),
        None => {
            root.optional("validity");
            None
        }
    };
    Some(PackTerms {
        payee: Some(payee?),
        exhaustion: exhaustion?,
        rounding: rounding?,
        on_expiry: OnExpiry::Reclaim,
        validity: validity?.map(|(validity, _)| validity),
    })
}

/// `"half_up"`, or `{ mode = "down", unit = "5000.00" }`.
fn rounding(node: Node<'_>, currency: Currency, problems: &mut Problems<'_>) -> Option<Rounding> {
    if !node.get_ref().is_table() {
        let mode = reader::word(node, problems)?;
        return Some(Rounding {
            mode,
            unit: Money::from_minor(1),
        });
    }
    let mut section = Section::of(node, "the rounding", problems)?;
    let mode = section.get("mode", reader::word, problems);
    let unit = section.get("unit", reader::money(currency), problems);
    section.finish(problems);
    match unit? {
        Money::ZERO => problems.note(
            &node.span(),
            "nothing can be rounded to multiples of zero",
            "give a unit such as \"1.00\"",
        ),
        unit => Some(Rounding { mode: mode?, unit }),
    }
}

/// Scores and classes; `None` where one of them has a problem.
fn measures(
    root: &mut Section<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> (Option<Vec<Score>>, Option<Vec<Class>>) {
    let scores = root.get_optional(
        "score",
        |node, p| measure::scores(node, currency, p),
        problems,
    );
    let classes = root.get_optional(
        "class",
        |node, p| measure::classes(node, currency, p),
        problems,
    );
    (
        scores.map(Option::unwrap_or_default),
        classes.map(Option::unwrap_or_default),
    )
}

/// What is given at each moment of the mode.
fn awards(
    root: &mut Section<'_>,
    mode: Option<Mode>,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<AtMoment>> {
    let Some(mode) = mode else {
        for key in ["grant", "redemption", "claim"] {
            root.optional(key);
        }
        return None;
    };
    let mut read = Vec::new();
    for &moment in mode.moments() {
        let mut award = |key| {
            root.get(
                key,
                |node, p| award::award(node, moment, context, p),
                problems,
            )
            .map(Some)
        };
        let award = match moment {
            Moment::Grant => award("grant"),
            Moment::Redemption => award("redemption"),
            Moment::Claim => award("claim"),
            Moment::Recognition => Some(None),
        };
        read.push((moment, award));
    }
    let read = read.into_iter().map(|(moment, award)| {
        Some(AtMoment {
            moment,
            award: award?,
            wanted: Vec::new(),
        })
    });
    read.collect()
}

/// What the rules rest on, and what an application brings.
struct Sources {
    documents: Vec<Bilingual>,
    legal_basis: Vec<LegalBasis>,
    readings: Vec<Reading>,
}

fn sources(
    root: &mut Section<'_>,
    mode: Option<Mode>,
    problems: &mut Problems<'_>,
) -> Option<Sources> {
    let list =
        |node: Node<'_>, problems: &mut Problems<'_>| list_of(node, reader::bilingual, problems);
    let documents = if mode == Some(Mode::Recognition) {
        root.get_optional("documents", list, problems)
    } else {
        root.get("documents", list, problems).map(Some)
    };
    let basis = root.get(
        "legal_basis",
        |node, p| list_of(node, legal_basis, p),
        problems,
    );
    let readings = root.get_optional("reading", |node, p| list_of(node, reading, p), problems);
    Some(Sources {
        documents: documents?.unwrap_or_default(),
        legal_basis: basis?,
        readings: readings?.unwrap_or_default(),
    })
}

/// The moment with the facts that a decision may look at, in the order of their names.
fn wanting(policy: &Policy, at: &AtMoment) -> AtMoment {
    let mut facts = Vec::new();
    let criteria = policy.criteria.iter();
    for criterion in criteria.filter(|criterion| criterion.at.contains(&at.moment)) {
        criterion.test.facts(&mut facts);
    }
    for track in &policy.fast_tracks {
        track.test.facts(&mut facts);
    }
    for funding in &policy.funding {
        if let Some(when) = &funding.when {
            when.facts(&mut facts);
        }
    }
    facts.extend(policy.scores.iter().flat_map(Score::facts));
    facts.extend(policy.classes.iter().flat_map(Class::facts));
    if let Some(award) = &at.award {
        award.facts(&mut facts);
    }
    if at.moment == Moment::Redemption {
        facts.extend([Fact::IssuedOn, Fact::OrderDate]);
    }
    if let Exhaustion::Top {
        by, within, ties, ..
    } = &policy.exhaustion
    {
        facts.push(*by);
        facts.extend(within.iter().chain(ties));
    }
    facts.sort_unstable();
    facts.dedup();
    AtMoment {
        wanted: facts,
        ..at.clone()
    }
}

/// A demand on the source of a fact that nothing looks at is a slip.
fn refuse_idle_sources(policy: &Policy, table: &DeTable<'_>, problems: &mut Problems<'_>) {
    let wanted: Vec<_> = policy
        .at
        .iter()
        .flat_map(|at| wanting(policy, at).wanted)
        .collect();
    let accept = table
        .get("accept")
        .and_then(|node| node.get_ref().as_table());
    for fact in policy.accept.keys().filter(|fact| !wanted.contains(fact)) {
        let key = accept.and_then(|accept| accept.get_key_value(fact.name()));
        problems.note::<()>(
            &key.map_or(0..0, |(key, _)| key.span()),
            format!("[accept] names {fact}, which nothing in this pack looks at"),
            "remove it, or correct its name",
        );
    }
}

fn in_force(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Period> {
    let mut section = Section::of(node, "[in_force]", problems)?;
    let period = award::period(&mut section, problems);
    section.finish(problems);
    period
}

fn validity(
    node: Node<'_>,
    mode: Option<Mode>,
    problems: &mut Problems<'_>,
) -> Option<(Validity, Option<OnExpiry>)> {
    let mut section = Section::of(node, "[validity]", problems)?;
    let months = section.optional("months");
    let until = section.optional("until");
    let validity = match (months, until) {
        (Some(node), None) => match reader::small_number(node, problems) {
            Some(0) => problems.note(
                &node.span(),
                "zero months",
                "a voucher lasts at least one month",
            ),
            months => months.map(Validity::Months),
        },
        (None, Some(node)) => end_of_validity(node, problems),
        (Some(_), Some(_)) | (None, None) => problems.note(
            &section.span,
            "validity is either in months or until a day",
            "write months = 3, until = \"calendar_year_end\" or until = \"03-31\"",
        ),
    };
    let on_expiry = if mode == Some(Mode::Recognition) {
        Some(None)
    } else {
        section.get("on_expiry", reader::word, problems).map(Some)
    };
    section.finish(problems);
    Some((validity?, on_expiry?))
}

/// `"calendar_year_end"`, or a month and day of the next year that every year has.
fn end_of_validity(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Validity> {
    let text = reader::text(node, problems)?;
    if text == "calendar_year_end" {
        return Some(Validity::CalendarYearEnd);
    }
    let day = chrono::NaiveDate::parse_from_str(&format!("2001-{text}"), "%Y-%m-%d");
    match day {
        Ok(day) if text.len() == 5 => Some(Validity::NextYear {
            month: day.month(),
            day: day.day(),
        }),
        Ok(_) | Err(_) => problems.note(
            &node.span(),
            "unknown end of validity",
            "write until = \"calendar_year_end\", or a month and day of the next year such as \"03-31\"",
        ),
    }
}

fn legal_basis(node: Node<'_>, problems: &mut Problems<'_>) -> Option<LegalBasis> {
    let mut section = Section::of(node, "a legal basis", problems)?;
    let title = section.get("title", reader::bilingual, problems);
    let clause = section.get("clause", reader::bilingual, problems);
    let evidence = section.get("evidence", reader::word, problems);
    let remark = section.get_optional("note", reader::bilingual, problems);
    section.finish(problems);
    Some(LegalBasis {
        title: title?,
        clause: clause?,
        evidence: evidence?,
        note: remark?,
    })
}

fn reading(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Reading> {
    let mut section = Section::of(node, "a reading", problems)?;
    let clause = section.get("clause", reader::bilingual, problems);
    let text = section.get("text", reader::bilingual, problems);
    section.finish(problems);
    Some(Reading {
        clause: clause?,
        text: text?,
    })
}

fn examples(
    root: &mut Section<'_>,
    mode: Option<Mode>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Vec<Example>> {
    root.get(
        "example",
        |node, problems| {
            let one = |node, problems: &mut Problems<'_>| {
                example::example(node, mode, currency, problems)
            };
            list_of(node, one, problems)
        },
        problems,
    )
}
