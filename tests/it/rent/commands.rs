//! Rent on the command line, from an empty folder: every subcommand once, in text or as JSON.

use std::fs;
use std::path::Path;

use serde_json::{Value, json as value};

use crate::kit::command::{json, refusal, temporary_folder, text};

const CARRIER: &str = "91350100M000100Y43";
const TENANT: &str = "91000000MA00000900";
const OTHER: &str = "914403001922038216";

/// A zone with a carrier, a tenant, and a person for each step.
fn found(data: &Path) {
    text(data, &["migrate"]);
    text(
        data,
        &[
            "zone",
            "create",
            "HZ",
            "--name-zh",
            "示范区",
            "--name-en",
            "Model zone",
        ],
    );
    for (login, role) in [
        ("mgr", "manager"),
        ("rev", "reviewer"),
        ("rev2", "reviewer"),
        ("fin", "finance"),
    ] {
        text(
            data,
            &[
                "person", "add", login, "--name", login, "--role", role, "--as", "system",
            ],
        );
    }
    let csv = data.join("parties.csv");
    let rows = format!(
        "name,uscc,roles\n示范孵化器,{CARRIER},carrier\n光电科技,{TENANT},enterprise\n软件公司,{OTHER},enterprise\n"
    );
    fs::write(&csv, rows).unwrap();
    text(
        data,
        &["party", "import", csv.to_str().unwrap(), "--as", "mgr"],
    );
    for (login, role, party) in [
        ("inc", "incubator", CARRIER),
        ("ten", "sme", TENANT),
        ("oth", "sme", OTHER),
    ] {
        let add = [
            "person", "add", login, "--name", login, "--role", role, "--party", party,
        ];
        text(data, &[&add[..], &["--as", "system"]].concat());
    }
}

/// Splits a command line at its spaces.
fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// `L` and the entry of an answer.
fn name(letter: char, answer: &Value) -> String {
    format!("{letter}{}", answer["index"])
}

#[test]
fn rent_from_lease_to_relief() {
    let folder = temporary_folder();
    let data = folder.path();
    found(data);
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));

    assert_eq!(run("lease list"), "No lease.\n");
    assert_eq!(run("rent list"), "No waiver.\n");
    assert_eq!(run("rent deferrals"), "No deferral.\n");
    assert_eq!(run("rent overdue"), "Nothing is overdue.\n");
    let lease = ask(&format!(
        "lease add --tenant {TENANT} --premises A-301 --area 120.00 --rent 38000.00 --property-fee 7000.00 \
         --parking 5000.00 --from 2020-01-01 --until 2020-12-31 --as inc"
    ));
    let lease = name('L', &lease);
    assert!(run("lease list --on 2020-05-01").contains("光电科技"));
    assert_eq!(
        ask(&format!("lease show {lease}"))["charges"]["parking"],
        "5000.00"
    );
    assert_eq!(
        run(&format!("rent statement {lease}")),
        "No month is billed.\n"
    );
    assert_eq!(
        run("rent bill --all --month 2020-02 --as inc"),
        "1 lease billed for 2020-02.\n"
    );
    assert_eq!(
        ask("rent bill --all --month 2020-02 --as inc"),
        value!({ "billed": 0, "month": "2020-02" })
    );
    for month in ["2020-03", "2020-04", "2020-05"] {
        let billed = ask(&format!("rent bill {lease} --month {month} --as inc"));
        assert_eq!(
            (&billed["rent"], &billed["outcome"]),
            (&value!("38000.00"), &value!("billed"))
        );
    }
    relief(data, &lease);
    deferral(data, &lease);
    late_bill(data, &lease);
    let told = run(&format!("audit case {lease}"));
    assert!(
        told.starts_with(&format!("{lease} 光电科技, from 示范孵化器\nW")),
        "{told}"
    );
    run(&format!(
        "lease end {lease} --last-day 2020-06-30 --reason moving --as inc"
    ));
    mistyped(data, &lease);
    run("verify");
}

/// What can't be read is refused with what belongs there, in our words.
fn mistyped(data: &Path, lease: &str) {
    let (status, said) = refusal(
        data,
        &words(&format!("rent bill {lease} --month 2020-13 --as inc")),
    );
    assert_eq!(status, Some(2));
    assert!(said.contains("write it as 2020-03"), "{said}");
    // Ours, with the remedy, and not that of an unknown option.
    let negative = format!("rent pay {lease} --amount -1.00 --as inc");
    let (status, said) = refusal(data, &words(&negative));
    assert_eq!(status, Some(1));
    assert!(
        said.contains("amount: \"-1.00\" is not an amount in CNY"),
        "{said}"
    );
    let long = "x".repeat(1_001);
    let (status, said) = refusal(
        data,
        &["rent", "void", "W1", "--reason", &long, "--as", "inc"],
    );
    assert_eq!(status, Some(2));
    let repeated = format!("'{}…'", &long[..80]);
    assert!(
        said.contains(&repeated) && said.contains("has 1001 characters"),
        "{said}"
    );
}

/// A month that finance has closed is billed as of a day of the open period.
fn late_bill(data: &Path, lease: &str) {
    text(
        data,
        &words("period close 2020-06-01 2020-07-01 --reason closed --as fin"),
    );
    let bill = |on: &str| format!("rent bill {lease} --month 2020-06{on} --as inc");
    let (status, said) = refusal(data, &words(&bill("")));
    assert_eq!(status, Some(1));
    assert!(
        said.contains("--on DAY") && said.contains("2020-06-30 is in a closed period"),
        "{said}"
    );
    for (day, why) in [
        ("2020-06-29", "can't count for 2020-06-29"),
        ("9998-01-01", "name a day from 2020-06-30 to"),
    ] {
        let (_, said) = refusal(data, &words(&bill(&format!(" --on {day}"))));
        assert!(said.contains(why), "{said}");
    }
    let billed = json(data, &words(&bill(" --on 2020-07-01")));
    assert_eq!(
        (&billed["days"], &billed["rent"]),
        (&value!(30), &value!("38000.00"))
    );
    let statement = text(data, &["rent", "statement", lease]);
    assert!(statement.contains("2020-06 "), "{statement}");
    let told = text(data, &["audit", "case", lease]);
    assert!(told.contains("counts for 2020-07-01"), "{told}");
}

/// A waiver with a mismatch, from declaration to what a claim may rest on.
fn relief(data: &Path, lease: &str) {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let waive = format!("rent waive {lease} --from 2020-02 --full --as inc --key february");
    let waiver = ask(&waive);
    assert_eq!(ask(&waive), waiver);
    let waiver = name('W', &waiver);
    strangers_learn_nothing(data, &waiver);
    let confirmed = ask(&format!("rent confirm {waiver} --amount 30000.00 --as ten"));
    assert_eq!(confirmed["outcome"], "mismatched");
    let early = json_of_refusal(
        data,
        &format!("rent audit {waiver} --amount 30000.00 --reason early --as rev"),
    );
    assert!(
        early.contains("TENANT_MISMATCH") && early.contains("租户确认金额"),
        "{early}"
    );
    let waiting = run(&format!(
        "rent relief --carrier {CARRIER} --from 2020-02-01 --until 2020-04-30"
    ));
    assert_eq!(
        waiting,
        format!("No relief that a claim may rest on.\n{waiver} waits: mismatched\n")
    );
    let settled = run(&format!(
        "rent settle {waiver} --amount 30000.00 --reason seen --as rev"
    ));
    assert!(
        settled.contains("moves: amount 8,000.00, from waived, month 2020-02, to open"),
        "{settled}"
    );
    run(&format!(
        "rent audit {waiver} --amount 29000.00 --reason report --as rev2"
    ));
    assert_eq!(
        ask("rent list --state compensable")[0]["audited"],
        "29000.00"
    );
    assert_eq!(ask(&format!("rent show {waiver}"))["state"], "compensable");
    what_comes_next(data, &waiver);
    let found = ask(&format!(
        "rent relief --carrier {CARRIER} --from 2020-02-01 --until 2020-02-29"
    ));
    assert_eq!(
        (&found["base"], &found["reliefs"][0]["settled"]),
        (&value!("29000.00"), &value!(true))
    );
    run(&format!(
        "rent pay {lease} --amount 8000.00 --month 2020-02 --as inc"
    ));
    let paid = json_of_refusal(
        data,
        &format!("rent waive {lease} --from 2020-02 --full --as inc"),
    );
    assert!(
        paid.contains("MORE_THAN_OPEN") && paid.contains("`--way refund`"),
        "{paid}"
    );
    let share = ask(&format!(
        "rent waive {lease} --from 2020-05 --share 33.33 --as inc"
    ));
    assert_eq!(share["amount"], "12665.40");
    run(&format!(
        "rent void {} --reason slip --as inc",
        name('W', &share)
    ));
    let other = format!("rent waive {lease} --from 2020-05 --full --half --as inc");
    assert_eq!(refusal(data, &words(&other)).0, Some(2));
}

/// Whoever acts for another party is not even told that there is such a waiver.
fn strangers_learn_nothing(data: &Path, waiver: &str) {
    let told = |name: &str| {
        let line = format!("rent confirm {name} --amount 30000.00 --as oth");
        let (status, said) = refusal(data, &words(&line));
        assert_eq!(status, Some(1), "{said}");
        said.replace(name, "W?")
    };
    assert_eq!(told(waiver), told("W999999"));
}

/// An audited waiver says what it is, and which command goes on from there.
fn what_comes_next(data: &Path, waiver: &str) {
    let run = |line: &str| text(data, &words(line));
    let late = json_of_refusal(
        data,
        &format!("rent settle {waiver} --amount 1.00 --reason late --as rev"),
    );
    assert!(
        late.contains("WRONG_STATE") && late.contains("`rent show`"),
        "{late}"
    );
    let shown = run(&format!("rent show {waiver}"));
    assert!(
        shown.contains("goes on with `claim draft --waiver`"),
        "{shown}"
    );
    let told = run(&format!("audit case {waiver}"));
    let head = format!("{waiver} 光电科技, from 示范孵化器, 38,000.00\n");
    assert!(told.starts_with(&head), "{told}");
}

/// What a refused command prints, which fails.
fn json_of_refusal(data: &Path, line: &str) -> String {
    let output = crate::kit::command::ledger(data, &words(line))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    String::from_utf8(output.stdout).unwrap()
}

/// A deferral that is late, and is waived in the end.
fn deferral(data: &Path, lease: &str) {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let defer = format!("rent defer {lease} --from 2020-03 --until 2020-04");
    let deferral = ask(&format!(
        "{defer} --instalments 6 --first 2020-09-01 --as inc"
    ));
    assert_eq!(
        deferral["instalments"][5],
        value!({ "amount": "12666.66", "due": "2021-02-01", "number": 6 })
    );
    let deferral = name('S', &deferral);
    run(&format!(
        "rent instalment {deferral} --amount 20000.00 --as inc"
    ));
    let overdue = ask("rent overdue --on 2020-10-02");
    assert_eq!(
        (&overdue[0]["overdue"], &overdue[0]["number"]),
        (&value!("5333.34"), &value!(deferral))
    );
    let shown = run(&format!("rent show {deferral}"));
    assert!(
        shown.contains(
            "instalments: amount 12,666.67, due 2020-10-01, number 2, paid 7,333.33, state overdue"
        ),
        "{shown}"
    );
    assert!(shown.contains("`rent instalment`"), "{shown}");
    let told = run(&format!("audit case {deferral}"));
    let head = format!("{deferral} 光电科技, from 示范孵化器, 76,000.00\n");
    assert!(told.starts_with(&head), "{told}");
    let converted = ask(&format!("rent convert {deferral} --reason relief --as inc"));
    assert_eq!(converted["amount"], "56000.00");
    let waiver = ask(&format!("rent show {}", name('W', &converted)));
    assert_eq!(
        (&waiver["method"], &waiver["state"]),
        (&value!("converted"), &value!("declared"))
    );
    let second = ask(&format!(
        "rent defer {lease} --from 2020-05 --due 2020-09-01=38000.00 --as inc"
    ));
    run(&format!(
        "rent default {} --reason late --as inc",
        name('S', &second)
    ));
    let statement = run(&format!("rent statement {lease}"));
    assert!(
        statement.contains("2020-05       38,000.00      38,000.00"),
        "{statement}"
    );
    assert!(
        statement.contains("38,000.00 of 2020-05 from deferred to open"),
        "{statement}"
    );
}
