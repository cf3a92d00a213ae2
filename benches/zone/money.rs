//! Payments, a statement of the bank with a hundred thousand lines, and money back.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sqlx::{PgConnection, Row};
use subsidy_ledger::payment::iso20022::read_statements;
use subsidy_ledger::payment::{
    self, AccountFilter, BankLineId, NewAccount, PayableFilter, Release, Selection, StatementFile,
};
use subsidy_ledger::recovery::{
    self, Cause, DecideAnswer, OffsetAnswer, OffsetRecovery, OrderRecovery, ProposeAnswer,
    ProposeRecovery, ReceiveAnswer, ReceiveRecovery,
};
use subsidy_ledger::types::{
    AccountId, BatchId, Currency, LogIndex, PartyId, PayableId, RecoveryId,
};

use crate::cases::{OWN, account, account_number, payables};
use crate::fill::{Size, count, firms, rows};
use crate::flows::reason;
use crate::measure::Bench;

/// Payments in a measured batch.
const BATCH: i64 = 5;
/// Every so many lines of the statement name no instruction, only the other side's account.
const NAMELESS: usize = 100;
/// Payments of the second statement.
const FEW: usize = 200;
/// The day of the statement.
const BOOKED: &str = "2020-06-20";
/// The day after it.
const AFTER: &str = "2020-06-21";

/// Approval, batches in two steps, and accounts by two persons.
pub(crate) async fn payments(bench: &mut Bench, look: &mut PgConnection, size: Size) {
    let office = bench.office.clone();
    let owed = payables(look, "owed", bench.wanted()).await;
    let filters = owed.iter().map(|(id, _)| PayableFilter::Ids(vec![*id]));
    bench
        .calls(
            "payment.approve",
            &office.by("finance"),
            filters.collect(),
            |conn, command, filter| {
                Box::pin(async move { payment::approve(conn, &command, filter).await })
            },
        )
        .await;
    let waiting = count(look, "payable WHERE state = 'approved'").await;
    let selection = Selection {
        limit: BATCH,
        line_limit: None,
        cut_off: None,
    };
    // A small trial has less to pay.
    let batches = bench
        .wanted()
        .min(waiting / usize::try_from(BATCH).unwrap());
    let selections = vec![selection; batches];
    let prepared = bench
        .calls(
            "payment.prepare",
            &office.by("cashier"),
            selections,
            |conn, command, selection| {
                Box::pin(async move { payment::prepare(conn, &command, selection).await })
            },
        )
        .await;
    let batches: Vec<BatchId> = prepared.iter().map(|batch| batch.id).collect();
    let released = bench
        .calls(
            "payment.release",
            &office.by("cashier2"),
            batches,
            |conn, command, batch| {
                Box::pin(async move { payment::release(conn, &command, *batch).await })
            },
        )
        .await;
    let is_released = |release: &Release| matches!(release, Release::Released(_));
    assert!(released.iter().all(is_released), "{released:?}");
    accounts(bench, look, size).await;
}

async fn accounts(bench: &mut Bench, look: &mut PgConnection, size: Size) {
    let office = bench.office.clone();
    let new = firms(look, size.payees + bench.wanted()).await;
    let mut inputs = Vec::with_capacity(bench.wanted());
    for (number, party) in new.into_iter().enumerate().skip(size.payees) {
        let new = NewAccount {
            party: Some(party),
            account: account(&account_number(number)),
        };
        inputs.push((office.vault().await, new));
    }
    let proposed = bench
        .calls(
            "payment.account",
            &office.by("finance"),
            inputs,
            |conn, command, (vault, new)| {
                Box::pin(async move {
                    payment::propose_accounts(conn, &command, vault, crate::office::only(new)).await
                })
            },
        )
        .await;
    let proposed = proposed.iter().flatten().map(|one| one.account);
    let filters = proposed.map(|id: AccountId| AccountFilter::Ids(vec![id]));
    bench
        .calls(
            "payment.confirm",
            &office.by("finance2"),
            filters.collect(),
            |conn, command, filter| {
                Box::pin(async move { payment::confirm_accounts(conn, &command, filter).await })
            },
        )
        .await;
}

/// A statement that says of the payments in transit that they were paid, and brings some money besides; the entry that took
/// it in. A few payments are left for a second statement, whose plans are written down.
pub(crate) async fn statement(
    bench: &mut Bench,
    look: &mut PgConnection,
    (size, most): (Size, Duration),
) -> LogIndex {
    let office = bench.office.clone();
    let sent = sent(look, size).await;
    let (few, many) = sent.split_at((sent.len() / 10).min(FEW));
    let (file, closing) = written("S1", 0, (many, bench.wanted()));
    println!(
        "a statement of {} lines, {} MB",
        many.len() + bench.wanted(),
        file.len() / 1_000_000
    );
    let begun = Instant::now();
    let read = read_statements(file.as_bytes(), Currency::Cny).unwrap();
    let reading = begun.elapsed();
    let input = (
        office.vault().await,
        StatementFile::new(file.as_bytes(), read),
    );
    let cashier = office.on("cashier", BOOKED);
    let taken = office.one(cashier.clone(), input, |conn, command, (vault, file)| {
        Box::pin(async move { payment::import_statements(conn, &command, vault, file).await })
    });
    let answer = taken.await.unwrap();
    let took = begun.elapsed();
    println!(
        "{} of its lines were paid, {} fit nothing; reading took {reading:.2?}",
        answer.paid,
        answer.unmatched_credits + answer.unmatched_debits
    );
    assert_eq!(answer.unmatched_debits, 0, "{answer:?}");
    bench.once("statement_100k", took, most);

    let (file, _) = written("S2", closing, (few, 0));
    let read = read_statements(file.as_bytes(), Currency::Cny).unwrap();
    let input = (
        office.vault().await,
        StatementFile::new(file.as_bytes(), read),
    );
    bench
        .explain(
            "statement_100k",
            cashier,
            (input, |conn, command, (vault, file)| {
                Box::pin(
                    async move { payment::import_statements(conn, &command, vault, file).await },
                )
            }),
        )
        .await;
    answer.file
}

/// A payment in transit: what the bank knows it by, how much in minor units, and to which account.
struct Sent {
    id: String,
    amount: i64,
    account: String,
}

/// All of them, in no order.
async fn sent(look: &mut PgConnection, size: Size) -> Vec<Sent> {
    let payees = firms(look, size.payees).await;
    let number_of: HashMap<_, _> = payees.into_iter().zip(0_usize..).collect();
    let sql = "SELECT l.end_to_end_id, l.amount, p.payee_id FROM ledger.payment_line l
         JOIN ledger.payable p USING (zone_id, payable_id) WHERE l.state = 'sent' ORDER BY md5(l.end_to_end_id)";
    let rows = rows(look, sql.to_owned()).await;
    let sent = rows.iter().map(|row| Sent {
        id: row.get(0),
        amount: row.get(1),
        account: account_number(*number_of.get(&PartyId(row.get(2))).unwrap()),
    });
    sent.collect()
}

/// The statement as a bank would send it, and the balance that it ends with.
fn written(id: &str, opening: i64, (sent, receipts): (&[Sent], usize)) -> (String, i64) {
    let mut entries = String::new();
    let mut closing = opening;
    for (place, one) in sent.iter().enumerate() {
        closing -= one.amount;
        let refs = if place % NAMELESS == 0 {
            String::new()
        } else {
            format!("<Refs><EndToEndId>{}</EndToEndId></Refs>", one.id)
        };
        entry(&mut entries, -one.amount, &refs, &one.account);
    }
    for _ in 0..receipts {
        closing += RECEIPT;
        entry(&mut entries, RECEIPT, "", "");
    }
    let file = format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
         <GrpHdr><MsgId>BENCH</MsgId></GrpHdr><Stmt><Id>{id}</Id>\
         <Acct><Id><Othr><Id>{OWN}</Id></Othr></Id></Acct>{}{}{entries}</Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", opening),
        balance("CLBD", closing)
    );
    (file, closing)
}

/// What a receipt brings, minor units.
const RECEIPT: i64 = 1_000;

fn amount(minor: i64) -> String {
    let direction = if minor < 0 { "DBIT" } else { "CRDT" };
    let whole = minor.unsigned_abs();
    format!(
        "<Amt Ccy=\"CNY\">{}.{:02}</Amt><CdtDbtInd>{direction}</CdtDbtInd>",
        whole / 100,
        whole % 100
    )
}

fn balance(code: &str, minor: i64) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{}<Dt><Dt>{BOOKED}</Dt></Dt></Bal>",
        amount(minor)
    )
}

fn entry(entries: &mut String, minor: i64, refs: &str, side: &str) {
    let party = if side.is_empty() {
        String::new()
    } else {
        format!("<RltdPties><CdtrAcct><Id><Othr><Id>{side}</Id></Othr></Id></CdtrAcct></RltdPties>")
    };
    writeln!(
        entries,
        "<Ntry>{}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{BOOKED}</Dt></BookgDt><NtryDtls><TxDtls>{refs}{party}</TxDtls>\
         </NtryDtls></Ntry>",
        amount(minor)
    )
    .unwrap();
}

/// Recoveries of what was paid: proposed, ordered, and settled by receipts of the statement or by offset.
pub(crate) async fn recoveries(bench: &mut Bench, look: &mut PgConnection, file: LogIndex) {
    let office = bench.office.clone();
    let sql = format!(
        "SELECT payable_id FROM ledger.payable WHERE state = 'paid' ORDER BY md5(payable_id::text) LIMIT {}",
        bench.wanted()
    );
    let paid = rows(look, sql).await;
    let propose = paid.iter().map(|row| ProposeRecovery {
        cause: Cause::Ineligible,
        facts: None,
        payable: PayableId(row.get(0)),
        reason: reason(),
    });
    let reviewer = office.on("reviewer", AFTER);
    let proposed = bench
        .commands(
            "recovery.propose",
            &reviewer,
            propose.collect(),
            |conn, requests| Box::pin(recovery::propose(conn, requests)),
        )
        .await;
    let recoveries: Vec<RecoveryId> = proposed.iter().map(proposed_recovery).collect();
    let order = recoveries.iter().map(|recovery| OrderRecovery {
        due_days: 30,
        recovery: *recovery,
    });
    let finance = office.on("finance2", AFTER);
    let ordered = bench
        .commands(
            "recovery.order",
            &finance,
            order.collect(),
            |conn, requests| Box::pin(recovery::order(conn, requests)),
        )
        .await;
    let is_ordered = |answer: &DecideAnswer| matches!(answer, DecideAnswer::Ordered { .. });
    assert!(ordered.iter().all(is_ordered), "{ordered:?}");
    settlements(bench, look, (file, &recoveries)).await;
}

async fn settlements(
    bench: &mut Bench,
    look: &mut PgConnection,
    (file, recoveries): (LogIndex, &[RecoveryId]),
) {
    let office = bench.office.clone();
    let sql = format!(
        "SELECT number FROM ledger.bank_line WHERE file_index = {file} AND direction = 'credit' ORDER BY number LIMIT {}",
        recoveries.len()
    );
    let receipts = rows(look, sql).await;
    let receive = receipts
        .iter()
        .zip(recoveries)
        .map(|(row, recovery)| ReceiveRecovery {
            bank_line: BankLineId {
                file,
                number: row.get(0),
            },
            recovery: *recovery,
        });
    let cashier = office.on("cashier", AFTER);
    let received = bench
        .commands(
            "recovery.receive",
            &cashier,
            receive.collect(),
            |conn, requests| Box::pin(recovery::receive(conn, requests)),
        )
        .await;
    let is_received = |answer: &ReceiveAnswer| matches!(answer, ReceiveAnswer::Received { .. });
    assert!(received.iter().all(is_received), "{received:?}");
    let sql = format!(
        "SELECT DISTINCT ON (r.recovery_id) r.recovery_id, n.payable_id
         FROM ledger.recovery r JOIN ledger.payable p USING (zone_id, payable_id)
         JOIN ledger.payable n ON n.zone_id = p.zone_id AND n.payee_id = p.payee_id AND n.state = 'approved'
         WHERE r.open > 0 ORDER BY r.recovery_id LIMIT {}",
        recoveries.len()
    );
    let pairs = rows(look, sql).await;
    let offset = pairs.iter().map(|row| OffsetRecovery {
        amount: Some("1.00".to_owned()),
        payable: PayableId(row.get(1)),
        recovery: RecoveryId(row.get(0)),
    });
    // Neither who ordered nor who approved the payable.
    let second = office.on("cashier2", AFTER);
    let set_off = bench
        .commands(
            "recovery.offset",
            &second,
            offset.collect(),
            |conn, requests| Box::pin(recovery::offset(conn, requests)),
        )
        .await;
    let is_offset = |answer: &OffsetAnswer| matches!(answer, OffsetAnswer::Offset { .. });
    assert!(set_off.iter().all(is_offset), "{set_off:?}");
}

#[expect(clippy::panic, reason = "a benchmark fails where it stands")]
fn proposed_recovery(answer: &ProposeAnswer) -> RecoveryId {
    match answer {
        ProposeAnswer::Proposed { recovery, .. } => *recovery,
        ProposeAnswer::Refused(refused) => panic!("{refused:?}"),
    }
}
