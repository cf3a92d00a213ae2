//! Commands on policies, on a year that was played: what they print, and how they refuse.

use std::fs;
use std::path::Path;

use serde_json::json as value;

use crate::commands::first_voucher;
use crate::kit::command::{json, refusal, text};

pub(crate) fn are_given_in_words(data: &Path) {
    questions_are_refused_and_answered_in_words(data);
    what_is_missing_or_unknown_is_named(data);
    packs_are_refused_and_screened_in_words(data);
    decisions_are_made_again(data);
    published_rules_are_listed_and_compared(data);
}

/// Days and counts that are none; answers in the language that was asked for; rows of the only zone.
fn questions_are_refused_and_answered_in_words(data: &Path) {
    let said = |arguments: &str| refusal(data, &arguments.split(' ').collect::<Vec<_>>()).1;
    for (arguments, expected) in [
        (
            "policy screen SH-VOUCHER --on 2023-02-30",
            "\"2023-02-30\" is not a day: write it as",
        ),
        ("policy screen SH-VOUCHER --limit 0", "0 is not in 1.."),
        (
            "policy screen SH-VOUCHER --after x",
            "\"x\" is no id: write it as",
        ),
        (
            "policy simulate SH-VOUCHER --history --from 2023-07-01 --until 2023-06-30",
            "--from 2023-07-01 is after --until 2023-06-30",
        ),
        (
            "policy withdraw 0 --reason wrong --as rules",
            "entry 0 proposed nothing that waits for publication",
        ),
    ] {
        let said = said(arguments);
        assert!(said.contains(expected), "{arguments}: {said}");
    }
    let parties = json(data, &["party", "list", "--role", "enterprise"]);
    let party = parties[0]["identifier"].as_str().unwrap_or_default();
    let eligible = |lang| {
        let day = ["--on", "2020-06-01", "--lang", lang];
        text(
            data,
            &[&["policy", "eligibility", party][..], &day].concat(),
        )
    };
    let (zh, en) = (eligible("zh"), eligible("en"));
    assert!(
        zh.contains("\t需复核\t") && zh.contains("还需提供："),
        "{zh}"
    );
    assert!(zh.contains("（service_price）"), "{zh}");
    assert!(
        en.contains("\tneeds_review\t") && en.contains("to bring: "),
        "{en}"
    );
    assert!(en.contains("(service_price)"), "{en}");
    let count = "SELECT count(*) > 0 FROM ledger.voucher";
    assert_eq!(text(data, &["db", "psql", "--", "-Atc", count]), "t\n");
}

/// Either of two arguments is enough: both are named. A name that is none is an error.
fn what_is_missing_or_unknown_is_named(data: &Path) {
    let said = |arguments: &[&str]| refusal(data, arguments).1;
    let replay = said(&["policy", "replay"]);
    assert!(
        replay.contains("ENTRY") && replay.contains("--all"),
        "{replay}"
    );
    let digest = "0".repeat(64);
    let determine = said(&[
        "facts",
        "determine",
        "year_of_operation=1",
        "--reason",
        "checked",
        "--evidence",
        &digest,
    ]);
    assert!(
        determine.contains("--party") && determine.contains("--whole-zone"),
        "{determine}"
    );
    let register = said(&["facts", "register", "tech_smes"]);
    assert!(
        register.contains("a register tech_smes: there are tech_sme,"),
        "{register}"
    );
    let table = text(data, &["policy", "list"]);
    assert!(table.starts_with("programme"), "{table}");
}

/// What is no text, or no draft, is refused with its place and remedy; sums are grouped, and named where there are any.
fn packs_are_refused_and_screened_in_words(data: &Path) {
    let said = |arguments: &[&str]| refusal(data, arguments).1;
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("latin.toml");
    fs::write(&pack, b"code = \"A\"\ntitle = \"\xe4\"\n").unwrap();
    let pack = pack.to_str().unwrap();
    for arguments in [
        &["policy", "propose", pack, "--as", "rules"][..],
        &["policy", "screen", pack],
    ] {
        let said = said(arguments);
        assert!(said.contains(":2: error: not UTF-8 text"), "{said}");
        assert!(said.contains("remedy: save the pack as UTF-8"), "{said}");
    }
    let simulate = said(&["policy", "simulate", "SH-VOUCHER", "--on", "2020-06-01"]);
    assert!(
        simulate.contains("the file of a draft that differs"),
        "{simulate}"
    );
    let amount = said(&[
        "voucher",
        "award-run",
        "propose",
        "SX-VOUCHER",
        "--amount",
        "5000",
        "--as",
        "reviewer",
    ]);
    assert!(!amount.contains("price"), "{amount}");
    let screened = text(
        data,
        &[
            "policy",
            "screen",
            "assets/policies/uscc-2015.toml",
            "--limit",
            "1",
        ],
    );
    assert!(!screened.contains("come to"), "{screened}");
    let money = [
        "policy",
        "screen",
        "SH-VOUCHER",
        "--on",
        "2020-06-01",
        "--assume",
        "service_price=10000.00",
        "--assume",
        "applicant_kind=enterprise",
        "--limit",
        "1",
    ];
    let screened = text(data, &money);
    assert!(screened.contains("\t5,000.00\t"), "{screened}");
}

fn decisions_are_made_again(data: &Path) {
    let all = json(data, &["policy", "replay", "--all"]);
    assert_eq!(all["different"], value!([]));
    assert!(all["decisions"].as_u64().unwrap() > 10, "{all}");
    let said = text(data, &["policy", "replay", "--all"]);
    assert!(
        said.ends_with("all come out the same, byte for byte.\n"),
        "{said}"
    );
    let index = first_voucher(data);
    let one = json(data, &["policy", "replay", index.trim_start_matches('V')]);
    assert_eq!(one["identical"], true, "{one}");
    let (status, said) = refusal(data, &["policy", "replay", "0"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("has no decision"), "{said}");
}

fn published_rules_are_listed_and_compared(data: &Path) {
    let listed = json(data, &["policy", "list"]);
    let first = &listed[0];
    let of = |name: &str| first[name].as_str().unwrap().to_owned();
    assert_eq!(of("sha256").len(), 64, "{listed}");
    let (version, day) = (
        format!("{}@{}", of("code"), of("version")),
        format!("{}@{}", of("code"), of("in_force_from")),
    );
    let same = text(data, &["policy", "diff", &version, &day, "--lang", "en"]);
    assert_eq!(same, "The two packs are the same, byte for byte.\n");
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/policies/every-form.toml"
    );
    let other = json(data, &["policy", "diff", &version, pack]);
    let differences = other["differences"].as_array().unwrap();
    assert!(
        differences
            .iter()
            .all(|one| one["zh"].is_string() && one["en"].is_string())
    );
    assert!(differences.len() > 10, "{other}");
    let (status, said) = refusal(data, &["policy", "diff", "NO-SUCH@2020-1", pack]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("`policy list`"), "{said}");
}
