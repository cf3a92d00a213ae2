//! The transaction helper: what commits, what rolls back, what is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use subsidy_ledger::db::{Role, Turn, is_busy, is_lost, violated_constraint};
use subsidy_ledger::types::ZoneId;

use crate::kit::{TestDb, run};

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("refused")]
    Refused,
    #[error(transparent)]
    Transparent(sqlx::Error),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

async fn prepare(db: &TestDb) {
    let mut conn = db.superuser().await;
    run(
        &mut conn,
        "CREATE TABLE note (zone_id integer, word text CONSTRAINT note_word_key UNIQUE);
         CALL ledger.isolate_by_zone('note');
         GRANT SELECT, INSERT ON note TO subsidy_ledger_app;
         INSERT INTO note VALUES (1, 'old')",
    )
    .await;
}

async fn add(tx: &mut PgConnection, word: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO note VALUES (1, $1)")
        .bind(word)
        .execute(tx)
        .await?;
    Ok(())
}

async fn count(tx: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM note")
        .fetch_one(tx)
        .await
}

async fn counted(db: &TestDb, zone: impl Into<Option<ZoneId>>) -> i64 {
    let counted: Result<i64, sqlx::Error> =
        db.app().read(zone, (), |tx, ()| Box::pin(count(tx))).await;
    counted.unwrap()
}

#[tokio::test]
async fn success_commits_refusal_rolls_back_and_the_zone_is_the_transactions_own() {
    let db = TestDb::new().await;
    prepare(&db).await;
    let zone = ZoneId(1);
    let word = "new".to_owned();
    let added: Result<(), Refusal> = db
        .app()
        .write(zone, word, |tx, word| {
            Box::pin(async move { Ok(add(tx, word).await?) })
        })
        .await;
    added.unwrap();
    assert_eq!(counted(&db, zone).await, 2);

    let refused: Result<(), Refusal> = db
        .app()
        .write(zone, (), |tx, ()| {
            Box::pin(async move {
                add(tx, "refused").await?;
                Err(Refusal::Refused)
            })
        })
        .await;
    assert!(matches!(refused, Err(Refusal::Refused)));
    assert_eq!(counted(&db, zone).await, 2);
    assert_eq!(
        counted(&db, ZoneId(2)).await,
        0,
        "rows of another zone are hidden"
    );
    assert_eq!(counted(&db, None).await, 0, "without a zone, all are");

    let doubled: Result<(), sqlx::Error> = db
        .app()
        .write(zone, (), |tx, ()| Box::pin(add(tx, "new")))
        .await;
    assert_eq!(
        violated_constraint(&doubled.unwrap_err()),
        Some("note_word_key")
    );

    let read: Result<(), sqlx::Error> = db
        .app()
        .read(zone, (), |tx, ()| Box::pin(add(tx, "read")))
        .await;
    let code = read.unwrap_err();
    let code = code
        .as_database_error()
        .unwrap()
        .code()
        .unwrap()
        .into_owned();
    assert_eq!(code, "25006", "read_only_sql_transaction");
}

#[tokio::test]
async fn a_dropped_caller_leaves_no_transaction_open() {
    let db = TestDb::new().await;
    prepare(&db).await;
    for round in 0..40_u64 {
        let app = db.app().clone();
        let caller = tokio::spawn(async move {
            app.write(ZoneId(1), round, |tx, round| {
                Box::pin(async move { add(tx, &round.to_string()).await })
            })
            .await
        });
        tokio::time::sleep(Duration::from_micros(round * 50)).await;
        caller.abort();
    }
    let mut conn = db.superuser().await;
    // They end as soon as the machine gets to it; one that nobody ends would stay for good.
    let mut idle = i64::MAX;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        idle = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
        .fetch_one(&mut conn)
        .await
        .unwrap();
        if idle == 0 {
            break;
        }
    }
    assert_eq!(idle, 0);
}

/// Raises SQLSTATE 40001 the first times, as Postgres does to one of two that race.
async fn lose(tx: &mut PgConnection, tries: &AtomicU32, losses: u32) -> Result<(), sqlx::Error> {
    if tries.fetch_add(1, Ordering::SeqCst) < losses {
        sqlx::query("DO $$ BEGIN RAISE 'race' USING ERRCODE = 'serialization_failure'; END $$")
            .execute(&mut *tx)
            .await?;
    }
    add(tx, "won").await
}

#[tokio::test]
async fn a_lost_race_is_run_again_but_not_for_ever() {
    let db = TestDb::new().await;
    prepare(&db).await;
    let tries = Arc::new(AtomicU32::new(0));
    let won: Result<(), Refusal> = db
        .app()
        .write(ZoneId(1), tries.clone(), |tx, tries| {
            Box::pin(async move { Ok(lose(tx, tries, 2).await?) })
        })
        .await;
    won.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3);

    let tries = Arc::new(AtomicU32::new(0));
    let lost: Result<(), Refusal> = db
        .app()
        .write(ZoneId(1), tries.clone(), |tx, tries| {
            Box::pin(async move {
                lose(tx, tries, u32::MAX)
                    .await
                    .map_err(Refusal::Transparent)
            })
        })
        .await;
    assert!(matches!(lost, Err(Refusal::Transparent(_))));
    assert_eq!(
        tries.load(Ordering::SeqCst),
        6,
        "once, and five times again"
    );
}

#[tokio::test]
async fn each_role_is_what_it_says() {
    let db = TestDb::new().await;
    for role in Role::ALL {
        let database = db.connect(role).await;
        let group: String = sqlx::query_scalar("SELECT current_user::text")
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(group, role.group());
    }
    let auditor = db.connect(Role::Auditor).await;
    let written = sqlx::query("UPDATE ledger.zone SET code = 'X'").execute(auditor.pool());
    assert!(written.await.is_err());
    let owner: String = sqlx::query_scalar(
        "SELECT tableowner::text FROM pg_tables WHERE schemaname = 'ledger' AND tablename = 'zone'",
    )
    .fetch_one(db.app().pool())
    .await
    .unwrap();
    assert_eq!(owner, "subsidy_ledger_owner");
}

/// One has its turn until it is told to end; the other waits, says so once, and then has it.
#[tokio::test]
async fn long_commands_take_turns_and_one_that_waits_says_so() {
    const ZONE: ZoneId = ZoneId(1);
    let db = TestDb::new().await;
    let (has_begun, begun) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel();
    let signals = std::sync::Mutex::new(Some((has_begun, ended)));
    let first = db.app().write(ZONE, signals, move |tx, signals| {
        let (has_begun, ended) = signals.lock().unwrap().take().unwrap();
        Box::pin(async move {
            Turn::Facts.wait(tx, ZONE).await?;
            has_begun.send(()).unwrap();
            ended.await.unwrap();
            Ok::<_, sqlx::Error>(())
        })
    });
    let told = Arc::new(AtomicU32::new(0));
    let end = std::sync::Mutex::new(Some(end));
    let others = async {
        begun.await.unwrap();
        let busy: Result<(), Refusal> = db
            .app()
            .write(ZONE, (), |tx, ()| {
                Box::pin(async move {
                    run(tx, "SET LOCAL lock_timeout = '20ms'").await;
                    Turn::Facts
                        .wait(tx, ZONE)
                        .await
                        .map_err(Refusal::Transparent)
                })
            })
            .await;
        let busy = busy.unwrap_err();
        assert!(is_busy(&busy), "{busy:?}");
        assert!(!is_busy(&Refusal::Refused));
        let patient: Result<(), sqlx::Error> = db
            .app()
            .write(ZONE, (told.clone(), end), |tx, (told, end)| {
                Box::pin(async move {
                    Turn::Parties
                        .wait_patiently(tx, ZONE, &|| panic!("another turn"))
                        .await?;
                    Turn::Facts
                        .wait_patiently(tx, ZoneId(2), &|| panic!("another zone"))
                        .await?;
                    let waiting = || {
                        told.fetch_add(1, Ordering::Relaxed);
                        let end = end.lock().unwrap().take();
                        end.unwrap().send(()).unwrap();
                    };
                    Turn::Facts.wait_patiently(tx, ZONE, &waiting).await
                })
            })
            .await;
        patient.unwrap();
    };
    let (first, ()) = tokio::join!(first, others);
    first.unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 1);
}

/// Whether the last transaction of a session that ended was committed, nobody knows.
#[tokio::test]
async fn a_session_that_ends_under_a_command_is_lost() {
    const ZONE: ZoneId = ZoneId(1);
    let db = TestDb::new().await;
    let superuser = tokio::sync::Mutex::new(db.superuser().await);
    let ended: Result<(), Refusal> = db
        .app()
        .write(ZONE, superuser, |tx, superuser| {
            Box::pin(async move {
                let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
                    .fetch_one(&mut *tx)
                    .await?;
                let end = format!("SELECT pg_terminate_backend({pid}, 60000)");
                run(&mut *superuser.lock().await, &end).await;
                let next = sqlx::query("SELECT 1").execute(tx).await;
                next.map(drop).map_err(Refusal::Transparent)
            })
        })
        .await;
    let ended = ended.unwrap_err();
    assert!(is_lost(&ended), "{ended:?}");
    let io = |kind: std::io::ErrorKind| sqlx::Error::Io(kind.into());
    let broken = std::io::ErrorKind::BrokenPipe;
    assert!(is_lost(&io(broken)) && is_lost(&Refusal::Transparent(io(broken))));
    assert!(is_lost(&Refusal::Sql(io(broken))));
    assert!(!is_lost(&io(std::io::ErrorKind::ConnectionRefused)));
    assert!(!is_lost(&std::io::Error::from(broken)) && !is_lost(&Refusal::Refused));
}
