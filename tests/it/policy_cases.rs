//! Packs and decisions: the worked cases, the sentences, the faults that a check finds, and what
//! holds for every pack and every fact.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use subsidy_ledger::policy::{
    Decision, Fact, Facts, Locale, Moment, Outcome, Policy, Raw, ReasonCode, Source, Usage, check,
    decide, explain, read_facts_file, split,
};
use subsidy_ledger::types::{Currency, Money};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    pub(crate) base: BTreeMap<String, Base>,
    pub(crate) case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base {
    pub(crate) pack: String,
    pub(crate) moment: Moment,
    pub(crate) on: NaiveDate,
    pub(crate) facts: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) usage: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) base: String,
    pub(crate) on: Option<NaiveDate>,
    /// A text of the pack and what stands there instead, everywhere.
    pub(crate) replace: Option<(String, String)>,
    /// Facts of the base that it does not have.
    #[serde(default)]
    pub(crate) remove: Vec<String>,
    #[serde(default)]
    pub(crate) facts: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) usage: BTreeMap<String, Value>,
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) outcome: Outcome,
    /// Nothing, unless it says so.
    pub(crate) amount: Option<String>,
    pub(crate) own_share: Option<String>,
    #[serde(default)]
    pub(crate) reasons: Vec<String>,
    #[serde(default)]
    pub(crate) missing: Vec<Fact>,
    pub(crate) last_day: Option<NaiveDate>,
    pub(crate) payee: Option<String>,
    #[serde(default)]
    pub(crate) scores: BTreeMap<String, u32>,
    #[serde(default)]
    pub(crate) classes: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) funding: BTreeMap<String, String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn pack_text(name: &str) -> String {
    fs::read_to_string(root().join(format!("assets/policies/{name}.toml"))).unwrap()
}

/// A shipped pack with other texts, for other days: its own examples, which would then be wrong, make way for one
/// in which nothing is known.
pub(crate) fn changed_pack(name: &str, changes: &[(&str, &str)], on: &str) -> String {
    let pack = pack_text(name);
    let mut rules = pack.split("[[example]]").next().unwrap().to_owned();
    for (old, new) in changes {
        assert!(rules.contains(old), "{name} has no {old}");
        rules = rules.replace(old, new);
    }
    format!(
        "{rules}[[example]]\ntitle = \"nothing is known\"\nmoment = \"grant\"\non = {on}\nfacts = {{}}\n\
         expect = {{ outcome = \"needs_review\", reasons = [\"MISSING_FACT\"] }}\n"
    )
}

fn pack(name: &str) -> Policy {
    Policy::parse(&pack_text(name)).unwrap_or_else(|report| panic!("{}", report.render(name)))
}

/// Every worked case, from all files.
pub(crate) fn case_file() -> CaseFile {
    let mut all = CaseFile {
        base: BTreeMap::new(),
        case: Vec::new(),
    };
    let mut paths: Vec<_> = fs::read_dir(root().join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let file: CaseFile =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (name, base) in file.base {
            assert!(
                all.base.insert(name.clone(), base).is_none(),
                "two bases {name}"
            );
        }
        for case in file.case {
            assert!(
                all.case.iter().all(|other| other.id != case.id),
                "two cases {}",
                case.id
            );
            all.case.push(case);
        }
    }
    all
}

fn decide_case(base: &Base, case: &Case) -> (Policy, Decision) {
    let mut text = pack_text(&base.pack);
    if let Some((old, new)) = &case.replace {
        assert!(
            text.contains(old.as_str()),
            "{}: the pack has no {old}",
            case.id
        );
        text = text.replace(old.as_str(), new);
    }
    let policy = Policy::parse(&text).unwrap_or_else(|report| panic!("{}", report.render("pack")));
    let on = case.on.unwrap_or(base.on);
    let mut facts = base.facts.clone();
    facts.retain(|name, _| !case.remove.contains(name));
    facts.extend(case.facts.clone());
    let nothing = |name: &str| match name {
        "awards_this_year" | "awards_in_life" => json!(0),
        _ => json!(Money::ZERO.to_text(policy.currency())),
    };
    let counted = policy.counted(base.moment).into_iter();
    let mut usage: BTreeMap<String, Value> = counted
        .map(|name| (name.to_owned(), nothing(name)))
        .collect();
    usage.extend(base.usage.clone());
    usage.extend(case.usage.clone());
    let file = json!({ "as_of": on.to_string(), "facts": facts, "usage": usage }).to_string();
    let (facts, usage) = read_facts_file(file.as_bytes(), &policy, base.moment)
        .unwrap_or_else(|error| panic!("{}: {error}", case.id));
    let decision = decide(&policy, base.moment, &facts, &usage, on);
    (policy, decision)
}

pub(crate) fn decision_of(id: &str) -> (Policy, Decision) {
    let file = case_file();
    let case = file.case.iter().find(|case| case.id == id).unwrap();
    decide_case(&file.base[&case.base], case)
}

/// The worked cases that the product was specified by, and the edges between them.
#[test]
fn worked_cases() {
    let file = case_file();
    let mut wrong = Vec::new();
    for case in &file.case {
        let (_, found) = decide_case(&file.base[&case.base], case);
        let Expect {
            outcome,
            amount,
            own_share,
            reasons,
            missing,
            last_day,
            payee,
            scores,
            classes,
            funding,
        } = &case.expect;
        let nothing = Money::ZERO.to_text(found.currency);
        let amount = amount.as_ref().unwrap_or(&nothing);
        let has_points = |(name, points): (&String, &u32)| {
            let mut seen = found.scores.iter().filter(|seen| seen.name == *name);
            seen.any(|seen| seen.least == *points && seen.most == *points)
        };
        let has_class = |(name, class): (&String, &String)| {
            let mut seen = found.classes.iter();
            seen.any(|seen| seen.name == *name && seen.class == *class)
        };
        let is_borne = |(funder, part): (&String, &String)| {
            let mut shares = found.funding.iter();
            shares.any(|share| share.funder.as_str() == funder && share.amount.to_string() == *part)
        };
        let found_reasons: Vec<_> = found.reasons.iter().map(ReasonCode::as_str).collect();
        let right = found.outcome == *outcome
            && found.amount.to_string() == *amount
            && found.own_share.map(|sum| sum.to_string()) == *own_share
            && found_reasons == *reasons
            && found.missing == *missing
            && scores.iter().all(has_points)
            && classes.iter().all(has_class)
            && funding.iter().all(is_borne)
            && (last_day.is_none() || found.last_day == *last_day)
            && payee
                .as_ref()
                .is_none_or(|payee| json!(found.payee) == json!(payee));
        if !right {
            wrong.push(format!(
                "{}: {}",
                case.id,
                serde_json::to_string(&found).unwrap()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn shipped_packs_pass_their_own_examples() {
    for entry in fs::read_dir(root().join("assets/policies")).unwrap() {
        let path = entry.unwrap().path();
        let body = fs::read_to_string(&path).unwrap();
        if let Err(report) = check(&body) {
            panic!("{}", report.render(&path.display().to_string()));
        }
    }
}

/// docs/packs.md, from the packs: `UPDATE_DOCS=1 cargo test --test it packs_are_listed` writes it.
#[test]
fn packs_are_listed() {
    let path = root().join("docs/packs.md");
    let listed = listing();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &listed).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        listed,
        "docs/packs.md is out of date: UPDATE_DOCS=1 cargo test --test it packs_are_listed"
    );
}

fn listing() -> String {
    let mut text = "# Packs

Every pack in `assets/policies`, in the order of their files. Evidence: A read on an official page, B in a secondary copy,
K general knowledge: a zone checks B and K against the text before it publishes. Made from the packs by a test; how packs
are written: [policies](policies.md).

| file | programme | title | 名称 | decides | evidence |
| --- | --- | --- | --- | --- | --- |
"
    .to_owned();
    let mut paths: Vec<_> = fs::read_dir(root().join("assets/policies"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let policy = Policy::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap();
        let moments: Vec<_> = policy
            .moments()
            .iter()
            .map(|moment| moment.word())
            .collect();
        let mut grades: Vec<_> = policy
            .legal_basis()
            .iter()
            .map(|basis| basis.evidence.letter())
            .collect();
        grades.sort_unstable();
        grades.dedup();
        writeln!(
            text,
            "| [{file}](../assets/policies/{file}) | {} {} | {} | {} | {} | {} |",
            policy.code(),
            policy.version(),
            policy.title().en,
            policy.title().zh,
            moments.join(", "),
            grades.join(", "),
        )
        .unwrap();
    }
    text
}

#[test]
fn a_decision_is_canonical_json_small_and_readable_again() {
    let file = case_file();
    for case in &file.case {
        let (_, decision) = decide_case(&file.base[&case.base], case);
        let bytes = decision.to_canonical_json();
        assert_eq!(
            bytes,
            serde_json_canonicalizer::to_vec(&decision).unwrap(),
            "{}",
            case.id
        );
        assert!(bytes.len() < 4_096, "{}: {} bytes", case.id, bytes.len());
        assert_eq!(
            serde_json::from_slice::<Decision>(&bytes).unwrap(),
            decision,
            "{}",
            case.id
        );
    }
}

#[test]
fn facts_are_canonical_json() {
    let mut facts = Facts::new(Currency::Cny);
    let day = NaiveDate::from_ymd_opt(2020, 3, 2).unwrap();
    facts
        .state(
            Fact::Uscc,
            Raw::Text("91000000MA00000900"),
            Source::Verified,
            day,
        )
        .unwrap();
    facts
        .state(Fact::CoreMembers, Raw::Integer(3), Source::Declared, day)
        .unwrap();
    facts
        .state_money(
            Fact::ServicePrice,
            Money::from_minor(5),
            Source::Imported,
            day,
        )
        .unwrap();
    let bytes = facts.to_canonical_json();
    assert_eq!(bytes, serde_json_canonicalizer::to_vec(&facts).unwrap());
    insta::assert_snapshot!(format!(
        "{}
{}",
        String::from_utf8(bytes).unwrap(),
        facts.sha256()
    ));
}

#[test]
fn decision_in_the_log() {
    let (_, decision) = decision_of("V2");
    insta::assert_json_snapshot!(decision);
}

#[test]
fn sentences() {
    for (name, id) in [("v2", "V2"), ("v5", "V5"), ("e11", "E11"), ("v7", "V7")] {
        let (policy, decision) = decision_of(id);
        let text = [Locale::Zh, Locale::En]
            .map(|locale| explain(&decision, &policy, locale).join("\n"))
            .join("\n\n");
        insta::assert_snapshot!(format!("sentences_{name}"), text);
    }
}

/// What the check says of a pack in which one text was replaced by another.
pub(crate) fn report(pack: &str, changes: &[(&str, &str)]) -> String {
    let mut body = pack_text(pack);
    for (old, new) in changes {
        assert!(body.contains(old), "the pack has no {old}");
        body = body.replacen(old, new, 1);
    }
    check(&body)
        .err()
        .map_or_else(|| "sound".to_owned(), |report| report.render("pack.toml"))
}

const TIERS: &str = r#"    { over = "0.00", up_to = "10000.00", rate = "1" },
    { over = "10000.00", rate = "1/2" },
"#;
const DATED: &str = r#"    { from = 2020-01-01, until = 2021-01-01, amount = "500000.00" },
    { from = 2021-01-01, amount = "300000.00" },
"#;

#[test]
fn every_fault_is_found_at_once_with_its_place_and_remedy() {
    let all = report(
        "yuhuan-2023",
        &[
            ("currency = \"CNY\"", "currency = \"cny\"\ncolour = \"red\""),
            (
                ", en = \"Yuhuan science and technology innovation voucher, 2023\"",
                "",
            ),
            ("months = 3", "months = 0"),
            ("share = \"1\"", "share = \"2/3\""),
            ("fact = \"related_party\"", "fact = \"related_partys\""),
            (
                "fact = \"statutory_testing\", is = true",
                "fact = \"statutory_testing\", is = \"yes\"",
            ),
            ("code = \"PROJECT_FUNDED\"", "code = \"STATUTORY_TESTING\""),
            ("amount = \"50000.00\"", "amount = 50000.0"),
            ("amount = \"100000.00\"", "amount = \"-100000.00\""),
            (
                "over = \"10000.00\", rate = \"1/2\"",
                "over = \"12000.00\", rate = \"3/2\"",
            ),
        ],
    );
    insta::assert_snapshot!(all);
}

#[test]
fn faults_of_tiers_caps_and_windows() {
    let tiers = |new: &str| report("yuhuan-2023", &[(TIERS, new)]);
    let dated = |new: &str| report("shanghai-2020", &[(DATED, new)]);
    let reports = [
        tiers(
            r#"{ over = "0.00", up_to = "10000.00", rate = "1" }, { over = "12000.00", rate = "1/2" }"#,
        ),
        tiers(
            r#"{ over = "0.00", up_to = "10000.00", rate = "1" }, { over = "9000.00", rate = "1/2" }"#,
        ),
        tiers(r#"{ over = "10000.00", up_to = "9000.00", rate = "1" }"#),
        tiers(r#"{ over = "0.00", up_to = "10000.00", rate = "1" }"#),
        tiers(r#"{ over = "0.00", rate = "1" }, { over = "10000.00", rate = "1/2" }"#),
        tiers(""),
        dated(
            r#"{ from = 2020-01-01, until = 2020-12-31, amount = "1.00" }, { from = 2021-01-01, amount = "2.00" }"#,
        ),
        dated(
            r#"{ from = 2020-01-01, until = 2021-02-01, amount = "1.00" }, { from = 2021-01-01, amount = "2.00" }"#,
        ),
        dated(r#"{ from = 2020-01-01, until = 2021-01-01, amount = "1.00" }"#),
        dated(r#"{ from = 2021-01-01, until = 2020-01-01, amount = "1.00" }"#),
        report(
            "shanghai-2020",
            &[(
                "[in_force]\nfrom = 2020-01-01",
                "[in_force]\nfrom = 2020-01-01\nuntil = 2020-01-01",
            )],
        ),
        report("shanghai-2020", &[("rate = \"1/2\"", "rate = 0.5")]),
        report(
            "shanghai-2020",
            &[(
                "core_members\", at_least = 3",
                "core_members\", at_least = \"3.00\"",
            )],
        ),
        report(
            "shanghai-2020",
            &[("registered\", is = false", "registered\", at_most = false")],
        ),
        report(
            "shanghai-2020",
            &[(
                "{ fact = \"registered\", is = false }",
                "{ fact = \"core_members\", at_most = 2 }",
            )],
        ),
        report(
            "shanghai-2020",
            &[(
                "{ fact = \"registered\", is = false }",
                "{ fact = \"in_incubator_or_park\", is = true }",
            )],
        ),
        report(
            "shanghai-2020",
            &[("code = \"TEAM_CONDITIONS\"", "code = \"EXPIRED\"")],
        ),
        report(
            "shanghai-2020",
            &[(
                "when = { fact = \"applicant_kind\", is = \"team\" }",
                "when = { fact = \"applicant_kind\", is = \"enterprise\" }",
            )],
        ),
    ];
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn numbers_of_two_units_are_compared_only_as_such() {
    let incubators = |new: &str| {
        let old = r#"per = ["incubatees", "area"]"#;
        report("national-incubator-2018", &[(old, new)])
    };
    let reports = [
        incubators(r#"ratio = ["incubatees", "area"]"#),
        incubators(r#"per = ["incubatees", "graduates"]"#),
        incubators(r#"per = ["seed_fund", "incubatees"]"#),
        incubators(r#"per = ["incubatees"]"#),
        incubators(r#"per = ["incubatees", "operated_since"]"#),
    ];
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn examples_that_fail_and_files_that_are_no_pack() {
    let reports = [
        report(
            "shanghai-2020",
            &[(
                "amount = \"80000.00\", own_share = \"120000.00\"",
                "amount = \"100000.00\", own_share = \"120000.00\"",
            )],
        ),
        report(
            "shanghai-2020",
            &[("version = \"2020-1\"", "version = 2020-1\ntitle = [")],
        ),
        check("").unwrap_err().render("empty.toml"),
    ];
    insta::assert_snapshot!(reports.join("\n"));
}

#[test]
fn facts_files_are_read_strictly() {
    let refusal = |text: &str| {
        read_facts_file(text.as_bytes(), &pack("yuhuan-2023"), Moment::Grant)
            .unwrap_err()
            .to_string()
    };
    let usage = r#""usage": { "held_now": "0.00", "used_this_year": "0.00" }"#;
    let with = |facts: &str| {
        refusal(&format!(
            r#"{{ "as_of": "2020-03-02", {usage}, "facts": {facts} }}"#
        ))
    };
    let refusals = [
        with(r#"{ "service_price": 100.5 }"#),
        with(r#"{ "service_price": 100 }"#),
        with(r#"{ "service_price": "0.001" }"#),
        with(r#"{ "service_price": null }"#),
        with(r#"{ "service_price": "1.00", "service_price": "2.00" }"#),
        with(r#"{ "approved_by": "me", "core_members": -1, "related_party": "no" }"#),
        with(r#"{ "uscc": { "value": "x", "source": "rumour" } }"#),
        with(r#"{ "uscc": { "value": "x", "when": "now" } }"#),
        with(r#"{ "order_date": "2020-02-30" }"#),
        with(r#"{ "uscc": "91\u0000" }"#),
        with("[]"),
        with(r#"{ "core_members": 1e400 }"#),
        with(&("[".repeat(10_000) + &"]".repeat(10_000))),
        refusal(r#"{ "as_of": "today", "facts": {}, "usage": { "held_now": 0 } }"#),
        refusal("{}"),
        refusal(""),
    ];
    insta::assert_snapshot!(refusals.join("\n"));
}

/// A Yuhuan pack with other limits.
fn limited(application: u32, holding: u32, year: u32) -> Policy {
    let amount = |limit: u32| format!("amount = \"{limit}.00\"");
    let body = pack_text("yuhuan-2023")
        .replace("amount = \"20000.00\"\n", &(amount(application) + "\n"))
        .replace("amount = \"50000.00\"\n", &(amount(holding) + "\n"))
        .replace("amount = \"100000.00\"\n", &(amount(year) + "\n"));
    Policy::parse(&body).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn grant(policy: &Policy, requested: i64, usage: &Usage) -> Decision {
    let on = day("2023-06-01");
    let mut facts = Facts::new(Currency::Cny);
    facts
        .state(
            Fact::Uscc,
            Raw::Text("91000000MA0000277Y"),
            Source::Declared,
            on,
        )
        .unwrap();
    let requested = Money::from_minor(requested);
    facts
        .state_money(Fact::RequestedAmount, requested, Source::Declared, on)
        .unwrap();
    decide(policy, Moment::Grant, &facts, usage, on)
}

fn redeem(policy: &Policy, price: i64, held: i64) -> Decision {
    let on = day("2023-06-01");
    let mut facts = Facts::new(Currency::Cny);
    let mut state = |fact, raw| facts.state(fact, raw, Source::Declared, on).unwrap();
    state(Fact::Uscc, Raw::Text("91000000MA0000277Y"));
    state(Fact::ApplicantKind, Raw::Text("enterprise"));
    state(Fact::RelatedParty, Raw::Bool(false));
    state(Fact::StatutoryTesting, Raw::Bool(false));
    state(Fact::ProjectFunded, Raw::Bool(false));
    state(Fact::IssuedOn, Raw::Date(on));
    state(Fact::OrderDate, Raw::Date(on));
    facts
        .state_money(
            Fact::ServicePrice,
            Money::from_minor(price),
            Source::Declared,
            on,
        )
        .unwrap();
    let usage = Usage {
        held_now: Money::from_minor(held),
        ..Usage::default()
    };
    decide(policy, Moment::Redemption, &facts, &usage, on)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_grant_keeps_within_the_base_and_every_limit(
        requested in 0_i64..20_000_000, held in 0_i64..6_000_000, used in 0_i64..12_000_000,
        application in 1_u32..30_000, holding in 1_u32..60_000, year in 1_u32..120_000,
        tighter in 0_u32..1_000,
    ) {
        let usage = Usage {
            held_now: Money::from_minor(held),
            used_this_year: Money::from_minor(used),
            ..Usage::default()
        };
        let policy = limited(application, holding, year);
        let decision = grant(&policy, requested, &usage);
        let amount = decision.amount.money().minor();
        prop_assert!(amount <= requested);
        prop_assert!(amount <= i64::from(application) * 100);
        prop_assert!(amount <= (i64::from(holding) * 100 - held).max(0));
        prop_assert!(amount <= (i64::from(year) * 100 - used).max(0));
        prop_assert_eq!(decision.outcome == Outcome::Pass, amount > 0);

        let tight = limited(
            application.saturating_sub(tighter), holding.saturating_sub(tighter), year.saturating_sub(tighter),
        );
        prop_assert!(grant(&tight, requested, &usage).amount <= decision.amount);
        prop_assert_eq!(
            grant(&policy, requested, &usage).to_canonical_json(), decision.to_canonical_json()
        );
    }

    #[test]
    fn a_redemption_and_the_own_share_are_the_price(price in 1_i64..20_000_000, held in 1_i64..6_000_000) {
        for name in ["yuhuan-2023", "shanghai-2020"] {
            let decision = redeem(&pack(name), price, held);
            prop_assert_eq!(decision.outcome, Outcome::Pass);
            let (amount, own) = (decision.amount.money().minor(), decision.own_share.unwrap().money().minor());
            prop_assert!(amount <= held && amount <= price);
            prop_assert_eq!(amount + own, price);
        }
    }

    #[test]
    fn funders_bear_exactly_the_amount(amount in 0_i64..i64::MAX, weights in prop::collection::vec(1_u32..40, 1..5)) {
        let total: u32 = weights.iter().sum();
        let mut funders = String::new();
        for (index, weight) in weights.iter().enumerate() {
            funders += "[[funder]]\nname = { zh = \"F\", en = \"F\" }\n";
            writeln!(funders, "code = \"F{index}\"\nshare = \"{weight}/{total}\"").unwrap();
        }
        let body = pack_text("yuhuan-2023");
        let (before, rest) = body.split_once("[[funder]]").unwrap();
        let (_, after) = rest.split_once("share = \"1\"\n").unwrap();
        let policy = Policy::parse(&format!("{before}{funders}{after}")).unwrap();
        let parts = split(&policy.funding()[0].funders, Money::from_minor(amount));
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert!(parts.iter().all(|part| *part >= Money::ZERO));
        prop_assert_eq!(parts.iter().map(|part| i128::from(part.minor())).sum::<i128>(), i128::from(amount));
    }

    #[test]
    fn any_text_is_an_answer(text in "\\PC*", at in 0_usize..5_000, cut in 0_usize..40) {
        let _ = check(&text);
        let _ = read_facts_file(text.as_bytes(), &pack("yuhuan-2023"), Moment::Grant);
        let body: Vec<char> = pack_text("shanghai-2020").chars().collect();
        let spoiled: String = body.iter().take(at).copied()
            .chain(text.chars()).chain(body.iter().skip(at + cut).copied()).collect();
        let _ = check(&spoiled).map_err(|report| report.render("pack.toml"));
    }
}
