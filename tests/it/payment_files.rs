//! Files of a bank, written from the message definitions by somebody who had not seen the reader: well-formed ones in
//! all their variants, odd ones, and broken ones.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use subsidy_ledger::payment::iso20022::{
    Direction, Message, read_statements, read_status_report, sniff,
};
use subsidy_ledger::types::Currency;

/// What each file of a folder of `tests/fixtures/iso20022` is read as, or why it is not.
fn read_all(folder: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/iso20022")
        .join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    let mut told = String::new();
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let read = match sniff(&bytes) {
            None => "no message that is read here".to_owned(),
            Some(Message::Camt053) => statements(&bytes),
            Some(Message::Pain002) => report(&bytes),
        };
        writeln!(told, "{name}: {read}").unwrap();
    }
    told
}

fn statements(bytes: &[u8]) -> String {
    let statements = match read_statements(bytes, Currency::Cny) {
        Ok(statements) => statements,
        Err(error) => return format!("refused: {error}"),
    };
    let mut told = String::new();
    for one in statements {
        let text = |money: subsidy_ledger::types::Money| money.to_text(Currency::Cny);
        let (opening, closing) = (text(one.opening.amount), text(one.closing.amount));
        write!(
            told,
            "\n  {} {}: {opening} to {closing}, {} unbooked",
            one.id, one.account, one.unbooked
        )
        .unwrap();
        for line in one.lines {
            let sign = if line.direction == Direction::Debit {
                "-"
            } else {
                "+"
            };
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let back = if line.is_return { " back" } else { "" };
            write!(
                told,
                "\n    {sign}{} {}{back} id {} ref {} with {} {} {}: {}",
                text(line.amount),
                line.booked_on,
                or_none(line.end_to_end_id),
                or_none(line.reference),
                or_none(line.party),
                or_none(line.account),
                or_none(line.code),
                or_none(line.information),
            )
            .unwrap();
        }
    }
    told
}

fn report(bytes: &[u8]) -> String {
    let report = match read_status_report(bytes, Currency::Cny) {
        Ok(report) => report,
        Err(error) => return format!("refused: {error}"),
    };
    let mut told = format!("\n  of {}: {:?}", report.original, report.group);
    for payment in report.payments {
        write!(told, "\n  {:?}: {:?}", payment.id, payment.status).unwrap();
        for one in payment.transactions {
            write!(
                told,
                "\n    {}: {:?} {:?}",
                one.end_to_end_id, one.status, one.reason
            )
            .unwrap();
        }
    }
    told
}

#[test]
fn statements_are_read_in_all_their_variants() {
    insta::assert_snapshot!(read_all("camt053"));
}

#[test]
fn status_reports_are_read_in_all_their_variants() {
    insta::assert_snapshot!(read_all("pain002"));
}

#[test]
fn odd_files_are_read_as_well() {
    insta::assert_snapshot!(read_all("odd"));
}

/// Those that pass here are wrong only beside what is in the books.
#[test]
fn broken_files_are_refused_by_name() {
    insta::assert_snapshot!(read_all("broken"));
}
