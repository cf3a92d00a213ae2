//! The service on a zone with people, parties and rules, and commands given over it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use subsidy_ledger::clock::Clock;
use subsidy_ledger::http::{App, Limits, Settings};
use subsidy_ledger::telemetry;

use super::service::{Answer, ask};
use crate::kit::scenario::World;

pub(super) struct Office {
    pub(super) world: World,
    app: Arc<App>,
}

impl Office {
    /// On the morning of a day.
    pub(super) fn on(world: World, day: &str) -> Self {
        let now = world.caller("system", day, None).now;
        let app = App::new(Settings {
            database: world.db.app().clone(),
            clock: Clock::Fixed(now),
            signers: HashMap::new(),
            metrics: telemetry::start_metrics(),
            limits: Limits::default(),
        });
        Self { world, app }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("/v1/zones/TEST/{path}"));
        ask(&self.app, request.body(Body::empty()).unwrap()).await
    }

    /// A question, which nobody has to ask under a name.
    pub(super) async fn ask(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(format!("/v1/zones/TEST/{path}"));
        let request = request.header("content-type", "application/json");
        ask(
            &self.app,
            request.body(Body::from(body.to_string())).unwrap(),
        )
        .await
    }

    /// A command of a person, under a key.
    pub(super) async fn command(
        &self,
        path: &str,
        (who, key): (&str, &str),
        (media_type, body): (&str, &[u8]),
    ) -> Answer {
        let request = Request::post(format!("/v1/zones/TEST/{path}"))
            .header("content-type", media_type)
            .header("acting-person", who)
            .header("idempotency-key", key);
        ask(&self.app, request.body(Body::from(body.to_vec())).unwrap()).await
    }
}
