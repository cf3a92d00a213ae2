//! Verification of a zone with some history: it passes, and every attack on it is found and named.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};
use subsidy_ledger::db::Role as DbRole;
use subsidy_ledger::identity::Actor;
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::journal::{
    self, AccountCode, Address, Details, Effect, Entry, EntryKind, Idempotency, RecordError,
    Transfer,
};
use subsidy_ledger::log::bundle::export;
use subsidy_ledger::log::signer::Signer;
use subsidy_ledger::log::tree::{Frontier, hashes_from_bytes};
use subsidy_ledger::log::{Checkpoint, LogSigningKey};
use subsidy_ledger::types::{
    Amount, Code, Currency, FiscalYear, LogIndex, Money, PartyId, Period, Reason, VoucherId, Zone,
};
use subsidy_ledger::verify::{
    BundleOptions, DatabaseOptions, Outside, Report, verify_bundle, verify_database,
    verify_snapshot,
};
use subsidy_ledger::zone;

use crate::kit::{TestDb, run};

mod attack;
mod awards;
mod bank;
mod budget;
mod checkpoints;
mod claims;
mod commands;
mod contracts;
mod evidence;
mod facts;
mod periods;
mod recovery;
mod register;
mod rent;
mod rows;
mod runs;

/// Five full tiles, and some entries after them.
const ENTRIES: i64 = 1_400;
/// Entries that are recorded together, and signed.
const BATCH: i64 = 100;

fn begin() -> DateTime<Utc> {
    "2020-03-01T04:00:00Z".parse().unwrap()
}

/// A zone with a history of vouchers.
struct Played {
    db: TestDb,
    zone: Zone,
    data: tempfile::TempDir,
}

impl Played {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let new = NewZone {
            code: "SH".parse().unwrap(),
            name_zh: "上海".parse().unwrap(),
            name_en: "Shanghai".parse().unwrap(),
            currency: Currency::Cny,
            time: subsidy_ledger::types::ZoneTime("Asia/Shanghai".parse().unwrap()),
            origin: "log.example/sh".into(),
        };
        let (zone, system) = db
            .app()
            .write(None, new, |conn, new| {
                Box::pin(async move { zone::found(conn, begin(), new.clone()).await })
            })
            .await
            .unwrap();
        let data = tempfile::tempdir().unwrap();
        let played = Self { db, zone, data };
        played.play(&system).await;
        played
    }

    async fn play(&self, system: &Actor) {
        let mut next = 1;
        while next < ENTRIES {
            let end = (next + BATCH).min(ENTRIES - 2);
            let now = begin() + TimeDelta::minutes(next);
            let entries: Vec<Entry> = (next..end).map(|index| entry(system, index)).collect();
            if entries.is_empty() {
                break;
            }
            self.db
                .app()
                .write(
                    self.zone.id,
                    (self.zone.clone(), entries),
                    move |conn, (zone, entries)| {
                        Box::pin(async move {
                            let outcomes = journal::record(conn, zone, now, entries).await?;
                            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
                            Ok::<_, RecordError>(())
                        })
                    },
                )
                .await
                .unwrap();
            self.sign(now).await;
            next = end;
        }
        let mut tx = self.db.app().pool().begin().await.unwrap();
        subsidy_ledger::db::enter_zone(&mut tx, self.zone.id)
            .await
            .unwrap();
        let later = begin() + TimeDelta::days(400);
        let reason: Reason = "entered twice".parse().unwrap();
        let undone = LogIndex(701);
        journal::reverse(
            &mut tx,
            &self.zone,
            later,
            system.person,
            undone,
            &reason,
            None,
        )
        .await
        .unwrap();
        let year = Period::new(
            "2020-01-01".parse().unwrap(),
            Some("2021-01-01".parse().unwrap()),
        );
        journal::close_period(
            &mut tx,
            &self.zone,
            later,
            system.person,
            year.unwrap(),
            &reason,
            None,
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.sign(later).await;
    }

    fn keys(&self) -> PathBuf {
        self.data.path().join("keys")
    }

    async fn sign(&self, now: DateTime<Utc>) {
        let mut tx = self.db.app().pool().begin().await.unwrap();
        subsidy_ledger::db::enter_zone(&mut tx, self.zone.id)
            .await
            .unwrap();
        let signer = Signer::open(&mut tx, self.zone.id, &self.keys())
            .await
            .unwrap();
        signer.sign_head(&mut tx, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn outside(&self) -> Outside {
        Outside::of_signer(&self.keys(), "SH").unwrap().unwrap()
    }

    fn options(&self) -> DatabaseOptions {
        knowing(self.outside())
    }

    fn signed_last(&self) -> Vec<(String, String)> {
        self.outside().signed_last.into_iter().collect()
    }

    async fn export(&self) -> PathBuf {
        let folder = self.data.path().join("bundle");
        let mut tx = self.db.app().pool().begin().await.unwrap();
        subsidy_ledger::db::enter_zone(&mut tx, self.zone.id)
            .await
            .unwrap();
        let key = self.outside().key;
        export(&mut tx, self.zone.id, &key, &folder, &mut |_| ())
            .await
            .unwrap();
        folder
    }

    async fn verify_in(
        &self,
        conn: &mut PgConnection,
        options: &DatabaseOptions,
    ) -> Result<Report, String> {
        verify_in(conn, &self.zone, options).await
    }
}

/// Verifies what a superuser's statements, not committed, leave of a zone.
async fn verify_in(
    conn: &mut PgConnection,
    zone: &Zone,
    options: &DatabaseOptions,
) -> Result<Report, String> {
    run(conn, "SET LOCAL ROLE subsidy_ledger_auditor").await;
    subsidy_ledger::db::enter_zone(conn, zone.id).await.unwrap();
    let found = verify_snapshot(conn, zone, options, &|_, _| ()).await;
    found.map_err(|error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}

fn knowing(outside: Outside) -> DatabaseOptions {
    DatabaseOptions {
        outside: Some(outside),
        ..DatabaseOptions::default()
    }
}

/// Takes every guard away, as only a superuser can.
const DISARM: &str = "
    ALTER TABLE ledger.entry DISABLE TRIGGER ALL;
    ALTER TABLE ledger.entry DROP CONSTRAINT entry_leaf_hash_of_body;
    ALTER TABLE ledger.transfer DISABLE TRIGGER ALL;
    ALTER TABLE ledger.account DISABLE TRIGGER ALL;
    ALTER TABLE ledger.account ALTER COLUMN address DROP EXPRESSION;
    ALTER TABLE ledger.account DROP CONSTRAINT account_chart_fkey;
    ALTER TABLE ledger.control_total DISABLE TRIGGER ALL;
    ALTER TABLE ledger.closed_period DISABLE TRIGGER ALL;
    ALTER TABLE ledger.log_head DISABLE TRIGGER ALL;
    ALTER TABLE ledger.log_tile DISABLE TRIGGER ALL;
    ALTER TABLE ledger.log_checkpoint DISABLE TRIGGER ALL;
";

/// Entry 1 appropriates, entry 2 allocates; after that vouchers are issued and half of them redeemed.
fn entry(system: &Actor, index: i64) -> Entry {
    let programme: Code = "SH-2020".parse().unwrap();
    let year = FiscalYear(2020);
    let own = |code| Address::new(code, Currency::Cny).year(year);
    let of_programme = |code| own(code).programme(&programme);
    let number = u128::try_from(index - index % 2).unwrap();
    let voucher = VoucherId(uuid::Uuid::from_u128(number));
    let of_voucher = |code| of_programme(code).item(voucher);
    let payee = Address::new(AccountCode::F2010, Currency::Cny)
        .party(PartyId(uuid::Uuid::from_u128(number % 40)));
    let move_minor = |debit: Address, credit: Address, minor| {
        let amount = Amount::new(Money::from_minor(minor)).unwrap();
        Transfer::new(debit, credit, amount).unwrap()
    };
    let face = 10_000 + index % 7;
    let (kind, transfers) = match (index, index % 2) {
        (1, _) => (
            "budget.appropriated",
            vec![
                move_minor(own(AccountCode::B10), own(AccountCode::B20), 1_000_000_000),
                move_minor(
                    Address::new(AccountCode::F1010, Currency::Cny),
                    Address::new(AccountCode::F3010, Currency::Cny),
                    1_000_000_000,
                ),
            ],
        ),
        (2, _) => (
            "budget.allocated",
            vec![move_minor(
                own(AccountCode::B20),
                of_programme(AccountCode::B30),
                900_000_000,
            )],
        ),
        (_, 0) => (
            "grant.issued",
            vec![move_minor(
                of_programme(AccountCode::B30),
                of_voucher(AccountCode::B40),
                face,
            )],
        ),
        (3, _) => ("claim.refused", Vec::new()),
        _ => (
            "grant.used",
            vec![
                move_minor(
                    of_voucher(AccountCode::B40),
                    of_programme(AccountCode::B60),
                    10_000,
                ),
                move_minor(of_programme(AccountCode::F5010), payee, 10_000),
            ],
        ),
    };
    let details = serde_json::json!({"note": "某某 \"note\"", "index": index});
    Entry {
        actor: system.person,
        kind: EntryKind(kind),
        effective: begin().date_naive(),
        subject: Some(voucher.0),
        details: Details::new(&details).unwrap(),
        transfers,
        effect: Effect::Ordinary,
        idempotency: (index % 3 == 0)
            .then(|| Idempotency::new(format!("key {index}"), kind, &details)),
    }
}

#[tokio::test]
async fn a_zone_and_its_bundle_verify() {
    let played = Played::new().await;
    let auditor = played.db.connect(DbRole::Auditor).await;
    let verify = async |options| {
        verify_database(&auditor, &played.zone, options, |done, size| {
            assert!(done <= size);
        })
        .await
        .unwrap()
    };
    let online = verify(played.options()).await;
    assert_eq!((online.size, online.passes), (1_400, 1));
    // One after each batch, one at the end; and the signer's own.
    assert_eq!((online.checkpoints, online.warnings.len()), (16, 0));
    let (authority, money) = (&online.books[0], &online.books[1]);
    assert_eq!(authority.debits, authority.credits);
    assert_eq!(
        money.debits,
        Money::from_minor(1_000_000_000 + 698 * 10_000)
    );

    let unsigned = verify(DatabaseOptions::default()).await;
    assert!(unsigned.warnings[0].contains("--vkey"), "{unsigned:?}");

    let folder = played.export().await;
    let outside = played.outside();
    let options = BundleOptions {
        key: Some(outside.key),
        pinned: outside.signed_last.into_iter().collect(),
        ..BundleOptions::default()
    };
    let offline = verify_bundle(&folder, &options, &mut |_, _| ()).unwrap();
    assert_eq!(offline.checkpoints, 2);
    let comparable = |report: &Report| Report {
        checkpoints: 0,
        passes: 0,
        warnings: Vec::new(),
        ..report.clone()
    };
    assert_eq!(comparable(&offline), comparable(&online));

    // With little memory it takes longer, and finds the same.
    let frugal = BundleOptions {
        limit: 50,
        ..BundleOptions::default()
    };
    let offline = verify_bundle(&folder, &frugal, &mut |_, _| ()).unwrap();
    assert!(offline.passes > 8 && offline.warnings[0].contains("the bundle's own"));
    assert_eq!(comparable(&offline), comparable(&online));
    let frugal = verify(DatabaseOptions {
        limit: 50,
        ..played.options()
    })
    .await;
    assert!(frugal.passes > 8);
    assert_eq!(comparable(&frugal), comparable(&online));
}

/// What a superuser does, and what is found.
const ATTACKS: &[(&str, &str)] = &[
    // Amounts.
    (
        "UPDATE ledger.transfer SET amount = amount - 1 WHERE log_index = 500",
        "ledger.transfer, log_index 500, position 0: amount is 10002, but 10003 follows",
    ),
    (
        "UPDATE ledger.entry SET body = replace(body::text, '3130302e3033', '3130302e3034')::bytea
         WHERE log_index = 500",
        "ledger.entry, log_index 500: leaf_hash is \\x",
    ),
    (
        "UPDATE ledger.entry SET body = replace(body::text, '3130302e3033', '3130302e3034')::bytea
         WHERE log_index = 500;
         UPDATE ledger.entry SET leaf_hash = sha256('\\x00' || body) WHERE log_index = 500",
        "ledger.log_tile, level 0, number 1, of entry 500: hash 244 of hashes is \\x",
    ),
    // The same in the part that no tile covers yet.
    (
        "UPDATE ledger.entry SET body = replace(body::text, '3130302e3030', '3130302e3035')::bytea
         WHERE log_index = 1301;
         UPDATE ledger.entry SET leaf_hash = sha256('\\x00' || body) WHERE log_index = 1301",
        "ledger.transfer, log_index 1301, position 0: amount is 10000, but 10005 follows",
    ),
    (
        "UPDATE ledger.entry SET body = replace(body::text, '6e6f7465', '6e6f7466')::bytea
         WHERE log_index = 1301;
         UPDATE ledger.entry SET leaf_hash = sha256('\\x00' || body) WHERE log_index = 1301",
        "the first 1398 entries are not those that were signed (ledger.log_checkpoint, size 1398)",
    ),
    // Balances.
    (
        "UPDATE ledger.account SET credits = credits + 1 WHERE address = 'B60:CNY:SH-2020:2020'",
        "ledger.account, B60:CNY:SH-2020:2020: credits is 6970001, but 6970000 follows",
    ),
    (
        "UPDATE ledger.control_total SET debits = debits + 1 WHERE code = 'F1010'",
        "ledger.control_total, F1010:CNY::0: debits, credits is 1000000001, 0, but 1000000000, 0 follows",
    ),
    (
        "DELETE FROM ledger.control_total WHERE code = 'F3010'",
        "ledger.control_total, F3010:CNY::0: debits, credits is , but 0, 1000000000 follows",
    ),
    (
        "UPDATE ledger.transfer SET debits_after = debits_after + 1 WHERE log_index = 501 AND position = 1",
        "ledger.transfer, log_index 501, position 1: debits_after is",
    ),
    (
        "UPDATE ledger.transfer SET credits_after = credits_after + 1 WHERE log_index = 500",
        "ledger.transfer, log_index 500, position 0: credits_after is 10004, but 10003 follows",
    ),
    // The tree.
    (
        "UPDATE ledger.entry SET leaf_hash = sha256('x') WHERE log_index = 77",
        "ledger.entry, log_index 77: leaf_hash is",
    ),
    (
        "UPDATE ledger.log_tile SET hashes = overlay(hashes PLACING sha256('x') FROM 33) WHERE number = 2",
        "ledger.log_tile, level 0, number 2, of entry 513: hash 1 of hashes is",
    ),
    (
        "UPDATE ledger.log_tile SET root = sha256('x') WHERE number = 3",
        "ledger.log_tile, level 0, number 3: root is",
    ),
    (
        "DELETE FROM ledger.log_tile WHERE number = 4",
        "ledger.log_tile, level 0, number 4: the row is missing",
    ),
    (
        "INSERT INTO ledger.log_tile SELECT zone_id, 1, 0, hashes, root FROM ledger.log_tile WHERE number = 4",
        "ledger.log_tile, level 1, number 0: the row is there, but none follows",
    ),
    (
        "UPDATE ledger.log_head SET frontier = overlay(frontier PLACING sha256('x') FROM 1)",
        "ledger.log_head, zone SH: frontier is",
    ),
    (
        "UPDATE ledger.log_head SET recorded_at = recorded_at + interval '1 hour'",
        "ledger.log_head, zone SH: recorded_at is",
    ),
    (
        "UPDATE ledger.log_checkpoint SET root = sha256('x') WHERE size = 301",
        "ledger.log_checkpoint, size 301: size, root is 301",
    ),
    (
        "UPDATE ledger.log_checkpoint SET note = replace(note, '301', '302') WHERE size = 301",
        "ledger.log_checkpoint, size 301 is not accepted: the checkpoint's signature of the key",
    ),
    // Entries.
    (
        "DELETE FROM ledger.entry WHERE log_index = 600; DELETE FROM ledger.transfer WHERE log_index = 600",
        "ledger.entry, log_index 600: the row is missing",
    ),
    (
        "DELETE FROM ledger.entry WHERE log_index = 1399",
        "ledger.entry, log_index 1399: the row is missing",
    ),
    (
        "INSERT INTO ledger.entry SELECT zone_id, 1400, recorded_at, reverses + 1, actor_id, subject_id,
             effective, adjusting, kind, idempotency_key, request_sha256, leaf_hash, body
         FROM ledger.entry WHERE log_index = 1399",
        "ledger.entry, log_index 1400: the row is there, but none follows",
    ),
    (
        "UPDATE ledger.entry SET log_index = 5000 WHERE log_index = 800;
         UPDATE ledger.entry SET log_index = 800 WHERE log_index = 801;
         UPDATE ledger.entry SET log_index = 801 WHERE log_index = 5000",
        "ledger.log_tile, level 0, number 3, of entry 800: hash 32 of hashes is",
    ),
    (
        "UPDATE ledger.entry SET recorded_at = recorded_at - interval '1 day' WHERE log_index = 900",
        "ledger.entry, log_index 900: recorded_at is 2020-02-29",
    ),
    (
        "UPDATE ledger.entry SET effective = '2019-12-31' WHERE log_index = 900",
        "ledger.entry, log_index 900: effective is 2019-12-31, but 2020-03-01 follows",
    ),
    (
        "UPDATE ledger.entry SET kind = 'voucher.expired' WHERE log_index = 900",
        "ledger.entry, log_index 900: kind is voucher.expired, but grant.issued follows",
    ),
    (
        "UPDATE ledger.entry SET adjusting = true WHERE log_index = 900",
        "ledger.entry, log_index 900: adjusting is true, but false follows",
    ),
    (
        "UPDATE ledger.entry SET reverses = 5 WHERE log_index = 900",
        "ledger.entry, log_index 900: reverses is Some(5), but None follows",
    ),
    (
        "UPDATE ledger.entry SET actor_id = gen_random_uuid() WHERE log_index = 900",
        "ledger.entry, log_index 900: actor_id is",
    ),
    (
        "UPDATE ledger.entry SET subject_id = NULL WHERE log_index = 900",
        "ledger.entry, log_index 900: subject_id is None",
    ),
    (
        "UPDATE ledger.entry SET idempotency_key = 'other' WHERE log_index = 900",
        "ledger.entry, log_index 900: idempotency_key is Some(\"other\")",
    ),
    (
        "UPDATE ledger.entry SET request_sha256 = sha256('x') WHERE log_index = 900",
        "ledger.entry, log_index 900: request_sha256 is Some(",
    ),
    // Transfers.
    (
        "INSERT INTO ledger.transfer SELECT log_index, debit_account_id, credit_account_id, amount,
             debits_after, credits_after, zone_id, 2 FROM ledger.transfer
         WHERE log_index = 501 AND position = 1",
        "ledger.transfer, log_index 501, position 2: the row is there, but none follows",
    ),
    (
        "INSERT INTO ledger.transfer SELECT 5000, debit_account_id, credit_account_id, amount,
             debits_after, credits_after, zone_id, 0 FROM ledger.transfer WHERE log_index = 500",
        "ledger.transfer, log_index 5000, position 0: the row is there, but none follows",
    ),
    (
        "INSERT INTO ledger.transfer SELECT -3, debit_account_id, credit_account_id, amount,
             debits_after, credits_after, zone_id, 0 FROM ledger.transfer WHERE log_index = 500",
        "ledger.transfer, log_index -3, position 0: the row is there, but none follows",
    ),
    (
        "DELETE FROM ledger.transfer WHERE log_index = 501 AND position = 1",
        "ledger.transfer, log_index 501, position 1: the row is missing",
    ),
    (
        "UPDATE ledger.transfer SET credit_account_id = (SELECT account_id FROM ledger.account
             WHERE address = 'F1010:CNY') WHERE log_index = 501 AND position = 1",
        "ledger.transfer, log_index 501, position 1: credit_account_id is F1010:CNY, but F2010:CNY:::",
    ),
    (
        "UPDATE ledger.transfer SET debit_account_id = 0 WHERE log_index = 500",
        "ledger.transfer, log_index 500, position 0: debit_account_id is no account, but B30:CNY",
    ),
    // Accounts.
    (
        "INSERT INTO ledger.account (zone_id, normal_side, guarded, currency, code, address)
         SELECT zone_id, 'C', true, 'CNY', 'B70', 'B70:CNY' FROM ledger.zone",
        "ledger.account, B70:CNY: the row is there, but none follows",
    ),
    (
        "UPDATE ledger.account SET guarded = false WHERE address = 'B60:CNY:SH-2020:2020'",
        "ledger.account, B60:CNY:SH-2020:2020: guarded is false, but true follows",
    ),
    (
        "UPDATE ledger.account SET programme = 'SH-2021' WHERE address = 'B60:CNY:SH-2020:2020'",
        "ledger.account, B60:CNY:SH-2020:2020: code, currency, programme",
    ),
    (
        "UPDATE ledger.chart SET guarded = false WHERE code = 'B30'",
        "ledger.chart, B30: normal_side, guarded is C false, but C true follows",
    ),
    (
        "INSERT INTO ledger.chart VALUES ('B99', DEFAULT, 'C', false, '-', '-')",
        "ledger.chart, B99: normal_side, guarded is C false, but no such row follows",
    ),
    // Periods and the zone itself.
    (
        "DELETE FROM ledger.closed_period",
        "ledger.closed_period, 2020-01-01 to 2021-01-01: the row is missing",
    ),
    (
        "INSERT INTO ledger.closed_period SELECT zone_id, '2021-01-01', '2022-01-01', 7 FROM ledger.zone",
        "ledger.closed_period, 2021-01-01 to 2022-01-01: log_index is 7",
    ),
    (
        "UPDATE ledger.zone SET time_zone = 'UTC'",
        "ledger.zone, SH: time_zone is UTC, but Asia/Shanghai follows",
    ),
    (
        "UPDATE ledger.zone SET name_en = 'Shenzhen'",
        "ledger.zone, SH: name_en is Shenzhen, but Shanghai follows",
    ),
];

#[tokio::test]
async fn every_attack_on_the_database_is_found_and_named() {
    let played = Played::new().await;
    let mut conn = played.db.superuser().await;
    for (attack, finding) in ATTACKS {
        let mut tx = conn.begin().await.unwrap();
        run(&mut tx, DISARM).await;
        if attack.contains("ledger.chart") {
            run(&mut tx, "ALTER TABLE ledger.account DISABLE TRIGGER ALL").await;
        }
        run(&mut tx, attack).await;
        let found = played.verify_in(&mut tx, &played.options()).await;
        let message = found.expect_err(attack);
        assert!(
            message.contains(finding),
            "{attack}\nfound: {message}\nnot: {finding}"
        );
        tx.rollback().await.unwrap();
    }
    let mut tx = conn.begin().await.unwrap();
    played.verify_in(&mut tx, &played.options()).await.unwrap();
}

/// Makes head and checkpoints fit the entries again, with the right key.
async fn sign_again(played: &Played, conn: &mut PgConnection) {
    let hashes: Vec<u8> =
        sqlx::query_scalar("SELECT string_agg(leaf_hash, '' ORDER BY log_index) FROM ledger.entry")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    let mut tree = Frontier::new();
    tree.extend(&hashes_from_bytes(&hashes).unwrap());
    let key = fs::read_to_string(played.keys().join("SH.skey")).unwrap();
    let key: LogSigningKey = key.parse().unwrap();
    let checkpoint = Checkpoint::sign(&key, tree.size(), tree.root());
    let size = i64::try_from(tree.size()).unwrap();
    sqlx::query(
        "WITH newest AS (SELECT max(recorded_at) AS at FROM ledger.entry), forged AS (
             INSERT INTO ledger.log_checkpoint SELECT zone_id, $1, $3, $4, at FROM ledger.zone, newest)
         UPDATE ledger.log_head SET size = $1, frontier = $2, recorded_at = at FROM newest",
    )
    .bind(size)
    .bind(tree.to_bytes())
    .bind(checkpoint.root().0.as_slice())
    .bind(checkpoint.note())
    .execute(conn)
    .await
    .unwrap();
}

const FORGET_TAIL: &str = "
    DELETE FROM ledger.entry WHERE log_index >= 1350;
    DELETE FROM ledger.transfer WHERE log_index >= 1350;
    DELETE FROM ledger.closed_period;
    DELETE FROM ledger.log_checkpoint WHERE size >= 1350;
    UPDATE ledger.account a SET
        debits = coalesce((SELECT sum(amount) FROM ledger.transfer WHERE debit_account_id = account_id), 0),
        credits = coalesce((SELECT sum(amount) FROM ledger.transfer WHERE credit_account_id = account_id), 0);
    DELETE FROM ledger.account WHERE debits = 0 AND credits = 0;
    UPDATE ledger.control_total t SET (debits, credits) = (
        SELECT sum(debits), sum(credits) FROM ledger.account a
        WHERE a.code = t.code AND coalesce(a.programme, '') = t.programme
            AND coalesce(a.fiscal_year, 0) = t.fiscal_year);
";

const REWRITE_TAIL: &str = "
    UPDATE ledger.entry SET body = replace(body::text, '6e6f7465', '6e6f7466')::bytea WHERE log_index = 1350;
    UPDATE ledger.entry SET leaf_hash = sha256('\\x00' || body) WHERE log_index = 1350;
    DELETE FROM ledger.log_checkpoint WHERE size >= 1350;
";

#[tokio::test]
async fn a_tail_that_was_cut_or_rewritten_and_signed_again_is_found_by_what_was_kept() {
    let played = Played::new().await;
    let options = |pinned: Vec<(String, String)>| {
        knowing(Outside {
            signed_last: None,
            pinned,
            ..played.outside()
        })
    };
    let signed_last = played.signed_last();
    let mut conn = played.db.superuser().await;
    let signed_before: String =
        sqlx::query_scalar("SELECT note FROM ledger.log_checkpoint WHERE size = 1301")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    let cases = [
        (
            FORGET_TAIL,
            "the log has 1350 entries, but 1400 were signed",
        ),
        (
            REWRITE_TAIL,
            "the first 1400 entries are not those that were signed",
        ),
    ];
    for (attack, finding) in cases {
        for (pinned, finds) in [
            (signed_last.clone(), true),
            // Honestly: a checkpoint older than the edit can't show it.
            (vec![("older".to_owned(), signed_before.clone())], false),
            (Vec::new(), false),
        ] {
            let mut tx = conn.begin().await.unwrap();
            run(&mut tx, DISARM).await;
            run(&mut tx, attack).await;
            sign_again(&played, &mut tx).await;
            let found = played.verify_in(&mut tx, &options(pinned)).await;
            match found {
                Err(message) => assert!(finds && message.contains(finding), "{message}"),
                Ok(report) => assert!(!finds, "{report:?}"),
            }
            tx.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_attack_on_a_bundle_is_found_and_named() {
    let played = Played::new().await;
    let folder = played.export().await;
    let verify = |pinned: Vec<(String, String)>| {
        let options = BundleOptions {
            key: Some(played.outside().key),
            pinned,
            ..BundleOptions::default()
        };
        verify_bundle(&folder, &options, &mut |_, _| ()).map_err(|error| {
            let source = std::error::Error::source(&error);
            source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        })
    };
    verify(played.signed_last()).unwrap();
    let change = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let file = folder.join(path);
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        change(&mut bad);
        fs::write(&file, bad).unwrap();
        let found = verify(Vec::new());
        fs::write(&file, good).unwrap();
        found.unwrap_err()
    };
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    for (path, at, finding) in [
        (
            "tile/entries/001",
            900,
            "entry 258 (tile/entries/001): leaf hash differs from tile/0/001",
        ),
        (
            "tile/0/002",
            70,
            "entry 514 (tile/entries/002): leaf hash differs from tile/0/002",
        ),
        (
            "tile/1/000.p/5",
            40,
            "tile/1/000.p/5: hash 1 differs from the root of tile/0/001",
        ),
        ("checkpoint", 20, "checkpoint is not accepted"),
    ] {
        let found = change(path, &flip(at));
        assert!(found.contains(finding), "{path}: {found}");
    }

    // Another key's bundle, and another log's checkpoint.
    let stranger = LogSigningKey::generate("log.example/sh").unwrap();
    let note = Checkpoint::sign(&stranger, 3, leaf(&folder))
        .note()
        .to_owned();
    let found = verify(vec![("theirs".into(), note)]).unwrap_err();
    assert!(found.contains("theirs is not accepted"), "{found}");
    let key = fs::read_to_string(played.keys().join("SH.skey")).unwrap();
    let key: LogSigningKey = key.parse().unwrap();
    for (size, finding) in [
        (
            3,
            "the first 3 entries are not those that were signed (kept)",
        ),
        (
            1_401,
            "the log has 1400 entries, but 1401 were signed (kept): its tail was cut",
        ),
    ] {
        let note = Checkpoint::sign(&key, size, leaf(&folder))
            .note()
            .to_owned();
        let found = verify(vec![("kept".into(), note)]).unwrap_err();
        assert!(found.contains(finding), "{found}");
    }
}

/// Some hash, which is no root.
fn leaf(folder: &Path) -> subsidy_ledger::log::Hash {
    hashes_from_bytes(&fs::read(folder.join("tile/0/000")).unwrap()).unwrap()[0]
}
