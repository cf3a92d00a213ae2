//! Accounts, batches in two steps, and what the bank says of them, in a real Postgres.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use subsidy_ledger::party::PartyRole;
use subsidy_ledger::payment::iso20022::{read_statements, read_status_report};
use subsidy_ledger::payment::{
    self, AccountFilter, Batch, ConfirmationOutcome, ExportFormat, HeldBecause, MatchWith,
    PaymentError, Reconciliation, Release, Selection, StatementFile, StatementsAnswer,
    StatusAnswer, StatusFile, Vault, VaultError,
};
use subsidy_ledger::types::{Currency, LogIndex, PayableId};

use crate::kit::scenario::{World, fen};
use crate::kit::table::Play;
use crate::payment::{ALL, approve_all, discard, prepare, release, send, three_owed};

pub(crate) const OWN: &str = "31050161360000001234";

/// Three approved payables of 10,000, 20,000 and 30,000 yuan, and the zone's own account.
pub(crate) async fn three_approved() -> (World, Vec<PayableId>) {
    let (world, ids) = three_owed().await;
    approve_all(&world).await;
    world.propose_account("finance", None, OWN).await.unwrap();
    world.enter_accounts().await;
    (world, ids)
}

pub(crate) async fn status(world: &World, file: &str) -> Result<StatusAnswer, PaymentError> {
    let report = read_status_report(file.as_bytes(), Currency::Cny)?;
    let file = StatusFile::new(file.as_bytes(), report);
    let caller = world.caller("cashier", "2020-05-09", None);
    let taken = world.one(caller, file, |conn, command, file| {
        Box::pin(async move { payment::import_status(conn, &command, file).await })
    });
    taken.await
}

pub(crate) async fn statement(world: &World, file: &str) -> Result<StatementsAnswer, PaymentError> {
    let statements = read_statements(file.as_bytes(), Currency::Cny)?;
    let input = (
        world.vault().await,
        StatementFile::new(file.as_bytes(), statements),
    );
    let caller = world.caller("cashier", "2020-05-20", None);
    let taken = world.one(caller, input, |conn, command, (vault, file)| {
        Box::pin(async move { payment::import_statements(conn, &command, vault, file).await })
    });
    taken.await
}

pub(crate) async fn match_line(
    world: &World,
    line: &str,
    with: MatchWith,
) -> Result<LogIndex, PaymentError> {
    let caller = world.caller("cashier", "2020-05-21", None);
    let input = (
        line.parse().unwrap(),
        with,
        "seen on paper".parse().unwrap(),
    );
    let matched = world.one(caller, input, |conn, command, (line, with, reason)| {
        Box::pin(async move { payment::match_line(conn, &command, (*line, with, reason)).await })
    });
    matched.await
}

pub(crate) async fn reconcile(world: &World) -> Reconciliation {
    let read = world
        .db
        .app()
        .read(world.zone.id, world.zone.clone(), |conn, zone| {
            Box::pin(payment::reconcile(conn, zone))
        });
    read.await.unwrap()
}

/// A status report on a batch: of each line what it says.
pub(crate) fn report(batch: &Batch, lines: &[(usize, &str)]) -> String {
    let told: Vec<String> = lines
        .iter()
        .map(|(line, status)| {
            let line = &batch.lines[*line];
            let amount = line.amount.to_text(Currency::Cny);
            format!(
                "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>{status}</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn>\
                 </StsRsnInf><OrgnlTxRef><Amt><InstdAmt Ccy=\"CNY\">{amount}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>",
                line.end_to_end_id
            )
        })
        .collect();
    let told = told.concat();
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{}</OrgnlMsgId><OrgnlNbOfTxs>{}</OrgnlNbOfTxs><OrgnlCtrlSum>{}</OrgnlCtrlSum>\
         <GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P{}</OrgnlPmtInfId>{told}\
         </OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>",
        batch.id.0.simple(),
        batch.lines.len(),
        batch.total.to_text(Currency::Cny),
        batch.index
    )
}

/// One line of a statement: yuan (what goes is negative), end-to-end id or nothing, the other side's account or nothing.
pub(crate) type Moved<'a> = (i64, &'a str, &'a str);

fn money(yuan: i64) -> String {
    format!(
        "<Amt Ccy=\"CNY\">{}.00</Amt><CdtDbtInd>{}</CdtDbtInd>",
        yuan.abs(),
        if yuan < 0 { "DBIT" } else { "CRDT" }
    )
}

pub(crate) fn statement_file(id: &str, on: &str, opening: i64, lines: &[Moved<'_>]) -> String {
    let closing = opening + lines.iter().map(|(yuan, ..)| yuan).sum::<i64>();
    let balance = |code: &str, yuan: i64| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{}<Dt><Dt>{on}</Dt></Dt></Bal>",
            money(yuan)
        )
    };
    let entries: Vec<String> = lines
        .iter()
        .map(|(yuan, id, account)| {
            let id = if id.is_empty() { String::new() } else { format!("<Refs><EndToEndId>{id}</EndToEndId></Refs>") };
            let side = if account.is_empty() {
                String::new()
            } else {
                format!("<RltdPties><CdtrAcct><Id><Othr><Id>{account}</Id></Othr></Id></CdtrAcct></RltdPties>")
            };
            format!(
                "<Ntry>{}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt><NtryDtls><TxDtls>{id}{side}</TxDtls>\
                 </NtryDtls></Ntry>",
                money(*yuan)
            )
        })
        .collect();
    let entries = entries.concat();
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>B</MsgId></GrpHdr>\
         <Stmt><Id>{id}</Id><Acct><Id><Othr><Id>{OWN}</Id></Othr></Id></Acct>{}{}{entries}</Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", opening),
        balance("CLBD", closing)
    )
}

#[tokio::test]
async fn accounts_take_two_persons_and_are_kept_sealed() {
    let (world, _) = three_owed().await;
    let party = Some(world.parties["p"]);
    // The party's own people may propose for it, and for nobody else; staff without the duty may not.
    let first = world
        .propose_account("p", party, "6222021001112345")
        .await
        .unwrap();
    for (who, party) in [
        ("p", Some(world.parties["f"])),
        ("p", None),
        ("cashier", party),
        ("clerk", party),
    ] {
        let refused = world.propose_account(who, party, "6222021001112345").await;
        assert!(matches!(refused, Err(PaymentError::Forbidden(_))), "{who}");
    }
    // A second proposal takes the place of the first, which can't be confirmed any more.
    let second = world
        .propose_account("finance", party, "6222021001119999")
        .await
        .unwrap();
    let outcome = async |who: &str, account| {
        let done = world
            .confirm_accounts(who, AccountFilter::Ids(vec![account]))
            .await;
        done.map(|done| done[0].outcome)
    };
    assert_eq!(
        outcome("finance2", first.account).await.unwrap(),
        ConfirmationOutcome::RefusedState
    );
    assert_eq!(
        outcome("finance", second.account).await.unwrap(),
        ConfirmationOutcome::RefusedSegregation
    );
    for who in ["cashier", "p", "auditor"] {
        let refused = outcome(who, second.account).await;
        assert!(matches!(refused, Err(PaymentError::Forbidden(_))), "{who}");
    }
    assert_eq!(
        outcome("finance2", second.account).await.unwrap(),
        ConfirmationOutcome::Confirmed
    );
    assert_eq!(
        outcome("finance2", second.account).await.unwrap(),
        ConfirmationOutcome::RefusedState
    );
    world.check_invariants().await;

    one_number_is_found_and_shown_to_nobody(&world).await;
}

/// One number of two parties is found without opening any account, and neither rows nor entries have it.
async fn one_number_is_found_and_shown_to_nobody(world: &World) {
    world
        .propose_account("finance", Some(world.parties["f"]), "6222 0210 0111 9999")
        .await
        .unwrap();
    let rows = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            Box::pin(payment::accounts(conn, *zone, None))
        });
    let rows: Result<_, sqlx::Error> = rows.await;
    let shared: Vec<_> = rows
        .unwrap()
        .into_iter()
        .filter(|row| row.shared_with > 0)
        .map(|row| row.masked)
        .collect();
    assert_eq!(shared, ["…9999", "…9999"]);

    // Ids may have the last four characters within them by chance.
    let mut conn = world.db.superuser().await;
    let found: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM ledger.bank_account a WHERE row_to_json(a)::text ~ '2021001|某某'
             OR position('2021001'::bytea IN sealed) > 0)
         + (SELECT count(*) FROM ledger.entry e WHERE e.kind LIKE 'bank_account.%'
             AND convert_from(e.body, 'UTF8') ~ '2021001|某某|[^0-9a-f-]9999[^0-9a-f-]')",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert_eq!(found, 0);
}

#[tokio::test]
async fn without_its_key_no_account_is_opened_or_made() {
    let (world, _) = three_approved().await;
    let open = async || {
        let input = (world.zone.clone(), world.keys.path().to_path_buf());
        let opened = world
            .db
            .app()
            .read(world.zone.id, input, |conn, (zone, keys)| {
                Box::pin(Vault::open(conn, zone, keys))
            });
        opened.await
    };
    let key = world.keys.path().join("TEST.bank-key");
    let text = fs::read_to_string(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert!(matches!(open().await, Err(VaultError::Missing { .. })));
    fs::write(&key, "00".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(open().await, Err(VaultError::Sealed { .. })));
    fs::write(&key, text).unwrap();
    open().await.unwrap();
}

#[tokio::test]
async fn what_can_t_go_into_a_batch_is_held_out_with_the_reason() {
    let (world, ids) = three_owed().await;
    approve_all(&world).await;
    let nothing = prepare(&world, "cashier", "2020-05-07").await;
    let Err(PaymentError::NothingReady(held_out)) = nothing else {
        panic!("{nothing:?}");
    };
    assert_eq!(held_out, [(HeldBecause::NoAccount, 3)].into());
    world.enter_accounts().await;
    let give = async |selection: Selection| {
        let caller = world.caller("cashier", "2020-05-07", None);
        let prepared = world.one(caller, selection, |conn, command, selection| {
            Box::pin(async move { payment::prepare(conn, &command, selection).await })
        });
        prepared.await
    };
    // Nothing was approved by then.
    let early = give(Selection {
        cut_off: "2020-05-05".parse().ok(),
        ..ALL
    })
    .await;
    assert!(
        matches!(early, Err(PaymentError::NothingReady(_))),
        "{early:?}"
    );
    let limited = Selection {
        line_limit: Some(fen(20_000)),
        cut_off: "2020-05-06".parse().ok(),
        limit: 2,
    };
    let batch = give(limited).await.unwrap();
    let prepared: Vec<PayableId> = batch.lines.iter().map(|line| line.payable).collect();
    assert_eq!(prepared, ids[..2]);
    assert_eq!(batch.held_out.oldest, [(ids[2], HeldBecause::OverLimit)]);
    // Nothing has moved, and what is in it is in no other.
    assert_eq!(world.balances().await.get("F1020").copied().unwrap_or(0), 0);
    world.check_invariants().await;
    let other = prepare(&world, "cashier2", "2020-05-07").await.unwrap();
    assert_eq!(other.lines.len(), 1);

    // Given back, they are approved, and have other ids in their next batch.
    discard(&world, "cashier", "2020-05-07", batch.id)
        .await
        .unwrap();
    world.check_invariants().await;
    let late = release(None, &world, ("cashier2", "2020-05-07"), batch.id).await;
    assert!(
        matches!(late, Err(PaymentError::BatchDecided(_))),
        "{late:?}"
    );
    let again = prepare(&world, "cashier", "2020-05-07").await.unwrap();
    assert_eq!(again.lines.len(), 2);
    assert_ne!(again.lines[0].end_to_end_id, batch.lines[0].end_to_end_id);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_line_whose_account_has_changed_since_is_held_out_at_the_release() {
    let (world, _) = three_owed().await;
    approve_all(&world).await;
    world.enter_accounts().await;
    let batch = prepare(&world, "cashier", "2020-05-07").await.unwrap();
    // Proposed only: the account in force stays.
    let party = Some(world.parties["p"]);
    let new = world
        .propose_account("finance", party, "6222021001117777")
        .await
        .unwrap();
    let confirm = async || {
        world
            .confirm_accounts("finance2", AccountFilter::Ids(vec![new.account]))
            .await
            .unwrap()
    };
    confirm().await;
    // All three are the same payee's: nothing is left of the batch.
    let refused = release(None, &world, ("cashier2", "2020-05-08"), batch.id).await;
    assert!(
        matches!(refused, Err(PaymentError::AllChanged(_))),
        "{refused:?}"
    );
    world.check_invariants().await;
}

/// Two payees, of whom one changes its account between the preparation and the release.
#[tokio::test]
async fn the_rest_of_a_batch_goes_to_the_bank() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    let q = play
        .world
        .register("q", "9144030071526726XG", PartyRole::Provider)
        .await;
    play.world.parties.insert("q", q);
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a   | recommended 100000.00
        2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold i a q 40000.00 | held 20000.00 own_share=20000.00
        2020-05-05 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | clerk    | redeem i 40000.00 | redeemed 20000.00 own_share=20000.00 payee=q returned=0.00",
    )
    .await;
    let (world, changed) = (&play.world, PayableId(play.hold("i").0));
    approve_all(world).await;
    world.enter_accounts().await;
    let batch = prepare(world, "cashier", "2020-05-07").await.unwrap();
    let new = world
        .propose_account("finance", Some(q), "6222021001117777")
        .await
        .unwrap();
    world
        .confirm_accounts("finance2", AccountFilter::Ids(vec![new.account]))
        .await
        .unwrap();
    let released = release(None, world, ("cashier2", "2020-05-08"), batch.id)
        .await
        .unwrap();
    let Release::Released(released) = released else {
        panic!("{released:?}");
    };
    assert_eq!((released.lines, released.total.minor()), (1, fen(10_000)));
    assert_eq!(
        released.held_out.oldest,
        [(changed, HeldBecause::AccountChanged)]
    );
    assert_eq!(world.balances().await["F1020"], fen(10_000));
    world.check_invariants().await;
    // It goes to the new account without a new approval.
    let next = send(world, "cashier", "2020-05-09").await.unwrap();
    assert_eq!(next.lines[0].payable, changed);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_bank_s_rejections_are_owed_again_at_once_and_its_yes_pays_nothing() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let file = report(&batch, &[(0, "ACSP"), (1, "RJCT"), (2, "PDNG")]);
    let answer = status(&world, &file).await.unwrap();
    assert_eq!(
        (
            answer.rejected,
            answer.rejected_total.as_str(),
            answer.in_transit
        ),
        (1, "20000.00", 2)
    );
    let balances = world.balances().await;
    assert_eq!(
        (balances["F1020"], balances["F2010"]),
        (fen(40_000), fen(20_000))
    );
    assert_eq!(balances.get("B70").copied().unwrap_or(0), 0);
    world.check_invariants().await;

    // The same file again changes nothing, and has the same answer; another one that says the same is known.
    let (state, size) = (world.state().await, world.size().await);
    assert_eq!(status(&world, &file).await.unwrap(), answer);
    assert_eq!((world.state().await, world.size().await), (state, size));
    let other = file.replace("<MsgId>R<", "<MsgId>R2<");
    assert_eq!(status(&world, &other).await.unwrap().known, 1);

    // It goes into the next batch without a new approval; then the bank rejects that one whole.
    let second = send(&world, "cashier", "2020-05-08").await.unwrap();
    assert_eq!(second.lines.len(), 1);
    let whole = report(&second, &[]).replace("PART", "RJCT");
    assert_eq!(status(&world, &whole).await.unwrap().rejected, 1);
    assert_eq!(world.balances().await["F1020"], fen(40_000));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_status_report_that_does_not_fit_changes_nothing() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let good = report(&batch, &[(0, "RJCT"), (1, "ACSP")]);
    let (state, size) = (world.state().await, world.size().await);
    let id = &batch.lines[0].end_to_end_id;
    for (bad, why) in [
        (
            good.replace(&batch.id.0.simple().to_string(), "P120-MSG"),
            "which no batch of this zone was",
        ),
        (
            good.replace(">3</OrgnlNbOfTxs>", ">4</OrgnlNbOfTxs>"),
            "had 4 instructions",
        ),
        (
            good.replace("60000.00</OrgnlCtrlSum>", "60000.01</OrgnlCtrlSum>"),
            "came to 60000.01",
        ),
        (
            good.replace(
                &format!("<OrgnlPmtInfId>P{}<", batch.index),
                "<OrgnlPmtInfId>P0<",
            ),
            "it answers the batch \"P0\"",
        ),
        (
            good.replace(&format!("{id}<"), "P0-1<"),
            "the batch has no such instruction",
        ),
        (
            good.replace(">10000.00<", ">10000.01<"),
            "is over 10000.00, the report has 10000.01",
        ),
        (
            good.replace("<GrpSts>PART", "<GrpSts>RJCT"),
            "rejects the whole batch, but not",
        ),
    ] {
        let refused = status(&world, &bad).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert_eq!((world.state().await, world.size().await), (state, size));
}

#[tokio::test]
async fn the_file_for_the_bank_is_written_by_those_who_may_and_says_what_was_sent() {
    let (world, _) = three_approved().await;
    let batch = prepare(&world, "cashier", "2020-05-07").await.unwrap();
    let export = async |who: &str, format: ExportFormat| {
        let input = (world.vault().await, batch.id, format);
        let caller = world.caller(who, "2020-05-08", None);
        let exported = world.one(caller, input, |conn, command, (vault, batch, format)| {
            Box::pin(async move {
                payment::export_batch(conn, &command, vault, (*batch, *format)).await
            })
        });
        exported.await
    };
    let early = export("cashier", ExportFormat::Pain001).await;
    assert!(
        matches!(early, Err(PaymentError::NotReleased(_))),
        "{early:?}"
    );
    let released = release(None, &world, ("cashier2", "2020-05-07"), batch.id)
        .await
        .unwrap();
    assert!(matches!(released, Release::Released(_)));
    for who in ["manager", "auditor", "p", "clerk"] {
        let refused = export(who, ExportFormat::Csv).await;
        assert!(matches!(refused, Err(PaymentError::Forbidden(_))), "{who}");
    }
    let first = export("cashier", ExportFormat::Pain001).await.unwrap();
    assert_eq!(
        export("finance", ExportFormat::Pain001)
            .await
            .unwrap()
            .bytes,
        first.bytes
    );
    let text = String::from_utf8(first.bytes).unwrap();
    for part in [
        format!("<MsgId>{}</MsgId>", batch.id.0.simple()),
        format!("<PmtInfId>P{}</PmtInfId>", batch.index),
        format!("<EndToEndId>{}</EndToEndId>", batch.lines[2].end_to_end_id),
        "<CtrlSum>60000.00</CtrlSum>".to_owned(),
        format!("<Id>{OWN}</Id>"),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    let table =
        String::from_utf8(export("cashier", ExportFormat::Csv).await.unwrap().bytes).unwrap();
    assert_eq!(table.lines().count(), 4);
    assert!(table.contains(",6222021001100003,102290000012,"), "{table}");
    world.check_invariants().await;
}
