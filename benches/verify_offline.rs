//! How many entries a second `verify` checks offline: hashes, tree, canonical form, and every balance.
//!
//! Writes a bundle of made-up entries (three transfers, about 600 bytes each, as a voucher's issue and
//! redemption have) to a temporary folder, and verifies it three times. The best run counts; the others
//! are shown. `cargo bench --bench verify_offline -- --entries 4000000` takes another number.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark stops where something is wrong, and prints its figures"
)]

use std::fs;
use std::path::Path;
use std::time::Instant;

use subsidy_ledger::journal::{Body, BodyTransfer};
use subsidy_ledger::log::tile::{Growth, LogFile, TileId, push_entry, subtree_root};
use subsidy_ledger::log::tree::{Frontier, hashes_to_bytes};
use subsidy_ledger::log::{Checkpoint, Hash, LogSigningKey, leaf_hash};
use subsidy_ledger::types::PersonId;
use subsidy_ledger::verify::{BundleOptions, verify_bundle};
use uuid::Uuid;

/// Entries per second that issue 2 demands on two cores.
const REFERENCE: u32 = 300_000;
const WIDTH: usize = 256;

fn main() {
    let count = entries_asked();
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let bytes = write_bundle(folder.path(), count);
    println!(
        "a bundle of {count} entries of {} bytes on average, made in {:.1} s",
        bytes / count,
        begun.elapsed().as_secs_f64()
    );
    let mut best = 0.0_f64;
    for _ in 0..3 {
        let (begun, used) = (Instant::now(), processor_seconds());
        let report =
            verify_bundle(folder.path(), &BundleOptions::default(), &mut |_, _| ()).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        let rate = f64::from(u32::try_from(report.size).unwrap()) / seconds;
        println!(
            "{seconds:.2} s, {:.2} s of processors: {rate:.0} entries/s, {} transfers, \
             {} accounts with a balance, {} pass",
            processor_seconds() - used,
            report.transfers,
            report.accounts,
            report.passes
        );
        best = best.max(rate);
    }
    println!("peak memory {}", peak_memory());
    println!(
        "verify_offline ours={best:.0} reference={REFERENCE} ratio={:.2} unit=entries/s",
        best / f64::from(REFERENCE)
    );
}

fn entries_asked() -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--entries");
    arguments
        .nth(1)
        .map_or(1_000_000, |number| number.parse().unwrap())
}

/// Processor time of this process so far, as Linux counts it (in hundredths); what others leave of the
/// processors decides how long that takes.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let times = after_name.split_whitespace().skip(11).take(2);
    times
        .filter_map(|time| time.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// Of this process since its begin, as Linux counts it.
fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap_or("unknown").trim().to_owned()
}

/// Writes a bundle as an export does; returns the bytes of all entries.
fn write_bundle(folder: &Path, count: usize) -> usize {
    let write = |path: String, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let mut leaves = Vec::with_capacity(count);
    let (mut bundle, mut bytes) = (Vec::new(), 0);
    for index in 0..count {
        let body = body(index);
        bytes += body.len();
        leaves.push(leaf_hash(&body));
        push_entry(&mut bundle, &body).unwrap();
        if leaves.len().is_multiple_of(WIDTH) || leaves.len() == count {
            let number = u64::try_from(index / WIDTH).unwrap();
            let width = u16::try_from(index % WIDTH + 1).unwrap();
            write(LogFile::Entries { number, width }.to_string(), &bundle);
            bundle.clear();
        }
    }
    let mut level = leaves.clone();
    for number in 0..8 {
        level = write_level(number, &level, &write);
    }
    let growth = Growth::new(Frontier::new(), &leaves);
    let key = LogSigningKey::generate("log.example/bench").unwrap();
    let tree = growth.into_frontier();
    let checkpoint = Checkpoint::sign(&key, tree.size(), tree.root());
    write("checkpoint".into(), checkpoint.note().as_bytes());
    write("log.vkey".into(), key.verifier().to_string().as_bytes());
    bytes
}

/// Writes the tiles of a level; returns the hashes of the level above.
fn write_level(level: u8, hashes: &[Hash], write: &impl Fn(String, &[u8])) -> Vec<Hash> {
    let mut above = Vec::new();
    for (number, hashes) in (0..).zip(hashes.chunks(WIDTH)) {
        let width = u16::try_from(hashes.len()).unwrap();
        let tile = TileId {
            level,
            number,
            width,
        };
        write(tile.to_string(), &hashes_to_bytes(hashes));
        if tile.is_full() {
            above.push(subtree_root(hashes));
        }
    }
    above
}

/// Vouchers of 10,000 parties: each is issued, and redeemed by the next entry.
fn body(index: usize) -> Vec<u8> {
    let number = u128::try_from(index / 2).unwrap();
    let party = Uuid::from_u128(0x0190_a5e2_7a3c_7c3e_9d51_0000_0000_0000 + number % 10_000);
    let item = Uuid::from_u128(0x0190_a5e2_7a3c_7c3e_8d51_0000_0000_0000 + number);
    let (kind, transfers) = transfers(index, party, item);
    let amount = if index == 0 {
        "900000000000.00"
    } else {
        "1234.56"
    };
    let body = Body {
        actor: PersonId(party),
        adjusting: false,
        at: format!("2020-02-28T01:02:03.{:06}Z", index * 999_999 / 100_000_000).into(),
        details: serde_json::json!({"face": "1234.56", "policy": "SH-2020/1", "text": "某某科技"}),
        effective: "2020-02-28".parse().unwrap(),
        key: None,
        kind: kind.into(),
        request: None,
        reverses: None,
        subject: Some(item),
        transfers: transfers
            .iter()
            .map(|(debit, credit)| BodyTransfer {
                amount: amount.into(),
                credit: credit.into(),
                debit: debit.into(),
            })
            .collect(),
        v: 1,
        zone: "BENCH".into(),
    };
    serde_json::to_vec(&body).unwrap()
}

/// Kind, and debited and credited account of each transfer.
fn transfers(index: usize, party: Uuid, item: Uuid) -> (&'static str, [(String, String); 3]) {
    match (index, index % 2) {
        (0, _) => (
            "budget.appropriated",
            [
                ("B10:CNY::2020".into(), "B20:CNY::2020".into()),
                ("B20:CNY::2020".into(), "B30:CNY:SH-2020:2020".into()),
                ("F1010:CNY".into(), "F3010:CNY".into()),
            ],
        ),
        (_, 1) => (
            "voucher.issued",
            [
                (
                    "B30:CNY:SH-2020:2020".into(),
                    format!("B40:CNY:SH-2020:2020::{item}"),
                ),
                (
                    "Q10:CNY:SH-2020:2020".into(),
                    format!("Q20:CNY:SH-2020:2020:{party}"),
                ),
                (
                    format!("Q20:CNY:SH-2020:2020:{party}"),
                    format!("Q30:CNY:SH-2020:2020:{party}"),
                ),
            ],
        ),
        _ => (
            "voucher.redeemed",
            [
                (
                    format!("B40:CNY:SH-2020:2020::{}", previous(item)),
                    "B60:CNY:SH-2020:2020".into(),
                ),
                (
                    "F5010:CNY:SH-2020:2020".into(),
                    format!("F2010:CNY:::{party}"),
                ),
                (format!("F2010:CNY:::{party}"), "F1020:CNY".into()),
            ],
        ),
    }
}

/// Entry 2n redeems what entry 2n - 1 issued, whose number is one less.
fn previous(item: Uuid) -> Uuid {
    Uuid::from_u128(item.as_u128() - 1)
}
