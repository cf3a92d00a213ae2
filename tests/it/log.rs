//! The log in a database: growth, proofs, the signer's refusals, bundles and what is wrong in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};
use subsidy_ledger::clock::Clock;
use subsidy_ledger::log::bundle::{
    BundleError, BundleReader, ExportError, Exported, Fault, export,
};
use subsidy_ledger::log::proof::{check_consistency, check_inclusion};
use subsidy_ledger::log::signer::{self, Signer, SignerError, SignerStatus};
use subsidy_ledger::log::tile::{LogFile, TileId};
use subsidy_ledger::log::tree::Frontier;
use subsidy_ledger::log::{self, Checkpoint, Hash, LogError, Receipt, leaf_hash, store};
use subsidy_ledger::types::{PersonId, ZoneId};
use tokio::sync::watch;

use crate::kit::TestDb;

fn noon() -> DateTime<Utc> {
    "2026-03-01T04:00:00Z".parse().unwrap()
}

/// A zone with a log, and what it should contain.
struct TestLog {
    pool: PgPool,
    zone: ZoneId,
    actor: PersonId,
    leaves: Vec<Hash>,
    data: tempfile::TempDir,
    _db: TestDb,
}

impl TestLog {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let pool = db.superuser_pool().await;
        let zone: i32 = sqlx::query_scalar(
            "INSERT INTO ledger.zone (code, name_zh, name_en, currency, time_zone, origin, created_at)
             VALUES ('SH', '上海', 'Shanghai', 'CNY', 'Asia/Shanghai', 'log.example/sh', $1)
             RETURNING zone_id",
        )
        .bind(noon())
        .fetch_one(&pool)
        .await
        .unwrap();
        let actor = PersonId::generate();
        sqlx::query(
            "INSERT INTO ledger.person (zone_id, person_id, login, name, created_at)
             VALUES ($1, $2, 'ann', 'Ann', $3)",
        )
        .bind(zone)
        .bind(actor.0)
        .bind(noon())
        .execute(&pool)
        .await
        .unwrap();
        let zone = ZoneId(zone);
        log::open(&mut pool.acquire().await.unwrap(), zone, noon())
            .await
            .unwrap();
        let data = tempfile::tempdir().unwrap();
        Self {
            pool,
            zone,
            actor,
            leaves: Vec::new(),
            data,
            _db: db,
        }
    }

    /// Records `count` entries in one transaction, as the journal does.
    async fn grow(&mut self, count: usize) {
        let first = self.leaves.len();
        let bodies: Vec<Vec<u8>> = (first..first + count).map(body).collect();
        let leaves: Vec<Hash> = bodies.iter().map(|body| leaf_hash(body)).collect();
        let mut tx = self.pool.begin().await.unwrap();
        let head = log::lock_head(&mut tx, self.zone).await.unwrap();
        assert_eq!(usize::try_from(head.size()).unwrap(), first);
        let indices: Vec<i64> = (head.size()..).take(count).collect();
        let head = log::append(&mut tx, self.zone, head, &leaves, noon())
            .await
            .unwrap();
        sqlx::query(
            "WITH head AS (UPDATE ledger.log_head SET size = $7, frontier = $8 WHERE zone_id = $1)
             INSERT INTO ledger.entry (zone_id, log_index, recorded_at, actor_id, effective, adjusting,
                 kind, leaf_hash, body)
             SELECT $1, i, $2, $3, $4, false, 'test.entry', sha256('\\x00'::bytea || b), b
             FROM UNNEST($5::bigint[], $6::bytea[]) AS t (i, b)",
        )
        .bind(self.zone.0)
        .bind(noon())
        .bind(self.actor.0)
        .bind(NaiveDate::from_ymd_opt(2026, 3, 1).unwrap())
        .bind(indices)
        .bind(bodies)
        .bind(head.size())
        .bind(head.frontier().to_bytes())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.leaves.extend(leaves);
    }

    fn root(&self, size: usize) -> Hash {
        let mut tree = Frontier::new();
        tree.extend(&self.leaves[..size]);
        tree.root()
    }

    fn keys(&self) -> PathBuf {
        self.data.path().join("keys")
    }

    fn key_file(&self, extension: &str) -> PathBuf {
        self.keys().join(format!("SH.{extension}"))
    }

    async fn signer(&self) -> Result<Signer, SignerError> {
        Signer::open(
            &mut self.pool.acquire().await.unwrap(),
            self.zone,
            &self.keys(),
        )
        .await
    }

    async fn sign(&self) -> Result<Option<Checkpoint>, SignerError> {
        let signer = self.signer().await?;
        let mut tx = self.pool.begin().await.unwrap();
        let checkpoint = signer.sign_head(&mut tx, noon()).await?;
        tx.commit().await.unwrap();
        Ok(checkpoint)
    }

    async fn export(&self, folder: &Path) -> Result<Exported, ExportError> {
        let key = self.signer().await.unwrap().verifier();
        let mut conn = self.pool.acquire().await.unwrap();
        export(&mut conn, self.zone, &key, folder, &mut |_| ()).await
    }

    async fn receipt(&self, index: u64) -> Result<Receipt, LogError> {
        store::receipt(&mut self.pool.acquire().await.unwrap(), self.zone, index).await
    }

    /// What a superuser can do to the database.
    async fn tamper(&self, statement: &'static str) {
        let mut tx = self.pool.begin().await.unwrap();
        for guard in ["log_head", "log_tile", "log_checkpoint", "entry"] {
            let off = format!("ALTER TABLE ledger.{guard} DISABLE TRIGGER USER");
            execute(&mut tx, off).await;
        }
        execute(&mut tx, statement.to_owned()).await;
        for guard in ["log_head", "log_tile", "log_checkpoint", "entry"] {
            let on = format!("ALTER TABLE ledger.{guard} ENABLE TRIGGER USER");
            execute(&mut tx, on).await;
        }
        tx.commit().await.unwrap();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "statements of this file, with no input in them"
)]
async fn execute(conn: &mut PgConnection, statement: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(conn)
        .await
        .unwrap();
}

fn body(index: usize) -> Vec<u8> {
    format!(r#"{{"index":"{index}","kind":"test.entry"}}"#).into_bytes()
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

#[tokio::test]
async fn grows_and_proves_at_every_size() {
    let mut log = TestLog::new().await;
    for count in [1, 254, 1, 1, 600, 255, 66_000, 300] {
        log.grow(count).await;
    }
    let total = log.leaves.len();
    let mut conn = log.pool.acquire().await.unwrap();
    let head = log::head(&mut conn, log.zone).await.unwrap();
    assert_eq!(head.frontier().root(), log.root(total));
    for size in [1, 2, 255, 256, 257, 1_112, 65_535, 65_536, 65_537, total] {
        let root = log.root(size);
        let at = as_u64(size);
        assert_eq!(store::root_at(&mut conn, log.zone, at).await.unwrap(), root);
        for index in [0, size / 3, size / 2, size - 1] {
            let proof = store::prove_inclusion(&mut conn, log.zone, as_u64(index), at)
                .await
                .unwrap();
            let leaf = log.leaves[index];
            assert_eq!(
                check_inclusion(&proof, as_u64(index), leaf, at, root),
                Ok(())
            );
        }
        let proof = store::prove_consistency(&mut conn, log.zone, at, as_u64(total))
            .await
            .unwrap();
        let now = (as_u64(total), log.root(total));
        assert_eq!(check_consistency(&proof, (at, root), now), Ok(()));
    }
    let beyond = store::prove_inclusion(&mut conn, log.zone, 0, as_u64(total) + 1).await;
    assert!(
        matches!(beyond, Err(LogError::TooShort { .. })),
        "{beyond:?}"
    );
}

#[tokio::test]
async fn files_end_where_the_log_ends() {
    let mut log = TestLog::new().await;
    log.grow(300).await;
    let mut conn = log.pool.acquire().await.unwrap();
    for (path, bytes) in [
        ("tile/0/000", Some(8_192)),
        ("tile/0/001.p/44", Some(44 * 32)),
        ("tile/0/001.p/45", None),
        ("tile/0/001", None),
        ("tile/1/000.p/1", Some(32)),
        ("tile/1/000.p/2", None),
        ("tile/2/000.p/1", None),
        ("tile/7/000.p/127", None),
    ] {
        let Some(LogFile::Tile(id)) = LogFile::parse(path) else {
            panic!("{path}")
        };
        let tile = store::read_tile(&mut conn, log.zone, id).await.unwrap();
        assert_eq!(tile.map(|tile| tile.len()), bytes, "{path}");
    }
    let last = store::read_entry_bundle(&mut conn, log.zone, 1, 44)
        .await
        .unwrap()
        .unwrap();
    assert!(last.ends_with(&body(299)));
    assert_eq!(
        store::read_entry_bundle(&mut conn, log.zone, 1, 45)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn the_signer_signs_what_has_grown() {
    let mut log = TestLog::new().await;
    assert_eq!(log.sign().await.unwrap().unwrap().size(), 0);
    assert_eq!(log.sign().await.unwrap(), None);
    log.grow(700).await;
    let first = log.sign().await.unwrap().unwrap();
    assert_eq!((first.size(), first.root()), (700, log.root(700)));
    log.grow(1).await;
    assert!(matches!(
        log.receipt(700).await,
        Err(LogError::NotSigned { index: 700 })
    ));
    log.sign().await.unwrap().unwrap();

    let receipt: Receipt = log.receipt(700).await.unwrap().to_string().parse().unwrap();
    let key = log.signer().await.unwrap().verifier();
    assert_eq!(receipt.verify(&key).unwrap().size(), 701);
    assert_eq!(receipt.body, body(700));
}

#[tokio::test]
async fn a_checkpoint_that_was_not_published_is_published_later() {
    let mut log = TestLog::new().await;
    log.grow(5).await;
    let signer = log.signer().await.unwrap();
    let mut tx = log.pool.begin().await.unwrap();
    let unpublished = signer.sign_head(&mut tx, noon()).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(log.sign().await.unwrap(), unpublished);
    assert_eq!(log.sign().await.unwrap(), None);
}

#[tokio::test]
async fn nothing_uncommitted_is_signed() {
    let log = TestLog::new().await;
    let signer = log.signer().await.unwrap();
    let mut tx = log.pool.begin().await.unwrap();
    log::lock_head(&mut tx, log.zone).await.unwrap();
    let refused = signer.sign_head(&mut tx, noon()).await;
    assert!(
        matches!(refused, Err(SignerError::AfterWriting)),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_signers_do_not_fork() {
    let mut log = TestLog::new().await;
    log.grow(10).await;
    let (one, other) = tokio::join!(log.sign(), log.sign());
    let signed = [one.unwrap(), other.unwrap()];
    assert!(
        signed
            .iter()
            .flatten()
            .all(|checkpoint| checkpoint.root() == log.root(10))
    );
    assert_eq!(log.sign().await.unwrap(), None);
}

#[tokio::test]
async fn the_service_signs_until_it_is_stopped() {
    let mut log = TestLog::new().await;
    log.grow(4).await;
    let (status, mut statuses) = watch::channel(SignerStatus::Starting);
    let (stop, stopped) = watch::channel(false);
    let (signer, clock) = (log.signer().await.unwrap(), Clock::Fixed(noon()));
    let often = Duration::from_millis(20);
    let running = tokio::spawn(signer::run(
        signer,
        log.pool.clone(),
        clock,
        often,
        status,
        stopped,
    ));
    let signing = SignerStatus::Signing { seen_at: noon() };
    statuses
        .wait_for(|status| *status == signing)
        .await
        .unwrap();
    assert_eq!(log.sign().await.unwrap(), None);

    fs::rename(log.key_file("checkpoint"), log.data.path().join("away")).unwrap();
    let failing = |status: &SignerStatus| matches!(status, SignerStatus::Failing { .. });
    statuses.wait_for(failing).await.unwrap();
    fs::rename(log.data.path().join("away"), log.key_file("checkpoint")).unwrap();
    statuses
        .wait_for(|status| *status == signing)
        .await
        .unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn the_signer_refuses_what_does_not_extend_its_memory() {
    let mut log = TestLog::new().await;
    log.grow(600).await;
    log.sign().await.unwrap();
    log.grow(10).await;

    log.tamper("UPDATE ledger.log_tile SET root = sha256('x') WHERE number = 0")
        .await;
    let refused = log.sign().await;
    assert!(
        matches!(
            refused,
            Err(SignerError::Rewritten {
                size: 610,
                pinned: 600
            })
        ),
        "{refused:?}"
    );

    log.tamper(
        "DELETE FROM ledger.log_checkpoint;
         UPDATE ledger.log_head SET size = 512,
             frontier = (SELECT sha256(string_agg(root, '')) FROM ledger.log_tile)",
    )
    .await;
    let refused = log.sign().await;
    assert!(
        matches!(
            refused,
            Err(SignerError::Shrunk {
                size: 512,
                pinned: 600
            })
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_key_folder_must_be_whole() {
    use std::os::unix::fs::PermissionsExt;
    let mut log = TestLog::new().await;
    log.grow(3).await;
    log.sign().await.unwrap();
    let mode = fs::metadata(log.key_file("skey"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let pin = fs::read(log.key_file("checkpoint")).unwrap();
    fs::remove_file(log.key_file("checkpoint")).unwrap();
    let refused = log.sign().await;
    assert!(
        matches!(
            refused,
            Err(SignerError::PinBehind {
                pinned: None,
                published: 3,
                ..
            })
        ),
        "{refused:?}"
    );
    fs::write(log.key_file("checkpoint"), &pin[..pin.len() / 2]).unwrap();
    assert!(matches!(log.sign().await, Err(SignerError::Content { .. })));
    fs::write(log.key_file("checkpoint"), &pin).unwrap();
    assert_eq!(log.sign().await.unwrap(), None);

    let exposed = fs::Permissions::from_mode(0o640);
    fs::set_permissions(log.key_file("skey"), exposed).unwrap();
    assert!(matches!(log.sign().await, Err(SignerError::KeyExposed(_))));
    fs::remove_file(log.key_file("skey")).unwrap();
    assert!(matches!(
        log.sign().await,
        Err(SignerError::KeyMissing { .. })
    ));
}

fn check(bundle: &Path) -> Result<u64, BundleError> {
    let mut entries = 0;
    BundleReader::open(bundle, None)?.check(|chunk| entries += as_u64(chunk.len()))?;
    Ok(entries)
}

fn partial_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(partial_files(&entry.path()));
        } else if folder.to_string_lossy().ends_with(".p") {
            found.push(entry.path().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test]
async fn a_bundle_is_exported_and_extended() {
    let mut log = TestLog::new().await;
    let bundle = log.data.path().join("bundle");
    assert!(matches!(
        log.export(&bundle).await,
        Err(ExportError::NoCheckpoint)
    ));
    log.sign().await.unwrap();
    assert_eq!(
        log.export(&bundle).await.unwrap(),
        Exported { from: 0, size: 0 }
    );
    assert_eq!(check(&bundle).unwrap(), 0);
    let mut from = 0;
    for grown in [100, 156, 1, 65_536, 0, 300] {
        log.grow(grown).await;
        log.sign().await.unwrap();
        let size = from + as_u64(grown);
        assert_eq!(log.export(&bundle).await.unwrap(), Exported { from, size });
        assert_eq!(check(&bundle).unwrap(), size);
        from = size;
    }
    // 66,093 entries: a partial tile on levels 0, 1 and 2, and a partial bundle.
    assert_eq!(
        partial_files(&bundle).len(),
        4,
        "{:?}",
        partial_files(&bundle)
    );

    let occupied = log.data.path();
    assert!(matches!(
        log.export(occupied).await,
        Err(ExportError::Occupied(_))
    ));
}

#[tokio::test]
async fn a_rewritten_log_does_not_extend_a_bundle() {
    let mut log = TestLog::new().await;
    let bundle = log.data.path().join("bundle");
    log.grow(300).await;
    log.sign().await.unwrap();
    log.export(&bundle).await.unwrap();
    log.grow(300).await;
    log.sign().await.unwrap();
    log.tamper("UPDATE ledger.log_tile SET root = sha256('x') WHERE number = 0")
        .await;
    let refused = log.export(&bundle).await;
    assert!(
        matches!(
            refused,
            Err(ExportError::NotExtending {
                old: 300,
                size: 600
            })
        ),
        "{refused:?}"
    );
    assert_eq!(check(&bundle).unwrap(), 300);
}

#[tokio::test]
async fn the_first_wrong_thing_in_a_bundle_is_named() {
    let mut log = TestLog::new().await;
    let bundle = log.data.path().join("bundle");
    log.grow(66_000).await;
    log.sign().await.unwrap();
    log.export(&bundle).await.unwrap();
    assert_eq!(check(&bundle).unwrap(), 66_000);
    let with = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let file = bundle.join(path);
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        change(&mut bad);
        fs::write(&file, bad).unwrap();
        let error = check(&bundle).unwrap_err();
        fs::write(&file, good).unwrap();
        match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}").replace(&*bundle.to_string_lossy(), "B"),
            None => error.to_string(),
        }
    };
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;

    assert_eq!(
        with("tile/entries/004", &flip(9)),
        "entry 1024 (tile/entries/004): leaf hash differs from tile/0/004"
    );
    assert_eq!(
        with("tile/0/004", &flip(210 * 32)),
        "entry 1234 (tile/entries/004): leaf hash differs from tile/0/004"
    );
    assert_eq!(
        with("tile/1/000", &flip(17 * 32 + 31)),
        "tile/1/000: hash 17 differs from the root of tile/0/017"
    );
    assert_eq!(
        with("tile/2/000.p/1", &flip(0)),
        "tile/2/000.p/1: hash 0 differs from the root of tile/1/000"
    );
    assert_eq!(
        with("tile/entries/007", &|bytes| bytes.truncate(bytes.len() - 1)),
        "entry 2047 (tile/entries/007): the file ends inside it"
    );
    assert_eq!(
        with("tile/entries/007", &|bytes| bytes.extend([0, 0])),
        "tile/entries/007: has 257 entries instead of 256"
    );
    assert_eq!(
        with("tile/0/257.p/208", &|bytes| bytes.truncate(207 * 32)),
        "tile/0/257.p/208: has 6624 bytes instead of 6656"
    );
    assert!(with("checkpoint", &flip(18)).contains("altered after signing"));
    assert!(with("log.vkey", &flip(20)).contains("is not a verifier key"));
    let missing = bundle.join("tile/entries/100");
    fs::remove_file(&missing).unwrap();
    assert!(matches!(check(&bundle), Err(BundleError::Missing(path)) if path == missing));
}

#[tokio::test]
async fn a_bundle_rewritten_in_all_its_parts_differs_from_the_checkpoint() {
    let mut log = TestLog::new().await;
    let bundle = log.data.path().join("bundle");
    log.grow(5).await;
    log.sign().await.unwrap();
    log.export(&bundle).await.unwrap();
    let entries = bundle.join("tile/entries/000.p/5");
    let mut bytes = fs::read(&entries).unwrap();
    bytes[3] ^= 1;
    fs::write(&entries, &bytes).unwrap();
    let mut hashes = fs::read(bundle.join("tile/0/000.p/5")).unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    hashes[..32].copy_from_slice(&leaf_hash(&bytes[2..2 + length]).0);
    fs::write(bundle.join("tile/0/000.p/5"), &hashes).unwrap();
    let error = check(&bundle);
    assert!(
        matches!(error, Err(BundleError::Fault(Fault::Root { size: 5 }))),
        "{error:?}"
    );
    assert_eq!(
        TileId::at_size(0, 0, 5).unwrap().to_string(),
        "tile/0/000.p/5"
    );
}
