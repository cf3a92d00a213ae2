use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// An entry that appropriates, as JSON to be spoilt; keys come out sorted.
fn appropriation(second: u32) -> Value {
    json!({
        "actor": "0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11",
        "at": format!("2020-02-28T01:02:{second:02}.000004Z"),
        "details": {"a": 1, "b": ["é", "\n"]},
        "effective": "2020-02-28",
        "kind": "budget.appropriated",
        "transfers": [{"amount": "5.00", "credit": "B20:CNY::2020", "debit": "B10:CNY::2020"}],
        "v": 1,
        "zone": "SH",
    })
}

fn moved(second: u32, debit: &str, credit: &str, amount: &str) -> Value {
    let mut entry = appropriation(second);
    entry["transfers"] = json!([{"amount": amount, "credit": credit, "debit": debit}]);
    entry
}

fn replay(bodies: &[String], limit: usize) -> Result<(Replayed, u64), String> {
    let bytes = |index: u64| bodies[usize::try_from(index).unwrap()].as_bytes();
    let (mut shards, mut first, mut accounts) = (vec![Shard::all()], None, 0);
    while let Some(shard) = shards.pop() {
        let mut preparer = Preparer::new(&shard);
        let mut replay = Replay::new(shard, limit);
        for (chunk, bodies) in (0_u64..).step_by(3).zip(bodies.chunks(3)) {
            let entries = (chunk..).zip(bodies.iter().map(String::as_bytes));
            let mut ready = preparer.prepare(entries, |_, _| ());
            let reversals: Vec<_> = ready.reversals().collect();
            for (index, undone) in reversals {
                if let Err(wrong) = check_reversal(bytes(index), undone, bytes(undone)) {
                    ready.fail(EntryFault { index, wrong });
                }
            }
            replay
                .fold(&ready, bytes)
                .map_err(|fault| fault.to_string())?;
        }
        let mut replayed = replay.finish().map_err(|fault| fault.to_string())?;
        shards.append(&mut replayed.left);
        accounts += replayed.accounts;
        first.get_or_insert(replayed);
    }
    Ok((first.unwrap(), accounts))
}

fn texts(entries: &[Value]) -> Vec<String> {
    entries.iter().map(Value::to_string).collect()
}

#[test]
fn what_is_in_order_is_summed_up() {
    let entries = [
        appropriation(1),
        moved(1, "B20:CNY::2020", "B30:CNY:SH-2020:2020", "5.00"),
        moved(2, "F1010:EUR", "F3010:EUR", "7.10"),
    ];
    let (replayed, accounts) = replay(&texts(&entries), 100).unwrap();
    // B10, B30 and F1010 have balances; F3010 is not guarded.
    assert_eq!((replayed.transfers, accounts), (3, 3));
    assert_eq!(replayed.zone.as_deref(), Some("SH"));
    let books = by_book(&replayed.totals);
    let money = books[&(Book::Money, Currency::Eur)];
    assert_eq!(
        (money.debits, money.credits),
        (Money::from_minor(710), Money::from_minor(710))
    );
}

/// Each spoils the entry at index 1 of four.
#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn the_first_wrong_entry_is_named() {
    let with = |field: &str, value: Value| {
        let mut entry = appropriation(1);
        entry[field] = value;
        entry.to_string()
    };
    let good = appropriation(1).to_string();
    let transfer =
        |debit: &str, credit: &str, amount: &str| moved(1, debit, credit, amount).to_string();
    let reversing = |undone: i64, debit: &str, credit: &str| {
        let mut entry = moved(1, debit, credit, "5.00");
        entry["reverses"] = json!(undone);
        entry.to_string()
    };
    let cases = [
        (String::new(), "it is not an entry"),
        (
            good.replace("SH\"}", "SH\",\"more\":1}"),
            "it is not an entry: unknown field",
        ),
        (
            good.replace("\"v\":1", "\"v\": 1"),
            "its fields are not in canonical form",
        ),
        (
            good.replace("{\"actor\"", "{\"adjusting\":false,\"actor\""),
            "its fields",
        ),
        (with("adjusting", json!(false)), "its fields"),
        (
            with("actor", json!("0190A5E2-7A3C-7C3E-9D51-6B1F0C8A2E11")),
            "its fields",
        ),
        (with("transfers", json!([])), "its fields"),
        (with("reverses", Value::Null), "its fields"),
        (
            good.replace("\"a\":1", "\"a\": 1"),
            "its details are not in canonical form",
        ),
        (
            good.replace("é", "\\u00e9"),
            "its details are not in canonical form",
        ),
        (
            with("details", json!({"a": 0.5})),
            "its details are not in canonical form",
        ),
        (with("v", json!(2)), "it has version 2"),
        (with("at", json!("2020-02-28T01:02:01Z")), "its field at is"),
        (
            with("at", json!("2020-02-28T01:02:60.000000Z")),
            "its field at is",
        ),
        (
            with("at", json!("2020-02-30T01:02:03.000000Z")),
            "its field at is",
        ),
        (with("kind", json!("Budget")), "its field kind is"),
        (with("key", json!("k")), "its field request is"),
        (
            with("request", json!("0".repeat(64))),
            "its field request is",
        ),
        (
            with("zone", json!("BJ")),
            "it is of the zone BJ, those before it are of SH",
        ),
        (appropriation(0).to_string(), "before the entry before it"),
        (
            transfer("B10:CNY::2020", "F3010:CNY", "5.00"),
            "transfer 0: B10:CNY::2020 and F3010",
        ),
        (
            transfer("B10:CNY", "B20:EUR", "5.00"),
            "are not two accounts of one book and currency",
        ),
        (
            transfer("B10:CNY", "B10:CNY", "5.00"),
            "are not two accounts of one book and currency",
        ),
        (transfer("B10:CNY:", "B20:CNY", "5.00"), "is not an account"),
        (transfer("B10:CNY", "B21:CNY", "5.00"), "is not an account"),
        (
            transfer("B10:CNY", "B20:CNY", "5"),
            "is not an amount in CNY",
        ),
        (
            transfer("B10:CNY", "B20:CNY", "-5.00"),
            "is not an amount in CNY",
        ),
        (
            transfer("B10:CNY", "B20:CNY", "0.00"),
            "the amount must be more than zero",
        ),
        (
            transfer("B20:CNY::2020", "B30:CNY:SH-2020:2020", "5.01"),
            "it takes the account B20:CNY::2020 below zero, to -1",
        ),
        (
            reversing(1, "B20:CNY::2020", "B10:CNY::2020"),
            "it reverses entry 1, which is not before",
        ),
        (
            reversing(-1, "B20:CNY::2020", "B10:CNY::2020"),
            "it reverses entry -1, which is not",
        ),
        (
            reversing(0, "B10:CNY::2020", "B20:CNY::2020"),
            "are not the opposite",
        ),
    ];
    for (spoilt, finding) in cases {
        // A second fault tells that the first is named; with shards, another one may meet it first.
        for (limit, last) in [(1, good.clone()), (100, String::new())] {
            let bodies = [good.clone(), spoilt.clone(), good.clone(), last];
            let found = replay(&bodies, limit).map(drop).unwrap_err();
            assert!(
                found.starts_with("entry 1: ") && found.contains(finding),
                "{spoilt}: {found}"
            );
        }
    }
}

#[test]
fn an_entry_is_reversed_once() {
    let mut undo = moved(1, "B20:CNY::2020", "B10:CNY::2020", "5.00");
    undo["reverses"] = json!(0);
    let entries = [appropriation(1), appropriation(1), undo.clone(), undo];
    assert!(replay(&texts(&entries[..3]), 100).is_ok());
    for limit in [1, 2, 100] {
        let found = replay(&texts(&entries), limit).map(drop).unwrap_err();
        assert_eq!(
            found,
            "entry 3: it reverses entry 0, which was reversed before"
        );
    }
}

#[test]
fn a_balance_may_cross_zero_within_an_entry() {
    let mut entry = appropriation(1);
    entry["transfers"] = json!([
        {"amount": "5.00", "credit": "B30:CNY", "debit": "B20:CNY::2020"},
        {"amount": "5.00", "credit": "B20:CNY::2020", "debit": "B10:CNY::2020"},
    ]);
    assert!(replay(&texts(&[entry]), 100).is_ok());
}

proptest! {
    /// Whatever the memory: the same balances, and the same first entry below zero.
    #[test]
    fn shards_see_what_the_whole_sees(
        moves in proptest::collection::vec((0_u8..12, 0_u8..12, 1_u8..6), 1..60), limit in 1_usize..12,
    ) {
        let account = |n: u8| if n == 0 { "B10:CNY".to_owned() } else { format!("B30:CNY:P{n}") };
        let mut entries = vec![moved(1, "B10:CNY", "B30:CNY:P1", "40.00")];
        for (debit, credit, amount) in moves {
            if debit != credit {
                entries.push(moved(1, &account(debit), &account(credit), &format!("{amount}.00")));
            }
        }
        let bodies = texts(&entries);
        let whole = replay(&bodies, 1_000);
        let sharded = replay(&bodies, limit);
        match (whole, sharded) {
            (Ok((whole, accounts)), Ok((sharded, in_shards))) => {
                prop_assert_eq!(accounts, in_shards);
                prop_assert_eq!(whole.totals, sharded.totals);
                prop_assert_eq!(whole.transfers, sharded.transfers);
            }
            (Err(_), Err(_)) => {}
            (whole, sharded) => prop_assert!(false, "{whole:?} {sharded:?}"),
        }
    }
}
