//! What the check says of packs with faults: each with its place and a remedy.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use subsidy_ledger::policy::check;

fn sound() -> String {
    let file = "tests/data/policies/every-form.toml";
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// A title, what stands in the sound pack, and what stands there instead.
type Fault = (&'static str, &'static str, &'static str);

/// The reports on packs with one fault each.
fn reports(faults: &[Fault]) -> String {
    let mut all = String::new();
    for (title, old, new) in faults {
        let sound = sound();
        assert!(sound.contains(old), "{title}: the pack has no {old}");
        let report = match check(&sound.replacen(old, new, 1)) {
            Ok(_) => "SOUND\n".to_owned(),
            Err(report) => report.render("pack.toml"),
        };
        assert!(report != "SOUND\n", "the check finds nothing: {title}");
        writeln!(all, "## {title}\n\n{report}").unwrap();
    }
    all
}

/// The whole base of the sound pack.
const BASE: &str = r#"base = [
    { when = { fact = "relief_kind", is = "deferral" }, sum = [
        { fact = "monthly_rent", times = [{ fact = "full_months" }] },
        { fact = "monthly_rent", times = [{ fact = "half_months", per = 2 }] },
    ] },
    { fact = "waived_amount", at_most = { fact = "audited_waiver" }, less = ["landlord_relief", "property_fee"] },
]
"#;

const FACTS: &[Fault] = &[
    (
        "unknown fact",
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"stuff\", at_most = 500 }",
    ),
    (
        "unknown fact in a ratio",
        "\"rd_expense\", \"total_cost\"",
        "\"rd_expense\", \"total_costs\"",
    ),
    (
        "unknown fact in a base",
        "less = [\"landlord_relief\",",
        "less = [\"landlord\",",
    ),
    (
        "unknown fact in an example",
        "state_owned = true,",
        "state_own = true,",
    ),
    (
        "unknown fact under accept",
        "audited_waiver = [",
        "audited = [",
    ),
    (
        "a count as text",
        "staff\", at_most = 500",
        "staff\", at_most = \"500\"",
    ),
    (
        "a count with decimals",
        "staff\", at_most = 500",
        "staff\", at_most = 500.0",
    ),
    (
        "an area without decimals",
        "less_than = \"20000.00\"",
        "less_than = \"20000\"",
    ),
    (
        "an amount without quotes",
        "more_than = \"0.00\"",
        "more_than = 0",
    ),
    (
        "a date in quotes",
        "from = 2022-01-01, until = 2023-01-01 }",
        "from = \"2022-01-01\", until = 2023-01-01 }",
    ),
    (
        "a day that is none",
        "{ fact = \"waiver_until\", from = 2022-01-01 }",
        "{ fact = \"waiver_until\", from = 2022-02-30 }",
    ),
    (
        "yes in quotes",
        "state_owned\", is = true",
        "state_owned\", is = \"yes\"",
    ),
    (
        "a word that the fact has not",
        "is = \"deferral\" }, sum",
        "is = \"defer\" }, sum",
    ),
    (
        "persons against money",
        "more_than = { fact = \"tech_staff\" }",
        "more_than = { fact = \"annual_sales\" }",
    ),
    (
        "persons against things",
        "more_than = { fact = \"tech_staff\" }",
        "more_than = { fact = \"incubatees\" }",
    ),
    (
        "a ratio of persons to things",
        "[\"tech_staff\", \"staff\"]",
        "[\"tech_staff\", \"incubatees\"]",
    ),
    (
        "a ratio of three",
        "[\"tech_staff\", \"staff\"]",
        "[\"tech_staff\", \"staff\", \"heads\"]",
    ),
    (
        "months from a number",
        "months_from = \"established_on\", at_most = 24",
        "months_from = \"staff\", at_most = 24",
    ),
    ("a year as text", "at_least = 2020", "at_least = \"2020\""),
    ("a year before 1900", "at_least = 2020", "at_least = 20"),
    (
        "a base that is no money",
        "fact = \"monthly_rent\", times = [{ fact = \"full",
        "fact = \"area\", times = [{ fact = \"full",
    ),
    (
        "a factor that is no number",
        "times = [{ fact = \"full_months\" }]",
        "times = [{ fact = \"relief_kind\" }]",
    ),
    (
        "a cap for each of an amount",
        "per = \"heads\"",
        "per = \"waived_amount\"",
    ),
    (
        "ranked by a yes or no",
        "by = \"waived_amount\", within",
        "by = \"state_owned\", within",
    ),
];

#[test]
fn faults_of_facts_types_and_units() {
    let told = reports(FACTS);
    insta::assert_snapshot!(told);
}

const AMOUNTS: &[Fault] = &[
    ("a rate above 1", "{ rate = \"1/5\" }", "{ rate = \"6/5\" }"),
    (
        "a rate in percent",
        "{ rate = \"1/5\" }",
        "{ rate = \"20%\" }",
    ),
    (
        "a rate below 0",
        "{ rate = \"1/5\" }",
        "{ rate = \"-1/5\" }",
    ),
    (
        "a rate over zero",
        "{ rate = \"1/5\" }",
        "{ rate = \"1/0\" }",
    ),
    (
        "a negative cap",
        "amount = \"300000.00\"\n\n[[claim.cap]]\nscope = \"unit\"",
        "amount = \"-300000.00\"\n\n[[claim.cap]]\nscope = \"unit\"",
    ),
    (
        "a cap beyond all amounts",
        "amount = \"50000000.00\"",
        "amount = \"50000000000000.00\"",
    ),
    ("a count of zero", "count = 5", "count = 0"),
    (
        "a fixed amount of nothing",
        "flat = \"500000.00\"",
        "flat = \"0.00\"",
    ),
    (
        "two rates",
        "flat = \"500000.00\"",
        "flat = \"500000.00\", rate = \"1/2\"",
    ),
    (
        "no rate",
        "{ rate = \"1/5\" }",
        "{ when = { fact = \"state_owned\", is = false } }",
    ),
    (
        "a gap in tiers",
        "over = \"100000.00\", rate",
        "over = \"120000.00\", rate",
    ),
    (
        "tiers that overlap",
        "over = \"100000.00\", rate",
        "over = \"90000.00\", rate",
    ),
    (
        "tiers that end",
        "over = \"100000.00\", rate = \"1/3\"",
        "over = \"100000.00\", up_to = \"200000.00\", rate = \"1/3\"",
    ),
    (
        "tiers that begin late",
        "over = \"0.00\", up_to",
        "over = \"5.00\", up_to",
    ),
    (
        "a gap in dated caps",
        "{ from = 2023-01-01, amount = \"400000.00\" }",
        "{ from = 2023-02-01, amount = \"400000.00\" }",
    ),
    (
        "dated caps that overlap",
        "{ from = 2023-01-01, amount = \"400000.00\" }",
        "{ from = 2022-12-01, amount = \"400000.00\" }",
    ),
    (
        "shares that are not one",
        "share = \"1/2\" },\n    { code = \"COUNTY\"",
        "share = \"1/3\" },\n    { code = \"COUNTY\"",
    ),
    (
        "two funders with one code",
        "code = \"COUNTY\"",
        "code = \"CITY\"",
    ),
    (
        "two caps of one scope",
        "scope = \"group_year\"",
        "scope = \"lifetime\"",
    ),
    (
        "rounding to nothing",
        "unit = \"100.00\"",
        "unit = \"0.00\"",
    ),
    ("the first zero", "top = 50", "top = 0"),
    ("a rate without a base", BASE, ""),
];

#[test]
fn faults_of_amounts_rates_and_shares() {
    let told = reports(AMOUNTS);
    insta::assert_snapshot!(told);
}

const WINDOWS: &[Fault] = &[
    (
        "the pack never comes into force",
        "until = 2024-01-01",
        "until = 2022-01-01",
    ),
    (
        "a window that never opens",
        "from = 2022-01-01, until = 2023-01-01 }",
        "from = 2022-01-01, until = 2021-01-01 }",
    ),
    (
        "two windows that never meet",
        "{ fact = \"waiver_until\", from = 2022-01-01 }",
        "{ fact = \"waiver_from\", from = 2023-01-01 }",
    ),
    (
        "bounds that nothing keeps",
        "{ fact = \"area\", less_than = \"20000.00\" }",
        "{ fact = \"staff\", more_than = 500 }",
    ),
    (
        "a condition and its opposite",
        "{ not = { fact = \"industry\", is = \"other\" } }",
        "{ not = { fact = \"staff\", at_most = 500 } }",
    ),
    (
        "the same condition twice",
        "{ fact = \"area\", less_than = \"20000.00\" }",
        "{ fact = \"staff\", at_most = 500 }",
    ),
    (
        "a time to itself",
        "to = \"claimed_on\", less_than = 36",
        "to = \"established_on\", less_than = 36",
    ),
    (
        "at least no part",
        "at_least = \"1/10\"",
        "at_least = \"0\"",
    ),
    (
        "a rate after one for everybody",
        "    { when = { class = \"size\", is = \"micro\" }, tiers",
        "    { rate = \"1/4\" },\n    { when = { class = \"size\", is = \"micro\" }, tiers",
    ),
    (
        "a base after one for everybody",
        "base = [\n    {",
        "base = [\n    { fact = \"paid_amount\" },\n    {",
    ),
    (
        "a funding after one for everybody",
        "when = { fact = \"region_class\", is = \"county_city\" }\n",
        "",
    ),
    (
        "nobody pays for some",
        "[[funding]]\nfunder = [{ code = \"CITY\", name = { zh = \"市\", en = \"City\" }, share = \"1\" }]\n",
        "",
    ),
    ("an unknown key", "notice_days = 5", "notice_day = 5"),
    (
        "until without from",
        "{ fact = \"waiver_until\", from = 2022-01-01 }",
        "{ fact = \"waiver_until\", is = 2022-01-01, until = 2023-01-01 }",
    ),
    (
        "two bounds",
        "at_most = 500 }",
        "at_most = 500, at_least = 3 }",
    ),
    (
        "no bound",
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"staff\" }",
    ),
    (
        "a criterion at another mode's moment",
        "at = [\"claim\"]",
        "at = [\"grant\"]",
    ),
    (
        "a code that the program has",
        "code = \"AGE\"",
        "code = \"CAP_UNIT\"",
    ),
    (
        "an example of another moment",
        "moment = \"claim\"",
        "moment = \"grant\"",
    ),
    (
        "accepted, but not looked at",
        "hnte_status = [\"verified\", \"imported\"]",
        "hnte_status = [\"verified\", \"imported\"]\nheads = [\"verified\"]\nseed_fund = [\"verified\"]",
    ),
];

#[test]
fn faults_of_windows_and_branches() {
    let told = reports(WINDOWS);
    insta::assert_snapshot!(told);
}

const SCORES: &[Fault] = &[
    (
        "a gap below the last band",
        ", { at_least = 3, points = 18 }, { points = 0 }]",
        ", { at_least = 3, points = 18 }]",
    ),
    (
        "bands that overlap",
        "{ at_least = 3, points = 18 }",
        "{ at_least = 4, points = 18 }",
    ),
    (
        "bands that rise",
        "{ at_least = 3, points = 18 }",
        "{ at_least = 5, points = 18 }",
    ),
    (
        "a lower band gives more",
        "{ at_least = 3, points = 18 }",
        "{ at_least = 3, points = 30 }",
    ),
    (
        "a band below the last",
        "{ points = 0 }]\n\n[[score]]\nname = \"rd\"",
        "{ points = 2 }, { at_least = 1, points = 0 }]\n\n[[score]]\nname = \"rd\"",
    ),
    (
        "a band of another type",
        "{ at_least = 4, points = 24 }",
        "{ at_least = \"4/5\", points = 24 }",
    ),
    (
        "a score that can't be reached",
        "score = \"total\", at_least = 60",
        "score = \"total\", at_least = 75",
    ),
    (
        "a score that is always reached",
        "score = \"rd\", more_than = 0",
        "score = \"rd\", at_least = 0",
    ),
    (
        "a score that is not there",
        "sum = [\"rd\", \"ip\"]",
        "sum = [\"rd\", \"ips\"]",
    ),
    (
        "a score before its parts",
        "best_of = [\"rd_sales\", \"rd_cost\"]",
        "best_of = [\"rd_sales\", \"total\"]",
    ),
    (
        "two scores with one name",
        "name = \"rd_cost\"",
        "name = \"rd_sales\"",
    ),
    (
        "a class row that misses a word",
        "is = [\"deferral\"]\nlevels",
        "is = [\"waiver\"]\nlevels",
    ),
    (
        "a class that is not there",
        "class = \"size\", is = \"micro\"",
        "class = \"sizes\", is = \"micro\"",
    ),
    (
        "a word that the class has not",
        "class = \"size\", is = \"micro\"",
        "class = \"size\", is = \"tiny\"",
    ),
    (
        "all classes",
        "one_of = [\"micro\", \"small\"]",
        "one_of = [\"micro\", \"small\", \"medium\"]",
    ),
    (
        "levels that fall",
        "staff = 100, annual_sales",
        "staff = 5, annual_sales",
    ),
    (
        "levels on other facts",
        "staff = 100, annual_sales = \"10000000.00\"",
        "staff = 100, total_assets = \"10000000.00\"",
    ),
    (
        "rows with other levels",
        "class = \"medium\", staff = 200",
        "class = \"large\", staff = 200",
    ),
    (
        "waiving an unknown criterion",
        "waives = [\"SCORE\", \"AGE\"]",
        "waives = [\"SCORE\", \"AGES\"]",
    ),
    (
        "an example that names an unknown score",
        "amount = \"0.00\" }",
        "amount = \"0.00\", scores = { totals = 3 } }",
    ),
    (
        "an example that names an unknown class",
        "amount = \"0.00\" }",
        "amount = \"0.00\", classes = { sizes = \"micro\" } }",
    ),
    (
        "an example that names an unknown funder",
        "amount = \"0.00\" }",
        "amount = \"0.00\", funding = { \"TOWN\" = \"1.00\" } }",
    ),
];

#[test]
fn faults_of_scores_classes_and_fast_tracks() {
    let told = reports(SCORES);
    insta::assert_snapshot!(told);
}
