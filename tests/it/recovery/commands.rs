//! Recoveries on the command line, in a played year whose last payable the bank has paid.

use std::path::Path;

use serde_json::json as value;
use subsidy_ledger::clock::Clock;

use crate::kit::command::{bank_statement, json, ledger, text};

/// The answer and the exit status of a command that is refused by an entry.
fn refused(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = ledger(data, arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said)
}

/// 149,000 yuan were paid for a bill of 298,000, which was one of 288,000.
#[expect(
    clippy::too_many_lines,
    reason = "one step after another, as people take them"
)]
pub(crate) fn settle_what_was_overpaid(data: &Path) {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let run = |line: &str| {
        let words = words(line);
        text(data, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let ask = |line: &str| {
        let words = words(line);
        json(data, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let paid = ask("payment list --state paid --limit 10000");
    let paid = paid.as_array().unwrap().last().unwrap();
    assert_eq!(paid["amount"], "149000.00");
    let payable = paid["number"].as_str().unwrap();
    assert!(!run("recovery totals").contains("SH-VOUCHER"));

    let propose = format!(
        "recovery propose {payable} --cause overpaid --fact service_price=288000.00 --reason corrected --as reviewer --key z"
    );
    let proposed = ask(&propose);
    assert_eq!(
        (&proposed["amount"], &proposed["rightful"]),
        (&value!("5000.00"), &value!("144000.00"))
    );
    assert_eq!(ask(&propose), proposed);
    let recovery = format!("Z{}", proposed["index"]);
    let (status, said) = refused(data, &["recovery", "order", &recovery, "--as", "finance"]);
    assert_eq!(status, Some(1));
    assert!(
        said.contains("SEGREGATION") && said.contains("同一人不得办理"),
        "{said}"
    );
    let ordered = run(&format!(
        "recovery order {recovery} --due-days 10 --as manager"
    ));
    assert!(
        ordered.contains("ordered") && ordered.contains("5,000.00"),
        "{ordered}"
    );
    let own = [
        "recovery",
        "offset",
        &recovery,
        "--against",
        payable,
        "--as",
        "finance2",
    ];
    let (status, said) = refused(data, &own);
    assert_eq!(status, Some(1));
    assert!(said.contains("NOT_READY"), "{said}");

    let statement = bank_statement(data, ("CRDT", 2_000_00), "");
    run(&format!("payment statement {statement} --as cashier"));
    let line = ask("payment unmatched")[0]["line"].take();
    let line = line.as_str().unwrap();
    let received = ask(&format!(
        "recovery receive {recovery} --line {line} --as cashier"
    ));
    assert_eq!(
        (
            &received["amount"],
            &received["open"],
            &received["returned_to"]
        ),
        (&value!("2000.00"), &value!("3000.00"), &value!("B30"))
    );
    assert!(run("payment reconcile").contains("Books and bank agree."));
    the_rest_is_given_up(data, &recovery);

    let whole =
        format!("recovery propose {payable} --cause misused --whole --reason sold --as reviewer");
    let misused = format!("Z{}", ask(&whole)["index"]);
    let shown = ask(&format!("recovery show {misused}"));
    assert_eq!(shown["amount"], "144000.00");
    assert_eq!(
        (&shown["fine"]["least"], &shown["fine"]["most"]),
        (&value!("14400.00"), &value!("43200.00"))
    );
    let shown = run(&format!("recovery show {misused}"));
    assert!(
        shown.contains("not posted: a fine of 10 to 30 % is 14,400.00 to 43,200.00"),
        "{shown}"
    );
    assert_eq!(
        ask("recovery list --state proposed")[0]["recovery"],
        misused
    );
    run(&format!(
        "recovery reject {misused} --reason mistake --as reviewer"
    ));
    assert_eq!(
        ask(&format!("recovery list --after {}", &misused[1..])),
        value!([])
    );
    assert!(run("verify").contains("verified"));
}

fn the_rest_is_given_up(data: &Path, recovery: &str) {
    let today = Clock::System.now().date_naive();
    let first = (today + chrono::Days::new(5)).to_string();
    let plan = [
        "recovery",
        "plan",
        recovery,
        "--instalments",
        "2",
        "--first",
        &first,
        "--as",
        "finance",
    ];
    let planned = json(data, &plan);
    assert_eq!(planned["instalments"][1]["amount"], "1500.00");
    let shown = json(data, &["recovery", "show", recovery]);
    assert_eq!(
        (
            &shown["open"],
            &shown["due"],
            &shown["instalments"][0]["open"]
        ),
        (&value!("3000.00"), &value!(first), &value!("1500.00"))
    );
    assert_eq!(shown["settlements"][0]["way"], "cash");
    let propose = [
        "recovery",
        "write-off",
        recovery,
        "--reason",
        "dissolved",
        "--as",
        "finance2",
    ];
    let proposal = json(data, &propose)["index"].to_string();
    let shown = text(data, &["recovery", "show", recovery]);
    assert!(shown.contains("waits for a manager: dissolved"), "{shown}");
    let approve = [
        "recovery",
        "approve-write-off",
        recovery,
        "--proposal",
        &proposal,
        "--as",
        "manager",
    ];
    assert_eq!(json(data, &approve)["amount"], "3000.00");
    let listed = json(data, &["recovery", "list", "--state", "written-off"]);
    let listed = listed.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&listed["recovery"], &listed["open"]),
        (&value!(recovery), &value!("0.00"))
    );
    let totals = text(data, &["recovery", "totals"]);
    assert!(
        totals.contains("5,000.00 ordered, 2,000.00 received, 0.00 offset, 3,000.00 written off, 0.00 open  (1 recovery)"),
        "{totals}"
    );
}
