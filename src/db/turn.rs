//! Long commands of a zone, such as imports, take turns.

use std::time::Duration;

use sqlx::PgConnection;

use crate::types::ZoneId;

/// What one command at a time states in a zone, until its transaction ends: what it found not to be recorded is still
/// not recorded when it records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Facts.
    Facts,
    /// Parties, by the hundred.
    Parties,
    /// Past awards.
    Awards,
}

/// How long a command that waits in line asks again.
const AGAIN: Duration = Duration::from_millis(250);

impl Turn {
    /// Among advisory locks; the second number is the zone's.
    const fn lock(self) -> i32 {
        match self {
            Self::Facts => 0x4641_4354,
            Self::Parties => 0x4641_4355,
            Self::Awards => 0x4641_4356,
        }
    }

    /// Waits as long as the session waits for any lock.
    pub async fn wait(self, conn: &mut PgConnection, zone: ZoneId) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT pg_advisory_xact_lock($1, $2)")
            .bind(self.lock())
            .bind(zone.0)
            .execute(conn)
            .await?;
        Ok(())
    }

    /// Waits for as long as others take, and lets every later statement of the transaction wait for ten minutes: for a
    /// command that nobody waits for in the meantime. Calls `waiting` once if it is not its turn yet.
    pub async fn wait_patiently(
        self,
        conn: &mut PgConnection,
        zone: ZoneId,
        waiting: &(dyn Fn() + Sync),
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "SELECT set_config('lock_timeout', '10min', true), set_config('statement_timeout', '15min', true)",
        )
        .execute(&mut *conn)
        .await?;
        let mut has_waited = false;
        while !self.is_taken(conn, zone).await? {
            if !has_waited {
                waiting();
                has_waited = true;
            }
            tokio::time::sleep(AGAIN).await;
        }
        Ok(())
    }

    async fn is_taken(self, conn: &mut PgConnection, zone: ZoneId) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, $2)")
            .bind(self.lock())
            .bind(zone.0)
            .fetch_one(conn)
            .await
    }
}
