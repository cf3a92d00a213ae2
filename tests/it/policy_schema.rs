//! The JSON Schema of packs: shipped as it is generated, and by the judgement of somebody else's validator it takes
//! every sound pack and refuses faulty ones.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use subsidy_ledger::policy::{PACK_SCHEMA_ID, check, pack_schema};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// As TOML tools hand a file to a validator: dates are texts.
fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Array(items) => items.iter().map(to_json).collect(),
        toml::Value::Table(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), to_json(value)))
            .collect(),
        toml::Value::Datetime(day) => day.to_string().into(),
        toml::Value::String(text) => text.clone().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Float(number) => (*number).into(),
    }
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&pack_schema())
        .unwrap()
}

/// What the validator has against a pack.
fn complaints(validator: &jsonschema::Validator, body: &str) -> Vec<String> {
    let pack: toml::Value = toml::from_str(body).unwrap();
    let pack = to_json(&pack);
    let errors = validator.iter_errors(&pack);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn packs() -> Vec<PathBuf> {
    let folders = ["assets/policies", "tests/data/policies"];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn the_shipped_schema_is_the_generated_one() {
    let file = root().join("assets/schemas").join(PACK_SCHEMA_ID);
    let shipped: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert!(
        shipped == pack_schema(),
        "write it again: subsidy-ledger policy schema > assets/schemas/{PACK_SCHEMA_ID}"
    );
    assert!(jsonschema::meta::is_valid(&shipped), "it is no schema");
}

#[test]
fn every_sound_pack_is_valid_by_the_schema() {
    let validator = validator();
    for path in packs() {
        let body = fs::read_to_string(&path).unwrap();
        if let Err(report) = check(&body) {
            panic!("{}", report.render(&path.display().to_string()));
        }
        let complaints = complaints(&validator, &body);
        assert!(complaints.is_empty(), "{}: {complaints:#?}", path.display());
    }
}

/// Faults that a schema can see.
const FAULTS: &[(&str, &str)] = &[
    ("code = \"EVERY-FORM\"", "code = \"every form\""),
    ("version = \"2022-1\"", "colour = \"red\""),
    ("currency = \"CNY\"", "currency = \"cny\""),
    ("mode = \"ex_post\"", "mode = \"ex_ante\""),
    ("mode = \"ex_post\"", "mode = \"recognition\""),
    ("payee = \"carrier\"", ""),
    (
        "by = \"waived_amount\", within",
        "by = \"state_owned\", within",
    ),
    ("evidence = \"K\"", "evidence = \"C\""),
    (
        "audited_waiver = [\"verified\"]",
        "audited_waver = [\"verified\"]",
    ),
    (
        "audited_waiver = [\"verified\"]",
        "audited_waiver = [\"rumour\"]",
    ),
    ("at_least = \"0.06\", points", "at_least = 6, points"),
    ("at_least = 4, points", "at_least = \"4.00\", points"),
    (
        "ratio = [\"rd_expense\", \"total_cost\"]",
        "ratio = [\"rd_expense\", \"staff\"]",
    ),
    (
        "best_of = [\"rd_sales\", \"rd_cost\"]",
        "fact = \"staff\"\nbest_of = [\"rd_sales\"]",
    ),
    ("staff = 10, annual_sales", "staff = \"10\", annual_sales"),
    ("at = [\"claim\"]", "at = [\"payment\"]"),
    ("code = \"AGE\"", "code = \"age\""),
    (
        "test = { fact = \"state_owned\", is = true }",
        "test = { fact = \"state_owned\", is = \"yes\" }",
    ),
    (
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"staf\", at_most = 500 }",
    ),
    (
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"staff\", at_most = 500, at_least = 3 }",
    ),
    (
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"staff\" }",
    ),
    (
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"staff\", at_most = 500.5 }",
    ),
    (
        "{ fact = \"staff\", at_most = 500 }",
        "{ fact = \"staff\", from = 2022-01-01 }",
    ),
    (
        "more_than = { fact = \"tech_staff\" }",
        "more_than = { fact = \"annual_sales\" }",
    ),
    ("at_least = \"1/10\"", "at_least = \"10%\""),
    (
        "from = 2022-01-01, until = 2023-01-01 }",
        "until = 2023-01-01 }",
    ),
    (
        "area\", less_than = \"20000.00\"",
        "area\", less_than = 20000",
    ),
    (
        "one_of = [\"incubator\", \"makerspace\"]",
        "one_of = [\"incubator\", \"garage\"]",
    ),
    (
        "not = { fact = \"industry\", is = \"other\" }",
        "not = { fact = \"industry\", at_least = \"other\" }",
    ),
    ("valid_uscc = \"uscc\"", "valid_uscc = \"staff\""),
    ("per = \"heads\"", ""),
    ("per = \"heads\"", "per = \"waived_amount\""),
    ("scope = \"programme\"", "scope = \"planet\""),
    ("count = 5", "amount = \"5.00\""),
    ("over = \"refuse\"", "over = \"ignore\""),
    (
        "flat = \"500000.00\"",
        "flat = \"500000.00\", rate = \"1/2\"",
    ),
    (
        "up_to = \"100000.00\", rate = \"1/2\"",
        "up_to = 100000.00, rate = \"1/2\"",
    ),
    (
        "times = [{ fact = \"full_months\" }]",
        "times = [{ fact = \"relief_kind\" }]",
    ),
    (
        "times = [{ fact = \"full_months\" }]",
        "times = [{ fact = \"full_months\", number = 3 }]",
    ),
    ("share = \"1\"", "share = 1"),
    ("outcome = \"fail\"", "outcome = \"maybe\""),
    ("facts = {}", "facts = { staff = \"3\" }"),
    ("rank = 3", "rank = -3"),
    ("source = \"imported\"", "source = \"rumour\""),
];

#[test]
fn a_faulty_pack_is_invalid_by_the_schema() {
    let validator = validator();
    let sound = fs::read_to_string(root().join("tests/data/policies/every-form.toml")).unwrap();
    for (old, new) in FAULTS {
        assert!(sound.contains(old), "the pack has no {old}");
        let faulty = sound.replacen(old, new, 1);
        assert!(check(&faulty).is_err(), "the check takes {new}");
        assert!(
            !complaints(&validator, &faulty).is_empty(),
            "the schema takes {new}"
        );
    }
}
