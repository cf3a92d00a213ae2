//! What every handler is given.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Semaphore, watch};

use super::api::redemptions::{self, Redemptions};
use super::problem::Problem;
use crate::clock::Clock;
use crate::db::Database;
use crate::identity;
use crate::log::LogVerifierKey;
use crate::log::signer::SignerStatus;
use crate::types::{Zone, ZoneId};

/// What the service works with.
pub struct Settings {
    /// A pool in the app role.
    pub database: Database,
    /// Gives commands their time.
    pub clock: Clock,
    /// The signer of each zone's log. A zone that is missing has none, and is not ready.
    pub signers: HashMap<ZoneId, ZoneSigner>,
    /// What has been measured, to be shown at `/metrics`.
    pub metrics: PrometheusHandle,
    /// Bounds.
    pub limits: Limits,
}

/// The signer of a zone's log, as seen from here.
#[derive(Clone, Debug)]
pub struct ZoneSigner {
    /// The key that checks its checkpoints.
    pub key: LogVerifierKey,
    /// How it fares.
    pub status: watch::Receiver<SignerStatus>,
}

/// Bounds on what one client, or all of them, can make the service do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests answered at once; more are turned away with 503.
    pub requests: usize,
    /// Connections open at once; more wait to be accepted.
    pub connections: usize,
    /// Bytes of a request's body.
    pub body: usize,
    /// The same of a request that may hold a policy pack.
    pub pack: usize,
    /// The same of a file that is imported.
    pub import: usize,
    /// For a request's headers, and for a body, to arrive.
    pub arrival: Duration,
    /// For an answer.
    pub answer: Duration,
    /// For requests to be finished when the service stops.
    pub stop: Duration,
    /// How far the signer may be behind before the service is not ready.
    pub signer_lag: Duration,
    /// Commands waiting, and in one transaction, per zone.
    pub commands: super::coalescer::Size,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 1_024,
            connections: 2_048,
            body: 64 * 1_024,
            pack: 1_024 * 1_024,
            import: 16 * 1_024 * 1_024,
            arrival: Duration::from_secs(20),
            answer: Duration::from_secs(30),
            stop: Duration::from_secs(30),
            signer_lag: Duration::from_secs(10),
            commands: super::coalescer::Size {
                queue: 1_024,
                batch: 256,
                at_once: 2,
            },
        }
    }
}

/// The running service.
pub struct App {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) signers: HashMap<ZoneId, ZoneSigner>,
    pub(super) metrics: PrometheusHandle,
    pub(super) limits: Limits,
    pub(super) room: Semaphore,
    /// One run over a whole zone at a time: each holds the facts of every party.
    pub(super) whole_zone: Semaphore,
    /// Zones never change once they are set up, so they are read once.
    zones: RwLock<HashMap<String, Arc<ZoneDesk>>>,
}

/// A zone with the queue of its commands.
pub(super) struct ZoneDesk {
    pub(super) zone: Zone,
    pub(super) redemptions: Redemptions,
}

impl App {
    /// With nothing read yet.
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            database: settings.database,
            clock: settings.clock,
            signers: settings.signers,
            metrics: settings.metrics,
            room: Semaphore::new(settings.limits.requests),
            whole_zone: Semaphore::new(1),
            limits: settings.limits,
            zones: RwLock::default(),
        })
    }

    /// The zone with this code.
    pub(super) async fn zone(&self, code: &str) -> Result<Arc<ZoneDesk>, Problem> {
        if let Some(desk) = self.known(code) {
            return Ok(desk);
        }
        let all = self.all_zones().await?;
        let zone = all.into_iter().find(|zone| zone.code.as_str() == code);
        let zone = zone.ok_or_else(|| Problem::not_found("zone"))?;
        let mut zones = self.zones.write().unwrap_or_else(PoisonError::into_inner);
        let desk = zones.entry(code.to_owned()).or_insert_with(|| {
            let redemptions = redemptions::start(
                self.database.clone(),
                zone.clone(),
                self.clock,
                self.limits.commands,
            );
            Arc::new(ZoneDesk { zone, redemptions })
        });
        Ok(Arc::clone(desk))
    }

    fn known(&self, code: &str) -> Option<Arc<ZoneDesk>> {
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        zones.get(code).map(Arc::clone)
    }

    /// Every zone there is now.
    pub(super) async fn all_zones(&self) -> Result<Vec<Zone>, sqlx::Error> {
        self.database
            .read(None, (), |conn, ()| Box::pin(identity::store::zones(conn)))
            .await
    }

    /// Carries out the commands that wait, and takes no more.
    pub async fn stop(&self) {
        let desks: Vec<_> = {
            let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
            zones.values().map(Arc::clone).collect()
        };
        for desk in desks {
            desk.redemptions.stop().await;
        }
    }
}
