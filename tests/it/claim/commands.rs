//! Claims on the command line, from an empty folder: one that rests on the rent book, and a round.

use std::fs;
use std::path::Path;

use chrono::Datelike as _;
use serde_json::{Value, json as value};
use subsidy_ledger::clock::Clock;

use crate::kit::command::{json, ledger, refusal, temporary_folder, text};

const CARRIER: &str = "91350100M000100Y43";
const TENANT: &str = "91000000MA00000900";
const PROVIDER: &str = "914403001922038216";

/// Splits a command line at its spaces.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A zone with a carrier and its tenant, two programmes with rules, and a person for each duty.
fn found(data: &Path) {
    let run = |line: &str| text(data, &words(line));
    run("migrate");
    run("zone create HZ --name-zh 示范区 --name-en Model");
    for (login, role) in [
        ("mgr", "manager"),
        ("rev", "reviewer"),
        ("rev2", "reviewer"),
        ("fin", "finance"),
        ("fin2", "finance"),
        ("rul", "rule_admin"),
    ] {
        run(&format!(
            "person add {login} --name {login} --role {role} --as system"
        ));
    }
    let csv = data.join("parties.csv");
    let rows = format!(
        "name,uscc,roles\n示范孵化器,{CARRIER},carrier\n光电科技,{TENANT},enterprise\n培训机构,{PROVIDER},provider\n"
    );
    fs::write(&csv, rows).unwrap();
    run(&format!("party import {} --as mgr", csv.display()));
    for (login, role, party) in [
        ("inc", "incubator", CARRIER),
        ("ten", "sme", TENANT),
        ("pro", "provider", PROVIDER),
    ] {
        run(&format!(
            "person add {login} --name {login} --role {role} --party {party} --as system"
        ));
    }
    let year = Clock::System.now().year();
    run(&format!(
        "programme appropriate {year} 200000.00 --document 1 --as fin"
    ));
    for (code, kind, pack) in [
        ("RENT-HALF", "rent-compensation", "rent-half-2020"),
        ("FJ-VOUCHER", "post-subsidy", "fujian-2022"),
        ("BUY-SERVICE", "purchase", "purchase-service-2020"),
    ] {
        run(&format!(
            "programme create {code} --kind {kind} --name-zh {code} --name-en {code} --as mgr"
        ));
        let packs = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/policies");
        run(&format!("policy propose {packs}/{pack}.toml --as rul"));
        run(&format!("policy publish {packs}/{pack}.toml --as mgr"));
    }
    run(&format!(
        "programme allocate RENT-HALF {year} 100000.00 --as fin"
    ));
    run(&format!(
        "programme allocate FJ-VOUCHER {year} 5000.00 --as fin"
    ));
    run(&format!(
        "programme allocate BUY-SERVICE {year} 50000.00 --as fin"
    ));
}

/// So many documents, by the numbers of the policy's list.
fn documents(count: usize) -> String {
    let document = |number| format!("--document {number}={}", format!("{number:x}").repeat(64));
    (1..=count).map(document).collect::<Vec<_>>().join(" ")
}

/// A short name: a letter and the entry of an answer.
fn name(letter: char, answer: &Value) -> String {
    format!("{letter}{}", answer["index"])
}

/// The lease of the tenant, a month of which was waived as far as tenant and audit.
fn waived(data: &Path) -> String {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let lease = ask(&format!(
        "lease add --tenant {TENANT} --premises A-301 --area 120.00 --rent 38000.00 --from 2020-01-01 \
         --until 2020-12-31 --as inc"
    ));
    let lease = name('L', &lease);
    run(&format!("rent bill {lease} --month 2020-02 --as inc"));
    let waiver = ask(&format!(
        "rent waive {lease} --from 2020-02 --full --as inc"
    ));
    let waiver = name('W', &waiver);
    run(&format!("rent confirm {waiver} --amount 38000.00 --as ten"));
    run(&format!(
        "rent audit {waiver} --amount 38000.00 --reason report --as rev"
    ));
    waiver
}

#[test]
fn relief_and_a_round_on_the_command_line() {
    let folder = temporary_folder();
    let data = folder.path();
    found(data);
    let waiver = waived(data);
    relief(data, &waiver);
    round(data);
    purchase(data);
    text(data, &["verify"]);
}

/// A contract whose first milestone is approved, revoked and approved again, and which is ended then.
fn purchase(data: &Path) {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let proposed = ask(&format!(
        "contract propose BUY-SERVICE --provider {PROVIDER} --service training --reference ZB-1 --signed-on 2020-03-01 \
         --amount 30000.00 --milestone 2020-06-30=12000.00 --milestone 2020-11-30=18000.00 --document {} --as mgr",
        "a".repeat(64)
    ));
    assert_eq!(proposed["milestones"], 2);
    let contract = name('K', &proposed);
    let said = refused(data, &format!("contract confirm {contract} --as mgr"));
    assert!(
        said.contains("SEGREGATION") && said.contains("同一人"),
        "{said}"
    );
    let confirmed = ask(&format!("contract confirm {contract} --as fin"));
    assert_eq!(confirmed["amount"], "30000.00");
    assert!(run("budget").contains("30,000.00"));

    let claim = || {
        let drafted = ask(&format!(
            "claim draft BUY-SERVICE --party {PROVIDER} --milestone {contract}-1 --fact service_complete=true \
             --fact invoiced_amount=12000.00 {} --as pro",
            documents(2)
        ));
        let claim = name('C', &drafted);
        run(&format!("claim submit {claim} --as pro"));
        let reviewed = ask(&format!(
            "claim review {claim} --version 1 --verdict recommend --as rev"
        ));
        let review = &reviewed["index"];
        run(&format!("claim approve {claim} --review {review} --as mgr"));
        claim
    };
    let first = claim();
    let said = refused(data, &format!("claim revoke {first} --reason no --as mgr"));
    assert!(said.contains("SEGREGATION"), "{said}");
    let revoked = ask(&format!("claim revoke {first} --reason forged --as fin2"));
    assert_eq!(
        (&revoked["amount"], &revoked["returned_to"]),
        (&value!("12000.00"), &value!("B50"))
    );
    assert!(run(&format!("claim show {first}")).contains("revoked"));
    assert!(run("claim list --state revoked").contains(&first));
    assert!(run("payment list --state revoked").contains("BUY-SERVICE"));
    let second = claim();
    let milestone = format!("{contract}-1");
    assert_eq!(ask(&format!("claim show {second}"))["milestone"], milestone);

    let shown = ask(&format!("contract show {contract}"));
    assert_eq!(
        (
            &shown["milestones"][0]["claim"],
            &shown["reserved"],
            &shown["accepted"]
        ),
        (&value!(second), &value!("18000.00"), &value!("12000.00"))
    );
    let told = run(&format!("audit case {contract}"));
    for kind in ["contract confirmed", "claim revoked", "claim approved"] {
        assert!(told.contains(kind), "{kind}: {told}");
    }
    assert!(run(&format!("audit case {second}")).contains("contract proposed"));

    ends(data, &contract);
}

/// Two persons end a contract early, at the second attempt.
fn ends(data: &Path, contract: &str) {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let end = ask(&format!("contract end {contract} --reason early --as mgr"));
    let shown = run(&format!("contract show {contract}"));
    assert!(shown.contains("waits for another person: early"), "{shown}");
    let end = &end["index"];
    run(&format!(
        "contract reject-end {contract} --proposal {end} --reason not --as fin"
    ));
    let end = &ask(&format!("contract end {contract} --reason early --as mgr"))["index"];
    let ended = ask(&format!(
        "contract confirm-end {contract} --proposal {end} --as fin"
    ));
    assert_eq!(ended["amount"], "18000.00");
    assert!(run("contract list --state ended").contains("ZB-1"));
    let wrong = format!("contract reject {contract} --reason late --as fin");
    assert!(refused(data, &wrong).contains("WRONG_STATE"));
}

/// The answer of a command that is refused by an entry.
fn refused(data: &Path, line: &str) -> String {
    let output = ledger(data, &words(line)).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    String::from_utf8(output.stdout).unwrap()
}

/// A claim of the carrier on its waiver, and a second one in vain.
fn relief(data: &Path, waiver: &str) {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let six = documents(6);
    let draft =
        |relief: &str| format!("claim draft RENT-HALF --party {CARRIER} {relief} {six} --as inc");
    let (status, said) = refusal(data, &words(&draft("--relief-from 2020-02-01")));
    assert_eq!(status, Some(1));
    assert!(said.contains("name both days"), "{said}");
    let drafted = ask(&draft("--relief-from 2020-02-01 --relief-until 2020-02-29"));
    let claim = name('C', &drafted);
    let text_of = run(&draft("--relief-from 2020-02-01 --relief-until 2020-02-29"));
    assert!(
        text_of.contains("waivers: audited 38,000.00") && !text_of.contains('{'),
        "{text_of}"
    );
    let taken = &drafted["relief"]["waivers"][0];
    assert_eq!(taken["audited"], "38000.00");
    assert_eq!(
        ask(&format!("claim submit {claim} --as inc"))["amount"],
        "19000.00"
    );
    let reviewed = ask(&format!(
        "claim review {claim} --version 1 --verdict recommend --as rev2"
    ));
    let review = &reviewed["index"];
    let approved = ask(&format!("claim approve {claim} --review {review} --as mgr"));
    assert_eq!(approved["outcome"], "approved");
    assert!(run("rent list").contains("claimed"));
    let said = refused(data, &format!("claim submit {claim} --as inc"));
    assert!(
        said.contains("WRONG_STATE") && said.contains("`claim show`"),
        "{said}"
    );
    let shown = run(&format!("claim show {claim}"));
    assert!(shown.contains("goes on with: `payment approve`"), "{shown}");
    let line = format!("waiver: {waiver}, 2020-02-01 to 2020-02-29: audited 38,000.00");
    assert!(shown.contains(&line), "{shown}");
    let again = draft(&format!("--waiver {waiver} --json"));
    let answer = ledger(data, &words(&again)).output();
    let answer = answer.unwrap();
    assert!(!answer.status.success());
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(
        (&answer["code"], &answer["reasons"]),
        (&value!("ALREADY_CLAIMED"), &value!([waiver]))
    );
}

/// Two claims share what the programme has.
fn round(data: &Path) {
    let run = |line: &str| text(data, &words(line));
    let ask = |line: &str| json(data, &words(line));
    let five = documents(5);
    for (who, party, paid) in [("ten", TENANT, "15000.00"), ("inc", CARRIER, "5000.00")] {
        let drafted = ask(&format!(
            "claim draft FJ-VOUCHER --party {party} --fact paid_amount={paid} {five} --as {who}"
        ));
        let claim = name('C', &drafted);
        run(&format!("claim submit {claim} --as {who}"));
        run(&format!(
            "claim review {claim} --version 1 --verdict recommend --as rev"
        ));
    }
    let ranked = ask("claim rank FJ-VOUCHER --as mgr --key year");
    assert_eq!(
        (&ranked["budget"], &ranked["demand"], &ranked["total"]),
        (&value!("5000.00"), &value!("20000.00"), &value!("5000.00"))
    );
    let places: Vec<(&Value, &Value)> = ranked["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["place"], &one["amount"]))
        .collect();
    assert_eq!(
        places,
        [
            (&value!(1), &value!("3750.00")),
            (&value!(2), &value!("1250.00"))
        ]
    );
    let again = run("claim rank FJ-VOUCHER --as mgr --key year");
    assert!(
        again.contains("5,000.00 are there, 20,000.00 were asked for."),
        "{again}"
    );
    let (status, said) = refusal(data, &words("claim rank FJ-VOUCHER --as mgr"));
    assert_eq!(status, Some(1));
    assert!(said.contains("closed the year's round"), "{said}");
}
