//! Redemptions: `POST holds/{hold}/redemptions`, the service's hot endpoint.
//!
//! A zone's redemptions go through one [`Coalescer`], since one zone has one writer at a time: what
//! arrives while a transaction runs is the next transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::PgConnection;
use validator::{Validate, ValidationError};

use crate::batch::{Answered, BatchError, Rejected};
use crate::clock::Clock;
use crate::db::Database;
use crate::http::caller::Acting;
use crate::http::coalescer::{Coalescer, Executor, Running, Size};
use crate::http::extract::{self, Path};
use crate::http::problem::Problem;
use crate::http::refusals;
use crate::http::state::App;
use crate::identity::{self, Actor, Command, Login};
use crate::types::{Amount, Currency, HoldId, Money, Named, Zone};
use crate::voucher::{self, Redeem, RedeemAnswer};

/// A service that was delivered and invoiced.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewRedemption {
    /// What was invoiced, decimal text in the zone's currency.
    price: String,
    /// SHA-256 of invoice, proof of the firm's own share, report: hexadecimal.
    #[serde(default)]
    #[validate(
        length(max = 32, message = "at most 32 documents"),
        custom(function = "all_sha256")
    )]
    evidence: Vec<String>,
}

fn all_sha256(evidence: &[String]) -> Result<(), ValidationError> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if evidence
        .iter()
        .all(|text| text.len() == 64 && text.bytes().all(is_hex))
    {
        Ok(())
    } else {
        let message = "each must be a SHA-256 in 64 lower-case hexadecimal digits";
        Err(ValidationError::new("sha256").with_message(message.into()))
    }
}

/// `POST holds/{hold}/redemptions`, the hold by id or short name, with the headers of a command ([`Acting`]).
///
/// 200 with the answer and its entry; the same again for the same key and body. 409 when it is
/// refused, with the entry that says so.
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    Path((zone, hold)): Path<(String, String)>,
    acting: Acting,
    extract::Json(input): extract::Json<NewRedemption>,
) -> Result<Json<Answered<RedeemAnswer>>, Problem> {
    let hold: Named<HoldId> = hold.parse().map_err(|_| Problem::not_found("hold"))?;
    let desk = app.zone(&zone).await?;
    check_price(&input.price, desk.zone.currency)?;
    let redeem = Redeem {
        evidence: input.evidence,
        hold: find_hold(&app, &desk.zone, hold).await?,
        price: input.price,
    };
    let answered = desk
        .redemptions
        .submit(Redemption { acting, redeem })
        .await??;
    match answered.answer {
        RedeemAnswer::Refused(refused) => Err(Problem {
            entry: Some(answered.index),
            ..refused.into()
        }),
        RedeemAnswer::Redeemed { .. } => Ok(Json(answered)),
    }
}

/// Only a short name takes a look into the log; programs use ids.
async fn find_hold(app: &App, zone: &Zone, named: Named<HoldId>) -> Result<HoldId, Problem> {
    if let Named::Id(id) = named {
        return Ok(id);
    }
    let found = app
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(voucher::find_hold(conn, *zone, *named))
        })
        .await?;
    found.ok_or_else(|| Problem::not_found("hold"))
}

fn check_price(price: &str, currency: Currency) -> Result<(), Problem> {
    let price = Money::parse(price, currency)
        .map_err(|error| Problem::invalid("price", error.to_string()))?;
    Amount::new(price).map_err(|error| Problem::invalid("price", error.to_string()))?;
    Ok(())
}

/// A redemption in the queue.
#[derive(Clone, Debug)]
pub(in crate::http) struct Redemption {
    acting: Acting,
    redeem: Redeem,
}

/// Why a redemption of a batch was not even recorded.
#[derive(Debug)]
pub(in crate::http) enum NotRedeemed {
    /// Nobody has that login.
    UnknownPerson(Login),
    /// The command was rejected.
    Rejected(Rejected),
}

type Answer = Result<Answered<RedeemAnswer>, NotRedeemed>;

/// The queue of a zone's redemptions.
pub(in crate::http) type Redemptions = Coalescer<Redemption, Answer, BatchError>;

/// Starts the queue of a zone.
pub(in crate::http) fn start(
    database: Database,
    zone: Zone,
    clock: Clock,
    size: Size,
) -> Redemptions {
    let zone = Arc::new(zone);
    let run = move |batch: Arc<Vec<Redemption>>| {
        let (database, zone) = (database.clone(), Arc::clone(&zone));
        let future: Running<Answer, BatchError> = Box::pin(async move {
            let input = (Arc::clone(&zone), clock.now(), batch);
            database
                .write(zone.id, input, |conn, (zone, now, batch)| {
                    Box::pin(redeem(conn, zone, *now, batch))
                })
                .await
        });
        future
    };
    let executor = Executor {
        run: Box::new(run),
        is_outage: refusals::is_voucher_outage,
    };
    Coalescer::start("redemptions", size, executor)
}

/// Redeems a batch in the caller's transaction. The persons are looked up together, here, so that
/// what they may do is what they may do when it is done.
async fn redeem(
    conn: &mut PgConnection,
    zone: &Zone,
    now: DateTime<Utc>,
    batch: &[Redemption],
) -> Result<Vec<Answer>, BatchError> {
    let logins: HashSet<&Login> = batch.iter().map(|one| &one.acting.person).collect();
    let logins: Vec<&Login> = logins.into_iter().collect();
    let found = identity::store::actors_by_logins(conn, zone.id, &logins).await?;
    let actors: HashMap<&Login, &Actor> = found.iter().map(|actor| (&actor.login, actor)).collect();
    let commands: Vec<(Command<'_>, Redeem)> = batch
        .iter()
        .filter_map(|one| {
            let actor = actors.get(&one.acting.person)?;
            let command = Command {
                zone,
                actor,
                now,
                key: one.acting.key.as_deref(),
            };
            Some((command, one.redeem.clone()))
        })
        .collect();
    let mut answers = voucher::redeem(conn, &commands).await?.into_iter();
    Ok(batch
        .iter()
        .map(|one| {
            if actors.contains_key(&one.acting.person) {
                let answer = answers.next().expect("BUG: an answer for every command");
                answer.map_err(NotRedeemed::Rejected)
            } else {
                Err(NotRedeemed::UnknownPerson(one.acting.person.clone()))
            }
        })
        .collect())
}
