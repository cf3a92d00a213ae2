//! What commands need to work on a database: the server, a zone, a person.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use sqlx::PgConnection;

use super::{Global, output};
use crate::config::{self, DatabaseTarget};
use crate::db::private::{self, PrivateSettings};
use crate::db::{Database, Role, Server};
use crate::identity::{self, Actor, Caller, Command};
use crate::log::signer::sign_now;
use crate::types::Zone;

/// Sessions that a command line command opens at most.
const CONNECTIONS: u32 = 4;

/// A database in use, and where its keys are.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) server: Server,
    pub(super) database: Database,
    pub(super) data: PathBuf,
}

/// Where binaries are looked for, and who watches a private Postgres.
pub(super) fn private_settings() -> PrivateSettings {
    PrivateSettings {
        binaries: std::env::var_os("SUBSIDY_LEDGER_PG_BIN")
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from),
        guard: std::env::current_exe().ok(),
    }
}

/// The data folder and the database that the options choose.
pub(super) fn target(global: &Global) -> anyhow::Result<(PathBuf, DatabaseTarget)> {
    let data = config::data_folder(global.data.clone())?;
    let target = DatabaseTarget::choose(&data, global.database.clone());
    Ok((data, target))
}

/// Opens the server that the options choose, for a command that has to find a ledger there. A mistyped
/// `--data` must not become an empty ledger: only `migrate`, `serve` and `demo` make one.
pub(super) async fn open_server(target: &DatabaseTarget) -> anyhow::Result<Server> {
    if let DatabaseTarget::Private { data } = target
        && !private::has_cluster(data)
    {
        bail!(
            "there is no ledger in {}: name its folder with --data DIR, or make one there with \
             `subsidy-ledger migrate`, or `subsidy-ledger demo` for a first look",
            data.display()
        );
    }
    Ok(Server::open(target, &private_settings()).await?)
}

impl Session {
    /// Opens the database, which must have this version's schema.
    pub(super) async fn open(global: &Global) -> anyhow::Result<Self> {
        Self::open_as(global, Role::App).await
    }

    /// Opens the database in a role.
    pub(super) async fn open_as(global: &Global, role: Role) -> anyhow::Result<Self> {
        let (data, target) = target(global)?;
        let server = open_server(&target).await?;
        match Self::connect(&server, role).await {
            Ok(database) => Ok(Self {
                server,
                database,
                data,
            }),
            Err(error) => {
                server.close().await.ok();
                Err(error)
            }
        }
    }

    async fn connect(server: &Server, role: Role) -> anyhow::Result<Database> {
        let hint =
            "the database is not ready: run `subsidy-ledger migrate`, or `demo` for a first look";
        let database = server.connect(role, CONNECTIONS).await.context(hint)?;
        if !crate::db::is_current(database.pool()).await.context(hint)? {
            bail!(
                "the database has no schema yet, or another version's: run `subsidy-ledger migrate`, \
                 or `subsidy-ledger demo` for a first look"
            );
        }
        Ok(database)
    }

    /// Where signing keys are kept.
    pub(super) fn keys(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// The zone that the options name, or the only one.
    pub(super) async fn zone(&self, global: &Global) -> anyhow::Result<Zone> {
        let zones = self
            .database
            .read(None, (), |conn, ()| Box::pin(identity::store::zones(conn)))
            .await?;
        choose_zone(zones, global.zone.as_deref())
    }

    /// The person that `--as` names, in a zone, now.
    pub(super) async fn caller(&self, global: &Global) -> anyhow::Result<Caller> {
        let zone = self.zone(global).await?;
        let Some(login) = global.acting.clone() else {
            bail!("say who acts: --as LOGIN; `subsidy-ledger person list` shows who can");
        };
        let actor = self.actor(&zone, login).await?;
        Ok(Caller {
            zone,
            actor,
            now: global.clock().now(),
            key: global.key.clone(),
        })
    }

    /// Surroundings for a command that only reads: the zone's own person `system`.
    pub(super) async fn reader(&self, global: &Global) -> anyhow::Result<Caller> {
        let zone = self.zone(global).await?;
        let actor = self
            .actor(&zone, crate::zone::SYSTEM_LOGIN.parse()?)
            .await?;
        Ok(Caller {
            zone,
            actor,
            now: global.clock().now(),
            key: None,
        })
    }

    /// The person with a login.
    pub(super) async fn actor(&self, zone: &Zone, login: identity::Login) -> anyhow::Result<Actor> {
        let text = login.to_string();
        let actor = self
            .database
            .read(zone.id, (zone.id, login), |conn, (zone, login)| {
                Box::pin(identity::store::actor_by_login(conn, *zone, login))
            })
            .await?;
        actor.with_context(|| format!("no person {text} in zone {}: see `person list`", zone.code))
    }

    /// Runs one command in a transaction, and has the log signed.
    pub(super) async fn command<I, T, E, F>(
        &self,
        caller: &Caller,
        input: I,
        body: F,
    ) -> anyhow::Result<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Send + Sync + 'static,
        F: for<'c> Fn(&'c mut PgConnection, Command<'c>, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let input = (caller.clone(), input);
        let answer = self
            .database
            .write(caller.zone.id, input, move |conn, (caller, input)| {
                body(conn, caller.command(), input)
            })
            .await?;
        self.sign(&caller.zone, caller.now).await;
        Ok(answer)
    }

    /// Signs the log's head. What was recorded stays recorded if that fails, so it is only said.
    pub(super) async fn sign(&self, zone: &Zone, now: DateTime<Utc>) {
        if let Err(error) = sign_now(&self.database, zone.id, &self.keys(), now).await {
            output::note(&format!(
                "warning: recorded, but the log was not signed: {error}"
            ));
        }
    }

    /// Ends the use of the database.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.database.close().await;
        Ok(self.server.close().await?)
    }
}

pub(super) fn choose_zone(zones: Vec<Zone>, wanted: Option<&str>) -> anyhow::Result<Zone> {
    let codes = zones
        .iter()
        .map(|zone| zone.code.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let mut zones = zones.into_iter();
    match (wanted, zones.len()) {
        (_, 0) => bail!(
            "there is no zone yet: create one with `subsidy-ledger zone create`, or run `demo`"
        ),
        (Some(code), _) => zones
            .find(|zone| zone.code.as_str() == code)
            .with_context(|| format!("no zone {code}: there are {codes}")),
        (None, 1) => zones.next().context("BUG: one zone was counted"),
        (None, _) => bail!("say which zone: --zone CODE, one of {codes}"),
    }
}

/// Runs `work` on the session of a script, or on one that is opened for it and closed, whatever comes of it.
pub(super) async fn with_session<T>(
    global: &Global,
    work: impl AsyncFnOnce(&Session) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(scripted) = &global.scripted {
        return work(&scripted.session).await;
    }
    let session = Session::open(global).await?;
    let result = work(&session).await;
    let closed = session.close().await;
    let value = result?;
    closed?;
    Ok(value)
}
