//! The command line and the service, as programs, on the demonstration's books.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Datelike;
use serde_json::{Value, json as value};
use subsidy_ledger::clock::Clock;
use tempfile::TempDir;

use crate::kit::command::{
    bank_statement, json, kill_server, ledger, refusal, temporary_folder, text,
};

/// No step takes as long, whatever else the machine does.
const PATIENCE: Duration = Duration::from_mins(2);

fn played() -> TempDir {
    let data = temporary_folder();
    let played = text(data.path(), &["demo", "--exit", "--parties", "60"]);
    assert!(played.contains("verified"), "{played}");
    data
}

/// A `serve` that is stopped when the test ends.
struct Service {
    child: Child,
    address: String,
    /// What it said before it served.
    said: String,
}

impl Service {
    fn start(data: &Path) -> Self {
        let mut command = ledger(data, &["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut all = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "{all}");
            if let Some((_, rest)) = line.split_once("Serving on http://") {
                break rest.split_once('/').unwrap().0.to_owned();
            }
            all.push_str(&line);
        };
        // Standard error is closed from here on: that nobody reads what it logs stops no service.
        Self {
            child,
            address,
            said: all,
        }
    }

    /// Status and body of an answer.
    fn ask(&self, request: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nActing-Person: nobody\r\n\
             Idempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path}"), "")
    }

    /// Asks until the service is ready, or is not.
    fn wait_until_ready(&self, status: u16) {
        let begun = Instant::now();
        loop {
            let (answered, body) = self.get("/readyz");
            if answered == status {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "still {answered}: {body}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_killed_server_comes_back_under_a_running_service() {
    let data = temporary_folder();
    text(data.path(), &["migrate"]);
    let zone = [
        "zone",
        "create",
        "HZ",
        "--name-zh",
        "杭州",
        "--name-en",
        "Hangzhou",
    ];
    text(data.path(), &zone);
    let service = Service::start(data.path());
    service.wait_until_ready(200);
    for _ in 0..2 {
        kill_server(data.path());
        service.wait_until_ready(503);
        service.wait_until_ready(200);
        let (status, body) = service.get("/v1/zones/HZ/trial-balance");
        assert_eq!(status, 200, "{body}");
    }
    let person = [
        "person", "add", "li", "--name", "李", "--role", "manager", "--as", "system",
    ];
    text(data.path(), &person);
}

/// `serve` is how a ledger begins, and where a mistyped folder would look like a ledger that lost everything.
#[test]
fn a_service_says_that_its_ledger_is_new() {
    let folder = temporary_folder();
    let data = folder.path().join("mistyped");
    let service = Service::start(&data);
    let expected = format!("there was no ledger in {}: ", data.display());
    for words in [expected.as_str(), "empty", "--data DIR", "zone create"] {
        assert!(service.said.contains(words), "{words}: {}", service.said);
    }
    service.wait_until_ready(200);
    drop(service);
    let service = Service::start(&data);
    assert!(!service.said.contains("no ledger"), "{}", service.said);
}

/// Nothing is made where somebody only wanted to look.
#[test]
fn a_mistyped_data_folder_stays_as_it_is() {
    let folder = temporary_folder();
    let missing = folder.path().join("missing");
    for arguments in [
        &["zone", "list"][..],
        &[
            "zone",
            "create",
            "HZ",
            "--name-zh",
            "杭州",
            "--name-en",
            "Hangzhou",
        ],
        &["balance", "B10:CNY"],
        &["verify"],
        &["log", "checkpoint"],
        &["db", "psql"],
    ] {
        for data in [folder.path(), &missing] {
            let (status, said) = refusal(data, arguments);
            let expected = format!("error: there is no ledger in {}: ", data.display());
            assert_eq!(status, Some(1), "{arguments:?}: {said}");
            assert!(said.starts_with(&expected), "{arguments:?}: {said}");
            assert!(said.contains("migrate") && said.contains("demo"), "{said}");
        }
        let made: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert!(made.is_empty(), "{arguments:?} made {made:?}");
    }
}

#[test]
fn commands_on_a_played_year() {
    let data = played();
    let data = data.path();
    a_closed_pipe_is_no_failure(data);
    persons_act_for_one_party_or_for_all(data);
    an_account_without_postings_says_so(data);
    logs_and_receipts_are_json_too(data);
    short_names_are_as_good_as_ids(data);
    parties_are_made_up_into_a_new_file(data);
    a_played_year_is_not_played_again_in_another_size(data);
    what_is_owed_is_named_in_lists_and_sent_once(data);
    crate::recovery::commands::settle_what_was_overpaid(data);
    crate::fact::commands::are_stated_and_shown(data);
    crate::fact::commands::are_registered_and_revoked(data);
    crate::policy_commands::are_given_in_words(data);
    crate::audit::commands(data);
}

/// Nobody reads the answer: the command does what it does all the same, and says nothing of it.
fn a_closed_pipe_is_no_failure(data: &Path) {
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/assets/policies/yuhuan-2023.toml"
    );
    for arguments in [
        &["voucher", "list"][..],
        &["voucher", "show", &first_voucher(data)],
        &["zone", "list"],
        &["person", "list"],
        &["programme", "list"],
        &["payment", "list", "--state", "paid"],
        &["statement", "F1020:CNY"],
        &["trial-balance"],
        &["trial-balance", "--json"],
        &["log", "checkpoint"],
        &["receipt", "3"],
        &["verify"],
        &["policy", "check", pack],
        &["migrate"],
        &["voucher", "expire", "--all", "--as", "system"],
    ] {
        let mut child = ledger(data, arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert_eq!(said, "", "{arguments:?}");
    }
}

/// Whoever acts for every party is told so, and a party has more names than its id.
fn persons_act_for_one_party_or_for_all(data: &Path) {
    let party = json(data, &["party", "list", "--limit", "1"])[0].take();
    let (id, code) = (
        party["id"].as_str().unwrap(),
        party["identifier"].as_str().unwrap(),
    );
    let add = |login: &str, more: &[&str]| {
        let add = [
            "person", "add", login, "--name", "周", "--as", "system", "--json",
        ];
        let output = ledger(data, &[&add, more].concat()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (serde_json::from_slice::<Value>(&output.stdout).ok(), said)
    };
    let (person, said) = add("zhou.1", &["--role", "sme"]);
    assert!(person.unwrap()["party"].is_null());
    assert!(
        said.contains("zhou.1 acts for every party of the zone") && said.contains("--party"),
        "{said}"
    );
    for (login, named) in [("zhou.2", code), ("zhou.3", id)] {
        let (person, said) = add(login, &["--role", "sme", "--party", named]);
        assert_eq!(
            (person.unwrap()["party"].as_str(), said.as_str()),
            (Some(id), "")
        );
    }
    let (person, said) = add("zhou.4", &["--role", "sme", "--party", "nobody"]);
    assert!(
        person.is_none() && said.contains("there is no party nobody"),
        "{said}"
    );
    let (_, said) = add("zhou.5", &["--role", "auditor"]);
    assert_eq!(said, "");
}

fn an_account_without_postings_says_so(data: &Path) {
    let note = "Nothing was posted to this account so far";
    // The money in transit has all arrived: empty, but not without postings.
    for (account, posted) in [("B30:CNY:NO-SUCH:2020", false), ("F1020:CNY", true)] {
        let shown = text(data, &["balance", account]);
        assert_eq!(shown.contains(note), !posted, "{shown}");
        assert_eq!(json(data, &["balance", account])["posted"], posted);
    }
    let (_, said) = refusal(data, &["report", "execution", "--programme", "NO-SUCH"]);
    assert!(said.contains("`programme list` shows them"), "{said}");
}

fn logs_and_receipts_are_json_too(data: &Path) {
    let mut checkpoint = json(data, &["log", "checkpoint"]);
    assert_eq!(checkpoint["note"], text(data, &["log", "checkpoint"]));
    let mut lines = checkpoint["note"].as_str().unwrap().lines();
    let (origin, size) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(size, checkpoint["size"].to_string());
    let origin = origin.to_owned();

    let file = data.join("3.tlog-proof");
    let file_text = file.to_str().unwrap();
    let written = json(data, &["receipt", "3", "--output", file_text]);
    assert_eq!(written, value!({ "file": file_text, "index": 3 }));
    let receipt = json(data, &["receipt", "3"]);
    assert_eq!(receipt["receipt"], fs::read_to_string(&file).unwrap());

    let keys = fs::read_dir(data.join("keys")).unwrap();
    let key = keys
        .map(|file| file.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "vkey")
        })
        .unwrap();
    let verify = [
        "receipt",
        "verify",
        file_text,
        "--vkey",
        key.to_str().unwrap(),
    ];
    let mut verified = json(data, &verify);
    assert_eq!(verified["log"], origin);
    assert!(verified["entry"]["kind"].is_string(), "{verified}");

    let bundle = data.join("bundle");
    let exported = json(data, &["log", "export", bundle.to_str().unwrap()]);
    assert_eq!(exported["new"], exported["size"]);

    // Keys, ids and times differ from run to run.
    let shape = |value: &mut Value, fields: &[&str]| {
        for field in fields {
            assert!(!value[*field].is_null(), "{field} is missing in {value}");
            value[*field] = format!("[{field}]").into();
        }
    };
    shape(&mut checkpoint, &["note", "signed_at", "size"]);
    shape(&mut verified, &["entry", "size"]);
    let receipt = value!({ "index": receipt["index"], "receipt": "[receipt]" });
    let shown = value!({ "checkpoint": checkpoint, "receipt": receipt, "verified": verified });
    insta::assert_json_snapshot!("log_json", shown);
}

pub(crate) fn first_voucher(data: &Path) -> String {
    let vouchers = json(data, &["voucher", "list", "--limit", "1"]);
    vouchers[0]["number"].as_str().unwrap().to_owned()
}

fn short_names_are_as_good_as_ids(data: &Path) {
    let number = first_voucher(data);
    let shown = json(data, &["voucher", "show", &number]);
    assert_eq!(shown["voucher"]["number"], number);
    let id = shown["voucher"]["id"].as_str().unwrap();
    assert_eq!(json(data, &["voucher", "show", id]), shown);

    for (arguments, unknown) in [
        (
            ["voucher", "show", "V0"],
            "no voucher or application V0 in zone ",
        ),
        (
            ["voucher", "issue", "V987654"],
            "no voucher or application V987654 in zone ",
        ),
        (["voucher", "redeem", "H0"], "no hold H0 in zone "),
        (["payment", "show", "P0"], "no batch P0 in zone "),
        (["payment", "approve", "D0"], "no payable D0 in zone "),
    ] {
        let more: &[&str] = match arguments[1] {
            "redeem" => &["--price", "1.00", "--as", "system"],
            "issue" | "approve" => &["--as", "system"],
            _ => &[],
        };
        let (status, said) = refusal(data, &[&arguments[..], more].concat());
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(unknown), "{said}");
    }
    let (status, said) = refusal(data, &["voucher", "show", "35"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("write V and the number of its entry"),
        "{said}"
    );

    let service = Service::start(data);
    let zone = json(data, &["zone", "list"])[0]["code"].take();
    let zone = format!("/v1/zones/{}", zone.as_str().unwrap());
    let by_number = service.get(&format!("{zone}/vouchers/{number}"));
    assert_eq!(by_number, service.get(&format!("{zone}/vouchers/{id}")));
    assert_eq!(by_number.0, 200, "{}", by_number.1);
    assert_eq!(service.get(&format!("{zone}/vouchers/V0")).0, 404);
    let price = r#"{"price":"1.00"}"#;
    let (status, body) = service.ask(&format!("POST {zone}/holds/H0/redemptions"), price);
    assert_eq!(status, 404, "{body}");
}

fn a_played_year_is_not_played_again_in_another_size(data: &Path) {
    let again = |options: &[&str]| {
        let mut command = ledger(data, &[&["demo", "--exit"], options].concat());
        let output = command.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = again(&["--parties", "70"]);
    assert!(said.contains("The year is played already"), "{said}");
    assert!(
        said.contains("--parties and --seed change nothing in it"),
        "{said}"
    );
    assert!(!again(&[]).contains("--parties"));
}

fn parties_are_made_up_into_a_new_file(data: &Path) {
    let file = data.join("made-up.csv");
    let path = file.to_str().unwrap();
    let make = |file| ["party", "generate", "--count", "1", "--output", file];
    assert_eq!(
        json(data, &make(path)),
        value!({ "file": path, "parties": 1 })
    );
    let written = fs::read(&file).unwrap();
    let (status, said) = refusal(data, &make(path));
    let expected =
        format!("error: {path} is there already: remove it, or name another file with --output");
    assert_eq!(status, Some(1));
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(fs::read(&file).unwrap(), written);
    let other = data.join("made-up-too.csv");
    let other = other.to_str().unwrap();
    assert_eq!(
        text(data, &make(other)),
        format!("1 party written to {other}\n")
    );
}

/// Money of the year for the larger programme.
fn fund(data: &Path) {
    // Two years, since this one may end meanwhile.
    let year = Clock::System.now().year();
    for year in [year.to_string(), (year + 1).to_string()] {
        let money = ["500000.00", "--as", "finance"];
        let appropriate = ["programme", "appropriate", &year, "--document", "预算"];
        text(data, &[&appropriate[..], &money].concat());
        let allocate = ["programme", "allocate", "SH-VOUCHER", &year];
        text(data, &[&allocate[..], &money].concat());
    }
}

/// Something owed to a provider, by the commands of the whole way: the voucher's short name, and the hold's.
#[expect(clippy::too_many_lines, reason = "one command after another")]
fn owe(data: &Path) -> (String, String) {
    let party = |role: &str, fits: &dyn Fn(&Value) -> bool| {
        let listed = json(data, &["party", "list", "--role", role, "--limit", "100"]);
        let found = listed.as_array().unwrap().iter().find(|party| fits(party));
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let is_firm = |party: &Value| party["roles"] == value!(["enterprise"]);
    let firm = party("enterprise", &is_firm);
    let name = json(data, &["party", "show", &firm])["name"].take();
    let provider = party("provider", &|party| party["group"].is_null());
    let applied = json(
        data,
        &[
            "voucher",
            "apply",
            "SH-VOUCHER",
            "--party",
            &firm,
            "--fact",
            "applicant_kind=enterprise",
            "--fact",
            "service_price=300000.00",
            "--as",
            "clerk",
        ],
    );
    let application = format!("V{}", applied["index"]);
    let waiting = json(data, &["voucher", "applications"]);
    let listed = value!({
        "id": applied["application"],
        "number": application,
        "party": name,
        "programme": "SH-VOUCHER",
        "state": "applied",
    });
    assert_eq!(waiting, value!([listed]));
    let line = format!(
        "{application:<8} SH-VOUCHER       {}  {}\n",
        applied["application"].as_str().unwrap(),
        name.as_str().unwrap(),
    );
    assert_eq!(text(data, &["voucher", "applications"]), line);
    let shown = json(data, &["voucher", "show", &application]);
    assert_eq!(shown, value!({ "application": listed }));
    let shown = text(data, &["voucher", "show", &application]);
    assert!(shown.contains("`voucher review`, by a reviewer"), "{shown}");

    json(
        data,
        &["voucher", "review", &application, "--as", "reviewer"],
    );
    let issued = json(data, &["voucher", "issue", &application, "--as", "manager"]);
    let voucher = format!("V{}", issued["index"]);
    let order = |provider| ["voucher", "hold", &voucher, "--provider", provider];
    let rest = ["--price", "1.00", "--as", "clerk"];
    let (_, said) = refusal(data, &[&order(&firm)[..], &rest].concat());
    assert!(said.contains("`party list --role provider`"), "{said}");
    let held = json(
        data,
        &[
            "voucher",
            "hold",
            &voucher,
            "--provider",
            &provider,
            "--price",
            "300000.00",
            "--as",
            "clerk",
        ],
    );
    let order = format!("H{}", held["index"]);
    json(
        data,
        &[
            "voucher",
            "redeem",
            &order,
            "--price",
            "298000.00",
            "--as",
            "clerk",
        ],
    );
    (voucher, order)
}

fn what_is_owed_is_named_in_lists_and_sent_once(data: &Path) {
    // It keeps the server running between the commands.
    let service = Service::start(data);
    lists_have_short_names(data, &service);
    a_batch_goes_to_the_bank_and_back(data);
}

fn lists_have_short_names(data: &Path, service: &Service) {
    fund(data);
    let (voucher, order) = owe(data);
    let shown = json(data, &["voucher", "show", &voucher]);
    assert_eq!(shown["holds"][0]["number"], order);
    let printed = text(data, &["voucher", "show", &voucher]);
    assert!(printed.contains(&format!("hold {order} (")), "{printed}");
    let zone = json(data, &["zone", "list"])[0]["code"].take();
    let path = format!("/v1/zones/{}/vouchers/{voucher}", zone.as_str().unwrap());
    let (_, answered) = service.get(&path);
    let answered: Value = serde_json::from_str(&answered).unwrap();
    assert_eq!(answered["holds"][0]["number"], order);

    let owed = json(data, &["payment", "list"]);
    let payable = owed[0]["number"].as_str().unwrap();
    let printed = text(data, &["payment", "list"]);
    assert!(printed.contains(&format!("\n{payable:<8}\t")), "{printed}");
    let approved = json(data, &["payment", "approve", payable, "--as", "finance"]);
    assert_eq!(approved[0]["payable"], owed[0]["id"]);
    let none = text(data, &["payment", "list"]);
    assert!(
        none.contains("waits for approval") && none.contains("--state approved"),
        "{none}"
    );
    let mut again = ledger(data, &["payment", "approve", payable, "--as", "finance"]);
    let again = String::from_utf8(again.output().unwrap().stdout).unwrap();
    let name = format!("  {payable} (");
    assert!(
        again.contains(&name) && again.contains("): it was approved before; the refusal is entry "),
        "{again}"
    );
}

/// Accounts, a batch by two cashiers, the file for the bank, its answer, and the reconciliation.
fn a_batch_goes_to_the_bank_and_back(data: &Path) {
    accounts_are_entered_by_two_persons(data);
    let batch = a_batch_is_released_by_another_cashier(data);
    its_file_is_the_same_each_time(data, &batch);
    a_statement_pays_it(data, &batch);
}

fn in_folder(data: &Path, name: &str) -> String {
    data.join(name).to_str().unwrap().to_owned()
}

fn accounts_are_entered_by_two_persons(data: &Path) {
    let payee = json(data, &["payment", "list", "--state", "approved"])[0]["payee"].take();
    let accounts = in_folder(data, "accounts.csv");
    let row = format!(
        "party,holder,number,bank\n{},甲公司 A,6222 0210 0111 2345,102290000012\n",
        payee.as_str().unwrap()
    );
    fs::write(&accounts, row).unwrap();
    let own = in_folder(data, "own.csv");
    fs::write(
        &own,
        "户名,账号,联行号\n云川高新区财政局,31050161360000001234,105290036005\n",
    )
    .unwrap();
    let proposed = text(
        data,
        &[
            "payment", "account", "propose", &accounts, "--as", "finance",
        ],
    );
    text(data, &["payment", "own-account", &own, "--as", "finance"]);
    let account = proposed
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let by_oneself = ledger(
        data,
        &["payment", "account", "confirm", account, "--as", "finance"],
    )
    .output()
    .unwrap();
    assert_eq!(by_oneself.status.code(), Some(1));
    text(
        data,
        &["payment", "account", "confirm", "--all", "--as", "finance2"],
    );
    let listed = text(data, &["payment", "account", "list"]);
    assert!(
        listed.contains("…2345\tconfirmed") && listed.contains("…1234\tconfirmed"),
        "{listed}"
    );
    assert!(!listed.contains("0111"), "{listed}");
    let shown = text(
        data,
        &[
            "payment", "account", "reveal", account, "--reason", "asked", "--as", "cashier",
        ],
    );
    assert!(shown.contains("number  6222021001112345"), "{shown}");
}

fn a_batch_is_released_by_another_cashier(data: &Path) -> String {
    let prepare = ["payment", "batch", "--as", "cashier", "--key", "k"];
    let prepared = json(data, &prepare);
    assert_eq!(json(data, &prepare), prepared);
    let amounts = [
        &prepared["total"],
        &prepared["lines"][0]["amount"],
        &prepared["currency"],
    ];
    assert_eq!(amounts, ["149000.00", "149000.00", "CNY"]);
    let batch = format!("P{}", prepared["index"]);
    let early = refusal(
        data,
        &[
            "payment",
            "export",
            &batch,
            "--output",
            &in_folder(data, "early.xml"),
            "--as",
            "cashier",
        ],
    );
    assert!(early.1.contains("was not released"), "{}", early.1);
    let same = ledger(data, &["payment", "release", &batch, "--as", "cashier"])
        .output()
        .unwrap();
    let said = String::from_utf8(same.stdout).unwrap();
    assert!(
        !same.status.success() && said.contains("whoever prepared it can't release it"),
        "{said}"
    );
    let released = text(data, &["payment", "release", &batch, "--as", "cashier2"]);
    assert!(
        released.contains(" released: 1 line, 149,000.00 CNY"),
        "{released}"
    );
    batch
}

fn its_file_is_the_same_each_time(data: &Path, batch: &str) {
    let written = in_folder(data, "batch.xml");
    let export = [
        "payment", "export", batch, "--output", &written, "--as", "cashier2",
    ];
    text(data, &export);
    let bytes = fs::read_to_string(&written).unwrap();
    assert!(
        bytes.contains("<Id>6222021001112345</Id>")
            && bytes.contains("<CtrlSum>149000.00</CtrlSum>")
    );
    text(data, &export);
    assert_eq!(fs::read_to_string(&written).unwrap(), bytes);
    fs::write(&written, "mine").unwrap();
    assert!(
        refusal(data, &export)
            .1
            .contains("is not this batch's file")
    );
    assert_eq!(fs::read_to_string(&written).unwrap(), "mine");
}

fn a_statement_pays_it(data: &Path, batch: &str) {
    let details = format!("<Refs><EndToEndId>{batch}-1</EndToEndId></Refs>");
    let statement = bank_statement(data, ("DBIT", 149_000_00), &details);
    let taken = text(
        data,
        &["payment", "statement", &statement, "--as", "cashier"],
    );
    assert!(taken.contains("1 line paid, 149,000.00 CNY"), "{taken}");
    assert_eq!(
        text(
            data,
            &["payment", "statement", &statement, "--as", "cashier"]
        ),
        taken
    );
    let line = text(data, &["payment", "show", batch]);
    assert!(line.contains("\tpaid\t…2345\t"), "{line}");
    let reconciled = text(data, &["payment", "reconcile"]);
    assert!(
        reconciled.contains("0.00 CNY  difference") && reconciled.contains("Books and bank agree."),
        "{reconciled}"
    );
    assert!(text(data, &["verify"]).contains("verified"));
}

/// The demonstration would stay in it for good.
#[test]
fn the_demonstration_keeps_out_of_a_ledger_in_use() {
    let data = temporary_folder();
    text(data.path(), &["migrate"]);
    let zone = [
        "zone",
        "create",
        "HZ",
        "--name-zh",
        "杭州",
        "--name-en",
        "Hangzhou",
    ];
    text(data.path(), &zone);
    let (_, refused) = refusal(data.path(), &["demo", "--exit"]);
    assert!(
        refused.contains("the database has the zone HZ"),
        "{refused}"
    );
    let zones = json(data.path(), &["zone", "list"]);
    assert_eq!(zones.as_array().unwrap().len(), 1, "{zones}");
}
