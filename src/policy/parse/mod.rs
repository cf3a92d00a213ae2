//! From TOML to a [`Policy`]: parses, type-checks, and notes every problem with its place.

mod award;
mod condition;
mod example;
mod reader;

use toml::de::DeTable;

use crate::types::{Code, Currency, Period};

use self::award::Context;
use self::reader::{Node, Section, list_of};
use super::award::Award;
use super::pack::{Criterion, CriterionKind, Example, Funder, LegalBasis, Reading, Validity};
use super::problem::{PackProblems, Problems};
use super::{Bilingual, Moment, Policy, ReasonCode, Sha256};

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

fn policy<'t>(body: &str, table: &'t DeTable<'t>, problems: &mut Problems<'_>) -> Option<Policy> {
    let mut root = Section::new(table, 0..0, "the pack");
    let code = root.get("code", reader::parsed::<Code>, problems);
    let version = root.get("version", reader::parsed::<Code>, problems);
    let title = root.get("title", reader::bilingual, problems);
    let currency = root.get("currency", reader::parsed::<Currency>, problems);
    let mode = root.get("mode", reader::word, problems);
    let payee = root.get("payee", reader::word, problems);
    let exhaustion = root.get("exhaustion", reader::word, problems);
    let rounding = root.get("rounding", reader::word, problems);
    let notice_days = root.get("notice_days", reader::small_number, problems);
    let in_force = root.get("in_force", in_force, problems);
    let validity = root.get("validity", validity, problems);
    let sources = sources(&mut root, problems);
    // With a wrong currency the rest is still read, as if in yuan, so that its problems show too.
    let context = Context {
        currency: currency.unwrap_or(Currency::Cny),
        in_force,
    };
    let criteria = criteria(&mut root, context, problems);
    let grant = root.get(
        "grant",
        |node, p| award::award(node, Moment::Grant, context, p),
        problems,
    );
    let redemption = root.get(
        "redemption",
        |node, p| award::award(node, Moment::Redemption, context, p),
        problems,
    );
    let examples = examples(&mut root, context, problems);
    root.finish(problems);
    let (criteria, grant, redemption) = (criteria?, grant?, redemption?);
    let wanted = [
        wanted(Moment::Grant, &criteria, &grant),
        wanted(Moment::Redemption, &criteria, &redemption),
    ];
    let (sources, (validity, on_expiry)) = (sources?, validity?);
    Some(Policy {
        code: code?,
        version: version?,
        title: title?,
        currency: currency?,
        mode: mode?,
        payee: payee?,
        exhaustion: exhaustion?,
        rounding: rounding?,
        notice_days: notice_days?,
        in_force: in_force?,
        validity,
        on_expiry,
        documents: sources.documents,
        legal_basis: sources.legal_basis,
        readings: sources.readings,
        funders: sources.funders,
        criteria,
        grant,
        redemption,
        examples: examples?,
        wanted,
        sha256: Sha256::of(body.as_bytes()),
        body: body.to_owned(),
    })
}

/// What the rules rest on, who pays, and what an application brings.
struct Sources {
    documents: Vec<Bilingual>,
    legal_basis: Vec<LegalBasis>,
    readings: Vec<Reading>,
    funders: Vec<Funder>,
}

fn sources(root: &mut Section<'_>, problems: &mut Problems<'_>) -> Option<Sources> {
    let documents = root.get(
        "documents",
        |node, p| list_of(node, reader::bilingual, p),
        problems,
    );
    let basis = root.get(
        "legal_basis",
        |node, p| list_of(node, legal_basis, p),
        problems,
    );
    let readings = root.get_optional("reading", |node, p| list_of(node, reading, p), problems);
    let funders = root.get("funder", funders, problems);
    Some(Sources {
        documents: documents?,
        legal_basis: basis?,
        readings: readings?.unwrap_or_default(),
        funders: funders?,
    })
}

/// The facts that a decision may look at, in the order of their names.
fn wanted(moment: Moment, criteria: &[Criterion], award: &Award) -> Vec<super::Fact> {
    let mut facts = Vec::new();
    for criterion in criteria
        .iter()
        .filter(|criterion| criterion.at.contains(&moment))
    {
        criterion.test.facts(&mut facts);
    }
    award.facts(&mut facts);
    if moment == Moment::Redemption {
        facts.extend([super::Fact::IssuedOn, super::Fact::OrderDate]);
    }
    facts.sort_unstable();
    facts.dedup();
    facts
}

fn in_force(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Period> {
    let mut section = Section::of(node, "[in_force]", problems)?;
    let period = award::period(&mut section, problems);
    section.finish(problems);
    period
}

fn validity(
    node: Node<'_>,
    problems: &mut Problems<'_>,
) -> Option<(Validity, super::pack::OnExpiry)> {
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
        (None, Some(node)) => match reader::text(node, problems) {
            Some("calendar_year_end") => Some(Validity::CalendarYearEnd),
            Some(_) => problems.note(
                &node.span(),
                "unknown end of validity",
                "write until = \"calendar_year_end\", or months = 3",
            ),
            None => None,
        },
        (Some(_), Some(_)) | (None, None) => problems.note(
            &section.span,
            "validity is either in months or until the end of the year",
            "write either months = 3 or until = \"calendar_year_end\"",
        ),
    };
    let on_expiry = section.get("on_expiry", reader::word, problems);
    section.finish(problems);
    Some((validity?, on_expiry?))
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

fn funders(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Vec<Funder>> {
    let funders = list_of(node, funder, problems)?;
    for (index, funder) in funders.iter().enumerate() {
        if funders
            .iter()
            .take(index)
            .any(|earlier| earlier.code == funder.code)
        {
            problems.note::<()>(
                &node.span(),
                format!("two funders have the code {}", funder.code),
                "give each its own code, or add their shares up",
            );
        }
    }
    // Cross-multiplied over one denominator: exact, and checked, as a pack may hold anything.
    let total = funders
        .iter()
        .try_fold((0_i128, 1_i128), |(numer, denom), funder| {
            let (above, below) = (
                i128::from(funder.share.numer()),
                i128::from(funder.share.denom()),
            );
            let sum = numer
                .checked_mul(below)?
                .checked_add(above.checked_mul(denom)?)?;
            Some((sum, denom.checked_mul(below)?))
        });
    if total.is_some_and(|(numer, denom)| numer == denom) {
        return Some(funders);
    }
    let shares: Vec<_> = funders
        .iter()
        .map(|funder| funder.share.to_string())
        .collect();
    problems.note(
        &node.span(),
        format!(
            "the funders' shares {} are not exactly one together",
            shares.join(" + ")
        ),
        "correct the shares; thirds are written \"1/3\" and \"2/3\"",
    )
}

fn funder(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Funder> {
    let mut section = Section::of(node, "a funder", problems)?;
    let code = section.get("code", reader::parsed::<Code>, problems);
    let name = section.get("name", reader::bilingual, problems);
    let share = section.get("share", reader::ratio, problems);
    section.finish(problems);
    Some(Funder {
        code: code?,
        name: name?,
        share: share?,
    })
}

/// Requirements first, then exclusions, each in the order of the file.
fn criteria(
    root: &mut Section<'_>,
    context: Context,
    problems: &mut Problems<'_>,
) -> Option<Vec<Criterion>> {
    let mut codes = ReasonCode::BUILT_IN.to_vec();
    let mut read = |key, kind, problems: &mut Problems<'_>| {
        let mut one = |node: Node<'_>, problems: &mut Problems<'_>| {
            criterion(node, kind, context, &mut codes, problems)
        };
        root.get_optional(
            key,
            |node, problems| list_of(node, &mut one, problems),
            problems,
        )
    };
    let requirements = read("criterion", CriterionKind::Requirement, problems);
    let exclusions = read("exclusion", CriterionKind::Exclusion, problems);
    Some(
        [
            requirements?.unwrap_or_default(),
            exclusions?.unwrap_or_default(),
        ]
        .concat(),
    )
}

fn criterion(
    node: Node<'_>,
    kind: CriterionKind,
    context: Context,
    codes: &mut Vec<ReasonCode>,
    problems: &mut Problems<'_>,
) -> Option<Criterion> {
    let name = match kind {
        CriterionKind::Requirement => "a criterion",
        CriterionKind::Exclusion => "an exclusion",
    };
    let mut section = Section::of(node, name, problems)?;
    let code = section.get("code", |node, p| own_code(node, codes, p), problems);
    let at = section.get("at", |node, p| list_of(node, reader::word, p), problems);
    let clause = section.get("clause", reader::bilingual, problems);
    let title = section.get("title", reader::bilingual, problems);
    let reason = section.get("reason", reader::bilingual, problems);
    let test = section.get(
        "test",
        |node, p| condition::predicate(node, context.currency, p),
        problems,
    );
    section.finish(problems);
    Some(Criterion {
        code: code?,
        kind,
        at: at?,
        clause: clause?,
        title: title?,
        reason: reason?,
        test: test?,
    })
}

/// A code that neither this program nor another criterion uses.
fn own_code(
    node: Node<'_>,
    codes: &mut Vec<ReasonCode>,
    problems: &mut Problems<'_>,
) -> Option<ReasonCode> {
    let code = reader::parsed::<ReasonCode>(node, problems)?;
    if codes.contains(&code) {
        return problems.note(
            &node.span(),
            format!("the code {code} is taken, by another criterion or by the program itself"),
            "give each criterion a code of its own",
        );
    }
    codes.push(code.clone());
    Some(code)
}

fn examples(
    root: &mut Section<'_>,
    context: Context,
    problems: &mut Problems<'_>,
) -> Option<Vec<Example>> {
    root.get(
        "example",
        |node, problems| {
            let one = |node, problems: &mut Problems<'_>| {
                example::example(node, context.currency, problems)
            };
            list_of(node, one, problems)
        },
        problems,
    )
}
