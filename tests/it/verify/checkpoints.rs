//! Deleted checkpoints: who misses them, and who can't.

use sqlx::{Connection, PgConnection};
use subsidy_ledger::verify::{DatabaseOptions, Outside};

use super::{DISARM, Played, knowing};
use crate::kit::run;

#[tokio::test]
async fn a_deleted_checkpoint_is_missed_by_whoever_kept_it() {
    let played = Played::new().await;
    let mut conn = played.db.superuser().await;
    let kept: String =
        sqlx::query_scalar("SELECT note FROM ledger.log_checkpoint WHERE size = 1301")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    let pinned = knowing(Outside {
        pinned: vec![("today.checkpoint".to_owned(), kept)],
        ..played.outside()
    });
    let without = async |conn: &mut PgConnection, size: i64, options: &DatabaseOptions| {
        let mut tx = conn.begin().await.unwrap();
        run(&mut tx, DISARM).await;
        sqlx::query("DELETE FROM ledger.log_checkpoint WHERE size = $1")
            .bind(size)
            .execute(&mut *tx)
            .await
            .unwrap();
        played.verify_in(&mut tx, options).await
    };
    let found = without(&mut conn, 1_301, &pinned).await.unwrap_err();
    assert_eq!(
        found,
        "ledger.log_checkpoint, size 1301 (kept as today.checkpoint): the row is missing, \
         but one follows from the log"
    );
    // The newest is remembered by the signer, who may have been interrupted before it was published.
    let warned = without(&mut conn, 1_400, &pinned).await.unwrap().warnings;
    let warning = "ledger.log_checkpoint has no row of size 1400, which was signed last";
    assert!(
        warned.len() == 1 && warned[0].starts_with(warning),
        "{warned:?}"
    );
    // Honestly: of another one nothing is left.
    let report = without(&mut conn, 1_301, &played.options()).await.unwrap();
    assert_eq!((report.checkpoints, report.warnings.len()), (15, 0));
}
