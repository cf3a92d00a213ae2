//! Facts on the command line of a played year.

use std::fs;
use std::path::Path;

use chrono::Datelike;
use serde_json::Value;
use subsidy_ledger::clock::Clock;

use super::evidence;
use crate::kit::command::{json, refusal, text};

fn code_of_a_party(data: &Path) -> String {
    let parties = json(data, &["party", "list", "--limit", "100"]);
    let mut parties = parties.as_array().unwrap().iter();
    let coded = parties.find(|party| party["scheme"] == "uscc").unwrap();
    coded["identifier"].as_str().unwrap().to_owned()
}

/// A file is imported once, a correction supersedes, two persons determine, and each is shown.
pub(crate) fn are_stated_and_shown(data: &Path) {
    let code = code_of_a_party(data);
    let year = Clock::System.now().year() - 1;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.csv");
    let file = file.to_str().unwrap();
    let write = |staff: &str| {
        let csv =
            format!("party,year,staff,from,industry\n{code},{year},{staff},2019-05-01,工业\n");
        fs::write(file, csv).unwrap();
    };
    write("9");
    let import = ["facts", "import", file, "--as", "reviewer"];
    let planned = text(data, &[&import[..], &["--dry-run"]].concat());
    assert!(
        planned.contains("1 row; 2 statements to be recorded, 0 unchanged"),
        "{planned}"
    );
    let imported = json(data, &import);
    assert_eq!(imported["import"]["stated"], 2, "{imported}");
    let again = text(data, &import);
    assert!(
        again.contains("0 statements recorded, 2 unchanged"),
        "{again}"
    );
    write("nine");
    let (status, said) = refusal(data, &import);
    assert_eq!(status, Some(1));
    assert!(
        said.contains("row 2, staff \"nine\": is no value of staff"),
        "{said}"
    );

    let year = year.to_string();
    let state = [
        "facts", "state", &code, "staff=10", "--year", &year, "--as", "clerk",
    ];
    let (_, said) = refusal(data, &state);
    assert!(said.contains("staff is 9 there and 10 here"), "{said}");
    let stated = text(data, &[&state[..], &["--correct"]].concat());
    assert!(stated.starts_with("Stated, entry "), "{stated}");

    two_persons_determine(data, &code);
    let shown = json(data, &["facts", "show", &code]);
    let value = |name: &str| -> &Value {
        let mut facts = shown["facts"].as_array().unwrap().iter();
        &facts.find(|fact| fact["fact"] == name).unwrap()["value"]
    };
    assert_eq!(value("staff"), "10");
    assert_eq!(value("rating"), "good");
    assert_eq!(value("industry"), "industry");
    let history = text(data, &["facts", "show", &code, "--all"]);
    assert!(
        history.contains("staff=9") && history.contains("staff=10"),
        "{history}"
    );
    let register = text(data, &["facts", "register", "tech_sme"]);
    assert!(register.contains("nobody stands in it"), "{register}");
    let listed = text(data, &["facts", "list"]);
    assert!(listed.contains("annual_sales"), "{listed}");
}

fn two_persons_determine(data: &Path, code: &str) {
    let evidence = evidence().to_string();
    let determine = ["facts", "determine", "rating=good", "--party", code];
    let why = [
        "--reason",
        "年度考核",
        "--evidence",
        &evidence,
        "--as",
        "reviewer",
    ];
    let proposed = json(data, &[&determine[..], &why].concat());
    let proposed = proposed["entry"].to_string();
    let open = text(data, &["facts", "determinations", "--open"]);
    assert!(open.contains("rating=good"), "{open}");
    text(data, &["facts", "confirm", &proposed, "--as", "manager"]);
}

/// A whole register, a size class by published rules, and a registration that is revoked, each by two persons.
pub(crate) fn are_registered_and_revoked(data: &Path) {
    let code = code_of_a_party(data);
    a_whole_register_is_imported_and_a_number_revoked(data, &code);
    a_size_class_is_registered(data, &code);
}

fn a_whole_register_is_imported_and_a_number_revoked(data: &Path, code: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("register.csv");
    let file = file.to_str().unwrap();
    let today = Clock::System.now().date_naive().to_string();
    let year = Clock::System.now().year();
    let number = format!("{year}33010600001234");
    fs::write(
        file,
        format!("party,登记编号,from\n{code},{number},2020-06-10\n"),
    )
    .unwrap();
    let import = [
        "facts",
        "import",
        file,
        "--register",
        "tech_sme",
        "--complete",
        "--from",
        "2020-06-10",
    ];
    let imported = text(data, &[&import[..], &["--as", "reviewer"]].concat());
    assert!(
        imported.contains("the whole register as of 2020-06-10: 0 parties no longer stand in it; nobody else does, entry "),
        "{imported}"
    );
    let register = text(data, &["facts", "register", "tech_sme"]);
    assert!(register.contains(&number), "{register}");

    let why = [
        "--reason",
        "虚假申报",
        "--evidence",
        &evidence().to_string(),
        "--as",
        "reviewer",
    ]
    .map(str::to_owned);
    let why: Vec<&str> = why.iter().map(String::as_str).collect();
    let revoke = [
        "facts",
        "revoke",
        code,
        "--register",
        "tech_sme",
        "--on",
        &today,
    ];
    let proposed = json(data, &[&revoke[..], &why].concat())["entry"].to_string();
    let open = text(data, &["facts", "determinations", "--open"]);
    assert!(open.contains("revocation in tech_sme"), "{open}");
    text(data, &["facts", "confirm", &proposed, "--as", "manager"]);
    let register = text(data, &["facts", "register", "tech_sme"]);
    assert!(!register.contains(&number), "{register}");
}

fn a_size_class_is_registered(data: &Path, code: &str) {
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/assets/policies/size-class-2017.toml"
    );
    let create = [
        "programme",
        "create",
        "SIZE-CLASS",
        "--name-zh",
        "企业规模划分",
        "--name-en",
        "Size class",
        "--kind",
        "recognition",
    ];
    text(data, &[&create[..], &["--as", "manager"]].concat());
    text(
        data,
        &["programme", "propose", "SIZE-CLASS", pack, "--as", "rules"],
    );
    text(
        data,
        &[
            "programme",
            "publish",
            "SIZE-CLASS",
            pack,
            "--as",
            "manager",
        ],
    );
    let by = ["--programme", "SIZE-CLASS", "--as", "reviewer"];
    let (status, said) = refusal(
        data,
        &[&["facts", "recognise", "--all", "--key", "k"], &by[..]].concat(),
    );
    assert_eq!(status, Some(1), "{said}");
    let proposed = json(data, &[&["facts", "recognise", code], &by[..]].concat());
    assert_eq!(proposed["facts"]["size_class"], "micro", "{proposed}");
    let entry = proposed["entry"].to_string();
    let done = text(
        data,
        &["facts", "recognise-confirm", &entry, "--as", "manager"],
    );
    assert!(done.starts_with("Registered, entry "), "{done}");
    let all = json(data, &[&["facts", "recognise", "--all"], &by[..]].concat());
    assert!(all["needs_review"].as_u64().unwrap() > 0, "{all}");
    let again = text(data, &[&["facts", "recognise", "--all"], &by[..]].concat());
    assert!(again.starts_with("0 parties decided on: "), "{again}");
    let shown = text(data, &["facts", "show", code]);
    assert!(shown.contains("size_class"), "{shown}");
}
