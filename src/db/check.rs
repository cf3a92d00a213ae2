//! Refuses a server that a ledger can't rest on.

use sqlx::postgres::PgConnection;

/// Why a server is refused.
#[derive(Debug, thiserror::Error)]
pub enum UnfitServer {
    /// Its version is too old for the schema.
    #[error("the server is PostgreSQL {found}; use 15 or newer")]
    TooOld {
        /// Its version, as it names it.
        found: String,
    },
    /// It may lose or damage what it has acknowledged.
    #[error(
        "the server has {setting} = {value}, so it may lose what it has acknowledged; \
         run: ALTER SYSTEM SET {setting} = on; SELECT pg_reload_conf();"
    )]
    NotDurable {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// It could not be asked.
    #[error("the server could not be asked for its settings")]
    Sql(#[from] sqlx::Error),
}

#[derive(sqlx::FromRow)]
struct Settings {
    version_number: i32,
    version: String,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    data_checksums: String,
}

/// Refuses a server older than 15, or whose `fsync`, `full_page_writes` or `synchronous_commit` is
/// off. Warns when data checksums are off: then a damaged disk goes unnoticed by the server, though
/// not by the log.
pub async fn check_server(conn: &mut PgConnection) -> Result<(), UnfitServer> {
    let settings: Settings = sqlx::query_as(
        "SELECT current_setting('server_version_num')::integer AS version_number,
                current_setting('server_version') AS version,
                current_setting('fsync') AS fsync,
                current_setting('full_page_writes') AS full_page_writes,
                current_setting('synchronous_commit') AS synchronous_commit,
                current_setting('data_checksums') AS data_checksums",
    )
    .fetch_one(conn)
    .await?;
    if settings.data_checksums != "on" {
        tracing::warn!("the server's data checksums are off: damage of its disk may go unnoticed");
    }
    judge(settings)
}

fn judge(settings: Settings) -> Result<(), UnfitServer> {
    if settings.version_number < 15_00_00 {
        return Err(UnfitServer::TooOld {
            found: settings.version,
        });
    }
    for (setting, value) in [
        ("fsync", settings.fsync),
        ("full_page_writes", settings.full_page_writes),
        ("synchronous_commit", settings.synchronous_commit),
    ] {
        // synchronous_commit has stronger and weaker forms, all of which flush: only off does not.
        if value == "off" {
            return Err(UnfitServer::NotDurable { setting, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Settings {
        Settings {
            version_number: 15_00_20,
            version: "15.20".to_owned(),
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "remote_apply".to_owned(),
            data_checksums: "on".to_owned(),
        }
    }

    #[test]
    fn each_unfit_setting_is_named() {
        let off = || "off".to_owned();
        assert!(judge(fit()).is_ok());
        for (unfit, named) in [
            (
                Settings {
                    fsync: off(),
                    ..fit()
                },
                "fsync = off",
            ),
            (
                Settings {
                    full_page_writes: off(),
                    ..fit()
                },
                "full_page_writes = off",
            ),
            (
                Settings {
                    synchronous_commit: off(),
                    ..fit()
                },
                "synchronous_commit = off",
            ),
            (
                Settings {
                    version_number: 14_00_30,
                    version: "14.30".to_owned(),
                    ..fit()
                },
                "PostgreSQL 14.30",
            ),
        ] {
            let refusal = judge(unfit).unwrap_err().to_string();
            assert!(refusal.contains(named), "{refusal}");
        }
    }
}
