//! What differs between two packs, in words.

use std::fs;
use std::path::Path;

use subsidy_ledger::policy::{Change, Difference, Locale, Policy, diff};

use crate::policy_cases::pack_text;

fn every_form() -> String {
    let file = "tests/data/policies/every-form.toml";
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn parse(body: &str) -> Policy {
    Policy::parse(body).unwrap_or_else(|report| panic!("{}", report.render("pack")))
}

/// What differs once these texts are replaced.
fn changed(body: &str, changes: &[(&str, &str)]) -> Vec<Difference> {
    let mut new = body.to_owned();
    for (old, replacement) in changes {
        assert!(new.contains(old), "the pack has no {old}");
        new = new.replacen(old, replacement, 1);
    }
    diff(&parse(body), &parse(&new))
}

/// Rules or texts that are shown: each alone is a difference, in both languages.
const CHANGES: &[(&str, &str)] = &[
    ("version = \"2022-1\"", "version = \"2022-2\""),
    ("en = \"Every form\"", "en = \"All forms\""),
    ("payee = \"carrier\"", "payee = \"firm\""),
    ("top = 50", "top = 60"),
    (
        "by = \"waived_amount\", within = \"carrier_class\"",
        "by = \"waived_amount\"",
    ),
    (
        "ties = [\"claimed_on\", \"uscc\"]",
        "ties = [\"uscc\", \"claimed_on\"]",
    ),
    ("mode = \"down\"", "mode = \"up\""),
    ("unit = \"100.00\"", "unit = \"10.00\""),
    ("notice_days = 5", "notice_days = 6"),
    ("{ zh = \"申请表\", en = \"application form\" },", ""),
    ("until = 2024-01-01", "until = 2025-01-01"),
    ("evidence = \"K\"", "evidence = \"B\""),
    ("en = \"for tests only\"", "en = \"for tests\""),
    ("zh = \"按较窄理解\"", "zh = \"按较宽理解\""),
    (
        "audited_waiver = [\"verified\"]",
        "audited_waiver = [\"verified\", \"imported\"]",
    ),
    (
        "at_least = \"0.06\", points = 50",
        "at_least = \"0.07\", points = 50",
    ),
    (
        "{ at_least = 3, points = 18 }",
        "{ at_least = 3, points = 19 }",
    ),
    (
        "ratio = [\"rd_expense\", \"total_cost\"]",
        "ratio = [\"rd_expense\", \"total_income\"]",
    ),
    (
        "best_of = [\"rd_sales\", \"rd_cost\"]",
        "sum = [\"rd_sales\", \"rd_cost\"]",
    ),
    ("sum = [\"rd\", \"ip\"]", "sum = [\"rd_sales\", \"ip\"]"),
    (
        "class = \"small\", staff = 10, annual",
        "class = \"small\", staff = 11, annual",
    ),
    ("at_least = 60", "at_least = 61"),
    ("zh = \"总分不足 60 分。\"", "zh = \"总分不足六十分。\""),
    (
        "from = \"established_on\", at_most = 24",
        "from = \"established_on\", at_most = 25",
    ),
    (
        "to = \"claimed_on\", less_than = 36",
        "to = \"claimed_on\", at_most = 36",
    ),
    ("at_least = 2020", "at_least = 2021"),
    ("at_least = \"1/10\"", "at_least = \"1/9\""),
    (
        "from = 2022-01-01, until = 2023-01-01 }",
        "from = 2022-01-01, until = 2023-01-02 }",
    ),
    (
        "{ not = { fact = \"industry\", is = \"other\" } }",
        "{ fact = \"industry\", is = \"other\" }",
    ),
    ("one_of = [\"micro\", \"small\"]", "is = \"micro\""),
    ("waives = [\"SCORE\", \"AGE\"]", "waives = [\"SCORE\"]"),
    ("half_months\", per = 2", "half_months\", per = 3"),
    (
        "{ fact = \"half_months\", per = 2 }",
        "{ fact = \"half_months\", per = 2 }, { fact = \"area\", at_most = \"3.00\" }, { number = 2 }",
    ),
    (
        "less = [\"landlord_relief\", \"property_fee\"]",
        "less = [\"landlord_relief\"]",
    ),
    ("flat = \"500000.00\"", "flat = \"400000.00\""),
    (
        "over = \"100000.00\", rate = \"1/3\"",
        "over = \"100000.00\", rate = \"1/4\"",
    ),
    ("{ rate = \"1/5\" }", "{ rate = \"1/6\" }"),
    ("amount = \"9000.00\"", "amount = \"8000.00\""),
    ("per = \"heads\"", "per = \"staff\""),
    ("is = \"training\"", "is = \"testing\""),
    ("over = \"refuse\"", "over = \"reduce\""),
    ("amount = \"400000.00\"", "amount = \"450000.00\""),
    ("count = 5", "count = 6"),
    (
        "share = \"1/2\" },\n    { code = \"COUNTY\", name = { zh = \"县\", en = \"County\" }, share = \"1/2\"",
        "share = \"1/3\" },\n    { code = \"COUNTY\", name = { zh = \"县\", en = \"County\" }, share = \"2/3\"",
    ),
    ("is = \"county_city\"", "is = \"other_city\""),
    ("en = \"County\"", "en = \"county\""),
];

#[test]
fn every_change_of_rules_is_told_in_both_languages() {
    let body = every_form();
    for change in CHANGES {
        let found = changed(&body, &[*change]);
        assert!(!found.is_empty(), "no difference: {change:?}");
        for difference in found {
            let (zh, en) = (difference.get(Locale::Zh), difference.get(Locale::En));
            assert!(zh.ends_with('。') && en.ends_with('.'), "{zh} {en}");
            let capital = en.chars().next().is_some_and(char::is_uppercase);
            assert!(capital, "{en}");
        }
    }
}

#[test]
fn examples_comments_and_layout_are_no_difference() {
    let body = every_form();
    let same = changed(
        &body,
        &[
            ("# Every form", "# All of the forms"),
            ("notice_days = 5", "notice_days =   5 # working days"),
            ("title = \"nothing is known\"", "title = \"at first\""),
            ("rank = 3", "rank = 4"),
        ],
    );
    assert_eq!(same, []);
    assert_eq!(diff(&parse(&body), &parse(&body)), []);
}

#[test]
fn the_order_of_what_is_taken_first_is_a_difference() {
    let body = every_form();
    let cap = "[[claim.cap]]\nscope = \"lifetime\"\nclause = { zh = \"第八条\", en = \"article 8\" }\namount = \"2000000.00\"\n\n";
    let next = "[[claim.cap]]\nscope = \"year_count\"";
    let moved = body.replacen(cap, "", 1).replacen(
        "[[claim.cap]]\nscope = \"group_year\"",
        &format!("{cap}[[claim.cap]]\nscope = \"group_year\""),
        1,
    );
    assert!(body.contains(next));
    let found = diff(&parse(&body), &parse(&moved));
    assert_eq!(
        found.iter().map(|one| one.change).collect::<Vec<_>>(),
        [Change::Reordered]
    );
}

#[test]
fn differences_in_words() {
    let next = changed(
        &pack_text("shanghai-2020"),
        &[
            ("version = \"2020-1\"", "version = \"2021-1\""),
            (
                "[in_force]\nfrom = 2020-01-01",
                "[in_force]\nfrom = 2021-01-01",
            ),
            (
                "    { from = 2021-01-01, amount = \"300000.00\" },\n",
                "    { from = 2021-01-01, amount = \"250000.00\" },\n",
            ),
            (
                "core_members\", at_least = 3",
                "core_members\", at_least = 2",
            ),
            (
                "[redemption]\nbase = \"service_price\"\nrate = \"1/2\"",
                "[redemption]\nbase = \"service_price\"\nrate = \"2/5\"",
            ),
        ],
    );
    let other = diff(
        &parse(&pack_text("yuhuan-2023")),
        &parse(&pack_text("shanghai-2020")),
    );
    let told = [next, other].map(|differences| {
        let told = [Locale::Zh, Locale::En].map(|locale| {
            let told: Vec<_> = differences.iter().map(|one| one.get(locale)).collect();
            told.join("\n")
        });
        told.join("\n\n")
    });
    let told = told.join("\n\n---\n\n");
    insta::assert_snapshot!(told);
}
